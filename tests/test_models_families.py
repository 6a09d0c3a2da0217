"""Each family is the published one: sizes, maps, options, fine-tuning, padding."""

import inspect

import keras
import numpy as np
import pytest

import models
from models.attention import KINDS
from models.finetune import freeze, stage_names, unfreeze
from models.heads import backbone_of
from models.mobilenet import set_imagenet

CONVOLUTIONAL = [name for name in models.names() if "attention" in inspect.signature(models.find(name)).parameters]
SHAPE = (32, 64, 1)


def shape_for(name):
    return (72, 96, 1) if name == "signet" else SHAPE


def build(name, **options):
    return models.build(name, image_shape=shape_for(name), embedding_dim=8, seed=0, **options)


def count(model):
    """Parameters without the embedding, which no paper has."""
    dense = model.get_layer("embedding_dense")
    return model.count_params() - dense.count_params()


def test_every_convolutional_family_takes_attention():
    assert {"resnet_small", "resnet50", "densenet121", "mobilenetv2", "plain_cnn", "signet"} <= set(CONVOLUTIONAL)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("resnet_small", kind) for kind in KINDS if kind != "none"]
    + [("resnet10", "cbam"), ("densenet40", "se"), ("mobilenetv2", "mhsa"), ("plain_cnn", "spatial"), ("signet", "se")],
)
def test_attention_adds_weights_at_stages_and_leaves_the_others_as_they_were(name, kind):
    plain, looking = build(name), build(name, attention=kind)
    layers = [layer.name for layer in looking.layers if layer.name.endswith(f"_{kind}")]
    assert len(layers) >= 2
    assert looking.count_params() > plain.count_params()
    kept = {w.path: w for w in looking.weights}
    for weight in plain.weights:
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(kept[weight.path]))
    image = np.random.default_rng(0).random((2, *shape_for(name)), dtype=np.float32)
    np.testing.assert_allclose(np.linalg.norm(np.asarray(looking(image)), axis=1), 1.0, atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "application"), [("resnet50", "ResNet50"), ("densenet121", "DenseNet121")])
def test_a_standard_network_has_as_many_parameters_as_the_one_of_keras(name, application):
    ours = models.build(name, image_shape=(64, 64, 3), embedding_dim=4, seed=0)
    theirs = getattr(keras.applications, application)(include_top=False, weights=None, input_shape=(64, 64, 3))
    # theirs has convolutions with biases in ResNet50, which a normalisation cancels
    biases = sum(
        int(np.prod(layer.bias.shape))
        for layer in theirs.layers
        if isinstance(layer, keras.layers.Conv2D) and layer.bias is not None
    )
    assert count(ours) == theirs.count_params() - biases


def test_resnet18_has_the_published_parameters():
    # 11,689,512 with three channels and 1000 classes, batch statistics not counted
    model = models.build("resnet18", image_shape=(64, 64, 3), embedding_dim=4, seed=0)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable - model.get_layer("embedding_dense").count_params() == 11_689_512 - 513_000


def test_signet_has_the_maps_and_weights_of_the_paper():
    model = models.build("signet", image_shape=(150, 220, 1), embedding_dim=4, seed=0)
    assert model.get_layer("stage3_pool").output.shape == (None, 3, 5, 256)
    kernels = {layer.name: layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")}
    assert kernels["stage1_conv"] == (11, 11, 1, 96)
    assert kernels["stage2_conv"] == (5, 5, 96, 256)
    assert kernels["dense1"] == (3 * 5 * 256, 2048)
    assert kernels["dense2"] == (2048, 2048)


def test_signet_refuses_images_that_leave_no_place():
    with pytest.raises(ValueError, match=r"'signet' needs a height and width of at least 67 pixels"):
        models.build("signet", image_shape=(66, 200, 1), seed=0)
    assert models.build("signet", image_shape=(67, 67, 1), embedding_dim=4, seed=0).output_shape == (None, 4)


@pytest.mark.parametrize(("side", "channels"), [((64, 96), 3), ((33, 61), 1)])
def test_mobilenet_with_weights_of_the_published_layout_computes_what_the_one_of_keras_does(side, channels):
    theirs = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(*side, 3))
    rng = np.random.default_rng(0)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            n = layer.gamma.shape[0]
            low_high = ((0.8, 1.2), (-0.1, 0.1), (-0.1, 0.1), (0.5, 1.5))
            layer.set_weights([rng.uniform(*bounds, n).astype(np.float32) for bounds in low_high])
    ours = models.build("mobilenetv2", image_shape=(*side, channels), embedding_dim=4, seed=0)
    filled = set_imagenet(ours, {layer.name: layer.get_weights() for layer in theirs.layers if layer.weights})
    assert filled == sum(bool(layer.weights) for layer in theirs.layers)
    ink = rng.random((2, *side, channels), dtype=np.float32)
    body = keras.Model(ours.input, ours.get_layer("last_relu").output)
    expected = np.asarray(theirs(1.0 - 2.0 * (ink if channels == 3 else np.repeat(ink, 3, axis=3))))
    np.testing.assert_allclose(np.asarray(body(ink)), expected, atol=1e-3 * np.abs(expected).max())


