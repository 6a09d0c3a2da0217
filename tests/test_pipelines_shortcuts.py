"""Shortcut probes: each fault planted is found and said in red; what is sound stays silent."""

import json
import types
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

import pipelines.own_data
from pipelines.baselines import pixel_features
from pipelines.cli_evaluation import print_probes
from pipelines.config import PRESETS, RunConfig
from pipelines.export import export
from pipelines.export_plan import ExportSpec
from pipelines.file_facts import file_facts, file_findings, masked_name, share_elsewhere
from pipelines.own_data import evaluate_folder
from pipelines.preprocess import preprocess, to_ink
from pipelines.probe_findings import (
    UNSURE,
    Z_MANY,
    Finding,
    area_over_signers,
    findings_of,
    nuisance_finding,
    summarise,
)
from pipelines.progress import Progress
from pipelines.protocols import SignatureSet, TrialTable
from pipelines.shortcut_copies import copies, duplicate_findings, exported_overlap, overlap_finding
from pipelines.shortcuts import blind_findings, nuisance_findings, partners, quick_nuisances

SIGNERS, EACH = 12, 5


def signatures(signers: int = SIGNERS, each: int = EACH) -> SignatureSet:
    """Some signers with equally many genuine and skilled signatures."""
    names = [str(s) for s in range(signers) for _ in range(2 * each)]
    return SignatureSet.of(names, (["genuine"] * each + ["skilled"] * each) * signers)


def paper_rows(rng, n):
    names = ("background", "background_sd", "width", "darkness")
    return [dict(zip(names, rng.normal((240, 2, 3, 60), (5, 0.5, 0.4, 9)), strict=True)) for _ in range(n)]


def status_of(findings, probe):
    return {f.looks_at: f.status for f in findings if f.probe == probe}


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_the_area_is_that_of_the_field_and_turns_round_with_the_labels(seed, n):
    rng = np.random.default_rng(seed)
    forged = np.append(rng.random(n) < 0.5, [True, False])
    values, signers = np.round(rng.normal(size=n + 2), 1), rng.integers(0, 5, n + 2)
    area, error = area_over_signers(forged, values, signers)
    assert area == pytest.approx(roc_auc_score(forged, values))
    assert error >= 0
    turned, same = area_over_signers(~forged, values, signers)
    assert (turned, same) == (pytest.approx(1 - area), pytest.approx(error))


def test_the_error_of_an_area_counts_signers_and_not_images():
    """Copies of every image add no signer: the interval stays as wide."""
    rng = np.random.default_rng(1)
    forged, signers = np.tile([True, False], 60), np.repeat(np.arange(12), 10)
    values = rng.normal(size=120) + 0.8 * rng.normal(size=12)[signers] * forged
    once = area_over_signers(forged, values, signers)
    thrice = area_over_signers(np.tile(forged, 3), np.tile(values, 3), np.tile(signers, 3))
    assert thrice == pytest.approx(once)
    with pytest.raises(ValueError, match="needs genuine and forged"):
        area_over_signers(np.ones(4, bool), np.arange(4.0), np.arange(4))


@pytest.mark.parametrize("seed", range(4))
def test_sound_paper_and_pens_pass(seed):
    known = signatures()
    rows = paper_rows(np.random.default_rng(seed), len(known.name))
    findings = nuisance_findings("as captured", known, np.arange(len(known.name)), rows)
    assert {f.probe for f in findings} == {"background", "ink", "pair difference"}
    assert {f.status for f in findings} <= {"ok", UNSURE}


@given(st.floats(0, 1), st.floats(0, 0.2), st.floats(0.01, 0.2))
def test_ok_is_inside_the_limit_and_outside_it_is_failed_or_not_surely_so(area, error, tolerance):
    found = nuisance_finding("ink", "width", area, error, tolerance=tolerance)
    outside = abs(area - 0.5) > tolerance
    surely = abs(area - 0.5) - Z_MANY * error > tolerance
    assert found.status == ("failed" if surely else UNSURE if outside else "ok")
    assert found.cells[-1] == found.status
    assert bool(found.words) == outside
    record = summarise([found])
    assert [len(record[name]) for name in ("failed", "unsure", "notes")] == [surely, outside and not surely, 0]


