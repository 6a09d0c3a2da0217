"""Elastic embeddings: unit vectors whose comparison forgives small shifts, checked against plain loops."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from models.elastic import ElasticEmbedding, elastic_layer
from models.losses_elastic import Elastic

ROWS, COLUMNS, CHANNELS, WHOLE = 4, 6, 3, 5


def embed(rng, n, reach=(1, 2), whole_weight=0.1):
    layer = ElasticEmbedding(reach, whole_weight)
    whole = rng.standard_normal((n, WHOLE)).astype(np.float32)
    local = rng.standard_normal((n, ROWS, COLUMNS, CHANNELS)).astype(np.float32)
    return layer, np.asarray(layer([whole, local]))


def plain(layer, a, b):
    """The definition, place by place."""
    unit = [v[:WHOLE] / np.linalg.norm(v[:WHOLE]) for v in (a, b)]
    maps = [v[WHOLE:].reshape(ROWS, COLUMNS, CHANNELS).astype(np.float64) for v in (a, b)]
    weights = [(m**2).sum(-1) for m in maps]
    turned = [m / np.sqrt(w + 0.1 / (2 * ROWS * COLUMNS))[..., None] for m, w in zip(maps, weights, strict=True)]
    means = []
    for one, other in ((0, 1), (1, 0)):
        total = 0.0
        for r in range(ROWS):
            for c in range(COLUMNS):
                rows = range(max(0, r - layer.reach[0]), min(ROWS, r + layer.reach[0] + 1))
                columns = range(max(0, c - layer.reach[1]), min(COLUMNS, c + layer.reach[1] + 1))
                best = max(turned[one][r, c] @ turned[other][y, x] for y in rows for x in columns)
                total += weights[one][r, c] * best
        means.append(total / weights[one].sum())
    return layer.whole_weight * (unit[0] @ unit[1]) + (1 - layer.whole_weight) * np.mean(means)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), up=st.integers(0, 4), side=st.integers(0, 6))
def test_similarity_is_the_best_match_in_the_window_averaged_over_the_places(seed, up, side):
    layer, vectors = embed(np.random.default_rng(seed), 4, (up, side))
    found = np.asarray(layer.similarity(vectors[:2], vectors[2:]))
    np.testing.assert_allclose(found, [plain(layer, vectors[i], vectors[i + 2]) for i in range(2)], atol=1e-5)
    np.testing.assert_allclose(found, layer.similarity(vectors[2:], vectors[:2]), atol=1e-6)
    assert (np.abs(found) <= 1.0 + 1e-6).all()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_a_wider_reach_never_makes_two_signatures_less_alike(seed):
    scores = []
    for reach in ((0, 0), (1, 1), (2, 3), (4, 6)):
        layer, vectors = embed(np.random.default_rng(seed), 4, reach)
        scores.append(np.asarray(layer.similarity(vectors[:2], vectors[2:])))
    assert (np.diff(scores, axis=0) >= -1e-6).all()


def test_a_stroke_that_moved_within_reach_is_found_and_one_beyond_it_is_not():
    layer = ElasticEmbedding((0, 2), 0.0)
    whole, here = np.ones((1, WHOLE), np.float32), np.zeros((1, ROWS, COLUMNS, CHANNELS), np.float32)
    here[0, 1, 1, 0] = 1.0
    first = layer([whole, here])
    near, far = (layer([whole, np.roll(here, shift, axis=2)]) for shift in (2, 3))
    np.testing.assert_allclose(layer.similarity(first, near), layer.similarity(first, first), atol=1e-6)
    np.testing.assert_allclose(layer.similarity(first, far), 0.0, atol=1e-6)


def test_joined_vectors_have_length_one_and_half_of_it_is_the_whole():
    _, vectors = embed(np.random.default_rng(0), 3)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose((vectors[:, :WHOLE] ** 2).sum(axis=1), 0.5, atol=1e-6)


def learned(rng, reach=(1, 2), units=4, n=4):
    """Return a layer whose evidence is as strong as training could make it, and joined vectors."""
    layer = ElasticEmbedding(reach, 0.1, evidence=units)
    whole = rng.standard_normal((n, WHOLE)).astype(np.float32)
    vectors = np.asarray(layer([whole, rng.standard_normal((n, ROWS, COLUMNS, CHANNELS)).astype(np.float32)]))
    layer.evidence.set_weights([rng.standard_normal(w.shape).astype(np.float32) for w in layer.evidence.get_weights()])
    return layer, vectors


def plain_with_evidence(layer, a, b):
    """The definition, place by place: every match judged by three dense layers."""
    (k0, b0, k1, b1, k2, b2), total = layer.evidence.get_weights(), 0.0
    maps = [v[WHOLE:].reshape(ROWS, COLUMNS, CHANNELS).astype(np.float64) for v in (a, b)]
    units = [v[:WHOLE] / np.linalg.norm(v[:WHOLE]) for v in (a, b)]
    cells = ROWS * COLUMNS
    everywhere = [(r, c) for r in range(ROWS) for c in range(COLUMNS)]
    for one, other in ((maps[0], maps[1]), (maps[1], maps[0])):
        weight, beyond = (one**2).sum(-1) * cells, (other**2).sum(-1) * cells
        turned = [m / np.sqrt((m**2).sum(-1) + 0.05 / cells)[..., None] for m in (one, other)]
        place, cosine, moved = {}, np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS, 2))
        for r, c in everywhere:
            window = [p for p in everywhere if np.all(np.abs(np.subtract(p, (r, c))) <= layer.reach)]
            place[r, c] = max(window, key=lambda p: turned[0][r, c] @ turned[1][p])
            cosine[r, c] = turned[0][r, c] @ turned[1][place[r, c]]
            moved[r, c] = np.subtract(place[r, c], (r, c)) / np.maximum(layer.reach, 1)
        apart = moved - (weight[..., None] * moved).sum((0, 1)) / weight.sum()
        judged = np.zeros((ROWS, COLUMNS))
        for r, c in everywhere:
            here = slice(max(r - 1, 0), r + 2), slice(max(c - 1, 0), c + 2)
            seen = weight[here].mean() + 0.05
            near = [(weight[here] * of[here]).mean() / seen for of in (cosine, apart[..., 0], apart[..., 1])]
            first, second = turned[0][r, c], turned[1][place[r, c]]
            numbers = [weight[r, c] ** 0.5, beyond[place[r, c]] ** 0.5, cosine[r, c], *moved[r, c], *near]
            numbers += list(np.abs(apart[r, c] - near[1:]))
            x = np.concatenate([np.abs(first - second), first * second, numbers])
            x = np.maximum(np.maximum(x @ k0 + b0, 0) @ k1 + b1, 0) @ k2 + b2
            judged[r, c] = cosine[r, c] + 0.5 * np.tanh(0.6 * x[0])
        total += 0.5 * (weight * judged).sum() / weight.sum()
    return layer.whole_weight * (units[0] @ units[1]) + (1 - layer.whole_weight) * total


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), up=st.integers(0, 3), side=st.integers(0, 4))
def test_evidence_is_what_three_layers_make_of_every_match(seed, up, side):
    layer, vectors = learned(np.random.default_rng(seed), (up, side))
    found = np.asarray(layer.similarity(vectors[:2], vectors[2:]))
    np.testing.assert_allclose(
        found, [plain_with_evidence(layer, vectors[i], vectors[i + 2]) for i in (0, 1)], atol=1e-4
    )
    np.testing.assert_allclose(found, layer.similarity(vectors[2:], vectors[:2]), atol=1e-5)
    assert (np.abs(found) <= 1.5).all()


def test_before_training_evidence_hardly_says_anything():
    for seed in range(5):
        layer = ElasticEmbedding((1, 2), 0.1, evidence=8, seed=seed)
        plain_layer, vectors = embed(np.random.default_rng(seed), 4)
        layer.build(((None, WHOLE), (None, ROWS, COLUMNS, CHANNELS)))
        pair = vectors[:2], vectors[2:]
        np.testing.assert_allclose(layer.similarity(*pair), plain_layer.similarity(*pair), atol=0.05)


def test_evidence_trains_with_the_loss_and_with_everything_below_it():
    import tensorflow as tf

    layer, vectors = learned(np.random.default_rng(1), n=15)
    _, _, labels = batch(np.random.default_rng(1))
    loss, z = elastic_loss(), tf.Variable(vectors)
    alone = float(loss.call(labels, vectors))
    loss.compare_by(layer)
    with tf.GradientTape() as tape:
        value = loss.call(labels, z)
    assert float(value) != pytest.approx(alone, rel=1e-3)
    for slope in tape.gradient(value, [z, *(weight.value for weight in layer.trainable_weights)]):
        assert np.isfinite(slope.numpy()).all()
        assert np.abs(slope.numpy()).max() > 0


def batch(rng, groups=3, genuine=3, forged=2):
    layer, vectors = embed(rng, groups * (genuine + forged))
    labels = [(slot, kind) for slot in range(groups) for kind in [1] * genuine + [0] * forged]
    return layer, vectors, np.array(labels, np.float32)


def elastic_loss(**options):
    return Elastic((WHOLE, ROWS, COLUMNS, CHANNELS), (1, 2), 3, 2, **options)


def test_the_loss_equals_its_plain_definition():
    layer, vectors, labels = batch(np.random.default_rng(3))
    loss = elastic_loss()
    whole = models.losses.SupervisedContrastive(0.1).call(labels, vectors[:, :WHOLE] * np.sqrt(2))
    groups = [0.0, 0.0, 0.0]
    counts, surprise, n_surprise = [0, 0, 0], 0.0, 0
    logit = lambda i, j: loss.scale * plain(layer, vectors[i], vectors[j]) + loss.bias  # noqa: E731
    for g in range(3):
        members = range(5 * g, 5 * g + 5)
        for i in members:
            for j in members:
                kinds = labels[i, 1] + labels[j, 1]
                if i < j and kinds == 2:
                    groups[0], counts[0] = groups[0] + np.logaddexp(0, -logit(i, j)), counts[0] + 1
                elif i < j and kinds == 1:
                    groups[1], counts[1] = groups[1] + np.logaddexp(0, logit(i, j)), counts[1] + 1
                if i != j and kinds == 2:
                    rest = np.array([logit(i, k) for k in members if k != i])
                    surprise += np.log(np.exp(rest).sum()) - logit(i, j)
                    n_surprise += 1
        groups[2], counts[2] = groups[2] + np.logaddexp(0, logit(5 * g, 5 * ((g - 1) % 3))), counts[2] + 1
    parts = [total / n for total, n in zip(groups, counts, strict=True)]
    expected = float(whole) + parts[0] + 0.7 * parts[1] + 0.3 * parts[2] + surprise / n_surprise
    assert float(loss.call(labels, vectors)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_gradients_stay_finite_in_sixteen_bits(dtype):
    import tensorflow as tf

    _, vectors, labels = batch(np.random.default_rng(4))
    z = tf.Variable(tf.cast(vectors, dtype))
    with tf.GradientTape() as tape:
        value = elastic_loss().call(labels, z)
    assert np.isfinite(tf.cast(tape.gradient(value, z), "float32").numpy()).all()


def test_refusals_name_the_way_out():
    with pytest.raises(ValueError, match="such as"):
        ElasticEmbedding((-1, 2))
    with pytest.raises(ValueError, match="from 0 to 1"):
        ElasticEmbedding(whole_weight=2.0)
    with pytest.raises(ValueError, match="-1 units is none; use 1 or more"):
        ElasticEmbedding(evidence=-1)
    with pytest.raises(ValueError, match="too small"):
        Elastic(genuine=1)
    _, vectors, labels = batch(np.random.default_rng(5))
    with pytest.raises(ValueError, match="change genuine or forgeries"):
        Elastic((WHOLE, ROWS, COLUMNS, CHANNELS), (1, 2), 2, 2).call(labels, vectors)
    layer, _ = embed(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="have length"):
        layer.similarity(vectors[:, 1:], vectors[:, 1:])


def test_a_saved_network_compares_as_before(tmp_path):
    model = models.build("resnet_elastic", image_shape=(48, 72, 1), embedding_dim=8, seed=0)
    assert elastic_layer(models.build("resnet_small", image_shape=(48, 96, 1), embedding_dim=8, seed=0)) is None
    trained = elastic_layer(model).evidence
    trained.set_weights([w + 0.1 for w in trained.get_weights()])
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras", safe_mode=True)
    x = np.random.default_rng(0).random((4, 48, 72, 1), dtype=np.float32)
    e = np.asarray(model.predict_on_batch(x))
    layer, loaded = elastic_layer(model), elastic_layer(again)
    assert loaded.evidence.units == layer.evidence.units == 24
    assert loaded.shape == layer.shape == (8, 6, 9, 24)
    np.testing.assert_allclose(loaded.similarity(e[:2], e[2:]), layer.similarity(e[:2], e[2:]), atol=1e-6)
