"""Shortcuts of how a set was put together: one picture under two labels, a signer judged who was also learnt from."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .baselines import pixel_features
from .config import RunConfig
from .preprocess import to_ink
from .probe_findings import Finding
from .quality import likeness_of_copies
from .splits import split_world
from .trials import SignatureSet

COPY = 0.97
"""Likeness from which two canvases are one picture."""


def duplicate_findings(
    signatures: SignatureSet, canvases: NDArray[np.uint8], places: NDArray[np.intp]
) -> list[Finding]:
    """Return how many signatures are copies of another one, exactly or nearly; nobody signs twice alike.

    Args:
        signatures: All of them.
        canvases: What the network sees of each.
        places: Which of them are compared with each other.
    """
    pairs = [(int(places[a]), int(places[b])) for a, b in copies(canvases[places])]
    name, label = signatures.name, [f"{s}/{k}" for s, k in zip(signatures.signer, signatures.kind, strict=True)]
    crossed = [(a, b) for a, b in pairs if label[a] != label[b]]
    a, b = (crossed or pairs or [(0, 0)])[0]
    if crossed:
        words = f"{len(crossed)} images are copies of one with another signer or label, such as {name[a]} of {name[b]}"
    else:
        words = f"{len(pairs)} images are copies of another, such as {name[a]} of {name[b]}" if pairs else ""
    status = "failed" if crossed else "note" if pairs else "ok"
    looks_at = "copies among the preprocessed images"
    return [Finding("duplicate images", looks_at, len(pairs), None, None, "none", status, words, "pairs")]


def copies(canvases: NDArray[np.uint8], most: int = 2000) -> list[tuple[int, int]]:
    """Return pairs of places whose canvases are the same picture, up to noise; at most ``most``."""
    starts = range(0, len(canvases), 256)
    vectors = np.concatenate([pixel_features(to_ink(canvases[s : s + 256])[..., 0]) for s in starts])
    found: list[tuple[int, int]] = []
    for start in range(0, len(vectors), 1024):
        alike = vectors[start : start + 1024] @ vectors.T
        rows, columns = np.nonzero(alike > 0.94)
        for a, b in zip((rows + start).tolist(), columns.tolist(), strict=True):
            if a < b and len(found) < most and likeness_of_copies(canvases[a], canvases[b]) >= COPY:
                found.append((a, b))
    return found


def overlap_finding(looks_at: str, shared: Sequence[str]) -> Finding:
    """Return whether a signer who is judged was also trained on or chose thresholds."""
    words = f"{len(shared)} judged signers were trained on or chose thresholds, such as {shared[0]}" if shared else ""
    status = "failed" if shared else "ok"
    return Finding("signer overlap", looks_at, len(shared), None, None, "none", status, words, "signers")


def exported_overlap(folder: Path, config: RunConfig) -> list[str]:
    """Return the signers of an exported folder who are trained on, or choose thresholds, in a run's own world."""
    record = folder / "export.json"
    if not record.is_file() or record.stat().st_size > 1_000_000:
        return []
    try:
        spec = json.loads(record.read_text(encoding="utf-8"))["spec"]
        seed, first, signers = int(spec["seed"]), int(spec["first"]), int(spec["signers"])
    except (ValueError, KeyError, TypeError):
        return []
    if seed != config.world.seed or spec.get("world") != "default":
        return []
    split = split_world(config.world)
    judged = range(first, first + signers)
    shared = []
    for part in (split.train, split.dev):
        shared += [str(i) for i in judged if i in part]
    return shared
