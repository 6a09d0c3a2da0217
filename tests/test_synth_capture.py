"""Laws of paper and capture: the same act is the same image, masks agree with it, and preprocessing finds the ink."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.preprocess import preprocess
from synth import CAPTURES, World, forge, ground_truth, render, render_batch
from synth.acts import genuine_act
from synth.capture import digitise
from synth.config import Capture, record_type
from synth.paper import PAPERS, fibres, ink_chroma, to_rgb
from synth.render import equipment

WORLD = World(11)
HOW = st.sampled_from(list(CAPTURES)), st.sampled_from(PAPERS)


def canvas(image):
    return 255.0 - preprocess(image, height=96, width=192).astype(float)


def cosine(a, b):
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@given(st.integers(0, 2**40), *HOW, st.booleans())
@settings(max_examples=25)
def test_a_page_is_the_same_twice_and_leaves_the_movement_alone(index, capture, paper, colour):
    signature = WORLD[index].genuine(0)
    before = signature.trajectory.copy()
    image = render(signature, dpi=150, capture=capture, paper=paper, colour=colour)
    again = render(WORLD[index].genuine(0), dpi=150, capture=capture, paper=paper, colour=colour)
    np.testing.assert_array_equal(image, again)
    np.testing.assert_array_equal(signature.trajectory, before)
    assert image.dtype == np.uint8
    assert image.ndim == (3 if colour else 2)


@given(st.integers(0, 2**40), *HOW)
@settings(max_examples=25)
def test_the_grey_image_is_the_luma_of_the_coloured_one(index, capture, paper):
    signature = WORLD[index].genuine(1)
    grey = render(signature, dpi=150, capture=capture, paper=paper)
    colour = render(signature, dpi=150, capture=capture, paper=paper, colour=True)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert np.abs(luma - grey).max() <= 1.0


@pytest.mark.parametrize("capture", CAPTURES)
def test_every_capture_of_an_act_preprocesses_to_nearly_the_clean_canvas(capture):
    found = []
    for index in range(30):
        signature = WORLD[index].genuine(2)
        clean = canvas(render(signature, dpi=300))
        found.append(cosine(clean, canvas(render(signature, dpi=300, capture=capture))))
    # a photo is taken from an angle, and a shadow at its edge may stay behind as ink and shift the rest
    assert np.median(found) > (0.75 if capture == "photo" else 0.9)
    assert np.quantile(found, 0.1) > (0.2 if capture == "photo" else 0.75)


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_batch_and_one_image_alone_are_the_same(capture):
    acts = [genuine_act(WORLD[i], 3) for i in range(4)]
    batch = render_batch(acts, height=64, width=160, capture=capture)
    for act, image in zip(acts, batch, strict=True):
        signature = act.claimed.genuine(3)
        height, width = image.shape
        if float(equipment(signature, capture)[1]["oversampling"]) == 1.0:
            np.testing.assert_array_equal(image, render(signature, height=64, width=160, capture=capture))
        np.testing.assert_array_equal(image, render(signature, height=height, width=width, capture=capture))


@pytest.mark.parametrize("capture", ["clean", "scan", "photo"])
def test_the_masks_lie_where_the_ink_and_the_print_are(capture):
    for index in range(6):
        signature = WORLD[index].genuine(0)
        truth = ground_truth(signature, dpi=200, capture=capture, paper="boxed")
        bare = render(signature, dpi=200, capture=capture).astype(float)
        form = render(signature, dpi=200, capture=capture, paper="boxed").astype(float)
        assert truth.ink.shape == truth.form.shape == truth.order.shape == bare.shape
        assert bare[truth.ink].mean() < bare[~truth.ink].mean() - 25
        changed = bare - form > 30
        assert changed.any()
        near = scipy.ndimage.binary_dilation(truth.form, iterations=2)  # a camera blurs
        assert near[changed].mean() > 0.9
        np.testing.assert_array_equal(truth.order > 0, truth.ink)
        down = signature.trajectory[:, 3] > 0
        assert 1 <= truth.order.max() <= (down[1:] & ~down[:-1]).sum()
    assert not ground_truth(signature, dpi=200, capture=capture).form.any()


def test_image_and_movement_of_an_act_agree():
    for index in range(8):
        signature = WORLD[index].genuine(0)
        ink = ground_truth(signature, dpi=300).ink
        x, y, _, p = signature.trajectory.T
        down = (p > 0) & np.r_[False, p[:-1] > 0]
        left, bottom, right, top = x[p > 0].min(), y[p > 0].min(), x[p > 0].max(), y[p > 0].max()
        scale = 300 / 25.4
        columns = ink.shape[1] / 2 + scale * (x[down] - (left + right) / 2)
        rows = ink.shape[0] / 2 - scale * (y[down] - (bottom + top) / 2)
        assert ink[rows.astype(int), columns.astype(int)].mean() > 0.9


def test_what_is_on_a_page_does_not_depend_on_who_signs():
    """The same act key gives the same equipment: a forgery's comes from the forger's act, by the same laws."""
    papers = {"genuine": [], "forged": []}
    for index in range(400):
        papers["genuine"].append(equipment(WORLD[index].genuine(0), "photo")[1].item())
        forged = forge(WORLD[index], by=WORLD[index + 500], kind="freehand", skill=0.7, act=0)
        papers["forged"].append(equipment(forged, "photo")[1].item())
    genuine, forged = (np.array(papers[kind]) for kind in papers)
    spread = np.sqrt((genuine.var(axis=0) + forged.var(axis=0)) / 400) + 1e-12
    assert (np.abs(genuine.mean(axis=0) - forged.mean(axis=0)) / spread).max() < 4


def test_inks_are_mostly_black_and_blue():
    blue = np.array([ink_chroma(WORLD[0].genuine(act).act.key)[0] for act in range(300)])
    assert 0.3 < (blue > 40).mean() < 0.65
    assert 0.3 < (np.abs(blue) < 6).mean() < 0.65


def test_colour_never_costs_luma():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for blue, red in ((90.0, -40.0), (-60.0, 120.0)):
        rgb = to_rgb(grey, np.full((16, 16), blue, np.float32), np.full((16, 16), red, np.float32))
        assert np.abs(rgb @ np.array([0.299, 0.587, 0.114]) - grey).max() <= 1.0
        assert rgb[8, 8].max() > rgb[8, 8].min()


def test_fibres_are_as_rough_as_they_say():
    for px_per_mm in (5.0, 12.0, 24.0):
        rough = fibres(300, 700, px_per_mm, WORLD[0].key)
        assert rough.std() == pytest.approx(0.75, abs=0.4)
        assert abs(rough.mean()) < 0.3


def test_without_a_size_the_capture_sets_the_resolution():
    sizes = {render(WORLD[3].genuine(act), capture="scan").shape[1] for act in range(12)}
    assert len(sizes) > 6
    page = render(WORLD[3].genuine(0))
    assert page.shape == render(WORLD[3].genuine(0), dpi=300).shape


def test_a_whole_box_at_600_dpi_works():
    image = render(WORLD[5].genuine(0), dpi=600, capture="photo", paper="stamped", colour=True)
    assert image.shape[2] == 3
    assert image.shape[:2] == ground_truth(WORLD[5].genuine(0), dpi=600, capture="photo").ink.shape


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"paper": "vellum"}, "unknown paper 'vellum'; use one of: blank"),
        ({"capture": "film"}, "unknown capture 'film'; use one of: clean"),
    ],
)
def test_what_no_page_is_made_of_is_refused(how, message):
    for call in (render, ground_truth):
        with pytest.raises(ValueError, match=message):
            call(WORLD[0].genuine(0), **how)


@pytest.mark.parametrize("width", [300, 8192, 8193, 24_000])
def test_noise_is_alike_from_side_to_side_of_a_page_of_any_width(width):
    """A table of noise that ends before the row does would go on with whatever lies behind it in memory."""
    capture = np.zeros(1, dtype=record_type(Capture))[0]
    capture["paper"], capture["noise"] = 200.0, 6.0
    image = np.empty((60, width), dtype=np.uint8)
    digitise(np.ones(image.shape, np.float32), np.array([0, 60, 0, width]), capture, False, 0.8, np.uint32(5), image)
    spread = image[:, -100:].std(axis=1)
    assert image.mean() == pytest.approx(200.0, abs=0.5)
    assert spread.min() > 4.0
    assert spread.max() < 8.5
