"""MobileNetV2, the usual start for fine-tuning: small, and with published ImageNet weights for who has the file.

No weights come with this project and none are fetched: `set_imagenet` takes arrays, and `pipelines.pretrained`
reads them from a file of the user's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from .attention import attend, check_kind
from .blocks import MOMENTUM, check_at_least, dense_relu, embedding
from .layers import he_normal, layer_seed
from .normalization import BatchNormalization
from .registry import register

# expansion, channels, blocks, first stride: a row is a stage
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@register("mobilenetv2", any_canvas=True)
def mobilenetv2(
    *,
    image_shape: tuple[int, int, int],
    embedding_dim: int,
    seed: int,
    head_units: tuple[int, ...] = (),
    attention: str = "none",
) -> keras.Model:
    """Build MobileNetV2 of width 1, for training from scratch or for fine-tuning.

    Ink is turned into what the published weights expect: paper = 1, full ink = -1. ``set_imagenet`` puts those
    weights in; ``freeze`` and ``unfreeze`` of `models.finetune` choose which of the seven stages train.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        head_units: Units of each dense layer to add between the mean over places and the embedding.
        attention: One of ``attention.KINDS``, at the end of each of the seven stages.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If an option is out of range.

    Source:
        Sandler et al. (2018), "MobileNetV2: inverted residuals and linear bottlenecks", table 2. Differs: any
        number of image channels, an L2-normalised embedding at the end.
    """
    check_kind(attention)
    for units in head_units:
        check_at_least("an entry of head_units", units, 1, 256)
    ink = keras.Input(image_shape, name="ink")
    x = layers.Rescaling(-2.0, 1.0, name="paper")(ink)
    x = _conv(x, 32, 3, stride=2, active=True, seed=seed, name="stem")
    for stage, (expansion, channels, n_blocks, stride) in enumerate(_STAGES, start=1):
        for number in range(1, n_blocks + 1):
            first = stride if number == 1 else 1
            x = _block(x, channels, expansion, first, seed=seed, name=f"stage{stage}_block{number}")
        x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
    x = _conv(x, 1280, 1, active=True, seed=seed, name="last")
    x = layers.GlobalAveragePooling2D(name="whole_pool")(x)
    for number, units in enumerate(head_units, start=1):
        x = dense_relu(x, units, seed=seed, name=f"head{number}")
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="mobilenetv2")


def set_imagenet(model: keras.Model, weights: Mapping[str, Sequence[NDArray[Any]]]) -> int:
    """Put published ImageNet weights into a ``mobilenetv2``; embedding and added dense layers stay as they are.

    For images of one channel, the first kernels are summed over red, green and blue: the same as three equal
    channels.

    Args:
        model: A model that ``mobilenetv2`` built.
        weights: Arrays of each layer by the name it has in ``keras.applications.MobileNetV2``: the kernel of a
            convolution; gamma, beta, mean and variance of a normalisation.

    Returns:
        How many layers were filled.

    Raises:
        ValueError: If a layer is missing or has another shape, or the model is another one.
    """
    if model.name != "mobilenetv2":
        raise ValueError(f"the model is {model.name!r}; ImageNet weights go into a 'mobilenetv2'")
    filled = _published_names()
    arrays = {}
    for ours, theirs in filled.items():
        if theirs not in weights:
            raise ValueError(f"the weights hold no layer {theirs!r}; they must be of MobileNetV2 of width 1.0")
        layer, given = model.get_layer(ours), [np.asarray(array, dtype=np.float32) for array in weights[theirs]]
        if ours == "stem_conv" and given[0].shape[2] == 3 and layer.kernel.shape[2] == 1:
            given = [given[0].sum(axis=2, keepdims=True)]
        wanted = [tuple(weight.shape) for weight in layer.weights]
        if [array.shape for array in given] != wanted:
            found = [array.shape for array in given]
            raise ValueError(f"layer {theirs!r} has shapes {found}, not {wanted}; use MobileNetV2 of width 1.0")
        arrays[ours] = given
    for ours, given in arrays.items():
        model.get_layer(ours).set_weights(given)
    return len(filled)


def _published_names() -> dict[str, str]:
    """Return our layers' names and what ``keras.applications`` calls them."""
    found = {"stem_conv": "Conv1", "stem_norm": "bn_Conv1", "last_conv": "Conv_1", "last_norm": "Conv_1_bn"}
    index = 0
    for stage, (expansion, _, n_blocks, _) in enumerate(_STAGES, start=1):
        for number in range(1, n_blocks + 1):
            theirs = f"block_{index}" if index else "expanded_conv"
            for part in ("expand", "depthwise", "project")[expansion == 1 :]:
                ours = f"stage{stage}_block{number}_{part}"
                found |= {f"{ours}_conv": f"{theirs}_{part}", f"{ours}_norm": f"{theirs}_{part}_BN"}
            index += 1
    return found


def _block(x: Any, channels: int, expansion: int, stride: int, *, seed: int, name: str) -> Any:
    """Widen, filter each channel on its own, narrow; add the input where nothing changed its shape."""
    y = x
    if expansion > 1:
        y = _conv(y, expansion * x.shape[-1], 1, active=True, seed=seed, name=f"{name}_expand")
    y = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_he_depthwise(seed, f"{name}_depthwise_conv"),
        name=f"{name}_depthwise_conv",
    )(y)
    y = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(_norm(y, name=f"{name}_depthwise_norm"))
    y = _conv(y, channels, 1, active=False, seed=seed, name=f"{name}_project")
    if stride == 1 and x.shape[-1] == channels:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def _he_depthwise(seed: int, layer_name: str) -> keras.initializers.Initializer:
    """Return He's initializer for nine inputs a channel; Keras's own counts all channels and starts far too small."""
    return keras.initializers.TruncatedNormal(stddev=math.sqrt(2.0 / 9.0), seed=layer_seed(seed, layer_name))


def _conv(x: Any, channels: int, size: int, *, stride: int = 1, active: bool, seed: int, name: str) -> Any:
    init = he_normal(seed, f"{name}_conv")
    x = layers.Conv2D(
        channels,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer=init,
        name=f"{name}_conv",
    )(x)
    x = _norm(x, name=f"{name}_norm")
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if active else x


def _norm(x: Any, *, name: str) -> Any:
    return BatchNormalization(epsilon=1e-3, momentum=MOMENTUM, name=name)(x)
