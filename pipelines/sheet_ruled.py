"""Sheets that others made: boxes from printed lines, in reading order; whose they are, a list says.

The page must be the right way up. Nothing is read from print: this is no character recognition.
"""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .sheet_boxes import PAPER, Cell, Grey, Page, even_paper, find_edges
from .sheet_pose import NoPage

SIGNATURE = "?"
"""Identifier of a box of signatures whose owner is not yet known."""
_LINE_MM, _GAP_MM, _LEAST_MM, _ALIKE = 12.0, 3.0, 6.0, 0.15
_SURE_FOUND, _SURE_FILLED = 0.8, 0.6


def ruled_page(image: Grey, *, skip_rows: int = 0) -> Page:
    """Return a page with its boxes of signatures, row by row: those of the size that most boxes have.

    A box that was missed (a stroke closed it off, a line is faint) is filled in from its row and column.

    Args:
        image: uint8, shape ``(height, width)``; a few degrees askew or tilted, but upright.
        skip_rows: Rows of such boxes at the top that hold headings.

    Raises:
        NoPage: If no boxes are found.
    """
    per_mm = min(image.shape) / 210.0
    to_image = _straightening(image, per_mm)
    turned = cv2.warpPerspective(
        image,
        to_image,
        image.shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    flat = even_paper(turned, per_mm)
    boxes = _cells(flat, per_mm)
    if not len(boxes):
        raise NoPage("no boxes with printed lines all round are found; is the page whole, upright and sharp?")
    main = _commonest(boxes)
    grid, filled = _grid(boxes[main])
    cells = [
        Cell(SIGNATURE, row - skip_rows, column, edges, _SURE_FILLED if (row, column) in filled else _SURE_FOUND)
        for (row, column), edges in grid.items()
        if row >= skip_rows
    ]
    if not cells:
        raise NoPage(f"no boxes are left below {skip_rows} rows of headings; use a smaller --skip-rows")
    print_cells = [Cell("", 0, 0, _edges(box), 1.0) for box in boxes[~main]]
    notes = (f"{len(filled)} boxes filled in from their row and column",) if filled else ()
    return replace(find_edges(Page(flat, per_mm, (*cells, *print_cells), to_image), 1.2), notes=notes)


def _edges(box: NDArray[np.float64]) -> tuple[float, float, float, float]:
    left, top, right, bottom = box.tolist()
    return left, top, right, bottom


def _straightening(image: Grey, per_mm: float) -> NDArray[np.float64]:
    """Return the homography to the image from where the table's outline, or the page's, is upright at its own size."""
    dark = (even_paper(image, per_mm) < PAPER - 45).astype(np.uint8)
    joined = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    spans = stats[1:, cv2.CC_STAT_WIDTH].astype(float) * stats[1:, cv2.CC_STAT_HEIGHT]
    if not len(spans) or spans.max() < 0.15 * image.size:
        return np.eye(3)  # boxes that stand apart have no common outline
    points = np.column_stack(np.nonzero(labels == 1 + int(spans.argmax()))[::-1]).astype(np.int32)
    hull = cv2.convexHull(points)
    quad = cv2.approxPolyN(hull, 4).reshape(-1, 2).astype(np.float64)
    if len(quad) != 4 or not 0.9 < cv2.contourArea(quad.astype(np.float32)) / cv2.contourArea(hull) < 1.1:
        return np.eye(3)
    middle = quad.mean(axis=0)
    order = np.argsort(np.arctan2(*(quad - middle).T[::-1]))  # from the top left clockwise, as y points down
    quad = quad[order]
    width = 0.5 * (np.linalg.norm(quad[1] - quad[0]) + np.linalg.norm(quad[2] - quad[3]))
    height = 0.5 * (np.linalg.norm(quad[3] - quad[0]) + np.linalg.norm(quad[2] - quad[1]))
    half = 0.5 * np.array([width, height])
    target = np.array([image.shape[1], image.shape[0]]) * 0.5 + half * [[-1, -1], [1, -1], [1, 1], [-1, 1]]
    return np.asarray(cv2.getPerspectiveTransform(target.astype(np.float32), quad.astype(np.float32)), dtype=np.float64)


def _cells(flat: Grey, per_mm: float) -> NDArray[np.float64]:
    """Return left, top, right and bottom of every area with straight lines all round, shape ``(n, 4)``."""
    dark = (flat < PAPER - 40).astype(np.uint8)
    long, gap = max(9, round(_LINE_MM * per_mm)), max(3, round(_GAP_MM * per_mm))
    lines = np.zeros_like(dark)
    for along in ((1, 0), (0, 1)):
        kernel = np.ones((long, 1) if along[0] else (1, long), np.uint8)
        thick = cv2.dilate(dark, np.ones((1, 3) if along[0] else (3, 1), np.uint8))  # a line a little askew is a stair
        straight = cv2.morphologyEx(thick, cv2.MORPH_OPEN, kernel)
        lines |= cv2.morphologyEx(straight, cv2.MORPH_CLOSE, np.ones((gap, 1) if along[0] else (1, gap), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(1 - lines, connectivity=4)
    x, y, width, height, area = stats[1:].astype(np.float64).T
    tall, wide = flat.shape
    fine = (width > _LEAST_MM * per_mm) & (height > _LEAST_MM * per_mm) & (area > 0.75 * width * height)
    fine &= (x > 0) & (y > 0) & (x + width < wide) & (y + height < tall) & (width * height < 0.4 * flat.size)
    boxes = np.column_stack([x - 1.0, y - 1.0, x + width, y + height])[fine]
    return boxes


def _commonest(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes have the commonest size; of two as common, the larger."""
    sizes = np.log(boxes[:, 2:] - boxes[:, :2])
    alike = (np.abs(sizes[:, None] - sizes[None]) < _ALIKE).all(axis=2)
    best = max(range(len(boxes)), key=lambda i: (int(alike[i].sum()), float(sizes[i].sum())))
    return np.asarray(alike[best])


def _grid(
    boxes: NDArray[np.float64],
) -> tuple[dict[tuple[int, int], tuple[float, float, float, float]], set[tuple[int, int]]]:
    """Return the edges of every box by row and column, in reading order, and which were filled in."""
    columns, rows = _clusters(boxes[:, 0], boxes[:, 2]), _clusters(boxes[:, 1], boxes[:, 3])
    grid, filled = {}, set()
    for row in range(rows.max() + 1):
        for column in range(columns.max() + 1):
            here = np.flatnonzero((rows == row) & (columns == column))
            if len(here):
                grid[row, column] = _edges(boxes[here[0]])
                continue
            across, down = np.median(boxes[columns == column], axis=0), np.median(boxes[rows == row], axis=0)
            grid[row, column] = (float(across[0]), float(down[1]), float(across[2]), float(down[3]))
            filled.add((row, column))
    return grid, filled


def _clusters(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return to which line of boxes each belongs, counted from the first: centres less than half a box apart."""
    centre, order = 0.5 * (low + high), np.argsort(low + high)
    step = np.diff(centre[order]) > 0.5 * np.median(high - low)
    number = np.empty(len(low), np.intp)
    number[order] = np.concatenate([[0], np.cumsum(step)])
    return number
