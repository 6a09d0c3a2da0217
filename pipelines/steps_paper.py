"""Steps from pixels to ink: grey, size, noise, background, and thresholds between paper and ink.

Images are grey, uint8, dark ink on light paper; ink is uint8, 0 = paper to 255; a mask is uint8, 1 = ink.
"""

import functools
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from . import pixels
from .pixels import MIN_CONTRAST as MIN_CONTRAST

Grey = NDArray[np.uint8]
LONGEST = 1200


class BlankImage(ValueError):
    """There is no ink to crop to."""

    def __init__(self, message: str = "no ink stands out from the paper, or the picture is inverted") -> None:
        super().__init__(message)


def check_grey(image: NDArray[Any]) -> None:
    """Raise ValueError unless an array is a grey uint8 image of at least 2 x 2 pixels."""
    if image.ndim != 2 or image.dtype != np.uint8 or min(image.shape) < 2:
        raise ValueError(f"expected a grey uint8 image, got shape {image.shape} and type {image.dtype}")


def greyscale(image: NDArray[np.uint8]) -> Grey:
    """Return the luma of an image in colour; a grey one comes back as it is.

    Args:
        image: uint8, shape ``(h, w)``, or ``(h, w, 3)``, RGB.

    Raises:
        ValueError: If it is neither.

    Source:
        ITU-R BT.601, luma from R, G and B.
    """
    if image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8 and min(image.shape[:2]) >= 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    if image.ndim != 2 or image.dtype != np.uint8 or min(image.shape) < 2:
        raise ValueError(f"expected a grey or RGB uint8 image, got shape {image.shape} and type {image.dtype}")
    return image


def limit_size(image: Grey, longest: int = LONGEST) -> Grey:
    """Return an image whose longer side is at most so many pixels; pixels are averaged."""
    side = max(image.shape)
    if side <= longest:
        return image
    shrink = longest / side
    size = (max(2, round(image.shape[1] * shrink)), max(2, round(image.shape[0] * shrink)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def denoise(image: Grey, *, contrast: float = 22.0) -> Grey:
    """Return an image in which grey levels that differ by less than about `contrast` are averaged with neighbours.

    Strokes of a single pixel stay, which a median would take away.

    Source:
        Tomasi, Manduchi (1998), "Bilateral filtering for gray and color images", ICCV.
    """
    return cv2.bilateralFilter(image, 5, contrast, 1.6)


def level_paper(image: Grey) -> Grey:
    """Return the ink of an image: what is darker than the paper round it.

    The paper is what remains when dark lines are closed away and the rest is smoothed. Beyond its edge the image is
    taken to go on as it ends: a shadow in a corner is then as wide as any other, and is not closed away like a line.
    """
    wide, ink = pixels.bordered(np.ascontiguousarray(image)), np.empty(image.shape, np.uint8)
    pixels.level_into(wide, pixels.paper_of(wide), ink)
    return ink


def without_edges(image: Grey) -> Grey:
    """Return an image without the dark edges of a scan: bars and wedges that begin in a corner become paper."""
    return np.asarray(pixels.without_edges(np.ascontiguousarray(image)))


def otsu(ink: Grey) -> tuple[float, float]:
    """Return a threshold between paper and ink (or ink and paper), and the mean level above it.

    Source:
        Otsu (1979), "A threshold selection method from gray-level histograms". Differs: his cut may lie anywhere
        between two levels (0 for a bilevel scan); the middle of the means of its two sides does not.
    """
    return cast("tuple[float, float]", pixels.otsu_of(np.ascontiguousarray(ink)))


def ink_of(image: Grey) -> tuple[Grey, float, float]:
    """Return the ink (0 = paper, 255 = full) of a grey image, a threshold between both, and the mean ink above it."""
    ink = level_paper(image)
    return ink, *otsu(ink)


def global_mask(ink: Grey, threshold: float) -> Grey:
    """Return where there is more ink than 0.7 of a threshold: faint ends of strokes count."""
    mask = np.empty(ink.shape, np.uint8)
    pixels.mask_into(np.ascontiguousarray(ink), threshold, mask)
    return mask


def sauvola(image: Grey, *, window: int, k: float = 0.2, spread: float = 128.0) -> NDArray[np.float32]:
    """Return a threshold for every pixel of a grey image, shape ``(h, w)``: what is darker is ink.

    Args:
        image: Grey image.
        window: Side of the square that means and standard deviations are taken over, in px, odd.
        k: How far below the local mean the threshold lies where there is no contrast.
        spread: Standard deviation at which the threshold reaches the local mean, in grey levels.

    Source:
        Sauvola, Pietikainen (2000), "Adaptive document image binarization", Pattern Recognition 33, eq. 5.
    """
    mean = cv2.boxFilter(image, cv2.CV_32F, (window, window), borderType=cv2.BORDER_REFLECT_101)
    square_mean = cv2.sqrBoxFilter(image, cv2.CV_32F, (window, window), borderType=cv2.BORDER_REFLECT_101)
    deviation = cv2.sqrt(cv2.max(square_mean - mean * mean, 0.0))
    return np.asarray(mean * (1.0 + k * (deviation / spread - 1.0)), dtype=np.float32)


def local_mask(ink: Grey, core: float) -> Grey:
    """Return where ink is darker than Sauvola's threshold, after its mean level was brought to full.

    Args:
        ink: From `level_paper`.
        core: Mean level of what is ink for sure, from `otsu`.
    """
    dark = cv2.bitwise_not(cv2.convertScaleAbs(ink, alpha=255.0 / max(core, 1.0)))
    window = max(15, min(ink.shape) // 4) | 1
    return (dark < sauvola(dark, window=window)).view(np.uint8)


@functools.cache
def square(side: int) -> Grey:
    """Return a square of ones, for morphology and counting."""
    return np.ones((side, side), np.uint8)
