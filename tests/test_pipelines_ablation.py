"""Ablation: rows that say how to make them again, paired differences, what gets more seeds, and what is refused."""

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pipelines.ablation
from pipelines.ablation import WORLDS, ablate, row_config, surely_worse
from pipelines.ablation_folder import (
    SHIFTED,
    Common,
    done_runs,
    known_common,
    remember,
    run_name,
    settings_changed,
    with_seed,
)
from pipelines.ablation_rows import Judged, Trained, load_trained, row_of, rows_of
from pipelines.ablation_table import HEAD, cells, csv_of, markdown, words, world_rows
from pipelines.cli import main
from pipelines.config import PRESETS, RunConfig, changed
from pipelines.progress import Progress
from pipelines.recipes import find_recipe
from pipelines.runs import Run, RunError
from pipelines.score_file import write_scores
from pipelines.shift_worlds import shifts
from pipelines.side_by_side import difference
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
@example(["train.model_options.evidence=0"], ["train.model=resnet_small", "train.model_options.evidence=0"], 1)
@settings(max_examples=60, deadline=None)
def test_a_row_says_how_it_is_made_from_the_base(before: list[str], after: list[str], seed: int) -> None:
    base = changed(PRESETS["classroom"], before)
    row = with_seed(changed(base, after), seed)
    said = settings_changed(base, row)
    assert changed(base, said) == with_seed(row, base.train.seed)
    assert (not said) == (with_seed(row, base.train.seed) == base)
    assert not any(change.startswith("train.seed") for change in said)


@given(one=CHANGES, other=CHANGES, seeds=st.tuples(st.integers(0, 3), st.integers(0, 3)))
@settings(max_examples=80, deadline=None)
def test_run_folders_have_equal_names_if_and_only_if_the_runs_are_equal(
    one: list[str], other: list[str], seeds: tuple[int, int]
) -> None:
    base = PRESETS["classroom"]
    configs = [with_seed(changed(base, changes), seed) for changes, seed in zip((one, other), seeds, strict=True)]
    names = [run_name(base, config) for config in configs]
    assert (names[0] == names[1]) == (configs[0] == configs[1])
    assert all(re.fullmatch(r"[\w.=+-]{1,100}", name) for name in names)


def test_a_setting_written_otherwise_is_the_same_run_and_long_names_are_told_apart() -> None:
    base = PRESETS["classroom"]
    names = {run_name(base, changed(base, [f"train.learning_rate={text}"])) for text in ("0.001", "1e-3")}
    assert names == {"train.learning_rate=0.001-0"}
    long = [f"train.{key}=0.123456789" for key in ("learning_rate", "weight_decay", "warmup_share", "ema")]
    both = [run_name(base, changed(base, [*long, f"train.temperature={value}"])) for value in (0.2, 0.3)]
    assert both[0] != both[1]
    assert run_name(base, base) == "base-0"


