"""Losses that name the signer against plain NumPy, their margins, and the losses' names."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from models.losses_signers import ArcFace, CosFace, SignerClassification, SigNetF
from models.objectives import OBJECTIVES, build_loss, find_loss, loss_names

SIGNERS = 5


def make_batch(seed, n=9, cosines=True, more=0):
    rng = np.random.default_rng(seed)
    labels = np.stack([rng.integers(SIGNERS, size=n), rng.integers(2, size=n)], axis=1).astype(np.int32)
    y = rng.uniform(-0.999, 0.999, (n, SIGNERS)) if cosines else rng.normal(0, 3, (n, SIGNERS + more))
    return labels, y.astype(np.float32)


def cross_entropy(labels, logits):
    logits = logits.astype(np.float64)
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), labels[:, 0]]


def mean_of_genuine(values, labels):
    return values[labels[:, 1] == 1].mean() if labels[:, 1].any() else 0.0


SEEDS = st.integers(0, 10**6)


@settings(max_examples=30)
@given(SEEDS)
def test_signer_classification_is_the_cross_entropy_of_the_genuine(seed):
    labels, logits = make_batch(seed, cosines=False)
    expected = mean_of_genuine(cross_entropy(labels, logits), labels)
    assert float(SignerClassification()(labels, logits)) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(max_examples=30)
@given(SEEDS, st.floats(0, 1.2), st.floats(1, 40))
def test_arcface_adds_the_margin_to_the_own_angle(seed, margin, scale):
    labels, cosine = make_batch(seed)
    logits, own = scale * cosine.astype(np.float64), labels[:, 0]
    for i, j in enumerate(own):
        angle = np.arccos(np.float64(cosine[i, j]))
        straight = np.cos(angle) - margin * np.sin(margin)
        logits[i, j] = scale * (np.cos(angle + margin) if angle + margin < np.pi else straight)
    expected = mean_of_genuine(cross_entropy(labels, logits), labels)
    assert float(ArcFace(margin, scale)(labels, cosine)) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@settings(max_examples=30)
@given(SEEDS, st.floats(0, 1), st.floats(1, 40))
def test_cosface_takes_the_margin_from_the_own_cosine(seed, margin, scale):
    labels, cosine = make_batch(seed)
    logits = scale * cosine.astype(np.float64)
    logits[np.arange(len(labels)), labels[:, 0]] -= scale * margin
    expected = mean_of_genuine(cross_entropy(labels, logits), labels)
    assert float(CosFace(margin, scale)(labels, cosine)) == pytest.approx(expected, rel=1e-3, abs=1e-4)


@settings(max_examples=30)
@given(SEEDS, st.floats(0, 1))
def test_signet_f_weighs_names_of_the_genuine_and_forgeries(seed, share):
    labels, logits = make_batch(seed, cosines=False, more=1)
    forged, f = 1 / (1 + np.exp(-logits[:, -1].astype(np.float64))), 1 - labels[:, 1]
    told = -f * np.log(forged) - (1 - f) * np.log(1 - forged)
    expected = np.mean((1 - share) * (1 - f) * cross_entropy(labels, logits[:, :-1]) + share * told)
    assert float(SigNetF(share)(labels, logits)) == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_larger_margin_costs_more_until_the_own_signer_is_far_ahead():
    labels, cosine = make_batch(1)
    labels[:, 1] = 1
    for make in (ArcFace, CosFace):
        costs = [float(make(margin=m)(labels, cosine)) for m in (0.0, 0.2, 0.5)]
        assert costs[0] < costs[1] < costs[2]
        plain = float(SignerClassification()(labels, 30.0 * cosine))
        assert costs[0] == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("loss", [SignerClassification(), ArcFace(), CosFace(), SigNetF()], ids=lambda loss: loss.name)
@pytest.mark.parametrize("batch", ["usual", "at the poles", "forgeries only"])
def test_value_and_gradient_are_finite_under_any_dtype(loss, dtype, batch):
    labels, y = make_batch(3, more=1, cosines=not isinstance(loss, SigNetF))
    if batch == "at the poles":
        y = np.sign(y)
    if batch == "forgeries only":
        labels[:, 1] = 0
    x = tf.Variable(tf.cast(y, dtype))
    with tf.GradientTape() as tape:
        value = loss(labels, x)
    assert np.isfinite(float(value))
    assert np.isfinite(np.asarray(tf.cast(tape.gradient(value, x), tf.float32))).all()


@pytest.mark.parametrize("name", loss_names())
def test_a_named_loss_is_built_stored_and_rebuilt(name):
    loss = build_loss(name)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    assert find_loss(name).head in ("none", "signers", "prototypes", "multitask")


def test_a_named_loss_hands_its_options_on():
    assert build_loss("triplet", mining="semi_hard", margin=0.1).get_config()["mining"] == "semi_hard"
    assert build_loss("joint", temperature=0.3).losses[0].temperature == 0.3
    for objective in OBJECTIVES.values():
        assert all(
            p.default is not inspect.Parameter.empty
            for p in inspect.signature(objective.make).parameters.values()
            if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        )


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: build_loss("tripled"), ValueError, "unknown loss 'tripled'; did you mean 'triplet'"),
        (lambda: build_loss("zzz"), ValueError, "unknown loss 'zzz'; use one of: arcface, classification"),
        (lambda: build_loss("triplet", margn=1), TypeError, "no option 'margn'; did you mean 'margin'"),
        (lambda: build_loss("classification", margin=1), TypeError, "no option 'margin'; it takes: class_weights"),
        (lambda: ArcFace(margin=2.0), ValueError, r"margin is 2.0; it must be below pi / 2"),
        (lambda: CosFace(scale=0), ValueError, "scale is 0"),
        (lambda: SigNetF(forgery_share=1.5), ValueError, "forgery_share is 1.5; it is a share"),
    ],
)
def test_a_wrong_name_option_or_value_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()
