"""What the figures of a report are drawn from: rows of numbers, which are also written as CSV.

Bands are percentile intervals of a bootstrap over signers, as in `metrics.bootstrap_over_signers`, but of curves.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .bootstrap import weights_over_signers as weights_over_signers
from .calibration import LogisticCalibrator
from .csv_text import as_csv
from .files import write_text
from .metrics import ErrorCurve
from .trials import TrialTable

Floats = NDArray[np.float64]
FORGERIES = ("skilled", "simple", "random")
FAR_GRID: Floats = np.geomspace(1e-3, 1.0, 61)
DRAWS = 200


class Points(NamedTuple):
    """A figure's numbers: a name for its file, column names, and rows of text or numbers."""

    name: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]

    def column(self, name: str, **where: object) -> Floats:
        """Return one column as floats, of the rows whose other columns have these values."""
        at = self.head.index(name)
        keep = [(self.head.index(key), value) for key, value in where.items()]
        return np.array([float(str(row[at])) for row in self.rows if all(row[i] == v for i, v in keep)])

    def values(self, name: str) -> list[object]:
        """Return the different values of a column, in their order."""
        return list(dict.fromkeys(row[self.head.index(name)] for row in self.rows))


def write_points(folder: Path, written: Sequence[Points]) -> None:
    """Write the numbers of figures as one CSV each; text that a spreadsheet would run as a formula is quoted.

    Args:
        folder: Where they go; made if it is not there.
        written: Of each figure.
    """
    folder.mkdir(exist_ok=True)
    for points in written:
        write_text(folder / f"{points.name}.csv", as_csv(points.head, points.rows))


def _kinds(trials: TrialTable) -> list[str]:
    return [kind for kind in FORGERIES if (trials.kind == kind).any()]


def trade_off(trials: TrialTable, *, seed: int, draws: int = DRAWS) -> Points:
    """Return FRR against FAR for each kind of forgery on a grid of FARs, with 95 % bands over signers.

    Args:
        trials: Scored, genuine ones among them.
        seed: Of the bootstrap.
        draws: Bootstrap samples.

    Returns:
        Shares from 0 to 1; no FAR below one forgery of that kind, which is the least that the trials can show.
    """
    genuine = np.flatnonzero(trials.kind == "genuine")
    rows: list[tuple[object, ...]] = []
    for kind in _kinds(trials):
        forged = np.flatnonzero(trials.kind == kind)
        curve = ErrorCurve(trials.score[genuine], trials.score[forged])
        value = _frr_at(curve, np.ones(len(genuine)), np.ones(len(forged)))
        drawn = [_frr_at(curve, w[genuine], w[forged]) for w in weights_over_signers(trials, seed=seed, draws=draws)]
        low, high = np.nanquantile(np.array(drawn), [0.025, 0.975], axis=0)
        least = 1.0 / len(forged)  # no trial can show a smaller rate
        for far, *found in zip(FAR_GRID.tolist(), value.tolist(), low.tolist(), high.tolist(), strict=True):
            if far >= least:
                rows.append((kind, far, *found))
    return Points("det_roc", ("kind", "far", "frr", "frr_low", "frr_high"), rows)


def _frr_at(curve: ErrorCurve, genuine: Floats, forged: Floats) -> Floats:
    """Return the FRR at the lowest threshold whose FAR is at most each of the grid; NaN without weight."""
    rejected, caught = curve.counts(genuine, forged)
    if not rejected[-1] or not caught[-1]:
        return np.full(len(FAR_GRID), np.nan)
    far = (caught[-1] - caught) / caught[-1]
    place = np.searchsorted(-far, -FAR_GRID - 1e-12, side="left")
    found: Floats = (rejected / rejected[-1])[np.minimum(place, len(far) - 1)]
    return found


def operating_points(trials: TrialTable, threshold: float) -> Points:
    """Return FAR of each kind and FRR, 0 to 1, at a frozen threshold: the dots on the curves.

    Args:
        trials: Scored, genuine ones among them.
        threshold: A score of it or above is accepted.
    """
    frr = float((trials.score[trials.kind == "genuine"] < threshold).mean())
    rows: list[tuple[object, ...]] = [
        (kind, float((trials.score[trials.kind == kind] >= threshold).mean()), frr) for kind in _kinds(trials)
    ]
    return Points("frozen_threshold", ("kind", "far", "frr"), rows)


