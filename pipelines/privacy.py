"""Privacy audit: can somebody who holds a verifier tell whose signatures it was trained on?

Two questions, each asked as an attacker would: *is this person in the training set* (from several signatures of the
person, whether or not these were trained on), and *is this signature in it* (from one image). The attacker sees only
what the verifier gives everybody, scores, and is a classifier fitted on some signers and judged on others. An area
under the ROC curve of 0.5 is a guess. No defence is applied here: this measures.

What it cannot show is that there is no leak: a stronger attack may find one.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .metrics import auc

Vectors = NDArray[np.float32]
RATES = (0.01, 0.1)
PER_SIGNER = 6
_FOLDS, _DRAWS, _CROWD = 5, 1000, 200


class Scorer(Protocol):
    """What the audit asks of a verifier."""

    def pair_scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        """Return scores, shape ``(n_references, n_questioned)``."""

    def embed_canvases(self, canvases: NDArray[np.uint8]) -> Vectors:
        """Return embeddings, shape ``(n, d)``."""


@dataclass(frozen=True)
class Attack:
    """How well one attack tells members of the training set from others.

    Attributes:
        auc: Area under the ROC curve, over signers that the attack was not fitted on.
        low: Lower end of its 95 % interval, from a bootstrap over signers.
        high: Upper end.
        members: Signers trained on that were asked about.
        others: Signers not trained on.
        tpr: Share of members found where the share of others falsely found is at most the key, with its interval,
            such as ``{"0.01": (0.02, 0.0, 0.05)}``; a guess finds as many as the key says.
    """

    auc: float
    low: float
    high: float
    members: int
    others: int
    tpr: dict[str, tuple[float, float, float]]

    @property
    def leaks(self) -> bool:
        """Whether the interval lies above a guess."""
        return self.low > 0.5

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"leaks": self.leaks, "smallest_resolved_fpr": 1.0 / max(self.others, 1)}


def signer_features(embeddings: Vectors, signers: NDArray[Any], scorer: Scorer, *, seed: int) -> NDArray[np.float64]:
    """Return what an attacker can measure of each signer's signatures, shape ``(n_signers, 4)``.

    Mean and least score among the signer's own signatures, mean of their best scores against a crowd of other people,
    and the difference of the first and the third: training draws a signer's signatures together and away from others.

    Args:
        embeddings: Shape ``(n, d)``.
        signers: Whose each is, shape ``(n,)``; rows of the result follow the sorted names.
        scorer: The verifier.
        seed: Chooses the crowd.

    Source:
        Li, Rezaei, Liu (2022), "User-level membership inference attack against metric embedding learning", for the
        idea that members' embeddings lie closer together. Differs: scores instead of distances, and the crowd.
    """
    rng, rows = np.random.default_rng(seed), []
    for name in np.unique(signers):
        own = np.flatnonzero(signers == name)
        foreign = np.flatnonzero(signers != name)
        foreign = rng.choice(foreign, min(_CROWD, foreign.size), replace=False)
        among = scorer.pair_scores(embeddings[own], embeddings[own])[np.triu_indices(own.size, k=1)]
        against = scorer.pair_scores(embeddings[own], embeddings[foreign]).max(axis=1).mean()
        rows.append((among.mean(), among.min(), against, among.mean() - against))
    return np.asarray(rows, dtype=np.float64)


def signature_features(
    canvases: NDArray[np.uint8], signers: NDArray[Any], scorer: Scorer, *, seed: int
) -> NDArray[np.float64]:
    """Return what an attacker can measure of single images, shape ``(n, 4)``.

    Scores of an image against three slightly changed copies of itself (moved, turned, blurred), and its best score
    against other people's images: what was learnt by heart stays nearer to itself and farther from others.

    Args:
        canvases: Preprocessed images, shape ``(n, height, width)``.
        signers: Whose each is, shape ``(n,)``.
        scorer: The verifier.
        seed: Chooses whom an image is compared with.
    """
    plain = scorer.embed_canvases(canvases)
    copies = [scorer.embed_canvases(np.stack([change(c) for c in canvases])) for change in (_moved, _turned, _blurred)]
    rng = np.random.default_rng(seed)
    crowd = rng.choice(len(plain), min(_CROWD, len(plain)), replace=False)
    rows = []
    for i, vector in enumerate(plain):
        own = [float(scorer.pair_scores(vector[None], copy[i][None])[0, 0]) for copy in copies]
        foreign = crowd[signers[crowd] != signers[i]]
        rows.append((*own, float(scorer.pair_scores(vector[None], plain[foreign]).max())))
    return np.asarray(rows, dtype=np.float64)


def _warped(canvas: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    height, width = canvas.shape
    return np.asarray(cv2.warpAffine(canvas, matrix, (width, height), borderValue=255), dtype=np.uint8)


def _moved(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return _warped(canvas, np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]))


def _turned(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = canvas.shape
    return _warped(canvas, cv2.getRotationMatrix2D((width / 2, height / 2), 3.0, 0.96))


def _blurred(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.0), dtype=np.uint8)


def attack(
    features: NDArray[np.float64], member: NDArray[np.bool_], signers: NDArray[Any], *, seed: int
) -> tuple[Attack, NDArray[np.float64]]:
    """Fit an attack on some signers and judge it on the others, each signer once.

    Args:
        features: What is measured, shape ``(n, k)``.
        member: Whether each row is of the training set, shape ``(n,)``.
        signers: Whose each row is; all rows of a signer are on one side of a fold.
        seed: Of folds and bootstrap.

    Returns:
        The attack's success, and its scores, shape ``(n,)``, higher = more likely a member.

    Raises:
        ValueError: If there are fewer than ten signers on either side.

    Source:
        Shokri et al. (2017), "Membership inference attacks against machine learning models"; Carlini et al. (2022),
        "Membership inference attacks from first principles", for the rate at few false positives.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    people = {side: np.unique(signers[member == side]).size for side in (True, False)}
    if min(people.values()) < 2 * _FOLDS:
        raise ValueError(
            f"the audit needs at least {2 * _FOLDS} signers that were trained on and as many that were not; there are "
            f"{people[True]} and {people[False]}"
        )
    scores = np.zeros(len(member))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for fitted, judged in folds.split(features, member, signers):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000))
        model.fit(features[fitted], member[fitted])
        found = model.decision_function(features[judged])
        scores[judged] = (found - found.mean()) / (found.std() or 1.0)  # folds differ in level
    return _measured(scores, member, signers, people, seed), scores


