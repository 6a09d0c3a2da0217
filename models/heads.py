"""Heads: what turns a backbone's embeddings into an answer about a pair.

The backbone itself comes from ``build``; label 1 = genuine and a higher score = more likely genuine.
"""

import keras

from .layers import L1Distance, glorot_uniform


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
    if seed < 0:
        raise ValueError(f"seed is {seed}; it must be a whole number from 0 up, such as 0")
    if len(backbone.inputs) != 1:
        raise ValueError(f"the backbone has {len(backbone.inputs)} inputs; give one that takes one image")
    image_shape = backbone.input_shape[1:]
    reference = keras.Input(image_shape, name="reference")
    questioned = keras.Input(image_shape, name="questioned")
    distance = L1Distance(name="l1_distance")([backbone(reference), backbone(questioned)])
    score = keras.layers.Dense(
        1,
        activation="sigmoid",
        kernel_initializer=glorot_uniform(seed, "score"),
        dtype="float32",
        name="score",
    )(distance)
    return keras.Model([reference, questioned], score, name=f"siamese_{backbone.name}")
