"""The page of `python -m pipelines realism`: tables, figures and examples in one file, and the work behind the verb."""

import html
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from synth.worlds import world_config

from . import bands
from .files import write_json, write_text
from .page import figure, page, picture, table
from .plots import COLOURS, contact_sheet, figure_svg
from .population import SKILLS
from .probes import TOLERANCE
from .progress import Progress
from .realism import Row, gaps
from .realism_comparison import FORGER, Comparison, examine_folder, examine_world, record_of

_PER_ROW = 3
Grey = NDArray[np.uint8]
HEAD = ("statistic", "unit", "who", "here, 25 %", "50 %", "75 %", "real, 25 %", "50 %", "75 %", "inside")
PROBE_HEAD = ("image", "statistic", "one image", "difference in a pair", "refused")
_CAPTION = (
    "Grey: real signatures, box 25 to 75 %, line 5 to 95 %, tick median. Colour: here, bar 25 to 75 %, thin line 5 to "
    "95 %, dot median; filled = inside the grey box, hollow = outside."
)


def realism(
    out: Path,
    *,
    world: str,
    seed: int,
    signers: int,
    acts: int,
    first: int,
    data: Path | None,
    adapter: str,
    progress: Progress,
) -> tuple[Comparison, Path]:
    """Compare a world with the bands, and with a user's own folder if given; write `realism.html` and `.json`.

    Args:
        out: Folder for both files.
        world: A name in `synth.worlds.WORLDS`.
        seed: The world's seed.
        signers: How many signers, at least 5.
        acts: Genuine acts of each, and forgeries of each kind.
        first: Number of the first signer.
        data: A user's own folder with a `provenance.toml`, or None.
        adapter: How that folder is laid out.
        progress: Where to say what happens.

    Returns:
        The world's comparison and the path of the page.

    Raises:
        ValueError: If the world is unknown or a number too small.
        ProvenanceError: If the folder does not say where it comes from.
    """
    world_config(world)
    if signers < 5 or acts < 2:
        raise ValueError(f"need signers >= 5 and acts >= 2; got {signers} and {acts}")
    own, notes = examine_folder(data, adapter, progress) if data is not None else (None, [])
    found = examine_world(world, seed=seed, signers=signers, acts=acts, first=first, progress=progress)
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "realism.json", {"world": record_of(found), **({"own": record_of(own)} if own else {})})
    body = "\n".join(_body(found, own, notes, seed=seed, signers=signers, acts=acts))
    return found, write_text(out / "realism.html", page("Paraph realism", f"How the world {world!r} compares", body))


def _body(
    found: Comparison, own: Comparison | None, notes: Sequence[str], *, seed: int, signers: int, acts: int
) -> list[str]:
    inside, total = found.counts
    lines = [
        f"<p class=notice>World <b>{html.escape(found.name)}</b>, seed {seed}: {signers} synthetic signers, {acts} "
        f"genuine acts of each and {acts} forgeries of each kind, skill {SKILLS[0]} to {SKILLS[1]}. Of {total} "
        f"medians with a measured band, <b>{inside}</b> lie inside its middle half. Source of the bands: "
        f"{html.escape(bands.SVC2004)}; only aggregates are kept. It is one small population of short, invented "
        "signatures whose forgers could watch a replay: drift from it is no fault, but should be known.</p>"
    ]
    for group in dict.fromkeys(row.group for row in found.rows):
        rows = [row for row in found.rows if row.group == group]
        lines += [f"<h2>{html.escape(group[0].upper() + group[1:])}</h2>", table(HEAD, [cells(row) for row in rows])]
        lines.append(figure(_strips(rows, found.name), _CAPTION))
    lines += _probes(found)
    if own is not None:
        lines += _own(found, own, notes)
    genuine, forged = (found.people.examples.get(kind, []) for kind in ("genuine", FORGER))
    sheet = contact_sheet([list(pair[0]) + list(pair[1]) for pair in _threes(genuine, forged)])
    caption = "Per row: three genuine signatures of the world, three freehand forgeries, preprocessed."
    lines += ["<h2>What was drawn</h2>", figure(picture(sheet, caption), caption)]
    return lines


def _threes(genuine: Sequence[Grey], forged: Sequence[Grey]) -> list[tuple[Sequence[Grey], Sequence[Grey]]]:
    n = min(len(genuine), len(forged), 18)
    return [(genuine[i : i + 3], forged[i : i + 3]) for i in range(0, n, 3)]


def cells(row: Row) -> tuple[str, ...]:
    """Return one line of a comparison as text."""
    numbers = [_number(value) for value in (*row.found[1:4], *row.band[1:4])]
    verdict = "-" if row.inside is None else "yes" if row.inside else "NO"
    return row.label, row.unit, row.who, *numbers, verdict


