"""Laws of the letterforms: a readable alphabet with several ways to write every letter."""

import itertools
from collections import defaultdict

import numpy as np
import pytest

from synth.letterforms import (
    MAX_SWEEP,
    UNITS,
    build_table,
    letter_table,
    text_to_units,
)
from synth.letters_lower import LOWER
from synth.letters_upper import UPPER

ALPHABET = {**LOWER, **UPPER}
TABLE = letter_table()
N_GLYPHS = len(TABLE.advance)
WIDELY_VARIED = "adefgkpqrstyz" + "ADEFGHIJLMNRST"


def glyphs_of(unit: str) -> range:
    index = UNITS.index(unit)
    return range(TABLE.unit_start[index], TABLE.unit_start[index + 1])


def rows_of(glyph: int) -> slice:
    return slice(TABLE.glyph_start[glyph], TABLE.glyph_start[glyph + 1])


def topology(glyph: int) -> list[tuple[bool, bool]]:
    rows = rows_of(glyph)
    return list(zip(TABLE.path_start[rows].tolist(), TABLE.late[rows].tolist(), strict=True))


def arc_points(start: np.ndarray, end: np.ndarray, sweep: float) -> np.ndarray:
    """The finished arc from start to end, 33 points, from the chord and the sweep alone."""
    chord = end - start
    half = sweep / 2
    length = np.hypot(*chord) / np.sinc(half / np.pi)
    turned = half * np.linspace(0, 1, 33)
    travelled = length * np.linspace(0, 1, 33) * np.sinc(turned / np.pi)
    direction = np.arctan2(chord[1], chord[0]) - half + turned
    return start + np.stack([travelled * np.cos(direction), travelled * np.sin(direction)], axis=1)


def drawn(glyph: int) -> np.ndarray:
    rows = TABLE.points[rows_of(glyph)]
    starts = TABLE.path_start[rows_of(glyph)]
    arcs = [arc_points(rows[i - 1, :2], rows[i, :2], rows[i, 2]) for i in range(1, len(rows)) if not starts[i]]
    return np.concatenate(arcs)


@pytest.mark.parametrize("unit", UNITS)
def test_every_letter_has_several_allographs(unit):
    promised = 3 if unit.islower() else 2
    assert len(glyphs_of(unit)) >= promised + (unit in WIDELY_VARIED)


def test_the_slices_cover_the_table_without_gaps():
    assert len(UNITS) == len(set(UNITS)) == 52
    for starts, total in ((TABLE.unit_start, N_GLYPHS), (TABLE.glyph_start, len(TABLE.points))):
        assert starts[0] == 0
        assert starts[-1] == total
        assert (np.diff(starts) > 0).all()
    assert len(TABLE.unit_start) == len(UNITS) + 1
    assert len(TABLE.glyph_start) == N_GLYPHS + 1
    assert len(TABLE.group) == N_GLYPHS
    assert TABLE.points.shape == (len(TABLE.path_start), 3) == (len(TABLE.late), 3)
    assert TABLE.path_start[TABLE.glyph_start[:-1]].all()
    assert not TABLE.late[TABLE.glyph_start[:-1]].any(), "a main path is never late"


def test_targets_sweeps_and_widths_are_in_bounds():
    assert np.isfinite(TABLE.points).all()
    assert TABLE.points[:, 1].min() >= -1.5
    assert TABLE.points[:, 1].max() <= 2.6
    assert np.abs(TABLE.points[:, 2]).max() <= MAX_SWEEP
    assert TABLE.advance.min() >= 0.2
    assert TABLE.advance.max() <= 2.6


def test_lateness_changes_only_between_paths_and_late_paths_come_last():
    for glyph in range(N_GLYPHS):
        rows = rows_of(glyph)
        changes = np.diff(TABLE.late[rows].astype(int))
        assert (changes >= 0).all()
        assert TABLE.path_start[rows][1:][changes != 0].all()


def test_a_group_belongs_to_one_letter_lies_together_and_shares_its_paths():
    members = defaultdict(list)
    for unit in UNITS:
        for glyph in glyphs_of(unit):
            members[int(TABLE.group[glyph])].append((unit, glyph))
    for entries in members.values():
        glyphs = [glyph for _, glyph in entries]
        assert len({unit for unit, _ in entries}) == 1
        assert glyphs == list(range(glyphs[0], glyphs[-1] + 1))
        assert all(topology(glyph) == topology(glyphs[0]) for glyph in glyphs)


def test_every_letter_can_be_blended():
    for unit in UNITS:
        assert np.unique(TABLE.group[glyphs_of(unit)], return_counts=True)[1].max() >= 2, unit


def test_blending_halfway_within_a_group_keeps_its_arcs_sane():
    for first, second in itertools.pairwise(range(N_GLYPHS)):
        if TABLE.group[first] == TABLE.group[second]:
            middle = (TABLE.points[rows_of(first)] + TABLE.points[rows_of(second)]) / 2
            inside = ~TABLE.path_start[rows_of(first)][1:]
            assert np.hypot(*np.diff(middle[:, :2], axis=0).T)[inside].min() > 0.02


