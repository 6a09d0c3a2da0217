"""Ablation: rows that say how to make them again, paired differences, what gets more seeds, and what is refused."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipelines.ablation
from pipelines.ablation import ablate, folder_name, row_config, surely_worse, with_seed
from pipelines.ablation_rows import Trained, _row, load_trained, rows_of, settings_changed
from pipelines.ablation_table import HEAD, cells, csv_of, markdown, world_rows
from pipelines.cli import main
from pipelines.config import PRESETS, RunConfig, changed
from pipelines.progress import Progress
from pipelines.runs import Run, RunError
from pipelines.score_file import write_scores
from pipelines.shift_worlds import shifts
from pipelines.trials import TrialTable

QUIET = Progress(quiet=True)
CHANGES = st.lists(
    st.sampled_from(
        [
            "train.model=resnet_small",
            "train.model_options.evidence=0",
            "train.model_options={}",
            "train.loss_options.scale=20.0",
            "train.small_share=0",
            "train.optimizer=adamw",
            "batch.skill_shapes=[4, 1.5]",
            'batch.forger_kinds={"freehand": 0.5, "tracer": 0.5}',
            "world.training=broad",
            "evaluation.genuine=6",
            "inputs.real_share=0.25",
        ]
    ),
    max_size=5,
    unique=True,
)


@given(before=CHANGES, after=CHANGES, seed=st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_a_row_says_how_it_is_made_from_the_base(before: list[str], after: list[str], seed: int) -> None:
    base = changed(PRESETS["classroom"], before)
    row = with_seed(changed(base, after), seed)
    said = settings_changed(base, row)
    assert changed(base, said) == with_seed(row, base.train.seed)
    assert (not said) == (with_seed(row, base.train.seed) == base)
    assert not any(change.startswith("train.seed") for change in said)


@given(CHANGES)
@settings(max_examples=40, deadline=None)
def test_folders_of_rows_are_named_as_files_can_be_whatever_the_order(changes: list[str]) -> None:
    name = folder_name(changes)
    assert name == folder_name(changes[::-1])
    assert len(name) <= 80
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789_.=+-")
    assert Path(name).name == name


def test_every_shifted_world_of_an_ablation_exists_and_none_is_trainings_own() -> None:
    known = {shift.name: shift.seen for shift in shifts(PRESETS["classroom"])}
    assert {known[name] for name in pipelines.ablation.WORLDS} <= {"no", "part"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["train.seed=4"], "train.seed is what --seeds gives"),
        (["train.epochs=2"], "train.epochs=2: the base has that already"),
        (["train.epoch=2"], "unknown setting 'train.epoch'; did you mean 'epochs'"),
        (["train.model=resnet_smal"], "unknown network 'resnet_smal'; did you mean 'resnet_small'"),
    ],
)
def test_a_row_that_is_none_is_refused(micro_config: RunConfig, changes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row_config(micro_config, changes)


def trials(scores: np.ndarray) -> TrialTable:
    """Return trials of 20 signers: three genuine and three skilled of each, in that order, ``(20, 6)`` scores."""
    n = scores.size
    return TrialTable(
        claimed=np.repeat([f"S{i:02d}" for i in range(20)], 6),
        impostor=np.full(n, ""),
        kind=np.tile(["genuine"] * 3 + ["skilled"] * 3, 20),
        skill=np.full(n, np.nan),
        reference=np.full(n, "r"),
        questioned=np.arange(n).astype(str),
        score=scores.ravel().astype(np.float32),
        part="development",
        protocol="by hand",
    )


def written(folder: Path, config: RunConfig, scores: np.ndarray) -> Path:
    """Write what `surely_worse` reads of a run."""
    Run(folder).start(config)
    write_scores(folder / "scores.parquet", {"development": trials(scores)})
    return folder


def test_only_what_is_surely_worse_on_development_signers_gets_no_more_seeds(
    tmp_path: Path, micro_config: RunConfig
) -> None:
    rng = np.random.default_rng(3)
    labels = np.tile([1.0] * 3 + [0.0] * 3, (20, 1))
    good = written(tmp_path / "good", micro_config, labels + 0.4 * rng.normal(size=(20, 6)))
    same = written(tmp_path / "same", micro_config, labels + 0.4 * rng.normal(size=(20, 6)))
    bad = written(tmp_path / "bad", micro_config, labels + 3.0 * rng.normal(size=(20, 6)))
    assert surely_worse(good, bad)
    assert not surely_worse(bad, good)
    assert not surely_worse(good, same)
    assert not surely_worse(good, good)


def trained(config: RunConfig, seed: int, error: float, table: TrialTable, **worlds: float) -> Trained:
    """Return a run whose error differs from draw to draw by the same for everybody."""
    spread = np.concatenate([[0.0], np.linspace(-0.02, 0.02, 101)])
    rates = {name: {"value": error} for name in ("eer_random", "frr_frozen", "far_skilled_frozen", "cllr_skilled")}
    metrics = {"cost": {"training_images": 960, "seconds": {"training": 12.5}}, "verifier": rates}
    elsewhere = {name: value + 2 * spread for name, value in worlds.items()}
    own = with_seed(config, seed)
    return Trained(Path(f"run-{seed}"), own, metrics, table, error + spread, 0.2 + 0 * spread, elsewhere)


def test_differences_are_paired_over_common_seeds_and_the_mean_is_over_worlds(micro_config: RunConfig) -> None:
    table = trials(np.random.default_rng(1).normal(size=(20, 6)))
    base = [trained(micro_config, seed, 0.1 + 0.02 * seed, table, fax=0.2, photo=0.4) for seed in (0, 1)]
    row = _row(("train.epochs=9",), [trained(micro_config, 1, 0.1, table, fax=0.1, photo=0.3)], base, ["fax", "photo"])
    assert row["less_base"] == pytest.approx({"value": -0.02, "low": -0.02, "high": -0.02})  # of seed 1, no spread left
    assert row["shifted"]["value"] == pytest.approx(0.2)
    assert row["shifted_less_base"] == pytest.approx({"value": -0.1, "low": -0.1, "high": -0.1})
    assert row["of_hog"]["value"] == pytest.approx(0.5)
    own = _row((), base, base, ["fax", "photo"])
    assert own["less_base"] is own["shifted_less_base"] is None
    assert own["by_seed"] == pytest.approx([0.1, 0.12])
    assert own["eer_skilled"]["value"] == pytest.approx(0.11)
    text = cells(row)
    assert text[HEAD.index("less base's")] == "-2.0 (-2.0 to -2.0)"
    assert text[HEAD.index("training, s")] == "12"
    assert markdown([own, row], micro_config).count("train.epochs=9") == 2


def test_rows_judged_on_other_trials_or_on_no_worlds_have_no_difference(micro_config: RunConfig) -> None:
    rng = np.random.default_rng(2)
    table = trials(rng.normal(size=(20, 6)))
    others = dataclasses.replace(table, questioned=np.char.add(table.questioned, "x"))
    base = [trained(micro_config, 0, 0.1, table, fax=0.2)]
    row = _row(("evaluation.genuine=9",), [trained(micro_config, 0, 0.2, others, fax=0.3)], base, ["fax"])
    assert row["less_base"] is None
    assert row["shifted_less_base"] is None
    assert cells(row)[HEAD.index("less base's")] == "-"
    without = _row(("train.epochs=9",), [trained(micro_config, 0, 0.2, table)], base, ["fax"])
    assert without["less_base"]["value"] == pytest.approx(0.1)
    assert without["shifted"] is None
    assert world_rows([_row((), base, base, ["fax"]), without])[1] == [("nothing: the base", "20.0 (16.2 to 23.8)")]


@pytest.fixture(scope="module")
def tiny(micro_config: RunConfig) -> list[str]:
    """How the command line says a base that trains in seconds."""
    options = json.dumps({"channels": [8, 16], "dense": [16]})
    wanted = {f"{part}.{key}": value for part in ("world", "batch", "evaluation")
              for key, value in micro_config.to_dict()[part].items() if key != "folds"}  # fmt: skip
    wanted |= {"train.model": "plain_cnn", "train.loss": "joint", "train.epochs": 1, "train.steps_per_epoch": 3}
    wanted |= {"train.height": 64, "train.width": 128, "train.precision": "float32", "train.small_share": 0}
    bases = [f"{key}={json.dumps(value)}" for key, value in wanted.items()]
    return [word for change in [*bases, f"train.model_options={options}"] for word in ("--base", change)]


@pytest.mark.slow
def test_one_command_makes_a_row_goes_on_and_keeps_the_others(tmp_path: Path, tiny: list[str], monkeypatch, capsys):
    out = tmp_path / "table"
    how = ["ablate", "--out", str(out), "--preset", "smoke", *tiny, "--worlds", "fax", "--signers", "8", "--quiet"]
    assert main([*how, "--seeds", "0,1", "--set", "train.loss=triplet"]) == 0
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
        "base-0", "base-1", "loss=triplet-0", "loss=triplet-1",
    ]  # fmt: skip
    assert str(out / "ablation.md") in capsys.readouterr().out.replace("\n", "")
    rows = rows_of(out)
    base = load_trained(out / "base-0")
    assert rows[0]["by_seed"][0] == base.metrics["verifier"]["eer_skilled"]["value"]  # as the run itself says
    assert rows[1]["less_base"]["value"] == pytest.approx(np.mean(rows[1]["by_seed"]) - np.mean(rows[0]["by_seed"]))
    with (out / "ablation.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {row["change"] for row in table} == {"nothing: the base", "train.loss=triplet"}
    assert json.loads((out / "ablation.json").read_text())["rows"] == rows
    assert "<svg" in (out / "ablation.html").read_text(encoding="utf-8")
    assert csv_of(rows).count("eer_skilled in fax") == 2

    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/*") if path.name in ("model.keras", "shift")}
    monkeypatch.setattr(pipelines.ablation, "surely_worse", lambda first, other: True)
    again = ["ablate", "--out", str(out), "--worlds", "fax", "--signers", "8", "--quiet"]  # the folder knows its base
    assert main([*again, "--seeds", "0,1", "--set", "train.loss=contrastive"]) == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert [row["seeds"] for row in rows_of(out)].count([0]) == 1  # the stop rule
    assert {row["changes"][0] for row in rows_of(out) if row["changes"]} == {
        "train.loss=contrastive", "train.loss=triplet",
    }  # fmt: skip

    other = ["--base", "evaluation.genuine=4"]
    assert main([*how, *other, "--seeds", "0"]) == 2
    assert "holds rows of another base" in capsys.readouterr().err


def test_an_ablation_without_seeds_or_of_a_wrong_folder_is_refused(tmp_path: Path, micro_config: RunConfig) -> None:
    for seeds in ([], [1, 1]):
        with pytest.raises(ValueError, match="need different seeds"):
            ablate(micro_config, (), tmp_path, seeds=seeds, progress=QUIET)
    with pytest.raises(RunError, match=r"has no base\.json"):
        rows_of(tmp_path)
    with pytest.raises(ValueError, match="unknown shift 'faxes'"):
        ablate(micro_config, (), tmp_path / "none", worlds=("faxes",), progress=QUIET)
    assert not (tmp_path / "none").exists()
