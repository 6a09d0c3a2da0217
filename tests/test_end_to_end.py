"""Whole runs: world -> training -> evaluation -> report, interrupted and resumed, and on a user's folder."""

import csv
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.config import PRESETS, RunConfig
from pipelines.demo import demo
from pipelines.export import export
from pipelines.export_plan import ExportSpec
from pipelines.own_data import evaluate_folder
from pipelines.progress import Progress
from pipelines.runs import Run, RunError, load_verifier
from synth import World, render

ROOT = Path(__file__).parents[1]
QUIET = Progress(quiet=True)


def check_rate(rate: dict[str, Any]) -> None:
    assert set(rate) == {"value", "low", "high"}
    assert 0.0 <= rate["low"] <= rate["value"] + 1e-9
    assert rate["value"] <= rate["high"] + 1e-9


def check_self_contained(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert len(text) > 10_000
    assert "<svg" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)
    assert not re.search(r"<(script|link|iframe)[^>]*(src|href)", text)
    assert "url(http" not in text


def test_a_finished_run_holds_everything_it_promises(finished_run: Path) -> None:
    names = {f.name for f in finished_run.iterdir()}
    promised = {"config.json", "environment.json", "state.json", "log.csv", "model.keras", "verifier.json"}
    assert names >= promised | {"scores.parquet", "metrics.json", "report.html", "times.json"}
    assert not [n for n in names if n.startswith(".")]
    assert "checkpoints" not in names
    assert Run(finished_run).finished
    with (finished_run / "log.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    check_self_contained(finished_run / "report.html")


def test_metrics_have_their_intervals_baselines_and_costs(finished_run: Path) -> None:
    metrics = json.loads((finished_run / "metrics.json").read_text())
    found = metrics["verifier"]
    assert found["signers"] == 8
    for name in ("eer_random", "eer_skilled", "far_random_frozen", "far_skilled_frozen", "frr_frozen"):
        check_rate(found[name])
    assert set(metrics["baselines"]) == {"raw pixels", "HOG"}
    for baseline in metrics["baselines"].values():
        assert baseline["trials"] == found["trials"]
        check_rate(baseline["eer_random"])
        check_rate(baseline["eer_skilled"])
    assert [row["skill"] for row in metrics["skills"]] == [0.3, 0.85]
    assert metrics["development"]["signers"] == 6
    assert metrics["data"]["contains_real_signatures"] is False
    assert set(metrics["cost"]["seconds"]) == {"compiling", "training", "evaluating"}
    assert metrics["cost"]["peak_memory_mb"] > 0
    stays = sum(f.stat().st_size for f in finished_run.iterdir()) / 1e6
    assert metrics["cost"]["disk_mb"] == pytest.approx(stays, rel=0.2)


def test_a_finished_run_is_printed_and_another_configuration_refused(
    finished_run: Path, micro_config: RunConfig
) -> None:
    before = (finished_run / "metrics.json").read_bytes()
    begun = time.perf_counter()
    again = demo(finished_run, micro_config, fresh=False, progress=QUIET)
    assert time.perf_counter() - begun < 1.0
    assert again == json.loads(before)
    with pytest.raises(RunError, match="another configuration"):
        demo(finished_run, PRESETS["smoke"], fresh=False, progress=QUIET)
    assert (finished_run / "metrics.json").read_bytes() == before


# --- interrupted runs, in processes of their own, with a network small enough to start quickly

_SCRIPT = """
import json, sys, keras, models
from models.layers import L2Normalize, glorot_uniform
from pipelines import cli, config

@models.register("tiny_for_a_test")
def tiny(*, image_shape, embedding_dim, seed):
    inner = keras.Input(image_shape)
    x = keras.layers.Conv2D(8, 5, strides=4, activation="relu", kernel_initializer=glorot_uniform(seed, "a"))(inner)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(embedding_dim, kernel_initializer=glorot_uniform(seed, "b"))(x)
    return keras.Model(inner, L2Normalize(dtype="float32")(x))

config.PRESETS["tiny"] = config.RunConfig.from_dict(json.loads(sys.argv[1]))
sys.exit(cli.main(["demo", "--preset", "tiny", "--run", *sys.argv[2:]]))
"""
EPOCHS = 3


def tiny_run(path: Path, config: RunConfig, *more: str) -> subprocess.Popen[str]:
    values = config.to_dict()
    values["preset"] = "tiny"
    values["train"] |= {"model": "tiny_for_a_test", "epochs": EPOCHS, "steps_per_epoch": 60, "precision": "float32"}
    command = [sys.executable, "-c", _SCRIPT, json.dumps(values), str(path), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def interrupt_after_an_epoch(process: subprocess.Popen[str], run: Path, number: int) -> str:
    deadline = time.monotonic() + 120
    while not (run / "checkpoints" / "epoch-0001.keras").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    return process.communicate(timeout=60)[0]


def epochs_and_losses(run: Path) -> list[tuple[int, float]]:
    with (run / "log.csv").open() as file:
        return [(int(row["epoch"]), float(row["loss"])) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, micro_config: RunConfig) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    process = tiny_run(path, micro_config)
    out = process.communicate(timeout=240)[0]
    assert process.returncode == 0, out
    return path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda n: n.name)
def test_an_interrupted_run_goes_on_to_the_same_end(
    tmp_path: Path, uninterrupted: Path, micro_config: RunConfig, number: signal.Signals
) -> None:
    """The data and the epochs are equal; weights only nearly, since threads of oneDNN may add in another order."""
    run = tmp_path / "run"
    process = tiny_run(run, micro_config)
    out = interrupt_after_an_epoch(process, run, number)
    assert not (run / "model.keras").exists(), "the run ended before it could be interrupted"
    assert json.loads((run / "state.json").read_text())["state"] == "unfinished"
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL), out
    if number == signal.SIGINT:
        assert "interrupted; the same command goes on" in out
        assert "Traceback" not in out
    process = tiny_run(run, micro_config)
    out = process.communicate(timeout=240)[0]
    assert process.returncode == 0, out
    assert "going on after epoch" in out
    assert Run(run).finished
    whole, resumed = epochs_and_losses(uninterrupted), epochs_and_losses(run)
    assert [epoch for epoch, _ in resumed] == list(range(1, EPOCHS + 1))
    np.testing.assert_allclose([loss for _, loss in resumed], [loss for _, loss in whole], rtol=1e-3)
    import keras

    import models  # noqa: F401

    weights = [keras.saving.load_model(r / "model.keras", compile=False).get_weights() for r in (uninterrupted, run)]
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


