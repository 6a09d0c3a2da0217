"""One call of Keras `fit` over a run's stream: what surrounds it, what stops it, what it is told when it breaks."""

import contextlib
import shutil
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .checkpoints import read_log, writing
from .class_weights import class_weights
from .config import RunConfig
from .files import write_json
from .inputs import Drawing, images_per_step, training_stream
from .preprocess import to_ink
from .real_data import Folder, hold_out
from .runs import Run, RunError
from .sources import MixedSource, Source

Say = Callable[[str], None]
_CACHED_STEPS = 5


def fit(
    run: Run,
    config: RunConfig,
    model: Any,
    source: Source,
    dev: Source | None,
    *,
    first: int,
    last: int,
    say: Say,
    watch: list[Any],
) -> None:
    """Train a compiled network from an epoch to another, or until something stops it.

    Args:
        run: Its folder.
        config: Its configuration.
        model: The network; changed in place.
        source: What it is trained on.
        dev: Development signers of the user's folder, from `training_part`; None for those of the world.
        first: Epochs that are finished.
        last: Epochs that are finished then; after the run's last the input is measured.
        say: Told one line at a time what happens.
        watch: Further Keras callbacks.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite, or training diverges.
        RunError: If the disk fails, or a batch does not fit into memory.
        KeyboardInterrupt: If somebody asked to stop.
    """
    from .callbacks import Events, Journal
    from .monitor import Monitor

    settings = config.train
    sequences = len(model.inputs[0].shape) == 3
    monitor = None
    if settings.looks:
        monitor = Monitor(config, source, dev=dev, sequences=sequences)
    with writing(run):
        drawing = Drawing(
            config, sequences=sequences, source=source, cache_folder=run / f"cache/{settings.height}x{settings.width}"
        )
    steps = settings.steps_per_epoch
    stream = training_stream(config, first * steps, last * steps, drawing=drawing)
    with (
        contextlib.closing(drawing),
        interrupt_between_steps() as interrupted,
        writing(run),  # the cache
        explained(drawing, model, config),
    ):
        journal = Journal(run, config, drawing=drawing, interrupted=interrupted, monitor=monitor, say=say)
        model.fit(
            stream,
            initial_epoch=first,
            epochs=last,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            class_weight=class_weights(config, source).pairs,
            callbacks=[journal, *([Events(run)] if settings.tensorboard else []), *watch],
        )
    if last == settings.epochs:
        measure_input(run, config, model, drawing, journal.gaps, say)
    shutil.rmtree(run / "cache", ignore_errors=True)


def training_part(source: Source, folder: Folder | None, config: RunConfig, say: Say) -> tuple[Source, Source | None]:
    """Return what to train on, and development signers of the user's folder if some are wanted and can be spared.

    Network, class weights and batches have to be made of what this returns: it numbers the signers anew.
    """
    if folder is None or not config.train.looks:
        return source, None
    train, dev = hold_out(folder.source, config)
    words = "synthetic signers" if dev is None else f"{dev.n_signers} signers of the folder kept apart"
    say(f"development errors are of {words}")
    if dev is None or not isinstance(source, MixedSource):
        return (source if dev is None else train), dev
    return MixedSource(source.parts[0], train, source.share), dev


@contextlib.contextmanager
def explained(drawing: Drawing, model: Any, config: RunConfig) -> Iterator[None]:
    """Turn TensorFlow's errors into what really happened: an error while drawing, or too little memory."""
    import tensorflow as tf

    from .training_memory import advice

    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        if drawing.fault is not None:
            raise drawing.fault from error
        raise RunError(advice(model, config)) from error
    except tf.errors.OpError as error:
        if drawing.fault is not None:
            raise drawing.fault from error
        raise


@contextlib.contextmanager
def interrupt_between_steps() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event that the next step's end obeys; a second one stops at once.

    Raised just anywhere, an interruption can be swallowed by a clean-up inside a library, or cut a file short.
    """
    asked = threading.Event()

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's business
        yield asked
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def measure_input(run: Run, config: RunConfig, model: Any, drawing: Drawing, gaps: list[float], say: Say) -> None:
    """Say how long input kept training waiting, and how fast the same step is on a batch that lies ready.

    `input.json` holds the figures. The network and its optimizer are put back as they were.

    Args:
        run: Its folder, with a log.
        config: Its configuration.
        model: The trained network, still compiled.
        drawing: What it was fed by, closed by now.
        gaps: Seconds from each step to the next in training.
        say: Told one line.
    """
    import keras

    class Ticks(keras.callbacks.Callback):  # type: ignore[misc]
        """Notes when each step ended."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.at: list[float] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.at.append(time.perf_counter())

    variables = [*model.variables, *model.optimizer.variables]
    before, ticks = [np.array(variable) for variable in variables], Ticks()
    weights = class_weights(config, drawing.source).pairs
    ready = ready_batch(config, drawing).repeat(_CACHED_STEPS + 1)
    model.fit(ready, shuffle=False, verbose=0, callbacks=[ticks], class_weight=weights)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)
    images, waits = images_per_step(config), [float(row["input_wait"]) for row in read_log(run, config.train.epochs)]
    cached = images * _CACHED_STEPS / (ticks.at[-1] - ticks.at[0])
    found = {"cached_images_per_s": round(cached, 1), "input_wait": round(statistics.fmean(waits), 4)}
    # the first one still warms up; the last epoch's lie nearest to what they are compared with
    if latest := gaps[1:][-max(1, config.train.steps_per_epoch - 1) :]:
        live = images / statistics.fmean(latest)
        found |= {"live_images_per_s": round(live, 1), "live_over_cached": round(live / cached, 3)}
        say(
            f"{live:.0f} images/s, {cached:.0f} on a batch that lies ready (ratio {live / cached:.2f}); "
            f"waiting for input {100 * found['input_wait']:.1f} % of the time"
        )
    with writing(run):
        write_json(run / "input.json", found)


def ready_batch(config: RunConfig, drawing: Drawing) -> Any:
    """Return batch 0 as a ``tf.data.Dataset`` of one element, arranged as the training stream arranges it."""
    import tensorflow as tf

    images, labels = drawing.draw(0)
    seen = images if drawing.sequences else to_ink(images)
    if config.inputs.stream == "pairs":
        return tf.data.Dataset.from_tensors(((seen[0::2], seen[1::2]), labels[:, None]))
    return tf.data.Dataset.from_tensors((seen, labels))
