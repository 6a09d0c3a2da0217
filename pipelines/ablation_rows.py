"""The rows of an ablation: every finished run in its folder, gathered by what was changed, with paired differences.

Everything comes from the run folders: what a row changed is read from its configuration, not from its name.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .ablation_folder import SHIFTED, done_runs, known_common, settings_changed
from .config import RunConfig
from .metrics import eer_of, named
from .runs import Run, RunError
from .score_file import read_scores
from .shift import SCORES
from .shift_rates import drawn_figures, interval
from .shift_worlds import find_shifts
from .side_by_side import same_trials
from .trials import TrialTable, joined

Draws = NDArray[np.float64]
HOG = "baseline HOG"
RATES = ("eer_random", "frr_frozen", "far_skilled_frozen", "cllr_skilled")
_DRAWS = 1000


class Judged(NamedTuple):
    """Scored trials and their skilled EER: the value of all signers first, then one of each draw of them."""

    trials: TrialTable
    eer: Draws


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """One finished run of a folder.

    Attributes:
        path: The run folder.
        config: Its configuration.
        metrics: Its `metrics.json`.
        home: On test signers.
        hog: The baseline there, on the same trials.
        worlds: On shifted worlds, by name; empty if it was judged on none.
    """

    path: Path
    config: RunConfig
    metrics: dict[str, Any]
    home: Judged
    hog: Judged
    worlds: dict[str, Judged]

    @property
    def seed(self) -> int:
        """Of the weights."""
        return self.config.train.seed


def load_trained(path: Path, worlds: Sequence[str]) -> Trained:
    """Return a finished run with the draws of its errors; equal trials have equal draws of signers.

    Args:
        path: The run folder.
        worlds: Shifts that it was judged on.
    """
    run = Run(path)
    config, tables = run.config(), read_scores(run / SCORES)
    elsewhere = read_scores(run / SHIFTED / SCORES) if worlds else {}
    judged = [tables["pairs"], tables[HOG], *(elsewhere[name] for name in worlds if name in elsewhere)]
    home, hog, *others = (Judged(trials, _skilled(trials, config.world.seed)) for trials in judged)
    names = [name for name in worlds if name in elsewhere]  # a network of trajectories sees no fonts
    return Trained(path, config, run.read("metrics.json"), home, hog, dict(zip(names, others, strict=True)))


def _skilled(trials: TrialTable, seed: int) -> Draws:
    """Return the skilled EER of all signers and of each draw of them; random forgeries do not enter."""
    both = joined([trials.select(kind="genuine"), trials.select(kind="skilled")])
    return drawn_figures(both, [named("eer", eer_of("skilled"))], seed=seed, draws=_DRAWS)["eer"]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return what an ablation's folder shows: the base first, then the other rows, the best first.

    A figure of several seeds is their mean; its interval is over signers, who are drawn alike for all of them, and
    says nothing of how much trainings differ, which `by_seed` shows. A difference is of the seeds that a row and the
    base share, on the same draws; None where they share none, or were judged on other trials.

    Raises:
        RunError: If the folder is no ablation's, or its base is not done.
    """
    common = known_common(folder)
    if common is None:
        raise RunError(f"{folder} holds no ablation; start one with `ablate --out {folder}`")
    gathered: dict[tuple[str, ...], list[Trained]] = {}
    for path in done_runs(folder, common):
        run = load_trained(path, common.worlds)
        gathered.setdefault(settings_changed(common.base, run.config), []).append(run)
    base = gathered.pop((), None)
    if base is None:
        raise RunError(f"{folder} holds no finished base; make one with `ablate --out {folder}`")
    rows = [row_of(changes, own, base) for changes, own in gathered.items()]
    return [row_of((), base, base), *sorted(rows, key=_rank)]


def _rank(row: dict[str, Any]) -> tuple[bool, float]:
    """Return what sorts rows: by the difference from the base, then those without one by their error."""
    less, own = row["less_base"], row["eer_skilled"]["value"]
    return less is None, float(own if less is None else less["value"])


def row_of(changes: tuple[str, ...], runs: Sequence[Trained], base: Sequence[Trained]) -> dict[str, Any]:
    """Return the record of a row: of the base too, which has no difference from itself."""
    runs = sorted(runs, key=lambda run: run.seed)
    home, hog = _mean([run.home.eer for run in runs]), _mean([run.hog.eer for run in runs])
    worlds = [name for name in base[0].worlds if all(name in run.worlds for run in [*runs, *base])]
    all_there = bool(worlds) and len(worlds) == len(base[0].worlds)
    rates = {name: [run.metrics["verifier"][name]["value"] for run in runs] for name in RATES}
    return {
        "changes": list(changes),
        "runs": [run.path.name for run in runs],
        "seeds": [run.seed for run in runs],
        "notice": runs[0].metrics["notice"],
        "met_in_part": [name for name in worlds if name in _met(runs[0].config)],
        "met_beyond_base": [name for name in worlds if name in _met(runs[0].config) - _met(base[0].config)],
        "images": runs[0].metrics["cost"]["training_images"],
        "training_s": [run.metrics["cost"]["seconds"]["training"] for run in runs],
        "by_seed": [float(run.home.eer[0]) for run in runs],
        "eer_skilled": interval(home),
        "hog": interval(hog),
        "of_hog": interval(np.divide(home, hog, out=np.full_like(home, np.nan), where=hog > 0)),
        "less_base": _less(runs, base, [lambda run: run.home]) if changes else None,
        **{name: None if None in values else float(np.mean(values)) for name, values in rates.items()},
        "worlds": {name: interval(_mean([run.worlds[name].eer for run in runs])) for name in worlds},
        "shifted": interval(_mean([run.worlds[name].eer for run in runs for name in worlds])) if all_there else None,
        "shifted_less_base": _less(runs, base, [_world(name) for name in worlds]) if changes and all_there else None,
    }


def _met(config: RunConfig) -> set[str]:
    """Return the names of the shifted worlds that training has met, wholly or in part."""
    return {shift.name for shift in find_shifts(config) if shift.seen != "no"}


def _world(name: str) -> Callable[[Trained], Judged]:
    return lambda run: run.worlds[name]


def _less(
    runs: Sequence[Trained], base: Sequence[Trained], places: Sequence[Callable[[Trained], Judged]]
) -> dict[str, float | None] | None:
    """Return the mean error of a row over its places less the base's, of seeds that both have, on the same draws."""
    theirs = {run.seed: run for run in base}
    pairs = [(place(run), place(theirs[run.seed])) for run in runs if run.seed in theirs for place in places]
    if not pairs or not all(same_trials(one.trials, two.trials) for one, two in pairs):
        return None
    return interval(_mean([one.eer - two.eer for one, two in pairs]))


def _mean(draws: Sequence[Draws]) -> Draws:
    found: Draws = np.mean(draws, axis=0)
    return found
