"""Batches that were drawn once, kept in memory or in a folder, so that later epochs need not draw them again."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import write_beside

Pair = tuple[NDArray[Any], NDArray[Any]]


class MemoryCache:
    """Keeps batches by number."""

    def __init__(self) -> None:
        self.kept: dict[int, Pair] = {}

    def get(self, number: int) -> Pair | None:
        """Return a batch that was put, or None."""
        return self.kept.get(number)

    def put(self, number: int, batch: Pair) -> None:
        """Keep a batch."""
        self.kept[number] = batch


class DiskCache:
    """Keeps batches as one file each, whole or not at all, so that a run that was killed finds them again.

    Args:
        folder: Where; only one run may use it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    def _path(self, number: int) -> Path:
        return self.folder / f"batch-{number:08d}.npz"

    def get(self, number: int) -> Pair | None:
        """Return a batch that was put, by this process or one before it, or None."""
        if not self._path(number).exists():
            return None
        with np.load(self._path(number), allow_pickle=False) as archive:
            return archive["images"], archive["labels"]

    def put(self, number: int, batch: Pair) -> None:
        """Keep a batch.

        Raises:
            OSError: If it cannot be written.
        """
        with self.lock:  # one at a time: several would only make the disk seek
            write_beside(self._path(number), lambda to: np.savez(to, images=batch[0], labels=batch[1]))
