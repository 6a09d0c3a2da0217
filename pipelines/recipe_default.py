"""The default recipe of preprocessing: its steps, which can be looked at one by one, and all of them in one kernel."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import pixels
from . import recipe_steps as step
from .recipe_work import Recipe
from .steps_marks import near_ink
from .steps_paper import BlankImage, check_grey


def _together(images: Sequence[NDArray[np.uint8]], height: int, width: int) -> NDArray[np.uint8]:
    """Return the canvases of grey images, uint8, shape ``(n, height, width)``; errors as of the steps."""
    for image in images:
        check_grey(image)
    limited = [near_ink(image) for image in images]
    sizes = np.array([image.shape for image in limited], dtype=np.int64).reshape(-1, 2)
    flat = np.empty((len(limited), int(sizes.prod(axis=1).max(initial=0))), dtype=np.uint8)
    for row, image in zip(flat, limited, strict=True):
        row[: image.size] = image.reshape(-1)
    canvases, inked = np.empty((len(limited), height, width), np.uint8), np.empty(len(limited), np.bool_)
    pixels.default_canvases(flat, sizes, canvases, inked)
    if not inked.all():
        raise BlankImage
    return canvases


DEFAULT = Recipe(
    "default",
    7,
    (
        step.CHECKED,
        step.SIZE,
        step.EDGES,
        step.PAPER,
        step.OTSU,
        step.MASK,
        step.SPECKS,
        step.NOT_BLANK,
        step.BOX,
        step.DARKNESS,
        step.CANVAS,
    ),
    "every capture; the fastest",
    together=_together,
)
