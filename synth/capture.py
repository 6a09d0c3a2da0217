"""How paper became pixels: blur, shading, sensor noise, gamma or a bilevel threshold.

Every number is drawn afresh for each act, whoever signs.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .pens import hashed

_NOISE_ROWS, _RUN = 16384, 8192


def _noise_table() -> NDArray[np.int8]:
    """Return noise of s.d. 32, from sums of four bytes of hashed integers, longer by one run of a row."""
    words = np.arange(_NOISE_ROWS + _RUN, dtype=np.uint32) * np.uint32(0x9E3779B1)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        words = (words ^ (words >> np.uint32(shift))) * np.uint32(factor)
    total = (words ^ (words >> np.uint32(16))).view(np.uint8).reshape(-1, 4).sum(axis=1, dtype=np.int64)
    return np.clip(np.round((total - 510.0) * (32.0 / 147.8)), -127, 127).astype(np.int8)


NOISE = _noise_table()


@kernel
def blur(light: Any, sigma: float, top: int, bottom: int, left: int, right: int, out: Any) -> None:
    """Blur a box of a raster by a Gaussian of s.d. `sigma` (px), cut at one pixel; the raster's borders repeat.

    Args:
        light: float32, shape ``(height, width)``.
        sigma: In px.
        top: First row of the box.
        bottom: One past its last row.
        left: First column.
        right: One past its last column.
        out: Output, same shape as `light`; nothing is written outside the box.
    """
    height, width = light.shape
    side = math.exp(-0.5 / (sigma * sigma)) if sigma > 0.05 else 0.0
    middle = np.float32(1.0 / (1.0 + 2.0 * side))
    edge = np.float32(side) * middle
    first, last = max(left - 1, 0), min(right + 1, width)
    row = np.empty(last - first + 2, dtype=np.float32)  # one column more on either side, which repeats the border
    from_left, beyond = left - first, last - first + 1
    for r in range(top, bottom):
        here, above = light[r, first:last], light[max(r - 1, 0), first:last]
        below, target = light[min(r + 1, height - 1), first:last], out[r, left:right]
        for c in range(len(here)):
            row[c + 1] = middle * here[c] + edge * (above[c] + below[c])
        row[0], row[beyond] = row[1], row[beyond - 1]
        before, centre, after = row[from_left:], row[from_left + 1 :], row[from_left + 2 :]
        for c in range(len(target)):
            target[c] = middle * centre[c] + edge * (before[c] + after[c])


@kernel
def digitise(light: Any, touched: Any, capture: Any, bilevel: bool, darkness: float, seed: Any, image: Any) -> None:
    """Write the captured image, dark ink on light paper.

    The tone curve is x / (x + k (1 - x)), with k such that middle grey comes out as by the gamma of the capture.

    Args:
        light: Transmitted light in [0, 1], shape ``(height, width)``.
        touched: Rows and columns outside which all light is 1, as `ink.draw_ink` returns them.
        capture: Record of `config.Capture`.
        bilevel: Whether the scanner thresholds to black and white.
        darkness: Mean darkness of the ink, which such a scanner's threshold follows.
        seed: 32-bit seed of the sensor noise.
        image: Output, uint8, same shape.

    Source:
        Schlick (1994), "Fast alternatives to Perlin's bias and gain functions", eq. 3.
    """
    height, width = light.shape
    top, bottom = max(touched[0] - 1, 0), min(touched[1] + 1, height)
    left, right = max(touched[2] - 1, 0), min(touched[3] + 1, width)
    seen = np.empty(height * width, dtype=np.float32).reshape(height, width)
    blur(light, capture.blur_px, top, bottom, left, right, seen)
    zero, one, full, half = np.float32(0.0), np.float32(1.0), np.float32(255.0), np.float32(0.5)
    noise, curve = np.float32(capture.noise / 32.0), np.float32(2.0**capture.gamma - 1.0)
    mean_light = np.float32(1.0 - darkness)
    mean_tone = mean_light / (mean_light + curve * (one - mean_light))
    threshold = np.float32(capture.paper) * (one - np.float32(0.3) * (one - mean_tone))
    across, tone = np.float32(2.0 * capture.shade / width), np.ones(width, dtype=np.float32)
    for r in range(height):
        paper = np.float32(capture.paper + capture.shade * (r / height - 1.0))
        if top <= r < bottom:
            tinted, through = tone[left:right], seen[r, left:right]
            for c in range(len(through)):
                tinted[c] = through[c] / (through[c] + curve * (one - through[c]))
        elif r == bottom:
            for c in range(width):
                tone[c] = one
        begin = int(hashed(r, 0, seed)) % _NOISE_ROWS
        for first in range(0, width, _RUN):  # a wider row begins again in the table, and does not leave it
            grains, shown, row = NOISE[begin : begin + _RUN], tone[first : first + _RUN], image[r, first : first + _RUN]
            for c in range(len(row)):
                value = (paper + across * np.float32(np.int32(first + c))) * shown[c] + noise * np.float32(grains[c])
                if bilevel:
                    value = full if value > threshold else zero
                else:
                    value += half
                    value = zero if value < zero else full if value > full else value
                row[c] = np.uint8(value)
