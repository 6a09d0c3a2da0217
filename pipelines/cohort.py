"""A student's cohort for lessons about evaluation: signers of a seed of one's own, scored without a network.

Gradient histograms (HOG) stand in for a verifier: they need no training, make errors enough to look at, and every
student's differ.
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import World
from synth.acts import Act

from .baselines import hog_features
from .drawing import draw_in_chunks
from .preprocess import to_ink
from .protocols import Part, SignatureSet, TrialTable, cosine_scores, one_reference_trials
from .sampling import evaluation_acts
from .settings import EvaluationSettings

HEIGHT, WIDTH = 64, 128
FIRST = {"development": 10_000, "test": 20_000}
"""Number of the first signer of a part; the parts are far apart, so that nobody is in both."""


class Signatures(NamedTuple):
    """Drawn signatures of a part of a cohort.

    Attributes:
        acts: Who did what.
        table: What the protocols need to know, parallel to the acts.
        canvases: uint8, shape ``(n, HEIGHT, WIDTH)``.
        features: Gradient histograms, shape ``(n, d)``, each of length 1.
    """

    acts: list[Act]
    table: SignatureSet
    canvases: NDArray[np.uint8]
    features: NDArray[np.float32]


@functools.cache
def cohort(student: int, part: Part, *, signers: int = 40, genuine: int = 4, forgeries: int = 4) -> Signatures:
    """Return the signatures of one part of a student's world, drawn once a session.

    Args:
        student: Seed of the world, 0 or above.
        part: "development" or "test"; nobody, forgers included, is in both.
        signers: How many, 4 or more.
        genuine: Signatures of each, one a session.
        forgeries: Freehand forgeries of each, by three others of the same part.

    Raises:
        ValueError: If there are fewer than 4 signers, or a number is out of range.
    """
    if signers < 4:
        raise ValueError(f"{signers} signers are too few to forge each other; use 4 or more")
    numbers = range(FIRST[part], FIRST[part] + signers)
    wanted = EvaluationSettings(genuine=genuine, forgeries=forgeries, skills=())
    drawn = evaluation_acts(World(student), numbers, wanted)
    canvases = draw_in_chunks(drawn.acts, height=HEIGHT, width=WIDTH)
    return Signatures(drawn.acts, drawn.signatures, canvases, hog_features(to_ink(canvases)[..., 0]))


def cohort_trials(student: int, part: Part, *, signers: int = 40, n_random: int = 10) -> TrialTable:
    """Return the one-reference trials of one part of a student's world, scored by the cosine of their HOG features.

    Args:
        student: As for `cohort`.
        part: The same.
        signers: The same.
        n_random: Impostors for each signer.
    """
    found = cohort(student, part, signers=signers)
    return one_reference_trials(found.table, cosine_scores(found.features), part=part, n_random=n_random, seed=student)
