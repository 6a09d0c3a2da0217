"""What a pen does along and across its line, and the named pens: ballpoint, gel, fountain, felt, pencil, stylus.

Everything here is drawn from an act's own key and from the path length, never from who writes.
"""

import math
from typing import Any

import numpy as np

from .config import Pen, Spread
from .kernels import kernel

GRAIN_MM = 0.085
"""Size of the hills of the paper that hold a pen off."""
_PASSED, _SKIPPED, _GOOP_AT, _TURNED, _COUNT, _WAS_X, _WAS_Y = range(7)
N_FLOW = 7
"""Numbers that a pen carries along a line: see `start_flow`."""


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
def height_at(x: int, y: int, seed: Any) -> Any:
    """Return the height of the paper at a point of its lattice, float32 in [0, 1)."""
    return np.float32(np.int32(hashed(x, y, seed) & np.uint32(0xFFFF))) * np.float32(1.0 / 65536.0)


@kernel
def paper_height(x: float, y: float, seed: Any) -> Any:
    """Return the height of the paper between the points of its lattice, float32 in [0, 1)."""
    i, j = int(x), int(y)
    u, v = np.float32(x - i), np.float32(y - j)
    above = height_at(i, j, seed) * (np.float32(1.0) - u) + height_at(i + 1, j, seed) * u
    below = height_at(i, j + 1, seed) * (np.float32(1.0) - u) + height_at(i + 1, j + 1, seed) * u
    return above * (np.float32(1.0) - v) + below * v


@kernel
def _along(place: float, lane: int, seed: Any) -> float:
    """Return smooth noise in [0, 1) along a line; one independent noise per lane."""
    i = math.floor(place)
    u = place - i
    u = u * u * (3.0 - 2.0 * u)
    return (1.0 - u) * height_at(i, lane, seed) + u * height_at(i + 1, lane, seed)


@kernel
def start_flow(flow: Any) -> None:
    """Put a pen down: a fresh line begins, and only the count of reversals and the length skipped over go on."""
    flow[_PASSED], flow[_GOOP_AT], flow[_TURNED], flow[_WAS_X], flow[_WAS_Y] = 0.0, -9.0, 0.0, 0.0, 0.0


@kernel
def ink_flow(pen: Any, flow: Any, dx: float, dy: float, seed: Any) -> tuple[float, float]:
    """Return factors of width and darkness where a pen gets to by a step of (dx, dy) mm.

    A start blob fades within 0.3 mm. After a reversal a ball may drop the ink it gathered (goop) 0.2 to 0.8 mm
    further on. Skips are where smooth noise along the line is low.
    """
    moved = math.sqrt(dx * dx + dy * dy)
    if moved <= 0.0 or pen.blob + pen.goop + pen.skip == 0.0:
        return 1.0, 1.0
    was_x, was_y = flow[_WAS_X], flow[_WAS_Y]
    flow[_WAS_X], flow[_WAS_Y] = dx / moved, dy / moved
    flow[_PASSED] += moved
    flow[_SKIPPED] += moved
    wider, darker = 1.0, 1.0
    if pen.blob > 0.0 and flow[_PASSED] < 1.0:
        fresh = math.exp(-((flow[_PASSED] / 0.3) ** 2))
        wider, darker = 1.0 + 0.5 * pen.blob * fresh, 1.0 + pen.blob * fresh
    if pen.goop > 0.0:
        turned = abs(was_x * flow[_WAS_Y] - was_y * flow[_WAS_X])  # about the angle, without its arc tangent
        ahead = was_x * flow[_WAS_X] + was_y * flow[_WAS_Y]  # exactly 0 where the line begins
        bend = turned if ahead >= 0.0 else 2.0 - turned
        flow[_TURNED] = flow[_TURNED] / (1.0 + 2.0 * moved) + bend
        if flow[_TURNED] > 1.5 and flow[_PASSED] > flow[_GOOP_AT] + 0.6:
            flow[_COUNT], flow[_TURNED] = flow[_COUNT] + 1.0, 0.0
            if height_at(int(flow[_COUNT]), 101, seed) < pen.goop:
                flow[_GOOP_AT] = flow[_PASSED] + 0.2 + 0.6 * height_at(int(flow[_COUNT]), 102, seed)
        near = (flow[_PASSED] - flow[_GOOP_AT]) / 0.16
        if abs(near) < 3.0:
            size = (0.4 + 0.6 * height_at(int(flow[_COUNT]), 103, seed)) * math.exp(-near * near)
            wider, darker = wider + 0.55 * size, darker + 0.7 * size
    if pen.skip > 0.0:
        gap = _along(flow[_SKIPPED] / pen.skip_mm, 104, seed)
        depth = (0.06 + pen.skip - gap) * 10.0
        if depth > 0.0:
            darker *= 1.0 - 0.75 * min(depth, 1.0)
    return wider, darker


