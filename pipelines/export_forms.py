"""One signature as bytes: PNG, SVC2004 text, InkML; many as arrays for `.npz`. No file is touched here.

Every form that can carry a remark says inside itself that it is synthetic. SVC2004 text cannot: its first
line is a number and every other line a sample, so a file SYNTHETIC.txt lies beside those.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .preprocess import preprocess

NOTICE = "Paraph synthetic signatures; no real person; CC0-1.0"
INKML = "http://www.w3.org/2003/InkML"
SVC_UNITS_PER_MM, SVC_LEVELS, SVC_PERIOD_MS = 100, 1023, 10
_EPOCH = (1980, 1, 1, 0, 0, 0)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_bytes(image: NDArray[np.uint8], *, dpi: float | None = None, notice: str = NOTICE) -> bytes:
    """Return a grey PNG without EXIF whose text chunk `Source` says that it is synthetic.

    Args:
        image: uint8, shape ``(height, width)``.
        dpi: Resolution to record, or None where the image has no true size.
        notice: Another text for `Source`, in Latin-1.

    Raises:
        ValueError: If the image cannot be encoded.
    """
    done, content = cv2.imencode(".png", image)
    if not done:
        raise ValueError(f"an image of shape {image.shape} and type {image.dtype} cannot be stored as PNG")
    plain = content.tobytes()
    chunks = _chunk(b"tEXt", b"Source\0" + notice.encode("latin-1"))
    if dpi is not None:
        per_metre = round(dpi / 0.0254)
        chunks += _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1))
    header = 8 + 12 + 13  # signature, then the image header, which comes first
    return plain[:header] + chunks + plain[header:]


def integer_samples(trajectory: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return x um, y um, t ms and pressure of 65535 as integers, shape ``(n, 4)``: what the generator quantises to."""
    return np.rint(trajectory * np.array([1000.0, 1000.0, 1000.0, 65535.0])).astype(np.int32)


def svc2004_text(trajectory: NDArray[np.float64]) -> str:
    """Return a signature in the text form of the First International Signature Verification Competition, task 2.

    The first line is the number of rows; a row holds x, y, time stamp in ms, button, azimuth, altitude and
    pressure. As on the tablets of that competition there is a row every 10 ms, none while the pen is in the
    air, and the first row of each pen-down has button 0. Units are 0.01 mm and 1023 pressure levels, y
    points up; azimuth and altitude are not modelled and stand at 0.

    Args:
        trajectory: x mm, y mm, t s, pressure, shape ``(n, 4)``.

    Source:
        Yeung et al. (2004), "SVC2004: First International Signature Verification Competition".
    """
    down = trajectory[:, 3] > 0.0
    opens = down & ~np.concatenate([[False], down[:-1]])
    bins = np.rint(1000.0 * trajectory[:, 2]).astype(np.int64) // SVC_PERIOD_MS
    first_of_bin = np.concatenate([[True], np.diff(bins) > 0])
    keep = down & (first_of_bin | opens)
    rows = trajectory[keep]
    xy = np.rint(SVC_UNITS_PER_MM * (rows[:, :2] - trajectory[down, :2].min(axis=0))).astype(np.int64)
    times = np.rint(1000.0 * rows[:, 2]).astype(np.int64)
    pressure = np.maximum(np.rint(SVC_LEVELS * rows[:, 3]), 1).astype(np.int64)
    button = (~opens[keep]).astype(np.int64)
    lines = [f"{len(rows)}"]
    columns = (xy[:, 0], xy[:, 1], times, button, pressure)
    lines += [f"{x} {y} {t} {b} 0 0 {p}" for x, y, t, b, p in zip(*(c.tolist() for c in columns), strict=True)]
    return "\n".join(lines) + "\n"


