"""What a signature measures: one function for synthetic and real ones, for movements and images.

A trajectory is rows of x mm, y mm, t s, pressure. While the pen is up, pressure is 0 or the rows are missing,
which shows as a gap in the time stamps. Movements are measured by one of two definitions, because public
figures exist for both:

- ``whole``: the rows with the pen on the paper one after the other, as if nothing lay between them; duration
  is their number times the sampling period. This is how a record without air is often read, and it puts one
  fictitious jump at every lift.
- ``cut``: cut at every lift; speeds only inside a pen-down, duration by the time stamps.

Lengths are mm, times s, and everything called ``per_diagonal`` is divided by the diagonal of the inked box.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEFINITIONS = ("whole", "cut")
PERIOD_S = 0.01
"""Every trajectory is brought to 100 Hz first, since minima and jerk depend on the rate."""
GAP_PERIODS = 2.5
"""A longer step between time stamps is a lift."""
_HANN = np.hanning(7) / np.hanning(7).sum()
_TRIM = 6  # rows: 60 ms
_LONG = 12  # rows of a pen-down in which minima are counted
Rows = NDArray[np.float64]


def measure(
    trajectory: Rows | None = None, *, image: NDArray[np.uint8] | None = None, definition: str = "cut"
) -> dict[str, float]:
    """Return every statistic of one signature; those of an image have names that start with ``image_``.

    Args:
        trajectory: Rows as above, any sampling rate; or None.
        image: Grey pixels, dark ink on light paper; or None.
        definition: One of `DEFINITIONS`.

    Returns:
        Name to number. A correlation of too short a record is NaN.

    Raises:
        ValueError: If there is nothing to measure, the definition is unknown, or no ink is found.
    """
    if definition not in DEFINITIONS:
        raise ValueError(f"unknown definition {definition!r}; use one of: {', '.join(DEFINITIONS)}")
    if trajectory is None and image is None:
        raise ValueError("give a trajectory, an image or both")
    found: dict[str, float] = {}
    if trajectory is not None:
        found |= _movement(trajectory, definition)
    if image is not None:
        from .image_statistics import measure_image

        found |= {f"image_{name}": value for name, value in measure_image(image).items()}
    return found


def pen_downs(trajectory: Rows) -> list[Rows]:
    """Return the pen-downs of a trajectory at 100 Hz, each of one row or more.

    Raises:
        ValueError: If the rows are not ``(n, 4)`` with rising times, or the pen never touches the paper.
    """
    rows = np.asarray(trajectory, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != 4 or not np.isfinite(rows).all():
        raise ValueError(f"a trajectory is finite rows of x mm, y mm, t s, pressure; got shape {rows.shape}")
    steps = np.diff(rows[:, 2])
    if (steps <= 0).any():
        raise ValueError("the times of a trajectory must rise from row to row")
    down = rows[:, 3] > 0
    if not down.any():
        raise ValueError("the pen never touches the paper: every pressure is 0")
    period = float(np.median(steps)) if len(steps) else PERIOD_S
    lifted = np.flatnonzero((down[1:] != down[:-1]) | (steps > GAP_PERIODS * period)) + 1
    parts = [part for part in np.split(rows, lifted) if part[0, 3] > 0]
    if abs(period / PERIOD_S - 1.0) < 0.02 and (np.abs(steps / PERIOD_S - np.round(steps / PERIOD_S)) < 0.02).all():
        return parts
    return [_resampled(part) for part in parts]


def _resampled(part: Rows) -> Rows:
    first, last = part[0, 2], part[-1, 2]
    times = first + PERIOD_S * np.arange(int((last - first) / PERIOD_S + 1e-9) + 1)
    columns = [np.interp(times, part[:, 2], part[:, k]) for k in (0, 1, 3)]
    return np.column_stack([columns[0], columns[1], times, columns[2]])


def _movement(trajectory: Rows, definition: str) -> dict[str, float]:
    parts = pen_downs(trajectory)
    rows = np.concatenate(parts)
    width, height = float(np.ptp(rows[:, 0])), float(np.ptp(rows[:, 1]))
    diagonal = max(float(np.hypot(width, height)), 1e-9)
    stamped = float(rows[-1, 2] - rows[0, 2])
    gaps = [after[0, 2] - before[-1, 2] for before, after in itertools.pairwise(parts)]
    pieces, duration = ([rows], len(rows) * PERIOD_S) if definition == "whole" else (parts, stamped)
    path = float(sum(np.hypot(*np.diff(piece[:, :2], axis=0).T).sum() for piece in pieces))
    usable = [piece for piece in pieces if len(piece) >= 3]
    speeds = [np.hypot(*(np.gradient(piece[:, :2], axis=0).T / PERIOD_S)) for piece in usable]
    minima = _minima(speeds, _LONG if definition == "cut" else 3)
    speed = np.concatenate(speeds) if speeds else np.zeros(1)
    pressure = np.concatenate([piece[:, 3] for piece in usable]) if usable else np.ones(1)
    return {
        "duration_s": duration,
        "width_mm": width,
        "height_mm": height,
        "aspect": width / max(height, 1e-9),
        "path_mm": path,
        "path_per_diagonal": path / diagonal,
        "pen_ups": float(len(parts) - 1),
        "air_share": float(sum(gaps)) / max(stamped, 1e-9),
        "minima_per_s": minima,
        "speed_per_diagonal": float(speed.mean()) / diagonal,
        "speed_cv": _cv(speed),
        "pressure_mean": float(pressure.mean()),
        "pressure_cv": _cv(pressure),
        "speed_pressure_r": _correlation(speed, pressure),
        "speed_pressure_r_inner": _inner_correlation(usable, speeds),
        "jerk": _jerk(usable, speeds, definition),
        "slant_deg": _slant(parts),
    }


def _smooth(values: Rows) -> Rows:
    """Return values smoothed by a 7-point Hann window; the ends repeat."""
    return np.convolve(np.pad(values, 3, mode="edge"), _HANN, mode="valid")


def _minima(speeds: Sequence[Rows], least: int) -> float:
    """Return speed minima per second of the pieces with at least so many rows."""
    count, rows = 0, 0
    for speed in speeds:
        if len(speed) >= least:
            smooth = np.round(_smooth(speed), 6)  # the last digits of a constant speed are no minima
            count += int(((smooth[1:-1] < smooth[:-2]) & (smooth[1:-1] <= smooth[2:])).sum())
            rows += len(speed)
    return count / (rows * PERIOD_S) if rows else float("nan")


def _cv(values: Rows) -> float:
    return float(values.std() / max(values.mean(), 1e-9))


def _correlation(one: Rows, other: Rows) -> float:
    if len(one) < 5 or one.std() < 1e-9 or other.std() < 1e-9:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def _inner_correlation(pieces: Sequence[Rows], speeds: Sequence[Rows]) -> float:
    """Return the speed-pressure correlation without 60 ms at both ends of each piece."""
    inner = [(s[_TRIM:-_TRIM], p[_TRIM:-_TRIM, 3]) for s, p in zip(speeds, pieces, strict=True) if len(s) > 2 * _TRIM]
    if not inner:
        return float("nan")
    return _correlation(np.concatenate([s for s, _ in inner]), np.concatenate([p for _, p in inner]))


def _jerk(pieces: Sequence[Rows], speeds: Sequence[Rows], definition: str) -> float:
    """Return the dimensionless integral of squared jerk, times duration to the 5th over length squared.

    Whole records: the jerk of the position; cut ones: the tangential jerk. Both from speeds smoothed as above.

    Source:
        Flash, Hogan (1985), "The coordination of arm movements", for the squared jerk; Teulings et al. (1997),
        "Parkinsonism reduces coordination of fingers, wrist, and arm in fine motor control", for the scaling.
        Differs: no factor 1/2 and no root.
    """
    square, duration, length = 0.0, 0.0, 0.0
    for piece, speed in zip(pieces, speeds, strict=True):
        if len(piece) < 5:
            continue
        if definition == "cut":
            columns = [speed]
        else:
            columns = [np.gradient(piece[:, k]) / PERIOD_S for k in (0, 1)]
        for column in columns:
            square += float((np.diff(_smooth(column), 2) ** 2).sum()) / PERIOD_S**4 * PERIOD_S
        duration, length = duration + len(piece) * PERIOD_S, length + float(speed.sum()) * PERIOD_S
    return square * duration**5 / max(length, 1e-9) ** 2 if duration else float("nan")


def _slant(pieces: Sequence[Rows]) -> float:
    """Return the mean lean of the near-vertical parts in degrees, positive to the right."""
    steps: Any = np.concatenate([np.diff(piece[:, :2], axis=0) for piece in pieces])
    return lean(steps[:, 0], steps[:, 1])


def lean(dx: Rows, dy: Rows, *, window_deg: float = 55.0) -> float:
    """Return the mean lean from the vertical (deg) of steps near it, weighted by how far they rise or fall.

    The window is centred once more on the first estimate, so that its edges do not pull the mean to 0.

    Args:
        dx: Steps to the right, shape ``(n,)``.
        dy: Steps up.
        window_deg: Half-width of the window.
    """
    weight = np.abs(dy)
    angle = np.degrees(np.arctan2(dx * np.sign(dy + 1e-12), weight + 1e-12))
    centre = 0.0
    for _ in range(2):
        off = (angle - centre + 90.0) % 180.0 - 90.0
        near = np.where(np.abs(off) < window_deg, weight, 0.0)
        if near.sum() <= 0:
            return centre
        centre += float((off * near).sum() / near.sum())
    return centre


def spread(acts: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return how much one signer varies: coefficients of variation, and the share of unusual pen-down counts.

    Args:
        acts: What `measure` found in two or more genuine signatures of one person.

    Raises:
        ValueError: If there are fewer than two.
    """
    if len(acts) < 2:
        raise ValueError(f"{len(acts)} signature has no spread; give two or more of one signer")
    names = {"width_cv": "width_mm", "height_cv": "height_mm", "path_cv": "path_mm", "duration_cv": "duration_s"}
    found = {}
    for name, field in names.items():
        values = np.array([act[field] for act in acts])
        found[name] = float(values.std(ddof=1) / max(values.mean(), 1e-9))
    counts = np.array([act["pen_ups"] for act in acts])
    _, often = np.unique(counts, return_counts=True)
    found["pen_downs_differ"] = 1.0 - float(often.max()) / len(acts)
    return found
