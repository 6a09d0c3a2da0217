"""What `models.elastic.ElasticEmbedding.similarity` returns, for all pairs of two lists at once and in NumPy.

The layer compares one pair a row and keeps what a gradient needs. To judge, nothing is kept: the cosines of two maps
are products of matrices, and serve both directions, of either signature's places in the other's window. Where a layer
has learnt what matches are worth, a kernel judges them pair by pair.
"""

import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .all_cores import on_all_cores
from .evidence_scores import PLAIN, evidence, see

Floats = NDArray[np.float32]
_UNSEEN = np.float32(-4.0)
"""Less than any cosine: of a place outside the window."""
_AT_ONCE = 96
"""Questioned signatures in one product, so that it stays in the processor's cache."""


class _Parts(NamedTuple):
    """Joined vectors taken apart; maps stand column by column, as windows are cut."""

    whole: Floats  # unit vectors, (n, d)
    turned: Floats  # directions of the places, (columns, rows, n, channels)
    weight: Floats  # what each place counts, summing to 1, (columns, rows, n)


def elastic_scores(layer: Any, references: Floats, questioned: Floats) -> Floats:
    """Return how alike signatures are, shape ``(n_references, n_questioned)``.

    Equal to the layer's ``similarity`` up to rounding.

    Args:
        layer: The network's ``ElasticEmbedding``.
        references: Joined vectors, shape ``(n_references, d)``.
        questioned: The same, shape ``(n_questioned, d)``.
    """
    if layer.evidence is not None:
        return _judged(layer, references, questioned)
    ours = _parts(layer, references)
    ones, found = [_one(ours, i) for i in range(len(references))], []
    for start in range(0, len(questioned), _AT_ONCE):
        theirs = _parts(layer, questioned[start : start + _AT_ONCE])
        elastic: Floats = np.array(on_all_cores(functools.partial(_against, layer.reach, theirs), ones))
        rigid = ours.whole @ theirs.whole.T
        found.append(layer.whole_weight * rigid + (1.0 - layer.whole_weight) * elastic)
    return np.concatenate(found, axis=1, dtype=np.float32)


def _judged(layer: Any, references: Floats, questioned: Floats) -> Floats:
    """Return the similarity of all pairs to a layer that has learnt what matches are worth."""
    ours, theirs = (_flat(layer, vectors) for vectors in (references, questioned))
    weights, shape, (n, cells, channels) = layer.evidence.get_weights(), layer.shape[1:3], theirs.turned.shape

    def of(i: int) -> list[float]:
        seen = np.empty((2, cells, 2 * channels + PLAIN), dtype=np.float32)  # small enough to stay in the cache
        best, found = np.empty((2, cells), dtype=np.float32), []
        for j in range(n):
            maps, counts = (ours.turned[i], theirs.turned[j]), (ours.weight[i], theirs.weight[j])
            for way in (0, 1):
                pair = (maps[way], maps[1 - way]), (counts[way], counts[1 - way])
                see(maps[way] @ maps[1 - way].T, *pair, shape, layer.reach, seen[way], best[way])
            judged = best + evidence(seen, weights)
            found.append(sum(0.5 * (w @ values) / (w.sum() + 1e-8) for w, values in zip(counts, judged, strict=True)))
        return found

    elastic: Floats = np.array(on_all_cores(of, range(len(references))), dtype=np.float32)
    return layer.whole_weight * (ours.whole @ theirs.whole.T) + np.float32(1.0 - layer.whole_weight) * elastic


def _flat(layer: Any, vectors: Floats) -> _Parts:
    """Return joined vectors taken apart: directions ``(n, cells, channels)``, weights ``(n, cells)`` of mean 1."""
    length, rows, columns, channels = layer.shape
    whole, local = vectors[:, :length], vectors[:, length:].reshape(-1, rows * columns, channels)
    weight = np.square(local).sum(axis=-1)
    # a tenth of the mean weight is added, as in the layer
    turned = local / np.sqrt(weight + 0.05 / (rows * columns))[..., None]
    return _Parts(_unit(whole), turned, weight * (rows * columns))


def _unit(vectors: Floats) -> Floats:
    return vectors / np.sqrt(np.maximum(np.square(vectors).sum(axis=-1, keepdims=True), 1e-8))


def _parts(layer: Any, vectors: Floats) -> _Parts:
    length, rows, columns, channels = layer.shape
    whole, local = vectors[:, :length], vectors[:, length:].reshape(-1, rows, columns, channels).transpose(2, 1, 0, 3)
    weight = np.square(local).sum(axis=-1)
    # a tenth of the mean weight is added, as in the layer
    turned = local / np.sqrt(weight + 0.05 / (rows * columns))[..., None]
    return _Parts(
        _unit(whole),
        np.ascontiguousarray(turned),
        weight / (weight.sum(axis=(0, 1)) + 1e-8),
    )


def _one(parts: _Parts, i: int) -> _Parts:
    return _Parts(parts.whole[i : i + 1], parts.turned[:, :, i], parts.weight[:, :, i])


def _against(reach: tuple[int, int], others: _Parts, one: _Parts) -> Floats:
    """Return the elastic similarity of one reference with each of n signatures, shape ``(n,)``."""
    columns, rows, n, channels = others.turned.shape
    apart = np.abs(np.arange(rows)[:, None] - np.arange(rows))
    window = np.where(apart <= reach[0], np.float32(0), _UNSEEN)[:, None, :, None]
    there = np.full((columns, rows, n), _UNSEEN, dtype=np.float32)
    here = np.empty((columns, rows, n), dtype=np.float32)
    for column in range(columns):
        seen = slice(max(column - reach[1], 0), column + reach[1] + 1)
        cosines = one.turned[column] @ others.turned[seen].reshape(-1, channels).T
        cosines = cosines.reshape(rows, -1, rows, n)
        cosines += window
        here[column] = cosines.reshape(rows, -1, n).max(axis=1)
        np.maximum(there[seen], cosines.max(axis=0), out=there[seen])
    return 0.5 * ((one.weight[..., None] * here).sum(axis=(0, 1)) + (others.weight * there).sum(axis=(0, 1)))
