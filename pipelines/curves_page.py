"""The page of `python -m pipelines curves`: a figure and a table for each condition, and how robust answers are."""

import html
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from .config import RunConfig
from .curve_points import Points, write_points
from .curves import HEAD, TITLES, image_count, measure_curves, training_rows
from .files import write_json, write_text
from .page import callout, figure, page, table
from .plots import new_axes, plot_bars, to_svg
from .progress import Progress
from .robustness import GOAL, answers, record, robustness
from .runs import Run, load_verifier
from .verifier import NOTICE

SERIES = (
    ("eer_", "EER (a-posteriori)", "#D55E00"),
    ("far_", "FAR, frozen threshold", "#0072B2"),
    ("frr_", "FRR, frozen threshold", "#009E73"),
)


def curves(
    run_path: Path, *, runs: list[Path], signers: int, out: Path | None, progress: Progress
) -> tuple[Points, Points, Path]:
    """Measure every curve of a run and write `curves.html`, `curves.json` and CSVs.

    Args:
        run_path: A finished run.
        runs: More finished runs, for error against signers and time of training.
        signers: How many test signers a cohort has.
        out: Where; `curves` inside the run if left out.
        progress: Where to say what happens.

    Returns:
        The rates, the robustness and the path of the page.

    Raises:
        RunError: If a run is not finished.
        ValueError: If there are too few signers.
    """
    run = Run(run_path)
    config, saved = run.config(), run.read("verifier.json")
    everyone = [Run(path) for path in [run_path, *runs]] if runs else []
    several = [(one.path.resolve().name, one.config(), one.read("metrics.json")) for one in everyone]
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    with progress.task(f"drawing and judging {signers} signers in every condition", image_count(signers)) as bar:
        found = measure_curves(verifier, config, saved, signers=signers, told=bar.advance)
    found = Points("curves", HEAD, [*found.rows, *training_rows(several)])
    with progress.task("the same acts on other ways to pixels", signers * 31) as bar:
        moved = answers(verifier, config, signers=signers, told=bar.advance)
    assert verifier.calibrator is not None
    kept = robustness(moved, float(verifier.calibrator.log10_lr(verifier.threshold)), seed=config.world.seed)
    folder = out or run_path / "curves"
    folder.mkdir(parents=True, exist_ok=True)
    write_points(folder / "figures", [found, kept])
    values = {"curves": [dict(zip(HEAD, row, strict=True)) for row in found.rows], "robustness": record(kept)}
    write_json(folder / "curves.json", {"signers": signers, **values})
    path = write_text(folder / "curves.html", curves_html(found, kept, config, signers))
    return found, kept, path


def shown(points: Points, condition: str, value: object) -> dict[str, tuple[float, float, float]]:
    """Return the rates of one value of a condition, with their intervals, by name."""
    found = {}
    for row in points.rows:
        if row[0] == condition and row[1] == value:
            numbers = [np.nan if v is None else float(str(v)) for v in row[6:9]]
            found[str(row[5])] = (numbers[0], numbers[1], numbers[2])
    return found


def rate_rows(points: Points, condition: str) -> list[tuple[str, ...]]:
    """Return the table of one condition: value, signers, EER, FAR and FRR of skilled (or simple) forgeries."""
    rows = []
    for value in dict.fromkeys(row[1] for row in points.rows if row[0] == condition):
        found = shown(points, condition, value)
        signers = next(row[2] for row in points.rows if row[0] == condition and row[1] == value)
        rows.append((_word(value), str(signers), *(_text(_pick(found, start)) for start, _, _ in SERIES)))
    return rows


