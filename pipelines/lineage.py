"""What a model has learnt from, written where it cannot get lost: inside the `.keras` file and in the run folder.

    save_marked(model, run / "model.keras", SYNTHETIC)          # drawn signers only
    mark = read_mark(run / "model.keras")                       # None if the file says nothing
    save_marked(tuned, path, mark.with_source(source_of(provenance, signers)))

A mark only grows: whoever trains on from a marked model hands its mark on, so that "real" never washes out. It names
no signer; it keeps digests, by which `forget` finds the models that learnt from one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .files import write_beside, write_json
from .marks import RECORD, is_marked_file, told_by_file
from .members import in_short, json_object, read_members, write_members

if TYPE_CHECKING:
    from .adapters import Provenance

MARK_FILE = "mark.json"
NOTICE = "Paraph model; trained on synthetic signatures only; no real person"
REAL_NOTICE = "Paraph model; TRAINED ON SIGNATURES OF REAL PEOPLE; not for release without their record's permission"
_METADATA, _KEY = "metadata.json", "paraph"


def signer_key(digest: str, signer: str) -> str:
    """Return what stands for a signer of one data set in a mark: it finds the signer again and does not name them.

    Args:
        digest: Of the data set's provenance record.
        signer: As the adapter names the signer.

    Example:
        >>> signer_key("ab", "7") == signer_key("ab", "7") != signer_key("ac", "7")
        True
    """
    return hashlib.sha256(f"{digest}\0{signer}".encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Source:
    """One data set that a model has learnt from, as its provenance record stood then.

    Attributes:
        digest: Of the record.
        contains_real_signatures: Whether any was a real person's.
        redistribution_allowed: Whether the record allows handing the signatures on.
        purpose: What the record allowed them to be used for.
        retention_until: Last day they may be kept, as YYYY-MM-DD, or empty.
        signers: `signer_key` of each signer that was learnt from, sorted.
    """

    digest: str
    contains_real_signatures: bool
    redistribution_allowed: bool
    purpose: str
    retention_until: str
    signers: tuple[str, ...]


def source_of(provenance: "Provenance", signers: Iterable[str]) -> Source:
    """Return the entry for a data set.

    Args:
        provenance: Its record.
        signers: Names of the signers that are learnt from; repetitions do not matter.
    """
    digest = provenance.digest
    return Source(
        digest=digest,
        contains_real_signatures=provenance.contains_real_signatures,
        redistribution_allowed=provenance.redistribution_allowed,
        purpose=provenance.purpose,
        retention_until="" if provenance.retention_until is None else provenance.retention_until.isoformat(),
        signers=tuple(sorted({signer_key(digest, str(signer)) for signer in signers})),
    )


@dataclass(frozen=True)
class Mark:
    """What a model has learnt from besides synthetic signers; without sources it saw nothing else.

    Attributes:
        sources: One entry a data set, in the order in which they came.
    """

    sources: tuple[Source, ...] = ()

    @property
    def contains_real_signatures(self) -> bool:
        """Whether any source held a real person's signature."""
        return any(source.contains_real_signatures for source in self.sources)

    @property
    def kind(self) -> str:
        """Which of three words fits: "synthetic", "synthetic and a data set without real signatures" or "real"."""
        if self.contains_real_signatures:
            return "real"
        return "synthetic and a data set without real signatures" if self.sources else "synthetic"

    @property
    def digests(self) -> tuple[str, ...]:
        """Digests of the provenance records."""
        return tuple(source.digest for source in self.sources)

    def with_source(self, source: Source) -> "Mark":
        """Return the mark with one more data set; signers of one that is there already are added to it."""
        kept = [old for old in self.sources if old.digest != source.digest]
        same = [old for old in self.sources if old.digest == source.digest]
        signers = tuple(sorted({*source.signers, *(key for old in same for key in old.signers)}))
        real = source.contains_real_signatures or any(old.contains_real_signatures for old in same)
        known = [old for old in (source, *same) if old.signers] or [source]  # one that names signers says more
        made = replace(known[0], signers=signers, contains_real_signatures=real)
        return Mark((*kept, made))

    def joined(self, other: "Mark") -> "Mark":
        """Return a mark with the sources of both."""
        made = self
        for source in other.sources:
            made = made.with_source(source)
        return made

    def learnt_from(self, digest: str, signer: str) -> bool:
        """Tell whether a signer of a data set is among those learnt from."""
        return any(signer_key(digest, signer) in source.signers for source in self.sources if source.digest == digest)

    def to_dict(self) -> dict[str, Any]:
        """Return the mark as plain values for JSON, with a notice for people."""
        return {
            "notice": REAL_NOTICE if self.contains_real_signatures else NOTICE,
            "kind": self.kind,
            "contains_real_signatures": self.contains_real_signatures,
            "sources": [asdict(source) | {"signers": list(source.signers)} for source in self.sources],
        }

    @classmethod
    def from_dict(cls, record: Any) -> Self:
        """Build from `to_dict`; raise ValueError if a value is missing, unknown or of a wrong type.

        A record that says "real" without saying of whom is refused too, rather than taken for a synthetic one.
        """
        try:
            sources = [Source(**{**source, "signers": tuple(source["signers"])}) for source in record["sources"]]
            mark = cls(tuple(sources))
            fits = bool(record["contains_real_signatures"]) == mark.contains_real_signatures
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a mark of what a model learnt from: {in_short(error)}") from error
        if not fits or not all(isinstance(source.contains_real_signatures, bool) for source in sources):
            raise ValueError("not a mark of what a model learnt from: it contradicts itself")
        return mark


