"""What can be set in a run: groups of settings, frozen and validated one by one; `config.py` puts them together."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, field_validator
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra="forbid")
CLOSED_SET_LOSSES = ("arcface", "classification", "cosface", "signet_f")
"""Losses that name the training signer, so that there must be a limited number of them."""


def _above_zero(shapes: tuple[float, float]) -> tuple[float, float]:
    if not all(0 < shape < float("inf") for shape in shapes):
        raise ValueError("needs two numbers above 0, such as [3, 2]")
    return shapes


SkillShapes = Annotated[tuple[float, float], AfterValidator(_above_zero)]
"""Shapes of a Kumaraswamy law of forgers' skills: [3, 2] is practised, [1, 3] clumsy."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class WorldSettings:
    """Which world, and how its signers are parted; counts are of signers.

    ``training`` names the population of `synth.worlds` that training signers are of; development and test signers
    are always of the default one, so that runs trained on different ones compare. With ``folds`` the development
    and test signers are cut up for cross-validation, and this is fold number ``fold``.
    """

    seed: int = Field(default=7, ge=0, lt=2**63)
    training: str = "default"
    train_signers: int = Field(default=1_000_000, ge=8)
    dev_signers: int = Field(default=100, ge=4)
    test_signers: int = Field(default=200, ge=4)
    folds: int | None = Field(default=None, ge=3)
    fold: int = Field(default=0, ge=0)

    @field_validator("training")
    @classmethod
    def _known(cls, name: str) -> str:
        from synth.worlds import world_config

        world_config(name)
        return name


@dataclass(frozen=True, kw_only=True, config=STRICT)
class BatchSettings:
    """P signers x (K genuine + F forgeries); forgeries are nobody's positives.

    A share ``simple_share`` of forgeries is simple, the others are of the skilled kinds that ``forger_kinds`` weighs;
    skills follow a Kumaraswamy law of ``skill_shapes``. Who judges has freehand forgers alone, and a law of their own.
    """

    signers: int = Field(default=12, ge=2)
    genuine: int = Field(default=4, ge=2)
    forgeries: int = Field(default=4, ge=0)
    forgers: int = Field(default=2, ge=1)
    simple_share: float = Field(default=0.1, ge=0, le=1)
    forger_kinds: dict[str, float] = Field(default_factory=lambda: {"freehand": 1.0})
    skill_shapes: SkillShapes = (3.0, 2.0)

    @field_validator("forger_kinds")
    @classmethod
    def _kinds(cls, kinds: dict[str, float]) -> dict[str, float]:
        from synth import SKILLED_KINDS

        if unknown := [kind for kind in kinds if kind not in SKILLED_KINDS]:
            raise ValueError(f"unknown kind of forger {unknown[0]!r}; use some of: {', '.join(SKILLED_KINDS)}")
        if not kinds or min(kinds.values()) < 0 or not 0 < sum(kinds.values()) < float("inf"):
            raise ValueError('needs weights of 0 or above, one of them above 0, such as {"freehand": 1.0}')
        return kinds

    @property
    def images(self) -> int:
        """Images in one batch."""
        return self.signers * (self.genuine + self.forgeries)


