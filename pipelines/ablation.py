"""Ablation: what one change of a configuration does to a verifier, at home and on worlds it never trained on.

A folder holds one base and any number of rows; every row is the base with a few settings changed, trained with several
seeds, each a run folder of its own. One command makes one row, or goes on with it, and writes the table of all anew.
Whether a row is worth more seeds is asked of development signers; test signers and shifted worlds choose nothing.
"""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .config import RunConfig, changed
from .files import write_json
from .metrics import eer_of, named
from .progress import Progress
from .runs import Run, RunError
from .shift import SCORES, judged_signers, shift
from .shift_rates import drawn_figures, interval
from .shift_worlds import find_shifts
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
"""Shifts that a row is judged on unless it is told otherwise: scripts, people, forgers and another generator."""
BASE = "base"
RECORD = "base.json"
DEVELOPMENT = "development"
_LONGEST = 80


def ablate(
    base: RunConfig,
    changes: Sequence[str],
    out: str | Path,
    *,
    seeds: Sequence[int] = (0, 1),
    worlds: Sequence[str] = WORLDS,
    signers: int = 60,
    all_seeds: bool = False,
    progress: Progress,
) -> tuple[list[dict[str, Any]], Path]:
    """Train and judge the base and one row, unless that is done, and write the table of all rows in the folder.

    A row that is surely worse than the base on development signers with the first seed gets no other.

    Args:
        base: What rows are held against.
        changes: ``KEY=VALUE`` each; none for the base alone.
        out: The folder.
        seeds: Of the weights, at least one, none twice.
        worlds: Shifts, or groups of them, that finished runs are judged on; none for none.
        signers: How many judge in each of those.
        all_seeds: Train every seed in any case.
        progress: Where to say what happens.

    Returns:
        The rows of the table, and the path of the page, `ablation.html`.

    Raises:
        ValueError: If the seeds are no seeds, a change is wrong or changes the seed or nothing, a world is unknown, or
            too few or too many judge there.
        RunError: If the folder is of another base.
    """
    from .ablation_page import write_table

    folder, seeds = Path(out), list(seeds)
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"need different seeds, at least one; got {seeds}")
    base = with_seed(base, seeds[0])
    row = row_config(base, changes)
    find_shifts(base, tuple(worlds))
    if worlds:
        judged_signers(base, signers)
    _remember(folder, base)
    wanted = {BASE: base} | ({folder_name(changes): row} if changes else {})
    for name, config in wanted.items():
        for seed in seeds:
            first = folder / f"{BASE}-{seeds[0]}", folder / f"{name}-{seeds[0]}"
            if name != BASE and seed != seeds[0] and not all_seeds and surely_worse(*first):
                progress.say(f"{name} is surely worse on development signers: no more seeds (--all-seeds trains them)")
                break
            _run(folder / f"{name}-{seed}", with_seed(config, seed), worlds, signers, progress)
    with progress.task("the table", None):
        return write_table(folder)


def row_config(base: RunConfig, changes: Sequence[str]) -> RunConfig:
    """Return the base with its changes.

    Raises:
        ValueError: If they change the seed of the weights, or nothing.
    """
    from .building import check_names

    config = changed(base, changes)
    if config.train.seed != base.train.seed:
        raise ValueError("train.seed is what --seeds gives; a row changes something else")
    if changes and config == base:
        raise ValueError(f"{', '.join(changes)}: the base has that already")
    check_names(config)
    return config


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """Return a configuration whose weights begin with a seed."""
    return dataclasses.replace(config, train=dataclasses.replace(config.train, seed=seed))


def folder_name(changes: Sequence[str]) -> str:
    """Return a name for the folders of a row: its changes, without the names of their sections."""
    words = [re.sub(r"[^\w.=-]+", "_", change.partition(".")[2]).strip("_") for change in sorted(changes)]
    return "+".join(words)[:_LONGEST]


def surely_worse(first: Path, other: Path) -> bool:
    """Return whether a run's skilled EER on development signers is higher than another's, all of the interval."""
    tables = [TrialTable.from_parquet(path / SCORES, DEVELOPMENT) for path in (first, other)]
    seed = Run(first).config().world.seed
    base, row = (drawn_figures(table, [named("eer", eer_of("skilled"))], seed=seed, draws=500) for table in tables)
    low = interval(row["eer"] - base["eer"])["low"]
    return low is not None and low > 0


def _remember(folder: Path, base: RunConfig) -> None:
    """Write down what the rows of a folder are held against.

    Raises:
        RunError: If it is something else already.
    """
    known = known_base(folder)
    if known is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / RECORD, base.to_dict())
    elif with_seed(known, base.train.seed) != base:
        raise RunError(f"{folder} holds rows of another base; give its --preset and --base or none, or another --out")


def known_base(folder: Path) -> RunConfig | None:
    """Return what the rows of a folder are held against; None if it holds none yet."""
    return RunConfig.from_dict(Run(folder).read(RECORD)) if (folder / RECORD).exists() else None


def _run(path: Path, config: RunConfig, worlds: Sequence[str], signers: int, progress: Progress) -> dict[str, Any]:
    """Train, evaluate and shift one run, or what of it is not done yet; return its metrics."""
    import keras

    from .demo import demo

    progress.say(f"{path.name}: {config.train.course}")
    metrics = demo(path, config, fresh=False, progress=progress)
    if worlds and not _shifted(Run(path), worlds, signers):
        shift(path, signers=signers, names=tuple(worlds), out=None, progress=progress)
    keras.backend.clear_session()
    return metrics


def _shifted(run: Run, worlds: Sequence[str], signers: int) -> bool:
    """Return whether a run was judged on these worlds, and perhaps more, by as many signers."""
    if not (run / "shift" / SCORES).exists():
        return False
    found = run.read("shift/shift.json")
    return found["signers"] == signers and (not found["asked"] or set(worlds) <= set(found["asked"]))
