"""Losses by name, as a configuration gives them, and the head that each needs above the embeddings."""

import difflib
import inspect
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import keras

from . import losses, losses_elastic, losses_ranking, losses_signers

Head = Literal["none", "signers", "prototypes", "multitask"]


class Objective(NamedTuple):
    """A loss and what it sees.

    Attributes:
        make: Builds the loss from its options.
        head: "none" for embeddings; "signers", "prototypes" or "multitask" for what that head of `heads` makes of
            them, which needs a closed set of training signers.
    """

    make: Callable[..., keras.losses.Loss]
    head: Head = "none"


def _joint(temperature: float = 0.1, forgery_weight: float = 1.0) -> keras.losses.Loss:
    parts = [losses.SupervisedContrastive(temperature, forgery_weight), losses.PairLogistic()]
    return losses.WeightedSum(parts, [1.0, 1.0])


OBJECTIVES: dict[str, Objective] = {
    "joint": Objective(_joint),
    "supervised_contrastive": Objective(losses.SupervisedContrastive),
    "elastic": Objective(losses_elastic.Elastic),
    "pair_logistic": Objective(losses.PairLogistic),
    "contrastive": Objective(losses_ranking.PairContrastive),
    "triplet": Objective(losses_ranking.Triplet),
    "multi_similarity": Objective(losses_ranking.MultiSimilarity),
    "classification": Objective(losses_signers.SignerClassification, "signers"),
    "arcface": Objective(losses_signers.ArcFace, "prototypes"),
    "cosface": Objective(losses_signers.CosFace, "prototypes"),
    "signet_f": Objective(losses_signers.SigNetF, "multitask"),
}


def loss_names() -> tuple[str, ...]:
    """Return the names of the losses in alphabetical order."""
    return tuple(sorted(OBJECTIVES))


def find_loss(name: str) -> Objective:
    """Return the objective of a name.

    Args:
        name: One of ``loss_names()``.

    Raises:
        ValueError: If no loss has the name; the nearest name is suggested.
    """
    if name in OBJECTIVES:
        return OBJECTIVES[name]
    nearest = difflib.get_close_matches(str(name), OBJECTIVES, n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise ValueError(f"unknown loss {name!r}; {hint}use one of: {', '.join(loss_names())}")


def build_loss(name: str, **options: Any) -> keras.losses.Loss:
    """Build a loss by name.

    Args:
        name: One of ``loss_names()``.
        **options: What the loss takes; its own docstring lists them.

    Raises:
        ValueError: If the name is unknown or an option out of range.
        TypeError: If the loss does not know an option.
    """
    make = find_loss(name).make
    known = [option for option in inspect.signature(make).parameters if option not in ("name", "kwargs", "self")]
    for option in options:
        if option not in known:
            nearest = difflib.get_close_matches(option, known, n=1, cutoff=0.4)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise TypeError(f"loss {name!r} has no option {option!r}; {hint}it takes: {', '.join(known) or 'none'}")
    return make(**options)
