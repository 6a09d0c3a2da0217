"""Laws of ink and images: crossings darken, size scales, equipment never moves a hand, nonsense is refused."""

import itertools
import math

import cv2
import numpy as np
import pytest

from synth import CAPTURES, Signature, World, WorldConfig, render, render_batch
from synth.acts import execute, genuine_act
from synth.capture import blur
from synth.config import Pen, Spread, record_type
from synth.ink import STRIDE, draw_ink, ink_bounds, line_factors
from synth.pens import hashed
from synth.render import equipment

WORLD = World(7)


def fixed_pen(**values):
    """A record of a pen that does exactly what it says: no grain, no change along the line."""
    plain = {"width_mm": 0.5, "darkness": 0.6, "skip_mm": 1.0, **values}
    pen = np.zeros(1, dtype=record_type(Pen))
    for name, value in plain.items():
        pen[name] = value
    return pen[0]


def pen_path(*corners, pressure=0.5, step=0.05):
    """A trajectory along straight pieces at an even speed; `None` lifts the pen."""
    rows = []
    for start, end in itertools.pairwise(corners):
        if start is None or end is None:
            continue
        if rows and corners[corners.index(start) - 1] is None:
            rows.append((*start, 0.0))
        count = max(2, round(math.dist(start, end) / step))
        share = np.linspace(0, 1, count)
        rows += [(start[0] + s * (end[0] - start[0]), start[1] + s * (end[1] - start[1]), pressure) for s in share]
    x, y, p = np.array(rows).T
    return np.stack([x, y, 0.01 * np.arange(len(x)), p], axis=1)


def maps_for(shape):
    return np.empty((4, shape[0] * (shape[1] + STRIDE)), dtype=np.float32)


def only(pen):
    """A world config with one pen of one's own."""
    return WorldConfig(pens=(("own", 1.0),), own_pens=(("own", pen),))


def drawn(samples, px_per_mm=10.0, shape=(120, 240), pen=None):
    light = np.empty(shape, dtype=np.float32)
    pen = fixed_pen() if pen is None else pen
    touched = np.empty(4, dtype=np.int64)
    draw_ink(samples, len(samples), px_per_mm, 0.0, pen, np.uint32(1), light, maps_for(shape), touched)
    inked = np.argwhere(light < 1)
    assert (inked.min(axis=0) >= touched[::2]).all()
    assert (inked.max(axis=0) < touched[1::2]).all()
    return light


def test_the_width_and_darkness_of_a_line_average_to_the_pens():
    for i in range(20):
        signature = WORLD[i].genuine(0)
        pen, _ = equipment(signature)
        samples, factors = signature.trajectory, np.empty((len(signature.trajectory), 2))
        line_factors(samples, len(samples), pen, factors)
        steps = np.concatenate([[0], np.hypot(*np.diff(samples[:, :2], axis=0).T)])
        steps[samples[:, 3] == 0] = 0
        np.testing.assert_allclose(steps @ factors / steps.sum(), 1, atol=1e-6)


def test_a_slow_or_heavy_hand_leaves_the_same_line_on_average():
    samples = WORLD[3].genuine(0).trajectory
    slow, heavy = samples.copy(), samples.copy()
    slow[:, 2] *= 3
    heavy[:, 3] *= 0.5
    for changed in (slow, heavy):
        one, other = np.empty((len(samples), 2)), np.empty((len(samples), 2))
        line_factors(samples, len(samples), fixed_pen(width_pressure=0.5, darkness_pressure=0.8), one)
        line_factors(changed, len(samples), fixed_pen(width_pressure=0.5, darkness_pressure=0.8), other)
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_straight_line_is_as_wide_and_as_dark_as_its_pen():
    light = drawn(pen_path((0, 0), (20, 0)), pen=fixed_pen(width_mm=0.5, darkness=0.6))
    middle = light[:, 80:160]
    assert (1 - middle).sum(axis=0) == pytest.approx(np.full(80, 0.6 * 5.0), rel=0.02)  # 0.5 mm at 10 px/mm
    assert middle.min() == pytest.approx(0.4, abs=1e-3)
    assert light[:10].min() == 1


@pytest.mark.parametrize(("width_mm", "px_per_mm"), [(0.5, 20.0), (0.3, 10.0), (0.2, 7.3)])
def test_antialiasing_keeps_the_area_of_a_slanted_line(width_mm, px_per_mm):
    light = drawn(pen_path((0, 0), (8, 3.1)), px_per_mm, (200, 320), fixed_pen(width_mm=width_mm, darkness=0.9))
    length, wide = math.hypot(8, 3.1) * px_per_mm, width_mm * px_per_mm
    area = (length * wide + math.pi / 4 * wide**2) * 0.9
    assert (1 - light).sum() == pytest.approx(area, rel=0.04)


