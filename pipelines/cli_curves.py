"""Verbs that look deeper into finished runs: curves, side-by-side."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, RunOption, app, make_progress, print_table


@app.command()
def curves(
    run: RunOption,
    runs: Annotated[str, typer.Option(help="More finished runs, with commas: error against training.")] = "",
    signers: Annotated[int, typer.Option(help="Test signers, 8 or more.")] = 40,
    out: Annotated[Path | None, typer.Option(help="Where the page goes; inside the run if left out.")] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw error against skill, forger, references, script, pen, capture and stability, and how robust answers are."""
    from .curves import TITLES
    from .curves_page import ROBUSTNESS_HEAD, rate_head, rate_rows, robustness_rows
    from .curves_page import curves as work

    more = [Path(word.strip()) for word in runs.split(",") if word.strip()]
    found, kept, path = work(run, runs=more, signers=signers, out=out, progress=make_progress(quiet))
    for condition in dict.fromkeys(str(row[0]) for row in found.rows):
        print_table(f"Error against {TITLES[condition]}", rate_head(condition), rate_rows(found, condition))
    print_table("The same act on another way to pixels", ROBUSTNESS_HEAD, robustness_rows(kept))
    print(f"page: {path}")


@app.command("side-by-side")
def side_by_side(
    runs: Annotated[str, typer.Option(help="Finished runs, with commas; the first is what others are held against.")],
    out: Annotated[Path, typer.Option(help="Folder for the page.")] = Path("runs/side_by_side"),
) -> None:
    """Put finished runs side by side in one page, with the difference of their errors on common trials."""
    from .side_by_side import HEAD, rows_of
    from .side_by_side import side_by_side as work

    found, path = work([Path(word.strip()) for word in runs.split(",") if word.strip()], out)
    print_table("Runs side by side", HEAD, rows_of(found))
    print(f"page: {path}")
