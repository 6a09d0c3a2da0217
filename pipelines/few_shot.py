"""Adapting a finished verifier to a world of which a few signers are known: threshold, or pair head.

Each way takes the drawn signatures of those few signers and gives what changes; others judge it. A few signers say
little, so that what was frozen before may keep a share of the word, as if it came from `PRIOR` signers more.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator
from .config import RunConfig
from .elastic_head import ElasticHead, PairHead, Vectors
from .evaluation_parts import Part, subset, trials_of
from .logistic import fit_logistic_head, pairs_of
from .protocols import TrialTable
from .rates import Frozen, freeze_on
from .trials import joined

PRIOR = 5
"""Signers that the old threshold, calibration and variances count as. Chosen, not tuned."""
FOLDS = 5
Rebuilt = Callable[[Part], Part]
"""Gives a drawn part the scores of an adapted verifier."""


@dataclasses.dataclass(frozen=True, eq=False)
class Adapted:
    """An adapted verifier: how it scores, and the threshold and calibration that go with it."""

    rebuilt: Rebuilt
    frozen: Frozen


def only(part: Part, signers: NDArray[np.str_]) -> Part:
    """Return the signatures of some signers."""
    places = np.flatnonzero(np.isin(part.signatures.signer, signers))
    return Part(
        subset(part.signatures, places),
        part.canvases[places],
        part.embeddings[places],
        part.on_grid[places],
        part.head,
    )


def threshold_only(few: Part, config: RunConfig, before: Frozen) -> Adapted:
    """Choose threshold and calibration anew, on the few signers alone."""
    return Adapted(lambda part: part, freeze_on(trials_of(few, config, "development")))


def threshold_shrunk(few: Part, config: RunConfig, before: Frozen) -> Adapted:
    """Move threshold and calibration towards those of the few signers, the further the more there are.

    n signers have ``n / (n + PRIOR)`` of the word.
    """
    now = freeze_on(trials_of(few, config, "development"))
    n = int(np.unique(few.signatures.signer).size)
    share = n / (n + PRIOR)

    def between(old: float, new: float) -> float:
        return (1 - share) * old + share * new

    points = {
        name: dataclasses.replace(point, threshold=between(before.points[name].threshold, point.threshold))
        for name, point in now.points.items()
    }
    line: LogisticCalibrator = dataclasses.replace(
        now.calibrator,
        slope=between(before.calibrator.slope, now.calibrator.slope),
        intercept=between(before.calibrator.intercept, now.calibrator.intercept),
    )
    return Adapted(lambda part: part, Frozen(points, line, now.trials))


def plain_vectors(part: Part) -> Vectors:
    """Return embeddings as points of a plain vector space; a network that compares elastically says how."""
    return part.head.features(part.embeddings) if isinstance(part.head, ElasticHead) else part.embeddings


def logistic_head(few: Part, config: RunConfig, before: Frozen) -> Adapted:
    """Fit a logistic pair head on the few signers' plain vectors; the network's own comparison is given up.

    `train --head logistic` fits on the embeddings themselves; only an elastic network's differ from its plain vectors.
    """

    def fitted(some: Part) -> Rebuilt:
        about: dict[str, Any] = {"data": "a few signers", "contains_real_signatures": False, "seed": config.world.seed}
        head = fit_logistic_head(plain_vectors(some), some.signatures, **about)
        return lambda part: dataclasses.replace(part, embeddings=plain_vectors(part), head=head)

    return Adapted(fitted(few), freeze_on(cross_fitted(few, config, fitted)))


@dataclasses.dataclass(frozen=True, eq=False)
class DiagonalHead:
    """A line through a network's own score and a distance in which steady components weigh more; log-odds.

    Attributes:
        own: The network's pair head, or None for the cosine.
        points: Makes plain vectors of embeddings.
        scale: Within-signer s.d. of each component of a plain vector, shape ``(d,)``.
        line: Weights of score and distance, then the intercept.
    """

    own: PairHead | None
    points: Callable[[Vectors], Vectors]
    scale: NDArray[np.float64]
    line: tuple[float, float, float]
    data: str = "a few signers"
    contains_real_signatures: bool = False

    def features(self, references: Vectors, questioned: Vectors) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return scores and distances, shape ``(n_references, n_questioned)`` each."""
        from sklearn.metrics.pairwise import euclidean_distances

        score = references @ questioned.T if self.own is None else self.own.scores(references, questioned)
        there, here = (self.points(vectors) / self.scale for vectors in (references, questioned))
        return score, euclidean_distances(there, here) / np.sqrt(len(self.scale))

    def scores(self, references: Vectors, questioned: Vectors) -> NDArray[np.float32]:
        """Return log-odds, shape ``(n_references, n_questioned)``, higher = more likely genuine."""
        score, distance = self.features(references, questioned)
        a, b, c = self.line
        return np.asarray(a * score + b * distance + c, dtype=np.float32)


