"""From a verifier and signatures to trials, rates with intervals, and baselines on the same trials.

Thresholds and calibration come from development signers and are frozen; test signers only ever judge them.
"""

import dataclasses
from typing import Any

import numpy as np

from .calibration import choose_thresholds, fit_calibrator
from .calibrators import calibration_of
from .config import RunConfig
from .decisions import FusedPoint
from .evaluation_card import resplit
from .evaluation_curves import Kept, baselines, keep, reference_curve, skill_curve
from .evaluation_parts import Part, fused_trials, trials_of
from .fusion import FUSIONS
from .metrics import auc
from .protocols import TrialTable, check_disjoint
from .rates import Frozen, freeze_on, rates
from .rivals import rivals_of

FROZEN_FOR = (2, 3, 5, 10)
"""Numbers of references that thresholds are frozen for."""


def freeze(part: Part, config: RunConfig) -> Frozen:
    """Return thresholds and calibration from the development part."""
    trials = trials_of(part, config, "development")
    _check_direction(trials.select(kind="genuine"), trials.select(kind="random"))
    return freeze_on(trials)


def _check_direction(genuine: TrialTable, random: TrialTable) -> None:
    """Raise ValueError if other people's signatures score higher than genuine ones, as a distance would."""
    if min(len(genuine), len(random)) < 20:
        return
    if (found := auc(genuine.score, random.score)) < 0.35:
        raise ValueError(
            f"scores look turned round: on development signers genuine signatures score lower than random forgeries "
            f"(AUC {found:.2f}); a score must rise with likeness, so hand on minus a distance"
        )


def freeze_fused(part: Part, config: RunConfig, typical: float) -> dict[str, FusedPoint]:
    """Return thresholds and calibration for several references, by "fusion/number", from the development part.

    Args:
        part: The development part.
        config: The run's.
        typical: What was frozen as `Frozen.typical`.
    """
    tables = fused_trials(part, config, "development", numbers=FROZEN_FOR, fusions=FUSIONS, typical=typical)
    found = {}
    for (k, fusion), trials in tables:
        genuine, skilled, random = (trials.select(kind=kind) for kind in ("genuine", "skilled", "random"))
        if len(genuine) and len(skilled):
            point = choose_thresholds(genuine, skilled, random)["eer_skilled"]
            found[f"{fusion}/{k}"] = FusedPoint(point.threshold, fit_calibrator(genuine, skilled))
    return found


def measure(
    test: Part, development: Part, config: RunConfig, kept: Kept = None
) -> tuple[dict[str, Any], Frozen, TrialTable]:
    """Return the metrics of a synthetic evaluation, what was frozen, and the test trials; `kept` gets all trials."""
    frozen = freeze(development, config)
    frozen = dataclasses.replace(frozen, fused=freeze_fused(development, config, frozen.typical))
    trials = trials_of(test, config, "test")
    check_disjoint(frozen.trials, trials)
    keep(kept, "pairs", trials)
    keep(kept, "development", frozen.trials)
    draws, seed, rivals = config.evaluation.bootstrap_draws, config.world.seed, rivals_of(test)
    metrics = {
        "verifier": rates(trials, frozen, draws=draws, seed=seed),
        "baselines": baselines(rivals, config, kept),
        "skills": skill_curve(test, config, frozen, kept),
        "references": reference_curve(test, config, frozen, kept, rivals=rivals),
        "development": {
            "signers": len(np.unique(frozen.trials.claimed)),
            "points": {name: dataclasses.asdict(point) for name, point in frozen.points.items()},
            "calibrator": frozen.calibrator.to_dict(),
        },
        "calibration": calibration_of(frozen.trials, trials, draws=draws, seed=seed),
        "splits": resplit([frozen.trials, trials]),
        "protocol": trials.protocol,
        "left_out": list(trials.left_out),
    }
    return metrics, frozen, trials
