"""The privacy audit of a run: on the world it was drawn from, or on a folder that some of it was fitted on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .disjoint import check_parts
from .files import write_json
from .lineage import Mark, mark_of_run
from .privacy import PER_SIGNER, Attack, attack, signature_features, signer_features
from .progress import Progress
from .runs import Run, RunError, load_verifier, sha256
from .trained import takes_images

if TYPE_CHECKING:
    from .verifier import Verifier

FILE_NAME = "privacy.json"
SIGNERS = 150
WORDS = {
    "signer": "is this person in the training set? (several signatures of the person)",
    "signature": "is this signature in the training set? (one image)",
}


def audit(
    path: str | Path,
    *,
    progress: Progress,
    data: str | Path | None = None,
    adapter: str = "folders",
    signers: int = SIGNERS,
    seed: int = 0,
) -> dict[str, Any]:
    """Audit a finished run and write `privacy.json` into it.

    Args:
        path: The run.
        progress: Where to say what happens.
        data: For a run that has learnt from a folder: that folder. Its signers that were not learnt from are the
            others, so fit on a part of them chosen by chance.
        adapter: How the folder is laid out.
        signers: How many signers of each side to ask about, at most.
        seed: Of choices, folds and bootstrap.

    Raises:
        RunError: If the run is unfinished, or what it learnt from cannot be asked about.
        ProvenanceError: If the folder's record does not allow it.
    """
    run = Run(path)
    run.config()  # a folder that is no run is told so
    mark = mark_of_run(run.path)
    if mark is None:
        raise RunError(f"{run.path} does not say what it has learnt from; train it again with this version")
    if mark.sources and data is None:
        raise RunError(
            f"{run.path} has learnt from {len(mark.sources)} data set(s); name the folder with --data, so that signers "
            "it knows can be compared with signers it does not"
        )
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(path)
    if data is None:
        found, about = _of_the_world(run, verifier, signers, seed, progress)
    else:
        found, about = _of_a_folder(run, verifier, data, adapter, mark, signers, seed, progress)
    record = {
        "format": 1,
        "sha256": sha256(run / "model.keras"),
        "digests": list(mark.digests),
        "about": about,
        "seed": seed,
        "attacks": {name: one.to_dict() for name, one in found.items()},
        "remark": "a guess has AUC 0.5; intervals are over signers; a stronger attack may find more",
    }
    write_json(run / FILE_NAME, record)
    return record


def _of_the_world(
    run: Run, verifier: Any, signers: int, seed: int, progress: Progress
) -> tuple[dict[str, Attack], str]:
    """Ask about training signers against signers of no part; single images are those that training really drew."""
    from synth.acts import ACTS_PER_SESSION, genuine_act

    from .sampling import batch_acts, draw_in_chunks
    from .splits import outsiders, split_world, training_world

    config = run.config()
    world, known = training_world(config.world), split_world(config.world).train
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(known), min(signers, len(known)), replace=False))
    sides = ([known[int(i)] for i in chosen], list(outsiders(len(chosen))))
    size = {"height": verifier.height, "width": verifier.width}
    acts = [
        genuine_act(world[index], ACTS_PER_SESSION * k) for side in sides for index in side for k in range(PER_SIGNER)
    ]
    trained, owners = [], []
    steps = config.train.epochs * config.train.steps_per_epoch
    batches = min(steps, -(-signers // config.batch.signers))
    for part in (known, outsiders(len(known))):
        seen: set[int] = set()
        for number in rng.choice(steps, batches, replace=False):
            for act in batch_acts(world, part, config.batch, int(number))[0]:
                if act.kind == "genuine" and act.claimed.index not in seen:
                    seen.add(act.claimed.index)
                    trained.append(act)
                    owners.append(act.claimed.index)
    with progress.task(f"drawing {len(acts) + len(trained)} signatures", len(acts) + len(trained)) as bar:
        canvases = draw_in_chunks(acts, on_chunk=bar.advance, recipe=verifier.recipe, **size)
        singles = draw_in_chunks(trained, on_chunk=bar.advance, recipe=verifier.recipe, **size)
    names = np.array([act.claimed.index for act in acts])
    embeddings = verifier.embed_acts(acts, canvases)
    with progress.task("attacking", None):
        found = {"signer": _signer_attack(embeddings, names, set(sides[0]), verifier, seed)}
        if takes_images(verifier.model):
            whose = np.array(owners)
            features = signature_features(singles, whose, verifier, seed=seed)
            inside = np.isin(whose, np.fromiter(known, dtype=np.int64))
            found["signature"] = attack(features, inside, whose, seed=seed)[0]
    return found, f"{len(chosen)} training signers of world {config.world.seed} against as many that no part holds"


def _of_a_folder(
    run: Run,
    verifier: "Verifier",
    data: str | Path,
    adapter: str,
    mark: Mark,
    signers: int,
    seed: int,
    progress: Progress,
) -> tuple[dict[str, Attack], str]:
    """Ask about the signers of a folder that the run has learnt from against its other signers."""
    from .adapters import load_provenance, load_signatures, open_layout
    from .reading import draw_plainly, embed_read

    provenance = load_provenance(data)
    if provenance.digest not in mark.digests:
        raise RunError(f"{run.path} has not learnt from {data}, or its record was changed since; name the right folder")
    with progress.task(f"reading {data}", None):
        opened = open_layout(adapter, data)
        loaded = load_signatures(opened, provenance, draw=draw_plainly, prepare=verifier.canvas)
    chosen = loaded.eligible & (loaded.kinds == "genuine")
    if not chosen.any():
        raise RunError(f"{data} holds no signer with two readable genuine signatures")
    canvases = np.stack([image for image, keep in zip(loaded.images, chosen, strict=True) if keep])
    embeddings, names = embed_read(verifier, loaded, chosen, canvases), loaded.signers[chosen]
    inside = {name for name in set(names.tolist()) if mark.learnt_from(provenance.digest, name)}
    if not inside or inside == set(names.tolist()):
        raise RunError(
            f"{run.path} has learnt from {len(inside)} of the {len(set(names.tolist()))} signers of {data}; the audit "
            "compares known with unknown ones, so keep some out of the training"
        )
    rng = np.random.default_rng(seed)
    kept = [name for side in (inside, set(names.tolist()) - inside)
            for name in rng.permutation(sorted(side))[:signers].tolist()]  # fmt: skip
    rows = np.isin(names, np.array(kept))
    embeddings, canvases, names = embeddings[rows], canvases[rows], names[rows]
    member = np.isin(names, np.array(sorted(inside)))
    check_parts({"known": (names[member], canvases[member]), "unknown": (names[~member], canvases[~member])})
    with progress.task("attacking", None):
        found = {"signer": _signer_attack(embeddings, names, inside, verifier, seed)}
        if takes_images(verifier.model):
            features = signature_features(canvases, names, verifier, seed=seed)
            found["signature"] = attack(features, member, names, seed=seed)[0]
    return found, f"signers of the data set {provenance.digest} that were learnt from against its others"


def _signer_attack(
    embeddings: NDArray[np.float32], names: NDArray[Any], inside: set[Any], verifier: Any, seed: int
) -> Attack:
    people = np.unique(names)
    features = signer_features(embeddings, names, verifier, seed=seed)
    return attack(features, np.isin(people, np.array(sorted(inside))), people, seed=seed)[0]


def rows_of(record: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the table of an audit: question, AUC, and members found at few false finds, each with its interval."""
    return [
        (
            WORDS[name],
            f"{found['auc']:.2f} ({found['low']:.2f} to {found['high']:.2f})",
            *(f"{100 * a:.0f} % ({100 * b:.0f} to {100 * c:.0f})" for a, b, c in found["tpr"].values()),
            f"{found['members']} / {found['others']}",
        )
        for name, found in record["attacks"].items()
    ]
