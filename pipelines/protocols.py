"""Trials: which signatures are compared with which references, and the scores they get.

One reference (writer-independent pairs) and k references with fusion, on any scores. Each trial names its
claimed signer, its kind and, for a random forgery, the impostor, so that kinds are never pooled and the
bootstrap can draw signers. Splitting signers is in `splits.py`, rates are in `metrics.py`.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Strings = NDArray[np.str_]
Places = NDArray[np.intp]
Part = Literal["development", "test"]
# A similarity: (places of references, places of questioned) -> scores, (n_references, n_questioned).
Similarity = Callable[[Places, Places], NDArray[np.floating]]

SIGNATURE_KINDS = ("genuine", "simple", "skilled")
TRIAL_KINDS = ("genuine", "random", "simple", "skilled")
FUSIONS: dict[str, Callable[..., NDArray[np.float32]]] = {
    "max": np.max,
    "mean": np.mean,
    "min": np.min,
    "median": np.median,
}
SEPARATOR = "|"  # between the names of several references


def _check_columns(table: "SignatureSet | TrialTable", kinds: Sequence[str]) -> None:
    """Raise ValueError on array fields of unequal length or unknown kinds."""
    for name, column in vars(table).items():
        if isinstance(column, np.ndarray) and (column.ndim != 1 or column.shape != table.kind.shape):
            raise ValueError(f"{name}: shape {column.shape}, but kind has {table.kind.shape}")
    unknown = sorted(set(table.kind.tolist()) - set(kinds))
    if unknown:
        raise ValueError(f"unknown kind {unknown[0]!r}; use one of: {', '.join(kinds)}")


@dataclass(frozen=True, eq=False)
class SignatureSet:
    """Signatures that can be scored, as parallel arrays of shape ``(n,)``; row i is place i of a score.

    Attributes:
        signer: The signer whose signature this is or, for a forgery, claims to be.
        kind: "genuine", "simple" or "skilled".
        name: A name of its own for every signature, without "|".
        forger: Who made a forgery, "" if genuine or unknown.
        skill: The forger's skill, 0 to 1, NaN if genuine or unknown.
    """

    signer: Strings
    kind: Strings
    name: Strings
    forger: Strings
    skill: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Check the columns; raise ValueError naming the first fault."""
        _check_columns(self, SIGNATURE_KINDS)
        if np.unique(self.name).size != self.name.size:
            raise ValueError("name: every signature needs a name of its own")
        if any(SEPARATOR in name for name in self.name.tolist()):
            raise ValueError(f"name: {SEPARATOR!r} separates references and cannot be in a name")
        if (self.signer == "").any():
            raise ValueError("signer: every signature needs a signer")

    @classmethod
    def of(
        cls,
        signer: ArrayLike,
        kind: ArrayLike,
        *,
        name: ArrayLike | None = None,
        forger: ArrayLike | None = None,
        skill: ArrayLike | None = None,
    ) -> Self:
        """Build a set from lists: unnamed signatures are numbered, forger and skill default to unknown."""
        signers = np.array(signer, dtype=str)
        return cls(
            signers,
            np.array(kind, dtype=str),
            np.arange(signers.size).astype(str) if name is None else np.array(name, dtype=str),
            np.full(signers.shape, "") if forger is None else np.array(forger, dtype=str),
            np.full(signers.shape, np.nan) if skill is None else np.array(skill, dtype=np.float64),
        )


@dataclass(frozen=True, eq=False)
class TrialTable:
    """Scored trials as parallel arrays of shape ``(n,)``, with whose data they are.

    Attributes:
        claimed: The signer somebody claims to be.
        impostor: The signer of the questioned signature if it is a random forgery, else "".
        kind: "genuine", "random", "simple" or "skilled".
        skill: The forger's skill, 0 to 1, NaN if unknown or no forgery.
        reference: Names of the references, joined by "|".
        questioned: Name of the questioned signature.
        score: Higher = more likely genuine, finite.
        part: "development" (thresholds and calibrators may be fitted) or "test" (may not).
        protocol: How the trials were made, in a few words.
        left_out: Signers with too few genuine signatures to take part, in either role.
    """

    claimed: Strings
    impostor: Strings
    kind: Strings
    skill: NDArray[np.float64]
    reference: Strings
    questioned: Strings
    score: NDArray[np.float32]
    part: Part
    protocol: str
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the columns; raise ValueError naming the first fault."""
        _check_columns(self, TRIAL_KINDS)
        if self.part not in ("development", "test"):
            raise ValueError(f"unknown part {self.part!r}; use 'development' or 'test'")
        if ((self.kind == "random") != (self.impostor != "")).any():
            raise ValueError("impostor: random forgeries name their signer, other trials hold ''")
        if (self.claimed == self.impostor).any():
            raise ValueError("impostor: nobody is an impostor of the own name")
        if not np.isfinite(self.score).all():
            raise ValueError(f"score: {np.sum(~np.isfinite(self.score))} scores are NaN or infinite")

    def __len__(self) -> int:
        """Return the number of trials."""
        return self.kind.size

    def select(self, *, kind: str) -> Self:
        """Return the trials of one kind; part, protocol and left_out stay."""
        if kind not in TRIAL_KINDS:
            raise ValueError(f"unknown kind {kind!r}; use one of: {', '.join(TRIAL_KINDS)}")
        rows = self.kind == kind
        return replace(self, **{k: v[rows] for k, v in vars(self).items() if isinstance(v, np.ndarray)})

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the table as one Parquet file; it appears under its name only when complete."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {k: pa.array(v) for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        notes = json.dumps({k: v for k, v in vars(self).items() if k not in columns})
        unfinished = Path(f"{os.fspath(path)}.unfinished")
        pq.write_table(pa.table(columns, metadata={"paraph": notes}), unfinished, compression="zstd")
        unfinished.replace(path)

    @classmethod
    def from_parquet(cls, path: str | os.PathLike[str]) -> Self:
        """Read a table that `to_parquet` wrote; raise ValueError if the file is something else."""
        import pyarrow.parquet as pq

        table = pq.read_table(os.fspath(path), partitioning=None)
        notes = (table.schema.metadata or {}).get(b"paraph")
        if notes is None:
            raise ValueError(f"{os.fspath(path)}: not a trial table (no notes on part and protocol)")
        rest = json.loads(notes)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        columns = {k: v.astype(str) if v.dtype == object else v for k, v in columns.items()}
        return cls(**columns, **{**rest, "left_out": tuple(rest["left_out"])})


def check_disjoint(development: TrialTable, test: TrialTable) -> None:
    """Raise ValueError if a signer, in either role, is in both tables."""
    people = [set(t.claimed.tolist()) | set(t.impostor.tolist()) - {""} for t in (development, test)]
    if both := sorted(people[0] & people[1]):
        raise ValueError(f"{len(both)} signers are in development and test: {', '.join(both[:5])}")


def cosine_scores(embeddings: ArrayLike) -> Similarity:
    """Return the cosine of embeddings ``(n, d)`` as a similarity; a zero vector scores 0 with all."""
    vectors = np.asarray(embeddings, dtype=np.float32)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"embeddings: need finite values of shape (n, d), got shape {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    return lambda rows, columns: unit[rows] @ unit[columns].T


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
