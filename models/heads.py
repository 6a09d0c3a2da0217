"""Heads: what turns a backbone's embeddings into an answer about a pair, or into the name of a training signer.

Pairs: ``siamese``, ``cosine``, ``mahalanobis``. Names: ``signers``, ``prototypes``, ``multitask``, for the losses of
`losses_signers`; ``backbone_of`` takes such a head off again. The backbone itself comes from ``build``; label 1 =
genuine and a higher score = more likely genuine.
"""

from typing import Any

import keras
from keras import layers, ops

from .layers import L1Distance, L2Normalize, glorot_uniform

_EMBEDDING = "head_embedding"  # marks where a backbone ends and its head begins


def siamese(backbone: keras.Model, *, seed: int) -> keras.Model:
    """Build a Siamese network: two images in, the probability that one signer made both out.

    Train it with binary cross-entropy on label 1 = genuine, 0 = any forgery. Both images go through the one
    backbone, whose weights are shared with the model given, and exchanging them changes nothing.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``, such as ``build`` returns.
        seed: Seed of the last layer's weights, 0 or above.

    Returns:
        A model from ``[reference, questioned]``, each shaped as the backbone's input, to float32 scores in
        [0, 1], shape ``(batch, 1)``; a higher score = more likely genuine.

    Raises:
        ValueError: If ``seed`` is below 0, or the backbone has several inputs.

    Source:
        Koch, Zemel, Salakhutdinov (2015), "Siamese neural networks for one-shot image recognition", section
        3.1. Differs: the twins' embeddings have length 1.
    """
    inputs, embeddings = _twins(backbone, seed)
    distance = L1Distance(name="l1_distance")(embeddings)
    score = keras.layers.Dense(
        1,
        activation="sigmoid",
        kernel_initializer=glorot_uniform(seed, "score"),
        dtype="float32",
        name="score",
    )(distance)
    return keras.Model(inputs, score, name=f"siamese_{backbone.name}")


def cosine(backbone: keras.Model) -> keras.Model:
    """Build a pair network that scores by the cosine of the embeddings; it has no weights of its own.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``.

    Returns:
        A model from ``[reference, questioned]`` to float32 scores in [-1, 1], shape ``(batch, 1)``; a higher score
        = more likely genuine.

    Raises:
        ValueError: If the backbone has several inputs.
    """
    inputs, embeddings = _twins(backbone, 0)
    unit = [
        L2Normalize(name=f"{word}_unit")(e) for word, e in zip(("reference", "questioned"), embeddings, strict=True)
    ]
    score = layers.Dot(axes=-1, dtype="float32", name="score")(unit)
    return keras.Model(inputs, score, name=f"cosine_{backbone.name}")


def mahalanobis(backbone: keras.Model) -> keras.Model:
    """Build a pair network that scores by a distance with one learned weight for each component.

    Train it with binary cross-entropy on label 1 = genuine, 0 = any forgery, the backbone frozen or not. It starts
    as the plain squared distance.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``.

    Returns:
        A model from ``[reference, questioned]`` to float32 scores in [0, 1], shape ``(batch, 1)``; a higher score
        = more likely genuine.

    Raises:
        ValueError: If the backbone has several inputs.
    """
    inputs, embeddings = _twins(backbone, 0)
    logit = MahalanobisDiagonal(name="mahalanobis")(embeddings)
    score = layers.Activation("sigmoid", dtype="float32", name="score")(logit)
    return keras.Model(inputs, score, name=f"mahalanobis_{backbone.name}")


