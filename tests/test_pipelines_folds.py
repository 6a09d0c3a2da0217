"""Folds: nobody and nothing on both sides, and rates that are pooled over signers of all folds."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.calibration import LogisticCalibrator, OperatingPoint
from pipelines.cli import main
from pipelines.config import PRESETS, changed
from pipelines.cross_validation import Judged, pool
from pipelines.folds import check_apart, class_folds, image_hashes, signer_folds, without_repeats
from pipelines.likelihood import cllr
from pipelines.protocols import TrialTable
from pipelines.rates import Frozen
from pipelines.settings import WorldSettings
from pipelines.shift import judged_signers
from pipelines.splits import Split, check_disjoint_parts, judges, split_world


@settings(max_examples=12)
@given(st.integers(3, 5), st.integers(2, 5), st.integers(1, 4), st.integers(0, 2**31))
def test_a_signer_is_in_one_fold_and_kinds_are_spread_over_all(n_folds, per_fold, each, seed):
    n = n_folds * per_fold
    signers = np.repeat(np.arange(n), 2 * each)
    kinds = np.tile(["genuine"] * each + ["skilled"] * each, n)
    folds = signer_folds(signers, kinds, n_folds=n_folds, seed=seed)
    assert all(len(set(folds[signers == s].tolist())) == 1 for s in range(n))
    assert {(f, k) for f, k in zip(folds.tolist(), kinds.tolist(), strict=True)} == {
        (f, k) for f in range(n_folds) for k in ("genuine", "skilled")
    }
    assert np.array_equal(folds, signer_folds(signers, kinds, n_folds=n_folds, seed=seed))


@settings(max_examples=12)
@given(st.integers(2, 30), st.integers(2, 5), st.booleans(), st.integers(0, 2**31))
def test_every_signer_is_judged_once_in_each_fold_and_known_from_the_others(n_signers, acts, told, seed):
    signers = np.repeat([f"p{i}" for i in range(n_signers)], acts)
    sessions = np.tile([str(k) for k in range(acts)], n_signers) if told else np.full(signers.size, "")
    folds = class_folds(signers, sessions, n_folds=acts, seed=seed)
    for fold in range(acts):
        assert sorted(signers[folds == fold].tolist()) == sorted(set(signers.tolist()))
    if told:
        assert all(len(set(folds[sessions == s].tolist())) == 1 for s in set(sessions.tolist()))


def test_a_signer_with_fewer_signatures_than_folds_is_judged_in_some_of_them():
    folds = class_folds(["a"] * 4 + ["b"] * 2, [""] * 6, n_folds=4, seed=0)
    assert len(set(folds[:4].tolist())) == 4
    assert len(set(folds[4:].tolist())) == 2


def test_equal_images_have_equal_hashes_and_are_left_out_once():
    canvases = np.zeros((3, 4, 5), dtype=np.uint8)
    canvases[1, 0, 0] = 1
    hashes = image_hashes(canvases)
    assert hashes[0] == hashes[2] != hashes[1]
    kept, notes = without_repeats(canvases, ["a/1", "a/2", "b/1"])
    assert kept.tolist() == [0, 1]
    assert notes == ["b/1: the same picture as a/1, left out"]
    with pytest.raises(ValueError, match="equal images must not be in two folds"):
        check_apart(np.array([0, 0, 1]), hashes, "equal images")


@pytest.mark.parametrize(
    ("signers", "sessions", "n_folds", "message"),
    [
        (["a"] * 4, [""] * 4, 2, "1 signer is no choice"),
        (["a", "a", "b"], [""] * 3, 2, "signer 'b' has 1 signature; 2 are the least"),
        (["a", "a", "b", "b"], ["1", "2", "1", "2"], 3, "3 folds are more than the 2 sessions"),
        (["a", "a", "b", "b"], [""] * 4, 3, "3 folds are more than the 2 signatures"),
        (["a", "a", "b", "b"], ["1", "1", "2", "2"], 2, "signatures of one fold's sessions only"),
        (["a", "a", "b", "b"], [""] * 4, 1, "1 folds make no cross-validation"),
    ],
)
def test_a_closed_set_that_cannot_be_folded_is_refused_in_one_line(signers, sessions, n_folds, message):
    with pytest.raises(ValueError, match=message) as raised:
        class_folds(signers, sessions, n_folds=n_folds, seed=0)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("n_signers", "n_folds", "message"),
    [(10, 2, "2 folds are too few"), (4, 5, "5 folds are more than the 4 signers"), (5, 4, "leave one alone")],
)
def test_too_few_signers_for_the_folds_are_refused_in_one_line(n_signers, n_folds, message):
    with pytest.raises(ValueError, match=message):
        signer_folds(np.repeat(np.arange(n_signers), 2), ["genuine", "skilled"] * n_signers, n_folds=n_folds, seed=0)


def test_the_folds_of_a_world_test_every_signer_once_and_never_share_training_signers():
    plain = WorldSettings(dev_signers=8, test_signers=12, train_signers=100)
    splits = [split_world(dataclasses.replace(plain, folds=4, fold=i)) for i in range(4)]
    tested = [number for split in splits for number in split.test]
    whole = split_world(plain)
    assert sorted(tested) == sorted([*whole.dev, *whole.test])
    for i, split in enumerate(splits):
        assert split.dev == splits[(i + 1) % 4].test
        assert not set(split.test) & (set(split.dev) | set(split.train))
        assert all(not set(split.train) & set(other.train) for other in splits[:i])


def test_parts_that_meet_are_refused():
    with pytest.raises(ValueError, match="signers 3 to 4 would be in two parts"):
        check_disjoint_parts(Split(range(5), [3, 4], [7]))
    with pytest.raises(ValueError, match="there is no fold 4 of 4"):
        split_world(WorldSettings(folds=4, fold=4))


@pytest.mark.parametrize("fold", range(4))
def test_judges_of_a_fold_are_of_no_other_part_of_it(fold):
    settings = WorldSettings(dev_signers=20, test_signers=40, folds=4, fold=fold)
    split, judging = split_world(settings), judges(settings, 30)
    assert judging[: len(split.test)] == list(split.test)
    assert len(set(judging)) == 30
    assert not set(judging) & {*split.dev}
    assert not [number for number in judging if number in split.train]
    assert judged_signers(changed(PRESETS["smoke"], [
        "world.dev_signers=20", "world.test_signers=40", "world.folds=4", f"world.fold={fold}",
    ]), 10) == list(split.test[:10])  # fmt: skip


def test_judges_of_a_plain_run_are_its_first_test_signers():
    settings = WorldSettings(dev_signers=20, test_signers=10)
    assert judges(settings, 4) == list(split_world(settings).test[:4])
    assert judges(settings, 30)[:10] == list(split_world(settings).test)
    assert len(set(judges(settings, 30))) == 30


def _judged(seed: int, scale: float, shift: float) -> Judged:
    rng = np.random.default_rng(seed)
    names = np.array([f"{seed}-{i}" for i in range(6)])
    claimed, kind = np.repeat(names, 10), np.tile(["genuine"] * 5 + ["skilled"] * 5, 6)
    clean = rng.normal(size=60) + 1.5 * (kind == "genuine")
    trials = TrialTable(
        claimed, np.full(60, ""), kind, np.full(60, np.nan), claimed, np.arange(60).astype(str),
        (clean * scale + shift).astype(np.float32), "test", "made up",
    )  # fmt: skip
    calibrator = LogisticCalibrator(1.5 / scale, -1.125 - 1.5 * shift / scale, "skilled", 30, 30, 6)
    point = OperatingPoint(0.75 * scale + shift, 0.0, 0.0, None)
    return Judged(trials, Frozen({"eer_skilled": point}, calibrator, trials))


def test_pooled_rates_do_not_depend_on_the_scale_of_a_fold():
    plain = pool([_judged(0, 1.0, 0.0), _judged(1, 1.0, 0.0)], draws=100, seed=0)
    other = pool([_judged(0, 1.0, 0.0), _judged(1, 20.0, -3.0)], draws=100, seed=0)
    assert plain["signers"] == 12
    for name in ("eer_skilled", "d_prime_skilled", "frr_at_far_skilled_1pct", "frr_frozen", "far_skilled_frozen",
                 "cllr_skilled", "ece_skilled"):  # fmt: skip
        assert other[name]["value"] == pytest.approx(plain[name]["value"], abs=1e-4)
        assert plain[name]["low"] <= plain[name]["value"] <= plain[name]["high"]


def test_a_pooled_frozen_rate_counts_the_errors_of_every_fold_at_its_own_threshold():
    folds = [_judged(0, 1.0, 0.0), _judged(1, 20.0, -3.0)]
    wrong = sum(int((f.trials.score[f.trials.kind == "genuine"] < f.frozen.threshold).sum()) for f in folds)
    assert pool(folds, draws=100, seed=0)["frr_frozen"]["value"] == pytest.approx(wrong / 60)


def test_pooled_ratios_are_those_of_the_folds_whichever_comes_first():
    """A fold that rests on few trials bounds its own ratios, not those of the others."""
    small, large = _judged(0, 1.0, 0.0), _judged(1, 20.0, -3.0)
    few = dataclasses.replace(small.frozen.calibrator, n_genuine=1, n_forgery=1)
    small = Judged(small.trials, dataclasses.replace(small.frozen, calibrator=few))

    def ratios(kind):
        return np.concatenate([f.frozen.calibrator.log_lr(f.trials.score[f.trials.kind == kind]) for f in folds])

    for folds in ([small, large], [large, small]):
        found = pool(folds, draws=100, seed=0)
        wanted = cllr(ratios("genuine"), ratios("skilled"))
        assert found["cllr_skilled"]["value"] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_folds_run_on_a_world_and_on_a_folder_from_the_command_line(tmp_path, capsys):
    tiny = {
        "world.dev_signers": 6, "world.test_signers": 6, "train.height": 32, "train.width": 64, "train.epochs": 1,
        "train.steps_per_epoch": 2, "batch.signers": 4, "evaluation.genuine": 3, "evaluation.forgeries": 2,
        "evaluation.skills": [], "evaluation.bootstrap_draws": 100,
    }  # fmt: skip
    changes = [word for key, value in tiny.items() for word in ("--set", f"{key}={value}")]
    run = tmp_path / "folds"
    words = ["train", "--preset", "smoke", "--folds", "3", "--model", "resnet_small", "--run", str(run), "--quiet"]
    assert main([*words, *changes]) == 0
    assert "all" in capsys.readouterr().out
    found = json.loads((run / "folds.json").read_text())
    assert found["pooled"]["signers"] == 12
    assert [fold["signers"] for fold in found["folds"]] == [4, 4, 4]
    assert "fold-3/report.html" in (run / "report.html").read_text()
    data = tmp_path / "data"
    assert main(["export", "--out", str(data), "--signers", "9", "--genuine", "3", "--forged", "2", "--quiet"]) == 0
    more = ["train", "--run", str(run / "fold-1"), "--data", str(data), "--folds", "3", "--head", "logistic", "--quiet"]
    assert main(more) == 0
    pooled = json.loads((run / "fold-1" / "folds" / "data" / "folds.json").read_text())["pooled"]
    assert pooled["signers"] == 9
    assert not (run / "fold-1" / "head.json").exists()  # the run itself stays as it was
    capsys.readouterr()
    assert main([*more[:-3], "--folds", "9", "--quiet"]) == 2
    assert "leave one alone" in capsys.readouterr().err
