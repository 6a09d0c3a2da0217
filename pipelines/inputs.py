"""tf.data around the batches of `sampling`: drawn in parallel threads, in order, ahead of the trainer.

`fit` gets exactly what `sampling.draw_batch` returns, whatever the number of threads: a batch depends on its
number alone.
"""

import os
from typing import Any

import numpy as np

from synth import World

from .config import RunConfig
from .sampling import draw_batch
from .splits import split_world

PREFETCH = 6


def training_stream(config: RunConfig, first: int, last: int, *, threads: int | None = None) -> Any:
    """Return a ``tf.data.Dataset`` of batches `first` to `last - 1`.

    Args:
        config: The run.
        first: Number of the first batch, so that a resumed run goes on where it stopped.
        last: One past the number of the last batch.
        threads: How many batches are drawn at once; the number of cores if left out.

    Returns:
        Pairs of ink, float32 ``(n, height, width, 1)`` in [0, 1], and labels, int32 ``(n, 2)``.
    """
    import tensorflow as tf

    world, signers = World(config.world.seed), split_world(config.world).train
    height, width, n = config.train.height, config.train.width, config.batch.images

    def draw(number: np.int64) -> tuple[Any, Any]:
        batch = draw_batch(world, signers, config.batch, int(number), height=height, width=width)
        return batch.images, batch.labels

    def load(number: Any) -> tuple[Any, Any]:
        images, labels = tf.numpy_function(draw, [number], [tf.uint8, tf.int32])
        images, labels = tf.ensure_shape(images, (n, height, width)), tf.ensure_shape(labels, (n, 2))
        ink = (255.0 - tf.cast(images, tf.float32)) / 255.0  # the same as preprocess.to_ink
        return ink[..., tf.newaxis], labels

    parallel = threads or os.cpu_count() or 1
    return (
        tf.data.Dataset.range(first, last).map(load, num_parallel_calls=parallel, deterministic=True).prefetch(PREFETCH)
    )
