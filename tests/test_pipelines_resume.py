"""Killed and repeated runs in processes of their own: equal bit by bit where operations are deterministic."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipelines.config import RunConfig

ROOT = Path(__file__).parents[1]
EPOCHS = 4
# a dropout layer, so that what is random in a network is put to the test too
_SCRIPT = """
import json, sys, keras, models
from models.layers import L2Normalize, glorot_uniform
from pipelines import cli, config

@models.register("tiny_for_a_test")
def tiny(*, image_shape, embedding_dim, seed):
    inner = keras.Input(image_shape)
    x = keras.layers.Conv2D(8, 5, strides=4, activation="relu", kernel_initializer=glorot_uniform(seed, "a"))(inner)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2, seed=seed)(keras.layers.GlobalAveragePooling2D()(x))
    x = keras.layers.Dense(embedding_dim, kernel_initializer=glorot_uniform(seed, "b"))(x)
    return keras.Model(inner, L2Normalize(dtype="float32")(x))

config.PRESETS["tiny"] = config.RunConfig.from_dict(json.loads(sys.argv[1]))
sys.exit(cli.main(["train", "--preset", "tiny", "--deterministic", "--patience", "9", "--run", *sys.argv[2:]]))
"""


def start(path: Path, config: RunConfig, *more: str) -> subprocess.Popen[str]:
    values = config.to_dict()
    values["preset"] = "tiny"
    values["train"] |= {"model": "tiny_for_a_test", "epochs": EPOCHS, "steps_per_epoch": 12, "precision": "float32"}
    values["train"] |= {"height": 32, "width": 64, "ema": 0.9, "monitor_batches": 2}
    command = [sys.executable, "-c", _SCRIPT, json.dumps(values), str(path), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    out = process.communicate(timeout=500)[0]
    assert process.returncode == 0, out
    return out


def weights(run: Path) -> list[bytes]:
    import keras

    import models  # noqa: F401

    return [w.tobytes() for w in keras.saving.load_model(run / "model.keras", compile=False).get_weights()]


def columns(run: Path) -> list[dict[str, str]]:
    timings = ("seconds", "images_per_s", "input_wait")
    with (run / "log.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in timings} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, micro_config: RunConfig) -> Path:
    path = tmp_path_factory.mktemp("whole") / "run"
    assert "operations are deterministic" in finish(start(path, micro_config))
    return path


@pytest.mark.slow
def test_a_second_run_with_another_number_of_drawing_threads_is_equal_bit_by_bit(
    tmp_path: Path, uninterrupted: Path, micro_config: RunConfig
) -> None:
    finish(start(tmp_path / "run", micro_config, "--set", "inputs.threads=3"))
    assert columns(tmp_path / "run") == columns(uninterrupted)
    assert len(columns(uninterrupted)) == EPOCHS
    assert {"loss", "dev_loss", "dev_eer_skilled", "train_eer_random"} <= set(columns(uninterrupted)[0])
    assert weights(tmp_path / "run") == weights(uninterrupted)


@pytest.mark.slow
def test_a_run_killed_at_any_moments_ends_with_the_same_weights_bit_by_bit(
    tmp_path: Path, uninterrupted: Path, micro_config: RunConfig
) -> None:
    run, rng, kills = tmp_path / "run", np.random.default_rng(5), 0
    for epoch in (1, 2):
        process = start(run, micro_config)
        while not list((run / "checkpoints").glob(f"epoch-*{epoch}.keras")):
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0.0, 0.05)))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        kills += process.returncode == -signal.SIGKILL and not (run / "model.keras").exists()
    assert kills, "the run ended before it could be killed"
    assert "going on after epoch" in finish(start(run, micro_config))
    assert columns(run) == columns(uninterrupted)
    assert weights(run) == weights(uninterrupted)
    assert not list(run.rglob(".*")), "what the killed ones were just writing is gone"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["cut", "flipped"])
def test_a_checkpoint_that_the_disk_damaged_is_put_aside_and_the_one_before_is_gone_on_from(
    tmp_path: Path, uninterrupted: Path, micro_config: RunConfig, fault: str
) -> None:
    run = tmp_path / "run"
    process = start(run, micro_config)
    while not list((run / "checkpoints").glob("epoch-*2.keras")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    newest = max((run / "checkpoints").glob("epoch-*.keras"))
    whole = bytearray(newest.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    newest.write_bytes(whole if fault == "flipped" else whole[: len(whole) // 2])
    said = finish(start(run, micro_config))
    number = int(newest.stem.split("-")[1])
    assert f"the checkpoint of epoch {number} is no use (" in said
    assert f"going on after epoch {number - 1}" in said
    assert newest.with_suffix(".damaged").exists()
    assert columns(run) == columns(uninterrupted)
    assert weights(run) == weights(uninterrupted)
