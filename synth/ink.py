"""Pens and ink: a trajectory becomes a raster of light transmitted by the paper, 1 = no ink.

Strokes are capsules of varying width, antialiased by their exact coverage across the stroke. A later pass
over an inked pixel multiplies, so crossings are darker; within one pass they do not. Width and darkness
follow pressure and speed only relative to their own mean over the act, so that a slow forger does not
leave a thicker or a darker line on average. What a pen does along its line (blobs, skips) changes the capsules;
what it does across it (streaks, rim, paper grain) is computed once per pixel from maps that the capsules leave.
"""

import math
from typing import Any

import numpy as np

from .kernels import kernel
from .pens import GRAIN_MM, N_FLOW, height_at, ink_flow, paper_height, start_flow, streak

_LANES = 8
PASS_PX = 32768.0
"""Path length between the beginnings of two pen-downs in the map `LAID`, so that it tells them apart."""
WET, LAID, DRY, ACROSS = range(4)
"""Maps of `draw_ink`: ink of the last pass, where along the path it was laid (px), light through the passes before,
and where across the line (-1 to 1)."""
STRIDE = _LANES
"""How much longer a row of a map is than a row of the image."""


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
    steps, length, pressure, inked = np.zeros(n), 1e-9, 0.0, 0
    for i in range(1, n):
        steps[i] = math.sqrt((samples[i, 0] - samples[i - 1, 0]) ** 2 + (samples[i, 1] - samples[i - 1, 1]) ** 2)
        if samples[i, 3] > 0.0:
            length, pressure, inked = length + steps[i], pressure + steps[i] * samples[i, 3], inked + 1
    mean_pressure, mean_step = max(pressure / length, 1e-6), length / max(inked, 1)
    width, darkness = 1e-9, 1e-9
    for i in range(n):
        step, p = steps[i], samples[i, 3] / mean_pressure - 1.0
        v = min(step / mean_step, 2.5) - 1.0
        factors[i, 0] = min(max(1.0 + pen.width_pressure * p - pen.width_speed * v, 0.35), 1.8)
        if pen.nib > 0.0 and step > 1e-9:  # a broad nib is thin along its own edge
            dx, dy = samples[i, 0] - samples[i - 1, 0], samples[i, 1] - samples[i - 1, 1]
            across = abs(dy * math.cos(pen.nib_rad) - dx * math.sin(pen.nib_rad)) / step
            factors[i, 0] *= 1.0 - pen.nib + pen.nib * across
        factors[i, 1] = min(max(1.0 + pen.darkness_pressure * p - pen.darkness_speed * v, 0.15), 1.8)
        if samples[i, 3] > 0.0:
            width, darkness = width + step * factors[i, 0], darkness + step * factors[i, 1]
    for i in range(n):
        factors[i, 0] *= length / width
        factors[i, 1] *= length / darkness


