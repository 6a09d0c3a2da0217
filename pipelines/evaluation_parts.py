"""Signatures of one part of a world, drawn and embedded, and their trials."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from synth import World

from .config import RunConfig
from .drawing import draw_in_chunks
from .elastic_head import PairHead
from .fusion import fuse
from .protocols import FUSIONS as REDUCED
from .protocols import Part as PartName
from .protocols import (
    SignatureSet,
    Similarity,
    TrialTable,
    cosine_scores,
    k_reference_trials,
    one_reference_trials,
    remembered,
)
from .sampling import evaluation_acts
from .splits import split_world
from .verifier import Verifier

Told = Callable[[int], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Drawn and embedded signatures of one part of a world.

    Attributes:
        signatures: What the protocols need to know.
        canvases: Preprocessed images, uint8 ``(n, height, width)``.
        embeddings: The network's view, ``(n, d)``.
        on_grid: Which forgeries belong to the skill curve only.
        head: What turns two embeddings into a score; None for the cosine.
        movements: Features of the trajectories, ``(n, samples, 7)``, where the network takes those; else None.
    """

    signatures: SignatureSet
    canvases: NDArray[np.uint8]
    embeddings: NDArray[np.float32]
    on_grid: NDArray[np.bool_]
    head: PairHead | None = None
    movements: NDArray[np.float32] | None = None

    def similarity(self, places: NDArray[np.intp]) -> Similarity:
        """Return the scores of the signatures at some places, as the protocols ask for them."""
        if self.head is None:
            return cosine_scores(self.embeddings[places])
        head, vectors = self.head, self.embeddings[places]
        return lambda rows, columns: head.scores(vectors[rows], vectors[columns])

    @property
    def headline(self) -> NDArray[np.intp]:
        """Places of the signatures that the headline rates are about."""
        return np.flatnonzero(~self.on_grid)


def subset(signatures: SignatureSet, places: NDArray[np.intp]) -> SignatureSet:
    """Return some rows of a set."""
    return SignatureSet(
        signatures.signer[places],
        signatures.kind[places],
        signatures.name[places],
        signatures.forger[places],
        signatures.skill[places],
    )


def draw_part(config: RunConfig, part: str, verifier: Verifier, told: Told = lambda n: None) -> Part:
    """Draw and embed the "dev" or "test" signers of a run; `told` hears how many images each step added."""
    signers = getattr(split_world(config.world), part)
    drawn = evaluation_acts(World(config.world.seed), signers, config.evaluation)
    canvases = draw_in_chunks(
        drawn.acts, height=verifier.height, width=verifier.width, recipe=verifier.recipe, on_chunk=told
    )
    movements = verifier.movements(drawn.acts)
    embeddings = verifier.embed_acts(drawn.acts, canvases)
    return Part(drawn.signatures, canvases, embeddings, drawn.on_grid, verifier.head, movements)


def trials_of(part: Part, config: RunConfig, name: PartName) -> TrialTable:
    """Return the one-reference trials of the headline signatures."""
    headline = part.headline
    return one_reference_trials(
        subset(part.signatures, headline),
        part.similarity(headline),
        part=name,
        n_random=config.evaluation.n_random,
        seed=config.world.seed,
    )


def fused_trials(
    part: Part,
    config: RunConfig,
    name: PartName,
    *,
    numbers: Sequence[int],
    fusions: Sequence[str],
    typical: float = 1.0,
) -> Iterator[tuple[tuple[int, str], TrialTable]]:
    """Yield the trials of the headline signatures against several references, with their number and fusion.

    Args:
        part: Drawn and embedded signatures.
        config: The run's: how many impostors, and the seed.
        name: "development" or "test".
        numbers: Of references; those that leave fewer than two signers a genuine signature to question are passed
            over. Signers whom they leave none are named in the trials' ``left_out``.
        fusions: Names in `fusion.FUSIONS`.
        typical: As for `fusion.fuse`: `Frozen.typical` where a frozen threshold judges the scores.
    """
    headline = subset(part.signatures, part.headline)
    vectors, scores = part.embeddings[part.headline], remembered(part.similarity(part.headline), headline.name.size)
    pair_scores = part.head.scores if part.head is not None else lambda a, b: a @ b.T
    counts = np.unique(headline.signer[headline.kind == "genuine"], return_counts=True)[1]
    most = np.sort(counts)[-2:][0]  # two signers at least remain
    for k in (k for k in numbers if k < most):
        for fusion in fusions:
            yield (
                (k, fusion),
                k_reference_trials(
                    headline,
                    scores,
                    part=name,
                    k=k,
                    fusion=fusion,
                    fuse=None
                    if fusion in REDUCED
                    else lambda r, q, name=fusion: fuse(  # type: ignore[misc]
                        name, vectors[r], vectors[q], pair_scores, typical=typical
                    ),
                    n_random=config.evaluation.n_random,
                    seed=config.world.seed,
                ),
            )
