"""Whom a run's training has met: the targets of its batches, planned again as training planned them."""

from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from .checkpoints import logged_errors, standing
from .config import RunConfig
from .runs import Run, RunError

if TYPE_CHECKING:
    from synth.acts import Act

    from .grouping import Plan


def trained_batches(config: RunConfig, *, epochs: int | None = None) -> range:
    """Return the numbers of the batches that a run's network was trained on; a cache gives the first epoch's again.

    Args:
        config: The run.
        epochs: That the network has seen; all of the run if left out.
    """
    seen = 1 if config.inputs.cache != "none" else epochs or config.train.epochs
    return range(seen * config.train.steps_per_epoch)


def drawn_signers(
    config: RunConfig, signers: range, n: int, *, seed: int, epochs: int | None = None
) -> "dict[int, Act]":
    """Return signers that the run's batches draw as targets, each with a genuine act of theirs in such a batch.

    Batches are those of the run's own stream, chosen by chance; as many of them as possible give a signer.

    Args:
        config: The run; a network on trajectories meets the same acts.
        signers: Numbers of those that batches are drawn from: the training signers, or as many others to compare with.
        n: How many to return; fewer if these batches hold fewer.
        seed: Of the choice.
        epochs: As for `trained_batches`.

    Raises:
        RunError: If a user's folder is mixed into the batches, which then hold others of the world.
    """
    from .inputs import planner
    from .sources import WorldSource
    from .splits import training_world

    if config.inputs.data is not None:
        raise RunError(
            f"the batches mix in {config.inputs.data}, so that the world alone does not plan them again; ask about "
            "the folder's signers with --data"
        )
    plan = planner(config, WorldSource(training_world(config.world), signers))
    batches = np.random.default_rng(seed).permutation(trained_batches(config, epochs=epochs))[:n]
    targets = [_targets(plan(int(number))) for number in batches]
    found: dict[int, Act] = {}
    for act in chain.from_iterable(zip(*targets, strict=True)):
        found.setdefault(act.claimed.index, act)
    return dict(islice(found.items(), n))


def _targets(plan: "Plan") -> "list[Act]":
    """Return the first act of every group of a batch, which in each stream is a genuine one of the group's target."""
    return [plan.items[i] for i in np.unique(plan.groups, return_index=True)[1]]


def kept_epochs(run: Run, config: RunConfig) -> int:
    """Return how many epochs the run's network has seen; where the log of an early stop is gone, the least there is."""
    patience, stop_at = config.train.patience, config.train.stop_at
    if patience is None and stop_at is None:
        return config.train.epochs
    errors = logged_errors(run, config.train.epochs)
    return standing(errors, patience=patience, stop_at=stop_at).best_epoch if errors else 1
