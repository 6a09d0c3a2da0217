"""The main job: world -> training -> evaluation on unseen signers -> report, resumable at every stage."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import RunConfig
from .progress import Progress
from .run_cost import Clock
from .runs import Run

if TYPE_CHECKING:
    from .collective import Cluster

__all__ = ["Clock", "compile_kernels", "demo", "train_stage"]


def demo(path: str | Path, config: RunConfig, *, fresh: bool, progress: Progress) -> dict[str, Any]:
    """Run, resume or just return a whole run; returns its metrics.

    Args:
        path: The run folder.
        config: What to run.
        fresh: Start over.
        progress: Where to say what happens.

    Raises:
        RunError: If the folder belongs to another configuration.
    """
    run = Run(path)
    run.start(config, fresh=fresh)
    if run.finished:
        progress.say(f"{run.path} is finished; printing it (--fresh starts over)")
        metrics: dict[str, Any] = run.read("metrics.json")
        return metrics
    clock = Clock(run)
    train_stage(run, config, progress, clock)
    from .evaluation_stage import evaluate_stage  # what judges need is not loaded while training

    return evaluate_stage(run, config, progress, clock)


def compile_kernels() -> None:
    """Draw and preprocess a genuine act and a forgery, so that compilation is not counted as drawing.

    The first time, what moves the pen is compiled here and all the rest in a process beside, at once.
    """
    from synth import World, forge
    from synth.acts import genuine_act, sign_acts
    from synth.kernels import none_compiled

    from .drawing import draw_images

    beside: AbstractContextManager[Any] = nullcontext()
    if (os.cpu_count() or 1) > 1 and none_compiled():
        code = "from pipelines.demo import compile_without_a_pen; compile_without_a_pen()"
        beside = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    act = genuine_act(World(0)[0], 0)
    with beside:  # waits for it to end; what it could not do is done here
        sign_acts([act])
    draw_images([act], height=32, width=64)
    forge(World(0)[0], by=World(0)[1], kind="freehand", skill=0.5, act=0)


def compile_without_a_pen() -> None:
    """Compile what draws a line and what preprocesses pictures, on a line that nobody wrote."""
    import numpy as np

    from synth.render import compile_drawing

    from .preprocess import preprocess

    compile_drawing()
    preprocess(np.pad(np.zeros((8, 24), np.uint8), 8, constant_values=255), height=32, width=64)


def train_stage(
    run: Run, config: RunConfig, progress: Progress, clock: Clock, *, cluster: "Cluster | None" = None
) -> None:
    """Train unless `model.keras` is there already, together with the other hosts of a cluster if there is one.

    Args:
        run: The run, begun.
        config: Its configuration.
        progress: Where to say what happens.
        clock: Where its seconds go.
        cluster: The hosts, if there are several.

    Raises:
        RunError: If another process trains into the folder.
    """
    with progress.task("compiling the drawing kernels (first time only)", None):
        clock.timed("compiling", compile_kernels)
    if (run / "model.keras").exists():
        return
    with progress.task("loading TensorFlow", None):
        from .inputs import images_per_step
        from .train import train
    settings = config.train
    with run.claimed(), run.taken_back(), progress.task("training", settings.epochs * settings.steps_per_epoch) as bar:
        watch = [progress.training_callback(bar, images_per_step(config))]
        clock.timed("training", lambda: train(run, config, say=progress.say, watch=watch, cluster=cluster))
