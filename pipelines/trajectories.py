"""Pen trajectories as networks and dynamic time warping take them: rows of features over time, of a fixed number.

Where on the paper, how large and when somebody signed is gone; how the pen moved, pressed and lifted is kept.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth.acts import Act, execute

FEATURES = ("dx", "dy", "speed", "direction_sin", "direction_cos", "pressure", "pen_up")
RATE_HZ = 50.0
STEP_SCALE = 10.0  # a step of a tenth of the signature's size is 1
SPEED_SCALE = 0.1  # ten sizes a second are 1

Trajectory = NDArray[np.floating]


def features(trajectory: Trajectory, *, samples: int = 256) -> NDArray[np.float32]:
    """Return the features of one trajectory, padded with rows of zeros.

    The trajectory is sampled anew at 50 Hz; one that lasts longer than the rows hold is sampled more coarsely,
    never cut. Lengths are in units of the signature's size (the root mean square distance of its ink from the
    middle). A row of a real sample is never all zeros: a pen that rests points right.

    Args:
        trajectory: Shape ``(n, 4)``: x mm, y mm, t s (not falling), pressure in [0, 1], 0 in the air.
        samples: How many rows, 8 or above.

    Returns:
        Shape ``(samples, 7)``, in the order of ``FEATURES``: steps (tenths of the size), speed (tens of sizes a
        second), sine and cosine of the direction, pressure, and 1 where the pen is up.

    Raises:
        ValueError: If the trajectory has another shape, holds numbers that are not finite, goes back in time, or
            has no ink; or if there are fewer than 8 rows.
    """
    x, y, t, pressure = _checked(trajectory, samples).T
    duration = t[-1] - t[0]
    n = int(np.clip(round(duration * RATE_HZ) + 1, 2, samples))
    times = np.linspace(t[0], t[-1], n)
    x, y, pressure = (np.interp(times, t, values) for values in (x, y, pressure))
    down = pressure > 0
    ink = down if down.any() else np.ones_like(down)
    # ink that is hardly more than a dot would blow the rest up
    size = max(_spread(x[ink], y[ink]), 0.1 * _spread(x, y)) or 1.0
    dx, dy = np.diff(x, prepend=x[0]) / size, np.diff(y, prepend=y[0]) / size
    length = np.hypot(dx, dy)
    moving = length > 1e-9
    made = np.zeros((samples, len(FEATURES)), dtype=np.float32)
    made[:n, 0], made[:n, 1] = STEP_SCALE * dx, STEP_SCALE * dy
    made[:n, 2] = SPEED_SCALE * length / max(duration / (n - 1), 1e-6)
    made[:n, 3] = np.divide(dy, length, out=np.zeros(n), where=moving)
    made[:n, 4] = np.divide(dx, length, out=np.ones(n), where=moving)
    made[:n, 5], made[:n, 6] = pressure, ~down
    return made


def _spread(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the root mean square distance of points from their middle, in mm."""
    return float(np.sqrt(np.mean((x - x.mean()) ** 2 + (y - y.mean()) ** 2)))


def act_features(acts: Sequence[Act], *, samples: int = 256) -> NDArray[np.float32]:
    """Return the features of what acts produce, shape ``(n, samples, 7)``."""
    return np.stack([features(execute(act).trajectory, samples=samples) for act in acts])


def real_rows(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the rows before the padding, shape ``(n, 7)``."""
    return rows[: int(np.any(rows != 0, axis=1).sum())]


def _checked(trajectory: Trajectory, samples: int) -> NDArray[np.float64]:
    if samples < 8:
        raise ValueError(f"samples is {samples}; use 8 or more, such as 256")
    values = np.asarray(trajectory, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != 4 or len(values) < 2:
        raise ValueError(f"a trajectory has shape (n, 4), x mm, y mm, t s, pressure, n at least 2; got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"a trajectory holds {int((~np.isfinite(values)).sum())} numbers that are NaN or infinite")
    if (np.diff(values[:, 2]) < 0).any():
        raise ValueError("a trajectory goes back in time; sort its samples, or repair the clock")
    if not (values[:, 3] > 0).any():
        raise ValueError("a trajectory has no sample with pressure above 0: the pen never touched the paper")
    return values
