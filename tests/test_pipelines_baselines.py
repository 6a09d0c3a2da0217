import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.baselines import hog_features, pixel_features

FEATURES = pytest.mark.parametrize("features", [pixel_features, hog_features])


def strokes(seed, shape=(120, 240)):
    """An ink image of a few thick lines, a stand-in for a signature."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / np.array(shape)[:, None, None]
    ink = np.zeros(shape)
    for slope, height, wave in rng.uniform([-1, 0.2, 3], [1, 0.8, 12], (4, 3)):
        line = height + slope * (x - 0.5) / 3 + 0.1 * np.sin(wave * x * 6)
        ink = np.maximum(ink, np.clip(1 - np.abs(y - line) / 0.03, 0, 1))
    return ink


@FEATURES
def test_rows_have_length_one_whatever_the_size_of_the_image(features):
    rows = features([strokes(0), strokes(1, (40, 300)), strokes(2, (300, 90)).astype(np.float32)])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows.dtype == np.float32
    assert rows.shape == (3, {pixel_features: 1152, hog_features: 3780}[features])


@FEATURES
def test_the_same_drawing_is_closer_than_another_one(features):
    rows = features([strokes(0), strokes(0, (200, 400)), strokes(1)])
    assert rows[0] @ rows[1] > 0.95
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


@FEATURES
def test_one_image_alone_has_the_features_it_has_among_others(features):
    images = np.stack([strokes(seed) for seed in range(3)])
    np.testing.assert_array_equal(features(images)[1:2], features(images[1:2]))


@FEATURES
def test_a_blank_image_has_no_direction(features):
    np.testing.assert_array_equal(features(np.zeros((1, 50, 70))), 0)


@given(st.floats(0.1, 1), st.floats(0, 0.5))
def test_pixel_features_ignore_contrast_and_background_level(contrast, level):
    plain, changed = pixel_features([strokes(0), np.clip(strokes(0) * contrast * (1 - level) + level, 0, 1)])
    np.testing.assert_allclose(plain, changed, atol=1e-4)


@FEATURES
def test_unfit_images_are_refused(features):
    with pytest.raises(ValueError, match="need at least one image"):
        features([])
    with pytest.raises(ValueError, match=r"image 1: need shape \(height, width\), got \(4, 4, 3\)"):
        features([np.zeros((4, 4)), np.zeros((4, 4, 3))])
    with pytest.raises(ValueError, match=r"image 0: need ink from 0 \(paper\) to 1, got 0 to 255"):
        features([np.array([[0.0, 255.0]])])
    with pytest.raises(ValueError, match="image 0: need ink"):
        features([np.array([[0.0, np.nan]])])
