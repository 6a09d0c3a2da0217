"""Known traps of circulating data sets, noticed while a set is read and told in one line each.

Nothing is repaired here: paper and scale are taken out by preprocessing, copies are left out by the loader, and a
user who is told can decide about the rest. Shortcut probes of an evaluation look deeper.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.metrics import auc

CLEAR_AUC = 0.8
_LEAST = 8
_SUFFIXES = {
    "PNG": {".png"},
    "JPEG": {".jpg", ".jpeg", ".jpe"},
    "TIFF": {".tif", ".tiff"},
    "BMP": {".bmp", ".dib"},
}
_MAGIC = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"BM": "BMP",
}


def paper_level(image: NDArray[np.uint8]) -> float:
    """Return the level of the paper: the median of all pixels, most of which are paper.

    Args:
        image: Grey pixels, shape ``(height, width)``.
    """
    return float(np.median(image[:: max(1, image.shape[0] // 256), :: max(1, image.shape[1] // 256)]))


def tint_note(levels: Sequence[float], kinds: Sequence[str]) -> str:
    """Return a line if the paper alone tells forgeries from genuine signatures, else an empty string.

    Args:
        levels: `paper_level` of each image.
        kinds: Its kind.
    """
    forged = np.array([kind != "genuine" for kind in kinds], dtype=bool)
    if min(int(forged.sum()), int((~forged).sum())) < _LEAST:
        return ""
    values = np.asarray(levels, dtype=np.float64)
    area = auc(values[forged], values[~forged])
    if abs(area - 0.5) < CLEAR_AUC - 0.5:
        return ""
    lighter = "lighter" if area > 0.5 else "darker"
    return (
        f"the paper gives the label away: that of forgeries is {lighter} (median {np.median(values[forged]):.0f} "
        f"against {np.median(values[~forged]):.0f}; AUC {area:.2f} from it alone); preprocessing takes the paper out; "
        "other programs' figures on this copy may rest on it"
    )


def wrong_suffix(path: Path) -> str:
    """Return what a file really is if its name ends otherwise, such as "JPEG named .png", else an empty string.

    Args:
        path: A file that was decoded.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return ""
    really = next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)
    suffix = path.suffix.lower()
    return "" if really is None or suffix in _SUFFIXES[really] else f"{really} named {suffix or 'without an ending'}"


def suffix_note(found: Sequence[str]) -> str:
    """Return a line about files with wrong endings, or an empty string.

    Args:
        found: What `wrong_suffix` returned for each file.
    """
    counts = Counter(words for words in found if words)
    told = ", ".join(f"{n} {words}" for words, n in counts.most_common(4))
    return f"wrong endings, read by their content: {told}" if told else ""


def copied_parts(kept: Sequence[str], duplicates: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each top folder of which next to nothing is new, such as a test part copied from training.

    Args:
        kept: Names of the images that were kept, with forward slashes.
        duplicates: Names left out, each with the name that it repeats.
    """

    def top(name: str) -> str:
        return name.split("/", 1)[0] if name.count("/") > 1 else ""

    own = Counter(top(name) for name in kept)
    again = Counter((top(name), top(first)) for name, first in duplicates)
    notes = []
    for (part, source), n in sorted(again.items()):
        if part and source and part != source and n >= _LEAST and n >= 0.9 * (n + own[part]):
            notes.append(
                f"{part}/ is a copy of {source}/: {n} of its {n + own[part]} images are there already; it is no test "
                "part, and is left out"
            )
    return notes


def duplicates_note(count: int, total: int) -> str:
    """Return a line if many images repeat others, or an empty string."""
    if count < _LEAST or count < 0.02 * total:
        return ""
    return f"{count} of {total} images are pixel for pixel copies of another; one of each is kept"
