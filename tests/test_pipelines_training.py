"""Laws of training: stopping, weights of classes, what goes wrong and how it is said, real data and their mark."""

import csv
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.adapters import AdapterError, ProvenanceError, make_provenance, open_adapter, write_provenance
from pipelines.checkpoints import read_log, standing, writing
from pipelines.class_weights import class_weights
from pipelines.cli import main
from pipelines.config import PRESETS, RunConfig, changed
from pipelines.fine_tuning import fine_tuned
from pipelines.inputs import Drawing
from pipelines.marks import check_training_allowed, is_marked_file, provenance_of, trained_on
from pipelines.monitor import pair_scores
from pipelines.real_data import hold_out, load_folder
from pipelines.runs import Run, RunError
from pipelines.sources import StoredSource
from pipelines.training_memory import advice, largest_that_fits

ERRORS = st.lists(st.floats(0, 1), min_size=1, max_size=12)
ANSWERS = {
    "source": "drawn by a test",
    "licence": "CC0-1.0",
    "lawful_basis": "no person is involved",
    "purpose": "research on verification",
    "contact": "the test",
    "contains_real_signatures": True,
}


@given(ERRORS, st.none() | st.integers(1, 5), st.none() | st.floats(0.01, 1))
def test_the_best_epoch_has_the_least_error_and_stops_are_for_a_reason(
    errors: list[float], patience: int | None, stop_at: float | None
) -> None:
    found = standing(errors, patience=patience, stop_at=stop_at)
    assert found.best_error == min(errors) == errors[found.best_epoch - 1]
    assert min(errors[: found.best_epoch - 1], default=2) > found.best_error
    reached = stop_at is not None and 1 - min(errors) >= stop_at - 1e-12
    waited = patience is not None and len(errors) - found.best_epoch >= patience
    assert bool(found.stop) == (reached or waited)


@given(st.integers(2, 200), st.integers(0, 199))
def test_the_largest_batch_that_fits_is_found(too_many: int, fits: int) -> None:
    fits = min(fits, too_many - 1)
    assert largest_that_fits(lambda n: n <= fits, too_many) == (fits if fits >= 2 else None)


def test_too_little_memory_names_a_batch_that_fits(micro_config: RunConfig) -> None:
    import tensorflow as tf

    class Network:
        inputs = (np.zeros((1, 64, 128, 1)),)

        def __init__(self, room: int) -> None:
            self.room = room

        def train_on_batch(self, x: Any, y: Any) -> None:
            assert len(x) == len(y)
            if len(x) > self.room:
                raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    assert advice(Network(12), micro_config) == ("out of memory with 16 images a batch; 12 fit: --set batch.signers=3")
    assert "use a smaller network" in advice(Network(3), micro_config)


