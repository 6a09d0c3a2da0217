"""Training that begins on smaller canvases: which epochs, what is carried over, what is refused."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from pipelines.building import build_backbone, build_model, check_names
from pipelines.config import PRESETS, RunConfig, changed, with_model
from pipelines.fine_tuning import fine_tuned
from pipelines.growth import grown, stages, variables
from pipelines.hosts import check_hosts, parse_hosts
from pipelines.progress import Bar, Progress
from pipelines.runs import Run, sha256
from pipelines.settings import TrainSettings


@pytest.fixture
def growing(micro_config: RunConfig) -> Iterator[Callable[..., RunConfig]]:
    """Return a maker of configurations with a network so small that an epoch takes moments."""
    import keras

    from models import registry

    @models.register("tiny_pooled", any_canvas=True)
    def tiny_pooled(*, image_shape: tuple[int, int, int], embedding_dim: int, seed: int) -> Any:
        ink = keras.Input(image_shape)
        init = keras.initializers.GlorotUniform(seed)
        x = keras.layers.Conv2D(8, 5, 4, activation="relu", kernel_initializer=init)(ink)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Dropout(0.2)(x))
        x = keras.layers.Dense(embedding_dim, kernel_initializer=init)(x)
        return keras.Model(ink, keras.layers.UnitNormalization(dtype="float32")(x))

    def make(**train: Any) -> RunConfig:
        values = micro_config.to_dict()
        small = {"model": "tiny_pooled", "height": 48, "width": 96, "embedding_dim": 8, "precision": "float32"}
        values["train"] |= small | {"epochs": 3, "small_share": 0.4, "steps_per_epoch": 3} | train
        return RunConfig.from_dict(values)

    yield make
    registry._BUILDERS.pop("tiny_pooled")


def trained(path: Path, config: RunConfig, watch: list[Any] | None = None) -> tuple[Any, list[str]]:
    from pipelines.train import train

    run, lines = Run(path), []
    run.start(config)
    return train(run, config, say=lines.append, watch=watch), lines


@given(epochs=st.integers(1, 12), share=st.floats(0, 0.999), height=st.integers(48, 300), width=st.integers(48, 600))
def test_stages_cover_every_epoch_once_and_the_last_is_on_whole_canvases(
    epochs: int, share: float, height: int, width: int
) -> None:
    small = int(share * epochs + 1e-9)
    changes = [f"train.{k}={v}" for k, v in {"epochs": epochs, "height": height, "width": width}.items()]
    config = changed(PRESETS["smoke"], [*changes, f"train.small_share={share}"])
    found = stages(config)
    assert [epoch for stage in found for epoch in range(stage.first, stage.last)] == list(range(epochs))
    assert found[-1].config == config
    if small:
        assert found[0].last == small
        train = found[0].config.train
        for side, whole in ((train.height, height), (train.width, width)):
            assert side % 8 == 0
            assert abs(side - whole * 2 / 3) <= 4
        assert changed(found[0].config, changes) == config


@pytest.mark.parametrize("name", models.names("image"))
def test_a_network_says_truly_whether_its_weights_fit_any_canvas(name: str) -> None:
    spec = models.find_spec(name)
    least = max(64, spec.smallest)
    shapes = []
    for size in ((least, 2 * least, 1), (least + 32, 2 * least + 64, 1)):
        model = models.build(name, image_shape=size, embedding_dim=16, seed=0)
        shapes.append([(weight.path, tuple(weight.shape)) for weight in model.weights])
    assert (shapes[0] == shapes[1]) == spec.any_canvas


@pytest.mark.parametrize(
    ("name", "precision"),
    [("tiny_pooled", "float32"), *[("resnet_elastic", p) for p in ("float32", "mixed_bfloat16", "mixed_float16")]],
)
def test_weights_and_optimizer_go_on_where_they_stand_on_other_canvases(
    growing: Callable[..., RunConfig], name: str, precision: str
) -> None:
    small, large = (stage.config for stage in stages(growing(model=name, precision=precision)))
    model = build_model(small, lambda line: None)
    rng, n = np.random.default_rng(0), small.batch.images
    labels = np.stack([np.arange(n) // (n // 4), np.tile([1, 1, 0, 0], n // 4)], axis=1)
    for _ in range(12):  # with float16, steps are left out until the scale of the loss fits
        model.train_on_batch(rng.random((n, 32, 64, 1), np.float32), labels)
        if int(model.optimizer.iterations):
            break
    lines: list[str] = []
    whole = grown(model, large, lines.append)
    assert lines == ["from here on 48 x 96 px"]
    assert whole.input_shape == (None, 48, 96, 1)
    assert int(whole.optimizer.iterations) == 1
    for new, old in zip(variables(whole), variables(model), strict=True):
        np.testing.assert_array_equal(new, old)
    assert np.isfinite(whole.train_on_batch(rng.random((n, 48, 96, 1), np.float32), labels))


@pytest.mark.parametrize("loss", ["auto", "triplet"])
@pytest.mark.parametrize("units", [0, 4, 24])
def test_a_network_that_goes_on_from_another_has_as_much_evidence(
    growing: Callable[..., RunConfig], tmp_path: Path, units: int, loss: str
) -> None:
    config = growing(model="resnet_elastic", loss=loss)
    parent = build_backbone(changed(config, [f"train.model_options.evidence={units}"]))
    parent.set_weights([w + 0.01 for w in parent.get_weights()])
    parent.save(tmp_path / "model.keras")
    begun = changed(
        config,
        [f"train.start_from={tmp_path}", f"train.start_sha256={sha256(tmp_path / 'model.keras')}"],
    )
    model = build_model(begun, lambda line: None)
    for ours, theirs in zip(model.get_weights(), parent.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if loss == "auto":
        assert model.loss.embedding is model.layers[-1]
        small = build_model(changed(stages(config)[0].config, [f"train.model_options.evidence={units}"]), str)
        whole = grown(small, config, lambda line: None)  # as when an older version began it
        assert len(whole.get_weights()) == len(parent.get_weights())


def test_weights_of_other_shapes_are_refused(growing: Callable[..., RunConfig]) -> None:
    config = growing()
    model = build_model(changed(config, ["train.embedding_dim=4"]), lambda line: None)
    with pytest.raises(ValueError, match=r"has shape \(8, 8\), and \(8, 4\) on smaller canvases"):
        grown(model, config, print)


def test_a_run_killed_at_any_epoch_goes_on_to_the_same_weights(
    growing: Callable[..., RunConfig], tmp_path: Path
) -> None:
    import keras

    class Keep(keras.callbacks.Callback):  # type: ignore[misc]
        """Copies the run as a kill would leave it."""

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            shutil.copytree(tmp_path / "run", tmp_path / f"killed{epoch + 1}")

    config = growing(small_share=0.7)
    model, lines = trained(tmp_path / "run", config, [Keep()])
    assert [line for line in lines if "px" in line] == ["from here on 48 x 96 px"]
    assert sum("on a batch that lies ready" in line for line in lines) == 1
    assert keras.saving.load_model(tmp_path / "run/model.keras", compile=False).input_shape == (None, 48, 96, 1)
    for epoch in (1, 2, 3):
        again, lines = trained(tmp_path / f"killed{epoch}", config)
        assert f"going on after epoch {epoch} of 3" in lines
        assert ("from here on 48 x 96 px" in lines) == (epoch < 3)
        for ours, theirs in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_progress_counts_the_steps_of_both_stages() -> None:
    bar = Bar(Progress(quiet=True), "training", 12, None)
    watch: Any = bar.owner.training_callback(bar, 16)
    for first, last in ((0, 1), (1, 3)):
        watch.set_params({"steps": 4, "epochs": last})
        watch.on_train_begin()
        for epoch in range(first, last):
            watch.on_epoch_begin(epoch)
            for batch in range(4):
                watch.on_train_batch_end(batch, {"loss": 1.0})
            assert bar.words.startswith(f"epoch {epoch + 1}/3  loss")
    assert bar.done == 12


def test_what_cannot_begin_on_smaller_canvases_begins_on_whole_ones_and_is_told_so(
    growing: Callable[..., RunConfig],
) -> None:
    config = growing()
    for setting in ("patience=2", "stop_at=0.9", "epochs=2"):
        assert len(stages(changed(config, [f"train.{setting}"]))) == 1
    for name, share in (("resnet_small", 0.0), ("tcn", 0.0), ("resnet_elastic", 0.4)):
        assert with_model(config, name).train.small_share == share
        assert changed(config, [f"train.model={name}"]).train.small_share == share
    check_names(config)
    assert changed(config, ['train={"epochs":3}']).train == TrainSettings(epochs=3)
    other = changed(config, ["train.model=resnet_small", "train.small_share=0.5"])
    with pytest.raises(ValueError, match=r"'resnet_small' fit one size of canvas.*use train\.small_share=0"):
        check_names(other)
    with pytest.raises(ValueError, match=r"on one host only; use --set train\.small_share=0"):
        check_hosts(config, parse_hosts("a:1,b:1", 0))
    with pytest.raises(ValueError, match=r"train\.small_share: .* less than 1"):
        changed(config, ["train.small_share=1"])


def test_a_configuration_says_how_long_it_trains_on_what_size(growing: Callable[..., RunConfig]) -> None:
    assert growing().train.course == "3 x 3 steps (the first 1 x 3 at 32 x 64 px)"
    assert growing(small_share=0).train.course == "3 x 3 steps"


def test_fine_tuning_is_on_whole_canvases(growing: Callable[..., RunConfig], tmp_path: Path) -> None:
    config = growing()
    run = Run(tmp_path / "run")
    run.start(config)
    (run / "model.keras").write_bytes(b"only its digest is taken")
    assert fine_tuned(run.path, data=None).train.small_epochs == 0
