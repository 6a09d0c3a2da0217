"""What the convolutional families are put together from; no network stands here, those have one file a family."""

from typing import Any

from keras import layers

from .layers import L2Normalize, glorot_uniform, he_normal, layer_seed
from .normalization import BatchNormalization
from .token_attention import SelfAttention

# Keras's 0.99 leaves the running averages leaning on their start after 300 steps; short runs forget faster.
MOMENTUM = 0.95


def conv(x: Any, channels: int, size: int, *, stride: int = 1, padding: str = "same", seed: int, name: str) -> Any:
    """Convolve without a bias, which a normalisation would cancel.

    Args:
        x: Maps, shape ``(batch, height, width, channels)``.
        channels: Channels that come out.
        size: Side of the kernel in pixels.
        stride: Step of the kernel in pixels.
        padding: "same" or "valid".
        seed: Seed of the model.
        name: Name of the layer, which its weights are drawn for.
    """
    init = he_normal(seed, name)
    return layers.Conv2D(
        channels, size, strides=stride, padding=padding, use_bias=False, kernel_initializer=init, name=name
    )(x)


def norm(x: Any, *, name: str) -> Any:
    """Normalise each channel over the batch."""
    return BatchNormalization(momentum=MOMENTUM, name=name)(x)


def norm_relu(x: Any, *, name: str) -> Any:
    """Normalise over the batch, then rectify; the layers are called ``NAME_norm`` and ``NAME_relu``."""
    return layers.ReLU(name=f"{name}_relu")(norm(x, name=f"{name}_norm"))


def dense_relu(x: Any, units: int, *, seed: int, name: str) -> Any:
    """Map vectors linearly, then rectify.

    Args:
        x: Shape ``(..., n)``.
        units: Length of what comes out, ``(..., units)``.
        seed: Seed of the model.
        name: Name of the layer, which its weights are drawn for.
    """
    return layers.Dense(units, activation="relu", kernel_initializer=he_normal(seed, name), name=name)(x)


def embedding(x: Any, embedding_dim: int, *, seed: int) -> Any:
    """Return float32 vectors of length 1, shape ``(batch, embedding_dim)``; the last layer is ``embedding``."""
    init = glorot_uniform(seed, "embedding_dense")
    x = layers.Dense(embedding_dim, kernel_initializer=init, name="embedding_dense")(x)
    return L2Normalize(name="embedding")(x)


def check_at_least(name: str, value: int, least: int, example: object) -> None:
    """Raise ValueError if an option of a network is not a whole number from ``least`` up."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}; it must be a whole number, at least {least}, such as {example}")


def transformer_block(x: Any, valid: Any = None, *, heads: int, expand: int = 4, seed: int, name: str) -> Any:
    """Let tokens look at each other, then map each of them on its own; both are added to what was there.

    Args:
        x: Tokens, shape ``(batch, n, d)``.
        valid: 1 where a token counts, 0 where it is padding, shape ``(batch, n, 1)``; None if all count.
        heads: How many heads look.
        expand: How many times wider the inner layer of the second half is.
        seed: Seed of the model.
        name: Prefix of the layers' names.

    Source:
        Xiong et al. (2020), "On layer normalization in the transformer architecture", figure 1b, no dropout.
    """
    length = x.shape[-1]
    y = layers.LayerNormalization(name=f"{name}_1_norm")(x)
    look = SelfAttention(seed=layer_seed(seed, f"{name}_attention"), heads=heads, name=f"{name}_attention")
    x = layers.Add(name=f"{name}_1_add")([x, look(y if valid is None else [y, valid])])
    y = layers.LayerNormalization(name=f"{name}_2_norm")(x)
    for part, units, activation in (("wide", expand * length, "gelu"), ("narrow", length, None)):
        init = glorot_uniform(seed, f"{name}_{part}")
        y = layers.Dense(units, activation=activation, kernel_initializer=init, name=f"{name}_{part}")(y)
    return layers.Add(name=f"{name}_2_add")([x, y])
