"""Two more ways from scores to likelihood ratios beside the logistic one, and how well each does on test signers.

Isotonic calibration knows nothing but that higher is more genuine; a ratio of densities models how genuine signatures
and forgeries score. Both are fitted on development signers, are plain records, and state no ratio larger than the
number of trials that could support it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .calibration import FORGERY_KINDS, LogisticCalibrator, _development_scores, fit_calibrator, words_for
from .metrics import (
    calibration_error_of,
    cllr_of,
    min_cllr,
    named,
    reliability,
    tippett,
)
from .rates import finite, intervals
from .trials import TrialTable

_GRID = 256


@dataclass(frozen=True)
class TabledCalibrator:
    """Natural-log likelihood ratios at some scores, straight in between and constant outside.

    Attributes:
        method: "isotonic" or "density".
        scores: Ascending, shape ``(n_knots,)``.
        log_ratios: Natural-log ratio at each.
        forgery_kind: The alternative the ratio is about.
        n_signers: Claimed development signers it rests on.
    """

    method: str
    scores: tuple[float, ...]
    log_ratios: tuple[float, ...]
    forgery_kind: str
    n_signers: int

    def log_lr(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return natural-log likelihood ratios, shape as ``scores``."""
        return np.asarray(np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.log_ratios))

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self) | {"scores": list(self.scores), "log_ratios": list(self.log_ratios)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Build from `to_dict`; raise ValueError on unusable values."""
        try:
            columns = {name: tuple(map(float, record[name])) for name in ("scores", "log_ratios")}
            made = cls(**{**record, **columns})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a calibrator record: {error}") from error
        usable = np.isfinite([*made.scores, *made.log_ratios]).all() and (np.diff(made.scores) >= 0).all()
        if not made.scores or len(made.scores) != len(made.log_ratios) or not usable:
            raise ValueError("not a calibrator: needs as many finite ratios as ascending finite scores")
        return made


def _both(genuine: TrialTable, forgery: TrialTable) -> tuple[NDArray[np.float64], NDArray[np.float64], str, int]:
    good, bad = _development_scores(genuine, "genuine"), _development_scores(forgery, *FORGERY_KINDS)
    return good, bad, str(forgery.kind[0]), int(np.union1d(genuine.claimed, forgery.claimed).size)


def fit_isotonic(genuine: TrialTable, forgery: TrialTable) -> TabledCalibrator:
    """Fit an increasing step function, both classes weighing the same.

    A forgery at the highest score and a genuine signature at the lowest are added, so that no ratio is infinite.

    Args:
        genuine: Development trials of kind "genuine".
        forgery: Development trials of one other kind.

    Raises:
        ValueError: If a table is of part "test", empty or of another kind.

    Source:
        Zadrozny, Elkan (2002), "Transforming classifier scores into accurate multiclass probability estimates", KDD.
        Differs: classes weigh alike, one misleading trial is added at each end.
    """
    from sklearn.isotonic import IsotonicRegression

    good, bad, kind, n_signers = _both(genuine, forgery)
    ends = min(good.min(), bad.min()), max(good.max(), bad.max())
    scores = np.concatenate([good, [ends[0]], bad, [ends[1]]])
    labels = np.repeat([1.0, 0.0], [good.size + 1, bad.size + 1])
    weights = np.where(labels == 1, 0.5 / (good.size + 1), 0.5 / (bad.size + 1))
    model = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, sample_weight=weights)
    share = np.clip(model.y_thresholds_, 0.5 / (good.size + 1), 1 - 0.5 / (bad.size + 1))
    log_ratios = np.log(share) - np.log1p(-share)
    return TabledCalibrator(
        "isotonic", tuple(model.X_thresholds_.tolist()), tuple(log_ratios.tolist()), kind, n_signers
    )


def fit_density_ratio(genuine: TrialTable, forgery: TrialTable) -> TabledCalibrator:
    """Fit the ratio of two smoothed densities of scores, that of genuine signatures over that of forgeries.

    Outside of all scores it stays what it is at their ends. It need not rise with the score.

    Args:
        genuine: Development trials of kind "genuine".
        forgery: Development trials of one other kind.

    Raises:
        ValueError: If a table is of part "test", empty or of another kind.

    Source:
        Aitken, Lucy (2004), "Evaluation of trace evidence in the form of multivariate data", Applied Statistics 53, for
        kernel densities; Silverman (1986), "Density estimation for statistics and data analysis", eq. 3.31, for their
        width. Differs: one dimension; ratios stop at the number of trials.
    """
    from sklearn.neighbors import KernelDensity

    good, bad, kind, n_signers = _both(genuine, forgery)
    pooled = np.concatenate([good, bad])
    grid = np.linspace(pooled.min(), pooled.max(), _GRID) if np.ptp(pooled) > 0 else pooled[:1]
    logs = []
    for values in (good, bad):
        quarters = np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.34
        spread = min(filter(None, (float(values.std()), float(quarters))), default=0.0)
        width = max(0.9 * spread * values.size**-0.2, 1e-3 * float(np.ptp(pooled)), 1e-12)
        logs.append(KernelDensity(bandwidth=width, rtol=1e-4).fit(values[:, None]).score_samples(grid[:, None]))
    ratios = np.clip(logs[0] - logs[1], -np.log(good.size + 1), np.log(bad.size + 1))
    return TabledCalibrator("density", tuple(grid.tolist()), tuple(ratios.tolist()), kind, n_signers)


METHODS: dict[str, Any] = {"logistic": fit_calibrator, "isotonic": fit_isotonic, "density": fit_density_ratio}


def calibration_of(development: TrialTable, test: TrialTable, *, draws: int, seed: int) -> dict[str, Any]:
    """Return how well each way of calibrating does on test signers, against each kind of forgery apart.

    Args:
        development: Trials the calibrators are fitted on.
        test: Trials they are judged on.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        By kind, then method: the record, Cllr and expected calibration error with intervals, Cllr less min-Cllr, and
        the points of a Tippett plot and a reliability diagram.
    """
    found: dict[str, Any] = {}
    for kind in FORGERY_KINDS:
        tables = [(table.select(kind="genuine"), table.select(kind=kind)) for table in (development, test)]
        if any(len(table) == 0 for pair in tables for table in pair):
            continue
        (dev_genuine, dev_forged), (genuine, forged) = tables
        least = min_cllr(genuine.score, forged.score)
        found[kind] = {"min_cllr_aposteriori": least}
        for name, fit in METHODS.items():
            found[kind][name] = _judged(fit(dev_genuine, dev_forged), genuine, forged, test, kind, least, draws, seed)
    return found


def _judged(
    calibrator: LogisticCalibrator | TabledCalibrator,
    genuine: TrialTable,
    forged: TrialTable,
    test: TrialTable,
    kind: str,
    least: float,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    to_llr = calibrator.log_lr
    figures = [named("cllr", cllr_of(kind, to_llr)), named("ece", calibration_error_of(kind, to_llr))]
    found: dict[str, Any] = intervals(test, figures, draws=draws, seed=seed)
    ratios = [to_llr(table.score) for table in (genuine, forged)]
    curve = tippett(*(values / np.log(10) for values in ratios))
    bins = reliability(*ratios)
    return {
        "fitted_on": "development signers",
        "record": calibrator.to_dict(),
        **found,
        "calibration_loss": found["cllr"]["value"] - least,
        "misleading": {
            "genuine": float((ratios[0] < 0).mean()),
            "forgery": float((ratios[1] > 0).mean()),
        },
        "tippett": {name: values.round(6).tolist() for name, values in curve._asdict().items()},
        "reliability": {name: [finite(v) for v in values.tolist()] for name, values in bins._asdict().items()},
        "words": {
            one: _words(values / np.log(10), kind) for one, values in zip(("genuine", kind), ratios, strict=True)
        },
    }


def _words(log10_lr: NDArray[np.float64], kind: str) -> dict[str, float]:
    """Return the share of trials that each phrase would be said of."""
    phrases, counts = np.unique([words_for(value, kind) for value in log10_lr.tolist()], return_counts=True)
    return {phrase: count / log10_lr.size for phrase, count in zip(phrases.tolist(), counts.tolist(), strict=True)}
