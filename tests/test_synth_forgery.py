"""Laws of forgeries: nearer than chance, nearer with skill, alike for one forger, and never of an image."""

import dataclasses
import itertools
import pathlib

import numba
import numpy as np
import pytest

from synth import FORGERY_KINDS, PROFILES, World, WorldConfig, forge, render
from synth.acts import genuine_act
from synth.forgery import forgery_act
from synth.idiolect import letters
from synth.signing import deviations, plan_targets
from synth.strokes import MAX_STROKES, plan_strokes
from synth.targets import MAX_TARGETS

WORLD = World(21)
N = 32
SKILLS = (0.0, 0.25, 0.5, 0.75, 1.0)
LIPSCHITZ = 6.0


@numba.njit
def _warped(a, b):
    n, m = len(a), len(b)
    cost = np.full((n + 1, m + 1), np.inf)
    steps = np.zeros((n + 1, m + 1))
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            before, count = cost[i - 1, j - 1], steps[i - 1, j - 1]
            if cost[i - 1, j] < before:
                before, count = cost[i - 1, j], steps[i - 1, j]
            if cost[i, j - 1] < before:
                before, count = cost[i, j - 1], steps[i, j - 1]
            cost[i, j] = before + np.hypot(a[i - 1, 0] - b[j - 1, 0], a[i - 1, 1] - b[j - 1, 1])
            steps[i, j] = count + 1
    return cost[n, m] / steps[n, m]


def shape(signature, points=120):
    """The inked path, points equally far apart, centred and of unit size."""
    xy = signature.trajectory[signature.trajectory[:, 3] > 0, :2]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.linspace(0, along[-1], points)
    xy = np.stack([np.interp(at, along, xy[:, k]) for k in (0, 1)], axis=1)
    xy -= xy.mean(axis=0)
    return xy / np.sqrt((xy**2).sum(axis=1).mean())


def distance(one, other):
    """Dynamic time warping of two shapes: mean distance along the best path, in units of their size."""
    return _warped(shape(one), shape(other))


def freehand(i, skill, *, act=0, forger=None):
    by = WORLD[1000 + i if forger is None else forger]
    return forge(WORLD[i], by=by, kind="freehand", skill=skill, act=act)


@pytest.fixture(scope="module")
def distances():
    """Distances of each kind of trial from one genuine signature, one row of N per kind."""
    found = {"intra": [], 0.85: [], 0.3: [], "simple": [], "random": []}
    found |= {skill: [] for skill in SKILLS}
    for i in range(N):
        reference = WORLD[i].genuine(0)
        found["intra"].append(distance(reference, WORLD[i].genuine(4)))
        for skill in (0.85, 0.3, *SKILLS):
            found[skill].append(distance(reference, freehand(i, skill)))
        for kind in ("simple", "random"):
            forged = forge(WORLD[i], by=WORLD[1000 + i], kind=kind, skill=0.5, act=0)
            found[kind].append(distance(reference, forged))
    return {kind: np.array(values) for kind, values in found.items()}


def test_a_worse_kind_of_forgery_lies_farther_away(distances):
    medians = [float(np.median(distances[kind])) for kind in ("intra", 0.85, 0.3, "simple", "random")]
    assert medians == sorted(medians), medians
    assert len(set(medians)) == len(medians)


def test_the_mean_distance_falls_with_skill(distances):
    means = [float(distances[skill].mean()) for skill in SKILLS]
    assert all(worse > better for worse, better in itertools.pairwise(means)), means


def test_full_skill_is_a_genuine_signature_in_all_but_name(distances):
    assert np.median(distances[1.0]) == pytest.approx(np.median(distances["intra"]), rel=0.5)


def test_a_forger_with_less_skill_takes_longer():
    seconds = [np.mean([freehand(i, skill).trajectory[-1, 2] for i in range(N)]) for skill in SKILLS]
    assert all(worse > better for worse, better in itertools.pairwise(seconds)), seconds


@pytest.mark.parametrize("kind", ["slow_copier", "tracer", "careless"])
@pytest.mark.parametrize("skill", [0.0, 0.5, 0.85])
def test_every_skilled_kind_changes_little_when_skill_changes_little(kind, skill):
    """Cuts, lifts and mending begin from nothing, so the end of an act moves little too."""
    step = 0.004
    for i in range(8):
        ends = [by_kind(kind, i, skill + k * step).trajectory[-1, 2] for k in (0, 1)]
        assert abs(ends[1] - ends[0]) < LIPSCHITZ * step * ends[0] + 0.02, (i, ends)


