"""Augmentation of training pictures: recipes of Albumentations and of ink, each sample from a seed of its own.

Two stages, because they belong to two places. The *look* (ink, paper, light, noise, blur, erasing, JPEG; lines, dust
and cuts in "marks") changes a raw picture before preprocessing and is drawn afresh for every image. The *shape* (turn,
shear, bending, perspective) changes a canvas after it. Shape that is wider than a signer's own variation would erase
what tells a forgery, so it is either small ("light", "standard"), or the same for all images that are compared within
a batch: a target's genuine signatures and the forgeries of them ("strong", "photo").
"""

import dataclasses
import difflib
import functools
import math
import os
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .steps_canvas import kept_inside
from .steps_paper import BlankImage

Image = NDArray[np.uint8]
_LOOK, _SHAPE = 0, 1
_LOCAL = threading.local()


@dataclasses.dataclass(frozen=True)
class AugmentRecipe:
    """What a recipe does, by name of the functions below.

    Attributes:
        look: Makes the transforms of a raw picture.
        shape: Makes the transforms of a canvas.
        alike: Whether the images of one group (target and forgeries) get the same shape.
        purpose: One line for a list of recipes.
    """

    look: Callable[[Any], list[Any]]
    shape: Callable[[Any], list[Any]]
    alike: bool
    purpose: str


def _light_look(a: Any) -> list[Any]:
    ink = _ink()
    return [
        a.RandomBrightnessContrast(brightness_limit=0.08, contrast_limit=0.12, p=0.7),
        ink.InkWidth(strength=(-0.25, 0.25), p=0.5),
        a.GaussNoise(std_range=(0.004, 0.015), p=0.4),
    ]


def _standard_look(a: Any) -> list[Any]:
    ink = _ink()
    return [
        ink.InkWidth(strength=(-0.45, 0.5), p=0.6),
        ink.InkFlow(strength=(0.05, 0.3), p=0.3),
        ink.InkAndPaper(ink=(0, 70), paper=(205, 255), p=0.5),
        a.RandomBrightnessContrast(brightness_limit=0.12, contrast_limit=0.2, p=0.6),
        a.GaussianBlur(sigma_limit=(0.3, 0.9), blur_limit=0, p=0.3),
        a.GaussNoise(std_range=(0.004, 0.016), p=0.5),
        a.ImageCompression(quality_range=(45, 92), p=0.3),
    ]


def _strong_look(a: Any) -> list[Any]:
    ink = _ink()
    return [
        ink.InkWidth(strength=(-0.6, 0.8), p=0.8),
        ink.InkFlow(strength=(0.1, 0.45), p=0.5),
        ink.Erase(count=(1, 3), side=(0.05, 0.14), p=0.4),
        ink.InkAndPaper(ink=(0, 95), paper=(185, 255), p=0.7),
        a.RandomGamma(gamma_limit=(70, 140), p=0.4),
        a.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.25, p=0.6),
        a.OneOf([a.GaussianBlur(sigma_limit=(0.4, 1.2), blur_limit=0), a.MotionBlur(blur_limit=3)], p=0.5),
        a.GaussNoise(std_range=(0.006, 0.02), p=0.6),
        a.ImageCompression(quality_range=(30, 90), p=0.4),
    ]


def _photo_look(a: Any) -> list[Any]:
    ink = _ink()
    return [
        ink.InkAndPaper(ink=(10, 90), paper=(150, 245), p=0.9),
        ink.Shade(strength=(0.05, 0.4), p=0.8),
        a.OneOf([a.GaussianBlur(sigma_limit=(0.4, 1.1), blur_limit=0), a.MotionBlur(blur_limit=3)], p=0.6),
        a.GaussNoise(std_range=(0.006, 0.018), p=0.7),
        a.ImageCompression(quality_range=(40, 90), p=0.7),
    ]


def _marks_look(a: Any) -> list[Any]:
    from . import augment_marks as marks

    return [
        marks.CutOff(share=(0.01, 0.08), p=0.2),  # first: after a line, the ink reaches from side to side
        marks.PrintedLine(thick=(0.005, 0.025), p=0.15),
        _ink().InkFlow(strength=(0.2, 0.8), p=0.15),
        marks.Dust(count=(1, 15), radius=(0.004, 0.02), p=0.25),
    ]


def _no_shape(a: Any) -> list[Any]:
    return []


def _light_shape(a: Any) -> list[Any]:
    return [_ink().Warp(turn_deg=0.8, shear=0.014, aspect=0.01, bend=0.006)]


def _standard_shape(a: Any) -> list[Any]:
    return [_ink().Warp(turn_deg=1.5, shear=0.025, aspect=0.02, bend=0.012)]


def _strong_shape(a: Any) -> list[Any]:
    return [_ink().Warp(turn_deg=8.0, shear=0.18, aspect=0.08, bend=0.05)]


