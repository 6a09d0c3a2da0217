"""The published protocols on one set of embeddings: writer-dependent classifiers and the dissimilarity space.

Development signers are parted once: the first half teaches (negatives, the dissimilarity classifier), the second
chooses the threshold and the calibration. Both are frozen before a test signer is looked at.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from .dissimilarity import Dissimilarity, dissimilarity_trials
from .embedding_file import Embedded
from .metrics import far, frr
from .rates import Frozen, finite, freeze_on, rates, repeats_of
from .trials import TrialTable, check_disjoint
from .writer_dependent import Negatives, WriterDependent, writer_dependent_trials

PROTOCOLS = ("pairs", "wd", "dissimilarity")
CURVE = tuple((k, fusion) for k in (1, 3, 5, 10, 12) for fusion in ("max", "mean"))


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a protocol gave: an entry of `metrics.json` and its trials by their name in the score file."""

    metrics: dict[str, Any]
    tables: dict[str, TrialTable]


def wanted_protocols(name: str) -> tuple[str, ...]:
    """Return the protocols of an option; raise ValueError if it is unknown."""
    if name == "all":
        return PROTOCOLS
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}; use one of: {', '.join(PROTOCOLS)}, all")
    return tuple(dict.fromkeys(("pairs", name)))


def wanted_negatives(name: str | None, *, own: bool) -> Negatives:
    """Return whose signatures classifiers reject, by an option; of a user's ``own`` folder the other enrolled ones.

    Raises:
        ValueError: If the name is unknown.
    """
    if name is None:
        return "enrolled" if own else "development"
    if name not in ("development", "enrolled"):
        raise ValueError(f"unknown negatives {name!r}; use 'development' or 'enrolled'")
    return "development" if name == "development" else "enrolled"


