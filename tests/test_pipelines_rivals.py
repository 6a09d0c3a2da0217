"""Baselines judged as the verifier is: on the same trials, with as many references, movements by time warping."""

import dataclasses

import numpy as np
import pytest

import models
from pipelines.baselines import dtw_scores
from pipelines.config import RunConfig, changed
from pipelines.evaluate import measure
from pipelines.evaluation_curves import baselines
from pipelines.evaluation_parts import Part, draw_part, fused_trials, subset, trials_of
from pipelines.metrics import eer
from pipelines.online import OnlineVerifier
from pipelines.protocols import TrialTable
from pipelines.report_tables import REFERENCES, rate_points, reference_rows
from pipelines.rivals import SEVERAL, rivals_of


@pytest.fixture(scope="module")
def config(micro_config: RunConfig) -> RunConfig:
    return changed(micro_config, ["evaluation.genuine=7", "train.model=tcn", "train.samples=96"])


@pytest.fixture(scope="module")
def parts(config: RunConfig) -> dict[str, Part]:
    network = models.build("tcn", sequence_shape=(96, 7), embedding_dim=16, seed=1, channels=16, stages=3)
    verifier = OnlineVerifier(network, height=64, width=128)
    return {name: draw_part(config, name, verifier) for name in ("dev", "test")}


def test_every_baseline_sees_the_headline_signatures_and_nothing_of_the_network(parts: dict[str, Part]) -> None:
    part = parts["test"]
    rivals = rivals_of(part)
    assert list(rivals) == ["raw pixels", "HOG", "DTW"]
    for rival in rivals.values():
        assert rival.signatures is part.signatures
        seen = np.abs(rival.embeddings).sum(axis=1) > 0
        np.testing.assert_array_equal(seen, ~part.on_grid)
    assert list(rivals_of(dataclasses.replace(part, movements=None))) == ["raw pixels", "HOG"]


def test_time_warping_scores_the_movements_of_each_trial(config: RunConfig, parts: dict[str, Part]) -> None:
    part = parts["test"]
    assert part.movements is not None
    assert part.movements.shape == (len(part.canvases), 96, 7)
    trials = trials_of(rivals_of(part)["DTW"], config, "test")
    place = {name: i for i, name in enumerate(part.signatures.name.tolist())}
    for row in range(0, len(trials), 29):
        pair = [part.movements[[place[side[row]]]] for side in (trials.reference, trials.questioned)]
        assert trials.score[row] == pytest.approx(dtw_scores(*pair)[0, 0], rel=1e-5)
    own, others = (trials.score[trials.kind == kind].mean() for kind in ("genuine", "random"))
    assert own > others


def test_who_signed_too_rarely_for_several_references_takes_nobody_elses_away(config, parts) -> None:
    part = parts["test"]
    name = part.signatures.signer[0]
    own = np.flatnonzero((part.signatures.signer == name) & (part.signatures.kind == "genuine"))
    kept = np.setdiff1d(np.arange(len(part.canvases)), own[2:])
    few = Part(subset(part.signatures, kept), part.canvases[kept], part.embeddings[kept], part.on_grid[kept])
    whole, less = (
        dict(fused_trials(some, config, "test", numbers=(1, 3, 5), fusions=("max",))) for some in (part, few)
    )
    assert list(less) == list(whole) == [(1, "max"), (3, "max"), (5, "max")]
    for at, trials in less.items():
        assert (name in trials.claimed) == (at[0] == 1)
        assert set(trials.claimed) | {name} == set(whole[at].claimed)
        assert any(name in words for words in trials.left_out) == (at[0] > 1)


def test_baselines_stand_beside_one_and_five_references(config: RunConfig, parts: dict[str, Part]) -> None:
    kept: dict[str, TrialTable] = {}
    metrics, _, _ = measure(parts["test"], parts["dev"], config, kept)
    alone = baselines(rivals_of(parts["test"]), config)
    rows = {(row["references"], row["fusion"]): row for row in metrics["references"]}
    assert {k for k, _ in rows} == {1, 3, 5}
    assert [fusion for k, fusion in rows if k == 1] == ["max"]
    assert [row[1] for row in reference_rows(metrics) if row[0] == "1"] == ["none"]
    for name, found in alone.items():
        assert metrics["baselines"][name]["eer_skilled"] == found["eer_skilled"]
        for (k, fusion), row in rows.items() if name in SEVERAL else ():
            trials = kept[f"baseline {name} references {fusion} {k}"]
            again = eer(*(trials.score[trials.kind == kind] for kind in ("genuine", "skilled"))).rate
            assert row["baselines"][name]["eer_skilled"]["value"] == pytest.approx(again)
    five = rows[5, "max"]["baselines"]
    best = min(five, key=lambda name: five[name]["eer_skilled"]["value"])
    (shown,) = [row for row in reference_rows(metrics) if row[:2] == ("5", "max")]
    assert len(shown) == len(REFERENCES)
    assert shown[4].startswith(f"{best} {100 * five[best]['eer_skilled']['value']:.1f} % (")
    points = {(row[0], row[1]): row[2] for row in rate_points(metrics).rows}
    assert points["5 references, max", f"eer_skilled, {best}"] == five[best]["eer_skilled"]["value"]


def test_nothing_that_is_frozen_depends_on_the_test_signers(config: RunConfig, parts: dict[str, Part]) -> None:
    turned = np.random.default_rng(0).permutation(len(parts["test"].embeddings))
    other = dataclasses.replace(parts["test"], embeddings=parts["test"].embeddings[turned])
    one, two = (measure(test, parts["dev"], config)[1] for test in (parts["test"], other))
    assert {name.partition("/")[2] for name in one.fused} == {"2", "3", "5"}
    assert one.fused == two.fused
    assert (one.points, one.calibrator, one.typical) == (two.points, two.calibrator, two.typical)
