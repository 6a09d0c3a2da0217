"""Dynamic time warping of two pen movements: how unlike they are once their tempo is let go.

Each row of features is a position and a velocity; every column is brought to mean 0 and s.d. 1 over its own
act, so place and size of a signature do not count, only its form and rhythm.

Source:
    Sakoe, Chiba (1978), "Dynamic programming algorithm optimization for spoken word recognition", IEEE TASSP
    26: symmetric steps. Differs: the band is a share of the longer act, and the cost is divided by n + m.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel

BAND = 0.15
"""Half-width of the corridor that the warping path stays in, as a share of the longer act."""


@kernel
def warped(a: Any, b: Any, band: float) -> float:
    """Return the cost of the best warping path from a to b per row of both.

    Args:
        a: Features, float64, shape ``(n, d)``.
        b: Features, float64, shape ``(m, d)``.
        band: Share of the longer act; widened where the lengths differ by more.
    """
    n, m, d = len(a), len(b), a.shape[1]
    reach = max(int(band * max(n, m)), abs(n - m) + 2)
    before, row = np.full(m + 1, np.inf), np.full(m + 1, np.inf)
    before[0] = 0.0
    for i in range(1, n + 1):
        middle = i * m // n
        first, last = max(1, middle - reach), min(m, middle + reach)
        row[:] = np.inf
        for j in range(first, last + 1):
            square = 0.0
            for k in range(d):
                square += (a[i - 1, k] - b[j - 1, k]) ** 2
            row[j] = np.sqrt(square) + min(before[j], row[j - 1], before[j - 1])
        before, row = row, before
    return before[m] / (n + m)


def features(trajectory: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return z-scored x, y, vx, vy of the rows in which the pen is on the paper, shape ``(n, 4)``.

    Args:
        trajectory: Rows of x mm, y mm, t s, pressure; in the air pressure is 0 or the rows are missing.

    Raises:
        ValueError: If fewer than three rows are on the paper.
    """
    from .statistics import pen_downs

    parts = [part for part in pen_downs(trajectory) if len(part) >= 2]
    if sum(map(len, parts)) < 3:
        raise ValueError("a trajectory needs three rows with the pen on the paper to be compared")
    rows = [np.column_stack([part[:, :2], np.gradient(part[:, :2], axis=0)]) for part in parts]
    found: NDArray[np.float64] = np.concatenate(rows)
    found -= found.mean(axis=0)
    return found / np.maximum(found.std(axis=0), 1e-9)


def distance(one: NDArray[np.float64], other: NDArray[np.float64], *, band: float = BAND) -> float:
    """Return the warping distance of two trajectories, from 0; rows as for `features`."""
    return float(warped(features(one), features(other), band))
