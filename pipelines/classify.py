"""`train --task classify`: name one of a closed set of people from a few signatures each, by cross-validation.

A training task with its report, and nothing else: there is no call that asks a finished run whose an unknown image is.
The configuration is in `class_config.py`, the answers and their figures in `class_answers.py`.
"""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_answers import Answers, Embed, cross_validate, measure
from .class_config import FORMAT, RECORD, ClassifyConfig, make_config, read_config
from .class_data import ClassSet, class_signers, folder_class, world_class
from .class_metrics import confusions
from .classifiers import HEADLINE
from .config import RunConfig
from .csv_text import as_csv
from .files import write_json, write_text
from .folds import check_apart, class_folds, image_hashes
from .progress import Progress
from .runs import Run, RunError, environment
from .trained import takes_images, unfrozen_verifier

__all__ = ["ClassifyConfig", "classify", "embedding_network", "load_class", "make_config", "make_folds"]

_WRITTEN = ("metrics.json", "predictions.csv", "per_signer.csv", "confusion.csv", "report.html", "environment.json")


def classify(path: str | Path, config: ClassifyConfig, *, fresh: bool, progress: Progress) -> dict[str, Any]:
    """Run, resume or just return a classification run; returns its metrics.

    Args:
        path: The run folder.
        config: What to run.
        fresh: Start over.
        progress: Where to say what happens.

    Raises:
        RunError: If the folder holds something else.
        ValueError: If there are too few people, signatures or sessions.
    """
    run = Run(path)
    _check_folder(run, config, fresh)
    if not fresh and run.finished:
        progress.say(f"{run.path} is finished; printing it (--fresh starts over)")
        found: dict[str, Any] = run.read("metrics.json")
        return found
    begun = time.perf_counter()
    config, people = load_class(config, progress)
    folds = make_folds(people, config)
    _start(run, config, fresh)
    embed, trained = embedding_network(run, config, progress)
    answers = cross_validate(people, folds, embed, config, progress)
    metrics = measure(people, folds, answers, config) | {"network": trained}
    metrics["cost"] = {"seconds": round(time.perf_counter() - begun, 1)}
    _write(run, people, folds, answers, metrics)
    from .class_report import write_class_report

    with progress.task("report", None):
        write_class_report(run.path, metrics, people, folds, answers[HEADLINE])
    run.mark("finished", stage="done")
    return metrics


def load_class(config: ClassifyConfig, progress: Progress) -> tuple[ClassifyConfig, ClassSet]:
    """Return the configuration, with the canvas of the network it starts from, and the signatures it names.

    Raises:
        ValueError: If there are too few signers, or too few signatures of each.
        ProvenanceError: If a folder does not say where it comes from.
    """
    if config.start_from is not None:
        train = Run(config.start_from).config().train
        seen: dict[str, Any] = {"height": train.height, "width": train.width, "preprocessing": train.preprocessing}
        config = dataclasses.replace(config, model=train.model, **seen)
    size: dict[str, Any] = {"height": config.height, "width": config.width, "recipe": config.preprocessing}
    size["progress"] = progress
    if config.data is not None:
        return config, folder_class(config.data, adapter=config.adapter, **size)
    if config.signers < 2 or config.acts < 2:
        raise ValueError(
            f"{config.signers} signers with {config.acts} signatures each are too few; a closed set needs at least 2 "
            "signers, and 2 signatures of each, one to learn from and one to judge"
        )
    return config, world_class(seed=config.seed, signers=config.signers, acts=config.acts, **size)


def make_folds(people: ClassSet, config: ClassifyConfig) -> NDArray[np.intp]:
    """Return the fold that judges each signature; sessions and images are asserted to be in one fold each."""
    folds = class_folds(people.signers, people.sessions, n_folds=config.folds, seed=config.seed % 2**32)
    check_apart(folds, people.sessions, "sessions")
    check_apart(folds, image_hashes(people.canvases), "equal images")
    return folds


