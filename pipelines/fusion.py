"""Several references, one answer: how their scores become one, and how they vote."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scorer = Callable[[Vectors, Vectors], NDArray[np.float32]]
_REDUCED: dict[str, Callable[..., Any]] = {"max": np.max, "mean": np.mean, "min": np.min, "median": np.median}
FUSIONS = (*_REDUCED, "prototype", "relative")
_SPREAD_SHARE = 0.5
"""How far a hand's own variation lowers what is asked of it; chosen on 1,000 training signers, where 0.3 to 0.7 differ
by a fiftieth of the error."""


def check_fusion(name: str) -> None:
    """Raise ValueError unless a fusion is one of ``FUSIONS``."""
    if name not in FUSIONS:
        raise ValueError(f"unknown fusion {name!r}; use one of: {', '.join(FUSIONS)}")


def fuse(name: str, references: Vectors, questioned: Vectors, score: Scorer) -> NDArray[np.float32]:
    """Return one score for each questioned signature.

    Args:
        name: "max" (the best match), "mean", "min", "median" of the references' scores; "prototype": the score
            against the mean of the references, brought back to length 1; "relative": the best match, and half of what
            the references lack of being alike, so that a person who varies is asked for less. With one reference
            there is nothing to fuse, and all of them are its score.
        references: Embeddings of one signer's references, shape ``(n_references, d)``.
        questioned: Embeddings, shape ``(n_questioned, d)``.
        score: Scores of all pairs, shape ``(n_references, n_questioned)``, higher = more likely genuine.

    Raises:
        ValueError: If the fusion is unknown.

    Source:
        "relative": Kholmatov, Yanikoglu (2005), "Identity authentication using improved online signature verification
        method", Pattern Recognition Letters 26, section 3.3, who divide distances by those among the references.
        Differs: similarities, and half of the difference instead of a quotient.
    """
    check_fusion(name)
    if name == "prototype":
        return score(prototype(references), questioned)[0]
    if name == "relative":
        best = score(references, questioned).max(axis=0) + _SPREAD_SHARE * spread(score(references, references))
        return np.asarray(best, dtype=np.float32)
    return np.asarray(_REDUCED[name](score(references, questioned), axis=0), dtype=np.float32)


def prototype(references: Vectors) -> Vectors:
    """Return the mean of the references at length 1, shape ``(1, d)``; zeros if they cancel."""
    mean = references.mean(axis=0, keepdims=True)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean, dtype=np.float32)


def spread(among: NDArray[np.floating]) -> float:
    """Return how much less references resemble each other than themselves, on average; 0 for one.

    Args:
        among: Their scores against each other, shape ``(n, n)``.
    """
    n = len(among)
    if n == 1:
        return 0.0
    alone = float(np.trace(among))
    return alone / n - (float(among.sum()) - alone) / (n * (n - 1))


def share_of_votes(scores: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """Return the share of references that accept on their own, shape ``(n_questioned,)``; a half is no majority.

    Args:
        scores: Shape ``(n_references, n_questioned)``.
        threshold: Each reference accepts if its score is at least this.
    """
    return np.asarray((scores >= threshold).mean(axis=0), dtype=np.float64)