def test_weights_that_do_not_fit_a_mobilenet_are_refused_and_change_nothing():
    model = build("mobilenetv2")
    before = model.get_weights()
    with pytest.raises(ValueError, match="hold no layer 'Conv1'"):
        set_imagenet(model, {})
    theirs = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.5)
    with pytest.raises(ValueError, match=r"use MobileNetV2 of width 1\.0"):
        set_imagenet(model, {layer.name: layer.get_weights() for layer in theirs.layers if layer.weights})
    with pytest.raises(ValueError, match="the model is 'resnet10'"):
        set_imagenet(build("resnet10"), {})
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_head_units_add_dense_layers_before_the_embedding():
    model = build("mobilenetv2", head_units=(24, 12))
    assert model.get_layer("head2").output.shape == (None, 12)
    assert model.get_layer("embedding_dense").kernel.shape == (12, 8)


@pytest.mark.parametrize("name", ["mobilenetv2", "resnet10", "resnet_small", "densenet40", "tcn"])
def test_freezing_leaves_the_head_and_unfreezing_adds_stages_from_the_end(name):
    spec = models.find_spec(name)
    shape = {"sequence_shape": (16, 7)} if spec.takes == "sequence" else {"image_shape": SHAPE}
    model = models.build(name, embedding_dim=8, seed=0, **shape)
    everything = len(model.trainable_weights)
    stages = stage_names(model)
    assert stages[0] == "stem"
    assert stages[-1] == "head"
    freeze(model)
    counts = [len(model.trainable_weights)]
    assert model.get_layer("embedding_dense").trainable
    for last in range(1, len(stages) - 1):
        unfreeze(model, last=last)
        counts.append(len(model.trainable_weights))
    unfreeze(model)
    counts.append(len(model.trainable_weights))
    assert counts == sorted(counts)
    assert counts[0] < counts[1]
    assert counts[-1] == everything
    with pytest.raises(ValueError, match=f"{name!r} has {len(stages) - 2} stages"):
        unfreeze(model, last=99)


def test_frozen_stages_do_not_move_and_their_averages_stay():
    model = build("mobilenetv2")
    unfreeze(model, last=1)
    before = {w.path: np.array(w) for w in model.weights}
    model.compile("sgd", "mse", run_eagerly=True)
    model.train_on_batch(np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32), np.eye(4, 8, dtype=np.float32))
    moved = {w.path.split("/")[0] for w in model.weights if not np.array_equal(before[w.path], np.asarray(w))}
    assert all(name.startswith(("stage7_", "last", "embedding")) for name in moved)
    assert "embedding_dense" in moved
    assert "stage7_block1_project_norm" in moved


def test_a_network_without_stages_cannot_be_parted():
    ink = keras.Input((32, 32, 1))
    with pytest.raises(ValueError, match="no layer of 'plain' is named by stage"):
        freeze(keras.Model(ink, keras.layers.Flatten(name="flat")(ink), name="plain"))


@pytest.mark.parametrize("name", models.names("sequence"))
def test_more_padding_changes_nothing(name):
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 1, (3, 24, 7)).astype(np.float32)
    long = np.concatenate([rows, np.zeros((3, 24, 7), np.float32)], axis=1)
    longer = np.concatenate([long, np.zeros((3, 16, 7), np.float32)], axis=1)
    short, tall = (models.build(name, sequence_shape=(n, 7), embedding_dim=8, seed=0) for n in (48, 64))
    np.testing.assert_allclose(np.asarray(short(long)), np.asarray(tall(longer)), atol=1e-5)


@pytest.mark.parametrize("name", models.names("sequence"))
def test_the_order_of_samples_matters(name):
    rows = np.random.default_rng(0).normal(0, 1, (1, 24, 7)).astype(np.float32)
    model = models.build(name, sequence_shape=(24, 7), embedding_dim=8, seed=0)
    assert np.abs(np.asarray(model(rows)) - np.asarray(model(rows[:, ::-1]))).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("plain_cnn", {"channels": (4, 8)}, "an entry of channels is 4; .* at least 8"),
        ("plain_cnn", {"channels": ()}, "give one to five blocks"),
        ("plain_cnn", {"dense": (0,)}, "an entry of dense is 0"),
        ("vit_tiny", {"patch": 7}, "patch is 7; use 8, 16 or 32"),
        ("vit_tiny", {"heads": 5}, "width is 192; .* multiple of 8 and of heads"),
        ("vit_tiny", {"depth": 0}, "depth is 0"),
        ("mobilenetv2", {"head_units": (0,)}, "an entry of head_units is 0"),
        ("resdense_attention", {"views": 0}, "views is 0"),
    ],
)
def test_an_option_out_of_range_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        build(name, **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("tcn", {"channels": 4}, "channels is 4"),
        ("tcn", {"stages": 0}, "stages is 0"),
        ("transformer", {"width": 90}, "width is 90"),
        ("transformer", {"depth": 0}, "depth is 0"),
    ],
)
def test_an_option_of_a_sequence_model_out_of_range_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        models.build(name, seed=0, **options)


def test_small_options_make_a_small_network():
    full, small = build("plain_cnn"), build("plain_cnn", channels=(8, 16), dense=(32,))
    assert small.count_params() < full.count_params() / 100
    assert backbone_of(small) is small
