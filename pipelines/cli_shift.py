"""Verbs about worlds that a run was not trained on: shift, adapt."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, RunOption, app, listed, make_progress, print_table


@app.command()
def shift(
    run: RunOption,
    worlds: Annotated[
        list[str] | None, typer.Option(help="Shifts, or groups of them, such as script or fax; all if left out.")
    ] = None,
    signers: Annotated[int, typer.Option(help="Test signers in every world, 8 or more.")] = 60,
    out: Annotated[Path | None, typer.Option(help="Where results go; RUN/shift if left out.")] = None,
    quiet: QuietOption = False,
) -> None:
    """Judge a run on worlds it was not trained on: scripts, pens, pictures, forgers, people, a generator."""
    from .shift import shift as work
    from .shift_page import ERRORS, FROZEN, rows_of

    found, path = work(run, signers=signers, names=listed(worlds, ""), out=out, progress=make_progress(quiet))
    errors, frozen = rows_of(found)
    print_table("World shift: rates in per cent, gaps in percentage points", ERRORS, errors)
    print_table("At the threshold and calibration frozen on the own world", FROZEN, frozen)
    print(f"page: {path}, numbers: {path.with_name('shift.csv')}, {path.with_name('shift.json')}")


@app.command()
def adapt(
    run: RunOption,
    worlds: Annotated[
        list[str] | None, typer.Option(help="Shifts, or groups of them, as in `shift`; six of them if left out.")
    ] = None,
    signers: Annotated[int, typer.Option(help="Test signers of each world that judge, 8 or more.")] = 60,
    sizes: Annotated[str, typer.Option(help="Numbers of signers to adapt on, with commas.")] = "1,5,20",
    fine_tune: Annotated[int, typer.Option(help="Also train the network so many steps; 0 for not.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where results go; RUN/shift if left out.")] = None,
    quiet: QuietOption = False,
) -> None:
    """Adapt a run to worlds it was not trained on with a few signers of each: threshold, head, network."""
    from .adapt import WORLDS
    from .adapt import adapt as work
    from .adapt_page import TABLE, rows_of

    numbers = sorted({_whole(word) for word in sizes.split(",") if word.strip()})
    named = listed(worlds, "") or WORLDS
    points, path = work(
        run, names=named, signers=signers, sizes=numbers, steps=fine_tune, out=out, progress=make_progress(quiet)
    )
    print_table("A few signers of another world: rates in per cent", TABLE, rows_of(points))
    print(f"page: {path}, numbers: {path.with_name('adapt.csv')}, {path.with_name('adapt.json')}")


def _whole(word: str) -> int:
    if not word.strip().isdecimal():
        raise ValueError(f"{word.strip()!r} is no number of signers; use whole numbers with commas, such as 1,5,20")
    return int(word)
