"""Fitting a pair head on a trained, frozen network: on training signers of the run's world, or on a user's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .elastic_head import own_head
from .files import write_json
from .lineage import SYNTHETIC, Mark, mark_folder, source_of
from .logistic import LogisticHead, fit_logistic_head
from .marks import check_training_allowed
from .progress import Progress
from .runs import Run, RunError
from .trained import takes_images, unfrozen_verifier
from .trials import SignatureSet

if TYPE_CHECKING:
    from .verifier import Verifier

HEADS = ("logistic",)
FIT_SIGNERS = 400


def fit_head(
    run: Run,
    *,
    progress: Progress,
    data: str | Path | None = None,
    adapter: str = "folders",
    signers: int = FIT_SIGNERS,
) -> LogisticHead:
    """Fit a logistic head on a run's network and write `head.json`; the run must be evaluated again.

    Threshold, calibration and metrics of the run are removed, since they are of other scores. With a folder the head
    learns from it: the record says so, and every answer after it does.

    Args:
        run: A run with a trained network.
        progress: Where to say what happens.
        data: A folder with a `provenance.toml`; the run's own training signers if left out.
        adapter: How the folder is laid out.
        signers: How many training signers of the world to draw.

    Raises:
        RunError: If the run has no network yet, or the folder nothing to fit on.
        ProvenanceError: If the folder may not be trained on; the run is then as it was.
    """
    if data is not None:
        from .adapters import load_provenance

        check_training_allowed(load_provenance(data), data)
    with progress.task("loading TensorFlow", None):
        verifier = unfrozen_verifier(run)
    if own_head(verifier.model) is not None:
        progress.say("note: this network compares stroke by stroke, which is given up: such a head compares rigidly")
    config = run.config()
    if data is None:
        signatures, embeddings = _of_the_world(config, verifier, signers, progress)
        source, mark = f"training signers of world {config.world.seed}", SYNTHETIC
    else:
        if not takes_images(verifier.model):
            raise RunError(f"{run.path} takes trajectories, and a folder holds images; leave --data out")
        signatures, embeddings, source, mark = _of_a_folder(data, adapter, verifier, progress)
    with progress.task("fitting", None):
        head = fit_logistic_head(
            embeddings,
            signatures,
            data=source,
            contains_real_signatures=mark.contains_real_signatures,
            seed=config.world.seed,
        )
    _replace_head(run, head, mark)
    return head


def _replace_head(run: Run, head: LogisticHead, mark: Mark) -> None:
    """Write the head and its mark, and remove what an evaluation with other scores has left."""
    run.mark("unfinished", stage="evaluating")
    for stale in ("verifier.json", "metrics.json", "scores.parquet", "report.html"):
        (run / stale).unlink(missing_ok=True)
    mark_folder(run.path, mark, part="head")  # before the head itself: one that is there is marked
    write_json(run / "head.json", head.to_dict())


def _of_the_world(
    config: RunConfig, verifier: "Verifier", signers: int, progress: Progress
) -> tuple[SignatureSet, NDArray[np.float32]]:
    """Return signatures and embeddings of training signers that lie behind those the batches begin with."""
    import dataclasses

    from .drawing import draw_in_chunks
    from .sampling import evaluation_acts
    from .splits import split_world, training_world

    some = split_world(config.world).train[-signers:]
    as_trained = dataclasses.replace(config.evaluation, skills=(), skill_shapes=config.batch.skill_shapes)
    drawn = evaluation_acts(training_world(config.world), some, as_trained)
    with progress.task(f"drawing and embedding {len(some)} training signers", len(drawn.acts)) as bar:
        canvases = draw_in_chunks(
            drawn.acts, height=verifier.height, width=verifier.width, recipe=verifier.recipe, on_chunk=bar.advance
        )
        embeddings = verifier.embed_acts(drawn.acts, canvases)
    return drawn.signatures, embeddings


def _of_a_folder(
    data: str | Path, adapter: str, verifier: "Verifier", progress: Progress
) -> tuple[SignatureSet, NDArray[np.float32], str, Mark]:
    """Return signatures and embeddings of a user's folder, and where they came from."""
    from .adapters import load_provenance, load_signatures, open_layout
    from .reading import draw_plainly

    provenance = load_provenance(data)
    with progress.task(f"reading {data}", None):
        opened = open_layout(adapter, data)
        loaded = load_signatures(opened, provenance, use="training", draw=draw_plainly, prepare=verifier.canvas)
    usable = loaded.eligible
    if not usable.any():
        raise RunError(f"{data} holds no signer with two readable genuine signatures; there is nothing to fit on")
    signatures = SignatureSet.of(loaded.signers[usable], loaded.kinds[usable], name=loaded.names[usable])
    canvases = np.stack([image for image, keep in zip(loaded.images, usable, strict=True) if keep])
    embeddings = verifier.embed_canvases(canvases)
    mark = SYNTHETIC.with_source(source_of(provenance, signatures.signer.tolist()))
    return signatures, embeddings, f"provenance {provenance.digest}", mark
