"""Training on several hosts: our own loop, since Keras `fit` does not run over hosts.

    step: own rows -> network -> outputs of all hosts -> one loss of the whole batch -> gradients of the own rows
          -> their sum over hosts -> clipping -> the same step of the optimizer everywhere

So a loss that compares signatures compares those of all hosts, and what is clipped is what one host with the whole
batch would clip. Only statistics of batch normalisation are each host's own; their running means are averaged after
every epoch. The first host alone writes; the others need no run folder.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from .callbacks import Journal, check_loss, reseed
from .class_weights import class_weights
from .collective import Cluster, noticed
from .config import RunConfig
from .fitting import explained, interrupt_between_steps
from .hosts import shared
from .inputs import Drawing, images_per_step, planner, training_stream
from .real_data import Folder
from .replicas import steeper
from .runs import Run, RunError
from .sources import Source

Say = Callable[[str], None]


def fit_together(
    cluster: Cluster,
    run: Run | None,
    config: RunConfig,
    model: Any,
    source: Source,
    folder: Folder | None,
    dev: Source | None,
    *,
    first: int,
    say: Say,
    watch: list[Any],
) -> None:
    """Train a compiled network on all hosts, from an epoch to the last, or until something stops it.

    Args:
        cluster: The hosts, joined.
        run: Folder of the run, on the first host; None on the others.
        config: The configuration, the same on all.
        model: The network; changed in place. Only that of the first host counts.
        source: What it is trained on, the same on all.
        folder: The user's folder in it, or None.
        dev: Development signers of that folder, from `fitting.training_part`; None for those of the world.
        first: Epochs that are finished; what the first host says counts.
        say: Told one line at a time what happens.
        watch: Further Keras callbacks.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite, or training diverges.
        RunError: If hosts differ in configuration, data or weights, one is gone, the disk fails or memory is short.
        KeyboardInterrupt: If somebody asked to stop.
    """
    with noticed("before the first step"):
        check_same(cluster, config, model, source, folder)
        first = cluster.numbers(first)[0]
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        variables = [*model.weights, *model.optimizer.variables]
        for variable, value in zip(variables, cluster.from_first(variables), strict=True):
            variable.assign(value)
    if first >= config.train.epochs:
        return
    monitor = None if run is None else _monitor(config, model, source, dev)
    drawing = share_drawing(cluster, config, model, source)
    with contextlib.closing(drawing), interrupt_between_steps() as interrupted, explained(drawing, model, config):
        if run is None:
            watch = [_Watch(config, cluster.hosts.index, interrupted)]
        else:
            watch = [Journal(run, config, drawing=drawing, interrupted=interrupted, monitor=monitor, say=say), *watch]
        _loop(cluster, config, model, drawing, first, watch)


def check_same(cluster: Cluster, config: RunConfig, model: Any, source: Source, folder: Folder | None) -> None:
    """Raise if the hosts would not train the same network on the same batches in the same way.

    Raises:
        RunError: If so; every host raises it.
    """
    import tensorflow as tf

    from synth.streams import ENGINE

    parts = {
        "configuration": config.to_dict(),
        "versions": [keras.__version__, tf.__version__, ENGINE],
        "data": [
            source.n_signers,
            folder.provenance.digest if folder else "",
            len(folder.source.rows) if folder else 0,
        ],
        "precision (set train.precision)": keras.config.dtype_policy().name,
        "network": [list(weight.shape) for weight in model.weights],
    }
    differ = [name for name, part in parts.items() if not cluster.agree(_digest(json.dumps(part).encode()))]
    if differ:
        raise RunError(f"the hosts differ in: {', '.join(differ)}; start the same command on each, on the same data")


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:7], "big")


def _monitor(config: RunConfig, model: Any, source: Source, dev: Source | None) -> Any:
    """Return what looks at development signers, if the run wants that."""
    if not config.train.looks:
        return None
    from .monitor import Monitor

    return Monitor(config, source, dev=dev, sequences=len(model.inputs[0].shape) == 3)


def share_drawing(cluster: Cluster, config: RunConfig, model: Any, source: Source) -> Drawing:
    """Return what draws this host's rows of every batch."""
    hosts = cluster.hosts
    return Drawing(
        config,
        sequences=len(model.inputs[0].shape) == 3,
        source=source,
        plan=shared(planner(config, source), hosts),
        n_images=images_per_step(config) // hosts.count,
        augment_as=lambda number: number * hosts.count + hosts.index,
    )


