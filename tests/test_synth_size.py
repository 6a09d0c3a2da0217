"""Laws of how large signatures are: from act to act of one signer, in a population, and along a name."""

import itertools

import numpy as np

from synth import World, WorldConfig
from synth.acts import genuine_act, sign_acts


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
