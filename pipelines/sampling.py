"""Who signs and who forges whom, all from (seed, position): acts of batches and of evaluation sets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import Signer, World
from synth.acts import ACTS_PER_SESSION, Act, genuine_act
from synth.forgery import forgery_act

from .protocols import SignatureSet
from .settings import BatchSettings, EvaluationSettings

_EVALUATE = 1
"""Keeps these draws apart from those of batches, which are keyed alike."""


def genuine_acts(rng: np.random.Generator, signer: Signer, n: int) -> list[Act]:
    """Return n different genuine acts of one signer, seldom two of one session, from 4 n sessions one after another."""
    window = 4 * ACTS_PER_SESSION * n
    return [genuine_act(signer, int(act)) for act in rng.integers(2**31) + rng.permutation(window)[:n]]


def forged_acts(
    rng: np.random.Generator, world: World, signers: Sequence[int], target: int, n: int, settings: BatchSettings
) -> list[Act]:
    """Return n forgeries of a signer by a few others of the same part, of the mix of kinds and skills configured."""
    forgers = pick_signers(rng, signers, min(settings.forgers, len(signers) - 1), but=target)
    kinds, weights = list(settings.forger_kinds), np.cumsum(list(settings.forger_kinds.values()))
    acts = []
    for i in range(n):
        kind = "simple" if rng.random() < settings.simple_share else kinds[0]
        if kind != "simple" and len(kinds) > 1:
            kind = kinds[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
        skill = draw_skill(rng, settings.skill_shapes)
        by = world[forgers[i % len(forgers)]]
        acts.append(forgery_act(world[target], by=by, kind=kind, skill=skill, act=int(rng.integers(2**31))))
    return acts


def draw_skill(rng: np.random.Generator, shapes: tuple[float, float]) -> float:
    """Return a skill in [0, 1] from a Kumaraswamy law.

    Source:
        Kumaraswamy (1980), "A generalized probability density function for double-bounded random processes",
        Journal of Hydrology 46: the law's inverse distribution function of a uniform number.
    """
    a, b = shapes
    return float((1.0 - rng.random() ** (1.0 / b)) ** (1.0 / a))


def pick_signers(rng: np.random.Generator, signers: Sequence[int], n: int, *, but: int | None = None) -> list[int]:
    """Return n different members of a range, none of them `but`.

    Raises:
        ValueError: If there are fewer.
    """
    there = len(signers) - (but is not None and but in signers)
    if n > there:
        raise ValueError(f"{there} signers are too few to choose {n} different ones; use more of them, or take fewer")
    chosen: dict[int, None] = {}
    while len(chosen) < n:
        index = signers[int(rng.integers(len(signers)))]
        if index != but:
            chosen[index] = None
    return list(chosen)


class EvaluationSet(NamedTuple):
    """Acts of one part of a world and what the protocols need to know of each."""

    acts: list[Act]
    signatures: SignatureSet
    on_grid: NDArray[np.bool_]


def evaluation_acts(world: World, signers: Sequence[int], settings: EvaluationSettings) -> EvaluationSet:
    """Return genuine acts, forgeries of the skill mix that judges, and forgeries on a grid of skills.

    Every target is forged by others of its own part. `on_grid` marks the forgeries of the skill curve, which
    the headline rates leave out.
    """
    acts: list[Act] = []
    grid: list[bool] = []
    for index in signers:
        rng = np.random.default_rng(np.random.SeedSequence(world.seed, spawn_key=(_EVALUATE, index)))
        signer = world[index]
        acts.extend(genuine_act(signer, ACTS_PER_SESSION * k) for k in range(settings.genuine))
        forgers = pick_signers(rng, signers, min(3, len(signers) - 1), but=index)
        skills = [draw_skill(rng, settings.skill_shapes) for _ in range(settings.forgeries)]
        skills += [skill for skill in settings.skills for _ in range(settings.per_skill)]
        for i, skill in enumerate(skills):
            by = world[forgers[i % len(forgers)]]
            acts.append(forgery_act(signer, by=by, kind="freehand", skill=skill, act=i))
        grid += [False] * (settings.genuine + settings.forgeries)
        grid += [True] * (len(skills) - settings.forgeries)
    return EvaluationSet(acts, describe(acts), np.array(grid))


def describe(acts: Sequence[Act]) -> SignatureSet:
    """Return the protocols' view of acts.

    Raises:
        ValueError: If one is a disguise, whose author is genuine and hides it, or a random forgery, which a protocol
            makes of another signer's genuine acts.
    """
    if any(a.kind == "disguise" for a in acts):
        raise ValueError("a disguise is neither genuine nor a forgery to a protocol; leave disguises out")
    if any(a.kind == "random" for a in acts):
        raise ValueError("a protocol makes random forgeries of others' genuine acts itself; leave those drawn out")
    return SignatureSet.of(
        signer=[str(a.claimed.index) for a in acts],
        kind=["genuine" if a.kind == "genuine" else "simple" if a.kind == "simple" else "skilled" for a in acts],
        forger=["" if a.kind == "genuine" else str(a.by.index) for a in acts],
        skill=[a.skill for a in acts],
        name=[f"{a.claimed.index}/{a.kind}/{a.by.index}/{a.number}/{a.skill:.4f}" for a in acts],
    )
