"""The adapter for arrays of canvases: ``DIR/*.npz`` as `export --format npz` and the sigver project lay them out.

Arrays: ``x`` uint8 ``(n, height, width)`` or ``(n, 1, height, width)``, bright ink on 0; ``y`` the signer's number;
``yforg`` 0 genuine, 1 skilled, 2 simple. Nothing is unpickled: an archive that needs it is refused.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.members import BrokenArchive, load_array, open_archive

from .contract import Adapter, AdapterError, Kind, SignatureFile, Unexpected, register_adapter
from .folders import natural_key
from .provenance import FILE_NAME

_KINDS: dict[int, Kind] = {0: "genuine", 1: "skilled", 2: "simple"}
_ORDER = (0, 2, 1)
MAX_BYTES = 4_000_000_000
MAX_UNPACKED = 500_000_000  # a compressed array may be a thousand times as large as its file; `npz` reads any size


@register_adapter("sigver")
class SigverAdapter(Adapter):
    """Signatures in archives of arrays, each signer's name made of the archive's name and the number in it."""

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every signature: archive by archive, signer by signer, genuine, then simple, then skilled.

        Raises:
            AdapterError: If an archive is not laid out so, is too large, or holds numbers that are not finite.
        """
        archives = self._archives()
        for path in archives:
            x, y, forged = read_archive(path)
            prefix = f"{path.stem}/" if len(archives) > 1 else ""
            for signer in np.unique(y):
                for how in _ORDER:
                    for row in np.flatnonzero((y == signer) & (forged == how)):
                        yield SignatureFile(f"{prefix}{signer}", _KINDS[how], np.ascontiguousarray(255 - x[row]))

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield whatever lies in the folder and is no archive."""
        for path in sorted(self.root.iterdir(), key=lambda p: natural_key(p.name)):
            if path.suffix != ".npz" and path.name != FILE_NAME and not path.name.startswith("."):
                yield Unexpected(path.name, "no .npz archive")

    def _archives(self) -> list[Path]:
        return sorted((p for p in self.root.glob("*.npz") if p.is_file()), key=lambda p: natural_key(p.name))


def read_archive(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return canvases ``(n, height, width)``, bright ink on 0, signers and kinds of an archive.

    Args:
        path: The `.npz` file.

    Raises:
        AdapterError: If it is not laid out so; one line.
    """
    try:
        with open_archive(path) as archive:
            packed = any(member.compress_size < member.file_size for member in archive.infolist())
            most = MAX_UNPACKED if packed else MAX_BYTES
            x, y, forged = (load_array(archive, name, most_bytes=most) for name in ("x", "y", "yforg"))
    except BrokenArchive as error:
        raise AdapterError(f"{path.name} is no archive of x, y and yforg without pickles: {error}") from error
    if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
        rows = np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))
        raise AdapterError(f"{path.name}: {len(rows)} images hold NaN or infinity, the first is number {rows[0]}")
    x = x[:, 0] if x.ndim == 4 and x.shape[1] == 1 else x
    if x.dtype != np.uint8 or x.ndim != 3 or x.size == 0:
        raise AdapterError(f"{path.name}: x must be uint8 (n, height, width), and is {x.dtype} {x.shape}")
    for name, values in (("y", y), ("yforg", forged)):
        if values.shape != x.shape[:1] or not np.issubdtype(values.dtype, np.integer):
            found = f"{values.dtype} {values.shape}"
            raise AdapterError(f"{path.name}: {name} must be whole numbers, one an image; it is {found}")
    if not np.isin(forged, list(_KINDS)).all():
        raise AdapterError(f"{path.name}: yforg must be 0 (genuine), 1 (skilled) or 2 (simple)")
    return x, y.astype(np.int64), forged.astype(np.int64)
