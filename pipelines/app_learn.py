"""The tab to learn on: score histograms of test signers, and what a threshold does to them."""

from typing import Any

import numpy as np

from .app_desk import Desk
from .app_verify import cost_at, frozen_similarity, slider_place
from .app_widgets import facts, message
from .plots import COLOURS
from .runs import RunError
from .verify import OFTEN_COPIED
from .verify_page import percent, probability

_KINDS = {"genuine": "genuine", "skilled": "skilled forgeries", "random": "random forgeries"}
_WIDTH, _HEIGHT, _BASE = 640, 260, 220


def histogram(desk: Desk, threshold: float) -> str:
    """Return the score histograms as SVG, accepted scores solid, with the threshold as a line."""
    bench = desk.need()
    scores = {kind: values for kind, values in bench.test.items() if kind in _KINDS}
    pooled = np.concatenate(list(scores.values()))
    edges = np.linspace(float(pooled.min()), float(pooled.max()) + 1e-6, 46)
    counts = {kind: np.histogram(values, edges)[0] / len(values) for kind, values in scores.items()}
    most = max(float(found.max()) for found in counts.values())
    step = _WIDTH / (len(edges) - 1)
    bars = []
    for kind in ("random", "skilled", "genuine"):
        for i, share in enumerate(counts.get(kind, [])):
            tall = 190 * share / most
            solid = 0.75 if edges[i] >= threshold else 0.3
            bars.append(
                f'<rect x="{i * step:.1f}" y="{_BASE - tall:.1f}" width="{step:.1f}" height="{tall:.1f}" '
                f'fill="{COLOURS[kind]}" fill-opacity="{solid}"/>'
            )
    x = _WIDTH * float(np.clip((threshold - edges[0]) / (edges[-1] - edges[0]), 0.0, 1.0))
    side = ("end", -6) if x > _WIDTH / 2 else ("start", 6)
    legend = "".join(
        f'<rect x="{10 + 170 * i}" y="6" width="14" height="14" fill="{COLOURS[kind]}"/>'
        f'<text x="{30 + 170 * i}" y="18" font-size="13" fill="#111827">{name}</text>'
        for i, (kind, name) in enumerate(_KINDS.items())
    )
    return (
        f'<div class="wide"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Histograms of scores of '
        f'genuine signatures and of forgeries; the threshold is at score {threshold:.3f}">{"".join(bars)}{legend}'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{_BASE}" stroke="#111827" stroke-width="2"/>'
        f'<text x="{x + side[1]:.1f}" y="42" font-size="13" fill="#111827" text-anchor="{side[0]}">'
        f"accepted from here on</text>"
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" font-size="13" fill="#111827" text-anchor="middle">'
        f"score: higher = more likely genuine ({edges[0]:.2f} to {edges[-1]:.2f})</text></svg></div>"
    )


def explained(desk: Desk, similarity: float) -> str:
    """Return the histograms at a threshold, its rates, and the same for the frozen and the often-copied one."""
    try:
        score, rates = cost_at(desk, similarity, 1)
        if not desk.need().test:
            return message("This run keeps no scores of test signers; evaluate it again.")
        rows = []
        for name, place in (("here", similarity), ("frozen", frozen_similarity(desk)), ("often copied", OFTEN_COPIED)):
            _, rates = cost_at(desk, place, 1)
            far, frr = percent(rates.far_skilled), percent(rates.frr)
            rows.append(
                (
                    f"{name}: {probability(place)}",
                    f"{far} of skilled forgeries get in, {frr} of genuine ones are sent away",
                )
            )
        return histogram(desk, score) + facts(rows)
    except (RunError, ValueError) as error:
        return message(str(error))


TEXT = """Every comparison gives a score. Genuine signatures score high, skilled forgeries lower, other people's
signatures lowest, and the three heaps overlap. A threshold cuts them: move it to the right and fewer forgeries get in
(FAR falls) while more honest people are sent away (FRR rises). No position avoids both. Here the
threshold is told as the probability of a genuine signature at even odds: as if genuine ones and skilled forgeries were
equally common. The **frozen** threshold was
chosen on other signers than these; the **often-copied 55 %** was chosen on nobody in particular."""


def learn_tab(desk: Desk) -> Any:
    """Build the tab; return its threshold slider."""
    import gradio as gr

    gr.Markdown(TEXT)
    value = slider_place(frozen_similarity(desk)) if desk.bench else OFTEN_COPIED
    threshold = gr.Slider(
        1, 99, value=value, step=1, label="Threshold, as a probability in % at even odds", elem_id="learn-threshold"
    )
    shown = gr.HTML(value=explained(desk, value), elem_id="histogram")
    threshold.input(
        lambda place: explained(desk, place), threshold, shown, api_visibility="private", show_progress="hidden",
        trigger_mode="always_last",
    )  # fmt: skip
    return threshold
