"""Faults of labels: signatures that fit another signer better, names of one hand, imbalance, hard signers."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .audit_faults import Finding

NEAREST = 3
OUTSIDE = 0.25  # a margin below minus this share of the usual one is an outlier
SAME_HAND = 0.9
FEW, MANY = 1 / 3, 3.0


class Fit(NamedTuple):
    """How well each genuine signature fits its signer, all by leaving it (and its copies) out.

    Attributes:
        own: Mean similarity to the nearest of its own signer, shape ``(n,)``; NaN if there is no other.
        best: The same to the best other signer.
        nearest: Name of that signer.
        names: The signers, sorted, shape ``(c,)``.
        table: Similarity to every signer, shape ``(n, c)``.
    """

    own: NDArray[np.float64]
    best: NDArray[np.float64]
    nearest: list[str]
    names: list[str]
    table: NDArray[np.float64]

    @property
    def margin(self) -> NDArray[np.float64]:
        """``own - best``: below 0 the signature fits another signer better."""
        return self.own - self.best

    def usual(self, judged: NDArray[np.bool_]) -> float:
        """Return the median margin of some rows; 0 if there is none, or no crowd of three signers to compare with."""
        margin = self.margin[np.isfinite(self.margin) & judged]
        return float(np.median(margin)) if len(margin) and len(self.names) >= 3 else 0.0


def fit_of(
    features: NDArray[np.float32],
    signers: Sequence[str],
    groups: Sequence[int],
    trusted: NDArray[np.bool_],
) -> Fit:
    """Return how well signatures fit their signers.

    Args:
        features: Unit vectors, shape ``(n, d)``.
        signers: Claimed signer of each.
        groups: A number for each; those of one number are copies and are not compared.
        trusted: Which may be compared with, bool ``(n,)``; all are judged.
    """
    names = sorted(set(signers))
    label, group = np.array(signers), np.array(groups)
    table = np.full((len(label), len(names)), np.nan)
    for column, name in enumerate(names):
        members = np.flatnonzero((label == name) & trusted)
        if not len(members):
            continue
        alike = (features @ features[members].T).astype(np.float64)
        alike[group[:, None] == group[members][None]] = -np.inf
        best = -np.sort(-alike, axis=1)[:, :NEAREST]
        there = np.isfinite(best)
        total = np.where(there, best, 0.0).sum(axis=1)
        table[:, column] = np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
    places = np.array([names.index(name) for name in signers], dtype=int)
    own = table[np.arange(len(label)), places]
    others = np.where(np.isnan(table), -np.inf, table)
    others[np.arange(len(label)), places] = -np.inf
    nearest = others.argmax(axis=1) if len(names) > 1 else np.zeros(len(label), dtype=int)
    best = others.max(axis=1) if len(label) else np.zeros(0)
    return Fit(own, np.where(np.isfinite(best), best, np.nan), [names[i] for i in nearest.tolist()], names, table)


def wrong_signers(fit: Fit, where: Sequence[int], judged: NDArray[np.bool_]) -> list[Finding]:
    """Return genuine signatures that are outliers among their signer's and fit another signer clearly better.

    Args:
        fit: From `fit_of`.
        where: Which image each row is.
        judged: Rows to judge; others have faults that would mislead.
    """
    margin, usual = fit.margin, fit.usual(judged)
    if usual <= 0:
        return []
    return [
        Finding(
            where[row],
            "wrong signer",
            f"likeness to its signer {fit.own[row]:.2f}, to {fit.nearest[row]} {fit.best[row]:.2f} "
            f"(usual lead in this set: +{usual:.2f})",
            float(-margin[row]),
        )
        for row in np.flatnonzero(np.isfinite(margin) & judged & (margin < -OUTSIDE * usual)).tolist()
    ]


def same_hands(fit: Fit, signers: Sequence[str], trusted: NDArray[np.bool_]) -> list[str]:
    """Return a line for each two names that look like one person's hand.

    Args:
        fit: From `fit_of`.
        signers: Claimed signer of each row.
        trusted: Rows without faults.
    """
    label = np.array(signers)
    lines = []
    medians = {}
    for name in fit.names:
        rows = (label == name) & trusted & np.isfinite(fit.own)
        if rows.sum() >= 2:
            medians[name] = (np.median(fit.table[rows], axis=0), rows)
    for a, name in enumerate(fit.names):
        for b in range(a + 1, len(fit.names)):
            other = fit.names[b]
            if name not in medians or other not in medians:
                continue
            across = min(medians[name][0][b], medians[other][0][a])
            within = max(medians[name][0][a], medians[other][0][b])
            if across > SAME_HAND * within:
                lines.append(f"{name} and {other} look like one hand: likeness {across:.2f}, own {within:.2f}")
    folded: dict[str, str] = {}
    for name in fit.names:
        key = re.sub(r"(?<!\d)0+(?=\d)|[\s_-]", "", name.casefold())
        if key in folded:
            lines.append(f"{folded[key]} and {name} differ only in case, spaces or leading zeros")
        folded.setdefault(key, name)
    return lines


def imbalance(signers: Sequence[str], kinds: Sequence[str]) -> list[str]:
    """Return a line for each signer with far fewer or more genuine signatures, or no forgeries where others have some.

    Args:
        signers: Claimed signer of each image.
        kinds: Its kind.
    """
    genuine = Counter(name for name, kind in zip(signers, kinds, strict=True) if kind == "genuine")
    forged = Counter(name for name, kind in zip(signers, kinds, strict=True) if kind != "genuine")
    names = sorted(set(signers))
    usual = float(np.median([genuine[name] for name in names])) if names else 0.0
    lines = []
    for name in names:
        n = genuine[name]
        if n < 2 or n < FEW * usual or n > MANY * usual:
            lines.append(f"{name}: {n} genuine signatures (usual: {usual:g})")
        if forged and not forged[name] and len(forged) >= 0.5 * len(names):
            lines.append(f"{name}: no forgeries, while {len(forged)} of {len(names)} signers have some")
    return lines


class SignerRank(NamedTuple):
    """A signer's validation error: share of genuine signatures that fit another better, and the usual lead."""

    signer: str
    genuine: int
    errors: int
    margin: float
    taken_for: str

    @property
    def error(self) -> float:
        """Share of the signatures judged."""
        return self.errors / self.genuine


def rank_signers(fit: Fit, signers: Sequence[str], judged: NDArray[np.bool_]) -> list[SignerRank]:
    """Return the signers, worst first: by the error of telling their signatures from others', then by the lead.

    Each signature is judged by the others (leave one out, three nearest of each signer).

    Args:
        fit: From `fit_of`.
        signers: Claimed signer of each row.
        judged: Rows that are kept.
    """
    label, margin = np.array(signers), fit.margin
    ranks = []
    for name in fit.names:
        rows = np.flatnonzero((label == name) & judged & np.isfinite(margin))
        if len(rows):
            wrong = rows[margin[rows] < 0]
            others = Counter(fit.nearest[row] for row in wrong.tolist())
            taken = ", ".join(f"{other} ({n})" for other, n in others.most_common(3))
            ranks.append(SignerRank(name, len(rows), len(wrong), float(np.median(margin[rows])), taken))
    return sorted(ranks, key=lambda rank: (-rank.error, rank.margin))
