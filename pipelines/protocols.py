"""Writer-independent trials: which signatures are compared with which references, and the scores they get.

One reference (pairs) and k references with fusion, on any scores. The tables are in `trials.py`, signers' own
classifiers in `writer_dependent.py`, the dissimilarity space in `dissimilarity.py`, rates in `metrics.py`.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .trials import SEPARATOR as SEPARATOR
from .trials import SIGNATURE_KINDS as SIGNATURE_KINDS
from .trials import TRIAL_KINDS as TRIAL_KINDS
from .trials import Part as Part
from .trials import Places as Places
from .trials import SignatureSet as SignatureSet
from .trials import Strings as Strings
from .trials import TrialTable as TrialTable
from .trials import check_disjoint as check_disjoint

# A similarity: (places of references, places of questioned) -> scores, (n_references, n_questioned).
Similarity = Callable[[Places, Places], NDArray[np.floating]]
FUSIONS: dict[str, Callable[..., NDArray[np.float32]]] = {
    "max": np.max,
    "mean": np.mean,
    "min": np.min,
    "median": np.median,
}


def cosine_scores(embeddings: ArrayLike) -> Similarity:
    """Return the cosine of embeddings ``(n, d)`` as a similarity; a zero vector scores 0 with all."""
    vectors = np.asarray(embeddings, dtype=np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"embeddings: need finite values of shape (n, d), got shape {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    return lambda rows, columns: unit[rows] @ unit[columns].T


_MOST_REMEMBERED = 20_000
"""Signatures whose scores against each other are kept: 1.6 GB."""


def remembered(similarity: Similarity, n: int) -> Similarity:
    """Return a similarity of ``n`` signatures that is asked for each pair once.

    It holds a matrix ``(n, n)``; of more signatures than `_MOST_REMEMBERED` it remembers nothing.
    """
    if n > _MOST_REMEMBERED:
        return similarity
    known = np.full((n, n), np.nan, dtype=np.float32)

    def block(rows: Places, columns: Places) -> NDArray[np.floating]:
        missing = np.isnan(known[np.ix_(rows, columns)])
        new_rows, new_columns = rows[missing.any(axis=1)], columns[missing.any(axis=0)]
        if new_rows.size:
            known[np.ix_(new_rows, new_columns)] = similarity(new_rows, new_columns)
        return known[np.ix_(rows, columns)]

    return block


def _checked(scores: ArrayLike | Similarity, n: int) -> Similarity:
    """Return a similarity of n signatures, from a matrix or a function, whose shapes are checked."""
    matrix = np.empty(0) if callable(scores) else np.asarray(scores, dtype=np.float32)
    if not callable(scores) and matrix.shape != (n, n):
        raise ValueError(f"scores: shape {matrix.shape} for {n} signatures, need ({n}, {n})")

    def block(rows: Places, columns: Places) -> NDArray[np.float32]:
        found = scores(rows, columns) if callable(scores) else matrix[np.ix_(rows, columns)]
        if np.shape(found) != (rows.size, columns.size):
            raise ValueError(f"scores: shape {np.shape(found)} for {rows.size} x {columns.size} signatures")
        return np.asarray(found, dtype=np.float32)

    return block


class _Cast:
    """The signers with enough genuine signatures, and where their trials' signatures are."""

    def __init__(self, signatures: SignatureSet, at_least: int, n_random: int, seed: int) -> None:
        if n_random < 0:
            raise ValueError(f"n_random must be 0 or more, got {n_random}")
        rng = np.random.default_rng(seed)
        names, codes = np.unique(signatures.signer, return_inverse=True)
        ends = np.cumsum(np.bincount(codes, minlength=names.size))
        mine = np.split(np.argsort(codes, kind="stable"), ends[:-1]) if names.size else []
        real = [places[signatures.kind[places] == "genuine"] for places in mine]
        # A seeded order of each signer's genuine signatures: the first k are references for every k.
        shuffled = [rng.permutation(places) for places in real]
        kept = [i for i, places in enumerate(real) if places.size >= at_least]
        self.left_out = tuple(names[[places.size < at_least for places in real]].tolist())
        self.names = names[kept].tolist()
        self.genuine = [real[i] for i in kept]
        self.shuffled = [shuffled[i] for i in kept]
        self.forged = [mine[i][signatures.kind[mine[i]] != "genuine"] for i in kept]
        self.impostors: list[Places] = [np.empty(0, dtype=np.intp)] * len(self.names)
        ring = rng.permutation(len(self.names))  # everyone sits in a ring and serves equally often
        steps = 1 + rng.permutation(max(len(ring) - 1, 0))[:n_random]
        for seat, person in enumerate(ring):
            others = ring[(seat + steps) % len(ring)]
            self.impostors[person] = np.array([rng.choice(self.shuffled[i]) for i in others], dtype=np.intp)


Rows = tuple[Strings, Strings, Places, NDArray[np.float32]]  # claimed, reference, questioned, score


