"""The closed set of a classification task: a few signatures of each of many people, drawn or from a folder."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import PRESETS
from .folds import without_repeats
from .progress import Progress


@dataclass(frozen=True, eq=False)
class ClassSet:
    """Signatures of a closed set of people, as parallel arrays of length n.

    Attributes:
        canvases: Preprocessed, uint8, shape ``(n, height, width)``; dark ink on white paper.
        signers: Who signed each.
        sessions: When each was signed, ``""`` if unknown.
        names: A name for each.
        source: Where they come from, in words.
        contains_real_signatures: Whether any is a real person's.
        notes: What was left out, one line each.
        digest: Of the folder's provenance; empty if they were drawn.
    """

    canvases: NDArray[np.uint8]
    signers: NDArray[np.str_]
    sessions: NDArray[np.str_]
    names: NDArray[np.str_]
    source: str
    contains_real_signatures: bool
    notes: list[str] = field(default_factory=list)
    digest: str = ""

    def __len__(self) -> int:
        return len(self.signers)


def world_class(
    *, seed: int, signers: int, acts: int, height: int, width: int, recipe: str = "default", progress: Progress
) -> ClassSet:
    """Return test signers of a world, each with one act of every session; no network ever trains on them.

    Args:
        seed: Of the world.
        signers: How many people.
        acts: Signatures of each, each of a session of its own.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: Of the preprocessing.
        progress: Where to say what happens.
    """
    from synth import World

    numbers = class_signers(seed, signers)
    world = World(seed)
    with progress.task(f"drawing {signers * acts} signatures of {signers} people", signers * acts) as bar:
        return draw_class(world, numbers, range(acts), height, width, bar.advance, recipe)


def class_signers(seed: int, signers: int) -> list[int]:
    """Return the numbers of the people of a class: the first test signers of a world.

    Raises:
        ValueError: If the world's test part has no room for as many.
    """
    import dataclasses

    from .splits import split_world

    settings = dataclasses.replace(PRESETS["classroom"].world, seed=seed, test_signers=max(4, signers))
    return list(split_world(settings).test[:signers])


def draw_class(
    world: Any, numbers: list[int], sessions: range, height: int, width: int, told: Any, recipe: str = "default"
) -> ClassSet:
    """Return one act in each session of some signers of a world.

    Args:
        world: The world.
        numbers: Of the signers.
        sessions: Numbers of the sessions.
        height: Canvas height in px.
        width: Canvas width in px.
        told: Hears how many images each step added.
        recipe: Of the preprocessing.
    """
    from synth.acts import ACTS_PER_SESSION, genuine_act

    from .drawing import draw_in_chunks

    acts = [genuine_act(world[number], session * ACTS_PER_SESSION) for number in numbers for session in sessions]
    canvases = draw_in_chunks(acts, height=height, width=width, recipe=recipe, on_chunk=told)
    labels = [(person_name(number), f"{session + 1}") for number in numbers for session in sessions]
    return ClassSet(
        canvases,
        np.array([signer for signer, _ in labels], dtype=str),
        np.array([session for _, session in labels], dtype=str),
        np.array([f"{signer}/{session}" for signer, session in labels], dtype=str),
        f"drawn by synth from world {world.seed}",
        False,
    )


def person_name(number: int) -> str:
    """Return the identifier of a person of a class, counted from the first of the test part."""
    return f"S{class_place(number):06d}"


def class_place(number: int) -> int:
    """Return the place of a signer number in the world's test part, from 0."""
    return number - class_signers(0, 1)[0]


def folder_class(
    data: str | Path, *, adapter: str, height: int, width: int, recipe: str = "default", progress: Progress
) -> ClassSet:
    """Return the genuine signatures of a user's folder; nothing in it is changed.

    Args:
        data: The folder, with a `provenance.toml`.
        adapter: How it is laid out: "folders" for ``<identifier>/<n>.png`` or ``<identifier>/genuine/*``, or another.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: Of the preprocessing.
        progress: Where to say what happens.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        ValueError: If it holds no readable signature.
    """
    from .adapters import load_provenance, load_signatures, open_adapter
    from .preprocess import preprocess

    provenance = load_provenance(data)
    opened = open_adapter(adapter, data)
    with progress.task(f"reading {data}", None):
        loaded = load_signatures(
            opened, provenance, prepare=lambda i: preprocess(i, height=height, width=width, recipe=recipe)
        )
    notes = [f"{s.name}: {s.reason}" for s in loaded.skipped]
    notes += [f"{d.name}: identical to {d.kept}" for d in loaded.duplicates]
    notes += [f"{u.name}: {u.reason}" for u in loaded.unexpected]
    genuine = np.flatnonzero(loaded.kinds == "genuine")
    if genuine.size < len(loaded):
        notes.append(f"{len(loaded) - genuine.size} forgeries left out; a closed set has no place for them")
    if not genuine.size:
        reasons = "; ".join(notes[:3]) or "it is empty"
        raise ValueError(f"{data} holds no readable signature of a person ({reasons}); expected <identifier>/<n>.png")
    canvases = np.stack([np.asarray(loaded.images[i], dtype=np.uint8) for i in genuine])
    kept, repeats = without_repeats(canvases, loaded.names[genuine].tolist())
    rows = genuine[kept]
    return ClassSet(
        canvases[kept],
        loaded.signers[rows],
        loaded.sessions[rows],
        loaded.names[rows],
        f"{provenance.source} ({provenance.licence}); provenance {provenance.digest}",
        provenance.contains_real_signatures,
        [*notes, *repeats],
        provenance.digest,
    )
