"""The verb for a teacher: course expected."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import app, print_table

course_app = typer.Typer(help="For teachers: what the exercises of the notebooks come to.", no_args_is_help=True)
app.add_typer(course_app, name="course")


@course_app.command("expected")
def expected_answers(
    students: Annotated[Path, typer.Argument(help="CSV with a column `student` (a whole number), and others kept.")],
    out: Annotated[Path | None, typer.Option(help="CSV to write; else a table is printed.")] = None,
    only: Annotated[str, typer.Option(help="Some exercises alone, with commas: 6.1,6.2")] = "",
    solutions: Annotated[Path, typer.Option(help="The worked answers.")] = Path("notebooks/solutions.py"),
) -> None:
    """Draw the answers that each student of a class should get, with what they may be off by."""
    from .class_list import expected_rows, read_students, write_rows
    from .course import load_solutions

    numbers = read_students(students)
    rows = expected_rows(numbers, load_solutions(solutions), only=[n for n in only.split(",") if n])
    if out is not None:
        print(write_rows(out, rows))
        return
    print_table("Expected answers", ("student", "exercise", "answer", "may be off by"), [row.cells() for row in rows])
