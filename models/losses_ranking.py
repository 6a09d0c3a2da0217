"""More losses on a batch of embeddings: pairs with a margin, triplets, and pairs weighed by how hard they are.

Labels, polarity and precision are as in `losses`: shape ``(batch, 2)``, signer slot and 1 = genuine; forgeries are
negatives of the signer they claim to be and never anchors; all is computed in float32.
"""

from typing import Any

import keras
from keras import ops

from .pairs import FAR_BELOW, above_zero, cosines, finite, relations, zero_or_more

MININGS = ("batch_hard", "semi_hard")


@keras.saving.register_keras_serializable(package="paraph")
class PairContrastive(keras.losses.Loss):
    """Pull all genuine pairs of a batch together; push the others apart until they are a margin away.

    Pairs fall into the groups of ``PairLogistic``, genuine, skilled and random; each group is averaged first, so
    that the many random pairs do not drown the few others. A group without pairs counts for nothing.

    Args:
        margin: Distance of two unit vectors (0 to 2) from which a pair costs nothing if it is not genuine.
        skilled_weight: Weight of the skilled group's mean against 1 for the genuine one, 0 or above.
        random_weight: Weight of the random group's mean, 0 or above.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Hadsell, Chopra, LeCun (2006), "Dimensionality reduction by learning an invariant mapping", eq. 4.
        Differs: label 1 = genuine, all pairs of a batch, groups averaged.
    """

    def __init__(
        self,
        margin: float = 1.0,
        skilled_weight: float = 0.5,
        random_weight: float = 0.5,
        name: str = "pair_contrastive",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.margin = above_zero("margin", margin)
        self.skilled_weight = zero_or_more("skilled_weight", skilled_weight)
        self.random_weight = zero_or_more("random_weight", random_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0).
            y_pred: Embeddings of length 1, shape ``(batch, d)``.

        Returns:
            A float32 scalar, 0 or above: the weighted mean of the groups that have pairs.
        """
        same_signer, genuine, others = relations(y_true)
        both_genuine = genuine[:, None] * genuine[None, :]
        one_forgery = genuine[:, None] * (1.0 - genuine)[None, :]
        squared = ops.maximum(2.0 - 2.0 * cosines(y_pred), 1e-6)  # the root of 0 has no slope
        pull, push = 0.5 * squared, 0.5 * ops.square(ops.maximum(self.margin - ops.sqrt(squared), 0.0))
        groups = (
            (1.0, same_signer * others * both_genuine, pull),
            (self.skilled_weight, same_signer * one_forgery, push),
            (self.random_weight, (1.0 - same_signer) * both_genuine, push),
        )
        total = total_weight = 0.0
        for weight, members, losses in groups:
            n_members = ops.sum(members)
            present = weight * ops.cast(n_members > 0, "float32")
            total += present * ops.sum(members * losses) / ops.maximum(n_members, 1.0)
            total_weight += present
        return total / ops.maximum(total_weight, 1e-12)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        kept = ("margin", "skilled_weight", "random_weight")
        return {**super().get_config(), **{key: getattr(self, key) for key in kept}}


@keras.saving.register_keras_serializable(package="paraph")
class Triplet(keras.losses.Loss):
    """Ask that a genuine signature lies nearer to its signer's others than to any negative, by a margin.

    Distances are 1 - cosine. Skilled forgeries of the anchor's signer are the hardest negatives there are, so they
    are asked for on their own: the loss is the mean over triplets with other signers' signatures and the mean over
    triplets with own forgeries, weighed. With "batch_hard" each anchor meets its farthest positive and its nearest
    negative; with "semi_hard" each pair of anchor and positive meets the nearest negative that is farther than the
    positive, or the farthest one if none is.

    Args:
        margin: How much nearer, in 1 - cosine (0 to 2).
        mining: One of ``MININGS``.
        forgery_weight: Share of the triplets with own forgeries, 0 to 1; where there are none the others count.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Hermans, Beyer, Leibe (2017), "In defense of the triplet loss for person re-identification", eq. 5
        (batch hard); Schroff, Kalenichenko, Philbin (2015), "FaceNet", eq. 4 (semi-hard). Differs: cosine
        distance, own forgeries apart, anchors are genuine.
    """

    def __init__(
        self,
        margin: float = 0.3,
        mining: str = "batch_hard",
        forgery_weight: float = 0.5,
        name: str = "triplet",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.margin = above_zero("margin", margin)
        if mining not in MININGS:
            raise ValueError(f"unknown mining {mining!r}; use one of: {', '.join(MININGS)}")
        self.mining = mining
        self.forgery_weight = zero_or_more("forgery_weight", forgery_weight)
        if self.forgery_weight > 1:
            raise ValueError(f"forgery_weight is {forgery_weight!r}; it is a share from 0 to 1, such as 0.5")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0).
            y_pred: Embeddings of length 1, shape ``(batch, d)``.

        Returns:
            A float32 scalar, 0 or above.
        """
        same_signer, genuine, others = relations(y_true)
        distance = 1.0 - cosines(y_pred)
        positives = same_signer * others * genuine[:, None] * genuine[None, :]
        foreign = (1.0 - same_signer) * genuine[:, None]
        own_forgery = same_signer * genuine[:, None] * (1.0 - genuine)[None, :]
        mine = self._batch_hard if self.mining == "batch_hard" else self._semi_hard
        total = total_weight = 0.0
        for weight, negatives in ((1.0 - self.forgery_weight, foreign), (self.forgery_weight, own_forgery)):
            costs, counted = mine(distance, positives, negatives)
            n = ops.sum(counted)
            present = weight * ops.cast(n > 0, "float32")
            total += present * ops.sum(counted * costs) / ops.maximum(n, 1.0)
            total_weight += present
        return total / ops.maximum(total_weight, 1e-12)

    def _batch_hard(self, distance: Any, positives: Any, negatives: Any) -> tuple[Any, Any]:
        """Return the cost of each anchor, shape ``(batch,)``, and whether it counts."""
        farthest = ops.max(ops.where(positives > 0, distance, FAR_BELOW), axis=1)
        nearest = ops.min(ops.where(negatives > 0, distance, -FAR_BELOW), axis=1)
        counted = ops.max(positives, axis=1) * ops.max(negatives, axis=1)
        return ops.where(counted > 0, ops.maximum(farthest - nearest + self.margin, 0.0), 0.0), counted

    def _semi_hard(self, distance: Any, positives: Any, negatives: Any) -> tuple[Any, Any]:
        """Return the cost of each pair of anchor and positive, shape ``(batch, batch)``, and whether it counts."""
        farther = (distance[:, None, :] > distance[:, :, None]) & (negatives[:, None, :] > 0)
        nearest = ops.min(ops.where(farther, distance[:, None, :], -FAR_BELOW), axis=2)
        farthest = ops.max(ops.where(negatives > 0, distance, FAR_BELOW), axis=1)[:, None]
        chosen = ops.where(ops.any(farther, axis=2), nearest, farthest)
        counted = positives * ops.max(negatives, axis=1)[:, None]
        return ops.where(counted > 0, ops.maximum(distance - chosen + self.margin, 0.0), 0.0), counted

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        kept = ("margin", "mining", "forgery_weight")
        return {**super().get_config(), **{key: getattr(self, key) for key in kept}}


@keras.saving.register_keras_serializable(package="paraph")
class MultiSimilarity(keras.losses.Loss):
    """Weigh every pair of an anchor by how hard it is, against a fixed cosine and against its other pairs.

    An anchor's positives count if they are farther than its nearest negative (less a slack), its negatives if they
    are nearer than its farthest positive (plus the slack). Negatives are all others, own forgeries among them.

    Args:
        alpha: Steepness for positives, above 0.
        beta: Steepness for negatives, above 0.
        base: Cosine that positives should exceed and negatives should not, -1 to 1.
        slack: By how much a pair may be easier and still count, 0 or above.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Wang, Han, Huang, Dong, Scott (2019), "Multi-similarity loss with general pair weighting for deep metric
        learning", eqs. 11 to 15. Differs: only genuine signatures are anchors; the mean is over the anchors with
        at least one positive and one negative, mined or not.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        slack: float = 0.1,
        name: str = "multi_similarity",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.alpha, self.beta = above_zero("alpha", alpha), above_zero("beta", beta)
        self.base, self.slack = finite("base", base), zero_or_more("slack", slack)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0).
            y_pred: Embeddings of length 1, shape ``(batch, d)``.

        Returns:
            A float32 scalar, 0 or above.
        """
        same_signer, genuine, others = relations(y_true)
        cosine = cosines(y_pred)
        positives = (same_signer * others * genuine[:, None] * genuine[None, :]) > 0
        negatives = ((1.0 - same_signer * genuine[None, :]) * others * genuine[:, None]) > 0
        nearest = ops.max(ops.where(negatives, cosine, FAR_BELOW), axis=1, keepdims=True)
        farthest = ops.min(ops.where(positives, cosine, -FAR_BELOW), axis=1, keepdims=True)
        hard_positives = positives & (cosine - self.slack < nearest)
        hard_negatives = negatives & (cosine + self.slack > farthest)
        pull = _log_one_plus_sum(-self.alpha * (cosine - self.base), hard_positives) / self.alpha
        push = _log_one_plus_sum(self.beta * (cosine - self.base), hard_negatives) / self.beta
        counted = ops.cast(ops.any(positives, axis=1) & ops.any(negatives, axis=1), "float32")
        return ops.sum(counted * (pull + push)) / ops.maximum(ops.sum(counted), 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        kept = ("alpha", "beta", "base", "slack")
        return {**super().get_config(), **{key: getattr(self, key) for key in kept}}


def _log_one_plus_sum(logits: Any, members: Any) -> Any:
    """Return log(1 + the sum of exp(logits) over members) of each row, shape ``(batch,)``."""
    masked = ops.where(members, logits, FAR_BELOW)
    return ops.logsumexp(ops.concatenate([ops.zeros_like(masked[:, :1]), masked], axis=1), axis=1)
