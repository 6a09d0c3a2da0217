"""Laws of the sigma-lognormal movement: the closed form is the integral, arcs land, strokes keep their time."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.kinematics import arc_through, displacement, sinc, timing, trace, travelled_fraction

MU, SIGMA = st.floats(-2.2, -0.8), st.floats(0.12, 0.5)
LENGTH, ANGLE, TURN = st.floats(0.05, 90), st.floats(-math.pi, math.pi), st.floats(-5.5, 5.5)
STROKES = st.lists(st.tuples(LENGTH, st.floats(0, 0.4), MU, SIGMA, ANGLE, TURN), min_size=1, max_size=6)


def table(strokes):
    """A stroke table in order of starting time, each stroke begun some time after the one before."""
    rows = np.array(strokes)
    starts = np.cumsum(rows[:, 1])
    rows[:, 1] = starts - np.exp(rows[:, 2] - 3 * rows[:, 3])
    return rows


def speed(t, onset, mu, sigma):
    """Speed of a stroke of unit length, the lognormal density, written out again from the book."""
    s = np.maximum(t - onset, 1e-300)
    return np.where(
        t > onset, np.exp(-((np.log(s) - mu) ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi) * s), 0
    )


def velocity(t, strokes):
    """Pen velocity, shape (n, 2): every stroke's speed along its turning direction."""
    total = np.zeros((len(t), 2))
    for length, onset, mu, sigma, start, turn in strokes:
        share = np.array([travelled_fraction(x, onset, mu, sigma) for x in t])
        angle = start + turn * share
        total += length * speed(t, onset, mu, sigma)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return total


def traced(strokes, times, x0=0.0, y0=0.0):
    xy = np.empty((len(times), 2))
    trace(strokes, len(strokes), x0, y0, times, xy)
    return xy


@given(LENGTH, MU, SIGMA, ANGLE, TURN)
def test_the_closed_form_of_a_stroke_is_the_integral_of_its_velocity(length, mu, sigma, start, turn):
    # Gauss-Legendre in z = (log t - mu) / sigma, where the speed is a smooth bell
    nodes, weights = np.polynomial.legendre.leggauss(120)
    for z_end in (-1.5, 0.0, 0.7, 4.0):
        z = -9 + (z_end + 9) * 0.5 * (nodes + 1)
        t = np.exp(mu + sigma * z)
        dt = weights * 0.5 * (z_end + 9) * sigma * t
        integral = dt @ velocity(t, [(length, 0.0, mu, sigma, start, turn)])
        share = travelled_fraction(math.exp(mu + sigma * z_end), 0.0, mu, sigma)
        assert displacement(share, length, start, turn) == pytest.approx(tuple(integral), abs=1e-9)


@given(STROKES)
@settings(max_examples=25)
def test_the_traced_pen_is_the_integral_of_the_summed_velocities(strokes):
    rows = table(strokes)
    # Simpson's rule; the positions at the ends of steps are what is compared
    steps = np.linspace(0.0, 4.0, 20_001)
    v = velocity(steps, rows)
    h = steps[1] - steps[0]
    integral = np.cumsum((v[:-2:2] + 4 * v[1:-1:2] + v[2::2]) * h / 3, axis=0)
    xy = traced(rows, steps[::2])
    total = rows[:, 0].sum()
    # the trace treats a stroke as resting outside 4.3 sigma: 1e-5 of its length
    np.testing.assert_allclose(xy[1:] - xy[0], integral, atol=1e-6 + 2.5e-5 * total)


@given(st.floats(-30, 30), st.floats(-30, 30), st.floats(-6.2, 6.2))
def test_an_arc_lands_on_its_target(dx, dy, turn):
    length, start = arc_through(dx, dy, turn)
    assert displacement(1.0, length, start, turn) == pytest.approx((dx, dy), abs=1e-9 * max(1.0, length))
    assert length >= math.hypot(dx, dy) - 1e-12


def test_a_half_circle_is_longer_than_its_chord_by_half_pi():
    length, start = arc_through(2.0, 0.0, math.pi)
    assert length == pytest.approx(math.pi)
    assert start == pytest.approx(-math.pi / 2)
    assert displacement(0.5, length, start, math.pi) == pytest.approx((1.0, -1.0))  # the lowest point


