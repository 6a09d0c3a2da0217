"""One questioned signature against references of the claimed signer: the answer, its meaning and its limits.

`verify` on the command line and the web demo both come through here. Images are held in memory; nothing is trained
on them and nothing is kept.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator, words_for
from .decisions import Enrolment
from .fusion import check_fusion
from .images import UnreadableImage, read_image
from .operating import Rates, basis_of, check_wanted, held_out_scores, rates_at, read_development, threshold_for
from .preprocess import BlankImage
from .quality import NoSignature, signature_fault
from .runs import Run, RunError, load_verifier
from .verifier import Verifier

MAX_REFERENCES = 50
OFTEN_COPIED = 55.0
"""The per cent that is often taken over as a threshold from elsewhere; shown for what it costs."""


class BadInput(ValueError):
    """What was handed in cannot be verified; the message is one line for the person who did."""


@dataclass(frozen=True)
class Answer:
    """What is said about one questioned signature, with everything needed to doubt it.

    Attributes:
        verdict: "accept", "reject" or "inconclusive".
        similarity: 100 times the logistic of the natural-log likelihood ratio, 0 to 100: 50 says nothing either way.
            People are shown it as what it is, the probability of genuine at even prior odds over skilled forgery.
        score: Higher = more likely genuine; only comparable within one run.
        log10_lr: Base-10 log likelihood ratio, genuine over skilled forgery.
        words: The ratio's meaning.
        threshold: Of the score.
        threshold_similarity: The same as a similarity.
        threshold_basis: Where the threshold comes from.
        rates: Error rates at the threshold.
        rated_on: Whose trials they were counted on: "test signers" (one reference) or "development signers".
        votes: Share of the references that would accept on their own.
        nearest: Place of the most similar reference, from 0.
        n_references: How many there were.
        fusion: How their scores became one.
        flags: What to know before reading on, such as a copy.
        basis: A word on what the calibration rests on, usually empty.
        trained_on: What the model learnt from.
        notice: That this is no evidence by itself.
    """

    verdict: str
    similarity: float
    score: float
    log10_lr: float
    words: str
    threshold: float
    threshold_similarity: float
    threshold_basis: str
    rates: Rates
    rated_on: str
    votes: float
    nearest: int
    n_references: int
    fusion: str
    flags: tuple[str, ...]
    basis: str
    trained_on: str
    notice: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def similarity_of(log_lr: float) -> float:
    """Return 100 times the logistic of a natural-log likelihood ratio.

    Example:
        >>> similarity_of(0.0)
        50.0
    """
    return 100.0 / (1.0 + math.exp(-min(max(log_lr, -700.0), 700.0)))


def score_at(similarity: float, calibrator: LogisticCalibrator) -> float:
    """Return the score that has a similarity, above 0 and below 100; infinite if the score says nothing."""
    share = min(max(similarity / 100.0, 1e-9), 1.0 - 1e-9)
    log_lr = math.log(share / (1.0 - share))
    return (log_lr - calibrator.intercept) / calibrator.slope if calibrator.slope > 0 else math.inf


class Bench:
    """A run, ready to verify: loaded once, asked often.

    Args:
        path: A finished run on images.

    Raises:
        RunError: If it is no finished run, takes trajectories, or its weights are not what it recorded.
    """

    def __init__(self, path: str | Path) -> None:
        self.run = Run(path)
        self.record: dict[str, Any] = self.run.read("verifier.json")
        if self.record.get("takes", "image") != "image":
            raise RunError(f"{path} takes pen trajectories, not images; use a run of a network on images")
        self.verifier: Verifier = load_verifier(path)
        self.development = read_development(self.run)
        self.test = held_out_scores(self.run)

    @property
    def trained_on(self) -> str:
        """What the model learnt from, in a few words."""
        provenance = self.record.get("provenance", {})
        if provenance.get("contains_real_signatures"):
            return f"data that contain real signatures ({provenance.get('source', 'source unknown')})"
        return f"synthetic signatures only ({provenance.get('source', 'source unknown')})"

    @property
    def notice(self) -> str:
        """What every output says."""
        return f"The model was trained on {self.trained_on}. A score is no evidence by itself."

    def development_for(self, fusion: str, n_references: int) -> dict[str, NDArray[np.floating]]:
        """Return the development scores of the nearest number of references below; empty if none are kept."""
        counts = [
            n for n in range(n_references, min(n_references, 2) - 1, -1) if basis_of(fusion, n) in self.development
        ]
        return self.development[basis_of(fusion, counts[0])] if counts else {}

    def rated_on(self, n_references: int) -> str:
        """Return whose trials tell the error rates: test signers, whose scores are kept for one reference."""
        return "test signers" if n_references == 1 and self.test else "development signers"

    def rates(self, threshold: float, *, fusion: str | None = None, n_references: int = 1) -> Rates:
        """Return the error rates at a threshold: on test signers for one reference, else on development signers.

        Args:
            threshold: A score of it or above is accepted.
            fusion: How several references become one score; the verifier's usual way if None.
            n_references: How many.
        """
        if self.rated_on(n_references) == "test signers":
            return rates_at(self.test, threshold)
        fusion = self.verifier.usual_fusion(n_references) if fusion is None else fusion
        return rates_at(self.development_for(fusion, n_references), threshold)

    def answer(
        self,
        references: Sequence[NDArray[np.uint8]] | Enrolment,
        questioned: NDArray[np.uint8],
        *,
        fusion: str | None = None,
        threshold: float | None = None,
        threshold_basis: str = "frozen on development signers, where FRR and FAR of skilled forgeries meet",
    ) -> Answer:
        """Return the answer for one questioned image.

        Args:
            references: Grey images of the claimed signer, or what `Verifier.enrol` made of them.
            questioned: A grey image, uint8.
            fusion: How several references become one; the verifier's usual way if None.
            threshold: Of the score; the frozen one if left out.
            threshold_basis: Where it comes from, in words.

        Raises:
            BadInput: If an image is blank or no signature.
            ValueError: If the fusion is unknown or there is no reference.
        """
        fusion = self.verifier.usual_fusion(len(references)) if fusion is None else fusion
        try:
            decision = self.verifier.decide(references, [questioned], fusion=fusion, threshold=threshold)[0]
        except (BlankImage, NoSignature) as error:
            raise BadInput(str(error).replace("questioned image 0 is", "the questioned image is")) from error
        point, basis = self.verifier.operating_point(fusion, len(references))
        at = point.threshold if threshold is None else threshold
        return Answer(
            verdict=decision.verdict,
            similarity=similarity_of(float(point.calibrator.log_lr(decision.score))),
            score=decision.score,
            log10_lr=decision.log10_lr,
            words=words_for(decision.log10_lr, point.calibrator.forgery_kind),
            threshold=at,
            threshold_similarity=similarity_of(float(point.calibrator.log_lr(at))),
            threshold_basis=threshold_basis,
            rates=self.rates(at, fusion=fusion, n_references=len(references)),
            rated_on=self.rated_on(len(references)),
            votes=decision.votes,
            nearest=decision.nearest,
            n_references=len(references),
            fusion=fusion,
            flags=decision.flags,
            basis=basis,
            trained_on=self.trained_on,
            notice=self.notice,
        )


def load_images(paths: Sequence[Path], role: str) -> list[NDArray[np.uint8]]:
    """Return grey images of files.

    Raises:
        BadInput: If one cannot be read; names the file and why.
    """
    images = []
    for path in paths:
        try:
            images.append(read_image(path))
        except UnreadableImage as error:
            raise BadInput(f"{role} {path} cannot be used: {error.reason}") from error
    return images


def verify(
    run: str | Path,
    references: Sequence[Path],
    questioned: Path,
    *,
    wanted_far: float | None = None,
    fusion: str | None = None,
    explain_to: Path | None = None,
) -> Answer:
    """Verify one image file against others; write a picture of why if asked to.

    Args:
        run: A finished run on images.
        references: Files of the claimed signer.
        questioned: A file.
        wanted_far: FAR of skilled forgeries to choose the threshold for, on development signers.
        fusion: How several references become one; the verifier's usual way if None.
        explain_to: PNG to write.

    Raises:
        BadInput: If a file cannot be used.
        RunError: If the run cannot.
    """
    if not 1 <= len(references) <= MAX_REFERENCES:
        raise BadInput(f"{len(references)} references were given; give from 1 to {MAX_REFERENCES}")
    if wanted_far is not None:
        check_wanted(wanted_far)
    if explain_to is not None and explain_to.suffix.lower() != ".png":
        raise BadInput(f"--explain writes a PNG; {explain_to} has another ending")
    if explain_to is not None and not explain_to.parent.is_dir():
        raise BadInput(f"--explain cannot write {explain_to}: there is no folder {explain_to.parent}")
    if fusion is not None:
        check_fusion(fusion)
    known, asked = load_images(references, "reference"), load_images([questioned], "questioned image")[0]
    bench = Bench(run)
    fusion = bench.verifier.usual_fusion(len(references)) if fusion is None else fusion
    chosen: dict[str, Any] = {}
    if wanted_far is not None:
        threshold, basis = threshold_for(bench.run, wanted_far, fusion=fusion, n_references=len(references))
        text = "one reference" if basis == "1" else f"{basis.split('/')[1]} references"
        chosen = {"threshold": threshold, "threshold_basis": f"FAR of skilled forgeries {wanted_far:.2%} with {text}"}
    enrolled = enrol(bench.verifier, known, [str(path) for path in references])
    found = bench.answer(enrolled, asked, fusion=fusion, **chosen)
    if explain_to is not None:
        from .verify_page import write_explanation

        write_explanation(explain_to, bench.verifier, enrolled, asked, found)
    return found


def enrol(verifier: Verifier, images: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> Enrolment:
    """Return references enrolled; one that cannot be a signature is named.

    Args:
        verifier: Prepares and embeds them.
        images: Grey, of any size.
        names: For messages, one an image.

    Raises:
        BadInput: If a reference holds no ink, or is a photograph or a page of text.
    """
    prepared = []
    for image, name in zip(images, names, strict=True):
        try:
            prepared.append(verifier.canvas(image))
        except BlankImage as error:
            raise BadInput(f"reference {name} is blank: {error}") from error
        if fault := signature_fault(image):
            raise BadInput(f"reference {name} is no signature: {fault}")
    stack = np.stack(prepared)
    return Enrolment(verifier.embed_canvases(stack), stack)
