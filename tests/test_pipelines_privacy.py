"""Laws of the privacy audit: it finds a planted leak, finds none where there is none, and says how sure it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.lineage import SYNTHETIC, mark_folder, source_of
from pipelines.privacy import attack, signature_features, signer_features, tpr_at
from pipelines.privacy_runs import audit, rows_of
from pipelines.progress import Progress
from pipelines.runs import RunError, sha256

Vectors = NDArray[np.float32]


class Cosine:
    """A verifier that scores unit vectors by their cosine, and sees canvases by a fixed projection."""

    def __init__(self, known: NDArray[np.uint8] | None = None) -> None:
        self.project = np.random.default_rng(0).standard_normal((16 * 32, 24)).astype(np.float32)
        self.known = set() if known is None else {canvas.tobytes() for canvas in known}

    def pair_scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        return references @ questioned.T

    def embed_canvases(self, canvases: NDArray[np.uint8]) -> Vectors:
        flat = canvases.reshape(len(canvases), -1).astype(np.float32) - 128.0
        learnt = np.array([c.tobytes() in self.known for c in canvases])
        found = flat @ self.project
        found[learnt, 0] += 3.0 * np.linalg.norm(found, axis=1)[learnt]  # learnt by heart: far from its own copies
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def people(n: int, spread: NDArray[np.float64], seed: int) -> tuple[Vectors, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((n, 1, 16))
    vectors = (centres + spread[:, None, None] * rng.standard_normal((n, 6, 16))).reshape(-1, 16)
    names = np.repeat(np.array([f"s{i:03d}" for i in range(n)]), 6)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), names


def signer_attack(tighter: float, seed: int) -> Any:
    member = np.arange(120) < 60
    vectors, names = people(120, np.where(member, tighter, 1.0) * 0.5, seed)
    features = signer_features(vectors, names, Cosine(), seed=seed)
    return attack(features, member, np.unique(names), seed=seed)


def test_people_drawn_together_by_training_are_found() -> None:
    found, scores = signer_attack(0.6, 1)
    assert found.auc > 0.9
    assert found.low <= found.auc <= found.high
    assert found.leaks
    assert found.tpr["0.1"][0] > 0.5
    assert (found.members, found.others) == (60, 60)
    assert scores.shape == (120,)


def test_where_there_is_no_leak_the_interval_holds_a_guess() -> None:
    inside = [signer_attack(1.0, seed)[0] for seed in range(6)]
    assert sum(one.low <= 0.5 <= one.high for one in inside) >= 5
    assert np.mean([one.auc for one in inside]) == pytest.approx(0.5, abs=0.08)


def test_images_learnt_by_heart_are_found_one_by_one() -> None:
    rng = np.random.default_rng(3)
    canvases = rng.integers(0, 255, (80, 16, 32)).astype(np.uint8)
    names, member = np.array([f"s{i // 2}" for i in range(80)]), np.arange(80) < 40
    for known, low, high in ((canvases[:40], 0.9, 1.0), (None, 0.2, 0.75)):
        features = signature_features(canvases, names, Cosine(known), seed=0)
        found = attack(features, member, names, seed=0)[0]
        assert low <= found.auc <= high


def test_equal_seeds_give_equal_audits() -> None:
    assert signer_attack(0.8, 2)[0] == signer_attack(0.8, 2)[0]


def test_finds_at_few_false_finds_by_hand() -> None:
    inside, outside = np.array([0.9, 0.8, 0.2, 0.1]), np.arange(10) / 10 - 0.05
    assert tpr_at(inside, outside, 0.0) == 0.25
    assert tpr_at(inside, outside, 0.1) == 0.5
    assert tpr_at(inside, outside, 1.0) == 1.0
    assert tpr_at(np.zeros(4), np.zeros(10), 0.1) == 0.0, "ties are no find"


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 10 signers that were trained on .* there are 3 and 9"):
        attack(np.zeros((12, 2)), np.arange(12) < 3, np.arange(12), seed=0)


def test_a_run_is_audited_on_the_world_it_learnt_from(finished_run: Path, tmp_path: Path) -> None:
    import shutil

    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    record = audit(run, progress=Progress(quiet=True), signers=12)
    assert record["sha256"] == sha256(run / "model.keras")
    assert set(record["attacks"]) == {"signer", "signature"}
    for found in record["attacks"].values():
        assert 0.0 <= found["low"] <= found["auc"] <= found["high"] <= 1.0
        assert found["smallest_resolved_fpr"] > 0.01, "a dozen people resolve no rate of 1 %"
    assert len(rows_of(record)) == 2
    from pipelines.adapters import make_provenance

    provenance = make_provenance(source="a test", licence="CC0-1.0", lawful_basis="nobody", purpose="research",
                                 contact="the test", contains_real_signatures=True)  # fmt: skip
    mark_folder(run, SYNTHETIC.with_source(source_of(provenance, ["ann"])), part="head")
    with pytest.raises(RunError, match="name the folder with --data"):
        audit(run, progress=Progress(quiet=True))
