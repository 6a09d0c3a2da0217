"""Laws of augmentation: a sample's result is its own, its label stays, no ink is lost, and it costs no network."""

import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.augment import RECIPES, augmented, look, shape
from pipelines.augment_sheet import augment_sheet
from pipelines.baselines import hog_features
from pipelines.batches import draw_batch
from pipelines.config import RunConfig
from pipelines.drawing import draw_pictures
from pipelines.grouping import plan_signers
from pipelines.preprocess import BlankImage, preprocess
from pipelines.settings import BatchSettings
from pipelines.sources import WorldSource
from synth import World, forge, render
from synth.acts import genuine_act

Grey = NDArray[np.uint8]
ROOT = Path(__file__).parents[1]
WORLD = World(41)
SETTINGS = BatchSettings(signers=3, genuine=2, forgeries=2)
SIZE = {"height": 64, "width": 128}
SHAPED = [name for name in RECIPES if name != "marks"]


def canvas_of(image: Grey) -> Grey:
    return preprocess(image, height=96, width=192)


def picture(index: int = 0, act: int = 0) -> Grey:
    return render(WORLD[index].genuine(act), height=96, width=192, capture="scan")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_sample_is_augmented_alike_in_any_order_and_thread(recipe: str) -> None:
    image, canvas = picture(), canvas_of(picture())
    before = image.copy()

    def work(sample: int) -> bytes:
        seen = look(image, recipe=recipe, seed=3, epoch=1, sample=sample)
        bent = shape(canvas, recipe=recipe, seed=3, epoch=1, sample=sample)
        assert seen.shape == image.shape
        assert bent.shape == canvas.shape
        return seen.tobytes() + bent.tobytes()

    forwards = [work(n) for n in range(12)]
    assert [work(n) for n in reversed(range(12))][::-1] == forwards
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(12))) == forwards
    assert len(set(forwards)) > (3 if recipe == "marks" else 11)  # each mark is seldom
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("recipe", SHAPED)
def test_seed_and_epoch_matter_too(recipe: str) -> None:
    canvas = canvas_of(picture())
    made = {shape(canvas, recipe=recipe, seed=s, epoch=e, sample=0).tobytes() for s in range(3) for e in range(3)}
    assert len(made) == 9


def test_effects_are_drawn_apart_and_not_all_or_none() -> None:
    """With one seed for every transform, each picture would get all of the common effects together, or none."""
    image = np.full((64, 128), 200, np.uint8)
    image[30:34, 10:110] = 60
    noisy = brighter = both = 0
    for sample in range(200):
        seen = look(image, recipe="light", seed=0, epoch=0, sample=sample)
        noise = len(np.unique(seen[:20])) > 1
        level = abs(float(np.median(seen[:20])) - 200) > 1.5
        noisy, brighter, both = noisy + noise, brighter + level, both + (noise and level)
    assert 0.25 < noisy / 200 < 0.55
    assert 0.4 < brighter / 200 < 0.8
    assert both / 200 == pytest.approx(noisy * brighter / 200**2, abs=0.08)


@pytest.mark.parametrize("recipe", RECIPES)
@given(st.integers(0, 2**40), st.integers(0, 2**31), st.integers(0, 1000))
@settings(max_examples=15)
def test_no_ink_is_lost_by_a_shape(recipe: str, signer: int, seed: int, sample: int) -> None:
    canvas = canvas_of(render(WORLD[signer].genuine(0), height=96, width=192))
    bent = shape(canvas, recipe=recipe, seed=seed, epoch=0, sample=sample)
    w, h = cv2.boundingRect((canvas < 200).view(np.uint8))[2:]
    wide, tall = cv2.boundingRect((bent < 200).view(np.uint8))[2:]
    shrunk = ((wide * tall) / (w * h)) ** 0.5
    before, after = (255.0 - canvas).sum(), (255.0 - bent).sum()
    assert after > 0.7 * before * min(shrunk, 1.0)
    assert max(wide / 192, tall / 96) > 0.6


def distances(recipe: str, signers: int = 24) -> tuple[float, float, float]:
    """Median HOG distance from a genuine signature to another one, to that one augmented, and to a forgery."""
    found = []
    for i in range(signers):
        reference, genuine = picture(i, 0), picture(i, 4)
        forgery = render(
            forge(WORLD[i], by=WORLD[10_000 + i], kind="freehand", skill=0.6, act=0),
            height=96, width=192, capture="scan",
        )  # fmt: skip
        first, other, forged = (
            augmented([a, b], [i, i], canvas_of, recipe=recipe, seed=1, epoch=i)
            for a, b in ((reference, genuine), (genuine, reference), (reference, forgery))
        )
        plain = [canvas_of(reference), canvas_of(genuine)]
        features = hog_features([(255.0 - c) / 255.0 for c in (*plain, *first, *other, forged[1])])
        found.append([1 - features[0] @ features[1], 1 - features[2] @ features[3], 1 - features[2] @ features[6]])
    own, changed, forged_distance = np.median(found, axis=0)
    return float(own), float(changed), float(forged_distance)


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_augmented_genuine_signature_stays_closer_to_its_signer_than_a_forgery(recipe: str) -> None:
    own, changed, forged = distances(recipe)
    assert own < forged
    assert changed < forged
    if recipe in ("light", "standard"):
        assert changed - own < 0.6 * (forged - own)


def test_marks_leave_the_shape_of_a_canvas() -> None:
    canvas = canvas_of(picture())
    np.testing.assert_array_equal(shape(canvas, recipe="marks", seed=0, epoch=0, sample=3), canvas)


