"""Naming one of a closed set: what is measured, what is read, what is refused, and one run from end to end."""

import csv
import re
import zlib

import cv2
import numpy as np
import pytest

from pipelines.adapters import check_adapter, open_adapter, write_provenance
from pipelines.class_data import class_signers, folder_class
from pipelines.class_metrics import by_signer, class_metrics, confusions, signer_interval
from pipelines.classifiers import HEADLINE, METHODS, LogisticClassifier, NearestSignature, from_logits
from pipelines.classify import ClassifyConfig, classify, make_config
from pipelines.cli import main
from pipelines.csv_text import as_csv
from pipelines.jitter import jitter
from pipelines.progress import Progress
from pipelines.runs import RunError, load_verifier

ANSWERS = {
    "source": "drawn for a test",
    "licence": "CC0-1.0",
    "lawful_basis": "nobody is depicted",
    "purpose": "teaching",
    "contact": "the test suite",
    "contains_real_signatures": False,
}


def _scribble(seed: int) -> np.ndarray:
    image = np.full((60, 140), 255, np.uint8)
    points = np.random.default_rng(seed).integers((10, 8), (130, 52), size=(8, 2)).astype(np.int32)
    cv2.polylines(image, [points], False, 20, 2, cv2.LINE_AA)
    return image


def _folder(root, counts, *, inside=""):
    for person, count in counts.items():
        (root / person / inside).mkdir(parents=True)
        for k in range(count):
            cv2.imwrite(str(root / person / inside / f"{k + 1}.png"), _scribble(zlib.crc32(f"{person}/{k}".encode())))
    write_provenance(root, **ANSWERS)
    return root


def test_macro_figures_are_those_of_a_table_by_hand():
    truth, named = np.array(["a", "a", "b", "b"]), np.array(["a", "b", "b", "b"])
    found = class_metrics(truth, named, seed=0)
    assert found["accuracy"]["value"] == 0.75
    assert found["precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["recall"] == pytest.approx(0.75)
    assert found["f1"] == pytest.approx((2 / 3 + 0.8) / 2)
    rows = by_signer(truth, named)
    assert [row["signer"] for row in rows] == ["a", "b"]
    assert rows[0]["taken_for"] == ["b"]
    names, counts = confusions(truth, named)
    assert names.tolist() == ["a", "b"]
    assert counts.tolist() == [[1, 1], [0, 2]]


def test_the_interval_draws_signers_and_not_signatures():
    signers = np.repeat([f"p{i}" for i in range(20)], 50)
    hits = np.repeat(np.arange(20) % 2 == 0, 50)  # whole people right or wrong
    low, high = signer_interval(hits, signers, draws=500, seed=0)
    assert high - low > 0.3  # over 1,000 independent signatures it would be 0.06
    assert low < 0.5 < high


def test_classifiers_name_clear_cases_and_give_probabilities():
    rng = np.random.default_rng(0)
    centres = np.eye(5, 16, dtype=np.float32)
    names = np.repeat([f"p{i}" for i in range(5)], 3)
    vectors = np.repeat(centres, 3, axis=0) + 0.05 * rng.normal(size=(15, 16)).astype(np.float32)
    for fitted in (NearestSignature().fit(vectors, names), LogisticClassifier(seed=0).fit(vectors, names)):
        said = fitted.answer(centres)
        assert said.predicted.tolist() == [f"p{i}" for i in range(5)]
        assert ((said.confidence > 0.2) & (said.confidence <= 1.001)).all()


def test_two_people_and_long_embeddings_are_named_too():
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(6, 700)).astype(np.float32)
    fitted = LogisticClassifier(seed=0).fit(vectors, np.array(["a", "b"] * 3))
    assert fitted.answer(vectors).predicted.tolist() == ["a", "b"] * 3


def test_a_probability_of_logits_is_a_softmax():
    said = from_logits(np.log(np.array([[0.2, 0.8], [0.7, 0.3]])), np.array(["a", "b"]))
    assert said.predicted.tolist() == ["b", "a"]
    assert said.confidence == pytest.approx([0.8, 0.7])


def test_augmentation_repeats_by_seed_and_differs_by_round_and_image():
    canvases = np.stack([_scribble(1), _scribble(1)])
    first = jitter(canvases, seed=3, number=0)
    assert np.array_equal(first, jitter(canvases, seed=3, number=0))
    assert not np.array_equal(first, jitter(canvases, seed=3, number=1))
    assert not np.array_equal(first[0], first[1])
    assert 0.6 < (255.0 - first).sum() / (255.0 - canvases).sum() < 1.6  # the ink stays on the canvas


