"""What one image measures before anything judges it: ink, sharpness, stroke width, paper, strokes cut by the border."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters.ink_check import ink_fault
from .steps_paper import MIN_CONTRAST, global_mask, ink_of, limit_size

_LONGEST = 2400
_EDGE = 0.25  # of a side: a longer run of ink along the border is a ruled line or the scanner's edge, no cut stroke


@dataclass(frozen=True, slots=True)
class Facts:
    """Measures of one image.

    Attributes:
        height: Of the image, in px.
        width: The same.
        ink_fault: Why there is no dark ink on light paper, or an empty string; then the measures of ink are 0.
        longest: Longer side of the box round the ink, in px.
        stroke: Mean width of the strokes, in px.
        sharpness: Steepness of the strokes' edges: share of the ink's contrast per px, 0 to about 0.7.
        cuts: Strokes that the border of the image cuts through.
        paper: Level of the paper, 0 black to 255.
        paper_sd: Standard deviation of the paper, in grey levels.
    """

    height: int
    width: int
    ink_fault: str
    longest: float
    stroke: float
    sharpness: float
    cuts: int
    paper: float
    paper_sd: float


def measure(image: NDArray[np.uint8]) -> Facts:
    """Return the measures of a grey image.

    Args:
        image: Grey pixels, shape ``(height, width)``.
    """
    height, width = image.shape
    fault = ink_fault(image)
    if min(image.shape) < 8 or (fault and not fault.startswith("light")):
        return Facts(height, width, fault or "blank: too small to hold ink", 0, 0, 0, 0, _level(image), _spread(image))
    if fault or _is_dark(image):
        fault = fault or "dark paper: turn it round first"
        return Facts(height, width, fault, 0, 0, 0, 0, _level(image), _spread(image))
    scale = min(1.0, _LONGEST / max(image.shape))
    seen = limit_size(image, _LONGEST)
    ink, threshold, core = ink_of(seen)
    mask = global_mask(ink, threshold)
    if threshold < MIN_CONTRAST or not mask.any():
        return Facts(height, width, "blank: no ink found", 0, 0, 0, 0, _level(image), _spread(image))
    paper = seen[cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    return Facts(
        height,
        width,
        "",
        float(longest) / scale,
        stroke_width(mask) / scale,
        sharpness(ink, mask, core) * scale,
        cut_strokes(mask),
        float(np.median(paper)) if len(paper) else 255.0,
        float(paper.std()) if len(paper) else 0.0,
    )


def _level(image: NDArray[np.uint8]) -> float:
    return float(np.median(image))


def _spread(image: NDArray[np.uint8]) -> float:
    return float(image.std())


def _is_dark(image: NDArray[np.uint8]) -> bool:
    """Whether most pixels lie nearer to the darkest than to the lightest: paper is most of an image."""
    low, middle, high = np.percentile(image, (1, 50, 99))
    return bool(high - low > 60 and middle - low < 0.3 * (high - low) and middle < 110)


def stroke_width(mask: NDArray[np.uint8]) -> float:
    """Return the mean width along the middle of the strokes, in px.

    Args:
        mask: 1 = ink, shape ``(height, width)``.
    """
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    middle = (mask > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))
    return 2.0 * float(np.mean(inside[middle])) - 1.0


def sharpness(ink: NDArray[np.uint8], mask: NDArray[np.uint8], core: float) -> float:
    """Return how much of the contrast of ink a step of one pixel takes at the steepest edges of the strokes.

    Args:
        ink: 0 = paper, shape ``(height, width)``.
        mask: 1 = ink.
        core: Mean level of what is ink for sure.
    """
    values = ink.astype(np.float32)
    across = cv2.Sobel(values, cv2.CV_32F, 1, 0, ksize=3) / 8.0
    down = cv2.Sobel(values, cv2.CV_32F, 0, 1, ksize=3) / 8.0
    steep = cv2.magnitude(across, down)
    near = cv2.dilate(mask, np.ones((3, 3), np.uint8)) - cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
    near[:2] = near[-2:] = near[:, :2] = near[:, -2:] = 0  # a cut is no edge
    return float(np.percentile(steep[near > 0], 80)) / max(core, 1.0) if near.any() else 0.0


def cut_strokes(mask: NDArray[np.uint8]) -> int:
    """Return how many strokes run into the border of an image.

    Args:
        mask: 1 = ink, shape ``(height, width)``.
    """
    cuts = 0
    for line, inner in (
        (mask[0], mask[2]),
        (mask[-1], mask[-3]),
        (mask[:, 0], mask[:, 2]),
        (mask[:, -1], mask[:, -3]),
    ):
        steps = np.diff(np.concatenate([[0], (line & inner).astype(np.int8), [0]]))
        runs = np.flatnonzero(steps == -1) - np.flatnonzero(steps == 1)
        cuts += int(((runs >= 1) & (runs <= max(_EDGE * len(line), 12))).sum())
    return cuts
