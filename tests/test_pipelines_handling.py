"""Laws of what happens to pictures: repeatable, label-blind, and each does what its name says and no more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.handling import HANDLING, Grey, coarse, cut_off, dusty, faded, lined, paper_of, stretched, thresholded
from pipelines.preprocess import preprocess
from pipelines.shift_pictures import captured, handled
from synth import World, render
from synth.acts import Act, genuine_act
from synth.forgery import forgery_act

WORLD = World(23)
SEEDS = st.integers(0, 2**32)


def scan(index: int) -> Grey:
    return render(WORLD[index].genuine(0), dpi=150, capture="scan")


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def ink_box(image: NDArray[np.uint8], paper: int) -> tuple[int, int]:
    ink = image < paper - 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return int(rows[-1] - rows[0] + 1), int(columns[-1] - columns[0] + 1)


@pytest.mark.parametrize("name", HANDLING)
@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_a_picture_is_handled_alike_by_the_same_numbers_and_stays_readable(name: str, signer: int, seed: int) -> None:
    image = scan(signer)
    before = image.copy()
    first, again = (HANDLING[name](image, rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(image, before)
    assert first.dtype == np.uint8
    assert (preprocess(np.ascontiguousarray(first), height=48, width=96) < 128).any()


@pytest.mark.parametrize("name", HANDLING)
def test_paper_without_ink_can_be_handled(name: str) -> None:
    paper = np.full((40, 80), 230, np.uint8)
    assert HANDLING[name](paper, rng(0)).ndim == 2


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_lines_and_dust_only_darken_and_dust_only_in_places(signer: int, seed: int) -> None:
    image = scan(signer)
    assert (lined(image, rng(seed)) <= image).all()
    specks = dusty(image, rng(seed), count=(3, 6), radius=(1.0, 2.0))
    assert (specks <= image).all()
    assert (specks != image).sum() <= 6 * 7 * 7
    np.testing.assert_array_equal(dusty(image, rng(seed), count=(0, 0)), image)


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_a_line_goes_from_side_to_side_of_the_lower_half(signer: int, seed: int) -> None:
    paper = np.full((100, 300), 240, np.uint8)
    rows, columns = np.nonzero(lined(paper, rng(seed), thick=(2.0, 4.0)) < 200)
    assert set(columns) == set(range(300))
    assert rows.min() > 40
    assert np.median(rows) >= 48


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_fading_lightens_ink_and_leaves_paper(signer: int, seed: int) -> None:
    image = scan(signer)
    pale, paper = faded(image, rng(seed)), paper_of(image)
    ink = image < paper
    assert (pale[ink] >= image[ink]).all()
    assert pale[ink].max() <= paper
    np.testing.assert_array_equal(faded(image, rng(seed), most=0.0), image)


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_a_tight_crop_loses_its_share_at_one_side_and_moves_the_rest(signer: int, seed: int) -> None:
    image = scan(signer)
    paper = paper_of(image)
    cut = cut_off(image, rng(seed), share=(0.04, 0.1))
    assert cut.shape == image.shape
    (tall, wide), (h, w) = ink_box(image, paper), ink_box(cut, paper)
    assert (h <= tall) & (w <= wide)
    assert min(h / tall, w / wide) <= 0.96 + 1.0 / min(tall, wide)
    assert (cut < paper - 60).sum() <= (image < paper - 60).sum()


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_sizes_and_levels_are_what_they_say(signer: int, seed: int) -> None:
    image = scan(signer)
    height, width = image.shape
    h, w = stretched(image, rng(seed)).shape
    assert h == height
    assert 0.9 * width - 1 <= w <= 1.106 * width + 1
    h, w = coarse(image, rng(seed)).shape
    assert 0.25 * height - 1 <= h <= 0.375 * height + 1
    assert w / width == pytest.approx(h / height, abs=1.5 / min(h, w))
    assert set(np.unique(thresholded(image, rng(seed)))) <= {0, 255}


# --- acts of a shifted world


def acts() -> list[Act]:
    return [genuine_act(WORLD[3], 0), forgery_act(WORLD[3], by=WORLD[9], kind="freehand", skill=0.6, act=0)]


class Canvas:
    height, width, recipe = 48, 96, "default"


@pytest.mark.parametrize("name", HANDLING)
def test_an_act_is_handled_by_its_own_key_whoever_else_is_drawn(name: str) -> None:
    genuine, forgery = acts()
    one, two = handled([genuine, forgery], name, 5)
    (alone,) = handled([forgery], name, 5)
    np.testing.assert_array_equal(two, alone)
    (other,) = handled([forgery], name, 6)
    assert two.shape != other.shape or (two != other).any()
    assert one.shape != two.shape or (one != two).any()


def test_captures_have_their_own_resolution_and_training_s_the_canvas_s() -> None:
    (usual,) = captured(acts()[:1], "mixed", Canvas())  # type: ignore[arg-type]
    assert usual.shape[1] <= 1.4 * 96 + 2
    (fax,) = captured(acts()[:1], "fax", Canvas())  # type: ignore[arg-type]
    assert fax.shape == render(WORLD[3].genuine(0), dpi=204, capture="fax").shape
