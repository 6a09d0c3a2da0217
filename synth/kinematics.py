"""Sigma-lognormal movement: arcs that land on their targets, timed strokes, closed-form position.

A stroke has six parameters: length D (mm), onset t0 (s), mu and sigma of log time, and start and end
angles (rad). Its speed is lognormal in time and its direction turns in proportion to the length travelled,
so the path of one stroke is a circular arc and position needs no numerical integration.

Source:
    Plamondon (1995), "A kinematic theory of rapid human movements", and O'Reilly and Plamondon (2009),
    "Development of a Sigma-Lognormal representation for on-line signatures". Differs: displacement is
    written with sinc so that straight strokes need no special case.
"""

import math
from typing import Any

import numpy as np

from .kernels import kernel

LENGTH, ONSET, MU, SIGMA, START, TURN = range(6)
"""Columns of a stroke table; TURN is the end angle minus the start angle."""


@kernel
def sinc(h: float) -> float:
    """Return sin(h) / h, by its series near 0."""
    return 1.0 - h * h / 6.0 if abs(h) < 1e-4 else math.sin(h) / h


@kernel
def travelled_fraction(t: float, onset: float, mu: float, sigma: float) -> float:
    """Return the share of a stroke's length covered at time t (s): a lognormal distribution function."""
    if t <= onset:
        return 0.0
    return 0.5 * math.erfc((mu - math.log(t - onset)) / (sigma * math.sqrt(2.0)))


@kernel
def displacement(fraction: float, length: float, start: float, turn: float) -> tuple[float, float]:
    """Return how far (mm, mm) a stroke has moved the pen once it covered `fraction` of its length."""
    h = 0.5 * turn * fraction
    chord = length * fraction * sinc(h)
    return chord * math.cos(start + h), chord * math.sin(start + h)


@kernel
def arc_through(dx: float, dy: float, turn: float) -> tuple[float, float]:
    """Return the arc length (mm) and start angle (rad) of the arc with this chord and this turn.

    The finished arc ends exactly at (dx, dy); `turn` must stay inside (-2 pi, 2 pi).
    """
    return math.hypot(dx, dy) / sinc(0.5 * turn), math.atan2(dy, dx) - 0.5 * turn


@kernel
def timing(start: float, duration: float, sigma: float) -> tuple[float, float]:
    """Return (t0, mu) of a stroke that starts to move at `start` (s) and lasts `duration` (s).

    Start and end are where the lognormal's log time is 3 sigma from its mean.
    """
    mu = math.log(duration / (2.0 * math.sinh(3.0 * sigma)))
    return start - math.exp(mu - 3.0 * sigma), mu


_STEPS, _LIMIT = 256, 4.4
_SHARES = np.array(
    [
        [0.5 * math.erfc(-z * math.sqrt(0.5)), math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)]
        for z in np.linspace(-_LIMIT, _LIMIT, _STEPS + 1)
    ]
)
"""The normal distribution function and its slope, for `trace`."""


@kernel
def _normal_share(z: float) -> float:
    """Return the normal distribution function, to 1e-8, from cubics that meet its values and slopes."""
    place = (z + _LIMIT) * (_STEPS / (2.0 * _LIMIT))
    k = min(max(int(place), 0), _STEPS - 1)
    u, step = min(max(place - k, 0.0), 1.0), 2.0 * _LIMIT / _STEPS
    rise = _SHARES[k + 1, 0] - _SHARES[k, 0]
    into, out = step * _SHARES[k, 1] - rise, rise - step * _SHARES[k + 1, 1]
    return _SHARES[k, 0] + u * (rise + (1.0 - u) * ((1.0 - u) * into + u * out))


_SERIES = np.array([[1.0 / (2 * k * (2 * k + 1)), 1.0 / ((2 * k - 1) * 2 * k)] for k in range(1, 8)])


@kernel
def _sine_series(square: float) -> tuple[float, float]:
    """Return sin(q) / q and cos(q) of a square q * q up to (pi / 2) ** 2, to 1e-9."""
    ratio, cos = 1.0, 1.0
    for k in range(6, -1, -1):
        ratio, cos = 1.0 - square * _SERIES[k, 0] * ratio, 1.0 - square * _SERIES[k, 1] * cos
    return ratio, cos


@kernel
def trace(strokes: Any, n: int, x0: float, y0: float, times: Any, xy: Any) -> None:
    """Write pen positions (mm) at rising times (s) into `xy`, shape ``(n_times, 2)``.

    Args:
        strokes: Stroke table, shape ``(>= n, 6)``, in order of starting time.
        n: How many strokes count.
        x0: Where the pen is before the first stroke, in mm.
        y0: The same, vertically.
        times: Times in s, rising, shape ``(n_times,)``.
        xy: Output.
    """
    # per stroke: where its fraction leaves 0 and reaches 1 (to 1e-5 of its length), and what does not change in time
    plan = np.empty((n, 5))
    for j in range(n):
        s = strokes[j]
        plan[j, 0] = s[ONSET] + math.exp(s[MU] - 4.3 * s[SIGMA])
        plan[j, 1] = s[ONSET] + math.exp(s[MU] + 4.3 * s[SIGMA])
        plan[j, 2] = 1.0 / s[SIGMA]
        plan[j, 3], plan[j, 4] = math.cos(s[START]), math.sin(s[START])
    first = 0  # every stroke before this one is over: its whole displacement is in (x0, y0)
    for i in range(len(times)):
        t = times[i]
        while first < n and t >= plan[first, 1]:
            s = strokes[first]
            dx, dy = displacement(1.0, s[LENGTH], s[START], s[TURN])
            x0, y0, first = x0 + dx, y0 + dy, first + 1
        x, y = x0, y0
        for j in range(first, n):
            if t <= plan[j, 0]:
                if t <= plan[j, 0] - 1.0:
                    break  # strokes start in order but for their lead-in, far below 1 s
                continue
            fraction = _normal_share((math.log(t - strokes[j, ONSET]) - strokes[j, MU]) * plan[j, 2])
            # `displacement`, in terms of half of h: sin(h) / h = sin(h/2) / (h/2) * cos(h/2)
            q = 0.25 * strokes[j, TURN] * fraction
            ratio, cos = _sine_series(q * q)
            sin = q * ratio
            chord = strokes[j, LENGTH] * fraction * ratio * cos
            x += chord * (plan[j, 3] * (1.0 - 2.0 * sin * sin) - plan[j, 4] * 2.0 * sin * cos)
            y += chord * (plan[j, 4] * (1.0 - 2.0 * sin * sin) + plan[j, 3] * 2.0 * sin * cos)
        xy[i, 0], xy[i, 1] = x, y
