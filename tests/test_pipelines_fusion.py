"""Fusion over references, votes, and the logistic head on frozen embeddings."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.calibration import LogisticCalibrator
from pipelines.decisions import FusedPoint, fused_of, nearest_frozen
from pipelines.fusion import FUSIONS, fuse, prototype, share_of_votes
from pipelines.logistic import LogisticHead, fit_logistic_head, pairs_of
from pipelines.metrics import auc, eer
from pipelines.protocols import SignatureSet, k_reference_trials


def unit(seed, n, d=5):
    vectors = np.random.default_rng(seed).standard_normal((n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def cosine(a, b):
    return a @ b.T


SETS = st.tuples(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 4))


@given(SETS)
def test_fusions_are_ordered_and_agree_for_one_reference(drawn):
    seed, n, m = drawn
    references, questioned = unit(seed, n), unit(seed + 1, m)
    found = {name: fuse(name, references, questioned, cosine) for name in FUSIONS}
    for name in FUSIONS:
        assert found[name].shape == (m,)
        assert (found["min"] <= found[name] + 1e-6).all() or name == "prototype"
        assert (found[name] <= found["max"] + 1e-6).all() or name in ("prototype", "relative")
    if n == 1:
        for name in FUSIONS:
            np.testing.assert_allclose(found[name], found["max"], atol=1e-5)


@given(SETS)
def test_the_order_of_references_does_not_matter(drawn):
    seed, n, m = drawn
    references, questioned = unit(seed, n), unit(seed + 1, m)
    for name in FUSIONS:
        turned = fuse(name, references[::-1], questioned, cosine)
        np.testing.assert_allclose(turned, fuse(name, references, questioned, cosine), atol=1e-5)


def test_relative_by_hand():
    """The two best of three, and half (3 of 3 + 3) of what the references lack of what is typical."""
    references = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)  # cosines .6, .8 and 0 among them
    questioned = np.array([[0.8, 0.6]], dtype=np.float32)  # .8, .96 and .6
    found = fuse("relative", references, questioned, cosine, typical=0.7)
    np.testing.assert_allclose(found, 0.88 + 0.5 * (0.7 - 1.4 / 3), atol=1e-6)
    two = fuse("relative", references[:2], questioned, cosine, typical=0.7)
    np.testing.assert_allclose(two, 0.96 + 0.4 * (0.7 - 0.6), atol=1e-6)


@given(SETS, st.floats(-1, 1))
def test_what_is_typical_moves_all_scores_of_a_number_of_references_alike(drawn, typical):
    seed, n, m = drawn
    references, questioned = unit(seed, n), unit(seed + 1, m)
    usual, found = (fuse("relative", references, questioned, cosine, typical=t) for t in (1.0, typical))
    shift = (n > 1) * n / (n + 3) * (1.0 - typical)
    np.testing.assert_allclose(usual - found, shift, atol=1e-5)


def test_one_threshold_fits_any_number_of_references():
    """Genuine scores of the best match rise with the number of references, and forgeries' too."""
    rng = np.random.default_rng(0)
    size = rng.uniform(0.4, 0.8, (300, 1, 1)) * np.repeat([1.0, 1.8], [16, 6])[:, None]
    vectors = rng.standard_normal((300, 1, 40)) + size * rng.standard_normal((300, 22, 40))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    typical = float(np.mean([(v[:16] @ v[:16].T)[~np.eye(16, dtype=bool)] for v in vectors]))

    def threshold(name, k):
        scores = np.stack([fuse(name, v[:k], v[12:], cosine, typical=typical) for v in vectors])
        return eer(scores[:, :4].ravel(), scores[:, 4:].ravel()).threshold

    drift = {name: np.ptp([threshold(name, k) for k in (2, 3, 5, 12)]) for name in ("relative", "max")}
    assert drift["relative"] < 0.5 * drift["max"]


@given(SETS, st.integers(2, 5))
def test_references_that_are_copies_say_nothing_of_a_hands_variation(drawn, copies):
    seed, _, m = drawn
    one, questioned = unit(seed, 1), unit(seed + 1, m)
    found = fuse("relative", np.repeat(one, copies, axis=0), questioned, cosine)
    np.testing.assert_allclose(found, fuse("max", one, questioned, cosine), atol=1e-5)


def test_relative_judges_steady_and_unsteady_hands_by_one_threshold():
    """Half of the people vary three times as much as the others; forgeries lie twice as far out as their own."""
    rng = np.random.default_rng(0)
    scores, kinds = {"max": [], "relative": []}, []
    for person in range(200):
        middle, size = rng.standard_normal(40), 0.3 if person % 2 else 0.9
        drawn = middle + size * rng.standard_normal((10, 40)) * np.repeat([[1.0], [1.6]], [7, 3], axis=0)
        vectors = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        for name in scores:
            scores[name] += fuse(name, vectors[:5], vectors[5:], cosine).tolist()
        kinds += [True] * 2 + [False] * 3
    area = {name: auc(*(np.array(s)[np.array(kinds) == kind] for kind in (True, False))) for name, s in scores.items()}
    assert area["relative"] > area["max"] + 0.05


@given(st.sets(st.sampled_from([2, 3, 5, 10])), st.integers(1, 14))
def test_what_was_frozen_for_the_nearest_number_of_references_below_holds(numbers, n):
    points = {f"max/{k}": FusedPoint(k / 10, None) for k in numbers} | {"mean/2": FusedPoint(9.0, None)}
    found = nearest_frozen(points, "max", n)
    below = [k for k in numbers if k <= n]
    assert found == ((max(below), points[f"max/{max(below)}"]) if below else None)
    assert nearest_frozen(points, "mean", 1) is None


