"""Shifted worlds: another generator that repeats, what training has met, gaps over signers; adapting to them."""

import csv
import dataclasses
import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import pipelines.adapt
import pipelines.shift
from pipelines.adapt import BEFORE, adapt, check_sizes
from pipelines.baselines import pixel_features
from pipelines.cli import main
from pipelines.config import RunConfig, changed
from pipelines.evaluate import freeze, freeze_fused
from pipelines.evaluation_parts import Part, draw_part, fused_trials, subset, trials_of
from pipelines.few_shot import (
    DiagonalHead,
    cross_fitted,
    diagonal_head,
    only,
    threshold_only,
    threshold_shrunk,
    within_variance,
)
from pipelines.few_shot_training import fine_tuning
from pipelines.font_acts import FontAct, font_acts, picture, trace
from pipelines.font_signers import FONTS, font_signer
from pipelines.handling import HANDLING
from pipelines.metrics import bootstrap_over_signers, eer, eer_of
from pipelines.preprocess import preprocess, to_ink
from pipelines.progress import Progress
from pipelines.protocols import cosine_scores, one_reference_trials
from pipelines.report_tables import share
from pipelines.runs import Run
from pipelines.settings import EvaluationSettings
from pipelines.shift import HEAD, judged_signers, laws_of, measure_shifts, points_of, ranked, shift
from pipelines.shift_page import rows_of, several_rows, shift_html
from pipelines.shift_rates import FUSIONS, METHODS, interval, judge, record
from pipelines.shift_words import difference_of
from pipelines.shift_worlds import Shift, draw_shift, find_shifts, fits, own_world, shifts
from synth.config import WorldConfig
from synth.worlds import WORLDS

QUIET = Progress(quiet=True)


class Pixels:
    """A verifier that compares coarse pixels: no network, so that tests of worlds need none."""

    height, width, recipe, head = 32, 64, "default", None

    def movements(self, acts: Any) -> None:
        return None

    def embed_acts(self, acts: Any, canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        return pixel_features(to_ink(canvases)[..., 0])


@pytest.fixture(scope="module")
def config(micro_config: RunConfig) -> RunConfig:
    wanted = ["train.height=32", "train.width=64", "world.test_signers=10", "world.dev_signers=8"]
    drawn = ["evaluation.n_random=4", "evaluation.bootstrap_draws=100", "evaluation.genuine=5"]
    return changed(micro_config, [*wanted, *drawn])


@pytest.fixture(scope="module")
def saved(config: RunConfig) -> dict[str, Any]:
    """What a run with this verifier would have recorded."""
    part = draw_part(config, "dev", Pixels())
    frozen = freeze(part, config)
    points = {name: dataclasses.asdict(point) for name, point in frozen.points.items()}
    fused = {name: point.to_dict() for name, point in freeze_fused(part, config, frozen.typical).items()}
    calibrator = frozen.calibrator.to_dict()
    return {"points": points, "calibrator": calibrator, "fused": fused, "typical": frozen.typical}


# --- signers of vector fonts


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.integers(0, 50))
@settings(max_examples=8)
def test_a_font_signature_is_a_function_of_seed_signer_and_act(seed: int, index: int, number: int) -> None:
    signer = font_signer(seed, index)
    act = FontAct(signer, signer, float("nan"), number)
    first = picture(seed, act)
    again = font_signer(seed, index)
    np.testing.assert_array_equal(first, picture(seed, FontAct(again, again, float("nan"), number)))
    other = picture(seed, act._replace(number=number + 1))
    assert first.shape != other.shape or (first != other).any()
    assert signer.font in FONTS
    assert first.dtype == np.uint8
    assert first.min() < 128 < first.max()


def test_no_neighbour_or_order_changes_a_font_signature() -> None:
    some = font_acts(3, range(5, 9), EvaluationSettings(genuine=2, forgeries=2))[0]
    more = font_acts(3, range(5, 9), EvaluationSettings(genuine=5, forgeries=4))[0]
    np.testing.assert_array_equal(picture(3, some[1]), picture(3, more[1]))
    np.testing.assert_array_equal(picture(3, some[2]), picture(3, more[5]))


