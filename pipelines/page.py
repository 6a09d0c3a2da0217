"""Pieces of a self-contained HTML page: one style, tables, pictures and figures inside the file itself."""

import base64
import html
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

STYLE = """
:root { color-scheme: light; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto;
padding: 0 1rem; color: #1a1a1a; background: #fff } table { border-collapse: collapse; margin: 1rem 0 }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .8rem; text-align: right } th:first-child, td:first-child
{ text-align: left } table.words td, table.words th { text-align: left; vertical-align: top }
figure { margin: 1.5rem 0 } figure svg, figure img { max-width: 100%; height: auto }
figcaption { color: #444; font-size: .9rem } .notice { border-left: 4px solid #0072B2; padding: .5rem 1rem;
background: #eef5fa } .failed { border-left: 6px solid #b00020; padding: .5rem 1rem; background: #fdecee;
color: #8a0019 }
.failed h2, .note h2 { margin: 0; font-size: 1.1rem } .failed, .note { margin: 1rem 0 }
.note { border-left: 6px solid #E69F00; padding: .5rem 1rem;
background: #fdf5e3 } td.failed { border-left: 0; padding: .3rem .8rem; font-weight: bold } td.note { border-left: 0;
padding: .3rem .8rem } .pairs { display: grid; gap: 1rem;
grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)) }
.pairs img { border: 1px solid #ccc; width: 48% } .pairs figure { margin: .5rem 0 }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1rem }
.small, .small table { font-size: .85rem } code { font-size: .85em; overflow-wrap: anywhere }
@media screen and (max-width: 48rem) { table { display: block; overflow-x: auto } th, td { padding: .3rem .5rem } }
@page { size: A4; margin: 15mm } @media print { body { margin: 0; padding: 0; max-width: none; font-size: 10.5pt }
figure, table, .pairs figure, .failed, .note { break-inside: avoid } h2, h3 { break-after: avoid }
.two { grid-template-columns: 1fr 1fr } .two figure { margin: .3rem 0 }
* { -webkit-print-color-adjust: exact; print-color-adjust: exact } }
"""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False) -> str:
    """Return a table of text cells; everything is escaped.

    Args:
        head: Column names.
        rows: Cells; one that says just "failed" or "note" is coloured as such.
        words: Whether the cells are words, aligned left, rather than numbers.
    """
    cells = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    cells += ["".join(_cell(value) for value in row) for row in rows]
    start = "<table class=words>" if words else "<table>"
    return start + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _cell(value: str) -> str:
    mark = f" class={value}" if value in ("failed", "note") else ""
    return f"<td{mark}>{html.escape(value)}</td>"


def callout(mark: str, title: str, lines: Sequence[str]) -> str:
    """Return lines under a title in a coloured box; nothing if there are none.

    Args:
        mark: "failed" (red) or "note" (amber).
        title: What the box is about.
        lines: Text, escaped here.
    """
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<div class={mark} role=alert><h2>{html.escape(title)}</h2><ul>{items}</ul></div>"


def picture(pixels: NDArray[np.uint8], alt: str) -> str:
    """Return a grey or RGB picture as a PNG inside the page."""
    stored = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    content = base64.b64encode(cv2.imencode(".png", stored)[1].tobytes()).decode()
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
