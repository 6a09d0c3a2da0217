"""Densely connected networks: every layer of a block sees the maps of all layers before it."""

from typing import Any

import keras
from keras import layers

from .attention import attend, check_kind
from .blocks import conv, embedding, norm_relu
from .registry import register


@register("densenet40", any_canvas=True)
def densenet40(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the dense network of 40 layers: three blocks of twelve 3 x 3 convolutions with 12 channels each.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the three blocks.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        Huang, Liu, van der Maaten, Weinberger (2017), "Densely connected convolutional networks", section 4.2
        (L = 40, k = 12). Differs: a 7 x 7 stem of stride 4 to 24 channels, since our images have eighteen times
        the pixels of theirs; no dropout.
    """
    check_kind(attention)
    ink = keras.Input(image_shape, name="ink")
    x = conv(ink, 24, 7, stride=4, seed=seed, name="stem_conv")
    for stage in (1, 2, 3):
        x = dense_block(x, 12, growth=12, narrow=False, seed=seed, name=f"stage{stage}")
        x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
        if stage < 3:
            x = transition(x, x.shape[-1], seed=seed, name=f"stage{stage}_transition")
    x = layers.GlobalAveragePooling2D(name="whole_pool")(norm_relu(x, name="last"))
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="densenet40")


@register("densenet121", any_canvas=True)
def densenet121(
    *, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none"
) -> keras.Model:
    """Build the dense network of 121 layers: blocks of 6, 12, 24 and 16 bottlenecks with 32 channels each.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, at the end of each of the four blocks.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        Huang, Liu, van der Maaten, Weinberger (2017), "Densely connected convolutional networks", table 1
        (DenseNet-121, k = 32). Differs: any number of image channels, an L2-normalised embedding at the end.
    """
    check_kind(attention)
    ink = keras.Input(image_shape, name="ink")
    x = norm_relu(conv(ink, 64, 7, stride=2, seed=seed, name="stem_conv"), name="stem")
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool")(x)
    for stage, n_layers in enumerate((6, 12, 24, 16), start=1):
        x = dense_block(x, n_layers, growth=32, narrow=True, seed=seed, name=f"stage{stage}")
        x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
        if stage < 4:
            x = transition(x, x.shape[-1] // 2, seed=seed, name=f"stage{stage}_transition")
    x = layers.GlobalAveragePooling2D(name="whole_pool")(norm_relu(x, name="last"))
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="densenet121")


def dense_block(x: Any, n_layers: int, *, growth: int, narrow: bool, seed: int, name: str) -> Any:
    """Join to the maps, ``n_layers`` times, ``growth`` channels made from all there are.

    Args:
        x: Maps, shape ``(batch, height, width, channels)``.
        n_layers: How many layers.
        growth: Channels that each adds (k in the paper).
        narrow: Whether a 1 x 1 convolution to ``4 * growth`` channels comes before the 3 x 3.
        seed: Seed of the model.
        name: Prefix of the layers' names.
    """
    for number in range(1, n_layers + 1):
        y, part = x, f"{name}_layer{number}"
        if narrow:
            y = conv(norm_relu(y, name=f"{part}_1"), 4 * growth, 1, seed=seed, name=f"{part}_1_conv")
        y = conv(norm_relu(y, name=f"{part}_2"), growth, 3, seed=seed, name=f"{part}_2_conv")
        x = layers.Concatenate(name=f"{part}_join")([x, y])
    return x


def transition(x: Any, channels: int, *, seed: int, name: str) -> Any:
    """Mix the channels with a 1 x 1 convolution, then halve the maps' sides by averaging.

    Args:
        x: Maps, shape ``(batch, height, width, channels)``.
        channels: Channels that come out.
        seed: Seed of the model.
        name: Prefix of the layers' names.
    """
    x = conv(norm_relu(x, name=name), channels, 1, seed=seed, name=f"{name}_conv")
    return layers.AveragePooling2D(2, padding="same", name=f"{name}_pool")(x)
