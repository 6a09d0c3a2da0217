"""The verb ablate: one command a row of the table of what changes bring."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, SeedOption, SetOption, app, listed, make_progress, preset_config, print_table
from .cli_training import whole_numbers


@app.command()
def ablate(
    out: Annotated[Path, typer.Option(help="Folder of the table and of one run a row and seed.")],
    changes: SetOption = None,
    preset: Annotated[
        str | None, typer.Option(help="What the base is; classroom, or the folder's own base, if left out.")
    ] = None,
    base: Annotated[
        list[str] | None, typer.Option("--base", metavar="KEY=VALUE", help="A setting of the base, and so of all rows.")
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of the weights, separated by commas.")] = "0,1",
    all_seeds: Annotated[
        bool, typer.Option("--all-seeds", help="Train further seeds of what the first says is surely worse, too.")
    ] = False,
    worlds: Annotated[
        list[str] | None,
        typer.Option(help="Shifts, or groups, as in `shift`, or the word none; ten, or the folder's, if left out."),
    ] = None,
    signers: Annotated[
        int | None, typer.Option(help="Test signers in each of those, 8 or more; 60, or as in the folder, if left out.")
    ] = None,
    seed: SeedOption = None,
    quiet: QuietOption = False,
) -> None:
    """Train the base, and the base with the settings of --set changed, and hold them against each other.

    The folder keeps every row: the same command goes on or prints, another --set adds a row, none makes the base.
    """
    from .ablation import ablate as work
    from .ablation_table import HEAD, cells

    given = preset is not None or seed is not None or bool(base)
    named = None if worlds is None else listed(worlds, "")
    rows, path = work(
        out,
        changes or (),
        base=preset_config(preset or "classroom", seed, base or ()) if given else None,
        worlds=() if named == ("none",) else named,
        signers=signers,
        seeds=whole_numbers(seeds),
        all_seeds=all_seeds,
        progress=make_progress(quiet),
    )
    shown = (0, 1, 4, 5, 6, 7, 12, 13)
    print_table(
        "What each change brings: rates in per cent, differences in percentage points",
        tuple(HEAD[i] for i in shown),
        [tuple(cells(row)[i] for i in shown) for row in rows],
    )
    print(f"page: {path}, tables: {path.with_suffix('.md')}, {path.with_suffix('.csv')}, {path.with_suffix('.json')}")
