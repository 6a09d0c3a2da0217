"""Features of pen trajectories, and time warping on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.baselines import _warped, dtw_distances, dtw_scores
from pipelines.trajectories import FEATURES, RATE_HZ, features, real_rows
from synth import World, forge


def movement(seed, n=120, seconds=2.0):
    """A wandering pen that lifts now and then."""
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, seconds, n))
    xy = np.cumsum(rng.normal(0, 1, (n, 2)), axis=0)
    pressure = np.where(np.sin(t * 5 + seed) > -0.7, rng.uniform(0.2, 1, n), 0.0)
    pressure[0] = 0.5
    return np.column_stack([xy, t, pressure])


MOVEMENTS = st.builds(movement, st.integers(0, 10**6), st.integers(3, 300), st.floats(0.1, 30))
SEQUENCES = st.builds(
    lambda seed, n, d: np.random.default_rng(seed).normal(0, 1, (n, d)),
    st.integers(0, 10**6),
    st.integers(1, 12),
    st.just(2),
)


@given(MOVEMENTS, st.sampled_from([8, 64, 256]))
def test_rows_are_finite_as_many_as_asked_for_and_padded_at_the_end(trajectory, samples):
    rows = features(trajectory, samples=samples)
    assert rows.shape == (samples, len(FEATURES))
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    real = real_rows(rows)
    duration = trajectory[-1, 2] - trajectory[0, 2]
    assert len(real) == np.clip(round(duration * RATE_HZ) + 1, 2, samples)
    assert (rows[len(real) :] == 0).all()
    np.testing.assert_allclose(real[:, 3] ** 2 + real[:, 4] ** 2, 1, atol=1e-4)


@given(MOVEMENTS, st.floats(-100, 100), st.floats(-100, 100), st.floats(0.2, 5), st.floats(-50, 50))
def test_place_size_and_time_of_day_are_gone(trajectory, right, up, larger, later):
    moved = trajectory * [larger, larger, 1, 1] + [right, up, later, 0]
    np.testing.assert_allclose(features(moved), features(trajectory), atol=2e-3)


@given(MOVEMENTS)
def test_a_pen_is_up_where_nothing_presses(trajectory):
    real = real_rows(features(trajectory))
    np.testing.assert_array_equal(real[:, 6], real[:, 5] == 0)
    assert real[:, 5].min() >= 0
    assert real[:, 5].max() <= 1


def test_a_straight_line_is_worked_out_by_hand():
    t = np.linspace(0, 1, 51)
    line = np.column_stack([10 * t, np.zeros(51), t, np.ones(51)])
    real = real_rows(features(line))
    size = np.sqrt(np.mean((10 * t - 5) ** 2))
    np.testing.assert_allclose(real[1:, 0], 10 * 0.2 / size, rtol=1e-5)
    np.testing.assert_allclose(real[1:, 2], 0.1 * 10 / size, rtol=1e-5)
    np.testing.assert_allclose(real[:, 1], 0)
    np.testing.assert_allclose(real[:, 3:5], [[0, 1]] * 51)


def test_a_long_trajectory_is_sampled_more_coarsely_and_never_cut():
    slow = movement(1, n=400, seconds=30)
    rows = features(slow, samples=64)
    assert len(real_rows(rows)) == 64
    ends = rows[:, :2].sum(axis=0)
    inked = slow[slow[:, 3] > 0, :2]
    assert np.hypot(*ends) > 0 or np.hypot(*(inked[-1] - inked[0])) < 1e-6


@pytest.mark.parametrize(
    ("trajectory", "samples", "message"),
    [
        (np.zeros((5, 3)), 64, r"has shape \(n, 4\).* got \(5, 3\)"),
        (np.zeros((1, 4)), 64, "n at least 2"),
        (np.full((5, 4), np.nan), 64, "20 numbers that are NaN"),
        (np.column_stack([np.ones(3), np.ones(3), [2, 1, 0], np.ones(3)]), 64, "goes back in time"),
        (np.zeros((5, 4)), 64, "the pen never touched the paper"),
        (movement(0), 4, "samples is 4"),
    ],
)
def test_unfit_trajectories_are_refused(trajectory, samples, message):
    with pytest.raises(ValueError, match=message):
        features(trajectory, samples=samples)


def plain_warp(a, b):
    """Sakoe and Chiba's symmetric form without a window, by recursion over a table."""
    cost = np.linalg.norm(a[:, None] - b[None], axis=-1)
    table = np.full((len(a) + 1, len(b) + 1), np.inf)
    table[0, 0] = 0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            c = cost[i - 1, j - 1]
            table[i, j] = min(table[i - 1, j - 1] + 2 * c, table[i - 1, j] + c, table[i, j - 1] + c)
    return table[-1, -1] / (len(a) + len(b))


@settings(max_examples=50)
@given(SEQUENCES, SEQUENCES)
def test_warping_equals_the_plain_table_and_does_not_mind_the_order(a, b):
    wide = dtw_distances([a], [b], window=1.0)[0, 0]
    assert wide == pytest.approx(plain_warp(a, b), rel=1e-5)
    assert dtw_distances([b], [a], window=1.0)[0, 0] == pytest.approx(wide, rel=1e-5)
    narrow = dtw_distances([a], [b], window=0.0)[0, 0]
    assert np.isfinite(narrow)
    assert dtw_distances([b], [a], window=0.0)[0, 0] == pytest.approx(narrow, rel=1e-5)
    assert narrow >= wide - 1e-6
    assert dtw_distances([a], [a])[0, 0] == 0


@settings(max_examples=20)
@given(SEQUENCES, SEQUENCES, st.floats(0, 1))
def test_the_compiled_kernel_equals_its_plain_function(a, b, window):
    assert dtw_distances([a], [b], window=window)[0, 0] == pytest.approx(_warped(a, b, window), rel=1e-6)


def test_a_sequence_drawn_out_in_time_stays_near():
    a = np.sin(np.linspace(0, 6, 60))[:, None]
    slow = np.sin(np.linspace(0, 6, 90))[:, None]
    other = np.cos(np.linspace(0, 9, 60))[:, None]
    near, far = dtw_distances([a], [slow, other])[0]
    assert near < 0.2 * far


def test_warping_tells_signers_apart():
    world = World(3)
    references = [features(world[i].genuine(0).trajectory) for i in range(6)]
    questioned = [features(world[i].genuine(4).trajectory) for i in range(6)]
    scores = dtw_scores(references, questioned)
    assert scores.shape == (6, 6)
    assert (scores.argmax(axis=0) == np.arange(6)).mean() >= 0.8
    forged = features(forge(world[0], by=world[1], kind="freehand", skill=0.1, act=0).trajectory)
    assert scores[0, 0] > dtw_scores(references[:1], [forged])[0, 0]


@pytest.mark.parametrize(
    ("references", "questioned", "window", "message"),
    [
        ([], [np.zeros((3, 2))], 0.1, "at least one reference"),
        ([np.zeros((3, 2))], [np.zeros((3, 5))], 0.1, r"shape \(n, 2\), got \(3, 5\)"),
        ([np.zeros((3, 2))], [np.zeros((0, 2))], 0.1, "got"),
        ([np.zeros((3, 2))], [np.full((3, 2), np.nan)], 0.1, "NaN"),
        ([np.zeros((3, 2))], [np.zeros((3, 2))], 1.5, "window is 1.5"),
    ],
)
def test_unfit_sequences_are_refused(references, questioned, window, message):
    with pytest.raises(ValueError, match=message):
        dtw_distances(references, questioned, window=window)
