"""Whether an image holds any ink at all: a coarse look, so that blank files are named rather than scored."""

import cv2
import numpy as np
from numpy.typing import NDArray

INK_CONTRAST = 24  # grey levels between a stroke and the paper around it
MIN_INK_SHARE = 2e-4  # of the image; a signature alone on a full page covers ten times as much
_CHECK_SIDE = 1024


def ink_fault(image: NDArray[np.uint8]) -> str:
    """Return why an image holds no dark ink on light paper, or an empty string if it does.

    A pixel is ink if it is ``INK_CONTRAST`` darker than the paper around it, so that shadows, tinted
    paper and noise do not count.

    Args:
        image: Grey pixels, shape ``(height, width)``.

    Returns:
        A few words, or ``""``.
    """
    scale = min(1.0, _CHECK_SIDE / max(image.shape))
    height, width = (max(1, round(side * scale)) for side in image.shape)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) if scale < 1 else image
    window = max(15, max(small.shape) // 8) | 1
    paper = cv2.medianBlur(small, window).astype(np.int16)
    difference = cv2.GaussianBlur(small, (3, 3), 0).astype(np.int16) - paper
    least = max(8, MIN_INK_SHARE * small.size)
    dark, light = int(np.sum(difference <= -INK_CONTRAST)), int(np.sum(difference >= INK_CONTRAST))
    if max(dark, light) < least:
        return "blank: no ink found"
    return "light marks on dark paper: turn it round first" if light > 4 * dark else ""
