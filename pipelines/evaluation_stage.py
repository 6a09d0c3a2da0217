"""The second half of the main job: judge a trained network, freeze its thresholds, write verifier and report."""

import dataclasses
import shutil
from collections.abc import Sequence
from typing import Any

from .config import RunConfig
from .evaluate import measure
from .evaluation_card import card_of, duplicates_in, image_probes
from .evaluation_parts import Part, draw_part
from .files import write_beside, write_json
from .logistic import LogisticHead
from .marks import provenance_of
from .operating import FILE as DEVELOPMENT
from .operating import development_scores, write_development
from .preprocess import find_recipe
from .progress import Progress
from .protocol_stage import protocols_on_world
from .rates import Frozen
from .report import write_report
from .run_cost import Clock, cost
from .runs import FORMAT, Run, sha256
from .score_file import write_scores
from .shortcut_runs import probe_world
from .trained import takes_images, unfrozen_verifier
from .trials import TrialTable
from .verifier import Verifier
from .writer_dependent import Negatives

PARAPH = "0.1.0"
"""The version that `verifier.json` says it was written by."""


def evaluate_stage(
    run: Run,
    config: RunConfig,
    progress: Progress,
    clock: Clock,
    *,
    protocols: Sequence[str] = ("pairs",),
    negatives: Negatives = "development",
) -> dict[str, Any]:
    """Evaluate on development and test signers, freeze, write the verifier and the report; return the metrics.

    Args:
        run: The run, trained.
        config: Its configuration.
        progress: Where to say what happens.
        clock: Where its seconds go.
        protocols: Which of `protocol_runs.PROTOCOLS` to run; pairs always are.
        negatives: Whose signatures writer-dependent classifiers reject: "development" or "enrolled".
    """
    verifier, head = _load(run, progress)
    dev, test = (_drawn(name, config, verifier, progress, clock) for name in ("dev", "test"))
    tables: dict[str, TrialTable] = {}
    with progress.task("rates, intervals and baselines", None):
        metrics, frozen, trials = clock.timed("evaluating", lambda: measure(test, dev, config, tables))
    outcome = clock.timed(
        "evaluating", lambda: protocols_on_world(run, config, verifier, protocols, negatives, progress)
    )
    tables |= outcome.tables
    with progress.task("shortcut probes", None):
        probes = clock.timed("evaluating", lambda: probe_world(config, test, trials))
    write_beside(run / "scores.parquet", lambda path: write_scores(path, tables))
    write_development(run / DEVELOPMENT, development_scores(dev, config, frozen))
    write_json(run / "verifier.json", _record(run, config, verifier, head, frozen))
    shutil.rmtree(run / "checkpoints", ignore_errors=True)  # `model.keras` is whole; the cost is what stays
    metrics |= {"protocols": outcome.metrics} if outcome.metrics else {}
    metrics["card"] = _card(metrics, config, test)
    metrics |= {
        "probes": probes,
        "preset": config.preset,
        "data": provenance_of(run, head),
        "notice": verifier.notice,
        "cost": cost(run, clock.seconds, config),
    }
    write_json(run / "metrics.json", metrics)
    shown: dict[str, Any] = {"trials": trials, "part": test, "threshold": frozen.threshold}
    with progress.task("report", None):
        write_report(run.path, metrics, **shown, verifier=verifier, config=config)
    run.mark("finished", stage="done")
    return metrics


def _load(run: Run, progress: Progress) -> tuple[Verifier, LogisticHead | None]:
    """Return the run's network as a verifier without a threshold, and the head that was fitted on it, if any."""
    run.mark("unfinished", stage="evaluating")
    head = LogisticHead.from_dict(run.read("head.json")) if (run / "head.json").exists() else None
    with progress.task("loading TensorFlow", None):
        return unfrozen_verifier(run, head=head), head


def _drawn(name: str, config: RunConfig, verifier: Verifier, progress: Progress, clock: Clock) -> Part:
    """Return the "dev" or "test" signers' signatures, drawn and embedded."""
    signers = config.world.dev_signers if name == "dev" else config.world.test_signers
    each = config.evaluation
    n = signers * (each.genuine + each.forgeries + len(each.skills) * each.per_skill)
    with progress.task(f"drawing and embedding {signers} {name} signers", n) as bar:
        return clock.timed("evaluating", lambda: draw_part(config, name, verifier, bar.advance))


def _record(
    run: Run, config: RunConfig, verifier: Verifier, head: LogisticHead | None, frozen: Frozen
) -> dict[str, Any]:
    """Return what `verifier.json` holds: everything a decision needs, frozen on development signers."""
    return {
        "format": FORMAT,
        "version": PARAPH,
        "preprocessing": find_recipe(verifier.recipe).key,
        "height": config.train.height,
        "width": config.train.width,
        "threshold": frozen.threshold,
        "band": verifier.band,
        "calibrator": frozen.calibrator.to_dict(),
        "points": {name: dataclasses.asdict(point) for name, point in frozen.points.items()},
        "takes": "image" if takes_images(verifier.model) else "sequence",
        "head": None if head is None else head.to_dict(),
        "fused": {name: point.to_dict() for name, point in frozen.fused.items()},
        "typical": frozen.typical,
        "provenance": provenance_of(run, head),
        "sha256": sha256(run / "model.keras"),
    }


def _card(metrics: dict[str, Any], config: RunConfig, test: Part) -> dict[str, Any]:
    return card_of(
        metrics,
        config=config,
        probes=image_probes(test.signatures, test.canvases),
        duplicates={"removed": 0, "left": duplicates_in(test.canvases)},
    )
