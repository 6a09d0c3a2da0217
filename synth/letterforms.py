"""Readable Latin letterforms of our own, as pen targets joined by circular arcs.

A letter is not stored as an outline but as what a hand does: the pen goes from target to target along
circular arcs, one arc per pen stroke, so that every arc can become one motor impulse. Several people's
ways of writing a letter (its allographs) stand side by side. The shapes themselves are plain data in
``letters_lower.py`` and ``letters_upper.py``; this module reads, checks and packs them into arrays.
Nothing here knows about kinematics, signers or ink.

Em frame: x to the right, y up, baseline ``y = 0``, x-height ``y = 1``, ascenders and capitals about 2.1,
descenders about -1.1. Letters stand upright; slant, size and baseline belong to the signer.

How to read, change or add a letter::

    "n": (
        '''
        .84: .14 .94 -55, .15 .00 0, .50 .97 -55, .60 .00 -55, .86 .30 70
        .95: .10 .90 -50, .12 .00 0, .58 .92 -70, .68 .00 -60, .98 .28 60
        ''',
    ),

* One entry per letter holds one or more *families*, each a text block. A family holds the allographs
  that may be blended point by point (a forger's hand lies between them), so all its glyphs must have the
  same paths with the same number of targets.
* One glyph is ``advance:`` followed by its targets ``x y sweep``, separated by commas (line breaks are
  free). The pen comes to (x, y) from the previous target along the circular arc that turns by ``sweep``
  degrees in total: positive to the left (counter-clockwise), 0 straight, at most 170 either way. Put one
  target where a stroke ends: corners, tops, bottoms, changes of curvature.
* ``/`` starts another path at once, after lifting the pen (the bar of an H). ``~`` starts a path that is
  written *late*, after the whole word (the dot of an i, the bar of a t). Late paths come last.
* The sweep of a glyph's first target is that of the joining stroke: a joined letter is reached from the
  end of the previous letter's last path that is not late. Later paths begin in the air and start with 0.
* Start a letter where a joining upstroke arrives, end it with an exit stroke at about (advance, .3), or
  at about (advance, .9) for letters such as o, v and w. A glyph that ends elsewhere (the top of a V, the
  open tail of a g) is better not joined to the next. Then look at it, alone and inside words.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .letters_lower import LOWER
from .letters_upper import UPPER

UNITS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Every unit that can be written; unit ``u`` is ``UNITS[u]``."""

MAX_SWEEP = np.deg2rad(170.0)
"""Largest turn of one arc, in rad; beyond it the arc grows much longer than its chord."""

_MIN_Y, _MAX_Y = -1.5, 2.6
_MIN_X, _MAX_X = -1.2, 3.0
_MIN_ADVANCE, _MAX_ADVANCE = 0.0, 2.6
_MIN_CHORD = 0.02

_GLYPH = re.compile(r"(\d*\.?\d+)\s*:([^:]*?)(?=\d*\.?\d+\s*:|$)", re.DOTALL)


class LetterTable(NamedTuple):
    """Every glyph of every letter in flat arrays; ``n_points`` targets, ``n_glyphs`` glyphs.

    The targets of glyph ``g`` are rows ``glyph_start[g]`` to ``glyph_start[g + 1]`` of the point arrays,
    the glyphs (allographs) of unit ``u`` are ``unit_start[u]`` to ``unit_start[u + 1]``.

    Attributes:
        points: x and y in x-heights and the sweep in rad of the arc that arrives there, ``(n_points, 3)``.
        path_start: True at the first target of each path, shape ``(n_points,)``.
        late: True on paths that are written after the whole word, shape ``(n_points,)``.
        glyph_start: Slices of the point arrays, shape ``(n_glyphs + 1,)``.
        advance: Width of each glyph in x-heights, shape ``(n_glyphs,)``.
        group: Morph group of each glyph, shape ``(n_glyphs,)``. Glyphs of one group belong to one letter,
            lie next to each other and share their paths, so that their points can be blended.
        unit_start: Slices of the glyph arrays, shape ``(n_units + 1,)``.
    """

    points: NDArray[np.float64]
    path_start: NDArray[np.bool_]
    late: NDArray[np.bool_]
    glyph_start: NDArray[np.int64]
    advance: NDArray[np.float64]
    group: NDArray[np.int64]
    unit_start: NDArray[np.int64]


