"""From an adapter to images in memory: every file that is left out is named, and why.

No real data come in without a validated ``Provenance``.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.images import UnreadableImage

from .contract import KINDS, Adapter, SignatureFile, Unexpected
from .folders import printable
from .provenance import Provenance
from .purposes import Use
from .reader import Reader, Seen
from .traps import copied_parts, duplicates_note, suffix_note, tint_note

MIN_GENUINE = 2  # one reference and one questioned signature


class Skipped(NamedTuple):
    """A file that was left out, and why."""

    name: str
    reason: str


class Duplicate(NamedTuple):
    """A file that was left out because its pixels equal those of a file before it."""

    name: str
    kept: str
    same_label: bool


@dataclass(frozen=True, eq=False)
class LoadedSet:
    """The signatures of one data set, as parallel sequences, and a full account of what was left out.

    Args:
        adapter: The adapter's name.
        provenance: Where the data come from.
        images: What ``prepare`` made of the pixels, or the grey pixels themselves, shape ``(height, width)``.
        signers: Claimed signer of each image.
        kinds: ``genuine``, ``simple`` or ``skilled`` for each image.
        names: Path of each image relative to the data folder, with forward slashes.
        forgers: Who made each forgery, or empty.
        sessions: When each was signed, or empty.
        captures: How each was captured, or empty.
        skipped: Files left out because they are unreadable or blank.
        duplicates: Files left out because an identical image came before.
        unexpected: What lies in the folder and is not part of its layout.
        too_few: Signers with fewer than ``MIN_GENUINE`` distinct genuine signatures. Their images are
            still in the arrays; ``eligible`` masks them.
        notes: Known traps that this set is in, one line each; see ``traps``.
        movements: Of an adapter that takes trajectories, these: x mm, y mm, t s, pressure, shape ``(n, 4)``.
        measured: What ``measure`` said of each image as it was read; empty if nothing was measured.
    """

    adapter: str
    provenance: Provenance
    images: list[NDArray[np.generic]]
    signers: NDArray[np.str_]
    kinds: NDArray[np.str_]
    names: NDArray[np.str_]
    forgers: NDArray[np.str_]
    sessions: NDArray[np.str_]
    captures: NDArray[np.str_]
    skipped: list[Skipped]
    duplicates: list[Duplicate]
    unexpected: list[Unexpected]
    too_few: list[str]
    notes: list[str] = field(default_factory=list)
    movements: list[NDArray[np.float64]] = field(default_factory=list)
    measured: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of images kept."""
        return len(self.images)

    @property
    def counts(self) -> dict[str, int]:
        """How many signers, images of each kind, and files left out for each cause."""
        kinds: dict[str, int] = {kind: int(np.sum(self.kinds == kind)) for kind in KINDS}
        left_out = {"skipped": len(self.skipped), "duplicates": len(self.duplicates)}
        rest = {"unexpected": len(self.unexpected), "too_few": len(self.too_few)}
        return {"signers": len(set(self.signers.tolist())), **kinds, **left_out, **rest}

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """True for each image whose signer has enough genuine signatures to be tested, shape ``(n,)``."""
        return ~np.isin(self.signers, np.array(self.too_few, dtype=np.str_))

    @property
    def warnings(self) -> list[str]:
        """The notes, and one line for each pair of identical images with different labels: one label is wrong."""
        return self.notes + [
            f"{name} is identical to {kept}, which has another signer or kind; only the first is kept"
            for name, kept, same_label in self.duplicates
            if not same_label
        ]


