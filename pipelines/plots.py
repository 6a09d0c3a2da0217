"""Figures of a report: axes with units and a legend, colours a colour-blind reader can tell apart."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .metrics import det_points
from .protocols import TrialTable

COLOURS = {"genuine": "#0072B2", "skilled": "#D55E00", "random": "#009E73", "simple": "#CC79A7"}


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


def plot_det(axes: Axes, trials: TrialTable, threshold: float) -> Axes:
    """Draw FRR against FAR for each kind of forgery, and the frozen threshold on each curve."""
    genuine = trials.score[trials.kind == "genuine"]
    for kind in ("skilled", "random", "simple"):
        scores = trials.score[trials.kind == kind]
        if not len(scores) or not len(genuine):
            continue
        thresholds, frr, far = det_points(genuine, scores)
        axes.plot(100 * far, 100 * frr, color=COLOURS[kind], label=f"{kind} forgeries ({len(scores):,} trials)")
        i = min(int(np.searchsorted(thresholds, threshold)), len(thresholds) - 1)
        axes.plot(100 * far[i], 100 * frr[i], "o", color=COLOURS[kind])
    axes.plot([0.1, 100], [0.1, 100], ":", color="grey", label="FAR = FRR")
    axes.set(
        xscale="log",
        yscale="log",
        xlim=(0.1, 100),
        ylim=(0.1, 100),
        xlabel="false acceptance rate (%)",
        ylabel="false rejection rate (%)",
        title="Error trade-off; dots: frozen threshold",
    )
    axes.legend(fontsize=8)
    return axes


def plot_scores(axes: Axes, trials: TrialTable, threshold: float) -> Axes:
    """Draw the distribution of scores of each kind of trial and the frozen threshold."""
    low, high = float(trials.score.min()), float(trials.score.max())
    bins = np.linspace(low, max(high, low + 1e-6), 60)
    for kind in ("genuine", "skilled", "simple", "random"):
        scores = trials.score[trials.kind == kind]
        if len(scores):
            axes.hist(scores, bins=bins.tolist(), density=True, alpha=0.5, color=COLOURS[kind], label=kind)
    axes.axvline(threshold, color="black", linestyle="--", label=f"frozen threshold {threshold:.3f}")
    axes.set(xlabel="score (similarity; higher = more likely genuine)", ylabel="density of trials", title="Scores")
    axes.legend(fontsize=8)
    return axes


def plot_skills(axes: Axes, rows: Sequence[dict[str, Any]]) -> Axes:
    """Draw the EER and the FAR at the frozen threshold against forger skill, with their intervals."""
    skills = [row["skill"] for row in rows]
    for name, label, colour in (
        ("eer_skilled", "EER (a-posteriori)", "#D55E00"),
        ("far_skilled_frozen", "FAR at the frozen threshold", "#0072B2"),
    ):
        values = np.array([[_percent(row[name][key]) for key in ("value", "low", "high")] for row in rows])
        errors = np.abs(values[:, 1:].T - values[:, 0])
        axes.errorbar(skills, values[:, 0], errors, marker="o", capsize=3, color=colour, label=label)
    axes.axhline(50, color="grey", linestyle=":", label="chance")
    axes.set(
        xlabel="forger skill (0 = bad copy, 1 = as if genuine)",
        ylabel="error (%)",
        ylim=(0, 100),
        title="Error against forger skill, 95 % intervals over signers",
    )
    axes.legend(fontsize=8)
    return axes


def plot_curves(log: Path) -> Figure:
    """Draw a run's loss over its epochs and, if development signers were looked at, its errors beside it.

    Args:
        log: The run's `log.csv`.

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
