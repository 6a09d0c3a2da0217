"""The condition a hand is in: age or illness for life, a hurried or a tired day for one session.

It changes the numbers of a hand before an act is planned, for genuine acts and forgeries alike (a forger has days of
their own), so that slow, small, shaky or careless writing never means forged.
"""

import math
from typing import Any

from .kernels import kernel
from .streams import Key, slot, uniform
from .strokes import SHAKINESS

_DAY = slot("session.day")


@kernel
def live(hand: Any, effort: Any, session: Key) -> None:
    """Change a hand (record of `config.Hand`) and an effort in place to what they are in this session.

    Hurry makes writing quick, larger, rounder (strokes run into each other) and less legible; tiredness slow, small,
    sagging and shaky; both less steady. How much of it there is on such a day is uniform.
    """
    pick, much, frail = uniform(session, _DAY, 0), uniform(session, _DAY, 1), hand.frailty
    hurried = much if pick < hand.p_hurried else 0.0
    tired = much if 1.0 - pick < hand.p_tired else 0.0
    hand.stroke_time_s *= (1.0 - 0.28 * hurried) * (1.0 + 0.3 * tired) * (1.0 + 0.5 * frail)
    hand.overlap = min(hand.overlap * (1.0 + 0.25 * hurried) * (1.0 - 0.15 * tired), 0.7)
    hand.x_height_mm *= math.exp(0.10 * hurried - 0.10 * tired)
    hand.legible_letters *= 1.0 - 0.4 * hurried
    hand.slope_deg -= 2.5 * tired
    hand.stability *= 1.0 + 0.35 * (hurried + tired)
    hand.tremor_mm += 0.02 * tired + 0.05 * frail
    effort[SHAKINESS] += 0.2 * tired + 0.4 * frail
