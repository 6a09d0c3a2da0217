"""The tab to learn on: score histograms of test signers, and what a threshold does to them."""

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from .app_desk import Desk
from .app_verify import cost_at, frozen_similarity, slider_place
from .app_widgets import facts, message
from .plots import COLOURS
from .runs import RunError
from .verify import OFTEN_COPIED
from .verify_page import percent, probability

_KINDS = {"genuine": "genuine", "skilled": "skilled forgeries", "random": "random forgeries"}
_WIDTH, _HEIGHT, _BASE, _TALL, _LEFT = 640, 284, 220, 180, 88


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers from low to high, at most so many and one more."""
    found = MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(value) for value in found if low <= value <= high]


def _text(x: float, y: float, words: str, *, anchor: str = "middle", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="13" fill="#111827" text-anchor="{anchor}"{more}>{words}</text>'


def axes_of(low: float, high: float, most: float) -> str:
    """Return both axes as SVG, with ticks and labels.

    Args:
        low: Score at the left end.
        high: Score at the right end.
        most: Share of the tallest bar.
    """
    rule = 'stroke="#111827" stroke-width="1"'
    drawn = [f'<path d="M0 {_BASE - _TALL}V{_BASE}H{_WIDTH}" fill="none" {rule}/>']
    ticks = _ticks(low, high, 7)
    digits = max(0, -int(np.floor(np.log10(ticks[1] - ticks[0]) + 1e-9))) if len(ticks) > 1 else 2
    for value in ticks:
        x = _WIDTH * (value - low) / (high - low)
        drawn.append(f'<path d="M{x:.1f} {_BASE}v6" {rule}/>{_text(x, _BASE + 22, f"{value:.{digits}f}")}')
    for value in _ticks(0.0, most, 4):
        y = _BASE - _TALL * value / most
        label = _text(-10, y + 4, f"{100 * value:g} %", anchor="end")
        drawn.append(f'<path d="M-6 {y:.1f}h6" {rule}/>{label}')
    drawn.append(_text(_WIDTH / 2, _HEIGHT - 14, "score: higher = more likely genuine"))
    middle = _BASE - _TALL / 2
    drawn.append(_text(-70, middle, "share of each heap", more=f' transform="rotate(-90 -70 {middle:.0f})"'))
    return "".join(drawn)


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
            tall = _TALL * share / most
            solid = 0.75 if edges[i] >= threshold else 0.3
            bars.append(
                f'<rect x="{i * step:.1f}" y="{_BASE - tall:.1f}" width="{step:.1f}" height="{tall:.1f}" '
                f'fill="{COLOURS[kind]}" fill-opacity="{solid}"/>'
            )
    x = _WIDTH * float(np.clip((threshold - edges[0]) / (edges[-1] - edges[0]), 0.0, 1.0))
    side = ("end", -6) if x > _WIDTH / 2 else ("start", 6)
    legend = "".join(
        f'<rect x="{10 + 205 * i}" y="6" width="14" height="14" fill="{COLOURS[kind]}"/>'
        f"{_text(30 + 205 * i, 18, name, anchor='start')}"
        for i, (kind, name) in enumerate(_KINDS.items())
    )
    view = f"{-_LEFT} 0 {_WIDTH + _LEFT + 14} {_HEIGHT}"
    return (
        f'<div class="wide histogram"><svg viewBox="{view}" role="img" aria-label="Histograms of scores of '
        f'genuine signatures and of forgeries; the threshold is at score {threshold:.3f}">{"".join(bars)}{legend}'
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{_BASE}" stroke="#111827" stroke-width="2"/>'
        f"{_text(x + side[1], 42, 'accepted from here on', anchor=side[0])}"
        f"{axes_of(float(edges[0]), float(edges[-1]), most)}</svg></div>"
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
