"""Small layers that more than one network needs, and the seeds of their weights.

Nothing here is a network: those have one file a family. No layer is a Lambda, so that every saved model
loads with ``safe_mode=True``.
"""

import hashlib
from typing import Any

import keras
import numpy as np
from keras import ops


def layer_seed(seed: int, layer_name: str) -> int:
    """Return the seed of one layer's weights, from the model's seed and the layer's name.

    Two layers of equal shape that shared one integer seed would start with identical weights, and unseeded
    layers would depend on what was built before; a seed for each name avoids both.

    Args:
        seed: The model's seed, 0 or above.
        layer_name: The layer's name, unique within the model.

    Returns:
        An integer from 0 to 2**31 - 1.
    """
    digest = hashlib.sha256(f"{seed}/{layer_name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def he_normal(seed: int, layer_name: str) -> keras.initializers.Initializer:
    """Return the initializer of a layer that a rectifier follows.

    Args:
        seed: The model's seed, 0 or above.
        layer_name: The name of the layer whose kernel it fills.

    Returns:
        A Keras initializer with a seed of its own.

    Source:
        He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers", eq. 10. Differs: Keras truncates the
        normal distribution at two deviations.
    """
    return keras.initializers.HeNormal(seed=layer_seed(seed, layer_name))


def glorot_uniform(seed: int, layer_name: str) -> keras.initializers.Initializer:
    """Return the initializer of a layer that no rectifier follows, such as an embedding.

    Args:
        seed: The model's seed, 0 or above.
        layer_name: The name of the layer whose kernel it fills.

    Returns:
        A Keras initializer with a seed of its own.

    Source:
        Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
        eq. 16, as printed.
    """
    return keras.initializers.GlorotUniform(seed=layer_seed(seed, layer_name))


class Seeded(keras.layers.Layer):
    """A base for layers whose inner layers draw their weights from its own seed and their names.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.
    """

    def __init__(self, *, seed: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed

    def dense(self, units: int, part: str, *, activation: str | None = None, bias: bool = True) -> Any:
        """Return a dense layer that computes in this layer's precision.

        Args:
            units: Length of what comes out.
            part: Its name, which its weights are drawn for.
            activation: "relu" draws He's weights; anything else Glorot's.
            bias: Whether it adds one.
        """
        init = he_normal(self.seed, part) if activation == "relu" else glorot_uniform(self.seed, part)
        return keras.layers.Dense(
            units, activation=activation, use_bias=bias, kernel_initializer=init, dtype=self.dtype_policy, name=part
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="paraph")
class L2Normalize(keras.layers.Layer):
    """Scale each vector of the last axis to length 1, in float32 under every dtype policy.

    A zero vector stays zero and has a finite gradient (1e4 times what flows back, which float16 can mostly
    hold). The output is float32 even under a 16-bit policy, because losses and scores compare embeddings
    that differ in the third decimal.

    Args:
        epsilon: Smallest squared length that is divided by, above 0.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Raises:
        ValueError: If ``epsilon`` is not above 0.
    """

    def __init__(self, epsilon: float = 1e-8, **kwargs: Any) -> None:
        if not epsilon > 0:
            raise ValueError(f"epsilon is {epsilon!r}; it must be above 0, such as 1e-8")
        super().__init__(**(kwargs | {"dtype": "float32"}))
        self.epsilon = epsilon

    def call(self, inputs: Any) -> Any:
        """Return the unit vectors.

        Args:
            inputs: Vectors, shape ``(..., d)``.

        Returns:
            float32 vectors of the same shape and of length 1 (0 where the input is 0).
        """
        vectors = ops.cast(inputs, "float32")
        squared = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
        return vectors * ops.rsqrt(ops.maximum(squared, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="paraph")
class L1Distance(keras.layers.Layer):
    """Take the absolute difference of two vectors, component by component, in float32.

    It is symmetric: exchanging reference and questioned changes nothing.

    Args:
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Koch, Zemel, Salakhutdinov (2015), "Siamese neural networks for one-shot image recognition",
        section 3.1: the weighted L1 distance, its weights left to the Dense layer that follows.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**(kwargs | {"dtype": "float32"}))

    def call(self, inputs: Any) -> Any:
        """Return ``|a - b|``.

        Args:
            inputs: A pair ``[a, b]`` of equal shapes ``(..., d)``.

        Returns:
            float32, shape ``(..., d)``, never negative.
        """
        first, second = inputs
        return ops.abs(ops.cast(first, "float32") - ops.cast(second, "float32"))


@keras.saving.register_keras_serializable(package="paraph")
class SinePositions(keras.layers.Layer):
    """Add to each token a fixed pattern of sines that says where it stands; there is nothing to train.

    Args:
        grid: Rows and columns the tokens were read from, row by row: half of the pattern then tells the row,
            the other half the column. None for tokens in one line.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Vaswani et al. (2017), "Attention is all you need", section 3.5. On a grid: Beyer, Zhai, Kolesnikov
        (2022), "Better plain ViT baselines for ImageNet-1k".
    """

    def __init__(self, grid: tuple[int, int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.grid = None if grid is None else (int(grid[0]), int(grid[1]))

    def build(self, input_shape: Any) -> None:
        """Compute the pattern for tokens of ``input_shape``."""
        n, length = input_shape[-2:]
        if self.grid is None:
            self.pattern = _sines(np.arange(n), length)
            return
        rows, columns = (axis.ravel() for axis in np.mgrid[: self.grid[0], : self.grid[1]])
        self.pattern = np.concatenate([_sines(rows, length // 2), _sines(columns, length - length // 2)], axis=1)

    def call(self, inputs: Any) -> Any:
        """Return the tokens, shape ``(batch, n, d)``, with their places added."""
        return inputs + ops.cast(self.pattern, inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "grid": self.grid}


def _sines(places: Any, length: int) -> Any:
    """Return sines and cosines of places at wavelengths from 2 pi to 10,000 times that, ``(n, length)``."""
    half = (length + 1) // 2
    angles = places[:, None] / 10_000.0 ** (np.arange(half) / max(half, 1))[None, :]
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :length].astype(np.float32)
