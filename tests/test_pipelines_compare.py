"""Training any network with any loss, a fitted head, and the comparison on equal images, all at a tiny scale."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import models
from models.objectives import OBJECTIVES
from pipelines.adapters import ProvenanceError, write_provenance
from pipelines.building import build_model, check_names
from pipelines.cli import main
from pipelines.compare import Row, compare
from pipelines.config import PRESETS, RunConfig, changed, with_model
from pipelines.demo import demo
from pipelines.evaluation_parts import draw_part
from pipelines.head_fitting import fit_head
from pipelines.inputs import Drawing, training_stream
from pipelines.progress import Progress
from pipelines.runs import Run, RunError, load_verifier
from pipelines.settings import CLOSED_SET_LOSSES
from synth import World, render

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def tiny_config(micro_config: RunConfig) -> RunConfig:
    """The micro run with the quickest network and less to evaluate."""
    options = json.dumps({"channels": [8, 16], "dense": [16]})
    return changed(
        micro_config,
        [
            "train.model=plain_cnn",
            "train.loss=joint",
            f"train.model_options={options}",
            "train.precision=float32",
            "train.epochs=1",
        ],
    )


@pytest.fixture(autouse=True)
def _usual_precision():
    yield
    keras.config.set_dtype_policy("float32")


def test_the_losses_that_need_a_closed_set_are_the_ones_with_a_head():
    assert set(CLOSED_SET_LOSSES) == {name for name, objective in OBJECTIVES.items() if objective.head != "none"}


def test_changes_are_put_in_by_key():
    base = PRESETS["smoke"]
    made = changed(base, ["train.epochs=7", "train.model=vit_tiny", "train.model_options.patch=8", "world.seed=3"])
    assert (made.train.epochs, made.train.model, made.world.seed) == (7, "vit_tiny", 3)
    assert made.train.model_options == {"patch": 8}
    assert RunConfig.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    reach = changed(base, ["train.model_options.reach=[3, 4]"])
    assert changed(reach, ["train.model_options.patch=8", "train.model=vit_tiny"]).train.model_options == {"patch": 8}
    assert changed(reach, ['train.model="resnet_elastic"']) == reach
    tuples = dataclasses.replace(base.train, model_options={"channels": (8, 16)})
    assert tuples.model_options == {"channels": [8, 16]}


@pytest.mark.parametrize("name", ["resnet_small", "resnet_elastic", "signet", "vit_tiny"])
@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_can_be_had_with_another_network(preset, name):
    base = PRESETS[preset]
    check_names(base)
    made = with_model(base, name), changed(base, [f"train.model={name}"])
    own = base.train.model_options if name == base.train.model else {}
    for config in made:
        check_names(config)
        assert config.train.model_options == own
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("train.epochs", "is no change; write KEY=VALUE"),
        ("train.epoch=3", "unknown setting 'train.epoch'; did you mean 'epochs'"),
        ("trian.epochs=3", "unknown setting 'trian.epochs'; 'trian' is none of"),
        ("train.epochs=0", "train.epochs: .*greater than or equal to 1"),
        ("train.loss=arcface", "loss 'arcface' names each training signer, .* set it to at most 50000"),
    ],
)
def test_a_wrong_change_is_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=message):
        changed(PRESETS["smoke"], [change])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (["train.model=resnet_smal"], ValueError, "unknown network 'resnet_smal'; did you mean 'resnet_small'"),
        (["train.loss=tripplet"], ValueError, "unknown loss 'tripplet'; did you mean 'triplet'"),
        (["train.model_options.atention=se"], TypeError, "no option 'atention'; did you mean 'attention'"),
        (["train.loss=triplet", "train.loss_options.margin=-1"], ValueError, "margin is -1"),
        (
            ["train.model=signet", "train.loss=joint", "train.height=64"],
            ValueError,
            "'signet' needs a height and width of at least 67 px",
        ),
        (["train.imagenet=w.h5"], ValueError, "imagenet is for model 'mobilenetv2'"),
    ],
)
def test_names_are_checked_before_a_run_begins(changes, error, message, tmp_path, capsys):
    with pytest.raises(error, match=message):
        check_names(changed(PRESETS["smoke"], changes))
    command = ["train", "--preset", "smoke", "--run", str(tmp_path / "run")]
    wrong = [word for change in changes for word in ("--set", change)]
    if changes[0].startswith(("train.model", "train.loss")):
        assert main([*command, *wrong]) == 2
        assert capsys.readouterr().err.count("\n") == 1
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("loss", sorted(set(OBJECTIVES) - {"elastic"}))  # which needs a network of its own
def test_any_loss_of_the_configuration_trains_any_network(loss, tiny_config):
    config = changed(tiny_config, ["world.train_signers=20", f"train.loss={loss}", "train.learning_rate=0.003"])
    if loss == "elastic":
        with pytest.raises(ValueError, match=r"'elastic' is for networks that compare so, .* not for 'plain_cnn'"):
            check_names(config)
        config = changed(config, ["train.model=resnet_elastic", "train.model_options={}"])
    model = build_model(config, lambda line: None)
    images, labels = next(iter(training_stream(config, 0, 1, threads=1)))
    losses = [float(model.train_on_batch(images, labels)) for _ in range(25)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    if loss in CLOSED_SET_LOSSES:
        assert model.output_shape[-1] in (20, 21)


def test_another_network_drops_what_was_said_for_the_old_one_alone():
    base = changed(PRESETS["smoke"], ["train.model_options.x=1"])
    assert with_model(base, base.train.model) == base
    other = with_model(base, "signet")
    assert (other.train.model, other.train.model_options, other.train.loss) == ("signet", {}, "auto")
    kept = with_model(changed(base, ["train.loss=triplet", "train.loss_options.margin=0.2"]), "signet")
    assert (kept.train.loss, kept.train.loss_options) == ("triplet", {"margin": 0.2})
    assert with_model(changed(base, ["train.loss=elastic"]), "signet").train.loss == "auto"
    for name in models.names("image"):
        check_names(with_model(PRESETS["smoke"], name))


def test_labels_of_a_closed_set_are_the_signers_themselves(tiny_config):
    closed = changed(tiny_config, ["world.train_signers=20", "train.loss=cosface"])
    images, labels = Drawing(closed)(np.int64(3))
    plain, slots = Drawing(changed(tiny_config, ["world.train_signers=20"]))(np.int64(3))
    np.testing.assert_array_equal(images, plain)
    np.testing.assert_array_equal(labels[:, 1], slots[:, 1])
    assert labels[:, 0].max() < 20
    for slot in range(4):
        assert len(set(labels[slots[:, 0] == slot, 0])) == 1
    assert len(set(labels[:, 0])) == 4


def test_a_run_on_trajectories_is_trained_judged_and_loaded(tmp_path, tiny_config):
    config = changed(
        tiny_config, ["train.model=tcn", 'train.model_options={"channels": 8, "stages": 2}', "train.samples=64"]
    )
    metrics = demo(tmp_path / "run", config, fresh=False, progress=QUIET)
    assert 0 <= metrics["verifier"]["eer_random"]["value"] <= 1
    assert set(metrics["baselines"]) == {"raw pixels", "HOG", "DTW"}
    verifier = load_verifier(tmp_path / "run")
    moves = [World(5)[i].genuine(0).trajectory for i in range(3)]
    assert [d.verdict in ("accept", "reject", "inconclusive") for d in verifier.decide(moves[:1], moves[1:])]


@pytest.fixture(scope="module")
def compared(tmp_path_factory, tiny_config):
    out = tmp_path_factory.mktemp("compared") / "table"
    config = changed(tiny_config, ["train.model=resnet_small", "train.model_options={}"])
    return out, config, compare(config, ["plain_cnn", "resnet_small"], out, seeds=(0, 1), best=1, progress=QUIET)


@pytest.mark.slow
def test_a_comparison_holds_every_network_once_and_the_best_with_every_seed(compared):
    out, config, rows = compared
    assert sorted(row.model for row in rows).count(rows[0].model) in (1, 2)
    assert len(rows) == 3
    assert {row.model for row in rows} == {"plain_cnn", "resnet_small"}
    assert {row.loss for row in rows} == {"joint"}
    assert {row.images for row in rows} == {config.train.steps_per_epoch * config.batch.images}
    with (out / "comparison.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["model"] for row in table] == [row.model for row in rows]
    for row in table:
        assert 0 <= float(row["eer_skilled_low"]) <= float(row["eer_skilled_value"]) <= 1
    text = (out / "comparison.md").read_text(encoding="utf-8")
    assert text.count("| plain_cnn |") + text.count("| resnet_small |") == 3
    assert "on average over 2 seeds" in text
    assert f"World {config.world.seed}, {config.world.test_signers} test signers" in text


def test_development_signers_and_not_the_judges_choose_who_gets_more_seeds(tmp_path, tiny_config, monkeypatch):
    judged = {"resnet_small": 0.1, "plain_cnn": 0.2}

    def row(base, name, seed, folder, progress):
        run = folder / f"{name}-{seed}"
        run.mkdir(parents=True)
        rate = 0.3 - judged[name]  # development signers say the opposite of the test signers
        points = {"eer_skilled": {"threshold": 0.0, "frr": rate, "far_skilled": rate, "far_random": None}}
        (run / "metrics.json").write_text(json.dumps({"development": {"points": points}}))
        eer = {"value": judged[name], "low": 0.0, "high": 1.0}
        return Row(name, "joint", seed, eer, eer, 1, 1, 1.0, 1.0, 1)

    monkeypatch.setattr("pipelines.compare._row", row)
    rows = compare(tiny_config, sorted(judged), tmp_path, seeds=(0, 1), best=1, progress=QUIET)
    assert sorted((row.model, row.seed) for row in rows) == [("plain_cnn", 0), ("plain_cnn", 1), ("resnet_small", 0)]


@pytest.mark.slow
def test_a_comparison_goes_on_where_it_stopped(compared):
    out, config, rows = compared
    kept = {run: (run / "model.keras").stat().st_mtime_ns for run in out.iterdir() if run.is_dir()}
    again = compare(config, ["plain_cnn", "resnet_small"], out, seeds=(0, 1), best=1, progress=QUIET)
    assert again == rows
    assert kept == {run: (run / "model.keras").stat().st_mtime_ns for run in kept}


def test_a_comparison_of_nothing_or_of_the_unknown_is_refused_before_it_begins(tmp_path, tiny_config):
    for names, seeds in (([], [0]), (["vit_tiny", "vit_tiny"], [0]), (["vit_tiny"], [])):
        with pytest.raises(ValueError, match="need different names and different seeds"):
            compare(tiny_config, names, tmp_path / "x", seeds=seeds, progress=QUIET)
    with pytest.raises(ValueError, match="unknown network 'resnet19'; did you mean"):
        compare(tiny_config, ["plain_cnn", "resnet19"], tmp_path / "x", progress=QUIET)
    assert not (tmp_path / "x").exists()


@pytest.fixture
def headed(finished_run: Path, tmp_path: Path) -> Run:
    return Run(shutil.copytree(finished_run, tmp_path / "run"))


def test_a_head_is_fitted_on_training_signers_and_then_judged(headed: Run) -> None:
    cosine = load_verifier(headed.path)
    config = headed.config()
    head = fit_head(headed, progress=QUIET, signers=12)
    assert not head.contains_real_signatures
    assert head.n_signers == 12
    assert not headed.finished
    with pytest.raises(RunError, match=r"no verifier\.json"):
        load_verifier(headed.path)
    metrics = demo(headed.path, config, fresh=False, progress=QUIET)
    assert metrics["data"]["contains_real_signatures"] is False
    verifier = load_verifier(headed.path)
    assert verifier.head == head
    images = [render(World(5)[i].genuine(0), dpi=100) for i in range(3)]
    np.testing.assert_allclose(verifier.embed(images), cosine.embed(images), atol=1e-5)
    expected = head.scores(verifier.embed(images[:1]), verifier.embed(images[1:]))
    np.testing.assert_allclose(verifier.score_matrix(images[:1], images[1:]), expected, atol=1e-4)
    part = draw_part(config, "test", verifier)
    assert part.head == head


def test_a_head_fitted_on_a_folder_says_so_and_is_not_judged_on_it(headed: Run, tmp_path: Path, capsys) -> None:
    from pipelines.export import export
    from pipelines.export_plan import ExportSpec
    from pipelines.own_data import evaluate_folder

    config, data = headed.config(), tmp_path / "data"
    export(data, ExportSpec(seed=41, signers=5, genuine=3, forged=2, dpi=100, capture="clean"))
    record = (data / "provenance.toml").read_text(encoding="utf-8")
    (data / "provenance.toml").write_text(
        record.replace("contains_real_signatures = false", "contains_real_signatures = true"), encoding="utf-8"
    )
    head = fit_head(headed, progress=QUIET, data=data)
    assert head.contains_real_signatures
    metrics = demo(headed.path, config, fresh=False, progress=QUIET)
    assert metrics["data"]["contains_real_signatures"] is True
    assert headed.read("verifier.json")["provenance"]["contains_real_signatures"] is True
    verifier = load_verifier(headed.path)
    images = [render(World(5)[i].genuine(0), dpi=100) for i in range(3)]
    assert "fitted with real signatures" in verifier.decide(images[:1], images[1:])[0].quality
    with pytest.raises(RunError, match="evaluate it on signatures it has not seen"):
        evaluate_folder(headed.path, data, progress=QUIET, out=tmp_path / "out")


@pytest.mark.parametrize("purpose", ["evaluation of a verifier", "research, but no training of networks"])
def test_no_head_is_fitted_on_a_folder_that_may_not_be_trained_on(purpose: str, tmp_path: Path) -> None:
    run, data = Run(tmp_path / "run"), tmp_path / "data"
    for folder in (run.path, data):
        folder.mkdir()
    (run / "model.keras").write_bytes(b"never opened")
    (run / "verifier.json").write_text("{}", encoding="utf-8")
    write_provenance(
        data,
        source="drawn by a test",
        licence="CC0-1.0",
        lawful_basis="no person is involved",
        purpose=purpose,
        contact="the test",
        contains_real_signatures=True,
    )
    with pytest.raises(ProvenanceError, match="does not permit training; it must name research, teaching or training"):
        fit_head(run, progress=QUIET, data=data)
    assert sorted(path.name for path in run.path.iterdir()) == ["model.keras", "verifier.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head", "linear"], "unknown head 'linear'; use one of: logistic"),
        (["--data", "x"], "--data goes with --from RUN, whose network is fine-tuned, or with --head logistic"),
        (["--head", "logistic"], "has no trained network; run `train --run"),
    ],
)
def test_a_head_that_cannot_be_fitted_is_refused(arguments, message, tmp_path, capsys):
    assert main(["train", "--run", str(tmp_path / "none"), *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_imagenet_weights_come_from_a_file_of_the_users_alone(tmp_path):
    import h5py

    from pipelines.pretrained import load_imagenet, read_weights

    theirs = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in theirs.layers]
        for layer in theirs.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{w.name}:0".encode() for w in layer.weights]
            group.attrs["weight_names"] = names
            for name, weight in zip(names, layer.weights, strict=True):
                group.create_dataset(name.decode(), data=np.asarray(weight))
    model = models.build("mobilenetv2", image_shape=(32, 32, 1), embedding_dim=4, seed=0)
    assert load_imagenet(model, path) == sum(bool(layer.weights) for layer in theirs.layers)
    np.testing.assert_array_equal(
        np.asarray(model.get_layer("last_conv").kernel), np.asarray(theirs.get_layer("Conv_1").kernel)
    )
    with h5py.File(path, "a") as file:
        del file["Conv_1"]
        file["Conv_1"] = h5py.ExternalLink("other.h5", "/Conv_1")
    with pytest.raises(ValueError, match="'Conv_1' is a link to somewhere else"):
        read_weights(path)
    (tmp_path / "no.h5").write_bytes(b"not this")
    for wrong, message in (("no.h5", "is no HDF5 file"), ("none.h5", "there is no weights file")):
        with pytest.raises(ValueError, match=message):
            read_weights(tmp_path / wrong)
