"""Laws of the scripts: one grammar, many profiles, each with its own direction, boxes, headlines and dots."""

import dataclasses
import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.gallery import signer_sheet
from synth import PROFILES, World, WorldConfig, forge, render
from synth.acts import genuine_act
from synth.config import Spread
from synth.grammar import FORMS, MARK
from synth.idiolect import letters
from synth.layout import write_letters
from synth.letterforms import MAX_SWEEP, UNITS, letter_table
from synth.lexicon import MAX_UNITS, SPACE, pack, placed, unit_of
from synth.scripts import NAMES, PROFILE_LAWS, SCRIPTS, script_table, traits, unit_number
from synth.targets import DOWN, MAX_TARGETS, SWEEP, X
from synth.worlds import WORLDS

TABLE = script_table()
N = 40
BANDS = {  # median width / height, median pen-downs of an act
    "latin_cursive": ((1.5, 3.2), (2, 9)),
    "latin_short": ((1.3, 3.0), (2, 7)),
    "latin_print": ((1.4, 3.2), (6, 22)),
    "initials": ((0.7, 1.9), (2, 7)),
    "rubrica": ((0.6, 1.6), (1, 4)),
    "cyrillic": ((1.5, 3.2), (2, 8)),
    "devanagari": ((2.0, 4.0), (10, 26)),
    "bengali": ((2.4, 4.8), (12, 28)),
    "arabic_persian": ((1.2, 2.6), (4, 12)),
    "chinese_japanese": ((1.3, 2.6), (5, 22)),
    "invented": ((1.5, 3.2), (3, 12)),
}


def path(signature, points=150):
    """The inked path, points equally far apart, centred and of unit size."""
    xy = signature.trajectory[signature.trajectory[:, 3] > 0, :2]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.linspace(0, along[-1], points)
    xy = np.stack([np.interp(at, along, xy[:, k]) for k in (0, 1)], axis=1)
    xy -= xy.mean(axis=0)
    return xy / np.sqrt((xy**2).sum(axis=1).mean())


def apart(one, other):
    """Mean distance of points at the same share of two paths, in units of their size."""
    return float(np.hypot(*(one - other).T).mean())


def world_of(profile, seed=5, **laws):
    """A world of one profile, some of whose laws are replaced by fixed numbers."""
    hand = dataclasses.replace(PROFILES[profile], **{name: Spread("fixed", value) for name, value in laws.items()})
    return World(seed, WorldConfig(profiles=((profile, 1.0),), hands=((profile, hand),)))


def planned(signer, *, by=None, leak=0.0):
    """The targets of a text without any deviation, in x-heights, before it is turned around."""
    act, targets = genuine_act(signer, 0), np.zeros((MAX_TARGETS, 4))
    own = signer.idiolect
    n = write_letters(signer.hand, signer.units, len(signer.units), own, own if by is None else by.idiolect, leak,
                      (act.key, act.perceive), np.zeros((2, 6)), letters(), targets)  # fmt: skip
    return targets[:n]


def pen_downs(signature):
    inked = signature.trajectory[:, 3] > 0
    return int(inked[0]) + int((np.diff(inked.astype(int)) > 0).sum())


@pytest.fixture(scope="module", params=PROFILES)
def drawn(request):
    """One profile's signers: two genuine acts of each, of different sessions."""
    world = world_of(request.param)
    return request.param, world, [[world[i].genuine(act) for act in (0, 4)] for i in range(N)]


def test_the_same_key_gives_the_same_signature_in_every_script(drawn):
    profile, _, acts = drawn
    again = world_of(profile)
    for i in (0, 3, N - 1):
        np.testing.assert_array_equal(acts[i][1].trajectory, again[i].genuine(4).trajectory)


def test_trajectories_are_finite_and_bounded_and_texts_fit(drawn):
    _, world, acts = drawn
    for i, (signature, _) in enumerate(acts):
        x, y, t, pressure = signature.trajectory.T
        inked = pressure > 0
        assert np.isfinite(signature.trajectory).all()
        assert np.ptp(x[inked]) < 250
        assert np.ptp(y[inked]) < 150
        assert t[-1] < 40
        assert 0 < len(world[i].units) <= MAX_UNITS or world[i].profile == "rubrica"
        assert len(planned(world[i])) < MAX_TARGETS