@kernel
def draw_ink(
    samples: Any, n: int, px_per_mm: float, turn: float, pen: Any, seed: Any, light: Any, maps: Any, touched: Any
) -> None:
    """Draw a trajectory centred on a raster, y up on the page.

    Between two samples the pen follows a cubic that keeps its speed at both (Catmull and Rom 1974), cut into
    pieces of about the width of the line.

    Args:
        samples: Rows of x mm, y mm, t s, pressure, shape ``(>= n, 4)``.
        n: How many count.
        px_per_mm: Resolution.
        turn: Rotation of the page, in rad.
        pen: Record of `config.Pen`.
        seed: 32-bit seed of the paper grain and of what the pen does by chance.
        light: Output, float32, shape ``(height, width)``: transmitted light in [0, 1].
        maps: Output, float32, shape ``(4, height * (width + STRIDE))``, see `WET` to `ACROSS`.
        touched: Output, int64, shape ``(4,)``: the first row with ink, one past the last, the same of columns.
    """
    height, width = light.shape
    factors, points = np.empty((n, 2)), np.empty((n, 2))
    line_factors(samples, n, pen, factors)
    left, bottom, right, top = ink_bounds(samples, n)
    cx, cy, cos, sin = 0.5 * (left + right), 0.5 * (bottom + top), math.cos(turn), math.sin(turn)
    for i in range(n):
        x, y = samples[i, 0] - cx, samples[i, 1] - cy
        points[i, 0] = 0.5 * width + px_per_mm * (cos * x - sin * y)
        points[i, 1] = 0.5 * height - px_per_mm * (sin * x + cos * y)
    wet, laid, dry, across = maps[WET], maps[LAID], maps[DRY], maps[ACROSS]
    for i in range(len(wet)):
        wet[i], laid[i], dry[i], across[i] = np.float32(0.0), np.float32(0.0), np.float32(1.0), np.float32(99.0)
    touched[0], touched[1], touched[2], touched[3] = height, 0, width, 0
    half, piece = 0.5 * max(pen.width_mm * px_per_mm, 1.0), max(2.5, pen.width_mm * px_per_mm)
    sharp = 1.0 / max(pen.soft_mm * px_per_mm, 1.0)
    flow = np.zeros(N_FLOW)
    arc, pass_begun, started = 0.0, 0.0, False
    ax, ay, aw, ad = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        if samples[i, 3] <= 0.0:
            if started:
                started, arc = False, PASS_PX * math.ceil((arc + 1.0) / PASS_PX)
            continue
        bw, bd = half * factors[i, 0], pen.darkness * factors[i, 1]
        if not started:
            ax, ay, aw, ad, started, pass_begun = points[i, 0], points[i, 1], bw, bd, True, arc
            start_flow(flow)
        step = math.sqrt((points[i, 0] - ax) ** 2 + (points[i, 1] - ay) ** 2)
        last = i + 1 == n or samples[i + 1, 3] <= 0.0
        if step < 1.0 and not last:
            continue
        pieces, before, after = int(step / piece) + 1, max(i - 2, 0), min(i + 1, n - 1)
        x0, y0, w0, d0 = ax, ay, aw, ad
        w1, d1 = aw, ad
        for k in range(1, pieces + 1):
            u = k / pieces
            bx, by = points[i, 0], points[i, 1]
            if k < pieces:  # Hermite form: ends, and half the way from neighbour to neighbour as tangents
                p, q, s = u * u * (3.0 - 2.0 * u), u * (1.0 - u) * (1.0 - u), u * u * (u - 1.0)
                bx = x0 + p * (bx - x0) + 0.5 * (q * (bx - points[before, 0]) + s * (points[after, 0] - x0))
                by = y0 + p * (by - y0) + 0.5 * (q * (by - points[before, 1]) + s * (points[after, 1] - y0))
            w2, d2 = w0 + u * (bw - w0), d0 + u * (bd - d0)
            moved = math.sqrt((bx - ax) ** 2 + (by - ay) ** 2)
            wider, darker = ink_flow(pen, flow, (bx - ax) / px_per_mm, (by - ay) / px_per_mm, seed)
            w2, d2 = w2 * wider, min(d2 * darker, 0.98)
            if arc == pass_begun:
                w1, d1 = w2, d2
            _capsule(ax, ay, w1, d1, bx, by, w2, d2, arc, width, sharp, wet, laid, dry, across, touched)
            arc, ax, ay, w1, d1 = arc + moved, bx, by, w2, d2
        aw, ad = bw, bd
    finish(pen, px_per_mm, seed, maps, touched, light)


@kernel
def finish(pen: Any, px_per_mm: float, seed: Any, maps: Any, touched: Any, light: Any) -> None:
    """Write the light that ink and paper grain let through, from the maps of the capsules; uses up `WET`.

    Loops over a row have neither branches nor neighbours where they can, so that they compile to vector instructions.
    """
    width, one, most = light.shape[1], np.float32(1.0), np.float32(0.98)
    fine, cell = min(1.0, GRAIN_MM * px_per_mm), max(1.0, GRAIN_MM * px_per_mm)
    grain, gate = np.float32(pen.grain * fine), np.float32(pen.gate * fine)
    streaky = pen.width_mm * px_per_mm > 3.0 and pen.striation + pen.rim > 0.0
    top, bottom, left, right = touched[0], touched[1], touched[2], touched[3]
    every = light.reshape(-1)
    for i in range(len(every)):
        every[i] = one
    rough = np.zeros(max(right - left, 0), dtype=np.float32)
    for r in range(top, bottom):
        k, target = r * (width + STRIDE), light[r, left:right]
        ink, dry = maps[WET, k + left : k + right], maps[DRY, k + left : k + right]
        if grain + gate > 0.0:
            _roughness(ink, r, left, cell, seed, rough)
        for c in range(len(target)):
            ink[c] *= one - grain * rough[c]
        if gate > 0.0:
            _hold_off(ink, rough, gate)
        if streaky:
            across, laid = maps[ACROSS, k + left : k + right], maps[LAID, k + left : k + right]
            for c in range(len(target)):
                if ink[c] > 0.0:
                    ink[c] *= streak(pen, across[c], laid[c] / px_per_mm, seed)
        for c in range(len(target)):
            target[c] = dry[c] * (one - min(ink[c], most))


