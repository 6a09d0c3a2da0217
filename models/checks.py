"""The contract of a network, as one function: ``check_model(builder)`` raises at the first law it breaks.

``python -m models.checks NAME ...`` checks registered names in a process of its own, so that a crash inside
a native kernel ends that process and not the caller's.
"""

import argparse
import itertools
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .registry import Builder, check_arguments, find

_Array = NDArray[Any]


def check_model(builder: Builder, *, image_shape: tuple[int, int, int] = (48, 96, 1), embedding_dim: int = 16) -> None:
    """Raise unless a builder keeps the contract that training and verification rely on.

    Nothing is left on disk. A network that crashes a native kernel ends the process: run networks that are
    not trusted yet through ``python -m models.checks NAME``.

    Args:
        builder: A function of ``image_shape``, ``embedding_dim`` and ``seed`` that returns a Keras model.
        image_shape: Height, width and channels of the images to try, in pixels.
        embedding_dim: Length of the embeddings to try.

    Raises:
        AssertionError: If the network breaks a law; the message names it.
        ValueError: If ``image_shape`` or ``embedding_dim`` is out of range.
    """
    check_arguments(image_shape=image_shape, embedding_dim=embedding_dim, seed=0)

    def make(seed: int) -> keras.Model:
        return builder(image_shape=image_shape, embedding_dim=embedding_dim, seed=seed)

    model = make(0)
    images = np.random.default_rng(0).random((6, *image_shape), dtype=np.float32)
    _check_output(model, images, embedding_dim)
    _check_seeds(model, make)
    _check_kernels_differ(model)
    _check_batches(model, images)
    _check_extreme_images(model, images)
    _check_training_step(model, images)
    _check_saving(model, images)  # after the step, so that what the step changed must survive as well


def _check_output(model: keras.Model, images: _Array, embedding_dim: int) -> None:
    output = model(images, training=False)
    dtype = keras.backend.standardize_dtype(output.dtype)
    _require(
        tuple(output.shape) == (len(images), embedding_dim),
        f"the output has shape (batch, embedding_dim): {(len(images), embedding_dim)}, not {output.shape}",
    )
    _require(dtype == "float32", f"the output is float32, not {dtype}")
    lengths = np.linalg.norm(_embed(model, images), axis=1)
    _require(
        bool(np.allclose(lengths, 1.0, atol=1e-3)),
        f"embeddings have length 1, not {lengths.min():.4g} to {lengths.max():.4g}; end with L2Normalize",
    )


def _check_seeds(model: keras.Model, make: Any) -> None:
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


def _check_extreme_images(model: keras.Model, images: _Array) -> None:
    for word, ink in (("blank", 0.0), ("full-ink", 1.0)):
        finite = np.isfinite(_embed(model, np.full_like(images[:2], ink))).all()
        _require(bool(finite), f"a {word} image has a finite embedding")


def _check_training_step(model: keras.Model, images: _Array) -> None:
    before = [_numbers(weight).copy() for weight in model.trainable_weights]
    targets = np.random.default_rng(1).standard_normal((len(images), *model.output_shape[1:]))
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="mse", jit_compile=False)
    loss = model.train_on_batch(images, targets.astype(np.float32))
    _require(bool(np.isfinite(loss)), f"a training step has a finite loss, not {loss}")
    for weight, old in zip(model.trainable_weights, before, strict=True):
        new = _numbers(weight)
        _require(bool(np.isfinite(new).all()), f"a training step keeps weights finite: {weight.path} is not")
        _require(
            not np.array_equal(new, old),
            f"a training step changes every trainable weight: {weight.path} stayed; "
            "join it to the output, or drop a bias that a normalisation cancels",
        )


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
    parser.add_argument("names", nargs="+", metavar="NAME", help="a registered name, such as resnet_small")
    for name in parser.parse_args(arguments).names:
        try:
            check_model(find(name))
        except (AssertionError, ValueError) as error:
            parser.exit(2, f"{name}: {error}\n")
        print(f"{name}: keeps the contract")


if __name__ == "__main__":
    main()
