"""Slightly turned, sheared and bent copies of a canvas, to ask a verifier several times about one signature.

A signature keeps its label under them: they stay within what one hand does from act to act. They depend on the seed
and the number of the copy alone, so every image of one call is bent alike, whatever its company.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from .steps_canvas import kept_inside

TURN_DEG, SHEAR, ASPECT, BEND = 1.5, 0.025, 0.02, 0.012
"""Largest turn in degrees, shear, change of aspect, and shift of a place as a share of the height."""


def perturb(canvases: NDArray[np.uint8], *, copy: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return a perturbed copy of every canvas; copy 0 is the canvases as they are.

    Args:
        canvases: Dark ink on white, uint8, shape ``(n, height, width)``.
        copy: Number of the copy, 0 or above.
        seed: Seed of all copies, 0 or above.

    Raises:
        BlankImage: If a canvas holds no ink.
        ValueError: If copy or seed is negative.
    """
    if copy < 0 or seed < 0:
        raise ValueError(f"copy is {copy} and seed {seed}; use 0 or above")
    if copy == 0:
        return canvases
    height, width = canvases.shape[1:]
    down, across = math.ceil(0.15 * height), math.ceil(0.1 * width)
    columns, rows = _places(height + 2 * down, width + 2 * across, height, copy, seed)
    made = []
    for canvas in canvases:
        padded = cv2.copyMakeBorder(canvas, down, down, across, across, cv2.BORDER_CONSTANT, value=255)
        bent = cv2.remap(padded, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        made.append(kept_inside(bent, height, width))
    return np.stack(made) if made else canvases


def _places(
    height: int, width: int, unit: int, copy: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the column and row that each pixel of a copy is taken from, each of shape ``(height, width)``."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(copy,)))
    turn, shear, aspect = rng.uniform(-1.0, 1.0, 3) * (math.radians(TURN_DEG), SHEAR, ASPECT)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y - 0.5 * (height - 1), x - 0.5 * (width - 1)
    x, y = x * math.exp(aspect), y * math.exp(-aspect)
    x, y = x + shear * y, y
    x, y = math.cos(turn) * x - math.sin(turn) * y, math.sin(turn) * x + math.cos(turn) * y
    bends = rng.uniform(-BEND * unit, BEND * unit, (2, 4, 7)).astype(np.float32)
    across, down = (cv2.resize(bend, (width, height), interpolation=cv2.INTER_CUBIC) for bend in bends)
    columns, rows = x + 0.5 * (width - 1) + across, y + 0.5 * (height - 1) + down
    return columns.astype(np.float32), rows.astype(np.float32)
