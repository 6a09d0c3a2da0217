"""How paper became pixels: blur, shading, sensor noise, gamma or a bilevel threshold.

Every number is drawn afresh for each act, whoever signs.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from .ink import hashed


@njit(nogil=True, cache=True)
def blur(light: Any, sigma: float) -> None:
    """Blur a raster in place by a Gaussian of s.d. `sigma` (px), cut at one pixel; borders repeat."""
    if sigma <= 0.05:
        return
    side = math.exp(-0.5 / (sigma * sigma))
    middle, side = 1.0 / (1.0 + 2.0 * side), side / (1.0 + 2.0 * side)
    height, width = light.shape
    row = np.empty(width, dtype=np.float32)
    for r in range(height):
        for c in range(width):
            before, after = light[r, max(c - 1, 0)], light[r, min(c + 1, width - 1)]
            row[c] = middle * light[r, c] + side * (before + after)
        light[r] = row
    above = light[0].copy()
    for r in range(height):
        below = light[min(r + 1, height - 1)]
        for c in range(width):
            here = light[r, c]
            light[r, c] = middle * here + side * (above[c] + below[c])
            above[c] = here


@njit(nogil=True, cache=True)
def digitise(light: Any, capture: Any, bilevel: bool, seed: Any, image: Any) -> None:
    """Write the captured image, dark ink on light paper.

    Args:
        light: Transmitted light in [0, 1], shape ``(height, width)``; blurred in place.
        capture: Record of `config.Capture`.
        bilevel: Whether the scanner thresholds to black and white.
        seed: 32-bit seed of the sensor noise.
        image: Output, uint8, same shape.
    """
    height, width = light.shape
    blur(light, capture.blur_px)
    for r in range(height):
        for c in range(width):
            paper = capture.paper + capture.shade * (2.0 * c / width - 1.0 + r / height)
            value = paper * light[r, c] ** capture.gamma
            if capture.noise > 0.0:
                h = hashed(c, r, seed)
                total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
                total += ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
                value += capture.noise * (total - 510.0) / 147.8
            if bilevel:
                value = 255.0 if value > 0.55 * capture.paper else 0.0
            image[r, c] = np.uint8(min(max(value + 0.5, 0.0), 255.0))
