"""What every step of a recipe makes of one image, for teaching and for finding out where a stroke was lost."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .plots import contact_sheet
from .recipe_work import Step, Work
from .recipes import find_recipe
from .steps_paper import BlankImage

_BAND = 20


class Stage(NamedTuple):
    """One picture on the way from image to canvas: dark ink on light, uint8, and what was done."""

    step: str
    caption: str
    picture: NDArray[np.uint8]


def trace(
    image: NDArray[np.uint8], *, height: int = 96, width: int = 192, recipe: str = "default"
) -> tuple[Stage, ...]:
    """Return the image and then what each step of a recipe left, the canvas last.

    Args:
        image: As for `preprocess`.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: A name in `RECIPES`.

    Raises:
        BlankImage: If there is no ink; the message names the step that found out.
        ValueError: As of `preprocess`.
    """
    chosen, work = find_recipe(recipe), Work(image, height, width)
    stages = []
    for step in chosen.steps:
        try:
            step.do(work)
        except BlankImage as error:
            raise BlankImage(f"{error} (found at step {step.name!r} of recipe {chosen.name!r})") from None
        stages.append(Stage(step.name, _caption(step, work), _shown(step, work)))
    shape = " x ".join(map(str, image.shape[1::-1]))
    return (Stage("image", f"the image, {shape} px", np.array(image)), *stages)


def _caption(step: Step, work: Work) -> str:
    """Return the caption with the numbers that the step found."""
    return step.caption.format(
        threshold=work.threshold,
        core=work.core,
        turn_deg=work.turn_deg,
        lines=work.lines_removed,
        width=work.width,
        height=work.height,
    )


def _shown(step: Step, work: Work) -> NDArray[np.uint8]:
    if step.shows == "mask":
        return np.asarray(255 * (1 - work.mask), dtype=np.uint8)
    return np.asarray(cv2.bitwise_not(work.ink) if step.shows == "ink" else work.image.copy(), dtype=np.uint8)


def trace_sheet(stages: Sequence[Stage], *, tile: tuple[int, int] = (190, 400), columns: int = 3) -> NDArray[np.uint8]:
    """Return the stages as numbered, captioned tiles, row by row, grey.

    Args:
        stages: From `trace`.
        tile: Height and width of a picture's room, in px; larger pictures are shrunk.
        columns: Tiles in a row.
    """
    tiles = [captioned(stage.picture, f"{i}. {stage.caption}", tile) for i, stage in enumerate(stages)]
    return contact_sheet([tiles[i : i + columns] for i in range(0, len(tiles), columns)])


def captioned(picture: NDArray[np.uint8], text: str, tile: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture, shrunk into a white tile under a line of text.

    Args:
        picture: Grey or RGB; it is not enlarged.
        text: One line.
        tile: Height and width of the picture's room, in px.

    Returns:
        Grey, the line of text (20 px) higher than the room.
    """
    height, width = tile
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    scale = min(height / grey.shape[0], width / grey.shape[1], 1.0)
    size = (max(1, int(grey.shape[1] * scale)), max(1, int(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1.0 else grey
    page = np.full((height + _BAND, width), 255, dtype=np.uint8)
    left = (width - small.shape[1]) // 2
    top = _BAND + (height - small.shape[0]) // 2
    page[top : top + small.shape[0], left : left + small.shape[1]] = small
    page[_BAND - 1] = 225
    cv2.putText(page, text, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0.0, 1, cv2.LINE_AA)
    return page
