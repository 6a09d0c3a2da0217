"""The adapter for a table that lists the files: CSV or Parquet with columns path, signer and kind."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.csv_text import plain_cell
from pipelines.members import in_short

from .contract import KINDS, Adapter, AdapterError, Kind, SignatureFile, Unexpected, register_adapter

TABLES = ("manifest.csv", "manifest.parquet")
COLUMNS: dict[str, tuple[str, ...]] = {
    "path": ("path", "file", "filename", "image"),
    "signer": ("signer", "signer_id", "writer", "writer_id", "user"),
    "kind": ("label", "kind"),
    "forger": ("forger", "forger_id"),
    "session": ("session",),
    "capture": ("capture", "scanner", "device"),
}
_WORDS: dict[str, Kind] = {"forged": "skilled", "forgery": "skilled", "original": "genuine"}
MAX_CELL = 1000
_MAX_BYTES, _MAX_ROWS = 200_000_000, 5_000_000


@register_adapter("manifest")
class ManifestAdapter(Adapter):
    """A table beside the images: ``manifest.csv`` or ``manifest.parquet``, or the only such file in the folder.

    Needs the columns path, signer and kind (or label: genuine, simple, skilled); forger, session and capture are read
    if there. Paths are relative to the folder and may not leave it. An apostrophe that `export` puts before what a
    spreadsheet would take for a formula is taken off again.
    """

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every row that can be used, signer by signer in the order of their first rows."""
        rows = [found for found in self._rows() if isinstance(found, SignatureFile)]
        order: dict[str, int] = {}
        for row in rows:
            order.setdefault(row.signer, len(order))
        yield from sorted(rows, key=lambda row: (order[row.signer], KINDS.index(row.kind)))

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield every row that cannot be used."""
        yield from (found for found in self._rows() if isinstance(found, Unexpected))

    def table(self) -> Path:
        """Return the table's path.

        Raises:
            AdapterError: If there is none, or more than one.
        """
        named = [self.root / name for name in TABLES if (self.root / name).is_file()]
        others = sorted(path for path in self.root.glob("*") if path.suffix.lower() in (".csv", ".parquet"))
        if not named and len(others) != 1:
            found = "none" if not others else ", ".join(path.name for path in others)
            raise AdapterError(f"{self.root} needs a manifest.csv or manifest.parquet; tables found: {found}")
        return named[0] if named else others[0]

    def _rows(self) -> Iterator[SignatureFile | Unexpected]:
        table = self.table()
        if table.stat().st_size > _MAX_BYTES:
            raise AdapterError(f"{table} is too large for a manifest: {table.stat().st_size / 1e6:.0f} MB")
        read = _read_parquet if table.suffix.lower() == ".parquet" else _read_csv
        for number, row in enumerate(read(table), start=1):
            if number > _MAX_ROWS:
                raise AdapterError(f"{table} has more than {_MAX_ROWS:,} rows")
            yield self._record(number, row)

    def _record(self, number: int, row: dict[str, str]) -> SignatureFile | Unexpected:
        where = f"{row['path'] or 'row'} (row {number})"
        kind = row["kind"].casefold()
        if (known := _WORDS.get(kind, kind)) not in KINDS:
            return Unexpected(where, f"kind {row['kind']!r} is none of {', '.join(KINDS)}")
        if not row["signer"]:
            return Unexpected(where, "no signer")
        if (longest := max(map(len, row.values()))) > MAX_CELL:
            return Unexpected(where[:MAX_CELL], f"a cell of {longest} letters; at most {MAX_CELL} are read")
        if fault := path_fault(row["path"]):
            return Unexpected(where, fault)
        image = self.root / PurePosixPath(row["path"].replace("\\", "/"))
        return SignatureFile(row["signer"], known, image, row["forger"], row["session"], row["capture"])


def path_fault(path: str) -> str:
    r"""Return why a manifest's path is refused, or an empty string.

    Args:
        path: As the table has it; backslashes count as slashes.

    Example:
        >>> path_fault("a/b.png"), path_fault("a/../../b.png"), path_fault(r"C:\b.png")
        ('', 'the path leaves the folder', 'the path is not relative to the folder')
    """
    parts = PurePosixPath(path.replace("\\", "/"))
    if not path or "\0" in path:
        return "no path"
    if parts.is_absolute() or re.match(r"[A-Za-z]:", path):
        return "the path is not relative to the folder"
    return "the path leaves the folder" if ".." in parts.parts else ""


def _read_csv(table: Path) -> Iterator[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            columns = _columns(next(rows, []), table)
            for cells in rows:
                yield {
                    name: plain_cell(cells[i]) if i is not None and i < len(cells) else ""
                    for name, i in columns.items()
                }
    except (csv.Error, UnicodeDecodeError) as error:
        raise AdapterError(f"{table} is no table of comma-separated UTF-8 text: {error}") from None


def _read_parquet(table: Path) -> Iterator[dict[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(table)
        names = file.schema_arrow.names
        columns = _columns(names, table)
        wanted = [names[i] for i in columns.values() if i is not None]
        for batch in file.iter_batches(columns=wanted):
            for row in batch.to_pylist():
                yield {name: _text(row[names[i]]) if i is not None else "" for name, i in columns.items()}
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise AdapterError(f"{table} cannot be read: {in_short(error)}") from None


def _columns(head: list[str], table: Path) -> dict[str, int | None]:
    """Return where each column is; those that are not needed may be missing."""
    known = [name.strip().casefold() for name in head]
    found = {
        name: next((known.index(word) for word in words if word in known), None) for name, words in COLUMNS.items()
    }
    missing = [name for name in ("path", "signer", "kind") if found[name] is None]
    if missing:
        found_names = in_short(", ".join(head[:12])) or "none"
        raise AdapterError(
            f"{table} has no column {' or '.join(map(repr, missing))}; it has {found_names}; "
            "needed are path, signer and kind (or label)"
        )
    return found


def _text(value: Any) -> str:
    return "" if value is None else str(value)
