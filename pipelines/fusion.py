"""Several references, one answer: how their scores become one, and how they vote."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scorer = Callable[[Vectors, Vectors], NDArray[np.float32]]
_REDUCED: dict[str, Callable[..., Any]] = {"max": np.max, "mean": np.mean, "min": np.min, "median": np.median}
FUSIONS = (*_REDUCED, "prototype")


def check_fusion(name: str) -> None:
    """Raise ValueError unless a fusion is one of ``FUSIONS``."""
    if name not in FUSIONS:
        raise ValueError(f"unknown fusion {name!r}; use one of: {', '.join(FUSIONS)}")


def fuse(name: str, references: Vectors, questioned: Vectors, score: Scorer) -> NDArray[np.float32]:
    """Return one score for each questioned signature.

    Args:
        name: "max" (the best match), "mean", "min", "median" of the references' scores, or "prototype": the score
            against the mean of the references, brought back to length 1.
        references: Embeddings of one signer's references, shape ``(n_references, d)``.
        questioned: Embeddings, shape ``(n_questioned, d)``.
        score: Scores of all pairs, shape ``(n_references, n_questioned)``, higher = more likely genuine.

    Raises:
        ValueError: If the fusion is unknown.
    """
    check_fusion(name)
    if name == "prototype":
        return score(prototype(references), questioned)[0]
    return np.asarray(_REDUCED[name](score(references, questioned), axis=0), dtype=np.float32)


def prototype(references: Vectors) -> Vectors:
    """Return the mean of the references at length 1, shape ``(1, d)``; zeros if they cancel."""
    mean = references.mean(axis=0, keepdims=True)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean, dtype=np.float32)


def share_of_votes(scores: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """Return the share of references that accept on their own, shape ``(n_questioned,)``; a half is no majority.

    Args:
        scores: Shape ``(n_references, n_questioned)``.
        threshold: Each reference accepts if its score is at least this.
    """
    return np.asarray((scores >= threshold).mean(axis=0), dtype=np.float64)
