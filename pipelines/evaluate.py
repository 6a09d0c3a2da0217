"""From a verifier and signatures to trials, rates with intervals, and baselines on the same trials.

Thresholds and calibration come from development signers and are frozen; test signers only ever judge them.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import World

from .calibration import choose_thresholds, fit_calibrator
from .calibrators import calibration_of
from .config import RunConfig
from .decisions import FusedPoint
from .drawing import draw_in_chunks
from .elastic_head import PairHead
from .evaluation_card import resplit
from .fusion import FUSIONS, fuse
from .metrics import auc
from .protocols import FUSIONS as REDUCED
from .protocols import Part as PartName
from .protocols import (
    SignatureSet,
    Similarity,
    TrialTable,
    check_disjoint,
    cosine_scores,
    k_reference_trials,
    one_reference_trials,
    remembered,
)
from .rates import Frozen as Frozen
from .rates import freeze_on
from .rates import rates as rates
from .rivals import SEVERAL, rivals_of
from .sampling import evaluation_acts
from .splits import split_world
from .verifier import Verifier

Told = Callable[[int], None]
FROZEN_FOR = (2, 3, 5, 10)
"""Numbers of references that thresholds are frozen for."""
NUMBERS, CURVE_FUSIONS = (1, 3, 5, 10, 12), ("max", "mean", "relative")
"""What the curve of references shows."""


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


def freeze(part: Part, config: RunConfig) -> Frozen:
    """Return thresholds and calibration from the development part."""
    trials = trials_of(part, config, "development")
    _check_direction(trials.select(kind="genuine"), trials.select(kind="random"))
    return freeze_on(trials)


def _check_direction(genuine: TrialTable, random: TrialTable) -> None:
    """Raise ValueError if other people's signatures score higher than genuine ones, as a distance would."""
    if min(len(genuine), len(random)) < 20:
        return
    if (found := auc(genuine.score, random.score)) < 0.35:
        raise ValueError(
            f"scores look turned round: on development signers genuine signatures score lower than random forgeries "
            f"(AUC {found:.2f}); a score must rise with likeness, so hand on minus a distance"
        )


def freeze_fused(part: Part, config: RunConfig) -> dict[str, FusedPoint]:
    """Return thresholds and calibration for several references, by "fusion/number", from the development part."""
    tables = fused_trials(part, config, "development", numbers=FROZEN_FOR, fusions=FUSIONS)
    found = {}
    for (k, fusion), trials in tables:
        genuine, skilled, random = (trials.select(kind=kind) for kind in ("genuine", "skilled", "random"))
        if len(genuine) and len(skilled):
            point = choose_thresholds(genuine, skilled, random)["eer_skilled"]
            found[f"{fusion}/{k}"] = FusedPoint(point.threshold, fit_calibrator(genuine, skilled))
    return found


