"""The contract of networks: every registered one keeps it, and each law catches who breaks it."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import models
from models.heads import siamese
from models.layers import L2Normalize, glorot_uniform, he_normal

ROOT = Path(models.__file__).parent.parent
SHAPE, DIM = (32, 48, 1), 4


def tiny(*, image_shape, embedding_dim, seed, break_law=None):
    x = ink = keras.Input(image_shape, name="ink")
    for name in ("conv1", "conv2", "conv3"):
        init = he_normal(seed, "conv2" if break_law == "equal" and name == "conv3" else name)
        if break_law == "global seed":
            init = "he_normal"
        if break_law == "deaf to seed":
            init = he_normal(0, name)
        x = layers.Conv2D(8, 3, 2, activation="relu", kernel_initializer=init, name=name)(x)
    if break_law == "stem":
        x = layers.Conv2D(8, 1, 2, kernel_initializer=he_normal(seed, "s"), name="s")(x[..., :2])
    if break_law == "stuck":
        x = x + 0.0 * layers.Conv2D(8, 3, padding="same", kernel_initializer=he_normal(seed, "s"), name="s")(x)
    if break_law == "coarse":
        x = (x + 3000.0) - 3000.0
    if break_law == "batch":
        x = x - keras.ops.mean(x, axis=0, keepdims=True)
    if break_law == "bias":
        x = layers.Conv2D(8, 3, kernel_initializer=he_normal(seed, "extra"), padding="same", name="extra")(x)
        x = layers.BatchNormalization(scale=False, momentum=0.5, name="norm")(x) * 0.0 + 1.0
    if break_law == "blank":
        x = layers.Rescaling(1.0)(x) / keras.ops.max(x, axis=(1, 2, 3), keepdims=True)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    init = glorot_uniform(0 if break_law == "deaf to seed" else seed, "dense")
    x = layers.Dense(embedding_dim + (break_law == "shape"), kernel_initializer=init, name="dense")(x)
    if break_law != "length":
        x = L2Normalize(name="embedding")(x)
    if break_law == "dtype":
        x = layers.Activation("linear", dtype="float16")(x)
    if break_law == "lambda":
        x = layers.Lambda(lambda z: z)(x)
    return keras.Model(ink, x, name="tiny")


# long chains of layers take long to build and train; they are checked when the slow tests run
SLOW = {"densenet40", "densenet121", "mobilenetv2", "resdense_attention", "resnet34", "resnet50", "vit_tiny"}
QUICK = tuple(name for name in models.names() if name not in SLOW)
EACH_NAME = [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in models.names()]


@functools.cache
def checked(names):
    """What `python -m models.checks NAMES` says: a process of their own, since a native kernel may crash."""
    command = [sys.executable, "-m", "models.checks", *names]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.parametrize("name", EACH_NAME)
def test_a_registered_network_keeps_the_contract_and_learns_in_a_process_of_its_own(name):
    done = checked(QUICK if name in QUICK else tuple(sorted(SLOW)))
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"{name}: ")]
    assert lines, done.stderr
    found = re.fullmatch(r"\w+: keeps the contract \(([\d,]+) parameters, loss ([\d.]+) to ([\d.]+)\)", lines[0])
    assert found, lines
    assert int(found[1].replace(",", "")) > 10_000
    assert float(found[3]) < float(found[2])


def test_a_small_honest_network_keeps_the_contract():
    seen = models.check_model(tiny, image_shape=SHAPE, embedding_dim=DIM)
    assert seen.parameters == tiny(image_shape=SHAPE, embedding_dim=DIM, seed=0).count_params()
    assert len(seen.losses) > 2


@pytest.mark.parametrize(
    ("break_law", "message"),
    [
        ("shape", r"shape \(batch, embedding_dim\)"),
        ("dtype", "float32, not float16"),
        ("length", "length 1"),
        ("global seed", "same seed gives the same weights"),
        ("deaf to seed", "another seed gives other weights"),
        ("equal", "equal shape start with different weights"),
        ("batch", "other images"),
        ("blank", "a blank image has a finite embedding"),
        ("bias", "changes every trainable weight"),
        ("stuck", "changes every trainable weight: s/kernel stayed"),
        ("stem", r"a strided 1 x 1 convolution comes after a stem of 8 channels: s sees 2"),
        ("coarse", "bfloat16 gives nearly the embeddings of float32"),
    ],
)
def test_a_broken_law_is_named(break_law, message):
    def builder(**arguments):
        return tiny(**arguments, break_law=break_law)

    with pytest.raises(AssertionError, match=f"broken law: .*{message}"):
        models.check_model(builder, image_shape=SHAPE, embedding_dim=DIM)


def test_a_lambda_layer_does_not_pass_because_it_would_not_load_safely():
    def builder(**arguments):
        return tiny(**arguments, break_law="lambda")

    with pytest.raises(ValueError, match=r"(?i)lambda"):
        models.check_model(builder, image_shape=SHAPE, embedding_dim=DIM)


def test_the_subprocess_door_names_an_unknown_network_in_one_line(capsys):
    from models.checks import main

    with pytest.raises(SystemExit) as stopped:
        main(["resnet_smal"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.startswith("resnet_smal: unknown network 'resnet_smal'; did you mean")


def readme_example():
    text = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return example


def test_the_readme_example_runs_and_keeps_the_contract(monkeypatch):
    monkeypatch.setattr(models.registry, "_BUILDERS", dict(models.registry._BUILDERS))
    exec(compile(readme_example(), "README.md", "exec"), {"__name__": "readme"})
    assert "tiny" in models.names()


def test_a_file_with_one_register_line_is_all_that_a_new_network_needs(tmp_path):
    """The text of the README, followed: the example saved as a file of the folder, nothing else touched."""
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__"))
    example = readme_example().replace("from models import check_model, register", "from .registry import register")
    example = example.replace("from models.", "from .")
    lines = [line for line in example.splitlines() if not line.startswith("check_model(")]
    (tmp_path / "models" / "tiny.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "models.checks", "tiny"],
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.startswith("tiny: keeps the contract"), done.stderr


@pytest.mark.parametrize("image_shape", [(32, 32, 1), (33, 61, 3), (96, 192, 1)])
def test_resnet_small_builds_at_any_size(image_shape):
    model = models.build("resnet_small", image_shape=image_shape, embedding_dim=8, seed=0)
    assert model.output_shape == (None, 8)
    assert len({layer.name for layer in model.layers}) == len(model.layers)


def test_resnet_small_keeps_detail_and_stays_small():
    model = models.build("resnet_small", image_shape=(96, 192, 1), embedding_dim=256, seed=0)
    maps = [layer.output.shape for layer in model.layers if len(layer.output.shape) == 4]
    assert any(shape[1:3] == (12, 24) and shape[3] >= 128 for shape in maps)
    assert 0.5e6 < model.count_params() < 3e6


def test_a_stem_that_crashes_native_kernels_is_refused():
    with pytest.raises(ValueError, match=r"stem_channels is 4; .* at least 8"):
        models.build("resnet_small", image_shape=SHAPE, seed=0, stem_channels=4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_embeddings_are_float32_under_a_sixteen_bit_policy(policy):
    usual = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy(policy)
        backbone = tiny(image_shape=SHAPE, embedding_dim=DIM, seed=0)
    finally:
        keras.config.set_dtype_policy(usual)
    model = siamese(backbone, seed=0)
    assert keras.backend.standardize_dtype(backbone.output.dtype) == "float32"
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"


def test_siamese_twins_share_weights_and_do_not_mind_the_order(tmp_path):
    backbone = tiny(image_shape=SHAPE, embedding_dim=DIM, seed=0)
    model = siamese(backbone, seed=0)
    a, b = np.random.default_rng(0).random((2, 3, *SHAPE), dtype=np.float32)
    score = np.asarray(model([a, b]))
    assert score.shape == (3, 1)
    assert ((score >= 0) & (score <= 1)).all()
    np.testing.assert_array_equal(score, model([b, a]))
    assert len(model.trainable_weights) == len(backbone.trainable_weights) + 2
    model.save(tmp_path / "pair.keras")
    loaded = keras.saving.load_model(tmp_path / "pair.keras", safe_mode=True)
    np.testing.assert_allclose(score, loaded([a, b]), atol=1e-6)


def test_a_siamese_network_learns_that_equal_images_are_genuine():
    model = siamese(tiny(image_shape=SHAPE, embedding_dim=DIM, seed=0), seed=0)
    first, second = np.random.default_rng(0).random((2, 16, *SHAPE), dtype=np.float32) ** 4
    pairs = [np.concatenate([first, first]), np.concatenate([first, second])]
    labels = np.repeat([1.0, 0.0], 16)[:, None]
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", jit_compile=False)
    for _ in range(40):
        model.train_on_batch(pairs, labels)
    score = np.asarray(model(pairs))[:, 0]
    assert score[:16].mean() > score[16:].mean()


def test_a_siamese_seed_out_of_range_is_refused():
    with pytest.raises(ValueError, match="seed is -1"):
        siamese(tiny(image_shape=SHAPE, embedding_dim=DIM, seed=0), seed=-1)
