"""`train --task classify`: name one of a closed set of people from a few signatures each, by cross-validation.

A training task with its report, and nothing else: there is no call that asks a finished run whose an unknown image is.
"""

import csv
import dataclasses
import io
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from .class_data import ClassSet, class_signers, folder_class, world_class
from .class_metrics import by_signer, class_metrics, confusions
from .classifiers import HEADLINE, Answer, fit_embedded, softmax_from_scratch
from .config import PRESETS, RunConfig, changed
from .files import write_json, write_text
from .folds import check_apart, class_folds, image_hashes
from .progress import Progress
from .runs import Run, RunError, environment

RECORD = "classify.json"
FORMAT = 1
_WRITTEN = ("metrics.json", "predictions.csv", "per_signer.csv", "confusion.csv", "report.html", "environment.json")


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class ClassifyConfig:
    """One classification run, completely.

    ``start_from`` is a run whose trained network embeds the signatures; without it one is trained on other signers of
    the same world for ``epochs`` of 25 steps of ``batch_signers`` x 4 genuine signatures. ``copies`` of each signature
    are added by augmentation. ``methods`` are of `classifiers.METHODS`. ``data`` is a user's folder instead of a class
    of ``signers`` people with ``acts`` signatures each.
    """

    seed: int = Field(default=7, ge=0, lt=2**63)
    signers: int = Field(default=184, ge=1)
    acts: int = Field(default=4, ge=1)
    folds: int = Field(default=4, ge=2)
    height: int = Field(default=64, ge=32)
    width: int = Field(default=128, ge=32)
    preprocessing: str = "default"
    model: str = "resnet_small"
    epochs: int = Field(default=8, ge=1)
    batch_signers: int = Field(default=24, ge=2)
    start_from: str | None = None
    scratch_epochs: int = Field(default=12, ge=1)
    copies: int = Field(default=3, ge=1)
    methods: tuple[Literal["nearest", "logistic", "scratch"], ...] = ("nearest", "logistic", "scratch")
    data: str | None = None
    adapter: str = "folders"

    @field_validator("methods")
    @classmethod
    def _with_headline(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        if HEADLINE[0] not in methods or len(set(methods)) < len(methods):
            raise ValueError(f"needs {HEADLINE[0]!r}, which the figures by person are about, and none twice")
        return methods

    def network(self) -> RunConfig:
        """Return the training run of the embedding network: genuine signatures of other signers, no forgeries."""
        changes = [
            f"world.seed={self.seed}",
            f"train.model={self.model}",
            "train.loss=supervised_contrastive",
            f"train.height={self.height}",
            f"train.width={self.width}",
            f"train.preprocessing={self.preprocessing}",
            f"train.epochs={self.epochs}",
            "train.steps_per_epoch=25",
            f"batch.signers={self.batch_signers}",
            "batch.genuine=4",
            "batch.forgeries=0",
        ]
        return changed(PRESETS["classroom"], changes)


SIZES: dict[str, dict[str, int]] = {
    "smoke": {"epochs": 1, "scratch_epochs": 2, "batch_signers": 12},
    "classroom": {},
    "study": {"epochs": 60, "scratch_epochs": 60, "height": 96, "width": 192},
}
"""What a preset's name means to a classification run; minutes for "classroom" on two cores."""


def make_config(values: dict[str, Any], changes: Sequence[str] = ()) -> ClassifyConfig:
    """Return a configuration of values and of ``KEY=VALUE`` changes, which come last.

    Raises:
        ValueError: If a key is unknown or a value out of range.
    """
    wanted = dict(values)
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or key not in ClassifyConfig.__dataclass_fields__:
            known = ", ".join(ClassifyConfig.__dataclass_fields__)
            raise ValueError(f"{change!r} is no setting of --task classify; write KEY=VALUE with one of: {known}")
        try:
            wanted[key] = json.loads(text)
        except ValueError:
            wanted[key] = text
    try:
        return ClassifyConfig(**wanted)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ValueError("configuration: " + "; ".join(faults)) from None


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
    metrics = _measure(people, folds, answers, config) | {"network": trained}
    metrics["cost"] = {"seconds": round(time.perf_counter() - begun, 1)}
    _write(run, people, folds, answers, metrics)
    from .class_report import write_class_report

    with progress.task("report", None):
        write_class_report(run.path, metrics, people, folds, answers[HEADLINE])
    run.mark("finished", stage="done")
    return metrics


def load_class(config: ClassifyConfig, progress: Progress) -> tuple[ClassifyConfig, ClassSet]:
    """Return the configuration, with the canvas of the network it starts from, and the signatures it names."""
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


def read_config(run: Run) -> ClassifyConfig:
    """Return the recorded configuration of a classification run."""
    record = run.read(RECORD)
    if record.get("format") != FORMAT:
        raise RunError(f"{run.path} was written in format {record.get('format')}; this is format {FORMAT}")
    return TypeAdapter(ClassifyConfig).validate_python(record["config"])


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


def embedding_network(run: Run, config: ClassifyConfig, progress: Progress) -> tuple[Any, dict[str, Any]]:
    """Return what embeds canvases, trained now if no run was named, and a record of what it learnt from."""
    if config.start_from is None:
        source = Run(run / "network")
        source.start(config.network())
        from .demo import Clock, train_stage

        train_stage(source, config.network(), progress, Clock(source))
    else:
        source = Run(config.start_from)
    if not (source / "model.keras").exists():
        raise RunError(f"{source.path} has no trained network; run `train --run {source.path}` first")
    with progress.task("loading the network", None):
        import keras

        import models  # noqa: F401

        from .verifier import Verifier

        model = keras.saving.load_model(source / "model.keras", safe_mode=True, compile=False)
    if len(model.input_shape) != 4:
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
    return Verifier(model, height=config.height, width=config.width).embed_canvases, record


def _check_strangers(learnt: RunConfig, config: ClassifyConfig) -> None:
    """Raise ValueError if the network was trained on anybody of the class."""
    from .splits import split_world

    trained, people = split_world(learnt.world).train, class_signers(config.seed, config.signers)
    if any(number in trained for number in people):
        raise ValueError("the network was trained on signers of the class; give it another --seed")


Answers = dict[tuple[str, bool], Answer]


def cross_validate(
    people: ClassSet, folds: NDArray[np.intp], embed: Any, config: ClassifyConfig, progress: Progress
) -> Answers:
    """Return what each method, with and without augmentation, says of each signature while it was left out."""
    from .jitter import jitter

    seed = config.seed % 2**32
    n_copies = config.copies * len(people)
    with progress.task(f"embedding {len(people)} signatures and {n_copies:,} augmented copies", n_copies) as bar:
        vectors, copies = embed(people.canvases), []
        for number in range(config.copies):
            copies.append(embed(jitter(people.canvases, seed=seed, number=number)))
            bar.advance(len(people))
    n_folds = int(folds.max()) + 1
    found: Answers = {}
    embedded = [method for method in config.methods if method != "scratch"]
    with progress.task("naming left-out signatures by embeddings", 2 * len(embedded) * n_folds) as bar:
        for method in embedded:
            for augmented in (False, True):
                views = [vectors, *copies] if augmented else [vectors]
                answer = _empty(people)
                for fold in range(n_folds):
                    known, judged = np.flatnonzero(folds != fold), folds == fold
                    names = np.tile(people.signers[known], len(views))
                    fitted = fit_embedded(method, np.concatenate([v[known] for v in views]), names, seed=seed)
                    _put(answer, judged, fitted.answer(vectors[judged]))
                    bar.advance()
                found[method, augmented] = answer
    if "scratch" not in config.methods:
        return found
    with progress.task("training softmax networks from scratch", 2 * n_folds * config.scratch_epochs) as bar:
        for augmented in (False, True):
            found["scratch", augmented] = _scratch(people, folds, config, augmented, bar.advance)
    return found


def _scratch(people: ClassSet, folds: NDArray[np.intp], config: ClassifyConfig, augmented: bool, told: Any) -> Answer:
    answer = _empty(people)
    for fold in range(int(folds.max()) + 1):
        known, judged = folds != fold, folds == fold
        said = softmax_from_scratch(
            people.canvases[known],
            people.signers[known],
            people.canvases[judged],
            model="resnet_small",
            epochs=config.scratch_epochs,
            augmented=augmented,
            seed=config.seed % 2**31,
            told=told,
        )
        _put(answer, judged, said)
    return answer


def _empty(people: ClassSet) -> Answer:
    return Answer(np.full(len(people), "", dtype=people.signers.dtype), np.zeros(len(people)))


def _put(answer: Answer, places: NDArray[np.bool_], part: Answer) -> None:
    answer.predicted[places], answer.confidence[places] = part.predicted, part.confidence


def _measure(people: ClassSet, folds: NDArray[np.intp], answers: Answers, config: ClassifyConfig) -> dict[str, Any]:
    """Return the table of methods, the figures of each fold and of each person, and what it all rests on."""
    seed = config.seed % 2**32
    rows = []
    for (method, augmented), answer in answers.items():
        found = class_metrics(people.signers, answer.predicted, seed=seed)
        per_fold = [
            float((answer.predicted == people.signers)[folds == fold].mean()) for fold in range(int(folds.max()) + 1)
        ]
        rows.append({"method": method, "augmented": augmented, **found, "accuracy_by_fold": per_fold})
    most = np.unique(people.signers, return_counts=True)[1]
    return {
        "task": "classify",
        "methods": rows,
        "headline": {"method": HEADLINE[0], "augmented": HEADLINE[1]},
        "signers": int(most.size),
        "signatures": len(people),
        "signatures_of_each": [int(most.min()), int(most.max())],
        "folds": int(folds.max()) + 1,
        "chance": 1.0 / most.size,
        "by_signer": by_signer(people.signers, answers[HEADLINE].predicted),
        "data": {"source": people.source, "contains_real_signatures": people.contains_real_signatures},
        "notes": people.notes,
    }


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


def as_csv(head: Any, rows: Any) -> str:
    """Return a table as CSV; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (head, *rows):
        writer.writerow([f"'{v}" if isinstance(v, str) and v[:1] in "=+-@\t" and v else v for v in row])
    return text.getvalue()
