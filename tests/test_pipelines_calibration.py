import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import calibration, metrics
from pipelines.protocols import TrialTable


def table(kind, scores, *, part="development", n_signers=5):
    """Trials of one kind with these scores, spread over a few claimed signers."""
    scores = np.asarray(scores, dtype=np.float64)
    claimed = np.array([f"s{i % n_signers}" for i in range(scores.size)], dtype="U8")
    return TrialTable(
        claimed=claimed,
        impostor=np.full(scores.shape, "x" if kind == "random" else "", dtype="U8"),
        kind=np.full(scores.shape, kind, dtype="U8"),
        skill=np.full(scores.shape, np.nan),
        reference=claimed,
        questioned=claimed,
        score=scores,
        part=part,
        protocol="made by hand",
    )


def gaussian_tables(size=20_000, separation=2.0, scale=1.0, shift=0.0):
    """Genuine N(m/2, m) and skilled N(-m/2, m), m = separation**2: each is its own natural-log LR."""
    rng = np.random.default_rng(0)
    good, bad = rng.normal(size=(2, size)) * separation + [[separation**2 / 2], [-(separation**2) / 2]]
    return table("genuine", good * scale + shift), table("skilled", bad * scale + shift)


# Laws

scores = st.lists(st.integers(-6, 6), min_size=1, max_size=25).map(lambda s: np.array(s, dtype=float))


@given(scores, scores)
def test_min_cllr_lies_between_zero_and_one_and_ignores_increasing_maps(genuine, forgery):
    cost = calibration.min_cllr(genuine, forgery)
    assert -1e-12 <= cost <= 1 + 1e-12
    assert calibration.min_cllr(genuine * 1e-18, forgery * 1e-18) == pytest.approx(cost, abs=1e-12)
    assert calibration.min_cllr(np.exp(genuine), np.exp(forgery)) == pytest.approx(cost, abs=1e-12)


@given(scores, scores, st.floats(0, 3), st.floats(-3, 3))
def test_no_increasing_line_calibrates_better_than_min_cllr(genuine, forgery, slope, intercept):
    cost = metrics.cllr(slope * genuine + intercept, slope * forgery + intercept)
    assert calibration.min_cllr(genuine, forgery) <= cost + 1e-12


@given(scores, scores)
def test_calibration_keeps_the_order_and_is_finite(genuine, forgery):
    fitted = calibration.fit_calibrator(table("genuine", genuine), table("skilled", forgery))
    steps = np.diff(fitted.log_lr(np.arange(-6, 7)))
    assert np.isfinite(steps).all()
    assert (steps >= 0).all()


@given(scores, scores, st.floats(-1e6, 1e6))
def test_no_ratio_is_larger_than_the_trials_can_show(genuine, forgery, score):
    fitted = calibration.fit_calibrator(table("genuine", genuine), table("skilled", forgery))
    assert -np.log10(len(genuine) + 1) - 1e-9 <= fitted.log10_lr(score) <= np.log10(len(forgery) + 1) + 1e-9


def test_a_ratio_within_its_bounds_lies_on_the_line_and_one_beyond_stops():
    fitted = calibration.LogisticCalibrator(2.0, 0.5, "skilled", n_genuine=9, n_forgery=99, n_signers=3)
    np.testing.assert_allclose(fitted.log_lr([0.0, 1.0, 50.0, -50.0]), [0.5, 2.5, np.log(100), -np.log(10)])


@given(st.floats(-8, 8))
def test_words_mirror_when_the_ratio_is_turned_round(log10_lr):
    forward, back = (calibration.words_for(x, "skilled") for x in (log10_lr, -log10_lr))
    assert forward.split(" support")[0] == back.split(" support")[0]


# Exact cases


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.01, 0.3), (50.0, -700.0)])
def test_the_calibrator_finds_the_closed_form_of_gaussian_scores_on_any_scale(scale, shift):
    genuine, skilled = gaussian_tables(scale=scale, shift=shift)
    fitted = calibration.fit_calibrator(genuine, skilled)
    assert fitted.slope * scale == pytest.approx(1.0, abs=0.03)
    assert fitted.log_lr(shift) == pytest.approx(0.0, abs=0.06)
    assert fitted.log10_lr(shift + scale) == pytest.approx(1 / np.log(10), abs=0.04)


def test_a_calibrator_ignores_how_many_forgeries_there_are():
    genuine, skilled = gaussian_tables()
    few = table("skilled", skilled.score[:1000])
    fitted = calibration.fit_calibrator(genuine, few)
    assert fitted.log_lr(0.0) == pytest.approx(0.0, abs=0.15)


def test_calibrated_gaussian_scores_lose_next_to_nothing():
    genuine, skilled = gaussian_tables()
    fitted = calibration.fit_calibrator(genuine, skilled)
    cost = metrics.cllr(fitted.log_lr(genuine.score), fitted.log_lr(skilled.score))
    assert 0 <= cost - calibration.min_cllr(genuine.score, skilled.score) < 0.005


