"""Verbs about your own data: provenance init, provenance check."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import provenance_app


@provenance_app.command("init")
def provenance_init(
    directory: Path, force: Annotated[bool, typer.Option("--force", help="Replace the record.")] = False
) -> None:
    """Ask where a folder's signatures come from and write its provenance.toml."""
    from .adapters.provenance import QUESTIONS, parse_answer, write_provenance

    answers = {
        field: parse_answer(field, typer.prompt(question, default="", show_default=False))
        for field, question in QUESTIONS.items()
    }
    print(write_provenance(directory, force=force, **answers))


@provenance_app.command("check")
def provenance_check(directory: Path) -> None:
    """Check a folder's provenance.toml and print its digest."""
    from .adapters.provenance import load_provenance

    record = load_provenance(directory)
    print(f"{record.source}: in order; digest {record.digest}")
