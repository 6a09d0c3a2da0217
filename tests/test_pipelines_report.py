"""Reports and curves: every figure is drawn from rows that agree with the metrics; nothing is fetched or hidden."""

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipelines.curves
import pipelines.curves_page
from pipelines.baselines import pixel_features
from pipelines.calibration import LogisticCalibrator
from pipelines.config import PRESETS, RunConfig
from pipelines.csv_text import escape_formula
from pipelines.curve_points import (
    Points,
    confusion,
    operating_points,
    reliability,
    score_histogram,
    tippett,
    trade_off,
    weights_over_signers,
)
from pipelines.curves import SKILLS, base_forgeries, conditions, frozen_of, image_count, measure_curves, training_rows
from pipelines.curves_page import curves, rate_rows, robustness_rows
from pipelines.evaluation_card import resplit
from pipelines.evaluation_curves import baselines
from pipelines.evaluation_parts import Part, trials_of
from pipelines.handling import turned
from pipelines.metrics import far, frr
from pipelines.plots import new_axes, plot_det
from pipelines.preprocess import to_ink
from pipelines.progress import Progress
from pipelines.protocols import TrialTable
from pipelines.rates import rates
from pipelines.report import write_points, write_report
from pipelines.report_examples import embedding_map, signature_rows, worst, worst_html
from pipelines.report_figures import error_figures
from pipelines.report_labels import label
from pipelines.report_method import tree_html
from pipelines.report_tables import split_rows
from pipelines.rivals import rivals_of
from pipelines.robustness import Answers, answers, halved, jpeg, robustness
from pipelines.runs import RunError
from pipelines.side_by_side import difference, rows_of, same_trials, side_by_side, verdict
from pipelines.verifier import Verifier
from synth import World, render

CALIBRATOR = LogisticCalibrator(6.0, -3.0, "skilled", 100, 100, 10)


def trials_from(seed: int, signers: int = 12, n: int = 10, separation: float = 1.0) -> TrialTable:
    """Trials whose natural-log LR is 6 x score - 3 when the separation is 1: Gaussian scores of equal spread."""
    rng = np.random.default_rng(seed)
    kind = np.tile(["genuine"] * n + ["skilled"] * n + ["random"] * n, signers)
    claimed = np.repeat(np.arange(signers), 3 * n)
    spread = np.sqrt(separation / 6.0)
    score = rng.normal(np.select([kind == "genuine", kind == "skilled"], [separation, 0.0], -separation), spread)
    other = (claimed + rng.integers(1, signers, len(claimed))) % signers
    return TrialTable(
        claimed=claimed.astype(str),
        impostor=np.where(kind == "random", other.astype(str), ""),
        kind=kind,
        skill=np.where(kind == "skilled", 0.8, np.nan),
        reference=np.full(len(kind), "r"),
        questioned=np.arange(len(kind)).astype(str),
        score=score.astype(np.float32),
        part="test",
        protocol="by hand",
    )


@given(st.integers(0, 10**6), st.floats(-0.5, 1.5))
def test_the_points_of_a_threshold_lie_on_the_curve(seed, threshold):
    trials = trials_from(seed, signers=3)
    curve = trade_off(trials, seed=0, draws=5)
    for kind, far_, frr_ in operating_points(trials, threshold).rows:
        scores = trials.score[trials.kind == kind]
        genuine = trials.score[trials.kind == "genuine"]
        assert far_ == pytest.approx(far(scores, threshold))
        assert frr_ == pytest.approx(frr(genuine, threshold))
        x, y = curve.column("far", kind=kind), curve.column("frr", kind=kind)
        assert (np.diff(y) <= 1e-12).all()
        assert (y[x >= far_] <= frr_ + 1e-9).all()  # the best threshold for a higher FAR rejects no more


@pytest.mark.parametrize("threshold", [-9.0, 0.5, 9.0])
def test_a_threshold_that_accepts_all_or_none_is_a_dot_on_the_edge(threshold):
    """On logarithmic axes nothing lies at zero, and a dot there would leave the axes no room."""
    drawn = error_figures(trials_from(1), threshold, seed=0, written=[])
    assert "".join(drawn).count("<svg") == 3


def test_no_curve_is_drawn_where_trials_cannot_show_a_rate():
    curve = trade_off(trials_from(0), seed=0, draws=5)
    assert curve.column("far", kind="skilled").min() >= 1 / 120
    assert (curve.column("frr_low") <= curve.column("frr_high")).all()


