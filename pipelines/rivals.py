"""The baselines of an evaluation as parts of their own: the same signatures, seen by what has learnt nothing.

A part of them goes through every protocol that the verifier's goes through, so that both are judged on equal trials.
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .baselines import dtw_scores, hog_features, pixel_features
from .preprocess import to_ink
from .trajectories import FEATURES

if TYPE_CHECKING:
    from .evaluation_parts import Part

IMAGES = {"raw pixels": pixel_features, "HOG": hog_features}
MOVEMENTS = "DTW"
SEVERAL = ("HOG", MOVEMENTS)
"""Those that are also given several references; raw pixels only show how hard one is."""


class TimeWarping:
    """A pair head that scores pen movements by dynamic time warping; it has nothing to fit."""

    data = "nothing"
    contains_real_signatures = False

    def scores(self, references: NDArray[np.float32], questioned: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return minus the distances, shape ``(n_references, n_questioned)``, higher = more likely genuine.

        Args:
            references: What `trajectories.features` returns, padding and all, laid out flat: ``(n, samples * 7)``.
            questioned: The same.
        """
        known, asked = (list(rows.reshape(len(rows), -1, len(FEATURES))) for rows in (references, questioned))
        return dtw_scores(known, asked)


def rivals_of(part: "Part") -> dict[str, "Part"]:
    """Return the baselines of a part by name: those on its canvases, and on its movements if it has any."""
    names = [*IMAGES, *([] if part.movements is None else [MOVEMENTS])]
    return {name: rival_of(part, name) for name in names}


def rival_of(part: "Part", name: str) -> "Part":
    """Return one baseline of a part.

    Args:
        part: Its embeddings and head are replaced; signatures on the grid of skills get features of zeros.
        name: One of `IMAGES`, or `MOVEMENTS` for a part that has some.
    """
    if name == MOVEMENTS:
        assert part.movements is not None
        movements = part.movements[part.headline]
        features, head = movements.reshape(len(movements), -1), TimeWarping()
    else:
        features, head = IMAGES[name](to_ink(part.canvases[part.headline])[..., 0]), None
    vectors = np.zeros((len(part.canvases), features.shape[1]), dtype=np.float32)
    vectors[part.headline] = features
    return dataclasses.replace(part, embeddings=vectors, head=head)