def _check_folder(run: Run, config: ClassifyConfig, fresh: bool) -> None:
    if not run.path.exists() or (run.path.is_dir() and not any(run.path.iterdir())):
        return
    if not (run / RECORD).exists():
        raise RunError(f"{run.path} exists and is no classification run; choose another --run")
    if not fresh and read_config(run) != config:
        raise RunError(f"{run.path} holds a run with another configuration; use --fresh to start over")


def _start(run: Run, config: ClassifyConfig, fresh: bool) -> None:
    if fresh:
        for name in _WRITTEN:
            (run / name).unlink(missing_ok=True)
        for picture in run.path.glob("signer-*.png"):
            picture.unlink()
        if (run / "network").exists():
            Run(run / "network").start(config.network(), fresh=True)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        write_json(run / RECORD, {"format": FORMAT, "config": dataclasses.asdict(config)})
        write_json(run / "environment.json", environment())
        run.mark("unfinished", stage="training")
    except OSError as error:
        raise RunError(f"cannot write to {run.path}: {error.strerror}") from error


def embedding_network(run: Run, config: ClassifyConfig, progress: Progress) -> tuple[Embed, dict[str, Any]]:
    """Return what embeds canvases, trained now if no run was named, and a record of what it learnt from.

    Args:
        run: The classification run; a network trained now lies inside it.
        config: The run's.
        progress: Where to say what happens.

    Raises:
        RunError: If the named run has no trained network, or one on trajectories.
        ValueError: If the network was trained on anybody of the class.
    """
    if config.start_from is None:
        source = Run(run / "network")
        source.start(config.network())
        from .demo import train_stage
        from .run_cost import Clock

        train_stage(source, config.network(), progress, Clock(source))
    else:
        source = Run(config.start_from)
    with progress.task("loading the network", None):
        verifier = unfrozen_verifier(source)
    if not takes_images(verifier.model):
        raise RunError(f"{source.path} takes pen trajectories; classification needs a network that takes images")
    learnt = source.config()
    if config.data is None and learnt.world.seed == config.seed:
        _check_strangers(learnt, config)
    record = {
        "run": str(config.start_from or "network"),
        "model": learnt.train.model,
        "images": learnt.train.epochs * learnt.train.steps_per_epoch * learnt.batch.images,
        "world": learnt.world.seed,
    }
    return verifier.embed_canvases, record


def _check_strangers(learnt: RunConfig, config: ClassifyConfig) -> None:
    """Raise ValueError if the network was trained on anybody of the class."""
    from .splits import split_world

    trained, people = split_world(learnt.world).train, class_signers(config.seed, config.signers)
    if any(number in trained for number in people):
        raise ValueError("the network was trained on signers of the class; give it another --seed")


def _write(run: Run, people: ClassSet, folds: NDArray[np.intp], answers: Answers, metrics: dict[str, Any]) -> None:
    """Write every prediction, the figures by person, the confusion matrix and the metrics."""
    rows = [
        (method, "yes" if augmented else "no", int(fold) + 1, name, signer, session, predicted, f"{confidence:.4f}")
        for (method, augmented), answer in answers.items()
        for fold, name, signer, session, predicted, confidence in zip(
            folds, people.names, people.signers, people.sessions, answer.predicted, answer.confidence, strict=True
        )
    ]
    head = ("method", "augmented", "fold", "name", "signer", "session", "predicted", "confidence")
    write_text(run / "predictions.csv", as_csv(head, rows))
    columns = ("signer", "signatures", "hits", "hit_rate", "precision", "recall", "f1", "taken_for")
    table = [[row[c] if c != "taken_for" else " ".join(row[c]) for c in columns] for row in metrics["by_signer"]]
    write_text(run / "per_signer.csv", as_csv(columns, table))
    names, counts = confusions(people.signers, answers[HEADLINE].predicted)
    matrix = [[name, *map(int, row)] for name, row in zip(names.tolist(), counts, strict=True)]
    write_text(run / "confusion.csv", as_csv(("signed by \\ named", *names.tolist()), matrix))
    write_json(run / "metrics.json", metrics)
