"""Stages of one act, from key to page: what each draws never changes unnoticed, and none reaches back into another.

The golden digests are of integers (micrometres, milliseconds, 65,535ths of the pressure, grey levels), of 20 acts of
every profile and kind, and hold for one platform, since the last digit of an exponential differs between processors.
Elsewhere the same integers are compared by their mean. Who changes one on purpose changes what a seed means: raise
`streams.ENGINE`, and say so. JPEG is left out: its bytes are the codec's.
"""

import dataclasses
import hashlib
import platform
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth import (
    CAPTURES,
    FORGERY_KINDS,
    PENS,
    PROFILES,
    World,
    WorldConfig,
    forge,
    ground_truth,
    record,
    render,
    render_batch,
)
from synth.acts import execute, genuine_act, sign_acts
from synth.config import Capture, Pen, Spread, numbers
from synth.forgery import forgery_act
from synth.idiolect import letters
from synth.paper import PAPERS
from synth.render import equipment
from synth.signing import deviations, plan_targets
from synth.targets import MAX_TARGETS

KINDS = ("genuine", *FORGERY_KINDS)
ROOT = Path(__file__).resolve().parents[1]
FAST_MM_S = 4000.0  # a rare wide flourish of a simple forgery was found at 3,200
GOLDEN_PLATFORM = ("Linux", "x86_64")
GOLDEN = {
    "hand": ("fe5f95efe83918a6", 792471.6923701299),
    "plan": ("af733a9857ab1a28", 4251.235801781737),
    "movement": ("9e24ac0224a3e448", 6273.800106680891),
    "pressure": ("06adc36e0b0dc51f", 28661.220096012803),
    "tablet": ("a730aa0c83b37370", 47891.80686803915),
    "equipment": ("0d926e8900c18868", 15332576.254545454),
    "ink": ("f6d6cad706385e8e", 243.03607186029276),
    "capture": ("68524902957d18ce", 221.63547564192945),
    "paper": ("f5c179284a6ef444", 205.66455367087204),
    "fax": ("1149675905979387", 236.209630456549),
}
"""Digest and mean of every stage's integers over `golden_acts`."""


def act_of(world, kind, index=0, number=0, skill=0.6):
    if kind == "genuine":
        return genuine_act(world[index], number)
    by = world[index] if kind == "disguise" else world[index + 1000]
    return forgery_act(world[index], by=by, kind=kind, skill=skill, act=number)


def golden_acts():
    """Two acts of every profile; all kinds in turn."""
    worlds = [World(2026, WorldConfig(profiles=((name, 1.0),))) for name in PROFILES for _ in range(2)]
    return [act_of(world, KINDS[i % len(KINDS)], index=i, number=3 * i) for i, world in enumerate(worlds)]


def integers(values, unit):
    return np.round(np.asarray(values, dtype=np.float64) * unit).astype(np.int64)


def targets_of(act):
    targets, deviation = np.empty((MAX_TARGETS, 4)), np.zeros((2, 6))
    deviations(act.hand, deviation)
    deviation[1] = act.misperceive
    n = plan_targets(act.hand, act.text.units, len(act.text.units), act.author.idiolect, act.by.idiolect, act.leak,
                     act.session, act.key, act.perceive, act.effort, deviation, letters(), targets)  # fmt: skip
    return targets[:n]


def drawn_equipment(act):
    pen, capture = equipment(execute(act), "mixed")
    return np.array([*pen.item(), *capture.item()])


STAGES = {
    "hand": lambda act: integers(numbers(act.hand), 1e6),
    "plan": lambda act: integers(targets_of(act), 1e3),
    "movement": lambda act: integers(execute(act).trajectory[:, :3], 1e3),
    "pressure": lambda act: integers(execute(act).trajectory[:, 3], 65535),
    "tablet": lambda act: integers(record(execute(act)), 1e4),
    "equipment": lambda act: integers(drawn_equipment(act), 1e6),
    "ink": lambda act: integers(render(execute(act), dpi=150), 1),
    "capture": lambda act: integers(render_batch([act], height=48, width=96, capture="mixed")[0], 1),
    "paper": lambda act: integers(render(execute(act), dpi=150, capture="scan", paper="boxed", colour=True), 1),
    "fax": lambda act: integers(render(execute(act), capture="fax"), 1),
}


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_stage_draws_never_changes_unnoticed(stage):
    values = np.concatenate([STAGES[stage](act).ravel() for act in golden_acts()])
    digest, mean = GOLDEN[stage]
    assert values.mean() == pytest.approx(mean, rel=1e-4), f"{stage} now has mean {values.mean()!r}"
    if (platform.system(), platform.machine()) == GOLDEN_PLATFORM:
        found = hashlib.sha256(values.tobytes()).hexdigest()[:16]
        assert found == digest, f"{stage} now has digest {found} and mean {values.mean()!r}"


