"""Run configurations: frozen, validated, written to the run folder; presets are a dict of them.

Everything a run depends on stands here. Budgets are stated for two ordinary cores without bfloat16.
"""

import dataclasses
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class WorldSettings:
    """Which world, and how its signers are parted; counts are of signers."""

    seed: int = Field(default=7, ge=0, lt=2**63)
    train_signers: int = Field(default=1_000_000, ge=8)
    dev_signers: int = Field(default=100, ge=4)
    test_signers: int = Field(default=200, ge=4)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class BatchSettings:
    """P signers x (K genuine + F forgeries); forgeries are nobody's positives."""

    signers: int = Field(default=12, ge=2)
    genuine: int = Field(default=4, ge=2)
    forgeries: int = Field(default=4, ge=0)
    forgers: int = Field(default=2, ge=1)
    simple_share: float = Field(default=0.1, ge=0, le=1)
    skill_shapes: tuple[float, float] = (3.0, 2.0)

    @property
    def images(self) -> int:
        """Images in one batch."""
        return self.signers * (self.genuine + self.forgeries)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class TrainSettings:
    """The network and how it is trained."""

    model: str = "resnet_elastic"
    embedding_dim: int = Field(default=256, ge=2)
    height: int = Field(default=96, ge=32)
    width: int = Field(default=192, ge=32)
    loss: Literal["supervised_contrastive", "joint", "elastic"] = "elastic"
    temperature: float = Field(default=0.1, gt=0)
    epochs: int = Field(default=10, ge=1)
    steps_per_epoch: int = Field(default=84, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    warmup_share: float = Field(default=0.06, ge=0, lt=1)
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    xla: Literal["auto", "on", "off"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**31)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class EvaluationSettings:
    """What is drawn and counted on signers never trained on."""

    genuine: int = Field(default=5, ge=2)
    forgeries: int = Field(default=6, ge=1)
    skills: tuple[float, ...] = (0.3, 0.5, 0.7, 0.85, 0.95)
    per_skill: int = Field(default=2, ge=1)
    n_random: int = Field(default=20, ge=1)
    bootstrap_draws: int = Field(default=1000, ge=100)


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class RunConfig:
    """One run, completely."""

    preset: str
    world: WorldSettings = Field(default_factory=WorldSettings)
    batch: BatchSettings = Field(default_factory=BatchSettings)
    train: TrainSettings = Field(default_factory=TrainSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "RunConfig":
        """Return the configuration of such values; unknown keys and bad values raise ValueError."""
        try:
            return TypeAdapter(cls).validate_python(values)
        except ValidationError as error:
            faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise ValueError("configuration: " + "; ".join(faults)) from None


PRESETS: dict[str, RunConfig] = {
    # about a minute: everything runs, nothing is learned well
    "smoke": RunConfig(
        preset="smoke",
        world=WorldSettings(dev_signers=16, test_signers=24),
        train=TrainSettings(epochs=2, steps_per_epoch=12),
        evaluation=EvaluationSettings(genuine=4, forgeries=4, skills=(0.3, 0.85), bootstrap_draws=300),
    ),
    # about ten minutes
    "classroom": RunConfig(preset="classroom"),
    # hours on two cores
    "study": RunConfig(
        preset="study",
        train=TrainSettings(epochs=30, steps_per_epoch=200),
        world=WorldSettings(dev_signers=200, test_signers=400),
    ),
}
