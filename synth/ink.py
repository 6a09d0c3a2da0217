"""Pens and ink: a trajectory becomes a raster of light transmitted by the paper, 1 = no ink.

Strokes are capsules of varying width, antialiased by their exact coverage across the stroke. A later pass
over an inked pixel multiplies, so crossings are darker; within one pass they do not. Width and darkness
follow pressure and speed only relative to their own mean over the act, so that a slow forger does not
leave a thicker or a darker line on average.
"""

import math
from typing import Any

import numpy as np

from .kernels import kernel


@kernel
def ink_bounds(samples: Any, n: int) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top of the inked part of a trajectory, in mm."""
    left, bottom, right, top = 1e9, 1e9, -1e9, -1e9
    for i in range(n):
        if samples[i, 3] > 0.0:
            left, right = min(left, samples[i, 0]), max(right, samples[i, 0])
            bottom, top = min(bottom, samples[i, 1]), max(top, samples[i, 1])
    return left, bottom, right, top


@kernel
def line_factors(samples: Any, n: int, pen: Any, factors: Any) -> None:
    """Write width and darkness of each sample relative to the act's mean into `factors`, ``(n, 2)``.

    Both average to 1 over the inked path length.
    """
    length, pressure = 1e-9, 0.0
    inked = 0
    for i in range(1, n):
        if samples[i, 3] > 0.0:
            step = math.hypot(samples[i, 0] - samples[i - 1, 0], samples[i, 1] - samples[i - 1, 1])
            length, pressure, inked = length + step, pressure + step * samples[i, 3], inked + 1
    mean_pressure, mean_step = max(pressure / length, 1e-6), length / max(inked, 1)
    width, darkness = 1e-9, 1e-9
    for i in range(n):
        j = max(i - 1, 0)
        step = math.hypot(samples[i, 0] - samples[j, 0], samples[i, 1] - samples[j, 1])
        p, v = samples[i, 3] / mean_pressure - 1.0, min(step / mean_step, 2.5) - 1.0
        factors[i, 0] = min(max(1.0 + pen.width_pressure * p - pen.width_speed * v, 0.35), 1.8)
        factors[i, 1] = min(max(1.0 + pen.darkness_pressure * p - pen.darkness_speed * v, 0.15), 1.8)
        if samples[i, 3] > 0.0:
            width, darkness = width + step * factors[i, 0], darkness + step * factors[i, 1]
    for i in range(n):
        factors[i, 0] *= length / width
        factors[i, 1] *= length / darkness


@kernel
def hashed(x: int, y: int, seed: Any) -> Any:
    """Return a 32-bit hash of a pixel and a seed: grain and noise without any state."""
    # numba multiplies 32-bit words into 64 bits: cut back at every step
    h = np.uint32(np.uint32(x) * np.uint32(0x85EBCA6B) ^ np.uint32(y) * np.uint32(0xC2B2AE35) ^ np.uint32(seed))
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x7FEB352D))
    h ^= h >> np.uint32(15)
    h = np.uint32(h * np.uint32(0x846CA68B))
    return h ^ (h >> np.uint32(16))


@kernel
def draw_ink(samples: Any, n: int, px_per_mm: float, turn: float, pen: Any, grain_seed: Any, light: Any) -> None:
    """Draw a trajectory centred on a raster, y up on the page.

    Args:
        samples: Rows of x mm, y mm, t s, pressure, shape ``(>= n, 4)``.
        n: How many count.
        px_per_mm: Resolution.
        turn: Rotation of the page, in rad.
        pen: Record of `config.Pen`.
        grain_seed: 32-bit seed of the paper grain.
        light: Output, float32, shape ``(height, width)``: transmitted light in [0, 1].
    """
    height, width = light.shape
    factors = np.empty((n, 2))
    line_factors(samples, n, pen, factors)
    left, bottom, right, top = ink_bounds(samples, n)
    cx, cy, cos, sin = 0.5 * (left + right), 0.5 * (bottom + top), math.cos(turn), math.sin(turn)
    pass_ink = np.zeros((height, width), dtype=np.float32)  # ink of the current pass
    pass_arc = np.zeros((height, width), dtype=np.float32)  # where along the path it was laid, in px
    light[:] = 1.0
    arc, started = 0.0, False
    ax, ay, aw, ad = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        if samples[i, 3] <= 0.0:
            started, arc = False, arc + 1e4
            continue
        x, y = samples[i, 0] - cx, samples[i, 1] - cy
        bx = 0.5 * width + px_per_mm * (cos * x - sin * y)
        by = 0.5 * height - px_per_mm * (sin * x + cos * y)
        bw = 0.5 * max(pen.width_mm * px_per_mm, 1.0) * factors[i, 0]
        bd = min(pen.darkness * factors[i, 1], 0.98)
        if not started:
            ax, ay, aw, ad, started = bx, by, bw, bd, True
        step = math.hypot(bx - ax, by - ay)
        last = i + 1 == n or samples[i + 1, 3] <= 0.0
        if step < 1.0 and not last:
            continue
        _capsule(ax, ay, aw, ad, bx, by, bw, bd, arc, pen.grain, grain_seed, pass_ink, pass_arc, light)
        ax, ay, aw, ad, arc = bx, by, bw, bd, arc + step
    for r in range(height):
        for c in range(width):
            light[r, c] *= 1.0 - pass_ink[r, c]


@kernel
def _capsule(
    ax: float,
    ay: float,
    aw: float,
    ad: float,
    bx: float,
    by: float,
    bw: float,
    bd: float,
    arc: float,
    grain: float,
    grain_seed: Any,
    pass_ink: Any,
    pass_arc: Any,
    light: Any,
) -> None:
    """Lay one piece of line, half-widths aw to bw and darkness ad to bd, starting at path length `arc`."""
    height, width = light.shape
    reach = max(aw, bw) + 1.0
    c0, c1 = max(int(min(ax, bx) - reach), 0), min(int(max(ax, bx) + reach) + 1, width)
    r0, r1 = max(int(min(ay, by) - reach), 0), min(int(max(ay, by) + reach) + 1, height)
    dx, dy = bx - ax, by - ay
    squared = max(dx * dx + dy * dy, 1e-12)
    length = math.sqrt(squared)
    for r in range(r0, r1):
        py = r + 0.5 - ay
        for c in range(c0, c1):
            px = c + 0.5 - ax
            u = min(max((px * dx + py * dy) / squared, 0.0), 1.0)
            half = aw + u * (bw - aw)
            off_x, off_y = px - u * dx, py - u * dy
            distance = off_x * off_x + off_y * off_y
            if distance >= (half + 0.5) * (half + 0.5):
                continue
            distance = math.sqrt(distance)
            covered = min(max(0.5 + half - distance, 0.0), 1.0) - min(max(0.5 - half - distance, 0.0), 1.0)
            ink = covered * (ad + u * (bd - ad))
            if grain > 0.0:
                ink *= 1.0 - grain * (hashed(c, r, grain_seed) & np.uint32(0xFFFF)) / 65536.0
            here = arc + u * length
            if pass_ink[r, c] > 0.0 and here - pass_arc[r, c] > 4.0 * half + 4.0:
                light[r, c] *= 1.0 - pass_ink[r, c]
                pass_ink[r, c] = 0.0
            pass_ink[r, c] = max(pass_ink[r, c], ink)
            pass_arc[r, c] = here
