"""One population measured against the bands of real signatures: a world, or a user's own folder."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import FORGERY_KINDS, SKILLED_KINDS, World
from synth.worlds import world_config

from . import bands
from .population import Population, draw_population, load_folder
from .probes import Areas, BlindArea, areas, auc_error, blind_probe, nuisance_probe
from .progress import Progress
from .realism import Row, compare, warping_areas

FORGER = "freehand"
"""The kind of forgery that is held against the band of skilled forgeries."""
_DISCLOSED = (*SKILLED_KINDS, *(kind for kind in FORGERY_KINDS if kind not in SKILLED_KINDS))


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Everything the page shows of one population.

    Attributes:
        name: Of the world, or "your folder".
        people: What was measured.
        rows: Each statistic beside its band.
        blind: By kind of forgery, how well one image tells it without a reference.
        warping: By kind of forgery, the AUC of the warping distance to one genuine reference.
        nuisance: By view and statistic, what pen, paper and scanner tell.
        errors: One standard error of an AUC of 0.5, under "nuisance"; empty if there is nothing to compare.
    """

    name: str
    people: Population
    rows: list[Row]
    blind: dict[str, BlindArea]
    warping: dict[str, float]
    nuisance: dict[tuple[str, str], Areas]
    errors: dict[str, float]

    @property
    def counts(self) -> tuple[int, int]:
        """How many lines with a measured band have their median inside, of how many."""
        strong = [row for row in self.rows if row.inside is not None and "weak" not in row.group]
        return sum(bool(row.inside) for row in strong), len(strong)


def examine_world(name: str, *, seed: int, signers: int, acts: int, first: int, progress: Progress) -> Comparison:
    """Draw and measure a named world.

    Args:
        name: In `synth.worlds.WORLDS`.
        seed: The world's.
        signers: How many.
        acts: Genuine acts of each, and forgeries of each kind.
        first: Number of the first signer.
        progress: Where to say what happens.

    Raises:
        ValueError: If there is no such world.
    """
    world = World(seed, world_config(name))
    with progress.task(f"drawing and measuring {signers} signers of {name}", signers) as bar:
        people = draw_population(
            world, signers=signers, genuine=acts, forged=acts, first=first, kinds=_DISCLOSED, bar=bar
        )
    with progress.task("probing for shortcuts", None):
        batches = min(max(signers // 20, 2), 10)
        nuisance = nuisance_probe(world, batches)
    half = batches * 48
    return _comparison(name, people, nuisance, {"nuisance": auc_error(0.5, half, half)})


def examine_folder(data: Path, adapter: str, progress: Progress) -> tuple[Comparison, list[str]]:
    """Measure a user's own folder; nothing of it is kept but the figures.

    Args:
        data: The folder, with its `provenance.toml`.
        adapter: How it is laid out.
        progress: Where to say what happens.

    Returns:
        The comparison, and a line for whatever was left out.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
    """
    with progress.task(f"measuring {data}", None) as bar:
        people, notes = load_folder(data, adapter, bar=bar)
    forged = people.kind == FORGER
    known = forged | (people.kind == "genuine")
    nuisance: dict[tuple[str, str], Areas] = {}
    for name in people.columns:
        values = people.columns[name]
        usable = known & np.isfinite(values)
        if name.startswith("nuisance.") and 0 < forged[usable].sum() < usable.sum():
            partner = _partners(people, usable)
            found = areas(forged[usable], values[usable], values[partner])
            nuisance["own folder", name.removeprefix("nuisance.")] = found
    counts = int(forged.sum()), int((people.kind == "genuine").sum())
    errors = {"nuisance": auc_error(0.5, *counts)} if min(counts) else {}
    return _comparison("your folder", people, nuisance, errors), notes


def _partners(people: Population, usable: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return for each usable signature another genuine one of its signer (itself where there is none)."""
    chosen = []
    for i in np.flatnonzero(usable):
        own = np.flatnonzero(usable & (people.signer == people.signer[i]) & (people.kind == "genuine"))
        others = own[own != i]
        chosen.append(int(others[i % len(others)]) if len(others) else int(i))
    return np.array(chosen, dtype=np.intp)


def _comparison(
    name: str, people: Population, nuisance: dict[tuple[str, str], Areas], errors: dict[str, float]
) -> Comparison:
    blind = {}
    seen = np.isfinite(people.shapes).all(axis=1) if people.shapes.shape[1] else np.zeros(len(people.kind), bool)
    for kind in dict.fromkeys(people.kind.tolist()):
        chosen = seen & ((people.kind == kind) | (people.kind == "genuine"))
        if kind == "genuine" or len(set(people.signer[chosen].tolist())) < 5:
            continue
        forged = people.kind[chosen] == kind
        if forged.any() and not forged.all():
            blind[kind] = blind_probe(people.shapes[chosen], forged, people.signer[chosen])
    warping = warping_areas(people) if any(w is not None for w in people.warping) else {}
    return Comparison(name, people, compare(people, FORGER), blind, warping, nuisance, errors)


def record_of(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain values, for `realism.json`; None for what is not finite."""

    def plain(values: Sequence[float]) -> list[float | None]:
        return [float(v) if np.isfinite(v) else None for v in values]

    return {
        "name": found.name,
        "inside": found.counts[0],
        "with_band": found.counts[1],
        "source": bands.SVC2004,
        "rows": [{**row._asdict(), "found": plain(row.found), "band": plain(row.band)} for row in found.rows],
        "warping_auc": found.warping,
        "blind_auc": {kind: b._asdict() for kind, b in found.blind.items()},
        "nuisance_auc": [
            {"image": view, "statistic": name, **a._asdict()} for (view, name), a in found.nuisance.items()
        ],
        "skilled_kinds": list(SKILLED_KINDS),
    }
