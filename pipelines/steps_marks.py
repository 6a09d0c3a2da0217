"""Steps on a mask of ink: what is too small to be written, gaps, printed lines, and the turn of the page.

A mask is uint8, shape ``(h, w)``, 1 = ink.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .steps_paper import square

Grey = NDArray[np.uint8]
_REACH = 0.05
"""How far from both sides of a picture a printed line may end, as a share of its length."""
_STEEPEST_DEG = 12.0


def around(mask: Grey) -> Grey:
    """Return how many of the 3 x 3 pixels around each one are set."""
    return cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)


def without_specks(mask: Grey) -> tuple[Grey, Grey]:
    """Drop what is far too small to be a dot of a pen; return the mask, and how many of 3 x 3 pixels it has."""
    counts = around(mask)
    smallest = max(4e-5 * mask.size, 2e-4 * cv2.countNonZero(mask))
    if smallest > 3.0:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        keep = (stats[:, cv2.CC_STAT_AREA] >= smallest).view(np.uint8)
        keep[0] = 0
        return (mask, counts) if keep[1:].all() else (keep[labels], around(keep[labels]))
    # single pixels and pairs, without looking for every component: both of a pair have one neighbour, each other
    few = cv2.bitwise_and(cv2.inRange(counts, 1, 2), mask)
    if not cv2.countNonZero(few):
        return mask, counts
    specks = cv2.bitwise_and(cv2.compare(around(few), counts, cv2.CMP_EQ), few)
    return cv2.subtract(mask, specks), cv2.subtract(counts, around(specks))


def close_gaps(mask: Grey, side: int = 2) -> Grey:
    """Return a mask whose gaps and holes narrower than `side` pixels are filled."""
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, square(side))


class Line(NamedTuple):
    """A printed line through a picture: its row in every column, its thickness and its slope.

    Attributes:
        rows: Middle of the line in each column, in px, shape ``(width,)``.
        thickness: In px.
        slope: Rows per column.
    """

    rows: NDArray[np.float64]
    thickness: float
    slope: float


def ruled_lines(mask: Grey) -> list[Line]:
    """Return lines that run from side to side of a picture, straight and thin as no hand draws them.

    Ends may lie up to 5 % of the width from the sides. For upright lines hand over the transposed mask. A flourish
    that is dead straight and reaches both sides of a picture cropped to it would count too.

    Source:
        Candidates: Duda, Hart (1972), "Use of the Hough transformation to detect lines and curves in pictures".
    """
    width = mask.shape[1]
    if width < 24 or not cv2.countNonZero(mask):
        return []
    steepest = math.radians(_STEEPEST_DEG)
    found = cv2.HoughLines(
        mask, 1, math.radians(0.25), int(0.55 * width),
        min_theta=0.5 * math.pi - steepest, max_theta=0.5 * math.pi + steepest,
    )  # fmt: skip
    lines: list[Line] = []
    for rho, theta in [] if found is None else found.reshape(-1, 2)[:60]:
        start, slope = rho / math.sin(theta), -1.0 / math.tan(theta)
        rows = start + slope * np.arange(width)
        near = (abs(float(np.median(rows - line.rows))) < 2.0 * line.thickness + 3.0 for line in lines)
        if not any(near) and (line := _measured(mask, rows)) is not None:
            lines.append(line)
    return lines


def _measured(mask: Grey, rows: NDArray[np.float64]) -> Line | None:
    """Return the line along some rows if it is whole, straight and thin enough to be printed."""
    height, width = mask.shape
    thickest = max(3, round(0.03 * height))
    reach = thickest + 2
    offsets = np.arange(-reach, reach + 1)
    places = np.rint(rows).astype(np.intp)[None, :] + offsets[:, None]
    inside = (places >= 0) & (places < height)
    band = np.where(inside, mask[np.clip(places, 0, height - 1), np.arange(width)], 0)
    share = band.sum(axis=0)
    line = (share > 0) & (share <= thickest)  # columns in which nothing is written across the line
    columns = np.flatnonzero(line)
    if len(columns) < 0.3 * width or columns[0] > _REACH * width or columns[-1] < (1.0 - _REACH) * width - 1:
        return None
    if (share > 0).mean() < 0.85:
        return None
    middles = (band * offsets[:, None]).sum(axis=0)[columns] / share[columns] + np.rint(rows)[columns]
    bend = np.polynomial.Polynomial.fit(columns, middles, 2)  # a photographed page bends a little
    off = np.abs(middles - bend(columns))
    thickness = float(np.median(share[columns]))
    if float(np.quantile(off, 0.8)) > 0.35 * thickness + 0.6:
        return None
    straight = np.polynomial.Polynomial.fit(columns, middles, 1).convert()
    return Line(bend(np.arange(width)), thickness, float(straight.coef[1]))


def without_lines(mask: Grey, lines: list[Line]) -> Grey:
    """Return a mask without some lines; where a stroke crosses one, upright runs longer than the line stay."""
    if not lines:
        return mask
    left, height = mask.copy(), mask.shape[0]
    columns = np.arange(mask.shape[1])
    for line in lines:
        half = math.ceil(0.5 * line.thickness) + 1
        centre = np.rint(line.rows).astype(np.intp)
        above, below = centre - half - 1, centre + half + 1
        crossing = np.zeros(len(columns), dtype=bool)
        for row in (above, below):
            crossing |= (row >= 0) & (row < height) & (mask[np.clip(row, 0, height - 1), columns] > 0)
        crossing = cv2.dilate(crossing.astype(np.uint8)[None], square(3))[0] > 0
        for offset in range(-half, half + 1):
            row = centre + offset
            gone = ~crossing & (row >= 0) & (row < height)
            left[row[gone], columns[gone]] = 0
    return left


def page_turn_deg(lines: list[Line]) -> float:
    """Return by how many degrees printed lines rise to the right, their median; 0 without any.

    The slope of the writing itself stays: it belongs to the signer.
    """
    return -math.degrees(math.atan(float(np.median([line.slope for line in lines])))) if lines else 0.0


def turned(image: Grey, degrees: float, *, smooth: bool = True) -> Grey:
    """Return ink or a mask turned counter-clockwise, on a larger sheet so that nothing is cut.

    Args:
        image: Ink or a mask, 0 where there is none.
        degrees: Angle.
        smooth: Interpolate; False keeps a mask one.
    """
    height, width = image.shape
    sin, cos = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    new_w, new_h = math.ceil(width * cos + height * sin), math.ceil(width * sin + height * cos)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    matrix[:, 2] += ((new_w - width) / 2, (new_h - height) / 2)
    return cv2.warpAffine(image, matrix, (new_w, new_h), flags=cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST)
