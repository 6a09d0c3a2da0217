"""Error rates, likelihood-ratio cost, and intervals from a bootstrap over signers (NumPy only).

Polarity: a higher score means more likely genuine; accept iff ``score >= threshold``, ties accepted.
One trial is one transaction without failure to acquire, so FAR and FRR coincide with FMR and FNMR for
random forgeries; a skilled forgery is an attack, and its rate is never an FMR. Each function takes the
scores of one kind of forgery, because kinds are never pooled. What is fitted lives in `calibration.py`.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

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


class Interval(NamedTuple):
    """A statistic, its percentile interval over signers, and what that interval rests on."""

    value: float
    low: float
    high: float
    n_signers: int
    n_draws: int  # draws in which the statistic was defined


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
        rejected, caught = self.counts(genuine_weights, forgery_weights)
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


class Trials(Protocol):
    """What a statistic reads of a trial table (`protocols.TrialTable` has it): parallel arrays."""

    @property
    def claimed(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def impostor(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def kind(self) -> NDArray[np.str_]: ...  # noqa: D102
    @property
    def score(self) -> NDArray[np.floating]: ...  # noqa: D102


# A statistic looks at the trials once (sorting, costs) and returns a function of the trials' weights.
Statistic = Callable[[Trials], Callable[[Floats], float]]


def _rows(trials: Trials, kind: str) -> NDArray[np.intp]:
    """Return the places of one kind of trial; raise ValueError if there are none."""
    rows = np.flatnonzero(trials.kind == kind)
    if rows.size == 0:
        raise ValueError(f"no {kind} trials; kinds here: {', '.join(np.unique(trials.kind)) or 'none'}")
    return rows


def _mean_over(values: Floats, rows: NDArray[np.intp]) -> Callable[[Floats], float]:
    """Return a function from trial weights to the weighted mean of ``values``, NaN if nothing weighs."""

    def weigh(weights: Floats) -> float:
        mine = weights[rows]
        total = mine.sum()  # a product and a sum: a dot product would wait for BLAS threads on a busy machine
        return float((mine * values).sum() / total) if total else float("nan")

    return weigh


def frr_at(threshold: float) -> Statistic:
    """Return the statistic FRR at a frozen threshold, for `bootstrap_over_signers`."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        rows = _rows(trials, "genuine")
        rejected = check_scores(trials.score[rows], "genuine") < threshold
        return _mean_over(rejected.astype(np.float64), rows)

    return prepare


def far_at(threshold: float, kind: str) -> Statistic:
    """Return the statistic FAR of one ``kind`` at a frozen threshold, for `bootstrap_over_signers`."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        rows = _rows(trials, kind)
        accepted = check_scores(trials.score[rows], kind) >= threshold
        return _mean_over(accepted.astype(np.float64), rows)

    return prepare


def eer_of(kind: str) -> Statistic:
    """Return the statistic EER (a-posteriori, global) against one ``kind`` of forgery."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        genuine, forgery = _rows(trials, "genuine"), _rows(trials, kind)
        curve = ErrorCurve(trials.score[genuine], trials.score[forgery])
        return lambda weights: curve.eer(weights[genuine], weights[forgery]).rate

    return prepare


def cllr_of(kind: str, to_llr: Callable[[Floats], Floats]) -> Statistic:
    """Return the statistic Cllr against one ``kind``; ``to_llr`` maps scores to natural-log LRs."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        means = []
        for one, sign in (("genuine", -1.0), (kind, 1.0)):
            rows = _rows(trials, one)
            llr = check_scores(to_llr(check_scores(trials.score[rows], one)), "llr", finite=False)
            means.append(_mean_over(np.logaddexp(0, sign * llr) / np.log(2), rows))
        return lambda weights: (means[0](weights) + means[1](weights)) / 2

    return prepare


def bootstrap_over_signers(
    trials: Trials, statistic: Statistic, *, seed: int, n_draws: int = 1000, level: float = 0.95
) -> Interval:
    """Return a statistic with its percentile interval from a bootstrap over signers.

    Signers are drawn with replacement and bring all their trials. A trial weighs as often as its claimed
    signer was drawn, times, for a random forgery, as often as its impostor was. Equal seeds draw
    equal signers. Thresholds inside ``statistic`` stay frozen. Where no error was seen the interval is
    0 to 0: then the rule of three, 3 / number of signers, bounds the rate.

    Args:
        trials: Parallel arrays; ``impostor`` is "" unless the trial is a random forgery.
        statistic: `frr_at`, `far_at`, `eer_of` or `cllr_of` of something.
        seed: Seed of the draws, 0 or more.
        n_draws: Number of draws; those in which a kind of trial has no weight are skipped.
        level: Coverage of the interval, between 0 and 1.

    Raises:
        ValueError: If fewer than two signers are claimed, or ``statistic`` lacks its trials.

    Source:
        Poh, Martin, Bengio (2007), "Performance generalization in biometric authentication using joint
        user-specific and sample bootstraps", IEEE TPAMI 29. Differs: signers only, both roles drawn.
    """
    claimed = np.unique(trials.claimed)
    if claimed.size < 2:
        raise ValueError(f"a bootstrap over signers needs at least 2 claimed signers, got {claimed.size}")
    names, roles = np.unique(np.concatenate([trials.claimed, trials.impostor]), return_inverse=True)
    mine, other = np.split(roles, 2)
    people = np.flatnonzero(names != "")
    weigh, drawn = statistic(trials), np.ones(names.size)  # "" stands for no impostor and weighs 1
    rng, values = np.random.default_rng(seed), np.empty(n_draws)
    for draw in range(n_draws):
        drawn[people] = np.bincount(rng.integers(people.size, size=people.size), minlength=people.size)
        values[draw] = weigh(drawn[mine] * drawn[other])
    defined = values[~np.isnan(values)]
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2]) if defined.size else (np.nan,) * 2
    value = weigh(np.ones(mine.size))
    return Interval(value, float(low), float(high), claimed.size, defined.size)
