"""What is wrong in a data set, and a refined manifest of what is left; nothing in the data folder is ever changed.

A folder is read by `audit_reading.py` and judged by `audit_judging.py`, which asks `audit_facts.py` for measures of
single images, `audit_faults.py` for their faults, `audit_copies.py` for copies, `audit_labels.py` for faults of labels
and `audit_leaks.py` for what gives labels away. The page is in `audit_page.py`, what refinement changes in
`audit_retrain.py`, files in `audit_files.py`.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters import load_provenance, open_layout
from .audit_judging import FAULTS, Audit, Embed, judge
from .audit_reading import examine
from .baselines import hog_features
from .progress import Progress

__all__ = ["FAULTS", "Audit", "Embed", "audit", "embedder_of"]


def audit(
    directory: str | Path,
    *,
    adapter: str = "folders",
    embed: Embed | None = None,
    embedding: str = "HOG",
    drop_signers: int = 0,
    progress: Progress | None = None,
) -> Audit:
    """Return what is wrong in a data folder; nothing is written.

    Args:
        directory: The folder; it holds a `provenance.toml`.
        adapter: How it is laid out.
        embed: Canvases to unit vectors, ``(n, height, width)`` to ``(n, d)``; HOG if left out.
        embedding: What that is, in words.
        drop_signers: How many of the hardest signers to leave out, at most; one without an error stays.
        progress: Where to say what happens.

    Raises:
        ProvenanceError: If the folder does not say where it comes from, or its record has expired.
        AdapterError: If it is not in this layout, or holds pen movements.
        ValueError: If it holds no signature, or `drop_signers` is negative.
    """
    if drop_signers < 0:
        raise ValueError(f"cannot leave {drop_signers} signers out; use 0 or more")
    progress = progress or Progress(quiet=True)
    provenance = load_provenance(directory)
    examined = examine(open_layout(adapter, directory), provenance, progress)
    if not examined.records:
        raise ValueError(f"{directory} holds no signature in layout {adapter!r}")
    with progress.task(f"comparing {len(examined.where)} signatures", None):
        return judge(examined, embed or _hog, embedding, drop_signers)


def _hog(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
    return hog_features(1.0 - canvases / np.float32(255)) if len(canvases) else np.zeros((0, 1), np.float32)


def embedder_of(run: str | Path) -> tuple[Embed, str]:
    """Return a finished run's network as features of canvases, and its name in words.

    Args:
        run: The run's folder; its network takes images.

    Raises:
        ValueError: If the run's network takes pen movements.
        RunError: If the run is unfinished.
    """
    from .runs import load_verifier
    from .trained import takes_images

    verifier = load_verifier(run)
    if not takes_images(verifier.model):
        raise ValueError(f"the network of {run} takes pen movements; use a run on images")

    def embed(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (verifier.width, verifier.height)
        fitted = [cv2.resize(canvas, size, interpolation=cv2.INTER_AREA) for canvas in canvases]
        return verifier.embed_canvases(np.stack(fitted)) if fitted else np.zeros((0, 1), np.float32)

    return embed, f"the network of {Path(run).name}"
