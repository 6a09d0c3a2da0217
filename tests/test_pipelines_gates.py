"""What is enforced in code, one test an item: provenance, release, forgetting, splits, thresholds, files, verification.

The web demo's part of it (this machine only, nothing shared or kept) is tested in test_pipelines_app.py.
"""

import ast
import csv
import dataclasses
import inspect
import io
import itertools
import json
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import synth.forgery
import synth.kinematics
import synth.signers
import synth.signing
from pipelines.adapters import (
    MissingProvenance,
    ProvenanceError,
    allowed_uses,
    load_provenance,
    load_signatures,
    make_provenance,
    open_adapter,
    write_provenance,
)
from pipelines.audit import audit
from pipelines.audit_files import write_audit
from pipelines.calibration import choose_thresholds, fit_calibrator
from pipelines.csv_text import escape_formula, plain_cell
from pipelines.disjoint import check_parts, near_copies
from pipelines.export import export
from pipelines.export_forms import png_bytes
from pipelines.export_plan import ExportSpec
from pipelines.files import write_beside, write_text
from pipelines.forget import forget
from pipelines.guard import refusal
from pipelines.images import read_image
from pipelines.lineage import SYNTHETIC, mark_folder, mark_of_run, source_of
from pipelines.own_data import evaluate_folder
from pipelines.preprocess import preprocess
from pipelines.progress import Progress
from pipelines.protocols import TrialTable
from pipelines.release import CARD, LOG, ReleaseError, Responsible, intended_use, refusals, release, write_card
from pipelines.runs import Run, load_verifier, sha256
from pipelines.settings import WorldSettings
from pipelines.splits import check_disjoint_parts, outsiders, split_world
from pipelines.verifier import NOTICE, Verifier
from pipelines.verify import Bench, verify
from synth import World, forge, render

ROOT = Path(__file__).parents[1]
YESTERDAY = (date.today() - timedelta(days=1)).isoformat()
QUIET = Progress(quiet=True)
ANSWERS: dict[str, Any] = {
    "source": "drawn by a test", "licence": "CC0-1.0", "lawful_basis": "nobody", "purpose": "research",
    "contact": "the test", "contains_real_signatures": True, "redistribution_allowed": True,
}  # fmt: skip


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished_run, tmp_path / "runs" / "mine"))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "set"
    export(folder, ExportSpec(seed=43, signers=4, genuine=3, forged=2, dpi=100, capture="clean"))
    return folder


@pytest.fixture
def data(drawn: Path, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(drawn, tmp_path / "set"))
    write_provenance(folder, force=True, **ANSWERS)
    return folder


def audited(run: Path) -> Path:
    """Put the papers of a release into a run: an audit of these weights and a card."""
    record = {"sha256": sha256(run / "model.keras"), "attacks": {}}
    (run / "privacy.json").write_text(json.dumps(record))
    write_card(run, "Teaching how error rates of signature verification are measured.")
    return run


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def make_real(run: Path, *, until: str = "", **changes: Any) -> None:
    source = source_of(make_provenance(**{**ANSWERS, **changes}), ["ann", "bob"])
    mark_folder(run, SYNTHETIC.with_source(dataclasses.replace(source, retention_until=until)), part="head")


# Provenance gate


