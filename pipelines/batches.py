"""Training batches of a world as NumPy arrays, for whoever wants one without tf.data."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import World

from .drawing import TURN
from .grouping import plan_signers
from .settings import BatchSettings
from .sources import WorldSource


class Batch(NamedTuple):
    """Preprocessed canvases, uint8 ``(n, height, width)``; labels ``(n, 2)``: signer slot, 1 = genuine."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]


def draw_batch(
    world: World,
    signers: Sequence[int],
    settings: BatchSettings,
    number: int,
    *,
    height: int,
    width: int,
    recipe: str = "default",
    augment: str = "none",
) -> Batch:
    """Return batch `number`, the same one that training of a world meets: drawn, preprocessed, augmented if wanted.

    Args:
        world: The world.
        signers: Part of it that targets and forgers come from.
        settings: Geometry of a batch and the mix of forgeries.
        number: Any batch number; the same number is the same batch.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: Of the preprocessing.
        augment: Of the augmentation, or "none".

    Raises:
        ValueError: If the part has fewer signers than a batch needs.
    """
    source = WorldSource(world, signers)
    with TURN:
        plan = plan_signers(source, settings, number)
    images = source.draw(
        plan.items, height=height, width=width, recipe=recipe, augment=augment, groups=plan.groups, number=number
    )
    return Batch(images, plan.labels)
