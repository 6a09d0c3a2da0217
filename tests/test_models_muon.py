"""Muon: kernels turn by equal amounts in every direction, all else is AdamW's."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models.muon import Muon
from models.schedules import WarmUpCosine
from pipelines.config import RunConfig, changed
from pipelines.optimizer import build_optimizer, learning_rate, optimizer_name


def moved(shape: tuple[int, ...], gradient: np.ndarray, **options: object) -> np.ndarray:
    """Return what one step adds to a kernel of zeros."""
    kernel = keras.Variable(np.zeros(shape, np.float32), name="kernel")
    Muon(1.0, weight_decay=None, adam_weight_decay=None, **options).apply(
        [keras.ops.convert_to_tensor(gradient)], [kernel]
    )
    return np.array(kernel)


@given(side=st.integers(1, 5), seen=st.integers(2, 12), out=st.integers(2, 24), seed=st.integers(0, 2**31))
def test_a_kernel_moves_by_as_much_in_every_direction_whatever_the_gradients_size(side, seen, out, seed):
    gradient = np.random.default_rng(seed).normal(size=(side, side, seen, out)).astype(np.float32)
    step = moved(gradient.shape, gradient)
    flat, rows = -step.reshape(-1, out), side * side * seen
    if min(rows, out) * 2 <= max(rows, out):  # a nearly square random matrix has directions of almost no length
        sizes = np.linalg.svd(flat, compute_uv=False) / (0.2 * max(rows, out) ** 0.5)
        assert sizes.min() > 0.6
        assert sizes.max() < 1.3
    assert np.sum(flat * gradient.reshape(-1, out)) > 0, "downhill"
    np.testing.assert_allclose(moved(gradient.shape, 1e3 * gradient), step, rtol=1e-3, atol=1e-4)


def test_a_flat_kernel_moves_as_keras_moves_its_matrix():
    gradient = np.random.default_rng(0).normal(size=(3, 3, 4, 8)).astype(np.float32)
    matrix = keras.Variable(np.zeros((36, 8), np.float32), name="matrix")
    theirs = keras.optimizers.Muon(1.0, weight_decay=None, adam_weight_decay=None)
    theirs.apply([keras.ops.reshape(gradient, (36, 8))], [matrix])
    np.testing.assert_allclose(moved(gradient.shape, gradient).reshape(36, 8), np.array(matrix), atol=1e-6)


@given(
    short=st.integers(2, 24),
    times=st.integers(3, 9),
    wide=st.booleans(),
    rank=st.integers(1, 24),
    seed=st.integers(0, 99),
)
def test_iterating_on_the_square_of_a_long_matrix_gives_what_keras_gives(short, times, wide, rank, seed):
    rng = np.random.default_rng(seed)
    long = rng.normal(size=(short * times, min(rank, short))) @ rng.normal(size=(min(rank, short), short))
    matrix = keras.ops.convert_to_tensor((long.T if wide else long).astype(np.float32))
    theirs = keras.optimizers.Muon(1.0).zeropower_via_newtonschulz5(matrix, 5)
    np.testing.assert_allclose(Muon(1.0).zeropower_via_newtonschulz5(matrix, 5), theirs, atol=2e-3)


@pytest.mark.parametrize("name", models.names())
def test_only_matrices_and_kernels_over_several_channels_are_muons(name):
    model, optimizer = models.build(name, embedding_dim=8, seed=0), Muon(0.1)
    muons = [w for w in model.trainable_variables if not optimizer._should_use_adamw(w)]
    assert muons
    for weight in muons:
        assert len(weight.shape) in (2, 3, 4)
        assert min(weight.shape[-2:]) > 1
    for weight in model.trainable_variables:
        if len(weight.shape) == 1:
            assert optimizer._should_use_adamw(weight)


def test_a_first_layer_and_a_depthwise_kernel_step_as_adam_does():
    for shape in ((7, 7, 1, 8), (3, 3, 8, 1)):
        gradient = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(moved(shape, gradient), -np.sign(gradient), atol=1e-3)


def test_a_network_says_which_optimizer_it_is_meant_for_and_a_run_may_choose_another(micro_config: RunConfig):
    elastic = changed(micro_config, ["train.model=resnet_elastic"])
    assert (optimizer_name(elastic), type(build_optimizer(elastic)), learning_rate(elastic)) == ("muon", Muon, 0.016)
    plain = changed(elastic, ["train.optimizer=adamw"])
    assert (type(build_optimizer(plain)), learning_rate(plain)) == (keras.optimizers.AdamW, 0.008)
    small = changed(micro_config, ["train.model=resnet_small"])
    assert optimizer_name(small) == "adamw"
    other = changed(small, ["train.optimizer=muon"])
    assert (type(build_optimizer(other)), learning_rate(other)) == (Muon, learning_rate(small))
    assert learning_rate(changed(elastic, ["train.learning_rate=0.5"])) == 0.5
    with pytest.raises(ValueError, match="'auto', 'adamw' or 'muon'"):
        changed(micro_config, ["train.optimizer=sgd"])


def test_a_saved_one_goes_on_as_if_nothing_had_happened(tmp_path):
    rng = np.random.default_rng(0)
    ink = keras.Input((8, 8, 2))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, name="conv")(ink))
    model = keras.Model(ink, keras.layers.Dense(2)(x))
    model.compile(Muon(0.01), "mse")
    x, y = rng.normal(size=(16, 8, 8, 2)).astype(np.float32), rng.normal(size=(16, 2)).astype(np.float32)
    model.train_on_batch(x, y)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    for each in (model, again):
        each.train_on_batch(x, y)
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(("warmup", "decay", "first"), [(1, 1, 0.0), (7, 30, 0.0), (12, 5, 0.1)])
def test_the_rate_without_a_branch_is_kerass_and_is_kept_with_a_network(warmup: int, decay: int, first: float) -> None:
    arguments = {"alpha": 0.01, "warmup_target": 0.5, "warmup_steps": warmup}
    ours, kerass = (kind(first, decay, **arguments) for kind in (WarmUpCosine, keras.optimizers.schedules.CosineDecay))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ours))
    assert isinstance(again, WarmUpCosine)
    for step in range(warmup + decay + 5):
        assert float(again(step)) == float(ours(step)) == pytest.approx(float(kerass(step)), rel=1e-5, abs=1e-9)
