"""The fused batch normalisation computes what Keras's does, forwards, backwards and in what it remembers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from models import normalization
from models.normalization import BatchNormalization
from models.registry import build

MAPS = st.tuples(st.integers(1, 5), st.integers(1, 7), st.integers(1, 7), st.integers(1, 9))


def twins(shape: tuple[int, ...], seed: int, **options: object) -> tuple[BatchNormalization, keras.Layer]:
    """Return our layer and Keras's, with the same weights, some of them away from their start."""
    rng = np.random.default_rng(seed)
    ours, theirs = BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    for layer in (ours, theirs):
        layer.build((None, *shape[1:]))
    n = shape[-1]
    weights = [rng.normal(1, 0.3, n), rng.normal(0, 1, n), rng.normal(0, 1, n), rng.uniform(0.5, 2, n)]
    for layer in (ours, theirs):
        layer.set_weights([value.astype(np.float32) for value in weights[-len(layer.weights) :]])
    return ours, theirs


def step(layer: keras.Layer, maps: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
    """Return a training call's output and the gradients of maps, scale and offset."""
    x = tf.constant(maps)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * wanted)
    sources = [x, *(variable.value for variable in layer.trainable_variables)]
    return [np.asarray(value) for value in (y, *tape.gradient(loss, sources))]


@given(shape=MAPS, seed=st.integers(0, 2**31), momentum=st.sampled_from([0.5, 0.95]), offset=st.floats(-3, 3))
def test_a_training_step_is_that_of_keras(shape, seed, momentum, offset):
    rng = np.random.default_rng(seed)
    maps = rng.normal(offset, 1.5, shape).astype(np.float32)
    wanted = rng.normal(size=shape).astype(np.float32)
    ours, theirs = twins(shape, seed, momentum=momentum)
    for found, expected in zip(step(ours, maps, wanted), step(theirs, maps, wanted), strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-4 * max(1.0, float(np.abs(expected).max())))
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(ours(maps), theirs(maps), atol=1e-5)


def test_the_one_operation_is_what_training_runs_and_nothing_else_is():
    ours, _ = twins((2, 4, 4, 3), 0)

    def operations(training: bool) -> set[str]:
        graph = tf.function(lambda x: ours(x, training=training)).get_concrete_function(tf.TensorSpec((2, 4, 4, 3)))
        return {operation.type for operation in graph.graph.get_operations()}

    assert "FusedBatchNormV3" in operations(True)
    assert "FusedBatchNormV3" not in operations(False)
    ours.trainable = False
    assert "FusedBatchNormV3" not in operations(True)


@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"axis": 1}, {"renorm": True}])
def test_what_the_one_operation_cannot_do_is_left_to_keras(options):
    maps = np.random.default_rng(0).normal(size=(3, 4, 4, 4)).astype(np.float32)
    ours, theirs = twins(maps.shape, 0, **options) if "renorm" not in options else (None, None)
    if ours is None:
        ours, theirs = BatchNormalization(**options), keras.layers.BatchNormalization(**options)
    np.testing.assert_array_equal(ours(maps, training=True), theirs(maps, training=True))


@pytest.mark.parametrize("as_they_are", [True, False])
def test_sixteen_bit_maps_are_normalised_in_thirty_two(monkeypatch, as_they_are):
    if not as_they_are:  # as where the operation refuses them: oneDNN's without AVX-512
        monkeypatch.setattr(normalization, "_takes", lambda dtype: dtype == "float32")
    rng = np.random.default_rng(0)
    maps, wanted = rng.normal(100, 4, (4, 6, 6, 2)).astype(np.float32), rng.normal(size=(4, 6, 6, 2)).astype(np.float32)
    ours, theirs = twins(maps.shape, 0, dtype="mixed_bfloat16")
    assert ours(maps, training=True).dtype == theirs(maps, training=True).dtype == tf.bfloat16
    for found, expected in zip(step(ours, maps, wanted), step(theirs, maps, wanted), strict=True):
        np.testing.assert_allclose(found, expected, atol=0.03 * np.abs(expected).max())
    for found, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_saved_network_has_it_and_a_copy_does_the_same(tmp_path):
    model = build("resnet_small", image_shape=(32, 64, 1), embedding_dim=8, seed=0)
    assert any(isinstance(layer, BatchNormalization) for layer in model.layers)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    ink = np.random.default_rng(0).random((2, 32, 64, 1), dtype=np.float32)
    np.testing.assert_array_equal(model(ink), again(ink))
