"""Laws of run folders, configurations, whole files and hardware choices."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipelines import precision
from pipelines.config import PRESETS, RunConfig
from pipelines.files import write_beside, write_json, write_text
from pipelines.recipes import RECIPES
from pipelines.runs import Run, RunError, environment, load_verifier, sha256
from pipelines.trained import takes_images, unfrozen_verifier
from synth.streams import ENGINE

CONFIG = PRESETS["smoke"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_json(name: str) -> None:
    again = RunConfig.from_dict(json.loads(json.dumps(PRESETS[name].to_dict())))
    assert again == PRESETS[name]
    assert again.preset == name


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"sede": 3}, "sede"),
        ({"world": {"seed": -1}}, r"world\.seed"),
        ({"world": {"sed": 1}}, r"world\.sed"),
        ({"train": {"epochs": 0}}, r"train\.epochs"),
        ({"train": {"precision": "float8"}}, r"train\.precision"),
    ],
)
def test_unknown_keys_and_bad_values_are_refused_by_name_in_one_line(change: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match) as caught:
        RunConfig.from_dict({**CONFIG.to_dict(), **change})
    assert "\n" not in str(caught.value)


def test_a_run_starts_reopens_finishes_and_starts_over(tmp_path: Path) -> None:
    run = Run(tmp_path / "a" / "run")
    assert not run.finished
    run.start(CONFIG)
    assert {"config.json", "environment.json", "state.json"} == {f.name for f in run.path.iterdir()}
    assert run.config() == CONFIG
    assert run.read("state.json")["state"] == "unfinished"
    (run / "log.csv").write_text("epoch\n")
    (run / "notes.txt").write_text("mine")
    run.start(CONFIG)
    assert (run / "log.csv").exists()
    run.mark("finished", stage="done")
    assert run.finished
    run.start(CONFIG)
    assert run.finished
    with pytest.raises(RunError, match=r"another configuration; use --fresh"):
        run.start(PRESETS["classroom"])
    assert run.finished
    run.start(PRESETS["classroom"], fresh=True)
    assert not run.finished
    assert run.config() == PRESETS["classroom"]
    assert not (run / "log.csv").exists()
    assert (run / "notes.txt").read_text() == "mine"


def test_half_a_run_is_not_gone_on_with_by_a_generator_that_draws_others(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.start(CONFIG)
    recorded = json.loads((run / "environment.json").read_text())
    write_json(run / "environment.json", recorded | {"synth_engine": ENGINE - 1})
    with pytest.raises(RunError, match=rf"begun with signatures by engine {ENGINE - 1}, and this is .*use --fresh"):
        run.start(CONFIG)
    run.mark("finished", stage="report")
    run.start(CONFIG)  # a finished one is only read
    run.mark("unfinished", stage="training")
    run.start(CONFIG, fresh=True)
    assert json.loads((run / "environment.json").read_text())["synth_engine"] == ENGINE


def _end(run: Run, error: BaseException) -> None:
    """Let a training write something, then end with an error."""
    with run.taken_back():
        (run / "checkpoints").mkdir(exist_ok=True)
        (run / "times.json").write_text("{}")
        raise error


def _refuse(path: Path) -> None:
    with pytest.raises(ValueError, match="no good"):
        _end(Run(path), ValueError("no good"))


def test_a_folder_of_refused_input_is_free_again_and_what_was_trained_stays(tmp_path: Path) -> None:
    path = tmp_path / "run"
    Run(path).start(CONFIG)
    _refuse(path)
    assert not path.exists()
    Run(path).start(PRESETS["classroom"])
    (path / "notes.txt").write_text("mine")
    _refuse(path)
    assert {f.name for f in path.iterdir()} > {"notes.txt", "config.json", "environment.json", "state.json"}
    (path / "notes.txt").unlink()
    (path / "checkpoints/epoch-0001.keras").write_text("weights")
    _refuse(path)
    assert (path / "checkpoints/epoch-0001.keras").read_text() == "weights"
    assert (path / "times.json").exists()
    Run(tmp_path / "other").start(CONFIG)
    with pytest.raises(KeyboardInterrupt):
        _end(Run(tmp_path / "other"), KeyboardInterrupt())
    assert Run(tmp_path / "other").config() == CONFIG


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    for fresh in (False, True):
        with pytest.raises(RunError, match="no run folder"):
            Run(tmp_path).start(CONFIG, fresh=fresh)
    assert [f.name for f in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_place_of_a_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="no run folder"):
        Run(tmp_path / "run").start(CONFIG)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write into any folder")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunError, match="cannot write to") as caught:
            Run(tmp_path / "run").start(CONFIG)
    finally:
        tmp_path.chmod(0o700)
    assert "\n" not in str(caught.value)


def test_a_failing_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, values: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.runs.write_json", full)
    with pytest.raises(RunError, match=r"cannot write to .*: No space left on device"):
        Run(tmp_path / "run").start(CONFIG)


@pytest.mark.parametrize("content", ["{", "", "\x00"])
def test_broken_json_is_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"config\.json cannot be read") as caught:
        Run(tmp_path).config()
    assert "\n" not in str(caught.value)


def test_an_unfinished_run_has_no_verifier(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"no verifier\.json; it is no finished run"):
        load_verifier(tmp_path)


@pytest.fixture
def copied_run(finished_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished_run, tmp_path / "copy")


def test_changed_or_missing_weights_are_refused(copied_run: Path) -> None:
    load_verifier(copied_run)
    weights = copied_run / "model.keras"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RunError, match="not the file this run wrote"):
        load_verifier(copied_run)
    weights.unlink()
    with pytest.raises(RunError, match="missing"):
        load_verifier(copied_run)


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("format", 99, r"written in format 99 by Paraph 0\.1\.0"),
        (
            "preprocessing",
            "other-0",
            rf"preprocessing other-0; this version has {RECIPES['default'].key}, .*{RECIPES['bilevel'].key}$",
        ),
    ],
)
def test_another_format_or_preprocessing_is_refused(copied_run: Path, key: str, value: object, match: str) -> None:
    record = json.loads((copied_run / "verifier.json").read_text())
    write_json(copied_run / "verifier.json", record | {key: value})
    with pytest.raises(RunError, match=match):
        load_verifier(copied_run)


def test_a_run_remembers_its_preprocessing(copied_run: Path) -> None:
    record = json.loads((copied_run / "verifier.json").read_text())
    assert record["preprocessing"] == RECIPES["default"].key
    assert load_verifier(copied_run).recipe == "default"
    write_json(copied_run / "verifier.json", record | {"preprocessing": RECIPES["photo"].key})
    assert load_verifier(copied_run).recipe == "photo"


def test_an_unfrozen_network_prepares_images_as_it_was_trained_on_and_has_no_threshold(copied_run: Path) -> None:
    config = json.loads((copied_run / "config.json").read_text())
    config["train"]["preprocessing"] = "bilevel"
    (copied_run / "config.json").write_text(json.dumps(config))
    verifier = unfrozen_verifier(Run(copied_run))
    assert verifier.recipe == "bilevel"
    assert np.isnan(verifier.threshold)
    assert takes_images(verifier.model)


def test_a_run_without_a_network_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no trained network; run `train --run"):
        unfrozen_verifier(Run(tmp_path))


def test_weights_that_hold_code_are_refused_even_under_their_own_digest(copied_run: Path) -> None:
    import keras

    image = keras.Input((64, 128, 1))
    unsafe = keras.Model(image, keras.layers.Lambda(lambda x: x[:, 0, :, 0])(image))
    unsafe.save(copied_run / "model.keras")
    record = json.loads((copied_run / "verifier.json").read_text())
    write_json(copied_run / "verifier.json", record | {"sha256": sha256(copied_run / "model.keras")})
    version = keras.__version__.replace(".", r"\.")
    with pytest.raises(RunError, match=rf"written by Paraph 0\.1\.0 with Keras {version} and cannot be loaded safely"):
        load_verifier(copied_run)


def test_a_run_loads_from_anywhere_with_nothing_but_its_own_files(copied_run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "un autre dossier, \u5ddd"
    elsewhere.mkdir()
    for name in ("verifier.json", "model.keras"):
        shutil.copy(copied_run / name, elsewhere / name)
    images = np.full((1, 60, 120), 255, np.uint8)
    images[0, 20:30, 10:100] = 0
    there, here = load_verifier(elsewhere), load_verifier(copied_run)
    np.testing.assert_array_equal(there.embed(images), here.embed(images))
    assert there.threshold == here.threshold


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = write_text(tmp_path / "a.txt", "old\n")

    def half(temporary: Path) -> None:
        temporary.write_text("ne")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_beside(path, half)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"rate": float("nan")})
    assert path.read_bytes() == b"old\n"
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]


def test_what_cannot_be_written_is_named_without_the_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(OSError, match="cannot write") as caught:
        write_text(path, "x")
    assert str(caught.value) == f"cannot write {path}: No such file or directory"
    assert caught.value.strerror == "No such file or directory"


def test_the_environment_names_versions_and_cores() -> None:
    found = environment()
    assert found["packages"]["numpy"]
    assert found["cores"] >= 1
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("capability", "flags", "onednn", "expected"),
    [
        (None, {"avx2"}, "1", "float32"),
        (None, {"avx512_bf16"}, "1", "mixed_bfloat16"),
        (None, {"amx_bf16", "avx2"}, "1", "mixed_bfloat16"),
        (None, {"avx512_bf16"}, "0", "float32"),
        (None, set(), "1", "float32"),
        ((9, 0), {"avx512_bf16"}, "1", "mixed_bfloat16"),
        ((8, 0), set(), "1", "mixed_bfloat16"),
        ((7, 5), {"avx512_bf16"}, "1", "mixed_float16"),
        ((6, 1), {"avx512_bf16"}, "1", "float32"),
    ],
)
def test_precision_follows_the_hardware(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int] | None, flags: set[str], onednn: str, expected: str
) -> None:
    monkeypatch.setattr(precision, "_gpu_capability", lambda: capability)
    monkeypatch.setattr(precision, "cpu_flags", lambda: flags)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", onednn)
    choice = precision.choose_precision("auto")
    assert choice.value == expected
    assert choice.reason
    assert precision.choose_precision("mixed_float16").value == "mixed_float16"


@pytest.mark.parametrize(("gpus", "expected"), [(0, "off"), (1, "on"), (2, "off")])
def test_xla_follows_the_number_of_gpus(monkeypatch: pytest.MonkeyPatch, gpus: int, expected: str) -> None:
    monkeypatch.setattr(precision, "_gpu_count", lambda: gpus)
    choice = precision.choose_xla("auto")
    assert choice.value == expected
    assert choice.reason
    assert precision.choose_xla("off").value == "off"
    if gpus > 1:
        with pytest.raises(ValueError, match="several GPUs; use xla='off'"):
            precision.choose_xla("on")
    else:
        assert precision.choose_xla("on").value == "on"


def test_a_run_that_is_being_trained_is_neither_trained_nor_started_over_by_another(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.start(CONFIG)
    with run.claimed():
        with (
            pytest.raises(RunError, match="is being trained by another process; wait for it"),
            Run(run.path).claimed(),
        ):
            pass
        with pytest.raises(RunError, match="is being trained by another process"):
            Run(run.path).start(CONFIG, fresh=True)
        assert (run / "environment.json").exists()
    Run(run.path).start(CONFIG, fresh=True)


def test_a_killed_process_lets_go_of_its_run(tmp_path: Path) -> None:
    code = "import sys, time; from pipelines.runs import Run\nwith Run(sys.argv[1]).claimed(): "
    code += "print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(RunError, match="is being trained"), Run(tmp_path).claimed():
            pass
        process.kill()
    with Run(tmp_path).claimed():
        pass