def test_random_forgeries_weigh_by_both_their_signers():
    trials = trials_from(1, signers=5)
    for weights in weights_over_signers(trials, seed=3, draws=20):
        drawn = {s: weights[(trials.claimed == s) & (trials.kind == "genuine")][0] for s in "01234"}
        assert sum(drawn.values()) == 5
        random = trials.kind == "random"
        expected = [drawn[a] * drawn[b] for a, b in zip(trials.claimed[random], trials.impostor[random], strict=True)]
        assert weights[random].tolist() == expected


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_the_answers_by_kind_are_whole_and_agree_with_the_rates(seed, band):
    trials = trials_from(seed, signers=3)
    points = confusion(trials, CALIBRATOR, 0.5, band)
    for kind, accept, reject, unclear, *shares, right in points.rows:
        own = trials.score[trials.kind == kind]
        assert accept + reject + unclear == len(own)
        assert sum(shares) == pytest.approx(1)
        assert right == pytest.approx(shares[0] if kind == "genuine" else shares[1])
        assert accept <= (own >= 0.5).sum() <= accept + unclear
    sharp = confusion(trials, CALIBRATOR, 0.5, 0.0)
    assert sum(int(n) for n in sharp.column("inconclusive")) == 0


def test_tippett_falls_from_one_and_the_histogram_holds_every_trial():
    trials = trials_from(2)
    points = tippett(trials, CALIBRATOR)
    for kind in ("genuine", "skilled", "random"):
        share = points.column("share_at_least", kind=kind)
        assert (np.diff(share) <= 0).all()
        scores = trials.score[trials.kind == kind]
        at = points.column("log10_lr", kind=kind)
        assert share.tolist() == pytest.approx([(CALIBRATOR.log10_lr(scores) >= x).mean() for x in at])
    histogram = score_histogram(trials)
    assert histogram.column("trials").sum() == len(trials)


def test_a_calibrated_system_is_reliable_and_an_overconfident_one_is_not():
    trials = trials_from(3, signers=60, n=20)
    right = reliability(trials, CALIBRATOR, seed=0)
    inside = (right.column("observed_low") <= right.column("stated") + 0.05) & (
        right.column("observed_high") >= right.column("stated") - 0.05
    )
    assert inside.all()
    steep = dataclasses.replace(CALIBRATOR, slope=30.0, intercept=-15.0)
    wrong = reliability(trials, steep, seed=0)
    assert (np.abs(wrong.column("stated") - wrong.column("observed")) > 0.1).any()
    assert reliability(trials.select(kind="genuine"), CALIBRATOR, seed=0).rows == []


def test_the_worst_are_errors_each_questioned_once_worst_first():
    trials = trials_from(4)
    for kind, sign in (("skilled", -1), ("genuine", 1), ("random", -1)):
        rows = worst(trials, 0.5, kind)
        assert len(rows) <= 10
        assert (trials.kind[rows] == kind).all()
        assert ((trials.score[rows] >= 0.5) == (kind != "genuine")).all()
        assert (np.diff(sign * trials.score[rows]) >= 0).all()
    doubled = dataclasses.replace(trials, questioned=np.full(len(trials), "one"))
    assert len(worst(doubled, 0.5, "skilled")) == 1


def test_points_are_written_whole_and_no_cell_is_a_formula(tmp_path):
    write_points(tmp_path / "figures", [Points("one", ("name", "value"), [("=1+1", -0.5), ("a", 2)])])
    with (tmp_path / "figures" / "one.csv").open() as file:
        assert list(csv.reader(file)) == [["name", "value"], [escape_formula("=1+1"), "-0.5"], ["a", "2"]]


def test_records_of_any_form_become_tables():
    record = {
        "eer_skilled": {"value": 0.123, "low": 0.1, "high": 0.15},
        "signers": 55,
        "by_k": [{"k": 1, "frr": 0.25}, {"k": 3, "frr": None}],
        "<b>": {"slope": 2.0},
    }
    text = tree_html("writer_dependent", record)
    for wanted in (
        "<h2>writer dependent",
        "12.3 % (10.0 to 15.0)",
        "<td>55",
        "25.0 %",
        "<td>-",
        "&lt;b&gt;",
        "<h3>by k",
    ):
        assert wanted in text
    assert "<b>" not in text


