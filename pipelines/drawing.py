"""From acts to preprocessed canvases: at once, augmented, or in chunks."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np
from numpy.typing import NDArray

from synth import render, render_batch
from synth.acts import Act, execute

from .preprocess import find_recipe, preprocess, preprocess_all

TURN = threading.Lock()
"""Held by a thread while it plans or augments a batch, or preprocesses it step by step: thousands of short calls.

Python runs one thread at a time, and threads that hand over to each other at every such call are slower together than
one alone; taking turns a batch at a time, one of them does this while the others are in the kernels that draw.
"""


def draw_images(
    acts: Sequence[Act], *, height: int, width: int, capture: str = "mixed", recipe: str = "default"
) -> NDArray[np.uint8]:
    """Return the preprocessed canvases of acts, uint8, shape ``(n, height, width)``."""
    pictures = draw_pictures(acts, height=height, width=width, capture=capture, recipe=recipe)
    with nullcontext() if find_recipe(recipe).together else TURN:
        return preprocess_all(pictures, height=height, width=width, recipe=recipe)


def draw_pictures(
    acts: Sequence[Act], *, height: int, width: int, capture: str = "mixed", recipe: str = "default"
) -> list[NDArray[np.uint8]]:
    """Return the captured pictures of acts.

    As large as the canvas, for training's capture, "mixed"; of any other as files of that capture's own resolution; at
    the recipe's where it needs one.
    """
    dpi = find_recipe(recipe).dpi
    if dpi is None and capture == "mixed":
        return render_batch(acts, height=height, width=width, capture=capture)
    return [render(execute(act), dpi=dpi, capture=capture) for act in acts]


def draw_augmented(
    acts: Sequence[Act],
    groups: NDArray[np.int32],
    augment: str,
    *,
    seed: int,
    number: int,
    height: int,
    width: int,
    recipe: str = "default",
) -> NDArray[np.uint8]:
    """Return canvases of acts as `draw_images` does, augmented, or not if `augment` is "none".

    Args:
        acts: What to draw.
        groups: Number of the target each belongs to, shape ``(n,)``: a group may be shaped alike.
        augment: A name in `augment.RECIPES`, or "none".
        seed: Of the augmentation.
        number: Of the batch; the same number is augmented alike.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: Of the preprocessing.
    """
    if augment == "none":
        return draw_images(acts, height=height, width=width, recipe=recipe)
    from .augment import augmented

    pictures = draw_pictures(acts, height=height, width=width, recipe=recipe)
    with TURN:
        return np.stack(
            augmented(
                pictures,
                groups.tolist(),
                lambda picture: preprocess(picture, height=height, width=width, recipe=recipe),
                recipe=augment,
                seed=seed,
                epoch=number,
            )
        )


def draw_in_chunks(
    acts: Sequence[Act],
    *,
    height: int,
    width: int,
    capture: str = "mixed",
    recipe: str = "default",
    chunk: int = 96,
    on_chunk: Callable[[int], None] = lambda n: None,
) -> NDArray[np.uint8]:
    """Return the canvases of many acts, drawn in chunks; `on_chunk` is told how many each added."""
    parts = []
    for start in range(0, len(acts), chunk):
        some = acts[start : start + chunk]
        parts.append(draw_images(some, height=height, width=width, capture=capture, recipe=recipe))
        on_chunk(len(parts[-1]))
    return np.concatenate(parts)
