"""The adapter for what an audit left: the data folder behind it, without the images that the manifest leaves out.

Nothing was copied: the audit's folder holds the manifest, and a copy of the data's `provenance.toml`, which has to be
the one that lies beside the data still.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipelines.csv_text import plain_cell
from pipelines.members import in_short

from .contract import Adapter, AdapterError, SignatureFile, Unexpected, open_adapter, register_adapter
from .folders import printable
from .provenance import load_provenance

LINK, TABLE = "refined.json", "refined.csv"
_MAX_BYTES = 200_000_000


@register_adapter("refined")
class RefinedAdapter(Adapter):
    """Signatures that an audit's manifest keeps, read from the data folder it was made of.

    Args:
        root: The audit's folder; afterwards `root` is the data folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._table, self._fault = root / TABLE, ""
        self._inner: Adapter | None = None
        try:
            self._inner = _behind(root, self.name)
            self.root = self._inner.root
        except (ValueError, OSError) as error:  # told at the walk: a folder's layout is found out by opening it
            self._fault = in_short(error, 400)

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield what the manifest keeps and has not changed since, in the order of the adapter behind."""
        yield from (record for record, why in self._walk() if not why)

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield what the manifest leaves out, and what changed or came after it, each with its reason."""
        for index, (record, why) in enumerate(self._walk()):
            if why:
                yield Unexpected(record_name(record, index, self.root), why)

    def _walk(self) -> Iterator[tuple[SignatureFile, str]]:
        if self._inner is None:
            raise AdapterError(self._fault)
        rows = read_rows(self._table)
        for index, record in enumerate(self._inner.iter_signatures()):
            row = rows.get(record_name(record, index, self.root))
            if row is None:
                yield record, "came after the audit"
            elif row["keep"] != "yes":
                yield record, f"{row['fault']}: {row['reason']}"
            else:
                yield record, "" if content_digest(record, self.root) == row["sha256"] else "changed since the audit"


def _behind(folder: Path, own_name: str) -> Adapter:
    """Return the adapter on the data folder that an audit's folder points to."""
    try:
        link = json.loads((folder / LINK).read_text(encoding="utf-8"))
        data, name, digest = folder / str(link["data"]), str(link["adapter"]), str(link["provenance"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AdapterError(f"{folder} holds no audit: {LINK} is missing or damaged ({type(error).__name__})") from None
    if name == own_name:
        raise AdapterError(f"{folder}: an audit of an audit; audit the data folder itself")
    if load_provenance(data).digest != digest:
        raise AdapterError(f"the provenance of {data} has changed since the audit; audit it again")
    return open_adapter(name, data)


def read_rows(table: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a refined manifest by the name of the image.

    Raises:
        AdapterError: If it cannot be read, or has no column ``path``, ``keep``, ``fault``, ``reason`` or ``sha256``.
    """
    try:
        if table.stat().st_size > _MAX_BYTES:
            raise AdapterError(f"{table} is too large for a manifest")
        with table.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"path", "keep", "fault", "reason", "sha256"} - set(reader.fieldnames or ())
            if missing:
                raise AdapterError(f"{table} has no column {min(missing)!r}; write it anew with `audit`")
            return {plain_cell(row["path"]): row for row in reader}
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise AdapterError(f"{table} cannot be read: {in_short(error)}") from None


def record_name(record: SignatureFile, index: int, root: Path) -> str:
    """Return what a manifest calls a record: its path below the root, or signer, kind and place for an array."""
    if isinstance(record.image, Path):
        inside = record.image.is_relative_to(root)
        return printable((record.image.relative_to(root) if inside else Path(record.image.name)).as_posix())
    return f"{record.signer}/{record.kind}/#{index}"


def content_digest(record: SignatureFile, root: Path) -> str:
    """Return the SHA-256 of a record's file, or of its array; empty if it lies outside the root or cannot be read."""
    if not isinstance(record.image, Path):
        image = np.ascontiguousarray(record.image)
        return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
    try:
        real = record.image.resolve(strict=True)
        if not real.is_relative_to(root.resolve()) or not real.is_file():
            return ""
        with real.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, RuntimeError):
        return ""
