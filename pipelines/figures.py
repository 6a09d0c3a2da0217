"""What a bootstrap over signers can be of: error rates, areas, costs, as functions of the trials' weights."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Figures, Statistic, Trials, coded
from .error_rates import ErrorCurve, Floats, check_scores, eer_per_signer
from .likelihood import min_cllr_of_counts

RARE = {"1pct": 0.01, "01pct": 0.001}
"""False-acceptance rates at which the rejection rate is told, by how they are named."""


def _rows(trials: Trials, kind: str) -> NDArray[np.intp]:
    """Return the places of one kind of trial; raise ValueError if there are none."""
    rows = np.flatnonzero(trials.kind == kind)
    if rows.size == 0:
        raise ValueError(f"no {kind} trials; kinds here: {', '.join(np.unique(trials.kind)) or 'none'}")
    return rows


class _Sums:
    """Sums over the trials of one kind of columns ``(n, n_columns)``, quick for any weights a bootstrap draws.

    All trials of one claimed signer and one impostor have one weight, so the columns are summed over those once.
    """

    def __init__(self, trials: Trials, rows: NDArray[np.intp], columns: Floats) -> None:
        (_, claimed), (names, impostor) = (coded(column[rows]) for column in (trials.claimed, trials.impostor))
        _, first, place = np.unique(claimed * names.size + impostor, return_index=True, return_inverse=True)
        self._first = rows[first]
        whole = np.column_stack([np.ones(rows.size), columns])
        self._sums = np.stack([np.bincount(place, column, first.size) for column in whole.T])

    def __call__(self, weights: Floats) -> Floats:
        """Return the total weight, then the weighted sum of each column."""
        # a product and a sum: a dot product would wait for BLAS threads on a busy machine
        found: Floats = (self._sums * weights[self._first]).sum(axis=1)
        return found


def _mean_over(trials: Trials, rows: NDArray[np.intp], values: Floats) -> Callable[[Floats], float]:
    """Return a function from trial weights to the weighted mean of ``values``, NaN if nothing weighs."""
    sums = _Sums(trials, rows, values[:, None])

    def weigh(weights: Floats) -> float:
        total, summed = sums(weights)
        return float(summed / total) if total else float("nan")

    return weigh


def frr_at(threshold: float) -> Statistic:
    """Return the statistic FRR at a frozen threshold, for `bootstrap_over_signers`."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        rows = _rows(trials, "genuine")
        rejected = check_scores(trials.score[rows], "genuine") < threshold
        return _mean_over(trials, rows, rejected.astype(np.float64))

    return prepare


def far_at(threshold: float, kind: str) -> Statistic:
    """Return the statistic FAR of one ``kind`` at a frozen threshold, for `bootstrap_over_signers`."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        rows = _rows(trials, kind)
        accepted = check_scores(trials.score[rows], kind) >= threshold
        return _mean_over(trials, rows, accepted.astype(np.float64))

    return prepare


def mean_of(*statistics: Statistic) -> Statistic:
    """Return the mean of some statistics as one, such as the average error rate of FRR and a FAR."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        prepared = [statistic(trials) for statistic in statistics]
        return lambda weights: sum(weigh(weights) for weigh in prepared) / len(prepared)

    return prepare


def eer_of(kind: str) -> Statistic:
    """Return the statistic EER (a-posteriori, global) against one ``kind`` of forgery."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        genuine, forgery = _rows(trials, "genuine"), _rows(trials, kind)
        curve = ErrorCurve(trials.score[genuine], trials.score[forgery])
        return lambda weights: curve.eer(weights[genuine], weights[forgery]).rate

    return prepare


def curve_figures(kind: str, *, least_cost: bool = True) -> Figures:
    """Return the a-posteriori figures of one ``kind`` that are read from one curve.

    They are ``eer_<kind>``, ``auc_<kind>``, ``frr_at_far_<kind>_1pct`` and ``..._01pct`` (the FRR at the lowest
    threshold that accepts at most that share) and, with ``least_cost``, ``min_cllr_<kind>``.
    """

    def prepare(trials: Trials) -> Callable[[Floats], dict[str, float]]:
        genuine, forgery = _rows(trials, "genuine"), _rows(trials, kind)
        curve = ErrorCurve(trials.score[genuine], trials.score[forgery])

        def weigh(weights: Floats) -> dict[str, float]:
            weighed = curve.weighed(weights[genuine], weights[forgery])
            found = {f"eer_{kind}": weighed.eer().rate, f"auc_{kind}": weighed.area()}
            for name, far in RARE.items():
                found[f"frr_at_far_{kind}_{name}"] = weighed.frr_at_far(far)
            if least_cost:
                found[f"min_cllr_{kind}"] = min_cllr_of_counts(*weighed.counts())
            return found

        return weigh

    return prepare


def d_prime_of(kind: str) -> Statistic:
    """Return the statistic d': distance of the means in units of the root mean variance; NaN for constant scores."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        sums = []
        for one in ("genuine", kind):
            rows = _rows(trials, one)
            scores = check_scores(trials.score[rows], one)
            sums.append(_Sums(trials, rows, np.column_stack([scores, scores**2])))

        def weigh(weights: Floats) -> float:
            means, variances = [], []
            for each in sums:
                total, first, second = each(weights)
                if total == 0:
                    return float("nan")
                means.append(first / total)
                variances.append(max(second / total - (first / total) ** 2, 0.0))
            spread = float(np.sqrt(sum(variances) / 2))
            return float((means[0] - means[1]) / spread) if spread > 1e-9 else float("nan")

        return weigh

    return prepare


