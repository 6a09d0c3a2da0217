from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from pipelines import metrics

# Whole numbers make ties frequent, which is where definitions differ.
score_lists = st.lists(st.integers(-8, 8), min_size=1, max_size=30).map(lambda s: np.array(s, dtype=float))


def eer_by_definition(genuine, forgery):
    """The definition in exact fractions, candidate by candidate."""
    best = None
    for t in [*sorted({*genuine, *forgery}), np.inf]:
        frr = Fraction(sum(g < t for g in genuine), len(genuine))
        far = Fraction(sum(f >= t for f in forgery), len(forgery))
        if best is None or abs(frr - far) <= best[0]:
            best = (abs(frr - far), float((frr + far) / 2), float(t))
    return best[1:]


# Laws


@given(score_lists, score_lists)
def test_the_equal_error_rate_is_the_one_of_the_definition_in_exact_fractions(genuine, forgery):
    rate, threshold = metrics.eer(genuine, forgery)
    expected_rate, expected_threshold = eer_by_definition(genuine.tolist(), forgery.tolist())
    assert rate == pytest.approx(expected_rate, abs=1e-12)
    assert threshold == expected_threshold


@given(score_lists, score_lists)
def test_a_strictly_increasing_map_of_the_scores_changes_no_rate(genuine, forgery):
    def stretch(scores):
        return np.exp(scores / 3) - 5

    before, after = metrics.eer(genuine, forgery), metrics.eer(stretch(genuine), stretch(forgery))
    assert after.rate == before.rate
    assert after.threshold == pytest.approx(stretch(before.threshold))
    assert metrics.auc(stretch(genuine), stretch(forgery)) == metrics.auc(genuine, forgery)
    for one, other in zip(
        metrics.det_points(genuine, forgery)[1:],
        metrics.det_points(stretch(genuine), stretch(forgery))[1:],
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


@given(score_lists, score_lists)
def test_reversed_scores_mirror_the_equal_error_rate_up_to_the_tie_rule(genuine, forgery):
    mirrored = 1 - metrics.eer(-genuine, -forgery).rate
    _, frr, far = metrics.det_points(genuine, forgery)
    gap = np.abs(frr - far)
    tied = ((frr + far) / 2)[gap <= gap.min() + 1e-12]  # several candidates may be equally good
    assert np.abs(tied - mirrored).min() < 1e-12
    assert metrics.auc(-genuine, -forgery) == pytest.approx(1 - metrics.auc(genuine, forgery))


@given(score_lists, score_lists, st.floats(-9, 9), st.floats(-9, 9))
def test_a_higher_threshold_rejects_more_and_accepts_less(genuine, forgery, one, other):
    low, high = sorted([one, other])
    assert metrics.frr(genuine, low) <= metrics.frr(genuine, high)
    assert metrics.far(forgery, low) >= metrics.far(forgery, high)


@given(score_lists, score_lists)
def test_the_curve_agrees_with_scikit_learn(genuine, forgery):
    labels = np.repeat([1, 0], [genuine.size, forgery.size])
    far, hit, thresholds = roc_curve(labels, np.concatenate([genuine, forgery]), drop_intermediate=False)
    ours = metrics.det_points(genuine, forgery)
    np.testing.assert_array_equal(ours[0], thresholds[::-1])
    np.testing.assert_allclose(ours[1], 1 - hit[::-1], atol=1e-12)
    np.testing.assert_allclose(ours[2], far[::-1], atol=1e-12)
    expected = roc_auc_score(labels, np.concatenate([genuine, forgery]))
    assert metrics.auc(genuine, forgery) == pytest.approx(expected)


@given(score_lists, score_lists)
def test_the_points_of_the_curve_are_the_rates_at_their_thresholds(genuine, forgery):
    for threshold, frr, far in zip(*metrics.det_points(genuine, forgery), strict=True):
        assert frr == metrics.frr(genuine, threshold)
        assert far == metrics.far(forgery, threshold)


@given(score_lists, st.floats(0, 1))
def test_a_threshold_at_a_far_is_kept_and_is_the_lowest(forgery, far):
    threshold = metrics.threshold_at_far(forgery, far)
    assert metrics.far(forgery, threshold) <= far + 1e-9
    below = np.nextafter(np.float32(threshold), np.float32(-np.inf))
    assert metrics.far(forgery, float(below)) > far - 1e-9 or threshold == forgery.min()
    assert np.mean(np.float32(forgery) >= threshold) <= far + 1e-9  # compared in single precision


@given(score_lists, score_lists, st.data())
def test_a_weight_counts_as_so_many_copies(genuine, forgery, data):
    weights = [
        np.array(data.draw(st.lists(st.integers(0, 3), min_size=s.size, max_size=s.size))) for s in (genuine, forgery)
    ]
    curve = metrics.ErrorCurve(genuine, forgery)
    if all(w.sum() for w in weights):
        copies = [np.repeat(s, w) for s, w in zip((genuine, forgery), weights, strict=True)]
        assert curve.eer(*(w.astype(float) for w in weights)) == metrics.eer(*copies)
    else:
        assert np.isnan(curve.eer(*(w.astype(float) for w in weights)).rate)


# Exact cases


@pytest.mark.parametrize(
    ("genuine", "forgery", "rate", "threshold"),
    [
        ([3, 4, 5], [0, 1, 2], 0.0, 3.0),  # at 3 nothing is wrong; the largest such candidate
        ([2, 3, 3, 5], [1, 2, 3, 3], 0.375, 3.0),  # at 3: FRR 1/4, FAR 2/4; at 5: 3/4, 0
        ([1, 1], [1, 1], 0.5, np.inf),  # at 1: 0, 1; at inf: 1, 0; equally bad, the largest
        ([0, 1, 2], [3, 4, 5], 1.0, 3.0),  # the wrong way round
        ([7], [7, 8, 1, 2], 0.25, 7.0),
    ],
)
def test_equal_error_rates_worked_out_by_hand(genuine, forgery, rate, threshold):
    assert metrics.eer(genuine, forgery) == (rate, threshold)


def test_ties_are_accepted():
    assert metrics.frr([0.5], 0.5) == 0.0
    assert metrics.far([0.5], 0.5) == 1.0


def test_per_signer_thresholds_pool_error_counts():
    result = metrics.eer_per_signer(
        [1, 2, 11, 12, 9], ["a", "a", "b", "b", "only genuine"], [0, 0.5, 10, 11.5], ["a", "a", "b", "b"]
    )
    # a: no error at 1. b: at 11.5 one of 2 genuine and one of 2 forgeries. Pooled: 1/4 and 1/4.
    assert result.rate == 0.25
    assert result.thresholds == {"a": 1.0, "b": 11.5}
    assert result.left_out == ["only genuine"]


def test_per_signer_thresholds_flatter_even_when_all_signers_are_alike():
    rng = np.random.default_rng(1)
    signers = np.repeat(np.arange(300), 10)
    genuine, forgery = rng.normal(2.563, 1, 3000), rng.normal(0, 1, 3000)
    together = metrics.eer(genuine, forgery).rate
    apart = metrics.eer_per_signer(genuine, signers, forgery, signers).rate
    assert together == pytest.approx(0.10, abs=0.01)
    assert apart < together - 0.003


@pytest.mark.parametrize("separation", [0.5, 1.0, 3.0])
def test_cllr_of_gaussian_ratios_equals_its_integral(separation):
    # Scores N(+-m/2, m) with m = separation**2 are their own natural-log likelihood ratios.
    mean, deviation = separation**2 / 2, separation
    x = np.linspace(mean - 12 * deviation, mean + 12 * deviation, 200_001)
    density = np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
    expected = np.trapezoid(density * np.logaddexp(0, -x), x) / np.log(2)  # equal for both kinds
    rng = np.random.default_rng(0)
    sample = rng.normal(size=(2, 400_000)) * deviation
    assert metrics.cllr(sample[0] + mean, sample[1] - mean) == pytest.approx(expected, abs=0.004)


def test_cllr_is_one_without_information_and_zero_when_infinitely_right():
    assert metrics.cllr([0.0, 0.0], [0.0]) == pytest.approx(1.0)
    assert metrics.cllr([np.inf], [-np.inf]) == 0.0
    assert metrics.cllr([-np.inf], [0.0]) == np.inf


# Refusals


@pytest.mark.parametrize("metric", [metrics.eer, metrics.auc, metrics.cllr, metrics.det_points])
def test_nan_and_nothing_are_refused(metric):
    with pytest.raises(ValueError, match="1 of 2 scores are NaN"):
        metric([1.0, np.nan], [0.0])
    with pytest.raises(ValueError, match="forgery: need a non-empty list"):
        metric([1.0], [])


def test_infinite_scores_and_impossible_rates_are_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        metrics.frr([np.inf], 0.0)
    with pytest.raises(ValueError, match=r"far must be in \[0, 1\], got 1.5"):
        metrics.threshold_at_far([1.0], 1.5)
    with pytest.raises(ValueError, match="no signer has both"):
        metrics.eer_per_signer([1.0], ["a"], [0.0], ["b"])
    with pytest.raises(ValueError, match="one claimed signer for every score"):
        metrics.eer_per_signer([1.0], ["a", "b"], [0.0], ["b"])


# Bootstrap over signers


def simulated_trials(rng, n_signers=30, genuine_mean=2.0):
    """Signers differ (offset of s.d. 0.5) and impostors too; within-signer noise has s.d. 1."""
    signer = np.arange(n_signers)
    ours, theirs, forged = rng.normal(0, 0.5, (3, n_signers))
    claimed = np.repeat(signer, 10)
    impostor = (claimed + 1 + np.tile(np.arange(10), n_signers) % 5) % n_signers
    noise = rng.normal(size=(3, claimed.size))
    names = np.array([f"s{i:03d}" for i in signer])
    return SimpleNamespace(
        claimed=np.tile(names[claimed], 3),
        impostor=np.concatenate([np.full(2 * claimed.size, ""), names[impostor]]),
        kind=np.repeat(["genuine", "skilled", "random"], claimed.size),
        score=np.concatenate(
            [genuine_mean + ours[claimed] + noise[0], forged[claimed] + noise[1], theirs[impostor] + noise[2]]
        ),
    )


@pytest.mark.parametrize(
    ("statistic", "truth"),
    [
        (metrics.frr_at(1.0), 0.18555),  # P(N(2, 1.25) < 1); the same at 1 for the others
        (metrics.far_at(1.0, "skilled"), 0.18555),
        (metrics.far_at(1.0, "random"), 0.18555),
        (metrics.eer_of("skilled"), 0.18555),
    ],
    ids=["frr", "far_skilled", "far_random", "eer_skilled"],
)
def test_the_interval_covers_the_truth_about_as_often_as_it_says(statistic, truth):
    rng, covered = np.random.default_rng(5), 0
    for seed in range(150):
        interval = metrics.bootstrap_over_signers(simulated_trials(rng), statistic, seed=seed, n_draws=200)
        covered += interval.low <= truth <= interval.high
    assert 0.87 <= covered / 150 <= 0.995


def test_drawing_trials_instead_of_signers_would_be_too_narrow():
    trials = simulated_trials(np.random.default_rng(0))
    by_signer = metrics.bootstrap_over_signers(trials, metrics.frr_at(1.0), seed=0)
    trials.claimed = np.arange(trials.claimed.size).astype(str)  # every trial its own signer
    trials.impostor = np.full(trials.claimed.size, "")
    by_trial = metrics.bootstrap_over_signers(trials, metrics.frr_at(1.0), seed=0)
    assert by_signer.high - by_signer.low > 1.2 * (by_trial.high - by_trial.low)


def test_drawing_the_impostors_too_widens_the_interval_of_random_forgeries():
    trials = simulated_trials(np.random.default_rng(0))
    both = metrics.bootstrap_over_signers(trials, metrics.far_at(1.0, "random"), seed=0)
    trials.impostor = np.full(trials.claimed.size, "")
    one = metrics.bootstrap_over_signers(trials, metrics.far_at(1.0, "random"), seed=0)
    assert one.value == both.value
    assert both.high - both.low > 1.1 * (one.high - one.low)


def test_the_interval_depends_on_the_seed_alone_and_holds_the_value():
    trials = simulated_trials(np.random.default_rng(0))
    statistic = metrics.cllr_of("skilled", lambda scores: 2 * scores - 2)
    first, again, other = (
        metrics.bootstrap_over_signers(trials, statistic, seed=seed, n_draws=100) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert first.low < first.value < first.high
    assert (first.n_signers, first.n_draws) == (30, 100)


def test_the_value_beside_an_interval_is_the_plain_metric():
    trials = simulated_trials(np.random.default_rng(0))
    genuine, skilled = (trials.score[trials.kind == kind] for kind in ("genuine", "skilled"))
    for statistic, plain in (
        (metrics.eer_of("skilled"), metrics.eer(genuine, skilled).rate),
        (metrics.frr_at(0.7), metrics.frr(genuine, 0.7)),
        (metrics.far_at(0.7, "skilled"), metrics.far(skilled, 0.7)),
        (metrics.cllr_of("skilled", lambda s: s), metrics.cllr(genuine, skilled)),
    ):
        interval = metrics.bootstrap_over_signers(trials, statistic, seed=0, n_draws=5)
        assert interval.value == pytest.approx(plain, abs=1e-12)


def test_draws_without_any_random_forgery_are_skipped_and_counted():
    trials = simulated_trials(np.random.default_rng(0), n_signers=6)
    pair = np.isin(trials.claimed, ["s000", "s001"]) & np.isin(trials.impostor, ["", "s000", "s001"])
    two = SimpleNamespace(**{name: column[pair] for name, column in vars(trials).items()})
    interval = metrics.bootstrap_over_signers(two, metrics.far_at(1.0, "random"), seed=0, n_draws=400)
    assert 120 < interval.n_draws < 280  # half of the draws hold one of the two signers only


def test_a_bootstrap_of_one_signer_or_of_absent_trials_is_refused():
    trials = simulated_trials(np.random.default_rng(0))
    with pytest.raises(ValueError, match="no simple trials; kinds here: genuine, random, skilled"):
        metrics.bootstrap_over_signers(trials, metrics.eer_of("simple"), seed=0)
    trials.claimed = np.full(trials.claimed.size, "s000")
    with pytest.raises(ValueError, match="at least 2 claimed signers, got 1"):
        metrics.bootstrap_over_signers(trials, metrics.frr_at(1.0), seed=0)
