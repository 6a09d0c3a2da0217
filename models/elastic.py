"""Comparing two signatures stroke by stroke, each free to have moved a little: an embedding and its similarity.

No two signatures of one person lie on each other: words drift, a line sags, a flourish swings wider. A cosine of
flat vectors must learn to forgive each such shift; here every place of one map looks for its best match within a
small window of the other, so that only the form of the strokes is left to learn, and what each match is worth.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from .evidence import MatchEvidence

_UNSEEN = -4.0
"""Less than any cosine: a place outside the window or the map."""


@keras.saving.register_keras_serializable(package="paraph")
class ElasticEmbedding(keras.layers.Layer):
    """Join one vector of the whole and a map of local ones into a unit vector that can be compared elastically.

    A local vector's length says how much its place counts, its direction what is there. In the joined vector the
    whole and the map have half of the squared length each, so that its plain cosine is a rigid comparison, for
    whatever knows nothing better. In float32 under every dtype policy.

    Args:
        reach: Rows and columns that a stroke may have moved, 0 or above.
        whole_weight: Share of the whole vectors' cosine in ``similarity``, from 0 to 1.
        evidence: Units of a ``MatchEvidence``, which learns what matches say beyond their cosine; 0 for none.
        seed: Seed of its weights, 0 or above.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Raises:
        ValueError: If ``reach``, ``whole_weight`` or ``evidence`` is out of range.

    Source:
        Ours. Related: Weinzaepfel et al. (2013), "DeepFlow", section 3 (local descriptors that may move), and Lowe
        (2004), "Distinctive image features from scale-invariant keypoints" (a descriptor's best match decides).
    """

    def __init__(
        self,
        reach: tuple[int, int] = (2, 3),
        whole_weight: float = 0.1,
        evidence: int = 0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if len(reach) != 2 or min(reach) < 0:
            raise ValueError(f"reach is {reach!r}; it must be two numbers of cells, 0 or above, such as (2, 3)")
        if not 0.0 <= whole_weight <= 1.0:
            raise ValueError(f"whole_weight is {whole_weight!r}; it must be from 0 to 1, such as 0.1")
        super().__init__(**(kwargs | {"dtype": "float32"}))
        self.reach, self.whole_weight = (int(reach[0]), int(reach[1])), float(whole_weight)
        self.evidence = MatchEvidence(evidence, seed, name="evidence") if evidence else None

    def build(self, input_shape: Any) -> None:
        """Note the lengths of the parts."""
        (_, self.whole), (_, self.rows, self.columns, self.channels) = input_shape
        if self.evidence is not None:
            self.evidence.build(self.channels)
        self.built = True

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Length of the whole; rows, columns and channels of the map."""
        return self.whole, self.rows, self.columns, self.channels

    def call(self, inputs: Any) -> Any:
        """Return the joined unit vectors.

        Args:
            inputs: The whole ``(batch, d)`` and the map ``(batch, rows, columns, channels)``.

        Returns:
            float32, shape ``(batch, d + rows * columns * channels)``.
        """
        whole, local = inputs
        local = ops.reshape(local, (-1, self.rows * self.columns * self.channels))
        return ops.concatenate([_unit(whole), _unit(local)], axis=-1) * 0.5**0.5

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, int]:
        """Return the shape of the joined vectors."""
        (batch, whole), (_, rows, columns, channels) = input_shape
        return batch, whole + rows * columns * channels

    def similarity(self, first: Any, second: Any) -> Any:
        """Return how alike signatures are, each of `first` with the same row of `second`.

        Args:
            first: Joined vectors, shape ``(n, d)``.
            second: The same.

        Returns:
            float32, shape ``(n,)``, symmetric; higher = more likely of one hand. In [-1, 1]; with ``evidence``, up to
            a half outside.
        """
        (whole_1, local_1), (whole_2, local_2) = self._parts(first), self._parts(second)
        rigid = ops.sum(_unit(whole_1) * _unit(whole_2), axis=-1)
        return self.whole_weight * rigid + (1.0 - self.whole_weight) * self._elastic(local_1, local_2)

    def _parts(self, vectors: Any) -> tuple[Any, Any]:
        expected = self.whole + self.rows * self.columns * self.channels
        if vectors.shape[-1] != expected:
            raise ValueError(f"vectors have length {vectors.shape[-1]}; this embedding's have {expected}")
        local = ops.reshape(vectors[:, self.whole :], (-1, self.rows, self.columns, self.channels))
        return vectors[:, : self.whole], local

    def _elastic(self, first: Any, second: Any) -> Any:
        """Return the mean over the places of both maps, weighted, of the best cosine in the other's window."""
        cells = self.rows * self.columns
        means = []
        for one, other in ((first, second), (second, first)):
            weight, beyond = (ops.sum(ops.square(m), axis=-1) for m in (one, other))
            # a tenth of the mean: what lies below says little of its direction
            turned = [m * ops.rsqrt(w[..., None] + 0.05 / cells) for m, w in ((one, weight), (other, beyond))]
            found = self._best(*turned)
            matched = self._taken(turned[1], found)
            best = ops.sum(turned[0] * matched, axis=-1)
            if self.evidence is not None:
                weights = weight * cells, self._taken(beyond[..., None], found)[..., 0] * cells
                best = best + self.evidence(turned[0], matched, best, weights, self._moved(found))
            means.append(ops.sum(weight * best, axis=(1, 2)) / (ops.sum(weight, axis=(1, 2)) + 1e-8))
        return 0.5 * (means[0] + means[1])

    def _best(self, first: Any, second: Any) -> Any:
        """Return where each place of `first` has its best match in `second`: band times columns, plus column.

        Only this choice is made on all candidates; gradients flow through the chosen one alone.
        """
        up, rows = self.reach[0], self.rows
        padded = ops.pad(ops.stop_gradient(second), [[0, 0], [up, up], [0, 0], [0, 0]])
        bands = ops.concatenate([padded[:, d : d + rows] for d in range(2 * up + 1)], axis=2)
        cosines = ops.matmul(ops.stop_gradient(first), ops.transpose(bands, (0, 1, 3, 2))) + self._window()
        return ops.cast(ops.top_k(cosines, 1)[1][..., 0], "int32")  # Keras's argmax mends signed zeros first: slower

    def _taken(self, second: Any, found: Any) -> Any:
        """Return what `second`, shape ``(n, rows, columns, c)``, holds at the places `_best` found, in that shape."""
        up, rows, columns = self.reach[0], self.rows, self.columns
        row = np.arange(rows, dtype=np.int32)[:, None] + found // columns - up
        start = ops.arange(ops.shape(second)[0], dtype="int32")[:, None, None] * (rows * columns)
        places = ops.reshape(start + row * columns + found % columns, (-1,))
        return ops.reshape(ops.take(ops.reshape(second, (-1, second.shape[-1])), places, axis=0), ops.shape(second))

    def _moved(self, found: Any) -> tuple[Any, Any]:
        """Return rows and columns from each place to its match, as shares of the reach, float32."""
        (up, side), columns = self.reach, self.columns
        rows = ops.cast(found // columns - up, "float32") / max(up, 1)
        along = ops.cast(found % columns - np.arange(columns, dtype=np.int32), "float32") / max(side, 1)
        return rows, along

    def _window(self) -> Any:
        """Return 0 where a place may look and `_UNSEEN` elsewhere, shape (rows, columns, bands * columns)."""
        up, rows, columns = self.reach[0], self.rows, self.columns
        row, column, band, other = np.meshgrid(
            np.arange(rows), np.arange(columns), np.arange(2 * up + 1) - up, np.arange(columns), indexing="ij"
        )
        seen = (np.abs(column - other) <= self.reach[1]) & (row + band >= 0) & (row + band < rows)
        return np.where(seen, 0.0, _UNSEEN).reshape(rows, columns, -1).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        own: dict[str, Any] = {"reach": self.reach, "whole_weight": self.whole_weight}
        if self.evidence is not None:
            own |= {"evidence": self.evidence.units, "seed": self.evidence.seed}
        return {**super().get_config(), **own}


def elastic_layer(model: Any) -> ElasticEmbedding | None:
    """Return the layer that says how a network's embeddings are compared; None if by their cosine."""
    last = model.layers[-1]
    return last if isinstance(last, ElasticEmbedding) else None


def _unit(vectors: Any) -> Any:
    vectors = ops.cast(vectors, "float32")
    return vectors * ops.rsqrt(ops.maximum(ops.sum(ops.square(vectors), axis=-1, keepdims=True), 1e-8))
