"""What a network was trained on: the gate in front of real data, and the mark that stays on run and model file.

This is the one place that reads and writes a network's name; `lineage` keeps what is more than yes or no. A run folder
holds `trained_on.json` from before the first real batch is seen; a network carries the mark in its name, which every
checkpoint, `model.keras` and copy of it keeps.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import write_json
from .members import BrokenArchive, read_json

if TYPE_CHECKING:
    from .adapters import Provenance
    from .runs import Run

MARK = "trained_on_real_signatures"
RECORD = "trained_on.json"
SYNTHETIC = "drawn by synth from the world's seed"
_ALLOWS = re.compile(r"\b(research|teaching|train(ing|ed)?|fine-?tun(e|ing))\b", re.IGNORECASE)
_FORBIDS = re.compile(r"\b(no|not|never|without|except)\b[^.;]{0,30}\b(train|fine-?tun)", re.IGNORECASE)


def check_training_allowed(provenance: "Provenance", data: str | Path) -> None:
    """Raise unless a folder's provenance lets a network be trained on it.

    Synthetic data may always be trained on. For real signatures the stated purpose must name research, teaching or
    training, and must not exclude training.

    Args:
        provenance: The folder's record.
        data: The folder, for the message.

    Raises:
        ProvenanceError: If it does not.
    """
    from .adapters import ProvenanceError

    provenance.check_current()
    if not provenance.contains_real_signatures:
        return
    if _FORBIDS.search(provenance.purpose) or not _ALLOWS.search(provenance.purpose):
        raise ProvenanceError(
            f"{data}: the purpose {provenance.purpose!r} does not permit training; it must name research, teaching or "
            f"training: ask {provenance.contact} and change provenance.toml, or use `evaluate --data`"
        )


def mark(model: Any) -> Any:
    """Put the mark into a network's name, once, and return the network."""
    if not is_marked(model):
        model.name = f"{model.name}_{MARK}"
    return model


def is_marked(model: Any) -> bool:
    """Whether a network, or one it was made from, was trained on a real person's signatures."""
    return MARK in getattr(model, "name", "")


def is_marked_file(path: Path) -> bool:
    """Whether a `.keras` file holds such a network; nothing of it is loaded.

    Raises:
        ValueError: If it is no such file.
    """
    config = told_by_file(Path(path), "config.json").get("config")
    if not isinstance(config, dict):
        raise ValueError(f"{path} is no .keras file: its config.json describes no network")
    return MARK in str(config.get("name", ""))


def told_by_file(path: Path, member: str) -> dict[str, Any]:
    """Return one of the texts inside a `.keras` file; raise ValueError if it is no such file."""
    try:
        return read_json(path, member)
    except BrokenArchive as error:
        raise ValueError(f"{path} is no .keras file: {error}") from None


def record_training(run: "Run", *, real: bool, source: str, digests: list[str]) -> None:
    """Write down what a run's network is trained on, before it is.

    Args:
        run: Its folder.
        real: Whether any of it is a real person's signature, now or in the network it started from.
        source: Where it comes from, in words.
        digests: Of the provenance of every folder it has seen.
    """
    write_json(run / RECORD, {"contains_real_signatures": real, "source": source, "digests": digests})


def trained_on(run: "Run") -> dict[str, Any]:
    """Return what a run's network was trained on: ``contains_real_signatures``, ``source``, ``digests``."""
    if (run / RECORD).exists():
        found: dict[str, Any] = run.read(RECORD)
        return found
    return {"contains_real_signatures": False, "source": SYNTHETIC, "digests": []}


def provenance_of(run: "Run", head: Any) -> dict[str, Any]:
    """Return where all that a verifier learnt from came from: its network's data and a fitted head's.

    Args:
        run: Its folder.
        head: Its fitted head, or None.
    """
    network = trained_on(run)
    real_network = network["contains_real_signatures"]
    real_head = head is not None and head.contains_real_signatures
    kind = "synthetic"
    if real_network:
        kind = "network trained on real signatures"
    elif real_head:
        kind = "synthetic network, head fitted on real signatures"
    source = network["source"] + (f"; head: {head.data}" if real_head else "")
    return {"kind": kind, "contains_real_signatures": real_network or real_head, "source": source}
