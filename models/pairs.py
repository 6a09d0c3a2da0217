"""What losses on batches share: which pairs there are, their cosines, and checks of arguments."""

from typing import Any

from keras import ops

FAR_BELOW = -1e9
"""A logit that exp turns into 0 and that no subtraction turns into NaN."""


def relations(y_true: Any) -> tuple[Any, Any, Any]:
    """Return what a batch's labels say of its pairs, as 0.0 or 1.0.

    Args:
        y_true: Whole numbers, shape ``(batch, 2)``: signer slot, genuine (1) or forgery (0).

    Returns:
        Same signer ``(batch, batch)``, genuine ``(batch,)`` and not-oneself ``(batch, batch)``.
    """
    labels = ops.cast(y_true, "int32")
    slots, genuine = labels[:, 0], ops.cast(labels[:, 1], "float32")
    same_signer = ops.cast(slots[:, None] == slots[None, :], "float32")
    return same_signer, genuine, 1.0 - ops.eye(ops.shape(labels)[0], dtype="float32")


def cosines(y_pred: Any) -> Any:
    """Return the float32 dot products of all pairs, (batch, batch)."""
    embeddings = ops.cast(y_pred, "float32")
    return ops.matmul(embeddings, ops.transpose(embeddings))


def finite(name: str, value: float) -> float:
    """Return the value of a loss's argument; raise ValueError unless it is a finite number."""
    if not -float("inf") < value < float("inf"):
        raise ValueError(f"{name} is {value!r}; it must be a finite number, such as -5.0")
    return float(value)


def above_zero(name: str, value: float) -> float:
    """Return the value of a loss's argument; raise ValueError unless it is finite and above 0."""
    if not 0 < value < float("inf"):
        raise ValueError(f"{name} is {value!r}; it must be a finite number above 0, such as 0.1")
    return float(value)


def zero_or_more(name: str, value: float) -> float:
    """Return the value of a loss's argument; raise ValueError unless it is finite and not below 0."""
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name} is {value!r}; it must be a finite number from 0 up, such as 1.0")
    return float(value)