ANY_ACT = {
    "profile": st.sampled_from(list(PROFILES)),
    "pens": st.permutations(list(PENS)),
    "kind": st.sampled_from(KINDS),
    "capture": st.sampled_from([name for name in CAPTURES if name not in ("jpeg", "photo")]),
    "skill": st.floats(0, 1),
    "seed": st.integers(0, 2**63 - 1),
    "index": st.integers(0, 2**62),
    "number": st.integers(0, 2**63 - 1),
}


@given(**ANY_ACT)
@settings(max_examples=40)
def test_any_act_is_one_movement_and_one_picture_in_any_order_with_any_pen(
    profile, pens, kind, capture, skill, seed, index, number
):
    """Alone, behind another act of its batch, in a world of other pens: the same movement, and it obeys physics."""
    world, other = (World(seed, WorldConfig(profiles=((profile, 1.0),), pens=((pen, 1.0),))) for pen in pens[:2])
    act, stranger = act_of(world, kind, index, number, skill), genuine_act(world[index + 1], 3)
    rows = execute(act).trajectory
    np.testing.assert_array_equal(rows, execute(act_of(other, kind, index, number, skill)).trajectory)
    samples, counts = sign_acts([stranger, act])
    np.testing.assert_array_equal(rows, samples[1, : counts[1]])
    alone = render_batch([act], height=32, width=64, capture=capture)[0]
    np.testing.assert_array_equal(alone, render_batch([stranger, act], height=32, width=64, capture=capture)[1])
    assert alone.dtype == np.uint8
    assert np.ptp(alone) > 20
    steps = np.diff(rows[:, 2])
    assert np.isfinite(rows).all()
    assert (steps > 0).all()
    assert (np.hypot(*np.diff(rows[:, :2], axis=0).T) <= FAST_MM_S * steps).all()
    assert 0 <= rows[:, 3].min() < rows[:, 3].max() <= 1


