"""Copies: images of one signing act, whoever is said to have signed, and which of them to leave out."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .audit_faults import Finding
from .audit_reading import Examined
from .baselines import pixel_features
from .quality import likeness_of_copies

COARSE_LIKENESS, COPY_LIKENESS = 0.91, 0.925  # two acts of one hand stay below 0.91 and 0.92, scans of one act hardly
_BLOCK = 1024


class Copies(NamedTuple):
    """Two images of one signing act: the later, the earlier, and how alike they are (1 for equal pixels)."""

    later: int
    earlier: int
    likeness: float


def find_copies(digests: Sequence[str], canvases: NDArray[np.uint8], where: Sequence[int]) -> list[Copies]:
    """Return pairs of images of one signing act: equal pixels, or another scan, scale or encoding of them.

    Near-copies are looked for among coarse canvases, whose correlation is a product of matrices, and confirmed on the
    full ones.

    Args:
        digests: Of the pixels of each image; empty for one that could not be read.
        canvases: Preprocessed images, shape ``(n, height, width)``.
        where: Which image each canvas is of.
    """
    first: dict[str, int] = {}
    found = []
    for i, digest in enumerate(digests):
        if digest and digest in first:
            found.append(Copies(i, first[digest], 1.0))
        elif digest:
            first[digest] = i
    again = {copies.later for copies in found}
    rows = [row for row, i in enumerate(where) if i not in again]
    if len(rows) < 2:
        return found
    coarse = pixel_features([1.0 - canvases[row] / np.float32(255) for row in rows])
    for start in range(0, len(rows), _BLOCK):
        alike = coarse[start : start + _BLOCK] @ coarse.T
        for a, b in np.argwhere(alike > COARSE_LIKENESS).tolist():
            if b < a + start:
                likeness = likeness_of_copies(canvases[rows[a + start]], canvases[rows[b]])
                if likeness > COPY_LIKENESS:
                    found.append(Copies(where[rows[a + start]], where[rows[b]], likeness))
    return found


def groups_of(copies: Sequence[Copies]) -> list[list[int]]:
    """Return images that are copies of one another, directly or over others, each group in order.

    Args:
        copies: From `find_copies`.
    """
    parent: dict[int, int] = {}

    def top(i: int) -> int:
        while parent.setdefault(i, i) != i:
            i = parent[i]
        return i

    for pair in copies:
        low, high = sorted((top(pair.later), top(pair.earlier)))
        parent[high] = low
    members: dict[int, list[int]] = {}
    for i in sorted(parent):
        members.setdefault(top(i), []).append(i)
    return list(members.values())


def copy_findings(
    copies: Sequence[Copies],
    groups: Sequence[Sequence[int]],
    examined: Examined,
    margins: Mapping[int, float],
    faulty: Collection[int],
) -> list[Finding]:
    """Return which of a group of copies to leave out: all but the first sound one, or the one that fits its label.

    A picture filed as genuine and as forged is wrong once, and nothing says where: both are left out.

    Args:
        copies: From `find_copies`.
        groups: From `groups_of`.
        examined: The data set.
        margins: By how much each genuine signature fits its own signer better than any other, at most 1.
        faulty: Signatures that are left out for something else.
    """
    signers, kinds = examined.signers, examined.kinds
    found = []
    for group in groups:
        labels = {(signers[i], kinds[i]) for i in group}
        if len({signer for signer, _ in labels}) < len(labels):
            told = " and ".join(sorted(f"{examined.names[i]}" for i in group))
            found += [Finding(i, "inconsistent label", f"genuine and forged at once: {told}", 2.0) for i in group]
            continue
        sound = [i for i in group if i not in faulty] or group
        keep = sound[0] if len(labels) == 1 else max(sound, key=lambda i: (margins.get(i, -1.0), -i))
        found += [_copy_of(keep, i, copies, examined) for i in group if i != keep]
    return found


def _copy_of(keep: int, i: int, copies: Sequence[Copies], examined: Examined) -> Finding:
    """Return the finding about signature i, a copy of one that is kept."""
    alike = max((pair.likeness for pair in copies if i in (pair.later, pair.earlier)), default=1.0)
    same = examined.pixels[i] == examined.pixels[keep]
    words = "pixel for pixel" if same else f"likeness {alike:.3f}"
    label, kept = ((examined.signers[k], examined.kinds[k]) for k in (i, keep))
    if label != kept:
        return Finding(i, "inconsistent label", f"{words} {examined.names[keep]}, which it fits", alike)
    return Finding(i, "duplicate" if same else "near-duplicate", f"{words} {examined.names[keep]}", alike)
