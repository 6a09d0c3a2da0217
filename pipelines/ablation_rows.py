"""The rows of an ablation: every finished run in its folder, gathered by what was changed, with paired differences.

Everything comes from the run folders: what a row changed is read from its configuration, not from its name.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .metrics import eer_of, named
from .runs import Run, RunError
from .score_file import read_scores
from .shift import SCORES
from .shift_rates import drawn_figures, interval
from .shift_worlds import OWN
from .side_by_side import same_trials
from .trials import TrialTable, joined

Draws = NDArray[np.float64]
HOG = "baseline HOG"
RATES = ("eer_random", "frr_frozen", "far_skilled_frozen", "cllr_skilled")
_DRAWS = 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """One finished run of a folder: skilled EERs, the value first, then one of each draw of signers.

    Attributes:
        path: The run folder.
        config: Its configuration.
        metrics: Its `metrics.json`.
        trials: Of test signers, scored.
        home: Of those.
        hog: The baseline's, on the same trials.
        worlds: Of shifted worlds, by name; empty if it was judged on none.
    """

    path: Path
    config: RunConfig
    metrics: dict[str, Any]
    trials: TrialTable
    home: Draws
    hog: Draws
    worlds: dict[str, Draws]

    @property
    def seed(self) -> int:
        """Of the weights."""
        return self.config.train.seed


def load_trained(path: Path) -> Trained:
    """Return a finished run with the draws of its errors; equal trials have equal draws of signers."""
    run = Run(path)
    config, tables = run.config(), read_scores(run / SCORES)
    seed, shifted = config.world.seed, run / "shift" / SCORES
    worlds = read_scores(shifted) if shifted.exists() else {}
    return Trained(
        path,
        config,
        run.read("metrics.json"),
        tables["pairs"],
        _skilled(tables["pairs"], seed),
        _skilled(tables[HOG], seed),
        {name: _skilled(table, seed) for name, table in worlds.items() if name != OWN},
    )


def _skilled(trials: TrialTable, seed: int) -> Draws:
    """Return the skilled EER of all signers and of each draw of them; random forgeries do not enter."""
    both = joined([trials.select(kind="genuine"), trials.select(kind="skilled")])
    return drawn_figures(both, [named("eer", eer_of("skilled"))], seed=seed, draws=_DRAWS)["eer"]


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Return what an ablation's folder shows: the base first, then the other rows, the lowest error first.

    A figure of several seeds is their mean; its interval is over signers, who are drawn alike for all of them, and
    says nothing of how much trainings differ, which `by_seed` shows. A difference is of the seeds that a row and the
    base share, on the same draws.

    Raises:
        RunError: If the folder is no ablation's, or its base is not finished.
    """
    base_config = RunConfig.from_dict(Run(folder).read("base.json"))
    runs = [load_trained(path.parent) for path in sorted(folder.glob("*/config.json")) if Run(path.parent).finished]
    gathered: dict[tuple[str, ...], list[Trained]] = {}
    for run in sorted(runs, key=lambda run: run.seed):
        gathered.setdefault(settings_changed(base_config, run.config), []).append(run)
    base = gathered.pop((), None)
    if base is None:
        raise RunError(f"{folder} holds no finished base; run `ablate --out {folder}` first")
    judged = [set(run.worlds) for run in runs if run.worlds]
    common = [name for name in base[0].worlds if all(name in worlds for worlds in judged)]
    rows = [_row(changes, own, base, common) for changes, own in gathered.items()]
    return [_row((), base, base, common), *sorted(rows, key=lambda row: row["eer_skilled"]["value"])]


def settings_changed(base: RunConfig, other: RunConfig) -> tuple[str, ...]:
    """Return in which settings a configuration differs but for the seed of the weights.

    Each is ``KEY=VALUE`` with dots, as `config.changed` takes it: put into the base they make the other.
    """
    one, two = base.to_dict(), other.to_dict()
    found: dict[str, Any] = {}
    for section in (name for name in two if isinstance(two[name], dict)):
        found |= _differing(one[section], two[section], f"{section}.")
    return tuple(f"{key}={_as_written(value)}" for key, value in sorted(found.items()) if key != "train.seed")


def _as_written(value: Any) -> str:
    """Return a value as JSON, and a word as it is unless JSON would take it for something else."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value)


def _differing(one: dict[str, Any], two: dict[str, Any], start: str) -> dict[str, Any]:
    """Return the values of the second that the first has not, by dotted keys; options one by one if none has gone."""
    found: dict[str, Any] = {}
    for key, value in two.items():
        if key not in one or one[key] != value:
            options = key.endswith("_options") and one[key].keys() <= value.keys()
            found |= _differing(one[key], value, f"{start}{key}.") if options else {start + key: value}
    return found


def _row(changes: tuple[str, ...], runs: list[Trained], base: list[Trained], common: list[str]) -> dict[str, Any]:
    """Return the record of a row: of the base too, which has no difference from itself."""
    home, hog = _mean([run.home for run in runs]), _mean([run.hog for run in runs])
    worlds = common if all(run.worlds for run in runs) else []
    mine, theirs = _paired(runs, base)
    apart = bool(changes) and all(same_trials(run.trials, theirs[0].trials) for run in mine)
    there = apart and worlds and all(run.worlds for run in theirs)
    rates = {name: [run.metrics["verifier"][name]["value"] for run in runs] for name in RATES}
    return {
        "changes": list(changes),
        "runs": [run.path.name for run in runs],
        "seeds": [run.seed for run in runs],
        "images": runs[0].metrics["cost"]["training_images"],
        "training_s": [run.metrics["cost"]["seconds"]["training"] for run in runs],
        "by_seed": [float(run.home[0]) for run in runs],
        "eer_skilled": interval(home),
        "hog": interval(hog),
        "of_hog": interval(home / hog),
        "less_base": interval(_less([r.home for r in mine], [r.home for r in theirs])) if apart else None,
        **{name: float(np.mean(values)) for name, values in rates.items()},
        "worlds": {name: interval(_mean([run.worlds[name] for run in runs])) for name in worlds},
        "shifted": interval(_mean(_of_worlds(runs, worlds))) if worlds else None,
        "shifted_less_base": interval(_less(_of_worlds(mine, worlds), _of_worlds(theirs, worlds))) if there else None,
    }


def _paired(runs: list[Trained], base: list[Trained]) -> tuple[list[Trained], list[Trained]]:
    """Return the runs of seeds that both have; all of both if they share none."""
    both = {run.seed for run in runs} & {run.seed for run in base}
    if not both:
        return runs, base
    return [run for run in runs if run.seed in both], [run for run in base if run.seed in both]


def _mean(draws: Sequence[Draws]) -> Draws:
    found: Draws = np.mean(draws, axis=0)
    return found


def _less(mine: Sequence[Draws], theirs: Sequence[Draws]) -> Draws:
    return _mean(mine) - _mean(theirs)


def _of_worlds(runs: Sequence[Trained], names: Sequence[str]) -> list[Draws]:
    """Return the errors of every seed in every world; the same people are drawn in all of them."""
    return [run.worlds[name] for run in runs for name in names]