@pytest.mark.parametrize("inside", ["", "genuine"])
def test_a_folder_of_people_is_read_with_images_straight_in_it_or_in_genuine(tmp_path, inside):
    root = _folder(tmp_path / "set", {"007": 3, "042": 2}, inside=inside)
    check_adapter(open_adapter("folders", root))
    people = folder_class(root, adapter="folders", height=32, width=64, progress=Progress(quiet=True))
    assert people.signers.tolist() == ["007"] * 3 + ["042"] * 2
    assert people.canvases.shape == (5, 32, 64)
    assert people.notes == []


def test_forgeries_and_repeated_pictures_are_named_and_left_out(tmp_path):
    root = _folder(tmp_path / "set", {"a": 3, "b": 3}, inside="genuine")
    (root / "a" / "forged").mkdir()
    cv2.imwrite(str(root / "a" / "forged" / "1.png"), _scribble(5))
    (root / "b" / "genuine" / "9.png").write_bytes((root / "a" / "genuine" / "1.png").read_bytes())
    people = folder_class(root, adapter="folders", height=32, width=64, progress=Progress(quiet=True))
    assert len(people) == 6
    assert any("forgeries" in note for note in people.notes)
    assert any("identical" in note for note in people.notes)


def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless():
    assert as_csv(("name",), [("=1+1",), ("ok",)]) == "name\n'=1+1\nok\n"


def _refused(capsys, *words) -> str:
    assert main([*words, "--quiet"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def test_the_command_line_refuses_bad_classes_in_one_line(tmp_path, capsys):
    train = ["train", "--task", "classify", "--run", str(tmp_path / "run")]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "has no provenance.toml" in _refused(capsys, *train, "--data", str(empty))
    write_provenance(empty, **ANSWERS)
    assert "holds no readable signature" in _refused(capsys, *train, "--data", str(empty))
    one = _folder(tmp_path / "one", {"a": 4})
    assert "at least 2 signers" in _refused(capsys, *train, "--data", str(one))
    short = _folder(tmp_path / "short", {"a": 4, "b": 1})
    assert "signer 'b' has 1 signature" in _refused(capsys, *train, "--data", str(short))
    few = _folder(tmp_path / "few", {"a": 3, "b": 3})
    assert "folds are more than" in _refused(capsys, *train, "--data", str(few), "--folds", "7")
    assert "too few" in _refused(capsys, *train, "--signers", "1")
    assert "too few" in _refused(capsys, *train, "--acts", "1")
    assert "a folder given by --data has its own" in _refused(capsys, *train, "--data", str(few), "--acts", "3")
    assert "unknown task 'name'" in _refused(capsys, "train", "--task", "name")
    assert "no setting of --task classify" in _refused(capsys, *train, "--set", "steps=3")
    assert "--signer is for classification runs" in _refused(
        capsys, "evaluate", "--run", str(tmp_path / "none"), "--signer", "a"
    )
    assert not (tmp_path / "run").exists()  # nothing half-written is left behind


def test_a_class_comes_from_the_part_of_the_world_that_no_network_trains_on():
    network = ClassifyConfig(signers=6).network()
    from pipelines.splits import split_world

    split = split_world(network.world)
    assert set(class_signers(7, 6)) <= set(split.test)
    assert not any(number in split.train for number in class_signers(7, 184))
    assert network.batch.forgeries == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_class_is_learnt_reported_and_looked_up_from_the_command_line(tmp_path, capsys):
    run = tmp_path / "class"
    config = make_config({"signers": 10, "acts": 3, "folds": 3, "epochs": 1, "scratch_epochs": 1}, ["batch_signers=6"])
    config = make_config({**vars(config), "height": 32, "width": 64, "copies": 1})
    metrics = classify(run, config, fresh=False, progress=Progress(quiet=True))
    assert {(row["method"], row["augmented"]) for row in metrics["methods"]} == {
        (method, augmented) for method in METHODS for augmented in (False, True)
    }
    best = next(row for row in metrics["methods"] if (row["method"], row["augmented"]) == HEADLINE)
    assert best["accuracy"]["value"] > 0.3  # chance is 0.1
    with (run / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 * 30
    page = (run / "report.html").read_text()
    assert not re.search(r"(?:src|href)=.?https?:", page)
    assert classify(run, config, fresh=False, progress=Progress(quiet=True)) == metrics
    with pytest.raises(RunError, match="verifier"):  # a closed set is nobody's verifier
        load_verifier(run)
    with pytest.raises(RunError, match="another configuration"):
        classify(run, make_config({**vars(config), "seed": 8}), fresh=False, progress=Progress(quiet=True))
    capsys.readouterr()
    assert main(["evaluate", "--run", str(run), "--signer", "S000003", "--n", "5", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "of 3 of the class" in said
    assert "of 2 fresh acts" in said
    assert cv2.imread(str(run / "signer-S000003.png")) is not None
    assert "nobody of the class" in _refused(capsys, "evaluate", "--run", str(run), "--signer", "nobody")
