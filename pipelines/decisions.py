"""What a verifier takes and gives, as plain records: references enrolled, points frozen, decisions."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator


@dataclasses.dataclass(frozen=True)
class Decision:
    """What a verifier says about one questioned signature.

    Attributes:
        score: Higher = more likely genuine, fused over the references: a cosine, or a fitted head's log-odds.
        log10_lr: Base-10 log likelihood ratio, genuine over skilled forgery, fitted on development signers.
        verdict: "accept", "reject" or "inconclusive".
        quality: Words for the ratio, and what the numbers rest on.
        votes: Share of the references that would accept on their own, 0 to 1; more than a half is a majority.
        nearest: Place of the reference with the highest score.
        flags: What a person should know before reading on, such as a copy of a reference; usually empty.
    """

    score: float
    log10_lr: float
    verdict: str
    quality: str
    votes: float = float("nan")
    nearest: int = 0
    flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Enrolment:
    """A claimed signer's references, embedded once.

    Attributes:
        embeddings: Shape ``(n_references, d)``.
        prepared: What the network saw of each, in the same order.
    """

    embeddings: NDArray[np.float32]
    prepared: NDArray[Any]

    def __len__(self) -> int:
        """Return the number of references."""
        return len(self.embeddings)


@dataclasses.dataclass(frozen=True)
class FusedPoint:
    """What was frozen on development signers for one number of references and one fusion."""

    threshold: float
    calibrator: LogisticCalibrator

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"threshold": self.threshold, "calibrator": self.calibrator.to_dict()}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "FusedPoint":
        """Build from `to_dict`."""
        return cls(float(record["threshold"]), LogisticCalibrator.from_dict(record["calibrator"]))


def fused_of(record: Mapping[str, Any]) -> dict[str, FusedPoint]:
    """Return what a run froze for several references, by "fusion/number", from the content of its `verifier.json`.

    A record without ``typical`` is of a version whose "relative" was another: what was frozen for that is left out.
    """
    frozen = {name: FusedPoint.from_dict(point) for name, point in record.get("fused", {}).items()}
    return frozen if "typical" in record else {n: p for n, p in frozen.items() if not n.startswith("relative/")}


def typical_of(record: Mapping[str, Any]) -> float:
    """Return the mean score of two genuine signatures of one person that a run froze, if it did, else 1."""
    return float(record.get("typical", 1.0))


USUAL = "relative"
"""The fusion of several references unless asked otherwise."""


def usual_fusion(fused: Mapping[str, FusedPoint], n: int) -> str:
    """Return how n references become one unless asked otherwise: ``USUAL``, or "mean" if nothing was frozen for it.

    Then the threshold for one reference is all there is. Scores of the best match lie above those of one reference,
    genuine or not, and would be accepted too often; their mean does not.

    Args:
        fused: What was frozen, by "fusion/number".
        n: References at hand.
    """
    return USUAL if n == 1 or nearest_frozen(fused, USUAL, n) else "mean"


def nearest_frozen(fused: Mapping[str, FusedPoint], fusion: str, n: int) -> tuple[int, FusedPoint] | None:
    """Return what was frozen for a fusion and the largest number of references up to n, and that number.

    Args:
        fused: By "fusion/number".
        fusion: How several scores become one.
        n: References at hand.

    Returns:
        None for one reference, or if nothing fits: then the threshold for one reference is all there is.
    """
    numbers = [int(number) for name, _, number in (key.partition("/") for key in fused) if name == fusion]
    fitting = [number for number in numbers if 1 < number <= n]
    return (max(fitting), fused[f"{fusion}/{max(fitting)}"]) if fitting else None
