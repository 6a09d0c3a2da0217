"""Laws of the privacy audit: it finds a planted leak, finds none where there is none, and says how sure it is."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines import privacy_runs
from pipelines.config import PRESETS, RunConfig, changed
from pipelines.drawing import draw_images
from pipelines.files import write_json
from pipelines.inputs import Drawing
from pipelines.lineage import SYNTHETIC, mark_folder, source_of
from pipelines.marks import RECORD
from pipelines.privacy import attack, signature_features, signer_features, tpr_at
from pipelines.privacy_members import drawn_signers, trained_batches
from pipelines.privacy_runs import audit, rows_of
from pipelines.progress import Progress
from pipelines.runs import RunError, sha256
from pipelines.sources import WorldSource
from pipelines.splits import outsiders, split_world, training_world
from synth.acts import Act

Vectors = NDArray[np.float32]
STREAMS = ("signers", "classification", "pairs", "triplets")


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


def test_knowing_who_somebody_is_does_not_tell_whether_they_were_trained_on() -> None:
    """Rows of a signer on both sides of a fold would tell it: the attack would recognise the person."""
    inside = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        who, trained = np.repeat(np.arange(60), 6), rng.permutation(60) < 30
        found, _ = attack(rng.standard_normal((60, 40))[who], trained[who], who, seed=seed)
        inside.append(found.low <= 0.5 <= found.high)
    assert sum(inside) >= 5


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


# Who is asked about


class Watched(WorldSource):
    """Training signers whose batches are noted and not drawn."""

    met: list[Act]

    def draw(self, items: Sequence[Act], *, height: int, width: int, **how: Any) -> NDArray[np.uint8]:
        self.met += items
        return np.zeros((len(items), height, width), dtype=np.uint8)


def met_by_training(config: RunConfig, epochs: int) -> list[Act]:
    """Return all acts that training of so many epochs asks its input for."""
    source = Watched(training_world(config.world), split_world(config.world).train)
    source.met = []
    drawing = Drawing(config, source=source)
    for number in range(epochs * config.train.steps_per_epoch):
        drawing(np.int64(number))
    assert drawing.fault is None
    return source.met


def named(acts: Sequence[Act]) -> set[tuple[int, str, int]]:
    return {(act.claimed.index, act.kind, act.number) for act in acts}


def short_run(stream: str, *more: str) -> RunConfig:
    small = ["train.height=32", "train.width=64", "train.epochs=3", "train.steps_per_epoch=4", "batch.signers=8"]
    return changed(PRESETS["smoke"], [*small, f"inputs.stream={stream}", *more])


class Cosine64(Cosine):
    """The same for canvases of 32 x 64 px, as the verifier of a run."""

    height, width, recipe, canvas = 32, 64, "default", None
    model = SimpleNamespace(input_shape=(None, 32, 64, 1))

    def embed_canvases(self, canvases: NDArray[np.uint8]) -> Vectors:
        return super().embed_canvases(canvases[:, ::2, ::2])

    def embed_acts(self, acts: Sequence[Act], canvases: NDArray[np.uint8]) -> Vectors:
        return self.embed_canvases(canvases)


def asked_about(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **how: Any
) -> tuple[dict[str, Any], list[list[Act]]]:
    """Return an audit's record and the acts drawn for it, of a run of which only configuration and log are there."""
    drawn: list[list[Act]] = []

    def draw(acts: Sequence[Act], **how: Any) -> NDArray[np.uint8]:
        drawn.append(list(acts))
        return np.random.default_rng(len(acts)).integers(0, 255, (len(acts), 32, 64)).astype(np.uint8)

    monkeypatch.setattr("pipelines.drawing.draw_in_chunks", draw)
    for name, value in (("load_verifier", Cosine64()), ("mark_of_run", SYNTHETIC), ("sha256", "0")):
        monkeypatch.setattr(privacy_runs, name, lambda path, value=value: value)
    write_json(tmp_path / "config.json", config.to_dict())
    return audit(tmp_path, progress=Progress(quiet=True), **how), drawn


