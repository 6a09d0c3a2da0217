"""Steps on a mask of ink: what is too small to be written, where ink is, gaps, printed lines, the turn of the page.

A mask is uint8, shape ``(h, w)``, 1 = ink.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from . import pixels
from .steps_paper import LONGEST, MIN_CONTRAST, global_mask, ink_of, limit_size, square, without_edges

Grey = NDArray[np.uint8]
_REACH = 0.12
"""How far from both sides of a picture a printed line may end, as a share of its length."""
_STEEPEST_DEG = 12.0
_LEAST_WIDTH, _APART = 64, 4.0
"""Of a picture in which a printed line is told from a flourish; rows between two lines. In px."""
_ROUND, _VICINITY = 0.1, 1.0
"""Paper that is left on each side of the ink of a large picture, and where ink is looked for again, as shares of its
longer side."""


def without_specks(mask: Grey) -> tuple[Grey, Grey]:
    """Drop dust, see `pixels.drop_specks`; return the mask, and how many of the 3 x 3 pixels round each are set."""
    left, counts = mask.copy(), np.empty(mask.shape, np.uint8)
    pixels.counts_into(left, counts)
    pixels.drop_specks(left, counts, cv2.countNonZero(left))
    return left, counts


def near_ink(image: Grey) -> Grey:
    """Return a picture of at most `LONGEST` px a side; of a larger one, shrunk, only what is round its ink.

    So that a signature on a whole page keeps as many pixels as one that was cut out. It is looked for twice: what is a
    speck to a page may be a letter of a small signature.
    """
    if max(image.shape) <= LONGEST:
        return image
    image = without_edges(image)  # what is cut out of it would begin in no corner any more
    small = limit_size(image)
    if (box := _found(small)) is None:
        return small
    top, bottom, left, right = _wider(box, _VICINITY, small.shape)
    if (inner := _found(small[top:bottom, left:right])) is not None:
        inner += np.array([top, top, left, left])
        box = np.where([True, False, True, False], np.minimum(box, inner), np.maximum(box, inner))
    grown = max(image.shape) / max(small.shape)
    top, bottom, left, right = _wider(grown * box, _ROUND, image.shape)
    return limit_size(image[top:bottom, left:right])


def _found(image: Grey) -> NDArray[np.float64] | None:
    """Return where the ink of a picture is, first and past the last row and column; None if none stands out."""
    ink, threshold, _ = ink_of(image)
    mask, _ = without_specks(global_mask(ink, threshold))
    return np.array(pixels.box_of(mask), dtype=np.float64) if threshold >= MIN_CONTRAST and mask.any() else None


def _wider(box: NDArray[np.float64], share: float, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box with a share of its longer side more all round, inside a picture of a shape."""
    top, bottom, left, right = box
    more = share * max(bottom - top, right - left)
    first = [max(0, int(side - more)) for side in (top, left)]
    last = [min(limit, math.ceil(side + more)) for side, limit in zip((bottom, right), shape, strict=True)]
    return first[0], last[0], first[1], last[1]


def close_gaps(mask: Grey, side: int = 2) -> Grey:
    """Return a mask whose gaps and holes narrower than `side` pixels are filled."""
    wide = cv2.copyMakeBorder(mask, side, side, side, side, cv2.BORDER_CONSTANT, value=0)
    at = side // 2  # an even square has no middle: OpenCV's own closing would move everything by a pixel
    closed = cv2.erode(cv2.dilate(wide, square(side), anchor=(at, at)), square(side), anchor=(side - 1 - at,) * 2)
    return np.ascontiguousarray(closed[side:-side, side:-side])


class Line(NamedTuple):
    """A printed line through a picture: the upright run of ink that it is in every column, and its slope.

    Attributes:
        tops: First row of the run in each column, shape ``(width,)``.
        lengths: Rows of the run, 0 where the line is broken, shape ``(width,)``; longer where a stroke crosses.
        thickness: Median length, in px.
        slope: Rows per column.
    """

    tops: NDArray[np.intp]
    lengths: NDArray[np.intp]
    thickness: float
    slope: float

    @property
    def whole(self) -> bool:
        """Whether it reaches both sides of the picture, but for 3 % of its width."""
        columns = np.flatnonzero(self.lengths)
        edge = 0.03 * len(self.lengths) + 4
        return bool(columns[0] <= edge and columns[-1] >= len(self.lengths) - 1 - edge)

    @property
    def thin(self) -> NDArray[np.bool_]:
        """Columns in which there is the line alone, shape ``(width,)``."""
        return (self.lengths > 0) & (self.lengths <= 1.4 * self.thickness + 1.0)


