"""Embeddings with their signers as one file, so that any protocol can be run again without the network.

A NumPy archive of plain arrays, read without pickles. Of networks whose embeddings are compared by more than a cosine
it also holds what classifiers in a plain vector space take of them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .files import write_beside
from .members import MAX_ARCHIVE_BYTES, check_size, load_array, open_archive
from .trials import SignatureSet

_COLUMNS = ("signer", "kind", "name", "forger", "skill")


@dataclass(frozen=True, eq=False)
class Embedded:
    """Signatures and what the network made of them.

    Attributes:
        signatures: Whose they are.
        vectors: Embeddings, float32, shape ``(n, d)``.
        features: What classifiers of the protocols take of each, float32, shape ``(n, d')``; see `head_features`.
        source: What the embeddings depend on: digests of the network and of the prepared images.
    """

    signatures: SignatureSet
    vectors: NDArray[np.float32]
    features: NDArray[np.float32]
    source: str = ""

    def __post_init__(self) -> None:
        """Check shapes; raise ValueError."""
        n = self.signatures.name.size
        for name in ("vectors", "features"):
            found = getattr(self, name)
            if found.ndim != 2 or len(found) != n or not np.isfinite(found).all():
                raise ValueError(f"{name}: need finite values of shape ({n}, d), got shape {found.shape}")

    def take(self, places: NDArray[np.intp]) -> "Embedded":
        """Return some of the signatures."""
        columns = [getattr(self.signatures, name)[places] for name in _COLUMNS]
        return Embedded(SignatureSet(*columns), self.vectors[places], self.features[places], self.source)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one ``.npz`` file; it appears under its name only when complete."""
        columns: dict[str, Any] = {name: getattr(self.signatures, name) for name in _COLUMNS}
        columns |= {"vectors": self.vectors, "features": self.features, "source": np.array(self.source)}

        def write(beside: Path) -> None:
            with beside.open("wb") as file:
                np.savez(file, **columns)

        write_beside(Path(path), write)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Embedded":
        """Read what `save` wrote; raise ValueError if the file is something else."""
        try:
            with open_archive(Path(path)) as archive:
                check_size(archive, MAX_ARCHIVE_BYTES)
                names = (*_COLUMNS, "vectors", "features", "source")
                found = {name: load_array(archive, name, most_bytes=MAX_ARCHIVE_BYTES) for name in names}
            signatures = SignatureSet(*(found[name] for name in _COLUMNS))
            return cls(signatures, found["vectors"], found["features"], str(found["source"]))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: not a file of embeddings ({error})") from None


def head_features(vectors: NDArray[np.float32], head: Any) -> NDArray[np.float32]:
    """Return what classifiers take of embeddings: a head's own ``features`` if it has any, else the embeddings."""
    made = getattr(head, "features", None)
    return vectors if made is None else np.asarray(made(vectors), dtype=np.float32)
