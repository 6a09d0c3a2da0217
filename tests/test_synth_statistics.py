"""What a signature measures: known shapes, both definitions, and no dependence on rate, place or record style."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import World, forge, record
from synth.acts import execute, genuine_act
from synth.image_statistics import component_sizes, otsu
from synth.statistics import DEFINITIONS, lean, measure, pen_downs, spread

WORLD = World(7)


def line(seconds=1.0, speed=30.0, rate=100, pressure=0.5):
    """A straight stroke to the right at constant speed."""
    t = np.arange(round(seconds * rate) + 1) / rate
    return np.column_stack([speed * t, np.zeros_like(t), t, np.full_like(t, pressure)])


def two_strokes(gap=0.2, far=8.0):
    """Two lines of 10 mm in 0.5 s, the second `far` mm above, `gap` s later; nothing is recorded in between."""
    one = line(0.5, 20.0)
    other = one + np.array([0.0, far, 0.5 + gap, 0.0])
    return np.concatenate([one, other])


def signature(i=0, act=0):
    return WORLD[i].genuine(act).trajectory


def close(one, other, rel=0.03, skip=()):
    for name, value in one.items():
        if name not in skip:
            assert other[name] == pytest.approx(value, rel=rel, abs=0.03, nan_ok=True), name


def test_a_line_at_constant_speed_measures_what_it_is():
    found = measure(line())
    assert found["duration_s"] == pytest.approx(1.0)
    assert found["path_mm"] == pytest.approx(30.0)
    assert found["path_per_diagonal"] == pytest.approx(1.0)
    assert found["speed_per_diagonal"] == pytest.approx(1.0)
    assert found["speed_cv"] == pytest.approx(0.0, abs=1e-9)
    assert found["pen_ups"] == found["air_share"] == found["minima_per_s"] == 0
    assert np.isnan(found["speed_pressure_r"])


def test_a_lift_is_a_jump_in_the_whole_record_and_none_when_cut():
    rows = two_strokes()
    whole, cut = (measure(rows, definition=definition) for definition in DEFINITIONS)
    assert whole["duration_s"] == pytest.approx(1.02)  # 102 rows of 10 ms
    assert cut["duration_s"] == pytest.approx(1.2)
    assert whole["path_mm"] == pytest.approx(20.0 + np.hypot(10.0, 8.0))
    assert cut["path_mm"] == pytest.approx(20.0)
    assert cut["speed_cv"] == pytest.approx(0.0, abs=1e-9)
    assert whole["speed_cv"] > 1
    assert whole["pen_ups"] == cut["pen_ups"] == 1
    assert cut["air_share"] == pytest.approx(0.2 / 1.2)


def test_speed_minima_are_counted_once_per_swing():
    t = np.arange(401) / 100
    x = 20 * t - 10 / (2 * np.pi * 5) * np.cos(2 * np.pi * 5 * t)  # speed 20 + 10 sin: 5 minima a second
    rows = np.column_stack([x, np.zeros_like(t), t, np.full_like(t, 0.5)])
    assert measure(rows)["minima_per_s"] == pytest.approx(5.0, abs=0.3)


def test_correlation_of_speed_and_pressure_has_its_sign():
    rows = signature()
    rows = rows[rows[:, 3] > 0][:60].copy()
    rows[:, 2] = np.arange(len(rows)) / 100
    speed = np.hypot(*np.gradient(rows[:, :2], axis=0).T)
    for sign in (1, -1):
        rows[:, 3] = 0.5 + 0.3 * sign * (speed - speed.mean()) / np.ptp(speed)
        found = measure(rows)
        assert found["speed_pressure_r"] == pytest.approx(sign)
        assert found["speed_pressure_r_inner"] == pytest.approx(sign)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_air_as_pressure_0_and_air_as_a_gap_measure_the_same(definition):
    for i in range(8):
        rows = signature(i)
        inked = rows[rows[:, 3] > 0]
        assert measure(rows, definition=definition) == pytest.approx(measure(inked, definition=definition), nan_ok=True)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_rate_of_a_record_moves_no_statistic_much(definition):
    for i in range(8):
        act = genuine_act(WORLD[i], i)
        slow, fast = (measure(execute(act, rate_hz=rate).trajectory, definition=definition) for rate in (100, 200))
        close(
            slow,
            fast,
            rel=0.1,
            skip=("jerk", "minima_per_s", "slant_deg", "speed_pressure_r", "speed_pressure_r_inner"),
        )
        assert fast["slant_deg"] == pytest.approx(slow["slant_deg"], abs=6.0)
        assert fast["minima_per_s"] == pytest.approx(slow["minima_per_s"], abs=1.7)
        assert fast["pen_ups"] == slow["pen_ups"]


@given(st.floats(0.3, 5.0), st.floats(-200, 200), st.floats(0.0, 1000.0))
@settings(max_examples=20)
def test_ratios_do_not_depend_on_size_place_or_clock(factor, shift, start):
    rows = signature(3)
    moved = rows * [factor, factor, 1, 1] + [shift, -shift, round(start, 2), 0]
    sizes = ("width_mm", "height_mm", "path_mm")
    close(measure(rows), measure(moved), rel=1e-3, skip=sizes)
    for name in sizes:
        assert measure(moved)[name] == pytest.approx(factor * measure(rows)[name], rel=1e-6)


def test_a_slower_forger_measures_slower_and_jerkier():
    names = ("duration_s", "speed_per_diagonal", "jerk")
    genuine, forged = [], []
    for i in range(40):
        genuine.append([measure(signature(i))[name] for name in names])
        act = forge(WORLD[i], by=WORLD[900 + i], kind="freehand", skill=0.5, act=0)
        forged.append([measure(act.trajectory)[name] for name in names])
    ratio = np.median(np.array(forged) / np.array(genuine), axis=0)
    assert ratio[0] > 1.1
    assert ratio[1] < 0.95
    assert ratio[2] > 1.2


def test_a_lean_is_measured_in_degrees_to_the_right():
    for degrees in (-40, -10, 0, 25, 50):
        a = np.radians(degrees)
        dx, dy = np.sin(a) * np.ones(50), np.cos(a) * np.ones(50)
        assert lean(dx, dy) == pytest.approx(degrees, abs=1e-6)
        assert lean(-dx, -dy) == pytest.approx(degrees, abs=1e-6)  # direction of writing does not matter


def test_spread_inside_a_signer_is_that_of_the_numbers():
    acts = [
        {"width_mm": w, "height_mm": 10.0, "path_mm": 50.0, "duration_s": 2.0, "pen_ups": n}
        for w, n in ((9.0, 2.0), (10.0, 2.0), (11.0, 3.0), (10.0, 2.0))
    ]
    found = spread(acts)
    assert found["width_cv"] == pytest.approx(np.std([9, 10, 11, 10], ddof=1) / 10)
    assert found["height_cv"] == found["path_cv"] == found["duration_cv"] == 0
    assert found["pen_downs_differ"] == 0.25
    with pytest.raises(ValueError, match="1 signature has no spread; give two or more"):
        spread(acts[:1])


def strokes_image(slant_deg=0.0, wide=9, count=4):
    """Upright or leaning bars of known width."""
    import cv2

    image = np.full((200, 400), 240, np.uint8)
    for k in range(count):
        x = 60 + 80 * k
        dx = 120 * np.tan(np.radians(slant_deg))
        ends = (round(x - dx / 2), 160), (round(x + dx / 2), 40)
        cv2.line(image, *ends, 30, wide, cv2.LINE_AA)
    return image


def across(image):
    """Mean width of the four bars where they are cut half way up."""
    return (image[100] <= otsu(image)).sum() / 4


def test_an_image_of_bars_measures_their_number_width_and_box():
    found = measure(image=strokes_image())
    assert found["image_components"] == 4
    assert found["image_line_width_px"] == pytest.approx(across(strokes_image()), rel=0.1)
    assert found["image_aspect"] == pytest.approx((240 + 9) / (120 + 9), rel=0.05)
    thick = measure(image=strokes_image(wide=17))
    assert thick["image_line_width_px"] == pytest.approx(across(strokes_image(wide=17)), rel=0.15)
    assert thick["image_ink_share"] > found["image_ink_share"]


@pytest.mark.parametrize("degrees", [-30, -10, 0, 20, 40])
def test_the_slant_and_line_width_of_an_image_are_those_of_its_strokes(degrees):
    found = measure(image=strokes_image(degrees))
    assert found["image_slant_deg"] == pytest.approx(degrees, abs=3)
    assert found["image_line_width_px"] == pytest.approx(9.5, rel=0.15)  # 9 px and a soft edge


def test_dust_is_no_component_and_paper_no_ink():
    image = strokes_image()
    image[5, 5] = 0
    assert measure(image=image)["image_components"] == 4
    image[5, 5] = 240
    assert 30 <= otsu(image) < 240


def test_components_are_counted_as_a_flood_fill_by_hand_counts_them():
    ink = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 1]], dtype=bool)
    assert sorted(component_sizes(ink).tolist()) == [1, 1, 2, 3]
    np.testing.assert_array_equal(component_sizes(ink), component_sizes.py_func(ink))


def test_one_call_measures_both_and_keeps_their_names_apart():
    found = measure(signature(), image=strokes_image())
    assert {"aspect", "image_aspect", "slant_deg", "image_slant_deg"} <= set(found)


def test_pen_downs_of_a_jittered_record_are_brought_to_100_hz():
    rows = record(WORLD[2].genuine(1), tablet="mixed")
    parts = pen_downs(rows)
    assert len(parts) == len(pen_downs(signature(2, 1)))
    for part in parts:
        np.testing.assert_allclose(np.diff(part[:, 2]), 0.01, atol=1e-9)


def test_what_cannot_be_measured_is_refused():
    good = line()
    with pytest.raises(ValueError, match="unknown definition 'half'; use one of: whole, cut"):
        measure(good, definition="half")
    with pytest.raises(ValueError, match="give a trajectory, an image or both"):
        measure()
    with pytest.raises(ValueError, match=r"got shape \(101, 3\)"):
        measure(good[:, :3])
    with pytest.raises(ValueError, match="times of a trajectory must rise"):
        measure(good[::-1])
    with pytest.raises(ValueError, match="the pen never touches the paper"):
        measure(good * [1, 1, 1, 0])
    with pytest.raises(ValueError, match="the image is blank"):
        measure(image=np.full((20, 20), 255, np.uint8))
    with pytest.raises(ValueError, match="an image is uint8"):
        measure(image=np.zeros((20, 20)))
