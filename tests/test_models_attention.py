"""Attention layers: shape, what each may change, agreement with plain NumPy, saving."""

import keras
import numpy as np
import pytest

import models
from models.attention import KINDS, attend
from models.layers import SinePositions
from models.sequence import MaskedMean, NotPadding
from models.token_attention import AttentionPooling, GridSelfAttention, SelfAttention

LAYERS = [kind for kind in KINDS if kind != "none"]


def maps(seed=0, shape=(2, 6, 10, 32)):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def attended(kind, x, seed=0):
    ink = keras.Input(x.shape[1:])
    return keras.Model(ink, attend(ink, kind, seed=seed, name="look"))


@pytest.mark.parametrize("kind", LAYERS)
def test_attention_keeps_the_shape_and_changes_the_maps(kind):
    x = maps()
    y = np.asarray(attended(kind, x)(x))
    assert y.shape == x.shape
    assert not np.allclose(x, y)


@pytest.mark.parametrize(("kind", "same"), [("se", (1, 2)), ("spatial", (3,))])
def test_a_weight_is_the_same_over_places_or_over_channels_and_between_0_and_1(kind, same):
    x = maps()
    weights = np.asarray(attended(kind, x)(x)) / x
    np.testing.assert_allclose(weights, weights.mean(axis=same, keepdims=True) * np.ones_like(x), rtol=1e-3)
    assert 0 < weights.min() <= weights.max() < 1


def test_no_attention_is_no_layer():
    x = maps()
    assert len(attended("none", x).layers) == 1


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def test_self_attention_equals_the_plain_sums_and_looks_at_no_padding():
    rng = np.random.default_rng(1)
    x, valid = rng.normal(0, 1, (2, 7, 8)).astype(np.float32), np.ones((2, 7, 1), np.float32)
    valid[0, 4:] = 0
    layer = SelfAttention(seed=3, heads=2)
    y = np.asarray(layer([x, valid]))
    wq, wk, wv, wo = (np.asarray(p.kernel) for p in layer.projections)
    expected = np.zeros_like(x)
    for h in range(2):
        part = slice(4 * h, 4 * h + 4)
        logits = (x @ wq)[..., part] @ (x @ wk)[..., part].transpose(0, 2, 1) / 2.0
        logits = np.where(valid[:, None, :, 0] > 0, logits, -np.inf)
        expected[..., part] = softmax(logits, 2) @ (x @ wv)[..., part]
    np.testing.assert_allclose(y, expected @ wo, atol=1e-5)


def test_grid_attention_averages_large_maps_before_it_looks():
    layer = GridSelfAttention(seed=0, heads=2, most_keys=16)
    layer.build((None, 12, 12, 8))
    assert layer.shrink.pool_size == (3, 3)
    assert layer(maps(shape=(1, 12, 12, 8))).shape == (1, 12, 12, 8)


def test_attention_pooling_does_not_mind_the_order_of_tokens():
    x = maps(shape=(2, 9, 16))
    pool = AttentionPooling(seed=0, views=3)
    y = np.asarray(pool(x))
    assert y.shape == (2, 48)
    np.testing.assert_allclose(np.asarray(pool(x[:, ::-1])), y, atol=1e-5)


def test_sine_positions_differ_everywhere_on_a_line_and_on_a_grid():
    for layer, n in ((SinePositions(), 40), (SinePositions((5, 8)), 40)):
        pattern = np.asarray(layer(np.zeros((1, n, 16), np.float32)))[0]
        apart = np.linalg.norm(pattern[:, None] - pattern[None], axis=-1) + np.eye(n)
        assert apart.min() > 1e-2
        assert np.abs(pattern).max() <= 1.0


def test_padding_is_what_is_all_zero_and_counts_for_nothing_in_the_mean():
    rows = np.array([[[1, 0], [0, 0], [0, 3]], [[0, 0]] * 3], np.float32)
    valid = NotPadding()(rows)
    np.testing.assert_array_equal(np.asarray(valid)[..., 0], [[1, 0, 1], [0, 0, 0]])
    np.testing.assert_allclose(np.asarray(MaskedMean()([rows, valid])), [[0.5, 1.5], [0, 0]])


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", LAYERS)
def test_attention_loads_safely_under_another_name_and_precision(kind, policy, tmp_path):
    x = maps()
    usual = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(policy)
        model = attended(kind, x)
    finally:
        keras.config.set_dtype_policy(usual)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(
        np.asarray(keras.ops.cast(loaded(x), "float32")), np.asarray(keras.ops.cast(model(x), "float32")), atol=1e-5
    )
    assert all(w.path.startswith(("look", "float32", "model")) or "look" in w.path for w in model.weights)


@pytest.mark.parametrize("kind", LAYERS)
def test_inner_layers_of_one_shape_start_differently(kind):
    kernels = [np.asarray(w) for w in attended(kind, maps()).trainable_weights if len(w.shape) > 1]
    for i, a in enumerate(kernels):
        assert all(a.shape != b.shape or not np.array_equal(a, b) for b in kernels[i + 1 :])


def test_an_unknown_attention_is_answered_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"unknown attention 'cbma'; did you mean 'cbam'\? use one of: none, se"):
        models.build("resnet10", image_shape=(32, 32, 1), seed=0, attention="cbma")


def test_heads_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="tokens of length 8 cannot be shared by 3 heads"):
        SelfAttention(seed=0, heads=3)(np.zeros((1, 4, 8), np.float32))
