"""From targets to timed strokes, and what a forger's segmentation makes of them.

A practised hand runs through a whole arc in one stroke, of an uneven flourish in two. Who copies it from sight cuts
it in two, lifts the pen where the owner does not, drags it where the owner lifts, and goes over a line again to mend
it (Leung, Fung, Cheng, Poon 1993, "Forgery I: simulation" and "Forgery II: tracing", list such lifts and retouching).
Where a forger does so with a target is the same every time. All of it grows from nothing: a cut begins as a second
part of no length, a lift as a dip of the pressure, so that an act changes continuously with skill.
"""

import math
from typing import Any

from .kernels import kernel
from .kinematics import LENGTH, MU, ONSET, SIGMA, START, TURN, arc_through, displacement, timing
from .streams import Key, normal, slot, uniform
from .targets import DOWN, MAX_TARGETS, SWEEP, X, Y

SKILL_ERROR, SLOWNESS, SHAKINESS, PRESSURE, PROPORTIONS, SEGMENTS, RETOUCHES = range(7)
"""Columns of the effort an act is written with; all 0 except PRESSURE = 1 when genuine."""
N_EFFORT = 7
MAX_STROKES = 2 * MAX_TARGETS
_ERRORS = 5
"""Most strokes that one target can become: two parts, back and forth again, and a hop."""

_TEMPO = slot("act.tempo")
_DURATION, _SIGMA, _PAUSE = (slot(f"motor.{n}") for n in ("duration", "sigma", "pause"))
_CUT, _LIFTED, _HOP, _DRAGGED, _MENDED = (slot(f"segments.{n}") for n in ("cut", "lifted", "hop", "dragged", "mended"))
_P_CUT, _P_LIFTED, _P_DRAGGED, _P_MENDED = 0.3, 0.10, 0.15, 0.10
"""Chances at an effort of 1, per arc, join, short lift and arc."""
_SHORT_MM, _LEAST_AIR_S = 10.0, 0.03
_AT_LIFT = 0.12  # share of a stroke that a lift runs into, even without flight


@kernel
def _grown(chance: float, key: Key, name: Any, index: int, over: float) -> float:
    """Return how far, from 0 to 1, an error of this chance has grown; it begins where the chance meets its number."""
    if chance <= 0.0:
        return 0.0
    return min(max((chance - uniform(key, name, index)) / over, 0.0), 1.0)


@kernel
def _lay(
    strokes: Any,
    contact: Any,
    m: int,
    length: float,
    angle: float,
    turn: float,
    start: float,
    duration: float,
    sigma: float,
    touch: float,
) -> int:
    t0, mu = timing(start, duration, sigma)
    strokes[m, LENGTH], strokes[m, ONSET], strokes[m, MU] = length, t0, mu
    strokes[m, SIGMA], strokes[m, START], strokes[m, TURN] = sigma, angle, turn
    contact[m, 0], contact[m, 1] = start, touch
    return m + 1


@kernel
def _joined(hand: Any, targets: Any, i: int, n: int, angle: float, error: float) -> float:
    """Return the share of stroke `i` that the next one overlaps: less at corners, at lifts what the hand flies."""
    overlap = hand.overlap * (1.0 - 0.4 * min(error, 1.0))
    if i + 2 < n:
        next_dx, next_dy = targets[i + 2, X] - targets[i + 1, X], targets[i + 2, Y] - targets[i + 1, Y]
        _, next_angle = arc_through(next_dx, next_dy, targets[i + 2, SWEEP])
        straight = 0.5 + 0.5 * math.cos(next_angle - angle - targets[i + 1, SWEEP])
        overlap *= 0.35 + 0.65 * straight
        if targets[i + 2, DOWN] != targets[i + 1, DOWN]:
            overlap = _AT_LIFT + hand.flight * (1.0 - min(error, 1.0))  # who copies from sight stops instead
    return overlap


@kernel
def _pace(hand: Any, length: float) -> float:
    """Return how long (s) a stroke of a length (mm) takes at the usual tempo: a power of its length, by `isochrony`."""
    return hand.stroke_time_s * (max(length, 0.2) / 3.0) ** hand.isochrony


