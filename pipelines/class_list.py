"""A class list in, the answers each student should get out: every student's world is the seed of their own number."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .course import Solution
from .course_answers import as_text
from .files import write_text

_MOST_STUDENTS = 2_000


class Expected(NamedTuple):
    """One answer of one student.

    Attributes:
        student: The number that is the seed of the student's world.
        exercise: Such as "6.1".
        answer: What to expect.
        tolerance: What another machine or version may be off by; 0 for a name or a count.
    """

    student: int
    exercise: str
    answer: Any
    tolerance: float

    def cells(self) -> tuple[str, str, str, str]:
        """Return the row as text."""
        return str(self.student), self.exercise, as_text(self.answer), f"{self.tolerance:g}"


def read_students(path: str | Path) -> list[int]:
    """Return the numbers in the column ``student`` of a CSV file, in its order.

    Raises:
        ValueError: If the file cannot be read, has no such column, or a number is no seed or there twice.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} cannot be read ({error}); give a CSV file in UTF-8") from error
    try:
        reader = csv.DictReader(io.StringIO(text))
        head, rows = reader.fieldnames or [], list(reader)
    except csv.Error as error:
        raise ValueError(f"{file} cannot be read ({error}); give a CSV file in UTF-8") from error
    if "student" not in head:
        raise ValueError(f"{file} has no column 'student'; its first line has to name one")
    numbers = []
    for line, row in enumerate(rows, start=2):
        value = (row["student"] or "").strip()
        if not value.isascii() or not value.isdigit() or len(value) > 40 or int(value) >= 2**63:
            raise ValueError(f"{file}, line {line}: student {value[:40]!r} is no whole number from 0 to 2**63 - 1")
        numbers.append(int(value))
    if not numbers or len(set(numbers)) < len(numbers) or len(numbers) > _MOST_STUDENTS:
        raise ValueError(f"{file} has {len(numbers)} students; use 1 to {_MOST_STUDENTS} different ones")
    return numbers


def expected_rows(
    students: Sequence[int], solutions: Mapping[str, Solution], *, only: Sequence[str] = ()
) -> list[Expected]:
    """Return the expected answers of a class, student by student.

    Args:
        students: Their numbers.
        solutions: From `course.load_solutions`.
        only: Numbers of some exercises; all if empty.

    Raises:
        ValueError: If there is no such exercise.
    """
    if unknown := [number for number in only if number not in solutions]:
        raise ValueError(f"no exercise {unknown[0]!r}; use some of: {', '.join(solutions)}")
    chosen = list(only) or list(solutions)
    return [
        Expected(student, number, solutions[number].answer(student), solutions[number].tolerance)
        for student in students
        for number in chosen
    ]


def write_rows(path: str | Path, rows: Sequence[Expected]) -> Path:
    """Write the answers as CSV, whole or not at all, and return the file's path."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("student", "exercise", "answer", "tolerance"))
    writer.writerows(row.cells() for row in rows)
    return write_text(Path(path), text.getvalue())
