"""Several finished runs in one page: their rates, curves and the difference of their errors on common trials.

Nothing is trained or drawn here; everything comes from `metrics.json`, `scores.parquet` and `verifier.json`.
"""

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from .config import RunConfig
from .curve_points import Points, trade_off, weights_over_signers, write_points
from .files import write_json, write_text
from .metrics import eer_of
from .page import callout, figure, page, table
from .plots import MAP_COLOURS, new_axes, plot_bars, to_svg
from .report_tables import percent
from .runs import Run, RunError
from .trials import TrialTable
from .verifier import NOTICE

HEAD = ("run", "network", "images", "training s", "EER random", "EER skilled", "FRR, frozen", "FAR skilled, frozen",
        "Cllr", "EER skilled less the first's")  # fmt: skip
DASHES = ("-", "--", "-.", ":")


@dataclasses.dataclass(frozen=True, eq=False)
class Finished:
    """What a finished run has to show.

    Attributes:
        name: Of its folder.
        config: Its configuration.
        metrics: Its `metrics.json`.
        trials: Its scored test trials.
        difference: Its skilled EER less that of the first run, value, low and high; None on other trials.
    """

    name: str
    config: RunConfig
    metrics: dict[str, Any]
    trials: TrialTable
    difference: dict[str, float] | None = None


def load_finished(path: Path) -> Finished:
    """Return a finished run.

    Raises:
        RunError: If it is none.
    """
    run = Run(path)
    metrics = run.read("metrics.json")
    if not (run / "scores.parquet").is_file():
        raise RunError(f"{path} has no scores.parquet; evaluate it first")
    return Finished(path.resolve().name, run.config(), metrics, TrialTable.from_parquet(run / "scores.parquet"))


def same_trials(first: TrialTable, second: TrialTable) -> bool:
    """Return whether two runs judged the very same questioned signatures against the same references."""
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("claimed", "reference", "questioned")
    )


def difference(
    first: TrialTable, second: TrialTable, *, kind: str = "skilled", seed: int, draws: int = 1000
) -> dict[str, float]:
    """Return by how much the second's EER is higher than the first's, with a paired 95 % interval over signers.

    Both are recomputed on the same draws of signers, so what makes a signer hard for both cancels.

    Args:
        first: Scored trials.
        second: The same trials with other scores.
        kind: Of forgery.
        seed: Of the bootstrap.
        draws: Of the bootstrap.

    Raises:
        ValueError: If the trials are not the same.
    """
    if not same_trials(first, second):
        raise ValueError("the two runs judged other trials; only runs of one world and evaluation can be paired")
    one, two = eer_of(kind)(first), eer_of(kind)(second)
    whole = np.ones(len(first))
    drawn = np.array([two(w) - one(w) for w in weights_over_signers(first, seed=seed, draws=draws)])
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return {"value": float(two(whole) - one(whole)), "low": float(low), "high": float(high)}


def side_by_side(paths: Sequence[Path], out: Path) -> tuple[list[Finished], Path]:
    """Write `side_by_side.html`, `.json` and CSVs of some finished runs.

    Args:
        paths: Run folders, two or more; the first is what the others are held against.
        out: Folder for the page.

    Returns:
        The runs and the path of the page.

    Raises:
        RunError: If a folder is no finished run.
        ValueError: If there are fewer than two.
    """
    if len(paths) < 2 or len({path.resolve() for path in paths}) < len(paths):
        raise ValueError(f"side-by-side needs two or more different runs, with commas; got {len(paths)}")
    runs = [load_finished(path) for path in paths]
    first = runs[0]
    for i, run in enumerate(runs[1:], 1):
        if same_trials(first.trials, run.trials):
            found = difference(first.trials, run.trials, seed=first.config.world.seed)
            runs[i] = dataclasses.replace(run, difference=found)
    out.mkdir(parents=True, exist_ok=True)
    curves = [(run, trade_off(run.trials, seed=run.config.world.seed)) for run in runs]
    rows = [(run.name, *row) for run, points in curves for row in points.rows]
    write_points(
        out / "figures",
        [
            Points("det_roc", ("run", *curves[0][1].head), rows),
            Points("runs", HEAD, [tuple(row) for row in rows_of(runs)]),
        ],
    )
    write_json(out / "side_by_side.json", [{"run": run.name, "difference": run.difference} for run in runs])
    return runs, write_text(out / "side_by_side.html", _html(runs, [points for _, points in curves]))


def rows_of(runs: Sequence[Finished]) -> list[tuple[str, ...]]:
    """Return the table: one run a line."""
    return [
        (
            run.name,
            run.config.train.model,
            f"{run.metrics['cost']['training_images']:,}" if "cost" in run.metrics else "-",
            f"{run.metrics['cost']['seconds'].get('training', 0):,.0f}" if "cost" in run.metrics else "-",
            *(percent(run.metrics["verifier"].get(name)) for name in _RATES),
            _number(run.metrics["verifier"].get("cllr_skilled")),
            ("-" if i == 0 else "other trials") if run.difference is None else _points(run.difference),
        )
        for i, run in enumerate(runs)
    ]


