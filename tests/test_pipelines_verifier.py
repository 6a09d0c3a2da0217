"""Laws of the verifier on a tiny untrained network: what it takes, what it says, what it refuses."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from pipelines.calibration import LogisticCalibrator, fit_calibrator
from pipelines.config import RunConfig
from pipelines.decisions import FusedPoint
from pipelines.drawing import draw_in_chunks
from pipelines.evaluate import freeze, freeze_fused
from pipelines.evaluation_parts import Part
from pipelines.fusion import FUSIONS
from pipelines.logistic import LogisticHead
from pipelines.online import OnlineVerifier
from pipelines.perturb import perturb
from pipelines.preprocess import BlankImage, preprocess
from pipelines.quality import NoSignature
from pipelines.sampling import evaluation_acts
from pipelines.verifier import NOTICE, Verifier
from synth import World, render

Images = list[NDArray[np.uint8]]


@pytest.fixture(scope="session")
def bare() -> Verifier:
    network = models.build("resnet_small", image_shape=(64, 128, 1), embedding_dim=16, seed=1)
    return Verifier(network, height=64, width=128)


@pytest.fixture(scope="session")
def calibrated(bare: Verifier, micro_config: RunConfig) -> Verifier:
    drawn = evaluation_acts(World(5), range(6), micro_config.evaluation)
    canvases = draw_in_chunks(drawn.acts, height=64, width=128)
    frozen = freeze(Part(drawn.signatures, canvases, bare.embed_canvases(canvases), drawn.on_grid), micro_config)
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
    decisions = calibrated.decide(images[:2], images[2:], fusion="max")
    best = calibrated.score_matrix(images[:2], images[2:]).max(axis=0)
    np.testing.assert_allclose([d.score for d in decisions], best, atol=1e-5)
    calibrator = calibrated.calibrator
    assert calibrator is not None
    for score in (*best, calibrated.threshold, -1.0, 1.0):
        decision = calibrated._decision(float(score), calibrator)
        assert decision.verdict in ("accept", "reject", "inconclusive")
        assert decision.log10_lr == pytest.approx(float(calibrator.log10_lr(score)))
        assert NOTICE in decision.quality
        if abs(float(calibrator.beyond(score, calibrated.threshold))) < calibrated.band:
            assert decision.verdict == "inconclusive"
        else:
            assert decision.verdict == ("accept" if score >= calibrated.threshold else "reject")
    with pytest.raises(dataclasses.FrozenInstanceError):
        decisions[0].verdict = "accept"  # type: ignore[misc]


@pytest.mark.parametrize(("threshold", "score", "verdict"), [
    (0.9, 0.99, "accept"), (0.9, 0.8, "reject"), (0.9, 0.901, "inconclusive"), (0.45, 0.1, "reject"),
    (0.45, 0.55, "accept"),
])  # fmt: skip
def test_a_threshold_beyond_what_development_trials_can_show_still_decides(
    calibrated: Verifier, threshold: float, score: float, verdict: str
) -> None:
    """Likelihood ratios are bounded on both sides; two scores beyond a bound have equal ratios all the same."""
    bounded = LogisticCalibrator(27.0, -18.0, "skilled", 96, 256, 12)
    assert calibrated._decision(score, bounded, threshold=threshold).verdict == verdict


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
    blank = np.full((50, 90), 255, np.uint8)
    with pytest.raises(NoSignature, match="questioned image 1 is no signature: blank"):
        calibrated.decide(images[:1], [images[1], blank])
    with pytest.raises(BlankImage, match="no ink"):
        calibrated.decide(images[:1], [blank], look=False)
    with pytest.raises(BlankImage, match="no ink"):
        calibrated.enrol([blank])
    with pytest.raises(ValueError, match="grey uint8"):
        calibrated.embed([np.zeros((50, 90, 3), np.uint8)])


def test_without_calibration_there_is_no_decision(bare: Verifier, images: Images) -> None:
    with pytest.raises(ValueError, match="no threshold yet; evaluate its run first"):
        bare.decide(images[:1], images[1:])


def test_nothing_searches_a_crowd() -> None:
    public = {name for name in dir(Verifier) if not name.startswith("_")}
    assert public == {
        "canvas",
        "decide",
        "embed",
        "embed_acts",
        "embed_canvases",
        "enrol",
        "load",
        "movements",
        "notice",
        "operating_point",
        "pair_scores",
        "prepare",
        "score_matrix",
        "usual_fusion",
        "vote",
    }


def test_references_are_enrolled_once_and_give_the_same_answers(calibrated: Verifier, images: Images) -> None:
    enrolled = calibrated.enrol(images[:3])
    assert len(enrolled) == 3
    np.testing.assert_allclose(
        calibrated.score_matrix(enrolled, images[3:]), calibrated.score_matrix(images[:3], images[3:]), atol=1e-5
    )
    for fusion in FUSIONS:
        ones = calibrated.decide(images[:3], images[3:], fusion=fusion)
        for one, two in zip(ones, calibrated.decide(enrolled, images[3:], fusion=fusion), strict=True):
            assert one.verdict == two.verdict
            assert one.score == pytest.approx(two.score, abs=1e-5)
    with pytest.raises(ValueError, match="no image was given as reference"):
        calibrated.enrol([])
    with pytest.raises(ValueError, match="unknown fusion 'best'"):
        calibrated.decide(enrolled, images[3:], fusion="best")


def test_the_majority_votes_and_a_tie_rejects(calibrated: Verifier, images: Images) -> None:
    scores = calibrated.score_matrix(images[:2], images[2:])
    for threshold in (float(np.median(scores)), -2.0, 2.0):
        other = Verifier(calibrated.model, height=64, width=128, threshold=threshold, calibrator=calibrated.calibrator)
        shares = (scores >= threshold).mean(axis=0)
        assert other.vote(images[:2], images[2:]) == ["accept" if s > 0.5 else "reject" for s in shares]
        np.testing.assert_allclose([d.votes for d in other.decide(images[:2], images[2:])], shares)
    tied = float(np.sort(scores[:, 0])[1])
    other = Verifier(calibrated.model, height=64, width=128, threshold=tied, calibrator=calibrated.calibrator)
    assert other.vote(images[:2], images[2:3]) == ["reject"]


def test_several_references_are_judged_by_what_was_frozen_for_them(calibrated: Verifier, images: Images) -> None:
    one = calibrated.calibrator
    assert one is not None
    two = dataclasses.replace(one, intercept=one.intercept - 1.0)
    fused = {"mean/2": FusedPoint(0.25, two)}
    other = Verifier(calibrated.model, height=64, width=128, threshold=0.5, calibrator=one, fused=fused)
    single, pair, triple, largest = (
        other.decide(images[:n], images[4:5], fusion=fusion)[0]
        for n, fusion in ((1, "mean"), (2, "mean"), (3, "mean"), (2, "max"))
    )
    assert single.log10_lr == pytest.approx(float(one.log10_lr(single.score)), abs=1e-6)
    assert pair.log10_lr == pytest.approx(float(two.log10_lr(pair.score)), abs=1e-6)
    assert "calibrated for" not in single.quality + pair.quality
    assert triple.log10_lr == pytest.approx(float(two.log10_lr(triple.score)), abs=1e-6)
    assert "calibrated for 2 references, 3 were given" in triple.quality
    assert "calibrated for one reference, 2 were given" in largest.quality
    assert FusedPoint.from_dict(fused["mean/2"].to_dict()) == fused["mean/2"]


@pytest.mark.parametrize("at", [-2.0, 2.0])
def test_each_reference_votes_by_the_threshold_for_one_whatever_was_frozen_for_several(
    calibrated: Verifier, images: Images, at: float
) -> None:
    scores = calibrated.score_matrix(images[:3], images[3:])
    threshold = float(np.median(scores))
    one = calibrated.calibrator
    assert one is not None
    fused = {f"{fusion}/2": FusedPoint(at, one) for fusion in FUSIONS}
    other = Verifier(calibrated.model, height=64, width=128, threshold=threshold, calibrator=one, fused=fused)
    shares = (scores >= threshold).mean(axis=0)
    assert 0 < shares.mean() < 1
    voted = ["accept" if share > 0.5 else "reject" for share in shares]
    assert other.vote(images[:3], images[3:]) == voted
    for fusion in FUSIONS:
        answers = other.decide(images[:3], images[3:], fusion=fusion)
        np.testing.assert_allclose([answer.votes for answer in answers], shares)


def test_without_a_threshold_for_several_references_they_are_averaged(calibrated: Verifier, images: Images) -> None:
    """The best of several scores, at a threshold made for one, would accept too many forgeries."""
    assert calibrated.fused == {}
    usual, mean = (calibrated.decide(images[:3], images[3:], fusion=fusion)[0] for fusion in (None, "mean"))
    assert usual == mean
    assert "calibrated for one reference, 3 were given" in usual.quality
    point = FusedPoint(0.25, calibrated.calibrator)
    other = Verifier(
        calibrated.model, height=64, width=128, threshold=0.5, calibrator=point.calibrator, fused={"relative/2": point}
    )
    usual, relative = (other.decide(images[:3], images[3:], fusion=fusion)[0] for fusion in (None, "relative"))
    assert usual == relative
    assert [other.usual_fusion(n) for n in (1, 2, 3)] == ["relative"] * 3
    assert [calibrated.usual_fusion(n) for n in (1, 2)] == ["relative", "mean"]


def test_a_copy_of_a_reference_is_flagged_and_decides_nothing(calibrated: Verifier, images: Images) -> None:
    import cv2

    same = calibrated.decide(images[:2], images[1:2])[0]
    assert same.verdict == "inconclusive"
    assert same.nearest == 1
    assert same.flags == ("identical copy of reference 1: nobody signs twice alike",)
    larger = cv2.resize(images[1], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    near = calibrated.decide(images[:2], [np.asarray(larger, np.uint8)])[0]
    assert near.flags == ("nearly identical to reference 1: a copy, or traced",)
    own = [render(World(5)[1].genuine(act), dpi=150) for act in (0, 1)]
    assert calibrated.decide(own[:1], own[1:])[0].flags == ()


def test_what_a_fitted_head_says_replaces_the_cosine(bare: Verifier, images: Images) -> None:
    head = LogisticHead((*[-1.0] * 16, 2.0), 0.5, 10, 5, "a test", False)
    other = Verifier(bare.model, height=64, width=128, head=head)
    a, b = bare.embed(images[:2]), bare.embed(images[2:4])
    np.testing.assert_allclose(other.score_matrix(images[:2], images[2:4]), head.scores(a, b), atol=1e-4)


def test_scores_that_fall_with_likeness_are_refused(bare: Verifier, micro_config: RunConfig) -> None:
    drawn = evaluation_acts(World(5), range(8), micro_config.evaluation)
    canvases = draw_in_chunks(drawn.acts, height=64, width=128)
    head = LogisticHead((*[1.0] * 16, -5.0), 0.0, 10, 5, "turned round", False)
    part = Part(drawn.signatures, canvases, bare.embed_canvases(canvases), drawn.on_grid, head)
    with pytest.raises(ValueError, match=r"scores look turned round: .* hand on minus a distance"):
        freeze(part, micro_config)


def test_fusions_are_frozen_for_the_numbers_of_references_there_are(bare: Verifier, micro_config: RunConfig) -> None:
    drawn = evaluation_acts(World(5), range(6), micro_config.evaluation)
    canvases = draw_in_chunks(drawn.acts, height=64, width=128)
    part = Part(drawn.signatures, canvases, bare.embed_canvases(canvases), drawn.on_grid)
    found = freeze_fused(part, micro_config, 0.5)
    assert set(found) == {f"{fusion}/2" for fusion in FUSIONS}
    assert all(np.isfinite(point.threshold) and point.calibrator.n_signers == 6 for point in found.values())
    assert found["max/2"].threshold >= found["min/2"].threshold


def test_trajectories_are_verified_by_the_same_rules(micro_config: RunConfig) -> None:
    network = models.build("tcn", sequence_shape=(96, 7), embedding_dim=16, seed=1, channels=16, stages=3)
    online = OnlineVerifier(network, height=64, width=128)
    moves = [World(5)[i].genuine(k).trajectory for i in range(2) for k in (0, 4)]
    assert online.samples == 96
    vectors = online.embed(moves)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)
    assert online.score_matrix(moves[:1], moves[1:]).shape == (1, 3)
    drawn = evaluation_acts(World(5), range(6), micro_config.evaluation)
    embedded = online.embed_acts(drawn.acts, np.zeros((0, 64, 128), np.uint8))
    frozen = freeze(Part(drawn.signatures, np.zeros((0, 64, 128), np.uint8), embedded, drawn.on_grid), micro_config)
    online.threshold, online.calibrator = frozen.threshold, frozen.calibrator
    other, copy = online.decide(moves[:1], [moves[1], moves[0]])
    assert other.flags == ()
    assert copy.flags
    with pytest.raises(ValueError, match="no trajectory was given"):
        online.embed([])
    with pytest.raises(ValueError, match=r"shape \(n, 4\)"):
        online.embed([np.zeros((3, 2))])


def test_perturbed_copies_vote_repeatably_and_none_changes_nothing(bare: Verifier, images: Images) -> None:
    plain = bare.score_matrix(images[:2], images[2:5])
    np.testing.assert_array_equal(bare.score_matrix(images[:2], images[2:5], perturbations=0), plain)
    voted = bare.score_matrix(images[:2], images[2:5], perturbations=2, seed=4)
    assert voted.shape == plain.shape
    np.testing.assert_allclose(bare.score_matrix(images[:2], images[2:5], perturbations=2, seed=4), voted, atol=1e-6)
    np.testing.assert_allclose(
        bare.score_matrix(images[:2], images[3:4], perturbations=2, seed=4), voted[:, 1:2], atol=1e-5
    )
    assert (voted != plain).any()
    copies = [bare.embed_canvases(perturb(bare.prepare(images[2:5]), copy=k, seed=4)) for k in range(3)]
    references = bare.embed(images[:2])
    np.testing.assert_allclose(np.mean([references @ c.T for c in copies], axis=0), voted, atol=1e-5)
    with pytest.raises(ValueError, match="perturbations is -1; use 0 for none, or more"):
        bare.score_matrix(images[:2], images[2:5], perturbations=-1)


def test_a_verifier_prepares_every_image_by_its_recipe(bare: Verifier, images: Images) -> None:
    other = Verifier(bare.model, height=64, width=128, recipe="bilevel")
    expected = [preprocess(image, height=64, width=128, recipe="bilevel") for image in images[:3]]
    np.testing.assert_array_equal(other.prepare(images[:3]), expected)
    np.testing.assert_array_equal(other.enrol(images[:3]).prepared, expected)
    assert (other.prepare(images[:3]) != bare.prepare(images[:3])).any()
    with pytest.raises(ValueError, match="unknown recipe 'bileve'; did you mean 'bilevel'"):
        Verifier(bare.model, height=64, width=128, recipe="bileve")


def test_references_are_looked_at_and_images_without_ink_are_named(calibrated: Verifier, images: Images) -> None:
    photograph = np.random.default_rng(0).integers(0, 256, (200, 300), dtype=np.uint8)
    with pytest.raises(NoSignature, match=r"^reference 1 is no signature: a photograph"):
        calibrated.decide([images[0], photograph], images[1:2])
    assert calibrated.decide([images[0], photograph], images[1:2], look=False)
    with pytest.raises(BlankImage, match=r"^image 1: no ink stands out from the paper"):
        calibrated.embed([images[0], np.full((60, 90), 240, np.uint8)])
