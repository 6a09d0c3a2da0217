"""Keras callbacks of training: log, checkpoints, early stopping, waiting for input, TensorBoard events."""

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from .building import bare_backbone
from .checkpoints import Standing, add_row, best_network, keep_epoch, logged_errors, read_log, standing, writing
from .config import RunConfig
from .files import write_beside
from .inputs import Drawing, images_per_step
from .monitor import Monitor, averaged
from .optimizer import learning_rate
from .runs import Run

_DIVERGED = 20.0
"""A mean loss this many times the first step's has left the path of learning; usual curves only fall."""


class Journal(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes `log.csv` and a checkpoint after every epoch; stops a run that broke, was interrupted or is done.

    Args:
        run: Its folder.
        config: Its configuration.
        drawing: Tells when each batch was drawn.
        interrupted: Set once somebody asked to stop.
        monitor: Looks at development signers after each epoch, or None.
        say: Told why training stopped early.
    """

    def __init__(
        self,
        run: Run,
        config: RunConfig,
        *,
        drawing: Drawing,
        interrupted: threading.Event,
        monitor: Monitor | None,
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.run, self.config, self.drawing = run, config, drawing
        self.interrupted, self.monitor, self.say = interrupted, monitor, say
        self.first_loss = 0.0
        self.gaps: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the clock, and give what is random in the network its state of this epoch."""
        reseed(self.model, self.config.train.seed, epoch)
        self.epoch, self.started, self.waited = epoch, time.perf_counter(), 0.0
        self.ended = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Remember when the step asked for its batch."""
        self.asked = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count the wait; stop if asked to, or if the loss is no number or has run away."""
        drawn = self.drawing.finished.pop(self.epoch * self.params["steps"] + batch, 0.0)
        # the first step builds its graph before it asks for a batch, which is no waiting for input
        self.waited += max(0.0, drawn - max(self.asked, self.drawing.begun or 0.0))
        now = time.perf_counter()
        self.gaps += [now - self.ended] if self.ended else []
        self.ended = now
        if self.interrupted.is_set():
            raise KeyboardInterrupt
        check_loss(float(logs["loss"]), self.first_loss, step=batch, epoch=self.epoch + 1, config=self.config)
        self.first_loss = self.first_loss or float(logs["loss"])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look, write the row, then the checkpoint, and stop where that is due."""
        seconds = time.perf_counter() - self.started
        row = {
            "epoch": epoch + 1,
            "loss": round(float(logs["loss"]), 6),
            "seconds": round(seconds, 2),
            "images_per_s": round(self.params["steps"] * images_per_step(self.config) / seconds, 1),
            "input_wait": round(min(1.0, self.waited / seconds), 4),
        }
        with writing(self.run):
            stands = self._look(row) if self.monitor is not None else None
            add_row(self.run, row)
            keep_epoch(self.run, epoch + 1, self.model, best_epoch=stands and stands.best_epoch)
        if stands is not None and stands.stop:
            self.say(f"stopped after epoch {epoch + 1}: {stands.stop}")
            self.model.stop_training = True

    def _look(self, row: dict[str, Any]) -> Standing:
        """Add what the monitor sees to the row; keep the network if it is the best so far."""
        assert self.monitor is not None
        with averaged(self.model):
            row |= self.monitor(self.model)
            errors = [*logged_errors(self.run, row["epoch"] - 1), row["dev_error"]]
            train = self.config.train
            stands = standing(errors, patience=train.patience, stop_at=train.stop_at)
            if stands.best_epoch == row["epoch"]:
                write_beside(best_network(self.run, row["epoch"]), bare_backbone(self.model).save)
        return stands


def check_loss(loss: float, first: float, *, step: int, epoch: int, config: RunConfig) -> None:
    """Raise if a loss is no number, or has grown so far that training will not come back.

    Args:
        loss: Mean over the epoch so far.
        first: That of the first step of this process, or 0 if it is not known.
        step: Of the epoch, from 0.
        epoch: From 1.
        config: Names the settings to change.

    Raises:
        FloatingPointError: If so; the message says what to try.
    """
    train = config.train
    lower = f"lower train.learning_rate ({learning_rate(config):g}) or train.clip_norm ({train.clip_norm:g})"
    if not math.isfinite(loss):
        raise FloatingPointError(
            f"the loss became {loss} at step {step} of epoch {epoch}; {lower}"
            + ("" if train.precision == "float32" else ", or use train.precision=float32")
        )
    if first and loss > _DIVERGED * max(first, 1.0):
        raise FloatingPointError(
            f"training diverges: the loss grew from {first:.3g} to {loss:.3g} by step {step} of epoch {epoch}; {lower}"
        )


def reseed(model: Any, seed: int, epoch: int) -> None:
    """Give every random layer of a network the state that belongs to an epoch, so that a resumed run repeats it."""
    for place, layer in enumerate(model._flatten_layers(include_self=False)):
        for generator in getattr(layer, "_seed_generators", ()):
            state = np.random.SeedSequence(seed, spawn_key=(place, epoch)).generate_state(2)
            generator.state.assign(state.astype("uint32") >> 1)


class Events(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the log's columns as TensorBoard scalars, a point an epoch.

    Args:
        run: The run; events go to its folder `tensorboard`.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the last row of the log; comes after the journal."""
        row = read_log(self.run, epoch + 1)[-1]
        with writing(self.run):
            values = {name: float(value) for name, value in row.items() if name != "epoch" and value}
            write_scalars(self.run / "tensorboard", values, epoch + 1)


def write_scalars(folder: Path, values: dict[str, float], step: int) -> None:
    """Add scalars to a folder's TensorBoard events; the package tensorboard is needed to look at them only."""
    import tensorflow as tf
    from tensorflow.core.framework.summary_pb2 import DATA_CLASS_SCALAR, SummaryMetadata

    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"), data_class=DATA_CLASS_SCALAR)
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step):
        for name, value in values.items():
            tf.summary.write(name, tf.constant(value, tf.float32), metadata=about)
    writer.close()
