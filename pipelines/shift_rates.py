"""Rates of a shifted world and how far they are from those of a run's own world, with intervals over signers."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .curve_points import weights_over_signers
from .evaluation_parts import Part, fused_trials, trials_of
from .likelihood import min_cllr
from .metrics import Figures, cllr_of, eer_of, far_at, frr_at, named
from .protocols import TrialTable
from .rates import Frozen
from .rivals import rival_of

Draws = dict[str, NDArray[np.float64]]
"""By figure: its value, then that of each draw of signers, shape ``(1 + n_draws,)``."""
FORGED = ("random", "skilled", "simple")
REFERENCES = 3
"""How many references a signer also has, fused by each of `FUSIONS` at what was frozen for that."""
FUSIONS = {"max": "best match", "relative": "relative"}
"""Names in `fusion.FUSIONS`, and in words."""
METHODS = ("verifier", *(f"verifier {fusion}" for fusion in FUSIONS), "hog")
"""Whose figures a record holds: with one reference, with several, and the baseline's with one."""


@dataclasses.dataclass(frozen=True, eq=False)
class Judged:
    """What a world did to a verifier, and to histograms of gradients on the very same trials.

    Attributes:
        trials: Scored by the verifier.
        verifier: EERs, rates at the frozen threshold, Cllr of the frozen calibration.
        several: By fusion, what `verifier` is of one reference, of `REFERENCES`; empty if a run froze nothing for them.
        hog: EERs of the baseline.
        min_cllr: The least Cllr any calibration could reach on these scores, a-posteriori.
    """

    trials: TrialTable
    verifier: Draws
    several: dict[str, Draws]
    hog: Draws
    min_cllr: float | None

    @property
    def methods(self) -> dict[str, Draws]:
        """All figures by the names in `METHODS`."""
        fused = {f"verifier {fusion}": draws for fusion, draws in self.several.items()}
        return {"verifier": self.verifier, **fused, "hog": self.hog}

    @property
    def forged(self) -> str:
        """The kind of forgery that somebody made, "skilled" or "simple"."""
        return "simple" if (self.trials.kind == "simple").any() else "skilled"


def drawn_figures(trials: TrialTable, figures: list[Figures], *, seed: int, draws: int) -> Draws:
    """Return figures of a trial table and of each draw of a bootstrap over its signers.

    Equal seeds draw equal signers, so that two tables of the same people can be compared draw by draw; tables of other
    people are compared as if independent, which they are.
    """
    weigh = [prepare(trials) for prepare in figures]
    everyone = [np.ones(len(trials)), *weights_over_signers(trials, seed=seed, draws=draws)]
    rows = [{name: value for each in weigh for name, value in each(weights).items()} for weights in everyone]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def judged_figures(kinds: list[str], frozen: Frozen) -> list[Figures]:
    """Return what is told of a verifier: EER and frozen FAR of each kind, frozen FRR, Cllr of what was imitated."""
    figures = [named("frr_frozen", frr_at(frozen.threshold))]
    for kind in kinds:
        figures += [named(f"eer_{kind}", eer_of(kind)), named(f"far_{kind}_frozen", far_at(frozen.threshold, kind))]
        if kind != "random":
            figures.append(named(f"cllr_{kind}", cllr_of(kind, frozen.calibrator.log_lr)))
    return figures


def judge(part: Part, config: RunConfig, frozen: Frozen) -> Judged:
    """Judge a drawn world at what a run froze.

    Args:
        part: Drawn and embedded signatures.
        config: The run's: how many random forgeries, draws of the bootstrap, seeds.
        frozen: From the run's own development signers.
    """
    how: dict[str, Any] = {"seed": config.world.seed, "draws": config.evaluation.bootstrap_draws}
    trials = trials_of(part, config, "test")
    kinds = [kind for kind in FORGED if (trials.kind == kind).any()]
    genuine, forged = (trials.score[trials.kind == kind] for kind in ("genuine", kinds[-1]))
    plain = trials_of(rival_of(part, "HOG"), config, "test")
    return Judged(
        trials,
        drawn_figures(trials, judged_figures(kinds, frozen), **how),
        {
            fusion: drawn_figures(fused, judged_figures(kinds, frozen.for_references(fusion, REFERENCES)[1]), **how)
            for (_, fusion), fused in fused_trials(
                part, config, "test", numbers=[REFERENCES], fusions=list(FUSIONS), typical=frozen.typical
            )
            if f"{fusion}/{REFERENCES}" in frozen.fused
        },
        drawn_figures(plain, [named(f"eer_{kind}", eer_of(kind)) for kind in kinds], **how),
        min_cllr(genuine, forged) if kinds[-1] != "random" else None,
    )


def interval(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return a figure with the 95 % percentile interval of its draws; None for what is undefined."""
    known = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
    return {
        name: float(number) if np.isfinite(number) else None
        for name, number in zip(("value", "low", "high"), (values[0], low, high), strict=True)
    }


def record(judged: Judged, own: Judged | None) -> dict[str, Any]:
    """Return what JSON holds of a judged world: rates, and gaps (shifted less own world) of what both have.

    Args:
        judged: The world.
        own: The run's own world, or None if this is it.
    """
    counts = {kind: int((judged.trials.kind == kind).sum()) for kind in ("genuine", *FORGED)}
    found: dict[str, Any] = {
        "signers": int(np.unique(judged.trials.claimed).size),
        "trials": {kind: n for kind, n in counts.items() if n},
        "forged": judged.forged,
        "min_cllr_aposteriori": judged.min_cllr,
    }
    for name, mine in judged.methods.items():
        found[name] = {figure: interval(values) for figure, values in mine.items()}
        if own is not None:
            theirs = own.methods.get(name, {})
            both = [figure for figure in mine if figure in theirs]
            found[f"gap_{name}"] = {figure: interval(mine[figure] - theirs[figure]) for figure in both}
    return found
