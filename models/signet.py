"""SigNet, the network that later work on offline signatures is measured against."""

from typing import Any

import keras
from keras import layers

from .attention import attend, check_kind
from .blocks import conv, embedding, norm, norm_relu
from .layers import he_normal
from .registry import register

SIDE = 67  # below it, the valid convolutions and poolings leave no place


@register("signet", smallest=SIDE)
def signet(*, image_shape: tuple[int, int, int], embedding_dim: int, seed: int, attention: str = "none") -> keras.Model:
    """Build SigNet: five convolutions with three poolings between, then two dense layers of 2048 units.

    With images of 150 x 220, as in the paper, the last map has 3 x 5 places of 256 channels.

    Args:
        image_shape: Height, width and channels in pixels, each side at least 67.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        attention: One of ``attention.KINDS``, before each of the three poolings.

    Returns:
        A model from ink in [0, 1], shape ``(batch, *image_shape)``, to float32 unit vectors, shape
        ``(batch, embedding_dim)``.

    Raises:
        ValueError: If ``attention`` is unknown.

    Source:
        Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature verification
        using deep convolutional neural networks", Pattern Recognition 70, table 2. Differs: the paper takes the
        2048 units of the second dense layer as features and a softmax over signers above them; here a linear
        embedding of length 1 follows, and any of the losses; any image of at least 67 x 67; He's initial weights.
    """
    check_kind(attention)
    ink = keras.Input(image_shape, name="ink")
    x = norm_relu(conv(ink, 96, 11, stride=4, padding="valid", seed=seed, name="stage1_conv"), name="stage1")
    x = _pool(x, attention, stage=1, seed=seed)
    x = norm_relu(conv(x, 256, 5, seed=seed, name="stage2_conv"), name="stage2")
    x = _pool(x, attention, stage=2, seed=seed)
    for number, channels in enumerate((384, 384, 256), start=1):
        part = f"stage3_{number}"
        x = norm_relu(conv(x, channels, 3, seed=seed, name=f"{part}_conv"), name=part)
    x = _pool(x, attention, stage=3, seed=seed)
    x = layers.Flatten(name="flat")(x)
    for number in (1, 2):
        init = he_normal(seed, f"dense{number}")
        x = layers.Dense(2048, use_bias=False, kernel_initializer=init, name=f"dense{number}")(x)
        x = layers.ReLU(name=f"dense{number}_relu")(norm(x, name=f"dense{number}_norm"))
    return keras.Model(ink, embedding(x, embedding_dim, seed=seed), name="signet")


def _pool(x: Any, attention: str, *, stage: int, seed: int) -> Any:
    """Attend, then take the maxima of overlapping 3 x 3 windows."""
    x = attend(x, attention, seed=seed, name=f"stage{stage}_{attention}")
    return layers.MaxPooling2D(3, 2, name=f"stage{stage}_pool")(x)
