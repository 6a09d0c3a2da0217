"""Error against forger skill, against the number of references, and of baselines, on the very same trials."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .config import RunConfig
from .evaluation_parts import Part, fused_trials, subset, trials_of
from .protocols import TrialTable, one_reference_trials
from .rates import Frozen, rates
from .rivals import SEVERAL

NUMBERS, CURVE_FUSIONS = (1, 3, 5, 10, 12), ("max", "mean", "relative")
"""What the curve of references shows."""
Kept = dict[str, TrialTable] | None
"""Where trials go by name, if anybody wants them for the score file."""


def keep(kept: Kept, name: str, trials: TrialTable) -> None:
    """Put trials among those kept under a name, if anybody wants them."""
    if kept is not None:
        kept[name] = trials


def skill_curve(part: Part, config: RunConfig, frozen: Frozen, kept: Kept = None) -> list[dict[str, Any]]:
    """Return the error against forger skill: EER and frozen FAR of the forgeries on the grid, per skill."""
    rows = []
    for skill in config.evaluation.skills:
        wanted = (part.signatures.kind == "genuine") | (part.on_grid & np.isclose(part.signatures.skill, skill))
        places = np.flatnonzero(wanted)
        trials = one_reference_trials(
            subset(part.signatures, places),
            part.similarity(places),
            part="test",
            n_random=0,
            seed=config.world.seed,
        )
        keep(kept, f"skill {skill:g}", trials)
        found = rates(trials, frozen, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
        rows.append(
            {
                "skill": skill,
                "forgeries": int((part.on_grid & wanted).sum()),
                "eer_skilled": found["eer_skilled"],
                "far_skilled_frozen": found["far_skilled_frozen"],
            }
        )
    return rows


def reference_curve(
    part: Part, config: RunConfig, frozen: Frozen, kept: Kept = None, *, rivals: Mapping[str, Part] | None = None
) -> list[dict[str, Any]]:
    """Return the error against the number of references, fused by the largest score, the mean, and relatively.

    Rates are at the thresholds that were frozen for that fusion and the nearest number of references below. With
    `rivals`, a row also holds the equal error rates of those in `rivals.SEVERAL` on the same trials, fused alike.
    """
    rows = []
    beside = _reference_errors(rivals or {}, config, kept)
    for (k, fusion), trials in _curve_trials(part, config, frozen.typical):
        keep(kept, f"references {fusion} {k}", trials)
        number, holds = frozen.for_references(fusion, k)
        found = rates(trials, holds, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
        rows.append(
            {
                "references": k,
                "fusion": fusion,
                "threshold": holds.threshold,
                "threshold_for_references": number,
                "left_out": list(trials.left_out),
                **{name: found[name] for name in found if name.startswith(("eer_", "far_", "frr_"))},
                "baselines": beside.get((k, fusion), {}),
            }
        )
    return rows


def _curve_trials(part: Part, config: RunConfig, typical: float = 1.0) -> Iterator[tuple[tuple[int, str], TrialTable]]:
    """Yield the trials that the curve of references shows; a single one needs no fusion, and comes as "max"."""
    tables = fused_trials(part, config, "test", numbers=NUMBERS, fusions=CURVE_FUSIONS, typical=typical)
    return ((at, trials) for at, trials in tables if at[0] > 1 or at[1] == "max")


def _reference_errors(
    rivals: Mapping[str, Part], config: RunConfig, kept: Kept
) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the equal error rates of baselines by number of references and fusion, then by name."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for name in (name for name in rivals if name in SEVERAL):
        for at, trials in _curve_trials(rivals[name], config):
            keep(kept, f"baseline {name} references {at[1]} {at[0]}", trials)
            every = rates(trials, None, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
            errors = {kind: every[kind] for kind in ("eer_random", "eer_skilled") if kind in every}
            found.setdefault(at, {})[name] = errors
    return found


def baselines(rivals: Mapping[str, Part], config: RunConfig, kept: Kept = None) -> dict[str, dict[str, Any]]:
    """Return the rates of raw pixels, of histograms of gradients and the like on the very same trials."""
    found = {}
    for name, rival in rivals.items():
        trials = trials_of(rival, config, "test")
        keep(kept, f"baseline {name}", trials)
        found[name] = rates(trials, None, draws=config.evaluation.bootstrap_draws, seed=config.world.seed)
    return found
