"""From a data set that has been read to what is wrong in it: each fault in its turn, and who is left out for which.

The order matters. Bad images go first, so that no label is judged by them; copies next, so that a signature does not
vouch for its own copy; labels last, first those of single signatures, then whole signers.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .audit_copies import copy_findings, find_copies, groups_of
from .audit_faults import Finding, image_faults
from .audit_labels import (
    OUTSIDE,
    Fit,
    SignerRank,
    fit_of,
    imbalance,
    rank_signers,
    same_hands,
    wrong_signers,
)
from .audit_leaks import Leak, find_leaks
from .audit_reading import Examined

FAULTS = (
    "unreadable",
    "blank",
    "inverted",
    "cropped",
    "blurred",
    "low resolution",
    "duplicate",
    "near-duplicate",
    "inconsistent label",
    "wrong signer",
    "hard signer",
)
"""In the order of the page; an image left out is counted under its first."""
_TOO_FEW = 2
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(eq=False)
class Audit:
    """What an audit found.

    Attributes:
        examined: The data set.
        findings: Every fault of every image, worst first within each fault.
        left_out: For each signature the finding it is left out for, or None if it is kept.
        groups: Copies of one another, as lists of signatures.
        features: Unit vectors of the canvases, shape ``(m, d)``.
        embedding: What the features are, in words.
        leaks: Facts that give labels away.
        classes: Lines about classes: names of one hand, classes at odds with themselves, imbalance.
        ranks: Signers, hardest first.
    """

    examined: Examined
    findings: list[Finding]
    left_out: list[Finding | None]
    groups: list[list[int]]
    features: NDArray[np.float32]
    embedding: str
    leaks: list[Leak]
    classes: list[str]
    ranks: list[SignerRank]

    @property
    def counts(self) -> dict[str, int]:
        """How many images are left out for each fault."""
        first = [finding.fault for finding in self.left_out if finding is not None]
        return {fault: first.count(fault) for fault in FAULTS if fault in first}


def judge(examined: Examined, embed: Embed, embedding: str, drop_signers: int) -> Audit:
    """Return the audit of a data set that has been read.

    Args:
        examined: The data set.
        embed: Canvases to unit vectors, ``(n, height, width)`` to ``(n, d)``.
        embedding: What that is, in words.
        drop_signers: How many of the hardest signers to leave out, at most.
    """
    signers, kinds = examined.signers, examined.kinds
    copies = find_copies(examined.pixels, examined.canvases, examined.where)
    groups = groups_of(copies)
    features = embed(examined.canvases)
    genuine = _Genuine.of(examined, features, groups)

    findings = image_faults(examined.facts, examined.unreadable, signers, kinds)
    sound = genuine.free_of(findings)
    fit = genuine.fit(sound)
    findings = _no_strangers(findings, fit, genuine.places, sound)
    margins = dict(zip(genuine.places, np.nan_to_num(fit.margin, nan=-1.0).tolist(), strict=True))
    findings += copy_findings(copies, groups, examined, margins, _places(findings))
    wrong = wrong_signers(fit, genuine.places, genuine.free_of(findings))
    findings += wrong

    kept = genuine.free_of(findings)
    fit = genuine.fit(kept)
    ranks = rank_signers(fit, genuine.signers, kept)
    findings += _hard_signers(ranks[:drop_signers], signers, _places(findings))
    findings.sort(key=lambda finding: (FAULTS.index(finding.fault), -finding.severity, finding.place))
    classes = [
        *_torn(wrong, genuine),
        *same_hands(fit, genuine.signers, kept),
        *imbalance(signers, kinds),
    ]
    left_out = _first_of_each(findings, len(signers))
    return Audit(examined, findings, left_out, groups, features, embedding, _leaks(examined), classes, ranks)


@dataclass(frozen=True, eq=False)
class _Genuine:
    """The genuine signatures that have a canvas: labels are judged by them alone.

    Attributes:
        places: Which signatures of the data set.
        signers: Their claimed signers.
        features: Unit vectors, shape ``(n, d)``.
        groups: A number that copies of one signature share.
    """

    places: list[int]
    signers: list[str]
    features: NDArray[np.float32]
    groups: list[int]

    @classmethod
    def of(cls, examined: Examined, features: NDArray[np.float32], groups: Sequence[Sequence[int]]) -> "_Genuine":
        rows = [row for row, i in enumerate(examined.where) if examined.kinds[i] == "genuine"]
        places = [examined.where[row] for row in rows]
        number = {i: at for at, group in enumerate(groups) for i in group}
        return cls(
            places,
            [examined.signers[i] for i in places],
            features[rows],
            [number.get(i, -1 - i) for i in places],  # below 0: nobody's copy
        )

    def free_of(self, findings: Iterable[Finding]) -> NDArray[np.bool_]:
        """Return which of them no finding is about, shape ``(n,)``."""
        faulty = _places(findings)
        return np.array([i not in faulty for i in self.places], dtype=bool)

    def fit(self, trusted: NDArray[np.bool_]) -> Fit:
        return fit_of(self.features, self.signers, self.groups, trusted)


def _places(findings: Iterable[Finding]) -> set[int]:
    return {finding.place for finding in findings}


def _first_of_each(findings: Sequence[Finding], n: int) -> list[Finding | None]:
    """Return for each of n signatures the first finding about it, or None."""
    first: list[Finding | None] = [None] * n
    for finding in reversed(findings):
        first[finding.place] = finding
    return first


def _leaks(examined: Examined) -> list[Leak]:
    """Return what gives labels away, among the images that show ink."""
    seen = [(i, facts) for i, facts in enumerate(examined.facts) if facts is not None and not facts.ink_fault]
    return find_leaks(
        [facts for _, facts in seen],
        [examined.files[i] for i, _ in seen],
        [examined.signers[i] for i, _ in seen],
        [examined.kinds[i] for i, _ in seen],
    )


def _no_strangers(findings: list[Finding], fit: Fit, where: list[int], sound: NDArray[np.bool_]) -> list[Finding]:
    """Return the findings without "low resolution" of what clearly fits another signer better.

    Size is judged among a signer's own: of another person's signature it says nothing.
    """
    row_of = {i: row for row, i in enumerate(where)}
    limit = -OUTSIDE * fit.usual(sound)

    def stays(finding: Finding) -> bool:
        row = row_of.get(finding.place)
        return finding.fault != "low resolution" or row is None or not fit.margin[row] < min(limit, 0.0)

    return [finding for finding in findings if stays(finding)]


def _hard_signers(ranks: list[SignerRank], signers: list[str], faulty: set[int]) -> list[Finding]:
    found = []
    for rank in ranks:
        if rank.errors:
            reason = f"validation error {rank.error:.0%} ({rank.errors} of {rank.genuine}), taken for {rank.taken_for}"
            found += [
                Finding(i, "hard signer", reason, rank.error)
                for i, name in enumerate(signers)
                if name == rank.signer and i not in faulty
            ]
    return found


def _torn(wrong: Sequence[Finding], genuine: _Genuine) -> list[str]:
    """Return a line for each signer of whose genuine signatures a large part seems to be others'."""
    signer_of = dict(zip(genuine.places, genuine.signers, strict=True))
    accused, total = Counter(signer_of[finding.place] for finding in wrong), Counter(genuine.signers)
    return [
        f"{name}: {n} of {total[name]} genuine signatures seem to be other people's; look at the whole folder"
        for name, n in sorted(accused.items())
        if n >= _TOO_FEW and n >= 0.4 * total[name]
    ]
