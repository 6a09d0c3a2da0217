"""The verifier of pen trajectories: the same references, scores, fusion, calibration and words, without images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .decisions import Enrolment
from .trajectories import act_features, features
from .verifier import Verifier


class OnlineVerifier(Verifier):
    """A network on trajectories with what was frozen on development signers.

    Where `Verifier` takes images, this takes trajectories of shape ``(n, 4)``: x mm, y mm, t s, pressure. The canvas
    sizes are kept for the baselines on images that an evaluation shows beside it.
    """

    @property
    def samples(self) -> int:
        """Rows of features that the network takes."""
        return int(self.model.input_shape[1])

    def prepare(self, images: Any) -> NDArray[Any]:
        """Return the features of trajectories, shape ``(n, samples, n_features)``.

        Raises:
            ValueError: If there is no trajectory, or one cannot be used.
        """
        if len(images) == 0:
            raise ValueError("no trajectory was given; at least one is needed")
        return np.stack([features(trajectory, samples=self.samples) for trajectory in images])

    def embed_canvases(self, canvases: NDArray[Any], *, batch: int = 96) -> NDArray[np.float32]:
        """Return embeddings of prepared features, shape ``(n, d)``."""
        return self._embed(canvases, np.asarray, batch)

    def movements(self, acts: Sequence[Any]) -> NDArray[np.float32]:
        """Return the features of the trajectories of drawn signatures, shape ``(n, samples, n_features)``."""
        return act_features(acts, samples=self.samples)

    def embed_acts(self, acts: Sequence[Any], canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return embeddings of drawn signatures, of which this verifier looks at the trajectories."""
        return self.embed_canvases(self.movements(acts))

    def _copy(self, prepared: NDArray[Any], copy: int, seed: int) -> NDArray[Any]:
        if copy:
            raise ValueError("perturbations are for images; this verifier takes trajectories, so leave them out")
        return prepared

    def _refuse(self, images: Any, what: str) -> None:
        """Leave it to `prepare`, which refuses what is no trajectory."""

    def _copies(self, enrolled: Enrolment, prepared: NDArray[Any]) -> tuple[str, ...]:
        same = [i for i, reference in enumerate(enrolled.prepared) if np.array_equal(reference, prepared)]
        return tuple(f"identical copy of reference {i}: nobody signs twice alike" for i in same)
