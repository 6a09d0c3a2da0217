"""From a text and a hand to pen targets: words, joins, late dots and bars, collapse, the headline."""

import math
from typing import Any

import numpy as np

from .glyphs import write_glyph, write_wave
from .idiolect import act_glyph
from .kernels import kernel
from .lexicon import MAX_UNITS, SPACE, unit_of
from .scripts import BOX, CAPITAL, HANGS, MARK
from .streams import Key, normal, slot, uniform
from .targets import BEND, DRIFT, LETTER, POINT, SIZE, off, put

_JOIN, _COLLAPSE, _HEIGHT = (slot(f"idiolect.{n}") for n in ("join", "collapse", "height"))
_HEADLINE, _VERTICAL = (slot(f"idiolect.{n}") for n in ("headline", "vertical"))
_LETTER_X, _LETTER_Y, _LETTER_SIZE, _DRIFT = (
    slot(f"deviation.{n}") for n in ("letter_x", "letter_y", "letter_size", "drift")
)
_POINT_X, _POINT_Y, _POINT_SWEEP = (slot(f"deviation.{n}") for n in ("x", "y", "sweep"))
_OMIT = slot("act.omit")


@kernel
def write_letters(
    hand: Any,
    units: Any,
    n_units: int,
    own: Key,
    other: Key,
    leak: float,
    stray: Any,
    deviation: Any,
    table: Any,
    targets: Any,
) -> int:
    """Write the targets of a text, upright, in x-heights from the origin; return how many.

    Args:
        hand: Proportions to write with (a record of `config.Hand`).
        units: Letters and `SPACE`.
        n_units: How many of them count.
        own: Idiolect key of the person whose signature it is.
        other: Idiolect key of the person who writes it (equal to `own` when genuine).
        leak: Share in [0, 1] of the writer's own letterforms, on average over letters.
        stray: Two keys: of this act's deviations, and of the lasting misperceptions of a forger.
        deviation: Spreads of both, shape ``(2, 6)``, columns `POINT` to `FLOURISH`.
        table: `letters()`.
        targets: Output, shape ``(MAX_TARGETS, 4)``.
    """
    n, x, line, in_word, word_start, can_join, inside = 0, 0.0, 0.0, 0, 0, False, False
    origin, scale, lift = np.empty(MAX_UNITS), np.empty(MAX_UNITS), np.empty(MAX_UNITS)
    drift_y, grown, raised = 0.0, 0.0, 0.0
    stacked = uniform(own, _VERTICAL, 0) < hand.p_vertical
    for k in range(n_units + 1):
        if k == n_units or units[k] == SPACE:
            # what waits for the end of a word: dots, bars and marks, and the headline, mostly last of all
            hung = word_start < k and table[8][unit_of(units[word_start])] & HANGS
            headline = hung and uniform(own, _HEADLINE, 0) < hand.p_headline
            last = uniform(own, _HEADLINE, 1) < hand.p_headline_last
            for turn in range(2):
                if headline and last == (turn == 1):
                    n = _write_headline(
                        hand, units, word_start, k, own, stray, deviation, table, origin, scale, lift, targets, n
                    )
                for late in range(word_start, k if turn == 0 else 0):
                    if scale[late] > 0.0 and uniform(stray[0], _OMIT, late) >= hand.p_omit:
                        n, _ = write_glyph(
                            hand,
                            units[late],
                            late,
                            own,
                            other,
                            leak,
                            stray,
                            deviation,
                            table,
                            origin[late],
                            lift[late],
                            scale[late],
                            False,
                            True,
                            targets,
                            n,
                        )
            x, in_word, word_start = x + hand.word_gap_x_heights, 0, k + 1
            continue
        unit = unit_of(units[k])
        trait = table[8][unit]
        capital = trait & CAPITAL
        if trait & MARK:  # stands where the letter before it ends
            origin[k], scale[k], lift[k] = x, scale[k - 1], lift[k - 1]
        else:
            # a box keeps its parts together, a headline keeps letters level
            calm = 0.3 if inside else (0.7 if trait & BOX else 1.0)
            level = 0.4 if trait & HANGS else calm
            if hand.scatter > 0.0 and not inside:
                grown, raised = (
                    hand.scatter * normal(own, _HEIGHT, 200 + k),
                    hand.scatter * normal(own, _HEIGHT, 300 + k),
                )
            x += calm * off(stray, deviation, DRIFT, _DRIFT, k)
            drift_y += 0.5 * level * off(stray, deviation, DRIFT, _DRIFT, MAX_UNITS + k)
            size = math.exp(
                grown + hand.taper * k / max(n_units, 10) + calm * off(stray, deviation, SIZE, _LETTER_SIZE, k)
            )
            scale[k] = size * (
                hand.capital if capital else math.exp(0.5 * hand.shape_x_heights * normal(own, _HEIGHT, k))
            )
            origin[k] = x + calm * off(stray, deviation, LETTER, _LETTER_X, k)
            lift[k] = line + raised + drift_y + level * off(stray, deviation, LETTER, _LETTER_Y, k)
            if trait & HANGS:
                lift[k] += 1.0 - scale[k] - (1.0 - level) * raised
        joined = in_word > 0 and can_join and uniform(own, _JOIN, unit + 4096 * k) < hand.join
        collapsed = (
            not trait & (CAPITAL | MARK | BOX)
            and in_word >= hand.legible_letters
            and uniform(own, _COLLAPSE, k) < hand.p_collapse
            and (joined or hand.script < 0.5)
        )
        if collapsed:
            n, width = write_wave(
                hand, unit, k, own, stray, deviation, origin[k], lift[k], scale[k], joined, targets, n
            )
        else:
            n, width = write_glyph(
                hand,
                units[k],
                k,
                own,
                other,
                leak,
                stray,
                deviation,
                table,
                origin[k],
                lift[k],
                scale[k],
                joined,
                False,
                targets,
                n,
            )
        if trait & MARK:
            continue
        can_join = collapsed or table[7][act_glyph(hand, own, stray[0], unit, k, table)]
        in_word, inside = in_word + 1, width == 0.0
        if width > 0.0 and trait & BOX and stacked:
            line -= width * scale[k] + hand.letter_gap_x_heights
        elif width > 0.0:
            x += width * scale[k] * hand.letter_width * (0.75 if capital else 1.0) + hand.letter_gap_x_heights
        if collapsed:
            scale[k] = 0.0  # nothing of it is left for the late strokes
    return n


