"""The tab to sign on: several references and a questioned drawing, compared by their movement and by their image."""

import html

import cv2
import numpy as np
from numpy.typing import NDArray

from .app_desk import Desk
from .app_widgets import BOXES, facts, gallery, message, read_drawings, sheet
from .pen_bench import PenAnswer
from .runs import RunError
from .verify import Answer, BadInput
from .verify_page import VERDICTS, probability, threshold_alone, verdict_to_show

INK_MM, PX_PER_MM, SIZE_MM = 0.45, 8.0, 50.0


def ink_image(drawing: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a drawing as a scan of 200 dpi would show it, 50 mm wide at most: uint8, dark ink on light paper.

    Args:
        drawing: Rows of x, y (up), t s, pressure, any unit of length.
    """
    down = drawing[:, 3] > 0
    low, high = drawing[down, :2].min(axis=0), drawing[down, :2].max(axis=0)
    scale = SIZE_MM * PX_PER_MM / max(float((high - low).max()), 1e-9)
    edge = 3.0 * PX_PER_MM
    x, y = (drawing[:, 0] - low[0]) * scale + edge, (high[1] - drawing[:, 1]) * scale + edge
    height, width = (int(np.ceil(side * scale + 2 * edge)) for side in (high - low)[::-1])
    page = np.full((height, width), 255, dtype=np.uint8)
    for part in np.split(np.arange(len(drawing)), np.flatnonzero(~down)):
        rows = part[down[part]]
        if len(rows):
            points = np.round(16.0 * np.column_stack([x[rows], y[rows]])).astype(np.int32)
            cv2.polylines(page, [points], False, 30, max(1, round(INK_MM * PX_PER_MM)), cv2.LINE_AA, 4)
    return np.asarray(cv2.GaussianBlur(page, (0, 0), 0.7), dtype=np.uint8)


def _box(how: str, answer: Answer | PenAnswer, basis: str = "") -> str:
    """Return what one way of comparing says, in large letters, coloured by how far the evidence bears it out."""
    shown = verdict_to_show(answer.verdict, answer.log10_lr)
    head = f"By {how}: {VERDICTS[shown]}, {probability(answer.similarity)} probable at even odds"
    words = answer.words + threshold_alone(answer.verdict, answer.log10_lr) + basis
    return (
        f'<p class="message {BOXES[shown]}"><strong class="verdict">{html.escape(head)}</strong>'
        f"{html.escape(words)}</p>"
    )


def compared(desk: Desk, value: object) -> tuple[str, str, str]:
    """Return what the movement and the image say about the questioned drawing, pictures, and an empty sheet value."""
    try:
        references, questioned = read_drawings(value)
        moved = desk.pens.answer(references, questioned)
        images = [ink_image(one) for one in (*references, questioned)]
    except (BadInput, ValueError) as error:
        return message(str(error)), "", ""
    basis = " (warping distance, fitted on synthetic signers)"
    parts = [_box("movement", moved, basis)]
    rows = [("movement", f"log10 likelihood ratio {moved.log10_lr:+.2f}, score {moved.score:.3f}")]
    try:
        seen = desk.answer(images[:-1], images[-1])
        parts.append(_box("image", seen))
        rows += [
            ("image", f"log10 likelihood ratio {seen.log10_lr:+.2f}, score {seen.score:.3f}"),
            ("notice", seen.notice),
        ]
        rows += [("take care", flag) for flag in seen.flags]
    except (RunError, BadInput, ValueError) as error:
        parts.append(message(f"By image: {error}"))
        rows.append(("notice", "Fitted on synthetic signers. A score is no evidence by itself."))
    titled = [(f"Reference {i + 1}", image) for i, image in enumerate(images[:-1])]
    return "".join(parts) + facts(rows), gallery([("Questioned", images[-1]), *titled]), ""


def sign_tab(desk: Desk) -> None:
    """Build the tab."""
    import gradio as gr

    gr.Markdown(
        "Sign three times, keep each as a reference, then sign again or let somebody forge you. Nothing is stored: "
        "drawings stay in this page, are compared in memory and forgotten."
    )
    drawing = sheet()
    said = gr.HTML(elem_id="sign-answer")
    pictures = gr.HTML(elem_id="sign-pictures")
    drawing.submit(
        lambda value: compared(desk, value), drawing, [said, pictures, drawing], api_visibility="private",
        show_progress="hidden",
    )  # fmt: skip
