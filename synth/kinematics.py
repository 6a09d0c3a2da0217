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
    # a stroke that ends before an earlier one counts as moving until that one ends
    ends, shares, ended, over, begun = np.empty(n), np.empty(len(times)), -math.inf, 0, 0
    for j in range(n):
        s = strokes[j]
        ended = max(ended, s[ONSET] + math.exp(s[MU] + 4.3 * s[SIGMA]))  # its share is 1, to 1e-5, from then on
        ends[j] = ended
        over = _fill(xy, times, over, ends[j], x0, y0)
        dx, dy = displacement(1.0, s[LENGTH], s[START], s[TURN])
        x0, y0 = x0 + dx, y0 + dy
    _fill(xy, times, over, math.inf, x0, y0)
    over = 0
    for j in range(n):
        s = strokes[j]
        since = s[ONSET] + math.exp(s[MU] - 4.3 * s[SIGMA])
        while begun > 0 and times[begun - 1] > since:  # strokes start nearly in order
            begun -= 1
        while begun < len(times) and times[begun] <= since:
            begun += 1
        while over < len(times) and times[over] < ends[j]:
            over += 1
        _move(s, times[begun:over], shares, xy[begun:over])


@kernel
def _fill(xy: Any, times: Any, i: int, until: float, x: float, y: float) -> int:
    """Write a position at times from number `i` on, up to a time; return the number of the first at or past it."""
    while i < len(times) and times[i] < until:
        xy[i, 0], xy[i, 1] = x, y
        i += 1
    return i


@kernel
def _move(stroke: Any, times: Any, shares: Any, xy: Any) -> None:
    """Add to positions what one stroke moves the pen by at times while it lasts; `shares` is room to work in."""
    onset, mu, sharp = stroke[ONSET], stroke[MU], 1.0 / stroke[SIGMA]
    for i in range(len(times)):
        shares[i] = _normal_share((math.log(times[i] - onset) - mu) * sharp)
    length, quarter, east, north = stroke[LENGTH], 0.25 * stroke[TURN], math.cos(stroke[START]), math.sin(stroke[START])
    for i in range(len(times)):  # apart, so that it compiles to vector instructions
        # `displacement`, in terms of half of h: sin(h) / h = sin(h/2) / (h/2) * cos(h/2)
        q = quarter * shares[i]
        ratio, cos = _sine_series(q * q)
        sin = q * ratio
        chord = length * shares[i] * ratio * cos
        xy[i, 0] += chord * (east * (1.0 - 2.0 * sin * sin) - north * 2.0 * sin * cos)
        xy[i, 1] += chord * (north * (1.0 - 2.0 * sin * sin) + east * 2.0 * sin * cos)
