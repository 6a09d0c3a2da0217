"""Laws of the keyed random numbers: right values, right laws, no order, no collisions."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from synth.config import LAWS, Pen, Spread, WorldConfig, _quantile, draw, law_table
from synth.streams import child_key, normal, normal_quantile, philox, root_key, slot, uniform

WORDS = st.integers(0, 2**64 - 1)
ZERO = np.uint64(0)
GOLDEN_ROOT = [13688564810132206721, 1368844159995450009]
GOLDEN_UNIFORM = 0.8697678640151256


def unsigned(words):
    return [int(word) % 2**64 for word in words]


@given(st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS, WORDS))
@example((0, 0), (0, 0, 0, 0))
@example((2**64 - 1, 2**64 - 1), (2**64 - 1, 2**64 - 1, 2**64 - 1, 2**64 - 1))
def test_philox_is_numpys_philox_one_block_later(key, counter):
    ours = philox(tuple(map(np.uint64, key)), *map(np.uint64, counter))
    # NumPy raises its counter before it makes the first block
    before = (sum(word << (64 * i) for i, word in enumerate(counter)) - 1) % 2**256
    numpys = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=before)
    assert unsigned(ours) == numpys.random_raw(4).tolist()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**64 - 1))
def test_the_compiled_numbers_equal_the_plain_python_ones(seed, index):
    key, name, i = root_key(seed), slot("width"), np.uint64(index)
    with np.errstate(over="ignore"):  # 64-bit products are meant to wrap
        assert unsigned(philox(key, i, ZERO, name, ZERO)) == unsigned(philox.py_func(key, i, ZERO, name, ZERO))
    # signs of an int64 index must not matter: kernels count with signed integers
    signed = np.uint64(index).astype(np.int64)
    assert uniform(key, name, i) == uniform(key, name, signed)


def test_uniform_numbers_are_uniform_and_inside_0_and_1():
    key, name = root_key(0), slot("anything")
    numbers = np.array([uniform(key, name, i) for i in range(20_000)])
    assert 0 < numbers.min() < 0.001
    assert 0.999 < numbers.max() < 1
    assert scipy.stats.kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 3 / math.sqrt(len(numbers))
    # the smallest and largest 53-bit words
    assert 0 < 0.5 * 2.0**-53 < 1
    assert (2**53 - 1 + 0.5) * 2.0**-53 <= 1


def test_normal_numbers_are_normal():
    numbers = np.array([normal(root_key(1), slot("anything"), i) for i in range(20_000)])
    assert scipy.stats.kstest(numbers, "norm").pvalue > 0.01
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1) < 0.02


@given(st.floats(2.0**-54, 1 - 2.0**-53))
@example(2.0**-54)
@example(1 - 2.0**-53)
@example(0.5)
@example(0.075)
@example(0.925)
def test_the_normal_quantile_is_scipys(probability):
    assert normal_quantile(probability) == pytest.approx(scipy.special.ndtri(probability), rel=1e-12, abs=1e-14)
    assert normal_quantile(probability) == pytest.approx(normal_quantile.py_func(probability), rel=1e-14)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
def test_different_parts_have_different_keys(seed, index):
    key = root_key(seed)
    keys = [root_key(seed + 1 if seed < 2**63 - 1 else 0), key]
    keys += [child_key(key, slot(name), i) for name in ("signer", "act") for i in (index, (index + 1) % 2**63)]
    keys.append(child_key(child_key(key, slot("signer"), index), slot("act"), index))
    assert len({(int(a), int(b)) for a, b in keys}) == len(keys)


def test_ten_thousand_neighbouring_children_are_all_different_and_unrelated():
    key = root_key(0)
    keys = np.array([child_key(key, slot("signer"), i) for i in range(10_000)], dtype=np.uint64)
    assert len(np.unique(keys, axis=0)) == len(keys)
    first = np.array([uniform((a, b), slot("x"), 0) for a, b in keys])
    assert scipy.stats.kstest(first, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 3 / math.sqrt(len(first))


def test_a_value_depends_on_its_address_and_on_no_call_before_it():
    key = root_key(3)
    forwards = [uniform(key, slot("a"), i) for i in range(5)]
    backwards = [uniform(key, slot("a"), i) for i in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert len({*forwards, *(uniform(key, slot("b"), i) for i in range(5))}) == 10


def test_numbers_of_one_seed_never_change():
    """A golden value: whoever changes it on purpose raises `_KEYS`, and with it `ENGINE`."""
    assert [int(word) for word in root_key(0)] == GOLDEN_ROOT
    assert uniform(root_key(0), slot("golden"), 7) == GOLDEN_UNIFORM


@given(st.sampled_from(LAWS), st.floats(0.3, 3), st.floats(0.3, 3), st.floats(1e-6, 1 - 1e-6))
def test_every_law_is_the_one_it_says(law, a, b, probability):
    b = b + 1 if law == "lognormal" else a + b if "uniform" in law else b
    drawn = _quantile(np.array([LAWS.index(law), a, b, -np.inf, np.inf]), probability)
    z = scipy.special.ndtri(probability)
    wanted = {
        "fixed": a,
        "uniform": a + (b - a) * probability,
        "loguniform": math.exp(math.log(a) + probability * math.log(b / a)),
        "normal": a + b * z,
        "lognormal": a * math.exp(math.log(b) * z),
        "power": (1 - (1 - probability) ** (1 / b)) ** (1 / a),
    }
    assert drawn == pytest.approx(wanted[law], rel=1e-9, abs=1e-12)


def test_draws_stay_inside_their_clips_and_each_field_has_a_slot_of_its_own():
    pen = Pen()
    keys = np.array([child_key(root_key(0), slot("pen"), i) for i in range(500)], dtype=np.uint64)
    pens = draw(pen, keys)
    assert 0.18 <= pens["width_mm"].min() < pens["width_mm"].max() <= 0.6
    assert len(set(law_table(pen)[1].tolist())) == len(pens.dtype.names)
    wide = Spread("normal", 0.0, 5.0, -1.0, 1.0)
    row = np.array([LAWS.index(wide.law), wide.a, wide.b, wide.low, wide.high])
    assert [_quantile(row, p) for p in (0.001, 0.5, 0.999)] == [-1.0, pytest.approx(0.0), 1.0]


def test_seed_0_and_the_largest_seed_are_seeds():
    assert root_key(0) != root_key(1)
    assert root_key(2**63 - 1) != root_key(0)
    assert root_key(np.int64(5)) == root_key(5)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "7", None, True, np.float64(3)])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="use an integer from 0 to 2\\*\\*63 - 1"):
        root_key(seed)


def test_laws_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="unknown law 'gamma'; use one of: fixed"):
        Spread("gamma", 1.0)
    with pytest.raises(ValueError, match="low at most high"):
        Spread("normal", 0.0, 1.0, 2.0, 1.0)
    with pytest.raises(ValueError, match="must not be negative"):
        Spread("normal", 0.0, -1.0)
    with pytest.raises(ValueError, match="must be above 0"):
        Spread("loguniform", 0.0, 1.0)
    with pytest.raises(ValueError, match="must be finite"):
        Spread("uniform", 0.0, math.nan)


def test_worlds_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="unknown profile 'runes'; use one of: latin_cursive"):
        WorldConfig(profiles=(("runes", 1.0),))
    with pytest.raises(ValueError, match="weights must be above 0"):
        WorldConfig(profiles=(("initials", 0.0),))
    with pytest.raises(ValueError, match="at least one profile"):
        WorldConfig(profiles=())
    with pytest.raises(ValueError, match="version 2 is unknown"):
        WorldConfig(version=2)
