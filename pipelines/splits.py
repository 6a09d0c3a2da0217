"""Who is trained on, who chooses thresholds, who is tested: parts of one world that never meet.

Forgers are signers too and stay in the part of their targets. A plain run has three ranges. In cross-validation the
development and test signers together are cut into folds: each fold is tested once, by a network and thresholds that
know nobody of it, and has training signers of its own, since a world has no lack of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synth import World
from synth.worlds import world_config

from .folds import signer_folds
from .settings import WorldSettings

_STRIDE = 2**40


class Split(NamedTuple):
    """Signer numbers of each part."""

    train: range
    dev: Sequence[int]
    test: Sequence[int]


def split_world(settings: WorldSettings) -> Split:
    """Return the parts of a world, or of one fold of it.

    Raises:
        ValueError: If a part is larger than the room between them, or there are too few signers for the folds.
    """
    counts = (settings.train_signers * (settings.folds or 1), settings.dev_signers, settings.test_signers)
    if max(counts) > _STRIDE:
        raise ValueError(f"a part has {max(counts)} signers; at most {_STRIDE} fit")
    train, dev, test = (range(i * _STRIDE, i * _STRIDE + count) for i, count in enumerate(counts))
    split = Split(train, dev, test) if settings.folds is None else _fold(settings, train, [*dev, *test])
    check_disjoint_parts(split)
    return split


def training_world(settings: WorldSettings) -> World:
    """Return the world that a run's training signers are of."""
    return World(settings.seed, world_config(settings.training))


def judges(settings: WorldSettings, n: int) -> list[int]:
    """Return the first n test signers of a run and, where it has fewer, others that are in no part of its world."""
    test = split_world(settings).test
    behind = 2 * _STRIDE + settings.test_signers
    return [*test[:n], *range(behind, behind + n - len(test))]


def outsiders(n: int) -> range:
    """Return n signers of a world that are in no part of it: nothing was ever trained, chosen or judged on them.

    Raises:
        ValueError: If n is below 1 or larger than the room behind the last part.
    """
    if not 1 <= n <= _STRIDE:
        raise ValueError(f"{n} outsiders; use 1 to {_STRIDE}")
    return range(3 * _STRIDE, 3 * _STRIDE + n)


def _fold(settings: WorldSettings, train: range, judged: list[int]) -> Split:
    """Return the parts of a fold: it is tested, the next one chooses thresholds, its share of the rest trains."""
    assert settings.folds is not None
    if settings.fold >= settings.folds:
        raise ValueError(f"there is no fold {settings.fold} of {settings.folds}; they are counted from 0")
    kinds = np.tile(["genuine", "skilled"], len(judged))  # every synthetic signer has both
    numbers = np.repeat(judged, 2)
    folds = signer_folds(numbers, kinds, n_folds=settings.folds, seed=settings.seed % 2**32)[::2]
    dev, test = (
        [number for number, fold in zip(judged, folds.tolist(), strict=True) if fold == wanted]
        for wanted in ((settings.fold + 1) % settings.folds, settings.fold)
    )
    begin = train.start + settings.fold * settings.train_signers
    return Split(range(begin, begin + settings.train_signers), dev, test)


def check_disjoint_parts(split: Split) -> None:
    """Raise ValueError if any signer is in two parts."""
    for first, second in ((split.dev, split.test), (split.dev, split.train), (split.test, split.train)):
        if both := _in_both(first, second):
            raise ValueError(f"signers {both[0]} to {both[-1]} would be in two parts of the split")


def _in_both(first: Sequence[int], second: Sequence[int]) -> Sequence[int]:
    """Return the numbers in both, ascending; of two ranges without walking through them, for they may be huge."""
    if isinstance(first, range) and isinstance(second, range):
        return range(max(first.start, second.start), min(first.stop, second.stop))
    listed, other = (first, second) if isinstance(second, range) else (second, first)
    known = other if isinstance(other, range) else set(other)
    return sorted(number for number in listed if number in known)
