"""One function for every image, synthetic or real: paper out, ink levelled, cropped, fitted to the canvas.

The network never sees raw pixels: tint of the paper, darkness of the scan and size of the page are gone
before it looks, so that they can neither help nor mislead it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

VERSION = "default-1"
"""Recorded in every run: raised when the same image would come out differently."""

MARGIN = 2
_LONGEST = 1200
_MIN_CONTRAST = 12.0


class BlankImage(ValueError):
    """There is no ink to crop to."""


def ink_of(image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return the ink (0 = paper, 255 = full) of a grey image and a threshold between the two (Otsu 1979).

    The paper is what remains when dark lines are closed away and the rest is smoothed.
    """
    height, width = image.shape
    small = cv2.resize(image, (max(width // 4, 2), max(height // 4, 2)), interpolation=cv2.INTER_AREA)
    side = max(5, min(small.shape) // 3) | 1
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    paper = cv2.resize(cv2.blur(paper, (5, 5)), (width, height), interpolation=cv2.INTER_LINEAR)
    bright = cv2.divide(image, cv2.max(paper, 1), scale=255.0)
    ink = cv2.bitwise_not(bright)
    _, dark = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    # Otsu's cut may lie anywhere between two levels (0 for a bilevel scan); the middle of the means does not
    above, below = cv2.mean(ink, dark)[0], cv2.mean(ink, cv2.bitwise_not(dark))[0]
    return ink, 0.5 * (above + below)


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
    ink, threshold = ink_of(image)
    mask = _without_specks(ink > max(0.7 * threshold, _MIN_CONTRAST))
    if threshold < _MIN_CONTRAST or not mask.any() or mask.all():
        raise BlankImage("no ink stands out from the paper")
    core = cv2.mean(ink, (ink > threshold).view(np.uint8))[0]
    level = cv2.convertScaleAbs(ink * cv2.dilate(mask, np.ones((3, 3), np.uint8)), alpha=215.0 / max(core, 1.0))
    x, y, w, h = cv2.boundingRect(mask)
    return _fit(level[y : y + h, x : x + w], height, width)


def _without_specks(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Drop what is far too small to be a dot of a pen."""
    binary = mask.view(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        binary, connectivity=8, ltype=cv2.CV_16U if mask.size < 60_000 else cv2.CV_32S
    )
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = areas >= max(3.0, 4e-5 * mask.size, 2e-4 * (mask.size - areas[0]))
    keep[0] = False
    if keep[1:].all():
        return binary
    return keep[labels].view(np.uint8)


def _fit(ink: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    h, w = ink.shape
    scale = min((height - 2 * MARGIN) / h, (width - 2 * MARGIN) / w)
    new_h, new_w = max(1, min(round(h * scale), height)), max(1, min(round(w * scale), width))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.full((height, width), 255, dtype=np.uint8)
    top, left = (height - new_h) // 2, (width - new_w) // 2
    resized = cv2.resize(ink, (new_w, new_h), interpolation=method)
    canvas[top : top + new_h, left : left + new_w] = cv2.bitwise_not(resized)
    return canvas


def to_ink(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network takes: ink = 1, paper = 0, float32, with a channel axis at the end."""
    return ((255 - canvases.astype(np.float32)) / 255.0)[..., None]
