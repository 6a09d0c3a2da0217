"""What `train --task classify` is to run: one frozen configuration, its sizes by preset, and its record."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from .classifiers import HEADLINE
from .config import PRESETS, RunConfig, changed
from .runs import Run, RunError

RECORD = "classify.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClassifyConfig:
    """One classification run, completely.

    ``start_from`` is a run whose trained network embeds the signatures; without it one is trained on other signers of
    the same world for ``epochs`` of 25 steps of ``batch_signers`` x 4 genuine signatures. ``copies`` of each signature
    are added by augmentation. ``methods`` are of `classifiers.METHODS`. ``data`` is a user's folder instead of a class
    of ``signers`` people with ``acts`` signatures each.
    """

    seed: int = Field(default=7, ge=0, lt=2**63)
    signers: int = Field(default=184, ge=1)
    acts: int = Field(default=4, ge=1)
    folds: int = Field(default=4, ge=2)
    height: int = Field(default=64, ge=32)
    width: int = Field(default=128, ge=32)
    preprocessing: str = "default"
    model: str = "resnet_small"
    epochs: int = Field(default=8, ge=1)
    batch_signers: int = Field(default=24, ge=2)
    start_from: str | None = None
    scratch_epochs: int = Field(default=12, ge=1)
    copies: int = Field(default=3, ge=1)
    methods: tuple[Literal["nearest", "logistic", "scratch"], ...] = ("nearest", "logistic", "scratch")
    data: str | None = None
    adapter: str = "folders"

    @field_validator("methods")
    @classmethod
    def _with_headline(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        if HEADLINE[0] not in methods or len(set(methods)) < len(methods):
            raise ValueError(f"needs {HEADLINE[0]!r}, which the figures by person are about, and none twice")
        return methods

    def network(self) -> RunConfig:
        """Return the training run of the embedding network: genuine signatures of other signers, no forgeries."""
        changes = [
            f"world.seed={self.seed}",
            f"train.model={self.model}",
            "train.loss=supervised_contrastive",
            f"train.height={self.height}",
            f"train.width={self.width}",
            f"train.preprocessing={self.preprocessing}",
            f"train.epochs={self.epochs}",
            "train.small_share=0",
            "train.steps_per_epoch=25",
            f"batch.signers={self.batch_signers}",
            "batch.genuine=4",
            "batch.forgeries=0",
        ]
        return changed(PRESETS["classroom"], changes)


SIZES: dict[str, dict[str, int]] = {
    "smoke": {"epochs": 1, "scratch_epochs": 2, "batch_signers": 12},
    "classroom": {},
    "study": {"epochs": 60, "scratch_epochs": 60, "height": 96, "width": 192},
}
"""What a preset's name means to a classification run; minutes for "classroom" on two cores."""


def make_config(values: dict[str, Any], changes: Sequence[str] = ()) -> ClassifyConfig:
    """Return a configuration of values and of ``KEY=VALUE`` changes, which come last.

    Raises:
        ValueError: If a key is unknown or a value out of range.
    """
    wanted = dict(values)
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or key not in ClassifyConfig.__dataclass_fields__:
            known = ", ".join(ClassifyConfig.__dataclass_fields__)
            raise ValueError(f"{change!r} is no setting of --task classify; write KEY=VALUE with one of: {known}")
        try:
            wanted[key] = json.loads(text)
        except ValueError:
            wanted[key] = text
    try:
        return ClassifyConfig(**wanted)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError("configuration: " + "; ".join(faults)) from None


def read_config(run: Run) -> ClassifyConfig:
    """Return the recorded configuration of a classification run.

    Raises:
        RunError: If it was written in another format.
    """
    record = run.read(RECORD)
    if record.get("format") != FORMAT:
        raise RunError(f"{run.path} was written in format {record.get('format')}; this is format {FORMAT}")
    return TypeAdapter(ClassifyConfig).validate_python(record["config"])
