"""Heads: one direction of scores, saving, and coming off again."""

import keras
import numpy as np
import pytest
from keras import layers

from models.heads import MahalanobisDiagonal, backbone_of, cosine, mahalanobis, multitask, prototypes, siamese, signers
from models.layers import L2Normalize, glorot_uniform
from models.objectives import build_loss

SHAPE, DIM = (16, 24, 1), 6


@pytest.fixture
def backbone():
    ink = keras.Input(SHAPE, name="ink")
    x = layers.Conv2D(8, 5, 4, activation="relu", kernel_initializer=glorot_uniform(0, "conv"), name="conv")(ink)
    x = layers.Dense(DIM, kernel_initializer=glorot_uniform(0, "dense"), name="dense")(layers.Flatten(name="flat")(x))
    return keras.Model(ink, L2Normalize(name="embedding")(x), name="tiny")


def images(n, seed=0):
    return np.random.default_rng(seed).random((n, *SHAPE), dtype=np.float32) ** 3


PAIR_HEADS = [lambda b: siamese(b, seed=0), cosine, mahalanobis]
SIGNER_HEADS = [signers, prototypes, multitask]


@pytest.mark.parametrize("head", PAIR_HEADS, ids=["siamese", "cosine", "mahalanobis"])
def test_a_pair_head_does_not_mind_the_order_and_loads_safely(head, backbone, tmp_path):
    model, (a, b) = head(backbone), (images(5), images(5, 1))
    score = np.asarray(model([a, b]))
    assert score.shape == (5, 1)
    assert score.dtype == np.float32
    np.testing.assert_allclose(score, np.asarray(model([b, a])), atol=1e-6)
    model.save(tmp_path / "pair.keras")
    loaded = keras.saving.load_model(tmp_path / "pair.keras", safe_mode=True)
    np.testing.assert_allclose(score, np.asarray(loaded([a, b])), atol=1e-6)


@pytest.mark.parametrize("head", [cosine, mahalanobis])
def test_an_image_scores_highest_with_itself(head, backbone):
    model, (a, b) = head(backbone), (images(5), images(5, 1))
    assert (np.asarray(model([a, a])) >= np.asarray(model([a, b]))).all()


@pytest.mark.parametrize("head", PAIR_HEADS[::2], ids=["siamese", "mahalanobis"])
def test_a_trained_pair_head_gives_genuine_pairs_the_higher_scores(head, backbone):
    model, (a, b) = head(backbone), (images(16), images(16, 1))
    near = np.clip(a + np.random.default_rng(2).normal(0, 0.02, a.shape).astype(np.float32), 0, 1)
    pairs, labels = [np.concatenate([a, a]), np.concatenate([near, b])], np.repeat([1.0, 0.0], 16)[:, None]
    model.compile(keras.optimizers.Adam(1e-2), "binary_crossentropy", jit_compile=False)
    losses = [float(model.train_on_batch(pairs, labels)) for _ in range(40)]
    assert losses[-1] < losses[0]
    score = np.asarray(model(pairs))[:, 0]
    assert np.median(score[:16]) > np.median(score[16:])


def test_no_weight_of_a_mahalanobis_distance_can_turn_a_difference_into_likeness():
    layer = MahalanobisDiagonal()
    a, b = np.zeros((1, 3), np.float32), np.array([[1, 2, 3]], np.float32)
    assert float(layer([a, b])[0, 0]) == pytest.approx(1.0 - 14.0, abs=1e-4)
    layer.width.assign([-9.0, 0.0, 9.0])
    assert float(layer([a, b])[0, 0]) < float(layer([a, a])[0, 0])


@pytest.mark.parametrize(
    ("head", "loss", "width"),
    [
        (signers, "classification", 4),
        (prototypes, "arcface", 4),
        (prototypes, "cosface", 4),
        (multitask, "signet_f", 5),
    ],
)
def test_a_signer_head_learns_its_batch_saves_and_comes_off(head, loss, width, backbone, tmp_path):
    model, x = head(backbone, 4, seed=0), images(12)
    before = np.asarray(backbone(x))
    assert model.output_shape == (None, width)
    np.testing.assert_array_equal(np.asarray(backbone_of(model)(x)), before)
    labels = np.array([(i % 4, i < 8) for i in range(12)], np.int32)
    model.compile(keras.optimizers.Adam(3e-3), build_loss(loss), jit_compile=False)
    losses = [float(model.train_on_batch(x, labels)) for _ in range(30)]
    assert losses[-1] < 0.9 * losses[0]
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    np.testing.assert_allclose(np.asarray(loaded(x)), np.asarray(model(x)), atol=1e-5)
    bare = backbone_of(loaded)
    assert bare.output_shape == (None, DIM)
    np.testing.assert_allclose(np.asarray(bare(x)), np.asarray(backbone(x)), atol=1e-6)


def test_prototypes_answer_with_cosines(backbone):
    x = images(6)
    model = prototypes(backbone, 5, seed=0)
    kernel = np.asarray(model.get_layer("prototypes").kernel)
    unit = kernel / np.linalg.norm(kernel, axis=0)
    np.testing.assert_allclose(np.asarray(model(x)), np.asarray(backbone(x)) @ unit, atol=1e-5)


def test_a_closed_set_of_one_signer_and_several_inputs_are_refused(backbone):
    for head in SIGNER_HEADS:
        with pytest.raises(ValueError, match="n_signers is 1; there must be at least 2"):
            head(backbone, 1, seed=0)
    with pytest.raises(ValueError, match="the backbone has 2 inputs"):
        cosine(siamese(backbone, seed=0))
