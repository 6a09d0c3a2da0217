"""Verbs about your own data: provenance init, provenance check."""

from collections.abc import Callable
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

    answers = {field: _ask(field, question, parse_answer) for field, question in QUESTIONS.items()}
    print(write_provenance(directory, force=force, **answers))
    print(f"next: python -m pipelines provenance check {directory}")


def _ask(field: str, question: str, parse: Callable[[str, str], object]) -> object:
    """Return a usable answer; a question whose answer says nothing is asked again, three times at most."""
    from .adapters.provenance import answer_fault

    for left in (2, 1, 0):
        try:
            answer = parse(field, typer.prompt(question, default="", show_default=False))
            if not (fault := answer_fault(field, answer)):
                return answer
        except ValueError as error:
            fault = str(error)
        if left == 0:
            raise ValueError(fault)
        print(f"{fault}; once more, please")
    raise AssertionError("unreachable")


@provenance_app.command("check")
def provenance_check(
    directory: Path,
    adapter: Annotated[str | None, typer.Option(help="Also check that the folder is laid out so.")] = None,
) -> None:
    """Check a folder's provenance.toml: what it allows, until when, its digest, and which layout the folder is in."""
    from .adapters import allowed_uses, check_adapter, likely_adapter, load_provenance, open_layout

    record = load_provenance(directory)
    uses = allowed_uses(record.purpose)
    print(f"{record.source}: in order; digest {record.digest}")
    print(f"purpose: {record.purpose!r} allows {' and '.join(uses) or 'no use known here'}")
    print(f"signatures of real people: {'yes' if record.contains_real_signatures else 'no'}")
    print(f"redistribution: {'allowed' if record.redistribution_allowed else 'not allowed'}")
    print(f"to be deleted after: {record.retention_until or 'no date given'}")
    if adapter is not None:
        check_adapter(open_layout(adapter, directory))
        print(f"layout: {adapter}, in order")
    else:
        print(f"layout: {likely_adapter(directory) or 'none that is known'}")