@dataclass
class _Tally:
    """What has been loaded so far; frozen into a ``LoadedSet`` at the end."""

    images: list[NDArray[np.generic]] = field(default_factory=list)
    records: list[SignatureFile] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    first: dict[bytes, tuple[str, SignatureFile]] = field(default_factory=dict)
    genuine: Counter[str] = field(default_factory=Counter)
    papers: list[float] = field(default_factory=list)
    suffixes: list[str] = field(default_factory=list)
    movements: list[NDArray[np.float64]] = field(default_factory=list)
    measured: list[Any] = field(default_factory=list)

    def add(self, record: SignatureFile, name: str, seen: Seen | UnreadableImage) -> None:
        """Keep a record, or note why it is left out."""
        self.genuine[record.signer] += 0  # a signer all of whose files are bad must be named too
        if isinstance(seen, UnreadableImage):
            self.skipped.append(Skipped(name, seen.reason))
        elif seen.key in self.first:
            kept, earlier = self.first[seen.key]
            same_label = (earlier.signer, earlier.kind) == (record.signer, record.kind)
            self.duplicates.append(Duplicate(name, kept, same_label))
        else:
            self._keep(record, name, seen)

    def _keep(self, record: SignatureFile, name: str, seen: Seen) -> None:
        self.first[seen.key] = (name, record)
        self.images.append(seen.image)
        self.records.append(record)
        self.names.append(name)
        self.genuine[record.signer] += record.kind == "genuine"
        if seen.measured is not None:
            self.measured.append(seen.measured)
        if seen.movement is not None:
            self.movements.append(seen.movement)
        else:
            self.papers.append(seen.paper)
            self.suffixes.append(seen.suffix)

    def notes(self) -> list[str]:
        """Return the traps found."""
        lines = [tint_note(self.papers, [record.kind for record in self.records])] if self.papers else []
        lines += copied_parts(self.names, [(name, kept) for name, kept, _ in self.duplicates])
        lines += [duplicates_note(len(self.duplicates), len(self.duplicates) + len(self.names))]
        return [line for line in [*lines, suffix_note(self.suffixes)] if line]


def load_signatures(
    adapter: Adapter,
    provenance: Provenance,
    *,
    prepare: Callable[[NDArray[np.uint8]], NDArray[np.generic]] | None = None,
    use: Use = "evaluation",
    draw: Callable[[NDArray[np.float64]], NDArray[np.uint8]] | None = None,
    measure: Callable[[NDArray[np.uint8]], Any] | None = None,
) -> LoadedSet:
    """Return every usable signature of a data set, and name whatever is not usable.

    Bad files never raise: unreadable and blank images are skipped, of pixel-identical ones the first is kept.
    Nothing on disk is changed.

    Args:
        adapter: The data set, from ``open_adapter``.
        provenance: The data set's record, from ``load_provenance``.
        prepare: Applied to each image as it is read, in several threads, so that a large set need not be held at full
            size. A ``ValueError`` from it skips the image, with the error's text as the reason.
        draw: Makes an image of a pen movement, so that sets of both kinds come out alike; ``prepare`` then sees that
            image. Without it the images of such a set are the movements.
        use: What the signatures are read for: "evaluation", or "training" if anything is fitted on them.
        measure: Applied to each image as ``prepare`` is; what it returns is in ``measured``.

    Returns:
        Images, labels and the account.

    Raises:
        TypeError: If ``provenance`` is not a ``Provenance``.
        ProvenanceError: If the record has expired, or its purpose does not cover the use.
        AdapterError: If the adapter yields a record that breaks the contract.
    """
    if not isinstance(provenance, Provenance):
        raise TypeError("data are read only with a validated Provenance; see load_provenance")
    provenance.check_current()
    provenance.check_use(use)
    tally = _Tally()
    for index, (record, seen) in enumerate(Reader(adapter, draw, prepare, measure).all()):
        tally.add(record, _name(record, index, adapter.root), seen)
    return _freeze(tally, adapter, provenance)


def _name(record: SignatureFile, index: int, root: Path) -> str:
    if isinstance(record.image, Path):
        inside = record.image.is_relative_to(root)
        path = record.image.relative_to(root) if inside else Path(record.image.name)
        return printable(path.as_posix())
    return f"{record.signer}/{record.kind}/#{index}"


def _freeze(tally: _Tally, adapter: Adapter, provenance: Provenance) -> LoadedSet:
    def column(values: list[str]) -> NDArray[np.str_]:
        return np.array(values, dtype=np.str_)

    return LoadedSet(
        adapter=adapter.name,
        provenance=provenance,
        images=tally.images,
        signers=column([record.signer for record in tally.records]),
        kinds=column([record.kind for record in tally.records]),
        names=column(tally.names),
        forgers=column([record.forger for record in tally.records]),
        sessions=column([record.session for record in tally.records]),
        captures=column([record.capture for record in tally.records]),
        skipped=tally.skipped,
        duplicates=tally.duplicates,
        unexpected=list(adapter.iter_unexpected()),
        too_few=[signer for signer, genuine in tally.genuine.items() if genuine < MIN_GENUINE],
        notes=tally.notes(),
        movements=tally.movements,
        measured=tally.measured,
    )
