"""Laws of how large signatures are: from act to act of one signer, in a population, and along a name."""

import dataclasses
import itertools

import numpy as np
import pytest

from synth import World, WorldConfig
from synth.acts import genuine_act, sign_acts
from synth.config import Hand, Spread
from synth.forgery import forgery_act
from synth.idiolect import letters
from synth.layout import write_letters
from synth.letterforms import text_to_units
from synth.signing import plan_targets
from synth.targets import MAX_TARGETS


def world_of(**laws):
    """A world of written names, some of whose laws are replaced by fixed numbers."""
    hand = dataclasses.replace(Hand(), **{name: Spread("fixed", value) for name, value in laws.items()})
    return World(11, WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),)))


def planned(signer):
    """The targets of a signer's first act, in mm, but for what single letters do."""
    act, targets = genuine_act(signer, 0), np.zeros((MAX_TARGETS, 4))
    n = plan_targets(act.hand, act.text.units, len(act.text.units), signer.idiolect, signer.idiolect, 0.0,
                     act.session, act.key, act.perceive, act.effort, np.zeros((2, 6)), letters(), targets)  # fmt: skip
    return targets[:n]


def sizes(acts):
    """Width and height (mm) of what is on the paper, shape ``(n_acts, 2)``."""
    found = []
    for start in range(0, len(acts), 250):
        for rows, n in zip(*sign_acts(acts[start : start + 250]), strict=True):
            found.append(np.ptp(rows[:n][rows[:n, 3] > 0, :2], axis=0))
    return np.array(found)


def own_heights(n_units, n=60):
    """Heights of four genuine acts of other sessions by n signers with a flourish and so many letters."""
    world = World(11, WorldConfig(profiles=(("rubrica", 1.0),)))
    who = (world[i] for i in itertools.count())
    chosen = itertools.islice((s for s in who if min(len(s.units), 2) == n_units), n)
    return sizes([genuine_act(s, act) for s in chosen for act in (0, 4, 8, 12)])[:, 1].reshape(n, 4)


def test_a_signer_with_hardly_a_letter_repeats_a_size_as_well_as_others():
    heights = {n_units: own_heights(n_units) for n_units in (0, 1, 2)}
    spread = {k: np.median(h.std(axis=1, ddof=1) / h.mean(axis=1)) for k, h in heights.items()}
    for few in (0, 1):
        assert spread[few] < 1.35 * spread[2], spread
        assert (heights[few].max(axis=1) / heights[few].min(axis=1)).max() < 2.2


def test_signatures_are_no_larger_than_the_room_people_sign_in():
    found = sizes([genuine_act(World(11)[i], 0) for i in range(3000)])
    assert (found < (150.0, 90.0)).all(axis=1).mean() >= 0.999
    np.testing.assert_allclose(np.median(found, axis=0), (23.2, 13.6), rtol=0.03)  # as without a limit


def test_large_signatures_vary_as_others_do():
    world = world_of(x_height_mm=7.0, words=3.0)
    found = sizes([genuine_act(world[i], act) for i in range(60) for act in (0, 4, 8, 12)]).reshape(60, 4, 2)
    spread = np.median(found.std(axis=1, ddof=1) / found.mean(axis=1), axis=0)
    assert np.median(found[..., 0]) > 90
    assert (found < (200.0, 120.0)).all()
    assert (spread > 0.06).all(), spread


def test_a_small_signature_is_as_large_as_its_hand_says():
    for i in range(20):
        one, two = (planned(world_of(x_height_mm=size, words=1.0, extent=0.8)[i]) for size in (1.0, 2.0))
        assert np.ptp(one[:, 0]) < 35
        np.testing.assert_allclose(2.0 * one[:, :2], two[:, :2], atol=1e-9)


@pytest.mark.parametrize(("n", "share"), [(2, 0.1), (10, 0.9), (30, 29 / 30)])
def test_a_name_tapers_no_more_than_one_of_ten_letters(n, share):
    signer = world_of(taper=-0.6, shape_x_heights=0.0, p_collapse=0.0, legible_letters=40.0, p_swap=0.0)[0]
    targets, key, units = np.zeros((MAX_TARGETS, 4)), signer.key, text_to_units("u" * n)
    still = np.zeros((2, 6))
    count = write_letters(signer.hand, units, n, key, key, 0.0, (key, key), still, letters(), targets)
    each = targets[:count, 1].reshape(n, -1)
    height = each.max(axis=1) - each.min(axis=1)
    np.testing.assert_allclose(height[-1] / height[0], np.exp(-0.6 * share), rtol=1e-9)


@pytest.mark.parametrize("kind", ["simple", "freehand", "careless"])
def test_the_worst_forger_stays_in_that_room_as_well(kind):
    world = World(11)
    found = sizes([forgery_act(world[i], by=world[i + 5000], kind=kind, skill=0.0, act=0) for i in range(500)])
    assert (found < (200.0, 150.0)).all(axis=1).mean() >= 0.99
    assert (found < 400.0).all()
