"""A pair head fitted on a frozen network: logistic regression on what two embeddings differ by.

The features of a pair are the absolute differences of its embeddings, component by component, and their cosine;
the score is the log-odds of "one signer made both". It is a plain record of numbers that fits into JSON.
"""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .protocols import SignatureSet

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class LogisticHead:
    """Weights of the features and what they were fitted on.

    Attributes:
        weights: One a component of the difference, then one of the cosine.
        intercept: Log-odds of a pair whose features are all 0.
        n_pairs: Pairs it was fitted on.
        n_signers: Claimed signers they came from.
        data: Where these came from: a world's seed, or the digest of a folder's provenance.
        contains_real_signatures: Whether any of them was a real person's.
    """

    weights: tuple[float, ...]
    intercept: float
    n_pairs: int
    n_signers: int
    data: str
    contains_real_signatures: bool

    def scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        """Return log-odds, shape ``(n_references, n_questioned)``, higher = more likely genuine.

        Args:
            references: Embeddings, shape ``(n_references, d)``.
            questioned: Embeddings, shape ``(n_questioned, d)``.

        Raises:
            ValueError: If the head was fitted on embeddings of another length.
        """
        if references.shape[1] + 1 != len(self.weights):
            raise ValueError(f"embeddings have {references.shape[1]} components, the head {len(self.weights) - 1}")
        weights = np.asarray(self.weights, dtype=np.float32)
        rows = [np.abs(reference[None] - questioned) @ weights[:-1] for reference in references]
        found = np.stack(rows) + weights[-1] * (references @ questioned.T) + self.intercept
        return np.asarray(found, dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values for JSON."""
        return asdict(self) | {"weights": list(self.weights)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Build from `to_dict`; raise ValueError on missing, unknown or unusable values."""
        try:
            head = cls(**{**record, "weights": tuple(map(float, record["weights"]))})
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a record of a logistic head: {error}") from error
        if not np.isfinite([*head.weights, head.intercept]).all():
            raise ValueError("not a logistic head: a weight is NaN or infinite")
        return head


def pairs_of(signatures: SignatureSet, *, n_random: int = 4, seed: int) -> tuple[NDArray[np.intp], NDArray[np.str_]]:
    """Return duplets of signatures to fit on, and the kind of each.

    All pairs of a signer's genuine signatures ("genuine"); each genuine one with each forgery of the signer
    ("skilled" or "simple") and with ``n_random`` genuine ones of others ("random").

    Args:
        signatures: Of training signers.
        n_random: Random forgeries for each genuine signature.
        seed: Chooses them.

    Returns:
        Places, shape ``(n_pairs, 2)``, and kinds, shape ``(n_pairs,)``.
    """
    rng = np.random.default_rng(seed)
    genuine = np.flatnonzero(signatures.kind == "genuine")
    pairs: list[tuple[int, int]] = []
    kinds: list[str] = []
    for i in genuine:
        own = np.flatnonzero(signatures.signer == signatures.signer[i])
        later = own[(own > i) & (signatures.kind[own] == "genuine")]
        forged = own[signatures.kind[own] != "genuine"]
        foreign = genuine[signatures.signer[genuine] != signatures.signer[i]]
        others = rng.choice(foreign, min(n_random, foreign.size), replace=False) if foreign.size else foreign
        pairs += [(int(i), int(j)) for j in (*later, *forged, *others)]
        kinds += ["genuine"] * later.size + signatures.kind[forged].tolist() + ["random"] * others.size
    return np.array(pairs, dtype=np.intp).reshape(-1, 2), np.array(kinds, dtype=str)


def fit_logistic_head(
    embeddings: Vectors,
    signatures: SignatureSet,
    *,
    data: str,
    contains_real_signatures: bool,
    seed: int,
) -> LogisticHead:
    """Fit the head on all duplets of training signers.

    Genuine pairs weigh as much as all others together, and each kind of forgery as much as any other.

    Args:
        embeddings: By the frozen network, shape ``(n, d)``.
        signatures: Whose they are.
        data: Where they came from, for the record.
        contains_real_signatures: Whether any is a real person's.
        seed: Chooses the random forgeries.

    Raises:
        ValueError: If there is no genuine pair, or no forgery.

    Source:
        Koch, Zemel, Salakhutdinov (2015), "Siamese neural networks for one-shot image recognition", section 3.1,
        for the weighed L1 difference. Differs: the embeddings are frozen, the cosine is a feature as well.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    pairs, kinds = pairs_of(signatures, seed=seed)
    present = [kind for kind in ("random", "simple", "skilled") if (kinds == kind).any()]
    if not (kinds == "genuine").any() or not present:
        raise ValueError(
            "a logistic head needs genuine pairs and forgeries: at least two genuine signatures of one signer, and "
            "another signer or a forgery"
        )
    features = _features(embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
    weights = np.zeros(len(kinds))
    for kind in ("genuine", *present):
        rows = kinds == kind
        weights[rows] = (1.0 if kind == "genuine" else 1.0 / len(present)) / rows.sum() * len(kinds) / 2
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=0.1, max_iter=2000)
    model.fit(scaler.transform(features), kinds == "genuine", sample_weight=weights)
    slopes = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - (slopes * scaler.mean_).sum())
    n_signers = np.unique(signatures.signer[pairs[:, 0]]).size
    return LogisticHead(
        tuple(map(float, slopes)), intercept, len(kinds), int(n_signers), data, contains_real_signatures
    )


def _features(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    cosine = (first * second).sum(axis=1, keepdims=True)
    return np.concatenate([np.abs(first - second), cosine], axis=1).astype(np.float64)
