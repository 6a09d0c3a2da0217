"""The contract of a network, as one function: ``check_model(builder)`` raises at the first law it breaks.

``python -m models.checks NAME ...`` checks registered names in a process of its own, so that a crash inside
a native kernel ends that process and not the caller's.
"""

import argparse
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from .elastic import elastic_layer
from .losses import SupervisedContrastive
from .losses_elastic import Elastic
from .registry import Builder, check_arguments, find, names, spec_of

_Array = NDArray[Any]
_STEPS = 5


class Checked(NamedTuple):
    """What was seen of a network that keeps the contract.

    Attributes:
        parameters: How many numbers its weights are, those that do not train included.
        losses: The loss before each of a few training steps on one batch.
    """

    parameters: int
    losses: tuple[float, ...]


def check_model(
    builder: Builder,
    *,
    image_shape: tuple[int, int, int] = (48, 96, 1),
    sequence_shape: tuple[int, int] = (32, 7),
    embedding_dim: int = 16,
) -> Checked:
    """Raise unless a builder keeps the contract that training and verification rely on.

    Nothing is left on disk. A network that crashes a native kernel ends the process: run networks that are
    not trusted yet through ``python -m models.checks NAME``.

    Args:
        builder: A function of ``image_shape`` (or ``sequence_shape``, if it is registered so), ``embedding_dim``
            and ``seed`` that returns a Keras model.
        image_shape: Height, width and channels of the images to try, in pixels; sides that are too small for the
            network grow to its least.
        sequence_shape: Samples and features of the trajectories to try.
        embedding_dim: Length of the embeddings to try.

    Returns:
        How many parameters it has, and its losses over a few steps.

    Raises:
        AssertionError: If the network breaks a law; the message names it.
        ValueError: If ``image_shape`` or ``embedding_dim`` is out of range.
    """
    check_arguments(image_shape=image_shape, embedding_dim=embedding_dim, seed=0)
    spec = spec_of(builder)
    if spec.takes == "sequence":
        shape: tuple[int, ...] = (max(sequence_shape[0], spec.smallest), sequence_shape[1])
    else:
        shape = (max(image_shape[0], spec.smallest), max(image_shape[1], spec.smallest), image_shape[2])

    def make(seed: int) -> keras.Model:
        return builder(**{f"{spec.takes}_shape": shape}, embedding_dim=embedding_dim, seed=seed)

    model = make(0)
    inputs = _examples(shape)
    _check_stem(model)
    _check_output(model, inputs, embedding_dim)
    _check_seeds(model, make, inputs)
    _check_kernels_differ(model)
    _check_batches(model, inputs)
    _check_extremes(model, inputs, takes=spec.takes)
    losses = _check_training(model, inputs)
    _check_saving(model, inputs)  # after the steps, so that what they changed must survive as well
    return Checked(model.count_params(), losses)


