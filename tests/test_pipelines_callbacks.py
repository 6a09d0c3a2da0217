"""What surrounds a step of training: the rate and the clipping of its optimizer, what is shown and drawn of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.checkpoints import clear_leftovers
from pipelines.config import RunConfig, changed
from pipelines.plots import plot_curves
from pipelines.progress import Bar, Progress
from pipelines.runs import Run


def test_the_rate_warms_up_falls_as_a_cosine_and_ends_at_a_hundredth(micro_config: RunConfig) -> None:
    from pipelines.optimizer import build_optimizer

    wanted = ["train.epochs=10", "train.steps_per_epoch=10", "train.warmup_share=0.1", "train.learning_rate=0.5"]
    schedule = build_optimizer(changed(micro_config, wanted))._learning_rate
    rates = np.array([float(schedule(step)) for step in range(101)])
    np.testing.assert_allclose(rates[:11], 0.5 * np.arange(11) / 10, rtol=1e-5)
    cosine = 0.5 * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * np.arange(91) / 90)))
    np.testing.assert_allclose(rates[10:], cosine, rtol=1e-4)


def test_a_gradient_is_clipped_and_averages_follow_the_weights(micro_config: RunConfig) -> None:
    import keras

    from pipelines.optimizer import build_optimizer

    wanted = ["train.clip_norm=0.001", "train.ema=0.75", "train.warmup_share=0", "train.weight_decay=0"]
    optimizer = build_optimizer(changed(micro_config, [*wanted, "train.learning_rate=0.1"]))
    weight = keras.Variable(np.zeros(2, np.float32), name="weight")
    steep = keras.ops.convert_to_tensor(np.array([3e6, 4e6], np.float32))
    np.testing.assert_allclose(optimizer._clip_gradients([steep])[0], [0.0006, 0.0008], rtol=1e-5)
    seen = []
    for _ in range(3):
        optimizer.apply([steep], [weight])
        seen.append(np.array(weight))
    average = np.zeros(2, np.float32)
    for step, value in enumerate(seen):
        average = value if step == 0 else 0.75 * average + 0.25 * value
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(np.array(weight), average, rtol=1e-4)
    assert not np.allclose(average, seen[-1], rtol=0.05)


@pytest.mark.parametrize("looked", [False, True])
def test_curves_of_training_and_development_stand_side_by_side(tmp_path: Path, looked: bool) -> None:
    rows = ["epoch,loss", "1,3.0", "2,2.0"]
    if looked:
        names = "dev_loss,dev_eer_skilled,train_eer_skilled,dev_eer_random,train_eer_random"
        rows = [f"epoch,loss,{names}", "1,3.0,3.1,0.4,0.3,0.2,0.1", "2,2.0,2.1,0.3,0.25,0.1,0.05"]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n")
    axes = plot_curves(tmp_path / "log.csv").axes
    drawn = [{line.get_label(): list(line.get_ydata()) for line in one.get_lines()} for one in axes]
    if not looked:
        assert drawn == [{"training": [3.0, 2.0]}]
        return
    assert drawn[0] == {"training": [3.0, 2.0], "development": [3.1, 2.1]}
    assert {name: pytest.approx(values) for name, values in drawn[1].items()} == {
        "skilled, training": [30, 25],
        "skilled, development": [40, 30],
        "random, training": [10, 5],
        "random, development": [20, 10],
    }


@pytest.mark.parametrize(("small", "marks"), [(0, []), (2, [2.5]), (3, [])])
def test_where_canvases_become_larger_is_marked(tmp_path: Path, small: int, marks: list[float]) -> None:
    (tmp_path / "log.csv").write_text("epoch,loss\n1,3.0\n2,2.0\n3,2.5\n")
    (axes,) = plot_curves(tmp_path / "log.csv", small_epochs=small).axes
    lines = [line for line in axes.get_lines() if "larger canvases" in str(line.get_label())]
    assert [line.get_xdata()[0] for line in lines] == marks


def test_progress_counts_steps_also_of_epochs_done_before_and_shows_loss_and_rate() -> None:
    progress = Progress(quiet=True)
    bar = Bar(progress, "training", 12, None)
    watch: Any = progress.training_callback(bar, 16)
    watch.set_params({"steps": 4, "epochs": 3})
    watch.on_train_begin()
    watch.on_epoch_begin(1)  # goes on after the first epoch
    assert bar.done == 4
    for batch in range(4):
        watch.on_train_batch_end(batch, {"loss": 1.25})
    watch.on_epoch_begin(2)
    assert bar.done == 8
    assert bar.words.startswith("epoch 2/3  loss 1.250  ")
    assert bar.words.endswith("images/s")
    assert watch.seen == 3 * 16, "the first step, which builds the graph, is no part of the rate"


def test_what_a_killed_training_was_writing_goes_and_whole_files_stay(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    half = [".12.log.csv", ".3.model.keras", "checkpoints/.7.epoch-0002.keras", "checkpoints/.8.best-0001.keras"]
    whole = ["log.csv", "checkpoints/epoch-0001.keras", "checkpoints/best-0001.keras", ".12.notes.txt", ".hidden"]
    for name in (*half, *whole):
        (tmp_path / name).write_text(name)
    clear_leftovers(Run(tmp_path), 2)
    left = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert left == set(whole)
