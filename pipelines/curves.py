"""Error curves that only synthetic data can give: against skill, forger, references, script, pen, capture, stability.

Each condition is a cohort of test signers of the run's world (of a world with that script or pen alone, where that is
the condition), drawn, embedded and judged at the run's frozen threshold. No signer was trained on.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth import CAPTURES, PENS, PROFILES, World
from synth.acts import Act, genuine_act
from synth.config import WorldConfig
from synth.forgery import forgery_act

from .calibration import LogisticCalibrator, OperatingPoint
from .config import RunConfig
from .curve_points import Points
from .decisions import USUAL, fused_of, typical_of
from .drawing import draw_in_chunks
from .evaluation_parts import Part, subset
from .fusion import fuse
from .protocols import TrialTable, k_reference_trials, one_reference_trials
from .rates import Frozen, rates
from .sampling import describe
from .splits import judges
from .verifier import Verifier

SKILLS = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
KINDS = ("simple", "careless", "freehand", "slow_copier", "tracer")
KIND_SKILL = 0.8
REFERENCES = (1, 2, 3, 5, 10)
GENUINE = 12
FUSIONS = {"references": USUAL, "references_max": "max"}
"""Conditions of several references, and how their scores become one."""
RATES = ("eer_random", "eer_skilled", "eer_simple", "frr_frozen", "far_random_frozen", "far_skilled_frozen",
         "far_simple_frozen")  # fmt: skip
HEAD = ("condition", "value", "signers", "genuine_trials", "forgery_trials", "rate", "share", "low", "high")
TITLES = {
    "skill": "forger skill (freehand; 0 = bad copy, 1 = as if genuine)",
    "forger": f"kind of forger (skill {KIND_SKILL}; simple: knows the name only)",
    "references": "number of references (fused relatively, as usual)",
    "references_max": "number of references (the largest score counts)",
    "script": "script of all signers",
    "pen": "pen of every signature",
    "capture": "capture of every signature",
    "stability": "signer's own variation, quarters of the signers (relative s.d. of strokes)",
    "signers": "signers trained on",
    "time": "seconds of training",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Cohort:
    """A drawn part with, for each signature, the kind of its forger ("genuine" if none)."""

    part: Part
    maker: NDArray[np.str_]
    stability: NDArray[np.float64]


def draw_cohort(
    verifier: Verifier,
    world: World,
    signers: Sequence[int],
    *,
    genuine: int,
    forgeries: Sequence[tuple[str, float]],
    capture: str = "mixed",
    told: Callable[[int], None] = lambda n: None,
) -> Cohort:
    """Draw and embed genuine signatures of some signers and the same forgeries of each.

    Args:
        verifier: The run's.
        world: Where the signers live.
        signers: Which; each is forged by the next ones.
        genuine: How many signatures of each.
        forgeries: Kind and skill of each forgery.
        capture: A capture profile.
        told: Hears how many images each chunk added.
    """
    acts: list[Act] = []
    for i, index in enumerate(signers):
        acts += [genuine_act(world[index], 4 * k) for k in range(genuine)]
        for j, (kind, skill) in enumerate(forgeries):
            by = world[signers[(i + 1 + j % 3) % len(signers)]]
            acts.append(forgery_act(world[index], by=by, kind=kind, skill=skill, act=j))
    canvases = draw_in_chunks(
        acts,
        height=verifier.height,
        width=verifier.width,
        capture=capture,
        recipe=verifier.recipe,
        on_chunk=told,
    )
    embeddings = verifier.embed_acts(acts, canvases)
    part = Part(describe(acts), canvases, embeddings, np.zeros(len(acts), dtype=bool), verifier.head)
    stability = np.array([float(act.claimed.hand["stability"]) for act in acts])
    return Cohort(part, np.array([act.kind for act in acts]), stability)


def frozen_of(record: dict[str, Any]) -> Frozen:
    """Return what a run froze, from the content of its `verifier.json`; `for_references` gives that for several."""
    points = {name: OperatingPoint(**point) for name, point in record["points"].items()}
    nothing = np.empty(0)
    empty = np.empty(0, dtype=str)
    trials = TrialTable(empty, empty, empty, nothing, empty, empty, nothing.astype(np.float32), "development", "")
    calibrator = LogisticCalibrator.from_dict(record["calibrator"])
    return Frozen(points, calibrator, trials, fused_of(record), typical_of(record))


def rows_of(
    condition: str, value: object, trials: TrialTable, frozen: Frozen, config: RunConfig
) -> list[tuple[Any, ...]]:
    """Return the rates of one condition as rows of `HEAD`, with 95 % intervals over signers.

    Args:
        condition: Its name, such as "skill".
        value: Which of its values, such as 0.5.
        trials: Scored under that condition.
        frozen: Threshold and calibration of the run, not refitted.
        config: The run's; for bootstrap draws and seed.
    """
    found = rates(trials, frozen, draws=config.evaluation.bootstrap_draws, seed=config.world.seed)
    counts = found["trials"]
    start = (condition, value, found["signers"], counts["genuine"])
    rows = []
    for name in RATES:
        if name in found and found[name]["value"] is not None:
            kind = name.split("_")[1]
            n = counts["genuine"] if kind == "frozen" else counts[kind]
            rows.append((*start, n, name, found[name]["value"], found[name]["low"], found[name]["high"]))
    return rows


def _pairs(cohort: Cohort, keep: NDArray[np.bool_], config: RunConfig, n_random: int = 5) -> TrialTable:
    places = np.flatnonzero(keep)
    part = cohort.part
    return one_reference_trials(
        subset(part.signatures, places),
        part.similarity(places),
        part="test",
        n_random=n_random,
        seed=config.world.seed,
    )


def base_rows(cohort: Cohort, config: RunConfig, record: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Return skill, kind of forger, references and stability, all of one cohort drawn with `base_forgeries`.

    Args:
        cohort: Drawn and embedded.
        config: The run's.
        record: Its `verifier.json`.
    """
    genuine, own = cohort.maker == "genuine", cohort.part.signatures
    some = genuine & (_ordinal(own.signer) < 5)  # enough for pairs; all twelve would weigh genuine pairs ten to one
    frozen = frozen_of(record)
    for skill in SKILLS:
        forged = (cohort.maker == "freehand") & np.isclose(own.skill, skill)
        yield from rows_of("skill", skill, _pairs(cohort, some | forged, config, 0), frozen, config)
    for kind in KINDS:
        forged = (cohort.maker == kind) & ((kind == "simple") | np.isclose(own.skill, KIND_SKILL))
        yield from rows_of("forger", kind, _pairs(cohort, some | forged, config, 0), frozen, config)
    at_skill = (cohort.maker == "freehand") & np.isclose(own.skill, KIND_SKILL)
    yield from _reference_rows(cohort.part, np.flatnonzero(genuine | at_skill), frozen, config)
    edges = np.quantile(cohort.stability[genuine], [0, 0.25, 0.5, 0.75, 1.0])
    for low, high in itertools.pairwise(edges.tolist()):
        inside = (cohort.stability >= low) & ((cohort.stability < high) | (high == edges[-1]))
        trials = _pairs(cohort, (some | at_skill) & inside, config, 0)
        if np.unique(trials.claimed).size >= 2:
            yield from rows_of("stability", f"{low:.3f} to {high:.3f}", trials, frozen, config)