@kernel
def _write_headline(
    hand: Any,
    units: Any,
    first: int,
    last: int,
    own: Key,
    stray: Any,
    deviation: Any,
    table: Any,
    origin: Any,
    scale: Any,
    lift: Any,
    targets: Any,
    n: int,
) -> int:
    """Write the line that letters hang from, in one stroke or broken where this person always breaks it."""
    while last > first and table[8][unit_of(units[last - 1])] & MARK:
        last -= 1
    begun = first
    for k in range(first, last):
        unit = unit_of(units[k])
        whole = k < last - 1 and uniform(own, _HEADLINE, 100 + k) >= hand.headline_break
        if whole or table[8][unit] & MARK or scale[k] <= 0.0:
            continue
        right = origin[k] + table[4][act_glyph(hand, own, stray[0], unit, k, table)] * scale[k] * hand.letter_width
        for i in range(2):
            j, index = (begun if i == 0 else k), 2 * k + i
            x = origin[begun] - 0.1 if i == 0 else right + 0.05
            x += (0.22 if i > 0 or begun > first else 0.3) * normal(own, _HEADLINE, 200 + index)
            y = lift[j] + scale[j] + 0.05 * normal(own, _HEADLINE, 300 + index)
            x += 1.5 * off(stray, deviation, POINT, _POINT_X, 40_000 + index)
            y += 1.5 * off(stray, deviation, POINT, _POINT_Y, 40_000 + index)
            sweep = 0.12 * normal(own, _HEADLINE, 400 + index) + 0.3 * off(
                stray, deviation, BEND, _POINT_SWEEP, 40_000 + index
            )
            n = put(targets, n, x, y, sweep if i > 0 else 0.4, float(i))
        begun = k + 1
    return n
