"""The adapter for sigver-style archives: ``.npz`` files with images, signers and labels as arrays.

Nothing is unpickled, and images are read one at a time, whatever the archive claims to hold.
"""

import zipfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipelines.images import MAX_PIXELS
from pipelines.members import BrokenArchive, load_array, open_archive, open_member, read_header, read_member

from .contract import Adapter, AdapterError, Kind, SignatureFile, Unexpected, register_adapter
from .folders import natural_key

_KINDS: dict[int, Kind] = {0: "genuine", 1: "skilled", 2: "simple"}
_MAX_LABEL_BYTES = 200_000_000


@register_adapter("npz")
class NpzAdapter(Adapter):
    """Archives with ``x`` uint8 (n, 1, height, width), ``y`` signers and ``yforg`` 0 genuine, 1 skilled, 2 simple.

    In these archives ink is bright on 0; it is turned round. ``user_mapping`` names the signers if it is an array; the
    pickled dictionary of the original is not opened, and signers then keep their numbers. Of several archives in the
    folder each has signers of its own.

    Source:
        Layout: `process_dataset` of github.com/luizgh/sigver (Hafemann, Sabourin and Oliveira 2017).
    """

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every row of every archive, one image at a time."""
        files = self.files()
        for path in files:
            prefix = f"{path.stem}-" if len(files) > 1 else ""
            yield from _read(path, prefix)

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield what is in the archives and not read."""
        for path in self.files():
            with _open(path) as archive:
                if "user_mapping.npy" in archive.namelist() and _mapping(archive, path) is None:
                    yield Unexpected(f"{path.name}/user_mapping", "pickled, and nothing is unpickled: numbers are kept")

    def files(self) -> list[Path]:
        """Return the archives, in the folder itself or in the ``forms`` of an export.

        Raises:
            AdapterError: If there is none.
        """
        found = [path for path in self.root.iterdir() if path.suffix.lower() == ".npz" and path.is_file()]
        found = found or [path for path in (self.root / "forms" / "sigver.npz",) if path.is_file()]
        if not found:
            raise AdapterError(f"{self.root} holds no .npz file")
        return sorted(found, key=lambda path: natural_key(path.name))


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return open_archive(path)
    except BrokenArchive as error:
        raise AdapterError(f"{path} is no .npz archive: {error}") from None


def _labels(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    try:
        return load_array(archive, name, most_bytes=_MAX_LABEL_BYTES)
    except BrokenArchive as error:
        raise AdapterError(f"{path}: {name} cannot be read: {error}; needed are x, y and yforg") from None


def _mapping(archive: zipfile.ZipFile, path: Path) -> NDArray[Any] | None:
    """Return the signers' names by number, or None if there is no plain array of them."""
    try:
        found = _labels(archive, "user_mapping", path)
    except AdapterError:
        return None
    return found if found.ndim == 1 else None


def _header(file: IO[bytes], path: Path) -> tuple[int, int, int]:
    """Return how many images there are, their height and width, and leave the file at the first pixel."""
    shape, fortran, dtype = read_header(file)
    if dtype != np.uint8 or fortran or not (len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)):
        raise AdapterError(f"{path}: x must be uint8 of shape (n, 1, height, width), and is {dtype} {shape}")
    n, height, width = shape[0], shape[-2], shape[-1]
    if not 0 < height * width <= MAX_PIXELS:
        raise AdapterError(f"{path}: images of {width} x {height} pixels")
    return n, height, width


def _read(path: Path, prefix: str) -> Iterator[SignatureFile]:
    with _open(path) as archive:
        y, yforg = (_labels(archive, name, path).ravel() for name in ("y", "yforg"))
        mapping = _mapping(archive, path)
        try:
            file = open_member(archive, "x.npy")
            n, height, width = _header(file, path)
        except BrokenArchive as error:
            raise AdapterError(f"{path}: x cannot be read: {error}; needed are x, y and yforg") from None
        with file:
            if not len(y) == len(yforg) == n or y.dtype.kind not in "iu" or not set(yforg.tolist()) <= set(_KINDS):
                raise AdapterError(f"{path}: {n} images, {len(y)} numbers in y, {len(yforg)} labels 0, 1 or 2 in yforg")
            if sum(1 for _ in groupby(y.tolist())) != len(set(y.tolist())):
                raise AdapterError(f"{path}: the rows of a signer lie in several stretches; sort x, y and yforg by y")
            for signer, label in zip(y.tolist(), yforg.tolist(), strict=True):
                name = str(mapping[signer]) if mapping is not None and 0 <= signer < len(mapping) else str(signer)
                yield SignatureFile(f"{prefix}{name}", _KINDS[int(label)], _pixels(file, height, width, path))


def _pixels(file: IO[bytes], height: int, width: int, path: Path) -> NDArray[np.uint8]:
    try:
        content = read_member(file, height * width)
    except BrokenArchive as error:
        raise AdapterError(f"{path}: {error}") from None
    if len(content) != height * width:
        raise AdapterError(f"{path}: x is shorter than it says")
    ink = np.frombuffer(content, dtype=np.uint8).reshape(height, width)
    return ink.copy() if np.median(ink) > 127 else np.asarray(255 - ink, dtype=np.uint8)