def _reference_rows(
    part: Part, places: NDArray[np.intp], frozen: Frozen, config: RunConfig
) -> Iterator[tuple[Any, ...]]:
    """Yield the rates against several references; those at a frozen threshold only where one was frozen for that."""
    vectors = part.embeddings[places]
    score = part.head.scores if part.head is not None else lambda a, b: a @ b.T
    for condition, fusion in FUSIONS.items():
        for k in REFERENCES:
            trials = k_reference_trials(
                subset(part.signatures, places),
                part.similarity(places),
                part="test",
                k=k,
                fuse=lambda r, q, name=fusion: fuse(  # type: ignore[misc]
                    name, vectors[r], vectors[q], score, typical=frozen.typical
                ),
                n_questioned=GENUINE - max(REFERENCES),
                n_random=5,
                seed=config.world.seed,
            )
            number, at = frozen.for_references(fusion, k)
            for row in rows_of(condition, k, trials, at, config):
                if k == 1 or number > 1 or not row[5].endswith("_frozen"):
                    yield row


def _ordinal(signers: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return each signature's place among those of its signer, from 0; signers stand together."""
    _, first, inverse = np.unique(signers, return_index=True, return_inverse=True)
    found: NDArray[np.intp] = np.arange(len(signers)) - first[inverse]
    return found


def base_forgeries(each: int = 2) -> list[tuple[str, float]]:
    """Return kind and skill of what is forged of every signer of the base cohort."""
    grid = [("freehand", skill) for skill in SKILLS]
    return [pair for pair in (*grid, *((kind, KIND_SKILL) for kind in KINDS)) for _ in range(each)]


def conditions() -> list[tuple[str, str, WorldConfig, str]]:
    """Return condition, value, the world it is drawn in, and the capture, of everything that is drawn anew."""
    usual = WorldConfig()
    found = [
        ("script", name, dataclasses.replace(usual, profiles=((name, 1.0),)), "mixed") for name in sorted(PROFILES)
    ]
    found += [("pen", name, dataclasses.replace(usual, pens=((name, 1.0),)), "mixed") for name in PENS]
    return found + [("capture", name, usual, name) for name in CAPTURES]


def measure_curves(
    verifier: Verifier,
    config: RunConfig,
    record: dict[str, Any],
    *,
    signers: int,
    told: Callable[[int], None] = lambda n: None,
) -> Points:
    """Return every rate of every condition, one row each.

    Args:
        verifier: Of a finished run.
        config: The run's.
        record: Its `verifier.json`.
        signers: How many signers a cohort has, at least 8; conditions that are drawn anew have half as many.
        told: Hears how many images were drawn and embedded.

    Raises:
        ValueError: If there are too few signers.
    """
    if signers < 8:
        raise ValueError(f"{signers} signers are too few for intervals over signers; use 8 or more, such as 40")
    rows: list[tuple[Any, ...]] = []
    everyone = judges(config.world, signers)
    base = draw_cohort(
        verifier,
        World(config.world.seed),
        everyone,
        genuine=GENUINE,
        forgeries=base_forgeries(),
        told=told,
    )
    rows += base_rows(base, config, record)
    half, frozen = everyone[: max(signers // 2, 8)], frozen_of(record)
    forgeries = [("freehand", KIND_SKILL)] * 3
    for condition, value, world, capture in conditions():
        cohort = draw_cohort(
            verifier,
            World(config.world.seed, world),
            half,
            genuine=4,
            forgeries=forgeries,
            capture=capture,
            told=told,
        )
        trials = _pairs(cohort, np.ones(len(cohort.maker), dtype=bool), config)
        rows += rows_of(condition, value, trials, frozen, config)
    return Points("curves", HEAD, rows)


def image_count(signers: int) -> int:
    """Return how many images `measure_curves` draws."""
    return signers * (GENUINE + len(base_forgeries())) + len(conditions()) * max(signers // 2, 8) * 7


def training_rows(runs: Sequence[tuple[str, RunConfig, dict[str, Any]]]) -> list[tuple[Any, ...]]:
    """Return the rates of several finished runs against signers and seconds of training, as rows of `HEAD`.

    Args:
        runs: Name, configuration and `metrics.json` of each; the name is part of the value, for two may be alike.
    """
    found: list[tuple[str, float, tuple[Any, ...]]] = []
    for run, config, metrics in runs:
        rates_, seconds = metrics["verifier"], metrics.get("cost", {}).get("seconds", {}).get("training")
        for condition, value in (("signers", config.world.train_signers), ("time", seconds)):
            for name in RATES:
                if value is not None and name in rates_ and rates_[name]["value"] is not None:
                    rate, kind = rates_[name], name.split("_")[1]
                    n = rates_["trials"]["genuine" if kind == "frozen" else kind]
                    start = (condition, f"{value:,} ({run})", rates_["signers"], rates_["trials"]["genuine"], n)
                    found.append((condition, value, (*start, name, rate["value"], rate["low"], rate["high"])))
    return [row for _, _, row in sorted(found, key=lambda each: each[:2])]
