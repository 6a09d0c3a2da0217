"""SigNet's preparation: its own steps, and the recipe "signet_canvas"."""

import cv2
import numpy as np

from . import steps_canvas as canvas
from . import steps_paper as paper
from .recipe_steps import GREY
from .recipe_work import Recipe, Step, Work
from .steps_paper import BlankImage

SIGNET_CANVAS = (952, 1360)
"""Height and width, in px, of the canvas that SigNet's images were centred on."""


def _signet_box(work: Work) -> None:
    """Blur, cut at Otsu's threshold of the sharp image, crop to the box of what is darker."""
    dark = cv2.bitwise_not(work.image)
    middle, _ = paper.otsu(dark)
    level, _ = cv2.threshold(work.image, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    inside = work.image <= level
    if not inside.any() or inside.all():
        raise BlankImage
    if float(work.image[~inside].mean()) - float(work.image[inside].mean()) < 2.0 * paper.MIN_CONTRAST or middle <= 0:
        raise BlankImage
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


SIGNET = Recipe(
    "signet_canvas",
    1,
    (
        GREY,
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
