"""Baselines that learn nothing: features whose cosine is a score (pixels, gradient histograms), and time warping.

Every results table shows them, because a verifier that cannot beat them has learnt nothing. They take
ink images as the networks do; preprocessing (Otsu, cropping, centring the ink) is in `preprocess.py`.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .trajectories import real_rows

Images = NDArray[np.floating] | Sequence[NDArray[np.floating]]
PIXEL_SHAPE = (24, 48)  # height, width
HOG_SHAPE = (64, 128)
HOG_CELL = 8
HOG_BLUR = 0.7  # standard deviation in pixels of HOG_SHAPE


def _resized(images: Images, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return images averaged over blocks (enlarged: interpolated) to ``shape``, ``(n, *shape)``."""
    if len(images) == 0:
        raise ValueError("need at least one image")
    made = np.empty((len(images), *shape), dtype=np.float32)
    for i, image in enumerate(images):
        ink = np.asarray(image, dtype=np.float32)
        if ink.ndim != 2 or ink.size == 0:
            raise ValueError(f"image {i}: need shape (height, width), got {ink.shape}")
        if not (ink.min() >= 0 and ink.max() <= 1):
            raise ValueError(f"image {i}: need ink from 0 (paper) to 1, got {ink.min():g} to {ink.max():g}")
        made[i] = cv2.resize(ink, shape[::-1], interpolation=cv2.INTER_AREA)
    return made


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows ``(n, d)`` scaled to length 1; a row of zeros (a blank image) stays."""
    lengths: NDArray[np.float32] = np.linalg.norm(features, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    return features / lengths


def pixel_features(images: Images) -> NDArray[np.float32]:
    """Return coarse pixels less their mean, length 1: their cosine is the correlation of two images.

    The image is stretched to 24 x 48, so its own height and width do not show.

    Args:
        images: Ink images, 0 (paper) to 1, shape ``(n, height, width)``, or a list of any sizes.

    Returns:
        Shape ``(n, 1152)``; zeros for a blank image.

    Raises:
        ValueError: If there is no image, or one is not a finite 2-d array in [0, 1].
    """
    pixels = _resized(images, PIXEL_SHAPE).reshape(len(images), -1)
    return _unit(pixels - pixels.mean(axis=1, keepdims=True))


def hog_features(images: Images) -> NDArray[np.float32]:
    """Return histograms of oriented gradients, length 1, after a resize to 64 x 128 and a light blur.

    9 orientations, 8 x 16 cells of 8 x 8 pixels, blocks of 2 x 2 cells. Images are averaged down first, so
    the cost (a few ms each) hardly grows with their size; a cell is 12 x 12 pixels of a 96 x 192 image.

    Args:
        images: Ink images, 0 (paper) to 1, shape ``(n, height, width)``, or a list of any sizes.

    Returns:
        Shape ``(n, 3780)``; zeros for a blank image.

    Raises:
        ValueError: If there is no image, or one is not a finite 2-d array in [0, 1].

    Source:
        Dalal, Triggs (2005), "Histograms of oriented gradients for human detection", CVPR. Differs:
        blurred first, no window search. For signatures: Yilmaz et al. (2011), "Offline signature
        verification using classifier combination of HOG and LBP features", IJCB.
    """
    from skimage.feature import hog

    small = _resized(images, HOG_SHAPE)
    cells = (HOG_CELL, HOG_CELL)
    rows = [
        hog(
            cv2.GaussianBlur(image, (0, 0), HOG_BLUR),
            orientations=9,
            pixels_per_cell=cells,
            cells_per_block=(2, 2),
        )
        for image in small
    ]
    return _unit(np.asarray(rows, dtype=np.float32))


def dtw_distances(
    references: Sequence[NDArray[np.floating]], questioned: Sequence[NDArray[np.floating]], *, window: float = 0.1
) -> NDArray[np.float32]:
    """Return dynamic-time-warping distances of sequences, each over the length of its path.

    Args:
        references: Feature rows of each, shape ``(n, d)``, n free, 1 or more (padding cut off).
        questioned: The same, of the same d.
        window: How far the path may stray from the diagonal, as a share of the sequences' length, 0 to 1.

    Returns:
        Shape ``(n_references, n_questioned)``, 0 or above: the mean Euclidean distance of matched rows. A score is
        minus this.

    Raises:
        ValueError: If there is no sequence, rows differ in length, or a number is not finite.

    Source:
        Sakoe, Chiba (1978), "Dynamic programming algorithm optimization for spoken word recognition", eq. 8 with
        the symmetric form (diagonal steps weigh 2), normalised by n + m.
    """
    if len(references) == 0 or len(questioned) == 0:
        raise ValueError("need at least one reference and one questioned sequence")
    if not 0 <= window <= 1:
        raise ValueError(f"window is {window!r}; it is a share from 0 to 1, such as 0.1")
    rows = [[np.ascontiguousarray(x, dtype=np.float64) for x in group] for group in (references, questioned)]
    for sequence in (*rows[0], *rows[1]):
        if sequence.ndim != 2 or len(sequence) == 0 or sequence.shape[1] != rows[0][0].shape[1]:
            raise ValueError(f"need sequences of shape (n, {rows[0][0].shape[-1]}), got {sequence.shape}")
        if not np.isfinite(sequence).all():
            raise ValueError("a sequence holds numbers that are NaN or infinite")
    warp = _warp()
    return np.array([[warp(a, b, window) for b in rows[1]] for a in rows[0]], dtype=np.float32)


def dtw_scores(
    references: Sequence[NDArray[np.floating]], questioned: Sequence[NDArray[np.floating]]
) -> NDArray[np.float32]:
    """Return scores of trajectories' features, ``(n_references, n_questioned)``, higher = more likely genuine.

    Args:
        references: What ``trajectories.features`` returned, padding and all.
        questioned: The same.
    """
    cut = [[real_rows(np.asarray(x)) for x in group] for group in (references, questioned)]
    return -dtw_distances(*cut)


@functools.cache
def _warp() -> Any:
    """Return the compiled kernel; compiling waits until it is needed."""
    from synth.kernels import kernel

    return kernel(_warped)


def _warped(a: Any, b: Any, window: float) -> float:
    n, m = a.shape[0], b.shape[0]
    reach = window + 1.0 / min(n, m)  # at least one step, so that a path exists
    before = np.full(m + 1, np.inf)
    before[0] = 0.0
    for i in range(1, n + 1):
        row = np.full(m + 1, np.inf)
        first, last = max(1, math.ceil(m * (i / n - reach) - 1e-9)), min(m, math.floor(m * (i / n + reach) + 1e-9))
        for j in range(first, last + 1):
            cost = 0.0
            for k in range(a.shape[1]):
                cost += (a[i - 1, k] - b[j - 1, k]) ** 2
            cost = math.sqrt(cost)
            row[j] = min(before[j - 1] + 2.0 * cost, before[j] + cost, row[j - 1] + cost)
        before = row
    return float(before[m] / (n + m))
