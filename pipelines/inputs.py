"""tf.data around the batches of `sampling`: drawn in parallel threads, in order, ahead of the trainer.

`fit` gets exactly what `sampling.draw_batch` returns, whatever the number of threads: a batch depends on its
number alone.
"""

import os
import threading
import time
from typing import Any

import numpy as np

from synth import World

from .config import CLOSED_SET_LOSSES, RunConfig
from .sampling import batch_acts, draw_augmented, draw_batch
from .splits import split_world
from .trajectories import FEATURES, act_features

PREFETCH = 6


class Drawing:
    """What tf.data's threads call: batch numbers in, images and labels out, until it is closed.

    Args:
        config: The run.
        sequences: Whether the network takes trajectories instead of images.
    """

    def __init__(self, config: RunConfig, *, sequences: bool = False) -> None:
        self.config, self.sequences = config, sequences
        self.dtype = np.dtype(np.float32 if sequences else np.uint8)
        self.world, self.signers = World(config.world.seed), split_world(config.world).train
        self.closed = threading.Event()
        self.busy = 0
        self.lock = threading.Lock()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example: ``(height, width)``, or ``(samples, features)`` for a network on trajectories."""
        train = self.config.train
        return (train.samples, len(FEATURES)) if self.sequences else (train.height, train.width)

    def __call__(self, number: np.int64) -> tuple[Any, Any]:
        """Return the images (or trajectories) and labels of a batch, or empty paper once closed."""
        train, batch = self.config.train, self.config.batch
        with self.lock:
            self.busy += 1
        try:
            if self.closed.is_set():
                blank = np.full((batch.images, *self.shape), 0 if self.sequences else 255, dtype=self.dtype)
                return blank, np.zeros((batch.images, 2), dtype=np.int32)
            how: dict[str, Any] = {"height": train.height, "width": train.width}
            how |= {"recipe": train.preprocessing, "augment": train.augment}
            if not self.sequences and train.loss not in CLOSED_SET_LOSSES:
                return draw_batch(self.world, self.signers, batch, int(number), **how)
            acts, labels = batch_acts(self.world, self.signers, batch, int(number))
            slots = labels[:, 0].copy()
            if train.loss in CLOSED_SET_LOSSES:  # the signer's number among all, not the place in the batch
                labels[:, 0] = [act.claimed.index - self.signers.start for act in acts]
            if self.sequences:
                return act_features(acts, samples=train.samples), labels
            return draw_augmented(acts, slots, seed=self.world.seed, number=int(number), **how), labels
        finally:
            with self.lock:
                self.busy -= 1

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


def training_stream(
    config: RunConfig, first: int, last: int, *, threads: int | None = None, drawing: Drawing | None = None
) -> Any:
    """Return a ``tf.data.Dataset`` of batches `first` to `last - 1`.

    Args:
        config: The run.
        first: Number of the first batch, so that a resumed run goes on where it stopped.
        last: One past the number of the last batch.
        threads: How many batches are drawn at once; the number of cores if left out.
        drawing: Draws the batches; give one to be able to close it before the end.

    Returns:
        Pairs of ink, float32 ``(n, height, width, 1)`` in [0, 1], or of trajectories, float32 ``(n, samples,
        features)``, and labels, int32 ``(n, 2)``.
    """
    import tensorflow as tf

    draw = drawing or Drawing(config)
    n = config.batch.images

    def load(number: Any) -> tuple[Any, Any]:
        images, labels = tf.numpy_function(draw, [number], [tf.as_dtype(draw.dtype), tf.int32])
        images, labels = tf.ensure_shape(images, (n, *draw.shape)), tf.ensure_shape(labels, (n, 2))
        if draw.sequences:
            return images, labels
        ink = (255.0 - tf.cast(images, tf.float32)) / 255.0  # the same as preprocess.to_ink
        return ink[..., tf.newaxis], labels

    parallel = threads or os.cpu_count() or 1
    return (
        tf.data.Dataset.range(first, last).map(load, num_parallel_calls=parallel, deterministic=True).prefetch(PREFETCH)
    )
