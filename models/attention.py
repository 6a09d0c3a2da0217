"""Attention in convolutional networks: layers that weigh channels, places or both of a map by what is in it.

``attend(x, kind, ...)`` puts one of ``KINDS`` at a stage of a convolutional network. Every layer takes a seed of
its own, has no Lambda in it, and loads with ``safe_mode=True``.
"""

import difflib
from typing import Any

import keras
from keras import ops

from .layers import Seeded, glorot_uniform, layer_seed
from .token_attention import GridSelfAttention

KINDS = ("none", "se", "spatial", "cbam", "mhsa")


def check_kind(kind: str) -> None:
    """Raise ValueError unless a kind of attention is one of ``KINDS``; the nearest one is suggested."""
    if kind not in KINDS:
        nearest = difflib.get_close_matches(str(kind), KINDS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise ValueError(f"unknown attention {kind!r}; {hint}use one of: {', '.join(KINDS)}")


def attend(x: Any, kind: str, *, seed: int, name: str) -> Any:
    """Return maps under one kind of attention, of the same shape.

    Args:
        x: Maps, shape ``(batch, height, width, channels)``.
        kind: One of ``KINDS``; "none" returns ``x`` itself.
        seed: Seed of the model.
        name: Name of the layer, which its weights are drawn for.

    Raises:
        ValueError: If the kind is unknown.
    """
    check_kind(kind)
    if kind == "none":
        return x
    own = layer_seed(seed, name)
    made: dict[str, type[Seeded]] = {
        "se": SqueezeExcitation,
        "spatial": SpatialAttention,
        "cbam": BlockAttention,
        "mhsa": GridSelfAttention,
    }
    return made[kind](seed=own, name=name)(x)


@keras.saving.register_keras_serializable(package="paraph")
class SqueezeExcitation(Seeded):
    """Weigh each channel of a map by a small network on the channels' means.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        reduction: How many times narrower the network is inside, at least 8 units.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Hu, Shen, Sun (2018), "Squeeze-and-excitation networks", eqs. 2 to 4. Differs: at least 8 units inside.
    """

    def __init__(self, *, seed: int, reduction: int = 16, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.reduction = reduction

    def build(self, input_shape: Any) -> None:
        """Make the two dense layers for maps of ``input_shape``."""
        channels = input_shape[-1]
        inside = max(8, channels // self.reduction)
        self.squeeze = self.dense(inside, "squeeze", activation="relu")
        self.excite = self.dense(channels, "excite")
        self.squeeze.build((None, channels))
        self.excite.build((None, inside))

    def weigh(self, inputs: Any) -> Any:
        """Return the logit of each channel, shape ``(batch, channels)``."""
        return self.excite(self.squeeze(ops.mean(inputs, axis=(1, 2))))

    def call(self, inputs: Any) -> Any:
        """Return the weighed maps, shape as ``inputs``."""
        return inputs * ops.sigmoid(self.weigh(inputs))[:, None, None, :]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "reduction": self.reduction}


@keras.saving.register_keras_serializable(package="paraph")
class ChannelAttention(SqueezeExcitation):
    """Weigh each channel by one small network on the channels' means and on their maxima.

    Source:
        Woo, Park, Lee, Kweon (2018), "CBAM: convolutional block attention module", eq. 2. Differs: at least 8
        units inside.
    """

    def weigh(self, inputs: Any) -> Any:
        """Return the logit of each channel, shape ``(batch, channels)``."""
        peaks = self.excite(self.squeeze(ops.max(inputs, axis=(1, 2))))
        return super().weigh(inputs) + peaks


@keras.saving.register_keras_serializable(package="paraph")
class SpatialAttention(Seeded):
    """Weigh each place of a map by a 7 x 7 convolution over the channels' mean and maximum there.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Woo, Park, Lee, Kweon (2018), "CBAM: convolutional block attention module", eq. 3, as printed.
    """

    def build(self, input_shape: Any) -> None:
        """Make the convolution."""
        init = glorot_uniform(self.seed, "places")
        self.places = keras.layers.Conv2D(
            1, 7, padding="same", kernel_initializer=init, dtype=self.dtype_policy, name="places"
        )
        self.places.build((*input_shape[:3], 2))

    def call(self, inputs: Any) -> Any:
        """Return the weighed maps, shape as ``inputs``."""
        seen = [ops.mean(inputs, axis=-1, keepdims=True), ops.max(inputs, axis=-1, keepdims=True)]
        return inputs * ops.sigmoid(self.places(ops.concatenate(seen, axis=-1)))


@keras.saving.register_keras_serializable(package="paraph")
class BlockAttention(Seeded):
    """Weigh the channels of a map, then its places (CBAM).

    Args:
        seed: Seed of the layer's weights, 0 or above.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Woo, Park, Lee, Kweon (2018), "CBAM: convolutional block attention module", eq. 1, as printed.
    """

    def build(self, input_shape: Any) -> None:
        """Make the two attentions."""
        policy = self.dtype_policy
        self.channel = ChannelAttention(seed=layer_seed(self.seed, "channel"), dtype=policy, name="channel")
        self.spatial = SpatialAttention(seed=layer_seed(self.seed, "spatial"), dtype=policy, name="spatial")
        self.channel.build(input_shape)
        self.spatial.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Return the weighed maps, shape as ``inputs``."""
        return self.spatial(self.channel(inputs))
