"""Recipes of preprocessing: named, versioned lists of steps. To add one, write its steps and name it in `RECIPES`."""

import dataclasses
import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from . import steps_canvas as canvas
from . import steps_marks as marks
from . import steps_paper as paper
from .steps_paper import BlankImage, Grey

SIGNET_CANVAS = (952, 1360)
"""Height and width, in px, of the canvas that SigNet's images were centred on."""
INK_LEVEL = 215.0
"""Mean ink of a canvas, so that the darkness of a scan does not show."""


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
        self.lines: list[marks.Line] = []
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
        dpi: Resolution that pictures are to be drawn at, for a recipe to which true size matters; else None.
        purpose: One line for a list of recipes.
    """

    name: str
    version: int
    steps: tuple[Step, ...]
    purpose: str
    dpi: float | None = None

    @property
    def key(self) -> str:
        """Name and version, as a run records them."""
        return f"{self.name}-{self.version}"

    def __call__(self, image: NDArray[np.uint8], height: int, width: int) -> Grey:
        """Return the canvas of an image; errors as of the steps."""
        work = Work(image, height, width)
        for step in self.steps:
            step.do(work)
        return work.image


def _check(work: Work) -> None:
    paper.check_grey(work.image)


def _grey(work: Work) -> None:
    work.image = paper.greyscale(work.image)


def _limit(work: Work) -> None:
    work.image = paper.limit_size(work.image)


def _border(work: Work) -> None:
    work.image = paper.pad_to_fours(work.image)


def _denoise(work: Work) -> None:
    work.image = paper.denoise(work.image)


def _level(work: Work) -> None:
    work.ink = paper.level_paper(work.image)


def _otsu(work: Work) -> None:
    work.threshold, work.core = paper.otsu(work.ink)


def _mask(work: Work) -> None:
    work.mask = paper.global_mask(work.ink, work.threshold)


def _local_mask(work: Work) -> None:
    if work.threshold >= paper.MIN_CONTRAST:
        sure = cv2.threshold(work.ink, 0.5 * paper.MIN_CONTRAST, 1, cv2.THRESH_BINARY)[1]
        work.mask = cv2.bitwise_and(paper.local_mask(work.ink, work.core), sure)
    else:
        work.mask = np.zeros_like(work.ink)


def _close(work: Work) -> None:
    work.mask = marks.close_gaps(work.mask)


def _lines(work: Work) -> None:
    """Find printed lines both ways and take them away, unless nothing else is there.

    A single line that ends inside the picture may be a flourish, and stays.
    """
    work.lines = marks.ruled_lines(work.mask)
    upright = marks.ruled_lines(np.ascontiguousarray(work.mask.T))
    work.lines_removed = len(work.lines) + len(upright)
    found = [*work.lines, *upright]
    if not found or (len(found) == 1 and not found[0].whole):
        work.lines, work.lines_removed = [], 0
        return
    left = marks.without_lines(work.mask, work.lines)
    left = np.ascontiguousarray(marks.without_lines(np.ascontiguousarray(left.T), upright).T)
    left = marks.without_remnants(left, work.lines)
    left = np.ascontiguousarray(marks.without_remnants(np.ascontiguousarray(left.T), upright).T)
    if cv2.countNonZero(left):  # a stroke that is all there is stays, however straight
        work.mask = left
    else:
        work.lines, work.lines_removed = [], 0


def _deskew(work: Work) -> None:
    work.turn_deg = -marks.page_turn_deg(work.lines)
    if abs(work.turn_deg) >= 0.2:
        work.ink = marks.turned(work.ink, work.turn_deg)
        work.mask = marks.turned(work.mask, work.turn_deg, smooth=False)


def _specks(work: Work) -> None:
    work.mask, work.near = marks.without_specks(work.mask)


def _not_blank(work: Work) -> None:
    if work.threshold < paper.MIN_CONTRAST or cv2.countNonZero(work.mask) in (0, work.mask.size):
        raise BlankImage("no ink stands out from the paper")


def _crop(work: Work) -> None:
    """Crop to the box of the mask; what is next to no ink is paper."""
    x, y, w, h = cv2.boundingRect(work.mask)
    _, near = cv2.threshold(work.near[y : y + h, x : x + w], 0, 255, cv2.THRESH_BINARY)
    work.ink = cv2.bitwise_and(work.ink[y : y + h, x : x + w], near)


def _crop_mask(work: Work) -> None:
    x, y, w, h = cv2.boundingRect(work.mask)
    work.ink = cv2.convertScaleAbs(work.mask[y : y + h, x : x + w], alpha=INK_LEVEL)


def _darkness(work: Work) -> None:
    work.ink = cv2.convertScaleAbs(work.ink, dst=work.ink, alpha=INK_LEVEL / max(work.core, 1.0))


def _fit(work: Work) -> None:
    work.image = canvas.fit(work.ink, work.height, work.width)


def _signet_box(work: Work) -> None:
    """Blur, cut at Otsu's threshold of the sharp image, crop to the box of what is darker."""
    dark = cv2.bitwise_not(work.image)
    middle, _ = paper.otsu(dark)
    level, _ = cv2.threshold(work.image, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    inside = work.image <= level
    if not inside.any() or inside.all():
        raise BlankImage("no ink stands out from the paper")
    if float(work.image[~inside].mean()) - float(work.image[inside].mean()) < 2.0 * paper.MIN_CONTRAST or middle <= 0:
        raise BlankImage("no ink stands out from the paper")
    work.threshold = float(level)
    blurred = cv2.GaussianBlur(work.image, (17, 17), 2.0, borderType=cv2.BORDER_REFLECT)
    work.mask = (blurred <= level).view(np.uint8)
    if not cv2.countNonZero(work.mask):  # strokes so thin that the blur drowns them
        work.mask = inside.view(np.uint8)
    x, y, w, h = cv2.boundingRect(work.mask)
    work.image, work.mask = work.image[y : y + h, x : x + w], work.mask[y : y + h, x : x + w]


def _signet_shrink(work: Work) -> None:
    """Shrink what is larger than the canvas, where the original cuts it."""
    shrink = min(1.0, *(limit / side for limit, side in zip(SIGNET_CANVAS, work.image.shape, strict=True)))
    if shrink < 1.0:
        size = (max(1, int(work.image.shape[1] * shrink)), max(1, int(work.image.shape[0] * shrink)))
        work.image = cv2.resize(work.image, size, interpolation=cv2.INTER_AREA)
        work.mask = cv2.resize(work.mask, size, interpolation=cv2.INTER_NEAREST)


def _signet_centre(work: Work) -> None:
    work.image = canvas.on_canvas(work.image, canvas.centre_of_mass(work.mask), *SIGNET_CANVAS)


def _signet_background(work: Work) -> None:
    work.image = np.where(work.image > work.threshold, np.uint8(255), work.image)


def _signet_invert(work: Work) -> None:
    work.ink = cv2.bitwise_not(work.image)


def _signet_resize(work: Work) -> None:
    work.image = canvas.fit(work.ink, work.height, work.width, margin=0)


_BEGIN = (
    Step("grey", "grey, 0 black to 255 white", _grey),
    Step("size", "longer side at most 1200 px", _limit),
    Step("border", "a border of paper", _border),
)
_END = (
    Step("specks", "marks too small for a pen are dropped", _specks, "mask"),
    Step("ink?", "not blank: contrast of {threshold:.0f} levels", _not_blank, "mask"),
)

DEFAULT = Recipe(
    "default",
    3,
    (
        Step("grey", "grey, 0 black to 255 white", _check),
        *_BEGIN[1:],
        Step("paper", "paper levelled: only what is darker stays", _level, "ink"),
        Step("Otsu", "Otsu: threshold {threshold:.0f}, mean ink {core:.0f}", _otsu, "ink"),
        Step("mask", "ink: above 0.7 of the threshold", _mask, "mask"),
        *_END,
        Step("box", "cropped to the box of the ink", _crop, "ink"),
        Step("darkness", "mean ink brought to one level", _darkness, "ink"),
        Step("canvas", "fitted to {width} x {height} px, aspect kept", _fit),
    ),
    "every capture; the fastest",
)

SIGNET = Recipe(
    "signet_canvas",
    1,
    (
        _BEGIN[0],
        Step("box", "Otsu at {threshold:.0f}, cropped to the box of the ink", _signet_box),
        Step("size", "shrunk if larger than the canvas", _signet_shrink),
        Step("centre", "centre of mass on 1360 x 952 px", _signet_centre),
        Step("background", "paper above the threshold is white", _signet_background),
        Step("invert", "inverted (shown as paper and ink again)", _signet_invert, "ink"),
        Step("canvas", "resized to {width} x {height} px, aspect kept", _signet_resize),
    ),
    "SigNet's: true size on a canvas of 952 x 1360 px at 600 dpi",
    dpi=600.0,
)
"""SigNet's preparation.

Source:
    Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature verification using deep
    convolutional neural networks", Pattern Recognition 70, section 3.3; order and rounding after the authors' code
    (`normalize_image` of github.com/luizgh/sigver). Differs: what is larger than the canvas is shrunk instead of cut;
    the whole canvas is fitted instead of filling the image and cutting its edge (at their 170 x 242 they cut half a
    column, this pads half a row); their random crops of 150 x 220 are augmentation and not done here.
"""

PHOTO = Recipe(
    "photo",
    2,
    (
        *_BEGIN,
        Step("noise", "noise smoothed, edges kept", _denoise),
        Step("paper", "shadows levelled: only what is darker stays", _level, "ink"),
        Step("Otsu", "Otsu: threshold {threshold:.0f}, mean ink {core:.0f}", _otsu, "ink"),
        Step("Sauvola", "ink: darker than a threshold of its place", _local_mask, "mask"),
        Step("lines", "printed lines from side to side removed: {lines}", _lines, "mask"),
        Step("deskew", "turned by {turn_deg:.1f} degrees, as the lines say", _deskew, "mask"),
        *_END,
        Step("box", "cropped to the box of the ink", _crop, "ink"),
        Step("darkness", "mean ink brought to one level", _darkness, "ink"),
        Step("canvas", "fitted to {width} x {height} px, aspect kept", _fit),
    ),
    "phone pictures and forms: uneven light, noise, ruled lines, a turned page",
)

BILEVEL = Recipe(
    "bilevel",
    2,
    (
        *_BEGIN,
        Step("paper", "paper levelled: only what is darker stays", _level, "ink"),
        Step("Otsu", "Otsu: threshold {threshold:.0f}, mean ink {core:.0f}", _otsu, "ink"),
        Step("mask", "ink: above 0.7 of the threshold", _mask, "mask"),
        Step("gaps", "gaps of one pixel are closed", _close, "mask"),
        Step("lines", "printed lines from side to side removed: {lines}", _lines, "mask"),
        *_END,
        Step("box", "cropped to the box; all ink equally dark", _crop_mask, "ink"),
        Step("canvas", "fitted to {width} x {height} px, aspect kept", _fit),
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
