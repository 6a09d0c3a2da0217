"""From an upright page to one picture a box: even paper, no printed lines, every stroke with the box it belongs to.

Pages are grey, uint8, dark ink on light paper; lengths are in mm of the page. Where the boxes are expected is said by
`sheet_pose.py` (our own sheets) or `sheet_ruled.py` (others'); here the printed edges are looked for close by.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
PAPER = 250
_LINE_MM, _BLUR_MM, _RUNOVER_MM, _PAD_MM = 0.25, 0.2, 5.0, 0.4
_DUST_MM2, _EMPTY_MM2, _EMPTY_MM = 0.08, 1.2, 2.0
_SHARED = 0.3


@dataclass(frozen=True)
class Cell:
    """One box of a page.

    Attributes:
        identifier: Whose box it is; empty for a cell of print, which only keeps its own ink.
        row: Its row on the page, from 0.
        column: Its column, from 0.
        edges: Left, top, right and bottom line, in px of the upright page.
        sure: How sure the identifier is, in [0, 1].
        seen: Share of the four edges that were found printed, in [0, 1].
    """

    identifier: str
    row: int
    column: int
    edges: tuple[float, float, float, float]
    sure: float
    seen: float = 0.0

    @property
    def confidence(self) -> float:
        """In [0, 1]; ranks boxes, and is no probability."""
        return self.sure * (0.5 + 0.5 * self.seen)


@dataclass(frozen=True, eq=False)
class Page:
    """A page turned upright.

    Attributes:
        image: uint8, shape ``(height, width)``, evenly lit.
        per_mm: Pixels in a mm.
        cells: Of signatures and of print.
        to_image: Homography from here to px of the picture that came in, shape ``(3, 3)``.
        number: Of the page in its set, from 1; 0 if unknown.
        notes: What was odd, a line each.
    """

    image: Grey
    per_mm: float
    cells: tuple[Cell, ...]
    to_image: NDArray[np.float64]
    number: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Crop:
    """What was in a box; `image` is None if the box is empty."""

    cell: Cell
    image: Grey | None


def even_paper(image: Grey, per_mm: float) -> Grey:
    """Return a page without shadows: grey levels relative to the paper round them, paper at `PAPER`.

    The paper is what remains when everything darker and thinner than 5 mm is closed away.
    """
    step = max(1, round(per_mm))
    height, width = image.shape
    small = cv2.resize(image, (max(8, width // step), max(8, height // step)), interpolation=cv2.INTER_AREA)
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    paper = cv2.resize(cv2.GaussianBlur(closed, (0, 0), 2.0), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(image, np.maximum(paper, 16), scale=float(PAPER)), dtype=np.uint8)


def find_edges(page: Page, reach_mm: float) -> Page:
    """Return the page with each cell's edges where their lines are printed, at most `reach_mm` from the place expected.

    An edge counts as seen by the share of its length that is dark; one that is not seen stays where it was.
    """
    dark = PAPER - np.minimum(page.image, PAPER)
    cells = []
    for cell in page.cells:
        left, top, right, bottom = cell.edges
        found = [
            _edge(dark.T, left, top, bottom, reach_mm, page.per_mm),
            _edge(dark, top, left, right, reach_mm, page.per_mm),
            _edge(dark.T, right, top, bottom, reach_mm, page.per_mm),
            _edge(dark, bottom, left, right, reach_mm, page.per_mm),
        ]
        (left, top, right, bottom), seen = (place for place, _ in found), np.mean([share for _, share in found])
        cells.append(replace(cell, edges=(left, top, right, bottom), seen=float(seen)))
    return replace(page, cells=tuple(cells))


def _edge(dark: Grey, at: float, start: float, end: float, reach_mm: float, per_mm: float) -> tuple[float, float]:
    """Return the place of a level line near `at` between two columns, and the share of its length that is dark."""
    reach, inset = max(2, round(reach_mm * per_mm)), round(1.0 * per_mm)
    low, high = max(0, round(at) - reach), min(dark.shape[0], round(at) + reach + 1)
    strip = dark[low:high, max(0, round(start) + inset) : max(0, round(end) - inset + 1)]
    if strip.shape[0] < 3 or strip.shape[1] < 3:
        return at, 0.0
    profile = np.percentile(strip, 35.0, axis=1)  # printed all along: strokes across it do not matter
    peak = int(profile.argmax())
    if profile[peak] < 20.0:
        return at, 0.0
    near = slice(max(0, peak - 2), peak + 3)
    weight = np.maximum(profile[near] - 0.3 * profile[peak], 0.0)
    share = float((strip[max(0, peak - 1) : peak + 2].max(axis=0) > 0.5 * profile[peak]).mean())
    return float(low + (np.arange(len(profile))[near] * weight).sum() / weight.sum()), share


def without_lines(page: Page) -> Grey:
    """Return the page with the cells' lines painted over from what lies beside them, so that strokes go on across.

    Source:
        Telea (2004), "An image inpainting technique based on the fast marching method", J. Graphics Tools 9(1).
    """
    mask = np.zeros(page.image.shape, np.uint8)
    half = max(2, round((0.5 * _LINE_MM + _BLUR_MM) * page.per_mm))
    for cell in page.cells:
        left, top, right, bottom = (round(edge) for edge in cell.edges)
        for x0, y0, x1, y1 in (
            (left, top, right, top),
            (right, top, right, bottom),
            (left, bottom, right, bottom),
            (left, top, left, bottom),
        ):
            cv2.rectangle(mask, (x0 - half, y0 - half), (x1 + half, y1 + half), 1, cv2.FILLED)
    return np.asarray(cv2.inpaint(page.image, mask, 3.0, cv2.INPAINT_TELEA), dtype=np.uint8)


def cut(page: Page) -> list[Crop]:
    """Return what is in each box of signatures, in the order of the cells.

    A stroke that runs over its box's edge is kept with the box that holds most of it, up to 5 mm outside; ink that
    two boxes share is divided at their edge; what the neighbours wrote is painted over.
    """
    clean = without_lines(page)
    ink, owner = _owners(clean, page)
    signed = [(i, cell) for i, cell in enumerate(page.cells, start=1) if cell.identifier]
    return [Crop(cell, _crop(clean, ink, owner == i, cell, page.per_mm)) for i, cell in signed]


def _owners(clean: Grey, page: Page) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return where ink is, and to which cell it belongs (from 1; 0: to none)."""
    noise = 1.4826 * float(np.median(np.abs(clean[::4, ::4].astype(np.int16) - PAPER)))
    ink = clean < PAPER - max(30.0, 7.0 * noise)
    place = np.zeros(clean.shape, np.intp)
    for i, cell in enumerate(page.cells, start=1):
        left, top, right, bottom = (max(0, round(edge)) for edge in cell.edges)
        place[top:bottom, left:right] = i
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    n = len(page.cells) + 1
    shares = np.bincount((labels * n + place)[ink], minlength=count * n).reshape(count, n).astype(float)
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1.0)
    main = shares.argmax(axis=1)
    others = shares.copy()
    others[np.arange(count), main] = 0.0
    main[stats[:, cv2.CC_STAT_AREA] < _DUST_MM2 * page.per_mm**2] = 0
    main[0] = 0
    owner = main[labels]
    divided = (others[:, 1:].max(axis=1, initial=0.0) > _SHARED)[labels]
    owner = np.where(divided, place, owner) * ink
    return ink, owner


