"""Transforms for Albumentations of what is not of the signature, or of it and lost: dust, a printed line, a tight crop.

Import through `augment`, which sets the library up first. Each takes uint8 images, ``(h, w)`` or ``(h, w, channels)``,
dark ink on light paper; all channels are treated alike.
"""

from collections.abc import Callable
from typing import Any

import albumentations as library
import numpy as np
from numpy.typing import NDArray

from . import handling

Image = NDArray[np.uint8]
Span = tuple[float, float]


class _Handling(library.ImageOnlyTransform):  # type: ignore[misc]
    """What `handling` does to a picture, from a seed that is drawn for it."""

    def get_params(self) -> dict[str, Any]:
        """Return the seed of what is drawn."""
        return {"seed": int(self.random_generator.integers(2**63))}


def _to_each_channel(img: Image, seed: int, work: Callable[[Image, np.random.Generator], Image]) -> Image:
    """Return the image with the same work, by the same numbers, done to every channel."""
    planes = [img] if img.ndim == 2 else [img[..., i] for i in range(img.shape[2])]
    done = [work(np.ascontiguousarray(plane), np.random.default_rng(seed)) for plane in planes]
    return done[0] if img.ndim == 2 else np.stack(done, axis=2)


class Dust(_Handling):
    """Sprinkle dark specks.

    Args:
        count: How many, from and to.
        radius: Theirs, as shares of the shorter side, from and to.
        p: How often.
    """

    def __init__(self, count: tuple[int, int], radius: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.count, self.radius = count, radius

    def apply(self, img: Image, seed: int, **params: Any) -> Image:
        """Return the image with specks at the same places of every channel."""
        low, high = (share * min(img.shape[:2]) for share in self.radius)
        return _to_each_channel(img, seed, lambda plane, rng: handling.dusty(plane, rng, self.count, (low, high)))


class PrintedLine(_Handling):
    """Print a line across the lower half.

    Args:
        thick: Thickness as a share of the shorter side, from and to.
        p: How often.
    """

    def __init__(self, thick: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.thick = thick

    def apply(self, img: Image, seed: int, **params: Any) -> Image:
        """Return the image with a line at the same place of every channel."""
        low, high = (share * min(img.shape[:2]) for share in self.thick)
        return _to_each_channel(img, seed, lambda plane, rng: handling.lined(plane, rng, (low, high)))


class CutOff(_Handling):
    """Lose a share of the ink's height or width at one side.

    Args:
        share: From and to.
        p: How often.
    """

    def __init__(self, share: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.share = share

    def apply(self, img: Image, seed: int, **params: Any) -> Image:
        """Return the image cut off, all channels by the box of the ink in any."""
        return handling.cut_off(img, np.random.default_rng(seed), self.share)
