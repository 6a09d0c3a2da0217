"""One signing act: plan, deviations, movement, pressure. Within-signer variation lives here only.

Genuine acts and forgeries run through the same kernel; they differ only in the numbers handed in. Targets
are perturbed, never the angles of raw impulses, so that errors do not add up along the signature.
"""

import math
from typing import Any

import numpy as np

from .flourish import face, write_flourish
from .kernels import kernel
from .kinematics import trace
from .layout import write_letters
from .streams import Key, normal, slot, uniform
from .strokes import MAX_STROKES, PRESSURE, PROPORTIONS, SHAKINESS, plan_strokes
from .targets import DOWN, MAX_TARGETS, X, Y

RATE_HZ = 100.0
MAX_SAMPLES = 4096
"""Longest act, in samples: 41 s. A longer one is written faster, never cut."""

_STRETCH_X, _STRETCH_Y, _SHEAR, _ROTATE, _FORM = (
    slot(f"act.{n}") for n in ("stretch_x", "stretch_y", "shear", "rotate", "form")
)
_TREMOR, _RIPPLE, _LIFT = (slot(f"motor.{n}") for n in ("tremor", "ripple", "lift"))
_ROOM_MM = (110.0, 60.0)
"""Width and height that no signature means to exceed, before its act makes it larger or smaller."""
_FLOURISH_SHEAR = 0.3  # how much of the slant of letters a flourish has
_SHORT_LIFT = 3.0  # x-heights: a longer move is never left on the paper


@kernel
def _both(session: Key, act: Key, name: Any, index: int) -> float:
    """Return a deviation of unit variance, half of it shared by the acts of a session."""
    return math.sqrt(0.5) * (normal(session, name, index) + normal(act, name, index))


@kernel
def deviations(hand: Any, out: Any) -> None:
    """Write how far a person strays between acts into row 0 of a deviation table."""
    sp = hand.stability
    out[0, 0], out[0, 1], out[0, 2] = 0.6 * sp, 0.9 * sp, 1.1 * sp
    out[0, 3], out[0, 4], out[0, 5] = 2.0 * sp, 1.3 * sp, 1.4 * sp


@kernel
def _miss_lifts(hand: Any, act: Key, targets: Any, n: int) -> None:
    """Leave the pen on the paper where a short lift is missed in this act; targets are in x-heights."""
    for i in range(1, n):
        near = math.hypot(targets[i, X] - targets[i - 1, X], targets[i, Y] - targets[i - 1, Y]) < _SHORT_LIFT
        if near and targets[i, DOWN] < 0.5 and uniform(act, _LIFT, i) < hand.missed_lifts:
            targets[i, DOWN] = 1.0


@kernel
def _ends(targets: Any, n: int, axis: int) -> tuple[float, float]:
    """Return the least and the greatest x or y of n targets, or 0 and 0 if there are none."""
    least, greatest = (0.0, 0.0) if n == 0 else (targets[0, axis], targets[0, axis])
    for i in range(1, n):
        least, greatest = min(least, targets[i, axis]), max(greatest, targets[i, axis])
    return least, greatest


@kernel
def _fitting(
    hand: Any, targets: Any, n_text: int, n: int, wide: float, tall: float, shear: float, turn: float
) -> float:
    """Return the factor that makes n targets in x-heights fit the room there is, softly, from 70 % of it on.

    How they are stretched, sheared and turned is what this person means to do in every act.
    """
    cos, sin = math.cos(turn), math.sin(turn)
    left, right, bottom, top = np.inf, -np.inf, np.inf, -np.inf
    for i in range(n):
        x, y = targets[i, X], targets[i, Y]
        x, y = wide * (x + (shear if i < n_text else _FLOURISH_SHEAR * shear) * y), tall * y
        x, y = cos * x - sin * y, sin * x + cos * y
        left, right, bottom, top = min(left, x), max(right, x), min(bottom, y), max(top, y)
    full = hand.x_height_mm * max((right - left) / _ROOM_MM[0], (top - bottom) / _ROOM_MM[1])
    return 1.0 if full <= 0.7 else (0.7 + 0.3 * (1.0 - math.exp((0.7 - full) / 0.3))) / full


