"""One function for every image, synthetic or real: paper out, ink levelled, cropped, fitted to the canvas.

The network never sees raw pixels: tint of the paper, darkness of the scan and size of the page are gone
before it looks, so that they can neither help nor mislead it. The recipes are in `recipes.py`, their steps in
`steps_paper.py`, `steps_marks.py` and `steps_canvas.py`, their kernels in `pixels.py`, and `trace.py` shows them at
work.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .recipes import RECIPES, find_recipe
from .steps_canvas import MARGIN
from .steps_paper import BlankImage, ink_of

__all__ = [
    "MARGIN",
    "RECIPES",
    "BlankImage",
    "find_recipe",
    "ink_of",
    "preprocess",
    "preprocess_all",
    "to_ink",
]


def preprocess(image: NDArray[np.uint8], *, height: int, width: int, recipe: str = "default") -> NDArray[np.uint8]:
    """Return the signature alone on a white canvas, dark ink on light paper.

    Args:
        image: Grey image, dark ink on light paper, uint8, shape ``(h, w)``, any size; every recipe but "default"
            takes RGB, ``(h, w, 3)``, too.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: A name in `RECIPES`.

    Returns:
        uint8, shape ``(height, width)``: aspect kept, ink box centred (its centre of mass, for "signet_canvas"), mean
        ink at a fixed level.

    Raises:
        BlankImage: If there is no ink that stands out from the paper.
        ValueError: If the image is not a grey uint8 image, or the recipe unknown.
    """
    return find_recipe(recipe)(image, height, width)


def preprocess_all(
    images: Sequence[NDArray[np.uint8]], *, height: int, width: int, recipe: str = "default"
) -> NDArray[np.uint8]:
    """Return what `preprocess` makes of each of several images, uint8, shape ``(n, height, width)``; same errors."""
    chosen = find_recipe(recipe)
    if chosen.together is not None:
        return chosen.together(images, height, width)
    return np.stack([chosen(image, height, width) for image in images])


def to_ink(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what a network takes: ink = 1, paper = 0, float32, with a channel axis at the end."""
    return ((255 - canvases.astype(np.float32)) / 255.0)[..., None]
