"""How the rate of learning changes over a run."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="paraph")
class WarmUpCosine(keras.optimizers.schedules.CosineDecay):
    """Keras's cosine with a warm-up, computed without a branch; same arguments, same rates.

    ``warmup_target`` and ``warmup_steps`` must be given.
    An optimizer with weight decay asks for the rate once for every variable, and TensorFlow takes a tenth of a second
    to build each branch: for 55 variables half of the wait for a run's first step.

    Source:
        Loshchilov, Hutter (2017), "SGDR: stochastic gradient descent with warm restarts", eq. 5. Differs: a linear
        warm-up first, one period, and a share ``alpha`` of the rate is left at the end.
    """

    def __call__(self, step: Any) -> Any:
        """Return the rate at a step: from the initial rate up to ``warmup_target``, then down."""
        step = ops.minimum(ops.cast(step, "float32"), self.warmup_steps + self.decay_steps)
        rise = self.initial_learning_rate + (self.warmup_target - self.initial_learning_rate) * step / self.warmup_steps
        swing = 0.5 * (1.0 + ops.cos(math.pi * (step - self.warmup_steps) / self.decay_steps))
        fall = self.warmup_target * (self.alpha + (1.0 - self.alpha) * swing)
        return ops.where(step < self.warmup_steps, rise, fall)
