"""An evaluation by every protocol: its card, and every figure recomputed from the score file with pandas."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines import protocol_stage
from pipelines.calibrators import TabledCalibrator
from pipelines.evaluation_card import ITEMS, duplicates_in, image_probes, resplit
from pipelines.evaluation_stage import evaluate_stage
from pipelines.export import export
from pipelines.export_plan import ExportSpec
from pipelines.own_data import evaluate_folder
from pipelines.progress import Progress
from pipelines.protocol_runs import PROTOCOLS
from pipelines.rates import rates
from pipelines.run_cost import Clock
from pipelines.runs import Run
from pipelines.score_file import read_scores, write_scores
from pipelines.trials import SignatureSet, TrialTable, joined

QUIET = Progress(quiet=True)
DRAWN = {"draws": 20, "seed": 0}


@pytest.fixture(scope="module")
def judged(finished_run, tmp_path_factory):
    """Two evaluations by all protocols: of a run's own world, and of an exported folder."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(finished_run, folder / "run")
    export(folder / "signatures", ExportSpec(seed=41, signers=5, genuine=6, forged=3, dpi=100))
    run = Run(folder / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol_stage, "GENUINE", 6)
        patch.setattr(protocol_stage, "FORGERIES", {"dev": 2, "test": 2})
        evaluate_stage(run, run.config(), QUIET, Clock(run), protocols=PROTOCOLS)
        evaluate_folder(run.path, folder / "signatures", progress=QUIET, out=folder / "out", protocols=PROTOCOLS)
        yield SimpleNamespace(own=run.path, folder=folder / "out", run=run.path, data=folder / "signatures")


def read(folder: Path):
    return json.loads((folder / "metrics.json").read_text()), pd.read_parquet(folder / "scores.parquet")


# The ten lines of pandas


def recompute(scores, protocol, threshold, calibrator):
    rows = scores[scores.protocol == protocol].astype({"score": float})
    by_kind = {kind: group.score.to_numpy() for kind, group in rows.groupby("kind")}
    genuine = by_kind.pop("genuine")
    found = {"frr_frozen": (genuine < threshold).mean()}
    for kind, forged in by_kind.items():
        cuts = np.append(np.unique(np.append(genuine, forged)), np.inf)
        frr, far = (genuine[:, None] < cuts).mean(0), (forged[:, None] >= cuts).mean(0)
        best = len(cuts) - 1 - np.argmin(np.abs(frr - far).round(12)[::-1])
        found |= {f"eer_{kind}": (frr[best] + far[best]) / 2, f"far_{kind}_frozen": (forged >= threshold).mean()}
        found[f"auc_{kind}"] = ((genuine[:, None] > forged).mean() + (genuine[:, None] >= forged).mean()) / 2
        found |= {f"frr_at_far_{kind}_{n}": frr[np.argmax(far <= f)] for n, f in (("1pct", 0.01), ("01pct", 0.001))}
        spread = np.sqrt((genuine.var() + forged.var()) / 2)
        found[f"d_prime_{kind}"] = (genuine.mean() - forged.mean()) / spread
    most = np.log([calibrator["n_genuine"] + 1, calibrator["n_forgery"] + 1])
    lines = [calibrator["slope"] * s + calibrator["intercept"] for s in (genuine, by_kind["skilled"])]
    costs = [np.logaddexp(0, sign * line.clip(-most[0], most[1])) for sign, line in zip((-1, 1), lines, strict=True)]
    return found | {"cllr_skilled": np.mean([cost.mean() for cost in costs]) / np.log(2)}


def compared(entry, found, names=None):
    """Check every figure that both have; return how many."""
    both = [name for name in found if name in entry and (names is None or name in names)]
    for name in both:
        stated = entry[name]["value"] if isinstance(entry[name], dict) else entry[name]
        assert stated == pytest.approx(found[name], abs=2e-6), name
    return len(both)


