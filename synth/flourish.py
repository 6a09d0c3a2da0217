"""The paraph under or after a name, and the turn of what is written from right to left."""

import math
from typing import Any

from .kernels import kernel
from .kinematics import displacement
from .lexicon import unit_of
from .scripts import RIGHT_TO_LEFT
from .streams import Key, normal, slot, uniform
from .targets import FLOURISH, MAX_TARGETS, MOST_TURN, SWEEP, X, Y, off, put

_FLOURISH, _ATTACHED, _LOOPS, _SIDE, _EXTENT, _LANE, _TURN, _UNEVEN = (
    slot(f"flourish.{n}") for n in ("has", "attached", "loops", "side", "extent", "lane", "turn", "uneven")
)


_SHORTEST = 0.12  # share of an arc that either of its two parts has at least


@kernel
def write_flourish(
    hand: Any, own: Key, stray: Any, deviation: Any, targets: Any, n: int, left: float, right: float
) -> int:
    """Append the paraph: long arcs between left and right extremes of the text, or nothing.

    In an uneven hand each arc is of two curvatures.

    Args:
        hand: Record of `config.Hand`.
        own: Idiolect key of the person whose flourish it is.
        stray: As for `write_letters`.
        deviation: As for `write_letters`.
        targets: Targets so far, in x-heights; extended in place.
        n: How many there are.
        left: Left end of the text, in x-heights.
        right: Right end.
    """
    if n > 0 and uniform(own, _FLOURISH, 0) >= hand.p_flourish:
        return n
    centre, half = 0.5 * (left + right), 0.5 * max(right - left, 5.0) * hand.extent
    loops = uniform(own, _LOOPS, 0) < hand.p_loops
    turn_sign = -1.0 if uniform(own, _TURN, 0) < 0.7 else 1.0
    attached = n > 0 and uniform(own, _ATTACHED, 0) < hand.p_attached
    side = 1.0 if attached and uniform(own, _SIDE, 0) < 0.6 else -1.0
    lane = hand.lane_x_heights
    for i in range(int(hand.corners + 0.5) + 1):
        reach = half * math.exp(-0.10 * i + 0.25 * normal(own, _EXTENT, i))
        x = centre + side * reach + 0.15 * half * normal(own, _EXTENT, 100 + i)
        y = lane + (0.35 + 0.1 * half) * normal(own, _LANE, i)
        x += 2.0 * half * off(stray, deviation, FLOURISH, _EXTENT, i)
        y += (1.0 + 0.6 * half) * off(stray, deviation, FLOURISH, _LANE, i)
        bend = 0.35 * normal(own, _TURN, 1 + i) + (
            turn_sign * (2.0 + 0.35 * normal(own, _LOOPS, 1 + i)) if loops else 0.0
        )
        bend += 3.0 * off(stray, deviation, FLOURISH, _TURN, i)
        down = 1.0 if i > 0 or attached else 0.0
        if hand.uneven > 0.0 and down > 0.5 and 0 < n < MAX_TARGETS - 1:
            share = 0.5 + 0.5 * math.tanh(hand.uneven * normal(own, _UNEVEN, i))
            n, bend = first_part(targets, n, x, y, bend, min(max(share, _SHORTEST), 1.0 - _SHORTEST))
        n = put(targets, n, x, y, bend, down)
        lane, side = lane - hand.lane_drop_x_heights, -side
    return n


@kernel
def first_part(targets: Any, n: int, x: float, y: float, bend: float, share: float) -> tuple[int, float]:
    """Put the point where an arc to (x, y) changes its curvature; return how many targets there are, and its turn.

    Both parts turn alike and meet without a corner; the first has this share of the length, so that it is the tighter
    one where the share is small. The place is that of two arcs which together are one long, turned and scaled to the
    chord; own construction.
    """
    bend = min(max(bend, -MOST_TURN), MOST_TURN)  # of the whole arc, as of one that is put in one part
    dx, dy = x - targets[n - 1, X], y - targets[n - 1, Y]
    first_x, first_y = displacement(1.0, share, 0.0, 0.5 * bend)
    second_x, second_y = displacement(1.0, 1.0 - share, 0.5 * bend, 0.5 * bend)
    whole_x, whole_y = first_x + second_x, first_y + second_y
    square = whole_x * whole_x + whole_y * whole_y
    along = (first_x * whole_x + first_y * whole_y) / square
    aside = (first_y * whole_x - first_x * whole_y) / square
    x, y = targets[n - 1, X] + along * dx - aside * dy, targets[n - 1, Y] + along * dy + aside * dx
    return put(targets, n, x, y, 0.5 * bend, 1.0), 0.5 * bend


@kernel
def face(units: Any, n_units: int, table: Any, targets: Any, n: int) -> None:
    """Turn a text of a script written from right to left around, with its flourish."""
    if n_units > 0 and table[8][unit_of(units[0])] & RIGHT_TO_LEFT:
        for i in range(n):
            targets[i, X], targets[i, SWEEP] = -targets[i, X], -targets[i, SWEEP]
