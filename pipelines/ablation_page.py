"""An ablation as a page: what every change brings at home and elsewhere, held against the base, and the tables."""

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .ablation_folder import Common, known_common
from .ablation_rows import rows_of
from .ablation_table import HEAD, cells, csv_of, markdown, words, world_rows
from .files import write_json, write_text
from .page import figure, page, table
from .plots import MAP_COLOURS, new_axes, to_svg

_SHOWN = (("less_base", "at home"), ("shifted_less_base", "mean of the shifted worlds"))
_PARTS = (slice(1, 8), slice(8, None))
"""Of a row of the table, which is too wide for a page: what is in each part, beside what was changed."""
_WIDEST = 60


def write_table(folder: Path) -> tuple[list[dict[str, Any]], Path]:
    """Write `ablation.html`, `.md`, `.csv` and `.json` of the finished runs in a folder; return rows and page's path.

    Raises:
        RunError: If the folder is no ablation's, or its base is not finished.
    """
    rows, common = rows_of(folder), known_common(folder)
    assert common is not None  # there are rows
    write_text(folder / "ablation.md", markdown(rows, common))
    write_text(folder / "ablation.csv", csv_of(rows))
    write_json(folder / "ablation.json", dataclasses.asdict(common) | {"rows": rows})
    return rows, write_text(folder / "ablation.html", ablation_html(rows, common))


def ablation_html(rows: Sequence[dict[str, Any]], common: Common) -> str:
    """Return the whole page."""
    head, elsewhere = world_rows(rows)
    lines = [
        f"<p class=notice>{html.escape(words(rows, common))}</p>",
        figure(to_svg(differences(rows)), "Skilled EER less the base's; left of 0 is better. Numbers: ablation.csv.")
        if any(_defined(row["less_base"]) for row in rows)
        else "",
        *(
            f"<div class=small>{table(_cut(HEAD, part), [_cut(cells(row), part) for row in rows])}</div>"
            for part in _PARTS
        ),
    ]
    if elsewhere:
        lines += ["<h2>In each shifted world</h2>", f"<div class=small>{table(head, elsewhere)}</div>"]
    return page("Paraph: ablation", "What each change brings", "\n".join(lines))


def _cut(cells_: tuple[str, ...], part: slice) -> tuple[str, ...]:
    return (cells_[0], *cells_[part])


def differences(rows: Sequence[dict[str, Any]]) -> Axes:
    """Return a chart of every row's difference from the base, with its interval over signers."""
    shown = [row for row in rows if _defined(row["less_base"])]
    axes = new_axes(8.6, 1.2 + 0.4 * len(shown))
    places = np.arange(len(shown))[::-1]
    for i, (name, label) in enumerate(_SHOWN):
        known = [(place, row[name]) for place, row in zip(places, shown, strict=True) if _defined(row[name])]
        if not known:
            continue
        values = 100 * np.array([[found[key] for key in ("value", "low", "high")] for _, found in known])
        bars = np.abs(values[:, 1:].T - values[:, 0])
        at = np.array([place for place, _ in known]) + 0.12 - 0.24 * i
        axes.errorbar(values[:, 0], at, xerr=bars, fmt="os"[i], capsize=3, color=MAP_COLOURS[i], label=label)
    axes.axvline(0, color="grey", ls=":", lw=1)
    names = [cells(row)[0] for row in shown]
    axes.set_yticks(places, [name if len(name) <= _WIDEST else f"{name[:_WIDEST]} ..." for name in names])
    axes.set(xlabel="skilled EER less the base's (points), 95 % over signers", ylim=(-0.6, len(shown) - 0.4))
    axes.legend(fontsize=8)
    return axes


def _defined(found: dict[str, Any] | None) -> bool:
    return found is not None and found["value"] is not None