@kernel
def streak(pen: Any, across: Any, place_mm: float, seed: Any) -> Any:
    """Return the factor of ink at a place across the line (-1 to 1) and along it: rim and thin lighter streaks."""
    side = abs(across)
    value = 1.0 + pen.rim * (side * side * side * side - 0.3)
    if pen.striation > 0.0:
        lane = math.floor(2.4 * (across + 1.0) + 1.3 * _along(place_mm / 3.0, 105, seed))
        thin = _along(place_mm / 1.1, 200 + lane, seed)
        value *= 1.0 - pen.striation * min(max((thin - 0.5) * 4.0, 0.0), 1.0)
    return np.float32(value)


def _between(a: float, b: float) -> Spread:
    return Spread("uniform", a, b)


PENS: dict[str, Pen] = {
    "ballpoint": Pen(
        width_mm=Spread("loguniform", 0.2, 0.45),
        darkness=_between(0.62, 0.95),
        width_pressure=_between(0.05, 0.35),
        width_speed=_between(0.0, 0.1),
        darkness_pressure=_between(0.3, 0.9),
        darkness_speed=_between(0.05, 0.3),
        grain=_between(0.2, 0.55),
        gate=_between(0.0, 0.35),
        blob=_between(0.0, 0.5),
        goop=_between(0.0, 0.45),
        skip=_between(0.0, 0.12),
        skip_mm=Spread("loguniform", 0.3, 1.5),
        striation=_between(0.15, 0.7),
        soft_mm=_between(0.02, 0.06),
    ),
    "gel": Pen(
        width_mm=Spread("loguniform", 0.3, 0.6),
        darkness=_between(0.85, 0.98),
        width_pressure=_between(0.02, 0.15),
        darkness_pressure=_between(0.05, 0.3),
        darkness_speed=_between(0.0, 0.12),
        grain=_between(0.0, 0.12),
        blob=_between(0.0, 0.2),
        rim=_between(0.0, 0.2),
        soft_mm=_between(0.04, 0.09),
    ),
    "fountain": Pen(
        width_mm=Spread("loguniform", 0.35, 0.75),
        darkness=_between(0.62, 0.9),
        width_pressure=_between(0.1, 0.6),
        darkness_pressure=_between(0.1, 0.4),
        darkness_speed=_between(0.1, 0.4),
        grain=_between(0.0, 0.15),
        nib=_between(0.15, 0.65),
        nib_rad=_between(0.4, 1.1),
        blob=_between(0.05, 0.4),
        rim=_between(0.1, 0.35),
        soft_mm=_between(0.04, 0.09),
    ),
    "felt": Pen(
        width_mm=Spread("loguniform", 0.45, 0.9),
        darkness=_between(0.6, 0.92),
        width_pressure=_between(0.05, 0.3),
        darkness_pressure=_between(0.0, 0.2),
        darkness_speed=_between(0.05, 0.3),
        grain=_between(0.1, 0.35),
        skip=_between(0.0, 0.03),
        skip_mm=Spread("loguniform", 1.0, 3.0),
        striation=_between(0.1, 0.5),
        soft_mm=_between(0.06, 0.12),
    ),
    "pencil": Pen(
        width_mm=Spread("loguniform", 0.3, 0.6),
        darkness=_between(0.5, 0.8),
        width_pressure=_between(0.1, 0.4),
        darkness_pressure=_between(0.4, 0.9),
        darkness_speed=_between(0.0, 0.2),
        grain=_between(0.3, 0.5),
        gate=_between(0.6, 1.0),
        soft_mm=_between(0.08, 0.14),
    ),
    "stylus": Pen(
        width_mm=Spread("loguniform", 0.25, 0.55), width_pressure=_between(0.0, 0.4), darkness=Spread("fixed", 0.98)
    ),
}
"""Pens by name; each only a set of distributions over the fields of `config.Pen`."""
