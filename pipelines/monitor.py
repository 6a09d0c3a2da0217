"""A look at development and training signers after an epoch: verification errors and loss, side by side.

Random and skilled forgeries are never pooled. Few signers are looked at, on few pairs: good enough to choose an
epoch by, not to report.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import World

from .config import RunConfig
from .elastic_head import own_head
from .grouping import plan_signers
from .inputs import Drawing
from .logistic import LogisticHead
from .metrics import eer
from .preprocess import to_ink
from .sources import Source, WorldSource
from .splits import split_world

Vectors = NDArray[np.float32]


class Look(NamedTuple):
    """A batch to look at: what the network takes, and labels ``(n, 2)``."""

    seen: NDArray[np.float32]
    labels: NDArray[np.int32]


class Monitor:
    """Looks at a fixed set of batches, drawn once.

    Args:
        config: The run; `train.looks` batches of each part.
        source: What is trained on; the first batches of training are looked at.
        dev: Development signers; those of the world if left out.
        sequences: Whether the network takes trajectories.
    """

    def __init__(
        self, config: RunConfig, source: Source, *, dev: Source | None = None, sequences: bool = False
    ) -> None:
        self.config, self.sequences = config, sequences
        dev = dev or WorldSource(World(config.world.seed), split_world(config.world).dev)
        self.parts = {"train": self._draw(source), "dev": self._draw(dev)}
        self.backbone: Any = None

    def _draw(self, source: Source) -> list[Look]:
        room = source.n_signers - 1 if isinstance(source, WorldSource) else source.n_signers
        values = self.config.to_dict()
        values["batch"]["signers"] = min(self.config.batch.signers, room)
        values["inputs"] |= {"stream": "signers", "cache": "none"}
        config = RunConfig.from_dict(values)
        batch = config.batch
        drawing = Drawing(
            config,
            sequences=self.sequences,
            source=source,
            plan=lambda number: plan_signers(source, batch, number),
            n_images=batch.images,
            augment="none",
        )
        drawn = [drawing.draw(number) for number in range(self.config.train.looks)]
        return [Look(images if self.sequences else to_ink(images), labels) for images, labels in drawn]

    def __call__(self, model: Any) -> dict[str, float]:
        """Return `dev_error` and the columns of both parts for the network as it is now.

        ``*_eer_skilled`` and ``*_eer_random`` are equal error rates; ``dev_loss`` is there for losses that take
        embeddings; ``dev_error`` is the skilled rate, or the random one if nothing is forged.
        """
        from models.heads import backbone_of

        if self.backbone is None:
            self.backbone = backbone_of(model)  # shares its weights
        found: dict[str, float] = {}
        for part, looks in self.parts.items():
            embedded = [np.asarray(self.backbone.predict_on_batch(look.seen), dtype=np.float32) for look in looks]
            labels, score = [look.labels for look in looks], score_of(model, self.backbone)
            scores = [pair_scores(e, y, score) for e, y in zip(embedded, labels, strict=True)]
            found |= {f"{part}_eer_{kind}": rate for kind, rate in _rates(scores).items()}
            if part == "dev" and self.backbone is model:
                losses = [float(model.loss(y, e)) for e, y in zip(embedded, labels, strict=True)]
                found["dev_loss"] = round(float(np.mean(losses)), 6)
        found["dev_error"] = found.get("dev_eer_skilled", found["dev_eer_random"])
        return found


def score_of(model: Any, backbone: Any) -> Any:
    """Return what turns rows of embeddings, two by two, into scores for this network."""
    if (head := siamese_head(model)) is not None:
        weights = np.asarray(head.weights[:-1], dtype=np.float32)
        return lambda a, b: np.abs(a - b) @ weights + head.intercept
    elastic = own_head(backbone)
    if elastic is not None:
        return lambda a, b: np.asarray(elastic.layer.similarity(a, b))
    return lambda a, b: (a * b).sum(axis=1)


def siamese_head(model: Any, *, n_pairs: int = 0, n_signers: int = 0, data: str = "", real: bool = False) -> Any:
    """Return the pair head that a Siamese network has learnt, as plain numbers, or None if it is none.

    Args:
        model: A network of ``heads.siamese``, or any other.
        n_pairs: It was trained on, for the record.
        n_signers: They came from.
        data: Where these came from.
        real: Whether any was a real person's.
    """
    if len(model.inputs) != 2:
        return None
    kernel, bias = model.get_layer("score").get_weights()
    return LogisticHead((*map(float, kernel[:, 0]), 0.0), float(bias[0]), n_pairs, n_signers, data, real)


def pair_scores(embeddings: Vectors, labels: NDArray[np.int32], score: Any) -> dict[str, NDArray[np.float32]]:
    """Return the scores of a batch's pairs by kind.

    Args:
        embeddings: Shape ``(n, d)``.
        labels: Shape ``(n, 2)``: slot, genuine.
        score: Turns two arrays of embeddings into scores, row by row.

    Returns:
        "genuine": all pairs of one signer's; "skilled": each with each forgery of that signer; "random": the first
        genuine signatures of any two signers.
    """
    slots, genuine = labels[:, 0], labels[:, 1] == 1
    i, j = np.triu_indices(len(labels), 1)
    same = slots[i] == slots[j]
    first = genuine & (np.r_[-1, slots[:-1]] != slots)
    kinds = {
        "genuine": same & genuine[i] & genuine[j],
        "skilled": same & (genuine[i] != genuine[j]),
        "random": first[i] & first[j],
    }
    return {kind: score(embeddings[i[rows]], embeddings[j[rows]]) for kind, rows in kinds.items() if rows.any()}


def _rates(scores: list[dict[str, NDArray[np.float32]]]) -> dict[str, float]:
    joined = {kind: np.concatenate([s[kind] for s in scores if kind in s]) for kind in scores[0]}
    return {k: round(float(eer(joined["genuine"], joined[k]).rate), 6) for k in ("skilled", "random") if k in joined}


@contextlib.contextmanager
def averaged(model: Any) -> Iterator[None]:
    """Let a network have its averaged weights, if it keeps any, while the block runs."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    if not getattr(optimizer, "use_ema", False):
        yield
        return
    averages = optimizer._model_variables_moving_average
    pairs = [(v, a) for v, a in zip(model.trainable_variables, averages, strict=True) if a is not None]
    kept = [np.array(variable) for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, kept, strict=True):
            variable.assign(value)