def test_an_area_of_0_544_with_a_limit_of_0_53_is_not_called_ok():
    found = nuisance_finding("ink", "width", 0.544, 0.02)
    assert (found.limit, found.status) == ("0.47 to 0.53", "not surely outside")


@pytest.mark.parametrize("signers", [1, 2, 4])
def test_a_handful_of_signers_raises_no_false_alarm(signers):
    known = signatures(signers, 2)
    rows = paper_rows(np.random.default_rng(0), len(known.name))
    (found,) = nuisance_findings("as captured", known, np.arange(len(known.name)), rows)
    assert (found.status, found.value) == ("not run", None)
    assert "needs 5 signers or more" in found.words
    assert summarise([found])["failed"] == []


@pytest.mark.parametrize(("name", "probe"), [("background", "background"), ("darkness", "ink")])
def test_a_tint_of_forgeries_is_found_on_single_images_and_in_pairs(name, probe):
    known, rng = signatures(), np.random.default_rng(3)
    rows = paper_rows(rng, len(known.name))
    for row, kind in zip(rows, known.kind, strict=True):
        row[name] += 30.0 * (kind == "skilled")
    findings = nuisance_findings("as captured", known, np.arange(len(known.name)), rows)
    assert "failed" in status_of(findings, probe).values()
    assert "failed" in status_of(findings, "pair difference").values()
    assert "without any handwriting" in next(f.words for f in findings if f.status == "failed")


def test_a_difference_of_scanners_is_seen_in_pairs_alone():
    """A signer's genuine pages come from one scanner, forged ones from any: no single image tells, a pair does."""
    known, rng = signatures(30), np.random.default_rng(4)
    rows = paper_rows(rng, len(known.name))
    scanner = {name: rng.uniform(200, 255) for name in dict.fromkeys(known.signer)}
    for row, kind, signer in zip(rows, known.kind, known.signer, strict=True):
        row["background"] = scanner[signer] + rng.normal() if kind == "genuine" else rng.uniform(200, 255)
    findings = nuisance_findings("as captured", known, np.arange(len(known.name)), rows)
    assert status_of(findings, "background")["level of the paper, as captured"] == "ok"
    assert status_of(findings, "pair difference")["level of the paper, as captured"] == "failed"


def test_partners_are_other_genuine_signatures_of_the_same_signer():
    known = signatures(3, 2)
    found = partners(known, np.arange(12))
    assert (found != np.arange(12)).all()
    assert (known.kind[found] == "genuine").all()
    assert (known.signer[found] == known.signer).all()
    assert partners(known, np.array([0, 2])).tolist() == [-1, 0]


def judged(score_of) -> TrialTable:
    """Trials of twelve signers with scores by kind."""
    kind = np.tile(["genuine"] * 5 + ["skilled"] * 5, SIGNERS)
    empty = np.full(kind.shape, "")
    return TrialTable(
        claimed=np.repeat(np.arange(SIGNERS).astype(str), 10),
        impostor=empty,
        kind=kind,
        skill=np.full(kind.shape, np.nan),
        reference=empty,
        questioned=empty,
        score=np.array([score_of(k) for k in kind], dtype=np.float32),
        part="test",
        protocol="by hand",
    )


@pytest.mark.parametrize(("strength", "wanted"), [(6.0, "failed"), (0.0, "ok")])
def test_a_network_that_knows_forgeries_without_a_reference_is_found(strength, wanted):
    """An embedding with the label in it does as well as any verifier; one without does not."""
    known, rng = signatures(), np.random.default_rng(5)
    canvases = np.full((len(known.name), 32, 64), 255, np.uint8)
    for canvas in canvases:
        canvas[10:14, rng.integers(2, 20) : rng.integers(30, 60)] = 0
    vectors = rng.normal(size=(len(known.name), 16)).astype(np.float32)
    vectors[:, 0] += strength * (known.kind == "skilled")
    trials = judged(lambda kind: rng.normal() + 2.5 * (kind == "genuine"))
    findings = blind_findings(canvases, vectors, known, np.arange(len(known.name)), trials)
    assert status_of(findings, "reference-blind")["questioned embedding alone"] == wanted
    if wanted == "failed":
        assert "does as well as the verifier" in findings[1].words
        assert summarise(findings)["failed"] == [f"reference-blind: {findings[1].words}"]


