"""The steps that recipes share, each a change of the `Work`; what it does to pixels is in `steps_*.py`."""

import cv2
import numpy as np

from . import pixels
from . import steps_canvas as canvas
from . import steps_marks as marks
from . import steps_paper as paper
from .pixels import INK_LEVEL
from .recipe_work import Step, Work
from .steps_paper import BlankImage


def _check(work: Work) -> None:
    paper.check_grey(work.image)


def _grey(work: Work) -> None:
    work.image = paper.greyscale(work.image)


def _limit(work: Work) -> None:
    work.image = marks.near_ink(work.image)


def _denoise(work: Work) -> None:
    work.image = paper.denoise(work.image)


def _level(work: Work) -> None:
    work.ink = paper.level_paper(work.image)


def _edges(work: Work) -> None:
    work.image = paper.without_edges(work.image)


def _otsu(work: Work) -> None:
    work.threshold, work.core = paper.otsu(work.ink)


def _mask(work: Work) -> None:
    work.mask = paper.global_mask(work.ink, work.threshold)


def _local_mask(work: Work) -> None:
    if work.threshold >= paper.MIN_CONTRAST:
        sure = cv2.threshold(work.ink, 0.5 * paper.MIN_CONTRAST, 1, cv2.THRESH_BINARY)[1]
        work.mask = cv2.bitwise_and(paper.local_mask(work.ink, work.core), sure)
    else:
        work.mask = np.zeros_like(work.ink)


def _close(work: Work) -> None:
    work.mask = marks.close_gaps(work.mask)


def _lines(work: Work) -> None:
    """Find printed lines both ways and take them away, unless nothing else is there.

    A single line that ends inside the picture may be a flourish, and stays.
    """
    work.lines = marks.ruled_lines(work.mask)
    upright = marks.ruled_lines(np.ascontiguousarray(work.mask.T))
    work.lines_removed = len(work.lines) + len(upright)
    found = [*work.lines, *upright]
    if not found or (len(found) == 1 and not found[0].whole):
        work.lines, work.lines_removed = [], 0
        return
    left = marks.without_lines(work.mask, work.lines)
    left = np.ascontiguousarray(marks.without_lines(np.ascontiguousarray(left.T), upright).T)
    left = marks.without_remnants(left, work.lines)
    left = np.ascontiguousarray(marks.without_remnants(np.ascontiguousarray(left.T), upright).T)
    if cv2.countNonZero(left):  # a stroke that is all there is stays, however straight
        work.mask = left
    else:
        work.lines, work.lines_removed = [], 0


def _across(work: Work) -> None:
    """Take printed lines that go from edge to edge away, unless nothing else is there."""
    lines = marks.crossing_lines(work.mask)
    left = marks.without_remnants(marks.without_lines(work.mask, lines), lines)
    if lines and marks.without_specks(left)[0].any():
        work.mask, work.lines, work.lines_removed = left, lines, len(lines)


def _deskew(work: Work) -> None:
    work.turn_deg = -marks.page_turn_deg(work.lines)
    if abs(work.turn_deg) >= 0.2:
        work.ink = marks.turned(work.ink, work.turn_deg)
        work.mask = marks.turned(work.mask, work.turn_deg, smooth=False)


def _specks(work: Work) -> None:
    work.mask, work.near = marks.without_specks(work.mask)


def _not_blank(work: Work) -> None:
    n = cv2.countNonZero(work.mask)
    if work.threshold < paper.MIN_CONTRAST or not 0 < n < pixels.MOST_INK * work.mask.size:
        raise BlankImage


def _crop(work: Work) -> None:
    """Crop to the box of the mask; what is next to no ink is paper."""
    work.ink = pixels.cropped(work.ink, work.near, work.mask)


def _crop_mask(work: Work) -> None:
    top, bottom, left, right = pixels.box_of(work.mask)
    work.ink = cv2.convertScaleAbs(work.mask[top:bottom, left:right], alpha=INK_LEVEL)


def _darkness(work: Work) -> None:
    pixels.darken(work.ink, work.core)


def _fit(work: Work) -> None:
    work.image = canvas.fit(work.ink, work.height, work.width)


CHECKED = Step("grey", "grey, 0 black to 255 white", _check)
GREY = Step("grey", "grey, 0 black to 255 white", _grey)
SIZE = Step("size", "of large pictures what is round the ink; at most 1200 px", _limit)
NOISE = Step("noise", "noise smoothed, edges kept", _denoise)
PAPER = Step("paper", "paper levelled: only what is darker stays", _level, "ink")
SHADOWS = Step("paper", "shadows levelled: only what is darker stays", _level, "ink")
EDGES = Step("edges", "dark edges of the scan taken away", _edges)
OTSU = Step("Otsu", "Otsu: threshold {threshold:.0f}, mean ink {core:.0f}", _otsu, "ink")
MASK = Step("mask", "ink: above 0.7 of the threshold", _mask, "mask")
SAUVOLA = Step("Sauvola", "ink: darker than a threshold of its place", _local_mask, "mask")
GAPS = Step("gaps", "gaps of one pixel are closed", _close, "mask")
LINES = Step("lines", "printed lines from side to side removed: {lines}", _lines, "mask")
ACROSS = Step("lines", "printed lines from edge to edge removed: {lines}", _across, "mask")
DESKEW = Step("deskew", "turned by {turn_deg:.1f} degrees, as the lines say", _deskew, "mask")
SPECKS = Step("specks", "dust dropped: below the line width squared; round, as far-off marks are", _specks, "mask")
NOT_BLANK = Step("ink?", "not blank: contrast of {threshold:.0f} levels", _not_blank, "mask")
BOX = Step("box", "cropped to the box of the ink", _crop, "ink")
EVEN_BOX = Step("box", "cropped to the box; all ink equally dark", _crop_mask, "ink")
DARKNESS = Step("darkness", "mean ink brought to one level", _darkness, "ink")
CANVAS = Step("canvas", "fitted to {width} x {height} px, aspect kept", _fit)