def test_a_practised_forger_comes_nearer_to_the_target_steadily() -> None:
    target, by = font_signer(1, 40), font_signer(1, 41)
    aim = np.concatenate(trace(1, FontAct(target, target, float("nan"), 0)))
    off = []
    for skill in (0.0, 0.3, 0.6, 0.9, 1.0):
        lines = np.concatenate(trace(1, FontAct(target, by, skill, 0)))
        off.append(float(np.abs(lines - aim).mean()))
    assert off == sorted(off, reverse=True)
    assert off[0] > 2 * off[-1] > 0


def test_font_worlds_are_neither_trivial_nor_hopeless_to_a_baseline() -> None:
    acts, signatures = font_acts(7, range(24), EvaluationSettings(genuine=4, forgeries=4))
    canvases = np.stack([preprocess(picture(7, act), height=32, width=64) for act in acts])
    scores = cosine_scores(pixel_features(to_ink(canvases)[..., 0]))
    trials = one_reference_trials(signatures, scores, part="test", n_random=6, seed=0)
    genuine = trials.select(kind="genuine").score
    random, skilled = (eer(genuine, trials.select(kind=kind).score).rate for kind in ("random", "skilled"))
    assert random < 0.15 < skilled < 0.45


# --- what is a shift


def test_every_world_says_in_one_sentence_what_is_different_in_it(config: RunConfig) -> None:
    said = [difference_of(each.name) for each in [own_world(), *shifts(config)]]
    assert all(words.endswith(".") and words.count(". ") == 0 for words in said)
    assert len(set(said)) == len(said)


def test_only_what_training_never_met_is_called_a_shift(config: RunConfig) -> None:
    found = {each.name: each for each in shifts(config)}
    usual = WorldConfig()
    for each in found.values():
        if each.group == "script":
            ((name, _),) = each.world.profiles
            assert (each.seen == "no") == (name not in dict(usual.profiles))
        if each.group == "pen":
            assert (each.seen == "no") == (each.world.pens[0][0] not in dict(usual.pens))
    assert found["photo"].seen == found["fax"].seen == found["tracer"].seen == found["vector fonts"].seen == "no"
    assert found["bilevel"].seen == found["simple"].seen == "part"
    assert found["another seed"].seen == "yes"
    assert found["short signatures"].seen == "part"
    scripts = {each.name: each.seen for each in shifts(changed(config, ["world.training=devanagari"]))}
    assert (scripts["short signatures"], scripts["devanagari"]) == ("no", "part")
    assert {s.name: s.seen for s in shifts(changed(config, ["world.training=initials"]))}["short signatures"] == "no"
    assert found["short signatures"].world == WORLDS["svc_like"]
    photo = {each.name: each.seen for each in shifts(changed(config, ["train.augment=photo"]))}
    assert photo["photo"] == photo["jpeg"] == "part"
    assert photo["fax"] == "no"
    always = {"untouched", "thresholded", "75 to 113 dpi"}
    assert {name for name in HANDLING if found[name].seen == "part"} == always
    for augment, more in (
        ("standard", set()),
        ("marks", {"printed line", "dust", "cut off", "faded"}),
        ("strong", {"askew", "stretched", "faded"}),
        ("photo", {"askew"}),
    ):
        met = {each.name: each.seen for each in shifts(changed(config, [f"train.augment={augment}"]))}
        assert {name for name in HANDLING if met[name] == "part"} == always | more
    true_size = shifts(changed(config, ["train.preprocessing=signet_canvas"]))
    assert {each.name: each.seen for each in true_size}["75 to 113 dpi"] == "no"
    wide = changed(config, ["world.training=broad", 'batch.forger_kinds={"tracer":1,"careless":0}'])
    met = {each.name: each.seen for each in shifts(wide)}
    assert {
        met[name.replace("_", " ")] for name in dict(WORLDS["broad"].profiles) if name.replace("_", " ") in met
    } == {"part"}
    assert met["short signatures"] == "part"
    assert met["tracer"] == met["variable signers"] == met["consistent signers"] == met["another seed"] == "part"
    assert met["careless"] == met["slow copier"] == met["look-alikes"] == met["vector fonts"] == "no"


