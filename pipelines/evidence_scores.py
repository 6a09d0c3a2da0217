"""What `models.evidence.MatchEvidence` makes of the places of two maps, for judging, where nothing is kept.

The layer works on batches and keeps what gradients need, so most of its time is moving numbers. Here a kernel that
holds no interpreter lock writes down what there is to see of every match, and three products of matrices judge it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.kernels import kernel

PLAIN = 10
"""Numbers that evidence sees of a match beside the channels' own."""


def evidence(seen: NDArray[np.float32], weights: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return what a ``MatchEvidence`` of such weights makes of matches, shape ``(...,)``.

    Args:
        seen: What `see` wrote down of each, shape ``(..., 2 * channels + PLAIN)``.
        weights: Kernel and bias of each of the three layers.
    """
    x = seen
    for kernel_, bias in zip(weights[:4:2], weights[1:4:2], strict=True):
        x = np.maximum(x @ kernel_ + bias, 0)
    x = (x @ weights[4] + weights[5])[..., 0]
    return np.asarray(0.5 * np.tanh(0.6 * x), dtype=np.float32)


@kernel
def see(cosines: Any, maps: Any, weights: Any, shape: Any, reach: Any, seen: Any, best: Any) -> None:
    """Write down what there is to see of the places of one map and their matches in another.

    Args:
        cosines: Of the places of the one with those of the other, float32, shape ``(cells, cells)``.
        maps: Directions of the places of the one, and of the other, float32, shape ``(cells, channels)`` each.
        weights: What the places count, of 1 in the mean, float32, shape ``(cells,)`` each.
        shape: Rows and columns of a map.
        reach: Rows and columns that a stroke may have moved.
        seen: Filled: what evidence looks at, float32, shape ``(cells, 2 * channels + PLAIN)``.
        best: Filled: the places' best cosines, float32, shape ``(cells,)``.
    """
    (rows, columns), (up, side), own = shape, reach, weights[0]
    place, moved = _matched(cosines, rows, columns, up, side)
    total, drift = 1e-6, np.zeros(2)
    for i in range(rows * columns):
        best[i] = cosines[i, place[i]]
        total += own[i]
        drift += own[i] * moved[i]
    apart, channels = moved - drift / total, maps[0].shape[1]
    for r in range(rows):
        for c in range(columns):
            i = r * columns + c
            w, cosine, down, along, n = 0.0, 0.0, 0.0, 0.0, 0
            for y in range(max(r - 1, 0), min(r + 2, rows)):
                for j in range(y * columns + max(c - 1, 0), y * columns + min(c + 2, columns)):
                    n += 1
                    w += own[j]
                    cosine += own[j] * best[j]
                    down += own[j] * apart[j, 0]
                    along += own[j] * apart[j, 1]
            least = w + 0.05 * n
            cosine, down, along = cosine / least, down / least, along / least
            row, first, second = seen[i], maps[0][i], maps[1][place[i]]
            for k in range(channels):
                row[k] = abs(first[k] - second[k])
                row[channels + k] = first[k] * second[k]
            rest = row[2 * channels :]
            rest[0], rest[1] = math.sqrt(own[i] + 1e-6), math.sqrt(weights[1][place[i]] + 1e-6)
            rest[2], rest[3], rest[4] = best[i], moved[i, 0], moved[i, 1]
            rest[5], rest[6], rest[7] = cosine, down, along
            rest[8], rest[9] = abs(apart[i, 0] - down), abs(apart[i, 1] - along)


@kernel
def _matched(cosines: Any, rows: int, columns: int, up: int, side: int) -> Any:
    """Return each place's best match in its window, the first of equals, and how far that is as shares of the reach."""
    place, moved = np.zeros(rows * columns, np.int64), np.empty((rows * columns, 2))
    for r in range(rows):
        for c in range(columns):
            i, level = r * columns + c, -4.0
            for y in range(max(r - up, 0), min(r + up + 1, rows)):
                for j in range(y * columns + max(c - side, 0), y * columns + min(c + side + 1, columns)):
                    if cosines[i, j] > level:
                        level, place[i] = cosines[i, j], j
            moved[i, 0] = (place[i] // columns - r) / max(up, 1)
            moved[i, 1] = (place[i] % columns - c) / max(side, 1)
    return place, moved
