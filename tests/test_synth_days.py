"""Laws of days and frailty: what a hurried, a tired or a frail hand does, and how often."""

import dataclasses

import numpy as np
import pytest

from synth import PROFILES, World, WorldConfig
from synth.acts import genuine_act, sign_acts
from synth.config import Spread

N = 60


def seconds(config, acts=(0,)):
    """Durations of acts of the same people in a world of its own laws, shape ``(N,)``."""
    world = World(3, config)
    samples, counts = sign_acts([genuine_act(world[i], k) for i in range(N) for k in acts])
    return np.array([samples[i, n - 1, 2] for i, n in enumerate(counts)])


def with_hand(**fields):
    hand = dataclasses.replace(PROFILES["latin_cursive"], **{k: Spread("fixed", v) for k, v in fields.items()})
    return WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),))


CALM = {"p_hurried": 0.0, "p_tired": 0.0, "frailty": 0.0, "p_omit": 0.0, "p_swap": 0.0}


def test_hurry_is_quick_and_tiredness_and_frailty_are_slow():
    calm = seconds(with_hand(**CALM))
    for change, low, high in (
        ({"p_hurried": 1.0}, 0.6, 0.97),
        ({"p_tired": 1.0}, 1.03, 1.4),
        ({"frailty": 1.0}, 1.3, 2),
    ):
        ratio = float(np.median(seconds(with_hand(**CALM | change)) / calm))
        assert low < ratio < high, (change, ratio)


def test_a_day_is_the_same_for_all_acts_of_a_session():
    """Acts 0 to 3 share a day: the change of their durations against calm days is nearly one number."""
    calm = seconds(with_hand(**CALM), acts=range(4)).reshape(N, 4)
    tired = seconds(with_hand(**CALM | {"p_tired": 1.0}), acts=range(4)).reshape(N, 4)
    ratio = tired / calm
    assert ratio.std(axis=1).mean() < 0.35 * ratio.mean(axis=1).std()


def test_slow_genuine_hands_exist_in_the_default_world():
    frailty = np.array([float(World(3)[i].hand["frailty"]) for i in range(2000)])
    assert 0.10 <= (frailty > 0.3).mean() <= 0.17
    assert (frailty < 0.01).mean() > 0.5


@pytest.mark.parametrize(("field", "rate"), [("p_omit", 1.0), ("p_swap", 1.0)])
def test_left_out_dots_and_other_allographs_are_rare_and_can_be_made_common(field, rate):
    """Acts differ from those without the event in a few per cent by default, mostly at rate 1: some have no dots."""

    def changed(value):
        worlds = World(3, with_hand(**CALM)), World(3, with_hand(**CALM | {field: value}))
        movements = []
        for world in worlds:
            samples, counts = sign_acts([genuine_act(world[i], 4 * k) for i in range(N) for k in range(3)])
            movements.append([rows[:n].tobytes() for rows, n in zip(samples, counts, strict=True)])
        return np.mean([a != b for a, b in zip(*movements, strict=True)])

    usual = getattr(PROFILES["latin_cursive"], field).a
    assert 0.0 < changed(usual) < 0.15
    assert changed(rate) > 0.5
