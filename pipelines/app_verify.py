"""The tab that compares images: references, a questioned one, how probable it is, and what each threshold costs."""

import html
import math
from typing import Any

from .app_desk import Desk
from .app_widgets import BOXES, MAX_IMAGES, facts, gallery, message, picker, read_images
from .decisions import FusedPoint
from .operating import Rates
from .runs import RunError
from .verify import OFTEN_COPIED, Answer, BadInput, enrol, score_at, similarity_of
from .verify_page import (
    VERDICTS,
    lines,
    panels,
    percent,
    probability,
    rated_words,
    threshold_alone,
    verdict_to_show,
)

Memory = dict[str, Any]
"""What is remembered of a comparison while its page is open: three numbers, no picture."""


def frozen_point(desk: Desk, n_references: int) -> FusedPoint:
    """Return what the run froze for a number of references, fused as usual."""
    verifier = desk.need().verifier
    return verifier.operating_point(verifier.usual_fusion(n_references), n_references)[0]


def frozen_similarity(desk: Desk, n_references: int = 1) -> float:
    """Return the frozen threshold as a similarity in per cent."""
    point = frozen_point(desk, n_references)
    return similarity_of(float(point.calibrator.log_lr(point.threshold)))


def slider_place(similarity: float) -> float:
    """Return where the slider stands for a similarity."""
    return min(max(float(round(similarity)), 1.0), 99.0)


def is_frozen(desk: Desk, similarity: float, n_references: int) -> bool:
    """Return whether a similarity is the frozen threshold, or the place of the slider that stands for it."""
    frozen = frozen_similarity(desk, n_references)
    return any(math.isclose(similarity, place, abs_tol=1e-9) for place in (frozen, slider_place(frozen)))


def cost_at(desk: Desk, similarity: float, n_references: int) -> tuple[float, Rates]:
    """Return the score and the error rates of accepting from a similarity on.

    The frozen threshold is taken as it was frozen: turned into a similarity and back it would miss, by a rounding, the
    trial that lies exactly on it.
    """
    point = frozen_point(desk, n_references)
    frozen = is_frozen(desk, similarity, n_references)
    score = point.threshold if frozen else score_at(similarity, point.calibrator)
    return score, desk.need().rates(score, n_references=n_references)


def scale(threshold: float, frozen: float, similarity: float | None) -> str:
    """Return a bar from 0 to 100 % with the threshold, the frozen one, the often-copied 55 % and the answer."""
    marks = [
        (OFTEN_COPIED, "#8a6100", "55 % ", 62, "end"),
        (frozen, "#0b6e4f", "frozen", 76, "middle"),
        (threshold, "#111827", "threshold", 12, "middle"),
    ]
    marks += [] if similarity is None else [(similarity, "#b3261e", probability(similarity), 26, "middle")]
    drawn = []
    for place, colour, text, height, side in marks:
        x = 20 + 5.6 * place
        anchor = "start" if place < 12 else "end" if place > 88 else side
        drawn.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{min(height + 3, 34)}" y2="{max(height - 10, 50)}" stroke="{colour}" '
            f'stroke-width="2"/><text x="{x:.1f}" y="{height}" fill="{colour}" text-anchor="{anchor}" '
            f'font-size="12">{text}</text>'
        )
    said = "; ".join(f"{text} at {place:.1f}" for place, _, text, _, _ in marks)
    return (
        f'<div class="wide"><svg viewBox="0 0 600 84" role="img" aria-label="{html.escape(said)}">'
        f'<rect x="20" y="38" width="560" height="8" fill="#cbd5e1"/>{"".join(drawn)}</svg></div>'
    )


def cost_text(desk: Desk, threshold: float, memory: Memory | None) -> str:
    """Return what a threshold buys, what the often-copied one would, and the verdict at this threshold."""
    try:
        memory = memory or {}
        n = int(memory.get("n", 1))
        frozen, similarity = frozen_similarity(desk, n), memory.get("similarity")
        rows = []
        for name, place in (("this threshold", threshold), ("frozen", frozen), ("often copied", OFTEN_COPIED)):
            _, rates = cost_at(desk, place, n)
            rows.append(
                (
                    f"{name}: {probability(place)}",
                    f"FAR of skilled forgeries {percent(rates.far_skilled)}, "
                    f"of random ones {percent(rates.far_random)}; FRR {percent(rates.frr)}",
                )
            )
    except (RunError, ValueError) as error:
        return message(str(error))
    counted = rated_words(desk.need().rated_on(n))
    note = f"Rates with {'one reference' if n == 1 else f'{n} references'}, counted on {counted}."
    return scale(threshold, frozen, similarity) + facts(rows) + f"<p>{note}</p>"


