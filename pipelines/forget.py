"""Forgetting a signer: what we hold is removed, what we do not hold is named, and what has learnt from it is tainted.

Source files are never touched: they are their owner's. A network cannot forget; it can be trained again.
"""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from .adapters import load_digest, open_layout
from .adapters.refined import LINK
from .csv_text import plain_cell
from .files import write_beside, write_json, write_text
from .lineage import Mark, mark_of_run, signer_key
from .linked_folders import files_below, folders_below
from .release import TAINTED
from .runs import sha256

STORES = ("cache", "caches", "copies", "enrolments", "extracted")
_COLUMNS = ("claimed", "impostor", "signer", "forger", "reference", "questioned", "name", "path", "predicted")
_RECORDS = ("metrics.json", "folds.json", LINK)
"""What says of which data set the results beside it are: of an evaluation or a classification, folds, an audit."""
_SHOWING = ("*.html", "*.png", "*.svg", "*.npz", "metrics.json", "folds.json", "findings.json", "SHA256SUMS",
            "per_signer.csv", "confusion.csv", "figures", "archive")  # fmt: skip
"""What shows or counts everybody at once and goes as a whole; of other tables only the signer's rows go."""


@dataclass
class Forgotten:
    """What `forget` did and what it could not do.

    Attributes:
        removed: Files and folders removed, or tables with the number of rows taken out.
        untouched: Source files of the signer, which are still there.
        models: Runs that have learnt from the signer, now tainted.
        doubtful: Runs that have learnt from a signer of this name of another record.
        todo: What is left to do, one line each.
    """

    removed: list[str] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    todo: list[str] = field(default_factory=list)


def forget(
    signer: str, data: str | Path, *, runs: str | Path = "runs", adapter: str = "folders", dry: bool = False
) -> Forgotten:
    """Remove a signer of a data set from every run, and say what is left.

    Of evaluations, classifications, folds and audits of this data set the signer's rows go from scores, predictions and
    manifests, and reports, figures, metrics and embeddings, which show and count the signer, go as a whole. Copies,
    caches and enrolments under the signer's name go, and every cache of a run that has learnt from the signer. Models
    stay, are tainted, and `release` refuses them from then on.

    Args:
        signer: As the adapter names the signer.
        data: The data folder; its record says which data set this is. Nothing in it is changed.
        runs: The folder of run folders, or one run folder.
        adapter: How the data folder is laid out.
        dry: Only say what would be done.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        ValueError: If nobody of that name is in the data set, nor in anything learnt from it.
    """
    digest, found = load_digest(data), Forgotten()
    root = Path(runs)
    files, packed = _source_files(signer, data, adapter)
    found.untouched = sorted(path.as_posix() for path in files if path.is_file())
    if packed:
        found.untouched.append(f"{Path(data).as_posix()}: {packed} signatures inside its archives")
    names = {path.relative_to(Path(data)).as_posix() for path in files}
    folders = sorted(folders_below(root, without=data))
    for folder in _runs_in(folders):
        _taint(folder, signer, digest, data, found, dry)
    records = [folder / name for folder in folders for name in _RECORDS if (folder / name).exists()]
    told = {record.parent for record in records if not _is_archived(record) and _digest_of(record) == digest}
    for folder in sorted(told):
        if files and not packed and _is_of_others(folder, signer, names):
            continue  # another folder under the same record
        _clean_results(folder, signer, names, data, found, dry)
    for store in (folder for folder in folders if folder.name in STORES):
        _clean_store(store, signer, names, data, found, dry)
    if not (files or packed or found.removed or found.models):
        raise ValueError(f"nobody called {signer!r} is in {data}, nor in anything below {root} that was made of it")
    found.todo += _copies_of(files, signer, [*files_below(data, without=data), *files_below(root, without=data)], found)
    _say_what_is_left(signer, data, found)
    return found


def _source_files(signer: str, data: str | Path, adapter: str) -> tuple[list[Path], int]:
    """Return the files that hold signatures of a signer's name or hand, and how many more lie inside archives."""
    images = [r.image for r in open_layout(adapter, data).iter_signatures() if signer in (r.signer, r.forger)]
    files = [image for image in images if isinstance(image, Path)]
    return files, len(images) - len(files)


