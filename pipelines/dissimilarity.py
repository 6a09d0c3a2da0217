"""The dissimilarity space: one classifier, for everybody, of how much two signatures differ in each feature."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .all_cores import on_all_cores
from .embedding_file import Embedded
from .protocols import FUSIONS, Similarity, k_reference_trials, remembered
from .support_vectors import GAMMA, C, SupportVectors, fit_support_vectors
from .trials import Part, Places, TrialTable, joined


@dataclass(frozen=True)
class Dissimilarity:
    """Settings of the protocol; the defaults are those of the source.

    Attributes:
        per_signer: Genuine signatures of each development signer that the classifier learns from, 2 or more.
        references: References of each enrolled signer.
        questioned: Genuine signatures of each that are questioned.
        n_random: Random forgeries of each, one of as many others.
        fusion: How the decision values of the references become one, a name of ``FUSIONS``.
        repeats: How often training pairs, references and impostors are drawn anew.
        c: Cost of an error.
        gamma: Of the kernel.
        seed: Chooses pairs, references and impostors.
    """

    per_signer: int = 12
    references: int = 12
    questioned: int = 10
    n_random: int = 10
    fusion: str = "max"
    repeats: int = 5
    c: float = C
    gamma: float = GAMMA
    seed: int = 1234

    def __post_init__(self) -> None:
        """Check counts and the fusion; raise ValueError."""
        if self.per_signer < 2 or min(self.references, self.questioned, self.repeats) < 1 or self.fusion not in FUSIONS:
            raise ValueError(
                f"need per_signer >= 2, references, questioned and repeats >= 1, fusion in {', '.join(FUSIONS)}; "
                f"got {self.per_signer}, {self.references}, {self.questioned}, {self.repeats}, {self.fusion!r}"
            )


def dissimilarity_pairs(
    training: Embedded, per_signer: int, *, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return places of pairs of one signer and of two signers, ``(n, 2)`` each.

    There are as many of either unless there are fewer other signers than half of ``per_signer``.

    Of each signer all pairs of ``per_signer`` genuine signatures, and all but the last of those against one genuine
    signature of each of half as many other signers.

    Raises:
        ValueError: If fewer than two signers have two genuine signatures.
    """
    signatures = training.signatures
    genuine = signatures.kind == "genuine"
    groups = [np.flatnonzero(genuine & (signatures.signer == name)) for name in np.unique(signatures.signer)]
    groups = [rng.permutation(group)[:per_signer] for group in groups if group.size >= 2]
    if len(groups) < 2:
        raise ValueError(f"a dissimilarity space needs two signers with two genuine signatures, got {len(groups)}")
    within, between = [], []
    for i, own in enumerate(groups):
        first, second = np.triu_indices(own.size, 1)
        within.append(np.stack([own[first], own[second]], axis=1))
        others = rng.choice([j for j in range(len(groups)) if j != i], min((own.size + 1) // 2, len(groups) - 1), False)
        foreign = np.array([rng.choice(groups[j]) for j in others])
        between.append(np.stack(np.meshgrid(own[:-1], foreign, indexing="ij"), axis=-1).reshape(-1, 2)[: first.size])
    return np.concatenate(within), np.concatenate(between)


def fit_dissimilarity(training: Embedded, settings: Dissimilarity, *, repeat: int = 0) -> SupportVectors:
    """Fit the classifier on development signers; genuine signatures alone, no forgery.

    Source:
        Rivard, Sabourin, Granger (2013), "Multi-feature extraction and selection in writer-independent off-line
        signature verification", International Journal on Document Analysis and Recognition 16; Souza, Oliveira, Cruz,
        Sabourin (2020), "A white-box analysis on the writer-independent dichotomy transformation applied to offline
        handwritten signature verification", Expert Systems with Applications 154. As published.
    """
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(repeat,)))
    within, between = (
        np.abs(training.features[pairs[:, 0]] - training.features[pairs[:, 1]])
        for pairs in dissimilarity_pairs(training, settings.per_signer, rng=rng)
    )
    return fit_support_vectors(within, between, skew=False, c=settings.c, gamma=settings.gamma)


def dissimilarity_similarity(model: SupportVectors, features: NDArray[np.float32]) -> Similarity:
    """Return the decision values of pairs as a similarity, each computed once; above 0 means one signer."""

    def block(rows: Places, columns: Places) -> NDArray[np.float32]:
        found = on_all_cores(lambda row: model.decide(np.abs(features[row] - features[columns])), rows)
        return np.asarray(found, dtype=np.float32).reshape(rows.size, columns.size)

    return remembered(block, len(features))


def dissimilarity_trials(
    enrolled: Embedded,
    training: Embedded,
    *,
    part: Part,
    settings: Dissimilarity,
    curve: tuple[tuple[int, str], ...] = (),
) -> dict[tuple[int, str], TrialTable]:
    """Return the trials of every number of references and fusion asked for, repeats pooled.

    Args:
        enrolled: Signatures of one part.
        training: Development signers, disjoint from ``enrolled``.
        part: Whose trials they are.
        settings: Counts, seed and the classifier's parameters; its own references and fusion are always among the
            tables.
        curve: Further numbers of references, each with a fusion.

    Raises:
        ValueError: If a signer is in both sets, or nobody has enough genuine signatures.
    """
    if (both := np.intersect1d(training.signatures.signer, enrolled.signatures.signer)).size:
        raise ValueError(f"{both.size} signers are in training and enrolled: {', '.join(both[:5].tolist())}")
    wanted = dict.fromkeys([(settings.references, settings.fusion), *curve])
    tables: dict[tuple[int, str], list[TrialTable]] = {key: [] for key in wanted}
    for repeat in range(settings.repeats):
        model = fit_dissimilarity(training, settings, repeat=repeat)
        similarity = dissimilarity_similarity(model, enrolled.features)
        for k, fusion in wanted:
            table = k_reference_trials(
                enrolled.signatures,
                similarity,
                part=part,
                k=k,
                fusion=fusion,
                n_questioned=settings.questioned,
                n_random=settings.n_random,
                seed=settings.seed + repeat,
            )
            if len(table) == 0:
                raise ValueError(
                    f"no signer has {k} + {settings.questioned} genuine signatures to enrol and to question; "
                    "use fewer references"
                )
            tables[k, fusion].append(_of_repeat(table, repeat, settings))
    return {key: joined(found) for key, found in tables.items()}


def _of_repeat(table: TrialTable, repeat: int, settings: Dissimilarity) -> TrialTable:
    words = f"dissimilarity space SVM ({settings.per_signer} genuine of each development signer), {table.protocol}"
    number = np.full(len(table), repeat, dtype=np.int16)
    return replace(table, repeat=number, protocol=f"{words}, {settings.repeats} repeats")
