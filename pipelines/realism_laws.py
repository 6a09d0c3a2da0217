"""The laws of distances that a world of signers obeys: order, difficulty, identity, density, for every script.

Distances are dynamic time warping of z-scored position and velocity (`synth.warping`), to one genuine reference.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import PROFILES, SKILLED_KINDS, World, WorldConfig
from synth.acts import Act, genuine_act, sign_acts
from synth.forgery import forgery_act
from synth.warping import BAND, features, warped

from .progress import Progress

ORDER = (("freehand", 0.85), ("freehand", 0.3), ("simple", 0.5), ("random", 0.5))
AREA_BAND = (0.76, 0.98)
"""Where the AUC of freehand forgeries at skill 0.85 has to lie."""
TEXT_PROFILES = tuple(name for name in PROFILES if name != "rubrica")
DENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
_FORGERS_FROM, _PER_SIGNER = 10**6, 2


class Distances(NamedTuple):
    """Median distance and AUC by (kind, skill); the median of the genuine acts is under ("genuine", 1.0)."""

    medians: dict[tuple[str, float], float]
    areas: dict[tuple[str, float], float]

    @property
    def ordered(self) -> bool:
        """Whether the medians rise from genuine over practised and hasty freehand forgeries and simple to random."""
        found = [self.medians[key] for key in (("genuine", 1.0), *ORDER)]
        return all(near < far for near, far in itertools.pairwise(found))


def shapes(acts: Sequence[Act]) -> list[NDArray[np.float64]]:
    """Return the warping features of acts."""
    samples, counts = sign_acts(acts)
    return [features(rows[:n]) for rows, n in zip(samples, counts, strict=True)]


def only(profile: str, density: float = 0.0) -> WorldConfig:
    """Return the default population with one script profile; all of its own for "default"."""
    config = WorldConfig() if profile == "default" else WorldConfig(profiles=((profile, 1.0),))
    return dataclasses.replace(config, density=density)


def distances(world: World, signers: int) -> Distances:
    """Return the distances of two genuine acts, and two forgeries of each kind, per signer.

    Args:
        world: Whose signers are compared.
        signers: How many; 100 give 200 acts of each kind.
    """
    from sklearn.metrics import roc_auc_score

    cells = [*ORDER, *((kind, 0.85) for kind in SKILLED_KINDS if kind != "freehand")]
    references = shapes([genuine_act(world[i], 0) for i in range(signers)])
    found: dict[tuple[str, float], NDArray[np.float64]] = {}
    for kind, skill in (("genuine", 1.0), *cells):
        acts = [_questioned(world, i, k, kind, skill) for i in range(signers) for k in range(_PER_SIGNER)]
        far = [warped(references[i // _PER_SIGNER], shape, BAND) for i, shape in enumerate(shapes(acts))]
        found[kind, skill] = np.array(far)
    genuine = found["genuine", 1.0]
    labels = np.repeat([0, 1], len(genuine))
    areas = {cell: float(roc_auc_score(labels, np.concatenate([genuine, found[cell]]))) for cell in cells}
    return Distances({cell: float(np.median(values)) for cell, values in found.items()}, areas)


def _questioned(world: World, i: int, k: int, kind: str, skill: float) -> Act:
    if kind == "genuine":
        return genuine_act(world[i], 4 * k + 4)
    by = world[_FORGERS_FROM + _PER_SIGNER * i + k]
    return forgery_act(world[i], by=by, kind=kind, skill=skill, act=4 * k)


class Identity(NamedTuple):
    """How well signers are told apart.

    Attributes:
        nearest: Share of questioned acts whose nearest reference is their own signer's.
        apart: Mean distance between different signers.
        own: Median distance between two acts of one signer.
    """

    nearest: float
    apart: float
    own: float


def identity(world: World, signers: int, *, step: int = 2) -> Identity:
    """Compare one act of every signer with a reference of every signer.

    Args:
        world: Whose signers.
        signers: How many, from number 0.
        step: Each so manieth sample of a movement is compared.
    """
    references, questioned = (
        [shape[::step].copy() for shape in shapes([genuine_act(world[i], act) for i in range(signers)])]
        for act in (0, 4)
    )
    table = np.array([[warped(one, other, BAND) for other in references] for one in questioned])
    own = np.diag(table)
    others = table[~np.eye(signers, dtype=bool)]
    nearest = float((table.argmin(axis=1) == np.arange(signers)).mean())
    return Identity(nearest, float(others.mean()), float(np.median(own)))


Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]


def tables(seed: int, *, signers: int, progress: Progress) -> list[Table]:
    """Return what `realism --laws` prints: title, head and lines of each table.

    Raises:
        ValueError: If there are fewer than 10 signers.
    """
    if signers < 10:
        raise ValueError(f"need signers >= 10, got {signers}; 100 or more give 200 acts of each kind")
    order = (("genuine", 1.0), *ORDER)
    cells = [*ORDER, *((kind, 0.85) for kind in SKILLED_KINDS if kind != "freehand")]
    medians: list[tuple[str, ...]] = []
    areas: list[tuple[str, ...]] = []
    for profile in ("default", *PROFILES):
        with progress.task(f"distances in {profile}", None):
            found = distances(World(seed, only(profile)), signers)
        rising = "yes" if found.ordered else "NO"
        medians.append((profile, *(f"{found.medians[key]:.3f}" for key in order), rising))
        areas.append((profile, *(f"{found.areas[key]:.3f}" for key in cells)))
    dense: list[tuple[str, ...]] = []
    for density in DENSITIES:
        with progress.task(f"identity at density {density}", None):
            who = identity(World(seed, only("default", density)), signers, step=4 if density else 2)
        dense.append((f"{density}", f"{who.nearest:.4f}", f"{who.apart:.3f}", f"{who.own:.3f}"))
    names = tuple("genuine" if kind == "genuine" else f"{kind} {skill}" for kind, skill in order)
    each = f"{_PER_SIGNER * signers} acts of each kind"
    return [
        (f"Median warping distance to one reference, {each}", ("script", *names, "rising"), medians),
        (f"AUC of that distance, {each}", ("script", *(f"{kind} {skill}" for kind, skill in cells)), areas),
        (
            f"Nearest of {signers} signers, by density of the world",
            ("density", "nearest is own", "between signers, mean", "own, median"),
            dense,
        ),
    ]
