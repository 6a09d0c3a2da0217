"""What files of a data set tell before anybody looks at the writing: name, bytes, size, format, resolution."""

import contextlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .probe_findings import Z_MANY, Finding, area_over_signers, nuisance_finding

SHAPE_TOLERANCE = 0.15
"""A tight crop is as large as the signature, which is handwriting; more than this is how the files were made."""
_SHAPES = ("height", "width", "bytes per pixel")


def file_facts(path: Path) -> dict[str, Any]:
    """Return what the header of an image file says; the pixels are not decoded.

    Args:
        path: A file that `images.read_image` accepted.

    Raises:
        OSError: If it cannot be read.
    """
    with Image.open(path, formats=("PNG", "JPEG", "TIFF", "BMP")) as image:
        wide, high = image.size
        dpi = image.info.get("dpi")
        return {
            "height": float(high),
            "width": float(wide),
            "bytes per pixel": path.stat().st_size / max(wide * high, 1),
            "format": str(image.format),
            "pixel mode": image.mode,
            "resolution tag": "none" if not dpi else str(round(float(dpi[0]))),
        }


def masked_name(name: str) -> str:
    """Return a file's own name with every digit as #, so that only its pattern is left.

    Example:
        >>> masked_name("4/genuine/forgeries_12_7.png")
        'forgeries_##_#.png'
    """
    return "".join("#" if letter.isdigit() else letter for letter in name.rsplit("/", 1)[-1])


def share_elsewhere(values: Sequence[str], forged: NDArray[np.bool_], signers: NDArray[Any]) -> NDArray[np.float64]:
    """Return for each file the share of forgeries, 0 to 1, among other signers' files of the same value.

    A value that no other signer has gets the share of the whole set, as if one more file stood there.

    Args:
        values: One fact of each file, as text, n of them.
        forged: Shape ``(n,)``.
        signers: Claimed signer of each, shape ``(n,)``.

    Returns:
        Shape ``(n,)``.
    """
    counts: Counter[tuple[str, bool]] = Counter(zip(values, forged.tolist(), strict=True))
    own: Counter[tuple[str, str, bool]] = Counter(zip(values, signers.tolist(), forged.tolist(), strict=True))
    found, usual = [], float(forged.mean())
    for value, signer in zip(values, signers.tolist(), strict=True):
        bad, good = (counts[value, label] - own[value, signer, label] for label in (True, False))
        found.append((bad + usual) / (bad + good + 1.0))
    return np.array(found)


def file_findings(
    root: Path, names: Sequence[str], kinds: NDArray[np.str_], signers: NDArray[np.str_], *, most: int = 3000
) -> list[Finding]:
    """Return what files' names and facts tell of their labels.

    Args:
        root: The data folder.
        names: Paths inside it; whatever is no file is left out.
        kinds: "genuine", "simple" or "skilled".
        signers: Claimed signers.
        most: Files looked at, spread over the list.
    """
    step = -(-len(names) // most)
    rows = []
    for i in range(0, len(names), max(step, 1)):
        path = root / names[i]
        if kinds[i] in ("genuine", "skilled") and path.is_file():
            with contextlib.suppress(UnidentifiedImageError):  # a pen movement has no such facts
                rows.append((i, file_facts(path)))
    places = np.array([i for i, _ in rows], dtype=np.intp)
    forged = kinds[places] == "skilled"
    if len(rows) < 10 or not forged.any() or forged.all():
        words = "needs image files of genuine and skilled signatures"
        return [Finding("file facts", "the files", None, None, None, "", "not run", words)]
    found = []
    for name in rows[0][1]:
        values = [facts[name] for _, facts in rows]
        wide = name in _SHAPES
        column = np.array(values) if wide else share_elsewhere(values, forged, signers[places])
        area, error = area_over_signers(forged, column, signers[places])
        if not wide and len(set(values)) == 1:
            area, error = 0.5, 0.0
        tolerance = SHAPE_TOLERANCE if wide else 0.03
        found.append(nuisance_finding("file facts", f"{name} of the file", area, error, tolerance=tolerance))
    return [*found, _name_finding([names[i] for i in places], forged, signers[places])]


def _name_finding(names: Sequence[str], forged: NDArray[np.bool_], signers: NDArray[np.str_]) -> Finding:
    """Return what the names tell; they may, as long as only the adapter reads them, and so it is a note."""
    patterns = [masked_name(name) for name in names]
    area, error = (0.5, 0.0) if len(set(patterns)) == 1 else area_over_signers(
        forged, share_elsewhere(patterns, forged, signers), signers
    )  # fmt: skip
    told = area - Z_MANY * error > 0.6
    words = "file names tell the label; only the adapter reads them, and no network may" if told else ""
    status = "note" if told else "ok"
    return Finding(
        "label in file name", "pattern of the name", area, max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0),
        "never read by a network", status, words,
    )  # fmt: skip
