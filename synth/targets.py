"""Pen targets, the rows between a plan and its strokes, and what may go wrong with each.

A target is a row of four numbers: x and y (mm, y up), the sweep (rad) of the arc that arrives there, and
1 if the pen is on the paper on the way.
"""

from typing import Any

from .kernels import kernel
from .streams import normal

X, Y, SWEEP, DOWN = range(4)
MAX_TARGETS = 360
POINT, LETTER, SIZE, DRIFT, BEND, FLOURISH = range(6)
"""Columns of a deviation table: spread of single targets, whole letters (x-heights), letter size (log),
the walk from letter to letter (x-heights), sweeps (rad) and flourish corners (share of its width)."""
MOST_TURN = 2.9
"""Largest sweep of a target, in rad; an arc of 2 pi would have no chord."""


@kernel
def off(stray: Any, deviation: Any, column: int, name: Any, index: Any) -> float:
    """Return one deviation: this act's own, plus what a forger always gets wrong here."""
    value = deviation[0, column] * normal(stray[0], name, index)
    if deviation[1, column] > 0.0:
        value += deviation[1, column] * normal(stray[1], name, index)
    return value


@kernel
def put(targets: Any, n: int, x: float, y: float, sweep: float, down: float) -> int:
    """Append a target to n others while there is room, its sweep at most `MOST_TURN`; return how many there are."""
    if n < MAX_TARGETS:
        targets[n, 0], targets[n, 1], targets[n, 3] = x, y, down
        targets[n, 2] = min(max(sweep, -MOST_TURN), MOST_TURN)
        return n + 1
    return n
