"""What happens to a picture of a signature between pen and verifier: lines, dust, cuts, turns, stretches, thresholds.

Each takes a picture, dark ink on light paper, uint8, ``(h, w)``, and a generator of random numbers, and returns
another, of the same shape unless it says otherwise. Who signs is never asked: a forgery is handled as a genuine
signature is.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from . import steps_marks

Grey = NDArray[np.uint8]
Handled = Callable[[Grey, np.random.Generator], Grey]


def paper_of(image: Grey) -> int:
    """Return the level of the paper: the median of a sample of rows."""
    return int(np.median(image[:: max(1, len(image) // 24)]))


def turned(image: Grey, degrees: float = 5.0) -> Grey:
    """Return an image turned anticlockwise on a page large enough for it, the corners as light as its paper."""
    return steps_marks.turned(image, degrees, beyond=float(paper_of(image)))


def askew(image: Grey, rng: np.random.Generator) -> Grey:
    """Turn by up to 6 degrees either way; the page grows."""
    return turned(image, float(rng.uniform(-6.0, 6.0)))


def stretched(image: Grey, rng: np.random.Generator) -> Grey:
    """Stretch or shrink across by up to a tenth, as whoever resizes to one format does; the width changes."""
    wide = max(8, round(image.shape[1] * math.exp(rng.uniform(-0.1, 0.1))))
    way = cv2.INTER_AREA if wide < image.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (wide, image.shape[0]), interpolation=way), dtype=np.uint8)


def coarse(image: Grey, rng: np.random.Generator) -> Grey:
    """Shrink to between a quarter and three eighths, 75 to 113 dpi of 300."""
    share = rng.uniform(0.25, 0.375)
    size = [max(8, round(side * share)) for side in image.shape[::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thresholded(image: Grey, rng: np.random.Generator) -> Grey:
    """Bring to black and white at Otsu's threshold, up to 15 levels off."""
    threshold = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    return np.where(image > threshold + rng.uniform(-15.0, 15.0), 255, 0).astype(np.uint8)


def faded(image: Grey, rng: np.random.Generator, most: float = 0.85) -> Grey:
    """Fade ink in soft patches by a share of up to `most`, as where a pen runs dry."""
    keep = cv2.resize((1.0 - most * rng.random((5, 10))).astype(np.float32), image.shape[::-1])
    paper = paper_of(image)
    return np.clip(paper + (image.astype(np.float32) - paper) * keep + 0.5, 0, 255).astype(np.uint8)


def lined(image: Grey, rng: np.random.Generator, thick: tuple[float, float] = (1.5, 3.5)) -> Grey:
    """Print a line across, nearly level, in the lower half; grey or black, so many pixels thick.

    It lies beneath the ink: where both are, the darker one is seen.
    """
    height, width = image.shape
    middle, slope = height * rng.uniform(0.5, 0.95), rng.normal(0.0, 0.006)
    level, half = rng.uniform(30.0, 150.0), rng.uniform(*thick) / 2.0
    away = np.abs(np.arange(height)[:, None] - middle - slope * (np.arange(width) - width / 2.0))
    share = np.clip(half + 0.5 - away, 0.0, 1.0)  # of a pixel that the line covers
    return _darker(image, share, level)


def _darker(image: Grey, share: NDArray[np.float64], level: float) -> Grey:
    """Return a picture brought to a level, where it is lighter, in the share of each pixel."""
    return (image * (1.0 - share) + np.minimum(image, level) * share + 0.5).astype(np.uint8)


def dusty(
    image: Grey,
    rng: np.random.Generator,
    count: tuple[int, int] = (5, 24),
    radius: tuple[float, float] = (0.5, 3.0),
) -> Grey:
    """Sprinkle so many dark specks, of so many pixels' radius, anywhere."""
    found, (height, width) = image.copy(), image.shape
    for _ in range(int(rng.integers(count[0], count[1] + 1))):
        y, x, size = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(*radius)
        reach = size + 1.0
        rows = np.arange(max(math.floor(y - reach), 0), min(math.ceil(y + reach), height))[:, None]
        columns = np.arange(max(math.floor(x - reach), 0), min(math.ceil(x + reach), width))
        share = np.clip(size + 0.5 - np.hypot(rows - y, columns - x), 0.0, 1.0)
        found[rows, columns] = _darker(found[rows, columns], share, rng.uniform(0.0, 120.0))
    return found


def cut_off(image: Grey, rng: np.random.Generator, share: tuple[float, float] = (0.02, 0.08)) -> Grey:
    """Lose such a share of the ink's height or width at one side, as a crop that is too tight does.

    What is left is moved to that side, so that the shape stays.
    """
    ink = image < paper_of(image) - 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return image
    found, axis, far = image, int(rng.integers(2)), bool(rng.integers(2))
    places = (rows, columns)[axis]
    first = places[0] + round(float(rng.uniform(*share)) * (places[-1] - places[0]))
    last = places[-1] - (first - places[0])
    found = np.full_like(image, paper_of(image))
    if far:
        kept = image[: last + 1] if axis == 0 else image[:, : last + 1]
        into = found[len(image) - len(kept) :] if axis == 0 else found[:, image.shape[1] - kept.shape[1] :]
    else:
        kept = image[first:] if axis == 0 else image[:, first:]
        into = found[: len(kept)] if axis == 0 else found[:, : kept.shape[1]]
    into[...] = kept
    return found


HANDLING: dict[str, Handled] = {
    "askew": askew,
    "stretched": stretched,
    "75 to 113 dpi": coarse,
    "thresholded": thresholded,
    "faded": faded,
    "printed line": lined,
    "dust": dusty,
    "cut off": cut_off,
}
"""What may have been done to a scan of 300 dpi, by name."""