def test_min_cllr_by_hand():
    assert calibration.min_cllr([2, 3], [0, 1]) == 0.0
    assert calibration.min_cllr([0, 1], [2, 3]) == pytest.approx(1.0)
    assert calibration.min_cllr([1, 1], [1, 1, 1]) == pytest.approx(1.0)
    # 1 holds a genuine and a forgery of 2 each: LR 1 there, the others are certain: (1/2 + 1/2) / 2.
    assert calibration.min_cllr([1, 2], [0, 1]) == pytest.approx(0.5)


def test_a_score_that_points_the_wrong_way_is_no_evidence():
    fitted = calibration.fit_calibrator(table("genuine", [0, 1, 2]), table("skilled", [3, 4, 5]))
    np.testing.assert_array_equal(fitted.log10_lr([0.0, 10.0]), [0.0, 0.0])


def test_separable_development_scores_give_finite_ratios():
    fitted = calibration.fit_calibrator(table("genuine", [0.8, 0.9]), table("random", [0.1, 0.2]))
    assert 0 < fitted.log10_lr(0.9) < 2
    assert fitted.forgery_kind == "random"


def test_a_calibrator_survives_json():
    fitted = calibration.fit_calibrator(*gaussian_tables(size=50))
    again = calibration.LogisticCalibrator.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted
    assert (again.n_genuine, again.n_forgery, again.n_signers) == (50, 50, 5)


def test_thresholds_come_with_their_development_rates():
    genuine, skilled, random = table("genuine", [3, 4, 5, 6]), table("skilled", [0, 1, 2, 4]), [0, 0, 5]
    chosen = calibration.choose_thresholds(genuine, skilled, table("random", random))
    assert chosen["eer_skilled"] == calibration.OperatingPoint(4.0, 0.25, 0.25, 1 / 3)
    strict = chosen["far_skilled_1pct"]
    assert strict.threshold == pytest.approx(4.0)
    assert (strict.frr, strict.far_skilled) == (0.5, 0.0)


def test_thresholds_do_without_random_forgeries():
    chosen = calibration.choose_thresholds(table("genuine", [1, 2]), table("skilled", [0, 1]), table("random", []))
    assert chosen["eer_skilled"].far_random is None


@pytest.mark.parametrize(
    ("log10_lr", "words"),
    [
        (0.0, "no support for genuine or skilled forgery"),
        (-0.3, "no support for genuine or skilled forgery"),
        (0.302, "weak support for genuine over skilled forgery"),
        (1.0, "moderate support for genuine over skilled forgery"),
        (-2.0, "moderately strong support for skilled forgery over genuine"),
        (3.5, "strong support for genuine over skilled forgery"),
        (5.0, "very strong support for genuine over skilled forgery"),
        (-np.inf, "extremely strong support for skilled forgery over genuine"),
    ],
)
def test_words_for_ratios(log10_lr, words):
    assert calibration.words_for(log10_lr, "skilled") == words


# Refusals


def test_test_signers_choose_no_threshold_and_fit_no_calibrator():
    genuine, skilled = table("genuine", [1, 2], part="test"), table("skilled", [0, 1])
    with pytest.raises(ValueError, match="part is 'test': fit thresholds and calibrators on trials of dev"):
        calibration.fit_calibrator(genuine, skilled)
    with pytest.raises(ValueError, match="part is 'test'"):
        calibration.choose_thresholds(table("genuine", [1]), skilled, table("random", [0], part="test"))


def test_an_empty_test_table_is_refused_too():
    with pytest.raises(ValueError, match="part is 'test'"):
        calibration.choose_thresholds(table("genuine", [1]), table("skilled", [0]), table("random", [], part="test"))


def test_kinds_are_not_pooled_or_mixed_up():
    skilled = table("skilled", [0.0, 1.0])
    with pytest.raises(ValueError, match="need genuine trials of one kind, got skilled"):
        calibration.fit_calibrator(skilled, skilled)
    with pytest.raises(ValueError, match="need skilled trials of one kind, got random"):
        calibration.choose_thresholds(table("genuine", [1]), table("random", [0]), table("random", [0]))
    with pytest.raises(ValueError, match="development genuine: need a non-empty list"):
        calibration.fit_calibrator(table("genuine", []), skilled)


def test_broken_records_and_ratios_are_refused():
    with pytest.raises(ValueError, match=r"not a calibrator record: .*offset"):
        calibration.LogisticCalibrator.from_dict({"offset": 1})
    record = calibration.LogisticCalibrator(1.0, 0.0, "skilled", 1, 1, 1).to_dict()
    with pytest.raises(ValueError, match="slope -1"):
        calibration.LogisticCalibrator.from_dict({**record, "slope": -1.0})
    with pytest.raises(ValueError, match="log10 LR nan"):
        calibration.words_for(np.nan, "skilled")
    with pytest.raises(ValueError, match="'genuine' forgery"):
        calibration.words_for(1.0, "genuine")