def test_threads_draw_what_one_thread_draws():
    batches = [[act_of(World(5), kind, 40 * k + i, i) for i, kind in enumerate(KINDS)] for k in range(4)]
    alone = [[image.tobytes() for image in render_batch(acts, height=48, width=96)] for acts in batches]
    found = {}

    def draw(k):
        found[k] = [image.tobytes() for image in render_batch(batches[k], height=48, width=96)]

    threads = [threading.Thread(target=draw, args=(k,)) for k in (2, 0, 3, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[k] for k in range(4)] == alone


@pytest.mark.slow
def test_forgeries_of_every_kind_are_the_same_bytes_in_a_fresh_process():
    code = (
        "import hashlib; from synth import FORGERY_KINDS, World, forge, render\n"
        "world, done = World(9), hashlib.sha256()\n"
        "for kind in reversed(FORGERY_KINDS):\n"
        "    by = world[4] if kind == 'disguise' else world[77]\n"
        "    act = forge(world[4], by=by, kind=kind, skill=0.4, act=3)\n"
        "    done.update(act.trajectory.tobytes() + render(act, height=48, width=96, capture='fax').tobytes())\n"
        "print(done.hexdigest())"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    world, made = World(9), {}
    for kind in FORGERY_KINDS:
        act = forge(world[4], by=world[4] if kind == "disguise" else world[77], kind=kind, skill=0.4, act=3)
        made[kind] = act.trajectory.tobytes() + render(act, height=48, width=96, capture="fax").tobytes()
    assert ran.stdout.strip() == hashlib.sha256(b"".join(made[kind] for kind in reversed(FORGERY_KINDS))).hexdigest()


def changed_hand(**laws):
    """Worlds alike but for some laws of the hand."""
    hand = dataclasses.replace(PROFILES["latin_cursive"], **laws)
    return World(3, WorldConfig(profiles=(("latin_cursive", 1.0),), hands=(("latin_cursive", hand),)))


def test_pressure_moves_no_pen():
    usual, heavy = changed_hand(), changed_hand(
        pressure=Spread("fixed", 0.8), downstroke_gain=Spread("fixed", 0.4), speed_gain=Spread("fixed", -0.15),
        ripple=Spread("fixed", 0.2), ramp_on_s=Spread("fixed", 0.05), ramp_off_s=Spread("fixed", 0.08),
    )  # fmt: skip
    for i in range(6):
        one, two = usual[i].genuine(i).trajectory, heavy[i].genuine(i).trajectory
        np.testing.assert_array_equal(one[:, :3], two[:, :3])
        np.testing.assert_array_equal(one[:, 3] > 0, two[:, 3] > 0)
        assert (one[:, 3] != two[:, 3]).any()


def test_the_way_to_move_changes_no_plan():
    usual, quick = changed_hand(), changed_hand(
        stroke_time_s=Spread("fixed", 0.1), sigma=Spread("fixed", 0.3), isochrony=Spread("fixed", 0.2),
        tremor_mm=Spread("fixed", 0.05),
    )  # fmt: skip
    for i in range(6):
        one, two = genuine_act(usual[i], i), genuine_act(quick[i], i)
        np.testing.assert_array_equal(targets_of(one), targets_of(two))
        assert execute(one).trajectory.shape != execute(two).trajectory.shape


def test_laws_of_forgers_move_no_owner_and_change_no_equipment():
    lame = dataclasses.replace(WorldConfig().forger, slowness=Spread("fixed", 3.0), shakiness=Spread("fixed", 3.0))
    usual, other = World(3), World(3, WorldConfig(forger=lame))
    for i in range(6):
        np.testing.assert_array_equal(usual[i].genuine(i).trajectory, other[i].genuine(i).trajectory)
        one, two = act_of(usual, "freehand", i, i), act_of(other, "freehand", i, i)
        assert execute(one).trajectory.shape != execute(two).trajectory.shape
        np.testing.assert_array_equal(drawn_equipment(one), drawn_equipment(two))


def test_pens_change_no_capture_and_paper_no_ink():
    for i in range(4):
        found = [equipment(World(3, WorldConfig(pens=((pen, 1.0),)))[i].genuine(0), "photo")[1] for pen in PENS]
        assert len({capture.item() for capture in found}) == 1
        signature = World(3)[i].genuine(0)
        masks = [ground_truth(signature, dpi=150, capture="scan", paper=paper) for paper in PAPERS]
        for mask in masks:
            np.testing.assert_array_equal(mask.ink, masks[0].ink)
            np.testing.assert_array_equal(mask.order, masks[0].order)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("capture", CAPTURES)
def test_masks_come_with_every_capture_of_every_paper(capture, paper):
    signature = World(3)[4].genuine(0)
    truth = ground_truth(signature, dpi=150, capture=capture, paper=paper)
    image = render(signature, dpi=150, capture=capture, paper=paper)
    assert truth.ink.shape == truth.form.shape == truth.order.shape == image.shape
    np.testing.assert_array_equal(truth.order > 0, truth.ink)
    assert 0.005 < truth.ink.mean() < 0.4
    assert image[truth.ink].mean() < image[~truth.ink & ~truth.form].mean() - 25
    assert truth.form.any() == (paper != "blank")


def pen_with(**numbers_of):
    """A pen with some of every trait, the same in every act."""
    usual = {"width_mm": 0.5, "darkness": 0.7, "width_pressure": 0.3, "width_speed": 0.1, "darkness_pressure": 0.4,
             "darkness_speed": 0.2, "grain": 0.3, "gate": 0.3, "nib": 0.3, "nib_rad": 0.7, "blob": 0.3, "goop": 0.4,
             "skip": 0.1, "skip_mm": 0.8, "striation": 0.4, "rim": 0.2, "soft_mm": 0.2}  # fmt: skip
    assert set(usual) == {field.name for field in dataclasses.fields(Pen)}
    return Pen(**{name: Spread("fixed", value) for name, value in (usual | numbers_of).items()})


@pytest.mark.parametrize("trait", [field.name for field in dataclasses.fields(Pen)])
def test_every_trait_of_a_pen_shows_in_the_picture_and_nowhere_else(trait):
    without = {"width_mm": 0.4, "darkness": 0.6, "nib_rad": 1.2, "skip_mm": 2.0}.get(trait, 0.0)
    pens = pen_with(), pen_with(**{trait: without})
    worlds = [World(3, WorldConfig(pens=(("own", 1.0),), own_pens=(("own", pen),))) for pen in pens]
    one, two = (world[2].genuine(0) for world in worlds)
    np.testing.assert_array_equal(one.trajectory, two.trajectory)
    assert (render(one, dpi=300) != render(two, dpi=300)).mean() > 0.001


@pytest.mark.parametrize("trait", [field.name for field in dataclasses.fields(Capture)])
def test_every_trait_of_a_capture_shows_in_the_picture_and_nowhere_else(trait, monkeypatch):
    usual = {"oversampling": 1.2, "margin": 0.05, "turn_deg": 1.0, "paper": 225.0, "shade": 8.0, "noise": 3.0,
             "blur_px": 0.7, "gamma": 1.3, "p_bilevel": 0.0, "dpi": 200.0, "fibre": 1.5, "jpeg": 80.0, "fax": 0.0,
             "tilt": 0.05, "light": 0.25, "shadow": 0.25, "defocus_px": 0.8, "shot": 3.0}  # fmt: skip
    other = {"oversampling": 1.0, "paper": 205.0, "gamma": 1.0, "p_bilevel": 1.0, "dpi": 150.0, "fax": 1.0}
    assert set(usual) == {field.name for field in dataclasses.fields(Capture)}
    signature, seen = World(3)[2].genuine(0), []
    for values in (usual, usual | {trait: other.get(trait, 0.0)}):
        monkeypatch.setitem(CAPTURES, "own", Capture(**{k: Spread("fixed", v) for k, v in values.items()}))
        pictures = (
            render(signature, capture="own"),
            render_batch([signature.act], height=48, width=96, capture="own")[0],
        )
        seen.append([picture.tobytes() for picture in pictures])
    assert seen[0] != seen[1]
    np.testing.assert_array_equal(signature.trajectory, World(3)[2].genuine(0).trajectory)