def score_histogram(trials: TrialTable, bins: int = 60) -> Points:
    """Return how many trials of each kind fall into equal bins of the score, and the density there.

    Args:
        trials: Scored, at least one.
        bins: From the lowest to the highest score of all kinds.
    """
    low, high = float(trials.score.min()), float(trials.score.max())
    edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    rows: list[tuple[object, ...]] = []
    for kind in ("genuine", *_kinds(trials)):
        counts, _ = np.histogram(trials.score[trials.kind == kind], edges)
        density = counts / max(counts.sum(), 1) / np.diff(edges)
        rows += [
            (kind, a, b, int(n), d)
            for a, b, n, d in zip(edges[:-1].tolist(), edges[1:].tolist(), counts, density.tolist(), strict=True)
        ]
    return Points("scores", ("kind", "from", "to", "trials", "density"), rows)


def tippett(trials: TrialTable, calibrator: LogisticCalibrator, points: int = 121) -> Points:
    """Return the share of trials of each kind whose log10 likelihood ratio is at least each value.

    Args:
        trials: Scored.
        calibrator: Scores to likelihood ratios.
        points: Values, evenly from the 0.2 to the 99.8 % of all ratios, and at least from -1 to 1.

    Source:
        Evett, Buckleton (1996), "Statistical analysis of STR data", Advances in Forensic Haemogenetics 6.
    """
    ratios = {kind: np.sort(calibrator.log10_lr(trials.score[trials.kind == kind])) for kind in
              ("genuine", *_kinds(trials))}  # fmt: skip
    pooled = np.concatenate(list(ratios.values()))
    low, high = np.quantile(pooled, [0.002, 0.998])
    grid = np.linspace(min(low, -1.0), max(high, 1.0), points)
    rows: list[tuple[object, ...]] = []
    for kind, values in ratios.items():
        share = 1.0 - np.searchsorted(values, grid, side="left") / len(values)
        rows += [(kind, x, y) for x, y in zip(grid.tolist(), share.tolist(), strict=True)]
    return Points("tippett", ("kind", "log10_lr", "share_at_least"), rows)


def reliability(
    trials: TrialTable, calibrator: LogisticCalibrator, *, seed: int, bins: int = 10, draws: int = DRAWS
) -> Points:
    """Return stated against observed probability of being genuine, genuine and skilled forgeries weighing the same.

    Bins hold equal shares of the trials; bands are over signers. Empty if there is no skilled forgery.

    Source:
        Zadrozny, Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates", KDD.
    """
    head = ("stated", "observed", "observed_low", "observed_high", "trials")
    judged = np.flatnonzero((trials.kind == "genuine") | (trials.kind == "skilled"))
    genuine = trials.kind[judged] == "genuine"
    if not genuine.any() or genuine.all():
        return Points("reliability", head, [])
    stated = 1.0 / (1.0 + np.exp(-calibrator.log_lr(trials.score[judged])))
    even = np.where(genuine, 0.5 / genuine.sum(), 0.5 / (~genuine).sum())
    edges = np.unique(np.quantile(stated, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, stated, side="right")

    def observed(weights: Floats) -> Floats:
        total = np.bincount(place, weights * even, bins)
        with np.errstate(invalid="ignore"):
            found: Floats = np.bincount(place, weights * even * genuine, bins) / np.where(total > 0, total, np.nan)
        return found

    value, count = observed(np.ones(len(judged))), np.bincount(place, minlength=bins)
    centre = np.bincount(place, stated * even, bins) / np.maximum(np.bincount(place, even, bins), 1e-300)
    drawn = np.array([observed(w[judged]) for w in weights_over_signers(trials, seed=seed, draws=draws)])
    rows: list[tuple[object, ...]] = []
    for b in range(bins):
        seen = drawn[:, b][np.isfinite(drawn[:, b])]
        if count[b] and len(seen):
            low, high = np.quantile(seen, [0.025, 0.975])
            rows.append((float(centre[b]), float(value[b]), float(low), float(high), int(count[b])))
    return Points("reliability", head, rows)


def confusion(trials: TrialTable, calibrator: LogisticCalibrator, threshold: float, band: float) -> Points:
    """Return how many trials of each kind are accepted, rejected and left open, with the shares of their row.

    Args:
        trials: Of any kinds.
        calibrator: Gives the log10 likelihood ratios that the band is about.
        threshold: Frozen.
        band: Half-width in log10 LR round the threshold inside which the answer is "inconclusive".
    """
    distance = calibrator.beyond(trials.score, threshold)
    answer = np.where(np.abs(distance) < band, "inconclusive", np.where(distance >= 0, "accept", "reject"))
    rows: list[tuple[object, ...]] = []
    for kind in ("genuine", "random", "simple", "skilled"):
        own = answer[trials.kind == kind]
        if len(own):
            counts = [int((own == verdict).sum()) for verdict in ("accept", "reject", "inconclusive")]
            right = counts[0] if kind == "genuine" else counts[1]
            rows.append((kind, *counts, *(n / len(own) for n in counts), right / len(own)))
    names = ("accept", "reject", "inconclusive")
    return Points("confusion", ("kind", *names, *(f"{n}_share" for n in names), "right_share"), rows)
