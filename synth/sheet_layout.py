"""The printed page of a sheet: where boxes and marks lie, and what is printed before anybody signs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .sheet_capture import PAGE_MM, square

CORNER_IDS = (0, 1, 2, 3)
"""Marks at the top left, top right, bottom right and bottom left; rows count on from there."""

_MARGIN_MM, _CORNER_MM, _ROW_MARK_MM, _IDENTITY_MM, _HEAD_MM = 9.0, 12.0, 9.0, 38.0, 30.0


@dataclasses.dataclass(frozen=True)
class SheetLayout:
    """How a page is divided; lengths are on A4, upright.

    Args:
        dpi: Resolution, from 150 to 300.
        rows: People on a page, from 1 to 16.
        columns: Signatures of each, from 1 to 6.

    Raises:
        ValueError: If a number is out of range.
    """

    dpi: int = 200
    rows: int = 12
    columns: int = 4

    def __post_init__(self) -> None:
        for name, low, high in (("dpi", 150, 300), ("rows", 1, 16), ("columns", 1, 6)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{name} of a sheet is {value!r}; use an integer from {low} to {high}")

    def px(self, mm: float) -> int:
        """Return a length in whole px."""
        return round(mm * self.dpi / 25.4)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the page in px."""
        return self.px(PAGE_MM[1]), self.px(PAGE_MM[0])

    def row(self, row: int) -> tuple[int, int]:
        """Return the top and bottom line of a row."""
        height = (PAGE_MM[1] - _HEAD_MM - _MARGIN_MM - _CORNER_MM - 3.0) / self.rows
        return self.px(_HEAD_MM + row * height), self.px(_HEAD_MM + (row + 1) * height)

    def column(self, column: int) -> tuple[int, int]:
        """Return the left and right line of a column of signatures; column -1 holds the identifier."""
        left = _MARGIN_MM + _IDENTITY_MM
        if column < 0:
            return self.px(_MARGIN_MM), self.px(left)
        width = (PAGE_MM[0] - _MARGIN_MM - left) / self.columns
        return self.px(left + column * width), self.px(left + (column + 1) * width)

    def box(self, row: int, column: int) -> NDArray[np.float64]:
        """Return the corners of a box in page px, from the top left clockwise, shape ``(4, 2)``."""
        (top, bottom), (left, right) = self.row(row), self.column(column)
        return square(left, top, right, bottom)

    def corner_mark(self, which: int) -> NDArray[np.float64]:
        """Return the corners of a corner mark in page px, from the top left clockwise, shape ``(4, 2)``."""
        (height, width), edge, side = self.size, self.px(_MARGIN_MM), _mark_side(self, _CORNER_MM)
        left = edge if which in (0, 3) else width - edge - side
        top = edge if which in (0, 1) else height - edge - side
        return square(left, top, left + side - 1, top + side - 1)

    def row_mark(self, row: int) -> NDArray[np.float64]:
        """Return the corners of a row's mark in page px, from the top left clockwise, shape ``(4, 2)``."""
        (top, bottom), side = self.row(row), _mark_side(self, _ROW_MARK_MM)
        left, top = self.column(-1)[0] + self.px(2.0), (top + bottom - side) // 2
        return square(left, top, left + side - 1, top + side - 1)


def mark_dictionary() -> Any:
    """Return the ArUco dictionary of the marks; `cv2.aruco.ArucoDetector` takes it."""
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_6X6_1000)


def check_texts(people: Sequence[tuple[str, str]]) -> None:
    """Raise ValueError on an identifier that is empty, doubled, too long, or has a sign that the font lacks."""
    seen: set[str] = set()
    for identifier, name in people:
        if not identifier.strip() or identifier in seen:
            raise ValueError(f"identifier {identifier!r} is empty or stands there twice; each row needs its own")
        if len(identifier) > 24:
            raise ValueError(f"identifier {identifier!r} is longer than 24 signs and would not fit its cell")
        seen.add(identifier)
        for sign in missing_signs(identifier + name):
            raise ValueError(f"the sheet's font cannot print {sign!r} of {identifier!r}; write it with another sign")


def _mark_side(layout: SheetLayout, mm: float) -> int:
    """Return the side of a mark in px, a multiple of its 8 modules."""
    return 8 * round(mm * layout.dpi / 25.4 / 8.0)


def missing_signs(text: str) -> list[str]:
    """Return the signs of a text that the sheet's font cannot print."""
    foreign = [sign for sign in sorted(set(text)) if not (sign.isascii() and sign.isprintable())]
    return [sign for sign in foreign if not sign.isprintable() or np.array_equal(_glyph(sign), _glyph("?"))]


def _text(page: NDArray[np.uint8], text: str, x: int, y: int, size: int, weight: int, right: int) -> None:
    """Print a line of text, smaller where it would run over `right`; y is the base line."""
    font = cv2.FontFace("sans")
    while size > 6 and cv2.getTextSize(page.shape[::-1], text, (x, y), font, size, weight)[2] > right - x:
        size -= 1
    cv2.putText(page, text, (x, y), 25, font, size, weight)


def _glyph(sign: str) -> NDArray[np.uint8]:
    canvas = np.full((48, 48), 255, dtype=np.uint8)
    cv2.putText(canvas, sign, (4, 36), 0, cv2.FontFace("sans"), 28, 400)
    return canvas


def print_page(
    layout: SheetLayout, rows: list[tuple[str, str]], start: int, pages: str, source: str
) -> NDArray[np.uint8]:
    """Return the printed page of these (identifier, name) rows; `start` is how many rows came before."""
    page = np.full(layout.size, 255, dtype=np.uint8)
    dictionary, px, line = mark_dictionary(), layout.px, max(1, layout.px(0.25))
    for i in CORNER_IDS:
        _stamp(page, dictionary, i, layout.corner_mark(i))
    left, right = px(_MARGIN_MM + _CORNER_MM + 5.0), layout.size[1] - px(_MARGIN_MM + _CORNER_MM + 5.0)
    _text(page, "Attendance", left, px(_MARGIN_MM + 6.0), px(5.5), 600, right)
    _text(page, "Sign once in each box, inside the lines.", left, px(_MARGIN_MM + 11.5), px(3.2), 400, right)
    bottom = layout.size[0] - px(_MARGIN_MM + 2.0)
    _text(page, f"{pages}   {source}", left, bottom, px(3.0), 400, right)
    for column in range(layout.columns):
        near, far = layout.column(column)
        _text(page, f"{column + 1}", (near + far) // 2 - px(1.0), px(_HEAD_MM - 1.5), px(3.6), 500, far)
    for row, (identifier, name) in enumerate(rows):
        _stamp(page, dictionary, 4 + start + row, layout.row_mark(row))
        corners = layout.row_mark(row)
        x, y, edge = int(corners[1, 0]) + px(2.0), int(corners[0, 1]), layout.column(-1)[1] - px(1.0)
        _text(page, identifier, x, y + px(4.0), px(4.0), 600, edge)
        _text(page, name, x, y + px(8.5), px(3.2), 400, edge)
        for column in range(-1, layout.columns):
            (x0, y0), (x1, y1) = layout.box(row, column)[[0, 2]].astype(int).tolist()
            cv2.rectangle(page, (x0, y0), (x1, y1), 60, line)
    return page


def _stamp(page: NDArray[np.uint8], dictionary: Any, number: int, corners: NDArray[np.float64]) -> None:
    left, top, side = int(corners[0, 0]), int(corners[0, 1]), int(corners[1, 0] - corners[0, 0]) + 1
    page[top : top + side, left : left + side] = cv2.aruco.generateImageMarker(dictionary, number, side)
