"""The density dial: strangers at 0, one class of one school at 1, and everything between."""

import dataclasses
import itertools

import numpy as np
import pytest

from pipelines.realism_laws import identity, only
from synth import World, WorldConfig

DENSITIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def test_people_come_nearer_to_each_other_with_density_and_not_to_one_point():
    found = [identity(World(7, only("default", density)), 50, step=4) for density in DENSITIES]
    apart = [one.apart for one in found]
    assert all(far > near for far, near in itertools.pairwise(apart)), apart
    assert max(far - near for far, near in itertools.pairwise(apart)) < 0.6 * (apart[0] - apart[-1]), apart
    assert apart[-1] > 1.2 * found[-1].own
    assert found[0].nearest >= found[-1].nearest


def test_a_world_without_density_draws_what_it_always_drew():
    for i in range(20):
        one, other = World(7)[i], World(7, WorldConfig(density=0.0))[i]
        assert one.text == other.text
        np.testing.assert_array_equal(one.genuine(0).trajectory, other.genuine(0).trajectory)


def test_names_are_shared_in_a_dense_world_only():
    names = {d: [World(7, only("latin_cursive", d))[i].text for i in range(300)] for d in (0.0, 1.0)}
    assert len(set(names[0.0])) > 250
    assert len(set(names[1.0])) < 200


@pytest.mark.parametrize("density", [-0.1, 1.1, float("nan")])
def test_density_outside_0_to_1_is_refused(density):
    with pytest.raises(ValueError, match="use a number from 0 to 1"):
        dataclasses.replace(WorldConfig(), density=density)
