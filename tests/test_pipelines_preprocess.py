"""Laws of preprocessing: the ink stays, the paper goes, and nothing else of an image matters.

Inverted images (light ink on dark paper) are not handled here: `pipelines.images` turns files the right way.
"""

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines import handling
from pipelines.preprocess import MARGIN, BlankImage, preprocess, to_ink
from pipelines.steps_marks import near_ink
from pipelines.steps_paper import otsu
from synth import World, render

Grey = NDArray[np.uint8]
HEIGHT, WIDTH = 96, 192
WORLD = World(99)
SIGNERS = st.integers(0, 2**40)


def canvas_of(image: Grey) -> Grey:
    return preprocess(image, height=HEIGHT, width=WIDTH)


def signature(index: int, act: int = 0, **how: object) -> Grey:
    return render(WORLD[index].genuine(act), **(how or {"dpi": 300}), capture="clean")


def stroke(height: int = 200, width: int = 400, ink: int = 30, paper: int = 235) -> Grey:
    image = np.full((height, width), paper, np.uint8)
    points = np.array([[0.1, 0.6], [0.3, 0.2], [0.5, 0.8], [0.7, 0.3], [0.9, 0.5]]) * (width, height)
    cv2.polylines(image, [points.astype(np.int32)], False, ink, 5, cv2.LINE_AA)
    return image


def difference(a: Grey, b: Grey) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def correlation(a: Grey, b: Grey) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


@given(SIGNERS, st.integers(32, 128), st.integers(32, 256))
@settings(max_examples=25)
def test_a_canvas_has_the_asked_shape_and_the_same_image_gives_the_same_canvas(
    index: int, height: int, width: int
) -> None:
    image = signature(index)
    before = image.copy()
    canvas = preprocess(image, height=height, width=width)
    assert canvas.shape == (height, width)
    assert canvas.dtype == np.uint8
    np.testing.assert_array_equal(canvas, preprocess(image, height=height, width=width))
    np.testing.assert_array_equal(image, before)


@given(*[st.integers(0, 60)] * 4)
@settings(max_examples=30)
def test_where_a_stroke_lies_on_its_page_does_not_matter(top: int, bottom: int, left: int, right: int) -> None:
    padded = np.pad(stroke(), ((top, bottom), (left, right)), constant_values=235)
    assert difference(canvas_of(stroke()), canvas_of(padded)) < 2.0


def cut_out(image: Grey) -> Grey:
    """The box of the ink, and nothing round it."""
    ink = cv2.boundingRect((image < 200).astype(np.uint8))
    return np.ascontiguousarray(image[ink[1] : ink[1] + ink[3], ink[0] : ink[0] + ink[2]])


def page(image: Grey, border: int, level: int = 255) -> Grey:
    return cv2.copyMakeBorder(image, *[border] * 4, cv2.BORDER_CONSTANT, value=level)


