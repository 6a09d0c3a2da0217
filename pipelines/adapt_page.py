"""The page and the table of `python -m pipelines adapt`: before and after, by how many signers were known."""

import html
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .adapt import BEFORE, HEAD
from .config import RunConfig
from .curve_points import Points
from .page import figure, page, table
from .plots import MAP_COLOURS, new_axes, to_svg
from .verifier import NOTICE

TABLE = ("world", "adapted", "signers", "EER random", "EER skilled", "FRR", "FAR skilled", "FAR random",
         "mean of FRR and FAR skilled", "Cllr")  # fmt: skip
_FIGURES = ("eer_random", "eer_skilled", "frr_frozen", "far_skilled_frozen", "far_random_frozen", "aer_skilled_frozen")


def rows_of(points: Points) -> list[tuple[str, ...]]:
    """Return one row a world, way and number of signers; rates in per cent, the last with its range over groups."""
    found: dict[tuple[str, str, int], dict[str, tuple[Any, ...]]] = {}
    for row in points.rows:
        shift, method, size = str(row[0]), str(row[1]), int(str(row[2]))
        found.setdefault((shift, method, size), {})[str(row[4])] = row
    rows = []
    for (shift, method, size), rates in found.items():
        cells = [_share(rates.get(name), spread=name.startswith("aer")) for name in _FIGURES]
        cllr = rates.get("cllr_skilled")
        rows.append((shift, method, str(size), *cells, "-" if cllr is None else f"{float(cllr[5]):.2f}"))
    return rows


def _share(row: tuple[Any, ...] | None, *, spread: bool) -> str:
    if row is None or row[HEAD.index("value")] is None:
        return "-"
    value, least, most = (100 * float(row[HEAD.index(name)]) for name in ("value", "least", "most"))
    return f"{value:.1f}" + (f" ({least:.1f} to {most:.1f})" if spread and most - least > 0.05 else "")


def adapt_html(points: Points, config: RunConfig, signers: int) -> str:
    """Return the whole page."""
    lines = [
        f"<p class=notice>The verifier was {html.escape(NOTICE)}. World {config.world.seed}, judged by {signers} test "
        "signers of each world, one reference; rates in per cent, Cllr in bits. FRR and FAR are those of the threshold "
        "that each way froze without the signers who judge. Fewer signers than the pool holds are drawn as disjoint "
        "groups of it: rates are means over the groups, in brackets the least and the most of any.</p>",
        table(TABLE, rows_of(points)),
    ]
    for world in points.values("shift"):
        shown = figure(to_svg(_axes(points, str(world))), "Points: mean over groups; bars: least and most of any group."
                       " Numbers, with 95 % intervals over the signers who judge: adapt.csv.")  # fmt: skip
        lines += [f"<h2>{html.escape(str(world))}</h2>", shown]
    return page("Paraph few-shot adaptation", "A few signers of another world", "\n".join(lines))


def _axes(points: Points, world: str) -> Axes:
    axes = new_axes(7.2, 3.4)
    rows = [row for row in points.rows if row[0] == world and row[4] == "aer_skilled_frozen"]
    sizes = sorted({int(str(row[2])) for row in rows})
    (old,) = (float(str(row[5])) for row in rows if row[1] == BEFORE)
    axes.axhline(100 * old, color="black", ls=":", lw=1, label=BEFORE)
    methods = [name for name in dict.fromkeys(str(row[1]) for row in rows) if name != BEFORE]
    for i, method in enumerate(methods):
        mine = [row for row in rows if row[1] == method]
        x = np.array([sizes.index(int(str(row[2]))) for row in mine]) + 0.08 * (i - len(methods) / 2)
        value, least, most = (100 * np.array([float(str(row[k])) for row in mine]) for k in (5, 8, 9))
        axes.errorbar(x, value, [value - least, most - value], fmt="o-", capsize=3, color=MAP_COLOURS[i], label=method)
    axes.set_xticks(range(1, len(sizes)), [str(size) for size in sizes[1:]])
    axes.set(xlabel="signers of that world known", ylabel="mean of FRR and FAR skilled (%)", ylim=(0, None))
    axes.legend(fontsize=8)
    return axes
