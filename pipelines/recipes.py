"""Recipes of preprocessing: named, versioned lists of steps. To add one, list its steps and name it in `RECIPES`."""

import difflib
from typing import Any

from . import recipe_steps as step
from .recipe_default import DEFAULT
from .recipe_signet import SIGNET, SIGNET_CANVAS
from .recipe_work import Recipe

__all__ = ["BILEVEL", "DEFAULT", "PHOTO", "RECIPES", "SIGNET", "SIGNET_CANVAS", "find_recipe", "recorded_recipe"]

PHOTO = Recipe(
    "photo",
    7,
    (
        step.GREY,
        step.SIZE,
        step.EDGES,
        step.NOISE,
        step.SHADOWS,
        step.OTSU,
        step.SAUVOLA,
        step.LINES,
        step.DESKEW,
        step.SPECKS,
        step.NOT_BLANK,
        step.BOX,
        step.DARKNESS,
        step.CANVAS,
    ),
    "phone pictures and forms: uneven light, noise, ruled lines, a turned page",
)

BILEVEL = Recipe(
    "bilevel",
    7,
    (
        step.GREY,
        step.SIZE,
        step.EDGES,
        step.PAPER,
        step.OTSU,
        step.MASK,
        step.GAPS,
        step.LINES,
        step.SPECKS,
        step.NOT_BLANK,
        step.EVEN_BOX,
        step.CANVAS,
    ),
    "fax and black-and-white scans, or to make grey scans look like them",
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (DEFAULT, SIGNET, PHOTO, BILEVEL)}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name.

    Raises:
        ValueError: If there is none of that name; the nearest is suggested.
    """
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"unknown recipe {name!r}; {hint}use one of: {', '.join(RECIPES)}")


def recorded_recipe(key: Any) -> Recipe | None:
    """Return the recipe of a recorded name and version, such as "default-3"; None if there is none (any more)."""
    return next((recipe for recipe in RECIPES.values() if recipe.key == key), None)
