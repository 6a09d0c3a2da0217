"""Attendance and enrolment sheets: A4 pages of signed boxes with printed identifiers, marks and ground truth.

A page is printed, signed, then scanned or photographed. Four corner marks give the page's pose and a mark in
every row says whose row it is (ArUco, 6 x 6); corners of boxes and marks are known in page pixels, and in
image pixels by the homography between the two. Pixel (0, 0) has its centre at (0, 0), as OpenCV counts.
Coordinates run right and down.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .acts import ACTS_PER_SESSION, Signature
from .forgery import forge
from .ink import ink_bounds
from .render import render
from .sheet_capture import SHEET_CAPTURES, capture_page, draw_number, project
from .sheet_layout import CORNER_IDS, SheetLayout, check_texts, mark_dictionary, missing_signs, print_page
from .signers import Signer, World
from .streams import Key, child_key, slot

_SHEET, _SIGNED, _POSE = (slot(f"sheets.{n}") for n in ("sheet", "signed", "pose"))


@dataclasses.dataclass(frozen=True, eq=False)
class Box:
    """One box: whose it is, what is in it and where.

    Attributes:
        identifier: As printed in its row.
        row: Its row on the page.
        column: Its column.
        page_corners: In page px, from the top left clockwise, shape ``(4, 2)``.
        image_corners: The same in px of the captured image.
        kind: "genuine", a kind of forgery, "absent" (left empty on purpose), or "" on a blank form.
        signer: Whose row it is, or None on a blank form.
        by: Who signed, or None.
        act: The writer's act, or the forger's try, or None.
        skill: Of a forger, or None.
    """

    identifier: str
    row: int
    column: int
    page_corners: NDArray[np.float64]
    image_corners: NDArray[np.float64]
    kind: str = ""
    signer: int | None = None
    by: int | None = None
    act: int | None = None
    skill: float | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Mark:
    """One ArUco mark; a row's mark belongs to an identifier, a corner's to none."""

    number: int
    identifier: str
    page_corners: NDArray[np.float64]
    image_corners: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """One captured page with its ground truth.

    Attributes:
        image: uint8, shape ``(height, width)``.
        homography: From page px to image px, shape ``(3, 3)``.
        layout: How the page is divided.
        number: Of the page, from 1.
        boxes: Row by row.
        marks: The four corners, then the rows.
        capture: One of `SHEET_CAPTURES`.
        synthetic: False for a blank form.
    """

    image: NDArray[np.uint8]
    homography: NDArray[np.float64]
    layout: SheetLayout
    number: int
    boxes: tuple[Box, ...]
    marks: tuple[Mark, ...]
    capture: str
    synthetic: bool


def attendance_sheets(
    world: World,
    *,
    signers: int = 184,
    first: int = 0,
    layout: SheetLayout | None = None,
    capture: str = "scan",
    absent: float = 0.0,
    proxies: float = 0.0,
) -> Iterator[Sheet]:
    """Yield the pages of a class: a row per signer, a column per session, one page in memory at a time.

    Args:
        world: Where the class lives.
        signers: How many, at most `max_people()`.
        first: Number of the first.
        layout: Rows on a page and signatures of each signer; 12 and 4 at 200 dpi if left out.
        capture: One of `SHEET_CAPTURES`.
        absent: Share of boxes left empty.
        proxies: Share of boxes signed by somebody else of the class, half of them without having seen the original.

    Raises:
        ValueError: If a number makes no sense; before anything is drawn.
    """
    layout = layout or SheetLayout()
    _check(signers, capture)
    if not (0.0 <= absent and 0.0 <= proxies and absent + proxies <= 1.0):
        raise ValueError(
            f"shares of absent {absent} and of proxies {proxies} must lie in [0, 1], and so must their sum"
        )
    if proxies > 0.0 and signers < 2:
        raise ValueError("a class of one has nobody else to sign; use proxies 0 or more signers")
    people = [world[first + i] for i in range(signers)]
    rows = [(f"S{person.index:06d}", "" if missing_signs(person.text) else person.text) for person in people]
    return _pages(world, people, rows, layout, capture, absent, proxies)


def blank_sheets(people: Sequence[tuple[str, str]], layout: SheetLayout | None = None) -> Iterator[Sheet]:
    """Yield empty pages to print, a row per (identifier, name).

    Raises:
        ValueError: If an identifier is empty, doubled, too long, or has a sign that the font lacks.
    """
    _check(len(people), "print")
    check_texts(people)
    return _pages(None, [], list(people), layout or SheetLayout(), "print", 0.0, 0.0)


def max_people() -> int:
    """Return how many people one set of sheets can tell apart by their marks."""
    return len(mark_dictionary().bytesList) - len(CORNER_IDS)


def _check(people: int, capture: str) -> None:
    if not 1 <= people <= max_people():
        raise ValueError(f"{people} people do not fit one set of sheets; use 1 to {max_people()}, or several sets")
    if capture not in SHEET_CAPTURES:
        raise ValueError(f"unknown capture {capture!r} of a sheet; use one of: {', '.join(SHEET_CAPTURES)}")


def _pages(
    world: World | None,
    people: list[Signer],
    rows: list[tuple[str, str]],
    layout: SheetLayout,
    capture: str,
    absent: float,
    proxies: float,
) -> Iterator[Sheet]:
    n_pages = math.ceil(len(rows) / layout.rows)
    for number in range(1, n_pages + 1):
        start = (number - 1) * layout.rows
        here = rows[start : start + layout.rows]
        source = "blank form" if world is None else f"synthetic signatures, no real person; world {world.seed}"
        page = print_page(layout, here, start, f"page {number} of {n_pages}", source)
        found: dict[tuple[int, int], dict[str, Any]] = {}
        if world is not None:
            for row, column in np.ndindex(len(here), layout.columns):
                found[row, column] = _sign(page, layout, people, start + row, row, column, absent, proxies)
        # the pose belongs to the class and the page: another page lies otherwise on the scanner
        key = child_key(child_key(people[0].key, _SHEET, number), _POSE, 0) if people else None
        image, homography = (page, np.eye(3)) if capture == "print" or key is None else capture_page(page, capture, key)
        boxes = tuple(
            Box(identifier, row, column, corners, project(homography, corners), **found.get((row, column), {}))
            for row, (identifier, _) in enumerate(here)
            for column in range(layout.columns)
            for corners in (layout.box(row, column),)
        )
        marked = [(i, "", layout.corner_mark(i)) for i in CORNER_IDS]
        marked += [(4 + start + row, name, layout.row_mark(row)) for row, (name, _) in enumerate(here)]
        marks = tuple(Mark(i, name, corners, project(homography, corners)) for i, name, corners in marked)
        yield Sheet(image, homography, layout, number, boxes, marks, capture, world is not None)


def _sign(
    page: NDArray[np.uint8],
    layout: SheetLayout,
    people: list[Signer],
    person: int,
    row: int,
    column: int,
    absent: float,
    proxies: float,
) -> dict[str, Any]:
    """Let a box be signed, or left empty; return what its ground truth says of it."""
    signer, act = people[person], ACTS_PER_SESSION * column
    key = child_key(child_key(signer.key, _SHEET, column), _SIGNED, 0)
    pick = draw_number(key, "pick", 0.0, 1.0)
    if pick < absent:
        return {"kind": "absent", "signer": signer.index}
    skill, by, kind, signature = None, signer, "genuine", None
    if pick < absent + proxies:
        other = int(draw_number(key, "proxy", 0.0, len(people) - 1.0))
        by = people[(person + 1 + other) % len(people)]
        kind = "simple" if draw_number(key, "seen", 0.0, 1.0) < 0.5 else "freehand"
        skill = None if kind == "simple" else round(draw_number(key, "skill", 0.2, 0.9), 3)
        act = column
        signature = forge(signer, by=by, kind=kind, skill=skill or 0.0, act=act)
    else:
        signature = signer.genuine(act)
    _place(page, layout, layout.box(row, column), signature, key)
    return {"kind": kind, "signer": signer.index, "by": by.index, "act": act, "skill": skill}


def _place(
    page: NDArray[np.uint8], layout: SheetLayout, box: NDArray[np.float64], signature: Signature, key: Key
) -> None:
    """Write a signature into a box: smaller if the box is small, a little off, now and then over the line."""
    samples, per_mm = signature.trajectory.copy(), layout.dpi / 25.4
    left, bottom, right, top = ink_bounds(samples, len(samples))
    width, height = (box[2] - box[0]) / per_mm
    room = draw_number(key, "room", 0.78, 1.04)
    scale = min(1.0, room * width / max(right - left, 1.0), room * height / max(top - bottom, 1.0))
    samples[:, :2] *= scale
    # the pen keeps its width: the movement is smaller, not the picture
    ink = render(dataclasses.replace(signature, trajectory=samples), dpi=float(layout.dpi), capture="clean")
    slack_x = 0.5 * max(width - scale * (right - left), 0.0)
    slack_y = 0.5 * max(height - scale * (top - bottom), 0.0)
    cx = 0.5 * (box[0, 0] + box[2, 0]) + per_mm * slack_x * draw_number(key, "across", -0.6, 0.6)
    cy = 0.5 * (box[0, 1] + box[2, 1]) + per_mm * slack_y * draw_number(key, "up", -0.5, 0.7)
    x0, y0 = round(cx - 0.5 * ink.shape[1]), round(cy - 0.5 * ink.shape[0])
    x1, y1 = min(x0 + ink.shape[1], page.shape[1]), min(y0 + ink.shape[0], page.shape[0])
    x, y = max(x0, 0), max(y0, 0)
    page[y:y1, x:x1] = cv2.multiply(page[y:y1, x:x1], ink[y - y0 : y1 - y0, x - x0 : x1 - x0], scale=1.0 / 255.0)
