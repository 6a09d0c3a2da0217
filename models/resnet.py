"""Residual networks: ``resnet_small``, made for two CPU cores, and the standard ones of 10 to 50 layers.

All start with a stem convolution of at least 3 x 3 and 8 channels: a strided 1 x 1 convolution put straight
on a grey image crashes TensorFlow's CPU kernels.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from .attention import attend, check_kind
from .blocks import conv, embedding, norm_relu
from .registry import register
from .residual import post_basic, post_bottleneck, pre_basic, pre_bottleneck

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
    attention: str = "none",
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
        attention: One of ``attention.KINDS``, after the blocks of stride 8 and after those of stride 16.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``stem_channels`` is below 8, or ``attention`` is unknown.

    Source:
        He, Zhang, Ren, Sun (2016), "Identity mappings in deep residual networks", figure 1b. Differs: stem
        of stride 4, bottlenecks between, shortcuts that shrink by averaging, coarse positions in the head.
    """
    ink = keras.Input(image_shape, name="ink")
    _, x = small_trunk(ink, stem_channels=stem_channels, attention=attention, seed=seed)
    whole = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    y = conv(x, grid_channels, 1, seed=seed, name="grid_conv")
    y = norm_relu(y, name="grid")
    pool = [math.ceil(side / cells) for side, cells in zip(y.shape[1:3], grid, strict=True)]
    y = layers.AveragePooling2D(pool, padding="same", name="grid_pool")(y)
    y = layers.Flatten(name="grid_flat")(y)
    joined = layers.Concatenate(name="joined")([whole, y])
    return keras.Model(ink, embedding(joined, embedding_dim, seed=seed), name="resnet_small")


def small_trunk(ink: Any, *, stem_channels: int, attention: str, seed: int) -> tuple[Any, Any]:
    """Return the maps of ``resnet_small``'s blocks at stride 8 (128 channels) and 16 (256 channels).

    Args:
        ink: The network's input.
        stem_channels: Channels after the stem, 8 or above.
        attention: One of ``attention.KINDS``.
        seed: Seed of the weights.

    Raises:
        ValueError: If ``stem_channels`` is below 8, or ``attention`` is unknown.
    """
    if stem_channels < 8:
        raise ValueError(f"stem_channels is {stem_channels}; the stem needs at least 8, such as 48")
    check_kind(attention)
    x = conv(ink, stem_channels, 7, stride=4, seed=seed, name="stem_conv")
    maps = []
    for index, (kind, channels, stride) in enumerate(_SMALL_BLOCKS, start=1):
        block = pre_basic if kind == "basic" else pre_bottleneck
        x = block(x, channels, stride=stride, seed=seed, name=f"block{index}")
        if index == len(_SMALL_BLOCKS) or _SMALL_BLOCKS[index][2] > 1:  # the last block of its stride
            x = attend(x, attention, seed=seed, name=f"block{index}_{attention}")
            maps.append(x)
    return maps[0], norm_relu(maps[1], name="last")


@register("resnet10", any_canvas=True)
def resnet10(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the residual network of 10 layers: one basic block a stage.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the four stages.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", after table 1. Differs: one block
        a stage, which the paper does not list, and as for ``resnet18``.
    """
    return _standard("resnet10", post_basic, (1, 1, 1, 1), image_shape, embedding_dim, seed, attention)


@register("resnet18", any_canvas=True)
def resnet18(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the residual network of 18 layers: two basic blocks a stage.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the four stages.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", table 1 (18 layers) with
        projection shortcuts. Differs: any number of image channels, an L2-normalised embedding at the end.
    """
    return _standard("resnet18", post_basic, (2, 2, 2, 2), image_shape, embedding_dim, seed, attention)


@register("resnet34", any_canvas=True)
def resnet34(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the residual network of 34 layers: 3, 4, 6 and 3 basic blocks.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the four stages.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", table 1 (34 layers). Differs as
        ``resnet18`` does.
    """
    return _standard("resnet34", post_basic, (3, 4, 6, 3), image_shape, embedding_dim, seed, attention)


@register("resnet50", any_canvas=True)
def resnet50(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the residual network of 50 layers: 3, 4, 6 and 3 bottleneck blocks.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the four stages.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", table 1 (50 layers). Differs as
        ``resnet18`` does, and strides in the 3 x 3 convolution, as is usual since, rather than in the 1 x 1.
    """
    return _standard("resnet50", post_bottleneck, (3, 4, 6, 3), image_shape, embedding_dim, seed, attention)


def _standard(
    name: str,
    block: Callable[..., Any],
    blocks: tuple[int, ...],
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    attention: str,
) -> keras.Model:
    """Build stem, four stages of 64 to 512 channels (times 4 for bottlenecks), mean and embedding."""
    check_kind(attention)
    ink = keras.Input(image_shape, name="ink")
    x = conv(ink, 64, 7, stride=2, seed=seed, name="stem_conv")
    x = norm_relu(x, name="stem")
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for stage, (channels, n_blocks) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), start=1):
        for number in range(1, n_blocks + 1):
            stride = 2 if stage > 1 and number == 1 else 1
            x = block(x, channels, stride=stride, seed=seed, name=f"stage{stage}_block{number}")
        x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
    x = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name=name)
