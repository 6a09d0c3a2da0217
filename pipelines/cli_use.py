"""Verbs that use a run: verify, app."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import RunOption, app


@app.command()
def verify(
    run: RunOption,
    reference: Annotated[list[Path], typer.Option(help="Image of the claimed signer, repeatable.")],
    questioned: Annotated[Path, typer.Option(help="Image of the signature in question.")],
    far: Annotated[
        float | None,
        typer.Option(help="Choose the threshold for this FAR of skilled forgeries, such as 0.05; frozen if left out."),
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(help="Several references as one: relative (if left out), max, mean, min, median or prototype."),
    ] = None,
    explain: Annotated[Path | None, typer.Option(help="PNG to write: aligned strokes and attention.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Compare a questioned signature with references; exit status 0 whatever the verdict."""
    from .verify import verify as work

    answer = work(run, reference, questioned, wanted_far=far, fusion=fusion, explain_to=explain)
    if as_json:
        print(json.dumps(answer.to_dict(), allow_nan=False))
        return
    from .verify_page import lines

    for name, value in lines(answer):
        print(f"{name}: {value}")
    if explain is not None:
        print(f"picture: {explain}")


@app.command("app")
def serve(
    run: Annotated[Path, typer.Option("--run", help="Run folder; without one the page offers to train one.")] = Path(
        "runs/classroom"
    ),
    port: Annotated[int | None, typer.Option(help="Port; a free one from 7860 on if left out.")] = None,
) -> None:
    """Serve the web demo on this machine: draw, sign, verify, learn."""
    from .app import start

    start(run, port=port)
