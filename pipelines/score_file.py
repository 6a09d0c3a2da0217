"""The score file: every trial of every protocol of an evaluation in one Parquet table.

Columns: ``protocol`` (the table's name, such as "pairs", "development", "wd"), ``part``, ``repeat``, ``claimed``,
``impostor``, ``kind``, ``skill``, ``reference``, ``questioned``, ``score``. What holds for a whole table (its protocol
in words, who was left out) is in the file's notes.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .trials import TrialTable

_COLUMNS = ("repeat", "claimed", "impostor", "kind", "skill", "reference", "questioned", "score")


def write_scores(path: str | os.PathLike[str], tables: Mapping[str, TrialTable]) -> None:
    """Write trial tables, by name, as one Parquet file; it appears under its name only when complete.

    Raises:
        ValueError: If there is no table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not tables:
        raise ValueError("a score file needs at least one table of trials")
    parts, notes = [], {}
    for name, table in tables.items():
        columns = {column: pa.array(getattr(table, column)) for column in _COLUMNS}
        said = {"protocol": [name] * len(table), "part": [table.part] * len(table)}
        parts.append(pa.table({**{k: pa.array(v, pa.string()) for k, v in said.items()}, **columns}))
        notes[name] = {"part": table.part, "protocol": table.protocol, "left_out": list(table.left_out)}
    whole = pa.concat_tables(parts, promote_options="permissive")
    unfinished = Path(f"{os.fspath(path)}.unfinished")
    pq.write_table(whole.replace_schema_metadata({"paraph": json.dumps(notes)}), unfinished, compression="zstd")
    unfinished.replace(path)


def read_scores(path: str | os.PathLike[str]) -> dict[str, TrialTable]:
    """Return the tables of a score file, by name; raise ValueError if the file is something else."""
    import pyarrow.parquet as pq

    whole = pq.read_table(os.fspath(path), partitioning=None)
    recorded = (whole.schema.metadata or {}).get(b"paraph")
    if recorded is None:
        raise ValueError(f"{os.fspath(path)}: not a trial table (no notes on part and protocol)")
    notes: dict[str, Any] = json.loads(recorded)
    if "protocol" not in whole.column_names:
        raise ValueError(f"{os.fspath(path)}: written by an older version, with one table only; evaluate again")
    columns = {name: whole[name].to_numpy() for name in ("protocol", *_COLUMNS)}
    columns = {name: c.astype(str) if c.dtype == object else c for name, c in columns.items()}
    which = columns.pop("protocol")
    return {
        name: TrialTable(
            **{column: values[np.flatnonzero(which == name)] for column, values in columns.items()},
            part=note["part"],
            protocol=note["protocol"],
            left_out=tuple(note["left_out"]),
        )
        for name, note in notes.items()
    }
