"""What an augmentation recipe does, as a sheet to look at, and what it costs."""

import statistics
import time

import numpy as np
from numpy.typing import NDArray

from synth import World, forge, render

from .augment import RECIPES, find_augment, look, shape
from .batches import draw_batch
from .plots import contact_sheet
from .preprocess import preprocess
from .settings import BatchSettings
from .trace import captioned

_TILE = (100, 210)


def augment_sheet(
    recipe: str, *, seed: int = 7, signers: int = 3, samples: int = 3, capture: str = "scan"
) -> NDArray[np.uint8]:
    """Return three rows per signer (two genuine signatures and a forgery) with their augmented versions, grey.

    From the left: the picture; its canvas; then a new look and the canvas that comes of it, for several samples.

    Args:
        recipe: A name in `augment.RECIPES`.
        seed: Of the world and of the augmentation.
        signers: How many.
        samples: How many versions of each.
        capture: A capture profile.

    Raises:
        ValueError: If the recipe or the capture is unknown, or there is no signer.
    """
    if signers < 1 or samples < 1:
        raise ValueError(f"{signers} signers with {samples} versions make no sheet; use 1 or more of each")
    alike, world, rows = find_augment(recipe).alike, World(seed), []
    for i in range(signers):
        acts = [world[i].genuine(0), world[i].genuine(4)]
        acts.append(forge(world[i], by=world[900 + i], kind="freehand", skill=0.7, act=0))
        for k, (act, name) in enumerate(zip(acts, ("genuine", "genuine", "forgery 0.7"), strict=True)):
            picture = render(act, height=96, width=192, capture=capture)
            row = [captioned(picture, name, _TILE)]
            row.append(captioned(preprocess(picture, height=96, width=192), "canvas", _TILE))
            for epoch in range(samples):
                own = 3 * i + k
                seen = look(picture, recipe=recipe, seed=seed, epoch=epoch, sample=own)
                canvas = preprocess(seen, height=96, width=192)
                bent = shape(canvas, recipe=recipe, seed=seed, epoch=epoch, sample=i if alike else own)
                row += [captioned(seen, f"look {epoch}", _TILE), captioned(bent, f"{recipe} {epoch}", _TILE)]
            rows.append(row)
    return contact_sheet(rows)


def augment_cost(*, rounds: int = 5) -> list[tuple[str, str, str]]:
    """Return for each recipe the training images drawn per second of one core, and the augmentation's own rate."""
    world, settings, rows = World(7), BatchSettings(), []
    plain = 0.0
    for name in ("none", *RECIPES):
        found = []
        for number in range(rounds + 1):
            begun = time.thread_time()
            draw_batch(world, range(1_000_000), settings, number, height=96, width=192, augment=name)
            found.append((time.thread_time() - begun) / settings.images)
        each = statistics.median(found[1:])
        plain = each if name == "none" else plain
        alone = "-" if name == "none" else f"{1.0 / max(each - plain, 1e-9):.0f}"
        rows.append((name, f"{1.0 / each:.0f}", alone))
    return rows
