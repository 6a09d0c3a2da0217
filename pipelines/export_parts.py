"""One part of an export: a fixed block of signatures drawn, written, and recorded as done."""

import hashlib
import io
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from synth import render

from .export_forms import (
    NOTICE,
    inkml_text,
    integer_samples,
    png_bytes,
    sigver_canvas,
    svc2004_text,
    trajectories_npz,
)
from .export_plan import ExportSpec, entry, perform
from .files import write_batch, write_beside
from .preprocess import BlankImage

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("signer", pa.int64()),
        ("label", pa.string()),
        ("kind", pa.string()),
        ("forger", pa.int64()),
        ("skill", pa.float64()),
        ("act", pa.int64()),
        ("profile", pa.string()),
        ("text", pa.string()),
        ("world_seed", pa.int64()),
        ("capture", pa.string()),
        ("dpi", pa.float64()),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("samples", pa.int32()),
        ("duration_ms", pa.int32()),
        ("pixels_sha256", pa.string()),
        ("trajectory_sha256", pa.string()),
        ("trajectory", pa.string()),
        ("trajectory_row", pa.int32()),
        ("svc2004", pa.string()),
        ("inkml", pa.string()),
        ("synthetic", pa.bool_()),
    ],
    metadata={"notice": NOTICE},
)


class ExportError(ValueError):
    """A folder cannot be exported to as asked; the message is one line."""


def record_path(folder: Path, part: int) -> Path:
    """Return where a part is recorded as done."""
    return folder / ".parts" / f"{part:07d}.parquet"


def canvases_path(folder: Path, part: int) -> Path:
    """Return where a part's canvases wait for the sigver-style archive."""
    return folder / ".parts" / f"{part:07d}.npy"


def trajectories_name(part: int) -> str:
    """Return where a part's trajectories lie, relative to the root."""
    return f"forms/trajectories/part_{part:07d}.npz"


def paths_of(spec: ExportSpec, number: int) -> dict[str, str]:
    """Return the files of one signature, relative to the root, by column of the manifest."""
    what = entry(spec, number)
    name = what.name(spec)
    found = {
        "path": ("folders", f"{name}.png"),
        "svc2004": ("svc2004", f"forms/svc2004/U{what.position + 1}S{what.ordinal}.TXT"),
        "inkml": ("inkml", f"forms/inkml/{name}.inkml"),
    }
    return {column: path for column, (form, path) in found.items() if form in spec.formats}


def files_of(folder: Path, spec: ExportSpec, part: int) -> list[Path]:
    """Return every file that a part writes, its record last."""
    found = [folder / path for number in spec.part(part) for path in paths_of(spec, number).values()]
    if "trajectories" in spec.formats:
        found.append(folder / trajectories_name(part))
    if "npz" in spec.formats:
        found.append(canvases_path(folder, part))
    return [*found, record_path(folder, part)]


def is_done(folder: Path, spec: ExportSpec, part: int) -> bool:
    """Whether a part's record and all its files are there; files appear whole or not at all."""
    if not record_path(folder, part).is_file():
        return False
    merged = "npz" in spec.formats and (folder / "forms/sigver.npz").is_file()
    waiting = canvases_path(folder, part)
    return all(os.path.isfile(path) for path in files_of(folder, spec, part) if not (merged and path == waiting))


def make_part(folder: Path, spec: ExportSpec, part: int, stop: threading.Event) -> None:
    """Draw one part and write its files, then its record."""
    rows: list[dict[str, Any]] = []
    files: list[tuple[Path, bytes]] = []
    trajectories: list[NDArray[np.float64]] = []
    canvases: list[NDArray[np.uint8]] = []
    for number in spec.part(part):
        if stop.is_set():
            return
        row, contents, trajectory, image = _draw(spec, number)
        rows.append(row)
        files += [(folder / path, content) for path, content in contents]
        trajectories.append(trajectory)
        if "npz" in spec.formats and image is not None:
            canvases.append(_canvas(image, spec, row))
    if "trajectories" in spec.formats:
        name = trajectories_name(part)
        for i, row in enumerate(rows):
            row |= {"trajectory": name, "trajectory_row": i}
        files.append(
            (folder / name, trajectories_npz(trajectories, [entry(spec, n).name(spec) for n in spec.part(part)]))
        )
    if canvases:
        buffer = io.BytesIO()
        np.save(buffer, np.stack(canvases), allow_pickle=False)
        files.append((canvases_path(folder, part), buffer.getvalue()))
    write_batch(files)
    record = record_path(folder, part)
    record.parent.mkdir(exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    write_beside(record, lambda path: pq.write_table(table, path))


def _draw(
    spec: ExportSpec, number: int
) -> tuple[dict[str, Any], list[tuple[str, bytes]], NDArray[np.float64], NDArray[np.uint8] | None]:
    """Return the row, the files, the trajectory and the image of one signature."""
    what = entry(spec, number)
    signature = perform(spec, what)
    trajectory = signature.trajectory
    paths = paths_of(spec, number)
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names) | {
        "path": "", "signer": what.signer, "label": what.label, "kind": what.kind, "forger": what.forger,
        "skill": what.skill, "act": what.act, "profile": signature.act.claimed.profile,
        "text": signature.act.claimed.text, "world_seed": spec.seed, "samples": len(trajectory),
        "duration_ms": round(1000.0 * float(trajectory[-1, 2])), "trajectory": "", "svc2004": "", "inkml": "",
        "pixels_sha256": "", "capture": "", "trajectory_sha256": _digest(integer_samples(trajectory)),
        "synthetic": True, **paths,
    }  # fmt: skip
    image, files = None, []
    if "folders" in spec.formats or "npz" in spec.formats:
        height, width = spec.size or (None, None)
        image = render(signature, height=height, width=width, dpi=spec.dpi, capture=spec.capture)
        row |= {"capture": spec.capture, "dpi": spec.dpi, "height": image.shape[0], "width": image.shape[1]}
        row["pixels_sha256"] = _digest(image)
    if "path" in paths and image is not None:
        files.append((paths["path"], png_bytes(image, dpi=spec.dpi)))
    if "svc2004" in paths:
        files.append((paths["svc2004"], svc2004_text(trajectory).encode()))
    if "inkml" in paths:
        remarks = {"signer": str(what.signer), "kind": what.kind, "act": str(what.act), "world": str(spec.seed)}
        files.append((paths["inkml"], inkml_text(trajectory, remarks).encode()))
    return row, files, trajectory, image


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _canvas(image: NDArray[np.uint8], spec: ExportSpec, row: dict[str, Any]) -> NDArray[np.uint8]:
    try:
        return sigver_canvas(image, spec.npz_size)
    except BlankImage as error:
        what = f"signer {row['signer']}, {row['kind']} act {row['act']}"
        raise ExportError(
            f"{what} cannot go into the archive: {error}; use another capture or leave out npz"
        ) from error
