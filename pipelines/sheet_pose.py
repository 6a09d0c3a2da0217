"""Our own sheets: the marks in corners and rows say how a page lies, which page it is and whose row is whose."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.sheet_capture import PAGE_MM, project
from synth.sheet_layout import CORNER_IDS, SheetLayout, mark_dictionary

from .sheet_boxes import Cell, Grey, Page, even_paper, find_edges

PER_MM = (5.0, 12.0)
"""Least and most pixels in a mm of an upright page: 127 to 305 dpi."""
_FAR_MM, _NEAR_MM, _OFF_MM = 2.5, 0.8, 1.0


class NoPage(ValueError):
    """An image on which no page can be made out; the message says what is missing."""


@dataclass(frozen=True)
class Form:
    """What was printed: how pages are divided and whose row is whose.

    Attributes:
        layout: How each page is divided.
        identifiers: Of the rows of all pages, in order; the row of the first has mark number 4.
    """

    layout: SheetLayout
    identifiers: tuple[str, ...]

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return -(-len(self.identifiers) // self.layout.rows)

    def rows(self, page: int) -> tuple[str, ...]:
        """Return the identifiers on a page, from 1."""
        return self.identifiers[(page - 1) * self.layout.rows : page * self.layout.rows]


def upright(image: Grey, form: Form) -> Page:
    """Return a photographed or scanned page of a form, upright, with its boxes and whose they are.

    Args:
        image: uint8, shape ``(height, width)``; turned, tilted and shaded as it may be.
        form: What was printed.

    Raises:
        NoPage: If too few marks are readable to tell how the page lies, or none to tell which page it is.
    """
    marks = find_marks(image, form)
    number = _page_number(marks, form)
    here = {i: corners for i, corners in marks.items() if i in CORNER_IDS or _page_of(i, form) == number}
    homography = _pose(here, form)
    per_mm = _resolution(homography, form)
    page = _turned(image, homography, form, number, per_mm, set(here))
    page = find_edges(page, _FAR_MM)
    if np.mean([cell.seen for cell in page.cells]) > 0.5:  # lines all over the page tell more than a few marks
        homography = _refined(homography, page, form)
        page = find_edges(_turned(image, homography, form, number, per_mm, set(here)), _NEAR_MM)
    missing = [str(i + 1) for i in CORNER_IDS if i not in here]
    notes: tuple[str, ...] = (f"corner mark {', '.join(missing)} not seen",) if missing else ()
    unread = [i for i in range(len(form.rows(number))) if _mark_of(number, i, form) not in here]
    if unread:
        notes += (f"mark of row {', '.join(str(i + 1) for i in unread)} not read; named by its place on the page",)
    return replace(page, notes=notes)


def find_marks(image: Grey, form: Form) -> dict[int, NDArray[np.float64]]:
    """Return the corners of each mark of the form that is seen, shape ``(4, 2)``, by its number."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(mark_dictionary(), parameters)
    found: dict[int, NDArray[np.float64]] = {}
    twice: set[int] = set()
    corners, numbers, _ = detector.detectMarkers(image)
    for number, points in zip([] if numbers is None else numbers.ravel().tolist(), corners, strict=True):
        if number < len(CORNER_IDS) + len(form.identifiers):
            twice |= {number} & found.keys()
            found[number] = points[0].astype(np.float64)
    return {number: points for number, points in found.items() if number not in twice}


def _page_of(mark: int, form: Form) -> int:
    return (mark - len(CORNER_IDS)) // form.layout.rows + 1


def _mark_of(page: int, row: int, form: Form) -> int:
    return len(CORNER_IDS) + (page - 1) * form.layout.rows + row


def _page_number(marks: dict[int, NDArray[np.float64]], form: Form) -> int:
    """Return the page that most row marks belong to."""
    votes = [_page_of(i, form) for i in marks if i not in CORNER_IDS]
    if votes:
        return max(sorted(set(votes)), key=votes.count)
    if form.pages == 1 and marks:
        return 1
    raise NoPage("no row's mark can be read, so nothing says whose boxes these are; is it a page of this form?")


def _pose(marks: dict[int, NDArray[np.float64]], form: Form) -> NDArray[np.float64]:
    """Return the homography from page px of the layout to image px."""
    layout = form.layout
    places = {
        i: layout.corner_mark(i) if i in CORNER_IDS else layout.row_mark((i - len(CORNER_IDS)) % layout.rows)
        for i in marks
    }
    if len(marks) < 2:
        raise NoPage(f"{len(marks)} mark can be read; at least two must be in the picture, sharp and whole")
    page = np.concatenate([places[i] for i in marks])
    seen = np.concatenate([marks[i] for i in marks])
    scale = np.linalg.norm(np.diff(seen.reshape(-1, 4, 2), axis=1), axis=2).mean() / layout.px(9.0)
    homography, _ = cv2.findHomography(page, seen, cv2.RANSAC, max(2.0, _OFF_MM * layout.dpi / 25.4 * scale))
    if homography is None or abs(np.linalg.det(homography)) < 1e-9:
        raise NoPage("the marks that can be read contradict each other; is the page whole and flat?")
    return np.asarray(homography, dtype=np.float64)


def _resolution(homography: NDArray[np.float64], form: Form) -> float:
    """Return how many pixels of the image a mm has in the middle of the page, within `PER_MM`."""
    middle, step = np.array(form.layout.size[::-1]) / 2.0, form.layout.dpi / 25.4
    points = project(homography, middle + np.array([[0.0, 0.0], [step, 0.0], [0.0, step]]))
    across, down = points[1] - points[0], points[2] - points[0]
    return float(np.clip(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])), *PER_MM))


def _turned(
    image: Grey, homography: NDArray[np.float64], form: Form, number: int, per_mm: float, read: set[int]
) -> Page:
    """Return the page upright, its cells where the layout has them."""
    layout, zoom = form.layout, per_mm * 25.4 / form.layout.dpi
    size = (round(PAGE_MM[0] * per_mm), round(PAGE_MM[1] * per_mm))
    to_image = homography @ np.diag([1.0 / zoom, 1.0 / zoom, 1.0])
    flat = cv2.warpPerspective(
        image,
        to_image,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    cells, rows = [], form.rows(number)
    near = [row for row in range(len(rows)) if _mark_of(number, row, form) in read]
    for row, identifier in enumerate(rows):
        sure = 1.0 if row in near else 0.9 if len(near) > 1 else 0.7
        (top, bottom) = layout.row(row)
        for column in range(-1, layout.columns):
            left, right = layout.column(column)
            edges = (left * zoom, top * zoom, right * zoom, bottom * zoom)
            cells.append(Cell(identifier if column >= 0 else "", row, column, edges, sure))
    return Page(even_paper(flat, per_mm), per_mm, tuple(cells), to_image, number)


def _refined(homography: NDArray[np.float64], page: Page, form: Form) -> NDArray[np.float64]:
    """Return the homography corrected by the corners of all cells whose edges are well seen."""
    layout, zoom = form.layout, page.per_mm * 25.4 / form.layout.dpi
    wanted, found = [], []
    for cell in page.cells:
        if cell.seen < 0.8:
            continue
        (top, bottom), (left, right) = layout.row(cell.row), layout.column(cell.column)
        wanted += [(left, top), (right, top), (right, bottom), (left, bottom)]
        x0, y0, x1, y1 = np.array(cell.edges) / zoom
        found += [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    if len(wanted) < 12:
        return homography
    change, _ = cv2.findHomography(np.array(wanted), np.array(found), cv2.RANSAC, 0.5 * layout.dpi / 25.4)
    return homography if change is None else np.asarray(homography @ change)