def _table(signatures: SignatureSet, rows: Sequence[Rows], part: Part, protocol: str, cast: _Cast) -> TrialTable:
    """Return a table of trials; kind and impostor follow from whose signature was questioned."""
    nothing: Rows = (np.empty(0, "U1"), np.empty(0, "U1"), np.empty(0, np.intp), np.empty(0, np.float32))
    claimed, reference, places, score = (np.concatenate(c) for c in zip(nothing, *rows, strict=True))
    signer, own = signatures.signer[places], signatures.signer[places] == claimed
    return TrialTable(
        claimed=claimed,
        impostor=np.where(own, "", signer),
        kind=np.where(own, signatures.kind[places], "random"),
        skill=np.where(own, signatures.skill[places], np.nan),
        reference=reference,
        questioned=signatures.name[places],
        score=score,
        part=part,
        protocol=protocol,
        left_out=cast.left_out,
    )


def one_reference_trials(
    signatures: SignatureSet, scores: ArrayLike | Similarity, *, part: Part, n_random: int = 10, seed: int
) -> TrialTable:
    """Return writer-independent trials with one reference each.

    All unordered pairs of a signer's genuine signatures; each genuine one as reference against each
    forgery of the signer and against one genuine signature of up to ``n_random`` other signers, who
    all serve equally often. With a single signer there are no random forgeries.

    Args:
        signatures: The signatures of one part.
        scores: Full matrix ``(n, n)``, references down, or a function of two lists of places.
        part: "development" or "test".
        n_random: Impostors for each signer, 0 or more.
        seed: Chooses the impostors and their signatures.

    Raises:
        ValueError: If scores have the wrong shape or are not finite, or ``n_random`` is negative.
    """
    similarity = _checked(scores, signatures.name.size)
    cast, rows = _Cast(signatures, 2, n_random, seed), []
    for name, genuine, forged, impostors in zip(cast.names, cast.genuine, cast.forged, cast.impostors, strict=True):
        questioned = np.concatenate([genuine, forged, impostors])
        block = similarity(genuine, questioned)
        # Column j of the first ones is reference j itself, and every pair is wanted once: j > i.
        r, q = np.nonzero(np.arange(questioned.size) > np.arange(genuine.size)[:, None])
        rows.append((np.full(r.size, name), signatures.name[genuine[r]], questioned[q], block[r, q]))
    return _table(signatures, rows, part, f"1 reference, {n_random} impostors, seed {seed}", cast)


def k_reference_trials(
    signatures: SignatureSet,
    scores: ArrayLike | Similarity,
    *,
    part: Part,
    k: int,
    fusion: str = "max",
    fuse: Similarity | None = None,
    n_questioned: int | None = None,
    n_random: int = 10,
    seed: int,
) -> TrialTable:
    """Return trials against k references of each signer, their scores fused into one.

    References are the first k of a seeded order, questioned the rest of the genuine, all forgeries, and
    one genuine signature of up to ``n_random`` other signers. With one seed the references for k are
    among those for k + 1. "max" accepts when any reference matches, so FAR rises with k.

    Args:
        signatures: The signatures of one part.
        scores: Full matrix ``(n, n)``, references down, or a function of two lists of places.
        part: "development" or "test".
        k: References for each signer, 1 or more.
        fusion: How the k scores become one: a name of ``FUSIONS``, or any name with ``fuse``.
        fuse: Gives the fused scores, ``(n_questioned,)``, of places of references and of questioned signatures
            itself, where the k scores are not enough.
        n_questioned: Question only this many genuine, the last of the order, so that the questioned do
            not depend on k; None for all that are left.
        n_random: Impostors for each signer, 0 or more.
        seed: Chooses references, impostors and their signatures.

    Raises:
        ValueError: If ``k`` or ``n_questioned`` is below 1, ``fusion`` is unknown, or scores are unfit.
    """
    if k < 1 or (n_questioned is not None and n_questioned < 1) or (fusion not in FUSIONS and fuse is None):
        raise ValueError(
            f"need k >= 1, n_questioned >= 1 or None, fusion in {', '.join(FUSIONS)};"
            f" got {k}, {n_questioned}, {fusion!r}"
        )
    similarity = _checked(scores, signatures.name.size)
    cast, rows = _Cast(signatures, k + (n_questioned or 1), n_random, seed), []
    for name, genuine, forged, impostors in zip(cast.names, cast.shuffled, cast.forged, cast.impostors, strict=True):
        kept = genuine[k:] if n_questioned is None else genuine[-n_questioned:]
        questioned = np.concatenate([kept, forged, impostors])
        if fuse is not None:
            fused = np.asarray(fuse(genuine[:k], questioned), dtype=np.float32)
        else:
            fused = FUSIONS[fusion](similarity(genuine[:k], questioned), axis=0)
        joined = SEPARATOR.join(signatures.name[genuine[:k]].tolist())
        rows.append((np.full(questioned.size, name), np.full(questioned.size, joined), questioned, fused))
    return _table(signatures, rows, part, f"{k} references, {fusion}, seed {seed}", cast)