@kernel
def plan_targets(
    hand: Any,
    units: Any,
    n_units: int,
    own: Key,
    other: Key,
    leak: float,
    session: Key,
    act: Key,
    perceive: Key,
    effort: Any,
    deviation: Any,
    table: Any,
    targets: Any,
) -> int:
    """Write the targets of one act in mm; return how many. Arguments as for `sign_into`."""
    stray = (act, perceive)
    n = write_letters(hand, units, n_units, own, other, leak, stray, deviation, table, targets)
    n_text, (left, right) = n, _ends(targets, n, X)
    _miss_lifts(hand, act, targets, n)
    n = write_flourish(hand, own, stray, deviation, targets, n, left, right)
    face(units, n_units, table, targets, n)
    left, right = _ends(targets, n, X)  # the flourish too, which may be all there is
    sp, wrong = hand.stability, effort[PROPORTIONS]
    sx = math.exp(wrong * 0.38 * normal(perceive, _STRETCH_X, 0))
    sy = math.exp(wrong * 0.38 * normal(perceive, _STRETCH_Y, 0))
    shear = math.tan(math.radians(hand.slant_deg)) + wrong * 0.27 * normal(perceive, _SHEAR, 0)
    turn = math.radians(hand.slope_deg) + wrong * 0.08 * normal(perceive, _ROTATE, 0)
    mm = hand.x_height_mm * _fitting(hand, targets, n_text, n, sx, sy, shear, turn)
    sx *= math.exp(4.4 * sp * _both(session, act, _STRETCH_X, 0))
    sy *= math.exp(4.4 * sp * _both(session, act, _STRETCH_Y, 0))
    shear += 3.2 * sp * _both(session, act, _SHEAR, 0)
    turn += 1.7 * sp * _both(session, act, _ROTATE, 0)
    # a slow stretch and squeeze along the line, as when a hand runs out of room
    span = max(right - left, 1.0)
    wave = 4.5 * sp * span * _both(session, act, _FORM, 0) + wrong * 0.1 * span * normal(perceive, _FORM, 0)
    phase = 2.0 * math.pi * uniform(act, _FORM, 1)
    # the line sags or arches, and the writing grows or shrinks along it
    arch = hand.bend + 0.8 * sp * _both(session, act, _FORM, 2)
    growth = 4.0 * sp * _both(session, act, _FORM, 3) + wrong * 0.15 * normal(perceive, _FORM, 3)
    cos, sin = math.cos(turn), math.sin(turn)
    for i in range(n):
        x, y = targets[i, X], targets[i, Y]
        along = (x - left) / span
        x += wave * (math.sin(2.0 * math.pi * along + phase) - math.sin(phase)) / (2.0 * math.pi)
        x, y = x + 0.5 * growth * span * along * (along - 1.0), y * math.exp(growth * (along - 0.5))
        y += arch * span * 4.0 * along * (1.0 - along)
        x, y = sx * (x + (shear if i < n_text else _FLOURISH_SHEAR * shear) * y), sy * y
        targets[i, X], targets[i, Y] = mm * (cos * x - sin * y), mm * (sin * x + cos * y)
    return n


