"""Laws of the recipes of preprocessing, of their steps, and of the trace that shows them."""

import itertools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.handling import lined
from pipelines.perturb import perturb
from pipelines.preprocess import BlankImage, preprocess
from pipelines.recipes import RECIPES, SIGNET_CANVAS, find_recipe, recorded_recipe
from pipelines.steps_canvas import kept_inside
from pipelines.steps_marks import crossing_lines, page_turn_deg, ruled_lines, turned, without_lines
from pipelines.steps_paper import sauvola
from pipelines.trace import trace, trace_sheet
from synth import World, render

Grey = NDArray[np.uint8]
ROOT = Path(__file__).parents[1]
HEIGHT, WIDTH = 96, 192
FITTED = [name for name in RECIPES if name != "signet_canvas"]
WORLD = World(99)
POINT = st.tuples(st.integers(30, 470), st.integers(30, 200))
STROKES = st.lists(st.lists(POINT, min_size=2, max_size=4), min_size=1, max_size=5)


def canvas_of(image: Grey, recipe: str) -> Grey:
    return preprocess(image, height=HEIGHT, width=WIDTH, recipe=recipe)


def written(strokes: list[list[tuple[int, int]]], thickness: int = 4, ink: int = 40) -> Grey:
    """A page of 230 x 500 with these strokes, and one long bent one, so that there is a box."""
    image = np.full((230, 500), 238, np.uint8)
    for stroke in [[(30, 190), (150, 30), (300, 200), (470, 40)], *strokes]:
        cv2.polylines(image, [np.array(stroke, np.int32)], False, ink, thickness, cv2.LINE_AA)
    return image


@pytest.mark.parametrize("recipe", RECIPES)
@given(STROKES)
@settings(max_examples=12)
def test_a_recipe_repeats_itself_and_leaves_its_image_alone(recipe: str, strokes: list[list[tuple[int, int]]]) -> None:
    image = written(strokes)
    before = image.copy()
    canvas = canvas_of(image, recipe)
    assert canvas.shape == (HEIGHT, WIDTH)
    assert canvas.dtype == np.uint8
    np.testing.assert_array_equal(canvas, canvas_of(image, recipe))
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("recipe", FITTED)
@given(STROKES, st.integers(3, 6), st.integers(20, 150))
@settings(max_examples=25)
def test_no_stroke_is_lost(recipe: str, strokes: list[list[tuple[int, int]]], thickness: int, ink: int) -> None:
    """Every point of every stroke that is more than a dot is dark where the fitted box of the ink puts it."""
    assume(all(np.ptp(stroke, axis=0).max() > 2 * thickness for stroke in strokes))
    image = written(strokes, thickness, ink)
    darkest = cv2.erode(canvas_of(image, recipe), np.ones((5, 5), np.uint8))
    x, y, w, h = cv2.boundingRect((image < 200).view(np.uint8))
    scale = min((HEIGHT - 4) / h, (WIDTH - 4) / w)
    for stroke in strokes:
        for a, b in itertools.pairwise(stroke):
            for share in np.linspace(0, 1, 9):
                column = (a[0] + share * (b[0] - a[0]) - x - w / 2) * scale + WIDTH / 2
                row = (a[1] + share * (b[1] - a[1]) - y - h / 2) * scale + HEIGHT / 2
                place = (min(max(round(row), 0), HEIGHT - 1), min(max(round(column), 0), WIDTH - 1))
                assert darkest[place] < 190, (stroke, place)


@pytest.mark.parametrize("recipe", RECIPES)
@given(*[st.integers(0, 60)] * 4)
@settings(max_examples=15)
def test_where_the_ink_lies_on_its_page_does_not_matter(
    recipe: str, top: int, bottom: int, left: int, right: int
) -> None:
    image = written([])
    padded = np.pad(image, ((top, bottom), (left, right)), constant_values=238)
    change = np.abs(canvas_of(image, recipe).astype(float) - canvas_of(padded, recipe))
    assert change.mean() < 2.0