def _photo_shape(a: Any) -> list[Any]:
    perspective = a.Perspective(scale=(0.02, 0.06), keep_size=True, fit_output=True, fill=255, p=0.8)
    return [_ink().Warp(turn_deg=5.0, shear=0.05, aspect=0.04, bend=0.012), perspective]


RECIPES: dict[str, AugmentRecipe] = {
    "light": AugmentRecipe(_light_look, _light_shape, False, "brightness, contrast, line width, a little noise"),
    "standard": AugmentRecipe(_standard_look, _standard_shape, False, "with ink and paper, blur and JPEG"),
    "strong": AugmentRecipe(_strong_look, _strong_shape, True, "with skips and erasing; wide shape, alike in a group"),
    "marks": AugmentRecipe(
        _marks_look, _no_shape, False, "tight crops (which change the scale), lines, faded ink, dust"
    ),
    "photo": AugmentRecipe(_photo_look, _photo_shape, True, "shade, blur, noise; perspective, alike in a group"),
}


def find_augment(name: str) -> AugmentRecipe:
    """Return a recipe by its name.

    Raises:
        ValueError: If there is none of that name; the nearest is suggested.
    """
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown augmentation {name!r}; {hint}use one of: {', '.join(RECIPES)}")


def look(image: Image, *, recipe: str, seed: int, epoch: int, sample: int) -> Image:
    """Return a raw picture with another look, of the same shape.

    Args:
        image: Dark ink on light paper, uint8, ``(h, w)``, or ``(h, w, 3)``, RGB.
        recipe: A name in `RECIPES`.
        seed: Of the run.
        epoch: Of the run, or the number of a batch that is drawn only once.
        sample: Number of the image within it; equal numbers give equal results in any order and thread.

    Raises:
        ValueError: If the recipe is unknown or the image not uint8.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or min(image.shape[:2]) < 8:
        raise ValueError(f"expected a uint8 image of 8 x 8 or more, got shape {image.shape} and type {image.dtype}")
    return _apply(recipe, _LOOK, image, seed, epoch, sample)


def shape(canvas: Image, *, recipe: str, seed: int, epoch: int, sample: int) -> Image:
    """Return a canvas with another geometry, of the same size; all ink stays on it.

    Args:
        canvas: From `preprocess`, uint8, ``(h, w)``.
        recipe: A name in `RECIPES`.
        seed: As for `look`.
        epoch: As for `look`.
        sample: Number of the image, or of its group to shape images alike.

    Raises:
        BlankImage: If the canvas holds no ink.
        ValueError: If the recipe is unknown.
    """
    height, width = canvas.shape
    pad = 0.2 if find_augment(recipe).alike else 0.06
    down, across = math.ceil(2.0 * pad * height), math.ceil(pad * width)
    padded = cv2.copyMakeBorder(canvas, down, down, across, across, cv2.BORDER_CONSTANT, value=255)
    return kept_inside(_apply(recipe, _SHAPE, padded, seed, epoch, sample), height, width)


def augmented(
    pictures: Sequence[Image],
    groups: Sequence[int],
    prepare: Callable[[Image], Image],
    *,
    recipe: str,
    seed: int,
    epoch: int,
) -> list[Image]:
    """Return the canvases of pictures, each augmented before and after preprocessing.

    A picture whose new look holds no ink that stands out keeps its own.

    Args:
        pictures: Raw pictures.
        groups: Number of the target each is a signature or forgery of.
        prepare: From a picture to a canvas.
        recipe: A name in `RECIPES`.
        seed: As for `look`.
        epoch: As for `look`.
    """
    alike, made = find_augment(recipe).alike, []
    for sample, (picture, group) in enumerate(zip(pictures, groups, strict=True)):
        try:
            canvas = prepare(look(picture, recipe=recipe, seed=seed, epoch=epoch, sample=sample))
        except BlankImage:
            canvas = prepare(picture)
        key = int(group) if alike else sample
        made.append(shape(canvas, recipe=recipe, seed=seed, epoch=epoch, sample=key))
    return made


def _apply(recipe: str, stage: int, image: Image, seed: int, epoch: int, sample: int) -> Image:
    """Return what this thread's own transforms make of an image, seeded for this sample alone."""
    chosen = find_augment(recipe)
    made = _LOCAL.__dict__.setdefault("made", {})
    if (recipe, stage) not in made:
        library = albumentations()
        made[recipe, stage] = library.Compose((chosen.look, chosen.shape)[stage](library))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stage, epoch, sample)))
    # one state for all: `set_random_seed` would give every transform the same numbers, all or none of them applied
    made[recipe, stage].set_random_state(rng, random.Random(int(rng.integers(2**63))))
    result: Image = made[recipe, stage](image=image)["image"]
    return result


def albumentations() -> Any:
    """Return the library, imported without its question to the network for a newer version."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations as library

    return library


@functools.cache
def _ink() -> Any:
    from . import augment_ink

    return augment_ink