def test_a_record_of_rates_is_in_words_and_all_its_shares_in_percent():
    repeats = {"n": 10, "frr": {"mean": 0.1, "sd": 0.02, "values": [0.08, 0.12]}}
    rates = {"frr_at_dev_far_skilled_1pct_frozen": {"value": 0.568, "low": None, "high": None}, "cllr_skilled": 0.35}
    text = tree_html("card", {"rates": rates, "over_splits": repeats, "ece": 0.0237})
    for wanted in (
        "FRR, frozen threshold for FAR 1 % (skilled)",
        "56.8 %",
        "Cllr, skilled, bits",
        "0.35",
        "<h4>FRR",
        "10.0 %",
        "8.0 %, 12.0 %",
        "repeats",
        "expected calibration error",
        "2.4 %",
    ):
        assert wanted in text, wanted
    assert "_" not in text


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("far_skilled_frozen", "FAR, skilled, frozen threshold"),
        ("aer_skilled_frozen", "mean of FRR and FAR, skilled, frozen threshold"),
        ("eer_random_threshold_aposteriori", "threshold (a score) of the EER, random"),
        ("eer_random_aposteriori_global", "EER, random, one threshold for all"),
        ("min_cllr_skilled_aposteriori", "least possible Cllr, skilled, bits (a-posteriori)"),
        ("of_another_module", "of another module"),
    ],
)
def test_keys_have_words(key, words):
    assert label(key) == words


def test_the_legend_of_an_error_trade_off_names_the_dot_and_lies_off_the_curves():
    trials = trials_from(1)
    axes = plot_det(new_axes(), trade_off(trials, seed=0, draws=5), operating_points(trials, 0.5))
    legend = axes.get_legend()
    assert "frozen threshold" in [text.get_text() for text in legend.get_texts()]
    axes.get_figure().draw_without_rendering()
    box = legend.get_window_extent().transformed(axes.transAxes.inverted())
    assert box.x0 > 0.4
    assert box.y0 > 0.5


# --- whole pages, with a verifier that compares coarse pixels


class PixelVerifier(Verifier):
    """A verifier without a network."""

    def __init__(self) -> None:
        self.model, self.height, self.width, self.head, self.band = None, 64, 128, None, 0.15
        self.threshold, self.fused, self.recipe = 0.4, {}, "default"
        self.calibrator = LogisticCalibrator(5.0, -2.0, "skilled", 9, 9, 3)

    def embed_canvases(self, canvases, *, batch=96):
        return pixel_features(to_ink(canvases)[..., 0])


@pytest.fixture(scope="module")
def config() -> RunConfig:
    values = PRESETS["smoke"].to_dict()
    values["evaluation"] |= {"bootstrap_draws": 100}
    values["train"] |= {"height": 64, "width": 128}
    return RunConfig.from_dict(values)


def record_of(verifier: Verifier) -> dict:
    point = {"threshold": verifier.threshold, "frr": 0.1, "far_skilled": 0.1, "far_random": 0.0}
    fused = {"max/3": {"threshold": 0.5, "calibrator": verifier.calibrator.to_dict()}}
    return {"points": {"eer_skilled": point}, "calibrator": verifier.calibrator.to_dict(), "fused": fused}


@pytest.fixture(scope="module")
def part() -> Part:
    return pipelines.curves.draw_cohort(
        PixelVerifier(),
        World(5),
        range(6),
        genuine=4,
        forgeries=[("freehand", 0.6)] * 3,
    ).part


def finished(folder: Path, config: RunConfig, part: Part, noise: float = 0.0) -> Path:
    """Write what a finished run holds, but no network."""
    verifier = PixelVerifier()
    rng = np.random.default_rng(0)
    shaken = part.embeddings + noise * rng.normal(size=part.embeddings.shape).astype(np.float32)
    part = dataclasses.replace(part, embeddings=shaken)
    trials, frozen = trials_of(part, config, "test"), frozen_of(record_of(verifier))
    metrics = {
        "verifier": rates(trials, frozen, draws=100, seed=0),
        "baselines": baselines(rivals_of(part), config),
        "development": {"signers": 3, "calibrator": verifier.calibrator.to_dict(), "points": {}},
        "protocol": trials.protocol,
        "left_out": [],
        "data": {"source": "drawn <here>", "contains_real_signatures": False},
        "cost": {"seconds": {"training": 7.0}, "training_images": 96, "peak_memory_mb": 1, "disk_mb": 1.0},
        "protocols": {"writer_dependent": {"eer_skilled": {"value": 0.05, "low": 0.04, "high": 0.06}}},
        "card": {"split": "by signer"},
        "splits": resplit([trials]),
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "verifier.json").write_text(json.dumps(record_of(verifier)))
    (folder / "metrics.json").write_text(json.dumps(metrics))
    trials.to_parquet(folder / "scores.parquet")
    write_report(folder, metrics, trials=trials, part=part, threshold=0.4, verifier=verifier, config=config)
    return folder


