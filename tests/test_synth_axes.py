"""Laws of what goes wrong in a forgery: every axis grows with missing skill, is the forger's own, and shows.

Perception (places, proportions, spacing), style (letter forms), timing (slowness), segmentation (cuts, lifts,
mending), fluency (tremor, strokes that do not run into each other) and pressure are tied to one skill; a forger has
weights of their own for each, and what was seen of the target decides which are large.
"""

import dataclasses
import functools
import itertools

import numpy as np
import pytest

from synth import SEEN, SKILLED_KINDS, World, WorldConfig, forge
from synth.acts import genuine_act, sign_acts
from synth.config import Forger, Spread, numbers
from synth.forgery import forgery_act
from synth.statistics import measure
from synth.strokes import PRESSURE

WORLD = World(19)
N = 40
SKILLS = (1.0, 0.85, 0.6, 0.3, 0.0)


def forged(i, skill=0.5, *, kind="freehand", world=WORLD, act=0, by=None, saw="images"):
    forger = world[1000 + i if by is None else by]
    return forgery_act(world[i], by=forger, kind=kind, skill=skill, act=act, saw=saw)


def errors(act):
    """How much goes wrong in an act, by axis: 0 for the owner."""
    effort = np.abs(np.delete(act.effort, PRESSURE))
    hand = np.abs(numbers(act.hand) - numbers(act.claimed.hand))
    return np.concatenate([effort, [abs(act.effort[PRESSURE] - 1.0), act.leak], act.misperceive, hand])


@pytest.mark.parametrize("saw", SEEN)
@pytest.mark.parametrize("kind", SKILLED_KINDS)
def test_every_axis_is_0_at_full_skill_and_grows_as_skill_falls(kind, saw):
    for i in range(8):
        table = np.array([errors(forged(i, skill, kind=kind, saw=saw)) for skill in SKILLS])
        np.testing.assert_array_equal(table[0], 0)
        # pressure is the product of two factors, and the height of writing shrinks against its own leak
        alone = np.delete(table[:, :14], 6, axis=1)
        assert (np.diff(alone, axis=0) >= 0).all()
        assert (table[-1, :8] > 0).sum() >= 7


@pytest.mark.parametrize("kind", SKILLED_KINDS)
def test_what_goes_wrong_is_the_forgers_own_in_every_act_on_this_target(kind):
    for i in range(8):
        first, later, other = forged(i, kind=kind), forged(i, kind=kind, act=40), forged(i, kind=kind, by=5000 + i)
        np.testing.assert_array_equal(errors(first), errors(later))
        assert first.perceive == later.perceive
        assert first.session != later.session
        assert first.key != later.key
        assert (errors(first)[:5] != errors(other)[:5]).any()
        assert first.perceive != other.perceive


def drawn(acts):
    samples, counts = sign_acts(acts)
    return [rows[:n] for rows, n in zip(samples, counts, strict=True)]


@functools.cache
def owners():
    return drawn([genuine_act(WORLD[i], 4) for i in range(N)])


def form(rows, points=200):
    """The inked path at equal shares of its length, centred, of unit size."""
    xy = rows[rows[:, 3] > 0, :2]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.linspace(0.0, along[-1], points)
    xy = np.stack([np.interp(at, along, xy[:, k]) for k in (0, 1)], axis=1)
    xy -= xy.mean(axis=0)
    return xy / np.sqrt((xy**2).sum(axis=1).mean())


def off(rows, own):
    return float(np.sqrt(((form(rows) - form(own)) ** 2).sum(axis=1).mean()))


def ratio(name):
    return lambda rows, own: measure(rows)[name] / measure(own)[name]


def minima(rows):
    found = measure(rows)
    return found["minima_per_s"] * found["duration_s"]


SHOWS = {
    "slowness": ratio("duration_s"),
    "disjointed": ratio("duration_s"),
    "shakiness": ratio("jerk"),
    "pressure": ratio("pressure_cv"),
    "segments": lambda rows, own: minima(rows) / minima(own),
    "retouches": ratio("path_mm"),
}


def weighted(axis, weight, skill, kind="freehand"):
    """Acts of the same forgers, who have one weight of their own on one axis."""
    usual = dataclasses.replace(WorldConfig().forger, pressure=Spread("fixed", 1.0))
    law = dataclasses.replace(usual, **{axis: Spread("fixed", weight)})
    world = World(19, WorldConfig(forger=law))
    return drawn([forged(i, skill, kind=kind, world=world) for i in range(N)])


@pytest.mark.slow
@pytest.mark.parametrize("axis", SHOWS)
def test_every_weight_of_a_forgers_execution_shows_in_what_it_is_about(axis):
    kind, found = "slow_copier" if axis == "retouches" else "freehand", []
    for weight in (0.0, 1.0, 2.5):
        pairs = zip(weighted(axis, weight, 0.4, kind), owners(), strict=True)
        found.append(float(np.median([SHOWS[axis](rows, own) for rows, own in pairs])))
    assert all(less < more for less, more in itertools.pairwise(found)), found


@pytest.mark.slow
@pytest.mark.parametrize("axis", [field.name for field in dataclasses.fields(Forger) if field.name not in SHOWS])
def test_every_weight_of_a_forgers_perception_moves_the_form_away(axis):
    """From the act of the same forger without that weight, so that no other error hides it; leaks end at 1."""
    plain = weighted(axis, 0.0, 0.8)
    found = []
    for weight in (0.4, 0.8, 1.2):
        found.append(float(np.median([off(a, b) for a, b in zip(weighted(axis, weight, 0.8), plain, strict=True)])))
    assert found[0] > 0.005
    assert all(less < more for less, more in itertools.pairwise(found)), found


def test_who_saw_the_movement_errs_less_in_time_and_who_saw_one_image_more_in_form():
    tempo, shape = {}, {}
    for saw in SEEN:
        acts = drawn([forged(i, 0.5, saw=saw, act=4 * k) for i in range(N) for k in range(2)])
        pairs = list(zip(acts, np.repeat(np.arange(N), 2), strict=True))
        tempo[saw] = np.median([rows[-1, 2] / owners()[i][-1, 2] for rows, i in pairs])
        shape[saw] = np.median([off(rows, owners()[i]) for rows, i in pairs])
    assert 1.0 < tempo["movement"] < tempo["images"] - 0.1 < tempo["image"], tempo
    assert shape["images"] < shape["image"], shape
    assert shape["movement"] == pytest.approx(shape["images"], rel=0.15), shape


def test_several_images_are_what_a_forger_saw_unless_said_otherwise():
    for kind in SKILLED_KINDS:
        one, two = (forge(WORLD[0], by=WORLD[9], kind=kind, skill=0.5, act=1, **how) for how in ({}, {"saw": "images"}))
        np.testing.assert_array_equal(one.trajectory, two.trajectory)
        assert one.meta["saw"] == "images"
    for kind, by in (("random", 9), ("simple", 9), ("disguise", 0)):
        made = [forge(WORLD[0], by=WORLD[by], kind=kind, skill=0.5, act=1, saw=saw).trajectory for saw in SEEN]
        assert len({rows.tobytes() for rows in made}) == 1


def test_what_no_forger_can_have_seen_is_refused():
    with pytest.raises(ValueError, match=r"unknown model 'scan\.png' of a forger; a forger saw one of: image, images"):
        forge(WORLD[0], by=WORLD[9], kind="freehand", skill=0.5, act=0, saw="scan.png")
