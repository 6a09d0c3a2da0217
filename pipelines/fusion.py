"""Several references, one answer: how their scores become one, and how they vote."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Scorer = Callable[[Vectors, Vectors], NDArray[np.float32]]
_REDUCED: dict[str, Callable[..., Any]] = {"max": np.max, "mean": np.mean, "min": np.min, "median": np.median}
FUSIONS = (*_REDUCED, "prototype", "relative")
_PRIOR = 3.0
"""How many references it takes to tell as much of a person's variation as is known of people at large; chosen on 300
signers of another world, where 2 to 4 differ by a fiftieth of the error."""


def check_fusion(name: str) -> None:
    """Raise ValueError unless a fusion is one of ``FUSIONS``."""
    if name not in FUSIONS:
        raise ValueError(f"unknown fusion {name!r}; use one of: {', '.join(FUSIONS)}")


def fuse(
    name: str, references: Vectors, questioned: Vectors, score: Scorer, *, typical: float = 1.0
) -> NDArray[np.float32]:
    """Return one score for each questioned signature.

    Args:
        name: "max" (the best match), "mean", "min", "median" of the references' scores; "prototype": the score
            against the mean of the references, brought back to length 1; "relative": the mean of the best matches,
            sqrt(n) of n, and what the references lack of matching each other as well as is typical, shrunk by
            n / (n + 3) as few references tell little, so that a person who varies is asked for less. With one
            reference there is nothing to fuse, and all of them are its score.
        references: Embeddings of one signer's references, shape ``(n_references, d)``.
        questioned: Embeddings, shape ``(n_questioned, d)``.
        score: Scores of all pairs, shape ``(n_references, n_questioned)``, higher = more likely genuine.
        typical: Mean score of two genuine signatures of one person, for "relative": with it one threshold fits any
            number of references. Scores of one number of references rank alike whatever it is.

    Raises:
        ValueError: If the fusion is unknown.

    Source:
        "relative": Kholmatov, Yanikoglu (2005), "Identity authentication using improved online signature verification
        method", Pattern Recognition Letters 26, section 3.3, who divide distances by those among the references.
        Differs: similarities, and a difference instead of a quotient, shrunk towards what is typical as in Efron,
        Morris (1975), "Data analysis using Stein's estimator and its generalizations", Journal of the American
        Statistical Association 70.
    """
    check_fusion(name)
    if name == "prototype":
        return score(prototype(references), questioned)[0]
    if name == "relative":
        return _relative(score(references, questioned), score(references, references), typical)
    return np.asarray(_REDUCED[name](score(references, questioned), axis=0), dtype=np.float32)


def prototype(references: Vectors) -> Vectors:
    """Return the mean of the references at length 1, shape ``(1, d)``; zeros if they cancel."""
    mean = references.mean(axis=0, keepdims=True)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean, dtype=np.float32)


def _relative(scores: NDArray[np.float32], among: NDArray[np.float32], typical: float) -> NDArray[np.float32]:
    n = len(among)
    best = _best(scores, round(math.sqrt(n)))
    if n == 1:
        return best
    others = among[~np.eye(n, dtype=bool)].reshape(n, n - 1).T
    own = float(_best(others, round(math.sqrt(n))).mean())
    return np.asarray(best + n / (n + _PRIOR) * (typical - own), dtype=np.float32)


def _best(scores: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return the mean of the n greatest of each column, or of all if there are fewer."""
    return np.asarray(np.sort(scores, axis=0)[-n:].mean(axis=0), dtype=np.float32)


def share_of_votes(scores: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """Return the share of references that accept on their own, shape ``(n_questioned,)``; a half is no majority.

    Args:
        scores: Shape ``(n_references, n_questioned)``.
        threshold: Each reference accepts if its score is at least this.
    """
    return np.asarray((scores >= threshold).mean(axis=0), dtype=np.float64)