def test_the_report_shows_everything_and_its_rows_agree_with_the_metrics(tmp_path, config, part):
    run = finished(tmp_path / "run", config, part)
    text, metrics = (run / "report.html").read_text(), json.loads((run / "metrics.json").read_text())
    wanted = ("Error trade-off, logarithmic axes", "Ratios are clipped at 10^-", "ROC", "Tippett",
              "Reliability", "Answers by kind", "Worst false acceptances",
              "Worst false rejections", "t-SNE", "Other people on either side",
              "writer dependent", "Evaluation card", "drawn &lt;here&gt;",
              "signers of the run", "signatures.csv", "@media print")  # fmt: skip
    assert [word for word in wanted if word not in text] == []
    assert ">splits<" not in text
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", text)  # names of SVG's own forms are no addresses
    assert "class=failed" not in text
    names = {file.stem for file in (run / "figures").iterdir()}
    assert names == {"det_roc", "frozen_threshold", "scores", "confusion", "tippett", "reliability", "embedding_map",
                     "signatures", "rates"}  # fmt: skip
    with (run / "figures" / "frozen_threshold.csv").open() as file:
        found = {row["kind"]: row for row in csv.DictReader(file)}
    assert float(found["skilled"]["far"]) == pytest.approx(metrics["verifier"]["far_skilled_frozen"]["value"])
    assert float(found["random"]["frr"]) == pytest.approx(metrics["verifier"]["frr_frozen"]["value"])
    with (run / "figures" / "signatures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == part.signatures.name.tolist()
    assert len({row["canvas_sha256"] for row in rows}) == len(rows)


def test_rates_over_halves_are_in_percent_with_their_extremes():
    halves = {"n": 3, "frr": {"mean": 0.1, "sd": 0.02, "values": [0.08, 0.1, 0.12]}}
    assert split_rows({"splits": halves}) == [("FRR", "10.0 %", "2.0 %", "8.0 %", "12.0 %")]
    assert split_rows({"splits": None}) == split_rows({}) == []


def test_examples_hold_up_with_too_little_to_show(part):
    few = np.flatnonzero(np.isin(part.signatures.signer, part.signatures.signer[:1]))
    alone = Part(
        pipelines.curves.subset(part.signatures, few),
        part.canvases[few],
        part.embeddings[few],
        part.on_grid[few],
    )
    assert embedding_map(alone).rows == []
    assert len(signature_rows(alone, "here").rows) == len(few)
    perfect = trials_from(5, separation=50.0)
    words = worst_html(perfect, alone, CALIBRATOR, threshold=25.0, kind="skilled", title="Worst")
    assert "none at the frozen threshold" in words
    nobody = perfect.select(kind="genuine")
    assert worst_html(nobody, alone, CALIBRATOR, threshold=0.0, kind="skilled", title="Worst") == ""


# --- curves


def test_every_condition_is_measured_and_error_rises_with_skill(tmp_path, config, part, monkeypatch):
    run, verifier = finished(tmp_path / "run", config, part), PixelVerifier()
    some = [row for row in conditions() if row[1] in ("clean", "felt", "initials")]
    assert {row[0] for row in some} == {"capture", "pen", "script"}
    monkeypatch.setattr(pipelines.curves, "conditions", lambda: some)
    monkeypatch.setattr(pipelines.curves_page, "load_verifier", lambda path: verifier)
    points, kept, page = curves(run, runs=[run], signers=8, out=None, progress=Progress(quiet=True))
    assert set(points.values("condition")) == {
        "skill", "forger", "references", "references_max", "script", "pen", "capture", "stability", "signers", "time"
    }  # fmt: skip
    assert [value for value in points.values("value") if isinstance(value, float)][: len(SKILLS)] == list(SKILLS)
    accepted = [row[6] for row in points.rows if row[0] == "skill" and row[5] == "far_skilled_frozen"]
    assert accepted[-1] > accepted[0]
    for row in points.rows:
        assert 0 <= row[6] <= 1
        assert row[7] is None or row[7] <= row[8]
    assert len(rate_rows(points, "forger")) == 5
    assert page.read_text().count("<svg") == 11
    for condition, fused_for in (("references", []), ("references_max", [3, 5, 10])):
        one, most = (
            {row[5]: row[6] for row in points.rows if row[:2] == (name, 1)} for name in ("references", "references_max")
        )
        assert one == most  # with one reference there is nothing to fuse
        frozen = [row[1] for row in points.rows if row[0] == condition and row[5] == "frr_frozen"]
        assert frozen == [1, *fused_for]  # no rate at a threshold that was frozen for something else
    saved = json.loads((run / "curves" / "curves.json").read_text())
    assert [row["share"] for row in saved["curves"]] == [row[6] for row in points.rows]
    assert [row[0] for row in robustness_rows(kept)] == [
        "phone photo", "JPEG, quality 60", "turned 5 degrees", "half size"
    ]  # fmt: skip


def test_too_few_signers_are_refused_before_anything_is_drawn(config):
    with pytest.raises(ValueError, match="3 signers are too few"):
        measure_curves(PixelVerifier(), config, {}, signers=3)


def test_the_number_of_images_is_known_beforehand():
    assert image_count(20) == 20 * (12 + len(base_forgeries())) + len(conditions()) * 10 * 7


def test_what_was_frozen_for_several_references_is_used():
    frozen = frozen_of(record_of(PixelVerifier()))
    assert [frozen.for_references("max", k)[1].threshold for k in (1, 2, 3, 10)] == [0.4, 0.4, 0.5, 0.5]


def test_runs_are_put_in_the_order_of_their_training(config):
    def metrics(seconds):
        rate = {"value": 0.1, "low": 0.05, "high": 0.2}
        trials = {"genuine": 5, "skilled": 5, "random": 0}
        return {"verifier": {"eer_skilled": rate, "signers": 5, "trials": trials},
                "cost": {"seconds": {"training": seconds}}}  # fmt: skip

    rows = training_rows([("slow", config, metrics(30.0)), ("quick", config, metrics(9.0))])
    assert [row[1] for row in rows if row[0] == "time"] == ["9.0 (quick)", "30.0 (slow)"]
    assert len({row[1] for row in rows if row[0] == "signers"}) == 2


# --- robustness


def test_an_act_seen_alike_keeps_its_answer_and_an_unreadable_one_counts_as_changed():
    ratios = np.array([[1.0, -1.0, 0.2, -0.2], [1.0, -1.0, 0.2, -0.2], [1.5, -0.5, -0.3, np.nan]])
    found = Answers(["scan", "same", "other"], ratios, np.array(["a", "a", "b", "b"]))
    same, other = robustness(found, 0.0, seed=0).rows
    assert same[3:] == (0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0)
    assert other[3] == pytest.approx(0.5)
    assert other[6] == 0.5
    assert (other[7], other[8], other[9]) == (0.0, 1.0, 1)


def test_turning_halving_and_compressing_keep_the_ink():
    image = render(World(5)[0].genuine(0), dpi=150, capture="clean")
    assert halved(image).shape == (image.shape[0] // 2, image.shape[1] // 2)
    assert jpeg(image).shape == image.shape
    assert 0 < np.abs(jpeg(image).astype(int) - image).max()
    wide = turned(image)
    assert wide.shape[0] > image.shape[0]
    assert (255.0 - wide).sum() == pytest.approx((255.0 - image).sum(), rel=0.02)
    assert wide[0, 0] == 255


def test_a_verifier_without_calibration_is_refused(config):
    bare = PixelVerifier()
    bare.calibrator = None
    with pytest.raises(ValueError, match="no calibration yet"):
        answers(bare, config, signers=4)


# --- side by side


def test_a_run_beside_a_worse_one_is_paired_and_named(tmp_path, config, part):
    paths = [finished(tmp_path / name, config, part, noise) for name, noise in (("good", 0.0), ("bad", 0.3))]
    runs, page = side_by_side(paths, tmp_path / "out")
    assert runs[1].difference is not None
    assert runs[1].difference["low"] > 0
    assert "higher than that of good" in verdict(runs[1], runs[0])
    assert "higher than that of good" in page.read_text()
    assert {file.stem for file in (tmp_path / "out" / "figures").iterdir()} == {"det_roc", "runs"}
    assert [row[0] for row in rows_of(runs)] == ["good", "bad"]
    with pytest.raises(ValueError, match="two or more different runs"):
        side_by_side(paths[:1], tmp_path / "out")
    with pytest.raises(RunError, match=r"no metrics\.json"):
        side_by_side([paths[0], tmp_path], tmp_path / "out")


@given(st.integers(0, 10**6))
def test_a_difference_is_zero_with_itself_and_turns_round(seed):
    first = trials_from(seed, signers=4)
    second = dataclasses.replace(first, score=trials_from(seed + 1, signers=4).score)
    assert difference(first, first, seed=0, draws=20) == {"value": 0.0, "low": 0.0, "high": 0.0}
    there, back = difference(first, second, seed=0, draws=20), difference(second, first, seed=0, draws=20)
    assert there["value"] == pytest.approx(-back["value"])
    assert there["low"] == pytest.approx(-back["high"])
    other = dataclasses.replace(second, questioned=np.char.add(second.questioned, "x"))
    assert not same_trials(first, other)
    with pytest.raises(ValueError, match="judged other trials"):
        difference(first, other, seed=0, draws=20)
