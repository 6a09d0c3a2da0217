"""What a bootstrap over signers can be of, by hand and against closed forms; and "A beats B"."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from pipelines import metrics
from pipelines.bootstrap import coded, weights_over_signers

score_lists = st.lists(st.integers(-6, 6), min_size=1, max_size=25).map(lambda s: np.array(s, dtype=float))


def trials_of(genuine, forged, *, kind="skilled", signers=4):
    """Trials of these scores, spread over a few claimed signers in turn."""
    kinds = np.repeat(["genuine", kind], [len(genuine), len(forged)])
    claimed = np.array([f"s{i % signers}" for i in (*range(len(genuine)), *range(len(forged)))])
    return SimpleNamespace(
        claimed=claimed,
        impostor=np.full(claimed.shape, ""),
        kind=kinds,
        score=np.concatenate([genuine, forged]).astype(float),
        reference=claimed,
        questioned=np.arange(claimed.size).astype(str),
    )


def simulated(rng, n_signers=30, shift=2.0, spread=0.4, n=4):
    """Signers whose score offsets differ, so that trials of one signer hang together."""
    offset = np.repeat(spread * rng.normal(size=n_signers), n)
    claimed = np.repeat([f"s{i:03}" for i in range(n_signers)], n)
    genuine = shift + offset + rng.normal(size=claimed.size)
    skilled = offset + rng.normal(size=claimed.size)
    return SimpleNamespace(
        claimed=np.tile(claimed, 2),
        impostor=np.full(2 * claimed.size, ""),
        kind=np.repeat(["genuine", "skilled"], claimed.size),
        score=np.concatenate([genuine, skilled]),
        reference=np.tile(claimed, 2),
        questioned=np.arange(2 * claimed.size).astype(str),
    )


# Laws


@given(score_lists, score_lists)
def test_figures_of_a_curve_are_the_plain_metrics(genuine, forged):
    trials = trials_of(genuine, forged)
    found = metrics.curve_figures("skilled")(trials)(np.ones(trials.score.size))
    assert found["eer_skilled"] == metrics.eer(genuine, forged).rate
    assert found["auc_skilled"] == pytest.approx(metrics.auc(genuine, forged), abs=1e-12)
    labels = np.repeat([1, 0], [genuine.size, forged.size])
    assert found["auc_skilled"] == pytest.approx(roc_auc_score(labels, trials.score), abs=1e-12)
    assert found["min_cllr_skilled"] == pytest.approx(metrics.min_cllr(genuine, forged), abs=1e-12)
    for name, far in (("1pct", 0.01), ("01pct", 0.001)):
        cut = metrics.threshold_at_far(forged, far)
        assert found[f"frr_at_far_skilled_{name}"] == pytest.approx(metrics.frr(genuine, cut), abs=1e-12)


@given(score_lists, score_lists, st.data())
def test_a_weight_counts_as_so_many_copies_in_every_figure(genuine, forged, data):
    weights = [data.draw(st.lists(st.integers(0, 3), min_size=s.size, max_size=s.size)) for s in (genuine, forged)]
    if not all(sum(w) for w in weights):
        return
    curve = metrics.ErrorCurve(genuine, forged)
    weighed = curve.weighed(*(np.array(w, dtype=float) for w in weights))
    copies = [np.repeat(s, w) for s, w in zip((genuine, forged), weights, strict=True)]
    assert weighed.area() == pytest.approx(metrics.auc(*copies), abs=1e-12)
    frr = metrics.frr(copies[0], metrics.threshold_at_far(copies[1], 0.2))
    assert weighed.frr_at_far(0.2) == pytest.approx(frr, abs=1e-12)
    rejected, caught = weighed.counts()
    gap = np.abs(rejected * caught[-1] - (caught[-1] - caught) * rejected[-1])
    assert weighed.eer().threshold == curve.thresholds[np.flatnonzero(gap == gap.min())[-1]]
    assert weighed.eer().rate == metrics.eer(*copies).rate


@given(st.lists(st.sampled_from(["", "a", "b", "ab"]), max_size=30).map(lambda names: np.array(names, dtype="U2")))
def test_names_are_coded_as_numpy_would(names):
    for found, expected in zip(coded(names), np.unique(names, return_inverse=True), strict=True):
        np.testing.assert_array_equal(found, expected)


@given(score_lists, score_lists, st.floats(0.1, 10), st.floats(-5, 5))
def test_d_prime_ignores_scale_and_turns_sign_with_the_scores(genuine, forged, scale, shift):
    plain = metrics.d_prime(genuine, forged)
    assert metrics.d_prime(genuine * scale + shift, forged * scale + shift) == pytest.approx(plain, nan_ok=True)
    assert metrics.d_prime(-genuine, -forged) == pytest.approx(-plain, nan_ok=True)
    weighed = metrics.d_prime_of("skilled")(trials_of(genuine, forged))(np.ones(genuine.size + forged.size))
    assert weighed == pytest.approx(plain, nan_ok=True, rel=1e-6)


def test_a_shared_bootstrap_gives_what_each_alone_gives():
    trials = simulated(np.random.default_rng(0))
    figures = [
        metrics.curve_figures("skilled"),
        metrics.named("frr", metrics.frr_at(1.0)),
        metrics.named("far", metrics.far_at(1.0, "skilled")),
    ]
    together = metrics.bootstrap_figures(trials, figures, seed=3, n_draws=50)
    assert together["frr"] == metrics.bootstrap_over_signers(trials, metrics.frr_at(1.0), seed=3, n_draws=50)
    assert together["eer_skilled"] == metrics.bootstrap_over_signers(
        trials, metrics.eer_of("skilled"), seed=3, n_draws=50
    )


@pytest.mark.parametrize(("claimed", "outsiders"), [(5, 20), (12, 3)])
def test_everybody_is_drawn_once_on_average_whether_claimed_or_only_an_impostor(claimed, outsiders):
    names = [f"s{i}" for i in range(claimed)] + [f"t{i}" for i in range(outsiders)]
    mine, other = np.arange(len(names)) % claimed, np.arange(len(names))
    kinds = np.where(mine == other, "genuine", "random")
    trials = SimpleNamespace(
        claimed=np.array(names)[mine],
        impostor=np.where(mine == other, "", np.array(names)[other]),
        kind=kinds,
        score=np.zeros(len(names)),
    )
    weights = np.array(list(weights_over_signers(trials, seed=0, draws=4000)))
    own = weights[:, mine == other]
    assert own.mean() == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(own.mean(axis=0), 1.0, atol=0.1)  # +- 6 s.d.
    n, forged = len(names), weights[:, mine != other]
    assert forged.mean() == pytest.approx(1 - 1 / n, abs=0.1)  # of two people among n drawn n times, both roles
    np.testing.assert_allclose((forged > 0).mean(axis=0), 1 - 2 * (1 - 1 / n) ** n + (1 - 2 / n) ** n, atol=0.05)


# Exact cases


def test_figures_worked_out_by_hand():
    # 100 forgeries: at FAR 1 % one may pass, so the threshold lies above the second highest (0.98).
    forged, genuine = np.arange(100) / 100, np.array([0.5, 0.985, 0.99, 1.5])
    found = metrics.curve_figures("skilled")(trials_of(genuine, forged))(np.ones(104))
    assert found["frr_at_far_skilled_1pct"] == 0.25
    assert found["frr_at_far_skilled_01pct"] == 0.75
    assert metrics.d_prime([1.0, 3.0], [0.0, 0.0]) == pytest.approx(2 / np.sqrt(0.5))


def test_d_prime_of_gaussian_scores_gives_their_area():
    rng = np.random.default_rng(0)
    genuine, forged = rng.normal(1.5, 1, 40_000), rng.normal(0, 1, 40_000)
    assert metrics.d_prime(genuine, forged) == pytest.approx(1.5, abs=0.02)
    assert metrics.auc(genuine, forged) == pytest.approx(norm.cdf(1.5 / np.sqrt(2)), abs=0.004)


def test_constant_scores_have_documented_values():
    trials = trials_of([1.0, 1.0], [1.0, 1.0, 1.0])
    found = metrics.curve_figures("skilled")(trials)(np.ones(5))
    assert found["eer_skilled"] == 0.5
    assert found["auc_skilled"] == 0.5
    assert found["min_cllr_skilled"] == pytest.approx(1.0)
    assert found["frr_at_far_skilled_1pct"] == 1.0
    assert np.isnan(metrics.d_prime([1.0, 1.0], [1.0]))


def test_the_rule_of_three():
    assert [metrics.rule_of_three(n) for n in (1, 55, 300)] == [1.0, 3 / 55, 0.01]
    with pytest.raises(ValueError, match="n_signers is 0"):
        metrics.rule_of_three(0)


def test_the_rule_of_three_covers_at_its_level():
    # With no error among n, the rate 3 / n would have shown none with a probability of about 5 %.
    for n in (20, 55, 300):
        assert (1 - metrics.rule_of_three(n)) ** n == pytest.approx(0.05, abs=0.012)


# A beats B


def test_a_model_does_not_beat_itself_and_a_better_one_does():
    rng = np.random.default_rng(1)
    trials = simulated(rng)
    same = metrics.paired_bootstrap(trials, trials, metrics.eer_of("skilled"), seed=0, n_draws=300)
    assert (same.value, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    better = SimpleNamespace(**{**vars(trials), "score": trials.score + 2.0 * (trials.kind == "genuine")})
    found = metrics.paired_bootstrap(better, trials, metrics.eer_of("skilled"), seed=0, n_draws=300)
    assert found.value < 0
    assert found.high < 0
    assert found.p_value < 0.05
    assert found.n_signers == 30


def test_turning_a_and_b_round_turns_the_difference_round():
    rng = np.random.default_rng(2)
    first = simulated(rng)
    second = SimpleNamespace(**{**vars(first), "score": first.score + 0.5 * rng.normal(size=first.score.size)})
    one = metrics.paired_bootstrap(first, second, metrics.eer_of("skilled"), seed=0, n_draws=200)
    other = metrics.paired_bootstrap(second, first, metrics.eer_of("skilled"), seed=0, n_draws=200)
    assert one.value == -other.value
    assert one.low == pytest.approx(-other.high)
    assert one.p_value == other.p_value


def test_pairing_narrows_the_interval_of_a_difference():
    rng = np.random.default_rng(3)
    first = simulated(rng, spread=1.5)
    second = SimpleNamespace(**{**vars(first), "score": first.score + 0.1 * rng.normal(size=first.score.size)})
    statistic = metrics.frr_at(1.0)
    paired = metrics.paired_bootstrap(first, second, statistic, seed=0, n_draws=400)
    alone = metrics.bootstrap_over_signers(first, statistic, seed=0, n_draws=400)
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)


@pytest.mark.slow
def test_the_paired_test_errs_as_often_as_it_says():
    wrong = 0
    for number in range(200):
        rng = np.random.default_rng(number)
        first = simulated(rng, n_signers=40)
        noisy = [first.score + 0.5 * rng.normal(size=first.score.size) for _ in range(2)]
        pair = [SimpleNamespace(**{**vars(first), "score": score}) for score in noisy]  # equally good
        wrong += metrics.paired_bootstrap(*pair, metrics.eer_of("skilled"), seed=number, n_draws=200).p_value < 0.05
    assert 1 <= wrong <= 22  # 10 expected, +- 4 s.d.


@pytest.mark.slow
@pytest.mark.parametrize("name", ["eer_skilled", "auc_skilled"])
def test_intervals_of_curve_figures_cover_the_truth(name):
    # Genuine and forged scores share their signer's offset: N(2, 1 + 0.16) against N(0, 1 + 0.16).
    separation = 2.0 / np.sqrt(1.16)
    truth = {"eer_skilled": norm.cdf(-separation / 2), "auc_skilled": norm.cdf(separation / np.sqrt(2))}[name]
    held = 0
    for number in range(200):
        trials = simulated(np.random.default_rng(1000 + number), n_signers=40)
        found = metrics.bootstrap_figures(
            trials, [metrics.curve_figures("skilled", least_cost=False)], seed=number, n_draws=200
        )[name]
        held += found.low <= truth <= found.high
    assert 0.88 <= held / 200 <= 0.99


# Refusals


def test_other_trials_are_not_compared():
    first = simulated(np.random.default_rng(0))
    other = SimpleNamespace(**{**vars(first), "questioned": first.questioned[::-1]})
    with pytest.raises(ValueError, match="questioned: the two tables hold other trials or another order"):
        metrics.paired_bootstrap(first, other, metrics.eer_of("skilled"), seed=0)


def test_one_signer_and_absent_kinds_are_refused():
    trials = trials_of([1.0, 2.0], [0.0], signers=1)
    with pytest.raises(ValueError, match="at least 2 claimed signers, got 1"):
        metrics.bootstrap_figures(trials, [metrics.curve_figures("skilled")], seed=0)
    with pytest.raises(ValueError, match="no simple trials; kinds here: genuine, skilled"):
        metrics.curve_figures("simple")(trials)
    broken = trials_of([1.0, np.nan], [0.0])
    with pytest.raises(ValueError, match="1 of 2 scores are NaN or infinite"):
        metrics.d_prime_of("skilled")(broken)
