"""What a network learns of two places that were matched: evidence for one hand beyond the cosine of their vectors.

Equal distances do not weigh equally: a letter that moved as its neighbours did is one hand, a stroke that moved alone
is not, and some strokes are easier to copy than others.
"""

from typing import Any

import keras
from keras import ops

from .layers import he_normal, layer_seed

_LEAST = 1e-6


@keras.saving.register_keras_serializable(package="paraph")
class MatchEvidence(keras.layers.Layer):
    """Judge every place of a map and its match in another by three dense layers; hardly anything before training.

    They see how the two vectors agree and differ in each channel, how much both places weigh, their cosine and that of
    the places around, and how far the match lies: from the place, less the mean movement of the signature, and less
    that of the surroundings too. In float32 under every dtype policy.

    Args:
        units: Outputs of the first two layers, 1 or above.
        seed: Seed of the weights, 0 or above.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Raises:
        ValueError: If ``units`` is below 1.

    Source:
        Ours. Related: Rocco et al. (2018), "Neighbourhood consensus networks", section 3.2 (a match counts by the
        matches around it).
    """

    def __init__(self, units: int = 24, seed: int = 0, **kwargs: Any) -> None:
        if units < 1:
            raise ValueError(f"evidence of {units} units is none; use 1 or more, such as 24")
        super().__init__(**(kwargs | {"dtype": "float32"}))
        self.units, self.seed = int(units), int(seed)

    def build(self, channels: int) -> None:
        """Make the weights for maps of so many channels."""
        seen, width = 2 * channels + _PLAIN, self.units
        self.dense = [
            (
                self.add_weight(shape=shape, initializer=start, name=f"kernel{i}"),
                self.add_weight(shape=shape[1:], initializer="zeros", name=f"bias{i}"),
            )
            for i, (shape, start) in enumerate(
                [
                    ((seen, width), he_normal(self.seed, "evidence0")),
                    ((width, width), he_normal(self.seed, "evidence1")),
                    ((width, 1), keras.initializers.RandomNormal(stddev=0.01, seed=layer_seed(self.seed, "evidence2"))),
                ]
            )
        ]
        self.built = True

    def call(self, first: Any, second: Any, cosine: Any, weights: tuple[Any, Any], moved: tuple[Any, Any]) -> Any:
        """Return evidence from -0.5 to 0.5, to be added to the cosines, shape ``(batch, rows, columns)``.

        Args:
            first: Directions of the places, shape ``(batch, rows, columns, channels)``.
            second: Directions of their matches, in the same order and shape.
            cosine: Of the two, shape ``(batch, rows, columns)``.
            weights: What the places and what their matches count, of 1 in the mean; shape of ``cosine`` each.
            moved: Rows and columns from a place to its match, as shares of the reach; shape of ``cosine`` each.
        """
        x = ops.concatenate([ops.abs(first - second), first * second, _plain(cosine, weights, moved)], axis=-1)
        for i, (kernel, bias) in enumerate(self.dense):
            x = ops.matmul(x, ops.convert_to_tensor(kernel)) + ops.convert_to_tensor(bias)
            x = ops.relu(x) if i < 2 else x
        return 0.5 * ops.tanh(0.6 * x[..., 0])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "units": self.units, "seed": self.seed}


_PLAIN = 10


def _plain(cosine: Any, weights: tuple[Any, Any], moved: tuple[Any, Any]) -> Any:
    """Return `_PLAIN` numbers of every place and match, shape ``(batch, rows, columns, _PLAIN)``."""
    own, other = weights
    total = ops.sum(own, axis=(1, 2), keepdims=True) + _LEAST
    apart = [shift - ops.sum(own * shift, axis=(1, 2), keepdims=True) / total for shift in moved]
    around = ops.stack([own, own * cosine, own * apart[0], own * apart[1]], axis=-1)
    around = ops.average_pool(around, 3, strides=1, padding="same")
    near = [around[..., i] / (around[..., 0] + 0.05) for i in (1, 2, 3)]
    alone = [ops.abs(apart[0] - near[1]), ops.abs(apart[1] - near[2])]
    lengths = [ops.sqrt(own + _LEAST), ops.sqrt(other + _LEAST)]
    return ops.stack([*lengths, cosine, *moved, *near, *alone], axis=-1)