def test_aspect_and_pen_downs_lie_in_the_band_of_the_profile(drawn):
    profile, _, acts = drawn
    (low, high), (few, many) = BANDS[profile]
    ink = [signature.trajectory[signature.trajectory[:, 3] > 0] for signature, _ in acts]
    assert low < np.median([np.ptp(xy[:, 0]) / np.ptp(xy[:, 1]) for xy in ink]) < high
    assert few <= np.median([pen_downs(signature) for signature, _ in acts]) <= many


def test_signers_differ_and_are_told_apart_and_forgeries_lie_between(drawn):
    _, world, acts = drawn
    paths = [[path(signature) for signature in pair] for pair in acts]
    table = np.array([[apart(one[0], other[1]) for one in paths] for other in paths])
    assert (table.argmin(axis=1) == np.arange(N)).mean() >= 0.8
    skilled = [
        apart(paths[i][0], path(forge(world[i], by=world[1000 + i], kind="freehand", skill=0.5, act=0)))
        for i in range(N)
    ]
    intra, random = np.median(np.diag(table)), np.median(table[~np.eye(N, dtype=bool)])
    assert intra < np.median(skilled) < random


def test_the_numbers_of_units_and_points_fit_the_addresses_that_draws_are_made_at():
    assert len(TABLE.unit_start) - 1 <= 4096, "joins are drawn at unit + 4096 k, and a placed unit has 12 bits"
    assert np.diff(TABLE.glyph_start).max() <= 64, "points are drawn at 64 glyph + i, their deviations at 64 k + i"
    assert 64 * MAX_UNITS < 40_000, "deviations of a headline are drawn from 40,000 on"


def test_every_unit_of_every_script_is_drawn_by_someone():
    for number, script in enumerate(SCRIPTS, 1):
        profile = next(name for name, laws in PROFILE_LAWS.items() if laws["script"] == ("fixed", float(number)))
        world = world_of(profile, seed=1)
        used = {int(unit_of(code)) for i in range(1500) for code in world[i].units if code != SPACE}
        assert used == {unit_number(number, name) for name in script.letters}, profile


def test_arabic_starts_at_the_right_and_the_others_at_the_left():
    for profile in PROFILE_LAWS:
        world, begins = world_of(profile, p_flourish=0.0, p_vertical=0.0, slope_deg=0.0), []
        for i in range(N):
            xy = world[i].genuine(0).trajectory
            xy = xy[xy[:, 3] > 0]
            begins.append((xy[:5, 0].mean() - xy[:, 0].min()) / np.ptp(xy[:, 0]))
        if profile == "arabic_persian":
            assert np.median(begins) > 0.8
        else:
            assert np.median(begins) < 0.2


@pytest.mark.parametrize("profile", ["devanagari", "bengali"])
def test_a_headline_spans_every_word_and_comes_last(profile):
    with_line = world_of(profile, p_headline=1.0, p_headline_last=1.0, headline_break=0.0)
    without = world_of(profile, p_headline=0.0)
    for i in range(N):
        targets, plain = planned(with_line[i]), planned(without[i])
        words = 1 + int((with_line[i].units == SPACE).sum())
        assert len(targets) == len(plain) + 2 * words
        (x0, y0, _, first), (x1, y1, _, second) = targets[-2:]
        assert (first, second) == (0.0, 1.0)
        assert x1 > x0
        assert abs(y0 - 1.0) < 0.5
        assert abs(y1 - 1.0) < 0.5
        if words == 1:
            assert x1 - x0 > 0.7 * np.ptp(plain[:, 0])


def test_a_broken_headline_has_a_piece_for_every_letter():
    whole, broken = (world_of("bengali", p_headline=1.0, headline_break=share) for share in (0.0, 1.0))
    for i in range(N):
        letters_of = [c for c in whole[i].units if c != SPACE and not traits()[unit_of(c)] & MARK]
        words = 1 + int((whole[i].units == SPACE).sum())
        assert len(planned(broken[i])) - len(planned(whole[i])) == 2 * (len(letters_of) - words)


def test_running_hands_lift_the_pen_less_and_hurried_ones_drop_short_strokes():
    neat, running, hurried = (
        world_of("chinese_japanese", link=link, shortest=short, join=0.0)
        for link, short in ((0.0, 0.0), (0.9, 0.0), (0.0, 0.24))
    )
    lifts = [[int((planned(world[i])[:, DOWN] == 0).sum()) for i in range(N)] for world in (neat, running)]
    assert all(a >= b for a, b in zip(*lifts, strict=True))
    assert sum(lifts[1]) < 0.7 * sum(lifts[0])
    counts = [[len(planned(world[i])) for i in range(N)] for world in (neat, hurried)]
    assert all(a >= b for a, b in zip(*counts, strict=True))
    assert 0.6 * sum(counts[0]) < sum(counts[1]) < sum(counts[0])


