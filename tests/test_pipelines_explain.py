"""Grad-CAM of pairs: where it looks, that it depends on the weights, and which reference is nearest."""

import keras
import numpy as np
import pytest

import models
from pipelines.explain import Explanation, explain, grad_cam, overlay, randomisation_check, strokes_words
from pipelines.logistic import LogisticHead
from pipelines.verifier import Verifier
from synth import World, render


@pytest.fixture(scope="module")
def verifier():
    model = models.build("resnet_small", image_shape=(64, 128, 1), embedding_dim=16, seed=1)
    model.compile(keras.optimizers.Adam(1e-3), models.losses.SupervisedContrastive(), jit_compile=False)
    made = Verifier(model, height=64, width=128)
    acts = [World(5)[i].genuine(k) for i in range(6) for k in (0, 4)]
    ink = (255.0 - made.prepare([render(act, dpi=100) for act in acts])[..., None]) / 255.0
    labels = np.array([(i // 2, 1) for i in range(12)], np.int32)
    for _ in range(12):
        model.train_on_batch(ink.astype(np.float32), labels)
    return made


@pytest.fixture(scope="module")
def images():
    return [render(World(5)[i].genuine(k), dpi=120) for i in range(3) for k in (0, 5)]


def test_an_explanation_names_the_nearest_reference_and_covers_the_canvas(verifier, images):
    found = explain(verifier, images[:3], images[3])
    scores = verifier.score_matrix(images[:3], images[3:4])[:, 0]
    np.testing.assert_allclose(found.scores, scores, atol=1e-5)
    assert found.nearest == scores.argmax()
    assert found.score == pytest.approx(scores.max(), abs=1e-5)
    assert found.heat.shape == found.canvas.shape == (64, 128)
    assert 0 <= found.heat.min() <= found.heat.max() <= 1
    assert found.heat.max() > 0.5
    again = explain(verifier, verifier.enrol(images[:3]), images[3])
    np.testing.assert_allclose(again.heat, found.heat, atol=1e-4)


def test_the_map_is_that_of_plain_slopes(verifier, images):
    """By finite differences: raising one channel everywhere moves the score by the sum of its slopes."""
    found = explain(verifier, images[:1], images[1])
    model, reference = verifier.model, verifier.embed(images[:1])[0]
    assert found.layer == "last_relu"
    maps = model.get_layer(found.layer).output
    before, after = keras.Model(model.input, maps), keras.Model(maps, model.output)
    values = np.asarray(before((255.0 - found.canvas[None, ..., None].astype(np.float32)) / 255.0))
    n_places, step = values.shape[1] * values.shape[2], 1e-2
    weights = []
    for channel in range(values.shape[3]):
        moved = np.repeat(values, 2, axis=0)
        moved[0, ..., channel] += step
        moved[1, ..., channel] -= step
        up, down = np.asarray(after(moved)) @ reference
        weights.append((up - down) / (2 * step * n_places))
    coarse = np.maximum(values[0] @ np.array(weights), 0)
    seen = found.heat[8::16, 8::16]  # the middles of the places
    assert coarse.shape == seen.shape
    assert np.corrcoef(coarse.ravel(), seen.ravel())[0, 1] > 0.97
    flat = grad_cam(verifier, model, found.layer, np.zeros_like(reference), found.canvas)
    assert flat.max() == 0  # nothing raises the score against a vector of zeros


def test_maps_change_when_the_weights_are_shuffled(verifier, images):
    found = [randomisation_check(verifier, images[:1], image, seed=s) for s, image in enumerate(images[1:])]
    assert np.mean(np.abs(found)) < 0.6
    assert max(found) < 0.95


def test_frozen_weights_and_a_fitted_head_are_explained_as_well(verifier, images):
    head = LogisticHead((*[-1.0] * 16, 2.0), 0.0, 1, 1, "a test", False)
    other = Verifier(verifier.model, height=64, width=128, head=head)
    before = explain(verifier, images[:1], images[1]).heat
    assert explain(other, images[:1], images[1]).heat.max() > 0
    verifier.model.trainable = False
    try:
        np.testing.assert_allclose(explain(verifier, images[:1], images[1]).heat, before, atol=1e-4)
    finally:
        verifier.model.trainable = True


@pytest.mark.parametrize("name", ["signet", "vit_tiny", "densenet40"])
def test_other_networks_are_explained(name, images):
    options = {"depth": 1} if name == "vit_tiny" else {}
    side = (72, 144) if name == "signet" else (64, 128)
    model = models.build(name, image_shape=(*side, 1), embedding_dim=16, seed=1, **options)
    found = explain(Verifier(model, height=side[0], width=side[1]), images[:2], images[2])
    assert found.heat.shape == side
    assert np.isfinite(found.heat).all()


def test_a_network_without_maps_is_refused(images):
    ink = keras.Input((64, 128, 1))
    flat = keras.Model(ink, keras.layers.Dense(4)(keras.layers.Flatten()(ink)), name="flat")
    with pytest.raises(ValueError, match="'flat' has no maps to look at"):
        explain(Verifier(flat, height=64, width=128), images[:1], images[1])


@pytest.mark.parametrize(("share", "little"), [(0.03, True), (0.49, True), (0.5, False), (1.0, False)])
def test_what_an_overlay_leaves_out_is_said_beside_it(share, little):
    words = strokes_words(share)
    assert f"{100 * share:.0f} % of the map on strokes" in words
    assert "heat on empty paper is not drawn" in words
    assert ("explains little" in words) is little


def test_an_overlay_is_red_where_the_score_comes_from():
    canvas, heat = np.full((8, 8), 255, np.uint8), np.zeros((8, 8), np.float32)
    canvas[2], heat[:, :4] = 0, 1.0
    explained = Explanation(1.0, 0, np.ones(1, np.float32), canvas, heat, "x")
    picture = overlay(explained)
    assert explained.on_strokes == pytest.approx(7 / 8)  # row 7 is farther than 4 px from the stroke in row 2
    assert picture.shape == (8, 8, 3)
    assert picture[2, 0, 0] > 2 * picture[2, 0, 2]
    assert picture[2, 7, 2] > picture[2, 7, 0]
    assert (picture[5, 7] == 255).all()
