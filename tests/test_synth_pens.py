"""Laws of pens: every one is drawn from the act alone, keeps the line's mean, and leaves the movement as it is."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import PENS, World, WorldConfig, ground_truth, render
from synth.acts import genuine_act
from synth.config import Pen, Spread, record_type
from synth.forgery import forgery_act
from synth.ink import STRIDE, draw_ink, line_factors
from synth.pens import N_FLOW, ink_flow, paper_height, start_flow, streak
from synth.render import equipment, pen_of

SIGNERS = st.integers(0, 2**40)


def world_of(name, seed=7):
    return World(seed, WorldConfig(pens=((name, 1.0),)))


def light_of(samples, pen, shape=(160, 480), px_per_mm=12.0):
    light, touched = np.empty(shape, dtype=np.float32), np.empty(4, dtype=np.int64)
    maps = np.empty((4, shape[0] * (shape[1] + STRIDE)), dtype=np.float32)
    draw_ink(samples, len(samples), px_per_mm, 0.0, pen, np.uint32(3), light, maps, touched)
    return light


@pytest.mark.parametrize("name", PENS)
@given(SIGNERS, st.integers(0, 50))
@settings(max_examples=8)
def test_a_pen_draws_the_same_image_twice_and_never_moves_the_hand(name, index, act):
    signature = world_of(name)[index].genuine(act)
    np.testing.assert_array_equal(signature.trajectory, World(7)[index].genuine(act).trajectory)
    image = render(signature, dpi=150)
    np.testing.assert_array_equal(image, render(world_of(name)[index].genuine(act), dpi=150))
    assert image.min() < 215 < 250 < np.median(image)
    assert pen_of(signature) == name


@pytest.mark.parametrize("name", PENS)
def test_width_and_darkness_average_to_the_pens_whatever_the_speed_and_pressure(name):
    for index in range(6):
        signature = world_of(name)[index].genuine(0)
        pen, _ = equipment(signature)
        samples = signature.trajectory
        steps = np.concatenate([[0], np.hypot(*np.diff(samples[:, :2], axis=0).T)]) * (samples[:, 3] > 0)
        slow_and_light = samples * np.array([1.0, 1.0, 3.0, 0.5])
        for path in (samples, slow_and_light):
            factors = np.empty((len(path), 2))
            line_factors(path, len(path), pen, factors)
            np.testing.assert_allclose(steps @ factors / steps.sum(), 1, atol=1e-6)


@pytest.mark.parametrize("name", PENS)
def test_more_resolution_means_more_pixels_of_the_same_ink(name):
    ratios = []
    for index in range(8):
        signature = world_of(name)[index].genuine(0)
        area = {dpi: float(ground_truth(signature, dpi=dpi).ink.sum()) for dpi in (300, 600)}
        ratios.append(area[600] / area[300])
    # the median over signatures; a pencil's grain is finer at 600 dpi than one pixel at 300 shows
    assert np.median(ratios) == pytest.approx(4, rel=0.08 if name == "pencil" else 0.05)


@pytest.mark.parametrize("name", PENS)
def test_a_harder_stroke_leaves_more_ink(name):
    """Pressure counts relative to the act's mean, so half of the line is pressed harder than the other half."""
    pen, _ = equipment(world_of(name)[3].genuine(0))
    x = np.linspace(-15, 15, 300)
    found = []
    for ratio in (1.0, 1.6, 2.2):
        pressure = np.where(x < 0, 0.3, 0.3 * ratio)
        light = light_of(np.stack([x, np.zeros(300), 0.01 * np.arange(300), pressure], axis=1), pen)
        dark = 1.0 - light
        found.append(dark[:, 245:420].sum() - dark[:, 60:235].sum())
    slack = 0.02 * (1.0 - light).sum()  # skips and grain are elsewhere in either half
    assert found[0] <= found[1] + slack
    assert found[1] <= found[2] + slack


