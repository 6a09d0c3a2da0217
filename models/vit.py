"""Vision transformers: an image as a row of tokens that look at each other."""

import keras
from keras import layers

from .blocks import check_at_least, conv, embedding, norm_relu, transformer_block
from .layers import SinePositions, glorot_uniform
from .registry import register


@register("vit_tiny", any_canvas=True)
def vit_tiny(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    width: int = 192,
    depth: int = 12,
    heads: int = 3,
    patch: int = 16,
) -> keras.Model:
    """Build a vision transformer of the size known as tiny, with a convolutional stem.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        width: Length of a token, a multiple of ``heads`` and of 8.
        depth: How many transformer blocks, 1 or above.
        heads: Heads of each block.
        patch: Pixels a token's side stands for: 8, 16 or 32.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        Dosovitskiy et al. (2021), "An image is worth 16 x 16 words", section 3.1, in the size of Touvron et al.
        (2021), "Training data-efficient image transformers", table 1 (192 wide, 12 deep, 3 heads). Differs: stem
        of 3 x 3 convolutions (Xiao et al. 2021, "Early convolutions help transformers see better"), fixed sine
        positions and the mean of the tokens instead of a class token (Beyer et al. 2022), no dropout.
    """
    if patch not in (8, 16, 32):
        raise ValueError(f"patch is {patch!r}; use 8, 16 or 32")
    check_at_least("depth", depth, 1, 12)
    check_at_least("heads", heads, 1, 3)
    if width % heads or width % 8 or width < 64:
        raise ValueError(f"width is {width!r}; it must be at least 64 and a multiple of 8 and of heads, such as 192")
    x = ink = keras.Input(image_shape, name="ink")
    n_convs = patch.bit_length() - 1
    for number in range(1, n_convs + 1):
        channels = max(16, width >> (n_convs - number))
        x = norm_relu(conv(x, channels, 3, stride=2, seed=seed, name=f"stem{number}_conv"), name=f"stem{number}")
    init = glorot_uniform(seed, "tokens_conv")
    x = layers.Conv2D(width, 1, kernel_initializer=init, name="tokens_conv")(x)
    rows, columns = x.shape[1:3]
    x = layers.Reshape((rows * columns, width), name="tokens")(x)
    x = SinePositions((rows, columns), name="positions")(x)
    for stage in range(1, depth + 1):
        x = transformer_block(x, heads=heads, seed=seed, name=f"stage{stage}")
    x = layers.LayerNormalization(name="last_norm")(x)
    x = layers.GlobalAveragePooling1D(name="whole_pool")(x)
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="vit_tiny")
