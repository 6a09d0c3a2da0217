"""The configuration of a run that goes on from another run's network, on a world or also on a user's folder."""

from pathlib import Path

from .adapters import load_provenance
from .config import RunConfig
from .marks import check_training_allowed
from .optimizer import learning_rate
from .runs import Run, RunError, sha256

EPOCHS = 3
RATE_SHARE = 0.1
"""Of the learning rate the first run began with; what it learnt is to be bent, not broken."""


def fine_tuned(
    start: Path,
    *,
    data: Path | None,
    adapter: str = "folders",
    seed: int | None = None,
    model: str | None = None,
    loss: str | None = None,
) -> RunConfig:
    """Return the configuration of a run that fine-tunes another: its world, network and batches, fewer, smaller steps.

    Args:
        start: The run to start from, with a trained network.
        data: A folder with a `provenance.toml`, or None for the world alone.
        adapter: How the folder is laid out.
        seed: Of another world; the same if left out.
        model: Must be the run's own if given, since its weights are taken over.
        loss: Another loss, or None.

    Raises:
        RunError: If the run has no network, or another one is asked for.
        ProvenanceError: If the folder may not be trained on.
    """
    weights = Run(start) / "model.keras"
    config = Run(start).config()
    if not weights.exists():
        raise RunError(f"{start} has no trained network; run `train --run {start}` first")
    if model not in (None, config.train.model):
        raise RunError(f"{start} holds a {config.train.model!r}, and --model is {model!r}; leave --model out")
    values = config.to_dict()
    if data is not None:
        check_training_allowed(load_provenance(data), data)
    values["inputs"] |= {"data": None if data is None else str(data), "adapter": adapter}
    values["world"] |= {} if seed is None else {"seed": seed}
    values["train"] |= {
        "start_from": str(start),
        "start_sha256": sha256(weights),
        "imagenet": None,
        "epochs": min(EPOCHS, config.train.epochs),
        "small_share": 0.0,
        "learning_rate": learning_rate(config) * RATE_SHARE,
    }
    values["train"] |= {} if loss is None else {"loss": loss, "loss_options": {}}
    return RunConfig.from_dict(values)