def test_what_an_older_version_froze_for_another_relative_is_left_out():
    point = {"threshold": 0.5, "calibrator": LogisticCalibrator(1.0, 0.0, "skilled", 9, 9, 3).to_dict()}
    record = {"fused": {"relative/3": point, "max/3": point}}
    assert set(fused_of(record)) == {"max/3"}
    assert set(fused_of(record | {"typical": 0.7})) == {"relative/3", "max/3"}


def test_a_prototype_has_length_1_unless_the_references_cancel():
    assert np.linalg.norm(prototype(unit(0, 4))) == pytest.approx(1, abs=1e-5)
    vector = unit(1, 1)
    np.testing.assert_allclose(prototype(np.concatenate([vector, -vector])), 0, atol=1e-6)


def test_votes_are_counted_with_ties_accepted_by_a_reference_and_rejected_by_the_majority():
    scores = np.array([[0.5, 0.2, 0.9], [0.4, 0.5, 0.9], [0.1, 0.1, 0.5]])
    np.testing.assert_allclose(share_of_votes(scores, 0.5), [1 / 3, 1 / 3, 1])
    np.testing.assert_allclose(share_of_votes(scores[:2], 0.5), [0.5, 0.5, 1])


def test_an_unknown_fusion_is_refused():
    with pytest.raises(
        ValueError, match="unknown fusion 'best'; use one of: max, mean, min, median, prototype, relative"
    ):
        fuse("best", unit(0, 2), unit(1, 2), cosine)


def signers(seed, n_signers=20, n_genuine=4, n_forged=4, d=12):
    """Signers whose genuine embeddings keep the first half of their components; forgeries miss it a little."""
    rng = np.random.default_rng(seed)
    rows, names, kinds = [], [], []
    for s in range(n_signers):
        middle = rng.standard_normal(d)
        for k in range(n_genuine + n_forged):
            noise = rng.standard_normal(d) * np.where(np.arange(d) < d // 2, 0.1, 1.0)
            shift = 0.6 * np.where(np.arange(d) < d // 2, rng.standard_normal(d), 0) if k >= n_genuine else 0
            rows.append(middle + noise + shift)
            names.append(str(s))
            kinds.append("genuine" if k < n_genuine else "skilled")
    vectors = np.array(rows)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), SignatureSet.of(names, kinds)


def skilled_auc(embeddings, signatures, scores):
    trials = k_reference_trials(signatures, scores, part="test", k=1, n_random=2, seed=0)
    return auc(trials.score[trials.kind == "genuine"], trials.score[trials.kind == "skilled"])


def test_the_head_learns_which_components_matter_and_beats_the_cosine_on_other_signers():
    embeddings, signatures = signers(0)
    head = fit_logistic_head(embeddings, signatures, data="a test", contains_real_signatures=False, seed=0)
    assert head.n_signers == 20
    others, whose = signers(1)
    plain, learnt = (skilled_auc(others, whose, s) for s in (others @ others.T, head.scores(others, others)))
    assert learnt > plain + 0.05
    weights = np.array(head.weights[:-1])
    assert weights[:6].mean() < weights[6:].mean()  # a difference where signers are steady speaks against


def test_head_scores_are_symmetric_log_odds_and_survive_json():
    embeddings, signatures = signers(0)
    head = fit_logistic_head(embeddings, signatures, data="a test", contains_real_signatures=True, seed=0)
    again = LogisticHead.from_dict(json.loads(json.dumps(head.to_dict())))
    assert again == head
    a, b = unit(1, 3, 12), unit(2, 4, 12)
    np.testing.assert_allclose(head.scores(a, b), head.scores(b, a).T, atol=1e-4)
    expected = np.abs(a[0] - b[1]) @ head.weights[:-1] + head.weights[-1] * (a[0] @ b[1]) + head.intercept
    assert head.scores(a, b)[0, 1] == pytest.approx(expected, abs=1e-4)


def test_duplets_hold_every_genuine_pair_once_and_forgeries_with_each_genuine():
    signatures = SignatureSet.of(["a"] * 4 + ["b"] * 2, ["genuine"] * 3 + ["skilled"] + ["genuine"] * 2)
    pairs, kinds = pairs_of(signatures, n_random=1, seed=0)
    counts = {kind: int((kinds == kind).sum()) for kind in np.unique(kinds)}
    assert counts == {"genuine": 3 + 1, "skilled": 3, "random": 5}
    for (i, j), kind in zip(pairs, kinds, strict=True):
        same = signatures.signer[i] == signatures.signer[j]
        assert same == (kind != "random")
        assert signatures.kind[i] == "genuine"


def test_a_head_without_pairs_or_of_another_size_is_refused():
    lonely = SignatureSet.of(["a", "b"], ["genuine", "genuine"])
    with pytest.raises(ValueError, match="needs genuine pairs and forgeries"):
        fit_logistic_head(unit(0, 2), lonely, data="", contains_real_signatures=False, seed=0)
    head = LogisticHead((1.0, 1.0), 0.0, 1, 1, "", False)
    with pytest.raises(ValueError, match="embeddings have 5 components, the head 1"):
        head.scores(unit(0, 1), unit(1, 1))
    for record in ({}, {**head.to_dict(), "extra": 1}, {**head.to_dict(), "intercept": float("nan")}):
        with pytest.raises(ValueError, match="not a"):
            LogisticHead.from_dict(record)
