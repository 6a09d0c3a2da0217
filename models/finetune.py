"""Fine-tuning: which stages of a network train.

A layer belongs to the stage its name begins with (``stage3_block1_conv``, ``block2_add``); what comes before the
first stage is "stem", what comes after the last is "head".
"""

import re
from collections.abc import Sequence

import keras

_STAGE = re.compile(r"(stage|block)\d+")


def stage_names(model: keras.Model) -> tuple[str, ...]:
    """Return the stages of a network from its input to its embedding: "stem", those between, "head"."""
    return tuple(dict.fromkeys(stage for _, stage in _staged(model)))


def freeze(model: keras.Model) -> None:
    """Let only the head of a network train; normalisations in the rest keep their averages. Compile again after it."""
    _train_only(model, {"head"})


def unfreeze(model: keras.Model, *, last: int | None = None) -> None:
    """Let the head and the last stages train, or everything. Compile again after it.

    Args:
        model: A network whose layers are named by stage, as those of this package are.
        last: How many stages before the head train; None for everything, the stem too.

    Raises:
        ValueError: If the network has fewer stages.
    """
    names = stage_names(model)
    middle = [name for name in names if name not in ("stem", "head")]
    if last is None:
        _train_only(model, set(names))
        return
    if not 0 <= last <= len(middle):
        raise ValueError(f"last is {last}; {model.name!r} has {len(middle)} stages, so use 0 to {len(middle)}")
    _train_only(model, {"head", *middle[len(middle) - last :]})


def freeze_stages(model: keras.Model, stages: Sequence[str]) -> None:
    """Let some stages stay as they are; all else trains as before. Compile again after it.

    Args:
        model: A network whose layers are named by stage.
        stages: Names from ``stage_names(model)``.

    Raises:
        ValueError: If the network has no such stage, or nothing would be left to train.
    """
    names = stage_names(model)
    for stage in stages:
        if stage not in names:
            raise ValueError(f"{model.name!r} has no stage {stage!r}; its stages are: {', '.join(names)}")
    for layer, stage in _staged(model):
        if stage in stages:
            layer.trainable = False
    if not model.trainable_variables:
        raise ValueError(f"all stages of {model.name!r} would be frozen; leave one out of: {', '.join(stages)}")


def _staged(model: keras.Model) -> list[tuple[keras.layers.Layer, str]]:
    found = [(layer, _STAGE.match(layer.name)) for layer in model.layers]
    ends = [index for index, (_, match) in enumerate(found) if match]
    if not ends:
        raise ValueError(
            f"no layer of {model.name!r} is named by stage, such as 'stage1_conv'; there is nothing to part"
        )
    return [
        (layer, match.group() if match else "head" if index > ends[-1] else "stem")
        for index, (layer, match) in enumerate(found)
    ]


def _train_only(model: keras.Model, wanted: set[str]) -> None:
    model.trainable = True
    for layer, stage in _staged(model):
        layer.trainable = stage in wanted
