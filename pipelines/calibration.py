"""Thresholds and likelihood ratios, fitted on development signers only.

Everything fitted here takes a `TrialTable` and refuses one whose part is "test". What is fitted is a
plain record that fits into JSON. Rates at a frozen threshold are in `metrics.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .error_rates import check_scores, eer, far, frr, threshold_at_far
from .likelihood import min_cllr as min_cllr
from .trials import TrialTable

# Upper end of log10 LR and the word for the support below it (ENFSI 2015; LR 2, 10, 100, ...).
FORGERY_KINDS = ("random", "simple", "skilled")
VERBAL_SCALE = (
    (np.log10(2.0), "no"),
    (1.0, "weak"),
    (2.0, "moderate"),
    (3.0, "moderately strong"),
    (4.0, "strong"),
    (6.0, "very strong"),
    (np.inf, "extremely strong"),
)


def _check_development(trials: TrialTable) -> None:
    """Raise ValueError if the trials, even none, are not of development signers."""
    if trials.part != "development":
        raise ValueError(f"part is {trials.part!r}: fit thresholds and calibrators on trials of development signers")


def _development_scores(trials: TrialTable, *kinds: str) -> NDArray[np.float64]:
    """Return the scores of development trials of the named kinds, ``(n,)``; raise ValueError otherwise."""
    _check_development(trials)
    found = np.unique(trials.kind).tolist()
    if len(found) > 1 or not set(found) <= set(kinds):
        raise ValueError(f"need {' or '.join(kinds)} trials of one kind, got {', '.join(found)}")
    return check_scores(trials.score, f"development {' or '.join(kinds)}")


@dataclass(frozen=True)
class LogisticCalibrator:
    """A line from scores to natural-log likelihood ratios: genuine against one kind of forgery.

    Attributes:
        slope: Natural-log LR per unit of score, 0 or more.
        intercept: Natural-log LR of score 0.
        forgery_kind: The alternative the ratio is about: "random", "simple" or "skilled".
        n_genuine: Development trials it was fitted on.
        n_forgery: The same for the forgeries.
        n_signers: Claimed development signers: the number that says what the ratio rests on.
    """

    slope: float
    intercept: float
    forgery_kind: str
    n_genuine: int
    n_forgery: int
    n_signers: int

    def log_lr(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return natural-log likelihood ratios, shape as ``scores``; `metrics.cllr` takes these.

        However far out a score lies, ``n_genuine`` trials cannot show a ratio below ``1 / (n_genuine + 1)``, nor
        ``n_forgery`` trials one above ``n_forgery + 1``: the line stops there.

        Source:
            Vergeer, van Es, de Jongh, Alberink, Stoel (2016), "Numerical likelihood ratios outputted by LR systems are
            often based on extrapolation: when to stop extrapolating?", Science and Justice 56. Differs: bounds by the
            number of trials, as the other calibrators have, instead of by misleading evidence.
        """
        line = self.slope * np.asarray(scores, dtype=np.float64) + self.intercept
        bounded: NDArray[np.float64] = np.clip(line, -np.log1p(self.n_genuine), np.log1p(self.n_forgery))
        return bounded

    def log10_lr(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return base-10 log likelihood ratios, shape as ``scores``: the unit of reports."""
        log10_lr: NDArray[np.float64] = self.log_lr(scores) / np.log(10)
        return log10_lr

    def beyond(self, scores: ArrayLike, threshold: float) -> NDArray[np.float64]:
        """Return how far scores lie above a threshold in base-10 log likelihood ratios, shape as ``scores``.

        The line does not stop here: two scores that both lie where `log_lr` stops still have their distance.
        """
        distance: NDArray[np.float64] = self.slope * (np.asarray(scores, dtype=np.float64) - threshold) / np.log(10)
        return distance

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Build from `to_dict`; raise ValueError on missing, unknown or unusable values."""
        try:
            made = cls(**record)
            usable = bool(np.isfinite([made.slope, made.intercept]).all()) and made.slope >= 0
        except TypeError as error:
            raise ValueError(f"not a calibrator record: {error}") from error
        if not usable:
            raise ValueError(f"not a calibrator: slope {made.slope}, intercept {made.intercept}")
        return made


def fit_calibrator(genuine: TrialTable, forgery: TrialTable) -> LogisticCalibrator:
    """Fit a logistic calibrator on development trials, both classes weighing the same.

    With balanced classes the log-odds of the logistic regression are the log likelihood ratio. Scores are
    standardised and the slope is shrunk a little (unit penalty, fading as trials grow), so that
    separable development scores give no infinite ratio. If higher scores are not more genuine, the
    slope would be negative; it is set to 0, and every ratio is 1: such a score is no evidence.

    Args:
        genuine: Development trials of kind "genuine".
        forgery: Development trials of one other kind.

    Raises:
        ValueError: If a table is of part "test", empty or of another kind.

    Source:
        Morrison (2013), "Tutorial on logistic-regression calibration and fusion", Australian Journal of
        Forensic Sciences 45. Differs: L2 penalty, slope at least 0.
    """
    from sklearn.linear_model import LogisticRegression

    good, bad = _development_scores(genuine, "genuine"), _development_scores(forgery, *FORGERY_KINDS)
    scores = np.concatenate([good, bad])
    spread = float(scores.std()) or 1.0
    standard = ((scores - scores.mean()) / spread)[:, None]
    model = LogisticRegression(class_weight="balanced", tol=1e-8, max_iter=1000)
    model.fit(standard, np.repeat([1, 0], [good.size, bad.size]))
    slope = float(model.coef_[0, 0]) / spread
    intercept = float(model.intercept_[0]) - slope * float(scores.mean())
    if slope <= 0:
        slope = intercept = 0.0
    n_signers = np.union1d(genuine.claimed, forgery.claimed).size
    return LogisticCalibrator(slope, intercept, str(forgery.kind[0]), good.size, bad.size, n_signers)


@dataclass(frozen=True)
class OperatingPoint:
    """A frozen threshold and the development rates it was chosen for, each 0 to 1.

    `far_random` is None where there were no random forgeries (a single signer).
    """

    threshold: float
    frr: float
    far_skilled: float
    far_random: float | None


def choose_thresholds(
    dev_genuine: TrialTable, dev_skilled: TrialTable, dev_random: TrialTable
) -> dict[str, OperatingPoint]:
    """Choose the thresholds to freeze, from development signers.

    Args:
        dev_genuine: Development trials of kind "genuine".
        dev_skilled: Development trials of kind "skilled".
        dev_random: Development trials of kind "random"; may be empty.

    Returns:
        "eer_skilled": where FRR and FAR_skilled meet, the default; "far_skilled_1pct": the lowest
        threshold that accepts at most 1 % of skilled forgeries.

    Raises:
        ValueError: If a table is of part "test" or another kind, or genuine or skilled is empty.
    """
    _check_development(dev_random)
    genuine, skilled = (
        _development_scores(dev_genuine, "genuine"),
        _development_scores(dev_skilled, "skilled"),
    )
    random = _development_scores(dev_random, "random") if len(dev_random) else None
    chosen = {
        "eer_skilled": eer(genuine, skilled).threshold,
        "far_skilled_1pct": threshold_at_far(skilled, 0.01),
    }
    return {
        name: OperatingPoint(t, frr(genuine, t), far(skilled, t), None if random is None else far(random, t))
        for name, t in chosen.items()
    }


def words_for(log10_lr: float, forgery_kind: str) -> str:
    """Return a likelihood ratio in words: which proposition it supports, and how strongly.

    The words weigh the findings under two propositions; they say nothing on how probable either is.

    Args:
        log10_lr: Base-10 log likelihood ratio, genuine over forgery; infinite allowed.
        forgery_kind: The alternative: "random", "simple" or "skilled".

    Raises:
        ValueError: If the ratio is NaN or the kind unknown.

    Source:
        ENFSI (2015), "Guideline for evaluative reporting in forensic science", verbal scale. Differs: a
        band below LR 2 counts as no support, and LR below 1 mirrors the scale.

    Example:
        >>> words_for(2.3, "skilled")
        'moderately strong support for genuine over skilled forgery'
    """
    if np.isnan(log10_lr) or forgery_kind not in FORGERY_KINDS:
        raise ValueError(f"cannot put into words: log10 LR {log10_lr} against {forgery_kind!r} forgery")
    strength = next(word for end, word in VERBAL_SCALE if abs(log10_lr) < end or end == np.inf)
    sides = ("genuine", f"{forgery_kind} forgery")
    first, second = sides if log10_lr >= 0 else sides[::-1]
    return (
        f"{strength} support for {first} over {second}"
        if strength != "no"
        else (f"no support for {sides[0]} or {sides[1]}")
    )