def test_no_data_come_in_without_a_record_that_is_complete_current_and_allows_the_use(data: Path) -> None:
    adapter = open_adapter("folders", data)
    assert len(load_signatures(adapter, load_provenance(data), use="training")) == 20
    yesterday = date.today() - timedelta(days=1)
    text = (data / "provenance.toml").read_text(encoding="utf-8")
    (data / "provenance.toml").write_text(f"{text}retention_until = {yesterday.isoformat()}\n", encoding="utf-8")
    with pytest.raises(ProvenanceError, match=f"expired on {yesterday.isoformat()}: these data may no longer be used"):
        load_provenance(data)
    (data / "provenance.toml").unlink()
    with pytest.raises(MissingProvenance, match="its images are not read; write one with: python -m pipelines prov"):
        load_provenance(data)
    for purpose, use, words in (
        ("evaluation", "training", "does not cover training: it allows evaluation; if whoever answers for the data"),
        ("research, but no training", "training", "it allows evaluation"),
        ("a family album", "evaluation", "it allows no use known here"),
    ):
        record = make_provenance(**{**ANSWERS, "purpose": purpose})
        with pytest.raises(ProvenanceError, match=words) as caught:
            load_signatures(adapter, record, use=use)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("purpose", "uses"),
    [
        ("teaching", ("evaluation", "training")),
        ("Evaluating a verifier", ("evaluation",)),
        ("fine-tuning", ("training",)),
        ("research without training", ("evaluation",)),
        ("training; never for evaluation", ("training",)),
        ("not for research", ()),
        ("a wedding", ()),
    ],
)
def test_a_purpose_allows_what_it_names_and_nothing_it_rules_out(purpose: str, uses: tuple[str, ...]) -> None:
    assert allowed_uses(purpose) == uses


def test_the_digest_of_the_record_is_in_everything_made_from_the_data(run: Path, data: Path) -> None:
    digest = load_provenance(data).digest
    metrics, report = evaluate_folder(run, data, progress=QUIET)
    assert metrics["data"]["digest"] == digest
    assert digest in report.read_text(encoding="utf-8")
    mark_folder(run, SYNTHETIC.with_source(source_of(load_provenance(data), ["0", "1"])), part="head")
    assert mark_of_run(run).digests == (digest,)  # type: ignore[union-attr]
    metrics, _ = evaluate_folder(run, data, progress=QUIET, out=run / "again")
    assert metrics["verifier"]["signers"] == 2, "a run is not judged on signers it has learnt from"
    assert "signer 0: the run has learnt from this signer" in metrics["warnings"]


# Git


