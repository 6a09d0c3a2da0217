"""Training that begins on smaller canvases: less than half of the work for an image, and the whole canvas at the end.

What a stroke looks like is learnt from canvases of two thirds the height and width too; what is fine about it is left
to the last epochs, which go on with the same weights, optimizer and schedule.
"""

from typing import Any, NamedTuple

import numpy as np

from .building import Say, build_model
from .config import RunConfig
from .sources import Source


class Stage(NamedTuple):
    """Epochs on canvases of one size: the configuration with that size, the epochs before them, the last of them."""

    config: RunConfig
    first: int
    last: int


def stages(config: RunConfig) -> list[Stage]:
    """Return the one or two stages of a run, in order.

    Args:
        config: The run.

    Source:
        Tan, Le (2021), "EfficientNetV2: smaller models and faster training", section 4. Differs: two sizes, and the
        same regularisation for both.
    """
    small, epochs = config.train.small_epochs, config.train.epochs
    if not small:
        return [Stage(config, 0, epochs)]
    values = config.to_dict()
    height, width = config.train.small_size
    values["train"] |= {"height": height, "width": width}
    return [Stage(RunConfig.from_dict(values), 0, small), Stage(config, small, epochs)]


def grown(model: Any, config: RunConfig, say: Say, *, source: Source | None = None, real: bool = False) -> Any:
    """Return a network for a configuration's canvases that goes on where another, for smaller ones, stands.

    Args:
        model: The other network, compiled.
        config: The configuration.
        say: Told one line.
        source: What it is trained on, as for `building.build_model`.
        real: Whether that holds signatures of real people, as there.

    Raises:
        ValueError: If the two differ in more than the size of the canvas.
    """
    large = build_model(config, lambda line: None, source=source, real=real, like=model)
    pairs = list(zip(variables(large), variables(model), strict=True))
    for new, old in pairs:
        if new.shape != old.shape:
            raise ValueError(f"{new.path} has shape {tuple(new.shape)}, and {tuple(old.shape)} on smaller canvases")
    for new, old in pairs:
        new.assign(np.array(old))  # the two may be spread over GPUs each in its own way
    say(f"from here on {config.train.height} x {config.train.width} px")
    return large


def variables(model: Any) -> list[Any]:
    """Return a compiled network's weights and what its optimizer remembers."""
    return [*model.weights, *model.optimizer.variables]