def ruled_lines(mask: Grey) -> list[Line]:
    """Return lines that run from side to side of a picture, straight and thin as no hand draws them.

    Ends may lie up to 12 % of the width from the sides. For upright lines hand over the transposed mask. A flourish
    that is dead straight and reaches both sides of a picture cropped to it would count too.

    Source:
        Candidates: Duda, Hart (1972), "Use of the Hough transformation to detect lines and curves in pictures".
    """
    width = mask.shape[1]
    if width < 24 or not cv2.countNonZero(mask):
        return []
    lines: list[Line] = []
    taken: list[NDArray[np.float64]] = []
    for rows in _candidates(mask):
        if any(float(np.abs(rows - other).mean()) < 0.02 * width + 4.0 for other in taken):
            continue
        if (line := _measured(mask, rows)) is not None:
            lines.append(line)
            taken.append(rows)
    return lines


def crossing_lines(mask: Grey) -> list[Line]:
    """Return nearly level lines that go from edge to edge of a picture, straighter than a hand draws them.

    A signature that was cut out has none: it touches all edges, or with some paper round it, no side. Only one that was
    cut tightly but for its top or bottom might lose a flourish.
    """
    lines: list[Line] = []
    width = mask.shape[1]
    for first, last in pixels.crossings(mask) if width >= _LEAST_WIDTH else ():
        rows = np.linspace(first, last, width)
        known = (np.abs(rows - line.tops - 0.5 * line.lengths)[line.thin] for line in lines)
        if any(np.median(away) < _APART for away in known):
            continue
        if (line := _straight(mask, rows)) is not None:
            lines.append(line)
    return lines


def _straight(mask: Grey, rows: NDArray[np.float64]) -> Line | None:
    """Return the line along some rows if it is all there, thin, even and straight, but for where writing touches it."""
    width, thickest = mask.shape[1], max(4.0, 0.05 * min(mask.shape))
    tops, lengths = _runs(mask, np.rint(rows).astype(np.intp), math.ceil(2 * thickest) + 3)
    columns = np.flatnonzero(lengths)
    line = Line(tops, lengths, float(np.median(lengths[columns])) if len(columns) else math.inf, 0.0)
    plain = np.flatnonzero(line.thin)
    if line.thickness > thickest or len(columns) < 0.9 * width or len(plain) < 0.5 * width:
        return None
    middles = tops + 0.5 * (lengths - 1)
    near = plain
    for _ in range(3):
        slope, start = np.polyfit(near, middles[near], 1)
        away = np.abs(middles - start - slope * np.arange(width))
        near = plain[away[plain] <= max(0.5, float(np.quantile(away[plain], 0.6)))]
    if np.mean(away[plain] <= 0.06 * line.thickness + 0.5) < 0.7:
        return None
    return line._replace(lengths=np.where(away <= line.thickness + 1.0, lengths, 0), slope=float(slope))


