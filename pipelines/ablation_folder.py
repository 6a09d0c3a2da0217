"""The folder of an ablation: what all of its rows share, how their runs are named, and which of them are done."""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from .config import RunConfig
from .files import write_json
from .recipes import recorded_recipe
from .runs import Run, RunError
from .shift import SCORES

RECORD = "ablation_base.json"
BASE = "base"
SHIFTED = "ablation"
"""Where a run keeps what it did on the worlds of its folder, apart from a `shift` of the user's."""
_LONGEST = 80


@dataclasses.dataclass(frozen=True)
class Common:
    """What the rows of a folder share.

    Attributes:
        base: The configuration that they are held against; seed 0 of the weights stands for every seed.
        worlds: Names of the shifts that every run is judged on; may be empty.
        signers: How many judge in each of those.
    """

    base: RunConfig
    worlds: tuple[str, ...]
    signers: int


def with_seed(config: RunConfig, seed: int) -> RunConfig:
    """Return a configuration whose weights begin with a seed."""
    return dataclasses.replace(config, train=dataclasses.replace(config.train, seed=seed))


def known_common(folder: Path) -> Common | None:
    """Return what the rows of a folder share; None if it holds none yet."""
    if not (folder / RECORD).exists():
        return None
    found = Run(folder).read(RECORD)
    return Common(RunConfig.from_dict(found["base"]), tuple(found["worlds"]), found["signers"])


def remember(folder: Path, common: Common) -> None:
    """Write down what the rows of a folder share; what no run has followed yet is replaced.

    Raises:
        RunError: If they share something else, or the folder is a run's.
    """
    if (folder / "config.json").exists():
        raise RunError(f"{folder} is a run folder; choose another --out")
    known = known_common(folder)
    if known not in (None, common) and any(folder.glob("*/config.json")):
        what = ", ".join(
            name for name in ("base", "worlds", "signers") if getattr(known, name) != getattr(common, name)
        )
        raise RunError(
            f"{folder} holds rows with another choice of {what}; leave --preset, --base, --seed, --worlds and "
            "--signers out, or choose another --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / RECORD, dataclasses.asdict(common))


def settings_changed(base: RunConfig, other: RunConfig) -> tuple[str, ...]:
    """Return in which settings a configuration differs but for the seed of the weights.

    Each is ``KEY=VALUE`` with dots, as `config.changed` takes it: put into the base they make the other.
    """
    one, two = base.to_dict(), other.to_dict()
    if base.train.model != other.train.model:
        one["train"]["model_options"] = {}  # as `config.changed` does
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


def run_name(base: RunConfig, config: RunConfig) -> str:
    """Return the name of a run's folder: what it changes and its seed; equal configurations have equal names.

    What a file cannot be called, or is too long for a name, is told apart by a digest.
    """
    changes = settings_changed(base, config)
    said = "+".join(changes) or BASE
    name = re.sub(r"[^\w.=+-]+", "_", said)
    if name != said or len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.blake2b(said.encode(), digest_size=3).hexdigest()}"
    return f"{name}-{config.train.seed}"


def done_runs(folder: Path, common: Common) -> list[Path]:
    """Return the runs of a folder that are finished and judged on every world, by name.

    Raises:
        RunError: If one was drawn by another version of the generator or prepared by another of its preprocessing.
    """
    found = []
    for path in sorted(folder.glob("*/config.json")):
        run = Run(path.parent)
        if run.finished and run.path.name == run_name(common.base, run.config()):
            run.check_engine("was trained on", "use another --out")
            _check_recipe(run)
            found += [run.path] if is_shifted(run, common) else []
    return found


def _check_recipe(run: Run) -> None:
    if recorded_recipe(key := run.read("verifier.json").get("preprocessing")) is None:
        raise RunError(
            f"{run.path} was trained with preprocessing {key}, which this version has not; use another --out"
        )


def is_shifted(run: Run, common: Common) -> bool:
    """Return whether a run was judged on the worlds of its folder by as many signers."""
    if not common.worlds:
        return True
    if not ((run / SHIFTED / SCORES).exists() and (run / SHIFTED / "shift.json").exists()):
        return False
    found = run.read(f"{SHIFTED}/shift.json")
    return found["signers"] == common.signers and tuple(found.get("asked", ())) == common.worlds
