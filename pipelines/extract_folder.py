"""What an extraction leaves behind: ``<identifier>/<n>.png``, manifest.csv, extract.json and a provenance record.

The record says *real* and is refused until somebody fills it in, unless every page itself says that it is synthetic.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapters.provenance import FILE_NAME, QUESTIONS, ProvenanceError, load_provenance, write_provenance
from .csv_text import as_csv
from .files import sweep, write_batch, write_json, write_text
from .sheet_pages import SheetError

RECORD = "extract.json"
REAL_NOTICE = "Paraph extraction from a scanned page; provenance.toml beside it says whose data this is"
COLUMNS = ("path", "signer", "kind", "session", "confidence", "page", "row", "column")
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


@dataclass(frozen=True)
class Row:
    """One picture that was cut out: where it goes, whose it is, and where on which page it was."""

    path: str
    signer: str
    session: int
    confidence: float
    page: str
    row: int
    column: int


def folder_names(identifiers: Sequence[str]) -> dict[str, str]:
    """Return a folder name for each identifier; signs that a file system takes amiss become ``_``.

    Raises:
        SheetError: If an identifier is empty or too long, or two would share a folder.

    Example:
        >>> folder_names(["S01", "../x"])
        {'S01': 'S01', '../x': '_.._x'}
    """
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for identifier in identifiers:
        name = _UNSAFE.sub("_", unicodedata.normalize("NFC", identifier)).strip().rstrip(". ")
        if name.startswith(".") and not name.strip("._"):
            name = ""
        name = f"_{name}" if _RESERVED.fullmatch(name) or name.startswith(".") else name
        if not name or len(name.encode()) > 200:
            raise SheetError(
                f"identifier {identifier!r} makes no folder name; use letters and digits, 200 bytes at most"
            )
        if (other := owners.setdefault(name.casefold(), identifier)) != identifier:
            raise SheetError(
                f"identifiers {other!r} and {identifier!r} would share a folder; make them differ in letters"
            )
        names[identifier] = name
    return names


def begin(out: Path, settings: dict[str, Any], fresh: bool) -> dict[str, Any] | None:
    """Return the record of this very extraction if it is there; otherwise check that there is room for it.

    Raises:
        SheetError: If the folder holds anything else, or another extraction and not `fresh`.
    """
    record = out / RECORD
    if record.is_file():
        known = _read(record)
        if not fresh:
            if known["settings"] == settings:
                return known
            raise SheetError(f"{out} holds another extraction; use --fresh to replace it, or another --out")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SheetError(f"{out} exists and holds no extraction; choose another --out")
    return None


def finish(
    out: Path, settings: dict[str, Any], rows: Sequence[Row], pictures: Sequence[bytes], facts: dict[str, Any]
) -> dict[str, Any]:
    """Write pictures, manifest, provenance and record, the record last; return the record."""
    if (out / RECORD).is_file():
        _clear(out, _read(out / RECORD))
    out.mkdir(parents=True, exist_ok=True)
    files = [out / row.path for row in rows]
    sweep([*files, out / RECORD, out / "manifest.csv"])
    _provenance(out, bool(facts["synthetic"]), str(facts["source"]))
    write_batch(list(zip(files, pictures, strict=True)))
    write_text(out / "manifest.csv", _table(rows))
    record = {"settings": settings, **facts, "files": [row.path for row in rows]}
    write_json(out / RECORD, record)
    return record


def _read(record: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        if not all(isinstance(name, str) for name in known["files"]) or "settings" not in known:
            raise KeyError("files")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SheetError(f"{record} cannot be read ({error}); choose another --out") from error
    return known


def _clear(out: Path, known: dict[str, Any]) -> None:
    """Remove the pictures of an earlier extraction, and nothing else."""
    (out / RECORD).unlink()
    for name in known["files"]:
        file = out / name
        if re.fullmatch(r"[^/\\]+/[0-9]+\.png", name) and file.parent.name not in ("..", ".") and file.is_file():
            file.unlink()
            if not file.parent.is_symlink() and not any(file.parent.iterdir()):
                file.parent.rmdir()


def _table(rows: Sequence[Row]) -> str:
    return as_csv(
        COLUMNS,
        (
            (r.path, r.signer, "genuine", r.session, f"{r.confidence:.3f}", r.page, r.row + 1, r.column + 1)
            for r in rows
        ),
    )


def _provenance(out: Path, synthetic: bool, source: str) -> None:
    """Write the record of where the pictures come from; one that is filled in and says real stays as it is."""
    try:
        if load_provenance(out).contains_real_signatures:
            return
    except ProvenanceError:
        pass_over = (out / FILE_NAME).exists()  # a stub, or damaged: it opens nothing, so it may be replaced
        if pass_over and not synthetic:
            return
    if synthetic:
        write_provenance(
            out,
            force=True,
            source=f"sheets drawn by Paraph, as every page says of itself: {source}",
            licence="CC0-1.0",
            lawful_basis="no personal data: the signatures are synthetic and no real person stands behind them",
            purpose="research, teaching and evaluation",
            contact="nobody; there is no person to answer for",
            contains_real_signatures=False,
            redistribution_allowed=True,
        )
        return
    lines = [
        "# These pictures were cut out of scanned pages and are taken for real signatures.",
        "# Nothing reads them before every TODO is answered; `python -m pipelines provenance check` says what is left.",
    ]
    for name, question in QUESTIONS.items():
        answer = {"contains_real_signatures": "true", "redistribution_allowed": "false"}.get(name, '"TODO"')
        lines += ["", f"# {question}", f"# {name} = 2030-12-31" if name == "retention_until" else f"{name} = {answer}"]
    write_text(out / FILE_NAME, "\n".join(lines) + "\n")
