"""Scanned or photographed sheets of signatures to one picture a box, named by whose box it is.

Our own sheets say by their marks how the page lies and whose row is whose; of others' sheets the printed lines give
the boxes and a list their owners, in reading order. No print is read and no ground truth is looked at.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from synth.sheet_layout import CORNER_IDS, SheetLayout

from .export_forms import NOTICE, png_bytes
from .extract_folder import REAL_NOTICE, Row, begin, finish, folder_names
from .images import UnreadableImage
from .members import in_short
from .progress import Progress
from .sheet_boxes import Crop, Grey, Page, cut
from .sheet_pages import Picture, SheetError, page_files, read_pages
from .sheet_pose import Form, NoPage, upright
from .sheet_ruled import ruled_page
from .sheets import read_identifiers

MAX_RECORD_BYTES = 50_000_000


@dataclass(frozen=True)
class Options:
    """How pages are read and what size the pictures get.

    Args:
        ruled: The sheets are not ours: find boxes by printed lines.
        per_signer: Boxes of each person, one after the other; of our own sheets, columns.
        rows: People on a page of our own sheets.
        skip_rows: Of others' sheets, rows of boxes at the top of each page that hold headings.
        page: Width and height that a whole page is brought to, in px, or None to keep its own resolution.
        scale: Applied after that.
        dpi: At which pages of a PDF are drawn.

    Raises:
        ValueError: If a number is out of range.
    """

    ruled: bool = False
    per_signer: int = 4
    rows: int = 12
    skip_rows: int = 0
    page: tuple[int, int] | None = None
    scale: float = 1.0
    dpi: int = 200

    def __post_init__(self) -> None:
        ranges = {"per_signer": (1, 100), "rows": (1, 16), "skip_rows": (0, 50), "scale": (0.05, 4.0), "dpi": (72, 600)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                option = "--" + name.replace("_", "-")
                raise ValueError(f"{option} is {getattr(self, name)!r}; use a number from {low} to {high}")
        if self.page is not None and not all(200 <= side <= 8192 for side in self.page):
            raise ValueError(f"--page is {self.page[0]}x{self.page[1]}; use sides from 200 to 8192 pixels")


@dataclass
class Found:
    """What the pages have given so far."""

    pictures: dict[str, tuple[Row, bytes]] = field(default_factory=dict)
    boxes: int = 0
    empty: int = 0
    notes: list[str] = field(default_factory=list)
    pages: set[int] = field(default_factory=set)
    read: int = 0


def extract_sheets(
    pages: Sequence[str | Path],
    out: str | Path,
    *,
    form: str | Path | None = None,
    identifiers: str | Path | None = None,
    options: Options | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Cut pages up and write a picture per box; return the record, as `extract.json` has it.

    Args:
        pages: Files or folders; PNG, JPEG, TIFF, BMP or PDF.
        out: A folder that is new, empty, or holds an extraction.
        form: The folder that `sheet make` wrote, or its sheets.json; looked for beside the pages if left out.
        identifiers: A CSV with a column `identifier`, a line per person in the order of the rows; instead of `form`.
        options: How to read.
        fresh: Replace another extraction in `out`.
        progress: Where to say what happens.

    Raises:
        ValueError: If nothing can be cut out, boxes and list do not fit together, or `out` holds something else.
    """
    options, progress = options or Options(), progress or Progress(quiet=True)
    files = page_files(pages)
    printed = read_form(files, form, identifiers, options)
    names = folder_names(printed.identifiers)
    settings = _settings(files, printed, options)
    if (known := begin(Path(out), settings, fresh)) is not None:
        return known
    found, marked, sources = Found(), [], []
    with progress.task(f"cutting up {len(files)} {'file' if len(files) == 1 else 'files'}", len(files)) as bar:
        for file in files:
            for picture in read_pages(file, dpi=options.dpi):
                marked.append(picture.synthetic)
                sources.append(picture.name)
                _take(picture, printed, options, names, found)
            bar.advance()
    if not found.boxes:
        raise SheetError("no box was found: " + ("; ".join(found.notes[:3]) or "no page"))
    _check_complete(printed, options, found)
    taken = [found.pictures[path] for path in sorted(found.pictures)]
    facts = {
        "synthetic": all(marked),
        "source": ", ".join(sources[:3]) + (", ..." if len(sources) > 3 else ""),
        "pages": found.read,
        "boxes": found.boxes,
        "empty": found.empty,
        "written": len(taken),
        "least_confidence": round(min((row.confidence for row, _ in taken), default=0.0), 3),
        "notes": found.notes,
    }
    return finish(Path(out), settings, [row for row, _ in taken], [content for _, content in taken], facts)


