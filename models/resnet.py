"""Residual networks: ``resnet_small``, made for two CPU cores, and the standard ``resnet18``.

Both start with a stem convolution of at least 3 x 3 and 8 channels: a strided 1 x 1 convolution put straight
on a grey image crashes TensorFlow's CPU kernels.
"""

import math
from typing import Any

import keras
from keras import layers

from .layers import L2Normalize, glorot_uniform, he_normal
from .registry import register

# Keras's 0.99 leaves the running averages leaning on their start after 300 steps; short runs forget faster.
_MOMENTUM = 0.95
# kind, channels, stride; a bottleneck is half as wide inside
_SMALL_BLOCKS = (
    ("basic", 64, 2),
    ("bottleneck", 128, 1),
    ("bottleneck", 128, 1),
    ("basic", 128, 2),
    ("bottleneck", 256, 1),
)


@register("resnet_small")
def resnet_small(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    stem_channels: int = 48,
    grid: tuple[int, int] = (6, 12),
    grid_channels: int = 48,
) -> keras.Model:
    """Build a pre-activation residual network that two CPU cores can train.

    A 7 x 7 stem of stride 4 leaves the costly resolutions at once; 128 channels at stride 8 hold the strokes'
    detail, 256 at stride 16 what they form. The head joins the mean of the last map (what kind of stroke)
    with a coarse grid over it (where in the signature): two crops of one signature lie on each other, so that
    where a stroke runs is evidence, and pooling it all away learns much more slowly.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        stem_channels: Channels after the stem, 8 or above.
        grid: Most rows and columns of the coarse grid.
        grid_channels: Channels of the coarse grid.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``stem_channels`` is below 8.

    Source:
        He, Zhang, Ren, Sun (2016), "Identity mappings in deep residual networks", figure 1b. Differs: stem
        of stride 4, bottlenecks between, shortcuts that shrink by averaging, coarse positions in the head.
    """
    if stem_channels < 8:
        raise ValueError(f"stem_channels is {stem_channels}; the stem needs at least 8, such as 48")
    ink = keras.Input(image_shape, name="ink")
    x = _conv(ink, stem_channels, 7, stride=4, seed=seed, name="stem_conv")
    for index, (kind, channels, stride) in enumerate(_SMALL_BLOCKS, start=1):
        block = _pre_basic if kind == "basic" else _pre_bottleneck
        x = block(x, channels, stride=stride, seed=seed, name=f"block{index}")
    x = _norm_relu(x, name="last")
    whole = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    y = _conv(x, grid_channels, 1, seed=seed, name="grid_conv")
    y = _norm_relu(y, name="grid")
    pool = [math.ceil(side / cells) for side, cells in zip(y.shape[1:3], grid, strict=True)]
    y = layers.AveragePooling2D(pool, padding="same", name="grid_pool")(y)
    y = layers.Flatten(name="grid_flat")(y)
    joined = layers.Concatenate(name="joined")([whole, y])
    return keras.Model(ink, _embedding(joined, embedding_dim, seed=seed), name="resnet_small")


@register("resnet18")
def resnet18(*, image_shape: tuple[int, int, int], embedding_dim: int, seed: int) -> keras.Model:
    """Build the standard residual network of 18 layers, its classifier replaced by an embedding.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", table 1 (18 layers) with
        projection shortcuts. Differs: any number of image channels, an L2-normalised embedding at the end.
    """
    ink = keras.Input(image_shape, name="ink")
    x = _conv(ink, 64, 7, stride=2, seed=seed, name="stem_conv")
    x = _norm_relu(x, name="stem")
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for stage, channels in enumerate((64, 128, 256, 512), start=1):
        for block in (1, 2):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _post_basic(x, channels, stride=stride, seed=seed, name=f"stage{stage}_block{block}")
    x = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    return keras.Model(ink, _embedding(x, embedding_dim, seed=seed), name="resnet18")


def _pre_basic(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add two 3 x 3 convolutions, each after its normalisation, to the shortcut."""
    active = _norm_relu(x, name=f"{name}_1")
    y = _conv(active, channels, 3, stride=stride, seed=seed, name=f"{name}_1_conv")
    y = _norm_relu(y, name=f"{name}_2")
    y = _conv(y, channels, 3, seed=seed, name=f"{name}_2_conv")
    shortcut = _pre_shortcut(x, active, channels, stride=stride, seed=seed, name=name)
    return layers.Add(name=f"{name}_add")([shortcut, y])


def _pre_bottleneck(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add 1 x 1, 3 x 3 and 1 x 1 convolutions, half as wide inside, to the shortcut."""
    active = _norm_relu(x, name=f"{name}_1")
    y = _conv(active, channels // 2, 1, seed=seed, name=f"{name}_1_conv")
    y = _norm_relu(y, name=f"{name}_2")
    y = _conv(y, channels // 2, 3, stride=stride, seed=seed, name=f"{name}_2_conv")
    y = _norm_relu(y, name=f"{name}_3")
    y = _conv(y, channels, 1, seed=seed, name=f"{name}_3_conv")
    shortcut = _pre_shortcut(x, active, channels, stride=stride, seed=seed, name=name)
    return layers.Add(name=f"{name}_add")([shortcut, y])


def _pre_shortcut(x: Any, active: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Return ``x`` averaged where the map shrinks; where channels change, ``active`` projected instead."""
    projected = x.shape[-1] != channels
    shortcut = active if projected else x
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_shortcut_pool")(shortcut)
    if projected:
        shortcut = _conv(shortcut, channels, 1, seed=seed, name=f"{name}_shortcut_conv")
    return shortcut


def _post_basic(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add two 3 x 3 convolutions, each before its normalisation, to the shortcut; then rectify."""
    y = _conv(x, channels, 3, stride=stride, seed=seed, name=f"{name}_1_conv")
    y = _norm_relu(y, name=f"{name}_1")
    y = _conv(y, channels, 3, seed=seed, name=f"{name}_2_conv")
    y = _norm(y, name=f"{name}_2_norm")
    if stride > 1 or x.shape[-1] != channels:
        x = _conv(x, channels, 1, stride=stride, seed=seed, name=f"{name}_shortcut_conv")
        x = _norm(x, name=f"{name}_shortcut_norm")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _conv(x: Any, channels: int, size: int, *, stride: int = 1, seed: int, name: str) -> Any:
    """Convolve without a bias, which a normalisation would cancel."""
    return layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=he_normal(seed, name),
        name=name,
    )(x)


def _norm_relu(x: Any, *, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(_norm(x, name=f"{name}_norm"))


def _norm(x: Any, *, name: str) -> Any:
    return layers.BatchNormalization(momentum=_MOMENTUM, name=name)(x)


def _embedding(x: Any, embedding_dim: int, *, seed: int) -> Any:
    """Return float32 vectors of length 1."""
    init = glorot_uniform(seed, "embedding_dense")
    x = layers.Dense(embedding_dim, kernel_initializer=init, name="embedding_dense")(x)
    return L2Normalize(name="embedding")(x)
