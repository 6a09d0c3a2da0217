"""The page and the table of `python -m pipelines shift`: every shifted world beside a run's own."""

import html
from typing import Any

import numpy as np

from .config import RunConfig
from .page import figure, page, picture, table
from .plots import new_axes, to_svg
from .report_tables import gap, share
from .shift import SHOWN, Outcome, ranked
from .shift_rates import FUSIONS, REFERENCES
from .shift_words import difference_of
from .verifier import NOTICE

ERRORS = ("world", "met", "EER random", "EER skilled", "gap", "HOG, EER skilled", "HOG gap")
FROZEN = ("world", "FRR", "FAR skilled", "FAR random", "Cllr", "min-Cllr")
SEVERAL = (
    "world",
    *(f"{words}: {rate}" for words in FUSIONS.values() for rate in ("EER skilled", "FRR", "FAR skilled")),
)
VERIFIER, HOG = "#D55E00", "#0072B2"


def rows_of(found: list[Outcome]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return the rows of `ERRORS` and `FROZEN`.

    The own world comes first, then shifts never met, largest gap of the skilled EER first, then the rest.
    """
    rows = [_row(each) for each in _in_order(found)]
    n = len(ERRORS)
    return [row[:n] for row in rows], [(row[0], *row[n:]) for row in rows]


def _in_order(found: list[Outcome]) -> list[Outcome]:
    first = ranked(found)
    return [found[0], *first, *(each for each in found[1:] if each not in first)]


def _row(each: Outcome) -> tuple[str, ...]:
    values, kind = each.record, each.record["forged"]
    rates, hog = values["verifier"], values["hog"]
    gaps = [values.get(f"gap_{method}", {}).get(f"eer_{kind}") for method in ("verifier", "hog")]
    name = values["name"] + (" (simple forgeries)" if kind == "simple" else "")
    name += f" ({values['unreadable']} unreadable)" if values["unreadable"] else ""
    seen = "itself" if each.shift.group == "own" else {"yes": "yes", "part": "in part", "no": "never"}[values["seen"]]
    cllr, least = rates.get(f"cllr_{kind}"), values["min_cllr_aposteriori"]
    return (
        name,
        seen,
        share(rates.get("eer_random")),
        share(rates.get(f"eer_{kind}")),
        gap(gaps[0]),
        share(hog.get(f"eer_{kind}")),
        gap(gaps[1]),
        share(rates["frr_frozen"]),
        share(rates.get(f"far_{kind}_frozen")),
        share(rates.get("far_random_frozen")),
        "-" if cllr is None else f"{cllr['value']:.2f}",
        "-" if least is None else f"{least:.2f}",
    )


def several_rows(found: list[Outcome]) -> list[tuple[str, ...]]:
    """Return the rows of `SEVERAL`, in the order of `rows_of`; none if the run froze nothing for several references."""
    rows = []
    for each in _in_order(found):
        kind, cells = each.record["forged"], [each.record["name"]]
        for fusion in FUSIONS:
            rates = each.record.get(f"verifier {fusion}", {})
            cells += [share(rates.get(name)) for name in (f"eer_{kind}", "frr_frozen", f"far_{kind}_frozen")]
        rows.append(tuple(cells))
    return rows if f"verifier {next(iter(FUSIONS))}" in found[0].record else []


def shift_html(found: list[Outcome], config: RunConfig) -> str:
    """Return the whole page."""
    own, signers = found[0].record, found[0].record["signers"]
    errors, frozen = rows_of(found)
    lines = [
        f"<p class=notice>The verifier was {html.escape(NOTICE)}. World {config.world.seed}, {signers} test signers in "
        "every world, one reference. All rates in per cent, Cllr in bits; in brackets: 95 % over signers. Gap: error "
        "of the shifted world less that of the own one, in percentage points. Where HOG's gap is as large, the world "
        "is harder; where the verifier's is larger, what it learnt does not carry over. FRR, FAR and Cllr are those of "
        "the threshold and calibration frozen on development signers of the own world.</p>",
        "<p>Met in training: <b>never</b> is a shift; <b>in part</b> is something training draws among other things, "
        "here alone; <b>yes</b> is training's own law, where a gap is chance. Most worlds are drawn at the size of the "
        "canvas, as training is; captures are files of their own resolution, and what is done to pictures is done to "
        "scans of 300 dpi, of which <b>untouched</b> has nothing else.</p>",
        f"<div class=small>{table(ERRORS, errors)}</div>",
        *_differences(found),
    ]
    skilled = [each for each in [found[0], *ranked(found)] if "eer_skilled" in each.record["verifier"]]
    if len(skilled) > 1:
        lines += [
            "<h2>Error on worlds never met</h2>",
            figure(to_svg(_eer_axes(skilled)), "Skilled forgeries, one reference; numbers: shift.csv."),
            "<h2>The frozen threshold there</h2>",
            figure(to_svg(_frozen_axes(skilled)), "Threshold chosen on development signers of the own world. On these "
                   f"{signers} test signers of the own world, FRR there is {share(own['verifier']['frr_frozen'])} %."),
        ]  # fmt: skip
    lines += [
        f"<div class=small>{table(FROZEN, frozen)}</div>",
        *_several(found),
        "<h2>What the worlds look like</h2>",
        "<p>One signer each, as the verifier sees it: genuine, then forged.",
    ]
    lines += [figure(picture(_strip(each), each.shift.name), each.shift.name) for each in found]
    return page("Paraph world shift", "Worlds that were not trained on", "\n".join(lines))


def _differences(found: list[Outcome]) -> list[str]:
    """Return what is different in each world, in the order of `rows_of`."""
    rows = [(each.shift.name, difference_of(each.shift.name)) for each in _in_order(found)]
    return [
        "<h2>What is different in each world</h2>",
        f"<div class=small>{table(('world', 'difference'), rows, words=True)}</div>",
    ]


def _several(found: list[Outcome]) -> list[str]:
    """Return what the page says of several references, if the run froze anything for them."""
    if not (rows := several_rows(found)):
        return []
    return [
        f"<h2>With {REFERENCES} references</h2>",
        f"<p>The same people and forgeries, against {REFERENCES} references of each, at the thresholds that were "
        "frozen for that: by the best match, and relatively, by the best ones, which asks less of people whose own "
        "references resemble each other less. Where people vary more or less than in training, "
        "that is the reason to enrol several.</p>",
        f"<div class=small>{table(SEVERAL, rows)}</div>",
    ]


def _strip(each: Outcome) -> Any:
    framed = [np.pad(canvas, 2, constant_values=160) for canvas in each.shown[:SHOWN]]
    return np.hstack(framed)


def _bars(axes: Any, found: list[Outcome], series: list[tuple[str, str, str, str]]) -> None:
    places = np.arange(len(found))[::-1]
    for i, (method, name, label, colour) in enumerate(series):
        rates = [each.record[method].get(name) for each in found]
        values = 100 * np.array([[np.nan if r is None or r[k] is None else r[k] for k in ("value", "low", "high")]
                                 for r in rates])  # fmt: skip
        errors = np.nan_to_num(np.abs(values[:, 1:].T - values[:, 0]))
        shift = 0.16 * ((len(series) - 1) / 2 - i)
        axes.errorbar(values[:, 0], places + shift, xerr=errors, fmt="osD"[i], capsize=3, color=colour, label=label)
    axes.set_yticks(places, [each.shift.name for each in found])
    axes.set(xlim=(0, None), ylim=(-0.6, len(found) - 0.4))
    axes.legend(fontsize=8)


def _eer_axes(found: list[Outcome]) -> Any:
    axes = new_axes(7.6, 1.2 + 0.34 * len(found))
    _bars(
        axes,
        found,
        [("verifier", "eer_skilled", "verifier", VERIFIER), ("hog", "eer_skilled", "HOG", HOG)],
    )
    own = found[0].record
    for method, colour in (("verifier", VERIFIER), ("hog", HOG)):
        axes.axvline(100 * own[method]["eer_skilled"]["value"], color=colour, ls=":", lw=1)
    axes.set(xlabel="EER against skilled forgeries (%), 95 % over signers; dotted: own world")
    return axes


def _frozen_axes(found: list[Outcome]) -> Any:
    axes = new_axes(7.6, 1.2 + 0.34 * len(found))
    _bars(
        axes,
        found,
        [
            ("verifier", "frr_frozen", "FRR", "#009E73"),
            ("verifier", "far_skilled_frozen", "FAR, skilled", VERIFIER),
            ("verifier", "far_random_frozen", "FAR, random", "#CC79A7"),
        ],
    )
    axes.set(xlabel="rate at the frozen threshold (%), 95 % over signers")
    return axes
