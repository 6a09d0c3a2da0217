"""Laws of the kernels of preprocessing: they do what OpenCV's functions do, and all together what the steps do."""

import math
import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines import pixels
from pipelines.handling import lined
from pipelines.preprocess import BlankImage, preprocess, preprocess_all
from pipelines.recipes import DEFAULT
from pipelines.steps_canvas import fit
from pipelines.steps_marks import without_specks
from pipelines.steps_paper import level_paper
from synth import World, render

Grey = NDArray[np.uint8]
WORLD = World(31)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed: int, height: int, width: int, capture: str = "mixed") -> Grey:
    return render(WORLD[seed].genuine(0), height=height, width=width, capture=capture)


def speckled(seed: int, height: int, width: int, share: float) -> Grey:
    """A mask of pieces of every size."""
    rng = np.random.default_rng(seed)
    pieces = cv2.GaussianBlur(rng.random((height, width)).astype(np.float32), (0, 0), 0.5 + rng.random())
    return (pieces > np.quantile(pieces, 1.0 - share)).view(np.uint8)


CAPTURES = st.sampled_from(["clean", "mixed", "photo", "fax"])


@given(SEEDS, st.integers(24, 260), st.integers(24, 400), CAPTURES, st.booleans())
@settings(max_examples=80)
def test_all_steps_in_one_kernel_give_the_bytes_of_one_after_the_other(
    seed: int, height: int, width: int, capture: str, printed: bool
) -> None:
    image = drawn(seed, height, width, capture)
    if printed:
        image = lined(image, np.random.default_rng(seed))
    try:
        expected = DEFAULT.by_steps(image, 48, 96)
    except BlankImage:  # a photograph of a few pixels
        with pytest.raises(BlankImage, match="no ink"):
            preprocess(image, height=48, width=96)
    else:
        np.testing.assert_array_equal(preprocess(image, height=48, width=96), expected)


def test_many_pictures_of_several_sizes_come_out_as_each_alone() -> None:
    images = [drawn(i, 30 + 40 * i, 300 - 30 * i) for i in range(6)] + [np.tile(drawn(9, 300, 900), (1, 2))]
    found = preprocess_all(images, height=64, width=128)
    for image, canvas in zip(images, found, strict=True):
        np.testing.assert_array_equal(canvas, preprocess(image, height=64, width=128))
    assert preprocess_all([], height=64, width=128).shape == (0, 64, 128)
    with pytest.raises(BlankImage, match="no ink"):
        preprocess_all([images[0], np.full((40, 80), 200, np.uint8)], height=64, width=128)


