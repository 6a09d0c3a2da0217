"""What one record of a data set holds: several are looked at at once, in threads, and handed on in their order.

Which of them are kept is in `loading.py`.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.images import UnreadableImage, read_image
from pipelines.svc_text import UnreadableTrajectory, read_svc_text

from .contract import Adapter, AdapterError, SignatureFile, record_fault
from .ink_check import ink_fault
from .traps import paper_level, wrong_suffix

_AHEAD = 32  # records looked at at once: so many may be held at full size


class Seen(NamedTuple):
    """What one file holds, looked at in any order: whether it is kept depends on the files before it."""

    key: bytes
    image: NDArray[np.generic]
    measured: Any
    movement: NDArray[np.float64] | None
    paper: float
    suffix: str


class Reader(NamedTuple):
    """How each record is looked at; see `load_signatures`."""

    adapter: Adapter
    draw: Callable[[NDArray[np.float64]], NDArray[np.uint8]] | None
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.generic]] | None
    measure: Callable[[NDArray[np.uint8]], Any] | None

    def look(self, record: SignatureFile) -> Seen | UnreadableImage:
        """Return what a record holds, or why it is left out."""
        try:
            return self._seen(record)
        except UnreadableImage as error:
            return error

    def _seen(self, record: SignatureFile) -> Seen:
        read = _content(record, self.adapter)
        key = hashlib.sha256(repr(read.shape).encode() + read.tobytes()).digest()
        moved = self.adapter.takes == "trajectory"
        if not moved and (fault := ink_fault(read)):
            raise UnreadableImage(fault)
        try:
            shown = self.draw(read) if moved and self.draw is not None else read
            image = shown if self.prepare is None else self.prepare(shown)
            measured = None if self.measure is None else self.measure(shown)
        except ValueError as error:
            raise UnreadableImage(" ".join(str(error).split()) or "preprocessing failed") from error
        if moved:
            return Seen(key, image, measured, read, 0.0, "")
        suffix = wrong_suffix(record.image) if isinstance(record.image, Path) else ""
        return Seen(key, image, measured, None, paper_level(read), suffix)

    def all(self) -> Iterator[tuple[SignatureFile, Seen | UnreadableImage]]:
        """Yield every record with what it holds, in the adapter's order; several are read at once."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding and OpenCV hold no lock
            found = iter(self.adapter.iter_signatures())
            while records := list(itertools.islice(found, _AHEAD)):
                yield from zip(records, pool.map(self.look, records), strict=True)


def _content(record: SignatureFile, adapter: Adapter) -> NDArray[Any]:
    """Return the pixels or the trajectory of a record; raise UnreadableImage if its file holds neither."""
    if fault := record_fault(record, adapter.takes):
        raise AdapterError(fault)
    if not isinstance(record.image, Path):
        return record.image
    if adapter.takes == "image":
        return read_image(record.image, root=adapter.root)
    try:
        return read_svc_text(record.image, root=adapter.root)
    except (UnreadableTrajectory, OSError) as error:
        raise UnreadableImage(str(error) if isinstance(error, ValueError) else "cannot be opened") from error
