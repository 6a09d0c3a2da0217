"""The figures of a report that are drawn from scored trials; each adds its numbers to a list that becomes CSV files."""

import math
from typing import Any

from .calibration import LogisticCalibrator
from .curve_points import Points, confusion, operating_points, reliability, score_histogram, tippett, trade_off
from .page import figure, table
from .plots import new_axes, plot_det, plot_reliability, plot_roc, plot_scores, plot_tippett, to_svg
from .report_method import calibration_records, tree_html
from .trials import TrialTable


def error_figures(trials: TrialTable, threshold: float, seed: int, written: list[Points]) -> list[str]:
    """Return DET and ROC curves and the scores by kind; the scores alone where there is no forgery.

    Args:
        trials: Scored, genuine ones among them.
        threshold: Frozen on development signers.
        seed: Of the bootstrap behind the bands.
        written: Gets the numbers of each figure.
    """
    curve, dots, scores = trade_off(trials, seed=seed), operating_points(trials, threshold), score_histogram(trials)
    written += [curve, dots, scores]
    if not curve.rows:
        return [figure(to_svg(plot_scores(new_axes(), trials, threshold)), "Scores of genuine trials.")]
    det = figure(
        to_svg(plot_det(new_axes(), curve, dots)),
        "False rejection against false acceptance, both axes logarithmic. Bands: 95 % over signers. Left of the lowest "
        "rate that the number of trials can show, there is no curve; a dot on the edge lies beyond it.",
    )
    roc = figure(to_svg(plot_roc(new_axes(), curve, dots)), "The same on linear axes. Bands: 95 % over signers.")
    hist = figure(
        to_svg(plot_scores(new_axes(8.0, 3.6), trials, threshold)), "Distributions of scores; each has area 1."
    )
    return [f"<div class=two>{det}{roc}</div>", hist]


def answers_by_kind(
    trials: TrialTable, calibrator: LogisticCalibrator, threshold: float, band: float, written: list[Points]
) -> list[str]:
    """Return how many trials of each kind were accepted, rejected or left open, as a table.

    Args:
        trials: Scored.
        calibrator: Scores to log10 likelihood ratios.
        threshold: Frozen on development signers, a score.
        band: Distance from it, in log10 LR, within which an answer is inconclusive.
        written: Gets the numbers of the table.
    """
    points = confusion(trials, calibrator, threshold, band)
    written.append(points)
    rows = [
        (
            str(kind),
            *(f"{100 * float(str(s)):.1f} % ({n:,})" for n, s in zip(row[:3], row[3:6], strict=True)),
            f"{100 * float(str(row[6])):.1f} %",
        )
        for kind, *row in points.rows
    ]
    balanced = " and ".join(
        f"{50 * (right['genuine'] + right[kind]):.1f} % for genuine and {kind}"
        for right in [{str(row[0]): float(str(row[-1])) for row in points.rows}]
        for kind in right
        if kind != "genuine" and "genuine" in right
    )
    return [
        "<h2>Answers by kind</h2>",
        f"<p>Shares of each row, counts in brackets. An answer is inconclusive within {band:g} of log10 LR of the "
        "frozen threshold. Right: genuine accepted, forgeries rejected; an inconclusive answer is not right.</p>",
        table(("kind", "accept", "reject", "inconclusive", "right"), rows),
        f"<p class=small>Balanced accuracy: {balanced}. It depends on which kinds are put together, and is no headline."
        "</p>"
        if balanced
        else "",
    ]


def likelihood_ratios(
    trials: TrialTable, calibrator: LogisticCalibrator, seed: int, metrics: dict[str, Any], written: list[Points]
) -> list[str]:
    """Return Tippett curves, stated against observed probabilities, and what each way of calibrating is worth.

    Args:
        trials: Scored.
        calibrator: Scores to log10 likelihood ratios, fitted on development signers.
        seed: Of the bootstrap behind the bars.
        metrics: As in `metrics.json`; "calibration" in it is shown if it is there.
        written: Gets the numbers of each figure.
    """
    ratios, stated = tippett(trials, calibrator), reliability(trials, calibrator, seed=seed)
    written += [ratios, stated]
    least, most = -math.log10(1 + calibrator.n_genuine), math.log10(1 + calibrator.n_forgery)
    caption = (
        "Genuine trials should lie right of LR 1, forgeries left of it; misleading evidence is what lies beyond. "
        f"Ratios are clipped at 10^{least:.1f} and 10^{most:.1f}, the most that so many development trials can show: a "
        "curve that drops there like a wall holds stronger ones too."
    )
    figures = figure(to_svg(plot_tippett(new_axes(), ratios)), caption)
    if stated.rows:
        figures += figure(
            to_svg(plot_reliability(new_axes(), stated)),
            "Stated against observed, genuine and skilled forgeries weighing the same. Bars: 95 % over signers.",
        )
    ways = calibration_records(metrics.get("calibration", {}))
    more = tree_html("Ways of calibrating, fitted on development signers", ways, 3) if ways else ""
    said = (
        "<p>A likelihood ratio (LR) says how much more probable a score is if the signature is genuine than if it is a "
        f"{calibrator.forgery_kind} forgery. How scores become ratios was fitted on development signers; here it is "
        "judged on test signers. Cllr is what the ratios cost, in bits: 0 is best, 1 is no information.</p>"
    )
    return ["<h2>Likelihood ratios</h2>", said, f"<div class=two>{figures}</div>", more]