def test_the_hook_refuses_images_weights_archives_and_notebook_outputs(tmp_path: Path) -> None:
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        base = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "core.hooksPath=.githooks"]
        return subprocess.run([*base, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    git("init", "-q")
    for name in (".githooks/pre-commit", "pipelines/guard.py", "pipelines/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    git("add", ".")
    assert git("commit", "-qm", "first").returncode == 0
    Image.new("L", (9, 9)).save(tmp_path / "notes.txt", format="PNG")
    (tmp_path / "run.ipynb").write_text(json.dumps({"cells": [{"execution_count": 3, "outputs": []}]}))
    (tmp_path / "fine.md").write_text("words")
    git("add", ".")
    refused = git("commit", "-qm", "second")
    assert refused.returncode == 1
    assert "refused: notes.txt: a PNG image" in refused.stderr
    assert "refused: run.ipynb: a notebook with outputs" in refused.stderr
    assert "fine.md" not in refused.stderr
    git("reset", "-q", "notes.txt", "run.ipynb")
    assert git("commit", "-qm", "second").returncode == 0


def test_only_pictures_marked_as_synthetic_may_be_in_the_repository() -> None:
    image = np.full((9, 9), 255, dtype=np.uint8)
    marked, plain = png_bytes(image), io.BytesIO()
    Image.fromarray(image).save(plain, format="PNG")
    assert refusal("notebooks/pictures/a.png", marked) == ""
    assert refusal("notebooks/pictures/a.png", plain.getvalue()) == "a picture without the mark that it is synthetic"
    assert refusal("tests/a.png", marked) == "a PNG image"
    for blob in (b"PK\x03\x04" + bytes(20), b"\x89HDF" + bytes(20), b"\x1f\x8b" + bytes(20), b"\x93NUMPY" + bytes(9)):
        assert refusal("a.txt", blob)
    assert refusal("a.html", b"<img src='data:image/png;base64," + b"A" * 900 + b"'>") == "text with an image inside"
    assert refusal("a.py", b"x = 1\n") == ""


# Splits


@given(st.integers(8, 10**6), st.integers(4, 10**6), st.integers(4, 10**6))
def test_parts_of_a_world_share_no_signer_and_outsiders_are_in_none(train: int, dev: int, test: int) -> None:
    split = split_world(WorldSettings(train_signers=train, dev_signers=dev, test_signers=test))
    check_disjoint_parts(split)
    parts = sorted([*split, outsiders(500)], key=lambda part: part.start)
    assert [len(part) for part in split] == [train, dev, test]
    assert all(before[-1] < after[0] for before, after in itertools.pairwise(parts))


def test_parts_of_a_folder_share_no_signer_no_image_and_no_copy() -> None:
    world = World(9)
    raw = [render(world[i].genuine(4 * k), dpi=150, capture="clean") for i in range(4) for k in range(3)]
    canvases = np.stack([preprocess(image, height=64, width=128) for image in raw])
    names = np.repeat(np.array(["a", "b", "c", "d"]), 3)
    first, second = (names[:6], canvases[:6]), (names[6:], canvases[6:])
    check_parts({"train": first, "test": second})
    assert near_copies(first[1], second[1]) == []
    with pytest.raises(ValueError, match="1 signers are in train and test: b"):
        check_parts({"train": first, "test": (names[5:], canvases[5:])})
    twice = np.concatenate([second[1], first[1][:1]])
    with pytest.raises(ValueError, match="1 images are in train and in test, pixel for pixel"):
        check_parts({"train": first, "test": (np.append(second[0], "e"), twice)})
    height, width = raw[0].shape
    again = Image.fromarray(raw[0]).resize((int(width * 1.2), int(height * 1.2)))
    saved = io.BytesIO()
    again.save(saved, format="JPEG", quality=95)
    rescanned = preprocess(np.asarray(Image.open(saved)), height=64, width=128)[None]
    with pytest.raises(ValueError, match=r"nearly identical to images of test \(signers a and e\)"):
        check_parts({"train": first, "test": (np.append(second[0], "e"), np.concatenate([second[1], rescanned]))})


# Thresholds


def test_thresholds_and_calibration_are_refused_test_signers() -> None:
    words = np.array(["1", "2"])
    tables = [
        TrialTable(claimed=words, impostor=np.array(["", ""] if kind != "random" else ["3", "4"]),
                   kind=np.array([kind] * 2), skill=np.full(2, np.nan), reference=words, questioned=words,
                   score=np.array([0.1, 0.9], dtype=np.float32), part="test", protocol="by hand")
        for kind in ("genuine", "skilled", "random")
    ]  # fmt: skip
    with pytest.raises(ValueError, match="fit thresholds and calibrators on trials of development signers"):
        choose_thresholds(*tables)
    with pytest.raises(ValueError, match="fit thresholds and calibrators on trials of development signers"):
        fit_calibrator(tables[0], tables[1])


# Forgetting


def test_forgetting_a_signer_clears_what_we_hold_and_taints_what_learnt_from_it(run: Path, data: Path) -> None:
    evaluate_folder(run, data, progress=QUIET)
    folder = run / "evaluations" / "set"
    mark_folder(run, SYNTHETIC.with_source(source_of(load_provenance(data), ["0", "1"])), part="head")
    (run / "enrolments" / "0").mkdir(parents=True)
    (run / "enrolments" / "0" / "reference.json").write_text("{}")
    (run / "enrolments" / "01.json").write_text("{}")
    store = run / "extracted"
    store.mkdir()
    (store / "0_genuine_1.npz").write_bytes(b"x")
    (store / "signers.csv").write_text("signer,n\n0,3\n1,3\n")
    (run / "cache").mkdir()
    (run / "cache" / "batch-0001.npz").write_bytes(b"x")
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    rows = pq.read_table(folder / "scores.parquet")
    named = {name for name in rows["questioned"].to_pylist() if name.startswith("0/")}
    assert named
    told = forget("0", data, runs=run.parent, dry=True)
    assert (folder / "report.html").exists(), "a dry run removes nothing"
    found = forget("0", data, runs=run.parent)
    assert found.removed == told.removed
    left = pq.read_table(folder / "scores.parquet")
    for column in ("claimed", "impostor", "questioned", "reference"):
        assert not any(value == "0" or value.startswith("0/") for value in left[column].to_pylist())
    assert 0 < left.num_rows < rows.num_rows
    assert left.schema.metadata == rows.schema.metadata
    gone = ("evaluations/set/report.html", "evaluations/set/metrics.json", "enrolments/0", "cache")
    assert not any((run / name).exists() for name in gone)
    assert (run / "enrolments" / "01.json").exists(), "signer 01 is somebody else"
    assert sorted(path.name for path in store.iterdir()) == ["signers.csv"]
    assert (store / "signers.csv").read_text() == "signer,n\n1,3\n"
    assert (run / "scores.parquet").exists(), "the run's own evaluation is about synthetic signers"
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before
    forged_by = [name for name in found.untouched if "/0/" not in name]
    assert len([name for name in found.untouched if "/0/" in name]) == 5
    assert forged_by == []
    assert found.models == [run.as_posix()]
    assert any("train it again without these files" in line for line in found.todo)
    assert any("delete the 5 sources of 0" in line for line in found.todo)
    assert "it has learnt from a signer who is to be forgotten; train it again without that signer" in refusals(
        Run(run), mark_of_run(run)
    )
    with pytest.raises(ValueError, match="nobody called 'carl'"):
        forget("carl", data, runs=run.parent)


def test_copies_are_named_and_another_folder_of_the_same_record_is_left_alone(tmp_path: Path) -> None:
    """Copies under other names are their owner's; results that name neither the signer nor a file are of others."""
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, people in zip(folders, ("ann bob", "carl dora"), strict=True):
        for person in people.split():
            (folder / person / "genuine").mkdir(parents=True)
            for act in range(2):
                image = folder / person / "genuine" / f"{act}.png"
                image.write_bytes(png_bytes(np.full((9, 9), 40 * act + ord(person[0]), np.uint8)))
        write_provenance(folder, **ANSWERS)
    copies = [tmp_path / "a" / "bob" / "genuine" / "9.png", tmp_path / "runs" / "notes" / "x.png"]
    for copy in copies:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folders[0] / "ann" / "genuine" / "1.png", copy)
    digest = load_provenance(folders[0]).digest
    assert digest == load_provenance(folders[1]).digest
    results = {name: tmp_path / "runs" / name for name in ("a", "b", "warned")}
    for name, folder in results.items():
        folder.mkdir()
        warned = ["ann/genuine/0.png: it is blank"] if name == "warned" else []
        (folder / "metrics.json").write_text(json.dumps({"data": {"digest": digest}, "warnings": warned}))
        (folder / "report.html").write_text("x")
        people = ["ann", "bob"] if name == "a" else ["carl", "dora"]
        pq.write_table(pa.table({"claimed": people, "questioned": people}), folder / "scores.parquet")
    found = forget("ann", folders[0], runs=tmp_path / "runs")
    assert [name for name, folder in results.items() if (folder / "report.html").exists()] == ["b"]
    named = [line.removeprefix("look at ").split(":")[0] for line in found.todo if "byte for byte" in line]
    assert sorted(map(Path, named)) == sorted(copies)


def test_what_lies_behind_a_link_is_forgotten_too_but_no_source(run: Path, data: Path, tmp_path: Path) -> None:
    evaluate_folder(run, data, progress=QUIET)
    mark_folder(run, SYNTHETIC.with_source(source_of(load_provenance(data), ["0"])), part="head")
    (run / "enrolments" / "0").mkdir(parents=True)
    elsewhere = tmp_path / "large" / "disk"
    elsewhere.parent.mkdir()
    run.rename(elsewhere)
    run.symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(run.parent)
    (elsewhere / "copies").symlink_to(data)
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"x")
    (elsewhere / "extracted").mkdir()
    (elsewhere / "extracted" / "0_1.png").symlink_to(photo)
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    told = forget("0", data, runs=run.parent, dry=True)
    found = forget("0", data, runs=run.parent)
    assert found == told
    assert found.models == [run.as_posix()]
    assert not (elsewhere / "enrolments" / "0").exists()
    scores = pq.read_table(elsewhere / "evaluations" / "set" / "scores.parquet")
    assert "0" not in scores["claimed"].to_pylist()
    assert not (elsewhere / "evaluations" / "set" / "report.html").exists()
    assert not (elsewhere / "extracted" / "0_1.png").is_symlink()
    assert any(str(photo) in line for line in found.todo), "what a link led to is named, not removed"
    assert photo.exists()
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_a_forger_who_is_forgotten_is_found_by_the_column_that_names_who_forged(run: Path, data: Path) -> None:
    rows = [(path, path.parents[1].name, path.parent.name) for path in sorted(data.glob("*/*/*.png"))]
    forged = [path for path, signer, kind in rows if kind != "genuine" and signer in "01"]
    assert len(forged) == 4
    lines = [
        f"{path.relative_to(data).as_posix()},{signer},{'genuine' if kind == 'genuine' else 'skilled'},"
        f"{'zoe' if path in forged else ''}\n"
        for path, signer, kind in rows
    ]
    (data / "manifest.csv").write_text("path,signer,kind,forger\n" + "".join(lines), encoding="utf-8")
    _, report = evaluate_folder(run, data, progress=QUIET, adapter="manifest")
    table = report.parent / "scores.parquet"
    names = {path.relative_to(data).as_posix() for path in forged}
    before = pq.read_table(table)["questioned"].to_pylist()
    assert names < set(before)
    found = forget("zoe", data, runs=run.parent, adapter="manifest")
    assert found.untouched == sorted(path.as_posix() for path in forged)
    assert pq.read_table(table)["questioned"].to_pylist() == [name for name in before if name not in names]
    assert not report.exists()


def written_below(folder: Path) -> str:
    """Return every text below a folder, tables of scores included."""
    found = []
    for path in (path for path in sorted(folder.rglob("*")) if path.is_file()):
        text = (
            pq.read_table(path).to_pylist() if path.suffix == ".parquet" else path.read_bytes().decode(errors="replace")
        )
        found.append(f"{path.relative_to(folder)}: {text}")
    return "\n".join(found)


def test_nothing_made_of_the_data_names_or_shows_a_forgotten_signer(run: Path, data: Path) -> None:
    (data / "3").rename(data / "=zoe brown")
    shutil.copy(sorted((data / "=zoe brown" / "genuine").iterdir())[0], data / "1" / "genuine" / "copy.png")
    evaluate_folder(run, data, progress=QUIET)
    audited_data = write_audit(audit(data), run.parent / "audits" / "set")
    digest = load_provenance(data).digest
    people, classes = run.parent / "people", json.dumps({"data": {"digest": digest}})
    (people / "folds" / "set").mkdir(parents=True)
    (people / "predictions.csv").write_text(
        "name,signer,predicted\n=zoe brown/1,'=zoe brown,1\n1/1,1,'=zoe brown\n1/2,1,1\n"
    )
    for name in ("metrics.json", "folds/set/folds.json"):
        (people / name).write_text(classes)
    for name in ("per_signer.csv", "confusion.csv", "report.html", "signer-zoe.png", "folds/set/scores.parquet"):
        (people / name).write_text("=zoe brown")
    assert "=zoe brown/" in (run / "evaluations" / "set" / "figures" / "signatures.csv").read_text()
    assert "=zoe brown/" in written_below(audited_data / "archive")
    told = forget("=zoe brown", data, runs=run.parent, dry=True)
    found = forget("=zoe brown", data, runs=run.parent)
    assert found.removed == told.removed
    assert "zoe brown" not in written_below(run.parent)
    assert (people / "predictions.csv").read_text() == "name,signer,predicted\n1/2,1,1\n"
    assert {path.name for path in audited_data.iterdir()} == {"refined.csv", "refined.json", "provenance.toml"}
    kept = load_signatures(open_adapter("refined", audited_data), load_provenance(audited_data))
    assert set(kept.signers.tolist()) == {"0", "1", "2"}, "the audit of the others still holds"
    asked = [line.split(" again what ")[0] for line in found.todo if " again what " in line]
    assert asked == ["audit", "evaluate", "train with --fresh", "evaluate"]


def test_a_signer_can_be_forgotten_after_the_data_have_expired(run: Path, data: Path) -> None:
    text = (data / "provenance.toml").read_text(encoding="utf-8") + "retention_until = 2001-02-03\n"
    record = make_provenance(**ANSWERS)
    object.__setattr__(record, "retention_until", date(2001, 2, 3))
    (data / "provenance.toml").write_text(text, encoding="utf-8")
    mark_folder(run, SYNTHETIC.with_source(source_of(record, ["2"])), part="head")
    assert forget("2", data, runs=run.parent).models == [run.as_posix()]


# Release


def test_a_synthetic_run_is_packed_with_its_papers_and_only_then(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "mine.zip"
    with pytest.raises(ReleaseError) as caught:
        release(run, out)
    for words in ("there is no privacy audit; run `privacy --run", f"there is no {CARD}; run `card --run"):
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    record = release(audited(run), out)
    assert record["mark"]["kind"] == "synthetic"
    with zipfile.ZipFile(out) as archive:
        names = set(archive.namelist())
        assert names >= {"model.keras", "verifier.json", "metrics.json", "report.html", CARD, "privacy.json"}
        assert json.loads(archive.read("RELEASE.json"))["files"]["model.keras"] == sha256(run / "model.keras")
        assert "no real person" in archive.read(CARD).decode()
        assert "Without that file it is\nnot measured yet: `python -m pipelines privacy" in archive.read(CARD).decode()
    log = [json.loads(line) for line in (run / LOG).read_text().splitlines()]
    assert [bool(entry["refused"]) for entry in log] == [True, False]
    with pytest.raises(ReleaseError, match="is there already"):
        release(run, out)


def test_what_learnt_from_real_signatures_needs_somebody_who_answers_for_it(run: Path, tmp_path: Path) -> None:
    audited(run)
    make_real(run)
    with pytest.raises(ReleaseError, match="learnt from signatures of real people; if it may leave all the same, name"):
        release(run, tmp_path / "a.zip")
    with pytest.raises(ReleaseError, match="--responsible is 'me'; say it in at least 2 words"):
        Responsible("me", "because the board has agreed to it")
    record = release(
        run, tmp_path / "a.zip", responsible=Responsible("Ann Other, desk 5", "the board agreed in writing")
    )
    assert (record["responsible"], record["mark"]["kind"]) == ("Ann Other, desk 5", "real")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert "report.html" not in archive.namelist(), "it may show real signatures"
        assert not [name for name in archive.namelist() if name.startswith("evaluations")]
        assert "Ann Other" in archive.read("RELEASE.json").decode()
    entry = json.loads((run / LOG).read_text().splitlines()[-1])
    assert (entry["responsible"], entry["reason"]) == ("Ann Other, desk 5", "the board agreed in writing")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: make_real(run, redistribution_allowed=False), "does not allow redistribution"),
        (lambda run: (run / "forgotten.json").write_text("[]"), "is to be forgotten"),
        (lambda run: (run / "model.keras").write_bytes((run / "model.keras").read_bytes() + b"0"), "not the file that"),
        (
            lambda run: (run / "privacy.json").write_text('{"sha256": "other"}'),
            "the privacy audit is about other weights",
        ),
        (lambda run: (run / CARD).write_text("## Intended use\nTODO\n"), "does not say under `## Intended use`"),
        (lambda run: rewrite(run / CARD, sha256(run / "model.keras"), "0" * 64), f"{CARD} is about other weights"),
        (lambda run: Run(run).mark("unfinished", stage="evaluating"), "it is unfinished"),
        (lambda run: make_real(run, until=YESTERDAY), f"were to be deleted by {YESTERDAY}"),
    ],
)
def test_nobody_can_answer_for_what_must_not_leave(
    spoil: Callable[[Path], object], words: str, run: Path, tmp_path: Path
) -> None:
    spoil(audited(run))
    with pytest.raises(ReleaseError, match=words):
        release(run, tmp_path / "a.zip", responsible=Responsible("Ann Other, desk 5", "the board agreed in writing"))
    assert not (tmp_path / "a.zip").exists()


