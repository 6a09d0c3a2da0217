"""Losses on embeddings: which vectors should be close, and how sharply that is asked for.

Label 1 = genuine everywhere. Everything is computed in float32 with ``keras.ops``, whatever the inputs'
dtype. Batch losses take labels of shape ``(batch, 2)``: column 0 is the slot of the signer whose signature
an image claims to be, column 1 is 1 for genuine and 0 for a forgery. A slot is any whole number below 2**24,
the same for one signer's images (Keras hands labels over as float32).
"""

from typing import Any

import keras
from keras import ops

from .pairs import FAR_BELOW, above_zero, cosines, finite, relations, zero_or_more


@keras.saving.register_keras_serializable(package="paraph")
class SupervisedContrastive(keras.losses.Loss):
    """Pull the genuine signatures of a signer together, push everything else in the batch away.

    Each genuine signature is an anchor; its positives are the other genuine signatures of the same signer;
    all others are negatives, among them every forgery, those of the anchor's own signer included. A forgery
    is nobody's positive and never an anchor. An anchor without a positive counts for nothing, and the loss
    is the mean over the anchors that count (0 if there are none).

    Args:
        temperature: Cosines are divided by it, above 0.
        forgery_weight: Factor on the denominator's terms of forgeries of the anchor's own signer, 0 or
            above; 1 is the plain loss.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If ``temperature`` or ``forgery_weight`` is out of range.

    Source:
        Khosla et al. (2020), "Supervised contrastive learning", eq. 2. Differs: forgeries are negatives
        without being anchors, own forgeries can be weighted, and the sum over anchors is a mean.
    """

    def __init__(
        self,
        temperature: float = 0.1,
        forgery_weight: float = 1.0,
        name: str = "supervised_contrastive",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.temperature = above_zero("temperature", temperature)
        self.forgery_weight = zero_or_more("forgery_weight", forgery_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0).
            y_pred: Embeddings of length 1, shape ``(batch, d)``.

        Returns:
            A float32 scalar, 0 or above.
        """
        same_signer, genuine, others = relations(y_true)
        logits = cosines(y_pred) / self.temperature
        own_forgery = same_signer * others * (1.0 - genuine)[None, :]
        weights = others * (1.0 + (self.forgery_weight - 1.0) * own_forgery)
        masked = ops.where(weights > 0, logits + ops.log(ops.maximum(weights, 1e-30)), FAR_BELOW)
        log_probability = logits - ops.logsumexp(masked, axis=1, keepdims=True)
        positives = same_signer * others * genuine[:, None] * genuine[None, :]
        n_positives = ops.sum(positives, axis=1)
        per_anchor = -ops.sum(positives * log_probability, axis=1) / ops.maximum(n_positives, 1.0)
        n_anchors = ops.sum(ops.cast(n_positives > 0, "float32"))
        return ops.sum(per_anchor) / ops.maximum(n_anchors, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        own = {"temperature": self.temperature, "forgery_weight": self.forgery_weight}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="paraph")
class PairLogistic(keras.losses.Loss):
    """Ask that one global threshold on the cosine tells genuine pairs from all others.

    Every pair in the batch falls into one of three groups: genuine (two genuine signatures of one signer),
    skilled (a genuine signature and a forgery claimed to be of the same signer) and random (genuine
    signatures of two signers). Other pairs are left out. The logit is ``scale * cosine + bias``, and the
    losses of each group are averaged first, so that the many random pairs do not drown the few others. A
    group without pairs counts for nothing.

    Args:
        scale: Steepness of the logit, above 0.
        bias: Logit of a cosine of 0; the decision falls at a cosine of ``-bias / scale``.
        genuine_weight: Weight of the genuine group's mean, 0 or above.
        skilled_weight: Weight of the skilled group's mean, 0 or above.
        random_weight: Weight of the random group's mean, 0 or above.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If ``scale``, ``bias`` or a weight is out of range, or all weights are 0.

    Source:
        Zhai et al. (2023), "Sigmoid loss for language image pre-training", eq. in section 3.2, for the
        logistic loss with scale and bias. Differs: groups averaged and weighted, scale and bias fixed.
    """

    def __init__(
        self,
        scale: float = 10.0,
        bias: float = -5.0,
        genuine_weight: float = 1.0,
        skilled_weight: float = 0.5,
        random_weight: float = 0.5,
        name: str = "pair_logistic",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.scale = above_zero("scale", scale)
        self.bias = finite("bias", bias)
        self.genuine_weight = zero_or_more("genuine_weight", genuine_weight)
        self.skilled_weight = zero_or_more("skilled_weight", skilled_weight)
        self.random_weight = zero_or_more("random_weight", random_weight)
        above_zero("the sum of the three weights", genuine_weight + skilled_weight + random_weight)

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
        logits = self.scale * cosines(y_pred) + self.bias
        groups = (
            (self.genuine_weight, same_signer * others * both_genuine, ops.softplus(-logits)),
            (self.skilled_weight, same_signer * one_forgery, ops.softplus(logits)),
            (self.random_weight, (1.0 - same_signer) * both_genuine, ops.softplus(logits)),
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
        kept = ("scale", "bias", "genuine_weight", "skilled_weight", "random_weight")
        return {**super().get_config(), **{key: getattr(self, key) for key in kept}}


@keras.saving.register_keras_serializable(package="paraph")
class Contrastive(keras.losses.Loss):
    """Pull genuine pairs together; push the others apart until they are a margin away.

    The prediction is a *distance* (small = alike), as a Siamese pair gives it; a score is its negative.

    Args:
        margin: Distance from which a pair that is not genuine costs nothing, above 0.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``.

    Raises:
        ValueError: If ``margin`` is not above 0.

    Source:
        Hadsell, Chopra, LeCun (2006), "Dimensionality reduction by learning an invariant mapping", eq. 4.
        Differs: label 1 = genuine here, while theirs is 0 for a similar pair.
    """

    def __init__(self, margin: float = 1.0, name: str = "contrastive", **kwargs: Any) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.margin = above_zero("margin", margin)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each pair.

        Args:
            y_true: 1 for a genuine pair, 0 for any other, shape ``(batch,)`` or ``(batch, 1)``.
            y_pred: Distances, 0 or above, of the same shape.

        Returns:
            float32, shape ``(batch,)``.
        """
        distance = ops.reshape(ops.cast(y_pred, "float32"), (-1,))
        genuine = ops.reshape(ops.cast(y_true, "float32"), (-1,))
        short_by = ops.maximum(self.margin - distance, 0.0)
        return 0.5 * (genuine * ops.square(distance) + (1.0 - genuine) * ops.square(short_by))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable(package="paraph")
class WeightedSum(keras.losses.Loss):
    """Add losses that take the same labels and predictions, each with its weight.

    Args:
        losses: At least one loss, such as ``[SupervisedContrastive(), PairLogistic()]``.
        weights: One factor a loss, 0 or above; 1 each if left out.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If there is no loss, or not one weight a loss, or a weight below 0.
    """

    def __init__(
        self,
        losses: list[keras.losses.Loss],
        weights: list[float] | None = None,
        name: str = "weighted_sum",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        weights = [1.0] * len(losses) if weights is None else list(weights)
        if not losses or len(weights) != len(losses):
            raise ValueError(f"{len(losses)} losses with {len(weights)} weights; give one weight for each loss")
        self.losses = list(losses)
        self.weights = [zero_or_more("a weight", weight) for weight in weights]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the weighted sum.

        Args:
            y_true: Labels as the losses take them.
            y_pred: Predictions as the losses take them.

        Returns:
            A float32 scalar.
        """
        return sum(weight * loss(y_true, y_pred) for weight, loss in zip(self.weights, self.losses, strict=True))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        losses = [keras.saving.serialize_keras_object(loss) for loss in self.losses]
        return {**super().get_config(), "losses": losses, "weights": self.weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WeightedSum":
        """Rebuild the sum and the losses in it.

        Args:
            config: What ``get_config`` returned.

        Returns:
            An equal loss.
        """
        losses = [keras.saving.deserialize_keras_object(loss) for loss in config["losses"]]
        return cls(**{**config, "losses": losses})