def _candidates(mask: Grey) -> NDArray[np.float64]:
    """Return rows, shape ``(n, width)``, along which a nearly level line may run, the likeliest first."""
    height, width = mask.shape
    level = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, max(5, width // 60)), np.uint8))
    steepest = math.radians(_STEEPEST_DEG)
    found = cv2.HoughLines(
        level, 1, math.radians(0.25), int(0.4 * width),
        min_theta=0.5 * math.pi - steepest, max_theta=0.5 * math.pi + steepest,
    )  # fmt: skip
    if found is None:
        return np.empty((0, width))
    rho, theta = found.reshape(-1, 2)[:400, :, None].transpose(1, 0, 2).astype(np.float64)
    sample = np.linspace(0, width - 1, 64).astype(np.intp)  # a quick look before every column is measured
    near = np.rint(rho / np.sin(theta) - sample / np.tan(theta)).astype(np.intp)
    thick = cv2.dilate(mask, np.ones((7, 1), np.uint8))
    inked = (near >= 0) & (near < height) & (thick[np.clip(near, 0, height - 1), sample] > 0)
    keep = inked.mean(axis=1) >= 0.7
    return (rho / np.sin(theta) - np.arange(width) / np.tan(theta))[keep]


def _measured(mask: Grey, rows: NDArray[np.float64]) -> Line | None:
    """Return the line along some rows if it is whole, straight and thin enough to be printed."""
    width = mask.shape[1]
    thickest = max(4.0, 0.05 * min(mask.shape))
    tops, lengths = _runs(mask, np.rint(rows).astype(np.intp), math.ceil(2 * thickest) + 3)
    columns = np.flatnonzero(lengths)
    if not len(columns) or columns[0] > _REACH * width or columns[-1] < (1.0 - _REACH) * width - 1:
        return None
    line = Line(tops, lengths, float(np.median(lengths[columns])), 0.0)
    plain = np.flatnonzero(line.thin)
    span = columns[-1] - columns[0] + 1
    if line.thickness > thickest or len(columns) < 0.9 * span or len(plain) < 0.5 * span:
        return None
    middles = tops[plain] + 0.5 * (lengths[plain] - 1)
    bend = np.polynomial.Polynomial.fit(plain, middles, 2)  # a photographed page bends a little
    if float(np.quantile(np.abs(middles - bend(plain)), 0.9)) > 0.06 * line.thickness + 0.4:
        return None
    slope = float(np.polyfit(plain, middles, 1)[0])
    return line._replace(slope=slope)


def _runs(mask: Grey, rows: NDArray[np.intp], most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return top and length of the upright run of ink nearest to a row in every column; length 0 if 4 px away."""
    height, width = mask.shape
    columns = np.arange(width)

    def inked(at: NDArray[np.intp]) -> NDArray[np.bool_]:
        return (at >= 0) & (at < height) & (mask[np.clip(at, 0, height - 1), columns] > 0)

    start, found = rows.copy(), inked(rows)
    for off in (-1, 1, -2, 2, -3, 3):
        here = ~found & inked(rows + off)
        start[here] += off
        found |= here
    top, bottom = start.copy(), start.copy()
    up, down = found.copy(), found.copy()
    for _ in range(most):
        up &= inked(top - 1)
        top[up] -= 1
        down &= inked(bottom + 1)
        bottom[down] += 1
    return top, np.where(found, bottom - top + 1, 0)


def without_lines(mask: Grey, lines: list[Line]) -> Grey:
    """Return a mask without some lines; where a stroke crosses or runs along one, it stays with its part of it."""
    if not lines:
        return mask
    left = mask.copy()
    for line in lines:
        gone = np.flatnonzero(line.thin)
        for offset in range(int(line.lengths[gone].max(initial=0))):
            columns = gone[line.lengths[gone] > offset]
            left[line.tops[columns] + offset, columns] = 0
    return left


def without_remnants(mask: Grey, lines: list[Line]) -> Grey:
    """Return a mask without the small pieces that removed lines left behind, such as the corners of a box.

    A piece goes if most of it lies within a line's thickness of a line and it is hardly larger than its crossing with
    another one.
    """
    if not lines:
        return mask
    zone = np.zeros_like(mask)
    for line in lines:
        there = np.flatnonzero(line.thin)
        middle = np.rint(np.interp(np.arange(mask.shape[1]), there, line.tops[there] + 0.5 * line.lengths[there]))
        half = math.ceil(line.thickness) + 1
        for offset in range(-half, half + 1):
            rows = middle.astype(np.intp) + offset
            inside = (rows >= 0) & (rows < mask.shape[0])
            zone[rows[inside], np.flatnonzero(inside)] = 1
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    within = np.bincount(labels.ravel(), weights=zone.ravel(), minlength=len(stats))
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = ((within < 0.7 * areas) | (areas > 6.0 * max(line.thickness for line in lines) ** 2)).view(np.uint8)
    keep[0] = 0
    return keep[labels]


def page_turn_deg(lines: list[Line]) -> float:
    """Return by how many degrees printed lines rise to the right, their median; 0 without any.

    The slope of the writing itself stays: it belongs to the signer.
    """
    return -math.degrees(math.atan(float(np.median([line.slope for line in lines])))) if lines else 0.0


def turned(image: Grey, degrees: float, *, smooth: bool = True, beyond: float = 0.0) -> Grey:
    """Return ink, a mask or an image turned counter-clockwise, on a larger sheet so that nothing is cut.

    Args:
        image: Ink or a mask, 0 where there is none; or a grey image.
        degrees: Angle.
        smooth: Interpolate; False keeps a mask one.
        beyond: Level of the corners.
    """
    height, width = image.shape
    sin, cos = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    new_w, new_h = math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((new_w - width) / 2, (new_h - height) / 2)
    way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.warpAffine(image, matrix, (new_w, new_h), flags=way, borderValue=beyond), dtype=np.uint8)