def test_every_shift_says_by_which_laws_it_is_drawn_again(config: RunConfig) -> None:
    found = {each.name: laws_of(each) for each in shifts(config)}
    assert found["short signatures"]["world"] == "svc_like"
    assert found["photo"] == {"capture": "photo", "forger": "freehand", "another_seed": False, "world": "default"}
    assert found["variable signers"]["changed_laws"] == {"stability": [0.04, 0.06]}
    assert found["dust"] | {"capture": "scan", "handling": "dust", "dpi": 300.0} == found["dust"]
    assert found["devanagari"]["changed_laws"] == {"profiles": (("devanagari", 1.0),)}
    assert all(json.dumps(laws) for laws in found.values())


def test_shifts_are_found_by_name_and_by_group(config: RunConfig) -> None:
    assert {each.group for each in find_shifts(config, ["script"])} == {"script"}
    assert [each.name for each in find_shifts(config, ["fax", "tracer"])] == ["fax", "tracer"]
    assert len({each.name for each in shifts(config)}) == len(shifts(config))
    with pytest.raises(ValueError, match=r"unknown shift 'fux'; use a group \(population, script, .*\) or one of: "):
        find_shifts(config, ["fux"])
    with pytest.raises(ValueError, match="4 signers cannot judge; use 8 to 10, the run's test signers"):
        judged_signers(config, 4)


# --- judging


def test_the_own_world_is_the_runs_own_evaluation(config: RunConfig) -> None:
    drawn = draw_shift(own_world(), judged_signers(config, 10), config, Pixels())
    theirs = draw_part(config, "test", Pixels())
    assert drawn.unreadable == 0
    mine, usual = (trials_of(part, config, "test") for part in (drawn.part, theirs))
    np.testing.assert_array_equal(mine.questioned, usual.questioned)
    np.testing.assert_allclose(mine.score, usual.score, atol=1e-6)


def test_a_forgers_kind_changes_forgeries_alone(config: RunConfig) -> None:
    own, other = (
        draw_shift(world, judged_signers(config, 8), config, Pixels()).part
        for world in (own_world(), Shift("tracer", "forger", "no", forger="tracer"))
    )
    genuine = own.signatures.kind == "genuine"
    np.testing.assert_array_equal(own.canvases[genuine], other.canvases[genuine])
    np.testing.assert_array_equal(own.signatures.skill, other.signatures.skill)
    assert (own.canvases[~genuine] != other.canvases[~genuine]).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", ["untouched", "dust", "75 to 113 dpi"])
def test_what_is_done_to_pictures_changes_them_alone(name: str, config: RunConfig) -> None:
    (handled,) = find_shifts(config, [name])
    drawn = draw_shift(handled, judged_signers(config, 8), config, Pixels())
    own = draw_shift(own_world(), judged_signers(config, 8), config, Pixels())
    assert drawn.unreadable == 0
    np.testing.assert_array_equal(drawn.part.signatures.name, own.part.signatures.name)
    assert (drawn.part.canvases != own.part.canvases).any(axis=(1, 2)).mean() > 0.9


def test_pictures_are_not_made_coarser_for_a_recipe_of_true_size(config: RunConfig) -> None:
    true_size = Pixels()
    true_size.recipe = "signet_canvas"
    kept = {each.name for each in shifts(config) if fits(each, true_size)}  # type: ignore[arg-type]
    assert {each.name for each in shifts(config)} - kept == {"75 to 113 dpi"}


def test_gaps_are_differences_of_rates_and_vanish_between_a_world_and_itself(
    config: RunConfig, saved: dict[str, Any]
) -> None:
    frozen = pipelines.shift.frozen_of(saved)
    own = judge(draw_shift(own_world(), judged_signers(config, 10), config, Pixels()).part, config, frozen)
    assert all(rate == {"value": 0, "low": 0, "high": 0} for rate in record(own, own)["gap_verifier"].values())
    found = bootstrap_over_signers(own.trials, eer_of("skilled"), seed=config.world.seed, n_draws=100)
    mine = interval(own.verifier["eer_skilled"])
    assert mine["value"] == pytest.approx(found.value)
    assert mine["low"] == pytest.approx(found.low)
    assert mine["high"] == pytest.approx(found.high)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_three_references_are_judged_at_what_was_frozen_for_them(
    config: RunConfig, saved: dict[str, Any], fusion: str
) -> None:
    part = draw_shift(own_world(), judged_signers(config, 10), config, Pixels()).part
    found = record(judge(part, config, pipelines.shift.frozen_of(saved)), None)[f"verifier {fusion}"]
    ((_, trials),) = fused_trials(part, config, "test", numbers=[3], fusions=[fusion], typical=saved["typical"])
    accepted = trials.score >= saved["fused"][f"{fusion}/3"]["threshold"]
    assert found["frr_frozen"]["value"] == pytest.approx(1 - accepted[trials.kind == "genuine"].mean())
    assert found["far_skilled_frozen"]["value"] == pytest.approx(accepted[trials.kind == "skilled"].mean())
    genuine, forged = (trials.score[trials.kind == kind] for kind in ("genuine", "skilled"))
    assert found["eer_skilled"]["value"] == pytest.approx(eer(genuine, forged).rate)


