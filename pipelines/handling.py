"""What happens to a picture of a signature between pen and verifier: lines, dust, cuts, turns, stretches, thresholds.

Each takes a picture, dark ink on light paper, uint8, ``(h, w)``, and a generator of random numbers, and returns a new
one, of the same shape unless it says otherwise. Who signs is never asked: a forgery is handled as a genuine signature
is.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from . import steps_marks

Grey = NDArray[np.uint8]
Handling = Callable[[Grey, np.random.Generator], Grey]
DPI = 300.0
"""Resolution of the scans that this is done to where nothing else is said."""


def paper_of(image: Grey) -> NDArray[np.float64]:
    """Return the level of the paper, the median of a sample of rows; of each channel if there are several."""
    return np.median(image[:: max(1, len(image) // 24)], axis=(0, 1))


def untouched(image: Grey, rng: np.random.Generator) -> Grey:
    """Do nothing, so that what files of this size change is known apart from what was done to them."""
    return image.copy()


def turned(image: Grey, degrees: float = 5.0) -> Grey:
    """Return an image turned anticlockwise on a page large enough for it, the corners as light as its paper."""
    return steps_marks.turned(image, degrees, beyond=float(paper_of(image)))


def askew(image: Grey, rng: np.random.Generator) -> Grey:
    """Turn by up to 6 degrees either way; the page grows."""
    return turned(image, float(rng.uniform(-6.0, 6.0)))


def stretched(image: Grey, rng: np.random.Generator) -> Grey:
    """Stretch or shrink across by a factor of up to exp(0.1), as by resizing to one format; the width changes."""
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
    return fade(image, most * rng.random((5, 10)))


def fade(image: Grey, loss: NDArray[np.float64]) -> Grey:
    """Return a picture, grey or ``(h, w, channels)``, whose ink loses a share that a coarse map gives, smoothed."""
    keep = cv2.resize((1.0 - loss).astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    paper = paper_of(image)
    faint = paper + (image.astype(np.float32) - paper) * (keep if image.ndim == 2 else keep[..., None])
    return np.clip(faint + 0.5, 0, 255).astype(np.uint8)


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
    """Lose such a share of the ink's height or width at one side, as by a crop that is too tight.

    What is left is moved to that side, so that the shape stays. Grey, or ``(h, w, channels)``, all cut alike.
    """
    paper = paper_of(image)
    ink = paper - image if image.ndim == 2 else (paper - image).max(axis=2)
    axis, far = int(rng.integers(2)), bool(rng.integers(2))
    places = np.flatnonzero((ink > max(0.4 * ink.max(), 12.0)).any(axis=1 - axis))
    if not len(places):
        return image.copy()
    lost = max(1, round(float(rng.uniform(*share)) * (places[-1] - places[0])))
    away = image.shape[axis] - 1 - places[-1] + lost if far else -(places[0] + lost)
    move = np.array([[1, 0, away * (axis == 1)], [0, 1, away * (axis == 0)]], dtype=np.float32)
    beyond = tuple(np.atleast_1d(paper).tolist())
    moved = cv2.warpAffine(image, move, image.shape[1::-1], flags=cv2.INTER_NEAREST, borderValue=beyond)
    return np.asarray(moved, dtype=np.uint8)


HANDLING: dict[str, Handling] = {
    "untouched": untouched,
    "askew": askew,
    "stretched": stretched,
    "75 to 113 dpi": coarse,
    "thresholded": thresholded,
    "faded": faded,
    "printed line": lined,
    "dust": dusty,
    "cut off": cut_off,
}
"""What may have been done to a scan, by name."""