def verdict_text(answer: Answer) -> str:
    """Return the verdict in large letters with everything needed to doubt it; escaped."""
    shown = verdict_to_show(answer.verdict, answer.log10_lr)
    head = f"{VERDICTS[shown]}: {probability(answer.similarity)} probable at even odds"
    words = answer.words + threshold_alone(answer.verdict, answer.log10_lr)
    return (
        f'<p class="message {BOXES[shown]}" role="status"><strong class="verdict">{head}</strong>'
        f"{html.escape(words)}</p>{facts(lines(answer)[1:])}"
    )


def compare(desk: Desk, known: object, asked: object, threshold: float, memory: Memory | None) -> tuple[Any, ...]:
    """Return the answer, what the threshold buys, what to remember of it, and where the slider now stands.

    Each number of references has its own frozen threshold: a slider that stands on one goes on to the next.
    """
    place, n = threshold, int((memory or {}).get("n", 1))
    try:
        frozen = is_frozen(desk, threshold, n)
        place = slider_place(frozen_similarity(desk)) if frozen else threshold
        references = read_images(known, role="reference")
        questioned = read_images(asked, role="questioned image", most=1)
        if not references or not questioned:
            said = message("Choose a reference and a questioned image.")
            return said, cost_text(desk, place, None), None, place
        n = len(references)
        answer = desk.answer(references, questioned[0], None if frozen else cost_at(desk, threshold, n)[0])
    except (BadInput, RunError, ValueError) as error:
        return message(str(error)), cost_text(desk, place, None), None, place
    place = slider_place(frozen_similarity(desk, n)) if frozen else threshold
    memory = {"similarity": answer.similarity, "n": n}
    return verdict_text(answer), cost_text(desk, place, memory), memory, place


def attention(desk: Desk, known: object, asked: object, memory: Memory | None) -> tuple[str, str, str]:
    """Return the pictures of why, and empty choosers' values: what was uploaded is forgotten on both sides."""
    if not memory:
        return "", "", ""
    try:
        bench = desk.need()
        references, questioned = (
            read_images(known, role="reference"),
            read_images(asked, role="questioned image", most=1),
        )
        with desk.lock:
            enrolled = enrol(bench.verifier, references, [str(i + 1) for i in range(len(references))])
            return gallery(panels(bench.verifier, enrolled, questioned[0])[1]), "", ""
    except (BadInput, RunError, ValueError) as error:
        return message(f"No picture of why: {error}"), "", ""


def verify_tab(desk: Desk) -> Any:
    """Build the tab; return its threshold slider."""
    import gradio as gr

    memory = gr.State(None)
    gr.Markdown(
        "Choose one to five reference samples of the claimed signer, and the sample to verify. The answer is how "
        "probable a genuine signature is if beforehand it is as probable as a skilled forgery: at even odds."
    )
    with gr.Row():
        known = picker("Reference samples", most=MAX_IMAGES, elem_id="references")
        asked = picker("Verification sample", most=1, elem_id="questioned")
    button = gr.Button("Compare", variant="primary", elem_id="compare")
    said = gr.HTML(elem_id="verdict")
    value = slider_place(frozen_similarity(desk)) if desk.bench else OFTEN_COPIED
    threshold = gr.Slider(
        1, 99, value=value, step=1, label="Accept from this probability on, in % at even odds", elem_id="threshold"
    )
    cost = gr.HTML(value=cost_text(desk, value, None), elem_id="cost")
    why = gr.HTML(elem_id="why")
    first = button.click(
        lambda *values: compare(desk, *values), [known, asked, threshold, memory], [said, cost, memory, threshold],
        api_visibility="private", show_progress="hidden", concurrency_limit=4,
    )  # fmt: skip
    first.then(
        lambda *values: attention(desk, *values)[0], [known, asked, memory], [why],
        api_visibility="private", show_progress="hidden", concurrency_limit=2,
    )  # fmt: skip
    threshold.input(
        lambda *values: cost_text(desk, *values), [threshold, memory], cost, api_visibility="private",
        show_progress="hidden", trigger_mode="always_last",
    )  # fmt: skip
    return threshold