def _measured(
    scores: NDArray[np.float64], member: NDArray[np.bool_], signers: NDArray[Any], people: dict[bool, int], seed: int
) -> Attack:
    def measure(rows: NDArray[np.intp]) -> list[float]:
        inside, outside = scores[rows[member[rows]]], scores[rows[~member[rows]]]
        return [auc(inside, outside), *(tpr_at(inside, outside, rate) for rate in RATES)]

    rng = np.random.default_rng(seed)
    places = {side: [np.flatnonzero((signers == s) & (member == side)) for s in np.unique(signers[member == side])]
              for side in (True, False)}  # fmt: skip
    drawn = []
    for _ in range(_DRAWS):
        chosen = [side[i] for side in places.values() for i in rng.integers(len(side), size=len(side))]
        drawn.append(measure(np.concatenate(chosen)))
    low, high = np.quantile(np.asarray(drawn), (0.025, 0.975), axis=0)
    value = measure(np.arange(len(scores)))
    tpr = {f"{rate:g}": (value[i], float(low[i]), float(high[i])) for i, rate in enumerate(RATES, start=1)}
    return Attack(value[0], float(low[0]), float(high[0]), people[True], people[False], tpr)


def tpr_at(inside: NDArray[np.float64], outside: NDArray[np.float64], rate: float) -> float:
    """Return the share of members found by a threshold that at most ``rate`` of the others pass.

    Args:
        inside: Scores of members.
        outside: Scores of others.
        rate: Largest share of false finds, 0 to 1.

    Example:
        >>> tpr_at(np.array([3.0, 1.0]), np.array([2.0, 0.0]), 0.1)
        0.5
    """
    allowed = int(np.floor(rate * outside.size))
    bound = np.sort(outside)[::-1][allowed] if allowed < outside.size else -np.inf
    return float(np.mean(inside > bound))