def test_what_tensorflow_says_is_turned_into_what_happened(
    micro_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    from pipelines.fitting import explained

    monkeypatch.setattr("pipelines.training_memory.advice", lambda model, config: "12 fit")
    drawing: Any = SimpleNamespace(fault=None)
    for error in (tf.errors.ResourceExhaustedError(None, None, "OOM when allocating"), MemoryError()):
        with pytest.raises(RunError, match="12 fit"), explained(drawing, None, micro_config):
            raise error
    unknown = tf.errors.UnknownError(None, None, "ValueError: the pen broke")
    with pytest.raises(tf.errors.UnknownError), explained(drawing, None, micro_config):
        raise unknown
    drawing.fault = ValueError("the pen broke")
    for error in (unknown, tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")):
        with pytest.raises(ValueError, match=r"^the pen broke$"), explained(drawing, None, micro_config):
            raise error


@pytest.mark.parametrize(
    ("loss", "first", "words"),
    [(float("nan"), 3.0, "the loss became nan at step 7"), (400.0, 3.0, "training diverges: the loss grew from 3 to")],
)
def test_a_loss_that_breaks_says_what_to_lower(micro_config: RunConfig, loss: float, first: float, words: str) -> None:
    from pipelines.callbacks import check_loss

    check_loss(3.0, first, step=7, epoch=1, config=micro_config)
    with pytest.raises(FloatingPointError, match=words) as caught:
        check_loss(loss, first, step=7, epoch=1, config=micro_config)
    assert "train.learning_rate (0.016)" in str(caught.value), "the network's own rate"
    if not np.isfinite(loss):
        assert str(caught.value).endswith(", or use train.precision=float32")
        with pytest.raises(FloatingPointError, match=r"train\.clip_norm \(5\)$"):
            check_loss(loss, first, step=7, epoch=1, config=changed(micro_config, ["train.precision=float32"]))


def test_pairs_of_a_look_are_of_the_kinds_they_say() -> None:
    labels = np.array([[0, 1], [0, 1], [0, 0], [5, 1], [5, 1], [5, 0]], np.int32)
    codes = 2.0 ** np.arange(6, dtype=np.float32)[:, None]
    found = pair_scores(codes, labels, lambda a, b: (a + b)[:, 0])
    assert {k: sorted(v.tolist()) for k, v in found.items()} == {
        "genuine": [3.0, 24.0],
        "skilled": [5.0, 6.0, 40.0, 48.0],
        "random": [9.0],
    }


# --- whole trainings, with a network that is small enough


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, micro_config: RunConfig) -> Callable[..., RunConfig]:
    """Return what makes configurations of the smallest network there is, known while the test runs."""
    import keras

    from models import registry
    from models.layers import L2Normalize, glorot_uniform

    def build(*, image_shape: tuple[int, int, int], embedding_dim: int, seed: int) -> Any:
        inner, glorot = keras.Input(image_shape), glorot_uniform
        x = keras.layers.Conv2D(8, 5, strides=4, kernel_initializer=glorot(seed, "a"), name="stage1_conv")(inner)
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu", name="stage1_relu")(x))
        x = keras.layers.Dense(embedding_dim, kernel_initializer=glorot(seed, "b"))(x)
        return keras.Model(inner, L2Normalize(dtype="float32")(x), name="tiny")

    monkeypatch.setitem(registry._BUILDERS, "tiny", registry.Spec(build))
    monkeypatch.setattr(keras.config, "set_dtype_policy", lambda policy: None)

    def make(inputs: dict[str, Any] | None = None, batch: dict[str, Any] | None = None, **train: Any) -> RunConfig:
        values = micro_config.to_dict()
        small = {"model": "tiny", "height": 32, "width": 64, "embedding_dim": 8, "precision": "float32"}
        values["train"] |= small | {"epochs": 3, "steps_per_epoch": 2} | train
        values["inputs"] |= inputs or {}
        values["batch"] |= batch or {}
        return RunConfig.from_dict(values)

    return make


def trained(path: Path, config: RunConfig) -> tuple[Any, list[str]]:
    from pipelines.building import check_names
    from pipelines.train import train

    check_names(config)
    run, lines = Run(path), []
    run.start(config)
    return train(run, config, say=lines.append), lines


def log_of(path: Path) -> list[dict[str, str]]:
    return read_log(Run(path), 99)


def test_stop_at_ends_training_and_the_best_network_is_kept(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    import keras

    config = tiny(stop_at=0.01, monitor_batches=1, ema=0.5, tensorboard=True, steps_per_epoch=4)
    model, lines = trained(tmp_path / "run", config)
    (row,) = log_of(tmp_path / "run")
    assert any("has reached stop_at 0.01" in line for line in lines)
    assert any("on a batch that lies ready" in line for line in lines)
    assert 0 <= float(row["input_wait"]) <= 1
    assert float(row["dev_error"]) == float(row["dev_eer_skilled"])
    best = keras.saving.load_model(tmp_path / "run/checkpoints/best-0001.keras", compile=False)
    for kept, returned in zip(best.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, returned)
    assert list((tmp_path / "run/tensorboard").glob("events*"))
    found = json.loads((tmp_path / "run/input.json").read_text())
    assert found["cached_images_per_s"] > 0


def test_the_best_network_is_restored_and_not_the_last_one_kept(
    tiny: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors, seen = [0.4, 0.1, 0.3, 0.1, 0.0], []

    def look(monitor: Any, model: Any) -> dict[str, float]:
        seen.append(model.get_weights())
        return {"dev_error": errors[len(seen) - 1]}

    monkeypatch.setattr("pipelines.monitor.Monitor.__call__", look)
    model, lines = trained(tmp_path / "run", tiny(epochs=5, patience=2, monitor_batches=1))
    assert "stopped after epoch 4: no better development error than 0.100 of epoch 2 in 2 epochs" in lines
    assert [float(row["dev_error"]) for row in log_of(tmp_path / "run")] == errors[:4]
    assert [kept.name for kept in (tmp_path / "run/checkpoints").glob("best-*")] == ["best-0002.keras"]
    for restored, best, last in zip(model.get_weights(), seen[1], seen[3], strict=True):
        np.testing.assert_array_equal(restored, best)
        assert not np.array_equal(best, last)


@pytest.mark.slow
def test_waiting_for_slow_drawing_is_measured_and_told(
    tiny: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.demo import compile_kernels

    steps, pause, plain = 6, 0.3, Drawing.draw

    def slow(drawing: Drawing, number: int) -> object:
        if number >= steps:  # from the second epoch on
            time.sleep(pause)
        return plain(drawing, number)

    compile_kernels()
    monkeypatch.setattr(Drawing, "draw", slow)
    _, lines = trained(tmp_path / "run", tiny({"threads": 1, "prefetch": 1}, epochs=2, steps_per_epoch=steps))
    rows = log_of(tmp_path / "run")
    assert float(rows[1]["input_wait"]) * float(rows[1]["seconds"]) > 2 * pause
    assert float(rows[0]["input_wait"]) < 0.5, "building the graph is no waiting for input"
    found = json.loads((tmp_path / "run/input.json").read_text())
    ratio = found["live_images_per_s"] / found["cached_images_per_s"]
    assert found["live_over_cached"] == pytest.approx(ratio, abs=0.01)
    assert found["live_over_cached"] < 0.9
    (told,) = [line for line in lines if "waiting for input" in line]
    said = float(told.split("(ratio ")[1].split(")")[0])
    assert said == pytest.approx(found["live_over_cached"], abs=0.006), "each is the ratio, rounded on its own"


def test_averaged_weights_are_the_network_and_one_epoch_more_is_needed_for_others(
    tiny: Callable[..., RunConfig], tmp_path: Path
) -> None:
    plain, _ = trained(tmp_path / "plain", tiny(epochs=1))
    still, _ = trained(tmp_path / "still", tiny(epochs=1, ema=0.0))
    slow, _ = trained(tmp_path / "slow", tiny(epochs=1, ema=0.999))
    for a, b in zip(plain.get_weights(), still.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert any(np.abs(a - b).max() > 3e-4 for a, b in zip(plain.get_weights(), slow.get_weights(), strict=True))


def test_pairs_with_balanced_weights_train_a_head_that_scores(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    from pipelines.logistic import LogisticHead

    pairs = {"stream": "pairs", "pair_shares": (0.25, 0.5, 0.25), "cache": "disk"}
    config = tiny(pairs, loss="siamese", class_weights="balanced", epochs=2)
    model, lines = trained(tmp_path / "run", config)
    assert "class weights: forgery 0.667, genuine 2.000" in lines
    head = LogisticHead.from_dict(json.loads((tmp_path / "run/head.json").read_text()))
    assert len(head.weights) == model.output_shape[1] + 1
    assert head.weights[-1] == 0.0
    assert not (tmp_path / "run/cache").exists()


def test_class_weights_make_each_signer_weigh_the_same() -> None:
    names, kinds = np.array(["a"] * 6 + ["b"] * 2 + ["c"] * 4), np.array(["genuine"] * 12)
    source = StoredSource(np.zeros((12, 2, 2), np.uint8), names, kinds, seed=0, name="a test")
    config = RunConfig.from_dict(
        {"preset": "x", "inputs": {"stream": "classification"}, "train": {"class_weights": "balanced"}}
    )
    weights = class_weights(config, source).signers
    assert weights is not None
    np.testing.assert_allclose(np.array(weights) * [6, 2, 4], [4, 4, 4], atol=1e-5)
    import keras

    from models.losses_signers import SignerClassification

    labels, logits = np.array([[0, 1], [1, 1]]), np.array([[0.0, 1.0, 2.0], [1.0, 0.5, 0.0]], np.float32)
    alone = [float(SignerClassification()(labels[i : i + 1], logits[i : i + 1])) for i in (0, 1)]
    together = SignerClassification(class_weights=weights)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(together))
    assert float(again(labels, logits)) == pytest.approx((weights[0] * alone[0] + weights[1] * alone[1]) / 2, rel=1e-5)


def test_head_weights_and_batches_number_the_signers_of_a_folder_alike_when_some_are_held_out(
    tiny: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import fitting
    from pipelines import train as training
    from pipelines.adapters import load_provenance
    from pipelines.real_data import Folder

    names = np.repeat([f"p{i:02d}" for i in range(13)], [4, 20, 4, 4, 4, 30, 4, 4, 4, 4, 4, 4, 40])
    images = np.random.default_rng(0).integers(0, 255, (len(names), 32, 64)).astype(np.uint8)
    source = StoredSource(images, names, np.full(len(names), "genuine"), seed=1, name="a test")
    write_provenance(tmp_path, **ANSWERS)
    folder = Folder(source, load_provenance(tmp_path), [])
    monkeypatch.setattr(training, "load_folder", lambda config: folder)
    fed, used, plain_fit = [], [], fitting.fit

    class Noted(fitting.Drawing):
        def __init__(self, *rest: Any, source: Any, **more: Any) -> None:
            super().__init__(*rest, source=source, **more)
            fed.append(source)

    def fit(run: Run, config: RunConfig, model: Any, *rest: Any, **more: Any) -> None:
        used.append((model.loss.class_weights, model.output_shape[-1]))
        plain_fit(run, config, model, *rest, **more)

    monkeypatch.setattr(fitting, "Drawing", Noted)
    monkeypatch.setattr(training, "fit", fit)
    config = tiny(
        {"data": str(tmp_path), "real_share": 1.0, "stream": "classification"},
        loss="classification", class_weights="balanced", epochs=1, monitor_batches=2,
    )  # fmt: skip
    trained(tmp_path / "run", config)
    assert fed[0].names == [name for i, name in enumerate(source.names) if i % 5 != 4]
    assert used == [(class_weights(config, fed[0]).signers, fed[0].n_signers)]


@pytest.mark.parametrize(("kept", "cache"), [(".keras", "none"), pytest.param(".npz", "disk", marks=pytest.mark.slow)])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(
    tiny: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str, cache: str
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.files._flush", lambda path: full(path) if path.suffix == kept else None)
    with pytest.raises(RunError, match=r"cannot write to .*: No space left on device; free some space"):
        trained(tmp_path / "run", tiny({"cache": cache}, epochs=1))
    assert not list((tmp_path / "run/checkpoints").iterdir())
    assert not (tmp_path / "run/model.keras").exists()
    assert not list(tmp_path.rglob("*.npz"))


def test_a_read_only_run_folder_is_one_line(
    tiny: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, config = Run(tmp_path / "run"), tiny()
    run.start(config)
    monkeypatch.setattr("pipelines.runs.os.access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(RunError, match=r"cannot write to .*: it is read-only; permit writing, or choose another --run"):
        run.start(config)
    run.mark("finished", stage="done")
    run.start(config)
    with pytest.raises(RunError, match="Read-only file system"), writing(run):
        raise OSError(30, "Read-only file system")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": "siamese"}, "'pairs' and 'siamese' go together only"),
        ({"class_weights": "balanced"}, "is balanced by itself"),
        ({"xla": "on", "deterministic": True}, "leave one of the two out"),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(
    tiny: Callable[..., RunConfig], changes: dict[str, Any], words: str
) -> None:
    from pipelines.building import check_names

    config = tiny(**changes)
    with pytest.raises(ValueError, match=words):
        check_names(config)


# --- a user's folder


def make_folder(path: Path, signers: int, genuine: int, forged: int = 1, **answers: Any) -> Path:
    """Write a folder of signatures of invented people that says it holds real ones."""
    import cv2

    from synth import World, forge, render

    for s in range(signers):
        signer = World(11)[s]
        for kind, n in (("genuine", genuine), ("forged", forged)):
            for k in range(n):
                act = (
                    signer.genuine(k)
                    if kind == "genuine"
                    else forge(signer, by=World(11)[s + 50], kind="freehand", skill=0.7, act=k)
                )
                to = path / f"s{s}" / kind / f"{k}.png"
                to.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(to), render(act, height=64, width=128, capture="clean"))
    path.mkdir(exist_ok=True)
    write_provenance(path, **{**ANSWERS, **answers})
    return path


def test_fine_tuning_on_real_signatures_marks_run_checkpoints_and_network(
    tiny: Callable[..., RunConfig], tmp_path: Path
) -> None:
    import keras

    data = make_folder(tmp_path / "data", 6, 3)
    trained(tmp_path / "first", tiny(epochs=1))
    assert not is_marked_file(tmp_path / "first/model.keras")
    base = fine_tuned(tmp_path / "first", data=data)
    assert base.train.learning_rate == pytest.approx(2e-4)
    values = base.to_dict()
    values["train"] |= {"frozen": ["stage1"], "stop_at": 0.01, "monitor_batches": 1}
    config = RunConfig.from_dict(values)
    model, lines = trained(tmp_path / "second", config)
    assert any("signers" in line and "genuine" in line for line in lines)
    run = Run(tmp_path / "second")
    for file in ("model.keras", "checkpoints/epoch-0001.keras", "checkpoints/best-0001.keras"):
        assert is_marked_file(run / file)
    assert trained_on(run)["contains_real_signatures"] is True
    assert provenance_of(run, None)["contains_real_signatures"] is True
    assert trained_on(run)["digests"] == [make_provenance(**ANSWERS).digest]
    first = keras.saving.load_model(tmp_path / "first/model.keras", compile=False)
    frozen = [m.get_layer("stage1_conv").get_weights()[0] for m in (first, model)]
    np.testing.assert_array_equal(*frozen)
    assert any(not np.array_equal(a, b) for a, b in zip(first.get_weights(), model.get_weights(), strict=True))
    # the mark goes on into whatever starts from it, without real data too
    third = fine_tuned(tmp_path / "second", data=None)
    assert third.inputs.data is None
    trained(tmp_path / "third", third)
    assert is_marked_file(tmp_path / "third/model.keras")
    assert trained_on(Run(tmp_path / "third"))["contains_real_signatures"] is True
    shutil.copyfile(tmp_path / "second/model.keras", tmp_path / "first/model.keras")
    with pytest.raises(RunError, match="no longer the network this run started from"):
        trained(tmp_path / "fourth", config)


@pytest.mark.parametrize(
    ("purpose", "real", "allowed"),
    [
        ("research on verification", True, True),
        ("Training of a verifier", True, True),
        ("evaluation", True, False),
        ("research, but no training of networks", True, False),
        ("a court case", True, False),
        ("evaluation", False, True),
    ],
)
def test_the_purpose_of_a_folder_decides_whether_it_may_be_trained_on(purpose: str, real: bool, allowed: bool) -> None:
    record = make_provenance(**{**ANSWERS, "purpose": purpose, "contains_real_signatures": real})
    if allowed:
        check_training_allowed(record, "somewhere")
    else:
        with pytest.raises(ProvenanceError, match="does not permit training; it must name research, teaching"):
            check_training_allowed(record, "somewhere")


def folder_config(tiny: Callable[..., RunConfig], data: Path, share: float = 1.0, **batch: int) -> RunConfig:
    return tiny({"data": str(data), "real_share": share}, batch)


def test_folders_that_cannot_fill_a_batch_are_one_line_each(tiny: Callable[..., RunConfig], tmp_path: Path) -> None:
    empty = make_folder(tmp_path / "empty", 0, 0)
    with pytest.raises(RunError, match=r"holds no usable signature \(it is empty\)"):
        load_folder(folder_config(tiny, empty))
    one = make_folder(tmp_path / "one", 1, 3)
    with pytest.raises(RunError, match="signatures of one signer only"):
        load_folder(folder_config(tiny, one))
    three = make_folder(tmp_path / "three", 3, 3)
    with pytest.raises(RunError, match=r"has 3 signers .* a batch takes 4 of them; use --set batch\.signers=3"):
        load_folder(folder_config(tiny, three))
    with pytest.raises(RunError, match=r"no signer .* has more than 3 genuine signatures; use --set batch\.genuine=3"):
        load_folder(folder_config(tiny, three, genuine=5))
    found = load_folder(folder_config(tiny, three, share=0.5))
    assert found.source.n_signers == 3
    assert hold_out(found.source, folder_config(tiny, three, share=0.5))[1] is None
    (three / "provenance.toml").unlink()
    with pytest.raises(ProvenanceError, match="python -m pipelines provenance init"):
        load_folder(folder_config(tiny, three))


@pytest.mark.slow
def test_bad_input_is_one_line_at_the_command_line_and_leaves_the_run_folder_free(
    tiny: Callable[..., RunConfig],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(PRESETS, "tiny", tiny(epochs=1, steps_per_epoch=2))
    run = ["--run", str(tmp_path / "run"), "--quiet"]

    def refused(*words: str) -> str:
        capsys.readouterr()
        assert main(["train", *words, *run]) == 2
        told = capsys.readouterr().err
        assert told.startswith("error: ")
        assert told.count("\n") == 1
        assert not (tmp_path / "run").exists()
        return told

    plain = ["--preset", "tiny"]
    told = refused(*plain, "--set", "batch.signers=65")
    assert told.startswith("error: configuration: a batch takes 65 different signers, and world.train_signers is 64")
    broken = ["train.learning_rate=1e30", "train.clip_norm=1e30", "train.steps_per_epoch=9"]
    told = refused(*plain, *(word for change in broken for word in ("--set", change)))
    assert re.search(r"loss became (nan|inf) at step \d of epoch 1; lower train\.learning_rate \(1e\+30\)", told)
    first = str(tmp_path / "first")
    assert main(["train", *plain, "--run", first, "--quiet"]) == 0
    assert "has no stage 'stge1'; its stages are: stem, stage1, head" in refused("--from", first, "--freeze", "stge1")
    whole = ["--real-share", "1"]
    for signers, genuine, words in (
        (0, 0, "holds no usable signature (it is empty)"),
        (1, 2, "signatures of one signer only; training compares at least two"),
        (2, 2, "has 2 signers with 2 genuine signatures, and a batch takes 4 of them; use --set batch.signers=2"),
    ):
        data = make_folder(tmp_path / f"data{signers}", signers, genuine)
        assert words in refused("--from", first, "--data", str(data), *whole)
    many = ["--set", "batch.genuine=5"]
    assert "has more than 2 genuine signatures; use --set batch.genuine=2" in refused(
        "--from", first, "--data", str(data), *many, *whole
    )
    ink = np.ones((4, 8, 10), np.float32)
    ink[2] = np.nan
    archive = make_folder(tmp_path / "archive", 0, 0)
    np.savez(archive / "set.npz", x=ink, y=np.array([0, 0, 1, 1]), yforg=np.zeros(4, int))
    assert "set.npz: 1 images hold NaN or infinity, the first is number 2" in refused(
        "--from", first, "--data", str(archive), "--adapter", "sigver"
    )
    fits = ["--set", "batch.signers=2", "--set", "train.epochs=1", "--freeze", "stage1", *whole]
    assert main(["train", "--from", first, "--data", str(data), *fits, *run]) == 0
    assert is_marked_file(tmp_path / "run/model.keras")


def test_archives_of_canvases_are_read_through_an_adapter_and_nan_is_refused(tmp_path: Path) -> None:
    x = np.zeros((6, 8, 10), np.uint8)
    x[:, 3, 2:8] = 255
    x[:, 4, 0] = np.arange(6)
    labels = {"y": np.array([0, 0, 1, 1, 1, 0]), "yforg": np.array([0, 0, 0, 0, 2, 1])}
    np.savez(tmp_path / "set.npz", x=x, **labels)
    found = list(open_adapter("sigver", tmp_path).iter_signatures())
    assert [(f.signer, f.kind) for f in found] == [
        ("0", "genuine"), ("0", "genuine"), ("0", "skilled"), ("1", "genuine"), ("1", "genuine"), ("1", "simple"),
    ]  # fmt: skip
    np.testing.assert_array_equal(found[2].image, 255 - x[5])
    ink = x.astype(np.float32)
    ink[4, 0, 0] = np.nan
    np.savez(tmp_path / "set.npz", x=ink, **labels)
    with pytest.raises(AdapterError, match=r"set\.npz: 1 images hold NaN or infinity, the first is number 4"):
        list(open_adapter("sigver", tmp_path).iter_signatures())
    np.savez(tmp_path / "set.npz", x=x, y=np.array([{}] * 6, dtype=object), yforg=labels["yforg"])
    with pytest.raises(AdapterError, match=r"set\.npz is no archive of x, y and yforg without pickles"):
        list(open_adapter("sigver", tmp_path).iter_signatures())


def test_the_command_line_asks_for_a_run_to_start_from(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["train", "--data", str(tmp_path), "--run", str(tmp_path / "run")]) == 2
    assert "--data goes with --from RUN" in capsys.readouterr().err
    assert main(["train", "--from", str(tmp_path), "--run", str(tmp_path / "run")]) == 2
    assert "no config.json" in capsys.readouterr().err


def test_the_log_keeps_rows_of_earlier_epochs_and_fills_new_columns(tmp_path: Path) -> None:
    from pipelines.checkpoints import add_row

    run = Run(tmp_path)
    for epoch in (1, 2, 3):
        add_row(run, {"epoch": epoch, "loss": epoch})
    add_row(run, {"epoch": 2, "loss": 9, "dev_error": 0.5})
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["epoch"], r["loss"], r["dev_error"]) for r in rows] == [("1", "1", ""), ("2", "9", "0.5")]
