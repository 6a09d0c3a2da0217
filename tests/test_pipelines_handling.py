"""Laws of what happens to pictures: repeatable, label-blind, and each does what its name says and no more."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.augment import RECIPES, albumentations
from pipelines.drawing import draw_pictures
from pipelines.handling import HANDLING, Grey, coarse, cut_off, dusty, faded, lined, paper_of, stretched, thresholded
from pipelines.preprocess import preprocess
from pipelines.shift_pictures import handled
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
def test_paper_without_ink_stays_so_but_for_lines_and_dust(name: str) -> None:
    paper = np.full((40, 80), 230, np.uint8)
    made = HANDLING[name](paper, rng(0))
    assert made is not paper
    assert (len(np.unique(made)) > 1) == (name in ("printed line", "dust"))


@given(signer=st.integers(0, 2**40), seed=SEEDS)
def test_lines_and_dust_only_darken(signer: int, seed: int) -> None:
    image = scan(signer)
    assert (lined(image, rng(seed)) <= image).all()
    assert (dusty(image, rng(seed)) <= image).all()
    np.testing.assert_array_equal(dusty(image, rng(seed), count=(0, 0)), image)


@given(seed=SEEDS, n=st.integers(1, 6), radius=st.floats(0.5, 4.0))
def test_specks_are_as_many_and_as_large_as_asked(seed: int, n: int, radius: float) -> None:
    paper = np.full((200, 300), 240, np.uint8)
    changed = 240 - dusty(paper, rng(seed), count=(n, n), radius=(radius, radius)).astype(np.int64)
    pieces = cv2.connectedComponents((changed > 0).view(np.uint8), connectivity=8)[0] - 1
    assert 1 <= pieces <= n  # some may meet
    largest = n * np.pi * (radius + 1.0) ** 2 + 4.0 * n
    assert 0.1 < (changed / 240.0).sum() < largest


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
    np.testing.assert_array_equal(pale[image == paper], image[image == paper])
    np.testing.assert_array_equal(faded(image, rng(seed), most=0.0), image)
    assert pale[ink].astype(int).sum() > image[ink].astype(int).sum()


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


@pytest.mark.parametrize("name", HANDLING)
def test_an_act_is_handled_by_its_own_key_whoever_else_is_drawn(name: str) -> None:
    genuine, forgery = acts()
    one, two = handled([genuine, forgery], name, seed=5, recipe="default")
    (alone,) = handled([forgery], name, seed=5, recipe="default")
    np.testing.assert_array_equal(two, alone)
    (other,) = handled([forgery], name, seed=6, recipe="default")
    alike = two.shape == other.shape and bool((two == other).all())
    assert alike == (name == "untouched")
    assert one.shape != two.shape or (one != two).any()


def test_a_recipe_that_needs_true_size_gets_it() -> None:
    small, large = (handled(acts()[:1], "dust", seed=5, recipe=name)[0] for name in ("default", "signet_canvas"))
    assert large.shape[0] == pytest.approx(2 * small.shape[0], rel=0.05)


def test_captures_have_their_own_resolution_and_training_s_the_canvas_s() -> None:
    size = {"height": 48, "width": 96}
    (usual,) = draw_pictures(acts()[:1], **size, capture="mixed")
    assert usual.shape[1] <= 1.4 * 96 + 2
    (fax,) = draw_pictures(acts()[:1], **size, capture="fax")
    np.testing.assert_array_equal(fax, render(WORLD[3].genuine(0), capture="fax"))
    (scanned,) = draw_pictures(acts()[:1], **size, capture="scan", recipe="signet_canvas")
    np.testing.assert_array_equal(scanned, render(WORLD[3].genuine(0), dpi=600, capture="scan"))


# --- as augmentation


def transforms() -> dict[str, Any]:
    albumentations()
    from pipelines import augment_marks as marks

    return {
        "Dust": marks.Dust((2, 5), (0.01, 0.03), p=1.0),
        "PrintedLine": marks.PrintedLine((0.01, 0.03), p=1.0),
        "CutOff": marks.CutOff((0.05, 0.1), p=1.0),
    }


@pytest.mark.parametrize("name", ["Dust", "PrintedLine", "CutOff"])
@pytest.mark.parametrize("signer", [3, 17, 40])
def test_every_mark_changes_a_picture_and_all_channels_at_the_same_places(name: str, signer: int) -> None:
    one, image = transforms()[name], scan(signer)
    assert (one.apply(image, seed=5) != image).any()
    pale = (100 + image // 3).astype(np.uint8)  # another paper, and hardly any ink
    coloured = np.stack([image, pale, image], axis=2)
    made = one.apply(coloured, seed=5)
    assert made.shape == coloured.shape
    np.testing.assert_array_equal(made[..., 0], made[..., 2])
    if name == "CutOff":
        np.testing.assert_array_equal(made[..., 1], 100 + made[..., 0] // 3)


def test_a_picture_with_a_line_is_cut_off_in_its_ink() -> None:
    """The other way round, the line's ends would be what is cut off."""
    looks = [type(each).__name__ for each in RECIPES["marks"].look(albumentations())]
    assert looks.index("CutOff") < looks.index("PrintedLine")