def test_no_arc_inside_a_path_has_zero_length():
    chords = np.hypot(*np.diff(TABLE.points[:, :2], axis=0).T)
    assert chords[~TABLE.path_start[1:]].min() >= 0.02


@pytest.mark.parametrize("unit", UNITS)
def test_drawn_letters_stay_in_a_sane_box_and_stand_on_the_line(unit):
    for glyph in glyphs_of(unit):
        ink = drawn(glyph)
        assert ink[:, 0].min() >= -0.35
        assert ink[:, 0].max() <= TABLE.advance[glyph] + 0.5
        assert ink[:, 1].min() >= -1.5
        assert ink[:, 1].min() <= 0.25, "nothing floats above the baseline"
        assert ink[:, 1].max() <= 2.45
        assert ink[:, 1].max() >= (0.75 if unit.islower() else 1.7)


def test_finished_arcs_land_on_their_targets():
    for sweep in (-MAX_SWEEP, -0.5, 0.0, 1e-9, 1.0, MAX_SWEEP):
        end = np.array([0.3, -0.7])
        np.testing.assert_allclose(arc_points(np.zeros(2), end, sweep)[-1], end, atol=1e-12)


def test_ascenders_and_descenders_mark_their_letters():
    for unit in "bdfhklt" + UNITS[26:]:
        assert all(TABLE.points[rows_of(glyph), 1].max() > 1.4 for glyph in glyphs_of(unit)), unit
    for unit in "gjpqy":
        assert all(TABLE.points[rows_of(glyph), 1].min() < -0.7 for glyph in glyphs_of(unit)), unit
    for unit in "aceimnorsuvwx":
        assert all(TABLE.points[rows_of(glyph), 1].min() > -0.3 for glyph in glyphs_of(unit)), unit


@pytest.mark.parametrize("unit", UNITS)
def test_allographs_of_a_letter_differ(unit):
    for first, second in itertools.combinations(glyphs_of(unit), 2):
        if topology(first) == topology(second):
            apart = TABLE.points[rows_of(first)] - TABLE.points[rows_of(second)]
            assert np.hypot(apart[:, 0], apart[:, 1]).mean() > 0.03, (first, second)


def test_the_table_is_shared_and_read_only():
    assert letter_table() is TABLE
    for array in TABLE:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]


def test_text_becomes_units():
    np.testing.assert_array_equal(text_to_units("azAZ"), [0, 25, 26, 51])
    assert text_to_units("").shape == (0,)
    assert text_to_units("").dtype == np.int64


@pytest.mark.parametrize("text", ["Ann1", "ß", "a b", "é"])
def test_a_character_without_a_letterform_is_named(text):
    culprit = next(character for character in text if character not in UNITS)
    with pytest.raises(ValueError, match=f"no letterform for '{culprit}'"):
        text_to_units(text)


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (".5 .5 0, .7 .7 0", "starts with its advance"),
        ("", "starts with its advance"),
        (".9: .5 .5 0", "at least two targets"),
        (".9: .5 .5 0, .5 .5 30", "needs a length"),
        (".9: .5 .5 0, .6 .9 171", "beyond 170 degrees"),
        (".9: .5 .5 0, .6 2.9 0", "outside the em frame"),
        (".9: .5 .5 0, .6 nan 0", "outside the em frame"),
        (".9: .5 .5 0, .6 .9", "'x y sweep'"),
        (".9: .5 .5 0, .6 .x 0", "'x y sweep'"),
        ("9.9: .5 .5 0, .6 .9 0", "advance 9.9"),
        (".9: .5 .5 0, .6 .9 0 ~", "'x y sweep'"),
        (".9: .5 .5 0, .6 .9 0\n.9: .5 .5 0, .6 .9 0, .7 .0 0", "share its paths"),
        (
            ".9: .5 .5 0, .6 .9 0 ~ .1 .1 0, .2 .1 0\n.9: .5 .5 0, .6 .9 0 / .1 .1 0, .2 .1 0",
            "share its paths",
        ),
        (".9: .5 .5 0, .6 .9 0 ~ .1 .1 0, .2 .1 0 / .1 .5 0, .2 .5 0", "late paths come last"),
    ],
)
def test_a_letter_written_wrongly_is_refused_by_name(family, message):
    with pytest.raises(ValueError, match=message) as refusal:
        build_table({**ALPHABET, "q": (family,)})
    assert "'q'" in str(refusal.value)


def test_an_incomplete_or_foreign_alphabet_is_refused():
    with pytest.raises(ValueError, match="'n'"):
        build_table({unit: families for unit, families in ALPHABET.items() if unit != "n"})
    with pytest.raises(ValueError, match="'7'"):
        build_table({**ALPHABET, "7": ALPHABET["z"]})