def signers_with(part: Part, genuine: int) -> NDArray[np.str_]:
    """Return the signers with so many genuine signatures or more, sorted."""
    names, counts = np.unique(part.signatures.signer[part.signatures.kind == "genuine"], return_counts=True)
    return names[counts >= genuine]


def within_variance(part: Part) -> tuple[NDArray[np.float64], int]:
    """Return the variance of each component over a signer's genuine signatures, ``(d,)``, and of how many signers.

    It is the mean over signers with two or more; a single signature varies from nothing. Without any it is 0.
    """
    vectors, genuine = plain_vectors(part).astype(np.float64), part.signatures.kind == "genuine"
    names = signers_with(part, 2)
    rows = [vectors[genuine & (part.signatures.signer == name)].var(axis=0, ddof=1) for name in names]
    return (np.mean(rows, axis=0) if rows else np.zeros(vectors.shape[1])), len(rows)


def diagonal_head(known: Part) -> Callable[[Part, RunConfig, Frozen], Adapted]:
    """Return a way to adapt by a diagonal Mahalanobis distance beside the network's own score.

    Variances are those of the few signers and, as if from `PRIOR` signers more, those of the own world; the weights
    of score and distance come from a logistic regression on the few signers' pairs.

    Args:
        known: Development signers of the own world.

    Source:
        Friedman (1989), "Regularized discriminant analysis", Journal of the American Statistical Association 84, eq.
        16 to 18, for variances moved towards those of more data and towards one for all. Differs: shares are fixed.
    """
    old, _ = within_variance(known)

    def way(few: Part, config: RunConfig, before: Frozen) -> Adapted:
        def fitted(some: Part) -> Rebuilt:
            now, n = within_variance(some)
            variance = (PRIOR * old + n * now) / (PRIOR + n)
            scale = np.sqrt((variance + variance.mean()) / 2)  # half-way to one variance for all: few signers know few
            head = _line_fitted(some, scale, config.world.seed)
            return lambda part: dataclasses.replace(part, head=head)

        return Adapted(fitted(few), freeze_on(cross_fitted(few, config, fitted)))

    return way


def _line_fitted(some: Part, scale: NDArray[np.float64], seed: int) -> DiagonalHead:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    own = some.head
    points = own.features if isinstance(own, ElasticHead) else lambda vectors: vectors
    bare = DiagonalHead(own, points, scale, (1.0, 0.0, 0.0))
    pairs, kinds = pairs_of(some.signatures, seed=seed)
    score, distance = bare.features(some.embeddings, some.embeddings)
    rows = np.stack([score[tuple(pairs.T)], distance[tuple(pairs.T)]], axis=1)
    scaler = StandardScaler().fit(rows)
    weights = np.zeros(len(kinds))  # genuine pairs as much as all others, each kind of forgery as much as any
    present = [kind for kind in ("random", "simple", "skilled") if (kinds == kind).any()]
    for kind in ("genuine", *present):
        weights[kinds == kind] = len(kinds) / (kinds == kind).sum() / (2 if kind == "genuine" else 2 * len(present))
    model = LogisticRegression().fit(scaler.transform(rows), kinds == "genuine", sample_weight=weights)
    a, b = (model.coef_[0] / scaler.scale_).tolist()
    return dataclasses.replace(bare, line=(a, b, float(model.intercept_[0] - np.dot((a, b), scaler.mean_))))


def cross_fitted(few: Part, config: RunConfig, fitted: Callable[[Part], Rebuilt]) -> TrialTable:
    """Return the few signers' trials, scored by what was fitted on the others of them, up to `FOLDS` folds.

    A head scores the pairs it was fitted on too well, and a threshold would be too high. With a single signer there
    are no others, and it is.

    Args:
        few: Their signatures, embedded by the run.
        config: The run's.
        fitted: From signatures to what rebuilds others' embeddings and head.
    """
    names = np.unique(few.signatures.signer)
    if len(names) == 1:
        return trials_of(fitted(few)(few), config, "development")
    tables = []
    for fold in range(min(FOLDS, len(names))):
        out = names[fold::FOLDS]
        tables.append(trials_of(fitted(only(few, np.setdiff1d(names, out)))(only(few, out)), config, "development"))
    return joined(tables)
