"""Error rates at a threshold, and the thresholds and curves they are read from (NumPy only).

Polarity: a higher score means more likely genuine; accept iff ``score >= threshold``, ties accepted.
One trial is one transaction without failure to acquire, so FAR and FRR coincide with FMR and FNMR for
random forgeries; a skilled forgery is an attack, and its rate is never an FMR. Each function takes the
scores of one kind of forgery, because kinds are never pooled. Intervals are in `bootstrap.py`.
"""

from bisect import bisect_left, bisect_right
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class EqualErrorRate(NamedTuple):
    """The rate at which FRR and FAR (nearly) meet, 0 to 1, and the threshold where they do."""

    rate: float
    threshold: float


class PerSignerEqualErrorRate(NamedTuple):
    """Pooled errors at each signer's own threshold, and the signers who lack one of the two kinds."""

    rate: float
    thresholds: dict[str, float]
    left_out: list[str]


def check_scores(scores: ArrayLike, name: str, *, finite: bool = True) -> Floats:
    """Return scores as float64, shape ``(n,)``; raise ValueError if none, NaN or (``finite``) infinite."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"{name}: need a non-empty list of scores, got shape {values.shape}")
    broken = ~np.isfinite(values) if finite else np.isnan(values)
    if broken.any():
        raise ValueError(f"{name}: {broken.sum()} of {values.size} scores are {'NaN or infinite' if finite else 'NaN'}")
    return values


def frr(genuine_scores: ArrayLike, threshold: float) -> float:
    """Return the share of genuine scores below the threshold, 0 to 1 (false rejections)."""
    return float(np.mean(check_scores(genuine_scores, "genuine") < threshold))


def far(forgery_scores: ArrayLike, threshold: float) -> float:
    """Return the share of forgery scores at or above the threshold, 0 to 1 (false acceptances)."""
    return float(np.mean(check_scores(forgery_scores, "forgery") >= threshold))


class ErrorCurve:
    """FRR and FAR at every candidate threshold: scores are sorted once, then cheap to reweight.

    Attributes:
        thresholds: Every distinct score of both kinds, ascending, then +inf; shape ``(n_thresholds,)``.
    """

    def __init__(self, genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> None:
        scores = check_scores(genuine_scores, "genuine"), check_scores(forgery_scores, "forgery")
        self.thresholds: Floats = np.append(np.unique(np.concatenate(scores)), np.inf)
        self._order = [np.argsort(values, kind="stable") for values in scores]
        genuine, forgery = (values[order] for values, order in zip(scores, self._order, strict=True))
        self._below = [np.searchsorted(values, self.thresholds) for values in (genuine, forgery)]
        self._beaten = [np.searchsorted(forgery, genuine, side) for side in ("left", "right")]

    def weighed(self, genuine_weights: Floats | None = None, forgery_weights: Floats | None = None) -> "WeighedCurve":
        """Return the curve with a weight for each score, 1 if left out; a weight of w counts as w copies of it."""
        both = zip(self._order, (genuine_weights, forgery_weights), strict=True)
        weights = [np.ones(order.size) if given is None else given[order] for order, given in both]
        return WeighedCurve(self.thresholds, weights, self._below, self._beaten)

    def counts(
        self, genuine_weights: Floats | None = None, forgery_weights: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return rejected genuine and rejected forgery weight, ``(n_thresholds,)`` each, last = total."""
        return self.weighed(genuine_weights, forgery_weights).counts()

    def eer(self, genuine_weights: Floats | None = None, forgery_weights: Floats | None = None) -> EqualErrorRate:
        """Return the equal error rate, as `eer` does; NaN if one kind has no weight."""
        return self.weighed(genuine_weights, forgery_weights).eer()