def test_the_usual_worlds_exist_have_skilled_forgeries_and_are_not_trainings_own() -> None:
    known = {shift.name: shift for shift in shifts(PRESETS["classroom"])}
    assert {known[name].seen for name in WORLDS} <= {"no", "part"}
    assert [name for name in WORLDS if known[name].seen == "part"] == ["short signatures"]
    assert not [name for name in WORLDS if known[name].forger == "simple"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["train.seed=4"], "train.seed is what --seeds gives"),
        (["world.seed=4"], "world.seed and preset are the base's"),
        (["train.epochs=2"], "train.epochs=2: the base has that already"),
        (["preset=other", "train.epochs=3"], "world.seed and preset are the base's"),
        (["train.epoch=2"], "unknown setting 'train.epoch'; did you mean 'epochs'"),
        (["train.model=resnet_smal"], "unknown network 'resnet_smal'; did you mean 'resnet_small'"),
        (["world.test_signers=6"], "8 signers cannot judge; use 8 to 6"),
    ],
)
def test_a_row_that_is_none_is_refused(micro_config: RunConfig, changes: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        row_config(Common(micro_config, ("fax",), 8), changes)


def test_a_folder_keeps_what_its_rows_share_once_there_is_one(tmp_path: Path, micro_config: RunConfig) -> None:
    first, other = Common(micro_config, ("fax",), 8), Common(micro_config, ("fax", "jpeg"), 9)
    assert known_common(tmp_path) is None
    remember(tmp_path, other)
    remember(tmp_path, first)  # nothing was made with the other
    assert known_common(tmp_path) == first
    Run(tmp_path / "base-0").start(micro_config)
    remember(tmp_path, first)
    with pytest.raises(RunError, match=r"another choice of worlds, signers; leave .* out, or choose another --out"):
        remember(tmp_path, other)
    with pytest.raises(RunError, match="is a run folder"):
        remember(tmp_path / "base-0", first)
    assert done_runs(tmp_path, first) == []  # unfinished


def test_further_seeds_are_trained_unless_the_first_is_surely_worse_than_the_base(
    tmp_path: Path, micro_config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    asked: list[tuple[str, ...]] = []

    def worse(*paths: Path) -> bool:
        asked.append(tuple(path.name for path in paths))
        return True

    monkeypatch.setattr(pipelines.ablation, "_run", lambda path, config, common, progress: made.append(path.name))
    monkeypatch.setattr(pipelines.ablation, "surely_worse", worse)
    monkeypatch.setattr("pipelines.ablation_page.write_table", lambda folder: ([], folder))
    how = {"base": micro_config, "worlds": (), "seeds": (4, 2), "progress": QUIET}
    ablate(tmp_path, ["train.epochs=3"], **how)
    assert made == ["base-4", "base-2", "train.epochs=3-4"]
    assert asked == [("base-4", "train.epochs=3-4")]
    made.clear()
    ablate(tmp_path, ["train.epochs=3"], all_seeds=True, **how)
    assert made == ["base-4", "base-2", "train.epochs=3-4", "train.epochs=3-2"]
    monkeypatch.setattr(pipelines.ablation, "surely_worse", lambda *paths: False)
    made.clear()
    ablate(tmp_path, ["train.epochs=3"], **how)
    assert made[-1] == "train.epochs=3-2"


def test_only_runs_of_this_generator_that_were_judged_everywhere_are_done(
    tmp_path: Path, micro_config: RunConfig
) -> None:
    common, run = Common(micro_config, ("fax",), 8), Run(tmp_path / "base-0")
    run.start(micro_config)
    run.mark("finished", stage="done")
    record = run / "verifier.json"
    record.write_text(json.dumps({"preprocessing": find_recipe("default").key}))
    assert done_runs(tmp_path, Common(micro_config, (), 8)) == [run.path]
    assert done_runs(tmp_path, common) == []
    judged = run / SHIFTED
    judged.mkdir()
    (judged / "scores.parquet").touch()
    for values, done in (
        ({"signers": 8, "asked": ["fax"]}, [run.path]),
        ({"signers": 9, "asked": ["fax"]}, []),
        ({"signers": 8, "asked": ["jpeg"]}, []),
    ):
        (judged / "shift.json").write_text(json.dumps(values))
        assert done_runs(tmp_path, common) == done
    record.write_text(json.dumps({"preprocessing": "default-3"}))
    with pytest.raises(RunError, match="was trained with preprocessing default-3, which this version has not"):
        done_runs(tmp_path, common)
    (run / "environment.json").write_text(json.dumps({"synth_engine": 1}))
    with pytest.raises(RunError, match="was trained on signatures by engine 1"):
        done_runs(tmp_path, common)


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
    cost = {"training_images": 960, "seconds": {"training": 12.5}}
    metrics = {"cost": cost, "verifier": rates, "notice": "trained on nothing"}
    elsewhere = {name: Judged(table, value + 2 * spread) for name, value in worlds.items()}
    home, hog = Judged(table, error + spread), Judged(table, 0.2 + 0 * spread)
    return Trained(Path(f"run-{seed}"), with_seed(config, seed), metrics, home, hog, elsewhere)


def test_differences_are_paired_over_common_seeds_and_the_mean_is_over_worlds(micro_config: RunConfig) -> None:
    table = trials(np.random.default_rng(1).normal(size=(20, 6)))
    base = [trained(micro_config, seed, 0.1 + 0.02 * seed, table, fax=0.2, photo=0.4) for seed in (0, 1)]
    row = row_of(("train.epochs=9",), [trained(micro_config, 1, 0.1, table, fax=0.1, photo=0.3)], base)
    assert row["less_base"] == pytest.approx({"value": -0.02, "low": -0.02, "high": -0.02})  # of seed 1, no spread left
    assert row["shifted"]["value"] == pytest.approx(0.2)
    assert row["shifted_less_base"] == pytest.approx({"value": -0.1, "low": -0.1, "high": -0.1})
    assert row["of_hog"]["value"] == pytest.approx(0.5)
    own = row_of((), base, base)
    assert own["less_base"] is own["shifted_less_base"] is None
    assert own["by_seed"] == pytest.approx([0.1, 0.12])
    assert own["eer_skilled"]["value"] == pytest.approx(0.11)
    text = cells(row)
    assert text[HEAD.index("less base's")] == "-2.0 (-2.0 to -2.0)"
    assert text[HEAD.index("training, s")] == "12"
    common = Common(micro_config, ("fax", "photo"), 9)
    assert markdown([own, row], common).count("train.epochs=9") == 2
    assert "trained on nothing" in words([own, row], common)
    assert "of 9 signers each: fax, photo" in words([own, row], common)


def test_what_was_judged_on_other_trials_or_has_no_seed_in_common_has_no_difference(micro_config: RunConfig) -> None:
    rng = np.random.default_rng(2)
    table = trials(rng.normal(size=(20, 6)))
    others = dataclasses.replace(table, questioned=np.char.add(table.questioned, "x"))
    base = [trained(micro_config, 0, 0.1, table, fax=0.2)]
    row = row_of(("evaluation.genuine=9",), [trained(micro_config, 0, 0.2, others, fax=0.3)], base)
    assert row["less_base"] is None
    assert row["shifted_less_base"] is None
    assert cells(row)[HEAD.index("less base's")] == "-"
    assert row_of(("train.epochs=9",), [trained(micro_config, 1, 0.2, table, fax=0.3)], base)["less_base"] is None
    without = row_of(("train.epochs=9",), [trained(micro_config, 0, 0.2, table)], base)
    assert without["less_base"]["value"] == pytest.approx(0.1)
    assert without["shifted"] is without["shifted_less_base"] is None
    assert world_rows([row_of((), base, base), without])[1] == [
        ("nothing: the base", "20.0 (16.2 to 23.8)"),
        ("train.epochs=9", "-"),
    ]


def test_a_world_that_training_met_is_marked_and_an_undefined_figure_is_a_dash(micro_config: RunConfig) -> None:
    table = trials(np.random.default_rng(4).normal(size=(20, 6)))
    base = [trained(micro_config, 0, 0.1, table, tracer=0.2)]
    kinds = changed(micro_config, ['batch.forger_kinds={"freehand": 0.5, "tracer": 0.5}'])
    met = trained(kinds, 0, 0.1, table, tracer=0.1)
    met.metrics["verifier"]["cllr_skilled"] = {"value": None}
    met = dataclasses.replace(met, hog=Judged(table, 0 * met.hog.eer))
    row = row_of(("batch.forger_kinds={}",), [met], base)
    assert row["met_in_part"] == ["tracer"]
    assert cells(row)[HEAD.index("shifted worlds, %")].endswith(" *")
    assert cells(row)[HEAD.index("Cllr")] == cells(row)[HEAD.index("of HOG's")] == "-"
    own = row_of((), base, base)
    assert "*" not in "".join(cells(own))
    assert world_rows([own, row])[1][1][1].endswith(" *")


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
    base = ["--preset", "smoke", *tiny, "--worlds", "fax", "--signers", "8"]
    how = ["ablate", "--out", str(out), "--quiet", "--seeds", "0,1"]
    assert main([*how, *base, "--set", "train.loss=triplet"]) == 0
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == [
        "base-0", "base-1", "train.loss=triplet-0", "train.loss=triplet-1",
    ]  # fmt: skip
    assert str(out / "ablation.md") in capsys.readouterr().out.replace("\n", "")
    rows = rows_of(out)
    assert rows[0]["by_seed"][0] == Run(out / "base-0").read("metrics.json")["verifier"]["eer_skilled"]["value"]
    one, two = (load_trained(out / f"{name}-0", ["fax"]) for name in ("base", "train.loss=triplet"))
    alone = row_of(("train.loss=triplet",), [two], [one])
    world = Run(out / "base-0").config().world.seed
    assert alone["less_base"] == pytest.approx(difference(one.home.trials, two.home.trials, seed=world))
    assert alone["shifted_less_base"] == pytest.approx(
        difference(one.worlds["fax"].trials, two.worlds["fax"].trials, seed=world)
    )
    assert rows[1]["less_base"]["value"] == pytest.approx(np.mean(rows[1]["by_seed"]) - np.mean(rows[0]["by_seed"]))
    with (out / "ablation.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {row["change"] for row in table} == {"nothing: the base", "train.loss=triplet"}
    assert json.loads((out / "ablation.json").read_text())["rows"] == rows
    assert "<svg" in (out / "ablation.html").read_text(encoding="utf-8")
    assert csv_of(rows).count("eer_skilled in fax") == 2

    kept = {path: path.stat().st_mtime_ns for path in out.glob("*/*") if path.name in ("model.keras", "shift")}
    monkeypatch.setattr(pipelines.ablation, "surely_worse", lambda first, other: True)
    assert main([*how, "--set", "train.loss=contrastive"]) == 0  # the folder knows the rest
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert [row["seeds"] for row in rows_of(out)].count([0]) == 1  # the stop rule
    assert {row["changes"][0] for row in rows_of(out) if row["changes"]} == {
        "train.loss=contrastive", "train.loss=triplet",
    }  # fmt: skip

    assert main([*how, "--worlds", "none"]) == 2
    assert "holds rows with another choice of worlds" in capsys.readouterr().err


def test_an_ablation_without_seeds_or_of_a_wrong_folder_is_refused(tmp_path: Path, micro_config: RunConfig) -> None:
    for seeds in ([], [1, 1]):
        with pytest.raises(ValueError, match="need different seeds"):
            ablate(tmp_path, base=micro_config, seeds=seeds, progress=QUIET)
    with pytest.raises(RunError, match="holds no ablation"):
        rows_of(tmp_path)
    for worlds, message in (("faxes", "unknown shift 'faxes'"), ("simple", "skilled forgeries, of which 'simple' has")):
        with pytest.raises(ValueError, match=message):
            ablate(tmp_path / "none", base=micro_config, worlds=(worlds,), progress=QUIET)
    with pytest.raises(ValueError, match=r"train\.seed is what --seeds gives"):
        ablate(tmp_path / "none", base=with_seed(micro_config, 3), progress=QUIET)
    assert not (tmp_path / "none").exists()
    remember(tmp_path, Common(micro_config, (), 8))
    with pytest.raises(RunError, match="holds no finished base"):
        rows_of(tmp_path)
