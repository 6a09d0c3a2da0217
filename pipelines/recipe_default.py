"""The default recipe of preprocessing: its steps, one by one, and in one kernel for pictures that no line crosses."""

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
    canvases = np.empty((len(limited), height, width), np.uint8)
    inked, crossed = np.empty(len(limited), np.bool_), np.empty(len(limited), np.bool_)
    pixels.default_canvases(flat, sizes, canvases, inked, crossed)
    if not (inked | crossed).all():
        raise BlankImage
    for i in np.flatnonzero(crossed).tolist():  # few are, and to measure a line takes a library
        canvases[i] = DEFAULT.by_steps(images[i], height, width)
    return canvases


DEFAULT = Recipe(
    "default",
    8,
    (
        step.CHECKED,
        step.SIZE,
        step.EDGES,
        step.PAPER,
        step.OTSU,
        step.MASK,
        step.ACROSS,
        step.SPECKS,
        step.NOT_BLANK,
        step.BOX,
        step.DARKNESS,
        step.CANVAS,
    ),
    "every capture; the fastest; of printed lines only level ones from edge to edge go",
    together=_together,
)
