"""How the strokes of two signatures were laid on each other: the places a network matched, and a picture of them."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.elastic import ElasticEmbedding, elastic_layer

REFERENCE_INK, QUESTIONED_INK = np.array([0.0, 114.0, 178.0]), np.array([213.0, 94.0, 0.0])
"""Blue and vermilion, which colour-blind readers can tell apart; where both lie on each other it is nearly black."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Where each cell of the questioned signature found its like in the reference.

    Attributes:
        shift: How far away, in cells, row and column, shape ``(rows, columns, 2)``.
        likeness: Cosine of the two places, shape ``(rows, columns)``.
        weight: Share of each place in the comparison, shape ``(rows, columns)``, sum 1.
    """

    shift: NDArray[np.int64]
    likeness: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def moved(self) -> float:
        """Mean distance to the match, in cells."""
        return float((np.hypot(self.shift[..., 0], self.shift[..., 1]) * self.weight).sum())


def matches(model: Any, reference: NDArray[np.float32], questioned: NDArray[np.float32]) -> Matches | None:
    """Return which places a network that compares elastically matched; None if it compares rigidly.

    Args:
        model: The network.
        reference: An embedding, shape ``(d,)``.
        questioned: The same.
    """
    layer = elastic_layer(model)
    return None if layer is None else _matched(layer, reference, questioned)


def _matched(layer: ElasticEmbedding, reference: NDArray[np.float32], questioned: NDArray[np.float32]) -> Matches:
    """Repeat the choice of `ElasticEmbedding` in plain loops over the window, keeping where it fell."""
    whole, rows, columns, channels = layer.shape
    first, second = (v[whole:].astype(np.float64).reshape(rows, columns, channels) for v in (questioned, reference))
    weight = (first**2).sum(axis=-1)
    least = 0.05 / (rows * columns)
    first, second = (m / np.sqrt((m**2).sum(-1, keepdims=True) + least) for m in (first, second))
    best, shift = np.full((rows, columns), -np.inf), np.zeros((rows, columns, 2), dtype=np.int64)
    up, side = layer.reach
    # nearest first, so that of equally good places the nearest is shown
    window = [(r, c) for r in range(-up, up + 1) for c in range(-side, side + 1)]
    for dr, dc in sorted(window, key=lambda move: abs(move[0]) + abs(move[1])):
        here = slice(max(0, -dr), rows - max(0, dr)), slice(max(0, -dc), columns - max(0, dc))
        there = slice(max(0, dr), rows - max(0, -dr)), slice(max(0, dc), columns - max(0, -dc))
        cosine = (first[here] * second[there]).sum(axis=-1)
        better = cosine > best[here] + 1e-9
        best[here] = np.where(better, cosine, best[here])
        shift[here][better] = (dr, dc)
    return Matches(shift, best, weight / max(float(weight.sum()), 1e-12))


def laid_on(reference: NDArray[np.uint8], questioned: NDArray[np.uint8], found: Matches | None) -> NDArray[np.uint8]:
    """Return the reference canvas with its strokes moved to where the questioned signature has their like.

    Args:
        reference: Canvas, uint8, shape ``(height, width)``.
        questioned: Canvas of the same shape.
        found: What was matched; None leaves the reference as it is.
    """
    if found is None:
        return reference
    height, width = questioned.shape
    rows, columns = found.weight.shape
    trust = cv2.GaussianBlur(found.weight, (0, 0), 1.0) + 1e-6  # empty paper follows the strokes around it
    moves = [cv2.GaussianBlur(found.shift[..., k] * found.weight, (0, 0), 1.0) / trust for k in (0, 1)]
    dy, dx = (cv2.resize(m, (width, height), interpolation=cv2.INTER_CUBIC) for m in moves)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    field = (x + dx * width / columns).astype(np.float32), (y + dy * height / rows).astype(np.float32)
    return np.asarray(cv2.remap(reference, *field, cv2.INTER_LINEAR, borderValue=255), dtype=np.uint8)


def two_inks(reference: NDArray[np.uint8], questioned: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return both signatures on one sheet, RGB: reference blue, questioned vermilion, dark where they agree."""
    sheet = np.full((*questioned.shape, 3), 255.0)
    for canvas, colour in ((reference, REFERENCE_INK), (questioned, QUESTIONED_INK)):
        ink = np.clip((255.0 - canvas.astype(np.float64)) / 200.0, 0.0, 1.0)[..., None]
        sheet *= 1.0 - ink * (1.0 - colour / 255.0)
    return np.asarray(sheet, dtype=np.uint8)