SYNTHETIC = Mark()


def save_marked(model: Any, path: str | Path, mark: Mark) -> Path:
    """Save a Keras model with its mark inside, whole or not at all.

    Args:
        model: The model.
        path: Ends in `.keras`.
        mark: What it learnt from; of a model that was trained on, the old mark with what came to it.
    """

    def write(temporary: Path) -> None:
        model.save(temporary)
        _stamp(temporary, mark)

    return write_beside(Path(path), write)


def stamp(path: str | Path, mark: Mark) -> Path:
    """Write a mark into a `.keras` file that is there already; what Keras reads of it stays byte for byte.

    Raises:
        ValueError: If the file is no `.keras` file, or a damaged one.
    """
    content = Path(path).read_bytes()

    def write(temporary: Path) -> None:
        temporary.write_bytes(content)
        _stamp(temporary, mark)

    return write_beside(Path(path), write)


def _stamp(path: Path, mark: Mark) -> None:
    metadata = told_by_file(path, _METADATA) | {_KEY: mark.to_dict()}
    write_members(path, read_members(path) | {_METADATA: json.dumps(metadata).encode()})


def read_mark(path: str | Path) -> Mark | None:
    """Return the mark inside a `.keras` file, or None if it carries none; no weight is loaded.

    Raises:
        ValueError: If the file is no `.keras` file, or its mark is damaged.
    """
    found = told_by_file(Path(path), _METADATA).get(_KEY)
    return None if found is None else Mark.from_dict(found)


def mark_folder(folder: str | Path, mark: Mark, *, part: str = "network") -> Path:
    """Write what one part of a run learnt from into the run folder.

    Args:
        folder: The run folder.
        mark: The mark.
        part: "network" or "head"; what the other one learnt from stays as it was.
    """
    path = Path(folder) / MARK_FILE
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return write_json(path, known | {part: mark.to_dict()})


def mark_of_run(folder: str | Path) -> Mark | None:
    """Return what a run learnt from, by everything that speaks of it together; None if nothing does.

    Heard are the mark inside `model.keras`, the folder's own record, and what says "real" in the older ways: the
    network's name, `trained_on.json` and `head.json`. What these do not say is taken to be forbidden.

    Raises:
        ValueError: If one of them is damaged.
    """
    folder, found = Path(folder), []
    if (folder / "model.keras").exists() and (inside := read_mark(folder / "model.keras")) is not None:
        found.append(inside)
    if (folder / MARK_FILE).exists():
        record = _record(folder / MARK_FILE)
        found += [Mark.from_dict(part) for part in record.values()]
    found += [Mark((source,)) for source in _said_otherwise(folder)]
    if not found:
        return None
    mark = found[0]
    for other in found[1:]:
        mark = mark.joined(other)
    return mark


def _record(path: Path) -> dict[str, Any]:
    return json_object(path.read_bytes(), str(path))


def _said_otherwise(folder: Path) -> Iterator[Source]:
    """Yield sources of real signatures that a run names without a mark: of these only that they exist is known."""
    digests: list[str] = []
    for name in (RECORD, "head.json"):
        path = folder / name
        record = _record(path) if path.exists() else {}
        if record.get("contains_real_signatures"):
            said = record.get("digests") or [str(record.get("data", "")).removeprefix("provenance ")]
            digests += [str(digest) for digest in said]
    if (folder / "model.keras").exists() and is_marked_file(folder / "model.keras"):
        digests = digests or ["unknown"]
    for digest in digests:
        yield Source(digest, True, False, "unknown", "", ())
