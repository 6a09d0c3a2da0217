"""Dynamic time warping: an exact small case, and laws of a distance that forgets tempo, size and place."""

import numpy as np
import pytest

from synth import World
from synth.warping import distance, features, warped

WORLD = World(5)


def by_hand(a, b):
    """The cheapest path by brute force over all of them."""
    n, m = len(a), len(b)
    cost = np.full((n, m), np.inf)
    for i in range(n):
        for j in range(m):
            before = min(
                (cost[p, q] for p, q in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if p >= 0 and q >= 0), default=0.0
            )
            cost[i, j] = np.linalg.norm(a[i] - b[j]) + (0.0 if i == j == 0 else before)
    return cost[-1, -1] / (n + m)


def test_it_equals_the_textbook_recursion_when_the_band_is_wide():
    rng = np.random.default_rng(0)
    for n, m in ((3, 3), (5, 8), (12, 7)):
        a, b = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
        assert warped(a, b, 1.0) == pytest.approx(by_hand(a, b), abs=1e-12)
        assert warped.py_func(a, b, 1.0) == warped(a, b, 1.0)


def test_it_is_0_for_itself_symmetric_and_above_0_for_others():
    one, other = WORLD[0].genuine(0).trajectory, WORLD[1].genuine(0).trajectory
    assert distance(one, one) == 0
    assert distance(one, other) == pytest.approx(distance(other, one), rel=0.02)
    assert distance(one, other) > 0.2


def test_size_place_and_clock_do_not_count_and_tempo_hardly_does():
    one, other = WORLD[0].genuine(0).trajectory, WORLD[0].genuine(4).trajectory
    moved = other * [3, 3, 1, 1] + [50, -20, 7, 0]
    assert distance(one, moved) == pytest.approx(distance(one, other), abs=1e-9)
    slow = np.repeat(other, 2, axis=0)
    slow[:, 2] = np.arange(len(slow)) / 100
    slow[1:-1:2, :2] = 0.5 * (slow[0:-2:2, :2] + slow[2::2, :2])
    assert distance(one, slow) < 2 * distance(one, other)


def test_a_narrower_band_never_makes_it_cheaper():
    a, b = (features(WORLD[i].genuine(0).trajectory) for i in (2, 3))
    costs = [warped(a, b, band) for band in (0.02, 0.1, 0.3, 1.0)]
    assert costs == sorted(costs, reverse=True)


def test_columns_are_z_scores():
    found = features(WORLD[2].genuine(1).trajectory)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-12)


def test_two_rows_are_too_few():
    rows = np.array([[0.0, 0, 0, 0.5], [1, 1, 0.01, 0.5]])
    with pytest.raises(ValueError, match="needs three rows"):
        features(rows)