@pytest.mark.parametrize("recipe", FITTED)
def test_preprocessing_a_canvas_again_changes_it_little(recipe: str) -> None:
    found = []
    for index in range(12):
        once = canvas_of(render(WORLD[index].genuine(0), dpi=200), recipe)
        found.append(np.corrcoef(once.ravel(), canvas_of(once, recipe).ravel())[0, 1])
    assert np.median(found) > (0.9 if recipe == "bilevel" else 0.95)  # grey edges become ink once more


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_page_is_an_error_with_its_reason(recipe: str, value: int) -> None:
    with pytest.raises(BlankImage, match="no ink stands out from the paper"):
        canvas_of(np.full((80, 160), value, np.uint8), recipe)
    with pytest.raises(BlankImage, match=rf"found at step '.+' of recipe '{recipe}'"):
        trace(np.full((80, 160), value, np.uint8), recipe=recipe)


@pytest.mark.parametrize("recipe", RECIPES)
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_faint_noise_is_no_ink(recipe: str, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(244, 252, (70, 150)).astype(np.uint8)
    with pytest.raises(BlankImage, match="no ink"):
        canvas_of(noise, recipe)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("paper", ["blank", "ruled"])
def test_a_trace_ends_in_the_canvas_and_makes_a_sheet(recipe: str, paper: str) -> None:
    image = render(WORLD[3].genuine(0), dpi=150, capture="photo", paper=paper)
    stages = trace(image, height=HEIGHT, width=WIDTH, recipe=recipe)
    np.testing.assert_array_equal(stages[0].picture, image)
    np.testing.assert_array_equal(stages[-1].picture, canvas_of(image, recipe))
    assert [stage.step for stage in stages[1:]] == [step.name for step in find_recipe(recipe).steps]
    assert all(stage.picture.dtype == np.uint8 and "{" not in stage.caption for stage in stages)
    sheet = trace_sheet(stages)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] > 3 * 400


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("capture", ["clean", "scan", "photo", "fax", "bilevel", "jpeg"])
def test_every_capture_of_an_act_gives_nearly_the_clean_canvas(recipe: str, capture: str) -> None:
    found = []
    for index in range(8):
        signature = WORLD[index].genuine(1)
        size = {"dpi": 150.0}
        a = canvas_of(render(signature, capture=capture, **size), recipe)  # type: ignore[arg-type]
        b = canvas_of(render(signature, capture="clean", **size), recipe)  # type: ignore[arg-type]
        a, b = (cv2.GaussianBlur(c, (0, 0), 1.5) for c in (a, b))
        found.append(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert np.median(found) > 0.7


@pytest.mark.parametrize("recipe", [name for name in RECIPES if name != "default"])
def test_an_image_in_colour_is_its_luma(recipe: str) -> None:
    colour = render(WORLD[1].genuine(0), dpi=150, capture="photo", colour=True)
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(canvas_of(colour, recipe), canvas_of(grey, recipe))
    with pytest.raises(ValueError, match="expected a grey or RGB uint8 image, got shape"):
        canvas_of(colour.astype(np.float32), recipe)  # type: ignore[arg-type]


def test_an_unknown_recipe_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match=r"^unknown recipe 'foto'; did you mean 'photo'\? use one of: default, "):
        canvas_of(written([]), "foto")


def test_recorded_names_find_their_recipe() -> None:
    assert RECIPES["default"].key == "default-8"
    for recipe in RECIPES.values():
        assert recorded_recipe(recipe.key) is recipe
    assert recorded_recipe("default-3") is None
    assert recorded_recipe(None) is None


@pytest.mark.parametrize("window", [15, 31])
def test_sauvolas_threshold_is_the_librarys(window: int) -> None:
    from skimage.filters import threshold_sauvola

    image = render(WORLD[2].genuine(0), dpi=100, capture="photo")
    expected = threshold_sauvola(image, window_size=window, k=0.2, r=128)
    inner = (slice(window, -window), slice(window, -window))  # they differ in what lies beyond the edge
    np.testing.assert_allclose(sauvola(image, window=window)[inner], expected[inner], atol=0.05)


def test_printed_lines_go_and_the_strokes_across_them_stay() -> None:
    writing = (written([]) < 128).view(np.uint8)
    form = writing.copy()
    for row in (60, 120, 180):
        form[row : row + 3] = 1
    lines = ruled_lines(form)
    assert len(lines) == 3
    left = without_lines(form, lines)
    assert left[writing > 0].mean() > 0.95
    assert left[writing == 0].mean() < 0.004
    assert ruled_lines(writing) == []


