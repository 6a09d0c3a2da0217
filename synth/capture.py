"""How paper became pixels: blur, shading, sensor noise, gamma or a bilevel threshold.

Every number is drawn afresh for each act, whoever signs.
"""

import math
from typing import Any

import numpy as np

from .ink import hashed
from .kernels import kernel


@kernel
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


@kernel
def digitise(light: Any, capture: Any, bilevel: bool, darkness: float, seed: Any, image: Any) -> None:
    """Write the captured image, dark ink on light paper.

    Args:
        light: Transmitted light in [0, 1], shape ``(height, width)``; blurred in place.
        capture: Record of `config.Capture`.
        bilevel: Whether the scanner thresholds to black and white.
        darkness: Mean darkness of the ink, which such a scanner's threshold follows.
        seed: 32-bit seed of the sensor noise.
        image: Output, uint8, same shape.
    """
    height, width = light.shape
    blur(light, np.float32(capture.blur_px))
    tone = np.empty(1025, dtype=np.float32)  # the gamma curve, read at 1/1024 steps
    for i in range(1025):
        tone[i] = (i / 1024.0) ** capture.gamma
    noise, threshold = (
        np.float32(capture.noise / 147.8),
        np.float32(capture.paper * (1.0 - 0.3 * (1.0 - (1.0 - darkness) ** capture.gamma))),
    )
    across = np.float32(2.0 * capture.shade / width)
    for r in range(height):
        paper = np.float32(capture.paper + capture.shade * (r / height - 1.0))
        for c in range(width):
            value = (paper + across * c) * tone[int(light[r, c] * np.float32(1024.0))]
            if noise > 0.0:
                h = hashed(c, r, seed)
                total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
                total += ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
                value += noise * (np.float32(total) - np.float32(510.0))
            if bilevel:
                value = np.float32(255.0) if value > threshold else np.float32(0.0)
            image[r, c] = np.uint8(min(max(value + np.float32(0.5), np.float32(0.0)), np.float32(255.0)))
