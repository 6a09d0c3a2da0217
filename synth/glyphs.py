"""One letter into targets: a person's allograph, a forger's between two people's, or what is left of it in a wave.

A forger's version lies between the target's and the forger's own, letter by letter, so that a copy keeps some of the
copyist's letterforms.
"""

import math
from typing import Any

import numpy as np

from .idiolect import act_glyph, own_frame, own_member, own_point
from .kernels import kernel
from .letterforms import UNITS
from .lexicon import placed
from .scripts import CAPITAL, HANGS
from .streams import Key, normal, slot, uniform
from .targets import BEND, POINT, off, put

_ASCENDERS = np.array([UNITS.index(c) for c in "bdfhklt"])
_POINT_X, _POINT_Y, _POINT_SWEEP, _LEAK = (slot(f"deviation.{n}") for n in ("x", "y", "sweep", "leak"))
_HEIGHT, _LINK, _AIR = (slot(f"idiolect.{n}") for n in ("height", "link", "air"))
_WAVE_WIDTH, _WAVE_SWEEP = (slot(f"idiolect.wave_{n}") for n in ("width", "sweep"))


@kernel
def write_glyph(
    hand: Any,
    code: int,
    k: int,
    own: Key,
    other: Key,
    leak: float,
    stray: Any,
    deviation: Any,
    table: Any,
    x0: float,
    y0: float,
    size: float,
    joined: bool,
    late: bool,
    targets: Any,
    n: int,
) -> tuple[int, float]:
    """Write one letter, or its late parts (dots, bars); return how many targets there are and how wide it is.

    Args:
        hand: As for `layout.write_letters`, as are `own`, `other`, `leak`, `stray`, `deviation` and `table`.
        code: A unit, placed (`lexicon`).
        k: Which letter of the text it is.
        own: See `hand`.
        other: See `hand`.
        leak: See `hand`.
        stray: See `hand`.
        deviation: See `hand`.
        table: See `hand`.
        x0: Where it begins, in x-heights.
        y0: The line it stands on, in x-heights.
        size: Its size, as a factor.
        joined: Whether the pen is on the paper on the way to it.
        late: Whether its late parts are wanted, or the rest.
        targets: Targets so far; extended in place.
        n: How many there are.
    """
    points, path_start, is_late, glyph_start, advance, group, unit_start, _, traits = table
    unit, shift_x, shift_y, wide, tall, step = placed(code)
    capital, hangs = traits[unit] & CAPITAL, traits[unit] & HANGS
    glyph = act_glyph(hand, own, stray[0], unit, k, table)
    copy = own_member(other, group[glyph], unit_start[unit], unit_start[unit + 1], group)
    share = min(1.0, leak * math.exp(0.6 * normal(stray[1], _LEAK, k)))
    shape = hand.shape_x_heights
    first = glyph_start[glyph]
    frame = own_frame(own, glyph, shape)
    copy_frame = own_frame(other, copy, shape) if share > 0.0 else frame
    for i in range(glyph_start[glyph + 1] - first):
        if is_late[first + i] != late:
            continue
        x, y, sweep = own_point(own, glyph, i, shape, frame, table)
        if share > 0.0:
            x2, y2, sweep2 = own_point(other, copy, i, shape, copy_frame, table)
            x, y, sweep = x + share * (x2 - x), y + share * (y2 - y), sweep + share * (sweep2 - sweep)
        slot_index = np.uint64(k * 64 + i)
        x += off(stray, deviation, POINT, _POINT_X, slot_index)
        y += off(stray, deviation, POINT, _POINT_Y, slot_index)
        if hangs and abs(points[first + i, 1] - 1.0) < 0.08:
            y = 1.0 + 0.35 * (y - 1.0)  # meets the headline
        if y > 1.0 and not capital:
            y = 1.0 + (y - 1.0) * hand.ascender
        elif y < 0.0:
            y *= hand.descender
        sweep = sweep * hand.roundness + off(stray, deviation, BEND, _POINT_SWEEP, slot_index)
        down = 0.0 if path_start[first + i] and not (joined and i == 0) else 1.0
        p, where = first + i, np.uint64(glyph * 64 + i)
        if down == 0.0:
            far = math.hypot(points[p, 0] - points[p - 1, 0], points[p, 1] - points[p - 1, 1]) if i > 0 else 9.0
            if i > 0 and not late and uniform(own, _LINK, where) < hand.link * (1.35 - far):
                down = 1.0  # running hand: the way through the air is drawn
            if hand.air_bow > 0.0:
                sweep += hand.air_bow * normal(own, _AIR, where)
        elif hand.shortest > 0.0 and not path_start[p]:
            if math.hypot(points[p, 0] - points[p - 1, 0], points[p, 1] - points[p - 1, 1]) < hand.shortest:
                continue  # too short for a hurried hand
        x_scale = size * hand.letter_width * (0.75 if capital else 1.0)
        n = put(targets, n, x0 + (shift_x + x * wide) * x_scale, y0 + (shift_y + y * tall) * size, sweep, down)
    width = (advance[glyph] + share * (advance[copy] - advance[glyph])) * wide
    return n, step if step >= 0.0 else width


@kernel
def write_wave(
    hand: Any,
    unit: int,
    k: int,
    own: Key,
    stray: Any,
    deviation: Any,
    x0: float,
    y0: float,
    size: float,
    joined: bool,
    targets: Any,
    n: int,
) -> tuple[int, float]:
    """Write a collapsed letter: up and down again, taller where the letter had an ascender."""
    height = 0.7 * math.exp(0.3 * normal(own, _HEIGHT, 100 + k))
    for tall in _ASCENDERS:
        if unit == tall:
            height *= 2.0
    width = 0.7 * math.exp(0.25 * normal(own, _WAVE_WIDTH, k))
    for i in range(2):
        slot_index = np.uint64(k * 64 + i)
        x = (0.45 + 0.55 * i) * width + off(stray, deviation, POINT, _POINT_X, slot_index)
        y = (height if i == 0 else 0.05) + off(stray, deviation, POINT, _POINT_Y, slot_index)
        bow = (0.6 if i == 0 else -0.3) + 0.5 * normal(own, _WAVE_SWEEP, 2 * k + i)
        bow = bow * hand.roundness + off(stray, deviation, BEND, _POINT_SWEEP, slot_index)
        down = 1.0 if joined or i > 0 else 0.0
        n = put(targets, n, x0 + x * size * hand.letter_width, y0 + y * size, bow, down)
    return n, width
