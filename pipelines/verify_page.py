"""How an answer is shown: lines for a terminal, a picture of why."""

import io
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .alignment import laid_on, matches, two_inks
from .calibration import VERBAL_SCALE
from .decisions import Enrolment
from .explain import Explanation, explain, overlay, strokes_words
from .files import write_beside
from .verify import Answer

VERDICTS = {"accept": "Match", "reject": "No match", "inconclusive": "Inconclusive"}


def verdict_to_show(verdict: str, log10_lr: float) -> str:
    """Return the verdict that people are shown: "inconclusive" unless the evidence supports what a threshold decided.

    A threshold weighs errors, not evidence: one below even odds accepts what the verbal scale calls no support.

    Args:
        verdict: "accept", "reject" or "inconclusive", as decided.
        log10_lr: Base-10 log likelihood ratio, genuine over forgery.

    Example:
        >>> verdict_to_show("accept", 0.1), verdict_to_show("accept", 1.4)
        ('inconclusive', 'accept')
    """
    least = VERBAL_SCALE[0][0]
    supported = {"accept": log10_lr >= least, "reject": log10_lr <= -least}
    return verdict if supported.get(verdict, True) else "inconclusive"


def threshold_alone(verdict: str, log10_lr: float) -> str:
    """Return what to add to the words on the evidence where a threshold decided without support; usually nothing."""
    return "" if verdict_to_show(verdict, log10_lr) == verdict else f"; the threshold alone would {verdict}"


def probability(value: float) -> str:
    """Return a probability at even odds, 0 to 100, in whole per cent.

    Example:
        >>> probability(57.2), probability(0.2), probability(99.8)
        ('57 %', 'under 1 %', 'over 99 %')
    """
    return "under 1 %" if value < 0.5 else "over 99 %" if value > 99.5 else f"{value:.0f} %"


def percent(value: float | None) -> str:
    """Return a rate as text."""
    return "not known" if value is None else f"{100 * value:.1f} %"


def rated_words(rated_on: str) -> str:
    """Return whose trials error rates were counted on, and that they flatter where thresholds were chosen on them."""
    flatters = ", the very ones thresholds were chosen on, which flatters"
    return f"synthetic {rated_on}{flatters if rated_on == 'development signers' else ''}"


def lines(answer: Answer) -> list[tuple[str, str]]:
    """Return an answer as names and values, the most telling first; the notice is the last line."""
    rates = answer.rates
    n = answer.n_references
    several = f", fusion {answer.fusion}, nearest number {answer.nearest + 1}, {answer.votes:.0%} of them accept alone"
    shown = VERDICTS[verdict_to_show(answer.verdict, answer.log10_lr)]
    words = answer.words + threshold_alone(answer.verdict, answer.log10_lr)
    rows = [
        ("verdict", f"{shown} ({answer.verdict} at the threshold)"),
        ("probability at even odds", probability(answer.similarity)),
        ("log10 likelihood ratio", f"{answer.log10_lr:+.2f}: {words}"),
        ("score", f"{answer.score:.4f}, threshold {answer.threshold:.4f} ({probability(answer.threshold_similarity)})"),
        ("threshold", answer.threshold_basis),
        (
            "errors at this threshold",
            f"FAR of skilled forgeries {percent(rates.far_skilled)}, of random ones {percent(rates.far_random)}, "
            f"FRR {percent(rates.frr)} ({rated_words(answer.rated_on)})",
        ),
        ("references", "1" if n == 1 else f"{n}{several}"),
    ]
    rows += [("calibration", answer.basis)] if answer.basis else []
    rows += [("take care", flag) for flag in answer.flags]
    return [*rows, ("notice", answer.notice)]


def panels(
    verifier: Any, enrolled: Enrolment, questioned: NDArray[np.uint8]
) -> tuple[Explanation, list[tuple[str, NDArray[np.uint8]]]]:
    """Return why a pair scored as it did, as an explanation and titled pictures of one size, grey or RGB."""
    why = explain(verifier, enrolled, questioned)
    reference = enrolled.prepared[why.nearest]
    found = matches(verifier.model, enrolled.embeddings[why.nearest], verifier.embed_canvases(why.canvas[None])[0])
    pictures = [
        (f"Nearest reference (number {why.nearest + 1})", reference),
        (f"Attention: red raised the score, blue did not\n({strokes_words(why.on_strokes)})", overlay(why)),
        ("Both as they are: reference blue, questioned orange", two_inks(reference, why.canvas)),
    ]
    if found is not None:
        laid = two_inks(laid_on(reference, why.canvas, found), why.canvas)
        pictures.append((f"Strokes aligned as matched (moved {found.moved:.1f} cells on average)", laid))
    return why, pictures


def write_explanation(
    path: Path, verifier: Any, enrolled: Enrolment, questioned: NDArray[np.uint8], answer: Answer
) -> Path:
    """Write one PNG: reference, attention, both signatures as they are and as aligned, the answer and its limits."""
    page = explanation_figure(panels(verifier, enrolled, questioned)[1], answer)
    content = io.BytesIO()
    page.savefig(content, format="png", dpi=110, metadata={"Description": answer.notice})
    return write_beside(path, lambda temporary: temporary.write_bytes(content.getvalue()))


def explanation_figure(pictures: list[tuple[str, NDArray[np.uint8]]], answer: Answer) -> Figure:
    """Return titled pictures, as `panels` gives them, under the answer, and its notice below; no line is cut off."""
    page = Figure(figsize=(11.0, 7.0), layout="constrained", facecolor="white")
    axes = page.subplots(2, 2).ravel()
    for ax, (title, picture) in zip(axes, pictures, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
        ax.set_title(_wrapped(title, 70), fontsize=10)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    for ax in axes[len(pictures) :]:
        ax.set_visible(False)
    shown = VERDICTS[verdict_to_show(answer.verdict, answer.log10_lr)]
    verdict = f"{shown}: probability at even odds {probability(answer.similarity)}, {answer.words}"
    page.suptitle(_wrapped("\n".join([verdict, *answer.flags]), 105), fontsize=13)
    page.supxlabel(_wrapped(answer.notice, 150), fontsize=9)
    return page


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.fill(line, width) for line in text.splitlines())
