"""World shift: a trained run on worlds it was not trained on, beside its own; the gap is what transfer costs.

Reality is one more world that training never met. What the error rises by on worlds left out of training says, without
a single real signature, how much of what a network learnt belongs to the training world alone.

Source:
    Tobin et al. (2017), "Domain randomization for transferring deep neural networks from simulation to the real
    world", IROS, for judging by simulators not trained on; here nothing real is ever looked at.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth.worlds import WORLDS

from .config import RunConfig
from .curve_points import Points, write_points
from .curves import frozen_of
from .evaluation_parts import Part
from .files import write_beside, write_json, write_text
from .handling import DPI
from .progress import Progress
from .runs import Run, load_verifier
from .score_file import write_scores
from .shift_rates import METHODS, Judged, judge, record
from .shift_worlds import OWN, Shift, draw_shift, find_shifts, fits, own_world
from .splits import split_world
from .trials import TrialTable
from .verifier import Verifier

HEAD = ("shift", "group", "seen", "signers", "unreadable", "method", "figure", "value", "low", "high",
        "gap", "gap_low", "gap_high")  # fmt: skip
SCORES = "scores.parquet"
LEAST = 8
SHOWN = 6


class Outcome(NamedTuple):
    """A judged world: what it was, its JSON record, canvases of one signer, genuine first, to look at, its trials."""

    shift: Shift
    record: dict[str, Any]
    shown: NDArray[np.uint8]
    trials: TrialTable


def judged_signers(config: RunConfig, n: int) -> list[int]:
    """Return the first n test signers of a run, who judge every world.

    Raises:
        ValueError: If they are too few for an interval, or more than there are.
    """
    test = split_world(config.world).test
    if not LEAST <= n <= len(test):
        raise ValueError(f"{n} signers cannot judge; use {LEAST} to {len(test)}, the run's test signers")
    return list(test[:n])


def measure_shifts(
    verifier: Verifier,
    config: RunConfig,
    saved: dict[str, Any],
    *,
    signers: int,
    names: tuple[str, ...] = (),
    told: Callable[[int], None] = lambda n: None,
    heard: Callable[[str], None] = lambda line: None,
) -> list[Outcome]:
    """Judge a verifier on its own world and on every shift of it.

    Args:
        verifier: Of a finished run.
        config: The run's.
        saved: Its `verifier.json`.
        signers: How many in each world, 8 or more.
        names: Names or groups of shifts; all if there are none.
        told: Hears how many images were drawn and embedded.
        heard: Hears a line on each world as soon as it is judged; all of them take long.

    Returns:
        The own world first, then the shifts, in groups.

    Raises:
        ValueError: If signers are too few or too many, or a name is unknown.
    """
    people, frozen = judged_signers(config, signers), frozen_of(saved)
    found: list[Outcome] = []
    own: Judged | None = None
    for shift in [own_world(), *(s for s in find_shifts(config, names) if fits(s, verifier))]:
        drawn = draw_shift(shift, people, config, verifier, told)
        judged = judge(drawn.part, config, frozen)
        values = {"name": shift.name, "group": shift.group, "seen": shift.seen, "unreadable": drawn.unreadable}
        found.append(Outcome(shift, values | record(judged, own), _examples(drawn.part), judged.trials))
        own = own or judged
        heard(_line(found[-1].record))
    return found


def _line(values: dict[str, Any]) -> str:
    name = f"eer_{values['forged']}"
    rate, gap = values["verifier"][name]["value"], values.get("gap_verifier", {}).get(name)
    words = "" if gap is None else f", gap {100 * gap['value']:+.1f}"
    return f"{values['name']}: EER of {values['forged']} forgeries {100 * rate:.1f} %{words}"


def _examples(part: Part) -> NDArray[np.uint8]:
    """Return canvases of the first signer: half genuine, half forged."""
    own = part.signatures
    mine, genuine = own.signer == own.signer[0], own.kind == "genuine"
    chosen = [np.flatnonzero(mine & kind)[: SHOWN // 2] for kind in (genuine, ~genuine)]
    return part.canvases[np.concatenate(chosen)]


def image_count(config: RunConfig, verifier: Verifier, signers: int, names: tuple[str, ...] = ()) -> int:
    """Return how many images `measure_shifts` draws."""
    worlds = 1 + sum(fits(shift, verifier) for shift in find_shifts(config, names))
    return worlds * signers * (config.evaluation.genuine + config.evaluation.forgeries)


def ranked(found: list[Outcome]) -> list[Outcome]:
    """Return the shifts that training never met and that have a gap of skilled forgeries, the largest gap first."""
    with_gap = [each for each in found if each.shift.seen == "no" and "eer_skilled" in each.record["gap_verifier"]]
    return sorted(with_gap, key=lambda each: -each.record["gap_verifier"]["eer_skilled"]["value"])


def points_of(found: list[Outcome]) -> Points:
    """Return every figure of every world as a row of `HEAD`; shares, Cllr in bits."""
    rows: list[tuple[object, ...]] = []
    for each in found:
        values = each.record
        start = tuple(values[name] for name in ("name", "group", "seen", "signers", "unreadable"))
        for method in (name for name in METHODS if name in values):
            gaps = values.get(f"gap_{method}", {})
            for figure, rate in values[method].items():
                gap = gaps.get(figure, {})
                rows.append((*start, method, figure, *rate.values(), *(gap.get(k) for k in ("value", "low", "high"))))
    return Points("shift", HEAD, rows)


def shift(
    run_path: Path, *, signers: int, names: tuple[str, ...], out: Path | None, progress: Progress
) -> tuple[list[Outcome], Path]:
    """Judge a run on shifted worlds and write `shift.html`, `.json`, `.csv` and every trial into `scores.parquet`.

    Args:
        run_path: A finished run.
        signers: How many in each world.
        names: Names or groups of shifts; all if there are none.
        out: Where; `shift` inside the run if left out.
        progress: Where to say what happens.

    Returns:
        The judged worlds, the own one first, and the path of the page.

    Raises:
        RunError: If the run is not finished.
        ValueError: If signers are too few or too many, or a name is unknown.
    """
    from .shift_page import shift_html

    run = Run(run_path)
    config, saved = run.config(), run.read("verifier.json")
    judged_signers(config, signers)
    find_shifts(config, names)
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    total = image_count(config, verifier, signers, names)
    with progress.task(f"drawing and judging {signers} signers in every world", total) as bar:
        size: dict[str, Any] = {"signers": signers, "names": names}
        found = measure_shifts(verifier, config, saved, **size, told=bar.advance, heard=progress.say)
    folder = out or run_path / "shift"
    folder.mkdir(parents=True, exist_ok=True)
    write_points(folder, [points_of(found)])
    order = [each.shift.name for each in ranked(found)]
    write_beside(folder / SCORES, lambda path: write_scores(path, {each.shift.name: each.trials for each in found}))
    values = {"signers": signers, "asked": names, "world_seed": config.world.seed, "own": OWN, "ranked": order}
    laws = {each.shift.name: laws_of(each.shift) for each in found}
    write_json(folder / "shift.json", values | {"worlds": [each.record | laws[each.shift.name] for each in found]})
    path = write_text(folder / "shift.html", shift_html(found, config))
    return found, path


def laws_of(one: Shift) -> dict[str, Any]:
    """Return what is needed to draw a shift again."""
    if one.fonts:
        return {"generator": "single-stroke vector fonts, font_acts.py"}
    drawn = {"capture": one.capture, "forger": one.forger, "another_seed": one.another_seed}
    drawn |= {"handling": one.handling, "dpi": DPI} if one.handling else {}
    if named := [name for name, world in WORLDS.items() if world == one.world]:
        return drawn | {"world": named[0]}
    usual, laws = own_world(), ("profiles", "pens", "density")
    world = {law: getattr(one.world, law) for law in laws if getattr(one.world, law) != getattr(usual.world, law)}
    if one.world.hands != usual.world.hands:
        stability = one.world.hands[0][1].stability
        world |= {"stability": [stability.a, stability.b]}
    return drawn | {"world": "default", "changed_laws": world}