def inkml_text(trajectory: NDArray[np.float64], annotations: dict[str, str]) -> str:
    """Return a signature as an InkML document: one trace per pen-down and per movement in the air.

    Channels are X and Y in mm (Y counts upwards, hence orientation -ve), T in ms, F the pressure of 65535.

    Args:
        trajectory: x mm, y mm, t s, pressure, shape ``(n, 4)``.
        annotations: Further remarks, by type.

    Source:
        W3C Recommendation "Ink Markup Language (InkML)", 20 September 2011.
    """
    ink = ElementTree.Element("ink", xmlns=INKML)
    source = ElementTree.SubElement(
        ElementTree.SubElement(ElementTree.SubElement(ink, "definitions"), "context", {"xml:id": "pen"}),
        "inkSource",
        {"xml:id": "generator", "description": NOTICE},
    )
    channels = ElementTree.SubElement(source, "traceFormat")
    for name, kind, units in (("X", "decimal", "mm"), ("Y", "decimal", "mm"), ("T", "integer", "ms")):
        turned = {"orientation": "-ve"} if name == "Y" else {}
        ElementTree.SubElement(channels, "channel", {"name": name, "type": kind, "units": units} | turned)
    force = {"name": "F", "type": "integer", "units": "dev", "min": "0", "max": "65535"}
    ElementTree.SubElement(channels, "channel", force)
    for kind, text in ({"source": NOTICE} | annotations).items():
        ElementTree.SubElement(ink, "annotation", type=kind).text = text
    samples = integer_samples(trajectory)
    cuts = np.flatnonzero(np.diff(samples[:, 3] > 0)) + 1
    for piece in np.split(samples, cuts):
        state = "penDown" if piece[0, 3] > 0 else "penUp"
        rows = [f"{x / 1000:.3f} {y / 1000:.3f} {t} {f}" for x, y, t, f in piece.tolist()]
        ElementTree.SubElement(ink, "trace", {"type": state, "contextRef": "#pen"}).text = ", ".join(rows)
    ElementTree.indent(ink)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(ink, encoding="unicode") + "\n"


def npz_bytes(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return an `.npz` archive with a `notice` inside; equal arrays give equal bytes, and nothing is pickled."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in ({"notice": np.array(NOTICE)} | arrays).items():
            content = io.BytesIO()
            npy.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(_member(name), content.getvalue())
    return buffer.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


def trajectories_npz(trajectories: Sequence[NDArray[np.float64]], names: Sequence[str]) -> bytes:
    """Return many trajectories as one archive: rows of all, one after the other, and where each begins.

    Arrays: `samples` int32 ``(rows, 4)`` (x um, y um, t ms, pressure of 65535), `start` int64 ``(n + 1,)``, so
    that signature i is ``samples[start[i]:start[i + 1]]``, and `names` of the n signatures.
    """
    start = np.concatenate([[0], np.cumsum([len(t) for t in trajectories])]).astype(np.int64)
    rows = np.concatenate([integer_samples(t) for t in trajectories])
    return npz_bytes({"samples": rows, "start": start, "names": np.array(names, dtype=np.str_)})


def sigver_canvas(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return what one row of a sigver-style archive holds: bright ink on 0, shape ``(1, height, width)``."""
    return np.asarray(255 - preprocess(image, height=size[0], width=size[1]), dtype=np.uint8)[None]


def write_sigver(
    path: Path, *, blocks: Iterable[NDArray[np.uint8]], count: int, size: tuple[int, int], labels: dict[str, Any]
) -> None:
    """Write a sigver-style archive block by block, so that memory stays flat.

    Arrays as that project's data sets have them: `x` uint8 ``(n, 1, height, width)``, bright ink on 0; `y` the
    signer's number from 0; `yforg` 0 genuine, 1 skilled, 2 simple; `user_mapping` from y to the signer; and
    `filenames`. There `user_mapping` is a pickled dictionary; here it is an array, indexed alike.

    Args:
        path: The file.
        blocks: Arrays of shape ``(m, 1, height, width)``, `count` rows in all.
        count: How many signatures.
        size: Height and width.
        labels: The other arrays, in order.

    Raises:
        ValueError: If the blocks do not hold `count` rows.

    Source:
        Layout: `process_dataset` of github.com/luizgh/sigver (Hafemann, Sabourin and Oliveira 2017).
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, values in ({"notice": NOTICE} | labels).items():
            with archive.open(_member(name), "w", force_zip64=True) as file:
                npy.write_array(file, np.asarray(values), allow_pickle=False)
        with archive.open(_member("x"), "w", force_zip64=True) as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (count, 1, *size)}
            npy.write_array_header_1_0(file, header)
            written = 0
            for block in blocks:
                file.write(np.ascontiguousarray(block).tobytes())
                written += len(block)
    if written != count:
        raise ValueError(f"{written} canvases for {count} signatures")