def test_pens_come_in_the_shares_of_the_world_whoever_signs_and_forges():
    world = World(5)
    genuine = [pen_of_act(genuine_act(world[i], 0)) for i in range(700)]
    forged = [pen_of_act(forged_act(world, i)) for i in range(700)]
    one = [pen_of_act(genuine_act(world[0], act)) for act in range(700)]
    for name, share in world.config.pens:
        for pens in (genuine, forged, one):
            assert pens.count(name) / 700 == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 700))


def forged_act(world, index):
    return forgery_act(world[index], by=world[index + 1], kind="freehand", skill=0.7, act=0)


def pen_of_act(act):
    from synth import Signature

    return pen_of(Signature(act, np.zeros((2, 4))))


def test_a_nib_is_thin_along_its_edge_and_broad_across_it():
    pen = np.zeros(1, dtype=record_type(Pen))[0]
    pen["width_mm"], pen["darkness"], pen["nib"], pen["nib_rad"], pen["skip_mm"] = 0.8, 0.9, 0.6, np.pi / 4, 1.0
    s = np.linspace(-5, 5, 120)
    along, across = np.stack([s - 10, s]), np.stack([s + 10, -s])
    down = np.r_[0.0, np.full(119, 0.5), 0.0, np.full(119, 0.5)]
    samples = np.column_stack([np.concatenate([along, across], axis=1).T, 0.01 * np.arange(240), down])
    dark = 1.0 - light_of(samples, pen, (200, 500))
    widths = dark[:, :250].sum(), dark[:, 250:].sum()
    assert widths[0] < 0.6 * widths[1]


def test_only_a_ball_that_reverses_drops_goop():
    pen = np.zeros(1, dtype=record_type(Pen))[0]
    pen["goop"], pen["skip_mm"] = 1.0, 1.0
    widest = []
    for back in (False, True):
        flow, found = np.zeros(N_FLOW), []
        start_flow(flow)
        for i in range(80):
            step = -0.05 if back and i >= 40 else 0.05
            found.append(ink_flow(pen, flow, step, 0.0, np.uint32(1)))
        widest.append(np.max(found, axis=0))
    np.testing.assert_array_equal(widest[0], [1.0, 1.0])
    assert (widest[1] > 1.2).all()


def test_the_compiled_pen_equals_the_plain_python_one():
    pen, _ = equipment(world_of("ballpoint")[1].genuine(0))
    record = np.array([pen]).view(np.recarray)[0]
    with np.errstate(over="ignore"):
        for place in (0.1, 3.7, 40.2):
            assert float(paper_height(place, 2.5, np.uint32(9))) == pytest.approx(
                float(paper_height.py_func(place, 2.5, np.uint32(9))), abs=1e-6
            )
            for side in (-0.8, 0.1):
                compiled, plain = (
                    streak(pen, side, place, np.uint32(9)),
                    streak.py_func(record, side, place, np.uint32(9)),
                )
                assert float(compiled) == pytest.approx(float(plain), abs=1e-6)
        flows = np.zeros((2, N_FLOW))
        for i in range(60):
            step = (0.1 * np.cos(i / 5), 0.1 * np.sin(i / 5))
            compiled = ink_flow(pen, flows[0], *step, np.uint32(4))
            plain = ink_flow.py_func(record, flows[1], *step, np.uint32(4))
            assert compiled == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize(
    ("pens", "message"),
    [((("quill", 1.0),), "unknown pen 'quill'; use one of: ballpoint"), ((("gel", 0.0),), "weights must be above 0"),
     ((), "at least one pen")],
)  # fmt: skip
def test_pens_that_make_no_sense_are_refused(pens, message):
    with pytest.raises(ValueError, match=message):
        WorldConfig(pens=pens)


def test_a_pen_of_ones_own_joins_the_others():
    own = dataclasses.replace(PENS["gel"], width_mm=Spread("fixed", 1.1))
    config = WorldConfig(pens=(("marker", 1.0),), own_pens=(("marker", own),))
    signature = World(7, config)[0].genuine(0)
    assert equipment(signature)[0]["width_mm"] == 1.1
    assert pen_of(signature) == "marker"