@pytest.mark.parametrize("recipe", SHAPED)
def test_wide_shapes_are_alike_within_a_group_and_narrow_ones_apart(recipe: str) -> None:
    canvas = canvas_of(picture())
    same = augmented([picture()] * 3, [5, 5, 6], lambda image: canvas, recipe=recipe, seed=0, epoch=0)
    assert np.array_equal(same[0], same[1]) == RECIPES[recipe].alike
    assert not np.array_equal(same[0], same[2])


@pytest.mark.parametrize("recipe", RECIPES)
def test_drawn_batches_survive_every_recipe_and_none_is_as_before(recipe: str) -> None:
    signers = range(100)
    plain = draw_batch(WORLD, signers, SETTINGS, 3, **SIZE)  # type: ignore[arg-type]
    none = draw_batch(WORLD, signers, SETTINGS, 3, augment="none", **SIZE)  # type: ignore[arg-type]
    np.testing.assert_array_equal(plain.images, none.images)
    for number in range(4):
        batch = draw_batch(WORLD, signers, SETTINGS, number, augment=recipe, **SIZE)  # type: ignore[arg-type]
        again = draw_batch(WORLD, signers, SETTINGS, number, augment=recipe, **SIZE)  # type: ignore[arg-type]
        np.testing.assert_array_equal(batch.images, again.images)
        assert batch.images.shape == (12, 64, 128)
        assert ((batch.images < 128).mean(axis=(1, 2)) > 0.003).all()
    assert (draw_batch(WORLD, signers, SETTINGS, 3, augment=recipe, **SIZE).images != plain.images).any()  # type: ignore[arg-type]


def test_a_look_without_ink_falls_back_to_the_picture() -> None:
    asked = []

    def prepare(image: Grey) -> Grey:
        asked.append(image)
        if len(asked) == 1:
            raise BlankImage("no ink stands out from the paper")
        return canvas_of(image)

    (made,) = augmented([picture()], [0], prepare, recipe="light", seed=0, epoch=0)
    np.testing.assert_array_equal(asked[1], picture())
    assert (made < 128).any()


@pytest.mark.parametrize("recipe", RECIPES)
def test_pictures_in_colour_keep_their_channels(recipe: str) -> None:
    colour = render(WORLD[2].genuine(0), dpi=100, capture="photo", colour=True)
    for sample in range(6):
        seen = look(colour, recipe=recipe, seed=0, epoch=0, sample=sample)
        assert seen.shape == colour.shape
        assert seen.dtype == np.uint8


def test_the_stream_is_augmented_alike_whatever_the_threads(micro_config: RunConfig) -> None:
    from pipelines.inputs import training_stream

    train = dataclasses.replace(micro_config.train, augment="strong", preprocessing="bilevel")
    config = dataclasses.replace(micro_config, train=train)
    one, two = (list(training_stream(config, 0, 3, threads=n).as_numpy_iterator()) for n in (1, 2))
    for (a, labels), (b, others) in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(labels, others)
    plain = list(training_stream(micro_config, 0, 3, threads=2).as_numpy_iterator())
    assert all((a[0] != b[0]).any() for a, b in zip(one, plain, strict=True))
    np.testing.assert_array_equal([labels for _, labels in one], [labels for _, labels in plain])


def test_signets_recipe_draws_at_true_size() -> None:
    acts = plan_signers(WorldSource(WORLD, range(50)), SETTINGS, 0).items
    (image,) = draw_pictures(acts[:1], height=64, width=128, recipe="signet_canvas")
    assert image.shape[1] > 300
    (image,) = draw_pictures(acts[:1], height=64, width=128, recipe="photo")
    assert image.shape[1] <= 300


def test_the_largest_signature_there_was_can_be_drawn_at_true_size() -> None:
    act = genuine_act(World(11)[14999], 0)  # 422 x 285 mm before signatures were kept to the room people have
    (image,) = draw_pictures([act], height=64, width=128, recipe="signet_canvas")
    assert image.size < 20_000_000


@pytest.mark.parametrize(
    ("image", "recipe", "match"),
    [
        (np.zeros((40, 80), np.uint8), "lite", r"^unknown augmentation 'lite'; did you mean 'light'\? use one of: "),
        (np.zeros((40, 80), np.float32), "light", "expected a uint8 image of 8 x 8 or more, got shape"),
        (np.zeros((4, 80), np.uint8), "light", "expected a uint8 image of 8 x 8 or more, got shape"),
    ],
)
def test_bad_input_is_refused_in_one_line(image: Grey, recipe: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        look(image, recipe=recipe, seed=0, epoch=0, sample=0)


def test_a_sheet_shows_every_version() -> None:
    sheet = augment_sheet("strong", signers=1, samples=2)
    assert sheet.shape[0] > 3 * 100
    assert sheet.shape[1] > 6 * 210
    with pytest.raises(ValueError, match="0 signers with 3 versions make no sheet"):
        augment_sheet("strong", signers=0)


_ALONE = """
import socket
def refuse(*a, **k): raise RuntimeError("asked the network")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import numpy as np
from pipelines.augment import look
import sys
assert "albumentations" not in sys.modules
look(np.full((32, 64), 200, np.uint8), recipe="light", seed=0, epoch=0, sample=0)
assert "albumentations" in sys.modules
"""


def test_the_library_is_imported_late_and_asks_nobody() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", _ALONE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