def _copies_of(files: list[Path], signer: str, others: list[Path], found: Forgotten) -> list[str]:
    """Return a line for each other file that is, byte for byte, one of the signer's; its name does not say so."""
    own = {path.resolve() for path in files if path.is_file()}
    sizes = {path.stat().st_size for path in own}
    seen = [path for path in others if path.is_file() and path.resolve() not in own and path.stat().st_size in sizes]
    gone = {Path(name) for name in found.removed}
    left = [path for path in seen if gone.isdisjoint({path, *path.parents})]
    known = {sha256(path) for path in own} if left else set()
    copies = sorted({path.as_posix() for path in left if sha256(path) in known})
    return [f"look at {path}: byte for byte a file of {signer}, under another name" for path in copies]


def _runs_in(folders: list[Path]) -> Iterator[Path]:
    """Yield every folder that holds a model or the mark of one."""
    told = ("model.keras", "mark.json", "head.json")
    yield from (folder for folder in folders if any((folder / name).exists() for name in told))


def _taint(folder: Path, signer: str, digest: str, data: str | Path, found: Forgotten, dry: bool) -> None:
    mark = mark_of_run(folder)
    if mark is None:
        if _head_digest(folder) == digest:  # fitted before marks named their signers
            found.doubtful.append(f"{folder.as_posix()}: its head was fitted on this data set; it does not say on whom")
        return
    silent = any(source.digest == digest and not source.signers for source in mark.sources)
    if silent or mark.learnt_from(digest, signer):
        found.models.append(folder.as_posix())
        for cache in (path for path in folders_below(folder, without=data) if path.name.startswith("cache")):
            _remove(cache, found, dry)  # batches are of many signers at once, and say of none whose they are
        if not dry:
            path = folder / TAINTED
            known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
            entry = {"signer": signer_key(digest, signer), "digest": digest}
            if not any(old["signer"] == entry["signer"] for old in known):
                write_json(path, [*known, entry | {"when": date.today().isoformat()}])
    elif other := _same_name(mark, signer):
        found.doubtful.append(f"{folder.as_posix()}: a signer of this name, of the record {other[:12]}")


def _same_name(mark: Mark, signer: str) -> str:
    return next((source.digest for source in mark.sources if mark.learnt_from(source.digest, signer)), "")


def _head_digest(folder: Path) -> str:
    path = folder / "head.json"
    told = json.loads(path.read_text(encoding="utf-8")).get("data", "") if path.exists() else ""
    return str(told).removeprefix("provenance ")


def _is_archived(record: Path) -> bool:
    """Tell whether a record lies in the archive of an audit, which goes with it."""
    return len(record.parents) > 2 and record.parents[1].name == "archive" and (record.parents[2] / LINK).exists()


def _digest_of(record: Path) -> str:
    """Return the digest of the data set that results are of; empty if a record names none."""
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        return str(told["provenance"] if record.name == LINK else told["data"].get("digest", ""))
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        return ""


def _clean_results(folder: Path, signer: str, names: set[str], data: str | Path, found: Forgotten, dry: bool) -> None:
    """Take the signer out of the tables of one evaluation or audit, and remove what shows or counts everybody."""
    again = "audit" if (folder / LINK).exists() else "evaluate"
    again = "train with --fresh" if (folder / "predictions.csv").exists() else again
    shown = {path for kind in _SHOWING for path in folder.glob(kind)}
    if (folder / "folds.json").exists():
        shown |= set(folder.glob("*.parquet"))  # its names are marked with their folds
    for path in sorted(set(folder.glob("*.parquet")) - shown):
        _clean_table(path, signer, names, data, found, dry)
    for path in sorted(set(folder.glob("*.csv")) - shown):
        _clean_table(path, signer, names, data, found, dry)
    for path in sorted(shown):
        _remove(path, found, dry)
    found.todo.append(f"{again} again what {folder.as_posix()} held, once the signer's files are gone")


def _is_of_others(folder: Path, signer: str, names: set[str]) -> bool:
    """Tell whether results hold scores or predictions and nothing in them names the signer or a file of theirs."""
    if not any((folder / name).exists() for name in ("scores.parquet", "predictions.csv")) or (folder / LINK).exists():
        return False
    told = _names_signer(signer, names)
    word = re.compile(rf"(?<!\w){re.escape(signer)}(?!\w)")
    try:
        if any(told(row) for path in folder.glob("*.parquet") for row in _parquet_rows(path)):
            return False
        if any(told(row) for path in (*folder.glob("*.csv"), *folder.glob("figures/*.csv")) for row in _csv_rows(path)):
            return False
        record = folder / "metrics.json"
        metrics = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
        left_out = "\n".join(map(str, metrics.get("warnings", ())))
    except (OSError, ValueError, AttributeError, TypeError):
        return False  # what cannot be read may name anybody
    return not word.search(left_out) and not any(name in left_out for name in names)


