"""A person's own letterforms: which allograph of the shared table, and how it is deformed, for life."""

import functools
import math
from typing import Any

import numpy as np

from .kernels import kernel
from .scripts import JOINS, STANDS, script_table, traits
from .streams import Key, normal, slot, uniform

_GLYPH, _MEMBER, _OWN_X, _OWN_Y, _OWN_SWEEP, _OWN_WIDTH, _OWN_LIFT = (
    slot(f"idiolect.{n}") for n in ("glyph", "member", "x", "y", "sweep", "width", "lift")
)
_SWAP = slot("act.swap")


@functools.cache
def letters() -> Any:
    """Return the letters of every script as the plain tuple of arrays that the kernels take.

    The last two arrays say which glyphs a next letter can be joined to, and what is particular about a unit
    (`scripts.traits`). Unless a script says otherwise a glyph can be joined if its pen ends near the right
    edge and not at capital height, since a join from the top of an O would turn Ob into Ab.
    """
    t, trait = script_table(), traits()
    joinable = np.zeros(len(t.advance), dtype=np.bool_)
    for unit, (begin, end) in enumerate(zip(t.unit_start[:-1], t.unit_start[1:], strict=True)):
        for glyph in range(begin, end):
            first, last = t.glyph_start[glyph], t.glyph_start[glyph + 1]
            main = t.points[first:last][~t.late[first:last]]
            reached = len(main) > 0 and t.advance[glyph] - main[-1, 0] < 0.35 and main[-1, 1] < 1.3
            joinable[glyph] = bool(trait[unit] & JOINS) or (reached and not trait[unit] & STANDS)
    return (t.points, t.path_start, t.late, t.glyph_start, t.advance, t.group, t.unit_start, joinable, trait)


@kernel
def own_glyph(key: Key, unit: int, table: Any) -> int:
    """Return the allograph a person uses for a letter, for life: a group, then a member of it."""
    group, unit_start = table[5], table[6]
    first, last = unit_start[unit], unit_start[unit + 1]
    # the first family of a letter is the written (cursive) one and the commonest
    pick = uniform(key, _GLYPH, unit)
    wanted = group[first + int(pick**1.7 * (last - first))]
    return own_member(key, wanted, first, last, group)


@kernel
def act_glyph(hand: Any, own: Key, act: Key, unit: int, k: int, table: Any) -> int:
    """Return the allograph of letter `k` in one act: mostly a person's own, now and then another."""
    if uniform(act, _SWAP, k) < hand.p_swap:
        first, last = table[6][unit], table[6][unit + 1]
        return first + int(uniform(act, _SWAP, 1000 + k) * (last - first))
    return own_glyph(own, unit, table)


@kernel
def own_member(key: Key, wanted: int, first: int, last: int, group: Any) -> int:
    """Return the member of a morph group that a person prefers."""
    while group[first] != wanted:
        first += 1
    size = 1
    while first + size < last and group[first + size] == wanted:
        size += 1
    return first + int(uniform(key, _MEMBER, wanted) * size)


@kernel
def own_frame(key: Key, glyph: int, shape: float) -> tuple[float, float]:
    """Return how wide a person writes a whole glyph (a factor) and how high above the line (x-heights)."""
    wide = math.exp(1.5 * shape * normal(key, _OWN_WIDTH, np.uint64(glyph)))
    return wide, 0.5 * shape * normal(key, _OWN_LIFT, np.uint64(glyph))


@kernel
def own_point(key: Key, glyph: int, k: int, shape: float, frame: Any, table: Any) -> tuple[float, float, float]:
    """Return a person's target (x, y in x-heights, sweep in rad) for point `k` of a glyph, given its `own_frame`."""
    p, g = table[3][glyph] + k, np.uint64(glyph * 64 + k)
    x = table[0][p, 0] * frame[0] + shape * normal(key, _OWN_X, g)
    y = table[0][p, 1] + shape * normal(key, _OWN_Y, g) + frame[1]
    return x, y, table[0][p, 2] * math.exp(2.0 * shape * normal(key, _OWN_SWEEP, g))