_RATES = ("eer_random", "eer_skilled", "frr_frozen", "far_skilled_frozen")


def _number(found: dict[str, Any] | None) -> str:
    return "-" if found is None or found["value"] is None else f"{found['value']:.3f}"


def _points(found: dict[str, float]) -> str:
    value, low, high = (100 * found[name] for name in ("value", "low", "high"))
    return f"{value:+.1f} points ({low:+.1f} to {high:+.1f})"


def verdict(run: Finished, first: Finished) -> str:
    """Return in words whether a run's skilled EER differs from the first's."""
    if run.difference is None:
        return f"{run.name} judged other trials than {first.name}: their rates are not paired"
    low, high = run.difference["low"], run.difference["high"]
    word = "lower than" if high < 0 else "higher than" if low > 0 else "not surely different from"
    return f"{run.name}: its skilled EER is {word} that of {first.name}, {_points(run.difference)}"


def _html(runs: Sequence[Finished], curves: Sequence[Points]) -> str:
    failed = [f"{run.name}: {line}" for run in runs for line in run.metrics.get("probes", {}).get("failed", [])]
    unprobed = [f"{run.name} was evaluated without shortcut probes" for run in runs if "probes" not in run.metrics]
    words = "".join(f"<li>{html.escape(verdict(run, runs[0]))}</li>" for run in runs[1:])
    lines = [
        callout("failed", "Shortcut: these figures may not measure handwriting", failed),
        callout("note", "To know before reading on", unprobed),
        f"<p class=notice>All verifiers were {html.escape(NOTICE)}. In brackets 95 % intervals over signers; the "
        "difference is paired: both errors are recomputed on the same draws of signers.</p>",
        table(HEAD, rows_of(runs)),
        f"<ul>{words}</ul>",
        "<div class=two>",
        *(figure(to_svg(_det(runs, curves, kind)), f"Against {kind} forgeries.") for kind in ("skilled", "random")),
        "</div>",
        _skills(runs),
        "<h2>Who was judged, and how</h2>",
        table(("run", "what"), [(run.name, _what(run)) for run in runs], words=True),
    ]
    return page("Paraph: runs side by side", "Runs side by side", "\n".join(line for line in lines if line))


def _det(runs: Sequence[Finished], curves: Sequence[Points], kind: str) -> Axes:
    axes = new_axes()
    for i, (run, points) in enumerate(zip(runs, curves, strict=True)):
        far, frr, low, high = (100 * points.column(name, kind=kind) for name in ("far", "frr", "frr_low", "frr_high"))
        if len(far):
            colour, dash = MAP_COLOURS[i % len(MAP_COLOURS)], DASHES[i % len(DASHES)]
            axes.plot(far, np.maximum(frr, 0.01), dash, color=colour, label=run.name)
            axes.fill_between(far, np.maximum(low, 0.01), np.maximum(high, 0.01), color=colour, alpha=0.12, lw=0)
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    axes.set(xscale="log", yscale="log", xlim=(0.1, 100), ylim=(0.1, 100), title=f"DET, {kind} forgeries")
    axes.set(xlabel="false acceptance rate (%)", ylabel="false rejection rate (%)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.legend(fontsize=8)
    return axes


def _skills(runs: Sequence[Finished]) -> str:
    skills = sorted({row["skill"] for run in runs for row in run.metrics.get("skills", [])})
    if not skills:
        return ""
    axes = new_axes(7.6, 3.8)
    for i, run in enumerate(runs):
        known = {row["skill"]: row["eer_skilled"] for row in run.metrics.get("skills", [])}
        nothing = {"value": None, "low": None, "high": None}
        found = [[known.get(s, nothing)[k] for k in ("value", "low", "high")] for s in skills]
        numbers = np.array([[np.nan if v is None else v for v in row] for row in found])
        shift = 0.12 * (i - (len(runs) - 1) / 2)
        plot_bars(axes, [f"{s:g}" for s in skills], numbers, colour=MAP_COLOURS[i % 12], label=run.name, shift=shift)
    axes.axhline(50, color="grey", linestyle=":", label="chance")
    axes.set(xlabel="forger skill", ylabel="EER (%)", ylim=(0, 60), title="Error against forger skill")
    axes.legend(fontsize=8)
    return figure(to_svg(axes), "Bars: 95 % over signers.")


def _what(run: Finished) -> str:
    world, train = run.config.world, run.config.train
    return (
        f"world {world.seed}, {run.metrics['verifier']['signers']} test signers, {run.metrics['protocol']}; "
        f"{train.model}, loss {train.loss}, seed {train.seed}, {train.course} of "
        f"{run.config.batch.images} images; {run.metrics['data'].get('source', '')}"
    )
