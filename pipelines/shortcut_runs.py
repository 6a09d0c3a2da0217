"""Which probes run with which evaluation: on the run's own synthetic signers, and on a user's folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import World, render_batch

from .config import RunConfig
from .evaluation_parts import Part
from .file_facts import file_findings
from .probe_findings import Finding, summarise
from .sampling import evaluation_acts
from .shortcut_copies import duplicate_findings, exported_overlap, overlap_finding
from .shortcuts import blind_findings, nuisance_findings, quick_nuisances
from .splits import split_world
from .trials import TrialTable

MOST_IMAGES = 700
"""Images that are drawn again, or measured again, for the probes; whole signers, so that pairs stay together."""


def _some(part: Part, most: int = MOST_IMAGES) -> NDArray[np.intp]:
    """Return places of headline signatures of as many whole signers as ``most`` images allow, at least five."""
    headline = part.headline
    names, counts = np.unique(part.signatures.signer[headline], return_counts=True)
    order = np.argsort(np.random.default_rng(0).random(len(names)), kind="stable")
    kept = max(int(np.searchsorted(np.cumsum(counts[order]), most, side="right")), min(5, len(names)))
    places: NDArray[np.intp] = headline[np.isin(part.signatures.signer[headline], names[order[:kept]])]
    return places


def _preprocessed(part: Part, places: NDArray[np.intp]) -> list[Finding]:
    rows = [quick_nuisances(part.canvases[i]) for i in places]
    return nuisance_findings("after preprocessing", part.signatures, places, rows)


def probe_world(config: RunConfig, part: Part, trials: TrialTable) -> dict[str, Any]:
    """Return what the probes find on the test signers of a run's own world.

    Args:
        config: The run's.
        part: The test part, as `evaluate.draw_part` made it.
        trials: Its one-reference trials.
    """
    split = split_world(config.world)
    drawn = evaluation_acts(World(config.world.seed), split.test, config.evaluation)
    places = _some(part)
    size = {"height": config.train.height, "width": config.train.width}
    rows = []
    for start in range(0, len(places), 96):
        acts = [drawn.acts[i] for i in places[start : start + 96]]
        rows += [quick_nuisances(image) for image in render_batch(acts, capture="mixed", **size)]
    people = {*part.signatures.signer.tolist(), *part.signatures.forger.tolist()} - {""}
    shared = [name for name in sorted(people) if int(name) in split.train or int(name) in split.dev]
    return summarise(
        [
            *blind_findings(part.canvases, part.embeddings, part.signatures, places, trials),
            *nuisance_findings("as captured", part.signatures, places, rows),
            *_preprocessed(part, places),
            *duplicate_findings(part.signatures, part.canvases, part.headline),
            overlap_finding("judged signers and forgers, against training and development", shared),
            Finding("label in file name", "no files: drawn in memory", None, None, None, "", "not run", ""),
        ]
    )


def probe_folder(
    config: RunConfig,
    part: Part,
    trials: TrialTable,
    *,
    root: Path,
    rows: Sequence[dict[str, float]],
    crossed: Sequence[str],
    removed: int,
) -> dict[str, Any]:
    """Return what the probes find on a user's folder.

    Args:
        config: The run's.
        part: The folder's signatures.
        trials: Their one-reference trials.
        root: The folder.
        rows: `quick_nuisances` of each image as it was read, in the order of the part.
        crossed: Warnings on identical images with different labels.
        removed: Identical images with one label, of which only the first was kept.
    """
    places = _some(part)
    signatures = part.signatures
    status = "failed" if crossed else "note" if removed else "ok"
    words = crossed[0] if crossed else f"{removed} identical images were left out before scoring" if removed else ""
    identical = Finding(
        "duplicate images", "identical files", removed + len(crossed), None, None, "none", status, words, "images"
    )
    return summarise(
        [
            *blind_findings(part.canvases, part.embeddings, signatures, places, trials),
            *nuisance_findings("as captured", signatures, part.headline, [rows[i] for i in part.headline]),
            *_preprocessed(part, places),
            identical,
            *duplicate_findings(signatures, part.canvases, part.headline),
            overlap_finding("signers of the folder, against the run's own world", exported_overlap(root, config)),
            *file_findings(root, signatures.name.tolist(), signatures.kind, signatures.signer),
        ]
    )
