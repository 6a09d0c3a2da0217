"""Comparing pen movements without a network: a warping distance, with a threshold frozen on synthetic signers.

For whoever signs on the page: the same questions as for images, answered from the movement. It is a baseline, fitted in
a second or two on development signers of a world that no run needs.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth import World, forge
from synth.warping import distance

from .calibration import FORGERY_KINDS, LogisticCalibrator, choose_thresholds, fit_calibrator, words_for
from .protocols import TrialTable
from .verify import similarity_of

Trajectory = NDArray[np.float64]
RATE_HZ = 100.0
SIGNERS, QUESTIONED, SKILLS = 40, 3, (0.3, 0.5, 0.7, 0.85)
BAND = 0.15


@dataclass(frozen=True)
class PenAnswer:
    """What the movement says: score (minus a distance), its meaning and the verdict; similarity as in `Answer`."""

    verdict: str
    similarity: float
    score: float
    log10_lr: float
    words: str
    threshold: float


def resampled(trajectory: Trajectory, rate_hz: float = RATE_HZ) -> Trajectory:
    """Return a trajectory at an even rate; a sample is in the air if the one before it in the original is.

    Args:
        trajectory: Rows of x, y, t s (not falling), pressure.
        rate_hz: Samples per second.
    """
    t = trajectory[:, 2]
    times = np.arange(t[0], t[-1] + 0.5 / rate_hz, 1.0 / rate_hz)
    made = np.column_stack([np.interp(times, t, trajectory[:, k]) for k in (0, 1)] + [times, np.zeros(len(times))])
    before = np.clip(np.searchsorted(t, times, side="right") - 1, 0, len(t) - 1)
    made[:, 3] = trajectory[before, 3]
    return made


def pen_score(references: Sequence[Trajectory], questioned: Trajectory) -> float:
    """Return minus the log of how far a movement is from its nearest reference, over how far references are apart.

    With one reference there is nothing to divide by, and the score is minus the log of the plain distance.
    """
    near = min(distance(one, questioned) for one in references)
    apart = [distance(a, b) for i, a in enumerate(references) for b in references[i + 1 :]]
    return -float(np.log(max(near, 1e-6))) + (float(np.log(max(float(np.mean(apart)), 1e-6))) if apart else 0.0)


class PenBench:
    """Threshold and calibration of `pen_score` by number of references, fitted when first asked for.

    Args:
        seed: World of the development signers.
    """

    def __init__(self, seed: int = 7) -> None:
        self.world = World(seed)
        self.fitted: dict[int, tuple[float, LogisticCalibrator]] = {}
        self.lock = threading.Lock()

    def point(self, n_references: int) -> tuple[float, LogisticCalibrator]:
        """Return the threshold and calibrator for a number of references, 1 to 5."""
        with self.lock:
            if n_references not in self.fitted:
                self.fitted[n_references] = self._fit(n_references)
            return self.fitted[n_references]

    def _fit(self, n: int) -> tuple[float, LogisticCalibrator]:
        rows: dict[str, list[tuple[str, str, float]]] = {kind: [] for kind in ("genuine", *FORGERY_KINDS)}
        for i in range(SIGNERS):
            signer, other = self.world[i], self.world[10_000 + i]
            known = [signer.genuine(4 * k).trajectory for k in range(n)]
            for k in range(QUESTIONED):
                rows["genuine"].append((str(i), "", pen_score(known, signer.genuine(4 * (n + k)).trajectory)))
            for act, skill in enumerate(SKILLS):
                copy = forge(signer, by=other, kind="freehand", skill=skill, act=act)
                rows["skilled"].append((str(i), "", pen_score(known, copy.trajectory)))
            rows["random"].append((str(i), f"other {i}", pen_score(known, other.genuine(0).trajectory)))
        tables = {kind: _table(kind, found) for kind, found in rows.items() if found}
        point = choose_thresholds(tables["genuine"], tables["skilled"], tables["random"])["eer_skilled"]
        return point.threshold, fit_calibrator(tables["genuine"], tables["skilled"])

    def answer(self, references: Sequence[Trajectory], questioned: Trajectory) -> PenAnswer:
        """Return what the movement says about a questioned drawing.

        Args:
            references: Rows of x, y (up), t s, pressure, any unit of length; one to five of them.
            questioned: The same.

        Raises:
            ValueError: If one has fewer than three samples on the paper.
        """
        known = [resampled(one) for one in references]
        score = pen_score(known, resampled(questioned))
        threshold, calibrator = self.point(len(known))
        log10_lr, at = float(calibrator.log10_lr(score)), float(calibrator.log10_lr(threshold))
        unsure = abs(log10_lr - at) < BAND
        verdict = "inconclusive" if unsure else "accept" if score >= threshold else "reject"
        similarity = similarity_of(float(calibrator.log_lr(score)))
        return PenAnswer(verdict, similarity, score, log10_lr, words_for(log10_lr, "skilled"), threshold)


def _table(kind: str, rows: list[tuple[str, str, float]]) -> TrialTable:
    n = len(rows)
    return TrialTable(
        claimed=np.array([row[0] for row in rows]),
        impostor=np.array([row[1] for row in rows], dtype=str),
        kind=np.full(n, kind),
        skill=np.full(n, np.nan),
        reference=np.full(n, ""),
        questioned=np.arange(n).astype(str),
        score=np.array([row[2] for row in rows], dtype=np.float32),
        part="development",
        protocol="warping distance of pen movements",
    )