def test_forgers_cut_lift_and_mend_more_with_less_skill_and_owners_never():
    """More strokes than targets are cuts, hops and mended lines; all are the forger's."""
    extra = {}
    for kind in ("freehand", "slow_copier", "tracer", "careless"):
        for skill in (1.0, 0.85, 0.3):
            acts = [by_kind(kind, i, skill).act for i in range(N)]
            extra[kind, skill] = float(np.mean([strokes_more(act) for act in acts]))
        assert extra[kind, 1.0] == 0 < extra[kind, 0.85] < extra[kind, 0.3], extra
    assert extra["careless", 0.3] < extra["freehand", 0.3] < extra["slow_copier", 0.3], extra
    assert all(strokes_more(genuine_act(WORLD[i], 0)) == 0 for i in range(N))


def test_a_forger_falters_in_the_same_places_twice():
    same, other = [], []
    for i in range(N):
        acts = [by_kind("slow_copier", i, 0.5).act, forgery_act(
            WORLD[i], by=WORLD[1000 + i], kind="slow_copier", skill=0.5, act=8), forgery_act(
            WORLD[i], by=WORLD[2000 + i], kind="slow_copier", skill=0.5, act=8)]  # fmt: skip
        counts = [strokes_more(act) for act in acts]
        same.append(abs(counts[1] - counts[0]))
        other.append(abs(counts[2] - counts[0]))
    assert np.mean(same) < 0.5 * np.mean(other), (np.mean(same), np.mean(other))


def strokes_more(act):
    """How many strokes an act has beyond one per target."""
    targets, strokes = np.empty((MAX_TARGETS, 4)), np.empty((MAX_STROKES, 6))
    contact, deviation = np.empty((MAX_STROKES + 1, 2)), np.zeros((2, 6))
    deviations(act.hand, deviation)
    deviation[1] = act.misperceive
    n = plan_targets(act.hand, act.text.units, len(act.text.units), act.author.idiolect, act.by.idiolect, act.leak,
                     act.session, act.key, act.perceive, act.effort, deviation, letters(), targets)  # fmt: skip
    m, _ = plan_strokes(act.hand, targets, n, act.session, act.key, act.perceive, act.effort, strokes, contact)
    return m - (n - 1)


@pytest.mark.parametrize("skill", [0.0, 0.3, 0.6, 0.85, 0.99])
def test_a_forgery_changes_little_when_skill_changes_little(skill):
    """Common random numbers: pens at the same share of the act are at most C times the step apart."""

    def resampled(signature):
        x, y, t, _ = signature.trajectory.T
        at = np.linspace(0, t[-1], 400)
        return np.stack([np.interp(at, t, x), np.interp(at, t, y)], axis=1)

    step = 0.01
    for i in range(12):
        one, other = resampled(freehand(i, skill)), resampled(freehand(i, skill + step))
        size = max(np.ptp(one[:, 0]), np.ptp(one[:, 1]))
        moved = np.sqrt(((one - other) ** 2).sum(axis=1).mean()) / size
        assert 0 < moved < LIPSCHITZ * step, (i, moved)


def test_the_same_forger_fails_in_the_same_way_twice():
    same, different = [], []
    for i in range(N):
        first = freehand(i, 0.4)
        same.append(distance(first, freehand(i, 0.4, act=8)))
        different.append(distance(first, freehand(i, 0.4, forger=2000 + i)))
    assert np.median(same) < 0.7 * np.median(different)
    assert np.mean(np.array(same) < np.array(different)) > 0.85


def test_forgers_differ_in_how_they_fail():
    efforts = np.array([freehand(0, 0.5, forger=1000 + k).act.effort for k in range(20)])
    assert (efforts.std(axis=0)[1:] > 0.02).all()


def test_a_random_forgery_is_the_forgers_own_signature():
    forged = forge(WORLD[0], by=WORLD[1], kind="random", skill=0.5, act=6)
    np.testing.assert_array_equal(forged.trajectory, WORLD[1].genuine(6).trajectory)


def test_a_simple_forgery_has_the_name_but_not_the_hand():
    forged = forge(WORLD[0], by=WORLD[1], kind="simple", skill=0.5, act=0)
    assert forged.act.text is WORLD[0]
    assert forged.act.author is WORLD[1]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", FORGERY_KINDS)
def test_every_kind_of_forgery_of_every_profile_is_a_signature(kind, profile):
    world = World(4, WorldConfig(profiles=((profile, 1.0),)))
    for skill in (0, 0.5, 1):
        by = 0 if kind == "disguise" else 1
        forged = forge(world[0], by=world[by], kind=kind, skill=skill, act=2)
        again = forge(World(4, world.config)[0], by=World(4, world.config)[by], kind=kind, skill=skill, act=2)
        np.testing.assert_array_equal(forged.trajectory, again.trajectory)
        assert np.isfinite(forged.trajectory).all()
        assert (np.diff(forged.trajectory[:, 2]) > 0).all()
        assert forged.meta["kind"] == kind
        assert (forged.meta["claimed"], forged.meta["by"]) == (0, by)
        assert render(forged, height=48, width=96).min() < 200


def test_another_act_is_another_forgery():
    made = [freehand(0, 0.5, act=act).trajectory.tobytes() for act in range(6)]
    assert len(set(made)) == 6


