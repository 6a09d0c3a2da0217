"""Trajectories as first-class: the same act at another rate, on a tablet, and as an image, all of one movement."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import FORGERY_KINDS, PROFILES, TABLETS, World, WorldConfig, forge, record, render
from synth.acts import RATES_HZ, execute, genuine_act
from synth.forgery import forgery_act
from synth.statistics import measure

WORLD = World(13)


def shared(slow, fast):
    """Rows of two executions at equal times."""
    times = np.intersect1d(np.round(1000 * slow[:, 2]), np.round(1000 * fast[:, 2]))
    return tuple(rows[np.isin(np.round(1000 * rows[:, 2]), times)] for rows in (slow, fast))


@pytest.mark.parametrize("rate", [rate for rate in RATES_HZ if rate != 100])
@pytest.mark.parametrize("profile", PROFILES)
def test_another_rate_is_the_same_movement(profile, rate):
    world = World(13, WorldConfig(profiles=((profile, 1.0),)))
    for i in range(12):
        acts = (genuine_act(world[i], i), forgery_act(world[i], by=world[99 + i], kind="freehand", skill=0.6, act=1))
        for act in acts:
            slow, fast = execute(act).trajectory, execute(act, rate_hz=rate).trajectory
            np.testing.assert_allclose(np.diff(fast[:, 2]), 1.0 / rate, atol=1e-9)
            one, other = shared(slow, fast)
            assert len(one) >= len(slow) - 1
            np.testing.assert_allclose(one[:-1, :3], other[:-1, :3], atol=0.0021)  # 1 um, twice rounded
            np.testing.assert_array_equal(one[:-1, 3] > 0, other[:-1, 3] > 0)
            np.testing.assert_allclose(one[:-1, 3], other[:-1, 3], atol=0.03)


def test_100_hz_is_what_a_signature_holds_and_other_rates_are_listed():
    act = genuine_act(WORLD[0], 0)
    np.testing.assert_array_equal(execute(act).trajectory, WORLD[0].genuine(0).trajectory)
    with pytest.raises(ValueError, match="rate_hz is 150; use one of: 100, 200, 500, 1000"):
        execute(act, rate_hz=150)


@pytest.mark.parametrize("tablet", TABLETS)
@given(index=st.integers(0, 2**40), act=st.integers(0, 2**40))
@settings(max_examples=8)
def test_a_record_is_a_trajectory_and_repeats_byte_for_byte(tablet, index, act):
    signature = WORLD[index].genuine(act)
    rows = record(signature, tablet=tablet)
    again = record(World(13)[index].genuine(act), tablet=tablet)
    assert hashlib.sha256(rows.tobytes()).digest() == hashlib.sha256(again.tobytes()).digest()
    assert rows.shape[1] == 4
    assert np.isfinite(rows).all()
    assert (np.diff(rows[:, 2]) > 0).all()
    assert rows[:, 3].min() >= 0
    assert 0 < rows[:, 3].max() <= 1


def test_the_ideal_tablet_reports_the_trajectory_itself():
    for i in range(6):
        signature = WORLD[i].genuine(i)
        rows = record(signature, tablet="ideal")
        one, other = shared(signature.trajectory, rows)
        assert len(other) > 0.95 * len(signature.trajectory)
        np.testing.assert_allclose(one[:-1, :2], other[:-1, :2], atol=0.002)
        np.testing.assert_allclose(one[:-1, 3], other[:-1, 3], atol=0.03)


def test_a_pen_tablet_has_gaps_lines_and_levels():
    signature = WORLD[4].genuine(0)
    rows = record(signature, tablet="pen_tablet")
    assert (rows[:, 3] > 0).all()
    np.testing.assert_allclose(rows[:, :2] * 100, np.round(rows[:, :2] * 100), atol=1e-6)
    np.testing.assert_allclose(rows[:, 3] * 1023, np.round(rows[:, 3] * 1023), atol=1e-6)
    np.testing.assert_allclose(rows[:, 2] * 100, np.round(rows[:, 2] * 100), atol=1e-6)
    assert measure(rows)["pen_ups"] == measure(signature.trajectory)["pen_ups"]


def test_a_finger_leaves_no_pressure():
    rows = record(WORLD[4].genuine(0), tablet="finger")
    assert set(rows[:, 3].tolist()) == {1.0}


def test_mixed_tablets_differ_in_rate_and_lose_a_few_rows():
    rates, lost = [], 0
    for i in range(60):
        rows = record(WORLD[i].genuine(0), tablet="mixed")
        steps = np.diff(rows[:, 2])
        rates.append(1 / np.median(steps))
        lost += int((steps > 1.7 * np.median(steps)).sum())
    assert 55 < min(rates) < 90
    assert 180 < max(rates) < 250
    assert 10 < lost < 1000


@pytest.mark.parametrize("kind", [kind for kind in FORGERY_KINDS if kind not in ("random", "disguise")])
def test_the_tablet_does_not_depend_on_who_writes(kind):
    """Rates of genuine and forged records follow one law: medians over 150 acts each."""
    genuine = [1 / np.median(np.diff(record(WORLD[i].genuine(0))[:, 2])) for i in range(150)]
    forged = [
        1 / np.median(np.diff(record(forge(WORLD[i], by=WORLD[500 + i], kind=kind, skill=0.7, act=0))[:, 2]))
        for i in range(150)
    ]
    assert np.median(forged) == pytest.approx(np.median(genuine), abs=18)  # s.d. 52 / sqrt(150), times 1.25, times 3.4


def test_the_image_and_the_record_of_one_act_agree():
    """Every reported position with the pen down is inked, and the boxes are equal but for the pen's width."""
    dpi, margin = 300, 1.5
    for i in range(8):
        act = forge(WORLD[i], by=WORLD[50 + i], kind="freehand", skill=0.8, act=0) if i % 2 else WORLD[i].genuine(0)
        image = render(act, dpi=dpi, capture="clean")
        rows = record(act, tablet="ideal")
        down = act.trajectory[act.trajectory[:, 3] > 0]
        centre = 0.5 * (down[:, :2].min(axis=0) + down[:, :2].max(axis=0))
        xy = (rows[rows[:, 3] > 0, :2] - centre) * dpi / 25.4
        columns = np.clip(np.round(image.shape[1] / 2 + xy[:, 0] - 0.5).astype(int), 1, image.shape[1] - 2)
        lines = np.clip(np.round(image.shape[0] / 2 - xy[:, 1] - 0.5).astype(int), 1, image.shape[0] - 2)
        near = np.min([image[lines + a, columns + b] for a in (-1, 0, 1) for b in (-1, 0, 1)], axis=0)
        assert (near < 250).mean() > 0.98
        found, moved = measure(image=image), measure(rows)
        ink = np.flatnonzero((image < 200).any(axis=0))
        assert abs((np.ptp(ink) + 1) * 25.4 / dpi - moved["width_mm"]) < margin
        assert found["image_aspect"] == pytest.approx(moved["aspect"], rel=0.25)


def test_an_unknown_tablet_is_refused():
    with pytest.raises(ValueError, match="unknown tablet 'slate'; use one of: ideal"):
        record(WORLD[0].genuine(0), tablet="slate")