@kernel
def press(hand: Any, samples: Any, n: int, ramps: Any, behind: int, act: Key, effort: Any) -> None:
    """Write pressure in [0, 1] into column 3: ramps, heavier downstrokes, a slow ripple; 0 in the air.

    Args:
        hand: Record of `config.Hand`.
        samples: Rows of x mm, y mm, t s, pressure.
        n: How many count.
        ramps: Seconds since the pen came down and until it lifts, and the share of the usual pressure, shape
            ``(>= n, 3)``; negative in the air.
        behind: How many rows back 10 ms ago is: directions and speeds do not depend on the rate.
        act: Act key.
        effort: Numbers of the forger's struggle.
    """
    mean_speed, n_down = 1e-9, 0
    for i in range(1, n):
        if ramps[i, 0] >= 0.0:
            j = max(i - behind, 0)
            dx, dy = samples[i, 0] - samples[j, 0], samples[i, 1] - samples[j, 1]
            mean_speed += math.sqrt(dx * dx + dy * dy)
            n_down += 1
    mean_speed /= max(n_down, 1)
    frequency = 6.283 * (1.0 + 2.0 * uniform(act, _RIPPLE, 2))
    slow = _spin(6.283 * uniform(act, _RIPPLE, 0), frequency * samples[1, 2])
    fast = _spin(6.283 * uniform(act, _RIPPLE, 1), 2.3 * frequency * samples[1, 2])
    ramp_on, ramp_off = max(hand.ramp_on_s, 0.01), max(hand.ramp_off_s, 0.01)
    for i in range(n):
        ripple = 0.6 * slow[0] + 0.4 * fast[0]
        slow, fast = _spun(slow), _spun(fast)
        if ramps[i, 0] < 0.0:
            samples[i, 3] = 0.0
            continue
        j = max(i - behind, 0)
        dx, dy = samples[i, 0] - samples[j, 0], samples[i, 1] - samples[j, 1]
        step = math.sqrt(dx * dx + dy * dy)
        downward = -dy / step if step > 1e-9 else 0.0
        gain = 1.0 + effort[PRESSURE] * (hand.downstroke_gain * downward + 1.4 * hand.ripple * ripple)
        gain -= hand.speed_gain * (min(step / mean_speed, 3.0) - 1.0)
        ramp = min(1.0, (ramps[i, 0] + 0.005) / ramp_on) * min(1.0, (ramps[i, 1] + 0.005) / ramp_off)
        samples[i, 3] = min(max(hand.pressure * gain * ramp * ramps[i, 2], 0.02), 1.0)


@kernel
def _spin(phase: float, turn: float) -> Any:
    """Return the sine and cosine of a phase, and of what it turns by in one step; steps of time are equal."""
    return math.sin(phase), math.cos(phase), math.sin(turn), math.cos(turn)


@kernel
def _spun(spin: Any) -> Any:
    """Return a `_spin` one step later: a rotation instead of a sine."""
    sine, cosine, by_sine, by_cosine = spin
    return sine * by_cosine + cosine * by_sine, cosine * by_cosine - sine * by_sine, by_sine, by_cosine


@kernel
def shake(times: Any, xy: Any, tremor: float, act: Key) -> None:
    """Add physiological tremor: three partials between 8 and 11 Hz that come and go, amplitude in mm.

    Each swells from nothing to twice its mean and back, once in 0.7 to 2 s. Both laws are chosen here.
    """
    for k in range(3):
        often = 2.0 * math.pi * (0.5 + uniform(act, _TREMOR, 20 + k))
        swell = _spin(2.0 * math.pi * uniform(act, _TREMOR, 30 + k), often * (times[1] - times[0]))
        turn = 2.0 * math.pi * (8.0 + 3.0 * uniform(act, _TREMOR, 3 * k)) * (times[1] - times[0])
        across = _spin(2.0 * math.pi * uniform(act, _TREMOR, 3 * k + 1), turn)
        up = _spin(2.0 * math.pi * uniform(act, _TREMOR, 3 * k + 2), turn)
        for i in range(len(times)):
            size = 0.5 * tremor * (1.0 + swell[0])
            xy[i, 0] += size * across[0]
            xy[i, 1] += size * up[0]
            across, up, swell = _spun(across), _spun(up), _spun(swell)


@kernel
def _contact(contact: Any, n: int, stroke: int) -> tuple[float, float]:
    """Return when (s) the pen-down that a stroke belongs to begins and ends."""
    first, last = stroke, stroke
    while first > 0 and contact[first - 1, 1] > 0.0:
        first -= 1
    while last < n - 1 and contact[last + 1, 1] > 0.0:
        last += 1
    return contact[first, 0], contact[last + 1, 0]