@pytest.mark.slow
def test_fresh_starts_over(tmp_path: Path, uninterrupted: Path, micro_config: RunConfig) -> None:
    run = shutil.copytree(uninterrupted, tmp_path / "run")
    before = (run / "model.keras").stat().st_mtime_ns
    process = tiny_run(run, micro_config, "--fresh")
    out = process.communicate(timeout=240)[0]
    assert process.returncode == 0, out
    assert "is finished" not in out
    assert (run / "model.keras").stat().st_mtime_ns > before
    assert [epoch for epoch, _ in epochs_and_losses(run)] == list(range(1, EPOCHS + 1))


# --- a user's own folder


def convert(path: Path, how: int) -> None:
    """Turn an exported PNG into another format, mode or size, in place of it."""
    with Image.open(path) as opened:
        grey = opened.convert("L")
    path.unlink()
    stem = path.with_suffix("")
    if how == 0:
        grey.convert("RGB").save(stem.with_suffix(".jpg"), quality=85)
    elif how == 1:
        grey.resize((grey.width // 2, grey.height // 2)).save(stem.with_suffix(".tif"))
    elif how == 2:
        grey.convert("RGB").save(stem.with_suffix(".bmp"))
    elif how == 3:
        grey.convert("P").save(stem.with_suffix(".png"))
    elif how == 4:
        clear = Image.new("RGBA", grey.size, (0, 0, 0, 0))
        clear.putalpha(grey.point(lambda v: 255 - v))
        clear.save(stem.with_suffix(".png"))
    elif how == 5:
        grey.point(lambda v: 255 if v > 150 else 0).convert("1").save(stem.with_suffix(".tiff"))
    elif how == 6:
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(stem.with_suffix(".png"))
    else:
        grey.resize((grey.width * 2, grey.height * 2)).save(stem.with_suffix(".png"))


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    return {f.relative_to(folder).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_a_folder_in_many_formats_is_scored_and_what_is_left_out_is_named(finished_run: Path, tmp_path: Path) -> None:
    data = tmp_path / "my data"
    export(data, ExportSpec(seed=41, signers=6, genuine=4, forged=3, dpi=150))
    for i, path in enumerate(sorted(data.rglob("*.png"))):
        convert(path, i % 8)
    assert len(list(data.glob("*/*/*"))) == 42
    (data / "0/genuine/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"nonsense" * 9)
    (data / "0/genuine/empty.jpg").write_bytes(b"")
    (data / "1/genuine/notes.txt").write_text("not an image")
    Image.new("L", (300, 100), 255).save(data / "1/forged/blank.png")
    shutil.copytree(data / "2/genuine", data / "lonely/genuine")
    for path in sorted((data / "lonely/genuine").iterdir())[1:]:
        path.unlink()
    only = next((data / "lonely/genuine").iterdir())
    only.unlink()
    Image.fromarray(render(World(41)[77].genuine(0), dpi=120)).save(only.with_suffix(".png"))
    before = fingerprint(data)

    metrics, report = evaluate_folder(finished_run, data, progress=QUIET)

    assert fingerprint(data) == before
    counts = metrics["counts"]
    assert counts["genuine"] == 24 + 1
    assert counts["skilled"] == 18
    assert counts["skipped"] == 4
    assert counts["too_few"] == 1
    told = "\n".join(metrics["warnings"])
    for name in ("0/genuine/broken.png", "0/genuine/empty.jpg", "1/genuine/notes.txt", "1/forged/blank.png", "lonely"):
        assert name in told, f"{name} is not named in: {told}"
    assert metrics["verifier"]["signers"] == 6
    for name in ("eer_random", "eer_skilled", "frr_frozen", "far_skilled_frozen"):
        check_rate(metrics["verifier"][name])
    assert report.is_relative_to(finished_run)
    assert {f.name for f in report.parent.iterdir()} == {"metrics.json", "report.html", "scores.parquet", "figures"}
    check_self_contained(report)


def test_a_folder_without_anything_to_score_is_one_line(finished_run: Path, tmp_path: Path) -> None:
    export(tmp_path / "d", ExportSpec(seed=4, signers=1, genuine=2, forged=1, dpi=100, capture="clean"))
    (tmp_path / "d/0/genuine/001.png").unlink()
    with pytest.raises(RunError, match="holds no signer with two readable genuine signatures") as caught:
        evaluate_folder(finished_run, tmp_path / "d", progress=QUIET, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="session")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    path = tmp_path_factory.mktemp("smoke") / "run"
    demo(path, PRESETS["smoke"], fresh=False, progress=QUIET)
    keras.config.set_dtype_policy("float32")
    return path


@pytest.mark.slow
def test_an_act_drawn_small_and_the_same_at_300_dpi_embed_alike(smoke_run: Path) -> None:
    verifier = load_verifier(smoke_run)
    acts = [World(99)[i].genuine(0) for i in range(50)]
    small = verifier.embed([render(act, height=96, width=192, capture="clean") for act in acts])
    large = verifier.embed([render(act, dpi=300, capture="clean") for act in acts])
    cosines = (small * large).sum(axis=1)
    print(f"cosine of 96 x 192 and 300 dpi: median {np.median(cosines):.3f}, least {cosines.min():.3f}")
    assert np.median(cosines) >= 0.9  # after 24 steps; the classroom network reaches 0.98
