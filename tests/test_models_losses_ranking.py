"""Pair, triplet and multi-similarity losses against plain NumPy loops, on any batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.losses_ranking import MultiSimilarity, PairContrastive, Triplet


def make_batch(seed, n_signers, n_genuine, n_forgeries, dim=6):
    rng = np.random.default_rng(seed)
    labels = [(5 * s, g) for s in range(n_signers) for g in [1] * n_genuine + [0] * n_forgeries]
    labels = rng.permutation(np.array(labels, dtype=np.int32))
    z = rng.standard_normal((len(labels), dim))
    return labels, (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)


BATCHES = st.builds(make_batch, st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))


def groups(labels):
    """The triplet and pair relations by plain loops: (anchor, positives, foreign, own forgeries) of each anchor."""
    for i, (signer, genuine) in enumerate(labels):
        if genuine:
            others = [j for j in range(len(labels)) if j != i]
            positives = [j for j in others if labels[j][0] == signer and labels[j][1]]
            own = [j for j in others if labels[j][0] == signer and not labels[j][1]]
            yield i, positives, [j for j in others if labels[j][0] != signer], own


def pair_contrastive(labels, z, margin, weights):
    z, found = z.astype(np.float64), {"genuine": [], "skilled": [], "random": []}
    for i, positives, foreign, own in groups(labels):
        distance = [np.sqrt(max(2 - 2 * z[i] @ z[j], 1e-6)) for j in range(len(z))]
        found["genuine"] += [0.5 * distance[j] ** 2 for j in positives]
        found["skilled"] += [0.5 * max(margin - distance[j], 0) ** 2 for j in own]
        found["random"] += [0.5 * max(margin - distance[j], 0) ** 2 for j in foreign if labels[j][1]]
    present = {k: w for k, w in weights.items() if found[k]}
    return sum(w * np.mean(found[k]) for k, w in present.items()) / max(sum(present.values()), 1e-12)


def triplet(labels, z, margin, mining, forgery_weight):
    distance, found = 1 - z.astype(np.float64) @ z.T.astype(np.float64), {"foreign": [], "own": []}
    for i, positives, foreign, own in groups(labels):
        for kind, negatives in (("foreign", foreign), ("own", own)):
            if not positives or not negatives:
                continue
            d = distance[i]
            if mining == "batch_hard":
                found[kind].append(max(max(d[positives]) - min(d[negatives]) + margin, 0))
                continue
            for p in positives:
                farther = [d[n] for n in negatives if d[n] > d[p]]
                chosen = min(farther) if farther else max(d[negatives])
                found[kind].append(max(d[p] - chosen + margin, 0))
    weights = {"foreign": 1 - forgery_weight, "own": forgery_weight}
    present = {k: w for k, w in weights.items() if found[k]}
    return sum(w * np.mean(found[k]) for k, w in present.items()) / max(sum(present.values()), 1e-12)


def multi_similarity(labels, z, alpha, beta, base, slack):
    cosine, found = z.astype(np.float64) @ z.T.astype(np.float64), []
    for i, positives, foreign, own in groups(labels):
        negatives = foreign + own
        if not positives or not negatives:
            continue
        hard_p = [cosine[i, j] for j in positives if cosine[i, j] - slack < max(cosine[i, negatives])]
        hard_n = [cosine[i, j] for j in negatives if cosine[i, j] + slack > min(cosine[i, positives])]
        pull = np.log1p(sum(np.exp(-alpha * (c - base)) for c in hard_p)) / alpha
        found.append(pull + np.log1p(sum(np.exp(beta * (c - base)) for c in hard_n)) / beta)
    return np.mean(found) if found else 0.0


@settings(max_examples=40)
@given(BATCHES, st.floats(0.1, 2))
def test_pair_contrastive_equals_the_plain_means(batch, margin):
    labels, z = batch
    expected = pair_contrastive(labels, z, margin, {"genuine": 1.0, "skilled": 0.7, "random": 0.2})
    loss = PairContrastive(margin=margin, skilled_weight=0.7, random_weight=0.2)
    assert float(loss(labels, z)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@settings(max_examples=40)
@given(BATCHES, st.floats(0.05, 1.5), st.sampled_from(["batch_hard", "semi_hard"]), st.sampled_from([0.0, 0.3, 1.0]))
def test_triplet_equals_the_plain_search(batch, margin, mining, forgery_weight):
    labels, z = batch
    expected = triplet(labels, z, margin, mining, forgery_weight)
    assert float(Triplet(margin, mining, forgery_weight)(labels, z)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@settings(max_examples=40)
@given(BATCHES, st.floats(0.5, 5), st.floats(1, 50), st.floats(-0.5, 0.9), st.floats(0, 0.3))
def test_multi_similarity_equals_the_plain_sums(batch, alpha, beta, base, slack):
    labels, z = batch
    expected = multi_similarity(labels, z, alpha, beta, base, slack)
    assert float(MultiSimilarity(alpha, beta, base, slack)(labels, z)) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_an_own_forgery_is_the_harder_negative_and_can_be_the_only_one_that_counts():
    labels = np.array([[0, 1], [0, 1], [0, 0], [1, 1]], np.int32)
    z = np.array([[1, 0], [0.8, 0.6], [0.96, 0.28], [-1, 0]], np.float32)
    far = float(Triplet(0.3, forgery_weight=0.0)(labels, z))
    near = float(Triplet(0.3, forgery_weight=1.0)(labels, z))
    assert far == 0.0
    # anchor 0: positive at 0.2, forgery at 0.04; anchor 1: positive at 0.2, forgery at 1 - 0.8 * 0.96 - 0.6 * 0.28
    assert near == pytest.approx(((0.2 - 0.04 + 0.3) + (0.2 - 0.064 + 0.3)) / 2, abs=1e-6)
