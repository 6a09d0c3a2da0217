"""What is wrong in a data set, and a refined manifest of what is left; nothing in the data folder is ever changed.

Measures of single images are in `audit_facts.py`, their faults and copies in `audit_faults.py`, faults of labels in
`audit_labels.py`, the page in `audit_page.py`, what refinement changes in `audit_retrain.py`, files in
`audit_files.py`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters import Adapter, AdapterError, Provenance, load_provenance, open_layout
from .adapters.contract import SignatureFile, record_fault
from .adapters.refined import content_digest, record_name
from .audit_facts import Facts, measure
from .audit_faults import Copies, Finding, find_copies, groups_of, image_faults
from .audit_labels import (
    OUTSIDE,
    Fit,
    Leak,
    SignerRank,
    find_leaks,
    fit_of,
    imbalance,
    rank_signers,
    same_hands,
    wrong_signers,
)
from .baselines import hog_features
from .images import UnreadableImage, read_image
from .preprocess import preprocess
from .progress import Progress

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
HEIGHT, WIDTH = 96, 192
_TOO_FEW = 2
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(eq=False)
class Examined:
    """A data set as parallel lists, one entry per signature, and canvases of those that could be prepared.

    Attributes:
        root: The data folder.
        adapter: The adapter's name.
        provenance: Where the data come from.
        names: As manifests name them.
        records: As the adapter yielded them.
        sha256: Of the files, or arrays.
        pixels: SHA-256 of shape and pixels, or empty.
        facts: Measures, or None if unreadable.
        files: Facts about each file.
        unreadable: Why not, or empty.
        canvases: Preprocessed, uint8, shape ``(m, height, width)``.
        where: Which signature each canvas is of.
    """

    root: Path
    adapter: str
    provenance: Provenance
    names: list[str] = field(default_factory=list)
    records: list[SignatureFile] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)
    pixels: list[str] = field(default_factory=list)
    facts: list[Facts | None] = field(default_factory=list)
    files: list[dict[str, float | str]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    canvases: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, HEIGHT, WIDTH), np.uint8))
    where: list[int] = field(default_factory=list)

    @property
    def signers(self) -> list[str]:
        """Claimed signer of each signature."""
        return [record.signer for record in self.records]

    @property
    def kinds(self) -> list[str]:
        """Kind of each signature."""
        return [record.kind for record in self.records]


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


def examine(adapter: Adapter, provenance: Provenance, progress: Progress) -> Examined:
    """Return every signature of an adapter, read, measured and prepared; bad ones are kept with their reasons.

    Args:
        adapter: The data set.
        provenance: Its record.
        progress: Where to say what happens.
    """
    provenance.check_current()
    provenance.check_use("evaluation")
    if adapter.takes != "image":
        raise AdapterError(f"layout {adapter.name!r} holds pen movements; the audit looks at images")
    found = Examined(adapter.root, adapter.name, provenance)
    canvases = []
    records = list(adapter.iter_signatures())
    with progress.task(f"reading {len(records)} signatures", len(records)) as bar:
        for index, record in enumerate(records):
            canvas = _look_at(record, index, found)
            if canvas is not None:
                canvases.append(canvas)
                found.where.append(index)
            bar.advance()
    if canvases:
        found.canvases = np.stack(canvases)
    return found


def _look_at(record: SignatureFile, index: int, found: Examined) -> NDArray[np.uint8] | None:
    if fault := record_fault(record):
        raise AdapterError(fault)
    found.records.append(record)
    found.names.append(record_name(record, index, found.root))
    found.sha256.append(content_digest(record, found.root))
    facts, pixels, why, canvas = None, "", "", None
    try:
        image = record.image if not isinstance(record.image, Path) else read_image(record.image, root=found.root)
        pixels = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
        facts = measure(image)
        if not facts.ink_fault:
            canvas = preprocess(image, height=HEIGHT, width=WIDTH)
    except UnreadableImage as error:
        why = error.reason
    except ValueError as error:  # no ink that preprocessing could find
        why = " ".join(str(error).split()) or "preprocessing failed"
    found.facts.append(facts)
    found.pixels.append(pixels)
    found.unreadable.append(why)
    found.files.append(_file_facts(record, facts))
    return canvas


def _file_facts(record: SignatureFile, facts: Facts | None) -> dict[str, float | str]:
    if not isinstance(record.image, Path) or facts is None:
        return {}
    size = record.image.stat().st_size
    return {"file ending": record.image.suffix.lower(), "bytes per pixel": size / (facts.height * facts.width)}


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

    verifier = load_verifier(run)
    if len(verifier.model.input_shape) != 4:
        raise ValueError(f"the network of {run} takes pen movements; use a run on images")

    def embed(canvases: NDArray[np.uint8]) -> NDArray[np.float32]:
        size = (verifier.width, verifier.height)
        fitted = [cv2.resize(canvas, size, interpolation=cv2.INTER_AREA) for canvas in canvases]
        return verifier.embed_canvases(np.stack(fitted)) if fitted else np.zeros((0, 1), np.float32)

    return embed, f"the network of {Path(run).name}"


def judge(examined: Examined, embed: Embed, embedding: str, drop_signers: int) -> Audit:
    """Return the audit of a data set that has been read.

    Args:
        examined: The data set.
        embed: Canvases to unit vectors.
        embedding: What that is, in words.
        drop_signers: How many of the hardest signers to leave out, at most.
    """
    signers, kinds = examined.signers, examined.kinds
    findings = image_faults(examined.facts, examined.unreadable, signers, kinds)
    faulty = {finding.place for finding in findings}
    copies = find_copies(examined.pixels, examined.canvases, examined.where)
    groups = groups_of(copies)
    features = embed(examined.canvases)
    rows = [row for row, i in enumerate(examined.where) if kinds[i] == "genuine"]
    where = [examined.where[row] for row in rows]
    number = {i: at for at, group in enumerate(groups) for i in group}
    own_group = [number.get(i, -1 - i) for i in where]
    sound = np.array([i not in faulty for i in where], dtype=bool)
    named = [signers[i] for i in where]
    fit = fit_of(features[rows], named, own_group, sound)
    findings = _no_strangers(findings, fit, where, sound)
    faulty = {finding.place for finding in findings}
    margins = dict(zip(where, np.nan_to_num(fit.margin, nan=-1.0).tolist(), strict=True))
    findings += _copy_findings(copies, groups, examined, margins, faulty)
    faulty = {finding.place for finding in findings}
    wrong = wrong_signers(fit, where, np.array([i not in faulty for i in where], dtype=bool))
    findings += wrong
    faulty = {finding.place for finding in findings}
    kept = np.array([i not in faulty for i in where], dtype=bool)
    fit = fit_of(features[rows], named, own_group, kept)
    ranks = rank_signers(fit, named, kept)
    findings += _hard_signers(ranks[:drop_signers], signers, faulty)
    classes = [*_torn(wrong, where, signers), *same_hands(fit, named, kept), *imbalance(signers, kinds)]
    seen = [i for i, facts in enumerate(examined.facts) if facts is not None and not facts.ink_fault]
    leaks = find_leaks(
        [facts for facts in examined.facts if facts is not None and not facts.ink_fault],
        [examined.files[i] for i in seen],
        [signers[i] for i in seen],
        [kinds[i] for i in seen],
    )
    findings.sort(key=lambda finding: (FAULTS.index(finding.fault), -finding.severity, finding.place))
    left_out: list[Finding | None] = [None] * len(signers)
    for finding in reversed(findings):
        left_out[finding.place] = finding
    return Audit(examined, findings, left_out, groups, features, embedding, leaks, classes, ranks)


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


def _copy_findings(
    copies: list[Copies],
    groups: list[list[int]],
    examined: Examined,
    margins: dict[int, float],
    faulty: set[int],
) -> list[Finding]:
    """Return which of a group of copies to leave out: all but the first sound one, or the one that fits its label.

    A picture filed as genuine and as forged is wrong once, and nothing says where: both are left out.
    """
    signers, kinds = examined.signers, examined.kinds
    likeness = {(pair.later, pair.earlier): pair.likeness for pair in copies}
    found = []
    for group in groups:
        sound = [i for i in group if i not in faulty] or group
        labels = {(signers[i], kinds[i]) for i in group}
        if len({signer for signer, _ in labels}) < len(labels):
            told = " and ".join(sorted(f"{examined.names[i]}" for i in group))
            found += [Finding(i, "inconsistent label", f"genuine and forged at once: {told}", 2.0) for i in group]
            continue
        keep = sound[0] if len(labels) == 1 else max(sound, key=lambda i: (margins.get(i, -1.0), -i))
        for i in group:
            if i == keep:
                continue
            alike = max((v for pair, v in likeness.items() if i in pair), default=1.0)
            same = examined.pixels[i] == examined.pixels[keep]
            words = "pixel for pixel" if same else f"likeness {alike:.3f}"
            if (signers[i], kinds[i]) != (signers[keep], kinds[keep]):
                found.append(Finding(i, "inconsistent label", f"{words} {examined.names[keep]}, which it fits", alike))
            else:
                fault = "duplicate" if same else "near-duplicate"
                found.append(Finding(i, fault, f"{words} {examined.names[keep]}", alike))
    return found


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


def _torn(wrong: list[Finding], where: list[int], signers: list[str]) -> list[str]:
    """Return a line for each signer of whose genuine signatures a large part seems to be others'."""
    lines = []
    for name in sorted({signers[finding.place] for finding in wrong}):
        n = sum(signers[finding.place] == name for finding in wrong)
        total = sum(signers[i] == name for i in where)
        if n >= _TOO_FEW and n >= 0.4 * total:
            lines.append(
                f"{name}: {n} of {total} genuine signatures seem to be other people's; look at the whole folder"
            )
    return lines


__all__ = ["FAULTS", "Audit", "Examined", "Fit", "audit", "embedder_of", "examine", "judge"]
