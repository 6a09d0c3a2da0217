"""When a batch does not fit into memory: what would."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .config import RunConfig


def largest_that_fits(fits: Callable[[int], bool], too_many: int) -> int | None:
    """Return the largest number of signers below one that is too large, or None if not even two fit.

    Args:
        fits: Tries a number; what fits, fits with fewer too.
        too_many: A number known not to fit.
    """
    low, high = 1, too_many
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low if low >= 2 else None


def advice(model: Any, config: RunConfig) -> str:
    """Return one line on what batch fits, found by trying steps on blank images; the network is spoilt by it."""
    import tensorflow as tf

    each = config.batch.genuine + config.batch.forgeries
    shapes = [tuple(x.shape[1:]) for x in model.inputs]

    def fits(signers: int) -> bool:
        n = signers * each // len(shapes)
        blank = [np.zeros((n, *shape), np.float32) for shape in shapes]
        labels = np.zeros((n, 1 if len(shapes) == 2 else 2), np.int32)
        if len(shapes) == 1:
            labels[:] = np.stack([np.repeat(np.arange(signers), each), np.tile(_flags(config), signers)], axis=1)
        try:
            model.train_on_batch(blank if len(shapes) == 2 else blank[0], labels)
        except (tf.errors.ResourceExhaustedError, MemoryError):
            return False
        return True

    found = largest_that_fits(fits, config.batch.signers)
    begun = f"out of memory with {config.batch.images} images a batch"
    if found is None:
        return f"{begun}, and even with {2 * each}; use a smaller network, train.height or train.width"
    return f"{begun}; {found * each} fit: --set batch.signers={found}"


def _flags(config: RunConfig) -> list[int]:
    return [1] * config.batch.genuine + [0] * config.batch.forgeries
