"""Answers of a class as a table, and two such tables compared within what another machine may be off by."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any, NamedTuple

from .files import write_text

_HEAD = ("student", "exercise", "answer")


class Mark(NamedTuple):
    """One expected answer beside the one that was handed in.

    Attributes:
        student: The number, as it was written.
        exercise: Such as "6.1".
        expected: The expected answer.
        answer: What was handed in; empty if nothing was.
        verdict: "agrees", "differs", "open" (nothing handed in), or "not expected" (no such student or exercise).
    """

    student: str
    exercise: str
    expected: str
    answer: str
    verdict: str


def as_text(answer: Any) -> str:
    """Return an answer as a table holds it: six digits of a fraction, the members of a set in alphabetical order.

    Example:
        >>> as_text({"b", "a"}), as_text(1 / 3), as_text(3000)
        ('a, b', '0.333333', '3000')
    """
    if isinstance(answer, set | frozenset):
        return ", ".join(sorted(map(str, answer)))
    return f"{answer:.6g}" if isinstance(answer, Real) and not isinstance(answer, Integral) else str(answer)


def write_answers(file: str | Path, student: int, answers: Mapping[str, Any]) -> Path:
    """Write one student's answers by exercise as CSV, whole or not at all, and return the file's path."""
    from .csv_text import escape_formula

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for number, answer in answers.items():
        cell = as_text(answer)
        writer.writerow((student, number, cell if isinstance(answer, Real) else escape_formula(cell)))
    return write_text(Path(file), text.getvalue())


def read_answers(file: str | Path, *, tolerance: bool = False) -> list[dict[str, str]]:
    """Return the rows of a table of answers, each by the names of its columns.

    Args:
        file: CSV in UTF-8 with columns student, exercise and answer.
        tolerance: Whether there has to be a column tolerance of numbers from 0, as in a table of expected answers.

    Raises:
        ValueError: If the file cannot be read, lacks a column, or a tolerance is no number from 0.
    """
    path, wanted = Path(file), (*_HEAD, *(("tolerance",) if tolerance else ()))
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        head, rows = reader.fieldnames or [], list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read ({error}); give a CSV file in UTF-8") from error
    if missing := [name for name in wanted if name not in head]:
        raise ValueError(f"{path} has no column {missing[0]!r}; its first line has to name: {', '.join(wanted)}")
    found = [{name: (row[name] or "").strip() for name in wanted} for row in rows]
    for line, row in enumerate(found, start=2):
        if tolerance and not _tolerance(row) >= 0.0:
            raise ValueError(f"{path}, line {line}: tolerance {row['tolerance'][:40]!r} is no number from 0")
    return found


def compare_answers(expected: Sequence[Mapping[str, str]], answers: Sequence[Mapping[str, str]]) -> list[Mark]:
    """Return a verdict for each expected answer, in their order, then what was handed in and not expected.

    Numbers agree within the tolerance of the expected one, texts in any case. Of two answers to one exercise the
    later counts.

    Args:
        expected: From `read_answers` with tolerances.
        answers: From `read_answers`; of one student, of a class, or another machine's expected ones.
    """
    given = {(row["student"], row["exercise"]): row["answer"].removeprefix("'") for row in answers}
    marks = []
    for row in expected:
        answer = given.pop((row["student"], row["exercise"]), "")
        agrees = _agree(row["answer"], answer, _tolerance(row))
        verdict = "open" if not answer else "agrees" if agrees else "differs"
        marks.append(Mark(row["student"], row["exercise"], row["answer"], answer, verdict))
    return marks + [Mark(*key, "", answer, "not expected") for key, answer in given.items()]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _tolerance(row: Mapping[str, str]) -> float:
    value = _number(row["tolerance"])
    return math.nan if value is None else value


def _agree(expected: str, answer: str, tolerance: float) -> bool:
    wanted, given = _number(expected), _number(answer)
    if wanted is None or given is None:
        return expected.casefold() == answer.casefold()
    rounding = 1e-5 * abs(wanted)  # tables hold six digits
    return math.isfinite(given) and abs(wanted - given) <= tolerance + rounding