def _parquet_rows(path: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, partitioning=None)
    rows: list[dict[str, Any]] = table.select([name for name in _COLUMNS if name in table.column_names]).to_pylist()
    return rows


def _csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [{key: plain_cell(value or "") for key, value in row.items() if key} for row in csv.DictReader(file)]


def _names_signer(signer: str, names: set[str]) -> Callable[[dict[str, Any]], bool]:
    def told(row: dict[str, Any]) -> bool:
        for column in _COLUMNS:
            value = str(row.get(column) or "")
            if value == signer or names.intersection(value.split("|")):
                return True
        return signer in str(row.get("reason") or "")  # why an audit leaves another's image out; it stays left out

    return told


def _clean_parquet(path: Path, signer: str, names: set[str], found: Forgotten, dry: bool) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(path, partitioning=None)
    columns = [name for name in _COLUMNS if name in table.column_names]
    told = _names_signer(signer, names)
    keep = [not told(row) for row in table.select(columns).to_pylist()]
    if (gone := keep.count(False)) == 0:
        return
    found.removed.append(f"{path.as_posix()}: {gone} rows")
    if not dry:
        write_beside(
            path.resolve(), lambda temporary: pq.write_table(table.filter(keep), temporary, compression="zstd")
        )


def _clean_csv(path: Path, signer: str, names: set[str], found: Forgotten, dry: bool) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        head, rows = list(reader.fieldnames or ()), list(reader)
    told = _names_signer(signer, names)
    kept = [row for row in rows if not told({name: plain_cell(row[name] or "") for name in head})]
    if len(kept) == len(rows):
        return
    found.removed.append(f"{path.as_posix()}: {len(rows) - len(kept)} rows")
    if not dry:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, head, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(kept)
        write_text(path.resolve(), buffer.getvalue())


def _clean_store(store: Path, signer: str, names: set[str], data: str | Path, found: Forgotten, dry: bool) -> None:
    """Remove what lies under the signer's name in a folder of copies, caches or enrolments, and rows of its tables."""
    stem = re.compile(rf"{re.escape(signer)}(?:[_.@-].*)?", re.IGNORECASE)
    for folder in folders_below(store, without=data):
        if folder.name == signer and folder != store and folder.exists():  # else it lay in one that is gone
            _remove(folder, found, dry)
    for path in files_below(store, without=data):
        if any(Path(gone) in path.parents for gone in found.removed):
            continue  # in a dry run it is still there
        if path.suffix in (".csv", ".parquet"):
            _clean_table(path, signer, names, data, found, dry)
        elif stem.fullmatch(path.stem):
            _remove(path, found, dry)


def _clean_table(path: Path, signer: str, names: set[str], data: str | Path, found: Forgotten, dry: bool) -> None:
    """Take the signer's rows out of a table; if it is a link, out of what it leads to, unless that is a source."""
    if not path.exists() or (path.is_symlink() and path.resolve().is_relative_to(Path(data).resolve())):
        return
    (_clean_csv if path.suffix == ".csv" else _clean_parquet)(path, signer, names, found, dry)


def _remove(path: Path, found: Forgotten, dry: bool) -> None:
    found.removed.append(path.as_posix())
    if path.is_symlink() and path.exists():  # what lies outside may be more than ours
        found.todo.append(f"look at {path.resolve().as_posix()}: {path.as_posix()} is only a link to it")
    if not dry:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _say_what_is_left(signer: str, data: str | Path, found: Forgotten) -> None:
    if found.untouched:
        found.todo.insert(0, f"delete the {len(found.untouched)} sources of {signer} in {data} yourself")
    for model in found.models:
        found.todo.append(
            f"{model} has learnt from {signer}: a network cannot forget, so train it again without these files "
            "(--fresh), or delete it; it can no longer be released, and copies that have left are out of reach"
        )
    found.todo += [f"look at {words}" for words in found.doubtful]
