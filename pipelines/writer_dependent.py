"""The writer-dependent protocol: a classifier of one's own for every signer, and the trials it scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .all_cores import on_all_cores
from .embedding_file import Embedded
from .support_vectors import GAMMA, C, fit_support_vectors
from .trials import Part, Places, TrialTable, joined

Negatives = Literal["development", "enrolled"]
_ORDER, _NEGATIVES = 0, 1
_Judged = tuple[NDArray[np.str_], Places, NDArray[np.float64]]  # claimed, questioned, decision value


@dataclass(frozen=True)
class WriterDependent:
    """Settings of the protocol; the defaults are those of the source.

    Attributes:
        references: Genuine signatures that each classifier learns, 1 or more.
        questioned: Genuine signatures of each signer that are questioned: the last of a seeded order, so that they do
            not depend on the references.
        per_negative_signer: Genuine signatures of each other signer that serve as negatives, or fewer if there are no
            more.
        repeats: How often references and negatives are drawn anew.
        fixed_references: Draw only the negatives anew, to see what they alone move.
        c: Cost of an error.
        gamma: Of the kernel.
        seed: Chooses references and negatives.
    """

    references: int = 12
    questioned: int = 10
    per_negative_signer: int = 14
    repeats: int = 10
    fixed_references: bool = False
    c: float = C
    gamma: float = GAMMA
    seed: int = 1234

    def __post_init__(self) -> None:
        """Check counts; raise ValueError."""
        for name in ("references", "questioned", "per_negative_signer", "repeats"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} is {value}; at least 1 is needed")


@dataclass(frozen=True)
class _Roles:
    """Who plays what in one repeat: places of references and questioned genuine signatures by signer."""

    names: list[str]
    references: list[Places]
    questioned: list[Places]
    forged: list[Places]
    left_out: tuple[str, ...]


def _roles(enrolled: Embedded, settings: WriterDependent, repeat: int) -> _Roles:
    order = 0 if settings.fixed_references else repeat
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(order, _ORDER)))
    found = _Roles([], [], [], [], ())
    left_out = []
    signatures, needed = enrolled.signatures, settings.references + settings.questioned
    for name in np.unique(signatures.signer).tolist():
        own = signatures.signer == name
        genuine = rng.permutation(np.flatnonzero(own & (signatures.kind == "genuine")))
        if genuine.size < needed:
            left_out.append(name)
            continue
        found.names.append(name)
        found.references.append(genuine[: settings.references])
        found.questioned.append(genuine[-settings.questioned :])
        found.forged.append(np.flatnonzero(own & (signatures.kind != "genuine")))
    return _Roles(found.names, found.references, found.questioned, found.forged, tuple(left_out))


def _some_of_each(groups: Sequence[Places], most: int, rng: np.random.Generator) -> list[Places]:
    """Return up to ``most`` of each group, drawn without replacement."""
    return [rng.choice(group, min(most, group.size), replace=False) for group in groups]


def writer_dependent_trials(
    enrolled: Embedded, *, part: Part, settings: WriterDependent, negatives: Embedded | None = None
) -> TrialTable:
    """Return the trials of classifiers of which each has learnt one signer, repeats pooled.

    Positives are the signer's references. Negatives are genuine signatures of the signers in ``negatives``, or, without
    those, the references of all other enrolled signers. No forgery trains a classifier. Questioned are the signer's
    last genuine signatures, all forgeries of the signer, and the questioned genuine signatures of all others as random
    forgeries. The score is the decision value: 0 is the published threshold. Without ``negatives`` the set is closed:
    a classifier has seen references of every random forger, and rejects them more easily than strangers.

    The reference column holds ``signer/repeat``; the signatures behind it follow from the settings' seed.

    Args:
        enrolled: Signatures of one part.
        part: "development" or "test".
        settings: Counts, seed and the classifier's parameters.
        negatives: Signatures of other signers, disjoint from ``enrolled``.

    Raises:
        ValueError: If a signer is in both sets, nobody has enough genuine signatures, or there is no negative.

    Source:
        Hafemann, Sabourin, Oliveira (2017), "Learning features for offline handwritten signature verification using
        deep convolutional neural networks", Pattern Recognition 70, section 4.2. As published; kernel products are
        computed outside the solver.
    """
    if negatives is not None and (both := np.intersect1d(negatives.signatures.signer, enrolled.signatures.signer)).size:
        raise ValueError(f"{both.size} signers are enrolled and negatives: {', '.join(both[:5].tolist())}")
    return joined([_one_repeat(enrolled, negatives, part, settings, repeat) for repeat in range(settings.repeats)])


def _one_repeat(
    enrolled: Embedded, negatives: Embedded | None, part: Part, settings: WriterDependent, repeat: int
) -> TrialTable:
    roles, features = _roles(enrolled, settings, repeat), enrolled.features
    if not roles.names:
        raise ValueError(
            f"no signer has {settings.references} + {settings.questioned} genuine signatures to enrol and to question; "
            f"use fewer references"
        )
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(repeat, _NEGATIVES)))
    pool = _pool(negatives, roles, features, settings, rng)

    def judged(i: int) -> _Judged:
        """Return what the classifier of one signer says."""
        others = (
            pool[0] if negatives is not None else np.concatenate([p for j, p in enumerate(pool) if j != i] or pool[:0])
        )
        model = fit_support_vectors(
            features[roles.references[i]], others, skew=True, c=settings.c, gamma=settings.gamma
        )
        random = [p for j, p in enumerate(roles.questioned) if j != i]
        questioned = np.concatenate([roles.questioned[i], roles.forged[i], *random])
        return np.full(questioned.size, roles.names[i]), questioned, model.decide(features[questioned])

    rows = on_all_cores(judged, range(len(roles.names)))
    return _as_table(enrolled, rows, part, settings, roles.left_out, repeat, negatives is not None)


def _pool(
    negatives: Embedded | None,
    roles: _Roles,
    features: NDArray[np.float32],
    settings: WriterDependent,
    rng: np.random.Generator,
) -> list[NDArray[np.float32]]:
    """Return the features of all negatives as one block, or those of each enrolled signer."""
    most = settings.per_negative_signer
    if negatives is None:
        if len(roles.names) < 2:
            raise ValueError("one enrolled signer alone has no negatives; give development signers or more signers")
        return [features[places] for places in _some_of_each(roles.references, most, rng)]
    signatures = negatives.signatures
    genuine = signatures.kind == "genuine"
    groups = [np.flatnonzero(genuine & (signatures.signer == name)) for name in np.unique(signatures.signer)]
    return [negatives.features[np.concatenate(_some_of_each(groups, most, rng))]]


def _as_table(
    enrolled: Embedded,
    rows: Sequence[_Judged],
    part: Part,
    settings: WriterDependent,
    left_out: tuple[str, ...],
    repeat: int,
    development: bool,
) -> TrialTable:
    claimed, places, scores = (np.concatenate(column) for column in zip(*rows, strict=True))
    signatures = enrolled.signatures
    own = signatures.signer[places] == claimed
    source = "development signers" if development else "other enrolled signers"
    return TrialTable(
        claimed=claimed,
        impostor=np.where(own, "", signatures.signer[places]),
        kind=np.where(own, signatures.kind[places], "random"),
        skill=np.where(own, signatures.skill[places], np.nan),
        reference=np.char.add(claimed, f"/{repeat}"),
        questioned=signatures.name[places],
        score=scores.astype(np.float32),
        part=part,
        protocol=f"writer-dependent SVM, {settings.references} references, {settings.questioned} questioned, "
        f"up to {settings.per_negative_signer} negatives of each of the {source}, {settings.repeats} repeats, "
        f"seed {settings.seed}",
        left_out=left_out,
        repeat=np.full(claimed.size, repeat, dtype=np.int16),
    )
