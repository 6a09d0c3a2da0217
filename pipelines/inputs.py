"""tf.data around the plans of `grouping`: drawn in parallel threads, in order, ahead of the trainer.

`fit` gets exactly the planned signatures, whatever the number of threads: a batch depends on its number alone.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .batch_cache import DiskCache, MemoryCache
from .config import RunConfig
from .drawing import TURN
from .grouping import Plan, number_signers, plan_classification, plan_signers, plan_trials, plan_triplets
from .settings import CLOSED_SET_LOSSES
from .sources import Source, WorldSource
from .splits import split_world, training_world
from .trajectories import FEATURES, act_features


def planner(config: RunConfig, source: Source) -> Callable[[int], Plan]:
    """Return what plans batch after batch of a run's stream.

    A stream of pairs or triplets has half or a third as many of them as the batch settings have images.
    """
    batch, inputs = config.batch, config.inputs
    if inputs.stream == "classification":
        return lambda number: plan_classification(source, batch.images, number)
    if inputs.stream == "pairs":
        pairs = max(2, batch.images // 2)
        return lambda number: plan_trials(source, pairs, batch, number, shares=inputs.pair_shares)
    if inputs.stream == "triplets":
        triplets = max(1, batch.images // 3)
        return lambda number: plan_triplets(source, triplets, batch, number, shares=inputs.pair_shares[1:])
    plan = number_signers if config.train.loss in CLOSED_SET_LOSSES else plan_signers
    return lambda number: plan(source, batch, number)


def images_per_step(config: RunConfig) -> int:
    """Return how many images one step takes."""
    n = config.batch.images
    return {"pairs": 2 * max(2, n // 2), "triplets": 3 * max(1, n // 3)}.get(config.inputs.stream, n)


class Drawing:
    """What tf.data's threads call: batch numbers in, images and labels out, until it is closed.

    Args:
        config: The run.
        sequences: Whether the network takes trajectories instead of images.
        source: Where signatures come from; the training signers of the run's world if left out.
        plan: What goes into batch `number`; that of the run's stream if left out.
        n_images: How many images a batch has; that of the run's stream if left out.
        cache_folder: For a cache on the disk.
        augment: A recipe of augmentation; that of the run if left out.
        augment_as: From a batch's number to the one that seeds its augmentation; the same if left out.

    Attributes:
        fault: The first error while drawing, or None; tf.data hands on its text only.
        begun: When the first batch was asked for, by `time.monotonic`, or None.
        finished: When each batch was drawn, by the same clock.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        sequences: bool = False,
        source: Source | None = None,
        plan: Callable[[int], Plan] | None = None,
        n_images: int | None = None,
        cache_folder: Path | None = None,
        augment: str | None = None,
        augment_as: Callable[[int], int] | None = None,
    ) -> None:
        self.config, self.sequences = config, sequences
        self.dtype = np.dtype(np.float32 if sequences else np.uint8)
        self.source = source or WorldSource(training_world(config.world), split_world(config.world).train)
        self.plan = plan or planner(config, self.source)
        self.augment = config.train.augment if augment is None else augment
        self.augment_as = augment_as or int
        self.images = n_images or images_per_step(config)
        self.label_shape = self.plan(0).labels.shape
        self.cache = _cache(config, cache_folder)
        self.closed = threading.Event()
        self.fault: Exception | None = None
        self.begun: float | None = None
        self.finished: dict[int, float] = {}
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example: ``(height, width)``, or ``(samples, features)`` for a network on trajectories."""
        train = self.config.train
        return (train.samples, len(FEATURES)) if self.sequences else (train.height, train.width)

    def __call__(self, number: np.int64) -> tuple[Any, Any]:
        """Return the images (or trajectories) and labels of a batch, or empty paper once closed."""
        with self.lock:
            self.begun = time.monotonic() if self.begun is None else self.begun
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
        try:
            if self.closed.is_set():
                blank = np.full((self.images, *self.shape), 0 if self.sequences else 255, dtype=self.dtype)
                return blank, np.zeros(self.label_shape, dtype=np.int32)
            made = self._cached(int(number))
            self.finished[int(number)] = time.monotonic()
            return made
        except Exception as error:
            self.fault = self.fault or error
            raise
        finally:
            with self.lock:
                self.busy -= 1

    def _cached(self, number: int) -> tuple[Any, Any]:
        if self.cache is None:
            return self.draw(number)
        number %= self.config.train.steps_per_epoch
        found = self.cache.get(number)
        if found is None:
            found = self.draw(number)
            self.cache.put(number, found)
        return found

    def draw(self, number: int) -> tuple[Any, Any]:
        """Return the images and labels of a batch, drawn now.

        Raises:
            ValueError: If a number is not finite.
        """
        with TURN:
            items, labels, groups = self.plan(number)
        train = self.config.train
        if not self.sequences:
            size: dict[str, Any] = {"height": train.height, "width": train.width}
            how: dict[str, Any] = {
                "recipe": train.preprocessing,
                "augment": self.augment,
                "groups": groups,
                "number": self.augment_as(number),
            }
            return self.source.draw(items, **size, **how), labels
        drawn = act_features(items, samples=train.samples)
        if not np.isfinite(drawn).all():
            raise ValueError(f"batch {number} holds numbers that are not finite (NaN); a trajectory is broken")
        return drawn, labels

    def close(self, *, settle_s: float = 0.5, limit_s: float = 20.0) -> None:
        """Stop drawing and wait until no thread of tf.data is in here any more.

        An iterator that is destroyed while its threads run Python code hangs or aborts the process.
        """
        self.closed.set()
        quiet_since = begun = time.monotonic()
        while time.monotonic() - quiet_since < settle_s and time.monotonic() - begun < limit_s:
            time.sleep(0.02)
            if self.busy:
                quiet_since = time.monotonic()


def _cache(config: RunConfig, folder: Path | None) -> MemoryCache | DiskCache | None:
    if config.inputs.cache == "disk":
        if folder is None:
            raise ValueError("inputs.cache is 'disk', and no folder was given for it; use 'memory'")
        return DiskCache(folder)
    return MemoryCache() if config.inputs.cache == "memory" else None


def training_stream(
    config: RunConfig, first: int, last: int, *, threads: int | None = None, drawing: Drawing | None = None
) -> Any:
    """Return a ``tf.data.Dataset`` of batches `first` to `last - 1`.

    Args:
        config: The run.
        first: Number of the first batch, so that a resumed run goes on where it stopped.
        last: One past the number of the last batch.
        threads: How many batches are drawn at once; as configured, or else the number of cores.
        drawing: Draws the batches; give one to be able to close it before the end.

    Returns:
        Pairs of ink, float32 ``(n, height, width, 1)`` in [0, 1], or of trajectories, float32 ``(n, samples,
        features)``, and labels, int32 ``(n, 2)``. A stream of pairs has reference and questioned ink apart, and labels
        ``(n, 1)``: 1 = genuine.
    """
    draw = drawing or Drawing(config)
    stream = _stream(config, draw, first, last, threads)
    if config.inputs.stream != "pairs":
        return stream
    return stream.map(lambda ink, labels: ((ink[0::2], ink[1::2]), labels[:, None]))


def trial_stream(
    config: RunConfig, source: Source, first: int, last: int, *, n: int, n_references: int, threads: int | None = None
) -> Any:
    """Return a ``tf.data.Dataset`` of n trials at a time, to score or to look at; nothing trains on it.

    Args:
        config: Sizes, and shares of the kinds of trials.
        source: Where signatures come from, such as development signers.
        first: Number of the first batch.
        last: One past the number of the last.
        n: Trials in a batch, 2 or above.
        n_references: For each trial.
        threads: How many batches are drawn at once.

    Returns:
        References ``(n, n_references, height, width, 1)`` and questioned ink ``(n, height, width, 1)``, and labels,
        int32 ``(n,)``: 1 = genuine.
    """
    import tensorflow as tf

    def plan(number: int) -> Plan:
        shares = config.inputs.pair_shares
        return plan_trials(source, n, config.batch, number, n_references=n_references, shares=shares)

    draw = Drawing(config, source=source, plan=plan, n_images=n * (n_references + 1), augment="none")

    def arrange(ink: Any, labels: Any) -> Any:
        rows = tf.reshape(ink, (n, n_references + 1, *draw.shape, 1))
        return (rows[:, :-1], rows[:, -1]), labels

    return _stream(config, draw, first, last, threads).map(arrange)


def _stream(config: RunConfig, draw: Drawing, first: int, last: int, threads: int | None) -> Any:
    import tensorflow as tf

    def load(number: Any) -> tuple[Any, Any]:
        # stateless, which it is: else TensorFlow draws one batch at a time where operations must be deterministic
        images, labels = tf.numpy_function(draw, [number], [tf.as_dtype(draw.dtype), tf.int32], stateful=False)
        images = tf.ensure_shape(images, (draw.images, *draw.shape))
        labels = tf.ensure_shape(labels, draw.label_shape)
        if draw.sequences:
            return images, labels
        ink = (255.0 - tf.cast(images, tf.float32)) / 255.0  # the same as preprocess.to_ink
        return ink[..., tf.newaxis], labels

    parallel = threads or config.inputs.threads or os.cpu_count() or 1
    numbers = tf.data.Dataset.range(first, last)
    return numbers.map(load, num_parallel_calls=parallel, deterministic=True).prefetch(config.inputs.prefetch)
