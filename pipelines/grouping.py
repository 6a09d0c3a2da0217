"""Batches of every kind as plans: which signatures go into batch `number`, in which order, with which labels.

A plan is a pure function of its source, the settings and the number; nothing is drawn here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .settings import BatchSettings
from .sources import Item, Source

_TRAIN, _CLASSIFICATION, _TRIALS, _TRIPLETS = 0, 2, 3, 4  # 1 is of evaluation sets
TRIAL_KINDS = ("genuine", "skilled", "random")


class Plan(NamedTuple):
    """Items in order, and labels.

    For signers, classification and triplets labels are int32 ``(n, 2)``: signer slot (or number), 1 = genuine. For
    trials they are int32 ``(n,)``: 1 = genuine, and a trial has ``n_references + 1`` items, the questioned one last.
    """

    items: list[Item]
    labels: NDArray[np.int32]
    groups: NDArray[np.int32]
    """Which items belong together, shape ``(n_items,)``: they may be augmented alike."""


def _rng(source: Source, kind: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(source.seed, spawn_key=(kind, number)))


def plan_signers(source: Source, settings: BatchSettings, number: int) -> Plan:
    """Return P signers x (K genuine + F forgeries); forgeries are nobody's positives.

    Args:
        source: Of signatures.
        settings: P, K, F and the mix of forgeries.
        number: Of the batch, from 0.
    """
    rng = _rng(source, _TRAIN, number)
    items: list[Item] = []
    labels: list[tuple[int, int]] = []
    for slot, place in enumerate(source.choose(rng, settings.signers, number, distinct=True)):
        items += source.genuine(rng, place, settings.genuine)
        items += source.forged(rng, place, settings.forgeries, settings)
        labels += [(slot, 1)] * settings.genuine + [(slot, 0)] * settings.forgeries
    found = np.array(labels, dtype=np.int32)
    return Plan(items, found, found[:, 0].copy())


def number_signers(source: Source, settings: BatchSettings, number: int) -> Plan:
    """Return the plan of ``plan_signers`` whose labels have each signer's number among all instead of a slot.

    Args:
        source: Of signatures.
        settings: As for ``plan_signers``.
        number: Of the batch, from 0.
    """
    places = source.choose(_rng(source, _TRAIN, number), settings.signers, number, distinct=True)
    plan = plan_signers(source, settings, number)
    plan.labels[:, 0] = np.array([source.class_of(place) for place in places])[plan.labels[:, 0]]
    return plan


def plan_classification(source: Source, n: int, number: int) -> Plan:
    """Return n genuine signatures with their signers' numbers.

    Args:
        source: Of signatures.
        n: How many.
        number: Of the batch, from 0.
    """
    items, places = source.signatures(_rng(source, _CLASSIFICATION, number), n, number)
    labels = [(source.class_of(place), 1) for place in places]
    return Plan(items, np.array(labels, dtype=np.int32).reshape(-1, 2), np.arange(n, dtype=np.int32))


def trial_counts(n: int, shares: tuple[float, float, float]) -> tuple[int, int, int]:
    """Return how many of n trials are genuine, skilled and random: by largest remainder, the first two above all.

    Args:
        n: Trials, 2 or above.
        shares: 0 or above each; the first and the sum of the others above 0.

    Example:
        >>> trial_counts(10, (0.5, 0.3, 0.2))
        (5, 3, 2)
    """
    exact = n * np.array(shares) / sum(shares)
    counts = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: n - counts.sum()]:
        counts[i] += 1
    if counts[0] == 0 or counts[0] == n:  # a batch of one kind teaches nothing
        i = int(np.argmax(counts))
        counts[i] -= 1
        counts[0 if counts[0] == 0 else 1 + int(np.argmax(shares[1:]))] += 1
    return int(counts[0]), int(counts[1]), int(counts[2])


def plan_trials(
    source: Source,
    n: int,
    settings: BatchSettings,
    number: int,
    *,
    n_references: int = 1,
    shares: tuple[float, float, float] = (0.5, 0.3, 0.2),
) -> Plan:
    """Return n trials: references of a claimed signer, then one questioned signature.

    Args:
        source: Gives the signatures.
        n: Trials, 2 or above; with one reference each is a pair.
        settings: The mix of forgeries.
        number: Any; the same number is the same batch.
        n_references: For each trial.
        shares: Of genuine trials, skilled and random forgeries.
    """
    rng = _rng(source, _TRIALS, number)
    kinds = rng.permutation(np.repeat(np.arange(3), trial_counts(n, shares)))
    items: list[Item] = []
    for kind, place in zip(kinds, source.choose(rng, n, number, distinct=False), strict=True):
        own = source.genuine(rng, place, n_references + (kind == 0))
        if kind == 1:
            own += source.forged(rng, place, 1, settings)
        elif kind == 2:
            own += source.genuine(rng, source.other(rng, place), 1)
        items += own
    groups = np.repeat(np.arange(n, dtype=np.int32), n_references + 1)
    return Plan(items, (kinds == 0).astype(np.int32), groups)


def plan_triplets(
    source: Source, n: int, settings: BatchSettings, number: int, *, shares: tuple[float, float] = (0.6, 0.4)
) -> Plan:
    """Return n triplets in a row: reference, genuine, and a skilled or random forgery of the same claimed signer.

    Every triplet has a slot of its own, so that losses on batches never pair two triplets' genuine signatures.

    Args:
        source: Gives the signatures.
        n: Triplets.
        settings: The mix of forgeries.
        number: Any; the same number is the same batch.
        shares: Of skilled and random forgeries.
    """
    rng = _rng(source, _TRIPLETS, number)
    items: list[Item] = []
    labels: list[tuple[int, int]] = []
    for slot, place in enumerate(source.choose(rng, n, number, distinct=False)):
        items += source.genuine(rng, place, 2)
        if rng.random() * sum(shares) < shares[0]:
            items += source.forged(rng, place, 1, settings)
        else:
            items += source.genuine(rng, source.other(rng, place), 1)
        labels += [(slot, 1), (slot, 1), (slot, 0)]
    found = np.array(labels, dtype=np.int32)
    return Plan(items, found, found[:, 0].copy())
