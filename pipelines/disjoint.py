"""Parts of a data set must share nothing: no signer, no image, and no image that is another one scanned or saved again.

`splits.py` cuts a world, where signers are enough; files on disk repeat each other, and a copy across the cut would be
both learnt and judged.
"""

import hashlib
import itertools
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from .quality import likeness_of_copies

NEAR = 0.93
"""Correlation of two canvases from which they are copies: two acts of one hand stay below 0.92, and a copy scaled and
saved as JPEG again reaches 0.93 and usually 0.99; one of a few strokes may fall below."""
_COARSE, _SIZE, _MOST = 0.85, (32, 16), 5

Part = tuple[NDArray[np.str_], NDArray[np.uint8]]


def check_parts(parts: Mapping[str, Part]) -> None:
    """Raise if two parts share a signer, an image or a near-copy of one.

    Args:
        parts: By name: signers, shape ``(n,)``, and preprocessed canvases, shape ``(n, height, width)``.

    Raises:
        ValueError: Naming what is shared, and where.
    """
    for (one, first), (other, second) in itertools.combinations(parts.items(), 2):
        if both := sorted(set(first[0].tolist()) & set(second[0].tolist())):
            raise ValueError(f"{len(both)} signers are in {one} and {other}: {', '.join(both[:_MOST])}")
        if same := {_hash(c) for c in first[1]} & {_hash(c) for c in second[1]}:
            raise ValueError(f"{len(same)} images are in {one} and in {other}, pixel for pixel; leave one side out")
        if near := near_copies(first[1], second[1]):
            told = ", ".join(f"{first[0][i]} and {second[0][j]}" for i, j in near[:_MOST])
            raise ValueError(
                f"{len(near)} images of {one} are nearly identical to images of {other} (signers {told}): the same "
                "signature scanned or saved twice; leave one side out"
            )


def near_copies(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return pairs of places of images that are nearly identical, found coarsely first and then looked at.

    Args:
        first: Canvases, shape ``(n, height, width)``.
        second: Canvases, shape ``(m, height, width)``.
    """
    if not len(first) or not len(second):
        return []
    likely = np.argwhere(_thumbs(first) @ _thumbs(second).T >= _COARSE)
    return [(int(i), int(j)) for i, j in likely if likeness_of_copies(first[i], second[j]) >= NEAR]


def _thumbs(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = np.stack([cv2.resize(c, _SIZE, interpolation=cv2.INTER_AREA).ravel() for c in canvases]).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6))


def _hash(canvas: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(canvas).tobytes()).digest()