@kernel
def _roughness(ink: Any, row: int, left: int, cell: float, seed: Any, rough: Any) -> None:
    """Write the height of the paper along a row, from column `left` on, into `rough`; anything where no ink is."""
    if cell > 1.0:
        for c in range(len(ink)):
            if ink[c] > 0.0:
                rough[c] = paper_height((left + c) / cell, row / cell, seed)
        return
    for c in range(len(ink)):
        rough[c] = height_at(left + c, row, seed)


@kernel
def _hold_off(ink: Any, rough: Any, gate: Any) -> None:
    """Take ink away where a pen that glides over the hills of the paper leaves none."""
    zero, one = np.float32(0.0), np.float32(1.0)
    for c in range(len(ink)):
        taken = (np.float32(1.9) * ink[c] - rough[c]) * np.float32(3.0) + np.float32(0.5)
        taken = zero if taken < zero else one if taken > one else taken
        ink[c] *= one - gate * (one - taken)


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
    width: int,
    sharp: float,
    wet: Any,
    laid: Any,
    dry: Any,
    across: Any,
    touched: Any,
) -> None:
    """Lay one piece of line, half-widths aw to bw and darkness ad to bd, starting at path length `arc`.

    `sharp` is how much of a line's coverage changes over one pixel at its edges. The inner loop has neither branches
    nor neighbours, so that it compiles to vector instructions.
    """
    stride, reach = width + STRIDE, max(aw, bw) + 0.5 / sharp - 0.5
    height = len(wet) // stride
    c0, c1 = max(math.ceil(min(ax, bx) - reach) - 1, 0), min(math.floor(max(ax, bx) + reach) + 1, width)
    r0, r1 = max(math.ceil(min(ay, by) - reach) - 1, 0), min(math.floor(max(ay, by) + reach) + 1, height)
    if r1 <= r0 or c1 <= c0:
        return
    touched[0], touched[1] = min(touched[0], r0), max(touched[1], r1)
    touched[2], touched[3] = min(touched[2], c0), max(touched[3], c1)
    zero, one, most, sharper = np.float32(0.0), np.float32(1.0), np.float32(0.5), np.float32(sharp)
    dx, dy = np.float32(bx - ax), np.float32(by - ay)
    squared = max(dx * dx + dy * dy, np.float32(1e-12))
    inverse, length = one / squared, np.float32(math.sqrt(squared))
    wide, wider, dark, darker = np.float32(aw), np.float32(bw - aw), np.float32(ad), np.float32(bd - ad)
    begun, left = np.float32(arc), np.float32(c0 + 0.5 - ax)
    for r in range(r0, r1):
        py, row = np.float32(r + 0.5 - ay), np.uint64(r * stride + c0)
        for j in range((c1 - c0 + _LANES - 1) // _LANES * _LANES):
            k, px = row + np.uint64(j), left + np.float32(np.int32(j))
            u = (px * dx + py * dy) * inverse
            u = zero if u < zero else u
            u = one if u > one else u
            half = wide + u * wider
            off_x, off_y = px - u * dx, py - u * dy
            distance = np.float32(math.sqrt(off_x * off_x + off_y * off_y))
            # the share of the pixel on this side of the line's edge, less what is beyond the other edge of a thin line
            covered, beyond = (half - distance) * sharper + most, most - (half + distance) * sharper
            covered = (one if covered > one else covered) - (zero if beyond < zero else beyond)
            covered = zero if covered < zero else covered
            here, before, old, passed = begun + u * length, laid[k], wet[k], dry[k]
            crossing = (covered > zero) & (here - before > np.float32(4.0) * (half + one))
            dry[k] = passed * (one - old) if crossing else passed
            # the piece whose middle is nearest says how dark it is, or every piece would end in a round bead
            place, was = (distance if px * dy - py * dx > zero else -distance) / half, across[k]
            nearer = (covered > zero) & (crossing | (place * place < was * was))
            across[k] = place if nearer else was
            wet[k] = covered * (dark + u * darker) if nearer else old
            laid[k] = here if nearer else before