def test_boxes_can_stand_below_one_another():
    flat, stacked = (world_of("chinese_japanese", p_vertical=share, slope_deg=0.0) for share in (0.0, 1.0))
    aspects = [[np.divide(*np.ptp(planned(world[i])[:, :2], axis=0)) for i in range(N)] for world in (flat, stacked)]
    assert np.median(aspects[0]) > 1.5
    assert np.median(aspects[1]) < 0.7


def test_pen_up_paths_are_curved_where_a_profile_says_so():
    for bow, curved in ((0.0, False), (0.6, True)):
        world = world_of("devanagari", air_bow=bow)
        in_air = np.concatenate([t[1:, SWEEP][t[1:, DOWN] == 0] for t in (planned(world[i]) for i in range(10))])
        assert (np.abs(in_air).mean() > 0.2) == curved


def test_a_forger_leaks_letterforms_in_every_script(drawn):
    profile, world, _ = drawn
    moved = []
    for i in range(10):
        plain, leaking = planned(world[i]), planned(world[i], by=world[500 + i], leak=0.7)
        if len(plain):
            assert plain.shape == leaking.shape
            moved.append(np.hypot(*(plain - leaking)[:, :2].T).mean())
    assert np.mean(moved) > 0.02, profile


@given(
    script=st.integers(1, len(SCRIPTS)),
    index=st.integers(0, 1000),
    where=st.tuples(*(st.integers(-500, 500),) * 2, *(st.integers(1, 500),) * 2, st.integers(0, 2000)),
)
def test_a_placed_unit_is_one_integer_and_back(script, index, where):
    names = list(SCRIPTS[script - 1].letters)
    name = names[index % len(names)]
    values = [number / 100 for number in where]
    code = pack(script, f"{name}@{','.join(f'{value:.2f}' for value in values)}")
    assert 0 <= code < 2**63
    unit, *found = placed(np.int64(code))
    assert unit == unit_number(script, name)
    np.testing.assert_allclose(found, values, atol=1e-9)
    plain = pack(script, name)
    assert plain == unit
    assert placed(np.int64(plain))[1:] == (0.0, 0.0, 1.0, 1.0, -1.0)


def test_the_latin_letters_lead_the_table_unmoved():
    latin = letter_table()
    for name in ("points", "path_start", "late", "advance", "group"):
        one = getattr(latin, name)
        np.testing.assert_array_equal(one, getattr(TABLE, name)[: len(one)])
    np.testing.assert_array_equal(latin.unit_start, TABLE.unit_start[: len(UNITS) + 1])
    assert len(TABLE.unit_start) == len(NAMES) + 1 == len(traits()) + 1


def test_every_unit_has_allographs_that_can_be_blended_and_differ():
    for unit in range(len(UNITS), len(NAMES)):
        first, last = TABLE.unit_start[unit], TABLE.unit_start[unit + 1]
        assert last - first >= 1 + len(FORMS), NAMES[unit]
        members = defaultdict(list)
        for glyph in range(first, last):
            members[TABLE.group[glyph]].append(slice(TABLE.glyph_start[glyph], TABLE.glyph_start[glyph + 1]))
        for group in members.values():
            for one, other in itertools.combinations(group, 2):
                np.testing.assert_array_equal(TABLE.path_start[one], TABLE.path_start[other])
                np.testing.assert_array_equal(TABLE.late[one], TABLE.late[other])
                assert np.abs(TABLE.points[one] - TABLE.points[other]).max() > 0.005, NAMES[unit]


def test_targets_and_sweeps_of_every_script_are_in_bounds():
    assert np.isfinite(TABLE.points).all()
    assert np.abs(TABLE.points[:, :2]).max() < 3.2
    assert np.abs(TABLE.points[:, 2]).max() <= MAX_SWEEP
    chords = np.hypot(*np.diff(TABLE.points[:, :2], axis=0).T)
    assert chords[~TABLE.path_start[1:]].min() >= 0.01
    assert np.diff(TABLE.glyph_start).max() <= 64


