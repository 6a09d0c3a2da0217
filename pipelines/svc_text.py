"""Pen movements in text files, the way SVC2004 lays them out: read only, checked line by line.

The first line is the number of rows; each row is x, y, time stamp in ms, button (1 = on the paper), and
for Task 2 azimuth, altitude and pressure. Lengths are in units of 0.01 mm.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAX_BYTES, MAX_ROWS = 5_000_000, 100_000
_LARGEST = 1e15  # a clock that counts ms since 1970 stays below; differences of far larger numbers overflow
_UNIT_MM, _MS, _LEVELS = 0.01, 0.001, 1023.0


class UnreadableTrajectory(ValueError):
    """A text file that is no pen movement; the message says what is wrong."""


def read_svc_text(path: Path, *, root: Path | None = None) -> NDArray[np.float64]:
    """Return rows of x mm, y mm (up), t s from 0, pressure in [0, 1].

    Rows with button 0 get pressure 0: the row that opens a pen-down carries it in these files, so lifts show even where
    the time stamps have no gap. Of rows with one time stamp the first is kept.

    Args:
        path: The file.
        root: If given, the folder that the file must lie in once links are followed.

    Raises:
        UnreadableTrajectory: If it is too large, has no such rows, or its times fall.
    """
    if root is not None and not path.resolve().is_relative_to(root.resolve()):
        raise UnreadableTrajectory("outside its folder")
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableTrajectory(f"too large: {path.stat().st_size / 1e6:.0f} MB")
    try:
        lines = path.read_text("ascii").split("\n")
        count = int(lines[0])
        table = np.array([[float(cell) for cell in line.split()] for line in lines[1 : count + 1]])
    except (UnicodeDecodeError, ValueError, IndexError):
        raise UnreadableTrajectory("not a count followed by rows of numbers") from None
    if not 3 <= count <= MAX_ROWS or table.ndim != 2 or len(table) != count or table.shape[1] not in (4, 7):
        raise UnreadableTrajectory(f"needs 3 to {MAX_ROWS:,} rows of 4 or 7 numbers, as many as its first line says")
    if not np.isfinite(table).all():
        raise UnreadableTrajectory("a number is not finite")
    if np.abs(table).max() > _LARGEST:
        raise UnreadableTrajectory(f"a number is beyond {_LARGEST:g}")
    if (np.diff(table[:, 2]) < 0).any():
        raise UnreadableTrajectory("the time stamps fall")
    table = table[np.concatenate([[True], np.diff(table[:, 2]) > 0])]
    pressure = table[:, 6] / _LEVELS * (table[:, 3] > 0) if table.shape[1] == 7 else table[:, 3]
    times = (table[:, 2] - table[0, 2]) * _MS
    return np.column_stack([table[:, 0] * _UNIT_MM, table[:, 1] * _UNIT_MM, times, np.clip(pressure, 0.0, 1.0)])