def eer_per_signer_of(kind: str) -> Statistic:
    """Return the statistic of `eer_per_signer`: pooled errors at each signer's own a-posteriori threshold.

    A drawn signer brings all genuine signatures and forgeries alike, so that no draw moves a signer's threshold.
    """

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        rows = [_rows(trials, one) for one in ("genuine", kind)]
        scores = [check_scores(trials.score[r], kind) for r in rows]
        own = eer_per_signer(scores[0], trials.claimed[rows[0]], scores[1], trials.claimed[rows[1]]).thresholds
        means = []
        for places, values, accepted in zip(rows, scores, (False, True), strict=True):
            known = np.array([name in own for name in trials.claimed[places].tolist()])
            cuts = np.array([own[name] for name in trials.claimed[places][known].tolist()])
            wrong = (values[known] >= cuts) == accepted
            means.append(_mean_over(trials, places[known], wrong.astype(np.float64)))
        return lambda weights: (means[0](weights) + means[1](weights)) / 2

    return prepare


def cllr_of(kind: str, to_llr: Callable[[Floats], Floats]) -> Statistic:
    """Return the statistic Cllr against one ``kind``; ``to_llr`` maps scores to natural-log LRs."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        means = []
        for one, sign in (("genuine", -1.0), (kind, 1.0)):
            rows = _rows(trials, one)
            llr = check_scores(to_llr(check_scores(trials.score[rows], one)), "llr", finite=False)
            means.append(_mean_over(trials, rows, np.logaddexp(0, sign * llr) / np.log(2)))
        return lambda weights: (means[0](weights) + means[1](weights)) / 2

    return prepare


def calibration_error_of(kind: str, to_llr: Callable[[Floats], Floats], *, bins: int = 10) -> Statistic:
    """Return the statistic `expected_calibration_error` against one ``kind``, both classes weighing the same."""

    def prepare(trials: Trials) -> Callable[[Floats], float]:
        parts: list[tuple[_Sums, float]] = []
        for one, label in (("genuine", 1.0), (kind, 0.0)):
            rows = _rows(trials, one)
            llr = check_scores(to_llr(check_scores(trials.score[rows], one)), "llr", finite=False)
            stated = np.exp(-np.logaddexp(0, -llr))
            place = np.minimum((stated * bins).astype(np.intp), bins - 1)
            gaps = np.zeros((rows.size, bins))
            gaps[np.arange(rows.size), place] = stated - label
            parts.append((_Sums(trials, rows, gaps), label))

        def weigh(weights: Floats) -> float:
            sums = [each(weights) for each, _ in parts]
            if any(found[0] == 0 for found in sums):
                return float("nan")
            return float(np.abs(sum(found[1:] / (2 * found[0]) for found in sums)).sum())

        return weigh

    return prepare


def means_over_repeats(
    trials: Trials, repeat: NDArray[np.integer], statistics: Sequence[tuple[str, Statistic]]
) -> dict[str, Floats]:
    """Return each statistic of every repeat of a protocol, by name, shape ``(n_repeats,)``."""
    from types import SimpleNamespace

    found: dict[str, list[float]] = {name: [] for name, _ in statistics}
    for number in np.unique(repeat):
        rows = repeat == number
        some = SimpleNamespace(**{c: getattr(trials, c)[rows] for c in ("claimed", "impostor", "kind", "score")})
        for name, statistic in statistics:
            found[name].append(statistic(some)(np.ones(int(rows.sum()))))
    return {name: np.array(values) for name, values in found.items()}
