"""Several GPUs of one machine: Keras `fit` under TensorFlow's `MirroredStrategy`, with losses of the whole batch.

Under a strategy every GPU gets some rows of a batch, and a loss sees only those. A loss that compares signatures
would so lose most of its pairs; `WholeBatch` gives it the rows of all GPUs. Two things stay each GPU's own: statistics
of batch normalisation, and clipping, which Keras does before gradients are summed.
"""

import contextlib
from typing import Any

import keras

from .config import RunConfig
from .hosts import check_shares


def devices() -> list[str]:
    """Return the devices that training is spread over; one or none means that it is not."""
    import tensorflow as tf

    return [device.name for device in tf.config.list_logical_devices("GPU")]


def replicas(config: RunConfig) -> contextlib.AbstractContextManager[Any]:
    """Return the scope in which a network is built or loaded: over all GPUs if there are several.

    Args:
        config: The run.

    Raises:
        ValueError: If they do not divide its batch into whole signers, pairs or triplets.
    """
    found = devices()
    if len(found) < 2:
        return contextlib.nullcontext()
    check_shares(config, len(found), "GPUs")
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(found).scope()


def spread(loss: keras.losses.Loss) -> keras.losses.Loss:
    """Return a loss of the whole batch inside the scope of several GPUs, else the loss itself.

    Binary cross-entropy of pairs stays as it is: it is a mean over pairs, which Keras takes over all GPUs by itself.
    """
    import tensorflow as tf

    alone = tf.distribute.get_strategy().num_replicas_in_sync == 1
    return loss if alone or isinstance(loss, keras.losses.BinaryCrossentropy | WholeBatch) else WholeBatch(loss)


def spread_again(model: Any) -> None:
    """Give a loaded network, which one GPU may have trained so far, the loss that fits the GPUs here."""
    loss = spread(model.loss)
    if loss is not model.loss:
        model.compile(optimizer=model.optimizer, loss=loss, jit_compile=False)


@keras.saving.register_keras_serializable(package="paraph")
class WholeBatch(keras.losses.Loss):  # type: ignore[misc]
    """Compute a loss of the rows of all replicas on each; with one replica it is the loss itself.

    Each replica's gradient reaches its own rows whole, and what the loss itself learns by its share; their sum, which
    the optimizer takes, is that of the whole loss.

    Args:
        loss: Takes labels and predictions of a batch and returns a scalar.
        name: Name of the loss.
        **kwargs: ``reduction`` for ``keras.losses.Loss``; it changes nothing, as ``call`` returns a scalar.
    """

    def __init__(self, loss: Any, name: str = "whole_batch", **kwargs: Any) -> None:
        super().__init__(name=name, **(kwargs | {"dtype": "float32"}))
        self.loss = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of the whole batch.

        Args:
            y_true: Labels of this replica, shape ``(n, k)``.
            y_pred: Predictions of this replica, shape ``(n, d)``.

        Returns:
            A float32 scalar: with n replicas an n-th of the loss, since Keras logs n times what it gets, and yet the
            gradient of the whole loss, since Keras leaves that of a scalar as it is.
        """
        import tensorflow as tf

        here = tf.distribute.get_replica_context()
        n = 1 if here is None else here.num_replicas_in_sync
        if n == 1:
            return self.loss.call(y_true, y_pred)
        y_true, y_pred = (_everywhere(tf.cast(rows, tf.float32), here, n) for rows in (y_true, y_pred))
        return self.loss.call(y_true, steeper(y_pred, n)) / n

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this loss."""
        return {**super().get_config(), "loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WholeBatch":
        """Return the loss of such arguments."""
        return cls(**(config | {"loss": keras.saving.deserialize_keras_object(config["loss"])}))


def steeper(values: Any, times: int) -> Any:
    """Return the same values, whose gradients count so many times."""
    import tensorflow as tf

    return values + (times - 1.0) * (values - tf.stop_gradient(values))


def _everywhere(rows: Any, here: Any, n: int) -> Any:
    """Return the rows of all n replicas, in their order; gradients flow to this replica's only."""
    import tensorflow as tf

    count, place = tf.shape(rows)[0], tf.cast(here.replica_id_in_sync_group, tf.int32)
    padded = tf.pad(rows, [[place * count, (n - 1 - place) * count], [0, 0]])
    sums = here.all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(padded))
    whole = padded + tf.stop_gradient(sums - padded)
    return tf.ensure_shape(whole, (None, rows.shape[-1]))
