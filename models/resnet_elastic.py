"""``resnet_elastic``: the small residual network with a map of local vectors that may move when compared."""

import keras
from keras import layers, ops

from .blocks import conv, norm_relu
from .elastic import ElasticEmbedding
from .layers import L2Normalize, glorot_uniform
from .registry import register
from .resnet import small_trunk


@register("resnet_elastic", loss="elastic", learning_rate=8e-3, muon_rate=0.016, any_canvas=True)
def resnet_elastic(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    stem_channels: int = 48,
    local_channels: int = 24,
    reach: tuple[int, int] = (2, 3),
    evidence: int = 24,
    grid: tuple[int, int] = (6, 12),
    attention: str = "none",
) -> keras.Model:
    """Build the trunk of ``resnet_small`` with two ends: a vector of the whole and a map of local vectors.

    The map has a cell every 8 pixels and sees both the strokes there (stride 8) and what they belong to (stride
    16, enlarged). Train it with the loss "elastic", which compares pairs as the verifier will.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of the vector of the whole, 2 or above.
        seed: Seed of the weights, 0 or above.
        stem_channels: Channels after the stem, 8 or above.
        local_channels: Length of a local vector, 2 or above.
        reach: Rows and columns of cells that a stroke may have moved.
        evidence: Units of a ``MatchEvidence``, which learns what matches say beyond their cosine; 0 for none.
        grid: Rows and columns of the coarse grid in the vector of the whole, whatever the size of the canvas.
        attention: One of ``attention.KINDS``, after the blocks of stride 8 and after those of stride 16.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape ``(batch,
        embedding_dim + cells * local_channels)``; its last layer, an ``ElasticEmbedding``, compares them.

    Raises:
        ValueError: If an option is out of range.
    """
    if local_channels < 2:
        raise ValueError(f"local_channels is {local_channels}; a local vector needs at least 2, such as 24")
    ink = keras.Input(image_shape, name="ink")
    fine, last = small_trunk(ink, stem_channels=stem_channels, attention=attention, seed=seed)
    whole = layers.GlobalAveragePooling2D(name="whole_pool")(last)
    coarse = norm_relu(conv(last, 48, 1, seed=seed, name="grid_conv"), name="grid")
    if coarse.shape[1:3] != tuple(grid):
        coarse = ops.image.resize(ops.cast(coarse, "float32"), tuple(grid), antialias=True)  # no gradient in 16 bits
    whole = layers.Concatenate(name="joined")([whole, layers.Flatten(name="grid_flat")(coarse)])
    init = glorot_uniform(seed, "whole_dense")
    whole = layers.Dense(embedding_dim, kernel_initializer=init, name="whole_dense")(whole)
    whole = L2Normalize(name="whole")(whole)
    above = conv(last, 64, 1, seed=seed, name="above_conv")
    above = layers.UpSampling2D(2, interpolation="bilinear", name="above")(above)
    down, right = (big - small for big, small in zip(above.shape[1:3], fine.shape[1:3], strict=True))
    above = layers.Cropping2D(((0, down), (0, right)), name="above_cropped")(above)
    local = layers.Concatenate(name="local_joined")([norm_relu(fine, name="fine"), above])
    local = conv(local, local_channels, 1, seed=seed, name="local_conv")
    embedding = ElasticEmbedding(reach, evidence=evidence, seed=seed, name="embedding")
    return keras.Model(ink, embedding([whole, local]), name="resnet_elastic")