def test_ink_is_darker_where_a_line_crosses_itself():
    cross = drawn(pen_path((-5, -3), (5, 3), (5, -3), (-5, 3)), pen=fixed_pen(darkness=0.5))
    assert cross[60, 120] == pytest.approx(0.25, abs=0.02)  # two passes: 0.5 of 0.5
    # and nowhere else, except where the pen turns in a corner
    assert np.median(cross[cross < 0.9]) == pytest.approx(0.5, abs=0.02)


def test_a_second_stroke_over_the_first_is_darker_too():
    twice = drawn(pen_path((-5, -3), (5, 3), None, (5, -3), (-5, 3)), pen=fixed_pen(darkness=0.5))
    assert twice[60, 120] == pytest.approx(0.25, abs=0.02)


def test_a_lifted_pen_leaves_no_ink():
    light = drawn(pen_path((-5, 0), (-2, 0), None, (2, 0), (5, 0)))
    assert light[:, 105:135].min() == 1
    assert light[60, 80] < 0.5


def test_the_compiled_ink_equals_the_plain_python_one():
    samples = pen_path((0, 0), (3, 1), (1, 1.5))
    pen = fixed_pen(grain=0.3, width_pressure=0.4, darkness_speed=0.2)
    plain, touched = np.empty((24, 48), dtype=np.float32), np.empty(4, dtype=np.int64)
    record = np.array([pen]).view(np.recarray)[0]
    draw_ink.py_func(
        samples, len(samples), 8.0, 0.1, record, np.uint32(5), plain, maps_for(plain.shape), touched.copy()
    )
    light = np.empty_like(plain)
    draw_ink(samples, len(samples), 8.0, 0.1, pen, np.uint32(5), light, maps_for(light.shape), touched)
    np.testing.assert_array_equal(np.round(255 * light), np.round(255 * plain))
    assert light.min() < 0.7
    assert ink_bounds(samples, len(samples)) == ink_bounds.py_func(samples, len(samples))
    with np.errstate(over="ignore"):
        assert int(hashed(3, 4, np.uint32(9))) == int(hashed.py_func(3, 4, np.uint32(9)))


def test_the_compiled_blur_equals_the_plain_python_one():
    light = np.random.default_rng(0).random((12, 17)).astype(np.float32)
    compiled, plain, part = light.copy(), light.copy(), np.full_like(light, 7)
    blur(light, 0.6, 0, 12, 0, 17, compiled)
    blur.py_func(light, 0.6, 0, 12, 0, 17, plain)
    blur(light, 0.6, 2, 9, 3, 14, part)
    np.testing.assert_allclose(compiled, plain, atol=1e-6)
    assert compiled.mean() == pytest.approx(light.mean(), abs=0.02)
    assert compiled.std() < light.std()
    np.testing.assert_array_equal(part[2:9, 3:14], compiled[2:9, 3:14])
    assert (part == 7).sum() == 12 * 17 - 7 * 11


def test_resolution_scales_the_inked_area_by_its_square():
    bold = only(Pen(width_mm=Spread("fixed", 0.5)))
    for i in range(5):
        signature = World(7, bold)[i].genuine(0)
        area = {dpi: float((render(signature, dpi=dpi) < 190).sum()) for dpi in (200, 300, 600)}
        assert area[600] / area[300] == pytest.approx(4, rel=0.06)
        assert area[300] / area[200] == pytest.approx(2.25, rel=0.08)


def test_true_size_is_true_to_the_millimetre():
    signature = WORLD[4].genuine(1)
    x = signature.trajectory[signature.trajectory[:, 3] > 0, 0]
    assert render(signature, dpi=300).shape[1] == pytest.approx((np.ptp(x) + 4) * 300 / 25.4, abs=1)
    np.testing.assert_array_equal(render(signature), render(signature, dpi=300))


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_capture_is_dark_ink_on_light_paper(capture):
    for i in range(12):
        image = render(WORLD[i].genuine(2), height=96, width=192, capture=capture)
        assert image.dtype == np.uint8
        assert image.shape == (96, 192)
        assert np.median(image) > (110 if capture == "photo" else 150)  # a photo may lie in the shade
        assert int(image.min()) < np.median(image) - 35
        if capture == "bilevel":
            assert set(np.unique(image)) == {0, 255}
        if capture == "clean":
            assert image[[0, -1]].min() == 255
            assert image[:, [0, -1]].min() == 255


