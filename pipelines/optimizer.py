"""How weights are moved: AdamW, its rate over a run, clipping and averaging."""

from typing import Any

from .config import RunConfig


def learning_rate(config: RunConfig) -> float:
    """Return the highest rate of a run: the configuration's, or else what its network is meant for."""
    from models.registry import find_spec

    own = config.train.learning_rate
    return find_spec(config.train.model).learning_rate if own is None else own


def build_optimizer(config: RunConfig) -> Any:
    """Return AdamW with gradient clipping, a rate that warms up and falls as a cosine, and averaged weights if asked.

    Source:
        Loshchilov, Hutter (2019), "Decoupled weight decay regularization", algorithm 2; (2017) "SGDR", eq. 5 for the
        cosine. Differs: a linear warm-up first, one period, and 1 % of the rate is left at the end.
    """
    import keras

    settings = config.train
    steps = settings.epochs * settings.steps_per_epoch
    warmup = max(1, int(settings.warmup_share * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), alpha=0.01, warmup_target=learning_rate(config), warmup_steps=warmup
    )
    average = {} if settings.ema is None else {"use_ema": True, "ema_momentum": settings.ema}
    return keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=settings.clip_norm, **average)