def test_a_run_that_froze_nothing_for_several_references_is_judged_with_one(
    config: RunConfig, saved: dict[str, Any]
) -> None:
    found = measure_shifts(Pixels(), config, saved | {"fused": {}}, signers=8, names=("fax",))
    assert all(set(each.record) & set(METHODS) == {"verifier", "hog"} for each in found)
    assert several_rows(found) == []
    assert "references</h2>" not in shift_html(found, config)


def test_a_run_is_judged_on_its_own_world_and_on_shifts_and_everything_is_written(
    config: RunConfig, saved: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    run.start(config)
    (run / "verifier.json").write_text(json.dumps(saved), encoding="utf-8")
    monkeypatch.setattr(pipelines.shift, "load_verifier", lambda path: Pixels())
    found, page = shift(run.path, signers=8, names=("fax", "simple", "generator"), out=None, progress=QUIET)
    assert [each.shift.name for each in found] == ["own world", "fax", "simple", "vector fonts"]
    values = json.loads((page.parent / "shift.json").read_text(encoding="utf-8"))
    assert values["ranked"] == [each.shift.name for each in ranked(found)]
    assert set(values["ranked"]) == {"fax", "vector fonts"}  # simple forgeries are met in training, and of another kind
    assert "eer_skilled" not in values["worlds"][2]["gap_verifier"]
    for world in values["worlds"][1:]:
        for figure, gap in world["gap_hog"].items():
            own = values["worlds"][0]["hog"][figure]["value"]
            assert gap["value"] == pytest.approx(world["hog"][figure]["value"] - own)
    with (page.parent / "shift.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    assert tuple(head) == HEAD
    assert len(rows) == len(points_of(found).rows)
    assert [row[1] for row in rows_of(found)[0]] == ["itself", "never", "never", "in part"]
    assert [len(row) for row in several_rows(found)] == [7] * 4
    assert several_rows(found)[0][1] == share(values["worlds"][0]["verifier max"]["eer_skilled"])
    text = page.read_text(encoding="utf-8")
    assert "With 3 references</h2>" in text
    assert "On these 8 test signers of the own world, FRR there is" in text  # not that of the development signers
    assert all(html.escape(difference_of(each.shift.name)) in text for each in found)
    assert all(each.shift.name in text for each in found)
    assert not any(word in text for word in ('src="http', 'href="http', "<script"))


def test_measured_worlds_repeat_and_are_told_one_by_one(config: RunConfig, saved: dict[str, Any]) -> None:
    lines: list[str] = []
    how: dict[str, Any] = {"signers": 8, "names": ("vector fonts",), "heard": lines.append}
    first, again = (measure_shifts(Pixels(), config, saved, **how) for _ in range(2))
    assert [each.record for each in first] == [each.record for each in again]
    assert lines[:2] == lines[2:]
    assert lines[1].startswith("vector fonts: EER of skilled forgeries ")
    assert f"gap {100 * first[1].record['gap_verifier']['eer_skilled']['value']:+.1f}" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--signers", "3"], "3 signers cannot judge; use 8 to 10"),
        (["--worlds", "mars"], "unknown shift 'mars'"),
    ],
)
def test_what_cannot_be_judged_is_one_line(
    arguments: list[str], message: str, config: RunConfig, saved: dict[str, Any], tmp_path: Path, capsys: Any
) -> None:
    run = Run(tmp_path / "run")
    run.start(config)
    (run / "verifier.json").write_text(json.dumps(saved), encoding="utf-8")
    assert main(["shift", "--run", str(run.path), "--signers", "8", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (run.path / "shift").exists()


# --- a few signers of another world


@pytest.fixture(scope="module")
def few(config: RunConfig) -> Any:
    """Eight signers of a shifted world, as a drawn part."""
    return draw_shift(Shift("fax", "capture", "no", capture="fax"), range(2**40, 2**40 + 8), config, Pixels()).part


def test_a_shrunk_threshold_lies_between_the_old_and_the_new_one(
    few: Any, config: RunConfig, saved: dict[str, Any]
) -> None:
    before = pipelines.shift.frozen_of(saved)
    for names in (few.signatures.signer[:1], few.signatures.signer):
        group = only(few, names)
        new, between = (way(group, config, before).frozen for way in (threshold_only, threshold_shrunk))
        n = len(np.unique(names))
        for old, own, mixed in (
            (before.threshold, new.threshold, between.threshold),
            (before.calibrator.slope, new.calibrator.slope, between.calibrator.slope),
        ):
            assert mixed == pytest.approx(old + n / (n + 5) * (own - old))


def test_a_threshold_after_a_head_comes_from_signers_the_head_has_not_seen(few: Any, config: RunConfig) -> None:
    met: list[tuple[set[str], set[str]]] = []

    def fitted(some: Any) -> Any:
        seen = set(some.signatures.signer.tolist())

        def rebuilt(part: Any) -> Any:
            met.append((seen, set(part.signatures.signer.tolist())))
            return part

        return rebuilt

    trials = cross_fitted(few, config, fitted)
    everyone = set(few.signatures.signer.tolist())
    assert all(not seen & judged and seen | judged == everyone for seen, judged in met)
    assert set(trials.claimed.tolist()) == everyone
    assert trials.part == "development"


def test_a_diagonal_head_trusts_steady_components_and_is_symmetric() -> None:
    head = DiagonalHead(None, lambda vectors: vectors, np.array([0.1, 10.0]), (0.0, -1.0, 0.0))
    origin = np.zeros((1, 2), dtype=np.float32)
    steady, unsteady = np.array([[1, 0]], np.float32), np.array([[0, 1]], np.float32)
    assert head.scores(origin, steady)[0, 0] == pytest.approx(-10 / np.sqrt(2), rel=1e-5)
    assert head.scores(origin, unsteady)[0, 0] == pytest.approx(-0.1 / np.sqrt(2), rel=1e-5)
    rows = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    np.testing.assert_allclose(head.scores(rows, rows), head.scores(rows, rows).T, atol=1e-5)


def _with_genuine(part: Any, most: dict[str, int]) -> Any:
    """Return a part in which some signers have so many genuine signatures at most."""
    kept, left = [], dict(most)
    for i, (name, kind) in enumerate(zip(part.signatures.signer.tolist(), part.signatures.kind.tolist(), strict=True)):
        if kind == "genuine" and name in left:
            left[name] -= 1
        if kind != "genuine" or left.get(name, 0) >= 0:
            kept.append(i)
    places = np.array(kept)
    return Part(
        subset(part.signatures, places), part.canvases[places], part.embeddings[places], part.on_grid[places], part.head
    )


def test_a_signer_with_one_genuine_signature_says_nothing_of_variation(few: Any, config: RunConfig) -> None:
    names = np.unique(few.signatures.signer)
    variance, n = within_variance(_with_genuine(few, {names[0]: 1}))
    wanted, others = within_variance(only(few, names[1:]))
    np.testing.assert_allclose(variance, wanted)
    assert n == others == len(names) - 1
    nothing, none = within_variance(_with_genuine(few, dict.fromkeys(names, 1)))
    assert none == 0
    assert not nothing.any()


def test_a_fitted_diagonal_head_beats_chance_on_signers_it_has_not_seen(few: Any, config: RunConfig) -> None:
    names = np.unique(few.signatures.signer)
    known = draw_shift(own_world(), range(2**40, 2**40 + 4), config, Pixels()).part
    adapted = diagonal_head(known)(only(few, names[:5]), config, None)  # type: ignore[arg-type]
    trials = trials_of(adapted.rebuilt(only(few, names[5:])), config, "test")
    genuine, random = (trials.select(kind=kind).score for kind in ("genuine", "random"))
    assert eer(genuine, random).rate < 0.3


def test_adapting_tells_every_way_before_and_after(
    config: RunConfig, saved: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    run.start(config)
    (run / "verifier.json").write_text(json.dumps(saved), encoding="utf-8")
    monkeypatch.setattr(pipelines.adapt, "load_verifier", lambda path: Pixels())
    monkeypatch.setattr(pipelines.adapt, "DRAWS", 20)
    points, page = adapt(
        run.path, names=["fax", "simple"], signers=8, sizes=[1, 4], steps=0, out=None, progress=QUIET
    )  # fmt: skip
    assert points.values("shift") == ["fax"]  # nobody can adapt to simple forgeries alone
    assert points.values("method") == [BEFORE, "threshold", "threshold, shrunk", "logistic head", "diagonal head"]
    groups = {(row[1], row[2]): row[3] for row in points.rows}
    assert groups == {(m, n): 4 // n for m in points.values("method")[1:] for n in (1, 4)} | {(BEFORE, 0): 1}
    old, new = (points.column("value", method=m, figure="eer_skilled") for m in (BEFORE, "threshold"))
    np.testing.assert_allclose(new, old[0])  # a threshold moves no a-posteriori rate
    low, value, high = (points.column(name, figure="frr_frozen") for name in ("low", "value", "high"))
    assert (low <= value + 1e-9).all()
    assert (value <= high + 1e-9).all()
    rates = json.loads((page.parent / "adapt.json").read_text(encoding="utf-8"))["rates"]
    assert len(rates) == len(points.rows)
    assert "as it was" in page.read_text(encoding="utf-8")
    assert (page.parent / "adapt.csv").exists()


@pytest.mark.parametrize("sizes", [[], [0], [9]])
def test_numbers_of_signers_that_there_are_not_are_refused(sizes: list[int], config: RunConfig) -> None:
    with pytest.raises(ValueError, match="use numbers from 1 to 8, the run's development signers"):
        check_sizes(config, sizes)


def test_words_for_numbers_of_signers_are_refused(tmp_path: Path, capsys: Any) -> None:
    assert main(["adapt", "--run", str(tmp_path), "--sizes", "1,many"]) == 2
    assert "'many' is no number of signers" in capsys.readouterr().err


@pytest.mark.slow
def test_a_network_is_trained_a_little_further_and_chosen_by_signers_kept_apart(
    config: RunConfig, saved: dict[str, Any], tmp_path: Path
) -> None:
    import keras

    from pipelines.building import build_backbone
    from pipelines.verifier import Verifier

    options = json.dumps({"channels": [8, 16], "dense": [16]})
    small = changed(config, ["train.model=plain_cnn", f"train.model_options={options}", "train.precision=float32"])
    run = Run(tmp_path / "run")
    run.start(small)
    verifier = Verifier(build_backbone(small), height=32, width=64)
    verifier.model.save(run / "model.keras")
    before = verifier.model.get_weights()
    world = Shift("vector fonts", "generator", "no", fonts=True)
    few = draw_shift(world, range(2**40, 2**40 + 4), small, verifier).part
    way = fine_tuning(run.path, steps=2)
    adapted = way(few, small, pipelines.shift.frozen_of(saved))
    keras.config.set_dtype_policy("float32")
    assert adapted is not None
    after = adapted.rebuilt(few)
    assert not np.allclose(after.embeddings, few.embeddings)
    assert set(adapted.frozen.trials.claimed.tolist()) == {str(2**40 + 3)}
    assert all(np.array_equal(old, new) for old, new in zip(before, verifier.model.get_weights(), strict=True))
    assert way(only(few, few.signatures.signer[:1]), small, adapted.frozen) is None
    # a batch takes more genuine signatures than two of the three learnt from have
    names, needed = np.unique(few.signatures.signer), small.batch.genuine
    assert way(_with_genuine(few, {names[0]: needed - 1, names[1]: needed - 1}), small, adapted.frozen) is None
    assert way(_with_genuine(few, {names[0]: needed - 1}), small, adapted.frozen) is not None
    keras.config.set_dtype_policy("float32")