@pytest.mark.parametrize("which", ["own", "folder"])
def test_every_figure_can_be_recomputed_from_the_score_file(judged, which):
    metrics, scores = read(getattr(judged, which))
    calibrator = metrics["development"]["calibrator"]
    points = metrics["development"]["points"]["eer_skilled"]["threshold"], calibrator
    assert compared(metrics["verifier"], recompute(scores, "pairs", *points)) == 14
    rare = recompute(scores, "pairs", metrics["development"]["points"]["far_skilled_1pct"]["threshold"], calibrator)
    for rate in ("frr", "far_skilled", "far_random"):
        stated = metrics["verifier"][f"{rate}_at_dev_far_skilled_1pct_frozen"]
        assert stated["value"] == pytest.approx(rare[f"{rate}_frozen"])
        assert stated["low"] <= stated["value"] <= stated["high"]
    frr, far, both = (metrics["verifier"][f"{rate}_frozen"] for rate in ("frr", "far_skilled", "aer_skilled"))
    assert both["value"] == pytest.approx((frr["value"] + far["value"]) / 2)
    assert both["low"] <= both["value"] <= both["high"]
    for name, entry in metrics["baselines"].items():
        found = recompute(scores, f"baseline {name}", *points)
        assert compared(entry, found) == 10
    for row in metrics.get("skills", []):
        assert compared(row, recompute(scores, f"skill {row['skill']:g}", *points)) == 2
    for row in metrics["references"]:
        found = recompute(scores, f"references {row['fusion']} {row['references']}", row["threshold"], calibrator)
        assert compared(row, found) == 5
    for entry in metrics["protocols"].values():
        own = entry["threshold"], entry["calibrator"]
        found = recompute(scores, entry["table"], *own)
        assert compared(entry["rates"], found) == 14
        at_zero = recompute(scores, entry["table"], 0.0, entry["calibrator"])
        assert entry["at_threshold_0"]["frr"] == at_zero["frr_frozen"]
        assert entry["at_threshold_0"]["far_skilled"] == at_zero["far_skilled_frozen"]


def test_frozen_thresholds_can_be_recomputed_from_development_trials(judged):
    metrics, scores = read(judged.own)
    for table, threshold in (
        ("development", metrics["development"]["points"]["eer_skilled"]["threshold"]),
        *((entry["development_table"], entry["threshold"]) for entry in metrics["protocols"].values()),
    ):
        rows = scores[scores.protocol == table].astype({"score": float})
        assert set(rows.part) == {"development"}
        genuine, skilled = (rows.score[rows.kind == kind].to_numpy() for kind in ("genuine", "skilled"))
        cuts = np.append(np.unique(np.append(genuine, skilled)), np.inf)
        gap = np.abs((genuine[:, None] < cuts).mean(0) - (skilled[:, None] >= cuts).mean(0)).round(12)
        assert cuts[len(cuts) - 1 - np.argmin(gap[::-1])] == threshold


