"""Ablation: what one change of a configuration does to a verifier, at home and on other worlds.

A folder holds one base and any number of rows; every row is the base with a few settings changed, trained with several
seeds, each a run folder of its own. One command makes one row, or goes on with it, and writes the table of all anew.
Whether a row is worth more seeds is asked of development signers; test signers and shifted worlds choose nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .ablation_folder import (
    SHIFTED,
    Common,
    done_runs,
    is_shifted,
    known_common,
    remember,
    run_name,
    settings_changed,
    with_seed,
)
from .config import PRESETS, RunConfig, changed
from .progress import Progress
from .runs import Run
from .shift import SCORES, judged_signers, shift
from .shift_worlds import find_shifts
from .side_by_side import difference, same_trials
from .trials import TrialTable

WORLDS = (
    "latin print",
    "cyrillic",
    "arabic persian",
    "chinese japanese",
    "variable signers",
    "short signatures",
    "look-alikes",
    "slow copier",
    "tracer",
    "vector fonts",
)
"""Shifts that rows are judged on unless they are told otherwise: scripts, people, forgers and another generator."""
SIGNERS = 60
DEVELOPMENT = "development"


def ablate(
    out: str | Path,
    changes: Sequence[str] = (),
    *,
    base: RunConfig | None = None,
    worlds: Sequence[str] | None = None,
    signers: int | None = None,
    seeds: Sequence[int] = (0, 1),
    all_seeds: bool = False,
    progress: Progress,
) -> tuple[list[dict[str, Any]], Path]:
    """Train and judge the base and one row, unless that is done, and write the table of all rows in the folder.

    A row that is surely worse than the base on development signers with the first seed gets no other.

    Args:
        out: The folder.
        changes: ``KEY=VALUE`` each; none for the base alone.
        base: What rows are held against; the folder's if left out, or else the classroom preset.
        worlds: Shifts, or groups of them, that runs are judged on, none for none; the folder's if left out, or else
            `WORLDS`.
        signers: How many judge in each of those; the folder's if left out, or else `SIGNERS`.
        seeds: Of the weights, at least one, none twice.
        all_seeds: Train every seed in any case.
        progress: Where to say what happens.

    Returns:
        The rows of the table, and the path of the page, `ablation.html`.

    Raises:
        ValueError: If the seeds are no seeds, a change is wrong or changes the seed or nothing, a world is unknown or
            without skilled forgeries, or too few or too many judge there.
        RunError: If the rows of the folder share something else.
    """
    from .ablation_page import write_table

    folder, seeds = Path(out), list(seeds)
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"need different seeds, at least one; got {seeds}")
    common = _common(known_common(folder), base, worlds, signers)
    row = row_config(common, changes)
    remember(folder, common)
    done_runs(folder, common)  # what cannot be read is told before anything is trained
    first: list[Path] = []
    for config in [common.base, row] if changes else [common.base]:
        for seed in seeds:
            if len(first) == 2 and not all_seeds and surely_worse(*first):
                progress.say("surely worse on development signers with the first seed: no other (--all-seeds)")
                break
            path = folder / run_name(common.base, with_seed(config, seed))
            _run(path, with_seed(config, seed), common, progress)
            first += [path] if seed == seeds[0] else []
    with progress.task("the table", None):
        return write_table(folder)


def _common(known: Common | None, base: RunConfig | None, worlds: Sequence[str] | None, signers: int | None) -> Common:
    """Return what rows are to share: what was asked for, or else what they do, or else the usual."""
    known = known or Common(PRESETS["classroom"], WORLDS, SIGNERS)
    base = known.base if base is None else base
    if base.train.seed:
        raise ValueError("train.seed is what --seeds gives; the base has none")
    asked = known.worlds if worlds is None else tuple(worlds)
    found = find_shifts(base, asked) if asked else []
    if simple := [each.name for each in found if each.forger == "simple"]:
        raise ValueError(f"rows are compared by skilled forgeries, of which {simple[0]!r} has none; name other worlds")
    return Common(base, tuple(each.name for each in found), known.signers if signers is None else signers)


def row_config(common: Common, changes: Sequence[str]) -> RunConfig:
    """Return the base with its changes.

    Raises:
        ValueError: If they change the seed of the weights, or nothing, or leave too few to judge.
    """
    from .building import check_names

    config = changed(common.base, changes)
    if config.train.seed or config.world.seed != common.base.world.seed or config.preset != common.base.preset:
        raise ValueError(
            "train.seed is what --seeds gives, world.seed and preset are the base's; a row changes something else"
        )
    if changes and not settings_changed(common.base, config):
        raise ValueError(f"{', '.join(changes)}: the base has that already")
    check_names(config)
    if common.worlds:
        judged_signers(config, common.signers)
    return config


def surely_worse(base: Path, other: Path) -> bool:
    """Return whether a run's skilled EER on the same development signers is higher, all of the paired interval."""
    one, two = (TrialTable.from_parquet(path / SCORES, DEVELOPMENT) for path in (base, other))
    seed = Run(base).config().world.seed
    return same_trials(one, two) and difference(one, two, seed=seed, draws=500)["low"] > 0


def _run(path: Path, config: RunConfig, common: Common, progress: Progress) -> None:
    """Train, evaluate and shift one run, or what of it is not done yet."""
    import keras

    from .demo import demo

    progress.say(f"{path.name}: {config.train.course}")
    demo(path, config, fresh=False, progress=progress)
    if not is_shifted(Run(path), common):
        shift(path, signers=common.signers, names=common.worlds, out=path / SHIFTED, progress=progress)
    keras.backend.clear_session()
