"""Every figure of a trial table, with its interval over signers, ready for `metrics.json`."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .calibration import LogisticCalibrator, OperatingPoint, choose_thresholds, fit_calibrator
from .decisions import FusedPoint, nearest_frozen
from .metrics import (
    RARE,
    Figures,
    bootstrap_figures,
    calibration_error_of,
    cllr_of,
    curve_figures,
    d_prime_of,
    eer,
    eer_of,
    eer_per_signer_of,
    far_at,
    frr_at,
    mean_of,
    means_over_repeats,
    named,
    rule_of_three,
)
from .trials import TrialTable

FORGED = ("random", "simple", "skilled")


@dataclasses.dataclass(frozen=True)
class Frozen:
    """What was fitted on development signers, and on how many.

    `fused` is for several references, and `typical` the mean score of two genuine signatures of one person.
    """

    points: dict[str, OperatingPoint]
    calibrator: LogisticCalibrator
    trials: TrialTable
    fused: Mapping[str, FusedPoint] = dataclasses.field(default_factory=dict)
    typical: float = 1.0

    @property
    def threshold(self) -> float:
        """The default threshold: where FRR and FAR_skilled met on development signers."""
        return self.points["eer_skilled"].threshold

    def for_references(self, fusion: str, n: int) -> tuple[int, "Frozen"]:
        """Return what holds for n references, with the threshold that `Verifier.decide` takes, and for how many it is.

        Args:
            fusion: How the scores become one.
            n: References, 1 or more.
        """
        if (found := nearest_frozen(self.fused, fusion, n)) is None:
            return 1, self
        number, point = found
        at = dataclasses.replace(self.points["eer_skilled"], threshold=point.threshold)
        return number, dataclasses.replace(self, points={**self.points, "eer_skilled": at}, calibrator=point.calibrator)


def freeze_on(trials: TrialTable) -> Frozen:
    """Return thresholds and calibration from development trials, of one signer at least."""
    genuine, skilled, random = (trials.select(kind=kind) for kind in ("genuine", "skilled", "random"))
    points, calibrator = choose_thresholds(genuine, skilled, random), fit_calibrator(genuine, skilled)
    return Frozen(points, calibrator, trials, typical=float(genuine.score.mean()))


def rates(trials: TrialTable, frozen: Frozen | None, *, draws: int, seed: int, brief: bool = False) -> dict[str, Any]:
    """Return every rate of a trial table with its 95 % interval over signers.

    A-posteriori figures (`eer_...`, `frr_at_far_...`, `min_cllr_...`) are fitted on the scores they describe;
    `..._frozen` rates, `cllr_skilled` and `ece_skilled` use what was fitted on development signers, and
    `..._at_dev_<point>_frozen` are rates at the other thresholds chosen there. Rates of kinds without trials are left
    out. With a single signer there are values but no intervals.

    Args:
        trials: Scored trials.
        frozen: From development signers, or None.
        draws: Of the bootstrap.
        seed: Of the bootstrap.
        brief: Equal error rates and rates at the frozen threshold alone.
    """
    n_signers = int(np.unique(trials.claimed).size)
    counts = {kind: int((trials.kind == kind).sum()) for kind in ("genuine", *FORGED)}
    result: dict[str, Any] = {"signers": n_signers, "trials": counts}
    result["rule_of_three"] = {
        "smallest_supported_rate": rule_of_three(n_signers) if n_signers else None,
        "supported": {name: bool(n_signers and rule_of_three(n_signers) <= far) for name, far in RARE.items()},
    }
    if not counts["genuine"]:
        return result
    present = [kind for kind in FORGED if counts[kind]]
    genuine = trials.score[trials.kind == "genuine"]
    for kind in present:
        threshold = eer(genuine, trials.score[trials.kind == kind]).threshold
        result[f"eer_{kind}_threshold_aposteriori"] = finite(threshold)
    found = intervals(trials, figures_of(present, frozen, brief=brief), draws=draws, seed=seed)
    for kind in present:
        found[f"eer_{kind}_aposteriori_global"] = found[f"eer_{kind}"]
        if f"min_cllr_{kind}" in found:
            found[f"min_cllr_{kind}_aposteriori"] = found.pop(f"min_cllr_{kind}")
    return result | found


def figures_of(present: list[str], frozen: Frozen | None, *, brief: bool = False) -> list[Figures]:
    """Return the figures to compute for the kinds of forgery that are present."""
    figures: list[Figures] = []
    for kind in present:
        if brief:
            figures.append(named(f"eer_{kind}", eer_of(kind)))
        else:
            figures += [curve_figures(kind, least_cost=kind == "skilled"), named(f"d_prime_{kind}", d_prime_of(kind))]
        if frozen is not None:
            figures.append(named(f"far_{kind}_frozen", far_at(frozen.threshold, kind)))
    if "skilled" in present:
        figures.append(named("eer_skilled_aposteriori_per_signer", eer_per_signer_of("skilled")))
    if frozen is not None:
        figures.append(named("frr_frozen", frr_at(frozen.threshold)))
        if "skilled" in present:
            both = mean_of(frr_at(frozen.threshold), far_at(frozen.threshold, "skilled"))
            figures.append(named("aer_skilled_frozen", both))
        if not brief:
            figures += _elsewhere(present, frozen)
        if "skilled" in present and not brief:
            figures.append(named("cllr_skilled", cllr_of("skilled", frozen.calibrator.log_lr)))
            figures.append(named("ece_skilled", calibration_error_of("skilled", frozen.calibrator.log_lr)))
    return figures


def _elsewhere(present: list[str], frozen: Frozen) -> list[Figures]:
    """Return the rates at frozen thresholds other than the default one, such as that of FAR 1 %."""
    figures = []
    for name, point in frozen.points.items():
        if name != "eer_skilled":
            figures.append(named(f"frr_at_dev_{name}_frozen", frr_at(point.threshold)))
            figures += [named(f"far_{kind}_at_dev_{name}_frozen", far_at(point.threshold, kind)) for kind in present]
    return figures


def intervals(trials: TrialTable, figures: list[Figures], *, draws: int, seed: int) -> dict[str, dict[str, Any]]:
    """Return figures as ``{"value", "low", "high"}``; no interval for a single signer."""
    if np.unique(trials.claimed).size >= 2:
        found = bootstrap_figures(trials, figures, seed=seed, n_draws=draws)
        return {
            name: {"value": finite(each.value), "low": finite(each.low), "high": finite(each.high)}
            for name, each in found.items()
        }
    weights = np.ones(len(trials))
    values = {name: value for prepare in figures for name, value in prepare(trials)(weights).items()}
    return {name: {"value": finite(value), "low": None, "high": None} for name, value in values.items()}


def repeats_of(trials: TrialTable, frozen: Frozen | None) -> dict[str, Any]:
    """Return mean and standard deviation over the repeats of a protocol, figure by figure, with all values.

    The spread over repeats says what the draw of references and negatives moves; the interval over signers, in
    `rates`, what another set of people would.
    """
    figures = [(name, prepare) for name, prepare in _repeated(trials, frozen)]
    found = means_over_repeats(trials, trials.repeat, figures)
    summary: dict[str, Any] = {"n": int(np.unique(trials.repeat).size)}
    for name, values in found.items():
        known = values[np.isfinite(values)]
        spread = float(known.std(ddof=1)) if known.size > 1 else None
        summary[name] = {
            "mean": float(known.mean()) if known.size else None,
            "sd": spread,
            "values": [finite(value) for value in values.tolist()],
        }
    return summary


def _repeated(trials: TrialTable, frozen: Frozen | None) -> list[tuple[str, Any]]:
    present = [kind for kind in FORGED if (trials.kind == kind).any()]
    figures: list[tuple[str, Any]] = [(f"eer_{kind}", eer_of(kind)) for kind in present]
    if "skilled" in present:
        figures.append(("eer_skilled_aposteriori_per_signer", eer_per_signer_of("skilled")))
    if frozen is not None:
        figures.append(("frr_frozen", frr_at(frozen.threshold)))
        figures += [(f"far_{kind}_frozen", far_at(frozen.threshold, kind)) for kind in present]
    return figures


def finite(value: float) -> float | None:
    """Return a number for JSON, None if it is NaN or infinite."""
    return float(value) if math.isfinite(value) else None
