"""Small changes of a canvas within what one hand does anyway: for the few images of a classification task.

One function makes all of them, seeded by image and round, so that another recipe can take its place.
"""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # importing it would ask the network for a newer version

import albumentations as A
import cv2
import numpy as np
from numpy.typing import NDArray

_PAPER = 255


def jitter(canvases: NDArray[np.uint8], *, seed: int, number: int) -> NDArray[np.uint8]:
    """Return each canvas turned, sheared, stretched and bent a little.

    Args:
        canvases: Dark ink on white paper, shape ``(n, height, width)``.
        seed: Of all changes.
        number: Of the round (the copy or the epoch); another one gives other changes.

    Returns:
        The same shape; image i depends on ``seed``, ``number``, i and its own pixels alone.
    """
    recipe = _recipe(canvases.shape[1])
    changed = np.empty_like(canvases)
    keys = np.random.SeedSequence(seed, spawn_key=(number,)).generate_state(len(canvases))
    for place, key in enumerate(keys):
        recipe.set_random_seed(int(key))
        changed[place] = recipe(image=canvases[place])["image"]
    return changed


def _recipe(height: int) -> A.Compose:
    affine = A.Affine(
        scale={"x": (0.92, 1.0), "y": (0.92, 1.0)},
        translate_percent={"x": (-0.02, 0.02), "y": (-0.03, 0.03)},
        rotate=(-4.0, 4.0),
        shear={"x": (-6.0, 6.0), "y": (0.0, 0.0)},
        interpolation=cv2.INTER_LINEAR,
        fill=_PAPER,
        p=1.0,
    )
    bend = A.ElasticTransform(
        alpha=0.35 * height,
        sigma=0.09 * height,
        interpolation=cv2.INTER_LINEAR,
        border_mode=cv2.BORDER_CONSTANT,
        fill=_PAPER,
        p=0.8,
    )
    darkness = A.RandomGamma(gamma_limit=(80, 125), p=0.5)
    return A.Compose([affine, bend, darkness])
