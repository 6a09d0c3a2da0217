"""The minimum evaluation card: what a reader must know before believing a figure, in one place of `metrics.json`."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .metrics import auc, eer, far, frr
from .trials import SignatureSet, TrialTable

ITEMS = (
    "split",
    "signers_per_part",
    "references",
    "kinds",
    "threshold_source",
    "rates",
    "aposteriori",
    "likelihood_ratio_costs",
    "repeats",
    "probes",
    "duplicates_removed",
)
"""What a card must say."""


def resplit(tables: list[TrialTable], *, repeats: int = 10, seed: int = 1234) -> dict[str, Any] | None:
    """Return rates at thresholds chosen on one random half of all signers and judged on the other, over repeats.

    What the split itself moves: the same scores, other signers on either side. Random forgeries whose impostor is on
    the other side are left out.

    Args:
        tables: One-reference trials; development and test signers together, or those of a user's folder.
        repeats: Random halves.
        seed: Of the halves.

    Returns:
        Mean and standard deviation of each rate, with all values; None if no half has both kinds.
    """
    people = np.unique(np.concatenate([table.claimed for table in tables]))
    if people.size < 4:
        return None
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        choosing = rng.permutation(people)[: people.size // 2]
        for name, value in _rates_of_half(tables, choosing).items():
            found.setdefault(name, []).append(value)
    if not found:
        return None
    return {"n": repeats} | {
        name: {"mean": float(np.mean(values)), "sd": float(np.std(values, ddof=1)), "values": values}
        for name, values in found.items()
        if len(values) > 1
    }


def _rates_of_half(tables: list[TrialTable], choosing: NDArray[np.str_]) -> dict[str, float]:
    scores: dict[tuple[bool, str], list[NDArray[np.float32]]] = {}
    for table in tables:
        chooses = np.isin(table.claimed, choosing)
        same = (table.impostor == "") | (np.isin(table.impostor, choosing) == chooses)
        for kind in ("genuine", "skilled", "random"):
            for side in (True, False):
                scores.setdefault((side, kind), []).append(table.score[same & (chooses == side) & (table.kind == kind)])
    pooled = {key: np.concatenate(values) for key, values in scores.items()}
    if any(pooled[side, kind].size == 0 for side in (True, False) for kind in ("genuine", "skilled")):
        return {}
    threshold = eer(pooled[True, "genuine"], pooled[True, "skilled"]).threshold
    rates = {"frr": frr(pooled[False, "genuine"], threshold)}
    for kind in ("skilled", "random"):
        if pooled[False, kind].size:
            rates[f"far_{kind}"] = far(pooled[False, kind], threshold)
    return rates


def duplicates_in(canvases: NDArray[np.uint8]) -> int:
    """Return how many prepared images equal one before them, pixel by pixel."""
    digests = [hashlib.sha256(np.ascontiguousarray(canvas).tobytes()).digest() for canvas in canvases]
    return len(digests) - len(set(digests))


def image_probes(signatures: SignatureSet, canvases: NDArray[np.uint8]) -> dict[str, dict[str, float]]:
    """Return how well one number of one prepared image, without a reference, tells skilled forgeries from genuine.

    Ink share, ink darkness and the extent of the ink, as areas under the ROC curve of "genuine is higher": 0.5 tells
    nothing, and what is far from it a verifier could have used instead of the handwriting.
    """
    ink = canvases < 128
    filled = np.maximum(ink.sum(axis=(1, 2)), 1)
    features = {
        "ink_share": ink.mean(axis=(1, 2)),
        "ink_darkness": -np.where(ink, canvases, 0).sum(axis=(1, 2), dtype=np.float64) / filled,
        "ink_height": ink.any(axis=2).sum(axis=1).astype(np.float64),
        "ink_width": ink.any(axis=1).sum(axis=1).astype(np.float64),
    }
    genuine = signatures.kind == "genuine"
    kinds = [kind for kind in ("simple", "skilled") if (signatures.kind == kind).any()]
    return {
        kind: {name: auc(values[genuine], values[signatures.kind == kind]) for name, values in features.items()}
        for kind in kinds
        if genuine.any()
    }


def card_of(
    metrics: Mapping[str, Any],
    *,
    config: RunConfig,
    probes: Mapping[str, Any],
    duplicates: Mapping[str, int],
) -> dict[str, Any]:
    """Return the card of an evaluation, from what it measured.

    Args:
        metrics: What `metrics.json` is going to hold.
        config: The run's.
        probes: By kind and name of the probe, its AUC; see `image_probes`.
        duplicates: How many images were removed, and how many of those left equal another.
    """
    main, protocols = metrics["verifier"], metrics.get("protocols", {})
    dependent = protocols.get("writer_dependent", {})
    drawn = dependent.get("repeats_over_negatives_alone")
    own = "counts" not in metrics

    def each(said: Callable[[Mapping[str, Any]], Any]) -> dict[str, Any]:
        """Return what is said of the rates of pairs and of every protocol."""
        return {"pairs": said(main), **{name: said(entry["rates"]) for name, entry in protocols.items()}}

    return {
        "split": {
            "by": "signers; no signer or forger is in two parts",
            "object": "ranges of signer numbers of one world" if own else "a folder, judged whole",
            "seed": config.world.seed,
        },
        "signers_per_part": {
            "train": config.world.train_signers,
            "development": metrics["development"]["signers"],
            "test": main["signers"],
            **{f"test, {name}": entry["rates"]["signers"] for name, entry in protocols.items()},
        },
        "references": {
            "pairs": {"references": 1, "fusion": "none"},
            **{
                name: {"references": entry["references"], "fusion": entry.get("fusion", "one classifier")}
                for name, entry in protocols.items()
            },
        },
        "kinds": each(lambda rates: rates["trials"]),
        "threshold_source": {
            "pairs": f"{metrics['development']['signers']} development signers, FRR = FAR of skilled, frozen",
            **{name: entry["threshold_source"] for name, entry in protocols.items()},
        },
        "rates": each(_frozen),
        "aposteriori": each(_aposteriori),
        "likelihood_ratio_costs": each(_costs),
        "repeats": {
            "over_splits": metrics.get("splits"),
            "over_references_and_negatives": dependent.get("repeats"),
            "over_negatives_alone": drawn if dependent else None,
            "why_none": _why_none(metrics, bool(dependent), drawn),
        },
        "probes": dict(probes),
        "duplicates_removed": dict(duplicates),
    }


def _why_none(metrics: Mapping[str, Any], dependent: bool, drawn: Any) -> list[str]:
    reasons = []
    if not metrics.get("splits"):
        reasons.append("over_splits: fewer than four signers, or a kind is missing")
    if not dependent:
        reasons.append("over negatives: writer-dependent protocol not run; evaluate --protocol wd or all")
    elif drawn is None:
        reasons.append("over_negatives_alone: every reference of every other enrolled signer is a negative already")
    return reasons


def _frozen(rates: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rates.items() if name.endswith("_frozen")}


def _aposteriori(rates: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rates.items() if "_aposteriori" in name and name.startswith("eer_")}


def _costs(rates: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rates.get(name) for name in ("cllr_skilled", "min_cllr_skilled_aposteriori", "ece_skilled")}