class WeighedCurve:
    """An `ErrorCurve` whose scores weigh something: what a draw of a bootstrap looks at.

    Weights are whole numbers, so that sums are exact. A score of weight 0 cannot win: the next larger candidate has the
    same rates, and the largest of the tied is taken.

    Args:
        thresholds: Of the curve.
        weights: Of genuine and forgery scores, ascending scores.
        below: How many scores of each lie below each threshold.
        beaten: How many forgery scores lie below each genuine score, and how many not above it.
    """

    def __init__(
        self,
        thresholds: Floats,
        weights: list[Floats],
        below: list[NDArray[np.intp]],
        beaten: list[NDArray[np.intp]],
    ) -> None:
        self.thresholds, self._below, self._beaten = thresholds, below, beaten
        self._weights = weights[0]
        self._genuine, self._forgery = (np.append(0.0, np.cumsum(values)) for values in weights)
        self._totals = float(self._genuine[-1]), float(self._forgery[-1])
        self.defined = min(self._totals) > 0.0
        """Whether both kinds weigh anything: no figure is defined otherwise."""

    def counts(self) -> tuple[Floats, Floats]:
        """Return rejected genuine and rejected forgery weight, ``(n_thresholds,)`` each, last = total."""
        return self._genuine[self._below[0]], self._forgery[self._below[1]]

    def _at(self, place: int) -> tuple[float, float]:
        """Return rejected genuine and accepted forgery weight at one threshold."""
        rejected, caught = self._genuine[self._below[0][place]], self._forgery[self._below[1][place]]
        return float(rejected), self._totals[1] - float(caught)

    def eer(self) -> EqualErrorRate:
        """Return the equal error rate; NaN if one kind has no weight.

        The gap of the rates never falls as the threshold rises, so that the smallest is found by halving.
        """
        if not self.defined:
            return EqualErrorRate(np.nan, np.nan)
        n_genuine, n_forgery = self._totals

        def gap(place: int) -> float:
            rejected, accepted = self._at(place)
            return rejected * n_forgery - accepted * n_genuine

        places = range(self.thresholds.size)
        best = bisect_left(places, 0.0, key=gap)
        if best and -gap(best - 1) < gap(best):
            best -= 1
        best = bisect_right(places, gap(best), key=gap) - 1
        rejected, accepted = self._at(best)
        return EqualErrorRate((rejected / n_genuine + accepted / n_forgery) / 2, float(self.thresholds[best]))

    def area(self) -> float:
        """Return the area under the ROC curve, ties one half; NaN if one kind has no weight."""
        if not self.defined:
            return float("nan")
        beaten = (self._forgery[self._beaten[0]] + self._forgery[self._beaten[1]]) / 2
        return float((self._weights * beaten).sum() / (self._totals[0] * self._totals[1]))

    def frr_at_far(self, far: float) -> float:
        """Return the FRR at the lowest threshold of at most such a FAR; NaN if one kind has no weight."""
        if not self.defined:
            return float("nan")
        total = self._totals[1]
        enough = np.searchsorted(self._forgery, total * (1 - far) - 1e-9 * total)
        return self._at(int(np.searchsorted(self._below[1], enough)))[0] / self._totals[0]


