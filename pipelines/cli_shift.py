"""Verbs about worlds that a run was not trained on: shift."""

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
    """Judge a run on worlds it was not trained on: scripts, pens, captures, forgers, people, another generator."""
    from .shift import shift as work
    from .shift_page import TABLE, rows_of

    found, path = work(run, signers=signers, names=listed(worlds, ""), out=out, progress=make_progress(quiet))
    print_table("World shift: rates in per cent, gaps in percentage points", TABLE, rows_of(found))
    print(f"page: {path}, numbers: {path.with_name('shift.csv')}, {path.with_name('shift.json')}")
