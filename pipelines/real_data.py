"""A user's folder as a source to train on: read through an adapter, behind the gate, with faults told in one line."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .config import RunConfig
from .preprocess import preprocess
from .runs import RunError
from .settings import CLOSED_SET_LOSSES, BatchSettings
from .sources import StoredSource

if TYPE_CHECKING:
    from .adapters import Provenance

_DEV_EVERY = 5
"""Of a folder's signers this one in so many chooses the epoch, if any does."""


class Folder(NamedTuple):
    """What a folder gave: a source, whence it comes, and lines to tell the user."""

    source: StoredSource
    provenance: "Provenance"
    told: list[str]


def load_folder(config: RunConfig) -> Folder:
    """Return the signatures of a run's folder that can be trained on.

    Args:
        config: A run with `inputs.data`.

    Raises:
        ProvenanceError: If the folder has no provenance, or one that does not permit training.
        RunError: If it does not hold what a batch needs.
    """
    from .adapters import load_provenance, load_signatures, open_layout
    from .marks import check_training_allowed
    from .reading import draw_plainly

    data, train = str(config.inputs.data), config.train
    provenance = load_provenance(data)
    check_training_allowed(provenance, data)
    how: dict[str, Any] = {"height": train.height, "width": train.width, "recipe": train.preprocessing}
    opened = open_layout(config.inputs.adapter, data)
    loaded = load_signatures(
        opened, provenance, use="training", draw=draw_plainly, prepare=lambda i: preprocess(i, **how)
    )
    if not len(loaded):
        reasons = [f"{s.name}: {s.reason}" for s in loaded.skipped]
        why = "; ".join(reasons[:3]) or "it is empty"
        raise RunError(f"{data} holds no usable signature ({why}); give a folder with DIR/<signer>/genuine/*")
    canvases = np.stack([np.asarray(image, dtype=np.uint8) for image in loaded.images])
    source = StoredSource(canvases, loaded.signers, loaded.kinds, seed=config.world.seed, name=data)
    told = [f"{data}: " + ", ".join(f"{n} {what}" for what, n in loaded.counts.items() if n)]
    return Folder(_usable(source, config, told), provenance, told)


def _usable(source: StoredSource, config: RunConfig, told: list[str]) -> StoredSource:
    """Return the signers with enough genuine signatures for a batch; raise if they are too few."""
    batch, stream, k = config.batch, config.inputs.stream, genuine_needed(config)
    if source.n_signers < 2:
        raise RunError(f"{source.name} holds signatures of one signer only; training compares at least two")
    counts = [len(own) for own in source.own]
    enough = [place for place, count in enumerate(counts) if count >= k]
    if not enough:
        raise RunError(
            f"batch.genuine is {k}, and no signer of {source.name} has more than {max(counts)} genuine signatures; "
            f"use --set batch.genuine={max(2, max(counts))}"
        )
    needed = share_of_signers(batch, config.inputs.real_share) if stream == "signers" else 2
    if len(enough) < needed:
        raise RunError(
            f"{source.name} has {len(enough)} signers with {k} genuine signatures, and a batch takes {needed} of them; "
            f"use --set batch.signers={max(2, len(enough))} or a smaller inputs.real_share"
        )
    if len(enough) < source.n_signers:
        told.append(f"{source.n_signers - len(enough)} signers are left out: fewer than {k} genuine signatures")
    without = sum(not len(source.forgeries[place]) for place in enough)
    if without and batch.forgeries:
        told.append(f"{without} signers have no forgeries; others' genuine signatures stand in for them")
    return source.only(enough)


def genuine_needed(config: RunConfig) -> int:
    """Return how many genuine signatures a signer needs to be drawn for a run's batches."""
    return {"signers": config.batch.genuine, "classification": 1}.get(config.inputs.stream, 2)


def share_of_signers(batch: BatchSettings, share: float) -> int:
    """Return the most signers of a folder that any batch takes."""
    return int(np.ceil(batch.signers * share - 1e-9))


def hold_out(source: StoredSource, config: RunConfig) -> tuple[StoredSource, StoredSource | None]:
    """Return training and development signers of a folder; None if it has too few to spare any."""
    dev = held_out_places(source.n_signers, config)
    train = [place for place in range(source.n_signers) if place not in dev]
    return (source.only(train), source.only(dev)) if dev else (source, None)


def held_out_places(n_signers: int, config: RunConfig) -> list[int]:
    """Return which of a folder's signers, in its order, are kept apart to look at; none if it cannot spare two."""
    dev = list(range(_DEV_EVERY - 1, n_signers, _DEV_EVERY))
    spared = len(dev) >= 2 and n_signers - len(dev) >= share_of_signers(config.batch, config.inputs.real_share)
    return dev if spared else []


def check_streams(config: RunConfig, loss: str) -> None:
    """Raise if a run's stream, loss and data do not go together.

    Args:
        config: The run.
        loss: The name of its loss, never "auto".

    Raises:
        ValueError: If so; the message says what to change.
    """
    inputs, fault = config.inputs, ""
    if (inputs.stream == "pairs") != (loss == "siamese"):
        fault = "'pairs' and 'siamese' go together only: --loss siamese --set inputs.stream=pairs"
    elif inputs.stream == "classification" and loss not in CLOSED_SET_LOSSES:
        fault = f"it needs a loss that names signers, one of: {', '.join(CLOSED_SET_LOSSES)}"
    elif inputs.stream == "triplets" and loss in (*CLOSED_SET_LOSSES, "elastic"):
        fault = "it needs a loss on embeddings, such as --loss triplet with a network that is not elastic"
    if fault:
        raise ValueError(f"inputs.stream is {inputs.stream!r} and the loss {loss!r}; {fault}")
    if config.train.class_weights == "balanced" and inputs.stream not in ("classification", "pairs"):
        raise ValueError(
            f"train.class_weights is 'balanced', and a stream of {inputs.stream!r} is balanced by itself; "
            "use it with inputs.stream 'classification' or 'pairs'"
        )
