"""Data sets to disk: images, trajectories and tables of synthetic signers, resumable and the same however drawn.

    DIR/<signer>/{genuine,simple,forged}/*.png   the layout that `evaluate --data` reads
    DIR/manifest.csv, manifest.parquet           a row per signature, paths relative to DIR
    DIR/forms/...                                sigver-style archive, trajectories, SVC2004 text, InkML
    DIR/DATA_CARD.md, croissant.json, provenance.toml, export.json
    DIR/.parts/                                  what is done so far, until the set is whole

A part is done once its record lies in `.parts`; the record is written after the part's files. A shard draws
parts only: the same command without a shard writes the tables, and whatever is still missing.
"""

import datetime
import json
import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, NamedTuple

from .export_forms import NOTICE
from .export_parts import ExportError, files_of, is_done, make_part
from .export_plan import ExportSpec
from .export_tables import MERGED, TABLES, write_tables
from .files import sweep, write_json
from .progress import Progress

FORMAT = 1
_BEGINNING = re.compile(r"\.[0-9]+\.export\.json")  # another shard, or a process killed as it began


class Exported(NamedTuple):
    """What came of an export: signatures in this shard, how many were drawn now, and whether the set is whole."""

    signatures: int
    drawn: int
    whole: bool


def export(
    out: str | Path,
    spec: ExportSpec,
    *,
    workers: int = 1,
    shard: tuple[int, int] = (1, 1),
    fresh: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a set, or go on with one; return how much there is.

    Pixels, trajectories and tables are the same bytes whatever the workers, the shards and the order.

    Args:
        out: A folder that is new, empty, or holds this very export.
        spec: What to draw.
        workers: Threads; the drawing kernels and the PNG encoder hold no lock.
        shard: (I, N): draw every N-th part from the I-th, and no tables. Shards may share a folder, or have
            their folders copied over one another afterwards.
        fresh: Remove what an earlier export wrote there, and start over.
        progress: Where to say what happens.

    Raises:
        ExportError: If the folder holds something else, or the numbers make no sense.
        OSError: If the disk is full; what is whole stays, and the same command goes on.
    """
    folder, progress = Path(out), progress or Progress(quiet=True)
    if workers < 1:
        raise ExportError(f"{workers} workers; use 1 or more")
    if not 1 <= shard[0] <= shard[1]:
        raise ExportError(f"shard {shard[0]}/{shard[1]} does not exist; use I/N with I from 1 to N")
    begun = _begin(folder, spec, fresh)
    mine = spec.parts[shard[0] - 1 :: shard[1]]
    todo = [part for part in mine if not is_done(folder, spec, part)]
    if begun:
        sweep(path for part in todo for path in files_of(folder, spec, part))
    size = sum(len(spec.part(part)) for part in todo)
    if todo:
        with progress.task(f"drawing {size:,} signatures", size) as bar:
            for part in _drawn(folder, spec, todo, workers):
                bar.advance(len(spec.part(part)))
    whole = shard[1] == 1
    if whole and (todo or not _is_finished(folder)):
        with progress.task("writing tables", None):
            created = _read(folder / "export.json")["created"]
            _state(folder, spec, "finished", created, **write_tables(folder, spec, created))
    return Exported(sum(len(spec.part(part)) for part in mine), size, whole)


def _begin(folder: Path, spec: ExportSpec, fresh: bool) -> bool:
    """Make or reopen the folder, or refuse it; return whether the export was begun before."""
    record = folder / "export.json"
    if record.exists():
        known = _read(record)
        if fresh:
            _remove(folder, known)
        elif known.get("spec") != spec.to_dict():
            names = [n for n, v in spec.to_dict().items() if known.get("spec", {}).get(n) != v]
            raise ExportError(
                f"{folder} holds an export with another {', '.join(names)}; use --fresh to start over, or another --out"
            )
        else:
            return True
    elif folder.exists() and not (folder.is_dir() and all(_BEGINNING.fullmatch(f.name) for f in folder.iterdir())):
        if record.exists():  # another shard began it between the two looks
            return _begin(folder, spec, fresh)
        raise ExportError(f"{folder} exists and is no export; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    _state(folder, spec, "unfinished", datetime.date.today().isoformat())
    return False


def _read(record: Path) -> dict[str, Any]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        if known["format"] != FORMAT:
            raise ExportError(f"{record} is of format {known['format']}; this is format {FORMAT}: choose another --out")
        return dict(known)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, ExportError):
            raise
        raise ExportError(f"{record} cannot be read ({error}); choose another --out") from error


def _state(folder: Path, spec: ExportSpec, state: str, created: str, **more: Any) -> None:
    head = {"format": FORMAT, "synthetic": True, "notice": NOTICE, "state": state, "created": created}
    write_json(folder / "export.json", head | {"spec": spec.to_dict()} | more)


def _is_finished(folder: Path) -> bool:
    named = all((folder / name).is_file() for name in TABLES)
    return named and _read(folder / "export.json")["state"] == "finished"


def _remove(folder: Path, known: dict[str, Any]) -> None:
    """Remove what an export of these settings writes, and nothing else."""
    values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in known["spec"].items()}
    values.pop("engine")
    try:
        old = ExportSpec(**values)
    except (TypeError, ValueError) as error:
        raise ExportError(
            f"{folder} holds an export of another version; remove it yourself, or choose another --out"
        ) from error
    written = [path for part in old.parts for path in files_of(folder, old, part)]
    written += [folder / name for name in (*TABLES, *MERGED)]
    sweep(written)
    folders = {above for path in written for above in path.parents if folder in above.parents}
    for path in written:
        path.unlink(missing_ok=True)
    for path in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _drawn(folder: Path, spec: ExportSpec, todo: Sequence[int], workers: int) -> Iterator[int]:
    """Draw parts in threads and yield each when it is on disk; the first failure stops the others."""
    stop = threading.Event()
    with ThreadPoolExecutor(workers, thread_name_prefix="export") as pool:
        try:
            waiting = {}
            ahead = iter(todo)
            while True:
                for part in ahead:
                    waiting[pool.submit(make_part, folder, spec, part, stop)] = part
                    if len(waiting) >= 2 * workers:
                        break
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    part = waiting.pop(future)
                    future.result()
                    yield part
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
