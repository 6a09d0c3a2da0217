"""Laws of the verifier on a tiny untrained network: what it takes, what it says, what it refuses."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from pipelines.calibration import fit_calibrator
from pipelines.config import RunConfig
from pipelines.evaluate import embed_part, freeze
from pipelines.preprocess import BlankImage
from pipelines.sampling import draw_in_chunks, evaluation_acts
from pipelines.verifier import NOTICE, Verifier
from synth import World, render

Images = list[NDArray[np.uint8]]


@pytest.fixture(scope="session")
def bare() -> Verifier:
    network = models.build("resnet_small", image_shape=(64, 128, 1), embedding_dim=16, seed=1)
    return Verifier(network, height=64, width=128)


@pytest.fixture(scope="session")
def calibrated(bare: Verifier, micro_config: RunConfig) -> Verifier:
    drawn = evaluation_acts(World(5), range(6), micro_config.evaluation, micro_config.batch)
    canvases = draw_in_chunks(drawn.acts, height=64, width=128)
    frozen = freeze(embed_part(bare, drawn.signatures, canvases, drawn.on_grid), micro_config)
    again = fit_calibrator(frozen.trials.select(kind="genuine"), frozen.trials.select(kind="skilled"))
    assert again.to_dict() == frozen.calibrator.to_dict()
    return Verifier(bare.model, height=64, width=128, threshold=frozen.threshold, calibrator=frozen.calibrator)


@pytest.fixture(scope="session")
def images() -> Images:
    sizes: list[dict[str, float]] = [
        {"height": 60, "width": 200},
        {"dpi": 300},
        {"dpi": 90},
        {"height": 300, "width": 300},
    ]
    return [render(World(5)[i].genuine(0), **sizes[i % 4]) for i in range(8)]  # type: ignore[arg-type]


def test_any_sizes_embed_to_unit_vectors(bare: Verifier, images: Images) -> None:
    vectors = bare.embed(images)
    assert vectors.shape == (8, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)


def test_embeddings_do_not_depend_on_order_or_company(bare: Verifier, images: Images) -> None:
    together = bare.embed(images)
    np.testing.assert_allclose(bare.embed(images[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_allclose(bare.embed(images[3:4])[0], together[3], atol=1e-5)
    canvases = bare.prepare(images)
    np.testing.assert_allclose(bare.embed_canvases(canvases, batch=3), together, atol=1e-5)


def test_scores_are_a_symmetric_matrix_of_cosines(bare: Verifier, images: Images) -> None:
    scores = bare.score_matrix(images[:3], images[3:])
    assert scores.shape == (3, 5)
    assert np.abs(scores).max() <= 1.0 + 1e-5
    np.testing.assert_allclose(bare.score_matrix(images[3:], images[:3]), scores.T, atol=1e-5)
    np.testing.assert_allclose(np.diag(bare.score_matrix(images, images)), 1.0, atol=1e-4)


def test_decisions_agree_with_threshold_and_band(calibrated: Verifier, images: Images) -> None:
    decisions = calibrated.decide(images[:2], images[2:])
    best = calibrated.score_matrix(images[:2], images[2:]).max(axis=0)
    np.testing.assert_allclose([d.score for d in decisions], best, atol=1e-5)
    calibrator = calibrated.calibrator
    assert calibrator is not None
    at = float(calibrator.log10_lr(calibrated.threshold))
    for score in (*best, calibrated.threshold, -1.0, 1.0):
        decision = calibrated._decision(float(score), calibrator)
        assert decision.verdict in ("accept", "reject", "inconclusive")
        assert decision.log10_lr == pytest.approx(float(calibrator.log10_lr(score)))
        assert NOTICE in decision.quality
        if abs(decision.log10_lr - at) < calibrated.band:
            assert decision.verdict == "inconclusive"
        else:
            assert decision.verdict == ("accept" if score >= calibrated.threshold else "reject")
    with pytest.raises(dataclasses.FrozenInstanceError):
        decisions[0].verdict = "accept"  # type: ignore[misc]


def test_a_wide_band_is_inconclusive_and_none_decides_everything(calibrated: Verifier, images: Images) -> None:
    def verdicts(band: float) -> set[str]:
        other = Verifier(
            calibrated.model,
            height=64,
            width=128,
            threshold=calibrated.threshold,
            calibrator=calibrated.calibrator,
            band=band,
        )
        return {d.verdict for d in other.decide(images[:1], images[1:])}

    assert verdicts(1e9) == {"inconclusive"}
    assert "inconclusive" not in verdicts(0.0)


def test_missing_images_are_refused(calibrated: Verifier, images: Images) -> None:
    for references, questioned in (([], images), (images, [])):
        with pytest.raises(ValueError, match="no image was given"):
            calibrated.decide(references, questioned)
    with pytest.raises(ValueError, match="no image was given"):
        calibrated.embed([])


def test_blank_and_wrong_images_are_refused(calibrated: Verifier, images: Images) -> None:
    with pytest.raises(BlankImage, match="no ink"):
        calibrated.decide(images[:1], [np.full((50, 90), 255, np.uint8)])
    with pytest.raises(ValueError, match="grey uint8"):
        calibrated.embed([np.zeros((50, 90, 3), np.uint8)])


def test_without_calibration_there_is_no_decision(bare: Verifier, images: Images) -> None:
    with pytest.raises(ValueError, match="no threshold yet; evaluate its run first"):
        bare.decide(images[:1], images[1:])


def test_nothing_searches_a_crowd() -> None:
    public = {name for name in dir(Verifier) if not name.startswith("_")}
    assert public == {"load", "embed", "embed_canvases", "prepare", "score_matrix", "similarity", "decide"}
