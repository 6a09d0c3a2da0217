"""What the registered networks cost: parameters, multiply-adds counted from the graph, images per second here."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .trajectories import FEATURES

IMAGE_SHAPE = (96, 192, 1)


class Cost(NamedTuple):
    """One network's size and speed.

    Attributes:
        name: Registered name.
        parameters: How many numbers its weights are.
        multiply_adds: Of one image (or trajectory), in convolutions and matrix products.
        per_second: Images (or trajectories) embedded a second on this machine.
        embedding_dim: Length of an embedding.
        input_shape: What goes in.
    """

    name: str
    parameters: int
    multiply_adds: int
    per_second: float
    embedding_dim: int
    input_shape: tuple[int, ...]


def costs(
    names: Sequence[str] | None = None, *, embedding_dim: int = 256, told: Callable[[str], None] = lambda name: None
) -> list[Cost]:
    """Return size and speed of registered networks, images being 96 x 192.

    Args:
        names: Which; all if left out.
        embedding_dim: Length of the embeddings.
        told: Hears each name when it is done.
    """
    import keras

    import models

    from . import building  # noqa: F401  (quiets TensorFlow's log)

    found = []
    for name in names or models.names():
        takes = models.find_spec(name).takes
        shape: dict[str, Any] = {"image_shape": (*IMAGE_SHAPE,)}
        if takes == "sequence":
            shape = {"sequence_shape": (256, len(FEATURES))}
        model = models.build(name, embedding_dim=embedding_dim, seed=0, **shape)
        found.append(cost_of(model, name))
        told(name)
        keras.backend.clear_session()
    return found


def cost_of(model: Any, name: str) -> Cost:
    """Return the size and speed of a model."""
    shape = tuple(model.input_shape[1:])
    return Cost(
        name, model.count_params(), multiply_adds(model), _per_second(model), int(model.output_shape[-1]), shape
    )


def multiply_adds(model: Any) -> int:
    """Return the multiply-adds of one input, counted over the operations of the model's inference graph.

    Convolutions and matrix products are counted; normalisations, activations and poolings are not, as is usual.

    Args:
        model: A Keras model with one input.

    Raises:
        ValueError: If an operation's shape is not known before it runs.
    """
    import tensorflow as tf

    spec = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32)
    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(spec).graph
    return sum(_of_operation(operation) for operation in graph.get_operations())


def _of_operation(operation: Any) -> int:
    """Return outputs times what is summed for each of them."""
    kind = operation.type
    if kind not in ("Conv2D", "DepthwiseConv2dNative", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"):
        if kind in ("Einsum", "Conv3D", "StatefulPartitionedCall", "PartitionedCall"):
            raise ValueError(f"operation {operation.name} is a {kind}, which is not counted")
        return 0
    out, right = operation.outputs[0].shape, operation.inputs[1].shape
    if not (out.is_fully_defined() and right.is_fully_defined()):
        raise ValueError(f"operation {operation.name} has the shapes {out} and {right}, not known before it runs")
    outputs = int(np.prod(out.as_list()))
    if kind == "Conv2D":
        return outputs * int(np.prod(right.as_list()[:3]))
    if kind == "DepthwiseConv2dNative":
        return outputs * int(np.prod(right.as_list()[:2]))
    transposed = operation.get_attr("transpose_b" if kind == "MatMul" else "adj_y")
    return outputs * int(right[-1 if transposed else -2])


def _per_second(model: Any, *, batch: int = 16, seconds: float = 0.5) -> float:
    """Return inputs embedded a second, the first call not counted."""
    inputs = np.random.default_rng(0).random((batch, *model.input_shape[1:]), dtype=np.float32)
    model.predict_on_batch(inputs)
    begun, n = time.perf_counter(), 0
    while n == 0 or time.perf_counter() - begun < seconds:
        model.predict_on_batch(inputs)
        n += batch
    return n / (time.perf_counter() - begun)


def table(found: Sequence[Cost]) -> list[tuple[str, ...]]:
    """Return the rows of the table: name, parameters, multiply-adds, inputs per second, embedding size, input."""
    return [
        (
            cost.name,
            f"{cost.parameters / 1e6:.2f} M",
            f"{cost.multiply_adds / 1e6:.0f} M",
            f"{cost.per_second:.0f}",
            str(cost.embedding_dim),
            " x ".join(map(str, cost.input_shape)),
        )
        for cost in found
    ]


HEAD = ("network", "parameters", "multiply-adds", "inputs/s here", "embedding", "input")
