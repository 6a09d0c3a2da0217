"""`python -m pipelines VERB`: thin commands over the functions that do the work; heavy imports wait."""

import sys
from typing import Annotated

import typer

from . import (
    cli_ablation,
    cli_audit,
    cli_course,
    cli_curves,
    cli_evaluation,
    cli_gates,
    cli_images,
    cli_sheets,
    cli_shift,
    cli_slot,
    cli_training,
    cli_use,
    cli_worlds,
)
from .cli_shared import app

__all__ = [
    "app",
    "cli_ablation",
    "cli_audit",
    "cli_course",
    "cli_curves",
    "cli_evaluation",
    "cli_gates",
    "cli_images",
    "cli_sheets",
    "cli_shift",
    "cli_slot",
    "cli_training",
    "cli_use",
    "cli_worlds",
    "main",
]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status: 2 with one line on bad input, 130 when interrupted."""
    try:
        result = app(args=arguments, standalone_mode=False, prog_name="python -m pipelines")
    except typer.Exit as stop:
        result = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = 130
    except Exception as error:
        if "--traceback" in sys.argv or not _is_users(error):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":  # Typer brings a Click of its own, or takes the one there is
            print(error, file=sys.stderr)
            return 2
        return _fail(error.format_message() if hasattr(error, "format_message") else str(error), 2)
    if result == 130:
        return _fail("interrupted; the same command goes on where this one stopped", 130)
    return result if isinstance(result, int) else 0


def _is_users(error: Exception) -> bool:
    """Whether an error is about the input or the machine rather than a defect of ours."""
    return isinstance(error, ValueError | TypeError | OSError | FloatingPointError) or hasattr(error, "format_message")


def _fail(message: str, status: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return status


@app.callback()
def options(
    traceback: Annotated[bool, typer.Option("--traceback", help="Show where an error came from.")] = False,
) -> None:
    """Options that come before the verb."""
