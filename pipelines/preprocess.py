"""One function for every image, synthetic or real: paper out, ink levelled, cropped, fitted to the canvas.

The network never sees raw pixels: tint of the paper, darkness of the scan and size of the page are gone
before it looks, so that they can neither help nor mislead it.
"""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

VERSION = "default-2"
"""Recorded in every run: raised when the same image would come out differently."""

MARGIN = 2
_LONGEST = 1200
_MIN_CONTRAST = 12.0
_NEAR = 0.65
_LEVELS = np.arange(256.0)


class BlankImage(ValueError):
    """There is no ink to crop to."""


def ink_of(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, float]:
    """Return the ink (0 = paper, 255 = full) of a grey image, a threshold between the two, and the mean ink above it.

    The paper is what remains when dark lines are closed away and the rest is smoothed. Both sides of the image are
    multiples of 4.
    """
    height, width = image.shape
    small = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    small = cv2.resize(small, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    side = max(5, min(small.shape) // 3) | 1
    paper = cv2.max(cv2.morphologyEx(small, cv2.MORPH_CLOSE, _square(side)), 1)
    paper = cv2.resize(cv2.blur(paper, (5, 5)), (width, height), interpolation=cv2.INTER_LINEAR)
    ink = cv2.divide(image, paper, dst=paper, scale=255.0)
    cv2.bitwise_not(ink, dst=ink)
    counts = cv2.calcHist([ink], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    return ink, *_levels(counts)


def _levels(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Return a threshold between two heaps of a histogram of 256 levels, and the mean level above it.

    Source:
        Otsu (1979), "A threshold selection method from gray-level histograms". Differs: his cut may lie anywhere
        between two levels (0 for a bilevel scan); the middle of the means of its two sides does not.
    """
    below, sums = np.cumsum(counts), np.cumsum(counts * _LEVELS)
    total, whole = below[-1], sums[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((whole * below - total * sums) ** 2 / (below * (total - below)), posinf=0.0)
    cut = int(between.argmax())
    low, high = sums[cut] / max(below[cut], 1.0), (whole - sums[cut]) / max(total - below[cut], 1.0)
    threshold = 0.5 * (low + high)
    first = int(threshold)  # levels above the threshold start one higher
    return float(threshold), float((whole - sums[first]) / max(total - below[first], 1.0))


@functools.cache
def _square(side: int) -> NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def preprocess(image: NDArray[np.uint8], *, height: int, width: int) -> NDArray[np.uint8]:
    """Return the signature alone on a white canvas, dark ink on light paper.

    Args:
        image: Grey image, dark ink on light paper, uint8, shape ``(h, w)``, any size.
        height: Canvas height in px.
        width: Canvas width in px.

    Returns:
        uint8, shape ``(height, width)``: aspect kept, ink box centred, mean ink at a fixed level.

    Raises:
        BlankImage: If there is no ink that stands out from the paper.
        ValueError: If the image is not a grey uint8 image.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or min(image.shape) < 2:
        raise ValueError(f"expected a grey uint8 image, got shape {image.shape} and type {image.dtype}")
    longest = max(image.shape)
    if longest > _LONGEST:
        shrink = _LONGEST / longest
        size = (max(2, round(image.shape[1] * shrink)), max(2, round(image.shape[0] * shrink)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    down, right = -image.shape[0] % 4, -image.shape[1] % 4  # whole blocks of 4 shrink several times faster
    image = cv2.copyMakeBorder(image, 4, 4 + down, 4, 4 + right, cv2.BORDER_REPLICATE)
    ink, threshold, core = ink_of(image)
    _, mask = cv2.threshold(ink, max(0.7 * threshold, _MIN_CONTRAST), 1, cv2.THRESH_BINARY)
    mask, near = _without_specks(mask)
    if threshold < _MIN_CONTRAST or cv2.countNonZero(mask) in (0, mask.size):
        raise BlankImage("no ink stands out from the paper")
    x, y, w, h = cv2.boundingRect(mask)
    _, near = cv2.threshold(near[y : y + h, x : x + w], 0, 255, cv2.THRESH_BINARY)
    level = cv2.bitwise_and(ink[y : y + h, x : x + w], near)
    return _fit(cv2.convertScaleAbs(level, dst=level, alpha=215.0 / max(core, 1.0)), height, width)


def _without_specks(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Drop what is far too small to be a dot of a pen; return the mask, and how many of 3 x 3 pixels it has."""
    counts = _around(mask)
    smallest = max(4e-5 * mask.size, 2e-4 * cv2.countNonZero(mask))
    if smallest > 3.0:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        keep = (stats[:, cv2.CC_STAT_AREA] >= smallest).view(np.uint8)
        keep[0] = 0
        return (mask, counts) if keep[1:].all() else (keep[labels], _around(keep[labels]))
    # single pixels and pairs, without looking for every component: both of a pair have one neighbour, each other
    few = cv2.bitwise_and(cv2.inRange(counts, 1, 2), mask)
    if not cv2.countNonZero(few):
        return mask, counts
    specks = cv2.bitwise_and(cv2.compare(_around(few), counts, cv2.CMP_EQ), few)
    return cv2.subtract(mask, specks), cv2.subtract(counts, _around(specks))


def _around(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how many of the 3 x 3 pixels around each one are set."""
    return cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)


def _fit(ink: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    h, w = ink.shape
    scale = min((height - 2 * MARGIN) / h, (width - 2 * MARGIN) / w)
    new_h, new_w = max(1, min(round(h * scale), height)), max(1, min(round(w * scale), width))
    # near true size straight interpolation blurs as little as averaging does, at a tenth of its time
    resized = cv2.resize(ink, (new_w, new_h), interpolation=cv2.INTER_AREA if scale < _NEAR else cv2.INTER_LINEAR)
    canvas = np.full((height, width), 255, dtype=np.uint8)
    top, left = (height - new_h) // 2, (width - new_w) // 2
    cv2.bitwise_not(resized, dst=canvas[top : top + new_h, left : left + new_w])
    return canvas


def to_ink(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network takes: ink = 1, paper = 0, float32, with a channel axis at the end."""
    return ((255 - canvases.astype(np.float32)) / 255.0)[..., None]