@pytest.mark.parametrize(
    "image",
    [np.zeros((40, 80), np.uint8), "scan.png", pathlib.Path("scan.png"), b"bytes", None, 3, WORLD],
    ids=["array", "name", "path", "bytes", "none", "number", "world"],
)
def test_only_a_synthetic_signer_can_be_forged(image):
    message = "a forger takes a synthetic Signer, never an image or a file"
    with pytest.raises(TypeError, match=f"target is a .*{message}"):
        forge(image, by=WORLD[1], kind="freehand", skill=0.5, act=0)
    with pytest.raises(TypeError, match=f"by is a .*{message}"):
        forge(WORLD[0], by=image, kind="freehand", skill=0.5, act=0)


def test_a_signature_or_its_trajectory_cannot_be_forged_either():
    signature = WORLD[0].genuine(0)
    for thing in (signature, signature.trajectory, signature.act, render(signature, dpi=50)):
        with pytest.raises(TypeError, match="never an image or a file"):
            forge(thing, by=WORLD[1], kind="freehand", skill=0.5, act=0)


@pytest.mark.parametrize("skill", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", FORGERY_KINDS)
def test_skill_outside_0_to_1_is_refused(kind, skill):
    with pytest.raises(ValueError, match="use a number from 0 to 1"):
        forge(WORLD[0], by=WORLD[1], kind=kind, skill=skill, act=0)


def test_unknown_kinds_bad_acts_and_oneself_are_refused():
    with pytest.raises(ValueError, match="unknown forgery kind 'perfect'; use one of: random, simple, freehand"):
        forge(WORLD[0], by=WORLD[1], kind="perfect", skill=0.5, act=0)
    with pytest.raises(ValueError, match="act is -1; use an integer"):
        forge(WORLD[0], by=WORLD[1], kind="freehand", skill=0.5, act=-1)
    for kind in FORGERY_KINDS:
        if kind != "disguise":
            with pytest.raises(ValueError, match="cannot forge their own signature"):
                forge(WORLD[0], by=World(21)[0], kind=kind, skill=0.5, act=0)
    with pytest.raises(ValueError, match="cannot disguise the hand of signer 0; use by=target"):
        forge(WORLD[0], by=WORLD[1], kind="disguise", skill=0.5, act=0)


def by_kind(kind, i, skill=0.5):
    return forge(WORLD[i], by=WORLD[1000 + i], kind=kind, skill=skill, act=0)


def test_skilled_kinds_err_where_their_names_say():
    """Medians over signers: tracers keep the shape best, the careless worst; copyists are slow, the careless quick."""
    kinds = ("tracer", "slow_copier", "freehand", "careless")
    shapes, seconds = {}, {}
    for kind in kinds:
        forged = [by_kind(kind, i) for i in range(N)]
        shapes[kind] = np.median([form_distance(WORLD[i].genuine(1), forged[i]) for i in range(N)])
        seconds[kind] = np.median(
            [forged[i].trajectory[-1, 2] / WORLD[i].genuine(1).trajectory[-1, 2] for i in range(N)]
        )
    assert shapes["tracer"] < shapes["slow_copier"] < shapes["freehand"] < shapes["careless"], shapes
    assert seconds["tracer"] > seconds["slow_copier"] > seconds["freehand"] > seconds["careless"] > 0.8, seconds


def form_distance(one, other):
    """Root mean square distance of the inked paths at equal shares of their length, in signature sizes."""

    def path(signature):
        rows = signature.trajectory[signature.trajectory[:, 3] > 0]
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(rows[:, :2], axis=0).T))])
        at = np.linspace(0.0, along[-1], 300)
        points = np.stack([np.interp(at, along, rows[:, k]) for k in (0, 1)], axis=1)
        points -= points.mean(axis=0)
        return points / np.sqrt((points**2).sum(axis=1).mean())

    return np.sqrt(((path(one) - path(other)) ** 2).sum(axis=1).mean())


def test_a_disguise_grows_away_from_the_own_hand_and_keeps_its_author():
    apart = []
    for skill in (0.0, 0.5, 1.0):
        acts = [forge(WORLD[i], by=WORLD[i], kind="disguise", skill=skill, act=0) for i in range(N)]
        apart.append(np.median([form_distance(WORLD[i].genuine(1), acts[i]) for i in range(N)]))
        assert all(a.act.by is a.act.claimed and a.act.kind == "disguise" for a in acts)
    own = np.median([form_distance(WORLD[i].genuine(1), WORLD[i].genuine(5)) for i in range(N)])
    assert apart[0] < 1.5 * own
    assert apart[0] < apart[1] < apart[2]


def test_a_forgery_knows_that_it_is_one():
    act = freehand(0, 0.5).act
    with pytest.raises(dataclasses.FrozenInstanceError):
        act.kind = "genuine"