_SMALL = 2 / 3
"""Height and width of the canvases that training may begin on, as a share of the whole canvas's."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class TrainSettings:
    """The network and how it is trained.

    ``model`` and ``loss`` are names of the registries in `models`, with what each takes in ``model_options`` and
    ``loss_options``; loss and ``optimizer`` "auto", and no ``learning_rate``, are what the network is meant for.
    ``temperature`` is of the contrastive losses. ``samples`` is the length of a trajectory, for networks that take
    those. The first epochs, a ``small_share`` of all, are on canvases of two thirds the height and width; none are with
    ``patience`` or ``stop_at``, as the best epoch must be on whole ones. ``imagenet`` is a file of the user's for
    ``mobilenetv2``, ``last_stages`` how many of its stages train (all if left out).
    ``preprocessing`` is a recipe of `recipes.RECIPES`, for all images of the run, and ``augment`` one of
    `augment.RECIPES`, for training images. ``ema`` is the momentum of averaged weights, which then are the network.
    ``monitor_batches`` (so many batches of development and of training signers looked at after each epoch) is 4 if
    ``patience`` (epochs without a better development error) or ``stop_at`` (1 - that error) is set. ``start_from``
    is a run whose network, of digest ``start_sha256``, training begins with; ``frozen`` names stages that stay as
    they are.
    """

    model: str = "resnet_elastic"
    model_options: dict[str, Any] = Field(default_factory=dict)
    embedding_dim: int = Field(default=256, ge=2)
    height: int = Field(default=96, ge=32)
    width: int = Field(default=192, ge=32)
    samples: int = Field(default=256, ge=8)
    imagenet: str | None = None
    last_stages: int | None = Field(default=None, ge=0)
    loss: str = "auto"
    loss_options: dict[str, Any] = Field(default_factory=dict)
    temperature: float = Field(default=0.1, gt=0)
    epochs: int = Field(default=10, ge=1)
    small_share: float = Field(default=0.0, ge=0, lt=1)
    steps_per_epoch: int = Field(default=84, ge=1)
    optimizer: Literal["auto", "adamw", "muon"] = "auto"
    learning_rate: float | None = Field(default=None, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    warmup_share: float = Field(default=0.06, ge=0, lt=1)
    preprocessing: Literal["default", "signet_canvas", "photo", "bilevel"] = "default"
    augment: Literal["none", "light", "standard", "strong", "marks", "photo"] = "none"
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    xla: Literal["auto", "on", "off"] = "auto"
    seed: int = Field(default=0, ge=0, lt=2**31)
    clip_norm: float = Field(default=5.0, gt=0)
    ema: float | None = Field(default=None, ge=0, lt=1)
    class_weights: Literal["none", "balanced"] = "none"
    monitor_batches: int = Field(default=0, ge=0)
    patience: int | None = Field(default=None, ge=1)
    stop_at: float | None = Field(default=None, gt=0, le=1)
    deterministic: bool = False
    tensorboard: bool = False
    start_from: str | None = None
    start_sha256: str | None = None
    frozen: tuple[str, ...] = ()

    @property
    def looks(self) -> int:
        """How many batches of each part are looked at after an epoch; 0 for none."""
        stops = self.patience is not None or self.stop_at is not None
        return self.monitor_batches or (4 if stops else 0)

    @property
    def small_epochs(self) -> int:
        """How many of the epochs, the first ones, are on smaller canvases."""
        chosen = self.patience is not None or self.stop_at is not None
        return 0 if chosen else int(self.small_share * self.epochs + 1e-9)

    @property
    def small_size(self) -> tuple[int, int]:
        """Height and width in px of the smaller canvases: whole multiples of 8, for maps of stride 8."""
        height, width = (max(32, 8 * round(side * _SMALL / 8)) for side in (self.height, self.width))
        return height, width

    @property
    def course(self) -> str:
        """How long training takes, in words."""
        words = f"{self.epochs} x {self.steps_per_epoch} steps"
        if self.small_epochs:
            height, width = self.small_size
            words += f" (the first {self.small_epochs} x {self.steps_per_epoch} at {height} x {width} px)"
        return words

    @field_validator("model_options", "loss_options")
    @classmethod
    def _as_json(cls, options: dict[str, Any]) -> dict[str, Any]:
        """Hold options as JSON gives them back, so that a recorded run equals the one that was asked for."""
        return json.loads(json.dumps(options))


@dataclass(frozen=True, kw_only=True, config=STRICT)
class InputSettings:
    """What training is fed with, and from where.

    ``pair_shares`` are of genuine pairs, skilled and random forgeries in pairs; the last two also part the negatives
    of triplets. With a ``cache`` the batches of the first epoch are kept and come again in every other. ``data`` is
    a user's folder, laid out as ``adapter`` says, and ``real_share`` how much of a batch comes from it.
    """

    stream: Literal["signers", "classification", "pairs", "triplets"] = "signers"
    pair_shares: tuple[float, float, float] = (0.5, 0.3, 0.2)
    cache: Literal["none", "memory", "disk"] = "none"
    threads: int | None = Field(default=None, ge=1)
    prefetch: int = Field(default=6, ge=1)
    data: str | None = None
    adapter: str = "folders"
    real_share: float = Field(default=0.5, gt=0, le=1)

    @field_validator("pair_shares")
    @classmethod
    def _shares(cls, shares: tuple[float, float, float]) -> tuple[float, float, float]:
        if min(shares) < 0 or shares[0] <= 0 or shares[1] + shares[2] <= 0:
            raise ValueError("needs a share above 0 of genuine pairs and of forgeries, such as (0.5, 0.3, 0.2)")
        return shares


@dataclass(frozen=True, kw_only=True, config=STRICT)
class EvaluationSettings:
    """What is drawn and counted on signers never trained on.

    The skills of the headline's forgeries follow a law of ``skill_shapes``, whatever training's do, so that runs
    compare; ``skills`` are those of the curve.
    """

    genuine: int = Field(default=5, ge=2)
    forgeries: int = Field(default=6, ge=1)
    skill_shapes: SkillShapes = (3.0, 2.0)
    skills: tuple[float, ...] = (0.3, 0.5, 0.7, 0.85, 0.95)
    per_skill: int = Field(default=2, ge=1)
    n_random: int = Field(default=20, ge=1)
    bootstrap_draws: int = Field(default=1000, ge=100)

    @field_validator("skills")
    @classmethod
    def _shares(cls, skills: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 <= skill <= 1 for skill in skills):
            raise ValueError("needs numbers from 0 to 1, such as [0.3, 0.85]")
        return skills
