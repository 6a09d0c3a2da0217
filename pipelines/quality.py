"""Whether an image can be a signature at all: refuse photographs and pages of text rather than score them.

The limits are coarse on purpose. They were set where synthetic signatures of every capture stay far on one side
and photographs, textures and printed pages on the other; a drawing of a few pen strokes passes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from .steps_marks import without_specks
from .steps_paper import MIN_CONTRAST, check_grey, global_mask, ink_of, limit_size

MOST_INK = 0.45
"""Largest share of dark pixels; signatures cropped tightly reach about 0.3."""
MOST_GREY = 0.30
"""Largest share of pixels between paper and stroke; the edges of strokes reach 0.23 in photographs of paper."""
MOST_OF_BOTH = 0.45
"""Largest sum of the two shares; signatures reach 0.4, photographs begin at 0.5."""
MOST_PARTS = 60
"""Most separate marks; a signature with dots and lifted letters reaches about 45, a page of text hundreds."""
_LONGEST = 900


class NoSignature(ValueError):
    """An image that cannot be a signature; the message says why."""


def signature_fault(image: NDArray[np.uint8]) -> str:
    """Return why an image cannot be a signature, or an empty string if it can.

    Args:
        image: Grey image, dark ink on light paper, uint8, shape ``(height, width)``.

    Returns:
        "blank: ...", "a photograph: ...", "a page of text: ...", or "".

    Raises:
        ValueError: If the image is not a grey uint8 image.
    """
    check_grey(image)
    ink, threshold, _ = ink_of(limit_size(image, _LONGEST))
    mask = global_mask(ink, threshold)
    if threshold < MIN_CONTRAST or not mask.any():
        return "blank: no ink stands out from the paper"
    share = float(mask.mean())
    if share > MOST_INK:
        return f"a photograph: {share:.0%} of it is dark, and a signature leaves most of its paper free"
    core = float(ink[ink > threshold].mean())
    grey = float(np.mean((ink > 0.2 * core) & (ink < 0.7 * core)))
    if grey > MOST_GREY or share + grey > MOST_OF_BOTH:
        return f"a photograph: {grey:.0%} of it is neither paper nor ink, and {share:.0%} dark"
    parts = _parts(mask)
    if parts > MOST_PARTS:
        return f"a page of text: {parts} separate marks; crop it to the signature"
    return ""


def _parts(mask: NDArray[np.uint8]) -> int:
    """Return how many marks there are that are no specks."""
    kept, _ = without_specks(mask)
    return int(cv2.connectedComponents(kept, connectivity=8)[0]) - 1


def likeness_of_copies(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the correlation of two preprocessed canvases, -1 to 1: two acts of one hand never come near 1.

    Args:
        a: Canvas, uint8, shape ``(height, width)``.
        b: Canvas of the same shape.
    """
    first, second = (cv2.GaussianBlur(x, (0, 0), 0.8).astype(np.float64).ravel() for x in (a, b))
    first, second = first - first.mean(), second - second.mean()
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / lengths if lengths > 0 else 0.0