def _word(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", " ")


def _pick(found: dict[str, tuple[float, float, float]], start: str) -> tuple[float, float, float]:
    """Return the rate against skilled forgeries, or against simple ones where there are no others."""
    for kind in ("skilled", "simple", "frozen"):
        for name, value in found.items():
            if name.startswith(f"{start}{kind}"):
                return value
    return (np.nan, np.nan, np.nan)


def _text(rate: tuple[float, float, float]) -> str:
    value, low, high = (100 * number for number in rate)
    if np.isnan(value):
        return "-"
    return f"{value:.1f} %" + ("" if np.isnan(low) else f" ({low:.1f} to {high:.1f})")


def robustness_rows(points: Points) -> list[tuple[str, ...]]:
    """Return the table of robustness."""
    rows: list[tuple[str, ...]] = []
    for name, trials, signers, *numbers in points.rows:
        middle, least, most, same, low, high, unreadable = (float(str(n)) for n in numbers)
        shift = f"{middle:+.2f} ({least:+.2f} to {most:+.2f})"
        kept = f"{100 * same:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        goal = "reached" if same >= GOAL else "missed"
        rows.append((str(name), f"{trials}", f"{signers}", shift, kept, goal, f"{unreadable:.0f}"))
    return rows


ROBUSTNESS_HEAD = ("questioned image", "trials", "signers", "shift of log10 LR (5 to 95 %)", "answer unchanged",
                   f"goal {100 * GOAL:.0f} %", "unreadable")  # fmt: skip
_COLUMNS = {
    "skill": "skill",
    "forger": "kind of forger",
    "references_max": "references",
    "stability": "variation, relative s.d.",
    "signers": "signers trained on",
    "time": "seconds (run)",
}


def rate_head(condition: str) -> tuple[str, ...]:
    """Return what the columns of `rate_rows` are."""
    return (_COLUMNS.get(condition, condition), "signers", *(label for _, label, _ in SERIES))


def curves_html(found: Points, kept: Points, config: RunConfig, signers: int) -> str:
    """Return the whole page."""
    missed = [f"{row[0]}: the answer stayed in {row[4]}" for row in robustness_rows(kept) if row[5] == "missed"]
    lines = [
        callout("note", f"The goal of {100 * GOAL:.0f} % unchanged answers is missed", missed),
        f"<p class=notice>The verifier was {html.escape(NOTICE)}. World {config.world.seed}, {signers} test signers, "
        "half as many for script, pen and capture; one reference, unless it says otherwise. Points: rates; bars: 95 % "
        "intervals over signers. FAR is of skilled forgeries (of simple ones where the forger knows the name only). "
        "The frozen threshold comes from development signers of the usual mix; for several references, it is that of "
        "the nearest number below that the run froze one for, and left out if there is none. Captures other than "
        "mixed are files of their own resolution, all else is drawn at the size of the canvas.</p>",
    ]
    for condition in dict.fromkeys(row[0] for row in found.rows):
        lines += _condition(found, str(condition))
    lines += ["<h2>The same act on another way to pixels</h2>", _robustness_words()]
    lines += [table(ROBUSTNESS_HEAD, robustness_rows(kept)), figure(to_svg(_robustness_axes(kept)), _ROBUST_CAPTION)]
    return page("Paraph curves", "Error against everything that can be dialled", "\n".join(lines))


def _condition(points: Points, condition: str) -> list[str]:
    values = list(dict.fromkeys(row[1] for row in points.rows if row[0] == condition))
    axes = new_axes(7.6, 3.8)
    rates = [shown(points, condition, value) for value in values]
    for i, (start, label, colour) in enumerate(SERIES):
        numbers = [_pick(found, start) for found in rates]
        if not np.isnan(np.array(numbers)[:, 0]).all():
            plot_bars(axes, [_word(v) for v in values], numbers, colour=colour, label=label, shift=0.14 * (i - 1))
    top = max((rate[2] for found in rates for rate in found.values() if not np.isnan(rate[2])), default=0.5)
    axes.set(xlabel=TITLES[condition], ylabel="error (%)", ylim=(0, max(10.0, min(100.0, 108 * top))))
    axes.set_title("Error against " + TITLES[condition].split(" (")[0])
    if drawing := axes.get_figure():
        drawing.legend(fontsize=8, loc="outside lower center", ncols=len(SERIES))  # inside, it would cover error bars
    return [
        f"<h2>{html.escape(TITLES[condition][0].upper() + TITLES[condition][1:])}</h2>",
        figure(to_svg(axes), "Numbers: figures/curves.csv."),
        table(rate_head(condition), rate_rows(points, condition)),
    ]


_ROBUST_CAPTION = "Middle: median shift; bars: 5 to 95 % of the trials. Above 0: the changed image looks more genuine."


def _robustness_words() -> str:
    return (
        "<p>Each questioned act is scanned at 300 dpi, and the same act is photographed, compressed, turned or halved. "
        "The reference stays a scan. Unchanged: still accepted, or still rejected, at the frozen threshold; an image "
        "that cannot be read counts as changed. In brackets: 95 % over signers.</p>"
    )


def _robustness_axes(points: Points) -> Axes:
    axes, places = new_axes(7.6, 3.0), np.arange(len(points.rows))
    middle, low, high = (points.column(name) for name in ("shift_median", "shift_5", "shift_95"))
    axes.errorbar(middle, places, xerr=[middle - low, high - middle], fmt="o", capsize=4, color="#0072B2",
                  label="median, 5 to 95 % of trials")  # fmt: skip
    axes.axvline(0, color="grey", linestyle=":", label="as the scan")
    axes.set_yticks(places, [str(row[0]) for row in points.rows])
    axes.set(xlabel="shift of the log10 likelihood ratio against the scan", ylim=(-0.6, len(places) - 0.4))
    axes.legend(fontsize=8)
    return axes