@given(st.floats(-8, 8))
@settings(max_examples=12)
def test_lines_tell_how_the_page_was_turned(degrees: float) -> None:
    page = np.zeros((400, 700), np.uint8)
    for row in range(60, 400, 90):
        page[row : row + 3] = 1
    middle = turned(page, degrees, smooth=False)[100:-100, 100:-100]
    assert page_turn_deg(ruled_lines(np.ascontiguousarray(middle))) == pytest.approx(degrees, abs=0.3)
    assert page_turn_deg([]) == 0.0


@pytest.mark.parametrize("recipe", ["photo", "bilevel"])
def test_blank_paper_has_no_lines_and_a_form_loses_them(recipe: str) -> None:
    kept = []
    for index in range(12):
        signature = WORLD[index].genuine(2)
        stages = {s.step: s.picture for s in trace(render(signature, dpi=150), recipe=recipe)}
        before = stages["Sauvola" if recipe == "photo" else "gaps"]
        np.testing.assert_array_equal(stages["lines"], before)
        form = {s.step: s.picture for s in trace(render(signature, dpi=150, paper="boxed"), recipe=recipe)}
        kept.append((form["lines"] < 128).mean() / (before < 128).mean())
    assert 0.8 < np.median(kept) < 1.3


def test_a_single_straight_flourish_stays() -> None:
    image = written([])
    image[205:209, 40:460] = 40
    for recipe in ("photo", "bilevel"):
        rows = np.flatnonzero((canvas_of(image, recipe) < 200).mean(axis=1) > 0.8)
        assert len(rows), recipe


@pytest.mark.parametrize("row", [100, 130, 205])
@pytest.mark.parametrize("slope", [-0.02, 0.0, 0.01])
def test_a_line_from_edge_to_edge_goes_and_a_flourish_or_a_bent_one_stays(row: int, slope: float) -> None:
    rows = np.rint(row + slope * (np.arange(500) - 250)).astype(int)
    for bend, first, gone in ((0.0, 0, True), (3.0, 0, False), (0.0, 4, False)):
        image = written([])
        bent = rows + np.rint(bend * np.sin(np.linspace(0, np.pi, 500))).astype(int)
        for column in range(first, 500):
            image[bent[column] : bent[column] + 3, column] = 60
        similar = np.corrcoef(canvas_of(image, "default").ravel(), canvas_of(written([]), "default").ravel())[0, 1]
        assert bool(similar > 0.9) is gone, (bend, first, similar)


def test_lines_are_taken_out_of_scans_and_nothing_out_of_signatures_with_paper_round_them() -> None:
    kept, found = [], 0
    for index in range(40):
        scan = render(WORLD[index].genuine(0), dpi=300, capture="scan")
        page = lined(scan, np.random.default_rng(index))
        stages = {s.step: s.picture for s in trace(scan, recipe="default")}
        np.testing.assert_array_equal(stages["lines"], stages["mask"])
        left = {s.step: s.picture for s in trace(page, recipe="default")}
        found += int((left["lines"] != left["mask"]).any())
        kept.append((left["lines"] < 128).mean() / (stages["mask"] < 128).mean())
    assert found >= 36
    assert 0.9 < np.median(kept) < 1.1


@pytest.mark.parametrize("above", [0, 8])
def test_a_signature_cut_out_to_its_ink_loses_no_flourish(above: int) -> None:
    image = written([])
    image[150:153] = 40  # from side to side of the writing, which goes from row 28 to 202
    lines = {s.step: s.picture for s in trace(image[28 - above : 203], recipe="default")}
    assert (lines["lines"] == lines["mask"]).all() == (above == 0)


def test_a_line_that_is_all_there_is_stays() -> None:
    image = np.full((60, 200), 240, np.uint8)
    image[30:33] = 40
    assert (canvas_of(image, "default") < 128).any()


@pytest.mark.parametrize("row", [10, 30])
def test_a_line_stays_where_only_a_speck_is_beside_it(row: int) -> None:
    image = np.full((60, 200), 240, np.uint8)
    image[30:33] = 40
    image[row : row + 1, 100] = 40
    assert (canvas_of(image, "default") < 128).mean() < 0.2  # a speck alone would fill it


def test_more_lines_than_a_form_has_are_none() -> None:
    page = np.zeros((800, 800), np.uint8)
    page[8::8] = 1
    assert crossing_lines(page) == []
    page[:] = 0
    page[100::100] = 1
    assert len(crossing_lines(page)) == 7


