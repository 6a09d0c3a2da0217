"""Pictures of acts to which something was done: each by numbers of its own, whoever else is drawn."""

import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import render
from synth.acts import Act, execute

from .handling import DPI, HANDLING
from .preprocess import find_recipe

_HANDLED = 2
"""Keeps these draws apart from others that are keyed alike."""


def handled(acts: Sequence[Act], name: str, *, seed: int, recipe: str) -> list[NDArray[np.uint8]]:
    """Return scans of 300 dpi of acts to which one of `HANDLING` was done, enlarged for a recipe that needs more.

    Args:
        acts: Genuine or forged.
        name: In `HANDLING`.
        seed: Of the world.
        recipe: Of the preprocessing.
    """
    grown = (find_recipe(recipe).dpi or DPI) / DPI
    found = [HANDLING[name](render(execute(act), dpi=DPI, capture="scan"), _drawn(act, name, seed)) for act in acts]
    return found if grown == 1.0 else [_enlarged(image, grown) for image in found]


def _enlarged(image: NDArray[np.uint8], by: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, None, fx=by, fy=by, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _drawn(act: Act, name: str, seed: int) -> np.random.Generator:
    indices = (act.claimed.index, act.by.index, act.number)
    words = [word for entry in indices for word in (entry % 2**32, entry // 2**32)]
    key = (_HANDLED, zlib.crc32(name.encode()), *words)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
