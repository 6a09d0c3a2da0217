"""From a text and a hand to pen targets: words, joins, late dots and bars, collapse, the flourish.

A target is a row of four numbers: x and y (mm, y up), the sweep (rad) of the arc that arrives there, and
1 if the pen is on the paper on the way. A person's version of a letter is an allograph of the shared table,
deformed by offsets that are that person's for life. A forger's version lies between the target's and the
forger's own, letter by letter, so that a copy keeps some of the copyist's letterforms.
"""

import functools
import math
from typing import Any

import numpy as np

from .kernels import kernel
from .letterforms import UNITS
from .lexicon import MAX_UNITS as MAX_UNITS
from .lexicon import SPACE as SPACE
from .lexicon import placed, unit_of, write_words
from .scripts import BOX, CAPITAL, HANGS, JOINS, MARK, RIGHT_TO_LEFT, STANDS, script_table, traits
from .streams import Key, child, normal, slot, uniform

X, Y, SWEEP, DOWN = range(4)
MAX_TARGETS = 360
POINT, LETTER, SIZE, DRIFT, BEND, FLOURISH = range(6)
"""Columns of a deviation table: spread of single targets, whole letters (x-heights), letter size (log),
the walk from letter to letter (x-heights), sweeps (rad) and flourish corners (share of its width)."""

_VOWELS = np.array([UNITS.index(c) for c in "aeiouaeioaey"])
_ONSETS = np.array([UNITS.index(c) for c in "bcdfghjklmnprstvwzlrnstmdhkqxbcpg"])
_CODAS = np.array([UNITS.index(c) for c in "nrslmtdkhnrsnlygxz"])
_FIRST_CAPITAL = UNITS.index("A")
_ASCENDERS = np.array([UNITS.index(c) for c in "bdfhklt"])

_TEXT, _WORD, _SYLLABLE, _ONSET, _VOWEL, _CODA = (
    slot(f"text.{n}") for n in ("text", "word", "syllable", "onset", "vowel", "coda")
)
_GLYPH, _MEMBER, _OWN_X, _OWN_Y, _OWN_SWEEP, _OWN_WIDTH, _OWN_LIFT = (
    slot(f"idiolect.{n}") for n in ("glyph", "member", "x", "y", "sweep", "width", "lift")
)
_JOIN, _COLLAPSE, _HEIGHT = (slot(f"idiolect.{n}") for n in ("join", "collapse", "height"))
_LETTER_X, _LETTER_Y, _LETTER_SIZE, _POINT_X, _POINT_Y, _POINT_SWEEP, _LEAK, _DRIFT = (
    slot(f"deviation.{n}") for n in ("letter_x", "letter_y", "letter_size", "x", "y", "sweep", "leak", "drift")
)
_OMIT, _SWAP = slot("act.omit"), slot("act.swap")
_LINK, _AIR, _HEADLINE, _VERTICAL = (slot(f"idiolect.{n}") for n in ("link", "air", "headline", "vertical"))
_FLOURISH, _ATTACHED, _LOOPS, _SIDE, _EXTENT, _LANE, _TURN = (
    slot(f"flourish.{n}") for n in ("has", "attached", "loops", "side", "extent", "lane", "turn")
)


@functools.cache
def letters() -> Any:
    """Return the letters of every script as the plain tuple of arrays that the kernels take.

    The last two arrays say which glyphs a next letter can be joined to, and what is particular about a unit
    (`scripts.traits`). Unless a script says otherwise a glyph can be joined if its pen ends near the right
    edge and not at capital height, since a join from the top of an O would turn Ob into Ab.
    """
    t, trait = script_table(), traits()
    joinable = np.zeros(len(t.advance), dtype=np.bool_)
    for unit, (begin, end) in enumerate(zip(t.unit_start[:-1], t.unit_start[1:], strict=True)):
        for glyph in range(begin, end):
            first, last = t.glyph_start[glyph], t.glyph_start[glyph + 1]
            main = t.points[first:last][~t.late[first:last]]
            reached = len(main) > 0 and t.advance[glyph] - main[-1, 0] < 0.35 and main[-1, 1] < 1.3
            joinable[glyph] = bool(trait[unit] & JOINS) or (reached and not trait[unit] & STANDS)
    return (t.points, t.path_start, t.late, t.glyph_start, t.advance, t.group, t.unit_start, joinable, trait)


@kernel
def _off(stray: Any, deviation: Any, column: int, name: Any, index: Any) -> float:
    """Return one deviation: this act's own, plus what a forger always gets wrong here."""
    value = deviation[0, column] * normal(stray[0], name, index)
    if deviation[1, column] > 0.0:
        value += deviation[1, column] * normal(stray[1], name, index)
    return value