def test_an_interval_can_be_recomputed_from_the_score_file(judged):
    metrics, scores = read(judged.own)
    rows = scores[scores.protocol == "pairs"].astype({"score": float})
    threshold = metrics["development"]["points"]["eer_skilled"]["threshold"]
    people = np.unique(np.append(rows.claimed, rows.impostor))[1:]  # "" comes first
    genuine = rows[rows.kind == "genuine"]
    wrong = (genuine.score < threshold).groupby(genuine.claimed).agg(["sum", "count"]).reindex(people).fillna(0)
    rng, drawn = np.random.default_rng(7), []
    for _ in range(100):
        errors, trials = wrong.iloc[rng.integers(people.size, size=people.size)].sum()
        drawn.append(errors / trials)
    stated = metrics["verifier"]["frr_frozen"]
    assert [stated["low"], stated["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


# The card


@pytest.mark.parametrize("which", ["own", "folder"])
def test_the_minimum_evaluation_card_is_in_the_metrics(judged, which):
    metrics, _ = read(getattr(judged, which))
    card = metrics["card"]
    assert set(card) == set(ITEMS)
    protocols = {"pairs", "writer_dependent", "dissimilarity"}
    assert card["split"]["seed"] == 7
    assert card["split"]["object"]
    assert card["signers_per_part"]["development"] == 6
    assert card["signers_per_part"]["test"] == {"own": 8, "folder": 5}[which]
    for item in ("references", "kinds", "threshold_source", "rates", "aposteriori", "likelihood_ratio_costs"):
        assert set(card[item]) == protocols, item
    for name in protocols:
        assert {"genuine", "random", "skilled"} <= {kind for kind, n in card["kinds"][name].items() if n}
        assert "development signers" in card["threshold_source"][name]
        assert {"frr_frozen", "far_random_frozen", "far_skilled_frozen"} <= set(card["rates"][name])
        assert card["rates"][name]["frr_frozen"]["low"] is not None
        assert {"frr_at_dev_far_skilled_1pct_frozen", "aer_skilled_frozen"} <= set(card["rates"][name])
        aposteriori = {"eer_skilled_aposteriori_global", "eer_skilled_aposteriori_per_signer"}
        assert aposteriori <= set(card["aposteriori"][name])
        assert all(card["likelihood_ratio_costs"][name].values())
    assert card["references"]["dissimilarity"]["fusion"] == "max"
    assert card["repeats"]["over_splits"]["n"] == 10
    assert card["repeats"]["over_references_and_negatives"]["n"] == 10
    if which == "own":
        assert card["repeats"]["over_negatives_alone"]["n"] == 5
    else:
        assert "already" in card["repeats"]["why_none"][0]
    assert set(card["probes"]["skilled"]) == {"ink_share", "ink_darkness", "ink_height", "ink_width"}
    assert all(0 <= area <= 1 for area in card["probes"]["skilled"].values())
    assert card["duplicates_removed"]["removed"] == 0


@pytest.mark.parametrize("which", ["own", "folder"])
def test_calibration_is_told_by_kind_and_method(judged, which):
    metrics, scores = read(getattr(judged, which))
    found = metrics["calibration"]
    assert set(found) == {"random", "skilled"}
    for kind, methods in found.items():
        for name in ("logistic", "isotonic", "density"):
            entry = methods[name]
            assert entry["cllr"]["value"] >= methods["min_cllr_aposteriori"] - 1e-9
            tippett = entry["tippett"]
            assert tippett["genuine"][0] == tippett["forgery"][0] == 1.0
            assert (np.diff(tippett["genuine"]) <= 0).all()
            assert sum(entry["reliability"]["weight"]) == pytest.approx(1)
            assert 0 <= entry["ece"]["value"] <= 1
            assert sum(entry["words"][kind].values()) == pytest.approx(1)
            if name != "logistic":
                TabledCalibrator.from_dict(entry["record"])
    record = found["skilled"]["isotonic"]["record"]
    rows = scores[scores.protocol == "pairs"]
    ratio = {k: np.interp(g.score, record["scores"], record["log_ratios"]) for k, g in rows.groupby("kind")}
    cost = (np.logaddexp(0, -ratio["genuine"]).mean() + np.logaddexp(0, ratio["skilled"]).mean()) / np.log(4)
    assert found["skilled"]["isotonic"]["cllr"]["value"] == pytest.approx(cost, abs=1e-6)


def test_running_again_takes_embeddings_from_their_file(judged, monkeypatch):
    before = (judged.folder / "metrics.json").read_bytes()
    from pipelines.verifier import Verifier

    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked again")

    monkeypatch.setattr(Verifier, "embed_canvases", refuse)
    evaluate_folder(judged.run, judged.data, progress=QUIET, out=judged.folder, protocols=PROTOCOLS)
    assert (judged.folder / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("which", ["own", "folder"])
def test_the_report_of_all_protocols_says_how_it_was_made_and_shows_where_the_network_looked(judged, which):
    text = (getattr(judged, which) / "report.html").read_text()
    for words in ("writer dependent", "dissimilarity", "What raised the score", "Grad-CAM", "% of the map on strokes",
                  "Heat on empty paper is not drawn", "blue where they did not",
                  "Worst false acceptances: skilled", "Worst false acceptances: random", "Worst false rejections",
                  "network 0, bootstrap and impostors 7", "tensorflow", "at the threshold for FAR 1 %"):  # fmt: skip
        assert words in text, words
    metrics, _ = read(getattr(judged, which))
    if which == "folder":
        assert metrics["data"]["digest"] in text


# Pieces


def table(kind, scores, part="test", signers=6):
    scores = np.asarray(scores, dtype=np.float32)
    claimed = np.array([f"s{i % signers}" for i in range(scores.size)])
    return TrialTable(
        claimed=claimed,
        impostor=np.full(scores.shape, ""),
        kind=np.full(scores.shape, kind),
        skill=np.full(scores.shape, np.nan),
        reference=claimed,
        questioned=claimed,
        score=scores,
        part=part,
        protocol="made by hand",
    )


def test_a_score_file_keeps_its_tables_apart(tmp_path):
    tables = {"pairs": table("genuine", [1, 2, 3]), "development": table("skilled", [0], part="development")}
    write_scores(tmp_path / "s.parquet", tables)
    again = read_scores(tmp_path / "s.parquet")
    assert list(again) == ["pairs", "development"]
    assert again["development"].part == "development"
    np.testing.assert_array_equal(again["pairs"].score, tables["pairs"].score)
    np.testing.assert_array_equal(again["pairs"].claimed, tables["pairs"].claimed)
    with pytest.raises(ValueError, match="no trials of 'wd'; it holds: pairs, development"):
        TrialTable.from_parquet(tmp_path / "s.parquet", "wd")
    with pytest.raises(ValueError, match="at least one table"):
        write_scores(tmp_path / "s.parquet", {})


def test_one_signer_no_forgeries_and_constant_scores_have_the_values_that_are_documented():
    one = rates(joined([table("genuine", [1, 2], signers=1), table("skilled", [0, 1.5], signers=1)]), None, **DRAWN)
    assert one["eer_skilled"] == {"value": 0.5, "low": None, "high": None}
    assert one["rule_of_three"] == {"smallest_supported_rate": 1.0, "supported": {"1pct": False, "01pct": False}}
    without = rates(table("genuine", [1, 2, 3]), None, **DRAWN)
    assert without["trials"] == {"genuine": 3, "random": 0, "simple": 0, "skilled": 0}
    assert not [name for name in without if name.startswith(("eer", "far", "auc"))]
    assert set(rates(table("skilled", [1, 2]), None, **DRAWN)) == {"signers", "trials", "rule_of_three"}
    same = rates(joined([table("genuine", [1] * 6), table("skilled", [1] * 6)]), None, **DRAWN)
    assert (same["eer_skilled"]["value"], same["auc_skilled"]["value"]) == (0.5, 0.5)
    assert same["d_prime_skilled"]["value"] is None
    assert same["eer_skilled_threshold_aposteriori"] is None  # at +infinity nothing is accepted, which is as good


def test_splitting_again_needs_people_and_both_kinds():
    good, bad = table("genuine", np.arange(12) + 20), table("skilled", np.arange(12))
    found = resplit([good, bad], repeats=4)
    assert found["n"] == 4
    assert found["far_skilled"]["mean"] == 0.0
    assert resplit([table("genuine", [1, 2, 3], signers=3)]) is None
    assert resplit([good]) is None


def test_image_probes_find_what_was_planted_and_duplicates_are_counted():
    rng = np.random.default_rng(0)
    canvases = np.where(rng.random((40, 16, 32)) < 0.2, 60, 255).astype(np.uint8)
    canvases[20:][canvases[20:] == 60] = 90  # forgers' ink is lighter, and nothing else
    signatures = SignatureSet.of(["a", "b"] * 20, ["genuine"] * 20 + ["skilled"] * 20)
    found = image_probes(signatures, canvases)["skilled"]
    assert found["ink_darkness"] == 1.0
    assert 0.2 < found["ink_share"] < 0.8
    assert duplicates_in(canvases) == 0
    assert duplicates_in(np.concatenate([canvases, canvases[:3]])) == 3
