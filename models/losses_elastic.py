"""The loss of networks whose embeddings are compared elastically: it sees pairs just as the verifier will."""

from typing import Any

import keras
import numpy as np
from keras import ops

from .elastic import ElasticEmbedding
from .losses import SupervisedContrastive
from .pairs import FAR_BELOW, above_zero, finite


@keras.saving.register_keras_serializable(package="paraph")
class Elastic(keras.losses.Loss):
    """Ask of elastic similarities that they rank a signer's signatures first and share one threshold.

    Three terms of equal weight. On the vectors of the whole: ``SupervisedContrastive``, which parts strangers. On
    elastic similarities inside each signer's group: the softmax over an anchor's others, in which every genuine
    one should win, and the logistic loss of all pairs against one fixed threshold, to which pairs of strangers
    (neighbouring groups) are added. Comparing only inside groups keeps the cost of a batch linear in its size.

    Args:
        shape: Of the embedding: length of the whole; rows, columns and channels of the map.
        reach: Rows and columns that a stroke may have moved, as in the network's ``ElasticEmbedding``.
        genuine: Images in a row that claim one signer and may be genuine, 2 or above.
        forgeries: Forgeries of the same signer that follow them; the two make a group, which divides the batch.
        temperature: Of the contrastive term, above 0.
        scale: Steepness of the logit ``scale * similarity + bias``, above 0.
        bias: Logit of a similarity of 0.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Khosla et al. (2020), "Supervised contrastive learning", eq. 2, for the softmax; Zhai et al. (2023),
        "Sigmoid loss for language image pre-training", section 3.2, for the logistic term. Differs: elastic
        similarities, groups, groups of pairs averaged before they are weighted.
    """

    def __init__(
        self,
        shape: tuple[int, int, int, int] = (256, 12, 24, 24),
        reach: tuple[int, int] = (2, 3),
        genuine: int = 4,
        forgeries: int = 4,
        temperature: float = 0.1,
        scale: float = 27.0,
        bias: float = -18.0,
        name: str = "elastic",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        if genuine < 2 or forgeries < 0:
            raise ValueError(f"a group of {genuine} genuine and {forgeries} forged is too small; use 4 and 4")
        whole, rows, columns, channels = shape
        self.shape, self.embedding = tuple(shape), ElasticEmbedding(reach)
        self.genuine, self.forgeries = int(genuine), int(forgeries)
        self.embedding.build(((None, whole), (None, rows, columns, channels)))
        self.scale, self.bias = above_zero("scale", scale), finite("bias", bias)
        self.contrastive = SupervisedContrastive(temperature)

    def compare_by(self, layer: ElasticEmbedding) -> None:
        """Compare by a network's own layer from now on, so that what it learns of matches trains with this loss."""
        self.embedding, self.shape = layer, layer.shape

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0); the images of
                a slot stand in a row.
            y_pred: Joined vectors of the embedding, shape ``(batch, d)``.

        Returns:
            A float32 scalar, 0 or above.
        """
        n, k = y_pred.shape[0], self.genuine + self.forgeries
        if n is not None and n % k:
            raise ValueError(f"a batch of {n} images does not consist of groups of {k}; change genuine or forgeries")
        groups = ops.reshape(ops.cast(y_pred, "float32"), (-1, k, y_pred.shape[-1]))
        genuine = ops.reshape(ops.cast(y_true[:, 1], "float32"), (-1, k))
        whole = groups[:, :, : self.embedding.whole]
        whole = ops.reshape(whole, (-1, self.embedding.whole)) * 2.0**0.5
        return self.contrastive.call(y_true, whole) + self._pairs(groups, genuine)

    def _pairs(self, groups: Any, genuine: Any) -> Any:
        k, anchors = self.genuine + self.forgeries, self.genuine
        i, j = np.triu_indices(k, 1)
        i, j = i[i < anchors], j[i < anchors]
        inside = self._logits(ops.take(groups, i, axis=1), ops.take(groups, j, axis=1))
        first, second = ops.take(genuine, i, axis=1), ops.take(genuine, j, axis=1)
        both, one = first * second, first * (1.0 - second)
        strangers = genuine[:, :1] * ops.roll(genuine, 1, axis=0)[:, :1]
        outside = self._logits(groups[:, :1], ops.roll(groups, 1, axis=0)[:, :1])
        logistic = 0.5 * _mean(both, ops.softplus(-inside)) + 0.35 * _mean(one, ops.softplus(inside))
        logistic = logistic + 0.15 * _mean(strangers, ops.softplus(outside))
        place = np.zeros((k, k), dtype=np.int64)
        place[i, j] = place[j, i] = np.arange(len(i))
        rows = ops.reshape(ops.take(inside, place[:anchors].ravel(), axis=1), (-1, anchors, k))
        rows = rows + FAR_BELOW * np.eye(anchors, k, dtype=np.float32)
        surprise = ops.logsumexp(rows, axis=2, keepdims=True) - rows
        positive = genuine[:, :anchors, None] * genuine[:, None, :] * (1.0 - np.eye(anchors, k, dtype=np.float32))
        return 2.0 * logistic + _mean(positive, ops.where(positive > 0, surprise, 0.0))

    def _logits(self, first: Any, second: Any) -> Any:
        n, d = first.shape[1], first.shape[-1]
        alike = self.embedding.similarity(ops.reshape(first, (-1, d)), ops.reshape(second, (-1, d)))
        return self.scale * ops.reshape(alike, (-1, n)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        own: dict[str, Any] = {"shape": self.shape, "reach": self.embedding.reach}
        own |= {"genuine": self.genuine, "forgeries": self.forgeries}
        own |= {"temperature": self.contrastive.temperature, "scale": self.scale, "bias": self.bias}
        return {**super().get_config(), **own}


def _mean(weights: Any, values: Any) -> Any:
    return ops.sum(weights * values) / ops.maximum(ops.sum(weights), 1.0)