@keras.saving.register_keras_serializable(package="paraph")
class MahalanobisDiagonal(layers.Layer):
    """Turn two vectors into a logit that falls with their squared distance, weighed component by component.

    The logit is ``offset - sum(w * (a - b)**2)`` with every w above 0 (a softplus), so that no training can make a
    larger difference speak for a genuine signature. It is symmetric, and computed in float32.

    Args:
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Mahalanobis (1936), "On the generalised distance in statistics", with a diagonal matrix that is learned.
        Differs: an offset, so that a sigmoid can follow.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(kwargs | {"dtype": "float32"}))

    def build(self, input_shape: Any) -> None:
        """Make one weight a component, all starting at 1 after the softplus, and the offset."""
        start = keras.initializers.Constant(0.541324855)  # softplus of it is 1
        self.width = self.add_weight(shape=(input_shape[0][-1],), initializer=start, name="width")
        self.offset = self.add_weight(shape=(), initializer="ones", name="offset")

    def call(self, inputs: Any) -> Any:
        """Return logits, shape ``(batch, 1)``, of a pair ``[a, b]`` of shapes ``(batch, d)``."""
        first, second = (ops.cast(x, "float32") for x in inputs)
        weighed = ops.softplus(self.width) * ops.square(first - second)
        return self.offset - ops.sum(weighed, axis=-1, keepdims=True)


def signers(backbone: keras.Model, n_signers: int, *, seed: int) -> keras.Model:
    """Build a network that names the training signer: logits of a softmax, for ``SignerClassification``.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``.
        n_signers: How many signers there are to choose from, 2 or above.
        seed: Seed of the last layer's weights, 0 or above.

    Returns:
        A model from images to float32 logits, shape ``(batch, n_signers)``.

    Raises:
        ValueError: If ``n_signers`` is below 2.
    """
    x = _begin(backbone, n_signers)
    return keras.Model(backbone.input, _logits(x, n_signers, seed=seed, name="signers"), name=backbone.name)


def prototypes(backbone: keras.Model, n_signers: int, *, seed: int) -> keras.Model:
    """Build a network that compares with one learned prototype a training signer, for ``ArcFace`` and ``CosFace``.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``.
        n_signers: How many signers there are to choose from, 2 or above.
        seed: Seed of the prototypes, 0 or above.

    Returns:
        A model from images to float32 cosines, shape ``(batch, n_signers)``.

    Raises:
        ValueError: If ``n_signers`` is below 2.
    """
    init = glorot_uniform(seed, "prototypes")
    x = _begin(backbone, n_signers)
    x = Prototypes(n_signers, kernel_initializer=init, name="prototypes")(x)
    return keras.Model(backbone.input, x, name=backbone.name)


@keras.saving.register_keras_serializable(package="paraph")
class Prototypes(layers.Dense):
    """Compare unit vectors with learned unit vectors: a dense layer without bias whose columns have length 1.

    Args:
        units: How many prototypes.
        **kwargs: ``kernel_initializer`` and the like, for ``keras.layers.Dense``.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **(kwargs | {"use_bias": False, "dtype": "float32"}))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Return float32 cosines, shape ``(batch, units)``, of unit vectors ``(batch, d)``."""
        lengths = ops.sqrt(ops.maximum(ops.sum(ops.square(self.kernel), axis=0, keepdims=True), 1e-12))
        return ops.matmul(ops.cast(inputs, "float32"), self.kernel / lengths)


def multitask(backbone: keras.Model, n_signers: int, *, seed: int) -> keras.Model:
    """Build a network that names the training signer and tells forgeries, for ``SigNetF``.

    Args:
        backbone: A model from images to embeddings ``(batch, d)``.
        n_signers: How many signers there are to choose from, 2 or above.
        seed: Seed of the last layers' weights, 0 or above.

    Returns:
        A model from images to float32 logits, shape ``(batch, n_signers + 1)``: the signers, then "is a forgery".

    Raises:
        ValueError: If ``n_signers`` is below 2.
    """
    x = _begin(backbone, n_signers)
    named, told = _logits(x, n_signers, seed=seed, name="signers"), _logits(x, 1, seed=seed, name="forgery")
    joined = layers.Concatenate(dtype="float32", name="signers_and_forgery")([named, told])
    return keras.Model(backbone.input, joined, name=backbone.name)


def backbone_of(model: keras.Model) -> keras.Model:
    """Return a network without the head that ``siamese``, ``signers``, ``prototypes`` or ``multitask`` put on it.

    Args:
        model: Any model; one without such a head is returned as it is. The weights are shared.
    """
    twins = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    if len(model.inputs) == 2 and len(twins) == 1:
        return twins[0]
    if all(layer.name != _EMBEDDING for layer in model.layers):
        return model
    return keras.Model(model.input, model.get_layer(_EMBEDDING).input, name=model.name)


def _begin(backbone: keras.Model, n_signers: int) -> Any:
    if n_signers < 2:
        raise ValueError(f"n_signers is {n_signers}; there must be at least 2 to choose from")
    return layers.Identity(dtype="float32", name=_EMBEDDING)(backbone.output)


def _logits(x: Any, units: int, *, seed: int, name: str) -> Any:
    """Return logits of unit vectors, which are made longer first: a softmax of numbers below 1 says little."""
    x = layers.Rescaling(16.0, dtype="float32", name=f"{name}_scale")(x)
    init = glorot_uniform(seed, name)
    return layers.Dense(units, kernel_initializer=init, dtype="float32", name=name)(x)


def _twins(backbone: keras.Model, seed: int) -> tuple[list[Any], list[Any]]:
    """Return the inputs of a reference and a questioned image, and their embeddings by one backbone."""
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be a whole number from 0 up, such as 0")
    if len(backbone.inputs) != 1:
        raise ValueError(f"the backbone has {len(backbone.inputs)} inputs; give one that takes one image")
    inputs = [keras.Input(backbone.input_shape[1:], name=word) for word in ("reference", "questioned")]
    return inputs, [backbone(x) for x in inputs]