def _number(value: float) -> str:
    return "-" if not np.isfinite(value) else f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _strips(rows: Sequence[Row], name: str) -> str:
    """Draw each statistic's band and what was found on axes of its own, with its unit."""
    labels = list(dict.fromkeys((row.label, row.unit) for row in rows))
    height = -(-len(labels) // _PER_ROW)
    drawing = Figure(figsize=(9.6, 1.55 * height + 0.5), layout="constrained")
    grid = drawing.subplots(height, _PER_ROW, squeeze=False).ravel()
    for axes in grid[len(labels) :]:
        axes.set_axis_off()
    for axes, (label, unit) in zip(grid, labels, strict=False):
        mine = [row for row in rows if (row.label, row.unit) == (label, unit)]
        for y, row in enumerate(reversed(mine)):
            colour = COLOURS["genuine" if row.who == "genuine" else "skilled"]
            _strip(axes, y, row, colour)
        axes.set_yticks(range(len(mine)), [row.who for row in reversed(mine)], fontsize=7)
        axes.set_ylim(-0.6, len(mine) - 0.4)
        axes.set_xlabel(f"{label} ({unit})" if unit else label, fontsize=8)
        axes.tick_params(axis="x", labelsize=7)
        axes.grid(axis="x", alpha=0.3)
    handles = [
        Patch(color="0.8", label="real, 25 to 75 %"),
        Line2D([], [], color=COLOURS["genuine"], lw=4, marker="o", label=f"{name}, genuine"),
        Line2D([], [], color=COLOURS["skilled"], lw=4, marker="o", label=f"{name}, forged"),
    ]
    drawing.legend(handles=handles, loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure_svg(drawing)


def _strip(axes: Axes, y: int, row: Row, colour: str) -> None:
    band, found = row.band, row.found
    if np.isfinite([band[1], band[3]]).all():
        axes.barh(y, band[3] - band[1], left=band[1], height=0.8, color="0.8", zorder=1)
    if np.isfinite([band[0], band[4]]).all():
        axes.hlines(y, band[0], band[4], color="0.55", lw=1, zorder=2)
    if np.isfinite(band[2]):
        axes.vlines(band[2], y - 0.4, y + 0.4, color="0.35", lw=1.5, zorder=2)
    axes.hlines(y, found[0], found[4], color=colour, lw=1, zorder=3)
    axes.hlines(y, found[1], found[3], color=colour, lw=4, zorder=3)
    face = "white" if row.inside is False else colour
    axes.plot(found[2], y, "o", ms=6, mec=colour, mfc=face, mew=1.5, zorder=4)


def _probes(found: Comparison) -> list[str]:
    lines = ["<h2>Warping distance as a verifier</h2>"]
    lines.append(
        "<p>AUC of the dynamic time warping distance to one genuine reference (no threshold, no training).</p>"
    )
    lines.append(table(("questioned", "AUC"), [(k, f"{v:.3f}") for k, v in found.warping.items()]))
    lines.append("<h2>One image without a reference</h2>")
    lines.append(
        "<p>AUC of boosted trees on the shape of a single preprocessed image, cross-validated over signers. Tremor and "
        "hesitation are evidence, so it may exceed 0.5; a verifier has to beat it. Random forgeries are genuine acts "
        "of somebody else: 0.5 but for chance. A disguise is genuine, its author hiding it.</p>"
    )
    rows = [(kind, f"{b.area:.3f} +- {b.error:.3f}", f"{b.images:,}") for kind, b in found.blind.items()]
    lines.append(table(("forgery", "AUC", "images"), rows))
    if found.nuisance:
        error = found.errors["nuisance"]
        lines.append("<h2>Nuisance probes</h2>")
        lines.append(
            "<p>AUC of forged against genuine for what pen, paper and scanner leave in an image; "
            f"0.5 +- {TOLERANCE} is wanted. One standard error here is {error:.3f}; the tests use 5,088 images of each "
            "label. Ink share and mean darkness, and the page at true size, follow from shape as well.</p>"
        )
        lines.append(table(PROBE_HEAD, nuisance_rows(found)))
    return lines


def nuisance_rows(found: Comparison) -> list[tuple[str, ...]]:
    """Return one line per view and nuisance."""
    return [
        (view, name, f"{a.single:.3f}", f"{a.pair:.3f}", str(a.refused)) for (view, name), a in found.nuisance.items()
    ]


def _own(found: Comparison, own: Comparison, notes: Sequence[str]) -> list[str]:
    people = own.people
    counts = ", ".join(f"{int((people.kind == k).sum())} {k}" for k in dict.fromkeys(people.kind.tolist()))
    lines = [
        "<h2>Your own folder</h2>",
        f"<p>{len(set(people.signer.tolist()))} signers: {counts}. Measured on this machine; nothing but these figures "
        "is kept. K-S: the largest gap between the two distributions, 0 alike, 1 apart.</p>",
    ]
    rows = [
        (name, kind, *(_number(v) for v in a[1:4]), *(_number(v) for v in b[1:4]), f"{gap:.2f}")
        for name, kind, a, b, gap in gaps(found.people, people)
    ]
    head = ("statistic", "who", "world, 25 %", "50 %", "75 %", "yours, 25 %", "50 %", "75 %", "K-S")
    lines.append(table(head, rows))
    movement = [row for row in own.rows if "weak" not in row.group]
    if movement:
        lines += ["<h3>Your movements against the bands</h3>", table(HEAD, [cells(row) for row in movement])]
    if own.blind or own.nuisance:
        lines.append("<h3>Shortcuts in your folder</h3>")
        lines.append(
            table(
                ("forgery", "AUC of one image without reference"), [(k, f"{b.area:.3f}") for k, b in own.blind.items()]
            )
        )
        lines.append(table(PROBE_HEAD, nuisance_rows(own)))
    if notes:
        lines += ["<h3>Left out</h3><ul>", *(f"<li>{html.escape(note)}</li>" for note in notes), "</ul>"]
    return lines
