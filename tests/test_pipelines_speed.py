"""What `speed` prints: memory that knows no population, and every figure that was asked for."""

import pytest

from pipelines import speed
from pipelines.config import PRESETS
from synth import World


@pytest.mark.slow
def test_a_world_of_a_billion_takes_the_memory_of_one_of_ten_thousand():
    found = {n: speed.memory(World(7), n, drawn=5_000) for n in (10, 10_000, 10**9)}
    assert found[10] < found[10_000] < 25
    assert found[10**9] < 1.2 * found[10_000]


@pytest.mark.slow
def test_every_drawing_figure_is_measured_and_has_its_goal_beside_it():
    found = speed.drawing(PRESETS["smoke"], rounds=1)
    assert all(value > 0 for value in found.values())
    assert set(speed.GOALS) - set(found) == {"memory_mb_of_1e9_signers", "live_over_cached"}