def lines(rng, n):
    images = np.full((n, 48, 96), 255, np.uint8)
    for image in images:
        cv2.polylines(image, [rng.integers((4, 4), (92, 44), (6, 2)).astype(np.int32)], False, 0, 2)
    return images


def test_copies_are_found_and_a_copy_with_another_label_is_a_fault():
    rng, known = np.random.default_rng(6), signatures(3, 2)
    images, everyone = lines(rng, 12), np.arange(12)
    assert copies(images) == []
    assert duplicate_findings(known, images, everyone)[0].status == "ok"
    images[1] = np.clip(images[0] + rng.normal(0, 3, images[0].shape), 0, 255).astype(np.uint8)
    assert copies(images) == [(0, 1)]
    assert duplicate_findings(known, images, everyone)[0].status == "note"
    images[2] = images[0]  # a forgery that is the genuine image
    crossed = duplicate_findings(known, images, everyone)[0]
    assert crossed.status == "failed"
    assert "another signer or label" in crossed.words


def test_judged_signers_who_were_trained_on_are_named(tmp_path):
    config = PRESETS["smoke"]
    assert exported_overlap(tmp_path, config) == []
    spec = {"seed": config.world.seed, "first": 5, "signers": 3, "world": "default"}
    (tmp_path / "export.json").write_text(json.dumps({"spec": spec}))
    assert exported_overlap(tmp_path, config) == ["5", "6", "7"]
    found = overlap_finding("folder", ["5", "6", "7"])
    assert (found.status, found.value) == ("failed", 3)
    for other in ({"seed": config.world.seed + 1}, {"world": "svc_like"}, {"first": 10**12}):
        (tmp_path / "export.json").write_text(json.dumps({"spec": spec | other}))
        assert exported_overlap(tmp_path, config) == []
    (tmp_path / "export.json").write_text("not json")
    assert exported_overlap(tmp_path, config) == []


def write_files(root: Path, known: SignatureSet, name_of, write):
    rng = np.random.default_rng(7)
    names = []
    for i, kind in enumerate(known.kind):
        names.append(name_of(i, kind))
        write(root / names[-1], rng.integers(0, 256, (20, 40), dtype=np.uint8), kind)
    return names


def test_facts_of_files_that_tell_the_label_are_found(tmp_path):
    known = signatures(6, 3)

    def one_format(path, image, kind):
        cv2.imwrite(str(path), image)

    names = write_files(tmp_path, known, lambda i, kind: f"{i:03d}.png", one_format)
    assert {f.status for f in file_findings(tmp_path, names, known.kind, known.signer)} == {"ok"}
    assert file_facts(tmp_path / names[0])["format"] == "PNG"

    names = write_files(tmp_path, known, lambda i, kind: f"{i:03d}.{'jpg' if kind == 'skilled' else 'png'}", one_format)
    findings = file_findings(tmp_path, names, known.kind, known.signer)
    assert status_of(findings, "file facts")["format of the file"] == "failed"
    assert status_of(findings, "label in file name")["pattern of the name"] == "note"
    assert file_findings(tmp_path, [], known.kind[:0], known.signer[:0])[0].status == "not run"


def test_names_are_masked_and_shares_leave_the_own_signer_out():
    assert masked_name("3/forged/forgeries_12_7.png") == "forgeries_##_#.png"
    forged = np.array([True, False, True, False])
    shares = share_elsewhere(["a", "b", "a", "b"], forged, np.array(["1", "1", "2", "2"]))
    assert shares.tolist() == [0.75, 0.25, 0.75, 0.25]


def test_nuisances_of_a_large_image_are_measured_small_but_keep_its_size():
    image = np.full((1200, 2400), 236, np.uint8)
    image[500:520, 200:2200] = 40
    found = quick_nuisances(image)
    assert (found["height"], found["wide"]) == (1200, 2400)
    assert found["background"] == 236
    assert found["darkness"] == pytest.approx(40, abs=10)


