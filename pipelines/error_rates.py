"""Error rates at a threshold, and the thresholds and curves they are read from (NumPy only).

Polarity: a higher score means more likely genuine; accept iff ``score >= threshold``, ties accepted.
One trial is one transaction without failure to acquire, so FAR and FRR coincide with FMR and FNMR for
random forgeries; a skilled forgery is an attack, and its rate is never an FMR. Each function takes the
scores of one kind of forgery, because kinds are never pooled. Intervals are in `bootstrap.py`.
"""

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
        genuine = check_scores(genuine_scores, "genuine")
        pooled = np.concatenate([genuine, check_scores(forgery_scores, "forgery")])
        distinct, place = np.unique(pooled, return_inverse=True)
        self.thresholds: Floats = np.append(distinct, np.inf)
        self._genuine, self._forgery = place[: genuine.size], place[genuine.size :]

    def counts(
        self, genuine_weights: Floats | None = None, forgery_weights: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Return rejected genuine and rejected forgery weight, ``(n_thresholds,)`` each, last = total."""
        size = self.thresholds.size
        below = [
            np.cumsum(np.bincount(place + 1, weights, size).astype(np.float64))
            for place, weights in ((self._genuine, genuine_weights), (self._forgery, forgery_weights))
        ]
        return below[0], below[1]

    def eer(self, genuine_weights: Floats | None = None, forgery_weights: Floats | None = None) -> EqualErrorRate:
        """Return the equal error rate, as `eer` does; NaN if one kind has no weight.

        A weight of w counts as w copies of the trial. A score of weight 0 cannot win: the next larger
        candidate has the same rates, and the largest of the tied is taken.
        """
        return self.eer_of_counts(*self.counts(genuine_weights, forgery_weights))

    def eer_of_counts(self, rejected: Floats, caught: Floats) -> EqualErrorRate:
        """Return the equal error rate of what `counts` gave."""
        n_genuine, n_forgery = rejected[-1], caught[-1]
        if n_genuine == 0 or n_forgery == 0:
            return EqualErrorRate(np.nan, np.nan)
        accepted = n_forgery - caught
        gap = np.abs(rejected * n_forgery - accepted * n_genuine)  # exact: whole numbers below 2**53
        best = gap.size - 1 - int(np.argmin(gap[::-1]))
        rate = (rejected[best] / n_genuine + accepted[best] / n_forgery) / 2
        return EqualErrorRate(float(rate), float(self.thresholds[best]))


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