@pytest.mark.parametrize("shape", [(96, 192), (200, 200), (40, 400), (16, 16), (400, 24), (512, 16)])
def test_a_signature_fits_its_canvas_without_being_cut_or_stretched(shape):
    for i in range(6):
        image = render(WORLD[i].genuine(0), height=shape[0], width=shape[1])
        assert image[[0, -1]].min() == 255
        assert image[:, [0, -1]].min() == 255
        assert image.min() < 230


@pytest.mark.parametrize("shape", [(400, 24), (512, 16), (8192, 16)])
def test_a_signature_stands_upright_on_the_narrowest_canvas(shape):
    def ink(image):
        dark = (255 - image).astype(np.float32)
        rows, columns = np.flatnonzero(dark.max(axis=1) > 40), np.flatnonzero(dark.max(axis=0) > 40)
        return cv2.resize(dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], (16, 16)).ravel()

    alike = []
    for i in range(8):
        seen, usual = (ink(render(WORLD[i].genuine(0), height=h, width=w)) for h, w in (shape, (40, 40)))
        alike.append(np.corrcoef(seen, usual)[0, 1] - np.corrcoef(seen, usual[::-1])[0, 1])
    assert np.mean(alike) > 0.1


def test_pen_and_capture_never_move_a_hand():
    other = only(Pen(width_mm=Spread("fixed", 1.2)))
    for i in range(8):
        one, two = World(7)[i].genuine(i), World(7, other)[i].genuine(i)
        np.testing.assert_array_equal(one.trajectory, two.trajectory)
        before = one.trajectory.copy()
        for capture in CAPTURES:
            render(one, height=48, width=96, capture=capture)
        np.testing.assert_array_equal(one.trajectory, before)


def test_pens_and_papers_are_drawn_afresh_for_every_act():
    pens = np.array([equipment(WORLD[0].genuine(act), "mixed")[0]["width_mm"] for act in range(300)])
    others = np.array([equipment(WORLD[i].genuine(0), "mixed")[0]["width_mm"] for i in range(300)])
    assert len(np.unique(pens)) == len(pens)
    # one person's pens vary as much as a crowd's
    assert np.log(pens).std() == pytest.approx(np.log(others).std(), rel=0.15)
    papers = [float(equipment(WORLD[0].genuine(act), "mixed")[1]["paper"]) for act in range(50)]
    assert len(set(papers)) == 50


def test_a_batch_has_one_image_per_act_in_the_oversampled_size():
    acts = [genuine_act(WORLD[i], 0) for i in range(8)]
    images = render_batch(acts, height=48, width=96, capture="mixed")
    assert len(images) == 8
    for act, image in zip(acts, images, strict=True):
        factor = float(equipment(execute(act), "mixed")[1]["oversampling"])
        assert image.shape == (int(48 * factor), int(96 * factor))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ({"height": 0, "width": 100}, "not usable"),
        ({"height": -5, "width": 100}, "not usable"),
        ({"height": 96}, "give both"),
        ({"width": 96}, "give both"),
        ({"height": 100, "width": 10_000}, "not usable"),
        ({"height": 8192, "width": 8192}, "more than 40,000,000 pixels"),
        ({"dpi": 0}, "use a number from 20 to 2400"),
        ({"dpi": -300}, "use a number from 20 to 2400"),
        ({"dpi": 1e9}, "use a number from 20 to 2400"),
        ({"dpi": float("nan")}, "use a number from 20 to 2400"),
        ({"height": 96, "width": 192, "dpi": 300}, "not both"),
        ({"height": float("nan"), "width": 192}, "not usable"),
        ({"capture": "film"}, "unknown capture 'film'; use one of: clean"),
    ],
)
def test_nonsense_is_refused(size, message):
    with pytest.raises(ValueError, match=message):
        render(WORLD[0].genuine(0), **size)


def test_nonsense_is_refused_in_batches_too():
    with pytest.raises(ValueError, match="unknown capture"):
        render_batch([genuine_act(WORLD[0], 0)], height=48, width=96, capture="film")


def test_what_render_needs_is_a_signature():
    assert isinstance(WORLD[0].genuine(0), Signature)
    with pytest.raises(AttributeError):
        render(WORLD[0].genuine(0).trajectory)