def test_findings_survive_json_and_print_in_words(capsys):
    findings = [
        Finding("background", "level", 0.98, 0.95, 1.0, "0.47 to 0.53", "failed", "the paper tells"),
        Finding("duplicate images", "copies", 2, None, None, "none", "note", "2 copies", "pairs"),
        Finding("file facts", "the files", None, None, None, "", "not run", ""),
    ]
    record = json.loads(json.dumps(summarise(findings)))
    assert findings_of({"probes": record}) == findings
    assert findings_of({}) == []
    assert findings[0].cells == ("background", "level", "AUC 0.980 (0.950 to 1.000)", "0.47 to 0.53", "failed")
    assert [f.cells[2] for f in findings[1:]] == ["2 pairs", "-"]
    print_probes(record)
    assert "SHORTCUT: background: the paper tells" in capsys.readouterr().out


# --- a user's folder, with a verifier that compares pixels, so that no network is needed


@pytest.fixture
def pixel_run(tmp_path, monkeypatch) -> Path:
    """A run folder whose verifier compares coarse pixels."""
    config = RunConfig.from_dict(
        PRESETS["smoke"].to_dict()
        | {"evaluation": {**PRESETS["smoke"].to_dict()["evaluation"], "bootstrap_draws": 100}}
    )
    run = tmp_path / "run"
    run.mkdir()
    calibrator = {"slope": 5.0, "intercept": -2.0, "forgery_kind": "skilled", "n_genuine": 9, "n_forgery": 9,
                  "n_signers": 3}  # fmt: skip
    point = {"threshold": 0.4, "frr": 0.1, "far_skilled": 0.1, "far_random": 0.0}
    (run / "config.json").write_text(json.dumps(config.to_dict()))
    network = keras.Sequential([keras.Input((64, 128, 1)), keras.layers.Flatten()], name="pixels")
    network.save(run / "model.keras")
    record = {"points": {"eer_skilled": point}, "calibrator": calibrator, "threshold": 0.4}
    (run / "verifier.json").write_text(json.dumps(record))
    stub = types.SimpleNamespace(
        height=64,
        width=128,
        head=None,
        band=0.15,
        canvas=lambda image: preprocess(image, height=64, width=128),
        model=network,
        notice="trained on nothing",
        embed_canvases=lambda canvases: pixel_features(to_ink(canvases)[..., 0]),
    )
    monkeypatch.setattr(pipelines.own_data, "load_verifier", lambda path: stub)
    return run


@pytest.fixture
def folder(tmp_path) -> Path:
    """Eight exported signers whose world is not the run's."""
    export(tmp_path / "data", ExportSpec(seed=99, signers=8, genuine=4, forged=4, dpi=100.0))
    return tmp_path / "data"


def test_an_exported_folder_passes_and_the_same_with_a_tint_on_forgeries_is_red(pixel_run, folder):
    metrics, report = evaluate_folder(pixel_run, folder, progress=Progress(quiet=True), out=pixel_run / "sound")
    assert metrics["probes"]["failed"] == []
    probed = {f["probe"] for f in metrics["probes"]["findings"]}
    assert probed >= {"reference-blind", "background", "ink", "pair difference", "duplicate images", "signer overlap",
                      "file facts", "label in file name"}  # fmt: skip
    assert "class=failed" not in report.read_text()
    for path in folder.glob("*/forged/*.png"):  # another scanner: everything forged is a little darker
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), (image * 0.8).astype(np.uint8))
    metrics, report = evaluate_folder(pixel_run, folder, progress=Progress(quiet=True), out=pixel_run / "tinted")
    assert any("level of the paper, as captured" in line for line in metrics["probes"]["failed"])
    text = report.read_text()
    assert text.index("<div class=failed") < text.index("Equal error rates")
    assert "level of the paper" in text[: text.index("Equal error rates")]
    assert json.loads((pixel_run / "tinted" / "metrics.json").read_text())["probes"] == metrics["probes"]