def read_form(files: Sequence[Path], form: str | Path | None, identifiers: str | Path | None, options: Options) -> Form:
    """Return what was printed: from sheets.json, or from a list of identifiers and the layout in the options.

    Raises:
        SheetError: If neither is there, or sheets.json is damaged.
    """
    if identifiers is not None:
        layout = SheetLayout(rows=options.rows, columns=1 if options.ruled else options.per_signer)
        return Form(layout, tuple(identifier for identifier, _ in read_identifiers(identifiers)))
    if options.ruled:
        raise SheetError("sheets of others do not say whose boxes they hold; give --identifiers FILE.csv")
    path = files[0].parent / "sheets.json" if form is None else Path(form)
    path = path / "sheets.json" if path.is_dir() else path
    if not path.is_file():
        raise SheetError(f"no {path}; give --form with the folder that `sheet make` wrote, or --identifiers FILE.csv")
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise ValueError("too large")
        record = json.loads(path.read_text(encoding="utf-8"))
        owners = {
            int(mark["number"]): str(mark["identifier"])
            for page in record["pages"]
            for mark in page["marks"]
            if mark["identifier"]
        }
        layout = SheetLayout(**record["settings"]["layout"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SheetError(f"{path} cannot be read: {type(error).__name__} {in_short(error)}") from error
    if sorted(owners) != list(range(len(CORNER_IDS), len(CORNER_IDS) + len(owners))) or not owners:
        raise SheetError(f"{path} does not number its rows one after the other; was it changed by hand?")
    return Form(layout, tuple(owners[number] for number in sorted(owners)))


def _settings(files: Sequence[Path], form: Form, options: Options) -> dict[str, Any]:
    """Return what an extraction depends on; identifiers of people stay off the record."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    people = hashlib.sha256(json.dumps(form.identifiers).encode()).hexdigest()
    layout = {"rows": form.layout.rows, "columns": form.layout.columns}
    page = None if options.page is None else list(options.page)
    chosen: dict[str, Any] = {
        "ruled": options.ruled,
        "per_signer": options.per_signer,
        "skip_rows": options.skip_rows,
        "page": page,
    }
    chosen |= {"scale": options.scale, "dpi": options.dpi}
    return {"pages_sha256": digests, "people_sha256": people, "layout": layout, **chosen}


def _take(picture: Picture, form: Form, options: Options, names: dict[str, str], found: Found) -> None:
    """Cut up one page and add what it gives; a page that gives nothing leaves a note."""
    try:
        if isinstance(picture.image, UnreadableImage):
            raise picture.image
        page = _named(picture.image, form, options, found)
    except (NoPage, UnreadableImage) as error:
        if options.ruled:  # every later box would get a wrong name
            raise SheetError(f"{picture.name}: {error}; later pages cannot be named without it") from error
        found.notes.append(f"{picture.name}: {error}")
        return
    found.read += 1
    found.pages.add(page.number)
    found.notes += [f"{picture.name}: {note}" for note in page.notes]
    for crop in cut(page):
        if crop.cell.identifier not in names:
            if crop.image is not None:
                raise SheetError(f"{picture.name}: more boxes are signed than the list has identifiers for")
            continue
        found.boxes += 1
        if crop.image is None:
            found.empty += 1
            continue
        _keep(crop, crop.image, page, picture, options, names, found)


def _named(image: Grey, form: Form, options: Options, found: Found) -> Page:
    """Return the upright page with every box named; of others' sheets by counting on from earlier pages."""
    if not options.ruled:
        return upright(image, form)
    page = ruled_page(image, skip_rows=options.skip_rows)
    cells, count = [], found.boxes
    for cell in page.cells:
        if cell.identifier:
            person, column = divmod(count, options.per_signer)
            count += 1
            owner = form.identifiers[person] if person < len(form.identifiers) else "\0"  # no line of the list
            cell = replace(cell, identifier=owner, column=column)
        cells.append(cell)
    return replace(page, cells=tuple(cells), number=found.read + 1)


def _keep(
    crop: Crop, image: Grey, page: Page, picture: Picture, options: Options, names: dict[str, str], found: Found
) -> None:
    """Add one picture, unless a better one of the same box is there from another photograph of the page."""
    cell = crop.cell
    path = f"{names[cell.identifier]}/{cell.column + 1}.png"
    row = Row(path, cell.identifier, cell.column + 1, cell.confidence, picture.name, cell.row, cell.column)
    if (known := found.pictures.get(path)) is not None:
        note = f"{picture.name} shows boxes that {known[0].page} has too; the surer picture is kept"
        if note not in found.notes:
            found.notes.append(note)
        if known[0].confidence >= cell.confidence:
            return
    width, height = options.page or page.image.shape[::-1]
    zoom = np.array([width / page.image.shape[1], height / page.image.shape[0]]) * options.scale
    if not np.allclose(zoom, 1.0):
        size = np.maximum(2, np.rint(np.array(image.shape[::-1]) * zoom)).astype(int).tolist()
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if zoom.min() < 1.0 else cv2.INTER_CUBIC)
    dpi = page.per_mm * 25.4 * options.scale if options.page is None else None
    found.pictures[path] = row, png_bytes(image, dpi=dpi, notice=NOTICE if picture.synthetic else REAL_NOTICE)


def _check_complete(form: Form, options: Options, found: Found) -> None:
    """Say which pages were not there; refuse others' sheets whose boxes and list do not fit together."""
    if options.ruled:
        wanted = len(form.identifiers) * options.per_signer
        if found.boxes < wanted:
            raise SheetError(
                f"{found.boxes} boxes were found, but {len(form.identifiers)} identifiers with {options.per_signer} "
                f"boxes each need {wanted}; check --per-signer and --skip-rows, the list, and that all pages are there"
            )
        return
    missing = [str(number) for number in range(1, form.pages + 1) if number not in found.pages]
    if missing:
        found.notes.append(f"page {', '.join(missing)} of {form.pages} is in none of the pictures")
