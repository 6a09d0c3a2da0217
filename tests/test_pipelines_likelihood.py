"""Calibration curves, and three ways from scores to likelihood ratios, by hand and against Gaussian closed forms."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import metrics
from pipelines.calibrators import METHODS, TabledCalibrator, calibration_of, fit_density_ratio, fit_isotonic
from pipelines.trials import TrialTable, joined


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


def gaussian(size=20_000, separation=2.0, part="development", seed=0):
    """Genuine N(m/2, m) and skilled N(-m/2, m), m = separation**2: each score is its own natural-log ratio."""
    rng = np.random.default_rng(seed)
    good, bad = rng.normal(size=(2, size)) * separation + [[separation**2 / 2], [-(separation**2) / 2]]
    return table("genuine", good, part=part), table("skilled", bad, part=part)


ratios = st.lists(st.floats(-20, 20), min_size=1, max_size=30).map(np.array)

# Laws


@given(ratios, ratios)
def test_a_reliability_diagram_weighs_both_classes_alike(genuine, forgery):
    found = metrics.reliability(genuine, forgery)
    held = found.weight > 0
    assert found.weight.sum() == pytest.approx(1)
    assert (found.weight[held] * found.found[held]).sum() == pytest.approx(0.5)
    assert 0 <= found.error <= 1
    edges = np.arange(11) / 10
    assert (found.stated[held] >= edges[:-1][held] - 1e-9).all()
    assert (found.stated[held] <= edges[1:][held] + 1e-9).all()
    kept = np.tile(genuine, 3), forgery  # how often a class comes does not matter
    assert metrics.expected_calibration_error(*kept) == pytest.approx(found.error)


@given(ratios, ratios)
def test_a_weighed_calibration_error_is_the_plain_one(genuine, forgery):
    trials = joined([table("genuine", genuine), table("skilled", forgery)])
    weighed = metrics.calibration_error_of("skilled", lambda s: s)(trials)(np.ones(len(trials)))
    plain = metrics.expected_calibration_error(trials.select(kind="genuine").score, trials.select(kind="skilled").score)
    assert weighed == pytest.approx(plain, abs=1e-9)


@given(ratios, ratios)
def test_tippett_curves_fall_from_one_and_count_misleading_evidence(genuine, forgery):
    found = metrics.tippett(genuine, forgery)
    for curve, values in ((found.genuine, genuine), (found.forgery, forgery)):
        assert curve[0] == 1.0
        assert (np.diff(curve) <= 0).all()
        assert curve[found.log10_lr == 0][0] == np.mean(values >= 0)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_finds_the_ratios_of_gaussian_scores(name):
    fitted = METHODS[name](*gaussian())
    grid = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(fitted.log_lr(grid), grid, atol=0.35)
    genuine, skilled = gaussian(part="test", seed=1)
    truth = metrics.cllr(genuine.score, skilled.score)
    assert metrics.cllr(fitted.log_lr(genuine.score), fitted.log_lr(skilled.score)) == pytest.approx(truth, abs=0.01)
    assert metrics.expected_calibration_error(fitted.log_lr(genuine.score), fitted.log_lr(skilled.score)) < 0.02


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_an_isotonic_ratio_never_falls_and_is_finite(genuine, forgery):
    fitted = fit_isotonic(table("genuine", genuine), table("skilled", forgery))
    found = fitted.log_lr(np.linspace(-8, 8, 65))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= -1e-12).all()
    assert found.max() <= np.log(2 * len(forgery) + 2)
    assert found.min() >= -np.log(2 * len(genuine) + 2)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.lists(st.integers(-5, 5), min_size=1, max_size=20))
def test_a_density_ratio_is_no_larger_than_its_trials_support(genuine, forgery):
    found = fit_density_ratio(table("genuine", genuine), table("skilled", forgery)).log_lr(np.linspace(-8, 8, 65))
    assert found.max() <= np.log(len(forgery) + 1) + 1e-12
    assert found.min() >= -np.log(len(genuine) + 1) - 1e-12


# Exact cases


def test_calibration_errors_worked_out_by_hand():
    assert metrics.expected_calibration_error([np.inf], [-np.inf]) == 0.0
    assert metrics.expected_calibration_error([-np.inf], [np.inf]) == 1.0
    assert metrics.expected_calibration_error([0.0, 0.0], [0.0]) == 0.0  # even odds, and half are genuine
    # probability 3/4 said of both: one of two is genuine
    assert metrics.expected_calibration_error([np.log(3)], [np.log(3)]) == pytest.approx(0.25)


def test_overconfident_ratios_cost_calibration():
    genuine, skilled = gaussian(part="test")
    errors = [metrics.expected_calibration_error(k * genuine.score, k * skilled.score) for k in (1.0, 2.0, 4.0)]
    assert errors[0] < 0.01 < errors[1] < errors[2]


def test_each_kind_of_forgery_gets_calibrators_of_its_own():
    development, test = (
        joined([*gaussian(600, part=part, seed=seed), table("random", np.full(50, -9.0), part=part)])
        for part, seed in (("development", 0), ("test", 1))
    )
    found = calibration_of(development, test, draws=20, seed=0)
    assert set(found) == {"skilled", "random"}
    assert found["random"]["logistic"]["cllr"]["value"] < found["skilled"]["logistic"]["cllr"]["value"]
    assert found["skilled"]["isotonic"]["misleading"]["forgery"] == pytest.approx(0.16, abs=0.05)  # P(N(-2, 4) > 0)
    json.dumps(found, allow_nan=False)


def test_tabled_calibrators_survive_json():
    for name in ("isotonic", "density"):
        fitted = METHODS[name](*gaussian(80))
        assert TabledCalibrator.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_constant_scores_are_no_evidence():
    for fit in METHODS.values():
        fitted = fit(table("genuine", [1.0] * 4), table("skilled", [1.0] * 4))
        assert fitted.log_lr([0.0, 1.0, 2.0]) == pytest.approx([0.0] * 3, abs=1e-9)


# Refusals


@pytest.mark.parametrize("name", METHODS)
def test_test_signers_fit_nothing(name):
    with pytest.raises(ValueError, match="part is 'test'"):
        METHODS[name](table("genuine", [1, 2], part="test"), table("skilled", [0, 1]))
    with pytest.raises(ValueError, match="non-empty"):
        METHODS[name](table("genuine", []), table("skilled", [0, 1]))


def test_nan_ratios_and_broken_records_are_refused():
    for judge in (metrics.reliability, metrics.tippett):
        with pytest.raises(ValueError, match="scores are NaN"):
            judge([np.nan], [0.0])
        with pytest.raises(ValueError, match="non-empty"):
            judge([], [0.0])
    with pytest.raises(ValueError, match="bins is 0"):
        metrics.reliability([0.0], [0.0], bins=0)
    record = fit_isotonic(*gaussian(20)).to_dict()
    with pytest.raises(ValueError, match="as many finite ratios"):
        TabledCalibrator.from_dict(record | {"log_ratios": [0.0]})
    with pytest.raises(ValueError, match="not a calibrator record"):
        TabledCalibrator.from_dict({"scores": [1.0]})
