"""Attention among tokens: what each gathers from the others, on a line or on a map, and pooling that chooses."""

import math
from typing import Any

import keras
from keras import ops

from .layers import Seeded

_FAR_BELOW = -1e9  # a logit that the softmax turns into 0


@keras.saving.register_keras_serializable(package="paraph")
class SelfAttention(Seeded):
    """Let every token look at every other one, with several heads.

    No projection has a bias: one on the keys would change nothing, since it adds the same to all logits of a
    query. The softmax is taken in float32 under every dtype policy.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        heads: How many heads; the tokens' length is a multiple of it.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Raises:
        ValueError: If the tokens' length is no multiple of ``heads`` (when the layer is built).

    Source:
        Vaswani et al. (2017), "Attention is all you need", section 3.2. Differs: no biases.
    """

    def __init__(self, *, seed: int, heads: int = 4, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.heads = heads

    def build(self, input_shape: Any) -> None:
        """Make the four projections for tokens of ``input_shape``, or of the first of several shapes.

        Raises:
            ValueError: If the tokens' length is no multiple of ``heads``.
        """
        several = isinstance(input_shape[0], tuple | list)
        length = input_shape[0][-1] if several else input_shape[-1]
        if length % self.heads:
            raise ValueError(f"tokens of length {length} cannot be shared by {self.heads} heads; use a multiple of it")
        self.projections = [self.dense(length, part, bias=False) for part in ("query", "key", "value", "output")]
        for projection in self.projections:
            projection.build((None, None, length))

    def call(self, inputs: Any) -> Any:
        """Return mixed tokens.

        Args:
            inputs: Tokens, shape ``(batch, n, d)``, or a list of them and ``valid``, shape ``(batch, n, 1)``: 1
                where a token counts and 0 where it is padding that nobody looks at.

        Returns:
            Tokens of the same shape.
        """
        tokens, valid = inputs if isinstance(inputs, tuple | list) else (inputs, None)
        return self.mix(tokens, tokens, valid)

    def mix(self, tokens: Any, memory: Any, valid: Any) -> Any:
        """Return what each token gathers from a memory, shape ``(batch, n, d)``.

        Args:
            tokens: Who asks, shape ``(batch, n, d)``.
            memory: Who is asked, shape ``(batch, m, d)``.
            valid: 1 where the memory counts, shape ``(batch, m, 1)``; None if all of it does.
        """
        query, key, value, output = self.projections
        q, k, v = self._parted(query(tokens)), self._parted(key(memory)), self._parted(value(memory))
        logits = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / math.sqrt(q.shape[-1])
        logits = ops.cast(logits, "float32")
        if valid is not None:
            logits += _FAR_BELOW * (1.0 - ops.cast(valid, "float32")[:, None, None, :, 0])
        gathered = ops.matmul(ops.cast(ops.softmax(logits, axis=-1), v.dtype), v)
        gathered = ops.transpose(gathered, (0, 2, 1, 3))
        return output(ops.reshape(gathered, (-1, *gathered.shape[1:2], tokens.shape[-1])))

    def _parted(self, x: Any) -> Any:
        parted = ops.reshape(x, (-1, x.shape[1], self.heads, x.shape[2] // self.heads))
        return ops.transpose(parted, (0, 2, 1, 3))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "heads": self.heads}


@keras.saving.register_keras_serializable(package="paraph")
class GridSelfAttention(SelfAttention):
    """Add to each place of a map what it gathers from all over the map.

    Large maps are averaged before they are looked at, so that the cost grows with the places and not with their
    square. Places are not numbered: the convolutions around tell them apart by the map's border.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        heads: How many heads.
        most_keys: About how many places are looked at at most, more where a side is padded; 128 keep a map of
            96 x 192 at stride 16 whole.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Wang et al. (2021), "Pyramid vision transformer", section 3.2 (smaller keys and values). Differs: averaged
        rather than convolved.
    """

    def __init__(self, *, seed: int, heads: int = 4, most_keys: int = 128, **kwargs: Any) -> None:
        super().__init__(seed=seed, heads=heads, **kwargs)
        self.most_keys = most_keys

    def build(self, input_shape: Any) -> None:
        """Make the projections, the normalisation and the averaging for maps of ``input_shape``."""
        super().build((None, None, input_shape[-1]))
        side = max(1, math.ceil(math.sqrt(input_shape[1] * input_shape[2] / self.most_keys)))
        self.shrink = keras.layers.AveragePooling2D(side, padding="same", dtype=self.dtype_policy, name="shrink")
        self.normal = keras.layers.LayerNormalization(dtype=self.dtype_policy, name="normal")
        self.normal.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Return the maps with what was gathered, shape as ``inputs``."""
        height, width, channels = inputs.shape[1:]
        seen = self.normal(inputs)
        looked_at = self.shrink(seen)
        tokens = ops.reshape(seen, (-1, height * width, channels))
        memory = ops.reshape(looked_at, (-1, looked_at.shape[1] * looked_at.shape[2], channels))
        return inputs + ops.reshape(self.mix(tokens, memory, None), (-1, height, width, channels))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "most_keys": self.most_keys}


@keras.saving.register_keras_serializable(package="paraph")
class AttentionPooling(Seeded):
    """Sum tokens with weights that depend on them, several times over: each view chooses what matters to it.

    Args:
        seed: Seed of the layer's weights, 0 or above.
        views: How many weighted sums are joined.
        inside: Units of the network that weighs a token.
        **kwargs: ``name`` and the like, for ``keras.layers.Layer``.

    Source:
        Lin et al. (2017), "A structured self-attentive sentence embedding", eqs. 5 and 6. Differs: biases in the
        inner layer, no penalty on equal views.
    """

    def __init__(self, *, seed: int, views: int = 4, inside: int = 64, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.views, self.inside = views, inside

    def build(self, input_shape: Any) -> None:
        """Make the two dense layers for tokens of ``input_shape``."""
        self.first = self.dense(self.inside, "first", activation="tanh")
        self.second = self.dense(self.views, "second", bias=False)
        self.first.build((None, None, input_shape[-1]))
        self.second.build((None, None, self.inside))

    def call(self, inputs: Any) -> Any:
        """Return the joined sums, shape ``(batch, views * d)``, of tokens ``(batch, n, d)``."""
        logits = ops.cast(self.second(self.first(inputs)), "float32")
        weights = ops.cast(ops.softmax(logits, axis=1), inputs.dtype)
        sums = ops.matmul(ops.transpose(weights, (0, 2, 1)), inputs)
        return ops.reshape(sums, (-1, self.views * inputs.shape[-1]))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this layer."""
        return {**super().get_config(), "views": self.views, "inside": self.inside}
