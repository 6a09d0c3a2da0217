"""What refinement changes: a cheap classifier fitted before and after it, judged on the same held-out signatures.

The classifier is linear discriminant analysis on principal components of the audit's features. It says whether the
data got better for a learner, not what a network of yours would reach.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .audit_judging import Audit

SPLITS = 5
_SHARE = 0.3
_COMPONENTS = 48


class Retrained(NamedTuple):
    """Accuracy of naming the signer, on the same held-out signatures, mean of several splits.

    Attributes:
        before: Trained on everything that can be read.
        after: Trained on what is kept.
        before_sd: Standard deviation between splits.
        after_sd: The same.
        held_out: Signatures judged in a split.
        signers: Signers among them.
        trained_before: Signatures trained on in a split.
        trained_after: The same.
    """

    before: float
    after: float
    before_sd: float
    after_sd: float
    held_out: int
    signers: int
    trained_before: int
    trained_after: int


def retrain(found: Audit, *, seed: int = 0) -> Retrained:
    """Return what leaving images out changes for a classifier of signers.

    Held out are genuine signatures without a fault, of signers that are kept; copies of them are in neither training
    set, or the faulty set would gain from its own duplicates.

    Args:
        found: The audit.
        seed: Of the splits.

    Raises:
        ProvenanceError: If the purpose of the data does not cover training.
        ValueError: If fewer than two signers have three kept genuine signatures.
    """
    found.examined.provenance.check_use("training")
    examined, rng = found.examined, np.random.default_rng(seed)
    genuine = np.array([examined.kinds[i] == "genuine" for i in examined.where], dtype=bool)
    kept = genuine & np.array([found.left_out[i] is None for i in examined.where], dtype=bool)
    signers = np.array([examined.signers[i] for i in examined.where])
    number = {i: at for at, group in enumerate(found.groups) for i in group}
    group = np.array([number.get(i, -1 - i) for i in examined.where])
    judged = [name for name in sorted(set(signers.tolist())) if (kept & (signers == name)).sum() >= 3]
    if len(judged) < 2:
        raise ValueError("retraining needs two signers with three sound genuine signatures each")
    results, sizes = [], (0, 0, 0)
    for _ in range(SPLITS):
        held = np.zeros(len(signers), dtype=bool)
        for name in judged:
            rows = rng.permutation(np.flatnonzero(kept & (signers == name)))
            held[rows[: max(1, round(_SHARE * len(rows)))]] = True
        free = genuine & ~np.isin(group, group[held])
        results.append([_accuracy(found.features, signers, rows, held) for rows in (free, free & kept)])
        sizes = (int(held.sum()), int(free.sum()), int((free & kept).sum()))
    (before, after), (before_sd, after_sd) = np.mean(results, axis=0), np.std(results, axis=0)
    return Retrained(
        float(before), float(after), float(before_sd), float(after_sd), sizes[0], len(judged), sizes[1], sizes[2]
    )


def _accuracy(
    features: NDArray[np.float32], signers: NDArray[np.str_], trained: NDArray[np.bool_], held: NDArray[np.bool_]
) -> float:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    n = min(_COMPONENTS, int(trained.sum()) - 1, features.shape[1])
    reduce = PCA(n, random_state=0, svd_solver="randomized").fit(features[trained])
    classify = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    classify.fit(reduce.transform(features[trained]), signers[trained])
    return float(np.mean(classify.predict(reduce.transform(features[held])) == signers[held]))