@pytest.mark.parametrize("cache", ["none", "memory"])
@pytest.mark.parametrize("stream", STREAMS)
def test_members_are_signers_and_signatures_that_training_met_and_others_are_not(
    stream: str, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short_run(stream, f"inputs.cache={cache}")
    record, (of_people, single) = asked_about(config, tmp_path, monkeypatch, signers=30)
    met, split = met_by_training(config, 3), split_world(config.world)
    targets = {act.claimed.index for act in met if act.kind == "genuine"}
    for acts in (of_people, single):
        asked = {act.claimed.index for act in acts}
        members = asked & set(split.train)
        assert len(members) == 30
        assert members <= targets, "people whom training never met"
        assert len(asked - members) == 30
        assert not any(index in part for index in asked - members for part in split)
        assert not (asked - members) & {act.by.index for act in met}
    assert named([act for act in single if act.claimed.index in split.train]) <= named(met)
    assert "30 signers of its training batches in world 7 against 30 that no part holds" in record["about"]


@pytest.mark.parametrize("stream", STREAMS)
def test_signers_are_chosen_among_the_targets_of_all_batches_of_a_stream(stream: str) -> None:
    config = short_run(stream)
    train = split_world(config.world).train
    everybody = drawn_signers(config, train, 10_000, seed=0)
    met = met_by_training(config, 3)
    assert named(list(everybody.values())) <= named(met)
    if stream in ("signers", "classification"):
        assert set(everybody) == {act.claimed.index for act in met}
    else:
        assert set(everybody) < {act.claimed.index for act in met}, "a random forgery's signer is no target"
    some = [set(drawn_signers(config, train, 20, seed=seed)) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    assert all(len(one) == 20 and one <= set(everybody) for one in some)
    mirrored = drawn_signers(config, outsiders(len(train)), 20, seed=0)
    assert {index - outsiders(1)[0] for index in mirrored} == some[0], "others differ in nothing but who they are"


def test_a_signature_asked_about_is_the_picture_that_its_batch_held() -> None:
    config = short_run("signers", "train.preprocessing=signet_canvas", "train.steps_per_epoch=1", "train.epochs=1")
    found = drawn_signers(config, split_world(config.world).train, 8, seed=0)
    images, labels = Drawing(config)(np.int64(0))
    drawn = draw_images(list(found.values()), height=32, width=64, recipe="signet_canvas")
    first = np.unique(labels[:, 0], return_index=True)[1]
    np.testing.assert_array_equal(drawn, images[first])


def test_a_run_that_stopped_early_is_asked_about_what_its_best_network_had_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short_run("signers", "train.patience=1")
    for log, epochs in (("epoch,dev_error\n1,0.4\n2,0.2\n3,0.3\n", 2), (None, 1)):
        folder = tmp_path / str(epochs)
        folder.mkdir()
        if log is not None:
            (folder / "log.csv").write_text(log)
        single = asked_about(config, folder, monkeypatch, signers=1000)[1][1]
        members = named([act for act in single if act.claimed.index in split_world(config.world).train])
        assert members <= named(met_by_training(config, epochs))
        assert len(members) == 8 * 4 * epochs
    assert trained_batches(config) == range(12)
    assert trained_batches(short_run("pairs", "inputs.cache=disk")) == range(4)


def test_the_record_says_how_pictures_differ_from_those_of_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short_run("signers", "train.augment=light", "train.small_share=0.7", "train.height=96", "train.width=192")
    about = asked_about(config, tmp_path, monkeypatch, signers=20)[0]["about"]
    assert "canvas 96 x 192 px, that of the first 2 epochs was 64 x 128 px" in about
    assert "training augmented (light), these are plain" in about


def test_batches_that_cannot_be_planned_again_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = short_run("signers", "inputs.data=people")
    with pytest.raises(RunError, match=r"the batches mix in people, .* with --data"):
        drawn_signers(mixed, split_world(mixed.world).train, 20, seed=0)
    write_json(tmp_path / "environment.json", {"synth_engine": -1})
    with pytest.raises(RunError, match="was trained on signatures by engine -1, and this is engine"):
        asked_about(short_run("signers"), tmp_path, monkeypatch)


def test_development_signers_of_a_folder_are_neither_known_nor_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.adapters import make_provenance

    provenance = make_provenance(source="a test", licence="CC0-1.0", lawful_basis="nobody", purpose="research",
                                 contact="the test", contains_real_signatures=True)  # fmt: skip
    digest, everybody = provenance.digest, [f"p{i:02d}" for i in range(60)]
    signers, kinds = np.repeat(everybody, 6), np.tile(["genuine"] * 5 + ["skilled"], 60)
    images = list(np.random.default_rng(0).integers(0, 255, (360, 32, 64)).astype(np.uint8))
    loaded = SimpleNamespace(signers=signers, kinds=kinds, images=images, eligible=np.ones(360, bool))
    for name, value in (("load_provenance", provenance), ("open_layout", None), ("load_signatures", loaded)):
        monkeypatch.setattr(f"pipelines.adapters.{name}", lambda *rest, value=value, **more: value)
    mark = SYNTHETIC.with_source(source_of(provenance, everybody[:40]))
    for name, value in (("load_verifier", Cosine64()), ("mark_of_run", mark), ("sha256", "0")):
        monkeypatch.setattr(privacy_runs, name, lambda path, value=value: value)
    verifier = Cosine64()
    monkeypatch.setattr(
        "pipelines.reading.embed_read", lambda v, some, rows, canvases: verifier.embed_canvases(canvases)
    )
    for changes, members in ((["train.patience=3"], 32), ([], 40)):
        config = short_run("signers", f"inputs.data={tmp_path}", "inputs.real_share=1", *changes)
        write_json(tmp_path / "config.json", config.to_dict())
        write_json(tmp_path / RECORD, {"contains_real_signatures": True, "source": "a test", "digests": [digest]})
        record = audit(tmp_path, data=tmp_path, progress=Progress(quiet=True))
        for found in record["attacks"].values():
            assert (found["members"], found["others"]) == (members, 20)
        assert ("without 8 development signers" in record["about"]) == (members == 32)
    config = short_run("signers", f"inputs.data={tmp_path}", "inputs.real_share=1", "train.patience=3")
    write_json(tmp_path / "config.json", config.to_dict())
    loaded.eligible, loaded.signers = loaded.eligible[6:], signers[6:]
    loaded.kinds, loaded.images = kinds[6:], images[6:]
    with pytest.raises(RunError, match=r"1 signers .* are gone from the folder"):
        audit(tmp_path, data=tmp_path, progress=Progress(quiet=True))
