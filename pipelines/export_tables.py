"""What describes a whole export: the manifest as CSV and Parquet, the sigver-style archive, the cards."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .csv_text import escape_formula
from .export_card import write_card, write_croissant, write_record
from .export_forms import NOTICE, write_sigver
from .export_inkml_schema import INKML_SCHEMA
from .export_inkml_schema import NAME as SCHEMA_NAME
from .export_parts import SCHEMA, canvases_path, record_path
from .export_plan import ExportSpec, entry
from .files import sweep, write_beside, write_text
from .runs import sha256

TABLES = ("manifest.csv", "manifest.parquet", "DATA_CARD.md", "croissant.json", "provenance.toml")
MERGED = ("forms/sigver.npz", "forms/svc2004/SYNTHETIC.txt", SCHEMA_NAME)
_YFORG = {"genuine": 0, "skilled": 1, "simple": 2}


def write_tables(folder: Path, spec: ExportSpec, created: str) -> dict[str, Any]:
    """Write what describes the whole set, part after part; return its counts and the manifest's digest.

    Args:
        folder: Where every part is done.
        spec: The set.
        created: Date on which the export was begun.
    """
    sweep(folder / name for name in (*TABLES, *MERGED, "export.json"))
    (folder / "forms").mkdir(exist_ok=True)
    if "npz" in spec.formats and not (folder / "forms/sigver.npz").is_file():
        labels = _sigver_labels(spec)
        blocks = (np.load(canvases_path(folder, part), allow_pickle=False) for part in spec.parts)
        write_beside(
            folder / "forms/sigver.npz",
            lambda path: write_sigver(path, blocks=blocks, count=spec.total, size=spec.npz_size, labels=labels),
        )
    for part in spec.parts:
        canvases_path(folder, part).unlink(missing_ok=True)
    if "svc2004" in spec.formats:
        write_text(folder / "forms/svc2004/SYNTHETIC.txt", f"{NOTICE}\nUsS: signer s of the set, from 1; {spec.genuine}"
                   f" genuine, then {spec.forged} forged. The manifest says who is who.\n")  # fmt: skip
    if "inkml" in spec.formats:
        write_text(folder / SCHEMA_NAME, INKML_SCHEMA)
    write_beside(folder / "manifest.parquet", lambda path: _write_parquet(path, folder, spec))
    write_beside(folder / "manifest.csv", lambda path: _write_csv(path, folder, spec))
    if not any((folder / "forms").iterdir()):
        (folder / "forms").rmdir()
    summary = write_card(folder, spec)
    digest = sha256(folder / "manifest.csv")
    write_croissant(folder, spec, digest, created)
    write_record(folder, spec)
    return {"manifest_sha256": digest, "counts": summary}


def _sigver_labels(spec: ExportSpec) -> dict[str, Any]:
    found = [entry(spec, number) for number in range(spec.total)]
    return {
        "y": np.array([e.position for e in found], dtype=np.int32),
        "yforg": np.array([_YFORG[e.label] for e in found], dtype=np.int32),
        "user_mapping": np.arange(spec.first, spec.first + spec.signers, dtype=np.int64),
        "filenames": np.array([f"{e.name(spec)}.png" for e in found], dtype=np.str_),
    }


def _tables(folder: Path, spec: ExportSpec) -> Iterator[pa.Table]:
    for part in spec.parts:
        yield pq.read_table(record_path(folder, part), schema=SCHEMA)


def _write_parquet(path: Path, folder: Path, spec: ExportSpec) -> None:
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for table in _tables(folder, spec):
            writer.write_table(table)


def _write_csv(path: Path, folder: Path, spec: ExportSpec) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SCHEMA.names)
        for table in _tables(folder, spec):
            writer.writerows([_cell(value) for value in row.values()] for row in table.to_pylist())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape_formula(value) if isinstance(value, str) else repr(value)