@pytest.mark.parametrize("recipe", ["default", "photo", "bilevel"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_a_signature_cut_out_to_its_ink_is_the_one_with_paper_round_it(recipe: str, scale: float) -> None:
    """Ink that touches the edge of a picture is not drawn further out."""
    found = []
    for index in range(20):
        tight = cv2.resize(cut_out(signature(index)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pair = (preprocess(x, height=HEIGHT, width=WIDTH, recipe=recipe) for x in (tight, page(tight, 40)))
        found.append(correlation(*pair))
    assert np.median(found) > 0.985
    assert np.quantile(found, 0.1) > 0.9


def barred(image: Grey, width: int) -> Grey:
    image[:, :width] = 20
    return image


def framed(image: Grey, width: int) -> Grey:
    return page(image[width:-width, width:-width], width, 0)


def turned_on_black(image: Grey, degrees: int) -> Grey:
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderValue=0)


@pytest.mark.parametrize("recipe", ["default", "photo", "bilevel"])
@pytest.mark.parametrize(
    ("edged", "much"),
    [(barred, 5), (barred, 40), (framed, 6), (framed, 25), (turned_on_black, 2), (turned_on_black, -4)],
)
def test_dark_edges_of_a_scan_are_no_ink(edged: Callable[[Grey, int], Grey], much: int, recipe: str) -> None:
    found = []
    for index in range(12):
        image = page(signature(index), 90)
        plain = image
        if edged is turned_on_black:
            plain = cv2.bitwise_not(turned_on_black(cv2.bitwise_not(image), much))
        pair = (edged(image.copy(), much), plain)
        found.append(correlation(*(preprocess(x, height=HEIGHT, width=WIDTH, recipe=recipe) for x in pair)))
    assert np.median(found) > 0.97
    assert min(found) > 0.9


def test_a_stroke_along_the_edge_of_a_tight_crop_stays() -> None:
    image = cut_out(stroke())
    image[-4:, 30:-30] = 30
    with_paper = canvas_of(page(image, 30, 235))
    assert correlation(canvas_of(image), with_paper) > 0.99
    assert correlation(with_paper, canvas_of(page(cut_out(stroke()), 30, 235))) < 0.95


@given(SIGNERS, st.integers(1, 2), st.integers(20, 70), st.integers(0, 110), st.booleans())
@settings(max_examples=30)
def test_dust_beside_a_signature_does_not_set_its_scale(
    index: int, radius: int, away: int, grey: int, above: bool
) -> None:
    ink = cut_out(signature(index))
    image = page(ink, 100)
    dusty = image.copy()
    at = (100 + ink.shape[1] // 2, 100 - away) if above else (100 + ink.shape[1] + away, 100 + ink.shape[0] // 2)
    cv2.circle(dusty, at, radius, grey, -1)
    if min(ink.shape) < 6 * away:  # else it may be a dot of the signature
        assert difference(canvas_of(image), canvas_of(dusty)) < 1.0


@given(SIGNERS, st.integers(0, 2**32), st.integers(1, 24))
@settings(max_examples=30)
def test_dust_finer_than_the_line_changes_next_to_nothing(index: int, seed: int, count: int) -> None:
    image = render(World(5)[index].genuine(0), dpi=600, capture="clean")
    dusty = handling.dusty(image, np.random.default_rng(seed), count=(count, count), radius=(0.3, 1.0))
    assume((image < 128).sum() > 6000)
    assert difference(canvas_of(image), canvas_of(dusty)) < 1.5


@pytest.mark.parametrize("width", range(3, 12))
def test_a_dot_of_a_pen_stays_and_a_speck_goes(width: int) -> None:
    image = np.full((200, 400), 240, np.uint8)
    cv2.polylines(image, [np.array([[40, 150], [120, 60], [200, 150], [300, 70]])], False, 30, width, cv2.LINE_AA)
    dotted, specked = image.copy(), image.copy()
    cv2.ellipse(dotted, (200, 60), (width, round(0.6 * width)), 30, 0, 360, 30, -1)
    cv2.circle(specked, (200, 60), (width - 1) // 2, 30, -1)  # a tap of the pen goes with the dust
    assert difference(canvas_of(image), canvas_of(dotted)) > 0.1
    assert difference(canvas_of(image), canvas_of(specked)) < 0.01


def test_what_is_far_from_all_else_but_no_dust_belongs_to_the_signature() -> None:
    image = page(stroke(), 100, 235)
    cv2.line(image, (10, 20), (10, 60), 30, 5)
    assert difference(canvas_of(image), canvas_of(page(stroke(), 100, 235))) > 5.0


def test_a_signature_on_a_whole_page_keeps_its_pixels() -> None:
    found = [correlation(canvas_of(image), canvas_of(page(image, 1200))) for image in map(signature, range(12))]
    assert np.median(found) > 0.99
    assert min(found) > 0.95


def test_a_letter_of_a_small_signature_is_no_speck_of_a_large_page() -> None:
    small = np.full((60, 200), 255, np.uint8)
    small[10:50, 20:150] = stroke(40, 130, ink=20, paper=255)
    cv2.circle(small, (175, 30), 6, 20, 2, cv2.LINE_AA)
    found = near_ink(cv2.copyMakeBorder(small, 1200, 1240, 1600, 1700, cv2.BORDER_CONSTANT, value=255))
    assert max(found.shape) < 250
    np.testing.assert_array_equal(canvas_of(found), canvas_of(small))


@pytest.mark.parametrize("border", [0, 300, 600])
def test_pale_ink_on_noisy_paper_is_found_however_much_paper_there_is(border: int) -> None:
    rng, found = np.random.default_rng(0), []
    for index in range(12):
        pale = page((255 - 0.35 * (255.0 - signature(index))).astype(np.uint8), border)
        noisy = np.clip(pale - 20.0 + rng.normal(0, 6, pale.shape), 0, 255).astype(np.uint8)
        found.append(correlation(canvas_of(noisy), canvas_of(pale)))
    assert np.median(found) > 0.95
    for sd in (2, 6, 10):
        with pytest.raises(BlankImage):
            canvas_of(np.clip(235 + rng.normal(0, sd, (300 + border, 600)), 0, 255).astype(np.uint8))


@given(SIGNERS)
@settings(max_examples=20)
def test_an_inverted_picture_is_refused(index: int) -> None:
    with pytest.raises(BlankImage, match="or the picture is inverted"):
        canvas_of(255 - page(signature(index), 20))


def test_padding_changes_drawn_signatures_hardly() -> None:
    changes = []
    for index in range(40):
        image = signature(index)
        padded = np.pad(image, ((13, 40), (55, 7)), constant_values=int(np.median(image)))
        changes.append(difference(canvas_of(image), canvas_of(padded)))
    assert np.median(changes) < 0.1
    assert np.quantile(changes, 0.9) < 1.0


def test_preprocessing_twice_is_about_preprocessing_once() -> None:
    once = [canvas_of(signature(index)) for index in range(40)]
    twice = [canvas_of(canvas) for canvas in once]
    assert np.median([difference(a, b) for a, b in zip(once, twice, strict=True)]) < 5.0
    assert np.median([correlation(a, b) for a, b in zip(once, twice, strict=True)]) > 0.98


@pytest.mark.parametrize(("contrast", "brightness"), [(0.6, 0), (0.5, 60), (0.8, 20)])
def test_tint_and_contrast_of_the_paper_hardly_matter(contrast: float, brightness: int) -> None:
    found = []
    for index in range(30):
        image = signature(index)
        tinted = np.clip(image * contrast + brightness, 0, 255).astype(np.uint8)
        found.append(correlation(canvas_of(image), canvas_of(tinted)))
    assert np.median(found) > 0.99
    assert np.quantile(found, 0.1) > 0.97


@pytest.mark.parametrize("axis", [0, 1])
def test_a_shadow_across_the_paper_is_removed(axis: int) -> None:
    found = []
    for index in range(30):
        image = signature(index)
        shade = np.linspace(0.55, 1.0, image.shape[axis]).reshape((-1, 1) if axis == 0 else (1, -1))
        found.append(correlation(canvas_of(image), canvas_of((image * shade).astype(np.uint8))))
    assert np.median(found) > 0.99
    shaded = (stroke() * np.linspace(0.5, 1.0, 400)).astype(np.uint8)
    canvas = canvas_of(shaded)
    assert (canvas == 255).mean() > 0.7  # no grey veil where the shadow was


@given(st.floats(0, 2 * np.pi), st.floats(0.2, 0.8), st.floats(0.05, 0.5), st.floats(0.5, 0.85))
@settings(max_examples=60)
def test_a_shadow_with_a_soft_edge_leaves_no_ink_wherever_it_lies(
    direction: float, place: float, softness: float, depth: float
) -> None:
    """Also one that covers a corner only, where there is no lighter paper beyond it."""
    image = stroke()
    rows, columns = np.mgrid[0 : image.shape[0], 0 : image.shape[1]] / max(image.shape)
    along = (columns - 0.5) * np.cos(direction) + (rows - 0.25) * np.sin(direction)
    shade = depth + (1.0 - depth) / (1.0 + np.exp(-(along - 0.5 * (place - 0.5)) / (0.2 * softness)))
    assert correlation(canvas_of(image), canvas_of((image * shade).astype(np.uint8))) > 0.97


def test_a_photograph_of_an_act_has_the_ink_of_its_clean_drawing_and_no_more() -> None:
    found = []
    for index in range(40):
        drawn = [
            render(WORLD[index].genuine(0), height=HEIGHT, width=WIDTH, capture=capture)
            for capture in ("clean", "photo")
        ]
        clean, photo = (cv2.GaussianBlur(canvas_of(image), (0, 0), 1.5) for image in drawn)
        found.append(correlation(clean, photo))
    assert np.quantile(found, 0.1) > 0.7


def test_bilevel_images_work() -> None:
    bilevel = np.where(stroke() < 130, 0, 255).astype(np.uint8)
    assert correlation(canvas_of(bilevel), canvas_of(stroke())) > 0.95


def test_drawn_bilevel_signatures_keep_their_shape() -> None:
    found = []
    for index in range(30):
        image = signature(index)
        level, _ = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        found.append(correlation(canvas_of(image), canvas_of(np.where(image <= level, 0, 255).astype(np.uint8))))
    assert np.median(found) > 0.9


def test_no_stroke_is_lost() -> None:
    """A far-away short stroke stays in the picture, and the box of the ink fills the canvas."""
    image = stroke(300, 600)
    image[:, 540:] = 235
    cv2.line(image, (560, 40), (585, 45), 30, 5, cv2.LINE_AA)
    canvas = canvas_of(image)
    rows, columns = np.flatnonzero((canvas < 128).any(1)), np.flatnonzero((canvas < 128).any(0))
    assert (canvas[:, -12:] < 128).any()
    assert columns[0] <= MARGIN + 2
    assert columns[-1] >= WIDTH - MARGIN - 3
    raw = image < 128
    box = np.ix_(np.flatnonzero(raw.any(1)), np.flatnonzero(raw.any(0)))
    cropped = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert (cropped < 128).mean() == pytest.approx(raw[box].mean(), rel=0.35)


def test_drawn_signatures_fill_the_canvas_in_one_direction() -> None:
    for index in range(40):
        ink = canvas_of(signature(index)) < 250
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        assert max(np.ptp(rows) / HEIGHT, np.ptp(columns) / WIDTH) > 0.85


def test_an_act_drawn_small_and_the_same_at_300_dpi_give_like_canvases() -> None:
    found = []
    for index in range(50):
        small, large = signature(index, height=HEIGHT, width=WIDTH), signature(index, dpi=300)
        found.append(correlation(canvas_of(small), canvas_of(large)))
    assert np.median(found) > 0.88
    assert min(found) > 0.4


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_constant_image_is_blank(value: int) -> None:
    with pytest.raises(BlankImage, match="no ink"):
        canvas_of(np.full((80, 160), value, np.uint8))


def test_faint_noise_is_blank() -> None:
    noise = np.random.default_rng(0).integers(245, 250, (80, 160)).astype(np.uint8)
    with pytest.raises(BlankImage, match="no ink"):
        canvas_of(noise)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 80), np.float32),
        np.zeros((40, 80, 3), np.uint8),
        np.zeros((40, 80), np.uint16),
        np.zeros((1, 80), np.uint8),
        np.zeros(80, np.uint8),
    ],
)
def test_anything_but_a_grey_uint8_image_is_refused(image: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="expected a grey uint8 image, got shape"):
        canvas_of(image)  # type: ignore[arg-type]


def test_a_huge_image_takes_no_time() -> None:
    image = stroke(3000, 6000)
    cv2.line(image, (300, 300), (5700, 2700), 30, 30)
    begun = time.thread_time()
    canvas_of(image)
    assert time.thread_time() - begun < 2.0


def test_ink_is_one_and_paper_zero() -> None:
    ink = to_ink(np.array([[[255, 0]]], np.uint8))
    assert ink.dtype == np.float32
    np.testing.assert_array_equal(ink, np.array([[[[0.0], [1.0]]]], np.float32))


def plain_otsu(ink: NDArray[np.uint8]) -> tuple[float, float]:
    """Otsu's cut from his formula, level by level, and the middle of the means of its sides."""
    levels = ink.astype(float).ravel()
    total, between = levels.size, []
    for cut in range(256):
        low, high = levels[levels <= cut], levels[levels > cut]
        weight = low.size * high.size / total**2
        between.append(weight * (low.mean() - high.mean()) ** 2 if weight else 0.0)
    cut = int(np.argmax(np.round(between, 9)))
    low, high = levels[levels <= cut], levels[levels > cut]
    middle = 0.5 * ((low.mean() if low.size else 0.0) + (high.mean() if high.size else 0.0))
    dark = levels[levels > int(middle)]
    return middle, dark.mean() if dark.size else 0.0


@given(
    st.integers(2, 40), st.integers(2, 40), st.integers(0, 255), st.integers(0, 255), st.floats(0, 1), st.integers(0, 9)
)
def test_the_threshold_is_otsus(height: int, width: int, one: int, other: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ink = np.where(rng.random((height, width)) < share, one, other)
    ink = np.clip(ink + rng.integers(-3, 4, ink.shape), 0, 255).astype(np.uint8)
    assert otsu(ink) == pytest.approx(plain_otsu(ink))
    assert otsu(ink[:, ::-1]) == otsu(ink)
