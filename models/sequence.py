"""Networks on pen trajectories: rows of features over time, padded with rows of zeros at the end.

``pipelines.trajectories`` makes such rows. A padded row changes nothing: the same trajectory with more padding
has the same embedding.
"""

from typing import Any

import keras
from keras import layers, ops

from .blocks import check_at_least, embedding, transformer_block
from .layers import SinePositions, glorot_uniform, he_normal
from .registry import register


@keras.saving.register_keras_serializable(package="paraph")
class NotPadding(keras.layers.Layer):
    """Tell for each row whether it is a sample (1) or padding (0), which is all zeros.

    Args:
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.
    """

    def call(self, inputs: Any) -> Any:
        """Return 0 or 1, shape ``(batch, n, 1)``, of rows ``(batch, n, n_features)``."""
        return ops.cast(ops.any(ops.not_equal(inputs, 0.0), axis=-1, keepdims=True), self.compute_dtype)


@keras.saving.register_keras_serializable(package="paraph")
class MaskedMean(keras.layers.Layer):
    """Average the rows that are no padding, in float32; zeros if all are.

    Args:
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.
    """

    def call(self, inputs: Any) -> Any:
        """Return means, shape ``(batch, d)``, of ``[rows (batch, n, d), valid (batch, n, 1)]``."""
        rows, valid = (ops.cast(x, "float32") for x in inputs)
        mean = ops.sum(rows * valid, axis=1) / ops.maximum(ops.sum(valid, axis=1), 1.0)
        return ops.cast(mean, self.compute_dtype)


@register("tcn", takes="sequence", smallest=8)
def tcn(
    *,
    sequence_shape: tuple[int, int],
    embedding_dim: int,
    seed: int,
    channels: int = 64,
    stages: int = 6,
) -> keras.Model:
    """Build residual blocks of dilated convolutions over time; each stage sees twice as far as the one before.

    Args:
        sequence_shape: Samples and features of a trajectory, 8 samples at least.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        channels: Channels of every block, 8 or above.
        stages: How many blocks; block i dilates by ``2**(i - 1)``, so that six see 253 samples.

    Returns:
        A model from features, shape ``(batch, *sequence_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        Bai, Kolter, Koltun (2018), "An empirical evaluation of generic convolutional and recurrent networks for
        sequence modeling", figure 1b. Differs: it looks ahead as well as back (a signature is complete when it is
        judged), normalises each sample rather than the weights, has no dropout.
    """
    check_at_least("channels", channels, 8, 64)
    check_at_least("stages", stages, 1, 6)
    x = rows = keras.Input(sequence_shape, name="trajectory")
    valid = NotPadding(name="valid")(rows)
    x = _conv1d(x, channels, 5, 1, valid, seed=seed, name="stem")
    for stage in range(1, stages + 1):
        y = x
        for number in (1, 2):
            part = f"stage{stage}_{number}"
            y = layers.ReLU(name=f"{part}_relu")(layers.LayerNormalization(name=f"{part}_norm")(y))
            y = _conv1d(y, channels, 3, 2 ** (stage - 1), valid, seed=seed, name=part)
        x = layers.Add(name=f"stage{stage}_add")([x, y])
    x = layers.LayerNormalization(name="last_norm")(x)
    x = MaskedMean(name="whole_pool")([x, valid])
    return keras.Model(rows, embedding(x, embedding_dim, seed=seed), name="tcn")


@register("transformer", takes="sequence", smallest=8)
def transformer(
    *,
    sequence_shape: tuple[int, int],
    embedding_dim: int,
    seed: int,
    width: int = 96,
    depth: int = 4,
    heads: int = 4,
) -> keras.Model:
    """Build a transformer over the samples of a trajectory.

    Args:
        sequence_shape: Samples and features of a trajectory, 8 samples at least.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        width: Length of a token, 8 or above and a multiple of ``heads``.
        depth: How many blocks, 1 or above.
        heads: Heads of each block.

    Returns:
        A model from features, shape ``(batch, *sequence_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        Vaswani et al. (2017), "Attention is all you need", section 3 (the encoder). Differs: normalisation before
        each half, a convolution of width 5 makes the tokens, no dropout.
    """
    check_at_least("depth", depth, 1, 4)
    check_at_least("heads", heads, 1, 4)
    if width % heads or width < 8:
        raise ValueError(f"width is {width!r}; it must be at least 8 and a multiple of heads, such as 96")
    rows = keras.Input(sequence_shape, name="trajectory")
    valid = NotPadding(name="valid")(rows)
    x = _conv1d(rows, width, 5, 1, valid, seed=seed, name="stem")
    x = SinePositions(name="positions")(x)
    for stage in range(1, depth + 1):
        x = transformer_block(x, valid, heads=heads, seed=seed, name=f"stage{stage}")
    x = layers.LayerNormalization(name="last_norm")(x)
    x = MaskedMean(name="whole_pool")([x, valid])
    return keras.Model(rows, embedding(x, embedding_dim, seed=seed), name="transformer")


def _conv1d(x: Any, channels: int, size: int, dilation: int, valid: Any, *, seed: int, name: str) -> Any:
    """Convolve over time with padding taken as silence, before and after."""
    x = layers.Multiply(name=f"{name}_silence")([x, valid])
    init = (glorot_uniform if name == "stem" else he_normal)(seed, f"{name}_conv")
    return layers.Conv1D(
        channels, size, dilation_rate=dilation, padding="same", kernel_initializer=init, name=f"{name}_conv"
    )(x)
