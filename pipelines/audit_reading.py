"""A data set read for an audit: every signature measured and prepared, the bad ones kept with their reasons."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .adapters import Adapter, AdapterError, Provenance
from .adapters.contract import SignatureFile, record_fault
from .adapters.refined import content_digest, record_name
from .audit_facts import Facts, measure
from .images import UnreadableImage, read_image
from .preprocess import preprocess
from .progress import Progress

HEIGHT, WIDTH = 96, 192
"""Of the canvases that signatures are compared on, in px."""


@dataclass(eq=False)
class Examined:
    """A data set as parallel lists, one entry per signature, and canvases of those that could be prepared.

    Attributes:
        root: The data folder.
        adapter: The adapter's name.
        provenance: Where the data come from.
        names: As manifests name them.
        records: As the adapter yielded them.
        sha256: Of the files, or arrays.
        pixels: SHA-256 of shape and pixels, or empty.
        facts: Measures, or None if unreadable.
        files: Facts about each file.
        unreadable: Why not, or empty.
        canvases: Preprocessed, uint8, shape ``(m, height, width)``.
        where: Which signature each canvas is of.
    """

    root: Path
    adapter: str
    provenance: Provenance
    names: list[str] = field(default_factory=list)
    records: list[SignatureFile] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    pixels: list[str] = field(default_factory=list)
    facts: list[Facts | None] = field(default_factory=list)
    files: list[dict[str, float | str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    canvases: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, HEIGHT, WIDTH), np.uint8))
    where: list[int] = field(default_factory=list)

    @property
    def signers(self) -> list[str]:
        """Claimed signer of each signature."""
        return [record.signer for record in self.records]

    @property
    def kinds(self) -> list[str]:
        """Kind of each signature."""
        return [record.kind for record in self.records]


def examine(adapter: Adapter, provenance: Provenance, progress: Progress) -> Examined:
    """Return every signature of an adapter, read, measured and prepared; bad ones are kept with their reasons.

    Args:
        adapter: The data set.
        provenance: Its record.
        progress: Where to say what happens.

    Raises:
        AdapterError: If it holds pen movements, or yields what is no signature.
        ProvenanceError: If its record has expired or does not permit evaluation.
    """
    provenance.check_current()
    provenance.check_use("evaluation")
    if adapter.takes != "image":
        raise AdapterError(f"layout {adapter.name!r} holds pen movements; the audit looks at images")
    found = Examined(adapter.root, adapter.name, provenance)
    canvases = []
    records = list(adapter.iter_signatures())
    with progress.task(f"reading {len(records)} signatures", len(records)) as bar:
        for index, record in enumerate(records):
            canvas = _look_at(record, index, found)
            if canvas is not None:
                canvases.append(canvas)
                found.where.append(index)
            bar.advance()
    if canvases:
        found.canvases = np.stack(canvases)
    return found


def _look_at(record: SignatureFile, index: int, found: Examined) -> NDArray[np.uint8] | None:
    if fault := record_fault(record):
        raise AdapterError(fault)
    found.records.append(record)
    found.names.append(record_name(record, index, found.root))
    found.sha256.append(content_digest(record, found.root))
    facts, pixels, why, canvas = None, "", "", None
    try:
        image = record.image if not isinstance(record.image, Path) else read_image(record.image, root=found.root)
        pixels = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        facts = measure(image)
        if not facts.ink_fault:
            canvas = preprocess(image, height=HEIGHT, width=WIDTH)
    except UnreadableImage as error:
        why = error.reason
    except ValueError as error:  # no ink that preprocessing could find
        why = " ".join(str(error).split()) or "preprocessing failed"
    found.facts.append(facts)
    found.pixels.append(pixels)
    found.unreadable.append(why)
    found.files.append(_file_facts(record, facts))
    return canvas


def _file_facts(record: SignatureFile, facts: Facts | None) -> dict[str, float | str]:
    if not isinstance(record.image, Path) or facts is None:
        return {}
    size = record.image.stat().st_size
    return {"file ending": record.image.suffix.lower(), "bytes per pixel": size / (facts.height * facts.width)}
