"""Laws of worlds, signers and genuine acts: one seed is one world, in any order, in any process."""

import dataclasses
import hashlib
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import CAPTURES, PROFILES, Signature, World, WorldConfig, render, render_batch
from synth.acts import execute, genuine_act
from synth.config import Spread
from synth.idiolect import letters
from synth.layout import write_letters
from synth.signing import MAX_SAMPLES, RATE_HZ, deviations, sign_into
from synth.targets import MAX_TARGETS

WORLD = World(7)
ROOT = Path(__file__).resolve().parents[1]
FAST_MM_S = 2500.0
"""Faster than any pen: flourishes of the literature peak near 600 mm/s."""


def digest(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def fresh_digest(seed, index, act):
    """What another process draws."""
    code = (
        "import hashlib; from synth import World, render\n"
        f"s = World({seed})[{index}].genuine({act})\n"
        "print(hashlib.sha256(s.trajectory.tobytes() + render(s, height=64, width=128, capture='mixed').tobytes())"
        ".hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
@settings(max_examples=30)
def test_the_same_key_gives_the_same_bytes(seed, index, act):
    first, second = World(seed)[index].genuine(act), World(seed)[index].genuine(act)
    assert digest(first.trajectory) == digest(second.trajectory)
    assert digest(render(first, dpi=100)) == digest(render(second, dpi=100))


def test_a_signature_does_not_depend_on_what_was_drawn_before_it():
    alone = World(3)[3].genuine(7).trajectory
    corpus = {}
    world = World(3)
    for index in reversed(range(5)):
        for act in (9, 7, 0):
            corpus[index, act] = world[index].genuine(act).trajectory
    np.testing.assert_array_equal(alone, corpus[3, 7])


def test_a_fresh_process_draws_the_same_bytes():
    signature = World(0)[10**9].genuine(4)
    assert fresh_digest(0, 10**9, 4) == digest(
        signature.trajectory, render(signature, height=64, width=128, capture="mixed")
    )


def test_a_batch_draws_what_single_calls_draw_wherever_in_it_an_act_stands():
    acts = [genuine_act(WORLD[i], 2 * i) for i in range(6)]
    alone = [render(execute(act), height=48, width=96, capture="clean") for act in acts]
    together = render_batch(acts, height=48, width=96, capture="clean")
    turned = render_batch(acts[::-1], height=48, width=96, capture="clean")[::-1]
    for one, two, three in zip(alone, together, turned, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("capture", CAPTURES)
def test_a_captured_image_does_not_depend_on_its_batch(capture):
    acts = [genuine_act(WORLD[i], i) for i in range(5)]
    together = render_batch(acts, height=48, width=96, capture=capture)
    for i, act in enumerate(acts):
        np.testing.assert_array_equal(together[i], render_batch([act], height=48, width=96, capture=capture)[0])


def test_another_act_signer_or_seed_is_another_signature():
    hashes = [
        digest(World(seed)[index].genuine(act).trajectory)
        for seed in (0, 1, 2**63 - 1)
        for index in (0, 1, 2**63 - 1)
        for act in (0, 1, 4, 2**63 - 1)
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_billionth_signer_costs_what_the_first_costs():
    def seconds(first):
        world = World(7)
        start = time.process_time()
        for i in range(first, first + 60):
            world[i].genuine(0)
        return time.process_time() - start

    seconds(10**6)  # compiled
    near, far = (min(seconds(first) for _ in range(3)) for first in (0, 10**9))
    assert far < 2 * near + 0.01
    assert World(7)[10**9].text == World(7)[10**9].text


def test_traits_of_neighbouring_signers_are_unrelated():
    n = 3000
    hands = np.array([WORLD[i].hand for i in range(n + 1)])
    codes = {name: i for i, name in enumerate(PROFILES)}
    traits = {name: hands[name] for name in hands.dtype.names}
    traits["profile"] = np.array([codes[WORLD[i].profile] for i in range(n + 1)], dtype=float)
    for name, values in traits.items():
        if np.ptp(values) > 0:
            r = np.corrcoef(values[:-1], values[1:])[0, 1]
            # 40 traits: 3 / sqrt(n) each would fail one world in ten
            assert abs(r) < 4 / math.sqrt(n), name


def test_profiles_come_in_the_shares_the_config_says():
    n = 3000
    counts = dict.fromkeys(PROFILES, 0)
    for i in range(n):
        counts[WORLD[i].profile] += 1
    for name, share in WORLD.config.profiles:
        assert abs(counts[name] - n * share) < 4 * math.sqrt(n * share * (1 - share)), name


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_draws_signatures_that_obey_physics(profile):
    world = World(5, WorldConfig(profiles=((profile, 1.0),)))
    for i in range(40):
        signer = world[i]
        assert signer.profile == profile
        signature = signer.genuine(i)
        x, y, t, pressure = signature.trajectory.T
        assert np.isfinite(signature.trajectory).all()
        assert 20 < len(t) <= MAX_SAMPLES
        assert (np.diff(t) > 0).all()
        for values, unit in ((x, 1000), (y, 1000), (t, 1000), (pressure, 65535)):  # 1 micrometre, 1 ms
            np.testing.assert_array_equal(values, np.round(values * unit) / unit)
        assert 0 <= pressure.min() < pressure.max() <= 1
        assert (np.hypot(np.diff(x), np.diff(y)) <= FAST_MM_S * np.diff(t)).all()
        inked = pressure > 0
        assert np.ptp(x[inked]) < 250
        assert np.ptp(y[inked]) < 150
        assert 0.15 < inked.mean() <= 1
        assert pressure[-1] == 0  # the pen leaves the paper
        assert render(signature, height=48, width=96).min() < 200


def test_a_session_shares_part_of_what_varies():
    """Width of the signature: acts of one session are more alike than acts of different ones."""
    near, far = [], []
    for i in range(150):
        wide = [math.log(np.ptp(WORLD[i].genuine(act).trajectory[:, 0])) for act in (0, 1, 4)]
        near.append(abs(wide[0] - wide[1]))
        far.append(abs(wide[0] - wide[2]))
    assert np.mean(near) < np.mean(far)


def test_a_less_stable_person_varies_more():
    def spread(stability):
        hand = dataclasses.replace(PROFILES["latin_cursive"], stability=Spread("fixed", stability))
        config = WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),))
        wide = [[np.ptp(World(1, config)[i].genuine(4 * k).trajectory[:, 0]) for k in range(4)] for i in range(25)]
        return float(np.median(np.std(np.log(wide), axis=1)))

    assert spread(0.01) < spread(0.02) < spread(0.04)


def test_the_meta_holds_every_drawn_value_as_plain_numbers():
    signature = WORLD[5].genuine(3)
    assert isinstance(signature, Signature)
    assert signature.meta["claimed"] == signature.meta["by"] == 5
    assert signature.meta["kind"] == "genuine"
    assert signature.meta["act"] == 3
    assert signature.meta["x_height_mm"] == WORLD[5].hand["x_height_mm"]
    json.dumps(signature.meta)


def test_the_compiled_signing_equals_the_plain_python_one():
    """One short text through the outer kernels, run uncompiled above the compiled parts they call."""
    act = genuine_act(World(1, WorldConfig(profiles=(("initials", 1.0),)))[0], 0)
    compiled, plain = np.zeros((MAX_SAMPLES, 4)), np.zeros((MAX_SAMPLES, 4))
    arguments = (act.hand, act.text.units, len(act.text.units), act.author.idiolect, act.by.idiolect, act.leak,
                 act.session, act.key, act.perceive, act.effort, act.misperceive, letters(), RATE_HZ)  # fmt: skip
    n = sign_into(*arguments, compiled)
    assert sign_into.py_func(*arguments, plain) == n
    np.testing.assert_array_equal(compiled[:n], plain[:n])
    deviation = np.zeros((2, 6))
    deviations(act.hand, deviation)
    made = []
    for function, hand in (
        (write_letters, act.hand),
        (write_letters.py_func, np.array([act.hand]).view(np.recarray)[0]),
    ):
        targets = np.zeros((MAX_TARGETS, 4))
        m = function(hand, act.text.units, len(act.text.units), act.author.idiolect, act.author.idiolect, 0.0,
                     (act.key, act.perceive), deviation, letters(), targets)  # fmt: skip
        made.append(np.round(1000 * targets[:m]))
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize("index", [-1, 2**63, 1.5, "3", None, True, slice(0, 2)])
def test_what_is_no_signer_is_refused(index):
    with pytest.raises(IndexError, match="does not exist; use an integer from 0"):
        WORLD[index]


@pytest.mark.parametrize("act", [-1, 2**63, 1.0, "3", None, True])
def test_what_is_no_act_is_refused(act):
    with pytest.raises(ValueError, match="use an integer from 0 to 2"):
        WORLD[0].genuine(act)


def test_what_is_no_seed_is_no_world():
    with pytest.raises(ValueError, match="seed is -1; use an integer"):
        World(-1)


def test_seed_0_is_a_world_like_any_other():
    assert World(0)[0].text != World(1)[0].text
    assert len(World(0)[0].genuine(0).trajectory) > 20
