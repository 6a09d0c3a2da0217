"""Sheets to disk: pages as PNG or PDF, and `sheets.json`, which says whose box is where and what is in it."""

import csv
import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synth.sheet_layout import SheetLayout
from synth.sheets import Box, Mark, Sheet, attendance_sheets, blank_sheets
from synth.streams import ENGINE

from .export_forms import NOTICE, png_bytes
from .export_plan import choose_world
from .files import sweep, write_batch, write_beside, write_json, write_text
from .progress import Progress

FORMAT = 1
FORMS = ("png", "pdf")
BLANK_NOTICE = "Paraph blank form; nobody has signed it"
_PAGE = re.compile(r"page_[0-9]{3}\.png")


class SheetError(ValueError):
    """Sheets cannot be written as asked; the message is one line."""


def make_sheets(
    out: str | Path,
    *,
    seed: int = 11,
    signers: int = 184,
    first: int = 0,
    world: str = "default",
    capture: str = "scan",
    absent: float = 0.0,
    proxies: float = 0.0,
    layout: dict[str, int] | None = None,
    form: str = "png",
    fresh: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write the attendance sheets of a class of synthetic signers; return how many pages.

    Args:
        out: A folder that is new, empty, or holds these very sheets.
        seed: The world.
        signers: How many people.
        first: Number of the first.
        world: A name in `synth.worlds.WORLDS`, or of one script profile.
        capture: One of `synth.sheet_capture.SHEET_CAPTURES`.
        absent: Share of boxes left empty.
        proxies: Share of boxes signed by somebody else of the class.
        layout: Fields of `synth.SheetLayout` that differ from its defaults.
        form: "png", a file per page, or "pdf", one file.
        fresh: Replace other sheets in the folder.
        progress: Where to say what happens.

    Raises:
        ValueError: If a number makes no sense, or the folder holds something else.
    """
    divided = SheetLayout(**(layout or {}))
    settings = {"seed": seed, "signers": signers, "first": first, "world": world, "capture": capture}
    settings |= {"absent": absent, "proxies": proxies}
    pages = attendance_sheets(
        choose_world(seed, world),
        signers=signers,
        first=first,
        layout=divided,
        capture=capture,
        absent=absent,
        proxies=proxies,
    )
    return _write(Path(out), pages, math.ceil(signers / divided.rows), settings, divided, form, fresh, progress)


def make_blank_sheets(
    out: str | Path,
    identifiers: str | Path,
    *,
    layout: dict[str, int] | None = None,
    form: str = "pdf",
    fresh: bool = False,
    progress: Progress | None = None,
) -> int:
    """Write empty forms to print, a row per identifier of a CSV file; return how many pages.

    Args:
        out: As for `make_sheets`.
        identifiers: A CSV file with a column `identifier` and, if names are to be printed, `name`.
        layout: As for `make_sheets`.
        form: The same.
        fresh: The same.
        progress: The same.

    Raises:
        ValueError: If the file has no usable identifiers, or the folder holds something else.
    """
    people, divided = read_identifiers(identifiers), SheetLayout(**(layout or {}))
    digest = hashlib.sha256(json.dumps(people).encode()).hexdigest()  # names of real people stay off the record
    pages, settings = blank_sheets(people, divided), {"people": len(people), "people_sha256": digest}
    return _write(Path(out), pages, math.ceil(len(people) / divided.rows), settings, divided, form, fresh, progress)


def read_identifiers(path: str | Path) -> list[tuple[str, str]]:
    """Return (identifier, name) of each row of a CSV file; the name is empty where there is no such column.

    Raises:
        SheetError: If the file is not there or not UTF-8, has no column `identifier`, or no rows.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "identifier" not in (reader.fieldnames or ()):
                raise SheetError(f"{path} has no column 'identifier'; its first line must name the columns")
            people = [((row["identifier"] or "").strip(), (row.get("name") or "").strip()) for row in reader]
    except OSError as error:
        raise SheetError(f"the list {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SheetError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if not people:
        raise SheetError(f"{path} lists nobody; write one identifier per line")
    return people


def _write(
    folder: Path,
    pages: Iterator[Sheet],
    count: int,
    settings: dict[str, Any],
    layout: SheetLayout,
    form: str,
    fresh: bool,
    progress: Progress | None,
) -> int:
    if form not in FORMS:
        raise SheetError(f"unknown format {form!r} of a sheet; use one of: {', '.join(FORMS)}")
    settings = {**settings, "layout": dataclasses.asdict(layout), "format": form, "engine": ENGINE}
    if _begin(folder, settings, fresh):
        return count
    synthetic = "seed" in settings
    head = {"format": FORMAT, "synthetic": synthetic, "notice": NOTICE if synthetic else BLANK_NOTICE}
    head |= {"settings": settings, "dictionary": "DICT_6X6_1000"}
    write_json(folder / "sheets.json", head | {"state": "unfinished"})
    progress, records = progress or Progress(quiet=True), []
    with progress.task(f"drawing {count} {'page' if count == 1 else 'pages'}", count) as bar:
        if form == "png":
            for sheet in pages:
                name = f"page_{sheet.number:03d}.png"
                content = png_bytes(sheet.image, dpi=layout.dpi, notice=str(head["notice"]))
                write_batch([(folder / name, content)])
                records.append(_record(sheet, name))
                bar.advance()
        else:

            def fill(path: Path) -> None:
                for sheet in pages:
                    _add_to_pdf(path, sheet, str(head["notice"]))
                    records.append(_record(sheet, "sheets.pdf"))
                    bar.advance()

            write_beside(folder / "sheets.pdf", fill)
    write_text(
        folder / "sheets.json", json.dumps(head | {"state": "finished", "pages": records}, allow_nan=False) + "\n"
    )
    return count


def _begin(folder: Path, settings: dict[str, Any], fresh: bool) -> bool:
    """Return whether these sheets are there already; otherwise make room for them, or refuse."""
    record = folder / "sheets.json"
    if record.exists():
        try:
            known = json.loads(record.read_text(encoding="utf-8"))
            same, finished = known["settings"] == settings, known["state"] == "finished"
        except (ValueError, KeyError, TypeError) as error:
            raise SheetError(f"{record} cannot be read ({error}); choose another --out") from error
        if not same and not fresh:
            raise SheetError(f"{folder} holds sheets with other settings; use --fresh to start over, or another --out")
        if same and finished and not fresh:
            files = {folder / page["file"] for page in known["pages"]}
            if all(file.is_file() for file in files):
                return True
        ours = [file for file in folder.iterdir() if _PAGE.fullmatch(file.name) or file.name == "sheets.pdf"]
        sweep([*ours, record, folder / "sheets.pdf", *(folder / f"page_{i:03d}.png" for i in range(1, 1000))])
        for file in ours:
            file.unlink()
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SheetError(f"{folder} exists and holds no sheets; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    return False


def _add_to_pdf(path: Path, sheet: Sheet, notice: str) -> None:
    """Append a page; blank forms are stored in black and white without loss, others as JPEG."""
    image, compression = Image.fromarray(sheet.image), {"quality": 92}
    if not sheet.synthetic:
        image, compression = Image.fromarray(sheet.image > 127), {}
    image.save(
        path,
        "PDF",
        resolution=float(sheet.layout.dpi),
        append=path.exists(),
        title="Attendance",
        subject=notice,
        producer="Paraph",
        **compression,
    )


def _record(sheet: Sheet, name: str) -> dict[str, Any]:
    height, width = sheet.image.shape
    return {
        "file": name,
        "page": sheet.number,
        "width": width,
        "height": height,
        "capture": sheet.capture,
        "homography": sheet.homography.tolist(),
        "marks": [_fields(mark) for mark in sheet.marks],
        "boxes": [_fields(box) for box in sheet.boxes],
    }


def _fields(what: Box | Mark) -> dict[str, Any]:
    found = {field.name: getattr(what, field.name) for field in dataclasses.fields(what)}
    return {name: _rounded(value) if isinstance(value, np.ndarray) else value for name, value in found.items()}


def _rounded(points: NDArray[np.float64]) -> list[list[float]]:
    return [[round(float(x), 3), round(float(y), 3)] for x, y in points]
