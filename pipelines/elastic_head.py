"""The pair head of networks whose embeddings are compared elastically; it has nothing to fit."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .elastic_scores import elastic_scores

Vectors = NDArray[np.float32]


class PairHead(Protocol):
    """What turns the embeddings of two signatures into a score."""

    @property
    def data(self) -> str:
        """What it was fitted on."""

    @property
    def contains_real_signatures(self) -> bool:
        """Whether it was fitted on any real person's signature."""

    def scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        """Return scores, shape ``(n_references, n_questioned)``, higher = more likely genuine."""


class ElasticHead:
    """The similarity of a network's own last layer.

    Protocols ask for the same pair more than once, so the latest are remembered.

    Args:
        layer: The network's ``ElasticEmbedding``.
    """

    data = "nothing beyond the network"
    contains_real_signatures = False
    _REMEMBERED = 300_000

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.known: dict[tuple[int, int], float] = {}

    def scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        """Return similarities, shape ``(n_references, n_questioned)``, higher = more likely genuine."""
        names = [[hash(row.tobytes()) for row in rows] for rows in (references, questioned)]
        pairs = [(min(a, b), max(a, b)) for a in names[0] for b in names[1]]
        if len(self.known) + len(pairs) > self._REMEMBERED:
            self.known = {}
        found = np.array([self.known.get(pair, np.nan) for pair in pairs], dtype=np.float32)
        found = found.reshape(len(references), len(questioned))
        rows, columns = (np.flatnonzero(np.isnan(found).any(axis=axis)) for axis in (1, 0))
        if rows.size:
            found[np.ix_(rows, columns)] = elastic_scores(self.layer, references[rows], questioned[columns])
            self.known.update(zip(pairs, found.ravel().tolist(), strict=True))
        return found

    def features(self, vectors: Vectors) -> Vectors:
        """Return the whole and the mean of the map over blocks of up to 4 x 4 places, shape ``(n, d')``.

        Classifiers in a plain vector space cannot forgive a stroke that moved; means over blocks forgive a little.
        """
        whole, rows, columns, channels = self.layer.shape
        up, along = (max(side for side in (4, 3, 2, 1) if length % side == 0) for length in (rows, columns))
        local = vectors[:, whole:].reshape(-1, rows // up, up, columns // along, along, channels).mean(axis=(2, 4))
        return np.concatenate([vectors[:, :whole], local.reshape(len(vectors), -1)], axis=1)


def own_head(model: Any) -> ElasticHead | None:
    """Return the head that a network brings along; None if its embeddings are compared by their cosine."""
    from models.elastic import elastic_layer

    layer = elastic_layer(model)
    return None if layer is None else ElasticHead(layer)