class Form(NamedTuple):
    """A smooth change that makes another allograph of a glyph, in x-heights and shares of them.

    Attributes:
        wide: Factor of the width.
        lean: Shift to the right at the top, to the left at the bottom.
        rise: Slope of the line.
        bend: Factor of every sweep: below 1 angular, above 1 round.
        swell: Lift of the middle against foot and top.
        heavy: Shift of the middle to the right against both edges.
        bow: Turn of strokes that were straight, in rad.
    """

    wide: float = 1.0
    lean: float = 0.0
    rise: float = 0.0
    bend: float = 1.0
    swell: float = 0.0
    heavy: float = 0.0
    bow: float = 0.0


class Alphabet(NamedTuple):
    """The units of one script as text, and how they are read.

    Attributes:
        letters: For each unit its families of allographs, in the notation of this module.
        forms: Further allographs of every glyph, each by a smooth change of form.
        right_to_left: Whether x counts leftwards from the right edge; sweeps are always as seen on paper.
    """

    letters: Mapping[str, tuple[str, ...]]
    forms: tuple[Form, ...] = ()
    right_to_left: bool = False


class _Path(NamedTuple):
    """One pen-down: its targets ``(x, y, sweep in rad)`` and whether it waits for the end of the word."""

    targets: tuple[tuple[float, float, float], ...]
    late: bool


class _Glyph(NamedTuple):
    """One allograph as read from the text."""

    advance: float
    paths: tuple[_Path, ...]

    def topology(self) -> tuple[tuple[int, bool], ...]:
        """Return what two glyphs must share to be blended: targets per path, and which paths are late."""
        return tuple((len(path.targets), path.late) for path in self.paths)


@cache
def letter_table() -> LetterTable:
    """Return every letterform as flat, read-only arrays (built and checked once).

    Returns:
        The table; see ``LetterTable`` for the shape and unit of each array.

    Raises:
        ValueError: If a letter is missing, or one is written wrongly; the message names the letter.
    """
    return build_table({**LOWER, **UPPER})


def text_to_units(text: str) -> NDArray[np.int64]:
    """Return the unit number of each character of a word.

    Args:
        text: A word of the letters a to z and A to Z; may be empty.

    Returns:
        Indices into ``UNITS``, shape ``(len(text),)``.

    Raises:
        ValueError: If a character has no letterform.

    Example:
        >>> text_to_units("abA")
        array([ 0,  1, 26])
    """
    for character in text:
        if character not in UNITS:
            raise ValueError(f"no letterform for {character!r} in {text!r}; use the letters a to z and A to Z")
    return np.array([UNITS.index(character) for character in text], dtype=np.int64)


def build_table(letters: Mapping[str, tuple[str, ...]], others: Iterable[Alphabet] = ()) -> LetterTable:
    """Return the table of a complete alphabet in the notation of this module's docstring.

    Args:
        letters: For each character of ``UNITS``, its families of allographs.
        others: Alphabets of other scripts; their units follow, in order, and move none of the Latin glyphs.

    Returns:
        The table, its arrays read-only.

    Raises:
        ValueError: If a letter is missing or superfluous, or one is written wrongly.
    """
    if mismatch := sorted(set(letters) ^ set(UNITS)):
        raise ValueError(f"an alphabet has exactly the letters a to z and A to Z; missing or foreign: {mismatch}")
    alphabets = [Alphabet({unit: letters[unit] for unit in UNITS}), *others]
    rows: list[tuple[float, float, float]] = []
    path_start: list[bool] = []
    late: list[bool] = []
    glyph_start, unit_start = [0], [0]
    advance: list[float] = []
    group: list[int] = []
    n_groups = 0
    for alphabet, unit in ((a, unit) for a in alphabets for unit in a.letters):
        for family in alphabet.letters[unit]:
            glyphs = _read_family(unit, family)
            for glyph in (*glyphs, *(_turned(glyph, form) for form in alphabet.forms for glyph in glyphs)):
                for path in glyph.paths if not alphabet.right_to_left else _mirrored(glyph):
                    rows.extend(path.targets)
                    path_start.extend(index == 0 for index in range(len(path.targets)))
                    late.extend([path.late] * len(path.targets))
                glyph_start.append(len(rows))
                advance.append(glyph.advance)
                group.append(n_groups)
            n_groups += 1
        unit_start.append(len(advance))
    table = LetterTable(
        points=np.array(rows, dtype=np.float64),
        path_start=np.array(path_start, dtype=np.bool_),
        late=np.array(late, dtype=np.bool_),
        glyph_start=np.array(glyph_start, dtype=np.int64),
        advance=np.array(advance, dtype=np.float64),
        group=np.array(group, dtype=np.int64),
        unit_start=np.array(unit_start, dtype=np.int64),
    )
    for array in table:
        array.flags.writeable = False
    return table


