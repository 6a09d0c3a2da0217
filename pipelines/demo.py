"""The main job: world -> training -> evaluation on unseen signers -> report, resumable at every stage."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .config import RunConfig
from .cost import Clock as Clock
from .cost import cost
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
        from . import evaluate
        from .protocol_stage import protocols_on_world
        from .shortcut_runs import probe_world

        verifier = _network(run, config)
    run.mark("unfinished", stage="evaluating")
    parts = _parts(config, verifier, progress, clock)
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
    _freeze(run, config, verifier, parts["dev"], frozen, tables)
    shutil.rmtree(run / "checkpoints", ignore_errors=True)  # `model.keras` is whole; the cost is what stays
    metrics |= {"protocols": outcome.metrics} if outcome.metrics else {}
    metrics |= _account(run, config, verifier, parts["test"], metrics, probes, clock)
    write_json(run / "metrics.json", metrics)
    with progress.task("report", None):
        from .report import write_report

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


def _network(run: Run, config: RunConfig) -> Any:
    """Return the verifier of a trained run, without a threshold yet."""
    import keras

    import models  # noqa: F401

    from .logistic import LogisticHead
    from .online import OnlineVerifier
    from .verifier import Verifier

    model = keras.saving.load_model(run / "model.keras", safe_mode=True, compile=False)
    head = LogisticHead.from_dict(run.read("head.json")) if (run / "head.json").exists() else None
    made = Verifier if len(model.input_shape) == 4 else OnlineVerifier
    size: dict[str, Any] = {"height": config.train.height, "width": config.train.width}
    return made(model, **size, head=head, recipe=config.train.preprocessing)


def _parts(config: RunConfig, verifier: Any, progress: Progress, clock: Clock) -> dict[str, Any]:
    """Return the drawn and embedded "dev" and "test" signers."""
    from .evaluate import draw_part

    parts, e = {}, config.evaluation
    for name, signers in (("dev", config.world.dev_signers), ("test", config.world.test_signers)):
        n = signers * (e.genuine + e.forgeries + len(e.skills) * e.per_skill)
        with progress.task(f"drawing and embedding {signers} {name} signers", n) as bar:
            told = bar.advance
            parts[name] = clock.timed("evaluating", lambda n=name, t=told: draw_part(config, n, verifier, t))  # type: ignore[misc]
    return parts


def _freeze(run: Run, config: RunConfig, verifier: Any, development: Any, frozen: Any, tables: dict[str, Any]) -> None:
    """Write every trial, the development scores by number of references, and what is frozen: `verifier.json`."""
    from .evaluate import freeze_fused
    from .operating import FILE, development_scores, write_development
    from .score_file import write_scores

    head = verifier.head if (run / "head.json").exists() else None
    write_beside(run / "scores.parquet", lambda path: write_scores(path, tables))
    write_development(run / FILE, development_scores(development, config, frozen.trials))
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
            "takes": "image" if len(verifier.model.input_shape) == 4 else "sequence",
            "head": None if head is None else head.to_dict(),
            "fused": {name: point.to_dict() for name, point in freeze_fused(development, config).items()},
            "provenance": provenance_of(run, head),
            "sha256": sha256(run / "model.keras"),
        },
    )


def _account(
    run: Run,
    config: RunConfig,
    verifier: Any,
    judged: Any,
    metrics: dict[str, Any],
    probes: dict[str, Any],
    clock: Clock,
) -> dict[str, Any]:
    """Return what stands beside the figures: the card, the probes, where the data come from and what it all took."""
    from .evaluation_card import card_of, duplicates_in, image_probes

    card = card_of(
        metrics,
        config=config,
        probes=image_probes(judged.signatures, judged.canvases),
        duplicates={"removed": 0, "left": duplicates_in(judged.canvases)},
    )
    return {
        "card": card,
        "probes": probes,
        "preset": config.preset,
        "data": provenance_of(run, verifier.head if (run / "head.json").exists() else None),
        "notice": verifier.notice,
        "cost": cost(run, clock.seconds, config),
    }