def fused_trials(
    part: Part, config: RunConfig, name: PartName, *, numbers: Sequence[int], fusions: Sequence[str]
) -> Iterator[tuple[tuple[int, str], TrialTable]]:
    """Yield the trials of the headline signatures against several references, with their number and fusion.

    Args:
        part: Drawn and embedded signatures.
        config: The run's: how many impostors, and the seed.
        name: "development" or "test".
        numbers: Of references; those that leave fewer than two signers a genuine signature to question are passed
            over. Signers whom they leave none are named in the trials' ``left_out``.
        fusions: Names in `fusion.FUSIONS`.
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
                    else lambda r, q, name=fusion: fuse(name, vectors[r], vectors[q], pair_scores),  # type: ignore[misc]
                    n_random=config.evaluation.n_random,
                    seed=config.world.seed,
                ),
            )


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


Kept = dict[str, TrialTable] | None
"""Where trials go by name, if anybody wants them for the score file."""


def _keep(kept: Kept, name: str, trials: TrialTable) -> None:
    if kept is not None:
        kept[name] = trials


def skill_curve(part: Part, config: RunConfig, frozen: Frozen, kept: Kept = None) -> list[dict[str, Any]]:
    """Return the error against forger skill: EER and frozen FAR of the forgeries on the grid, per skill."""
    rows = []
    for skill in config.evaluation.skills:
        wanted = (part.signatures.kind == "genuine") | (part.on_grid & np.isclose(part.signatures.skill, skill))
        places = np.flatnonzero(wanted)
        trials = one_reference_trials(
            subset(part.signatures, places),
            part.similarity(places),
            part="test",
            n_random=0,
            seed=config.world.seed,
        )
        _keep(kept, f"skill {skill:g}", trials)
        found = rates(trials, frozen, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
        rows.append(
            {
                "skill": skill,
                "forgeries": int((part.on_grid & wanted).sum()),
                "eer_skilled": found["eer_skilled"],
                "far_skilled_frozen": found["far_skilled_frozen"],
            }
        )
    return rows


def reference_curve(
    part: Part, config: RunConfig, frozen: Frozen, kept: Kept = None, *, rivals: Mapping[str, Part] | None = None
) -> list[dict[str, Any]]:
    """Return the error against the number of references, fused by the largest score, the mean, and relatively.

    Rates are at the thresholds that were frozen for that fusion and the nearest number of references below. With
    `rivals`, a row also holds the equal error rates of those in `rivals.SEVERAL` on the same trials, fused alike.
    """
    rows = []
    beside = _reference_errors(rivals or {}, config, kept)
    for (k, fusion), trials in _curve_trials(part, config):
        _keep(kept, f"references {fusion} {k}", trials)
        number, holds = frozen.for_references(fusion, k)
        found = rates(trials, holds, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
        rows.append(
            {
                "references": k,
                "fusion": fusion,
                "threshold": holds.threshold,
                "threshold_for_references": number,
                "left_out": list(trials.left_out),
                **{name: found[name] for name in found if name.startswith(("eer_", "far_", "frr_"))},
                "baselines": beside.get((k, fusion), {}),
            }
        )
    return rows


def _curve_trials(part: Part, config: RunConfig) -> Iterator[tuple[tuple[int, str], TrialTable]]:
    """Yield the trials that the curve of references shows; a single one needs no fusion, and comes as "max"."""
    tables = fused_trials(part, config, "test", numbers=NUMBERS, fusions=CURVE_FUSIONS)
    return ((at, trials) for at, trials in tables if at[0] > 1 or at[1] == "max")


def _reference_errors(
    rivals: Mapping[str, Part], config: RunConfig, kept: Kept
) -> dict[tuple[int, str], dict[str, Any]]:
    """Return the equal error rates of baselines by number of references and fusion, then by name."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for name in (name for name in rivals if name in SEVERAL):
        for at, trials in _curve_trials(rivals[name], config):
            _keep(kept, f"baseline {name} references {at[1]} {at[0]}", trials)
            every = rates(trials, None, draws=config.evaluation.bootstrap_draws, seed=config.world.seed, brief=True)
            errors = {kind: every[kind] for kind in ("eer_random", "eer_skilled") if kind in every}
            found.setdefault(at, {})[name] = errors
    return found


def baselines(rivals: Mapping[str, Part], config: RunConfig, kept: Kept = None) -> dict[str, dict[str, Any]]:
    """Return the rates of raw pixels, of histograms of gradients and the like on the very same trials."""
    found = {}
    for name, rival in rivals.items():
        trials = trials_of(rival, config, "test")
        _keep(kept, f"baseline {name}", trials)
        found[name] = rates(trials, None, draws=config.evaluation.bootstrap_draws, seed=config.world.seed)
    return found


def measure(
    test: Part, development: Part, config: RunConfig, kept: Kept = None
) -> tuple[dict[str, Any], Frozen, TrialTable]:
    """Return the metrics of a synthetic evaluation, what was frozen, and the test trials; `kept` gets all trials."""
    frozen = dataclasses.replace(freeze(development, config), fused=freeze_fused(development, config))
    trials = trials_of(test, config, "test")
    check_disjoint(frozen.trials, trials)
    _keep(kept, "pairs", trials)
    _keep(kept, "development", frozen.trials)
    draws, seed, rivals = config.evaluation.bootstrap_draws, config.world.seed, rivals_of(test)
    metrics = {
        "verifier": rates(trials, frozen, draws=draws, seed=seed),
        "baselines": baselines(rivals, config, kept),
        "skills": skill_curve(test, config, frozen, kept),
        "references": reference_curve(test, config, frozen, kept, rivals=rivals),
        "development": {
            "signers": len(np.unique(frozen.trials.claimed)),
            "points": {name: dataclasses.asdict(point) for name, point in frozen.points.items()},
            "calibrator": frozen.calibrator.to_dict(),
        },
        "calibration": calibration_of(frozen.trials, trials, draws=draws, seed=seed),
        "splits": resplit([frozen.trials, trials]),
        "protocol": trials.protocol,
        "left_out": list(trials.left_out),
    }
    return metrics, frozen, trials