def test_a_dead_level_line_has_no_slope() -> None:
    page = np.zeros((60, 200), np.uint8)
    page[29:32] = 1
    assert [line.slope for line in ruled_lines(page)] == pytest.approx([0.0], abs=1e-12)


def test_signets_canvas_has_the_centre_of_mass_in_its_middle_and_true_size() -> None:
    image = written([])
    canvas = preprocess(image, height=238, width=340, recipe="signet_canvas")  # a quarter of 952 x 1360
    ink = (255 - canvas).astype(float) > 60
    rows, columns = np.nonzero(ink)
    assert rows.mean() == pytest.approx(119, abs=1.5)
    assert columns.mean() == pytest.approx(170, abs=1.5)
    assert np.ptp(columns) == pytest.approx(444 / 4, abs=3)
    assert (canvas[0] == 255).all()


def test_what_is_larger_than_signets_canvas_is_shrunk_and_not_cut() -> None:
    image = cv2.resize(written([]), (3000, 1380), interpolation=cv2.INTER_LINEAR)
    assert image.shape[1] > SIGNET_CANVAS[1]
    canvas = preprocess(image, height=238, width=340, recipe="signet_canvas")
    box = cv2.boundingRect((canvas < 128).view(np.uint8))
    assert box[2] > 330
    assert box[3] / box[2] == pytest.approx(174 / 444, abs=0.03)


@given(st.integers(0, 2**31), st.integers(1, 50), STROKES)
@settings(max_examples=20)
def test_a_perturbed_copy_is_repeatable_alike_for_all_and_near_its_canvas(
    seed: int, copy: int, strokes: list[list[tuple[int, int]]]
) -> None:
    canvases = np.stack([canvas_of(written(strokes), "default"), canvas_of(written([]), "default")])
    copies = perturb(canvases, copy=copy, seed=seed)
    np.testing.assert_array_equal(copies, perturb(canvases, copy=copy, seed=seed))
    np.testing.assert_array_equal(copies[1], perturb(canvases[1:], copy=copy, seed=seed)[0])
    assert copies.shape == canvases.shape
    assert (copies != canvases).any()
    ink = [(255.0 - c).sum() for c in (canvases[0], copies[0])]
    assert ink[1] == pytest.approx(ink[0], rel=0.15)
    a, b = (cv2.GaussianBlur(c, (0, 0), 2.0).ravel() for c in (canvases[0], copies[0]))
    assert np.corrcoef(a, b)[0, 1] > 0.6
    np.testing.assert_array_equal(perturb(canvases, copy=0, seed=seed), canvases)


def test_copies_differ_and_bad_numbers_are_refused() -> None:
    canvases = canvas_of(written([]), "default")[None]
    assert len({perturb(canvases, copy=k, seed=s).tobytes() for k in range(4) for s in range(2)}) == 7
    with pytest.raises(ValueError, match="copy is -1 and seed 0; use 0 or above"):
        perturb(canvases, copy=-1)


@given(st.integers(0, 99), st.integers(0, 179))
def test_what_is_kept_inside_loses_no_ink(top: int, left: int) -> None:
    large = np.full((120, 240), 255, np.uint8)
    large[top : top + 20, left : left + 60] = 0
    kept = kept_inside(large, 96, 192)
    box = cv2.boundingRect((kept < 128).view(np.uint8))
    assert box[3] / box[2] == pytest.approx(20 / 60, abs=0.04)
    if 12 <= top <= 88 and 24 <= left <= 156:
        np.testing.assert_array_equal(kept, large[12:-12, 24:-24])


def test_the_verb_writes_a_sheet_and_wants_to_know_where_an_image_comes_from(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipelines", "steps", "--out", str(tmp_path / "s.png"), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    done = run("--recipe", "bilevel", "--capture", "fax")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s.png").read_bytes()[:4] == b"\x89PNG"
    (tmp_path / "mine").mkdir()
    cv2.imwrite(str(tmp_path / "mine" / "a.png"), written([]))
    refused = run("--image", str(tmp_path / "mine" / "a.png"))
    assert refused.returncode == 2
    assert "has no provenance.toml, so its images are not read" in refused.stderr
    unknown = run("--recipe", "foto")
    assert unknown.returncode == 2
    assert "unknown recipe 'foto'" in unknown.stderr