def test_a_model_that_does_not_say_what_it_learnt_from_is_not_released() -> None:
    assert refusals(Run("anywhere"), None) == [
        "model.keras does not say what it has learnt from; train it again with this version"
    ]
    assert intended_use("# Card\n## Intended use\n<say it>\n## Not for\nx") == ""
    assert intended_use("## Intended use\nA lesson.\n\n## Not for\nx") == "A lesson."


def test_other_records_of_real_data_are_believed_too(run: Path) -> None:
    (run / "trained_on.json").write_text(json.dumps({"contains_real_signatures": True, "digests": ["d" * 64]}))
    mark = mark_of_run(run)
    assert mark is not None
    assert mark.contains_real_signatures
    assert any("does not allow redistribution" in reason for reason in refusals(Run(run), mark))


# Network


def test_no_test_and_no_module_reaches_beyond_this_machine() -> None:
    with socket.socket() as line, pytest.raises(RuntimeError, match="tests run without a network"):
        line.connect(("192.0.2.1", 80))
    clients = {"requests", "urllib3", "httpx", "aiohttp", "ftplib", "smtplib", "paramiko"}
    for path in sorted((ROOT / "pipelines").rglob("*.py")) + sorted((ROOT / "models").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            for name in names:
                assert name.split(".")[0] not in clients, f"{path.name} imports {name}"
                assert name != "urllib.request", f"{path.name} imports {name}"


# Verification only


def test_the_verifier_takes_a_claimed_signer_and_searches_nobody() -> None:
    public = {name for door in (Verifier, Bench) for name in dir(door) if not name.startswith("_")}
    for page in sorted((ROOT / "pipelines").glob("app*.py")):
        tree = ast.walk(ast.parse(page.read_text(encoding="utf-8")))
        public |= {node.name for node in tree if isinstance(node, ast.FunctionDef)} - {"gallery"}  # pictures of why
    for word in ("identify", "search", "gallery", "rank", "match", "who", "nearest_signer", "closest"):
        assert not [name for name in public if word in name.lower()]
    asked = inspect.signature(verify).parameters["references"]
    assert asked.default is inspect.Parameter.empty
    for method in (Verifier.decide, Verifier.score_matrix, Verifier.vote, Bench.answer):
        first = list(inspect.signature(method).parameters.values())[1]
        assert first.name == "references"
        assert first.default is inspect.Parameter.empty
    from pipelines import cli

    verbs = {command.name or command.callback.__name__ for command in cli.app.registered_commands}  # type: ignore[union-attr]
    assert not verbs & {"identify", "search", "who", "match"}


# The line in every report


def test_every_report_says_that_it_is_no_evidence_and_nothing_switches_that_off(run: Path, data: Path) -> None:
    _, report = evaluate_folder(run, data, progress=QUIET)
    for page in (run / "report.html", report):
        text = page.read_text(encoding="utf-8")
        assert NOTICE in text
        assert "not evidence" in text
    from pipelines.report import write_report

    switches = {"notice", "disclaimer", "warn", "warning"}
    assert not switches & set(inspect.signature(write_report).parameters)
    answer = load_verifier(run).decide(*[[render(World(5)[0].genuine(4 * k), dpi=100)] for k in (0, 1)])[0]
    assert "not evidence" in answer.quality


# Files


def test_files_appear_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_text(tmp_path / "a.json", "first")
    at_flush: list[str] = []
    monkeypatch.setattr("os.fsync", lambda number: at_flush.append(path.read_text()))
    write_text(path, "old")
    assert at_flush == ["first"], "on the disk before it takes its name"

    def breaks(temporary: Path) -> None:
        temporary.write_text("half of")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        write_beside(path, breaks)
    assert path.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["a.json"]


def test_paths_of_a_manifest_stay_inside_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    image = render(World(5)[0].genuine(0), dpi=100)
    Image.fromarray(image).save(tmp_path / "secret.png")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    rows = ["../secret.png", str(tmp_path / "secret.png"), "a/../../secret.png", "link.png"]
    (root / "manifest.csv").write_text("path,signer,kind\n" + "".join(f"{row},s,genuine\n" for row in rows))
    loaded = load_signatures(open_adapter("manifest", root), make_provenance(**ANSWERS))
    assert len(loaded) == 0
    assert [item.reason for item in loaded.skipped] == ["outside its folder"]
    assert len(loaded.unexpected) == 3


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12))
def test_no_cell_is_a_formula_and_every_cell_is_read_back(text: str) -> None:
    cell = escape_formula(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell, "x"])
    assert plain_cell(next(csv.reader(io.StringIO(buffer.getvalue(), newline="")))[0]) == text