def eer(genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> EqualErrorRate:
    """Return the equal error rate ``(FRR + FAR) / 2`` where ``abs(FRR - FAR)`` is smallest.

    The threshold is fitted on the scores it judges (a-posteriori), which flatters: a decision
    needs one from development signers. Candidates are every distinct score and +inf; of several
    equally good ones the largest is taken.

    Args:
        genuine_scores: Shape ``(n_genuine,)``, finite.
        forgery_scores: Shape ``(n_forgery,)``, finite, one kind of forgery.

    Raises:
        ValueError: If either is empty or not finite.

    Example:
        >>> eer([0.6, 0.8, 0.9], [0.1, 0.2, 0.7])
        EqualErrorRate(rate=0.3333333333333333, threshold=0.7)
    """
    return ErrorCurve(genuine_scores, forgery_scores).eer()


def det_points(genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return ``(thresholds, frr, far)`` at every candidate, ascending thresholds: a DET or ROC curve."""
    curve = ErrorCurve(genuine_scores, forgery_scores)
    rejected, caught = curve.counts()
    return curve.thresholds, rejected / rejected[-1], (caught[-1] - caught) / caught[-1]


def eer_per_signer(
    genuine_scores: ArrayLike,
    genuine_signers: ArrayLike,
    forgery_scores: ArrayLike,
    forgery_signers: ArrayLike,
) -> PerSignerEqualErrorRate:
    """Return the mean of FRR and FAR after each signer's own a-posteriori threshold, errors pooled.

    Not the mean of per-signer EERs, and flattered twice: by fitting on few scores, and by a threshold
    tuned with each signer's own forgeries. For comparison with the literature only.

    Args:
        genuine_scores: Shape ``(n_genuine,)``.
        genuine_signers: Claimed signer of each, same shape.
        forgery_scores: Shape ``(n_forgery,)``.
        forgery_signers: Claimed signer of each, same shape.

    Raises:
        ValueError: If scores are empty or not finite, lengths differ, or no signer has both kinds.

    Source:
        Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature
        verification using deep convolutional neural networks", Pattern Recognition 70, "user thresholds".
        Differs: of equally good thresholds the largest is taken.
    """
    scores = [check_scores(genuine_scores, "genuine"), check_scores(forgery_scores, "forgery")]
    signers = [np.asarray(genuine_signers, dtype=str), np.asarray(forgery_signers, dtype=str)]
    if any(s.shape != c.shape for s, c in zip(scores, signers, strict=True)):
        raise ValueError("give one claimed signer for every score")
    names, codes = np.unique(np.concatenate(signers), return_inverse=True)
    by_kind = []  # for each kind, its scores cut up by signer
    for values, code in zip(scores, np.split(codes, [scores[0].size]), strict=True):
        ends = np.cumsum(np.bincount(code, minlength=names.size))[:-1]
        by_kind.append(np.split(values[np.argsort(code, kind="stable")], ends))
    thresholds: dict[str, float] = {}
    left_out, errors, totals = [], np.zeros(2), np.zeros(2)
    for name, genuine, forgery in zip(names.tolist(), *by_kind, strict=True):
        if genuine.size == 0 or forgery.size == 0:
            left_out.append(name)
            continue
        thresholds[name] = cut = eer(genuine, forgery).threshold
        errors += np.count_nonzero(genuine < cut), np.count_nonzero(forgery >= cut)
        totals += genuine.size, forgery.size
    if not thresholds:
        raise ValueError("no signer has both genuine and forgery scores")
    return PerSignerEqualErrorRate(float(np.mean(errors / totals)), thresholds, left_out)


def threshold_at_far(forgery_scores: ArrayLike, far: float) -> float:
    """Return the lowest threshold that accepts at most a share ``far`` of the forgeries.

    It lies one single-precision step above the highest score it must reject, so that float32 and float64
    comparisons agree. With n independent trials no rate below 3/n can be supported (rule of three).

    Args:
        forgery_scores: Shape ``(n_forgery,)``, finite.
        far: Largest tolerated share, 0 to 1.

    Raises:
        ValueError: If ``far`` is not in [0, 1], or scores are empty or not finite.
    """
    if not 0 <= far <= 1:
        raise ValueError(f"far must be in [0, 1], got {far}")
    ordered = np.sort(check_scores(forgery_scores, "forgery"))
    n_accepted = int(np.floor(far * ordered.size + 1e-9))
    if n_accepted == ordered.size:
        return float(ordered[0])
    return float(np.nextafter(np.float32(ordered[-1 - n_accepted]), np.float32(np.inf)))


def auc(genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> float:
    """Return the probability that a genuine score exceeds a forgery score, ties counting one half."""
    genuine = np.sort(check_scores(genuine_scores, "genuine"))  # sorted: the search below runs in cache
    forgery = np.sort(check_scores(forgery_scores, "forgery"))
    wins = np.searchsorted(forgery, genuine, "left") + np.searchsorted(forgery, genuine, "right")
    return float(wins.mean() / (2 * forgery.size))


def d_prime(genuine_scores: ArrayLike, forgery_scores: ArrayLike) -> float:
    """Return the distance of the two means over the root mean of both variances; NaN if all scores are equal.

    Args:
        genuine_scores: Shape ``(n_genuine,)``, finite.
        forgery_scores: Shape ``(n_forgery,)``, finite, one kind of forgery.

    Source:
        Green, Swets (1966), "Signal detection theory and psychophysics"; for unequal variances the root mean square.
    """
    genuine, forgery = check_scores(genuine_scores, "genuine"), check_scores(forgery_scores, "forgery")
    spread = float(np.sqrt((genuine.var() + forgery.var()) / 2))
    return float((genuine.mean() - forgery.mean()) / spread) if spread > 1e-9 else float("nan")


def rule_of_three(n_signers: int) -> float:
    """Return the smallest error rate that no error among ``n_signers`` independent signers supports at 95 %, 0 to 1.

    Source:
        Hanley, Lippman-Hand (1983), "If nothing goes wrong, is everything all right?", JAMA 249.
    """
    if n_signers < 1:
        raise ValueError(f"n_signers is {n_signers}; at least 1 is needed")
    return min(1.0, 3.0 / n_signers)
