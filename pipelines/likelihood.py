"""How good likelihood ratios are: their cost, their calibration, and the curves that show both (NumPy, scikit-learn).

Fitting a calibrator is in `calibration.py`; it may see development signers only. Everything here judges.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .error_rates import ErrorCurve, Floats, check_scores


def cllr(llr_genuine: ArrayLike, llr_forgery: ArrayLike) -> float:
    """Return the cost of log-likelihood ratios in bits: 0 perfect, 1 uninformative, above 1 harmful.

    Args:
        llr_genuine: Natural-log likelihood ratios of genuine trials, shape ``(n_genuine,)``, +-inf allowed.
        llr_forgery: The same for forgeries, shape ``(n_forgery,)``. A raw score is not one: calibrate.

    Raises:
        ValueError: If either is empty or holds NaN.

    Source:
        Bruemmer, du Preez (2006), "Application-independent evaluation of speaker detection",
        Computer Speech and Language 20. As printed.
    """
    genuine = check_scores(llr_genuine, "llr_genuine", finite=False)
    forgery = check_scores(llr_forgery, "llr_forgery", finite=False)
    return float((np.logaddexp(0, -genuine).mean() + np.logaddexp(0, forgery).mean()) / (2 * np.log(2)))


def min_cllr(genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> float:
    """Return Cllr after the best increasing calibration of these very scores, 0 to 1 (a-posteriori).

    Pool-adjacent-violators on the share of genuine at each distinct score; log-odds less prior
    log-odds. Cllr minus this is the calibration loss. Unchanged by any strictly increasing map.

    Args:
        genuine_scores: Shape ``(n_genuine,)``, finite.
        forgery_scores: Shape ``(n_forgery,)``, finite, one kind of forgery.

    Raises:
        ValueError: If either is empty or not finite.

    Source:
        Bruemmer, du Preez (2006), "Application-independent evaluation of speaker detection", Computer
        Speech and Language 20. As printed: infinite ratios stay, and cost nothing.
    """
    return min_cllr_of_counts(*ErrorCurve(genuine_scores, forgery_scores).counts())


def min_cllr_of_counts(rejected: Floats, caught: Floats) -> float:
    """Return what `min_cllr` does from `ErrorCurve.counts`, which may be weighted; NaN if one kind has no weight."""
    from scipy.optimize import isotonic_regression

    if rejected[-1] == 0 or caught[-1] == 0:
        return float("nan")
    genuine, forgery = np.diff(rejected), np.diff(caught)  # at each distinct score
    held = genuine + forgery > 0
    genuine, forgery = genuine[held], forgery[held]
    pooled = isotonic_regression(genuine / (genuine + forgery), weights=genuine + forgery)
    share, sizes = pooled.x[pooled.blocks[:-1]], np.diff(pooled.blocks)
    with np.errstate(divide="ignore"):
        log_lr = np.log(share) - np.log1p(-share) - np.log(rejected[-1] / caught[-1])
    # a block at 0 or 1 holds one class only, so that its infinite ratio costs nothing
    costs = []
    for weight, sign in ((genuine, -1), (forgery, 1)):
        each = np.repeat(np.logaddexp(0, sign * log_lr), sizes)
        costs.append((weight * np.where(weight > 0, each, 0)).sum())
    return float((costs[0] / rejected[-1] + costs[1] / caught[-1]) / (2 * np.log(2)))


class Reliability(NamedTuple):
    """Stated probabilities against shares found, both classes weighing the same; arrays ``(n_bins,)``.

    Attributes:
        stated: Mean probability of "genuine" that the ratios state at even odds, in each bin; NaN if empty.
        found: Share of genuine trials in it.
        weight: Share of all trials in it; they sum to 1.
    """

    stated: Floats
    found: Floats
    weight: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: the mean of ``abs(stated - found)``, 0 to 1."""
        held = self.weight > 0
        return float((self.weight[held] * np.abs(self.stated - self.found)[held]).sum())


def _posterior(log_lr: Floats) -> Floats:
    """Return the probability of "genuine" at even odds."""
    return np.asarray(np.exp(-np.logaddexp(0, -log_lr)), dtype=np.float64)


def reliability(llr_genuine: ArrayLike, llr_forgery: ArrayLike, *, bins: int = 10) -> Reliability:
    """Return a reliability diagram of likelihood ratios at even odds, in bins of equal width.

    Each class weighs one half whatever its number of trials, since a ratio knows nothing of how often forgeries come.

    Args:
        llr_genuine: Natural-log likelihood ratios of genuine trials, shape ``(n_genuine,)``, +-inf allowed.
        llr_forgery: The same for forgeries of one kind.
        bins: Number of bins, 1 or more; a probability on a border is in the higher one.

    Raises:
        ValueError: If either is empty or holds NaN, or ``bins`` is below 1.

    Source:
        Naeini, Cooper, Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian binning", AAAI,
        section on the expected calibration error. Differs: classes weighed alike.
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; at least 1 is needed")
    stated, weights, place = [], [], []
    for values, name in ((llr_genuine, "llr_genuine"), (llr_forgery, "llr_forgery")):
        p = _posterior(check_scores(values, name, finite=False))
        stated.append(p)
        weights.append(np.full(p.size, 0.5 / p.size))
        place.append(np.minimum((p * bins).astype(np.intp), bins - 1))
    where = np.concatenate(place)
    weight = np.bincount(where, np.concatenate(weights), bins).astype(np.float64)
    summed = np.bincount(where, np.concatenate(weights) * np.concatenate(stated), bins)
    genuine = np.bincount(place[0], weights[0], bins)
    with np.errstate(invalid="ignore"):
        return Reliability(summed / weight, genuine / weight, weight)


def expected_calibration_error(llr_genuine: ArrayLike, llr_forgery: ArrayLike, *, bins: int = 10) -> float:
    """Return the expected calibration error of `reliability`, 0 (honest) to 1."""
    return reliability(llr_genuine, llr_forgery, bins=bins).error


class Tippett(NamedTuple):
    """Shares of trials whose ratio is at least as large as each grid value; arrays ``(n_points,)``."""

    log10_lr: Floats
    genuine: Floats
    forgery: Floats


def tippett(log10_genuine: ArrayLike, log10_forgery: ArrayLike, *, points: int = 121) -> Tippett:
    """Return the two curves of a Tippett plot on a grid that spans all finite ratios and 0.

    The share of forgeries right of 0 is the rate of misleading evidence for "genuine"; one minus the share of
    genuine right of 0 that for "forgery".

    Args:
        log10_genuine: Base-10 log likelihood ratios of genuine trials, shape ``(n_genuine,)``, +-inf allowed.
        log10_forgery: The same for forgeries of one kind.
        points: Grid values, 2 or more.

    Raises:
        ValueError: If either is empty or holds NaN.

    Source:
        Drygajlo et al. (2015), "Methodological guidelines for best practice in forensic semiautomatic and automatic
        speaker recognition", ENFSI, section on Tippett plots. As described there.
    """
    genuine, forgery = (
        np.sort(check_scores(values, name, finite=False))
        for values, name in ((log10_genuine, "log10_genuine"), (log10_forgery, "log10_forgery"))
    )
    seen = np.concatenate([genuine, forgery, [0.0]])
    seen = seen[np.isfinite(seen)]
    grid = np.unique(np.append(np.linspace(seen.min(), seen.max(), points), 0.0))
    shares = [(v.size - np.searchsorted(v, grid, "left")) / v.size for v in (genuine, forgery)]
    return Tippett(grid, *shares)
