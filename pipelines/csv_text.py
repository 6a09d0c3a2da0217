"""Tables as comma-separated text in which no cell is a formula to a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def as_csv(head: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    r"""Return a table as comma-separated text, a line a row; texts pass through `escape_formula`, numbers do not.

    Args:
        head: Column names.
        rows: Texts and numbers, as many in a row as there are columns.

    Example:
        >>> as_csv(("name", "score"), [("=1+1", -0.5)])
        "name,score\n'=1+1,-0.5\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in (head, *rows):
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def escape_formula(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: such texts get an apostrophe in front.

    Args:
        text: Any text; numbers are not passed through here.

    Example:
        >>> escape_formula("=1+1"), escape_formula("0/genuine/000.png")
        ("'=1+1", '0/genuine/000.png')
    """
    return f"'{text}" if text.startswith(_STARTS) else text


def plain_cell(cell: str) -> str:
    """Return the text behind a cell that `escape_formula` may have quoted; an apostrophe before anything else stays.

    Example:
        >>> plain_cell(escape_formula("=1+1")), plain_cell("'s-Gravenhage")
        ('=1+1', "'s-Gravenhage")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_STARTS) else cell
