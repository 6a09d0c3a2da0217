"""Muon for networks with convolutions: a step of equal size in every direction a kernel can turn."""

from typing import Any

import keras
from keras import ops

_LONG = 3
"""Sides of a matrix, the longer over the shorter, from which its square is the cheaper one to iterate on."""


@keras.saving.register_keras_serializable(package="paraph")
class Muon(keras.optimizers.Muon):
    """Keras's Muon, which moves matrices, extended to the kernels of convolutions; AdamW moves the rest.

    A kernel counts as a matrix from all that one place sees (rows, columns and channels in) to the channels out.
    Kernels that see one channel only, as of a first layer or a depthwise one, stay with AdamW, as do scales, offsets
    and biases.

    Source:
        Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks", with convolutions flattened as
        there; Liu et al. (2025), "Muon is scalable for LLM training", section 2.2, for the size of a step, by which a
        rate and a decay that suit AdamW suit Muon; Zhang et al. (2026), "Gram Newton-Schulz", for iterating on the
        square of a long matrix. Differs: without restarts, which float32 does not need.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        if len(variable.shape) > 2:
            return bool(min(variable.shape[-2:]) == 1)
        return bool(super()._should_use_adamw(variable))

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        towards = ops.add(gradient, self.momentum * m) if self.nesterov else ops.convert_to_tensor(m)
        flat = ops.reshape(towards, (-1, variable.shape[-1]))
        update = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(flat, self.ns_steps))
        self.assign_sub(variable, ops.reshape(update, variable.shape))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return a matrix with the directions of `x` and lengths near 1, shape ``(n, m)`` as `x`.

        Keras's iteration, carried out on ``x.T @ x`` where `x` is so long that this takes fewer multiplications; of
        a kernel of 3 x 3 that sees as many channels as it makes, less than half.

        Args:
            x: The matrix, float32, shape ``(n, m)``.
            steps: Iterations.
        """
        if max(x.shape) < _LONG * min(x.shape):
            return super().zeropower_via_newtonschulz5(x, steps)
        if x.shape[0] < x.shape[1]:
            return ops.transpose(self.zeropower_via_newtonschulz5(ops.transpose(x), steps))
        x = x / (ops.norm(x) + 1e-7)
        square = ops.transpose(x) @ x
        turn = ops.eye(x.shape[1], dtype=x.dtype)
        for _ in range(steps):
            factor = self.muon_a * ops.eye(x.shape[1], dtype=x.dtype) + self.muon_b * square
            factor = factor + self.muon_c * square @ square
            turn, square = turn @ factor, square @ (factor @ factor)
        return x @ turn