def _crop(clean: Grey, ink: NDArray[np.bool_], own: NDArray[np.bool_], cell: Cell, per_mm: float) -> Grey | None:
    """Return a cell's picture, or None if hardly anything in it is ink."""
    left, top, right, bottom = (round(edge) for edge in cell.edges)
    over = round(_RUNOVER_MM * per_mm)
    y0, x0 = max(0, top - over), max(0, left - over)
    window = (slice(y0, min(clean.shape[0], bottom + over)), slice(x0, min(clean.shape[1], right + over)))
    own, ink, picture = own[window], ink[window], clean[window].copy()
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if own.sum() < _EMPTY_MM2 * per_mm**2 or max(np.ptp(rows), np.ptp(columns)) < _EMPTY_MM * per_mm:
        return None
    halo = np.ones((5, 5), np.uint8)  # strokes fade out over two pixels
    keep = cv2.dilate(own.astype(np.uint8), halo) > 0
    foreign = cv2.dilate((ink & ~own).astype(np.uint8), halo) > 0
    foreign[: top - y0] = foreign[bottom - y0 :] = True
    foreign[:, : left - x0] = foreign[:, right - x0 :] = True
    picture[foreign & ~keep] = PAPER
    pad = max(2, round(_PAD_MM * per_mm))
    low_y, high_y = min(top - y0, rows[0] - pad), max(bottom - y0, rows[-1] + pad + 1)
    low_x, high_x = min(left - x0, columns[0] - pad), max(right - x0, columns[-1] + pad + 1)
    return picture[max(0, low_y) : high_y, max(0, low_x) : high_x]
