"""The privacy audit of a run: on the world it was drawn from, or on a folder that some of it was fitted on."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .disjoint import check_parts
from .files import write_json
from .lineage import Mark, mark_of_run, signer_key
from .marks import trained_on
from .privacy import PER_SIGNER, Attack, attack, signature_features, signer_features
from .privacy_members import drawn_signers, kept_epochs
from .progress import Progress
from .real_data import held_out_places
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
        RunError: If the run is unfinished, or what it learnt from cannot be asked about or drawn again.
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
    """Ask about signers that training drew as targets against signers of no part, whom no batch can draw.

    A person is asked about by signatures of several days; a single image by one that a batch held, prepared by the
    run's recipe on its whole canvas. Smaller canvases of the first epochs and augmentation are not repeated.
    """
    from synth.acts import ACTS_PER_SESSION, genuine_act

    from .drawing import draw_in_chunks
    from .splits import outsiders, split_world, training_world

    run.check_engine("was trained on", "audit it with the version that trained it, or train it again")
    config, epochs = run.config(), kept_epochs(run, run.config())
    world, known = training_world(config.world), split_world(config.world).train
    inside, outside = (
        drawn_signers(config, part, signers, seed=seed, epochs=epochs) for part in (known, outsiders(len(known)))
    )
    acts = [genuine_act(world[index], ACTS_PER_SESSION * k) for index in (*inside, *outside) for k in range(PER_SIGNER)]
    singles = [*inside.values(), *outside.values()] if takes_images(verifier.model) else []
    how: dict[str, Any] = {"height": verifier.height, "width": verifier.width, "recipe": verifier.recipe}
    with progress.task(f"drawing {len(acts) + len(singles)} signatures", len(acts) + len(singles)) as bar:
        canvases = draw_in_chunks(acts, on_chunk=bar.advance, **how)
        images = draw_in_chunks(singles, on_chunk=bar.advance, **how) if singles else None
    names = np.array([act.claimed.index for act in acts])
    embeddings = verifier.embed_acts(acts, canvases)
    with progress.task("attacking", None):
        found = {"signer": _signer_attack(embeddings, names, set(inside), verifier, seed)}
        if images is not None:
            whose = np.array([*inside, *outside])
            features = signature_features(images, whose, verifier, seed=seed)
            found["signature"] = attack(features, np.isin(whose, list(inside)), whose, seed=seed)[0]
    told = f"{len(inside)} signers of its training batches in world {config.world.seed} against {len(outside)} that no "
    return found, told + f"part holds; {_pictures(config) if singles else 'pen movements as in training'}"


def _pictures(config: RunConfig) -> str:
    """Return in words how the pictures asked about differ from those that training showed."""
    train = config.train
    differences = []
    if train.small_epochs:
        height, width = train.small_size
        differences.append(f"that of the first {train.small_epochs} epochs was {height} x {width} px")
    if train.augment != "none":
        differences.append(f"training augmented ({train.augment}), these are plain")
    return f"canvas {train.height} x {train.width} px" + "".join(f", {words}" for words in differences)


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
    """Ask about the signers of a folder that the run has learnt from against its other signers.

    Development signers, at whom training only looked, are neither: they were in no batch, and yet chose the epoch.
    """
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
    looked_at = _looked_at(run, mark, provenance.digest, list(dict.fromkeys(loaded.signers.tolist())))
    chosen &= ~np.isin(loaded.signers, np.array(looked_at, dtype=str))
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
    about = f"signers of the data set {provenance.digest} that were learnt from against its others"
    return found, about + (f", without {len(looked_at)} development signers" if looked_at else "")


def _looked_at(run: Run, mark: Mark, digest: str, names: list[str]) -> list[str]:
    """Return the signers of a folder whom training kept apart to choose the epoch by; the mark holds them too.

    Args:
        run: Its configuration says whether there are any.
        mark: What it has learnt from.
        digest: Of the folder's record.
        names: Of the folder's signers, in its order.

    Raises:
        RunError: If signers are gone from the folder, so that they can no longer be counted out.
    """
    config = run.config()
    if config.inputs.data is None or not config.train.looks or trained_on(run)["digests"][-1:] != [digest]:
        return []
    known = {key for source in mark.sources if source.digest == digest for key in source.signers}
    marked = [name for name in names if signer_key(digest, name) in known]
    if len(marked) < len(known):
        raise RunError(
            f"{len(known) - len(marked)} signers that {run.path} has learnt from are gone from the folder, and with "
            "them which ones only chose its epoch; audit it with the folder as it was"
        )
    return [marked[place] for place in held_out_places(len(marked), config)]


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
