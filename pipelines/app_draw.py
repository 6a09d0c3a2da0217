"""The tab that draws: a signer who does not exist, three genuine acts, three forgeries, and the pen as it moves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import FORGERY_KINDS, PENS, PROFILES, World, WorldConfig, forge, render

from .app_widgets import gallery, message, movements, player

KINDS = tuple(kind for kind in FORGERY_KINDS if kind not in ("random", "disguise"))
CAPTURES = ("clean", "scan", "photo", "fax")
_HEIGHT, _WIDTH = 120, 280


def drawn(
    seed: float, index: float, script: str, pen: str, kind: str, skill: float, capture: str
) -> tuple[list[tuple[str, NDArray[np.uint8]]], str]:
    """Return titled images of three genuine acts and three forgeries, and the movements of the first of each.

    Raises:
        ValueError: If the script, pen, kind or capture is unknown or a number out of range.
    """
    world = World(int(seed), WorldConfig(profiles=((script, 1.0),), pens=((pen, 1.0),)))
    signer = world[int(index)]
    genuine = [signer.genuine(act) for act in (0, 4, 8)]
    forged = [forge(signer, by=world[int(index) + 1000 + i], kind=kind, skill=skill, act=0) for i in range(3)]
    titles = [f"Genuine, day {i + 1}" for i in range(3)] + [f"Forgery by person {i + 1}" for i in range(3)]
    images = [render(act, height=_HEIGHT, width=_WIDTH, capture=capture) for act in (*genuine, *forged)]
    plays = {"Genuine": genuine[0].trajectory, f"Forgery ({kind}, skill {skill:.2f})": forged[0].trajectory}
    return list(zip(titles, images, strict=True)), movements(plays)


def show(*values: Any) -> tuple[str, str]:
    """Return the gallery and the player's acts, or a message."""
    try:
        pictures, plays = drawn(*values)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        return message(str(error)), "[]"
    return gallery(pictures), plays


def draw_tab() -> tuple[Any, list[Any], list[Any]]:
    """Build the tab; return what draws it, its inputs and outputs, so that the page can draw it when it loads."""
    import gradio as gr

    gr.Markdown("A person who does not exist, drawn from a number. Move a slider; the pen shows how it was written.")
    with gr.Row():
        seed = gr.Number(7, label="World seed", precision=0, minimum=0, elem_id="seed")
        signer = gr.Slider(0, 500, value=5, step=1, label="Signer", elem_id="signer")
    with gr.Row():
        script = gr.Dropdown(list(PROFILES), value="latin_cursive", label="Script", elem_id="script")
        pen = gr.Dropdown(list(PENS), value="ballpoint", label="Pen", elem_id="pen")
        capture = gr.Dropdown(list(CAPTURES), value="scan", label="How it became an image", elem_id="capture")
    with gr.Row():
        kind = gr.Dropdown(list(KINDS), value="freehand", label="Forger", elem_id="kind")
        skill = gr.Slider(0.0, 1.0, value=0.5, step=0.05, label="Forger's skill", elem_id="skill")
    acts = player()
    pictures = gr.HTML(elem_id="drawn")
    inputs: list[Any] = [seed, signer, script, pen, kind, skill, capture]
    outputs: list[Any] = [pictures, acts]
    for control in inputs:
        control.change(
            show, inputs, outputs, show_progress="hidden", trigger_mode="always_last", api_visibility="private"
        )
    return show, inputs, outputs