@kernel
def write_text(key: Key, hand: Any, units: Any) -> int:
    """Write a pseudo-name into `units` (syllables, never a list of people); return how many units."""
    if hand.script > 0.5:
        return write_words(key, hand, units)
    n, n_words = 0, int(hand.words + 0.5)
    for word in range(n_words):
        if word > 0:
            units[n], n = SPACE, n + 1
        word_key = child(key, _WORD, word)
        length = int(hand.word_letters + 1.4 * normal(word_key, _TEXT, 0) + 0.5)
        if hand.word_letters <= 1.0 or (word < n_words - 1 and uniform(word_key, _TEXT, 1) < hand.p_initial):
            length = 1
        length, start = min(max(length, 1), 11), n
        if n + length + 1 > MAX_UNITS:
            break
        syllable = 0
        while n - start < length:
            vowel_first = syllable == 0 and uniform(word_key, _SYLLABLE, 0) < 0.2
            if not vowel_first:
                units[n], n = _ONSETS[int(uniform(word_key, _ONSET, syllable) * len(_ONSETS))], n + 1
            if n - start < length:
                units[n], n = _VOWELS[int(uniform(word_key, _VOWEL, syllable) * len(_VOWELS))], n + 1
            if n - start < length and uniform(word_key, _SYLLABLE, 1 + syllable) < 0.4:
                units[n], n = _CODAS[int(uniform(word_key, _CODA, syllable) * len(_CODAS))], n + 1
            syllable += 1
        units[start] += _FIRST_CAPITAL
    return n


@kernel
def own_glyph(key: Key, unit: int, table: Any) -> int:
    """Return the allograph a person uses for a letter, for life: a group, then a member of it."""
    group, unit_start = table[5], table[6]
    first, last = unit_start[unit], unit_start[unit + 1]
    # the first family of a letter is the written (cursive) one and the commonest
    pick = uniform(key, _GLYPH, unit)
    wanted = group[first + int(pick**1.7 * (last - first))]
    return own_member(key, wanted, first, last, group)


@kernel
def act_glyph(hand: Any, own: Key, act: Key, unit: int, k: int, table: Any) -> int:
    """Return the allograph of letter `k` in one act: mostly a person's own, now and then another."""
    if uniform(act, _SWAP, k) < hand.p_swap:
        first, last = table[6][unit], table[6][unit + 1]
        return first + int(uniform(act, _SWAP, 1000 + k) * (last - first))
    return own_glyph(own, unit, table)


@kernel
def own_member(key: Key, wanted: int, first: int, last: int, group: Any) -> int:
    """Return the member of a morph group that a person prefers."""
    while group[first] != wanted:
        first += 1
    size = 1
    while first + size < last and group[first + size] == wanted:
        size += 1
    return first + int(uniform(key, _MEMBER, wanted) * size)


@kernel
def own_frame(key: Key, glyph: int, shape: float) -> tuple[float, float]:
    """Return how wide a person writes a whole glyph (a factor) and how high above the line (x-heights)."""
    wide = math.exp(1.5 * shape * normal(key, _OWN_WIDTH, np.uint64(glyph)))
    return wide, 0.5 * shape * normal(key, _OWN_LIFT, np.uint64(glyph))


@kernel
def own_point(key: Key, glyph: int, k: int, shape: float, frame: Any, table: Any) -> tuple[float, float, float]:
    """Return a person's target (x, y in x-heights, sweep in rad) for point `k` of a glyph, given its `own_frame`."""
    p, g = table[3][glyph] + k, np.uint64(glyph * 64 + k)
    x = table[0][p, 0] * frame[0] + shape * normal(key, _OWN_X, g)
    y = table[0][p, 1] + shape * normal(key, _OWN_Y, g) + frame[1]
    return x, y, table[0][p, 2] * math.exp(2.0 * shape * normal(key, _OWN_SWEEP, g))


