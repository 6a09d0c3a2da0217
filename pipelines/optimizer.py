"""How weights are moved: AdamW or Muon, their rate over a run, clipping and averaging."""

from typing import Any

from .config import RunConfig


def learning_rate(config: RunConfig) -> float:
    """Return the highest rate of a run: the configuration's, or else what suits its network and optimizer.

    A network without a rate for Muon is given AdamW's, whose steps are of about that size.
    """
    from models.registry import find_spec

    if config.train.learning_rate is not None:
        return config.train.learning_rate
    spec = find_spec(config.train.model)
    return spec.muon_rate or spec.learning_rate if optimizer_name(config) == "muon" else spec.learning_rate


def optimizer_name(config: RunConfig) -> str:
    """Return "adamw" or "muon": the configuration's, or else what its network is meant for."""
    from models.registry import find_spec

    own = config.train.optimizer
    if own != "auto":
        return own
    return "adamw" if find_spec(config.train.model).muon_rate is None else "muon"


def build_optimizer(config: RunConfig) -> Any:
    """Return an optimizer that clips gradients, with a rate that warms up and falls as a cosine.

    It averages the weights if the configuration asks for that.

    Source:
        Loshchilov, Hutter (2019), "Decoupled weight decay regularization", algorithm 2, for AdamW; `models.muon` for
        Muon; `models.schedules` for the rate, of which 1 % is left at the end.
    """
    import keras

    from models.muon import Muon
    from models.schedules import WarmUpCosine

    settings = config.train
    steps = settings.epochs * settings.steps_per_epoch
    warmup = max(1, int(settings.warmup_share * steps))
    rate = WarmUpCosine(
        0.0, max(1, steps - warmup), alpha=0.01, warmup_target=learning_rate(config), warmup_steps=warmup
    )
    options: dict[str, Any] = {"weight_decay": settings.weight_decay, "clipnorm": settings.clip_norm}
    if settings.ema is not None:
        options |= {"use_ema": True, "ema_momentum": settings.ema}
    if optimizer_name(config) == "muon":
        return Muon(rate, adam_weight_decay=settings.weight_decay, **options)
    return keras.optimizers.AdamW(rate, **options)
