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
    """What `handling` does to a grey picture, to each channel of one."""

    def get_params(self) -> dict[str, Any]:
        """Return the seed of what was drawn."""
        return {"seed": int(self.random_generator.integers(2**63))}

    def apply(self, img: Image, seed: int, **params: Any) -> Image:
        """Return the image with it, in every channel at the same places."""
        work = self.work(min(img.shape[:2]))
        planes = [img] if img.ndim == 2 else [img[..., i] for i in range(img.shape[2])]
        done = [work(np.ascontiguousarray(plane), np.random.default_rng(seed)) for plane in planes]
        return done[0] if img.ndim == 2 else np.stack(done, axis=2)

    def work(self, side: int) -> Callable[[Image, np.random.Generator], Image]:
        """Return what is done to a plane whose shorter side is so many pixels."""
        raise NotImplementedError


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

    def work(self, side: int) -> Callable[[Image, np.random.Generator], Image]:
        """Return `handling.dusty` in pixels."""
        radius = (self.radius[0] * side, self.radius[1] * side)
        return lambda plane, rng: handling.dusty(plane, rng, self.count, radius)


class PrintedLine(_Handling):
    """Print a line across the lower half.

    Args:
        thick: Thickness as a share of the shorter side, from and to.
        p: How often.
    """

    def __init__(self, thick: Span, p: float = 0.5) -> None:
        super().__init__(p=p)
        self.thick = thick

    def work(self, side: int) -> Callable[[Image, np.random.Generator], Image]:
        """Return `handling.lined` in pixels."""
        thick = (self.thick[0] * side, self.thick[1] * side)
        return lambda plane, rng: handling.lined(plane, rng, thick)


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
