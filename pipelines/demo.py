"""The main job: world -> training -> evaluation on unseen signers -> report, resumable at every stage."""

import dataclasses
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .checkpoints import read_log, writing
from .config import RunConfig
from .files import write_beside, write_json
from .marks import provenance_of
from .preprocess import find_recipe
from .progress import Progress
from .runs import FORMAT, Run, sha256

PARAPH = "0.1.0"


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
    return evaluate_stage(run, config, progress, clock)


class Clock:
    """Seconds spent in each stage, summed over interruptions through the run folder."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.seconds: dict[str, float] = run.read("times.json") if (run / "times.json").exists() else {}

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        """Do the work; its time counts for the stage even if it is interrupted."""
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - begun, 1)
            with writing(self.run):
                write_json(self.run / "times.json", self.seconds)


def compile_kernels() -> None:
    """Draw and preprocess one small batch, so that compilation is not counted as drawing."""
    from synth import World
    from synth.acts import genuine_act

    from .sampling import draw_images

    draw_images([genuine_act(World(0)[0], 0)], height=32, width=64)


def train_stage(run: Run, config: RunConfig, progress: Progress, clock: Clock, *, cluster: Any = None) -> None:
    """Train unless `model.keras` is there already, together with the other hosts of a cluster if there is one."""
    with progress.task("compiling the drawing kernels (first time only)", None):
        clock.timed("compiling", compile_kernels)
    if (run / "model.keras").exists():
        return
    with progress.task("loading TensorFlow", None):
        from .inputs import images_per_step
        from .train import train
    settings = config.train
    with progress.task("training", settings.epochs * settings.steps_per_epoch) as bar:
        watch = [progress.training_callback(bar, images_per_step(config))]
        clock.timed("training", lambda: train(run, config, say=progress.say, watch=watch, cluster=cluster))


def evaluate_stage(
    run: Run,
    config: RunConfig,
    progress: Progress,
    clock: Clock,
    *,
    protocols: Sequence[str] = ("pairs",),
    negatives: Any = "development",
) -> dict[str, Any]:
    """Evaluate on development and test signers, freeze, write the verifier and the report.

    Args:
        run: The run, trained.
        config: Its configuration.
        progress: Where to say what happens.
        clock: Where its seconds go.
        protocols: Which of `protocol_runs.PROTOCOLS` to run; pairs always are.
        negatives: Whose signatures writer-dependent classifiers reject: "development" or "enrolled".
    """
    with progress.task("loading TensorFlow", None):
        import keras

        import models  # noqa: F401

        from . import evaluate
        from .evaluation_card import card_of, duplicates_in, image_probes
        from .logistic import LogisticHead
        from .online import OnlineVerifier
        from .operating import FILE as DEVELOPMENT
        from .operating import development_scores, write_development
        from .protocol_stage import protocols_on_world
        from .report import write_report
        from .score_file import write_scores
        from .shortcut_runs import probe_world
        from .verifier import Verifier
    run.mark("unfinished", stage="evaluating")
    model = keras.saving.load_model(run / "model.keras", safe_mode=True, compile=False)
    head = LogisticHead.from_dict(run.read("head.json")) if (run / "head.json").exists() else None
    takes = "image" if len(model.input_shape) == 4 else "sequence"
    made = Verifier if takes == "image" else OnlineVerifier
    size: dict[str, Any] = {"height": config.train.height, "width": config.train.width}
    verifier = made(model, **size, head=head, recipe=config.train.preprocessing)
    parts = {}
    for name, signers in (("dev", config.world.dev_signers), ("test", config.world.test_signers)):
        e = config.evaluation
        n = signers * (e.genuine + e.forgeries + len(e.skills) * e.per_skill)
        with progress.task(f"drawing and embedding {signers} {name} signers", n) as bar:
            told = bar.advance
            parts[name] = clock.timed("evaluating", lambda n=name, t=told: evaluate.draw_part(config, n, verifier, t))  # type: ignore[misc]
    tables: dict[str, Any] = {}
    with progress.task("rates, intervals and baselines", None):
        metrics, frozen, trials = clock.timed(
            "evaluating", lambda: evaluate.measure(parts["test"], parts["dev"], config, tables)
        )
    outcome = clock.timed(
        "evaluating", lambda: protocols_on_world(run, config, verifier, protocols, negatives, progress)
    )
    tables |= outcome.tables
    with progress.task("shortcut probes", None):
        probes = clock.timed("evaluating", lambda: probe_world(config, parts["test"], trials))
    write_beside(run / "scores.parquet", lambda path: write_scores(path, tables))
    write_development(run / DEVELOPMENT, development_scores(parts["dev"], config, frozen.trials))
    write_json(
        run / "verifier.json",
        {
            "format": FORMAT,
            "version": PARAPH,
            "preprocessing": find_recipe(verifier.recipe).key,
            "height": config.train.height,
            "width": config.train.width,
            "threshold": frozen.threshold,
            "band": verifier.band,
            "calibrator": frozen.calibrator.to_dict(),
            "points": {name: dataclasses.asdict(point) for name, point in frozen.points.items()},
            "takes": takes,
            "head": None if head is None else head.to_dict(),
            "fused": {name: point.to_dict() for name, point in evaluate.freeze_fused(parts["dev"], config).items()},
            "provenance": provenance_of(run, head),
            "sha256": sha256(run / "model.keras"),
        },
    )
    shutil.rmtree(run / "checkpoints", ignore_errors=True)  # `model.keras` is whole; the cost is what stays
    judged = parts["test"]
    metrics |= {"protocols": outcome.metrics} if outcome.metrics else {}
    metrics["card"] = card_of(
        metrics,
        config=config,
        probes=image_probes(judged.signatures, judged.canvases),
        duplicates={"removed": 0, "left": duplicates_in(judged.canvases)},
    )
    metrics |= {
        "probes": probes,
        "preset": config.preset,
        "data": provenance_of(run, head),
        "notice": verifier.notice,
        "cost": cost(run, clock.seconds, config),
    }
    write_json(run / "metrics.json", metrics)
    with progress.task("report", None):
        write_report(
            run.path,
            metrics,
            trials=trials,
            part=parts["test"],
            threshold=frozen.threshold,
            verifier=verifier,
            config=config,
        )
    run.mark("finished", stage="done")
    return metrics


def cost(run: Run, seconds: dict[str, float], config: RunConfig) -> dict[str, Any]:
    """Return what the run took: seconds by stage, images, peak memory and disk in MB."""
    peak = peak_memory_mb()
    disk = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file()) / 1e6
    images = epochs_done(run, config) * config.train.steps_per_epoch * config.batch.images
    return {
        "seconds": dict(seconds),
        "training_images": images,
        "peak_memory_mb": peak,
        "disk_mb": round(disk, 1),
    }


def epochs_done(run: Run, config: RunConfig) -> int:
    """Return how many epochs a run was trained for, which may be fewer than configured."""
    rows = read_log(run, config.train.epochs)
    return int(rows[-1]["epoch"]) if rows else config.train.epochs


def peak_memory_mb() -> int | None:
    """Return the most memory this process has held, in MB; None where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(used / (1e6 if sys.platform == "darwin" else 1e3))