def test_what_is_imported_leaves_its_exif_behind(tmp_path: Path) -> None:
    picture = Image.fromarray(render(World(5)[0].genuine(0), dpi=100))
    exif = Image.Exif()
    exif[271], exif[306] = "A maker of phones", "2024:05:06 07:08:09"
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert b"A maker of phones" in (tmp_path / "a.jpg").read_bytes()
    pixels = read_image(tmp_path / "a.jpg")
    assert type(pixels) is np.ndarray
    written = png_bytes(pixels, notice="a copy")
    assert b"eXIf" not in written
    assert b"A maker of phones" not in written


# No fitting of strokes to an image


def test_no_signature_is_fitted_to_an_image() -> None:
    with pytest.raises(TypeError, match="Signer"):
        forge(np.zeros((60, 120), dtype=np.uint8), by=World(1)[0], kind="freehand", skill=0.5, act=0)  # type: ignore[arg-type]
    for module in (synth.forgery, synth.signing, synth.signers, synth.kinematics):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            for parameter in inspect.signature(function).parameters.values():
                assert parameter.name not in ("image", "images", "pixels", "canvas", "picture"), (module, name)
                assert "uint8" not in str(parameter.annotation), (module, name)


def test_the_gates_can_be_used_from_the_command_line(run: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipelines.cli import main

    for arguments in (["privacy"], ["card", "--intended-use", "A lesson about error rates for beginners"]):
        assert main([*arguments, "--run", str(run.parent / "nowhere")]) == 2
        assert "nowhere has no config.json; it is no finished run" in capsys.readouterr().err
    audited(run)
    assert main(["card", "--run", str(run), "--intended-use", "too short"]) == 2
    assert main(["card", "--run", str(run), "--intended-use", "A lesson about error rates for beginners"]) == 0
    assert main(["release", "--run", str(run), "--out", str(run.parent / "a.zip")]) == 0
    assert "packed 8 files" in capsys.readouterr().out
    make_real(run)
    assert main(["release", "--run", str(run), "--out", str(run.parent / "b.zip")]) == 2
    assert "name who answers for it" in capsys.readouterr().err
    assert main(["forget", "1", "--data", str(data), "--runs", str(run.parent), "--dry-run"]) == 0
    assert "not touched, since they are yours" in capsys.readouterr().out
    assert main(["provenance", "check", str(data)]) == 0
    out = capsys.readouterr().out
    assert "allows evaluation and training" in out
    assert "layout: folders" in out
    code = "import sys, pipelines.guard; sys.exit(bool({'numpy', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
