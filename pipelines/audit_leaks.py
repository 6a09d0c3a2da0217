"""Leaks: facts about paper, size and file that give a label away before anybody looks at the writing."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .audit_facts import Facts
from .metrics import auc

LEAK_AUC, LEAK_LEAST = 0.8, 8
LEAK_SHARE = 0.8


class Leak(NamedTuple):
    """A fact that gives a label away: which fact, what it tells (``kind`` or ``signer``), how well, in words."""

    fact: str
    tells: str
    strength: float
    words: str


def find_leaks(
    facts: Sequence[Facts], files: Sequence[dict[str, float | str]], signers: Sequence[str], kinds: Sequence[str]
) -> list[Leak]:
    """Return the facts about paper, size and file that tell forged from genuine, or one signer from another.

    Args:
        facts: Measures of each readable image.
        files: Facts about each file: numbers or words.
        signers: Claimed signer of each.
        kinds: Kind of each.
    """
    numbers: dict[str, list[float]] = {
        "paper level": [f.paper for f in facts],
        "paper noise": [f.paper_sd for f in facts],
        "image height": [float(f.height) for f in facts],
        "image width": [float(f.width) for f in facts],
    }
    words: dict[str, list[str]] = {}
    for name in sorted({name for row in files for name in row}):
        column = [row.get(name, "") for row in files]
        if all(isinstance(value, float) for value in column):
            numbers[name] = [float(value) for value in column]
        else:
            words[name] = [str(value) for value in column]
    forged = np.array([kind != "genuine" for kind in kinds])
    found = []
    if min(int(forged.sum()), int((~forged).sum())) >= LEAK_LEAST:
        found += [leak for name, values in numbers.items() if (leak := _tells_kind(name, np.array(values), forged))]
        found += [leak for name, texts in words.items() if (leak := _word_tells_kind(name, texts, forged))]
    label = np.array(signers)
    papers = ("paper level", "paper noise")  # the size of a signature is its signer's own, and no leak
    found += [leak for name in papers if (leak := _tells_signer(name, np.array(numbers[name]), label))]
    return sorted(found, key=lambda leak: -leak.strength)


def _tells_kind(name: str, values: NDArray[np.float64], forged: NDArray[np.bool_]) -> Leak | None:
    area = float(auc(values[forged], values[~forged]))
    strength = max(area, 1.0 - area)
    if strength < LEAK_AUC:
        return None
    middle = (float(np.median(values[forged])), float(np.median(values[~forged])))
    return Leak(
        name, "kind", strength, f"median {middle[0]:.4g} of forged, {middle[1]:.4g} of genuine; AUC {strength:.2f}"
    )


def _word_tells_kind(name: str, texts: list[str], forged: NDArray[np.bool_]) -> Leak | None:
    word = np.array(texts)
    best = ("", 0.0)
    for value in sorted(set(texts)):
        has = word == value
        right = 0.5 * (float(has[forged].mean()) + float((~has)[~forged].mean()))
        if max(right, 1.0 - right) > best[1]:
            best = (value, max(right, 1.0 - right))
    if best[1] < LEAK_AUC:
        return None
    return Leak(name, "kind", best[1], f"{best[0]!r} alone tells forged from genuine in {best[1]:.0%} of cases")


def _tells_signer(name: str, values: NDArray[np.float64], signers: NDArray[np.str_]) -> Leak | None:
    """Return a leak if signers explain most of the variance of a fact of the paper, corrected for chance."""
    names, place, counts = np.unique(signers, return_inverse=True, return_counts=True)
    n, c, whole = len(values), len(names), float(values.var()) * len(values)
    if c < 3 or n < 3 * c or whole <= 0:
        return None
    means = np.bincount(place, weights=values) / counts
    between = float((counts * (means - values.mean()) ** 2).sum())
    share = 1.0 - (whole - between) / (n - c) * (n - 1) / whole
    if share < LEAK_SHARE:
        return None
    return Leak(name, "signer", share, f"who signed explains {share:.0%} of its variance")