@kernel
def plan_strokes(
    hand: Any, targets: Any, n: int, session: Key, act: Key, perceive: Key, effort: Any, strokes: Any, contact: Any
) -> tuple[int, float]:
    """Turn targets into timed strokes; return how many, and when the act ends, in s.

    Args:
        hand: Record of `config.Hand`.
        targets: Rows as in `layout`, in mm.
        n: How many count; each but the first is reached by one stroke, or by more where a forger falters.
        session: Session key.
        act: Act key.
        perceive: Key of what a forger always gets wrong about this target.
        effort: Numbers of the forger's struggle.
        strokes: Output, shape ``(MAX_STROKES, 6)``, in order of starting time.
        contact: Output, shape ``(MAX_STROKES + 1, 2)``: when each stroke takes over the pen (s; after the last the
            end), and how much of the usual pressure it has, 0 in the air.
    """
    tempo = math.exp(hand.timing * (math.sqrt(0.5) * (normal(session, _TEMPO, 0) + normal(act, _TEMPO, 0))))
    tempo *= 1.0 + effort[SLOWNESS]
    start, end, m = 0.02, 0.0, 0
    x, y, segments = targets[0, X], targets[0, Y], effort[SEGMENTS]
    for i in range(n - 1):
        down, sweep = targets[i + 1, DOWN], targets[i + 1, SWEEP]
        length, angle = arc_through(targets[i + 1, X] - x, targets[i + 1, Y] - y, sweep)
        x, y = targets[i + 1, X], targets[i + 1, Y]
        sigma = min(max(hand.sigma * math.exp(hand.timing * normal(act, _SIGMA, i)), 0.12), 0.45)
        duration = _pace(hand, length)
        quick = tempo * math.exp(1.5 * hand.timing * normal(act, _DURATION, i))
        duration *= quick
        overlap, touch = _joined(hand, targets, i, n, angle, effort[SKILL_ERROR]), down
        if segments + effort[RETOUCHES] > 0.0 and m + _ERRORS < MAX_STROKES - n:
            if down < 0.5 and length < _SHORT_MM:
                touch = 0.8 * _grown(_P_DRAGGED * segments, perceive, _DRAGGED, i, 0.1)
            inside = down > 0.5 and i + 2 < n and targets[i + 2, DOWN] > 0.5
            lift = _grown(_P_LIFTED * segments if inside else 0.0, perceive, _LIFTED, i, 0.03)
            mend = _P_MENDED * effort[RETOUCHES] if down > 0.5 and length > 1.0 else 0.0
            mend = _grown(mend, perceive, _MENDED, i, 0.03)
            long = abs(sweep) > 0.2 and length > 0.5 * hand.x_height_mm
            cut = _grown(_P_CUT * segments if long else 0.0, perceive, _CUT, i, 0.15)
            overlap += max(lift, mend) * (_AT_LIFT - overlap)
            gap = (1.0 - overlap) * duration
            if cut > 0.0:  # the second part takes over a share of the arc that grows to one half
                first, second = (1.0 - 0.5 * cut) * length, 0.5 * cut * length
                turned = (1.0 - 0.5 * cut) * sweep
                duration = _pace(hand, first) * quick
                m = _lay(strokes, contact, m, first, angle, turned, start, duration, sigma, touch)
                end, start = max(end, start + duration), start + 0.5 * cut * duration
                duration = _pace(hand, second) * quick
                m = _lay(strokes, contact, m, second, angle + turned, sweep - turned, start, duration, sigma, touch)
                gap = (1.0 - cut) * gap + cut * (1.0 - overlap) * duration
            else:
                m = _lay(strokes, contact, m, length, angle, sweep, start, duration, sigma, touch)
            end, start = max(end, start + duration), start + gap
            if mend > 0.0:  # back over the last part of the arc, and along it again, a little beside
                share = 0.7 * mend
                back_x, back_y = displacement(1.0, share * length, angle + sweep + math.pi, -share * sweep)
                back_x += 0.15 * mend * normal(perceive, _MENDED, 1000 + i)
                back_y += 0.15 * mend * normal(perceive, _MENDED, 2000 + i)
                for turn in range(2):
                    sign, bow = (1.0, 0.0) if turn == 0 else (-1.0, share * sweep)
                    far, heading = arc_through(sign * back_x, sign * back_y, bow)
                    duration = _pace(hand, far) * quick
                    gap = mend * 0.9 * duration
                    raised = 0.0 if mend > 0.5 and gap > _LEAST_AIR_S else max(1.0 - 2.0 * mend, 0.05)
                    pressed = raised if turn == 0 else 1.0
                    m = _lay(strokes, contact, m, far, heading, bow, start, duration, sigma, pressed)
                    end, start = max(end, start + duration), start + gap
            if lift > 0.0:  # the pen comes down again a little off
                hop_x = 0.12 * lift * hand.x_height_mm * normal(perceive, _HOP, 2 * i)
                hop_y = 0.12 * lift * hand.x_height_mm * normal(perceive, _HOP, 2 * i + 1)
                far, heading = arc_through(hop_x, hop_y, 0.0)
                duration, gap = _pace(hand, far) * quick, lift * (0.06 + 0.12 * uniform(perceive, _HOP, 5000 + i))
                raised = 0.0 if lift > 0.5 and gap > _LEAST_AIR_S else max(1.0 - 2.0 * lift, 0.05)
                m = _lay(strokes, contact, m, far, heading, 0.0, start, duration, sigma, raised)
                end, start, x, y = max(end, start + duration), start + gap, x + hop_x, y + hop_y
        else:
            m = _lay(strokes, contact, m, length, angle, sweep, start, duration, sigma, touch)
            end, start = max(end, start + duration), start + (1.0 - overlap) * duration
        start += max(0.0, uniform(act, _PAUSE, i) - 0.9) * 2.5 * effort[SHAKINESS]
    contact[m, 0] = end
    return m, end
