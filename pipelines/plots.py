"""Figures of a report: axes with units and a legend, colours a colour-blind reader can tell apart."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .curve_points import Points, score_histogram
from .trials import TrialTable

Rates = Sequence[Sequence[float]] | NDArray[np.float64]
COLOURS = {"genuine": "#0072B2", "skilled": "#D55E00", "random": "#009E73", "simple": "#CC79A7"}
LINES = {"genuine": "-", "skilled": "--", "random": "-.", "simple": ":"}
MAP_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000", "#882255", "#999933",
    "#332288", "#AAAAAA",
)  # fmt: skip
"""After Okabe, Ito (2008) and Tol (2021), told apart in the common kinds of colour blindness."""


def new_axes(width: float = 5.6, height: float = 3.8) -> Axes:
    """Return empty axes on a figure of its own; no window, no global state."""
    axes = Figure(figsize=(width, height), layout="constrained").subplots()
    axes.grid(alpha=0.3)
    return axes


def to_svg(axes: Axes) -> str:
    """Return the axes' figure as SVG text that repeats byte for byte."""
    drawing = axes.get_figure()
    assert isinstance(drawing, Figure)
    return figure_svg(drawing)


def figure_svg(drawing: Figure) -> str:
    """Return a whole figure as SVG text that repeats byte for byte."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "paraph", "svg.fonttype": "none"}):
        drawing.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def plot_det(axes: Axes, points: Points, dots: Points) -> Axes:
    """Draw FRR against FAR for each kind of forgery on logarithmic axes, with bands, and the frozen threshold.

    Args:
        axes: Where.
        points: From `curve_points.trade_off`.
        dots: From `curve_points.operating_points`.
    """
    for kind in points.values("kind"):
        far, frr, low, high = _band(points, str(kind))
        axes.plot(far, np.maximum(frr, 0.01), LINES[str(kind)], color=COLOURS[str(kind)], label=f"{kind} forgeries")
        axes.fill_between(
            far, np.maximum(low, 0.01), np.maximum(high, 0.01), color=COLOURS[str(kind)], alpha=0.18, lw=0
        )
    _dots(axes, dots, lambda frr: frr, floor=0.1)
    axes.plot([0.1, 100], [0.1, 100], ":", color="grey", label="FAR = FRR")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set(xscale="log", yscale="log", xlim=(0.1, 100), ylim=(0.1, 100))
    axes.set(
        xlabel="false acceptance rate (%)", ylabel="false rejection rate (%)", title="Error trade-off, logarithmic axes"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.legend(fontsize=8, loc="upper right")
    return axes


def plot_roc(axes: Axes, points: Points, dots: Points) -> Axes:
    """Draw the share of genuine signatures accepted against the FAR, with bands and the frozen threshold.

    Args:
        axes: Where.
        points: From `curve_points.trade_off`.
        dots: From `curve_points.operating_points`.
    """
    for kind in points.values("kind"):
        far, frr, low, high = _band(points, str(kind))
        axes.plot(far, 100 - frr, LINES[str(kind)], color=COLOURS[str(kind)], label=f"{kind} forgeries")
        axes.fill_between(far, 100 - high, 100 - low, color=COLOURS[str(kind)], alpha=0.18, lw=0)
    _dots(axes, dots, lambda frr: 100 - frr)
    axes.plot([0, 100], [0, 100], ":", color="grey", label="chance")
    axes.set(xlim=(0, 100), ylim=(0, 101), xlabel="false acceptance rate (%)", title="ROC")
    axes.set_ylabel("genuine signatures accepted (%)")
    axes.legend(fontsize=8, loc="lower right")
    return axes


def _band(points: Points, kind: str) -> list[NDArray[np.float64]]:
    return [100 * points.column(name, kind=kind) for name in ("far", "frr", "frr_low", "frr_high")]


def _dots(axes: Axes, dots: Points, shown: Callable[[float], float], floor: float = 0.0) -> None:
    for kind, far, frr in dots.rows:
        x, y = max(100 * float(str(far)), floor), max(shown(100 * float(str(frr))), floor)
        axes.plot(x, y, "o", color=COLOURS[str(kind)], mec="black", clip_on=False, zorder=5)
    if dots.rows:
        axes.plot([], [], "o", color="white", mec="black", label="frozen threshold")


def plot_scores(axes: Axes, trials: TrialTable, threshold: float) -> Axes:
    """Draw the distribution of scores of each kind of trial and the frozen threshold.

    Args:
        axes: Where.
        trials: Scored.
        threshold: Marked by a line.
    """
    points = score_histogram(trials)
    for kind in points.values("kind"):
        edges = np.append(points.column("from", kind=kind), points.column("to", kind=kind)[-1])
        density, n = points.column("density", kind=kind), int(points.column("trials", kind=kind).sum())
        colour, line = COLOURS[str(kind)], LINES[str(kind)]
        axes.stairs(density, edges, color=colour, ls=line, lw=1.6, label=f"{kind} ({n:,} trials)")
        axes.stairs(density, edges, color=colour, alpha=0.18, fill=True)
    axes.axvline(threshold, color="black", linestyle="--", lw=1, label=f"frozen threshold {threshold:.3f}")
    axes.set(xlabel="score (similarity; higher = more likely genuine)", ylabel="density of trials", title="Scores")
    axes.legend(fontsize=8)
    return axes


def plot_tippett(axes: Axes, points: Points) -> Axes:
    """Draw the share of trials whose log10 likelihood ratio is at least each value."""
    for kind in points.values("kind"):
        x, y = points.column("log10_lr", kind=kind), 100 * points.column("share_at_least", kind=kind)
        axes.plot(x, y, LINES[str(kind)], color=COLOURS[str(kind)], label=str(kind))
    axes.axvline(0.0, color="grey", linestyle=":", label="LR 1: no evidence")
    axes.set(xlabel="log10 likelihood ratio, genuine over skilled forgery", ylim=(0, 101), title="Tippett plot")
    axes.set_ylabel("trials with at least this ratio (%)")
    axes.legend(fontsize=8)
    return axes


def plot_reliability(axes: Axes, points: Points) -> Axes:
    """Draw observed against stated probability of being genuine at even priors, with intervals."""
    stated, observed, low, high = (
        100 * points.column(name) for name in ("stated", "observed", "observed_low", "observed_high")
    )
    errors = np.maximum([observed - low, high - observed], 0.0)
    axes.errorbar(stated, observed, errors, fmt="o-", color="#0072B2", capsize=3, label="a tenth of the trials each")
    axes.plot([0, 100], [0, 100], ":", color="grey", label="perfectly calibrated")
    axes.set(xlim=(-2, 102), ylim=(-2, 102), xlabel="stated probability of genuine (%), even priors")
    axes.set(ylabel="share that is genuine (%)", title="Reliability, genuine against skilled")
    axes.legend(fontsize=8)
    return axes


def plot_map(axes: Axes, points: Points) -> Axes:
    """Draw signatures as points of a plane, one colour and number a signer; forgeries are crosses."""
    signers = points.values("signer")
    for i, signer in enumerate(signers):
        colour = MAP_COLOURS[i % len(MAP_COLOURS)]
        for kind, mark in (("genuine", "o"), ("skilled", "x")):
            x, y = (points.column(name, signer=signer, kind=kind) for name in ("x", "y"))
            if kind == "genuine" and len(x):
                axes.text(
                    np.median(x), np.median(y), str(i + 1), fontsize=9, weight="bold", ha="center", va="center",
                    zorder=9, bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": colour, "lw": 1.5},
                )  # fmt: skip
            face = {"mec": "black", "mew": 0.4} if mark == "o" else {"mew": 1.3}
            axes.plot(x, y, mark, color=colour, ms=6, **face)
    axes.plot([], [], "o", color="grey", mec="black", label="genuine")
    axes.plot([], [], "x", color="grey", label="skilled forgery of that signer")
    axes.set(xticks=[], yticks=[], title=f"{len(signers)} test signers; only nearness has a meaning")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.02), ncols=2)
    return axes


def plot_bars(axes: Axes, labels: Sequence[str], values: Rates, *, colour: str, label: str, shift: float = 0.0) -> Axes:
    """Draw rates in per cent with their intervals against named values, as points.

    Args:
        axes: Where.
        labels: Names along the axis.
        values: Rows of value, low and high as shares, shape ``(n, 3)``.
        colour: Of points and intervals.
        label: For the legend.
        shift: Sideways, so that two series do not cover each other.
    """
    percent = 100 * np.asarray(values, dtype=np.float64)
    errors = np.nan_to_num(np.abs(percent[:, 1:].T - percent[:, 0]))
    marker = "o" if shift < 0 else "D" if shift == 0 else "s"
    axes.errorbar(
        np.arange(len(labels)) + shift, percent[:, 0], errors, fmt=marker, capsize=3, color=colour, label=label
    )
    axes.set_xticks(range(len(labels)), labels, rotation=20 if max(map(len, labels), default=0) > 8 else 0)
    return axes


def plot_skills(axes: Axes, rows: Sequence[dict[str, Any]]) -> Axes:
    """Draw the EER and the FAR at the frozen threshold against forger skill, with their intervals."""
    skills = [row["skill"] for row in rows]
    for name, label, colour, line in (
        ("eer_skilled", "EER (a-posteriori)", "#D55E00", "o-"),
        ("far_skilled_frozen", "FAR at the frozen threshold", "#0072B2", "s--"),
    ):
        values = np.array([[_percent(row[name][key]) for key in ("value", "low", "high")] for row in rows])
        errors = np.abs(values[:, 1:].T - values[:, 0])
        axes.errorbar(skills, values[:, 0], errors, fmt=line, capsize=3, color=colour, label=label)
    axes.axhline(50, color="grey", linestyle=":", label="chance")
    axes.set(
        xlabel="forger skill (0 = bad copy, 1 = as if genuine)",
        ylabel="error (%)",
        ylim=(0, 100),
        title="Error against forger skill, 95 % intervals over signers",
    )
    axes.legend(fontsize=8)
    return axes


def plot_curves(log: Path, *, small_epochs: int = 0) -> Figure:
    """Draw a run's loss over its epochs and, if development signers were looked at, its errors beside it.

    Args:
        log: The run's `log.csv`.
        small_epochs: How many epochs, the first ones, were on smaller canvases; a line marks where they end.

    Returns:
        One or two axes: loss of training and development; equal error rates of both, skilled and random apart.
    """
    with log.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in rows]
    seen = [name for name in ("skilled", "random") if rows and rows[-1].get(f"dev_eer_{name}")]
    drawing = Figure(figsize=(9.0 if seen else 5.6, 3.4), layout="constrained")
    axes = drawing.subplots(1, 2 if seen else 1, squeeze=False)[0]
    for column, label, style in (("loss", "training", "-o"), ("dev_loss", "development", "--s")):
        if rows and rows[-1].get(column):
            axes[0].plot(epochs, [float(row[column] or "nan") for row in rows], style, color="#0072B2", label=label)
    axes[0].set(xlabel="epoch", ylabel="loss", title="Loss")
    for name in seen:
        for part, label, style in (("train", "training", "-o"), ("dev", "development", "--s")):
            values = [100 * float(row[f"{part}_eer_{name}"] or "nan") for row in rows]
            axes[1].plot(epochs, values, style, color=COLOURS[name], label=f"{name}, {label}")
        axes[1].set(xlabel="epoch", ylabel="EER (%)", ylim=(0, None), title="Verification error")
    for one in axes:
        one.grid(alpha=0.3)
        if 0 < small_epochs < len(epochs):
            one.axvline(small_epochs + 0.5, color="grey", linestyle=":", label="from here on larger canvases")
        one.xaxis.get_major_locator().set_params(integer=True)
        one.legend(fontsize=8)
    return drawing


def _percent(value: float | None) -> float:
    return float("nan") if value is None else 100 * value


def contact_sheet(rows: Sequence[Sequence[NDArray[np.uint8]]], gap: int = 4) -> NDArray[np.uint8]:
    """Return images of one size in rows on a light grey page; short rows are padded."""
    height, width = rows[0][0].shape
    columns = max(len(row) for row in rows)
    page = np.full((len(rows) * (height + gap) + gap, columns * (width + gap) + gap), 225, dtype=np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            top, left = gap + r * (height + gap), gap + c * (width + gap)
            page[top : top + height, left : left + width] = image
    return page
