"""What a run keeps of its training: the log, a checkpoint an epoch, the best network, and how they fit together.

The log's row is written first, the checkpoint second: an epoch that is repeated after a kill replaces its row. All
that decides about stopping is read back from the log, so that a resumed run decides the same.
"""

import contextlib
import csv
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .files import sweep, write_beside, write_text
from .members import BrokenArchive, check_whole
from .runs import Run, RunError


@contextlib.contextmanager
def writing(run: Run) -> Iterator[None]:
    """Turn what goes wrong with the disk into one line that says what to do.

    Raises:
        RunError: If something cannot be written.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise RunError(
            f"cannot write to {run.path}: {reason}; free some space or permit writing, then the same command goes on"
        ) from error


def clear_leftovers(run: Run, epochs: int) -> None:
    """Remove what killed trainings of this run were just writing; whole files stay, as does all that is not theirs.

    Args:
        run: Its folder; nobody else trains in it now.
        epochs: Of the whole run.
    """
    kept = [path for epoch in range(1, epochs + 1) for path in (checkpoint(run, epoch), best_network(run, epoch))]
    sweep([run / "log.csv", run / "head.json", run / "model.keras", *kept])


def checkpoint(run: Run, epoch: int) -> Path:
    """Return where an epoch's checkpoint is kept."""
    return run / f"checkpoints/epoch-{epoch:04d}.keras"


def last_checkpoint(run: Run) -> tuple[int, Path] | None:
    """Return the number of finished epochs and the newest whole checkpoint, or None."""
    found = sorted((run / "checkpoints").glob("epoch-*.keras"))
    return (_epoch(found[-1]), found[-1]) if found else None


def newest_whole(run: Run, say: Callable[[str], None]) -> tuple[int, Path] | None:
    """Return what `last_checkpoint` does, once checkpoints that the disk has damaged are put aside.

    Args:
        run: Its folder.
        say: Told of each that was put aside.
    """
    while (found := last_checkpoint(run)) is not None:
        try:
            check_whole(found[1])
        except BrokenArchive as error:
            aside = found[1].with_suffix(".damaged")
            with writing(run):
                found[1].replace(aside)
            say(f"the checkpoint of epoch {found[0]} is no use ({error}); put aside as {aside}")
        else:
            return found
    return None


def best_network(run: Run, epoch: int) -> Path:
    """Return where the network of the best epoch is kept."""
    return run / f"checkpoints/best-{epoch:04d}.keras"


def _epoch(path: Path) -> int:
    return int(path.stem.split("-")[1])


def read_log(run: Run, epochs: int) -> list[dict[str, str]]:
    """Return the rows of `log.csv` up to an epoch, as text."""
    if not (run / "log.csv").exists():
        return []
    with (run / "log.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["epoch"]) <= epochs]


def add_row(run: Run, row: dict[str, Any]) -> None:
    """Write a row of `log.csv` behind those of earlier epochs; a row of the same or a later epoch goes."""
    rows: list[dict[str, Any]] = [*read_log(run, int(row["epoch"]) - 1), row]
    columns = list(dict.fromkeys(name for old in rows for name in old))
    lines = [columns, *([old.get(name, "") for name in columns] for old in rows)]
    write_text(run / "log.csv", "".join(",".join(map(str, line)) + "\n" for line in lines))


def keep_epoch(run: Run, epoch: int, model: Any, *, best_epoch: int | None) -> None:
    """Write the checkpoint of an epoch, then let go of all but the last two and the best network."""
    write_beside(checkpoint(run, epoch), model.save)
    for old in sorted((run / "checkpoints").glob("epoch-*.keras"))[:-2]:
        old.unlink()
    for old in (run / "checkpoints").glob("best-*.keras"):
        if _epoch(old) != best_epoch:
            old.unlink()


class Standing(NamedTuple):
    """Where early stopping stands: the best epoch, from 1, its error, and why to stop, or ""."""

    best_epoch: int
    best_error: float
    stop: str


def standing(errors: Sequence[float], *, patience: int | None, stop_at: float | None) -> Standing:
    """Return where a run stands after epochs with these development errors; of equal errors the first is best.

    Args:
        errors: Verification error of each epoch, 0 to 1, at least one.
        patience: Stop after so many epochs without a better error; never if None.
        stop_at: Stop once 1 - error reaches this; never if None.

    Example:
        >>> standing([0.4, 0.2, 0.3], patience=1, stop_at=None).best_epoch
        2
    """
    best = min(range(len(errors)), key=lambda i: (errors[i], i))
    stop = ""
    if stop_at is not None and 1.0 - errors[best] >= stop_at - 1e-12:
        stop = f"development accuracy {1.0 - errors[best]:.3f} has reached stop_at {stop_at}"
    elif patience is not None and len(errors) - 1 - best >= patience:
        stop = f"no better development error than {errors[best]:.3f} of epoch {best + 1} in {patience} epochs"
    return Standing(best + 1, errors[best], stop)


def logged_errors(run: Run, epochs: int) -> list[float]:
    """Return the development errors of a run's log up to an epoch; empty if it was not watched."""
    errors = [float(row.get("dev_error") or "nan") for row in read_log(run, epochs)]
    return [] if any(map(math.isnan, errors)) else errors
