"""The command line: quick help, one-line refusals with exit status 2, and the small verbs."""

import inspect
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines.cli import main
from pipelines.cli_shared import print_table
from pipelines.config import PRESETS, RunConfig
from pipelines.information import _problems
from pipelines.precision import cpu_flags

ROOT = Path(__file__).parents[1]


def pipelines(*arguments: object, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, input=typed, timeout=120)


def test_help_is_quick() -> None:
    """Processor seconds, the best of several: other programs on the machine do not count."""
    seconds = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = pipelines("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in ("demo", "train", "evaluate", "preview", "export", "speed", "info"))
    assert min(seconds) < 0.5


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from pipelines.cli import main; main(['--help']); main(['demo', '--help']);"
        "sys.exit(' '.join({'tensorflow', 'keras', 'numba', 'cv2', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("demo", "--preset", "smok"), ("unknown preset 'smok'", "smoke")),
        (("train", "--preset", "nothing"), ("unknown preset",)),
        (("evaluate", "--run", "no/such/run"), ("no config.json", "demo")),
        (("evaluate",), ("--run",)),
        (("demoo",), ("demoo",)),
        (("demo", "--seed", "seven"), ("--seed",)),
        (("demo", "--seed", "-1"), ("world.seed", "greater than or equal to 0")),
        (("demo", "--set", 'train={"epoch":3}'), ("train.epoch", "Unexpected keyword argument")),
        (("demo", "--set", "batch.skill_shapes=[0,2]"), ("batch.skill_shapes", "two numbers above 0")),
        (("demo", "--set", "batch.skill_shapes=[-1,2]"), ("batch.skill_shapes", "two numbers above 0")),
        (("demo", "--set", "evaluation.skill_shapes=[0,2]"), ("evaluation.skill_shapes", "two numbers above 0")),
        (("demo", "--set", "evaluation.skills=[1.5]"), ("evaluation.skills", "numbers from 0 to 1")),
        (("demo", "--set", "evaluation.skills=[NaN]"), ("evaluation.skills", "numbers from 0 to 1")),
        (("preview", "--out", "sheet.jpg"), ("sheet.jpg must end in .png",)),
        (("preview", "--profile", "runes"), ("unknown profile 'runes'",)),
        (("provenance", "check", "no/such/folder"), ("no folder",)),
        (("train", "--preset", "smoke", "--folds", "-3"), ("--folds is -3; use 3 or more",)),
        (("train", "--preset", "smoke", "--folds", "1", "--data", "x"), ("--folds is 1; use 3 or more",)),
        (("compare", "--out", "x", "--seeds", "a,b"), ("--seeds has 'a'; use whole numbers",)),
        (("steps", "--height", "-5"), ("--height is -5; use 8 or more",)),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: tuple[str, ...], words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert all(word in error for word in words), error


def test_a_refusal_shows_no_traceback_and_reaches_the_shell() -> None:
    done = pipelines("demo", "--preset", "smok")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    asked = pipelines("--traceback", "demo", "--preset", "smok")
    assert asked.returncode == 1
    assert "Traceback" in asked.stderr


def test_a_trained_run_is_not_said_to_have_been_trained_again(
    finished_run: Path,
    micro_config: RunConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(PRESETS, "micro", micro_config)
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    before = (run / "model.keras").stat().st_mtime_ns
    assert main(["train", "--preset", "micro", "--run", str(run), "--quiet"]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{run} is trained already (--fresh trains anew); next: ")
    assert "trained:" not in told
    assert (run / "model.keras").stat().st_mtime_ns == before


_LOADS = "from pipelines.quiet_loading import keep_loading_quiet; keep_loading_quiet(); import tensorflow"


@pytest.mark.skipif("avx" not in cpu_flags(), reason="only there is it known that TensorFlow can be loaded at all")
def test_tensorflow_is_loaded_without_a_word_unless_words_are_asked_for() -> None:
    """Its notice would stand above every error, which is one line."""
    for level, told in (("2", False), ("1", True)):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": level, "TF_ENABLE_ONEDNN_OPTS": "1"}
        done = subprocess.run([sys.executable, "-c", _LOADS], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0
        assert bool(done.stderr) == told, done.stderr


def test_data_without_provenance_is_told_how_to_write_one(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--run", str(finished_run), "--data", str(tmp_path), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert f"python -m pipelines provenance init {tmp_path}" in error
    assert error.count("\n") == 1


def test_provenance_is_written_by_typed_answers_and_checked(tmp_path: Path) -> None:
    answers = ["drawn by a test", "CC0-1.0", "no person is involved", "evaluation", "the test", "no", "", ""]
    done = pipelines("provenance", "init", tmp_path, typed="\n".join(answers) + "\n")
    assert done.returncode == 0, done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["provenance.toml"]
    checked = pipelines("provenance", "check", tmp_path)
    assert checked.returncode == 0
    assert "in order; digest" in checked.stdout
    again = pipelines("provenance", "init", tmp_path, typed="\n".join(answers) + "\n")
    assert again.returncode == 2
    assert "left as it is" in again.stderr


def test_preview_writes_a_png_that_says_it_is_synthetic(tmp_path: Path) -> None:
    out = tmp_path / "new" / "sheet.png"
    assert main(["preview", "--out", str(out), "--signers", "2", "--seed", "0"]) == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert "synthetic" in picture.text["Source"]  # type: ignore[attr-defined]
        assert np.ptp(np.asarray(picture.convert("L"))) > 100
    assert [f.name for f in out.parent.iterdir()] == ["sheet.png"]


def test_export_writes_the_layout_and_goes_on_or_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "data"
    command = ["export", "--out", str(out), "--signers", "3", "--genuine", "2", "--forged", "1", "--dpi", "100"]
    assert main(command) == 0
    assert "9 signatures" in capsys.readouterr().out
    names = sorted(f.relative_to(out).as_posix() for f in out.glob("*/*/*.png"))
    assert names == [f"{i}/{k}" for i in range(3) for k in ("forged/000.png", "genuine/000.png", "genuine/001.png")]
    assert main(["provenance", "check", str(out)]) == 0
    assert main(command) == 0
    assert "all there already" in capsys.readouterr().out
    assert main([*command, "--seed", "12"]) == 2
    assert "another seed; use --fresh" in capsys.readouterr().err
    assert main([*command[:2], str(tmp_path / "b"), "--genuine", "1"]) == 2


@pytest.mark.parametrize("group", [[], ["sheet"], ["course"], ["provenance"]])
def test_a_group_without_a_verb_prints_its_help_as_it_is(group: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(group) == 2
    told = capsys.readouterr().err
    assert main([*group, "--help"]) == 0
    assert told.strip() == capsys.readouterr().out.strip()
    assert told.count("\n") > 5


def test_a_table_shows_square_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("a [t]", ("[head]", "b"), [("x [cpu]", "old [/v2]")])
    out = capsys.readouterr().out
    assert all(word in out for word in ("a [t]", "[head]", "x [cpu]", "old [/v2]"))


def test_tensorflow_is_found_however_its_name_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    for names, told in (
        (["tensorflow_cpu"], []),
        (["numpy"], ["missing"]),
        (["tensorflow", "TensorFlow.CPU"], ["doubled"]),
    ):
        there = [SimpleNamespace(metadata={"Name": name}) for name in names]
        monkeypatch.setattr("importlib.metadata.distributions", lambda there=there: there)
        assert [name for name, _ in _problems()] == told


def test_info_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    for word in ("Machine", "Packages", "Models", "Presets", "resnet_small", "smoke", "classroom", "Not tried"):
        assert word in out
    readme = " ".join((Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8").split())
    untried = readme[readme.index("## What has not been tried") :]
    for path in ("training, half precision and XLA on one", "several", "NCCL", "GPU", "Windows", "macOS"):
        assert path in untried
        assert path in " ".join(out.split())


def test_every_verb_that_trains_keeps_the_memory_it_works_in():
    from pipelines.__main__ import KEEPING
    from pipelines.cli import app

    verbs = {each.name or each.callback.__name__: inspect.signature(each.callback) for each in app.registered_commands}
    assert KEEPING >= {verb for verb, takes in verbs.items() if "preset" in takes.parameters}
    assert verbs.keys() >= KEEPING
