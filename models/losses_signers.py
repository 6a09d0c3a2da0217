"""Losses that name the signer: softmax over the training signers, with margins, or with a forgery term beside it.

Labels have shape ``(batch, 2)`` as in `losses`, but the slot is the signer's number among the training signers, 0
to ``n_signers - 1``. Predictions are what a head of `heads` makes of the embeddings, shape ``(batch, n_signers)``
or one more. Everything is computed in float32.
"""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from .pairs import above_zero, zero_or_more


def _parts(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """Return the signer's number, 1.0 where genuine, and float32 predictions."""
    labels = ops.cast(y_true, "int32")
    return labels[:, 0], ops.cast(labels[:, 1], "float32"), ops.cast(y_pred, "float32")


def _mean_over_genuine(losses: Any, genuine: Any, signers: Any, class_weights: list[float] | None) -> Any:
    if class_weights is not None:
        losses = losses * ops.take(ops.convert_to_tensor(class_weights, "float32"), signers)
    return ops.sum(losses * genuine) / ops.maximum(ops.sum(genuine), 1.0)


def _checked_weights(class_weights: Sequence[float] | None) -> list[float] | None:
    return None if class_weights is None else [zero_or_more("a class weight", weight) for weight in class_weights]


@keras.saving.register_keras_serializable(package="paraph")
class SignerClassification(keras.losses.Loss):
    """Cross-entropy of the signer's number over the genuine signatures of a batch; forgeries count for nothing.

    Args:
        class_weights: Factor on the loss of each signer's signatures, by number; 1 each if left out.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Source:
        Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature verification
        using deep convolutional neural networks", eq. 1 (SigNet), as printed.
    """

    def __init__(
        self, class_weights: Sequence[float] | None = None, name: str = "signer_classification", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.class_weights = _checked_weights(class_weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer's number, genuine (1) or forgery (0).
            y_pred: Logits, shape ``(batch, n_signers)``.

        Returns:
            A float32 scalar, 0 or above; 0 if all are forgeries.
        """
        signers, genuine, logits = _parts(y_true, y_pred)
        return _mean_over_genuine(_cross_entropy(signers, logits), genuine, signers, self.class_weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {**super().get_config(), "class_weights": self.class_weights}


@keras.saving.register_keras_serializable(package="paraph")
class ArcFace(keras.losses.Loss):
    """Classify signers by the angle to their prototypes, their own angle made larger by a margin first.

    Forgeries count for nothing.

    Args:
        margin: Added to the angle to the own prototype, in radians, 0 to below pi / 2.
        scale: Cosines are multiplied by it, above 0.
        class_weights: Factor on the loss of each signer's signatures, by number; 1 each if left out.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Deng, Guo, Xue, Zafeiriou (2019), "ArcFace: additive angular margin loss for deep face recognition",
        eq. 3. Differs: where angle and margin pass pi, the cosine falls on in a straight line, so that it keeps
        falling; cosines are kept 1e-4 away from -1 and 1, where the angle has no finite slope.
    """

    def __init__(
        self,
        margin: float = 0.5,
        scale: float = 30.0,
        class_weights: Sequence[float] | None = None,
        name: str = "arcface",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.class_weights = _checked_weights(class_weights)
        self.margin, self.scale = zero_or_more("margin", margin), above_zero("scale", scale)
        if self.margin >= math.pi / 2:
            raise ValueError(f"margin is {margin!r}; it must be below pi / 2, such as 0.5")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer's number, genuine (1) or forgery (0).
            y_pred: Cosines to the prototypes, shape ``(batch, n_signers)``.

        Returns:
            A float32 scalar, 0 or above; 0 if all are forgeries.
        """
        signers, genuine, cosine = _parts(y_true, y_pred)
        cosine = ops.clip(cosine, -1.0 + 1e-4, 1.0 - 1e-4)
        turned = cosine * math.cos(self.margin) - ops.sqrt(1.0 - ops.square(cosine)) * math.sin(self.margin)
        straight = cosine - self.margin * math.sin(self.margin)
        turned = ops.where(cosine > -math.cos(self.margin), turned, straight)
        own = ops.one_hot(signers, cosine.shape[-1], dtype="float32")
        losses = _cross_entropy(signers, self.scale * ops.where(own > 0, turned, cosine))
        return _mean_over_genuine(losses, genuine, signers, self.class_weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        own = {"margin": self.margin, "scale": self.scale, "class_weights": self.class_weights}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="paraph")
class CosFace(keras.losses.Loss):
    """Classify signers by the cosine to their prototypes, their own one made smaller by a margin first.

    Forgeries count for nothing.

    Args:
        margin: Taken from the cosine to the own prototype, 0 or above.
        scale: Cosines are multiplied by it, above 0.
        class_weights: Factor on the loss of each signer's signatures, by number; 1 each if left out.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If an argument is out of range.

    Source:
        Wang et al. (2018), "CosFace: large margin cosine loss for deep face recognition", eq. 4, as printed.
    """

    def __init__(
        self,
        margin: float = 0.35,
        scale: float = 30.0,
        class_weights: Sequence[float] | None = None,
        name: str = "cosface",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.class_weights = _checked_weights(class_weights)
        self.margin, self.scale = zero_or_more("margin", margin), above_zero("scale", scale)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer's number, genuine (1) or forgery (0).
            y_pred: Cosines to the prototypes, shape ``(batch, n_signers)``.

        Returns:
            A float32 scalar, 0 or above; 0 if all are forgeries.
        """
        signers, genuine, cosine = _parts(y_true, y_pred)
        own = ops.one_hot(signers, cosine.shape[-1], dtype="float32")
        losses = _cross_entropy(signers, self.scale * (cosine - self.margin * own))
        return _mean_over_genuine(losses, genuine, signers, self.class_weights)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        own = {"margin": self.margin, "scale": self.scale, "class_weights": self.class_weights}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="paraph")
class SigNetF(keras.losses.Loss):
    """Name the signer of a genuine signature, and tell for every signature whether it is a forgery.

    Args:
        forgery_share: Weight of the forgery term, 0 to 1; the rest is the signers' (lambda in the paper).
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.

    Raises:
        ValueError: If ``forgery_share`` is not between 0 and 1.

    Source:
        Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature verification
        using deep convolutional neural networks", eq. 4 (SigNet-F). Differs: label 1 = genuine, so their f is
        1 - label; mean over the batch.
    """

    def __init__(self, forgery_share: float = 0.95, name: str = "signet_f", **kwargs: Any) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.forgery_share = zero_or_more("forgery_share", forgery_share)
        if self.forgery_share > 1:
            raise ValueError(f"forgery_share is {forgery_share!r}; it is a share from 0 to 1, such as 0.95")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of a batch.

        Args:
            y_true: Whole numbers, shape ``(batch, 2)``: signer's number, genuine (1) or forgery (0).
            y_pred: Logits of the signers, then one of "is a forgery", shape ``(batch, n_signers + 1)``.

        Returns:
            A float32 scalar, 0 or above.
        """
        signers, genuine, logits = _parts(y_true, y_pred)
        named = genuine * _cross_entropy(signers, logits[:, :-1])
        forgery = logits[:, -1]
        told = ops.softplus(forgery) - (1.0 - genuine) * forgery
        return ops.mean((1.0 - self.forgery_share) * named + self.forgery_share * told)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {**super().get_config(), "forgery_share": self.forgery_share}


def _cross_entropy(signers: Any, logits: Any) -> Any:
    """Return -log of the softmax at each row's signer, shape ``(batch,)``."""
    own = ops.one_hot(signers, logits.shape[-1], dtype="float32")
    return ops.logsumexp(logits, axis=-1) - ops.sum(own * logits, axis=-1)
