"""Pictures of a shifted world's acts: at the size of the canvas as in training, or as files of real size."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import render
from synth.acts import Act, execute

from .drawing import draw_pictures
from .handling import HANDLING
from .verifier import Verifier

DPI = 300.0
_HANDLED = 2
"""Keeps these draws apart from others that are keyed alike."""


def captured(acts: Sequence[Act], capture: str, verifier: Verifier) -> list[NDArray[np.uint8]]:
    """Return acts as one capture shows them, at its own resolution; those of training as training draws them."""
    if capture == "mixed":
        size = {"height": verifier.height, "width": verifier.width}
        return draw_pictures(acts, **size, capture=capture, recipe=verifier.recipe)
    return [render(execute(act), capture=capture) for act in acts]


def handled(acts: Sequence[Act], name: str, seed: int) -> list[NDArray[np.uint8]]:
    """Return scans of 300 dpi of acts to which one of `HANDLING` was done, each from a key of its own.

    Args:
        acts: Genuine or forged.
        name: In `HANDLING`.
        seed: Of the world.
    """
    return [HANDLING[name](render(execute(act), dpi=DPI, capture="scan"), _drawn(act, name, seed)) for act in acts]


def _drawn(act: Act, name: str, seed: int) -> np.random.Generator:
    key: tuple[Any, ...] = (_HANDLED, zlib.crc32(name.encode()), act.claimed.index, act.by.index, act.number)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