def _mirrored(glyph: _Glyph) -> tuple[_Path, ...]:
    """Return the paths of a glyph whose x counts leftwards, with sweeps as the mirrored frame sees them."""
    return tuple(_Path(tuple((x, y, -sweep) for x, y, sweep in path.targets), path.late) for path in glyph.paths)


def _turned(glyph: _Glyph, form: Form) -> _Glyph:
    """Return another allograph of the same paths: a smooth change of form, far from any single point."""
    wide = max(glyph.advance, 0.4)

    def moved(x: float, y: float, sweep: float) -> tuple[float, float, float]:
        along = min(max(x / wide, 0.0), 1.0)
        return (
            x * form.wide + form.lean * (y - 0.5) + form.heavy * wide * along * (1.0 - along),
            y + form.rise * (x - 0.5 * wide) + form.swell * y * (1.0 - y),
            min(max(sweep * form.bend + form.bow * (abs(sweep) < 0.3), -MAX_SWEEP), MAX_SWEEP),
        )

    paths = tuple(_Path(tuple(moved(*target) for target in path.targets), path.late) for path in glyph.paths)
    return _Glyph(glyph.advance * form.wide, paths)


def _read_family(unit: str, text: str) -> list[_Glyph]:
    """Return the glyphs of one family, checked one by one and against each other."""
    matches = list(_GLYPH.finditer(text))
    if not matches or text[: matches[0].start()].strip():
        raise ValueError(f"letter {unit!r}: a glyph starts with its advance and a colon, got {text.strip()!r}")
    glyphs = [_read_glyph(unit, float(match[1]), match[2]) for match in matches]
    if len({glyph.topology() for glyph in glyphs}) > 1:
        counts = [[n for n, _ in glyph.topology()] for glyph in glyphs]
        raise ValueError(f"letter {unit!r}: one family must share its paths, got targets per path {counts}")
    return glyphs


def _read_glyph(unit: str, advance: float, text: str) -> _Glyph:
    """Return one glyph from its targets; ``/`` and ``~`` start further paths."""
    if not _MIN_ADVANCE <= advance <= _MAX_ADVANCE:
        raise ValueError(f"letter {unit!r}: advance {advance} is outside [{_MIN_ADVANCE}, {_MAX_ADVANCE}]")
    first, *further = re.split(r"([/~])", text)
    marks_only = not first.strip() and further[:1] == ["~"]  # a sign that is written late as a whole
    paths = [] if marks_only else [_Path(_read_path(unit, first), late=False)]
    for mark, path in zip(further[::2], further[1::2], strict=True):
        if mark == "/" and paths and paths[-1].late:
            raise ValueError(f"letter {unit!r}: late paths come last, but '/' follows '~' in {text.strip()!r}")
        paths.append(_Path(_read_path(unit, path), late=mark == "~"))
    return _Glyph(advance, tuple(paths))


def _read_path(unit: str, text: str) -> tuple[tuple[float, float, float], ...]:
    """Return the checked targets of one path."""
    targets: list[tuple[float, float, float]] = []
    for item in text.split(","):
        try:
            x, y, degrees = (float(word) for word in item.split())
        except ValueError:
            raise ValueError(f"letter {unit!r}: a target is 'x y sweep', got {item.strip()!r}") from None
        sweep = float(np.deg2rad(degrees))
        if not (_MIN_X <= x <= _MAX_X and _MIN_Y <= y <= _MAX_Y):
            raise ValueError(f"letter {unit!r}: target ({x}, {y}) lies outside the em frame")
        if not abs(sweep) <= MAX_SWEEP:
            raise ValueError(f"letter {unit!r}: sweep {degrees} at ({x}, {y}) is beyond 170 degrees")
        if targets and np.hypot(x - targets[-1][0], y - targets[-1][1]) < _MIN_CHORD:
            raise ValueError(f"letter {unit!r}: two targets in a row at ({x}, {y}); an arc needs a length")
        targets.append((x, y, sweep))
    if len(targets) < 2:
        raise ValueError(f"letter {unit!r}: a path needs at least two targets, got {text.strip()!r}")
    return tuple(targets)
