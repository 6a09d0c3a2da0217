"""The parts of the page that Gradio does not have: a sheet to sign on, a chooser of images, a player of pen movements.

Images and drawings travel as text inside the page's own requests, so that nothing is ever written to disk.
"""

import base64
import binascii
import html
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import UnreadableImage, decode_image
from .page import picture
from .verify import BadInput

MAX_FILE_BYTES = 8_000_000
MAX_IMAGES = 5
MAX_POINTS = 6_000
BOXES = {"accept": "fine", "reject": "", "inconclusive": "unsure"}
"""The kind of message box by the verdict that is shown."""
_WEB = Path(__file__).with_name("web")


@cache
def asset(name: str) -> str:
    """Return the text of one of the page's own files."""
    return (_WEB / name).read_text(encoding="utf-8")


def sheet() -> Any:
    """Return a sheet to sign on; its `submit` event hands over what `read_drawings` reads."""
    import gradio as gr

    template = """<div class="sheet">
<p id="sheet-help">Sign with the mouse, a pen or a finger. By keyboard: space lowers and lifts the pen, arrows move it,
with shift faster.</p>
<canvas tabindex="0" role="application" aria-label="Sheet to sign on" aria-describedby="sheet-help"></canvas>
<div class="buttons"><button type="button" class="keep">Keep as reference</button>
<button type="button" class="compare first">Compare with references</button>
<button type="button" class="clear">Clear sheet</button>
<button type="button" class="restart">Forget everything</button></div>
<p role="status" aria-live="polite">Keep one to five references, then sign once more and compare.</p>
<div class="drawings" role="group" aria-label="References kept in this page"></div></div>"""
    return gr.HTML(value="", html_template=template, js_on_load=asset("pad.js"), elem_id="sheet")


def picker(label: str, *, most: int, elem_id: str) -> Any:
    """Return a chooser of image files; its `change` event hands over what `read_images` reads."""
    import gradio as gr

    several = " multiple" if most > 1 else ""
    template = f"""<div class="picker" data-most="{most}" data-bytes="{MAX_FILE_BYTES}">
<label for="{elem_id}-input">{html.escape(label)}</label>
<input id="{elem_id}-input" type="file" accept="image/png,image/jpeg,image/tiff,image/bmp"{several}>
<p role="status" aria-live="polite">PNG, JPEG, TIFF or BMP, up to {MAX_FILE_BYTES // 10**6} MB.</p>
<div class="drawings" role="group" aria-label="{html.escape(label)}: chosen"></div></div>"""
    return gr.HTML(value="", html_template=template, js_on_load=asset("picker.js"), elem_id=elem_id)


def player() -> Any:
    """Return a player of pen movements; give it what `movements` returns."""
    import gradio as gr

    template = """<div class="player">
<canvas role="img" aria-label="Pen movements of a genuine signature and a forgery, at their own speed"></canvas>
<div class="buttons"><button type="button">Play</button>
<label>Time <input type="range" min="0" max="1000" value="0" aria-label="Time in the movement"></label></div></div>"""
    return gr.HTML(value="[]", html_template=template, js_on_load=asset("player.js"), elem_id="player")


def movements(acts: dict[str, NDArray[np.float64]]) -> str:
    """Return titled trajectories, rows of x mm, y mm, t s, pressure, as the player reads them."""
    return json.dumps([{"title": title, "rows": np.round(rows, 3).tolist()} for title, rows in acts.items()])


def read_images(value: object, *, role: str, most: int = MAX_IMAGES) -> list[NDArray[np.uint8]]:
    """Return the grey images that a chooser handed over; empty if it is empty.

    Raises:
        BadInput: If one is no usable image; names the file and why.
    """
    chosen = _parsed(value) or []
    if not isinstance(chosen, list) or len(chosen) > most:
        raise BadInput(f"{role}: choose from 1 to {most} images")
    return [_image(one, role) for one in chosen]


def _image(one: Any, role: str) -> NDArray[np.uint8]:
    if not isinstance(one, dict) or not isinstance(one.get("content"), str):
        raise BadInput(f"{role}: the page sent something that is no image")
    name = " ".join(str(one.get("name", "image")).split())[:80]
    if len(one["content"]) > MAX_FILE_BYTES * 4 // 3 + 4:
        raise BadInput(f"{role} {name} is larger than {MAX_FILE_BYTES // 10**6} MB")
    try:
        return decode_image(base64.b64decode(one["content"], validate=True))
    except (binascii.Error, ValueError) as error:
        reason = error.reason if isinstance(error, UnreadableImage) else "damaged on the way"
        raise BadInput(f"{role} {name} cannot be used: {reason}") from error


def read_drawings(value: object) -> tuple[list[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the references and the questioned drawing of a sheet, each of shape ``(n, 4)``.

    Rows are x px (right), y px (up), t s and pressure in [0, 1]; a row of pressure 0 stands between two strokes.

    Raises:
        BadInput: If there is no reference, or something is no drawing.
    """
    found = _parsed(value)
    if not isinstance(found, dict) or not isinstance(found.get("references"), list):
        raise BadInput("sign at least one reference and a signature to compare with it")
    references = found["references"]
    if not 1 <= len(references) <= MAX_IMAGES:
        raise BadInput(f"{len(references)} references were kept; keep from 1 to {MAX_IMAGES}")
    return [_drawing(one) for one in references], _drawing(found.get("questioned"))


def _drawing(strokes: Any) -> NDArray[np.float64]:
    rows: list[list[float]] = []
    try:
        for stroke in strokes:
            points = [[float(x), -float(y), float(t) / 1000.0, float(p)] for x, y, t, p in stroke]
            if rows and points:
                rows.append([*rows[-1][:3], 0.0])
            rows += points
            if len(rows) > MAX_POINTS:
                raise BadInput(f"a drawing has more than {MAX_POINTS:,} points; sign in fewer strokes")
    except (TypeError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput("the page sent something that is no drawing") from error
    made = np.array(rows, dtype=np.float64).reshape(-1, 4)
    if not np.isfinite(made).all() or np.abs(made).max(initial=0.0) > 1e6 or (np.diff(made[:, 2]) < 0).any():
        raise BadInput("the page sent a drawing with impossible numbers")
    made[:, 3] = np.clip(made[:, 3], 0.0, 1.0)
    if (made[:, 3] > 0).sum() < 8 or math.hypot(*np.ptp(made[:, :2], axis=0)) < 20:
        raise BadInput("a drawing is too short or too small to compare; sign larger")
    return made


def _parsed(value: object) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return json.loads(value) if value else None
    except (ValueError, RecursionError) as error:
        raise BadInput("the page sent something that cannot be read") from error


def message(text: str, kind: str = "") -> str:
    """Return a message box; the text is escaped."""
    return f'<p class="message {kind}" role="status">{html.escape(text)}</p>'


def facts(rows: list[tuple[str, str]]) -> str:
    """Return names and values as a table; everything is escaped."""
    cells = "".join(f'<tr><th scope="row">{html.escape(n)}</th><td>{html.escape(v)}</td></tr>' for n, v in rows)
    return f'<table class="facts">{cells}</table>'


def gallery(pictures: list[tuple[str, NDArray[np.uint8]]]) -> str:
    """Return titled pictures, grey or RGB, inside the page itself."""
    figures = [
        f"<figure>{picture(p, title)}<figcaption>{html.escape(title)}</figcaption></figure>" for title, p in pictures
    ]
    return f'<div class="gallery">{"".join(figures)}</div>'
