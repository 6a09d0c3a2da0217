"""Embeddings for the published protocols, drawn or taken from their file, and the protocols run on them."""

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import World
from synth.streams import ENGINE

from .config import RunConfig
from .drawing import draw_in_chunks
from .embedding_file import Embedded, head_features
from .preprocess import find_recipe
from .progress import Progress
from .protocol_runs import Outcome, run_protocols
from .runs import Run, sha256
from .sampling import evaluation_acts
from .splits import split_world
from .trials import SignatureSet
from .verifier import Verifier
from .writer_dependent import Negatives

SIGNERS = {"dev": 60, "test": 55}
GENUINE = 24
FORGERIES = {"dev": 12, "test": 24}
"""Signatures of each signer, as in the field's most used set; development forgeries only place a threshold."""


def _kept(path: Path, source: str) -> Embedded | None:
    """Return the embeddings of a file if it holds just these, else None."""
    if not path.exists():
        return None
    try:
        found = Embedded.load(path)
    except ValueError:
        return None  # cut off or of an older form: it is written again
    return found if found.source == source else None


def embedded_world(run: Run, config: RunConfig, part: str, verifier: Verifier, progress: Progress) -> Embedded:
    """Return embedded signatures of "dev" or "test" signers, more of each than the usual evaluation draws.

    They lie in ``embeddings/`` of the run; the network is asked once.
    """
    signers = getattr(split_world(config.world), part)[: SIGNERS[part]]
    settings = dataclasses.replace(config.evaluation, genuine=GENUINE, forgeries=FORGERIES[part], skills=())
    source = (
        f"network {sha256(run / 'model.keras')}, world {config.world.seed} by engine {ENGINE}, "
        f"preparation {find_recipe(verifier.recipe).key}, {part}, {len(signers)} x {settings}"
    )
    path = run / "embeddings" / f"{part}.npz"
    if (found := _kept(path, source)) is not None:
        return found
    drawn = evaluation_acts(World(config.world.seed), signers, settings)
    with progress.task(f"drawing and embedding {len(signers)} more {part} signers", len(drawn.acts)) as bar:
        canvases = draw_in_chunks(
            drawn.acts, height=verifier.height, width=verifier.width, recipe=verifier.recipe, on_chunk=bar.advance
        )
        vectors = verifier.embed_acts(drawn.acts, canvases)
    made = Embedded(drawn.signatures, vectors, head_features(vectors, verifier.head), source)
    path.parent.mkdir(exist_ok=True)
    made.save(path)
    return made


def embedded_folder(
    run: Run,
    path: Path,
    signatures: SignatureSet,
    canvases: NDArray[np.uint8],
    verifier: Verifier,
    embed: Callable[[], NDArray[np.float32]],
    *,
    keep: bool,
) -> Embedded:
    """Return embedded images of a user's folder, from their file if it holds just these images by this network.

    Args:
        run: The verifier's run.
        path: The file of embeddings.
        signatures: Whose the images are.
        canvases: Prepared images.
        verifier: The verifier.
        embed: Called for the embeddings of the images, or of the movements they were drawn from, if there is no file.
        keep: Whether to write the file; embeddings of a real person's signatures are personal data as well.
    """
    images = hashlib.sha256(np.ascontiguousarray(canvases).tobytes())
    images.update("\n".join(signatures.name.tolist()).encode())
    source = f"network {sha256(run / 'model.keras')}, images {images.hexdigest()}"
    if (found := _kept(path, source)) is not None:
        return found
    vectors = embed()
    made = Embedded(signatures, vectors, head_features(vectors, verifier.head), source)
    if keep:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
    return made


def protocols_on_world(
    run: Run, config: RunConfig, verifier: Verifier, wanted: Sequence[str], negatives: Negatives, progress: Progress
) -> Outcome:
    """Return the protocols beyond pairs on the run's own test signers; nothing if none is wanted."""
    if not set(wanted) - {"pairs"}:
        return Outcome({}, {})
    test, development = (embedded_world(run, config, part, verifier, progress) for part in ("test", "dev"))
    return _run(config, wanted, test, development, negatives, progress)


def protocols_on_folder(
    run: Run,
    config: RunConfig,
    verifier: Verifier,
    test: Embedded,
    wanted: Sequence[str],
    negatives: Negatives,
    progress: Progress,
) -> Outcome:
    """Return the protocols beyond pairs on a user's folder, taught and frozen on the run's development signers."""
    if not set(wanted) - {"pairs"}:
        return Outcome({}, {})
    development = embedded_world(run, config, "dev", verifier, progress)
    columns: Any = dataclasses.asdict(development.signatures)
    apart = columns | {"signer": np.char.add("development ", development.signatures.signer)}
    development = dataclasses.replace(development, signatures=SignatureSet(**apart))
    return _run(config, wanted, test, development, negatives, progress)


def _run(
    config: RunConfig,
    wanted: Sequence[str],
    test: Embedded,
    development: Embedded,
    negatives: Negatives,
    progress: Progress,
) -> Outcome:
    with progress.task(f"protocols: {', '.join(name for name in wanted if name != 'pairs')}", None):
        draws = config.evaluation.bootstrap_draws
        return run_protocols(wanted, test, development, negatives=negatives, draws=draws)
