"""Batches and evaluation sets as NumPy arrays: who signs and who forges whom, all from (seed, position).

A batch is a pure function of the configuration and its number, so any process can draw any batch.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import Signer, World, render, render_batch
from synth.acts import Act, execute, genuine_act
from synth.forgery import forgery_act

from .config import BatchSettings, EvaluationSettings
from .preprocess import find_recipe, preprocess, preprocess_all
from .protocols import SignatureSet

_TRAIN, _EVALUATE = 0, 1
TURN = threading.Lock()
"""Held by a thread while it plans or augments a batch, or preprocesses it step by step: thousands of short calls.

Python runs one thread at a time, and threads that hand over to each other at every such call are slower together than
one alone; taking turns a batch at a time, one of them does this while the others are in the kernels that draw.
"""


class Batch(NamedTuple):
    """Preprocessed canvases, uint8 ``(n, height, width)``; labels ``(n, 2)``: signer slot, 1 = genuine."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int32]


def batch_acts(
    world: World, signers: Sequence[int], settings: BatchSettings, number: int
) -> tuple[list[Act], NDArray[np.int32]]:
    """Return the acts and labels of batch `number`: P signers x (K genuine + F forgeries).

    Args:
        world: The world.
        signers: Part of it that targets and forgers come from.
        settings: Geometry of a batch and the mix of forgeries.
        number: Any batch number; the same number is the same batch.

    Raises:
        ValueError: If the part has fewer signers than a batch needs.
    """
    needed = settings.signers + 1
    if len(signers) < needed:
        raise ValueError(f"{len(signers)} signers are too few for a batch; {needed} are needed")
    rng = np.random.default_rng(np.random.SeedSequence(world.seed, spawn_key=(_TRAIN, number)))
    acts: list[Act] = []
    labels = []
    for slot, index in enumerate(pick_signers(rng, signers, settings.signers)):
        acts += genuine_acts(rng, world[index], settings.genuine)
        acts += forged_acts(rng, world, signers, index, settings.forgeries, settings)
        labels += [(slot, 1)] * settings.genuine + [(slot, 0)] * settings.forgeries
    return acts, np.array(labels, dtype=np.int32)


def genuine_acts(rng: np.random.Generator, signer: Signer, n: int) -> list[Act]:
    """Return n different genuine acts of one signer that lie near each other in time."""
    return [genuine_act(signer, int(act)) for act in rng.integers(2**31) + rng.permutation(4 * n)[:n]]


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


def draw_images(
    acts: Sequence[Act], *, height: int, width: int, capture: str = "mixed", recipe: str = "default"
) -> NDArray[np.uint8]:
    """Return the preprocessed canvases of acts, uint8, shape ``(n, height, width)``."""
    pictures = draw_pictures(acts, height=height, width=width, capture=capture, recipe=recipe)
    with nullcontext() if find_recipe(recipe).together else TURN:
        return preprocess_all(pictures, height=height, width=width, recipe=recipe)


def draw_pictures(
    acts: Sequence[Act], *, height: int, width: int, capture: str = "mixed", recipe: str = "default"
) -> list[NDArray[np.uint8]]:
    """Return the captured pictures of acts: as large as the canvas, or at true size where the recipe needs that."""
    dpi = find_recipe(recipe).dpi
    if dpi is None:
        return render_batch(acts, height=height, width=width, capture=capture)
    return [render(execute(act), dpi=dpi, capture=capture) for act in acts]


def draw_augmented(
    acts: Sequence[Act],
    groups: NDArray[np.int32],
    augment: str,
    *,
    seed: int,
    number: int,
    height: int,
    width: int,
    recipe: str = "default",
) -> NDArray[np.uint8]:
    """Return canvases of acts as `draw_images` does, augmented, or not if `augment` is "none".

    Args:
        acts: What to draw.
        groups: Number of the target each belongs to, shape ``(n,)``: a group may be shaped alike.
        augment: A name in `augment.RECIPES`, or "none".
        seed: Of the augmentation.
        number: Of the batch; the same number is augmented alike.
        height: Canvas height in px.
        width: Canvas width in px.
        recipe: Of the preprocessing.
    """
    if augment == "none":
        return draw_images(acts, height=height, width=width, recipe=recipe)
    from .augment import augmented

    pictures = draw_pictures(acts, height=height, width=width, recipe=recipe)
    with TURN:
        return np.stack(
            augmented(
                pictures,
                groups.tolist(),
                lambda picture: preprocess(picture, height=height, width=width, recipe=recipe),
                recipe=augment,
                seed=seed,
                epoch=number,
            )
        )


def draw_batch(
    world: World,
    signers: Sequence[int],
    settings: BatchSettings,
    number: int,
    *,
    height: int,
    width: int,
    recipe: str = "default",
    augment: str = "none",
) -> Batch:
    """Return batch `number`, drawn, preprocessed by a recipe, and augmented if wanted."""
    with TURN:
        acts, labels = batch_acts(world, signers, settings, number)
    how: dict[str, Any] = {"height": height, "width": width, "recipe": recipe}
    return Batch(draw_augmented(acts, labels[:, 0], augment, seed=world.seed, number=number, **how), labels)


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
        acts.extend(genuine_act(signer, 4 * k) for k in range(settings.genuine))
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
    """Return the protocols' view of acts; a disguise has none, since its author is genuine and hides it."""
    if any(a.kind == "disguise" for a in acts):
        raise ValueError("a disguise is neither genuine nor a forgery to a protocol; leave disguises out")
    return SignatureSet.of(
        signer=[str(a.claimed.index) for a in acts],
        kind=["genuine" if a.kind == "genuine" else "simple" if a.kind == "simple" else "skilled" for a in acts],
        forger=["" if a.kind == "genuine" else str(a.by.index) for a in acts],
        skill=[a.skill for a in acts],
        name=[f"{a.claimed.index}/{a.kind}/{a.by.index}/{a.number}/{a.skill:.4f}" for a in acts],
    )


def draw_in_chunks(
    acts: Sequence[Act],
    *,
    height: int,
    width: int,
    capture: str = "mixed",
    recipe: str = "default",
    chunk: int = 96,
    on_chunk: Callable[[int], None] = lambda n: None,
) -> NDArray[np.uint8]:
    """Return the canvases of many acts, drawn in chunks; `on_chunk` is told how many each added."""
    parts = []
    for start in range(0, len(acts), chunk):
        some = acts[start : start + chunk]
        parts.append(draw_images(some, height=height, width=width, capture=capture, recipe=recipe))
        on_chunk(len(parts[-1]))
    return np.concatenate(parts)
