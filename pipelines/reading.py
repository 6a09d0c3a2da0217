"""From a user's folder to what an evaluation needs: canvases, embeddings, and an account of what was left out.

Images and pen movements come out alike: of a movement, the canvas shows its ink, drawn plainly.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters import Adapter, LoadedSet, Provenance, load_signatures, open_layout
from .marks import Mark
from .preprocess import preprocess
from .runs import RunError

_PX_PER_MM = 8.0
_LINE_PX = 4
_LONGEST_PX = 1200.0


@dataclass(frozen=True, eq=False)
class ReadFolder:
    """The signatures of a folder that take part, and the whole account.

    Attributes:
        loaded: Everything that was read, also of signers who do not take part.
        usable: Which of it takes part, bool ``(n,)``.
        canvases: What takes part, uint8 ``(m, height, width)``.
        embeddings: By the run's network, float32 ``(m, d)``.
        known: Signers left out because the network has learnt from them.
    """

    loaded: LoadedSet
    usable: NDArray[np.bool_]
    canvases: NDArray[np.uint8]
    embeddings: NDArray[np.float32]
    known: tuple[str, ...]

    @property
    def left_out(self) -> list[str]:
        """One line for everything that was left out, and why."""
        lines = [f"{s.name}: {s.reason}" for s in self.loaded.skipped]
        lines += [f"{d.name}: identical to {d.kept}" for d in self.loaded.duplicates]
        lines += [f"{u.name}: {u.reason}" for u in self.loaded.unexpected]
        lines += [f"signer {name}: fewer than two genuine signatures" for name in self.loaded.too_few]
        return lines + [f"signer {name}: the network has learnt from this signer" for name in self.known]


def read_folder(data: str | Path, adapter: str, provenance: Provenance, verifier: Any, mark: Mark | None) -> ReadFolder:
    """Read and embed a folder for an evaluation; signers that the network has learnt from take no part.

    Args:
        data: The folder.
        adapter: How it is laid out.
        provenance: Its record.
        verifier: The run's.
        mark: What the run has learnt from, if it says so.

    Raises:
        AdapterError: If the folder is in another layout.
        RunError: If nothing can be scored, or the network takes pen movements and the folder holds images.
    """
    opened = open_layout(adapter, data)
    if verifier.head is not None and verifier.head.data == f"provenance {provenance.digest}" and mark is None:
        raise RunError(f"the head of this run was fitted on {data}; evaluate it on signatures it has not seen")
    online = len(verifier.model.input_shape) == 3
    if online and opened.takes == "image":
        raise RunError(
            f"the network takes pen movements and {adapter!r} reads images; use a run on images, or an adapter of pen "
            "movements such as svc2004"
        )
    loaded = _load(opened, provenance, verifier, online)
    known = tuple(
        name
        for name in dict.fromkeys(loaded.signers.tolist())
        if mark is not None and mark.learnt_from(provenance.digest, name)
    )
    usable = loaded.eligible & ~np.isin(loaded.signers, np.array(known, dtype=np.str_))
    if not usable.any():
        if known:
            raise RunError(
                f"the network has learnt from every signer of {data}; evaluate it on signers it has not seen"
            )
        reasons = [*loaded.warnings, *(f"{s.name}: {s.reason}" for s in loaded.skipped)]
        reasons += [f"{u.name}: {u.reason}" for u in loaded.unexpected]
        told = "; ".join(reasons[:3]) or "it is empty"
        raise RunError(f"{data} holds no signer with two readable genuine signatures ({told})")
    chosen = [image for image, keep in zip(loaded.images, usable, strict=True) if keep]
    if not online:
        canvases = np.stack(chosen)
        return ReadFolder(loaded, usable, canvases, verifier.embed_canvases(canvases), known)
    size = {"height": verifier.height, "width": verifier.width}
    canvases = np.stack([preprocess(draw_plainly(movement), **size) for movement in chosen])
    return ReadFolder(loaded, usable, canvases, verifier.embed(chosen), known)


def _load(opened: Adapter, provenance: Provenance, verifier: Any, online: bool) -> LoadedSet:
    """Load a set, each image brought to the verifier's canvas as soon as it is read."""
    if online:
        return load_signatures(opened, provenance, prepare=_checked)
    if opened.takes == "image":
        return load_signatures(opened, provenance, prepare=lambda image: verifier.prepare([image])[0])
    return load_signatures(opened, provenance, prepare=lambda rows: verifier.prepare([draw_plainly(rows)])[0])


def _checked(movement: NDArray[Any]) -> NDArray[Any]:
    """Return a movement that a network can take; raise ValueError if it cannot."""
    from .trajectories import features

    features(movement)
    return movement


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