@kernel
def _put(targets: Any, n: int, x: float, y: float, sweep: float, down: float) -> int:
    if n < MAX_TARGETS:
        targets[n, 0], targets[n, 1], targets[n, 3] = x, y, down
        targets[n, 2] = min(max(sweep, -2.9), 2.9)
        return n + 1
    return n


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
                        n, _ = _write_glyph(
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
            x += calm * _off(stray, deviation, DRIFT, _DRIFT, k)
            drift_y += 0.5 * level * _off(stray, deviation, DRIFT, _DRIFT, MAX_UNITS + k)
            size = math.exp(grown + hand.taper * k / 10.0 + calm * _off(stray, deviation, SIZE, _LETTER_SIZE, k))
            scale[k] = size * (
                hand.capital if capital else math.exp(0.5 * hand.shape_x_heights * normal(own, _HEIGHT, k))
            )
            origin[k] = x + calm * _off(stray, deviation, LETTER, _LETTER_X, k)
            lift[k] = line + raised + drift_y + level * _off(stray, deviation, LETTER, _LETTER_Y, k)
            if trait & HANGS:
                lift[k] += 1.0 - scale[k] - (1.0 - level) * raised
        joined = in_word > 0 and can_join and uniform(own, _JOIN, unit + 64 * k) < hand.join
        collapsed = (
            not trait & (CAPITAL | MARK | BOX)
            and in_word >= hand.legible_letters
            and uniform(own, _COLLAPSE, k) < hand.p_collapse
            and (joined or hand.script < 0.5)
        )
        if collapsed:
            n, width = _write_wave(
                hand, unit, k, own, stray, deviation, origin[k], lift[k], scale[k], joined, targets, n
            )
        else:
            n, width = _write_glyph(
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
            x += 1.5 * _off(stray, deviation, POINT, _POINT_X, 40_000 + index)
            y += 1.5 * _off(stray, deviation, POINT, _POINT_Y, 40_000 + index)
            sweep = 0.12 * normal(own, _HEADLINE, 400 + index) + 0.3 * _off(
                stray, deviation, BEND, _POINT_SWEEP, 40_000 + index
            )
            n = _put(targets, n, x, y, sweep if i > 0 else 0.4, float(i))
        begun = k + 1
    return n


@kernel
def _write_glyph(
    hand: Any,
    code: int,
    k: int,
    own: Key,
    other: Key,
    leak: float,
    stray: Any,
    deviation: Any,
    table: Any,
    x0: float,
    y0: float,
    size: float,
    joined: bool,
    late: bool,
    targets: Any,
    n: int,
) -> tuple[int, float]:
    points, path_start, is_late, glyph_start, advance, group, unit_start, _, traits = table
    unit, shift_x, shift_y, wide, tall, step = placed(code)
    capital, hangs = traits[unit] & CAPITAL, traits[unit] & HANGS
    glyph = act_glyph(hand, own, stray[0], unit, k, table)
    copy = own_member(other, group[glyph], unit_start[unit], unit_start[unit + 1], group)
    share = min(1.0, leak * math.exp(0.6 * normal(stray[1], _LEAK, k)))
    shape = hand.shape_x_heights
    first = glyph_start[glyph]
    frame = own_frame(own, glyph, shape)
    copy_frame = own_frame(other, copy, shape) if share > 0.0 else frame
    for i in range(glyph_start[glyph + 1] - first):
        if is_late[first + i] != late:
            continue
        x, y, sweep = own_point(own, glyph, i, shape, frame, table)
        if share > 0.0:
            x2, y2, sweep2 = own_point(other, copy, i, shape, copy_frame, table)
            x, y, sweep = x + share * (x2 - x), y + share * (y2 - y), sweep + share * (sweep2 - sweep)
        slot_index = np.uint64(k * 64 + i)
        x += _off(stray, deviation, POINT, _POINT_X, slot_index)
        y += _off(stray, deviation, POINT, _POINT_Y, slot_index)
        if hangs and abs(points[first + i, 1] - 1.0) < 0.08:
            y = 1.0 + 0.35 * (y - 1.0)  # meets the headline
        if y > 1.0 and not capital:
            y = 1.0 + (y - 1.0) * hand.ascender
        elif y < 0.0:
            y *= hand.descender
        sweep = sweep * hand.roundness + _off(stray, deviation, BEND, _POINT_SWEEP, slot_index)
        down = 0.0 if path_start[first + i] and not (joined and i == 0) else 1.0
        p, where = first + i, np.uint64(glyph * 64 + i)
        if down == 0.0:
            far = math.hypot(points[p, 0] - points[p - 1, 0], points[p, 1] - points[p - 1, 1]) if i > 0 else 9.0
            if i > 0 and not late and uniform(own, _LINK, where) < hand.link * (1.35 - far):
                down = 1.0  # running hand: the way through the air is drawn
            if hand.air_bow > 0.0:
                sweep += hand.air_bow * normal(own, _AIR, where)
        elif hand.shortest > 0.0 and not path_start[p]:
            if math.hypot(points[p, 0] - points[p - 1, 0], points[p, 1] - points[p - 1, 1]) < hand.shortest:
                continue  # too short for a hurried hand
        x_scale = size * hand.letter_width * (0.75 if capital else 1.0)
        n = _put(targets, n, x0 + (shift_x + x * wide) * x_scale, y0 + (shift_y + y * tall) * size, sweep, down)
    width = (advance[glyph] + share * (advance[copy] - advance[glyph])) * wide
    return n, step if step >= 0.0 else width


@kernel
def _write_wave(
    hand: Any,
    unit: int,
    k: int,
    own: Key,
    stray: Any,
    deviation: Any,
    x0: float,
    y0: float,
    size: float,
    joined: bool,
    targets: Any,
    n: int,
) -> tuple[int, float]:
    """Write a collapsed letter: up and down again, taller where the letter had an ascender."""
    height = 0.7 * math.exp(0.3 * normal(own, _HEIGHT, 100 + k))
    for tall in _ASCENDERS:
        if unit == tall:
            height *= 2.0
    width = 0.7 * math.exp(0.25 * normal(own, _OWN_WIDTH, 10_000 + k))
    for i in range(2):
        slot_index = np.uint64(k * 64 + i)
        x = (0.45 + 0.55 * i) * width + _off(stray, deviation, POINT, _POINT_X, slot_index)
        y = (height if i == 0 else 0.05) + _off(stray, deviation, POINT, _POINT_Y, slot_index)
        bow = (0.6 if i == 0 else -0.3) + 0.5 * normal(own, _OWN_SWEEP, 10_000 + 2 * k + i)
        bow = bow * hand.roundness + _off(stray, deviation, BEND, _POINT_SWEEP, slot_index)
        down = 1.0 if joined or i > 0 else 0.0
        n = _put(targets, n, x0 + x * size * hand.letter_width, y0 + y * size, bow, down)
    return n, width


@kernel
def write_flourish(
    hand: Any, own: Key, stray: Any, deviation: Any, targets: Any, n: int, left: float, right: float
) -> int:
    """Append the paraph: long arcs between left and right extremes of the text, or nothing.

    Args:
        hand: Record of `config.Hand`.
        own: Idiolect key of the person whose flourish it is.
        stray: As for `write_letters`.
        deviation: As for `write_letters`.
        targets: Targets so far, in x-heights; extended in place.
        n: How many there are.
        left: Left end of the text, in x-heights.
        right: Right end.
    """
    if n > 0 and uniform(own, _FLOURISH, 0) >= hand.p_flourish:
        return n
    centre, half = 0.5 * (left + right), 0.5 * max(right - left, 5.0) * hand.extent
    loops = uniform(own, _LOOPS, 0) < hand.p_loops
    turn_sign = -1.0 if uniform(own, _TURN, 0) < 0.7 else 1.0
    attached = n > 0 and uniform(own, _ATTACHED, 0) < hand.p_attached
    side = 1.0 if attached and uniform(own, _SIDE, 0) < 0.6 else -1.0
    lane = hand.lane_x_heights
    for i in range(int(hand.corners + 0.5) + 1):
        reach = half * math.exp(-0.10 * i + 0.25 * normal(own, _EXTENT, i))
        x = centre + side * reach + 0.15 * half * normal(own, _EXTENT, 100 + i)
        y = lane + (0.35 + 0.1 * half) * normal(own, _LANE, i)
        x += 2.0 * half * _off(stray, deviation, FLOURISH, _EXTENT, i)
        y += (1.0 + 0.6 * half) * _off(stray, deviation, FLOURISH, _LANE, i)
        bend = 0.35 * normal(own, _TURN, 1 + i) + (
            turn_sign * (2.2 + 0.35 * normal(own, _LOOPS, 1 + i)) if loops else 0.0
        )
        bend += 3.0 * _off(stray, deviation, FLOURISH, _TURN, i)
        n = _put(targets, n, x, y, bend, 1.0 if i > 0 or attached else 0.0)
        lane, side = lane - hand.lane_drop_x_heights, -side
    return n


@kernel
def face(units: Any, n_units: int, table: Any, targets: Any, n: int, left: float, right: float) -> tuple[float, float]:
    """Turn a text of a script written from right to left around; return its left and right end."""
    if n_units == 0 or not table[8][unit_of(units[0])] & RIGHT_TO_LEFT:
        return left, right
    for i in range(n):
        targets[i, X], targets[i, SWEEP] = -targets[i, X], -targets[i, SWEEP]
    return -right, -left
