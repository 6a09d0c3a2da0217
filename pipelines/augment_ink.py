"""Transforms that Albumentations does not have: of ink on paper. Import through `augment`, which sets it up first.

Each takes uint8 images, ``(h, w)`` or ``(h, w, channels)``, dark ink on light paper.
"""

import math
from typing import Any

import albumentations as library
import cv2
import numpy as np
from numpy.typing import NDArray

from .handling import fade, paper_of
from .perturb import warp_maps

Image = NDArray[np.uint8]
Span = tuple[float, float]


class InkWidth(library.ImageOnlyTransform):  # type: ignore[misc]
    """Thicken (above 0) or thin (below 0) lines by a share of a pixel on each side.

    Args:
        strength: Share of a pixel, from and to, -1 to 1.
        p: How often.
    """

    def __init__(self, strength: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.strength = strength

    def get_params(self) -> dict[str, Any]:
        """Return the strength drawn."""
        return {"by": self.py_random.uniform(*self.strength)}

    def apply(self, img: Image, by: float, **params: Any) -> Image:
        """Return the image between itself and its darkest or lightest neighbours."""
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        other = cv2.erode(img, cross) if by > 0 else cv2.dilate(img, cross)
        return cv2.addWeighted(img, 1.0 - abs(by), other, abs(by), 0.0)


class InkFlow(library.ImageOnlyTransform):  # type: ignore[misc]
    """Fade ink in patches, as where a pen runs dry; never to nothing.

    Args:
        strength: Share of the ink that the faintest patch loses, from and to, 0 to 1.
        p: How often.
    """

    def __init__(self, strength: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.strength = strength

    def get_params(self) -> dict[str, Any]:
        """Return the strength and the coarse map of patches."""
        return {"by": self.py_random.uniform(*self.strength), "patches": self.random_generator.random((5, 10))}

    def apply(self, img: Image, by: float, patches: NDArray[np.float64], **params: Any) -> Image:
        """Return the image with its ink multiplied by a smooth map."""
        return fade(img, by * patches)


class InkAndPaper(library.ImageOnlyTransform):  # type: ignore[misc]
    """Give black another level and white another: one for grey images, one a channel for coloured ones.

    Args:
        ink: Level that black becomes, from and to.
        paper: Level that white becomes, from and to.
        p: How often.
    """

    def __init__(self, ink: Span, paper: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.ink, self.paper = ink, paper

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Return a table of 256 levels for each channel; channels differ by a fifth of the span."""
        channels = 1 if data["image"].ndim == 2 else data["image"].shape[2]
        ends = []
        for low, high in (self.ink, self.paper):
            common, own = self.random_generator.random(), self.random_generator.random(channels)
            ends.append(low + (high - low) * (0.8 * common + 0.2 * own))
        tables = ends[0][:, None] + (ends[1] - ends[0])[:, None] * np.arange(256) / 255.0
        return {"table": np.clip(np.rint(tables), 0, 255).astype(np.uint8).T.reshape(256, 1, channels)}

    def apply(self, img: Image, table: Image, **params: Any) -> Image:
        """Return the image through the table."""
        return cv2.LUT(img, table).reshape(img.shape)


class Shade(library.ImageOnlyTransform):  # type: ignore[misc]
    """Darken smoothly towards one side, with soft patches.

    Args:
        strength: Share of the light that the darkest place loses, from and to, 0 to 1.
        p: How often.
    """

    def __init__(self, strength: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.strength = strength

    def get_params(self) -> dict[str, Any]:
        """Return the strength, the direction and the coarse map of patches."""
        angle = self.py_random.uniform(0.0, 2.0 * np.pi)
        y, x = np.mgrid[-1:1:4j, -1:1:6j]
        slope = 0.5 + 0.35 * (x * np.cos(angle) + y * np.sin(angle))
        shade = np.clip(slope + self.random_generator.uniform(-0.2, 0.2, (4, 6)), 0.0, 1.0)
        return {"light": 1.0 - self.py_random.uniform(*self.strength) * shade}

    def apply(self, img: Image, light: NDArray[np.float64], **params: Any) -> Image:
        """Return the image under that light."""
        smooth = cv2.resize(light.astype(np.float32), img.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        lit = img * (smooth if img.ndim == 2 else smooth[..., None])
        return np.clip(lit + 0.5, 0, 255).astype(np.uint8)


class Erase(library.ImageOnlyTransform):  # type: ignore[misc]
    """Lay small patches of paper over the picture.

    Args:
        count: How many, from and to.
        side: Their sides as shares of the picture's height, from and to.
        p: How often.
    """

    def __init__(self, count: tuple[int, int], side: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.count, self.side = count, side

    def get_params(self) -> dict[str, Any]:
        """Return the patches: top, left, height, width as shares."""
        patches = self.random_generator.random((self.py_random.randint(*self.count), 4))
        patches[:, 2:] = self.side[0] + (self.side[1] - self.side[0]) * patches[:, 2:]
        return {"patches": patches}

    def apply(self, img: Image, patches: NDArray[np.float64], **params: Any) -> Image:
        """Return the image under the patches."""
        erased, (height, width) = img.copy(), img.shape[:2]
        paper = paper_of(img).astype(np.uint8)
        for top, left, tall, wide in patches:
            y, x = int(top * height), int(left * width)
            erased[y : y + int(tall * height) + 1, x : x + int(wide * height) + 1] = paper
        return erased


class Warp(library.ImageOnlyTransform):  # type: ignore[misc]
    """Turn, shear, stretch and bend in one pass; white comes in at the edges.

    Args:
        turn_deg: Largest turn either way.
        shear: Largest shear either way, in columns per row.
        aspect: Largest logarithm of a stretch across and down.
        bend: Largest shift of a place, as a share of the height.
        p: How often.
    """

    def __init__(self, turn_deg: float, shear: float, aspect: float, bend: float, p: float = 1.0) -> None:
        super().__init__(p=p)
        self.turn_deg, self.shear, self.aspect, self.bend = turn_deg, shear, aspect, bend

    def get_params(self) -> dict[str, Any]:
        """Return what was drawn: the warp, and shifts at 5 x 9 places as shares of the height."""
        most = (math.radians(self.turn_deg), self.shear, self.aspect)
        turn, shear, aspect = self.random_generator.uniform(-1.0, 1.0, 3) * most
        by = self.bend * self.py_random.uniform(0.3, 1.0)
        shifts = self.random_generator.uniform(-by, by, (2, 5, 9))
        return {"turn": turn, "shear": shear, "aspect": aspect, "shifts": shifts}

    def apply(
        self, img: Image, turn: float, shear: float, aspect: float, shifts: NDArray[np.float64], **params: Any
    ) -> Image:
        """Return the warped image."""
        size, by = img.shape[:2], img.shape[0] * shifts
        columns, rows = warp_maps(*size, turn=turn, shear=shear, aspect=aspect, shifts=by)
        return cv2.remap(img, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 4)
