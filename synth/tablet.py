"""What a digitising tablet reports of an act: its own rate, jitter, lost rows, lines and pressure levels.

`record` is to a trajectory what `render` is to an image: a capture, drawn afresh for every act, whoever signs.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .acts import Signature, execute
from .config import Spread, draw
from .kernels import kernel
from .ranges import check_ranges
from .streams import Key, child_key, normal, slot, uniform

_TABLET, _JITTER, _DROP = (slot(f"tablet.{n}") for n in ("tablet", "jitter", "drop"))
_FINE_HZ = 500  # the pen between two fine rows is straight to about 0.01 mm


def _fixed(a: float) -> Spread:
    return Spread("fixed", a)


@dataclasses.dataclass(frozen=True)
class Tablet:
    """How movement became rows in one act.

    Attributes:
        rate_hz: Rows per second, from 20 to 500.
        jitter: S.d. of a row's time as a share of the period; below 0.3 so that times rise.
        p_drop: Share of rows that are lost; the first and the last never are.
        lines_per_mm: Positions are rounded to this grid.
        levels: Pressure levels; 1 means that the device knows up and down only.
        reports_air: 1 if rows come while the pen hovers, with pressure 0; else the record has gaps.
        stamp_s: Time stamps are rounded to this.
    """

    rate_hz: Spread = Spread("uniform", 60.0, 240.0)
    jitter: Spread = Spread("uniform", 0.0, 0.15)
    p_drop: Spread = Spread("uniform", 0.0, 0.02)
    lines_per_mm: Spread = Spread("loguniform", 5.0, 20.0)
    levels: Spread = Spread("loguniform", 1024.0, 4096.0)
    reports_air: Spread = Spread("fixed", 1.0)
    stamp_s: Spread = Spread("fixed", 0.001)

    def __post_init__(self) -> None:
        check_ranges(self)


TABLETS: dict[str, Tablet] = {
    "ideal": Tablet(_fixed(100.0), _fixed(0.0), _fixed(0.0), _fixed(1000.0), _fixed(65536.0)),
    "ideal_200hz": Tablet(_fixed(200.0), _fixed(0.0), _fixed(0.0), _fixed(1000.0), _fixed(65536.0)),
    "pen_tablet": Tablet(
        _fixed(100.0), _fixed(0.0), _fixed(0.0), _fixed(100.0), _fixed(1024.0), _fixed(0.0), _fixed(0.01)
    ),
    "mixed": Tablet(),
    "finger": Tablet(
        Spread("uniform", 60.0, 120.0), lines_per_mm=_fixed(4.0), levels=_fixed(1.0), reports_air=_fixed(0.0)
    ),
}
"""Tablets by name: `pen_tablet` reports 100 Hz, 1024 levels and nothing while the pen is up; `finger` is a screen."""


def record(signature: Signature, *, tablet: str = "mixed") -> NDArray[np.float64]:
    """Return the rows a tablet reports of one act, in the units of `Signature.trajectory`.

    Args:
        signature: What `Signer.genuine`, `forge` or `acts.execute` returned.
        tablet: A name in `TABLETS`; its numbers are part of the act's key.

    Returns:
        Rows of x mm, y mm, t s, pressure in [0, 1], shape ``(n_rows, 4)``, times rising.

    Raises:
        ValueError: If the tablet is unknown.
    """
    if tablet not in TABLETS:
        raise ValueError(f"unknown tablet {tablet!r}; use one of: {', '.join(TABLETS)}")
    key = child_key(signature.act.key, _TABLET, 0)
    device = draw(TABLETS[tablet], np.array([key], dtype=np.uint64))[0]
    fine = execute(signature.act, rate_hz=_FINE_HZ).trajectory
    period = 1.0 / float(device["rate_hz"])
    n = int((fine[-1, 2] - fine[0, 2]) / period) + 1
    wobble, luck = np.empty(n), np.empty(n)
    _accidents(key, wobble, luck)
    times = fine[0, 2] + period * (np.arange(n) + np.clip(float(device["jitter"]) * wobble, -0.45, 0.45))
    stamp = float(device["stamp_s"])
    times = np.maximum(np.round(times / stamp) * stamp, 0.0)
    rows = _pen_at(fine, times)
    keep = luck >= device["p_drop"]
    inked = np.flatnonzero(rows[:, 3] > 0)
    keep[[0, inked[0], inked[-1], n - 1]] = True
    keep[1:] &= np.diff(times) > 0
    if device["reports_air"] < 0.5:
        keep &= rows[:, 3] > 0
    return _quantised(rows[keep], float(device["lines_per_mm"]), round(float(device["levels"])))


@kernel
def _accidents(key: Key, wobble: Any, luck: Any) -> None:
    """Write each row's time error, in s.d., and the number in (0, 1) that says whether it is lost."""
    for i in range(len(wobble)):
        wobble[i], luck[i] = normal(key, _JITTER, i), uniform(key, _DROP, i)


def _pen_at(fine: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the pen is at some times; whether it is down is what the nearest fine row says."""
    x, y, pressure = (np.interp(times, fine[:, 2], fine[:, k]) for k in (0, 1, 3))
    nearest = np.clip(np.round((times - fine[0, 2]) * _FINE_HZ).astype(int), 0, len(fine) - 1)
    down = fine[nearest, 3] > 0
    return np.column_stack([x, y, times, np.where(down, np.maximum(pressure, 1e-6), 0.0)])


def _quantised(rows: NDArray[np.float64], lines_per_mm: float, levels: int) -> NDArray[np.float64]:
    rows[:, :2] = np.round(rows[:, :2] * lines_per_mm) / lines_per_mm
    down = rows[:, 3] > 0
    steps = max(levels - 1, 1)
    level = np.ceil(rows[:, 3] * steps) if levels > 1 else np.ones(len(rows))
    rows[:, 3] = np.where(down, np.clip(level, 1, steps) / steps, 0.0)
    return rows