@given(SEEDS, st.integers(24, 200), st.integers(24, 200))
@settings(max_examples=40)
def test_paper_is_levelled_as_opencv_would(seed: int, height: int, width: int) -> None:
    picture = drawn(seed, height, width, "photo")
    image = pixels.bordered(picture)
    small = cv2.resize(image, (image.shape[1] // 4, image.shape[0] // 4), interpolation=cv2.INTER_AREA)
    side = max(5, min(small.shape) // 3) | 1
    beyond = cv2.copyMakeBorder(small, side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))[side:-side, side:-side]
    smooth = cv2.blur(closed.astype(np.float32), (5, 5), borderType=cv2.BORDER_REPLICATE)
    paper = cv2.resize(np.maximum(smooth, 1.0), image.shape[::-1], interpolation=cv2.INTER_LINEAR)
    expected = 255.0 - np.minimum(255.0, 255.0 * image / paper)
    inside = tuple(slice(pixels.BORDER, pixels.BORDER + side) for side in picture.shape)
    assert np.abs(level_paper(picture) - expected[inside]).max() <= 2.0  # a mean of 16 pixels is rounded once or twice


@given(SEEDS, st.integers(1, 60), st.integers(1, 60), st.floats(0.0, 1.0), st.booleans())
def test_what_may_cross_a_picture_is_found_by_trying_all_rows(
    seed: int, height: int, width: int, share: float, level: bool
) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((height, width)) < 0.3 * share).view(np.uint8)
    mask[:3] &= np.uint8(not level)
    if level:
        mask[rng.integers(height)] = 1
    cut_out = bool(mask[:3].any() and mask[-3:].any())

    def runs(columns: Grey) -> list[float]:
        ink = np.flatnonzero(np.diff(np.r_[0, columns.any(axis=1), 0]))
        return [0.5 * (a + b - 1) for a, b in zip(ink[::2], ink[1::2], strict=True)]

    def covered(first: float, last: float) -> int:
        at = [round(first + (last - first) * c / max(width - 1, 1)) for c in range(width)]
        return sum(bool(mask[max(r - 3, 0) : max(r + 4, 0), c].any()) for c, r in enumerate(at))

    expected = []
    for first in [] if cut_out else runs(mask[:, :2]):
        ends = [last for last in runs(mask[:, -2:]) if abs(last - first) <= 0.035 * (width - 1)]
        best = max(ends, key=lambda last: covered(first, last), default=None)
        if best is not None and covered(first, best) >= 0.9 * width:
            expected.append((first, best))
    expected = expected if len(expected) <= 16 else []
    np.testing.assert_array_equal(pixels.crossings(mask), np.array(expected).reshape(-1, 2))


@given(SEEDS, st.integers(2, 60), st.integers(2, 60), st.floats(0.0, 1.0))
def test_pixels_around_are_counted(seed: int, height: int, width: int, share: float) -> None:
    mask, counts = speckled(seed, height, width, share), np.empty((height, width), np.uint8)
    pixels.counts_into(mask, counts)
    expected = cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(counts, expected)


def kept_by_components(mask: Grey) -> Grey:
    """What is no dust, by OpenCV's components and distances."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    full = cv2.boxFilter(mask, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT) == 9
    line = 2.0 * int(mask.sum()) / max(int(mask.sum()) - int(full.sum()), 1)
    smallest = max(3, math.ceil(max(4e-5 * mask.size, 2e-4 * int(mask.sum()), line * line)))
    area, left, top = stats[:, cv2.CC_STAT_AREA], stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    wide, high = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    keep = area >= smallest
    even = np.maximum(wide, high) < 1.8 * np.minimum(wide, high)
    marks = (area >= 3) & (area < max(smallest, math.ceil(4.0 * line * line))) & even & (area > 0.6 * (wide * high))
    keep[0] = marks[0] = False
    others = (keep & ~marks)[labels]
    if marks.sum() >= 2 and others.any():
        rows, columns = np.nonzero(others)
        reach = max(4.0 * line, 0.15 * (np.ptp(rows) + 1))
        y, x = (top + 0.5 * (high - 1))[marks], (left + 0.5 * (wide - 1))[marks]
        nearest = [((rows - a) ** 2 + (columns - b) ** 2).min() for a, b in zip(y, x, strict=True)]
        far, box = np.array(nearest) > reach * reach, wide * high
        if far.sum() >= 2:
            keep &= ~(marks & (box <= 1.5 * box[marks][far].max()))
    return keep.astype(np.uint8)[labels]


@given(SEEDS, st.integers(2, 700), st.integers(2, 700), st.floats(0.001, 0.6), st.integers(0, 30))
@settings(max_examples=60)
def test_specks_are_components_that_are_too_small_or_round_and_far_off(
    seed: int, height: int, width: int, share: float, dots: int
) -> None:
    mask, rng = speckled(seed, height, width, share), np.random.default_rng(seed)
    mask[:, width // 2 :] &= np.uint8(dots == 0)  # room for dust
    for _ in range(dots):
        place = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(mask, place, int(rng.integers(1, 5)), 1, cv2.FILLED)
    before = mask.copy()
    left, counts = without_specks(mask)
    np.testing.assert_array_equal(left, kept_by_components(mask))
    expected = cv2.boxFilter(left, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(mask, before)


def test_dust_is_left_out_and_the_dots_of_letters_stay() -> None:
    page = np.zeros((200, 500), np.uint8)
    cv2.polylines(page, [np.array([(40, 150), (120, 60), (200, 150), (280, 60)])], False, 1, 5)
    for x in (120, 280):
        cv2.circle(page, (x, 40), 4, 1, cv2.FILLED)  # dots, near the strokes below them
    np.testing.assert_array_equal(without_specks(page)[0], page)
    lonely = page.copy()
    cv2.circle(lonely, (450, 180), 4, 1, cv2.FILLED)  # one alone may be a full stop
    np.testing.assert_array_equal(without_specks(lonely)[0], lonely)
    dusty = lonely.copy()
    cv2.circle(dusty, (400, 30), 4, 1, cv2.FILLED)
    left = without_specks(dusty)[0]
    assert not left[:, 350:].any()
    assert left[100:, :300].sum() == page[100:, :300].sum()
    fine = page.copy()
    fine[180:182, 450:452] = fine[30:32, 400:402] = 1  # dust finer than any dot tells nothing about dots
    np.testing.assert_array_equal(without_specks(fine)[0], page)


@given(SEEDS, st.integers(1, 300), st.integers(1, 300), st.integers(16, 128), st.integers(16, 256))
@settings(max_examples=100)
def test_ink_is_fitted_as_opencv_would(seed: int, h: int, w: int, height: int, width: int) -> None:
    ink = np.random.default_rng(seed).integers(0, 256, (h, w), dtype=np.uint8)
    scale = min((height - 4) / h, (width - 4) / w)
    new_h, new_w = max(1, min(round(h * scale), height)), max(1, min(round(w * scale), width))
    how = cv2.INTER_AREA if scale < 0.65 and new_h <= h and new_w <= w else cv2.INTER_LINEAR
    resized = cv2.resize(ink.astype(np.float32), (new_w, new_h), interpolation=how)
    canvas = fit(ink, height, width)
    top, left = (height - new_h) // 2, (width - new_w) // 2
    assert np.abs(255.0 - canvas[top : top + new_h, left : left + new_w] - resized).max() < 1.01
    outside = np.ones(canvas.shape, bool)
    outside[top : top + new_h, left : left + new_w] = False
    assert (canvas[outside] == 255).all()


@given(SEEDS, st.integers(1, 40), st.integers(1, 40), st.floats(0.01, 1.0))
def test_the_box_of_a_mask_is_the_smallest(seed: int, height: int, width: int, share: float) -> None:
    mask = (np.random.default_rng(seed).random((height, width)) < share).view(np.uint8)
    mask[height // 2, width // 2] = 1
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    assert pixels.box_of(mask) == (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)


def test_what_is_compiled_beside_is_all_that_preprocessing_needs() -> None:
    code = (
        "from pipelines.demo import compile_without_a_pen; from pipelines.pixels import default_canvases\n"
        "from pipelines.drawing import draw_images; from synth import World; from synth.acts import genuine_act\n"
        "compile_without_a_pen(); before = len(default_canvases.signatures)\n"
        "draw_images([genuine_act(World(0)[0], 0)], height=32, width=64)\n"
        "print(before, len(default_canvases.signatures))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["1", "1"]
