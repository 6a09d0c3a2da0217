"""Elastic similarities in NumPy: what the network's layer says of each pair, whatever is asked together."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.elastic import ElasticEmbedding
from pipelines import elastic_scores as module
from pipelines.elastic_head import ElasticHead
from pipelines.elastic_scores import elastic_scores

ROWS, COLUMNS, CHANNELS, WHOLE = 4, 6, 3, 5


def embedded(seed, n, reach=(1, 2), whole_weight=0.1):
    rng, layer = np.random.default_rng(seed), ElasticEmbedding(reach, whole_weight)
    whole = rng.standard_normal((n, WHOLE)).astype(np.float32)
    local = rng.standard_normal((n, ROWS, COLUMNS, CHANNELS)).astype(np.float32)
    local[0, :2] = 0.0  # half a map without ink
    return layer, np.asarray(layer([whole, local]))


@settings(max_examples=8)
@given(
    seed=st.integers(0, 10_000),
    up=st.integers(0, 4),
    side=st.integers(0, 6),
    weight=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_it_is_the_layers_similarity_of_every_pair(seed, up, side, weight):
    layer, vectors = embedded(seed, 7, (up, side), weight)
    first, second = np.divmod(np.arange(12), 4)
    expected = np.asarray(layer.similarity(vectors[:3][first], vectors[3:][second])).reshape(3, 4)
    found = elastic_scores(layer, vectors[:3], vectors[3:])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(elastic_scores(layer, vectors[3:], vectors[:3]).T, found, atol=2e-6)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 4), (12, 15)])
def test_what_a_layer_has_learnt_of_matches_counts_as_in_the_layer(n, m):
    keras.config.set_dtype_policy("mixed_bfloat16")  # as training leaves it where the processor prefers that
    rng = np.random.default_rng(0)
    layer = ElasticEmbedding((1, 2), evidence=4)
    _, vectors = embedded(0, n + m)
    layer.build(((None, WHOLE), (None, ROWS, COLUMNS, CHANNELS)))
    layer.evidence.set_weights([rng.standard_normal(w.shape).astype(np.float32) for w in layer.evidence.get_weights()])
    first, second = (places.ravel() for places in np.indices((n, m)))
    expected = np.asarray(layer.similarity(vectors[first], vectors[n + second])).reshape(n, m)
    found = elastic_scores(layer, vectors[:n], vectors[n:])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)
    layer.evidence.set_weights([np.zeros_like(w) for w in layer.evidence.get_weights()])
    without = elastic_scores(layer, vectors[:n], vectors[n:])
    assert np.abs(found - without).max() > 0.01  # no graph remembers old weights
    plain, _ = embedded(0, 1)
    np.testing.assert_allclose(without, elastic_scores(plain, vectors[:n], vectors[n:]), atol=2e-6)


def test_what_is_asked_together_makes_no_difference(monkeypatch):
    layer, vectors = embedded(1, 11)
    whole = elastic_scores(layer, vectors, vectors)
    monkeypatch.setattr(module, "_AT_ONCE", 3)
    np.testing.assert_allclose(elastic_scores(layer, vectors, vectors), whole, atol=2e-6)
    assert (whole.argmax(axis=1) == np.arange(11)).all()  # nothing is more like a signature than itself


def test_a_head_asks_for_a_pair_once_and_forgets_when_it_knows_too_much(monkeypatch):
    layer, vectors = embedded(2, 6)
    asked = []
    monkeypatch.setattr(
        "pipelines.elastic_head.elastic_scores",
        lambda layer, a, b: asked.append((len(a), len(b))) or elastic_scores(layer, a, b),
    )
    head = ElasticHead(layer)
    first = head.scores(vectors[:3], vectors[3:])
    assert np.array_equal(head.scores(vectors[3:], vectors[:3]), first.T)
    assert np.array_equal(head.scores(vectors[:3], vectors[2:])[:, 1:], first)
    assert asked == [(3, 3), (3, 1)]
    head._REMEMBERED = 9
    head.scores(vectors[:3], vectors[3:])
    assert asked == [(3, 3), (3, 1), (3, 3)]
    assert len(head.known) == 9


def test_a_layer_of_another_shape_is_refused():
    layer, vectors = embedded(3, 3)
    with pytest.raises(ValueError, match="cannot reshape"):
        elastic_scores(layer, vectors[:, 1:], vectors)
