"""Signatures that can be scored, and scored trials, as parallel arrays; trials as Parquet.

Each trial names its claimed signer, its kind and, for a random forgery, the impostor, so that kinds are never pooled
and the bootstrap can draw signers. Which trials are made is in `protocols.py`, `writer_dependent.py` and
`dissimilarity.py`; several tables in one file are in `score_file.py`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Strings = NDArray[np.str_]
Places = NDArray[np.intp]
Part = Literal["development", "test"]

SIGNATURE_KINDS = ("genuine", "simple", "skilled")
TRIAL_KINDS = ("genuine", "random", "simple", "skilled")
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
        """Build a set from lists of one length.

        Args:
            signer: Claimed signers.
            kind: "genuine", "simple" or "skilled".
            name: Of each signature; numbers if left out.
            forger: Who made it, or empty; unknown if left out.
            skill: Of the forger, 0 to 1; NaN, unknown, if left out.
        """
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
        reference: Names of the references, joined by "|"; or the name of an enrolment, where a classifier stands for
            them (`writer_dependent.py` says which).
        questioned: Name of the questioned signature.
        score: Higher = more likely genuine, finite.
        part: "development" (thresholds and calibrators may be fitted) or "test" (may not).
        protocol: How the trials were made, in a few words.
        left_out: Signers with too few genuine signatures to take part, in either role.
        repeat: Which repetition of the protocol each trial is of, from 0; zeros if there is one only.
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
    repeat: NDArray[np.int16] = field(default_factory=lambda: np.empty(0, np.int16))

    def __post_init__(self) -> None:
        """Check the columns; raise ValueError naming the first fault."""
        if self.repeat.size == 0:
            object.__setattr__(self, "repeat", np.zeros(self.kind.shape, dtype=np.int16))
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
        """Return the trials of one kind; part, protocol and left_out stay.

        Raises:
            ValueError: If there is no such kind.
        """
        if kind not in TRIAL_KINDS:
            raise ValueError(f"unknown kind {kind!r}; use one of: {', '.join(TRIAL_KINDS)}")
        rows = self.kind == kind
        return replace(self, **{k: v[rows] for k, v in vars(self).items() if isinstance(v, np.ndarray)})

    def to_parquet(self, path: str | os.PathLike[str]) -> None:
        """Write the table as the only one of a score file; it appears under its name only when complete."""
        from .score_file import write_scores

        write_scores(path, {"pairs": self})

    @classmethod
    def from_parquet(cls, path: str | os.PathLike[str], protocol: str = "pairs") -> "TrialTable":
        """Read one protocol's test trials of a score file; raise ValueError if it is something else."""
        from .score_file import read_scores

        tables = read_scores(path)
        if protocol not in tables:
            raise ValueError(f"{os.fspath(path)}: no trials of {protocol!r}; it holds: {', '.join(tables)}")
        return tables[protocol]


def joined(tables: Sequence[TrialTable]) -> TrialTable:
    """Return the trials of several tables of one part and protocol as one; their notes are those of the first.

    Raises:
        ValueError: If there is no table, or parts differ.
    """
    if not tables or len({table.part for table in tables}) != 1:
        raise ValueError(f"need tables of one part, got {', '.join(table.part for table in tables) or 'none'}")
    columns = [name for name, column in vars(tables[0]).items() if isinstance(column, np.ndarray)]
    whole: dict[str, Any] = {name: np.concatenate([getattr(t, name) for t in tables]) for name in columns}
    return replace(tables[0], **whole)


def check_disjoint(development: TrialTable, test: TrialTable) -> None:
    """Raise ValueError if a signer, in either role, is in both tables."""
    people = [set(t.claimed.tolist()) | set(t.impostor.tolist()) - {""} for t in (development, test)]
    if both := sorted(people[0] & people[1]):
        raise ValueError(f"{len(both)} signers are in development and test: {', '.join(both[:5])}")
