"""What a line looks like at its ends, along a flourish and under a tremor: laws of `strokes`, `flourish`, `signing`."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synth import PROFILES, World, WorldConfig, forge
from synth.acts import execute, genuine_act
from synth.config import Spread
from synth.flourish import first_part
from synth.kinematics import arc_through, displacement
from synth.signing import shake
from synth.targets import MAX_TARGETS

PLACES = st.floats(-50, 50)


def world_of(**laws):
    """The people of cursive hands, some of whose laws are replaced by fixed numbers."""
    hand = dataclasses.replace(PROFILES["latin_cursive"], **{name: Spread("fixed", v) for name, v in laws.items()})
    return World(11, WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),)))


def speed_at_lifts(signature):
    """Mean speed of the pen where it has just left the paper, as a share of its mean speed on it; nan without lifts."""
    xy, down = signature.trajectory[:, :2], signature.trajectory[:, 3] > 0
    speed = np.hypot(*np.gradient(xy, axis=0).T)
    lifts = np.flatnonzero(down[:-1] & ~down[1:])[:-1]  # the last is the end
    return speed[lifts].mean() / speed[down].mean() if len(lifts) else np.nan


def median_at_lifts(world, act_of):
    return np.nanmedian([speed_at_lifts(execute(act_of(world, i))) for i in range(60)])


def genuine(world, i):
    return genuine_act(world[i], 0)


@given(PLACES, PLACES, PLACES, PLACES, st.floats(-2.9, 2.9), st.floats(0.12, 0.88))
def test_both_parts_of_an_uneven_arc_meet_without_a_corner_and_have_their_shares(x0, y0, x, y, bend, share):
    assume(math.hypot(x - x0, y - y0) >= 0.01)
    targets = np.zeros((MAX_TARGETS, 4))
    targets[0, :2] = x0, y0
    n, rest = first_part(targets, 1, x, y, bend, share)
    assert n == 2
    (mid_x, mid_y), turn = targets[1, :2], targets[1, 2]
    assert turn == rest == pytest.approx(bend / 2)
    first, heading = arc_through(mid_x - x0, mid_y - y0, turn)
    second, onward = arc_through(x - mid_x, y - mid_y, rest)
    assert first / (first + second) == pytest.approx(share, abs=1e-6)
    assert math.cos(heading + turn - onward) == pytest.approx(1.0, abs=1e-9)
    moved = np.add(displacement(1.0, first, heading, turn), displacement(1.0, second, onward, rest))
    np.testing.assert_allclose(moved, (x - x0, y - y0), atol=1e-6)


def test_an_even_arc_is_the_arc_of_a_circle():
    targets = np.zeros((MAX_TARGETS, 4))
    first_part(targets, 1, 2.0, 0.0, math.pi / 2, 0.5)
    length, heading = arc_through(2.0, 0.0, math.pi / 2)
    np.testing.assert_allclose(targets[1, :2], displacement(0.5, length, heading, math.pi / 2), atol=1e-12)


def test_the_more_a_hand_flies_the_faster_its_pen_leaves_the_paper():
    speeds = [median_at_lifts(world_of(flight=flight, missed_lifts=0.0), genuine) for flight in (0.0, 0.12, 0.25)]
    assert speeds[0] < speeds[1] < speeds[2], speeds
    assert speeds[2] > 1.5 * speeds[0], speeds


def test_who_copies_badly_stops_before_lifting_where_the_owner_flies():
    world = world_of(flight=0.25, missed_lifts=0.0)
    bad, good = (
        median_at_lifts(world, lambda w, i, s=skill: forge(w[i], by=w[900 + i], kind="slow_copier", skill=s, act=0).act)
        for skill in (0.2, 1.0)
    )
    assert bad < good


@given(st.floats(0.001, 0.2), st.integers(0, 2**63))
def test_a_tremor_comes_and_goes_and_is_never_larger_than_its_partials(tremor, seed):
    times, xy = np.arange(0.0, 6.0, 0.01), np.zeros((600, 2))
    shake(times, xy, tremor, (np.uint64(seed), np.uint64(7)))
    assert np.abs(xy).max() <= 3.0 * tremor
    sizes = np.hypot(*xy.T).reshape(-1, 20).max(axis=1)  # in fifths of a second
    assert sizes.max() > 1.4 * sizes.min()
    assert 0.4 * tremor < np.sqrt((xy**2).mean()) < 1.15 * tremor
