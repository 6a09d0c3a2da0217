"""The verifier of a run: embed images, score pairs, decide with a likelihood ratio and its words.

It always takes a claimed signer's references; there is no call that searches a crowd for a face-less name.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator, words_for
from .preprocess import VERSION, preprocess, to_ink
from .protocols import Similarity, cosine_scores
from .runs import Run, RunError, sha256

NOTICE = "trained on synthetic signatures only; a score is not evidence by itself"
Images = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
_MAX_MODEL_BYTES = 500_000_000


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a verifier says about one questioned signature.

    Attributes:
        score: Similarity, higher = more likely genuine; the largest over the references.
        log10_lr: Base-10 log likelihood ratio, genuine over skilled forgery, fitted on development signers.
        verdict: "accept", "reject" or "inconclusive".
        quality: Words for the ratio, and what the numbers rest on.
    """

    score: float
    log10_lr: float
    verdict: str
    quality: str


class _PairScores:
    """Scores that cost a comparison each; those of a pair seen before are remembered."""

    _AT_ONCE = 256

    def __init__(self, layer: Any, embeddings: NDArray[np.float32]) -> None:
        self.layer, self.embeddings = layer, embeddings
        self.known: dict[int, NDArray[np.float32]] = {}

    def __call__(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
        for row in rows.tolist():
            self.known.setdefault(row, np.full(len(self.embeddings), np.nan, dtype=np.float32))
        missing = [(row, column) for row in rows.tolist() for column in columns[np.isnan(self.known[row][columns])]]
        for start in range(0, len(missing), self._AT_ONCE):
            first, second = np.array(missing[start : start + self._AT_ONCE]).T
            found = np.asarray(self.layer.similarity(self.embeddings[first], self.embeddings[second]))
            for row, column, score in zip(first.tolist(), second.tolist(), found, strict=True):
                self.known[row][column] = score
                if column in self.known:
                    self.known[column][row] = score
        return np.stack([self.known[row][columns] for row in rows.tolist()])


class Verifier:
    """A network with the threshold and calibration that were frozen on development signers.

    Args:
        model: Ink images to unit vectors.
        height: Canvas height in px.
        width: Canvas width in px.
        threshold: Frozen: accept if score >= threshold.
        calibrator: Score to likelihood ratio, or None before calibration.
        band: Half-width, in log10 LR round the threshold, in which the answer is "inconclusive".
    """

    def __init__(
        self,
        model: Any,
        *,
        height: int,
        width: int,
        threshold: float = float("nan"),
        calibrator: LogisticCalibrator | None = None,
        band: float = 0.15,
    ) -> None:
        self.model, self.height, self.width = model, height, width
        self.threshold, self.calibrator, self.band = threshold, calibrator, band

    @classmethod
    def load(cls, run: Run, record: dict[str, Any]) -> "Verifier":
        """Return the verifier a run folder describes; weights that do not match their record are refused."""
        import keras

        import models  # noqa: F401  (registers the layers and losses)

        weights: Path = run / "model.keras"
        if not weights.exists() or weights.stat().st_size > _MAX_MODEL_BYTES or sha256(weights) != record["sha256"]:
            raise RunError(f"{weights} is missing or not the file this run wrote; train again with --fresh")
        if record["preprocessing"] != VERSION:
            raise RunError(
                f"{run.path} was trained on preprocessing {record['preprocessing']}; this version has {VERSION}"
            )
        model = keras.saving.load_model(weights, safe_mode=True, compile=False)
        return cls(
            model,
            height=record["height"],
            width=record["width"],
            threshold=record["threshold"],
            calibrator=LogisticCalibrator.from_dict(record["calibrator"]),
            band=record["band"],
        )

    def embed_canvases(self, canvases: NDArray[np.uint8], *, batch: int = 96) -> NDArray[np.float32]:
        """Return embeddings of preprocessed canvases, shape ``(n, d)``; every batch has one size."""
        parts = []
        for start in range(0, len(canvases), batch):
            ink = to_ink(canvases[start : start + batch])
            full = np.zeros((batch if len(canvases) > batch else len(ink), *ink.shape[1:]), dtype=np.float32)
            full[: len(ink)] = ink
            parts.append(np.asarray(self.model.predict_on_batch(full))[: len(ink)])
        return np.concatenate(parts).astype(np.float32)

    def prepare(self, images: Images) -> NDArray[np.uint8]:
        """Return preprocessed canvases of raw grey images of any size, shape ``(n, height, width)``."""
        if len(images) == 0:
            raise ValueError("no image was given; at least one is needed")
        return np.stack([preprocess(np.asarray(i), height=self.height, width=self.width) for i in images])

    def embed(self, images: Images) -> NDArray[np.float32]:
        """Return embeddings of raw uint8 images (dark ink on light paper, any size), shape ``(n, d)``.

        Raises:
            BlankImage: If an image holds no ink.
            ValueError: If there is no image, or one is not grey uint8.
        """
        return self.embed_canvases(self.prepare(images))

    def score_matrix(self, references: Images, questioned: Images) -> NDArray[np.float32]:
        """Return scores, shape ``(n_references, n_questioned)``, in [-1, 1], higher = more likely genuine."""
        first, second = self.embed(references), self.embed(questioned)
        score = self.similarity(np.concatenate([first, second]))
        return score(np.arange(len(first)), len(first) + np.arange(len(second)))

    def similarity(self, embeddings: NDArray[np.float32]) -> Similarity:
        """Return how alike the signatures of these embeddings are: a function of two lists of places.

        It is the cosine, or what the network's own last layer makes of a pair.
        """
        from models.elastic import elastic_layer

        layer = elastic_layer(self.model)
        return cosine_scores(embeddings) if layer is None else _PairScores(layer, embeddings)

    def decide(self, references: Images, questioned: Images) -> list[Decision]:
        """Return one decision per questioned image, against the best-matching reference.

        Raises:
            ValueError: If references or questioned images are missing, or the verifier is not calibrated.
        """
        if self.calibrator is None:
            raise ValueError("this verifier has no threshold yet; evaluate its run first")
        scores = self.score_matrix(references, questioned).max(axis=0)
        return [self._decision(float(score), self.calibrator) for score in scores]

    def _decision(self, score: float, calibrator: LogisticCalibrator) -> Decision:
        log10_lr = float(calibrator.log10_lr(score))
        distance = log10_lr - float(calibrator.log10_lr(self.threshold))
        verdict = "inconclusive" if abs(distance) < self.band else "accept" if distance >= 0 else "reject"
        return Decision(score, log10_lr, verdict, f"{words_for(log10_lr, calibrator.forgery_kind)}; {NOTICE}")
