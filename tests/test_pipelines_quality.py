"""What can be a signature: drawn ones of every kind can; photographs, textures, printed pages and paper cannot."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality import likeness_of_copies, signature_fault
from synth import CAPTURES, World, forge, render

SIZES = [{"dpi": 300}, {"dpi": 100}, {"height": 96, "width": 192}, {"height": 60, "width": 200}]


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 50), st.sampled_from(sorted(CAPTURES)), st.sampled_from(SIZES))
def test_no_drawn_signature_is_refused(index, act, capture, size):
    assert signature_fault(render(World(9)[index].genuine(act), capture=capture, **size)) == ""


def test_no_forgery_is_refused():
    world = World(9)
    for i in range(10):
        attack = forge(world[i], by=world[i + 1], kind="freehand", skill=0.7, act=i)
        assert signature_fault(render(attack, dpi=200)) == ""


@pytest.mark.parametrize("name", ["camera", "brick", "grass", "gravel", "coins", "moon", "cell"])
def test_a_photograph_is_refused(name):
    assert signature_fault(getattr(skimage.data, name)()).startswith("a photograph: ")


def test_a_page_of_text_is_refused():
    assert "page of text" in signature_fault(np.ascontiguousarray(skimage.data.page()))
    page = np.full((900, 700), 255, np.uint8)
    rng = np.random.default_rng(0)
    for top in range(60, 840, 30):
        for left in range(60, 640, 14):
            page[top : top + rng.integers(8, 14), left : left + rng.integers(3, 10)] = 20
    assert signature_fault(page).startswith("a page of text: ")


@pytest.mark.parametrize("level", [255, 200, 0])
def test_bare_paper_is_blank(level):
    noise = np.random.default_rng(0).integers(0, 4, (200, 400))
    assert signature_fault(np.clip(level - noise, 0, 255).astype(np.uint8)).startswith(("blank", "a photograph"))


def test_something_that_is_no_grey_image_is_a_value_error():
    with pytest.raises(ValueError, match="expected a grey uint8 image"):
        signature_fault(np.zeros((9, 9, 3), np.uint8))


def test_a_canvas_is_like_itself_and_unlike_its_mirror():
    canvas = render(World(1)[0].genuine(0), height=96, width=192, capture="clean")
    assert likeness_of_copies(canvas, canvas) == pytest.approx(1.0)
    assert likeness_of_copies(canvas, canvas[:, ::-1]) < 0.8
    assert likeness_of_copies(np.full((9, 9), 255, np.uint8), np.full((9, 9), 255, np.uint8)) == 0.0
