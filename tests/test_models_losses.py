"""Losses and small layers against plain NumPy, by hand, and under 16-bit inputs."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.layers import L1Distance, L2Normalize, layer_seed
from models.losses import Contrastive, PairLogistic, SupervisedContrastive, WeightedSum
from models.losses_ranking import MultiSimilarity, PairContrastive, Triplet

BATCH_LOSSES = [
    SupervisedContrastive(temperature=0.1),
    SupervisedContrastive(temperature=0.07, forgery_weight=3.0),
    SupervisedContrastive(temperature=0.2, forgery_weight=0.0),
    PairLogistic(scale=12.0, bias=-6.0),
    WeightedSum([SupervisedContrastive(), PairLogistic()], [1.0, 0.5]),
    PairContrastive(margin=0.8, skilled_weight=0.7, random_weight=0.2),
    Triplet(margin=0.4, mining="batch_hard", name="batch_hard"),
    Triplet(margin=0.2, mining="semi_hard", forgery_weight=0.3, name="semi_hard"),
    MultiSimilarity(),
]


def make_batch(seed=0, n_signers=3, n_genuine=4, n_forgeries=2, dim=8):
    rng = np.random.default_rng(seed)
    labels = [(7 * s, g) for s in range(n_signers) for g in [1] * n_genuine + [0] * n_forgeries]
    labels = rng.permutation(np.array(labels, dtype=np.int32))
    embeddings = rng.standard_normal((len(labels), dim))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return labels, embeddings.astype(np.float32)


def supervised_contrastive_numpy(labels, z, temperature, forgery_weight):
    z = z.astype(np.float64)
    anchors = []
    for i, (slot, genuine) in enumerate(labels):
        if not genuine:
            continue
        denominator, positives = 0.0, []
        for j, (other_slot, other_genuine) in enumerate(labels):
            if j == i:
                continue
            own_forgery = other_slot == slot and not other_genuine
            denominator += np.exp(z[i] @ z[j] / temperature) * (forgery_weight if own_forgery else 1.0)
            if other_slot == slot and other_genuine:
                positives.append(z[i] @ z[j] / temperature)
        if positives:
            anchors.append(np.mean([np.log(denominator) - p for p in positives]))
    return np.mean(anchors) if anchors else 0.0


def pair_logistic_numpy(labels, z, loss):
    groups = {"genuine": [], "skilled": [], "random": []}
    z = z.astype(np.float64)
    for i, (slot, genuine) in enumerate(labels):
        for j, (other_slot, other_genuine) in enumerate(labels):
            if j <= i:
                continue
            logit = loss.scale * (z[i] @ z[j]) + loss.bias
            if slot == other_slot and genuine and other_genuine:
                groups["genuine"].append(np.log1p(np.exp(-logit)))
            elif slot == other_slot and genuine != other_genuine:
                groups["skilled"].append(np.log1p(np.exp(logit)))
            elif slot != other_slot and genuine and other_genuine:
                groups["random"].append(np.log1p(np.exp(logit)))
    weights = {"genuine": loss.genuine_weight, "skilled": loss.skilled_weight, "random": loss.random_weight}
    present = [k for k, values in groups.items() if values]
    total = sum(weights[k] for k in present)
    return sum(weights[k] * np.mean(groups[k]) for k in present) / total if total else 0.0


def gradient(loss, labels, embeddings, dtype):
    z = tf.Variable(tf.cast(embeddings, dtype))
    with tf.GradientTape() as tape:
        value = loss(labels, z)
    return float(value), np.asarray(tf.cast(tape.gradient(value, z), tf.float32))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("forgery_weight", [0.0, 1.0, 4.0])
def test_supervised_contrastive_equals_the_plain_sums(seed, forgery_weight):
    labels, z = make_batch(seed)
    expected = supervised_contrastive_numpy(labels, z, 0.1, forgery_weight)
    loss = SupervisedContrastive(temperature=0.1, forgery_weight=forgery_weight)
    assert float(loss(labels, z)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_pair_logistic_equals_the_plain_means(seed):
    labels, z = make_batch(seed)
    loss = PairLogistic(scale=9.0, bias=-4.0, genuine_weight=1.0, skilled_weight=0.7, random_weight=0.2)
    assert float(loss(labels, z)) == pytest.approx(pair_logistic_numpy(labels, z, loss), rel=1e-4)


@pytest.mark.parametrize("groups", [{"n_forgeries": 0}, {"n_signers": 1}, {"n_genuine": 1}, {"n_genuine": 0}])
def test_a_group_without_pairs_counts_for_nothing(groups):
    labels, z = make_batch(**groups)
    pair = PairLogistic()
    assert float(pair(labels, z)) == pytest.approx(pair_logistic_numpy(labels, z, pair), rel=1e-4, abs=1e-7)
    expected = supervised_contrastive_numpy(labels, z, 0.1, 1.0)
    assert float(SupervisedContrastive()(labels, z)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_contrastive_equals_the_numbers_worked_out_by_hand():
    loss = Contrastive(margin=1.0, reduction=None)
    values = np.asarray(loss(np.array([1, 1, 0, 0, 0]), np.array([0.0, 0.6, 0.0, 0.6, 1.5], np.float32)))
    np.testing.assert_allclose(values, [0.0, 0.18, 0.5, 0.08, 0.0], atol=1e-6)


def test_contrastive_takes_columns_as_well_as_rows():
    labels, distance = np.array([1.0, 0.0]), np.array([0.3, 0.4], np.float32)
    assert float(Contrastive()(labels[:, None], distance[:, None])) == float(Contrastive()(labels, distance))


def test_a_weighted_sum_is_the_sum_of_its_weighted_parts():
    labels, z = make_batch()
    parts = [SupervisedContrastive(), PairLogistic()]
    expected = 2.0 * float(parts[0](labels, z)) + 0.5 * float(parts[1](labels, z))
    assert float(WeightedSum(parts, [2.0, 0.5])(labels, z)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", BATCH_LOSSES, ids=lambda loss: loss.name)
def test_the_order_of_a_batch_does_not_matter(loss):
    labels, z = make_batch()
    order = np.random.default_rng(1).permutation(len(labels))
    assert float(loss(labels, z)) == pytest.approx(float(loss(labels[order], z[order])), rel=1e-5)


@pytest.mark.parametrize("loss", BATCH_LOSSES, ids=lambda loss: loss.name)
def test_perfect_embeddings_cost_less_than_forgeries_that_pass(loss):
    labels, _ = make_batch()
    passing = np.eye(8, dtype=np.float32)[labels[:, 0] // 7]
    perfect = np.where(labels[:, 1:] == 1, passing, np.eye(8, dtype=np.float32)[3 + labels[:, 0] // 7])
    if getattr(loss, "forgery_weight", 1.0) > 0:
        assert float(loss(labels, perfect)) < float(loss(labels, passing))


def test_a_step_down_the_gradient_pushes_a_forgery_away_and_pulls_a_genuine_near():
    labels = np.array([[0, 1], [0, 1], [0, 0], [1, 1], [1, 1]], np.int32)
    _, z = make_batch(n_signers=1, n_genuine=5, n_forgeries=0)
    for loss in (SupervisedContrastive(), PairLogistic(), PairContrastive(margin=2.0), Triplet(2.0), MultiSimilarity()):
        _, slope = gradient(loss, labels, z, "float32")
        stepped = z - 1e-3 * slope
        assert stepped[0] @ stepped[1] > z[0] @ z[1]
        assert stepped[0] @ stepped[2] < z[0] @ z[2]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("loss", BATCH_LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("batch", ["usual", "all equal", "one image", "forgeries only", "no forgeries"])
def test_value_and_gradient_are_finite_under_any_dtype(loss, dtype, batch):
    labels, z = make_batch(n_forgeries=0 if batch == "no forgeries" else 2)
    if batch == "all equal":
        z = np.repeat(z[:1], len(z), axis=0)
    if batch == "one image":
        labels, z = labels[:1], z[:1]
    if batch == "forgeries only":
        labels = labels * [1, 0]
    value, slope = gradient(loss, labels, z, dtype)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bit_embeddings_are_compared_in_float32(dtype):
    labels, z = make_batch()
    rounded = tf.cast(tf.cast(z, dtype), tf.float32)
    for loss in BATCH_LOSSES:
        assert float(loss(labels, tf.cast(z, dtype))) == pytest.approx(float(loss(labels, rounded)), rel=1e-6)


@pytest.mark.parametrize("loss", [*BATCH_LOSSES, Contrastive(margin=0.7)], ids=lambda loss: loss.name)
def test_a_loss_survives_serialization(loss):
    stored = keras.saving.serialize_keras_object(loss)
    assert stored["registered_name"] == f"paraph>{type(loss).__name__}"
    again = keras.saving.deserialize_keras_object(stored)
    assert again.get_config() == loss.get_config()
    if not isinstance(loss, Contrastive):
        labels, z = make_batch()
        assert float(again(labels, z)) == float(loss(labels, z))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SupervisedContrastive(temperature=0.0), "temperature is 0.0"),
        (lambda: SupervisedContrastive(temperature=float("nan")), "temperature is nan"),
        (lambda: SupervisedContrastive(forgery_weight=-1.0), "forgery_weight is -1.0"),
        (lambda: PairLogistic(scale=-2.0), "scale is -2.0"),
        (lambda: PairLogistic(bias=float("inf")), "bias is inf"),
        (
            lambda: PairLogistic(genuine_weight=0, skilled_weight=0, random_weight=0),
            "sum of the three weights",
        ),
        (lambda: Contrastive(margin=0), "margin is 0"),
        (lambda: PairContrastive(margin=-1), "margin is -1"),
        (lambda: PairContrastive(random_weight=-1), "random_weight is -1"),
        (lambda: Triplet(margin=0), "margin is 0"),
        (lambda: Triplet(mining="hardest"), "unknown mining 'hardest'; use one of: batch_hard, semi_hard"),
        (lambda: Triplet(forgery_weight=1.5), "forgery_weight is 1.5; it is a share"),
        (lambda: MultiSimilarity(beta=0), "beta is 0"),
        (lambda: MultiSimilarity(base=float("nan")), "base is nan"),
        (lambda: WeightedSum([]), "0 losses"),
        (lambda: WeightedSum([Contrastive()], [1.0, 2.0]), "1 losses with 2 weights"),
        (lambda: L2Normalize(epsilon=0), "epsilon is 0"),
    ],
)
def test_an_argument_out_of_range_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_l2_normalize_gives_float32_unit_vectors_and_finite_gradients_at_zero(dtype):
    inputs = np.array([[3.0, 4.0], [0.0, 0.0], [300.0, -400.0]], np.float32)
    x = tf.Variable(tf.cast(inputs, dtype))
    with tf.GradientTape() as tape:
        y = L2Normalize(dtype=f"mixed_{dtype}" if dtype != "float32" else dtype)(x)
        total = tf.reduce_sum(y)
    assert y.dtype == tf.float32
    np.testing.assert_allclose(y, [[0.6, 0.8], [0.0, 0.0], [0.6, -0.8]], atol=1e-6)
    assert np.isfinite(np.asarray(tf.cast(tape.gradient(total, x), tf.float32))).all()


def test_l1_distance_is_the_absolute_difference_either_way_round():
    a, b = np.array([[1.0, -2.0]], np.float32), np.array([[0.5, 3.0]], np.float32)
    np.testing.assert_array_equal(L1Distance()([a, b]), [[0.5, 5.0]])
    np.testing.assert_array_equal(L1Distance()([b, a]), [[0.5, 5.0]])


def test_a_layer_seed_depends_on_the_seed_and_on_the_name_alone():
    assert layer_seed(0, "conv1") == layer_seed(0, "conv1")
    assert len({layer_seed(seed, name) for seed in (0, 1, 11) for name in ("conv", "1/conv", "conv2")}) == 9
