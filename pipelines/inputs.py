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

from .config import RunConfig
from .sampling import draw_batch
from .splits import split_world

PREFETCH = 6


class Drawing:
    """What tf.data's threads call: batch numbers in, images and labels out, until it is closed.

    Args:
        config: The run.
    """

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        self.world, self.signers = World(config.world.seed), split_world(config.world).train
        self.closed = threading.Event()
        self.busy = 0
        self.lock = threading.Lock()

    def __call__(self, number: np.int64) -> tuple[Any, Any]:
        """Return the images and labels of a batch, or empty paper once closed."""
        train, batch = self.config.train, self.config.batch
        with self.lock:
            self.busy += 1
        try:
            if self.closed.is_set():
                blank = np.full((batch.images, train.height, train.width), 255, dtype=np.uint8)
                return blank, np.zeros((batch.images, 2), dtype=np.int32)
            return draw_batch(self.world, self.signers, batch, int(number), height=train.height, width=train.width)
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
        Pairs of ink, float32 ``(n, height, width, 1)`` in [0, 1], and labels, int32 ``(n, 2)``.
    """
    import tensorflow as tf

    draw = drawing or Drawing(config)
    height, width, n = config.train.height, config.train.width, config.batch.images

    def load(number: Any) -> tuple[Any, Any]:
        images, labels = tf.numpy_function(draw, [number], [tf.uint8, tf.int32])
        images, labels = tf.ensure_shape(images, (n, height, width)), tf.ensure_shape(labels, (n, 2))
        ink = (255.0 - tf.cast(images, tf.float32)) / 255.0  # the same as preprocess.to_ink
        return ink[..., tf.newaxis], labels

    parallel = threads or os.cpu_count() or 1
    return (
        tf.data.Dataset.range(first, last).map(load, num_parallel_calls=parallel, deterministic=True).prefetch(PREFETCH)
    )