def _examples(shape: tuple[int, ...], n: int = 6) -> _Array:
    """Return patterns that differ as signatures do: coarse patches of ink, or smooth movements."""
    rng = np.random.default_rng(0)
    if len(shape) == 2:
        return np.cumsum(0.3 * rng.standard_normal((n, *shape)), axis=1).astype(np.float32)
    coarse = (rng.random((n, -(-shape[0] // 8), -(-shape[1] // 8), shape[2])) < 0.4).astype(np.float32)
    fine = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, : shape[0], : shape[1]]
    return np.asarray(fine * rng.uniform(0.7, 1.0, fine.shape), dtype=np.float32)


def _check_stem(model: keras.Model) -> None:
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Conv2D) and max(layer.kernel_size) == 1 and max(layer.strides) > 1:
            seen = layer.kernel.shape[2]
            _require(
                seen >= 8,
                f"a strided 1 x 1 convolution comes after a stem of 8 channels: {layer.name} sees {seen}; its gradient "
                "crashes TensorFlow on CPUs with 1 to 3 channels",
            )


def _check_output(model: keras.Model, images: _Array, embedding_dim: int) -> None:
    output = model(images, training=False)
    dtype = keras.backend.standardize_dtype(output.dtype)
    elastic = elastic_layer(model)  # its map comes after the vector of the whole
    length = embedding_dim if elastic is None else output.shape[-1]
    _require(
        tuple(output.shape) == (len(images), length) and (elastic is None or elastic.whole == embedding_dim),
        f"the output has shape (batch, embedding_dim): {(len(images), embedding_dim)}, not {output.shape}",
    )
    _require(dtype == "float32", f"the output is float32, not {dtype}")
    lengths = np.linalg.norm(_embed(model, images), axis=1)
    _require(
        bool(np.allclose(lengths, 1.0, atol=1e-3)),
        f"embeddings have length 1, not {lengths.min():.4g} to {lengths.max():.4g}; end with L2Normalize",
    )


def _check_seeds(model: keras.Model, make: Callable[[int], keras.Model], inputs: _Array) -> None:
    with _policy("mixed_bfloat16"):
        other = make(1)  # built between two models of one seed, and drawing from Keras's global stream as well
    keras.layers.Dense(3).build((None, 3))
    again = make(0)
    for first, second in zip(model.weights, again.weights, strict=True):
        _require(
            bool(np.array_equal(_numbers(first), _numbers(second))),
            f"the same seed gives the same weights, whatever was built in between: {first.path} differs; "
            "give its initializer a seed",
        )
    _require(
        any(
            not np.array_equal(_numbers(first), _numbers(second))
            for first, second in zip(model.weights, other.weights, strict=True)
        ),
        "another seed gives other weights; hand the seed to the initializers",
    )
    other.set_weights(model.get_weights())
    cosines = (_embed(model, inputs) * _embed(other, inputs)).sum(axis=1)
    _require(
        bool(cosines.min() > 0.98),
        f"bfloat16 gives nearly the embeddings of float32: their cosine is {cosines.min():.3f}, not above 0.98",
    )
    loss = _one_step(other, inputs)
    _require(bool(np.isfinite(loss)), f"a training step in bfloat16 has a finite loss, not {loss}")


@contextmanager
def _policy(name: str) -> Iterator[None]:
    usual = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(name)
        yield
    finally:
        keras.config.set_dtype_policy(usual)


def _check_kernels_differ(model: keras.Model) -> None:
    kernels = [weight for weight in model.trainable_weights if len(weight.shape) > 1]
    for first, second in itertools.combinations(kernels, 2):
        if tuple(first.shape) == tuple(second.shape):
            _require(
                not np.array_equal(_numbers(first), _numbers(second)),
                f"two layers of equal shape start with different weights: {first.path} and {second.path} "
                "are equal; use layer_seed(seed, layer_name)",
            )


def _check_batches(model: keras.Model, images: _Array) -> None:
    together = _embed(model, images)
    turned = _embed(model, images[::-1])[::-1]
    alone = np.concatenate([_embed(model, image[None]) for image in images])
    law = "an embedding does not depend on the {} of its batch at inference"
    _require(bool(np.allclose(together, turned, atol=1e-4)), law.format("order"))
    _require(bool(np.allclose(together, alone, atol=1e-4)), law.format("other images"))


def _check_extremes(model: keras.Model, inputs: _Array, *, takes: str) -> None:
    words = ("blank", "full-ink") if takes == "image" else ("empty", "constant")
    for word, value in zip(words, (0.0, 1.0), strict=True):
        finite = np.isfinite(_embed(model, np.full_like(inputs[:2], value))).all()
        _require(bool(finite), f"a {word} {takes} has a finite embedding")


def _check_training(model: keras.Model, inputs: _Array) -> tuple[float, ...]:
    before = [_numbers(weight).copy() for weight in model.trainable_weights]
    losses = [_one_step(model, inputs)]
    _require(bool(np.isfinite(losses[0])), f"a training step has a finite loss, not {losses[0]}")
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = _numbers(weight)
        _require(bool(np.isfinite(new).all()), f"a training step keeps weights finite: {weight.path} is not")
        _require(
            not np.array_equal(new, old),
            f"a training step changes every trainable weight: {weight.path} stayed; "
            "join it to the output, or drop a bias that a normalisation cancels",
        )
    losses += [_one_step(model, inputs) for _ in range(_STEPS - 1)]
    _require(
        losses[-1] < losses[0],
        f"{_STEPS} training steps on one batch lower its loss: it went from {losses[0]:.4g} to {losses[-1]:.4g}",
    )
    return tuple(losses)


def _one_step(model: keras.Model, inputs: _Array) -> float:
    """Return the loss of a training step on examples of which two in a row are of one signer; the step is made."""
    if not model.compiled:
        eager = keras.backend.backend() == "tensorflow"  # tracing takes several times longer than a few steps
        adam, loss, elastic = keras.optimizers.Adam(1e-3), SupervisedContrastive(), elastic_layer(model)
        if elastic is not None:  # its comparison has weights of its own, which only a loss on pairs trains
            loss = Elastic(elastic.shape, elastic.reach, genuine=2, forgeries=0)
            loss.compare_by(elastic)
        model.compile(optimizer=adam, loss=loss, jit_compile=False, run_eagerly=eager)
    labels = np.array([(i // 2, 1) for i in range(len(inputs))], dtype=np.int32)
    return float(model.train_on_batch(inputs, labels))


def _check_saving(model: keras.Model, images: _Array) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path, compile=False, safe_mode=True)
    _require(
        bool(np.allclose(_embed(model, images), _embed(loaded, images), atol=1e-5)),
        "a saved and loaded model gives the same embeddings",
    )


def _embed(model: keras.Model, images: _Array) -> _Array:
    return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))


def _numbers(weight: Any) -> _Array:
    return np.asarray(keras.ops.convert_to_numpy(weight))


def _require(holds: bool, law: str) -> None:
    if not holds:
        raise AssertionError(f"broken law: {law}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Check registered networks and print a line for each.

    Args:
        arguments: Words of the command line; those of this process if left out.
    """
    parser = argparse.ArgumentParser(prog="python -m models.checks", description="Check registered networks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a registered name, such as resnet_small")
    parser.add_argument("--all", action="store_true", help="every registered name")
    asked = parser.parse_args(arguments)
    wanted = names() if asked.all else asked.names
    if not wanted:
        parser.error("give a NAME or --all")
    for name in wanted:
        try:
            seen = check_model(find(name))
        except (AssertionError, ValueError) as error:
            parser.exit(2, f"{name}: {error}\n")
        first, last = seen.losses[0], seen.losses[-1]
        print(
            f"{name}: keeps the contract ({seen.parameters:,} parameters, loss {first:.3f} to {last:.3f})", flush=True
        )
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
