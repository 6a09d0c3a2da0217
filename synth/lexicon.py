"""Pseudo-names of every script but cursive Latin: an automaton over syllables, clusters or boxes.

A placed unit is one integer: the unit's number in the low 12 bits, then four fields of 10 bits (shift to the
right and up, and what width and height have beyond 1, all in hundredths, of either sign) and 11 bits for how
far the line moves on (0: as far as the letterform says, else hundredths plus 1). A plain unit is its number.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .scripts import SCRIPTS, unit_number
from .streams import Key, child, normal, slot, uniform

MAX_UNITS = 40
"""Most units of a text, spaces included."""
SPACE = -1
"""The unit that separates words."""
_LONGEST_ENTRY = 6
_END = -1

_TEXT, _WORD, _NEXT, _ENTRY = (slot(f"text.{n}") for n in ("text", "word", "next", "entry"))


def pack(script: int, placement: str) -> int:
    """Return the code of a unit of a script, placed as in ``grammar.State``.

    Raises:
        ValueError: If the script has no such unit, or it is placed too far away.
    """
    name, _, where = placement.partition("@")
    numbers = [float(word) for word in where.split(",")] if where else []
    dx, dy, wide, tall, advance = (*numbers, *(0.0, 0.0, 1.0, 1.0, -1.0)[len(numbers) :])
    code = unit_number(script, name)
    for i, value in enumerate((dx, dy, wide - 1.0, tall - 1.0)):
        if not -5.12 <= value <= 5.11:
            raise ValueError(f"{placement!r} is placed beyond 5 x-heights")
        code |= (round(100.0 * value) & 1023) << (12 + 10 * i)
    return code | ((round(100.0 * advance) + 1) << 52 if advance >= 0.0 else 0)


@kernel
def unit_of(code: int) -> int:
    """Return the number of a placed unit."""
    return code & 4095


@kernel
def _signed(code: int, field: int) -> float:
    return 0.01 * ((((code >> (12 + 10 * field)) + 512) & 1023) - 512)


@kernel
def placed(code: int) -> tuple[int, float, float, float, float, float]:
    """Return unit, shift x and y (x-heights), width and height (factors), and the advance or -1."""
    step = code >> 52
    return (
        code & 4095,
        _signed(code, 0),
        _signed(code, 1),
        1.0 + _signed(code, 2),
        1.0 + _signed(code, 3),
        0.01 * (step - 1) if step > 0 else -1.0,
    )


@functools.cache
def _automaton() -> tuple[NDArray[Any], ...]:
    """Return every script's automaton in flat arrays.

    Returns:
        For each row (a script's start, then its states): slices of the entries, shape ``(n_rows + 1,)``;
        what an entry counts, ``(n_rows,)``; slices of the successors while the word goes on and once it may
        stop, ``(n_rows, 2, 2)``; the successors' rows and cumulative weights, ``(n_successors,)``; the codes
        of the entries, ``(n_entries, 6)``, padded with `SPACE`; and each script's first row, ``(n_scripts,)``.
    """
    entries: list[list[int]] = []
    entry_start, counts, spans, rows, shares, start = (
        [0],
        list[int](),
        list[Any](),
        list[int](),
        list[float](),
        list[int](),
    )
    for number, script in enumerate(SCRIPTS, 1):
        start.append(len(counts))
        row_of = {name: len(counts) + 1 + i for i, name in enumerate(script.states)} | {".": _END}
        for state in (None, *script.states.values()):
            laws = (script.start, script.start) if state is None else (state.go, state.stop)
            for entry in state.entries.split("|") if state else ():
                text, _, weight = entry.partition("*")
                codes = [pack(number, placement) for placement in text.split()]
                if not 1 <= len(codes) <= _LONGEST_ENTRY:
                    raise ValueError(f"{script.name}: an entry has 1 to {_LONGEST_ENTRY} units, got {entry!r}")
                entries += [codes + [SPACE] * (_LONGEST_ENTRY - len(codes))] * int(weight or 1)
            entry_start.append(len(entries))
            counts.append(state.counts if state else 0)
            span = []
            for law in laws:
                begin = len(rows)
                pairs = [word.partition(":")[::2] for word in law.split()]
                weights = np.array([float(weight or 1) for _, weight in pairs])
                rows += [row_of[name] for name, _ in pairs]
                shares += (np.cumsum(weights) / weights.sum()).tolist()
                span.append([begin, len(rows)])
            spans.append(span)
    return tuple(np.array(a) for a in (entry_start, counts, spans, rows, shares, entries, start))


_ENTRY_START, _COUNTS, _SPANS, _ROWS, _SHARES, _ENTRIES, _START = _automaton()


@kernel
def _write_word(key: Key, script: int, length: int, units: Any, n: int) -> int:
    """Walk the automaton of a script until the word has its length; return how many units there are now."""
    row, written, step = _START[script - 1], 0, 0
    while n + _LONGEST_ENTRY < MAX_UNITS:
        begin, end = _SPANS[row, 1 if written >= length else 0]
        pick = uniform(key, _NEXT, step)
        while begin < end - 1 and pick >= _SHARES[begin]:
            begin += 1
        row = _ROWS[begin]
        if row == _END:
            break
        first, last = _ENTRY_START[row], _ENTRY_START[row + 1]
        entry = _ENTRIES[first + int(uniform(key, _ENTRY, step) * (last - first))]
        for code in entry:
            if code != SPACE:
                units[n], n = code, n + 1
        written += _COUNTS[row]
        step += 1
    return n


@kernel
def write_words(key: Key, hand: Any, units: Any) -> int:
    """Write a pseudo-name of the hand's script into `units`; return how many units."""
    n, n_words = 0, int(hand.words + 0.5)
    for word in range(n_words):
        word_key = child(key, _WORD, word)
        length = int(hand.word_letters * (1.0 + 0.2 * normal(word_key, _TEXT, 0)) + 0.5)
        if word < n_words - 1 and uniform(word_key, _TEXT, 1) < hand.p_initial:
            length = 1
        if n + 2 * length + _LONGEST_ENTRY > MAX_UNITS:
            break
        if word > 0:
            units[n], n = SPACE, n + 1
        n = _write_word(word_key, int(hand.script), max(length, 1), units, n)
    return n