@kernel
def perform(
    hand: Any,
    targets: Any,
    n: int,
    session: Key,
    act: Key,
    perceive: Key,
    effort: Any,
    rate_hz: float,
    samples: Any,
) -> int:
    """Move the pen through the targets; write x mm, y mm, t s, pressure rows; return how many.

    Positions are rounded to 1 micrometre, times to 1 ms, pressure to 1 / 65535. Another rate samples the same
    movement at other times.
    """
    strokes, contact = np.empty((MAX_STROKES, 6)), np.empty((MAX_STROKES + 1, 2))
    n_strokes, end = plan_strokes(hand, targets, n, session, act, perceive, effort, strokes, contact)
    limit = len(samples)
    step = max(1.0 / rate_hz, math.ceil(1000.0 * end / (limit - 2)) / 1000.0)
    count = min(int(end / step) + 2, limit)
    times, xy, ramps = np.empty(count), np.empty((count, 2)), np.empty((count, 3))
    stroke, known, came, lifts = 0, -1, 0.0, 0.0
    for i in range(count):
        times[i] = i * step
        while stroke < n_strokes - 1 and times[i] >= contact[stroke + 1, 0]:
            stroke += 1
        ramps[i] = -1.0
        if contact[stroke, 1] > 0.0 and times[i] >= contact[0, 0] and i < count - 1:
            if stroke != known:
                known, (came, lifts) = stroke, _contact(contact, n_strokes, stroke)
            ramps[i, 0], ramps[i, 1], ramps[i, 2] = times[i] - came, lifts - times[i], contact[stroke, 1]
    trace(strokes, n_strokes, targets[0, X], targets[0, Y], times, xy)
    shake(times, xy, hand.tremor_mm + 0.06 * effort[SHAKINESS], act)
    for i in range(count):
        samples[i, 0], samples[i, 1] = round(1000.0 * xy[i, 0]) / 1000.0, round(1000.0 * xy[i, 1]) / 1000.0
        samples[i, 2] = round(1000.0 * times[i]) / 1000.0
    press(hand, samples, count, ramps, max(int(0.01 / step + 0.5), 1), act, effort)
    for i in range(count):
        samples[i, 3] = round(65535.0 * samples[i, 3]) / 65535.0
    return count


@kernel
def sign_into(
    hand: Any,
    units: Any,
    n_units: int,
    own: Key,
    other: Key,
    leak: float,
    session: Key,
    act: Key,
    perceive: Key,
    effort: Any,
    misperceive: Any,
    table: Any,
    rate_hz: float,
    samples: Any,
) -> int:
    """Write one act, genuine or forged, into `samples`; return the number of rows.

    Args:
        hand: Record of `config.Hand`: whose proportions and movement are used.
        units: The text, see `layout.write_text`.
        n_units: Its length.
        own: Idiolect key of the person whose signature it is.
        other: Idiolect key of the person who writes.
        leak: Share of the writer's own letterforms.
        session: Session key of the writer.
        act: Act key.
        perceive: Key of what a forger always gets wrong about this target.
        effort: Shape ``(N_EFFORT,)``, see the column names.
        misperceive: Row 1 of the deviation table, shape ``(6,)``; 0 when genuine.
        table: `layout.letters()`.
        rate_hz: Samples per second.
        samples: Output, shape ``(n_rows, 4)``; an act too long for it is sampled more coarsely.
    """
    targets, deviation = np.empty((MAX_TARGETS, 4)), np.empty((2, 6))
    deviations(hand, deviation)
    for i in range(len(misperceive)):
        deviation[1, i] = misperceive[i]
    n = plan_targets(hand, units, n_units, own, other, leak, session, act, perceive, effort, deviation, table, targets)
    return perform(hand, targets, n, session, act, perceive, effort, rate_hz, samples)
