"""Residual blocks: convolutions added to a shortcut, normalised before them (``pre``) or after them (``post``)."""

from typing import Any

from keras import layers

from .blocks import conv, norm, norm_relu


def pre_basic(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add two 3 x 3 convolutions, each after its normalisation, to the shortcut.

    Args:
        x: Maps, shape ``(batch, height, width, c)``.
        channels: Channels that come out.
        stride: Step in pixels of the first convolution.
        seed: Seed of the model.
        name: Prefix of the layers' names.

    Source:
        He, Zhang, Ren, Sun (2016), "Identity mappings in deep residual networks", figure 1b. Differs: shortcuts that
        shrink by averaging.
    """
    active = norm_relu(x, name=f"{name}_1")
    y = conv(active, channels, 3, stride=stride, seed=seed, name=f"{name}_1_conv")
    y = norm_relu(y, name=f"{name}_2")
    y = conv(y, channels, 3, seed=seed, name=f"{name}_2_conv")
    shortcut = _shortcut(x, active, channels, stride=stride, seed=seed, name=name)
    return layers.Add(name=f"{name}_add")([shortcut, y])


def pre_bottleneck(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add 1 x 1, 3 x 3 and 1 x 1 convolutions, half as wide inside, to the shortcut.

    Args:
        x: Maps, shape ``(batch, height, width, c)``.
        channels: Channels that come out.
        stride: Step in pixels of the 3 x 3 convolution.
        seed: Seed of the model.
        name: Prefix of the layers' names.

    Source:
        He, Zhang, Ren, Sun (2016), "Identity mappings in deep residual networks", figure 1b. Differs: shortcuts that
        shrink by averaging, and half the width inside instead of a quarter.
    """
    active = norm_relu(x, name=f"{name}_1")
    y = conv(active, channels // 2, 1, seed=seed, name=f"{name}_1_conv")
    y = norm_relu(y, name=f"{name}_2")
    y = conv(y, channels // 2, 3, stride=stride, seed=seed, name=f"{name}_2_conv")
    y = norm_relu(y, name=f"{name}_3")
    y = conv(y, channels, 1, seed=seed, name=f"{name}_3_conv")
    shortcut = _shortcut(x, active, channels, stride=stride, seed=seed, name=name)
    return layers.Add(name=f"{name}_add")([shortcut, y])


def _shortcut(x: Any, active: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Return ``x`` averaged where the map shrinks; where channels change, ``active`` projected instead."""
    projected = x.shape[-1] != channels
    shortcut = active if projected else x
    if stride > 1:
        shortcut = layers.AveragePooling2D(stride, padding="same", name=f"{name}_shortcut_pool")(shortcut)
    if projected:
        shortcut = conv(shortcut, channels, 1, seed=seed, name=f"{name}_shortcut_conv")
    return shortcut


def post_basic(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add two 3 x 3 convolutions, each before its normalisation, to the shortcut; then rectify.

    Args:
        x: Maps, shape ``(batch, height, width, c)``; a 1 x 1 shortcut where ``c`` or the stride changes.
        channels: Channels that come out.
        stride: Step of the first convolution in pixels.
        seed: Seed of the model.
        name: Prefix of the layers' names.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", figure 5, left. As printed.
    """
    y = conv(x, channels, 3, stride=stride, seed=seed, name=f"{name}_1_conv")
    y = norm_relu(y, name=f"{name}_1")
    y = conv(y, channels, 3, seed=seed, name=f"{name}_2_conv")
    y = norm(y, name=f"{name}_2_norm")
    if stride > 1 or x.shape[-1] != channels:
        x = conv(x, channels, 1, stride=stride, seed=seed, name=f"{name}_shortcut_conv")
        x = norm(x, name=f"{name}_shortcut_norm")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def post_bottleneck(x: Any, channels: int, *, stride: int, seed: int, name: str) -> Any:
    """Add 1 x 1, 3 x 3 and (four times as wide) 1 x 1 convolutions to the shortcut; then rectify.

    Args:
        x: Maps, shape ``(batch, height, width, c)``; a 1 x 1 shortcut where ``c`` or the stride changes.
        channels: Channels inside; four times as many come out.
        stride: Step in pixels of the 3 x 3 convolution.
        seed: Seed of the model.
        name: Prefix of the layers' names.

    Source:
        He, Zhang, Ren, Sun (2016), "Deep residual learning for image recognition", figure 5, right. Differs: strides
        in the 3 x 3 convolution, as is usual since, rather than in the first 1 x 1.
    """
    y = norm_relu(conv(x, channels, 1, seed=seed, name=f"{name}_1_conv"), name=f"{name}_1")
    y = norm_relu(conv(y, channels, 3, stride=stride, seed=seed, name=f"{name}_2_conv"), name=f"{name}_2")
    y = norm(conv(y, 4 * channels, 1, seed=seed, name=f"{name}_3_conv"), name=f"{name}_3_norm")
    if stride > 1 or x.shape[-1] != 4 * channels:
        x = conv(x, 4 * channels, 1, stride=stride, seed=seed, name=f"{name}_shortcut_conv")
        x = norm(x, name=f"{name}_shortcut_norm")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
