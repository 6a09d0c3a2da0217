"""Steps from a picture's ink to the canvas a network takes: centre of mass, aspect-preserving resize, padding."""

import cv2
import numpy as np
from numpy.typing import NDArray

from . import pixels
from .pixels import MARGIN as MARGIN
from .steps_paper import BlankImage

Grey = NDArray[np.uint8]


def fit(ink: Grey, height: int, width: int, *, margin: int = MARGIN) -> Grey:
    """Return ink on a white canvas, dark on light, as large as fits inside the margin, its aspect kept, centred.

    Args:
        ink: 0 paper to 255 ink, shape ``(h, w)``.
        height: Of the canvas, in px.
        width: The same.
        margin: Paper left free on every side, in px.
    """
    canvas = np.empty((height, width), np.uint8)
    pixels.fit_into(np.ascontiguousarray(ink), margin, canvas)
    return canvas


def centre_of_mass(mask: Grey) -> tuple[float, float]:
    """Return the mean row and column of what is set in a mask.

    Raises:
        BlankImage: If nothing is.
    """
    moments = cv2.moments(mask, binaryImage=True)
    if moments["m00"] == 0.0:
        raise BlankImage
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]


def on_canvas(image: Grey, centre: tuple[float, float], height: int, width: int) -> Grey:
    """Return an image on a white canvas, its centre in the canvas's, or as near to it as leaves it whole.

    Args:
        image: Grey image, no larger than the canvas.
        centre: Row and column in it.
        height: Of the canvas, in px.
        width: The same.

    Raises:
        ValueError: If the image is larger than the canvas.
    """
    h, w = image.shape
    if h > height or w > width:
        raise ValueError(f"an image of {h} x {w} px does not fit on a canvas of {height} x {width}; shrink it first")
    top = min(max(height // 2 - int(centre[0]), 0), height - h)
    left = min(max(width // 2 - int(centre[1]), 0), width - w)
    canvas = np.full((height, width), 255, dtype=np.uint8)
    canvas[top : top + h, left : left + w] = image
    return canvas


def kept_inside(canvas: Grey, height: int, width: int) -> Grey:
    """Return the middle of a larger white canvas if all ink lies in it, else the ink fitted into that size.

    Args:
        canvas: Dark ink on white, uint8, larger than asked by an even border on every side.
        height: Wanted height in px.
        width: Wanted width in px.

    Raises:
        BlankImage: If there is no ink.
    """
    top, left = (canvas.shape[0] - height) // 2, (canvas.shape[1] - width) // 2
    ink = cv2.bitwise_not(canvas)
    x, y, w, h = cv2.boundingRect(cv2.threshold(ink, 12, 1, cv2.THRESH_BINARY)[1])
    if w == 0 or h == 0:
        raise BlankImage
    if y >= top and x >= left and y + h <= top + height and x + w <= left + width:
        return np.ascontiguousarray(canvas[top : top + height, left : left + width])
    return fit(np.ascontiguousarray(ink[y : y + h, x : x + w]), height, width)