@given(st.floats(-3e-4, 3e-4))
def test_a_nearly_straight_stroke_needs_no_special_case(h):
    assert sinc(h) == pytest.approx(np.sinc(h / math.pi), abs=1e-15)
    assert sinc(h) == sinc.py_func(h)


@given(MU, SIGMA, st.lists(st.floats(-1, 8), min_size=2, max_size=30))
def test_the_travelled_share_rises_from_0_to_1(mu, sigma, times):
    shares = [travelled_fraction(t, 0.3, mu, sigma) for t in sorted(times)]
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares)
    assert travelled_fraction(0.3, 0.3, mu, sigma) == 0
    assert travelled_fraction(0.3 + math.exp(mu), 0.3, mu, sigma) == pytest.approx(0.5)  # the median
    assert travelled_fraction(100.0, 0.3, mu, sigma) == pytest.approx(1)


@given(st.floats(0, 5), st.floats(0.05, 0.9), SIGMA)
def test_a_stroke_starts_and_ends_when_it_should(start, duration, sigma):
    onset, mu = timing(start, duration, sigma)
    tail = 0.5 * math.erfc(3 / math.sqrt(2))  # 3 sigma: 0.135 % of the length
    assert travelled_fraction(start, onset, mu, sigma) == pytest.approx(tail, rel=1e-6)
    assert 1 - travelled_fraction(start + duration, onset, mu, sigma) == pytest.approx(tail, rel=1e-6)


@pytest.mark.parametrize(
    ("mu", "sigma", "delay_ms", "support_ms", "peak_ms", "peak_speed"),
    [(-2.0, 0.12, 94, 100, 133, 24.7), (-1.6, 0.25, 95, 332, 190, 8.2), (-1.0, 0.5, 82, 1567, 287, 2.5)],
)
def test_strokes_have_the_published_timing(mu, sigma, delay_ms, support_ms, peak_ms, peak_speed):
    onset, found = timing(delay_ms / 1000, support_ms / 1000, sigma)
    assert found == pytest.approx(mu, abs=0.01)
    assert onset == pytest.approx(0, abs=0.001)
    t = np.linspace(1e-4, 2, 40_000)
    share = np.array([travelled_fraction(x, 0.0, mu, sigma) for x in t])
    rate = np.diff(share) / np.diff(t)
    middle = 0.5 * (t[1:] + t[:-1])
    assert 1000 * middle[rate.argmax()] == pytest.approx(peak_ms, abs=1)
    assert rate.max() == pytest.approx(peak_speed, abs=0.05)
    assert rate.max() == pytest.approx(math.exp(sigma**2 / 2 - mu) / (sigma * math.sqrt(2 * math.pi)), rel=1e-4)


@given(STROKES, st.floats(-50, 50), st.floats(-50, 50))
def test_the_last_point_is_the_first_plus_all_chords(strokes, x0, y0):
    rows = table(strokes)
    chords = [displacement(1.0, row[0], row[4], row[5]) for row in rows]
    last = traced(rows, np.array([60.0]), x0, y0)[0]
    np.testing.assert_allclose(last, np.array([x0, y0]) + np.sum(chords, axis=0), atol=1e-9)


@given(STROKES)
def test_tracing_many_times_equals_tracing_each_alone(strokes):
    rows, times = table(strokes), np.linspace(-0.5, 4, 37)
    together = traced(rows, times)
    alone = np.concatenate([traced(rows, times[i : i + 1]) for i in range(len(times))])
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_the_compiled_trace_equals_the_plain_python_one():
    rows = table([(3, 0.0, -1.6, 0.25, 0.3, 1.2), (40, 0.1, -1.5, 0.3, -2.0, -2.5), (0.2, 0.1, -1.9, 0.12, 1, 0.0)])
    times = np.linspace(0, 1.5, 60)
    plain = np.empty((len(times), 2))
    trace.py_func(rows, len(rows), 1.0, -2.0, times, plain)
    micrometres = np.round(1000 * traced(rows, times, 1.0, -2.0))
    np.testing.assert_array_equal(micrometres, np.round(1000 * plain))
