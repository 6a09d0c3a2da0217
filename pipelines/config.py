"""Run configurations: frozen, validated, written to the run folder; presets are a dict of them.

Everything a run depends on stands here and in `settings.py`. Times are of two cores.
"""

import dataclasses
import difflib
import json
import math
from collections.abc import Sequence
from typing import Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from .settings import (
    CLOSED_SET_LOSSES,
    STRICT,
    BatchSettings,
    EvaluationSettings,
    InputSettings,
    TrainSettings,
    WorldSettings,
)

MOST_CLOSED_SET = 50_000


@dataclass(frozen=True, kw_only=True, config=STRICT)
class RunConfig:
    """One run, completely."""

    preset: str
    world: WorldSettings = Field(default_factory=WorldSettings)
    batch: BatchSettings = Field(default_factory=BatchSettings)
    inputs: InputSettings = Field(default_factory=InputSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)

    @model_validator(mode="after")
    def _closed_set_is_small(self) -> Self:
        if self.train.loss in CLOSED_SET_LOSSES and self.world.train_signers > MOST_CLOSED_SET:
            raise ValueError(
                f"loss {self.train.loss!r} names each training signer, and world.train_signers is "
                f"{self.world.train_signers}; set it to at most {MOST_CLOSED_SET}, such as 500"
            )
        return self

    @model_validator(mode="after")
    def _a_batch_finds_its_signers(self) -> Self:
        there, share = self.world.train_signers, 0.0 if self.inputs.data is None else self.inputs.real_share
        needed = math.ceil(self.batch.signers * (1.0 - share) - 1e-9)
        if self.inputs.stream == "signers" and needed > there:
            raise ValueError(
                f"a batch takes {needed} different signers, and world.train_signers is {there}; "
                f"use --set batch.signers={math.floor(there / (1.0 - share) + 1e-9)} or more signers"
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Return the configuration of such values; unknown keys and bad values raise ValueError."""
        try:
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            raise ValueError("configuration: " + "; ".join(_in_words(fault) for fault in error.errors())) from None


def _in_words(fault: Any) -> str:
    """Return where a configuration is wrong, unless it is as a whole, and what is."""
    place, message = ".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def with_model(config: RunConfig, name: str) -> RunConfig:
    """Return a configuration with another network; what was said for the old one alone goes.

    Options of the old network go, and smaller canvases if the new one's weights do not fit them; the loss "elastic",
    which only a network that compares so can have, becomes "auto".

    Args:
        config: What to start from.
        name: Registered name of the network.
    """
    if name == config.train.model:
        return config
    values = config.to_dict()
    values["train"] |= {
        "model": name,
        "model_options": {},
        "learning_rate": None,
        "small_share": share_for(config, name),
    }
    if config.train.loss == "elastic":
        values["train"] |= {"loss": "auto", "loss_options": {}}
    return RunConfig.from_dict(values)


def share_for(config: RunConfig, name: str) -> float:
    """Return the share of epochs on smaller canvases that a network can have: none if its weights fit one size."""
    from models.registry import find_spec

    share = config.train.small_share
    return share if share and find_spec(name).any_canvas else 0.0


def changed(config: RunConfig, changes: Sequence[str]) -> RunConfig:
    """Return a configuration with settings put in.

    With another network the options of the old one go, and one whose weights fit one size of canvas begins on whole
    ones, unless the changes say otherwise.

    Args:
        config: What to start from.
        changes: ``KEY=VALUE`` each, the key with dots, such as ``train.epochs=3`` or
            ``train.model_options.attention=cbam``; the value is JSON, or else a word.

    Raises:
        ValueError: If a change is not of that form, its key is unknown, or its value out of range.
    """
    values = config.to_dict()
    if any(_value(change.partition("=")[2]) != config.train.model for change in changes if change.startswith(_MODEL)):
        values["train"]["model_options"] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        if not (equals and key):
            raise ValueError(f"{change!r} is no change; write KEY=VALUE, such as train.epochs=3")
        *sections, last = key.split(".")
        place = values
        for section in sections:
            if not isinstance(place.get(section), dict):
                raise ValueError(f"unknown setting {key!r}; {section!r} is none of: {', '.join(place)}")
            place = place[section]
        if last not in place and not (sections and sections[-1].endswith("_options")):
            near = difflib.get_close_matches(last, place, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"unknown setting {key!r}; {hint}use one of: {', '.join(place)}")
        place[last] = _value(text)
    found, keys = RunConfig.from_dict(values), {change.partition("=")[0] for change in changes}
    if (name := found.train.model) == config.train.model or keys & {"train", "train.small_share"}:
        return found
    values["train"]["small_share"] = share_for(config, name)
    return RunConfig.from_dict(values)


_MODEL = "train.model="


def _value(text: str) -> Any:
    """Return what a text says: JSON, or else a word."""
    try:
        return json.loads(text)
    except ValueError:
        return text


PRESETS: dict[str, RunConfig] = {
    # about a minute: everything runs, nothing is learned well
    "smoke": RunConfig(
        preset="smoke",
        world=WorldSettings(dev_signers=16, test_signers=24),
        batch=BatchSettings(signers=8),
        train=TrainSettings(epochs=2, steps_per_epoch=18),
        evaluation=EvaluationSettings(genuine=4, forgeries=4, skills=(0.3, 0.85), bootstrap_draws=300),
    ),
    # ten minutes on two cores with native bfloat16; longer without
    "classroom": RunConfig(
        preset="classroom",
        world=WorldSettings(dev_signers=300),
        train=TrainSettings(epochs=10, small_share=0.7, steps_per_epoch=150),
    ),
    # half an hour on two cores with native bfloat16, and 6 GB of memory: strokes are seen a third larger
    "study": RunConfig(
        preset="study",
        train=TrainSettings(
            height=128,
            width=256,
            model_options={"reach": (3, 4)},  # cells of 8 px: about as far on paper as (2, 3) on 96 x 192 px
            epochs=10,
            small_share=0.7,
            steps_per_epoch=300,
        ),
        world=WorldSettings(dev_signers=400, test_signers=400),
    ),
}