def build_step(cluster: Cluster, config: RunConfig, model: Any, source: Source) -> Callable[[Any, Any], Any]:
    """Return one step of training: this host's images and labels in, the loss of the whole batch out."""
    import tensorflow as tf

    gradients = build_gradients(cluster, config, model, source)

    @tf.function
    def step(seen: Any, labels: Any) -> Any:
        loss, found = gradients(seen, labels)
        model.optimizer.apply(found, model.trainable_variables)
        return loss

    return step


def build_gradients(cluster: Cluster, config: RunConfig, model: Any, source: Source) -> Callable[[Any, Any], Any]:
    """Return a function from this host's images and labels to the loss and the gradients of the whole batch."""
    import tensorflow as tf

    weights = class_weights(config, source).pairs
    table = None if weights is None else tf.constant([weights[0], weights[1]], tf.float32)

    def gradients(seen: Any, labels: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            predicted = tf.cast(model(seen, training=True), tf.float32)
            all_predicted, all_labels = cluster.whole([predicted, tf.cast(labels, tf.float32)])
            weighed = None if table is None else tf.gather(table, tf.cast(all_labels[:, 0], tf.int32))
            # every host computes the whole loss, so what the loss itself learns gets its share from each
            loss = model.loss(all_labels, steeper(all_predicted, cluster.hosts.count), weighed)
            penalty = tf.add_n(model.losses) / cluster.hosts.count if model.losses else 0.0
            scaled = model.optimizer.scale_loss(loss / cluster.hosts.count + penalty)
        found = tape.gradient(scaled, model.trainable_variables)
        sums = iter(cluster.total([part for part in found if part is not None]))
        return loss, [None if part is None else next(sums) for part in found]

    return gradients


def _loop(cluster: Cluster, config: RunConfig, model: Any, drawing: Drawing, first: int, watch: list[Any]) -> None:
    """Train epoch by epoch; the callbacks are told what `fit` would tell them."""
    epochs, steps = config.train.epochs, config.train.steps_per_epoch
    told = keras.callbacks.CallbackList(watch, model=model, epochs=epochs, steps=steps, verbose=0)
    step = build_step(cluster, config, model, drawing.source)
    batches = iter(training_stream(config, first * steps, epochs * steps, drawing=drawing))
    model.stop_training = False
    told.on_train_begin()
    for epoch in range(first, epochs):
        told.on_epoch_begin(epoch)
        losses: list[float] = []
        for number in range(steps):
            told.on_train_batch_begin(number)
            batch = next(batches)
            with noticed(f"in step {number} of epoch {epoch + 1}"):
                losses.append(float(step(*batch)))
            told.on_train_batch_end(number, {"loss": float(np.mean(losses))})
        with noticed(f"at the end of epoch {epoch + 1}"):
            level(cluster, model, epoch + 1)
        told.on_epoch_end(epoch, {"loss": float(np.mean(losses))})
        with noticed(f"after epoch {epoch + 1}"):
            if cluster.numbers(int(model.stop_training))[0]:
                break
    told.on_train_end()


def level(cluster: Cluster, model: Any, epoch: int) -> None:
    """Average what each host keeps for itself, and make sure that all else is equal on all hosts.

    Args:
        cluster: The hosts.
        model: The network.
        epoch: For the message, from 1.

    Raises:
        RunError: If trained weights differ.
    """
    own = model.non_trainable_weights
    for variable, value in zip(own, cluster.mean([variable.value for variable in own]), strict=True):
        variable.assign(value)
    trained = b"".join(np.asarray(weight).tobytes() for weight in model.trainable_weights)
    if not cluster.agree(_digest(trained)):
        raise RunError(f"the hosts' weights differ after epoch {epoch}; start the same command on every host again")


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """What a host that writes nothing does between steps: stops a run that broke or was interrupted.

    Args:
        config: The configuration.
        index: Of the host: what is random in the network differs from host to host.
        interrupted: Set once somebody asked to stop.
    """

    def __init__(self, config: RunConfig, index: int, interrupted: threading.Event) -> None:
        super().__init__()
        self.config, self.index, self.interrupted = config, index, interrupted
        self.first_loss = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Give what is random in the network its state of this epoch."""
        reseed(self.model, self.config.train.seed + (self.index << 32), epoch)
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop if asked to, or if the loss is no number or has run away."""
        if self.interrupted.is_set():
            raise KeyboardInterrupt
        check_loss(float(logs["loss"]), self.first_loss, step=batch, epoch=self.epoch + 1, config=self.config)
        self.first_loss = self.first_loss or float(logs["loss"])
