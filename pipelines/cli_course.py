"""The verbs for a teacher: course expected, course compare."""

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


@course_app.command("compare")
def compare_class(
    expected: Annotated[Path, typer.Argument(help="What `course expected --out` wrote.")],
    answers: Annotated[list[Path], typer.Argument(help="What students saved, or another machine's table; CSV.")],
) -> None:
    """Compare handed-in answers with the expected ones, within what another machine may be off by.

    Exit status 1 if any differs.
    """
    from .course_answers import compare_answers, read_answers

    handed = [row for file in answers for row in read_answers(file)]
    marks = compare_answers(read_answers(expected, tolerance=True), handed)
    if shown := [mark for mark in marks if mark.verdict != "agrees"]:
        print_table("Answers that do not agree", ("student", "exercise", "expected", "answer", "verdict"), shown)
    counts = {verdict: sum(mark.verdict == verdict for mark in marks) for verdict in ("agrees", "differs", "open")}
    print(f"{counts['agrees']} agree, {counts['differs']} differ, {counts['open']} are open")
    if counts["differs"]:
        raise typer.Exit(1)
