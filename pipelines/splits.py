"""Who is trained on, who chooses thresholds, who is tested: three ranges of one world that never meet.

Forgers are signers too and stay in the part of their targets.
"""

import itertools
from typing import NamedTuple

from .config import WorldSettings

_STRIDE = 2**40


class Split(NamedTuple):
    """Signer numbers of each part."""

    train: range
    dev: range
    test: range


def split_world(settings: WorldSettings) -> Split:
    """Return the parts of a world.

    Raises:
        ValueError: If a part is larger than the room between them.
    """
    counts = (settings.train_signers, settings.dev_signers, settings.test_signers)
    if max(counts) > _STRIDE:
        raise ValueError(f"a part has {max(counts)} signers; at most {_STRIDE} fit")
    split = Split(*(range(i * _STRIDE, i * _STRIDE + count) for i, count in enumerate(counts)))
    check_disjoint_parts(split)
    return split


def outsiders(n: int) -> range:
    """Return n signers of a world that are in no part of it: nothing was ever trained, chosen or judged on them.

    Raises:
        ValueError: If n is below 1 or larger than the room behind the last part.
    """
    if not 1 <= n <= _STRIDE:
        raise ValueError(f"{n} outsiders; use 1 to {_STRIDE}")
    return range(3 * _STRIDE, 3 * _STRIDE + n)


def check_disjoint_parts(split: Split) -> None:
    """Raise ValueError if any signer is in two parts."""
    ordered = sorted(split, key=lambda part: part.start)
    for before, after in itertools.pairwise(ordered):
        if len(before) and len(after) and before[-1] >= after.start:
            raise ValueError(f"signers {after.start} to {before[-1]} would be in two parts of the split")
