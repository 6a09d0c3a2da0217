"""The verifier of a run: embed images, score pairs, decide with a likelihood ratio and its words.

It always takes a claimed signer's references; there is no call that searches a crowd for a face-less name.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator, words_for
from .decisions import Decision, Enrolment, FusedPoint, fused_of, nearest_frozen, typical_of, usual_fusion
from .elastic_head import PairHead, own_head
from .fusion import check_fusion, fuse, share_of_votes
from .logistic import LogisticHead
from .marks import is_marked
from .members import in_short
from .perturb import perturb
from .preprocess import RECIPES, BlankImage, preprocess, to_ink
from .quality import NoSignature, likeness_of_copies, signature_fault
from .recipes import find_recipe, recorded_recipe
from .runs import Run, RunError, sha256

NOTICE = "trained on synthetic signatures only; a score is not evidence by itself"
REAL_NOTICE = "fitted with real signatures; a score is not evidence by itself"
COPY = 0.97
"""Correlation of two canvases from which they count as copies; genuine signatures of one hand stay below 0.92."""
Images = Sequence[NDArray[np.uint8]] | NDArray[np.uint8]
_MAX_MODEL_BYTES = 500_000_000


class Verifier:
    """A network with the threshold and calibration that were frozen on development signers.

    Args:
        model: Ink images to unit vectors.
        height: Canvas height in px.
        width: Canvas width in px.
        threshold: Frozen for one reference: accept if score >= threshold.
        calibrator: Score to likelihood ratio for one reference, or None before calibration.
        band: Half-width, in log10 LR round the threshold, in which the answer is "inconclusive".
        head: A fitted pair head, or None for the network's own, if it has one, and else the cosine.
        fused: What was frozen for several references, by "fusion/number", such as "max/3".
        typical: Mean score of two genuine signatures of one person, which the fusion "relative" needs.
        recipe: Of the preprocessing that the network was trained on, a name in `recipes.RECIPES`.
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
        head: PairHead | None = None,
        fused: Mapping[str, FusedPoint] | None = None,
        typical: float = 1.0,
        recipe: str = "default",
    ) -> None:
        self.model, self.height, self.width = model, height, width
        self.threshold, self.calibrator, self.band = threshold, calibrator, band
        self.head, self.fused, self.typical = head or own_head(model), dict(fused or {}), typical
        self.recipe = find_recipe(recipe).name

    @property
    def notice(self) -> str:
        """What must be said with every answer: whether network or head have learnt from real signatures."""
        real_head = self.head is not None and self.head.contains_real_signatures
        return REAL_NOTICE if real_head or is_marked(self.model) else NOTICE

    @classmethod
    def load(cls, run: Run, record: dict[str, Any]) -> "Verifier":
        """Return the verifier a run folder describes; weights that do not match their record are refused.

        Args:
            run: The folder.
            record: Its `verifier.json`.

        Raises:
            RunError: If the weights are missing, changed, or of a version that this one cannot load.
        """
        frozen = _frozen(run, record)
        weights: Path = run / "model.keras"
        if not weights.exists() or weights.stat().st_size > _MAX_MODEL_BYTES or sha256(weights) != record.get("sha256"):
            raise RunError(f"{weights} is missing or not the file this run wrote; train again with --fresh")
        import keras

        import models  # noqa: F401  (registers the layers and losses)

        try:
            model = keras.saving.load_model(weights, safe_mode=True, compile=False)
        except (ValueError, TypeError, KeyError) as error:  # unsafe, or of another version of Keras or of ours
            raise RunError(
                f"{weights} was written by Paraph {record.get('version')} with Keras {run.keras_version()} and cannot "
                f"be loaded safely here (Keras {keras.__version__}): {str(error).strip().splitlines()[0][:200]}"
            ) from error
        return cls(model, **frozen)

    def embed_canvases(self, canvases: NDArray[np.uint8], *, batch: int = 96) -> NDArray[np.float32]:
        """Return embeddings of preprocessed canvases, shape ``(n, d)``; every batch has one size."""
        return self._embed(canvases, to_ink, batch)

    def movements(self, acts: Sequence[Any]) -> NDArray[np.float32] | None:
        """Return what a verifier of trajectories sees of drawn signatures; None, as this one looks at canvases."""
        return None

    def embed_acts(self, acts: Sequence[Any], canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return embeddings of drawn signatures, of which this verifier looks at the canvases."""
        return self.embed_canvases(canvases)

    def _embed(
        self, prepared: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[Any]], batch: int
    ) -> NDArray[np.float32]:
        parts = []
        for start in range(0, len(prepared), batch):
            seen = convert(prepared[start : start + batch])
            full = np.zeros((batch if len(prepared) > batch else len(seen), *seen.shape[1:]), dtype=np.float32)
            full[: len(seen)] = seen
            parts.append(np.asarray(self.model.predict_on_batch(full))[: len(seen)])
        return np.concatenate(parts).astype(np.float32)

    def prepare(self, images: Images) -> NDArray[np.uint8]:
        """Return preprocessed canvases of raw grey images of any size, shape ``(n, height, width)``.

        Raises:
            ValueError: If there is no image.
            BlankImage: If one holds no ink.
        """
        if len(images) == 0:
            raise ValueError("no image was given; at least one is needed")
        canvases = []
        for i, image in enumerate(images):
            try:
                canvases.append(self.canvas(np.asarray(image)))
            except BlankImage as error:
                raise BlankImage(f"image {i}: {error}") from error
        return np.stack(canvases)

    def canvas(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the canvas of one raw image, by this verifier's recipe, shape ``(height, width)``."""
        return preprocess(image, height=self.height, width=self.width, recipe=self.recipe)

    def embed(self, images: Images) -> NDArray[np.float32]:
        """Return embeddings of raw uint8 images (dark ink on light paper, any size), shape ``(n, d)``.

        Raises:
            BlankImage: If an image holds no ink.
            ValueError: If there is no image, or one is not grey uint8.
        """
        return self.embed_canvases(self.prepare(images))

    def enrol(self, references: Images) -> Enrolment:
        """Return a claimed signer's references, embedded once for any number of questioned signatures.

        Raises:
            ValueError: If there is no reference, or one is not grey uint8 or holds no ink.
        """
        if len(references) == 0:
            raise ValueError("no image was given as reference; at least one of the claimed signer is needed")
        prepared = self.prepare(references)
        return Enrolment(self.embed_canvases(prepared), prepared)

    def pair_scores(self, references: NDArray[np.float32], questioned: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return scores of embeddings, shape ``(n_references, n_questioned)``, higher = more likely genuine."""
        if self.head is not None:
            return self.head.scores(references, questioned)
        scores: NDArray[np.float32] = references @ questioned.T
        return scores

    def score_matrix(
        self, references: Images | Enrolment, questioned: Images, *, perturbations: int = 0, seed: int = 0
    ) -> NDArray[np.float32]:
        """Return scores, shape ``(n_references, n_questioned)``, higher = more likely genuine; cosines if no head.

        Args:
            references: Images of the claimed signer, or what `enrol` made of them.
            questioned: Images.
            perturbations: How many slightly turned and bent copies of each questioned image are scored too; the
                score is the mean over the image and its copies. Thresholds were frozen without copies.
            seed: Of the copies; the same seed gives the same scores.

        Raises:
            ValueError: If there is no image, or the number of copies is negative.
        """
        if perturbations < 0:
            raise ValueError(f"perturbations is {perturbations}; use 0 for none, or more")
        enrolled, prepared = self._enrolled(references).embeddings, self.prepare(questioned)
        votes = [
            self.pair_scores(enrolled, self.embed_canvases(self._copy(prepared, copy, seed)))
            for copy in range(perturbations + 1)
        ]
        mean: NDArray[np.float32] = votes[0] if len(votes) == 1 else np.mean(votes, axis=0, dtype=np.float32)
        return mean

    def _copy(self, prepared: NDArray[Any], copy: int, seed: int) -> NDArray[Any]:
        return perturb(prepared, copy=copy, seed=seed)

    def decide(
        self,
        references: Images | Enrolment,
        questioned: Images,
        *,
        fusion: str | None = None,
        look: bool = True,
        threshold: float | None = None,
    ) -> list[Decision]:
        """Return one decision per questioned image.

        Args:
            references: Images of the claimed signer, or what `enrol` made of them.
            questioned: Images.
            fusion: How the scores of several references become one; one of ``fusion.FUSIONS``, or None for the usual
                one, see `usual_fusion`.
            look: Refuse what cannot be a signature, and flag copies of a reference.
            threshold: Another than the frozen one, of the fused score.

        Raises:
            NoSignature: If an image is blank, a photograph or a page of text; references that are enrolled already were
                not looked at.
            ValueError: If references or questioned images are missing, the fusion is unknown, or the verifier is
                not calibrated.
        """
        fusion = self.usual_fusion(len(references)) if fusion is None else fusion
        check_fusion(fusion)
        point, basis = self.operating_point(fusion, len(references))
        if look:
            self._refuse(questioned, "questioned image")
            if not isinstance(references, Enrolment):
                self._refuse(references, "reference")
        enrolled = self._enrolled(references)
        prepared = self.prepare(questioned)
        embedded = self.embed_canvases(prepared)
        alone = self.pair_scores(enrolled.embeddings, embedded)
        fused = fuse(fusion, enrolled.embeddings, embedded, self.pair_scores, typical=self.typical)
        votes = share_of_votes(alone, self.threshold)
        at = point.threshold if threshold is None else threshold
        answers = []
        for i, score in enumerate(fused):
            flags = self._copies(enrolled, prepared[i]) if look else ()
            answer = self._decision(float(score), point.calibrator, threshold=at, basis=basis)
            answers.append(
                dataclasses.replace(
                    answer,
                    votes=float(votes[i]),
                    nearest=int(alone[:, i].argmax()),
                    flags=flags,
                    verdict="inconclusive" if flags else answer.verdict,
                )
            )
        return answers

    def vote(self, references: Images | Enrolment, questioned: Images) -> list[str]:
        """Return "accept" where more than half of the references accept on their own, else "reject"; ties reject."""
        shares = share_of_votes(self.score_matrix(references, questioned), self.threshold)
        return ["accept" if share > 0.5 else "reject" for share in shares]

    def _enrolled(self, references: Images | Enrolment) -> Enrolment:
        return references if isinstance(references, Enrolment) else self.enrol(references)

    def usual_fusion(self, n: int) -> str:
        """Return how n references become one unless asked otherwise: "relative", or "mean" if none is frozen for it."""
        return usual_fusion(self.fused, n)

    def operating_point(self, fusion: str, n: int) -> tuple[FusedPoint, str]:
        """Return what was frozen for the fusion and the nearest number of references below, and a word on it.

        Raises:
            ValueError: If the verifier is not calibrated.
        """
        if self.calibrator is None:
            raise ValueError("this verifier has no threshold yet; evaluate its run first")
        if (found := nearest_frozen(self.fused, fusion, n)) is not None:
            number, point = found
            return point, "" if number == n else f"calibrated for {number} references, {n} were given"
        basis = "" if n == 1 else f"calibrated for one reference, {n} were given"
        return FusedPoint(self.threshold, self.calibrator), basis

    def _refuse(self, images: Images, what: str) -> None:
        for i, image in enumerate(images):
            if fault := signature_fault(np.asarray(image)):
                raise NoSignature(f"{what} {i} is no signature: {fault}")

    def _copies(self, enrolled: Enrolment, prepared: NDArray[Any]) -> tuple[str, ...]:
        found = []
        for i, reference in enumerate(enrolled.prepared):
            if np.array_equal(reference, prepared):
                found.append(f"identical copy of reference {i}: nobody signs twice alike")
            elif likeness_of_copies(reference, prepared) >= COPY:
                found.append(f"nearly identical to reference {i}: a copy, or traced")
        return tuple(found)

    def _decision(
        self, score: float, calibrator: LogisticCalibrator, *, threshold: float | None = None, basis: str = ""
    ) -> Decision:
        at = self.threshold if threshold is None else threshold
        log10_lr = float(calibrator.log10_lr(score))
        distance = float(calibrator.beyond(score, at))
        verdict = "inconclusive" if abs(distance) < self.band else "accept" if distance >= 0 else "reject"
        words = [words_for(log10_lr, calibrator.forgery_kind), basis, self.notice]
        return Decision(score, log10_lr, verdict, "; ".join(word for word in words if word))


def _frozen(run: Run, record: dict[str, Any]) -> dict[str, Any]:
    """Return what a run's record says besides the weights, as arguments of `Verifier`.

    Raises:
        RunError: If a value is missing, damaged, or of a preprocessing that there is no more.
    """
    if (recipe := recorded_recipe(record.get("preprocessing"))) is None:
        raise RunError(
            f"{run.path} was trained by Paraph {in_short(record.get('version'))} on preprocessing "
            f"{in_short(record.get('preprocessing'))}; this version has {', '.join(r.key for r in RECIPES.values())}"
        )
    try:
        return {
            "height": int(record["height"]),
            "width": int(record["width"]),
            "threshold": float(record["threshold"]),
            "calibrator": LogisticCalibrator.from_dict(record["calibrator"]),
            "band": float(record["band"]),
            "head": LogisticHead.from_dict(record["head"]) if record.get("head") else None,
            "fused": fused_of(record),
            "typical": typical_of(record),
            "recipe": recipe.name,
        }
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunError(f"{run / 'verifier.json'} is damaged: {type(error).__name__}: {in_short(error)}") from error