def published_sizes(embedded: Embedded) -> tuple[int, int]:
    """Return how many genuine signatures are references and questioned, as the literature does for such a set.

    12 and 10 where nine signers in ten have as many (CEDAR, GPDS), 10 and 5 where they have that (MCYT), else two
    thirds and the rest.

    Raises:
        ValueError: If nobody has two genuine signatures.
    """
    signatures = embedded.signatures
    counts = np.unique(signatures.signer[signatures.kind == "genuine"], return_counts=True)[1]
    if counts.size == 0 or counts.max() < 2:
        raise ValueError("nobody has two genuine signatures, one to enrol and one to question")
    usual = int(np.quantile(counts, 0.1, method="lower"))
    for references, questioned in ((12, 10), (10, 5)):
        if usual >= references + questioned:
            return references, questioned
    usual = max(usual, 2)
    references = max(1, 2 * usual // 3)
    return references, usual - references


def halves(development: Embedded) -> tuple[Embedded, Embedded]:
    """Return development signers that teach and those that choose, half each, in the order of their names.

    Raises:
        ValueError: If there are fewer than four.
    """
    signers = development.signatures.signer
    names = np.unique(signers)
    if names.size < 4:
        raise ValueError(f"{names.size} development signers cannot be parted; at least 4 are needed")
    first = np.isin(signers, names[: names.size // 2])
    return development.take(np.flatnonzero(first)), development.take(np.flatnonzero(~first))


def writer_dependent(
    test: Embedded,
    development: Embedded,
    *,
    negatives: Negatives = "development",
    settings: WriterDependent | None = None,
    draws: int = 1000,
) -> Outcome:
    """Return the writer-dependent protocol: figures at the frozen threshold, at 0, and over repeats.

    Args:
        test: Embedded signatures of test signers.
        development: Of development signers.
        negatives: Whose genuine signatures the classifiers learn to reject: "development" signers', or the
            references of the other "enrolled" ones, where development signers come from elsewhere and could be told
            by that alone.
        settings: Counts; by `published_sizes` if left out.
        draws: Of the bootstrap.

    Raises:
        ValueError: If signers are too few or overlap.
    """
    if negatives not in ("development", "enrolled"):
        raise ValueError(f"unknown negatives {negatives!r}; use 'development' or 'enrolled'")
    references, questioned = published_sizes(test)
    chosen = settings or WriterDependent(references=references, questioned=questioned)
    teaching, choosing = halves(development)
    some = teaching if negatives == "development" else None
    on_development = _fitting(dataclasses.replace(chosen, repeats=min(chosen.repeats, 3)), choosing)
    frozen = freeze_on(writer_dependent_trials(choosing, part="development", settings=on_development, negatives=some))
    trials = writer_dependent_trials(test, part="test", settings=chosen, negatives=some)
    check_disjoint(frozen.trials, trials)
    alone = dataclasses.replace(chosen, fixed_references=True, repeats=min(chosen.repeats, 5))
    by_negatives = None
    if negatives == "development" or chosen.per_negative_signer < chosen.references:
        drawn = writer_dependent_trials(test, part="test", settings=alone, negatives=some)
        by_negatives = repeats_of(drawn, frozen)
    metrics = _entry(trials, frozen, draws=draws, seed=chosen.seed) | {
        "references": chosen.references,
        "questioned": chosen.questioned,
        "negatives": negatives,
        "negatives_per_signer": min(chosen.per_negative_signer, chosen.references)
        if some is None
        else chosen.per_negative_signer,
        "classifier": {"kernel": "rbf", "C": chosen.c, "gamma": chosen.gamma, "skew_weights": True, "centred": False},
        "repeats_over_negatives_alone": by_negatives,
    }
    return Outcome(metrics, {"wd": trials, "wd development": frozen.trials})


def dissimilarity(
    test: Embedded, development: Embedded, *, settings: Dissimilarity | None = None, draws: int = 1000
) -> Outcome:
    """Return the dissimilarity protocol: figures at the frozen threshold, at 0, and against references and fusion.

    Args:
        test: Embedded signatures of test signers.
        development: Of development signers; they alone teach the classifier.
        settings: Counts; by `published_sizes` if left out.
        draws: Of the bootstrap.

    Raises:
        ValueError: If signers are too few or overlap.
    """
    references, questioned = published_sizes(test)
    chosen = settings or Dissimilarity(references=references, questioned=questioned)
    teaching, choosing = halves(development)
    curve = tuple(key for key in CURVE if key[0] <= chosen.references)
    on_development = _fitting(dataclasses.replace(chosen, repeats=1), choosing)
    tried = dissimilarity_trials(choosing, teaching, part="development", settings=on_development)
    frozen = freeze_on(tried[on_development.references, chosen.fusion])
    tables = dissimilarity_trials(test, teaching, part="test", settings=chosen, curve=curve)
    trials = tables[chosen.references, chosen.fusion]
    check_disjoint(frozen.trials, trials)
    metrics = _entry(trials, frozen, draws=draws, seed=chosen.seed) | {
        "references": chosen.references,
        "questioned": chosen.questioned,
        "fusion": chosen.fusion,
        "classifier": {"kernel": "rbf", "C": chosen.c, "gamma": chosen.gamma, "skew_weights": False, "centred": False},
        "by_references": [
            {"references": k, "fusion": fusion, **repeats_of(tables[k, fusion], None)} for k, fusion in tables
        ],
    }
    named = {f"dissimilarity {fusion} {k}": table for (k, fusion), table in tables.items()}
    main = f"dissimilarity {chosen.fusion} {chosen.references}"
    return Outcome(
        metrics | {"table": main, "development_table": "dissimilarity development"},
        {main: trials, **named, "dissimilarity development": frozen.trials},
    )


Settings = TypeVar("Settings", WriterDependent, Dissimilarity)


def _fitting(chosen: Settings, embedded: Embedded) -> Settings:
    """Return settings with as many references and questioned as development signers can give, at most as chosen."""
    references, questioned = published_sizes(embedded)
    if references + questioned >= chosen.references + chosen.questioned:
        return chosen
    return dataclasses.replace(
        chosen, references=min(references, chosen.references), questioned=min(questioned, chosen.questioned)
    )


def _entry(trials: TrialTable, frozen: Frozen, *, draws: int, seed: int) -> dict[str, Any]:
    """Return what both protocols say alike."""
    kinds = [kind for kind in ("random", "simple", "skilled") if (trials.kind == kind).any()]
    scores = {kind: trials.select(kind=kind).score for kind in ("genuine", *kinds)}
    at_zero = {"frr": frr(scores["genuine"], 0.0), **{f"far_{kind}": far(scores[kind], 0.0) for kind in kinds}}
    return {
        "protocol": trials.protocol,
        "threshold": finite(frozen.threshold),
        "threshold_source": f"development signers ({np.unique(frozen.trials.claimed).size}): FRR = FAR of skilled",
        "points": {
            name: {key: None if value is None else finite(value) for key, value in dataclasses.asdict(point).items()}
            for name, point in frozen.points.items()
        },
        "calibrator": frozen.calibrator.to_dict(),
        "rates": rates(trials, frozen, draws=draws, seed=seed),
        "at_threshold_0": at_zero,
        "repeats": repeats_of(trials, frozen),
        "left_out": list(trials.left_out),
        "table": "wd",
        "development_table": "wd development",
    }


def run_protocols(
    wanted: Sequence[str], test: Embedded, development: Embedded, *, negatives: Negatives, draws: int
) -> Outcome:
    """Return the protocols beyond pairs that are wanted, as ``{"writer_dependent": ..., "dissimilarity": ...}``."""
    metrics: dict[str, Any] = {}
    tables: dict[str, TrialTable] = {}
    if "wd" in wanted:
        found = writer_dependent(test, development, negatives=negatives, draws=draws)
        metrics["writer_dependent"] = found.metrics
        tables |= found.tables
    if "dissimilarity" in wanted:
        found = dissimilarity(test, development, draws=draws)
        metrics["dissimilarity"] = found.metrics
        tables |= found.tables
    return Outcome(metrics, tables)
