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
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(copy,)))
    turn, shear, aspect = rng.uniform(-1.0, 1.0, 3) * (math.radians(TURN_DEG), SHEAR, ASPECT)
    shifts = rng.uniform(-BEND * height, BEND * height, (2, 4, 7))
    columns, rows = warp_maps(
        height + 2 * down, width + 2 * across, turn=turn, shear=shear, aspect=aspect, shifts=shifts
    )
    made = []
    for canvas in canvases:
        padded = cv2.copyMakeBorder(canvas, down, down, across, across, cv2.BORDER_CONSTANT, value=255)
        bent = cv2.remap(padded, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=255)
        made.append(kept_inside(bent, height, width))
    return np.stack(made) if made else canvases


def warp_maps(
    height: int, width: int, *, turn: float, shear: float, aspect: float, shifts: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the column and row that each pixel of a warped image is taken from, each of shape ``(height, width)``.

    Args:
        height: Of the image, in px.
        width: The same.
        turn: Clockwise, in rad.
        shear: Columns per row.
        aspect: Natural logarithm of the narrowing across; as much growth down.
        shifts: Across and down at evenly spread places, in px, shape ``(2, n, m)``; smooth in between.

    Source:
        Shifts: Simard, Steinkraus, Platt (2003), "Best practices for convolutional neural networks applied to visual
        document analysis", ICDAR. Differs: cubic between some places instead of a smoothed random field.
    """
    x = np.arange(width, dtype=np.float32) - np.float32(0.5 * (width - 1))
    y = (np.arange(height, dtype=np.float32) - np.float32(0.5 * (height - 1)))[:, None]
    wide, tall, cos, sin = math.exp(aspect), math.exp(-aspect), math.cos(turn), math.sin(turn)
    columns, rows = (_smooth(shift.astype(np.float32), height, width) for shift in shifts)
    columns += np.float32(cos * wide) * x + np.float32(0.5 * (width - 1))
    columns += np.float32((cos * shear - sin) * tall) * y
    rows += np.float32(sin * wide) * x + np.float32(0.5 * (height - 1))
    rows += np.float32((sin * shear + cos) * tall) * y
    return columns, rows


def _smooth(shift: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return a coarse map at full size: cubic to an eighth, straight from there, which is several times faster."""
    middle = cv2.resize(shift, (max(16, width // 8), max(16, height // 8)), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(middle, (width, height), interpolation=cv2.INTER_LINEAR)
