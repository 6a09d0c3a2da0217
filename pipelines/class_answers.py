"""What each method says of each signature of a closed set while its fold was left out, and how often it is right."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_config import ClassifyConfig
from .class_data import ClassSet
from .class_metrics import by_signer, class_metrics
from .classifiers import HEADLINE, Answer, fit_embedded, softmax_from_scratch
from .progress import Progress

Answers = dict[tuple[str, bool], Answer]
"""By method, and whether it was augmented."""
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def cross_validate(
    people: ClassSet, folds: NDArray[np.intp], embed: Embed, config: ClassifyConfig, progress: Progress
) -> Answers:
    """Return what each method, with and without augmentation, says of each signature while it was left out.

    Args:
        people: The closed set, n signatures.
        folds: Which fold judges each, from 0, shape ``(n,)``.
        embed: Canvases to unit vectors, ``(n, height, width)`` to ``(n, d)``.
        config: Methods, augmented copies, epochs and seed.
        progress: Where to say what happens.
    """
    n_folds = int(folds.max()) + 1
    views = _views(people, embed, config, progress)
    found: Answers = {}
    embedded = [method for method in config.methods if method != "scratch"]
    with progress.task("naming left-out signatures by embeddings", 2 * len(embedded) * n_folds) as bar:
        for method in embedded:
            for augmented in (False, True):
                seen = views if augmented else views[:1]
                found[method, augmented] = _by_embedding(method, people, folds, seen, config, bar.advance)
    if "scratch" not in config.methods:
        return found
    with progress.task("training softmax networks from scratch", 2 * n_folds * config.scratch_epochs) as bar:
        for augmented in (False, True):
            found["scratch", augmented] = _by_training(people, folds, config, augmented, bar.advance)
    return found


def _views(people: ClassSet, embed: Embed, config: ClassifyConfig, progress: Progress) -> list[NDArray[np.float32]]:
    """Return the embeddings of the signatures, then those of each of their augmented copies, ``(n, d)`` each."""
    from .jitter import jitter

    n_copies = config.copies * len(people)
    with progress.task(f"embedding {len(people)} signatures and {n_copies:,} augmented copies", n_copies) as bar:
        views = [embed(people.canvases)]
        for number in range(config.copies):
            views.append(embed(jitter(people.canvases, seed=config.seed % 2**32, number=number)))
            bar.advance(len(people))
    return views


def _by_embedding(
    method: str,
    people: ClassSet,
    folds: NDArray[np.intp],
    views: list[NDArray[np.float32]],
    config: ClassifyConfig,
    told: Callable[[int], None],
) -> Answer:
    answer = _nothing_said(people)
    for fold in range(int(folds.max()) + 1):
        known, judged = folds != fold, folds == fold
        names = np.tile(people.signers[known], len(views))
        vectors = np.concatenate([view[known] for view in views])
        fitted = fit_embedded(method, vectors, names, seed=config.seed % 2**32)
        _put(answer, judged, fitted.answer(views[0][judged]))
        told(1)
    return answer


def _by_training(
    people: ClassSet,
    folds: NDArray[np.intp],
    config: ClassifyConfig,
    augmented: bool,
    told: Callable[[int], None],
) -> Answer:
    answer = _nothing_said(people)
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


def _nothing_said(people: ClassSet) -> Answer:
    return Answer(np.full(len(people), "", dtype=people.signers.dtype), np.zeros(len(people)))


def _put(answer: Answer, places: NDArray[np.bool_], part: Answer) -> None:
    answer.predicted[places], answer.confidence[places] = part.predicted, part.confidence


def measure(people: ClassSet, folds: NDArray[np.intp], answers: Answers, config: ClassifyConfig) -> dict[str, Any]:
    """Return the table of methods, the figures of each fold and of each person, and what it all rests on.

    Args:
        people: The closed set, n signatures.
        folds: Which fold judged each, from 0, shape ``(n,)``.
        answers: From `cross_validate`, of the headline's method among others.
        config: For the seed of the bootstrap over signers.
    """
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
        "data": {"source": people.source, "contains_real_signatures": people.contains_real_signatures}
        | ({"digest": people.digest} if people.digest else {}),
        "notes": people.notes,
    }
