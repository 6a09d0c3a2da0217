"""How a world compares with what real signatures measure; the page itself is in `realism_page.py`.

Bands flag drift: one population of public signatures is a check, not a target that every world has to hit.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.statistics import spread
from synth.warping import BAND, warped

from . import bands
from .bands import PERCENTILES, Band, Five
from .population import Population


class Row(NamedTuple):
    """One line of the comparison: what was found, where real signatures lie, whether the median is inside."""

    group: str
    name: str
    label: str
    unit: str
    who: str
    found: Five
    band: Five
    inside: bool | None


def five(values: NDArray[np.float64]) -> Five:
    """Return the percentiles 5, 25, 50, 75, 95 of the finite values; NaN if there are none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return (float("nan"),) * 5
    a, b, c, d, e = np.percentile(values, PERCENTILES)
    return float(a), float(b), float(c), float(d), float(e)


def is_inside(found: Five, band: Five) -> bool | None:
    """Return whether the median lies from the 25 to the 75 % of a band (5 to 95 % where only those are known)."""
    low = band[1] if np.isfinite(band[1]) else band[0]
    high = band[3] if np.isfinite(band[3]) else band[4]
    if not np.isfinite([low, high, found[2]]).all():
        return None
    return bool(low <= found[2] <= high)


def compare(people: Population, forger: str = "freehand") -> list[Row]:
    """Return every line of the comparison that the population has values for.

    Args:
        people: A world or a folder.
        forger: The kind of forgery that is held against the band of skilled forgeries.
    """
    rows: list[Row] = []
    for group, prefix, table in (
        ("movement, whole record", "whole.", bands.WHOLE),
        ("movement, cut at lifts", "cut.", bands.CUT),
        ("size and images (weak bands)", "", bands.IMAGES),
    ):
        for band in table:
            for who, five_known in (("genuine", band.genuine), (forger, band.forged)):
                if five_known is not None:
                    rows += _row(group, band, who, people.values(prefix + band.name, who), five_known)
    rows += _over_signers(people, forger)
    for band, values in zip(bands.WARPING, _warping_ratios(people, forger), strict=True):
        rows += _row("warping distance (weak bands)", band, "per signer", values, band.genuine)
    return rows


def _row(group: str, band: Band, who: str, values: NDArray[np.float64], known: Five) -> list[Row]:
    found = five(values)
    if not np.isfinite(found[2]):
        return []
    return [Row(group, band.name, band.label, band.unit, who, found, known, is_inside(found, known))]


def _over_signers(people: Population, forger: str) -> list[Row]:
    if "cut.duration_s" not in people.columns:
        return []
    spreads: list[dict[str, float]] = []
    ratios: dict[str, list[float]] = {band.name: [] for band in bands.RATIOS}
    columns = people.columns | {"cut.pen_downs": people.columns["cut.pen_ups"] + 1.0}
    for signer in dict.fromkeys(people.signer.tolist()):
        own = (people.signer == signer) & np.isfinite(columns["cut.duration_s"])
        genuine, forged = own & (people.kind == "genuine"), own & (people.kind == forger)
        if genuine.sum() >= 2:
            names = ("width_mm", "height_mm", "path_mm", "duration_s", "pen_ups")
            acts = [{name: float(columns[f"cut.{name}"][i]) for name in names} for i in np.flatnonzero(genuine)]
            spreads.append(spread(acts))
        if genuine.any() and forged.any():
            for name, found in ratios.items():
                column = columns[f"cut.{name}"]
                found.append(float(np.nanmedian(column[forged]) / np.nanmedian(column[genuine])))
    rows: list[Row] = []
    for band in bands.RATIOS:
        rows += _row("skilled / genuine, per signer", band, forger, np.array(ratios[band.name]), band.genuine)
    for band in bands.SPREADS:
        values = np.array([found[band.name] for found in spreads])
        rows += _row("spread inside a signer", band, "genuine", values, band.genuine)
    return rows


def _distances(ones: Sequence[Any], others: Sequence[Any]) -> list[float]:
    return [float(warped(one, other, BAND)) for one in ones for other in others]


def _of(people: Population, signer: str, kind: str, most: int = 4) -> list[NDArray[np.float64]]:
    places = np.flatnonzero((people.signer == signer) & (people.kind == kind))
    return [w for i in places if (w := people.warping[i]) is not None][:most]


def _warping_ratios(people: Population, forger: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return random / intra and skilled / intra of each signer's median warping distances."""
    names = list(dict.fromkeys(people.signer.tolist()))
    random, skilled = [], []
    for i, name in enumerate(names):
        own, forged = _of(people, name, "genuine"), _of(people, name, forger)
        others = [act for j in (1, 2, 3) for act in _of(people, names[(i + j) % len(names)], "genuine")[:1]]
        if len(own) < 2 or len(names) < 4 or not others:
            continue
        intra = float(np.median([warped(a, b, BAND) for a, b in itertools.combinations(own, 2)]))
        random.append(float(np.median(_distances(own[:2], others))) / intra)
        if forged:
            skilled.append(float(np.median(_distances(own[:2], forged))) / intra)
    return np.array(random), np.array(skilled)


def warping_areas(people: Population) -> dict[str, float]:
    """Return the AUC of the warping distance to one reference, for each kind of forgery and for random ones."""
    from sklearn.metrics import roc_auc_score

    names = list(dict.fromkeys(people.signer.tolist()))
    kinds = [kind for kind in dict.fromkeys(people.kind.tolist()) if kind != "genuine"]
    found: dict[str, list[float]] = {kind: [] for kind in ("genuine", "random", *kinds)}
    for i, name in enumerate(names):
        own = _of(people, name, "genuine")
        if len(own) < 2:
            continue
        found["genuine"] += _distances(own[:1], own[1:])
        found["random"] += _distances(own[:1], _of(people, names[(i + 1) % len(names)], "genuine"))
        for kind in kinds:
            found[kind] += _distances(own[:1], _of(people, name, kind, 16))
    genuine = found.pop("genuine")
    return {
        kind: float(roc_auc_score([0] * len(genuine) + [1] * len(values), genuine + values))
        for kind, values in found.items()
        if genuine and values
    }


def gaps(world: Population, own: Population, kinds: Sequence[str] = ("genuine", "freehand")) -> list[tuple[Any, ...]]:
    """Return how far two populations lie apart, a row for each statistic and kind of which both have values.

    Args:
        world: One of them.
        own: The other.
        kinds: Of signatures.

    Returns:
        Statistic, kind, the percentiles of both (see `five`) and their Kolmogorov-Smirnov distance, 0 to 1.
    """
    rows: list[tuple[Any, ...]] = []
    names: list[str] = [name for name in world.columns if name in own.columns and not _is_size(name)]
    for name, kind in itertools.product(names, kinds):
        a, b = world.values(name, kind), own.values(name, kind)
        if len(a) and len(b):
            rows.append((name, kind, five(a), five(b), ks_distance(a, b)))
    return rows


def _is_size(name: str) -> bool:
    return name.endswith("_px")


def ks_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the largest gap between two empirical distribution functions, from 0 (alike) to 1."""
    at = np.concatenate([one, other])
    f = np.searchsorted(np.sort(one), at, side="right") / len(one)
    g = np.searchsorted(np.sort(other), at, side="right") / len(other)
    return float(np.abs(f - g).max())
