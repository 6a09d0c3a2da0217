"""Between a loaded folder and a network: pen movements drawn as ink, embeddings of either, signers that are known.

What the canvas of a movement shows is its ink, drawn plainly, so that images and movements are evaluated alike.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters import LoadedSet
from .lineage import Mark
from .runs import RunError

_PX_PER_MM = 8.0
_LINE_PX = 4
_LONGEST_PX = 1200.0


def known_signers(loaded: LoadedSet, mark: Mark | None, head: Any = None) -> list[str]:
    """Return the signers of a set that a run has learnt from: it is not judged on them.

    Args:
        loaded: The set.
        mark: What the run says it has learnt from, or None if it says nothing.
        head: The run's pair head; one fitted before marks named their signers is taken to know them all.
    """
    names, digest = list(dict.fromkeys(loaded.signers.tolist())), loaded.provenance.digest
    sources = [source for source in (mark.sources if mark is not None else ()) if source.digest == digest]
    if any(not source.signers for source in sources):
        return names  # it learnt from this set and does not say from whom
    if not sources and getattr(head, "data", "") == f"provenance {digest}":
        return names
    return [name for name in names if mark is not None and mark.learnt_from(digest, name)]


def embed_read(
    verifier: Any, loaded: LoadedSet, usable: NDArray[np.bool_], canvases: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return embeddings of the usable signatures of a set, whichever form the network takes.

    Args:
        verifier: The run's.
        loaded: The set.
        usable: Which of it, bool ``(n,)``.
        canvases: The usable ones, preprocessed.

    Raises:
        RunError: If the network takes pen movements and the set holds images.
    """
    if len(verifier.model.input_shape) == 4:
        return np.asarray(verifier.embed_canvases(canvases))
    if not loaded.movements:
        raise RunError(
            f"the network takes pen movements and {loaded.adapter!r} reads images; use a run on images, or an adapter "
            "of pen movements such as svc2004"
        )
    return np.asarray(verifier.embed([m for m, keep in zip(loaded.movements, usable, strict=True) if keep]))


def draw_plainly(movement: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the ink of a pen movement as a plain line of one width: what a network on images is shown of it.

    Pressure only says where the pen was down. Nothing is fitted: the recorded points are joined.

    Args:
        movement: x mm, y mm (up), t s, pressure, shape ``(n, 4)``.

    Returns:
        uint8, shape ``(height, width)``, 0 ink on 255 paper.

    Raises:
        ValueError: If the pen never touched the paper.
    """
    down = movement[:, 3] > 0
    # a pen-down of SVC2004 opens with a row of button 0, which read_svc_text gives pressure 0; it is no ink
    if not down.any():
        raise ValueError("the pen never touched the paper")
    points = movement[:, :2] * (1.0, -1.0)
    low, high = points[down].min(axis=0), points[down].max(axis=0)
    scale = min(_PX_PER_MM, _LONGEST_PX / max(float((high - low).max()), 1e-6))
    pixels = (points - low) * scale + 4 * _LINE_PX
    wide, tall = ((high - low) * scale + 8 * _LINE_PX).astype(int) + 1
    page = np.full((tall, wide), 255, dtype=np.uint8)
    for first, last in zip(*_runs(down), strict=True):
        line = np.rint(pixels[first:last] * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(page, [line], False, 0, _LINE_PX, cv2.LINE_AA, shift=4)
    return page


def _runs(down: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each stretch of True begins and ends."""
    steps = np.diff(np.concatenate([[0], down.astype(np.int8), [0]]))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
