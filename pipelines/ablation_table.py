"""The tables of an ablation as text: for the terminal, Markdown and CSV."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .ablation_folder import Common
from .ablation_rows import RATES
from .csv_text import as_csv
from .report_tables import gap, share

HEAD = ("change", "seeds", "images", "training, s", "EER skilled, %", "each seed", "of HOG's", "less base's",
        "EER random", "FRR, frozen", "FAR skilled, frozen", "Cllr", "shifted worlds, %",
        "less base's there")  # fmt: skip
MET = " *"
_INTERVALS = ("eer_skilled", "hog", "of_hog", "less_base", "shifted", "shifted_less_base")


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table as text, in the order of `HEAD`."""
    ratio = row["of_hog"]
    met = MET if row["met_beyond_base"] else ""
    return (
        ", ".join(row["changes"]) or "nothing: the base",
        ", ".join(map(str, row["seeds"])),
        f"{row['images']:,}",
        f"{np.mean(row['training_s']):.0f}",
        share(row["eer_skilled"]),
        ", ".join(f"{100 * value:.1f}" for value in row["by_seed"]),
        "-" if ratio["value"] is None else f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
        gap(row["less_base"]),
        *("-" if row[name] is None else f"{100 * row[name]:.1f}" for name in RATES[:3]),
        "-" if row["cllr_skilled"] is None else f"{row['cllr_skilled']:.2f}",
        share(row["shifted"]) + met,
        gap(row["shifted_less_base"]) + met,
    )


def world_rows(rows: Sequence[dict[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows of the skilled EERs in per cent in every shifted world that the base was judged on."""
    names = list(rows[0]["worlds"])
    found = []
    for row in rows if names else ():
        marks = {name: MET if name in row["met_beyond_base"] else "" for name in names}
        found.append((cells(row)[0], *(share(row["worlds"].get(name)) + marks[name] for name in names)))
    return ("change", *names), found


def markdown(rows: Sequence[dict[str, Any]], common: Common) -> str:
    """Return both tables as Markdown, with what they rest on."""
    lines = [*_lines(HEAD, [cells(row) for row in rows]), "", words(rows, common), ""]
    head, elsewhere = world_rows(rows)
    if elsewhere:
        lines += ["Skilled EER in each shifted world, per cent:", "", *_lines(head, elsewhere), ""]
    return "\n".join(lines)


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows)]


def words(rows: Sequence[dict[str, Any]], common: Common) -> str:
    """Return what the table rests on."""
    base, worlds = common.base, list(rows[0]["worlds"])
    there = (
        f" Shifted worlds, of which the mean is taken, of {common.signers} signers each: {', '.join(worlds)}. The "
        f"base's training has met in part: {', '.join(rows[0]['met_in_part']) or 'none'}; a row's what is marked{MET}."
    )
    return (
        f"All verifiers were {', '.join(dict.fromkeys(row['notice'] for row in rows))}. "
        f"Base: preset {base.preset}, {base.train.model}, {base.train.course} of {base.batch.images} images. World "
        f"{base.world.seed}, {base.world.test_signers} test signers, one reference, skilled EER a-posteriori, rates "
        "in per cent; several seeds of the weights are averaged. In brackets: 95 % over signers; differences are "
        "paired, over the seeds that a row shares with the base. How far apart trainings of one row are, the interval "
        "does not say: see each seed. HOG's error is that on the row's own canvases. FRR, FAR and Cllr are at what "
        f"was frozen on development signers.{there if worlds else ''}"
    )


def csv_of(rows: Sequence[dict[str, Any]]) -> str:
    """Return every figure of every row: rates as shares from 0 to 1, Cllr in bits, differences as shares too."""
    table: list[list[Any]] = []
    for row in rows:
        name = cells(row)[0]
        figures = {key: row[key] for key in _INTERVALS}
        figures |= {f"eer_skilled in {world}": found for world, found in row["worlds"].items()}
        table += [[name, key, *(f[k] for k in ("value", "low", "high"))] for key, f in figures.items() if f is not None]
        table += [[name, key, row[key], None, None] for key in RATES]
        seeds = zip(row["seeds"], row["by_seed"], row["training_s"], strict=True)
        for seed, error, seconds in seeds:
            table += [[name, f"eer_skilled of seed {seed}", error, None, None]]
            table += [[name, f"training_s of seed {seed}", seconds, None, None]]
    return as_csv(["change", "figure", "value", "low", "high"], table)
