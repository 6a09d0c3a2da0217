"""The support vector machine of the published protocols: radial kernel, fixed parameters, scaled without centring."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
C, GAMMA = 1.0, 2.0**-11
"""As in the literature, for features that are divided by their standard deviation."""


@dataclass(frozen=True, eq=False)
class SupportVectors:
    """A fitted machine, reduced to what its decision needs.

    Attributes:
        scale: Divisor of each feature, shape ``(d,)``.
        vectors: Support vectors, scaled, shape ``(n_support, d)``.
        weights: Their signed weights, shape ``(n_support,)``.
        intercept: Decision value far from all of them.
        gamma: Of the kernel ``exp(-gamma * squared distance)``.
    """

    scale: NDArray[np.float64]
    vectors: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercept: float
    gamma: float

    def decide(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return decision values of features ``(n, d)``, shape ``(n,)``; above 0 is the positive class."""
        from sklearn.metrics.pairwise import rbf_kernel

        kernel = rbf_kernel(np.asarray(features, dtype=np.float64) / self.scale, self.vectors, gamma=self.gamma)
        return np.asarray(kernel @ self.weights + self.intercept, dtype=np.float64)


def fit_support_vectors(
    positives: NDArray[Any], negatives: NDArray[Any], *, skew: bool, c: float = C, gamma: float = GAMMA
) -> SupportVectors:
    """Fit a machine that tells positives from negatives.

    The kernel is computed at once by matrix products, which is far quicker than the solver's own and equal to it up
    to rounding.

    Args:
        positives: Features, shape ``(n_positive, d)``.
        negatives: The same, shape ``(n_negative, d)``.
        skew: Whether an error on a positive costs as many times more as there are more negatives.
        c: Cost of an error.
        gamma: Of the kernel.

    Raises:
        ValueError: If a class is empty or a feature not finite.
    """
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if len(positives) == 0 or len(negatives) == 0:
        raise ValueError(f"a classifier needs both classes, got {len(positives)} positive, {len(negatives)} negative")
    features = np.concatenate([positives, negatives]).astype(np.float64)
    if not np.isfinite(features).all():
        raise ValueError("features: some are NaN or infinite")
    scale = StandardScaler(with_mean=False).fit(features).scale_
    features /= scale
    weight = {1: len(negatives) / len(positives)} if skew else None
    model = SVC(C=c, kernel="precomputed", class_weight=weight, cache_size=500)
    model.fit(rbf_kernel(features, gamma=gamma), np.repeat([1, 0], [len(positives), len(negatives)]))
    return SupportVectors(scale, features[model.support_], model.dual_coef_[0], float(model.intercept_[0]), gamma)
