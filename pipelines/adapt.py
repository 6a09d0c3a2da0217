"""Few-shot adaptation: how much of what a world shift costs a few signers of that world buy back.

The few signers have the numbers of development signers, in the shifted world; test signers of that world judge. Each
number of signers is tried on disjoint groups of the same pool, since one signer may be a lucky choice.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .config import RunConfig
from .curve_points import DRAWS, Points, write_points
from .curves import frozen_of
from .evaluation_parts import Part, trials_of
from .few_shot import Adapted, diagonal_head, logistic_head, only, threshold_only, threshold_shrunk
from .few_shot_training import fine_tuning
from .files import write_json, write_text
from .progress import Progress
from .rates import Frozen
from .runs import Run, load_verifier
from .shift import judged_signers
from .shift_rates import Draws, drawn_figures, interval, judged_figures
from .shift_worlds import Shift, draw_shift, find_shifts, fits, own_world
from .splits import split_world
from .verifier import Verifier

WORLDS = ("devanagari", "chinese japanese", "fax", "tracer", "look-alikes", "vector fonts")
SIZES = (1, 5, 20)
BEFORE = "as it was"
HEAD = ("shift", "method", "signers", "groups", "figure", "value", "low", "high", "least", "most", "judges")
Way = Callable[[Part, RunConfig, Frozen], Adapted | None]


def check_sizes(config: RunConfig, sizes: Sequence[int]) -> None:
    """Raise ValueError unless every number of signers is at least 1 and there are as many development signers."""
    most = len(split_world(config.world).dev)
    if not sizes or min(sizes) < 1 or max(sizes) > most:
        raise ValueError(f"sizes are {list(sizes)}; use numbers from 1 to {most}, the run's development signers")


def measure_adaptation(
    verifier: Verifier,
    config: RunConfig,
    saved: dict[str, Any],
    *,
    ways: dict[str, Way],
    worlds: Sequence[Shift],
    signers: int,
    sizes: Sequence[int],
    told: Callable[[int], None] = lambda n: None,
) -> Points:
    """Return every rate of every way to adapt, before and after, as rows of `HEAD`; shares, Cllr in bits.

    Args:
        verifier: Of a finished run.
        config: The run's.
        saved: Its `verifier.json`.
        ways: By name.
        worlds: Where.
        signers: How many judge.
        sizes: Numbers of signers to adapt on.
        told: Hears how many images were drawn and embedded.
    """
    check_sizes(config, sizes)
    people, pool = judged_signers(config, signers), split_world(config.world).dev[: max(sizes)]
    before, rows = frozen_of(saved), []
    for world in worlds:
        judges = draw_shift(world, people, config, verifier, told).part
        few = draw_shift(world, pool, config, verifier, told).part
        old = _judged(judges, config, before)
        rows += _rows(world, BEFORE, 0, [old], signers)
        names = np.array([str(index) for index in pool])
        for size in sizes:
            groups = [only(few, names[i : i + size]) for i in range(0, len(names) - size + 1, size)]
            for name, way in ways.items():
                adapted = [way(group, config, before) for group in (groups[:1] if name == "fine-tuned" else groups)]
                found = [_judged(each.rebuilt(judges), config, each.frozen) for each in adapted if each is not None]
                rows += _rows(world, name, size, found, signers) if found else []
    return Points("adapt", HEAD, rows)


def _judged(part: Part, config: RunConfig, frozen: Frozen) -> Draws:
    trials = trials_of(part, config, "test")
    kinds = [kind for kind in ("random", "skilled") if (trials.kind == kind).any()]
    found = drawn_figures(trials, judged_figures(kinds, frozen), seed=config.world.seed, draws=DRAWS)
    return found | {"aer_skilled_frozen": (found["frr_frozen"] + found["far_skilled_frozen"]) / 2}


def _rows(world: Shift, method: str, size: int, found: list[Draws], judges: int) -> list[tuple[object, ...]]:
    """Return means over groups, their interval over the signers who judge, and the least and most of any group."""
    rows: list[tuple[object, ...]] = []
    for figure in found[0]:
        each = np.array([draws[figure] for draws in found])
        rate = interval(each.mean(axis=0))
        ends = float(each[:, 0].min()), float(each[:, 0].max())
        rows.append((world.name, method, size, len(found), figure, *rate.values(), *ends, judges))
    return rows


def ways_of(
    verifier: Verifier, config: RunConfig, run: Path, *, steps: int, told: Callable[[int], None] = lambda n: None
) -> dict[str, Way]:
    """Return the ways to adapt by name; the own world's development signers are drawn for one of them.

    Args:
        verifier: The run's.
        config: The run's.
        run: Its folder.
        steps: Of fine-tuning; 0 leaves it out.
        told: Hears how many images were drawn.
    """
    known = draw_shift(own_world(), split_world(config.world).dev[: max(SIZES)], config, verifier, told).part
    ways: dict[str, Way] = {
        "threshold": threshold_only,
        "threshold, shrunk": threshold_shrunk,
        "logistic head": logistic_head,
        "diagonal head": diagonal_head(known),
    }
    return ways | ({"fine-tuned": fine_tuning(run, steps)} if steps else {})


def adapt(
    run_path: Path,
    *,
    names: Sequence[str],
    signers: int,
    sizes: Sequence[int],
    steps: int,
    out: Path | None,
    progress: Progress,
) -> tuple[Points, Path]:
    """Adapt a run to shifted worlds with a few signers and write `adapt.html`, `adapt.json` and `adapt.csv`.

    Args:
        run_path: A finished run; it stays as it is.
        names: Names or groups of shifts.
        signers: How many test signers judge.
        sizes: Numbers of signers to adapt on.
        steps: Of fine-tuning; 0 leaves it out.
        out: Where; `shift` inside the run if left out.
        progress: Where to say what happens.

    Returns:
        The rates, and the path of the page.

    Raises:
        RunError: If the run is not finished.
        ValueError: If numbers of signers do not fit the run, or a name is unknown.
    """
    from .adapt_page import adapt_html
    from .online import OnlineVerifier

    run = Run(run_path)
    config, saved = run.config(), run.read("verifier.json")
    judged_signers(config, signers)
    check_sizes(config, sizes)
    if steps < 0:
        raise ValueError(f"--fine-tune is {steps}; use a number of steps, or 0 for none")
    found = find_shifts(config, names)
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    if steps and isinstance(verifier, OnlineVerifier):
        raise ValueError(f"{run_path} takes trajectories, and --fine-tune is for images; leave it out")
    worlds = [world for world in found if world.forger != "simple" and fits(world, verifier)]
    each = config.evaluation.genuine + config.evaluation.forgeries
    total = each * (max(SIZES) + len(worlds) * (signers + max(sizes)))
    with progress.task(f"adapting to {len(worlds)} worlds, judged by {signers} signers of each", total) as bar:
        ways = ways_of(verifier, config, run_path, steps=steps, told=bar.advance)
        size: dict[str, Any] = {"signers": signers, "sizes": sizes}
        points = measure_adaptation(verifier, config, saved, ways=ways, worlds=worlds, told=bar.advance, **size)
    folder = out or run_path / "shift"
    folder.mkdir(parents=True, exist_ok=True)
    write_points(folder, [points])
    rows = [dict(zip(HEAD, row, strict=True)) for row in points.rows]
    seen = {world.name: world.seen for world in worlds}
    about = {"signers": signers, "sizes": list(sizes), "fine_tuning_steps": steps, "seen": seen}
    write_json(folder / "adapt.json", about | {"evaluation": dataclasses.asdict(config.evaluation), "rates": rows})
    return points, write_text(folder / "adapt.html", adapt_html(points, config, signers))
