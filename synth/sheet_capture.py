"""How a whole page became pixels: a flatbed scan or a phone photo, with the homography that did it.

The paper stays flat and the lens has no distortion, so the homography is exact. Signatures alone are captured by
`capture.py`; here a page lies on a scanner or a desk.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .pens import hashed
from .streams import Key, slot, uniform

SHEET_CAPTURES = ("print", "scan", "photo")
"""print: the page as a program sees it. scan: flatbed, a little askew. photo: a phone above a desk."""

PAGE_MM = (210.0, 297.0)


def draw_number(key: Key, name: str, low: float, high: float) -> float:
    """Return a uniform number of its own name."""
    return low + (high - low) * uniform(key, slot(f"sheets.{name}"), 0)


def square(left: float, top: float, right: float, bottom: float) -> NDArray[np.float64]:
    """Return the corners of an upright rectangle, from the top left clockwise, shape ``(4, 2)``."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float64)


def project(homography: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points, shape ``(n, 2)``, as a homography maps them."""
    mapped = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


@kernel
def _sense(light: Any, noise: float, seed: Any, image: Any) -> None:
    """Round light (grey levels) to uint8 with sensor noise of s.d. `noise`, a hash of each pixel."""
    gain = np.float32(noise / 147.8)
    for r in range(light.shape[0]):
        for c in range(light.shape[1]):
            h = hashed(c, r, seed)
            total = (h & np.uint32(255)) + ((h >> np.uint32(8)) & np.uint32(255))
            total += ((h >> np.uint32(16)) & np.uint32(255)) + (h >> np.uint32(24))
            value = light[r, c] + gain * (np.float32(total) - np.float32(510.0)) + np.float32(0.5)
            image[r, c] = np.uint8(min(max(value, np.float32(0.0)), np.float32(255.0)))


@kernel
def _scatter(key: Key, name: Any, out: Any) -> None:
    """Fill an array with uniform numbers in (-1, 1)."""
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[r, c] = 2.0 * uniform(key, name, r * out.shape[1] + c) - 1.0


def _cloud(key: Key, name: str, size: tuple[int, int], cells: tuple[int, int]) -> NDArray[np.float32]:
    """Return smooth noise in about (-1, 1): few random numbers, blown up."""
    small = np.empty(cells, dtype=np.float32)
    _scatter(key, slot(f"sheets.{name}"), small)
    return cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)


def capture_page(page: NDArray[np.uint8], capture: str, key: Key) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the captured image and the homography from page to image px."""
    light = page.astype(np.float32) * np.float32(draw_number(key, "paper", 0.9, 0.99))
    light *= 1.0 + 0.006 * _cloud(key, "fibres", page.shape, (page.shape[0] // 6, page.shape[1] // 6))
    light, homography = (_scan if capture == "scan" else _photo)(light, key)
    image = np.empty(light.shape, dtype=np.uint8)
    noise = draw_number(key, "noise", 1.0, 3.0) if capture == "scan" else draw_number(key, "noise", 2.0, 5.0)
    _sense(light, noise, np.uint32(draw_number(key, "seed", 0.0, 2.0**32)), image)
    return image, homography


def _scan(light: NDArray[np.float32], key: Key) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Lay the page on a flatbed: up to 1.8 degrees askew, up to 2 mm off, lamp falling off to one side."""
    height, width = light.shape
    turn, per_mm = draw_number(key, "turn", -1.8, 1.8), width / PAGE_MM[0]
    move = cv2.getRotationMatrix2D((0.5 * (width - 1), 0.5 * (height - 1)), turn, 1.0)
    move[:, 2] += per_mm * np.array([draw_number(key, "right", -2.0, 2.0), draw_number(key, "down", -2.0, 2.0)])
    lid = draw_number(key, "lid", 170.0, 250.0)
    seen = cv2.warpAffine(light, move, (width, height), flags=cv2.INTER_LINEAR, borderValue=lid)
    seen = cv2.GaussianBlur(seen, (0, 0), draw_number(key, "blur", 0.45, 0.8))
    seen += np.linspace(0.0, draw_number(key, "shade", -9.0, 9.0), width, dtype=np.float32)[None, :]
    return seen, np.vstack([move, [0.0, 0.0, 1.0]])


def _photo(light: NDArray[np.float32], key: Key) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Photograph the page on a desk: tilt, roll, uneven light, a soft shadow, a little out of focus."""
    height, width = light.shape
    homography, size = _view(height, width, key)
    desk = draw_number(key, "desk", 60.0, 150.0) + 7.0 * _cloud(key, "grain", size, (size[0] // 3, 9))
    desk += 9.0 * _cloud(key, "stains", size, (7, 5))
    paper = cv2.warpPerspective(np.ones_like(light), homography, size[::-1], flags=cv2.INTER_LINEAR)
    drop = np.array([[0.125, 0.0, 0.0008 * width], [0.0, 0.125, 0.001 * width]])  # an eighth, for soft things only
    edge = cv2.warpAffine(paper, drop, (size[1] // 8, size[0] // 8), flags=cv2.INTER_AREA)
    edge = cv2.resize(cv2.GaussianBlur(edge, (0, 0), 0.0015 * width), size[::-1], interpolation=cv2.INTER_LINEAR)
    desk *= 1.0 - 0.45 * edge
    seen = cv2.warpPerspective(light, homography, size[::-1], flags=cv2.INTER_LINEAR)
    seen += (1.0 - paper) * desk  # the page's own edge is already mixed with black by its weight
    seen *= _lamp(size, key)
    seen = cv2.GaussianBlur(seen, (0, 0), draw_number(key, "focus", 0.6, 1.1))
    return seen, homography


def _view(height: int, width: int, key: Key) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """Return the homography of a pinhole camera above the page, and the photo's height and width."""
    tilt, yaw, roll = (
        math.radians(draw_number(key, name, -a, a)) for name, a in (("tilt", 16.0), ("yaw", 10.0), ("roll", 7.0))
    )
    about_x, _ = cv2.Rodrigues(np.array([tilt, 0.0, 0.0]))
    about_y, _ = cv2.Rodrigues(np.array([0.0, yaw, 0.0]))
    about_z, _ = cv2.Rodrigues(np.array([0.0, 0.0, roll]))
    turn = about_z @ about_y @ about_x
    far = draw_number(key, "far", 1.5, 2.2) * height
    flat = np.array([[1.0, 0.0, -0.5 * (width - 1)], [0.0, 1.0, -0.5 * (height - 1)], [0.0, 0.0, 1.0]])
    camera = np.column_stack([turn[:, :2], [0.0, 0.0, far]])
    homography = np.diag([far, far, 1.0]) @ camera @ flat
    seen = project(homography, square(-0.5, -0.5, width - 0.5, height - 0.5))
    margin = draw_number(key, "frame", 0.03, 0.08) * width
    low, high = seen.min(axis=0) - margin, seen.max(axis=0) + margin
    shift = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]], [0.0, 0.0, 1.0]])
    homography = shift @ homography
    across, down = np.ceil(high - low).astype(int).tolist()
    return np.asarray(homography / homography[2, 2]), (down, across)


def _lamp(size: tuple[int, int], key: Key) -> NDArray[np.float32]:
    """Return how light falls on the photo: a slope, a bow, and the soft shadow of whoever holds the phone."""
    rows, columns = size[0] // 8, size[1] // 8
    y, x = np.linspace(-1.0, 1.0, rows, dtype=np.float32)[:, None], np.linspace(-1.0, 1.0, columns, dtype=np.float32)
    lamp = 0.95 + draw_number(key, "lamp_x", -0.12, 0.12) * x + draw_number(key, "lamp_y", -0.12, 0.12) * y
    lamp -= draw_number(key, "vignette", 0.02, 0.10) * (x * x + y * y)
    side = 1.0 if draw_number(key, "side", 0.0, 1.0) < 0.5 else -1.0
    reach, lean = draw_number(key, "reach", 0.1, 0.9), draw_number(key, "lean", -0.5, 0.5)
    shadow = ((side * x > reach + lean * y) * np.ones_like(y)).astype(np.float32)
    shadow = cv2.GaussianBlur(shadow, (0, 0), draw_number(key, "soft", 0.01, 0.05) * columns)
    lamp = (lamp * (1.0 - draw_number(key, "depth", 0.0, 0.35) * shadow)).astype(np.float32)
    return np.asarray(cv2.resize(lamp, size[::-1], interpolation=cv2.INTER_LINEAR))