def test_no_word_starts_with_a_sign_that_needs_a_letter():
    for profile in PROFILE_LAWS:
        world = world_of(profile)
        for i in range(200):
            units = world[i].units
            starts = np.concatenate([[True], units[:-1] == SPACE])
            assert not (traits()[units[starts] & 4095] & MARK).any()
            assert SPACE not in (units[0], units[-1])


def test_names_are_many():
    for profile in PROFILE_LAWS:
        world = world_of(profile)
        assert len({world[i].text for i in range(1000)}) > 980, profile


def test_a_world_can_mix_every_script():
    world = World(3, WORLDS["many_scripts"])
    seen = {world[i].profile for i in range(400)}
    assert seen == set(PROFILES)
    assert WORLDS["default"] == WorldConfig()
    signature = forge(world[0], by=world[1], kind="simple", skill=0.5, act=0)
    assert render(signature, height=48, width=96).min() < 200


def test_a_forger_with_a_hand_of_another_script_keeps_the_direction_of_the_text():
    world = World(3, WORLDS["many_scripts"])
    target = next(world[i] for i in range(400) if world[i].profile == "arabic_persian" and len(world[i].units) > 8)
    by = next(world[i] for i in range(400) if world[i].profile == "latin_cursive")
    xy = forge(target, by=by, kind="simple", skill=0.5, act=0).trajectory
    xy = xy[xy[:, 3] > 0]
    n = max(8, len(xy) // 4)
    assert xy[:8, 0].mean() > xy[-n:, 0].mean()


@pytest.mark.parametrize("profile", PROFILE_LAWS)
def test_every_profile_has_a_contact_sheet(profile):
    sheet = signer_sheet(1, signers=2, profile=profile, height=40, width=80)
    titles = (6 * 84 + 4) // 6 // 8
    assert sheet.shape == (titles + 2 * 44 + 4, 6 * 84 + 4)
    assert (sheet[titles:] < 120).mean() > 0.002


def test_an_unknown_unit_or_a_place_far_away_is_refused():
    with pytest.raises(ValueError, match="bengali has no unit 'q'; it has: "):
        pack(4, "q")
    with pytest.raises(ValueError, match="placed beyond 5 x-heights"):
        pack(1, "a@9.0,0")


def latin(**laws):
    """A world of cursive hands, some laws fixed."""
    hand = dataclasses.replace(PROFILES["latin_cursive"], **{k: Spread("fixed", v) for k, v in laws.items()})
    return World(3, WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),)))


def test_a_word_is_read_letter_by_letter_until_its_writer_stops_caring():
    """The plan is that of a careful hand up to a letter, and shorter after it; the later, the more is shared."""
    clear, shared, length = latin(p_collapse=0.0), [], []
    for legible in (1.0, 2.0, 4.0, 8.0):
        hasty = latin(p_collapse=1.0, legible_letters=legible)
        pairs = [(planned(clear[i]), planned(hasty[i])) for i in range(40)]
        assert all(clear[i].text == hasty[i].text for i in range(40))
        same = [[np.array_equal(a, b) for a, b in zip(one, two, strict=False)] for one, two in pairs]
        shared.append(
            np.mean([[*row, False].index(False) / len(one) for row, (one, _) in zip(same, pairs, strict=True)])
        )
        length.append(np.mean([len(two) / len(one) for one, two in pairs]))
    assert all(less < more for less, more in itertools.pairwise(shared)), shared
    assert all(less < more for less, more in itertools.pairwise(length)), length
    assert length[-1] <= 1.0


def test_bars_and_dots_come_when_the_word_is_done():
    """After an air move back over more than a letter; words without i, j and t have none."""
    world, back = latin(words=1.0, p_initial=0.0, p_collapse=0.0, p_omit=0.0, join=1.2), {True: [], False: []}
    for i in range(150):
        targets, early = planned(world[i]), world[i].text[:-2]
        in_air = np.flatnonzero(targets[:, DOWN] < 0.5)
        reach = np.maximum.accumulate(targets[:, X])
        moves = [k for k in in_air if k > 0 and reach[k - 1] - targets[k, X] > 1.2]
        back[any(letter in early for letter in "ijt")].append(bool(moves))
    assert min(map(len, back.values())) >= 10
    assert np.mean(back[True]) > np.mean(back[False]) + 0.5, {k: np.mean(v) for k, v in back.items()}
