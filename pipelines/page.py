"""Pieces of a self-contained HTML page: one style, tables, pictures and figures inside the file itself."""

import base64
import html
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

STYLE = """
:root { color-scheme: light; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem; color: #1a1a1a; background: #fff } table { border-collapse: collapse; margin: 1rem 0 }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .8rem; text-align: right } th:first-child, td:first-child
{ text-align: left } figure { margin: 1.5rem 0 } figure svg, figure img { max-width: 100%; height: auto }
figcaption { color: #444; font-size: .9rem } .notice { border-left: 4px solid #0072B2; padding: .5rem 1rem;
background: #eef5fa } .pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem }
.pairs img { border: 1px solid #ccc; width: 48% } @media print { body { margin: 0 } figure { break-inside: avoid } }
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of text cells; everything is escaped."""
    cells = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    cells += ["".join(f"<td>{html.escape(value)}</td>" for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def picture(pixels: NDArray[np.uint8], alt: str) -> str:
    """Return a grey picture as a PNG inside the page."""
    content = base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{content}">'


def figure(content: str, caption: str) -> str:
    """Return a figure with its caption; the content is HTML or SVG."""
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"


def page(title: str, heading: str, body: str) -> str:
    """Return a whole page; the body is HTML."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(heading)}</h1>{body}</html>"
    )
