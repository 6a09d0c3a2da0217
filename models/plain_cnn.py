"""A plain stack of 3 x 3 convolutions, without shortcuts: what one compares the others with."""

import keras
from keras import layers

from .attention import attend, check_kind
from .blocks import check_at_least, conv, dense_relu, embedding, norm_relu
from .registry import register


@register("plain_cnn", any_canvas=True)
def plain_cnn(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    channels: tuple[int, ...] = (64, 128, 256, 512),
    dense: tuple[int, ...] = (1024, 512),
    attention: str = "none",
) -> keras.Model:
    """Build blocks of two 3 x 3 convolutions, each block halving the sides, then dense layers.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        channels: Channels of each block, the first at least 8; five blocks at most. Smaller ones suit two cores.
        dense: Units of each dense layer between the mean over places and the embedding.
        attention: One of ``attention.KINDS``, at the end of each block.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        Simonyan, Zisserman (2015), "Very deep convolutional networks for large-scale image recognition", section
        2, for stacks of 3 x 3. Differs: two convolutions a block, batch normalisation, a mean over places.
    """
    check_kind(attention)
    if not 1 <= len(channels) <= 5:
        raise ValueError(f"channels is {channels!r}; give one to five blocks, such as (64, 128, 256, 512)")
    for size in channels:
        check_at_least("an entry of channels", size, 8, 64)
    for units in dense:
        check_at_least("an entry of dense", units, 1, 1024)
    x = ink = keras.Input(image_shape, name="ink")
    for stage, size in enumerate(channels, start=1):
        for number in (1, 2):
            part = f"stage{stage}_{number}"
            x = norm_relu(conv(x, size, 3, seed=seed, name=f"{part}_conv"), name=part)
        x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
        x = layers.MaxPooling2D(2, name=f"stage{stage}_pool")(x)
    x = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    for number, units in enumerate(dense, start=1):
        x = dense_relu(x, units, seed=seed, name=f"dense{number}")
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="plain_cnn")
