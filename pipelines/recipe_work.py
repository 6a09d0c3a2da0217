"""What a recipe of preprocessing is made of: its steps in order, and the sheet of work that each step changes."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .steps_marks import Line
from .steps_paper import Grey


class Work:
    """What the steps of a recipe work on; each step replaces some of it.

    Attributes:
        image: The picture, dark ink on light paper; at the end the canvas.
        ink: Ink, 0 = paper.
        mask: 1 = ink.
        near: Above 0 at ink and next to it.
        threshold: Between paper and ink, a level of `ink` (or of `image`, where a recipe has no `ink`).
        core: Mean level of what is ink for sure.
        lines: Printed lines that were found, across; they give the turn of the page.
        lines_removed: How many were, across and upright.
        turn_deg: By how much the page was turned, counter-clockwise.
        height: Of the canvas, in px.
        width: The same.
    """

    __slots__ = (
        "core",
        "height",
        "image",
        "ink",
        "lines",
        "lines_removed",
        "mask",
        "near",
        "threshold",
        "turn_deg",
        "width",
    )

    def __init__(self, image: NDArray[np.uint8], height: int, width: int) -> None:
        self.image, self.height, self.width = image, height, width
        self.ink: Grey = image
        self.mask: Grey = image
        self.near: Grey = image
        self.threshold = self.core = self.turn_deg = 0.0
        self.lines: list[Line] = []
        self.lines_removed = 0


class Step(NamedTuple):
    """One step: a name, what it does in a few words (with fields of `Work`), the work, and which field to show."""

    name: str
    caption: str
    do: Callable[[Work], None]
    shows: str = "image"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A named list of steps.

    Attributes:
        name: Its name.
        version: Raised when the same image would come out differently.
        steps: In order; the last leaves the canvas in ``Work.image``.
        together: Does all of the steps for many images at once, to the same bytes, holding no interpreter lock; None
            if they are done one by one.
        dpi: Resolution that pictures are to be drawn at, for a recipe to which true size matters; else None.
        purpose: One line for a list of recipes.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    purpose: str
    dpi: float | None = None
    together: Callable[[Sequence[NDArray[np.uint8]], int, int], Grey] | None = None

    @property
    def key(self) -> str:
        """Name and version, as a run records them."""
        return f"{self.name}-{self.version}"

    def __call__(self, image: NDArray[np.uint8], height: int, width: int) -> Grey:
        """Return the canvas of an image; errors as of the steps."""
        if self.together is not None:
            return self.together([image], height, width)[0]
        return self.by_steps(image, height, width)

    def by_steps(self, image: NDArray[np.uint8], height: int, width: int) -> Grey:
        """Return the canvas of an image, step by step; errors as of the steps."""
        work = Work(image, height, width)
        for step in self.steps:
            step.do(work)
        return work.image
