"""Laws of the generator that are about statistics: order of distances, difficulty, identity, physics, rhythm.

Distances are dynamic time warping of z-scored position and velocity (`synth.warping`), as the field compares pen
movements. The default world writes text, so the laws about forgeries hold for it as a whole. Heavy ones are slow.
"""

import functools
import itertools

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.realism_laws import AREA_BAND, TEXT_PROFILES, only
from pipelines.realism_laws import distances as distances_of
from synth import FORGERY_KINDS, PROFILES, World, WorldConfig, forge
from synth.acts import execute, genuine_act
from synth.forgery import forgery_act
from synth.idiolect import letters
from synth.kinematics import LENGTH, SIGMA, travelled_fraction
from synth.signing import deviations, plan_targets
from synth.statistics import measure
from synth.strokes import MAX_STROKES, plan_strokes
from synth.targets import MAX_TARGETS
from synth.warping import BAND, features, warped

WORLD = World(31)
SIGNERS = 240
SKILLS = (0.0, 0.25, 0.5, 0.75, 0.85, 0.95, 1.0)
FAST_MM_S = 2500.0
OWN_ACTS, FORGED_ACTS = 2, 2


def shape(act):
    return features(execute(act).trajectory)


def far(one, other):
    return float(warped(one, other, BAND))


def forged(i, kind, skill, k):
    """A forgery of signer i by the k-th of its forgers, an act of a session of its own."""
    return forgery_act(WORLD[i], by=WORLD[10_000 + 2 * i + k], kind=kind, skill=skill, act=4 * k)


@functools.cache
def distances():
    """Distances from one genuine reference of each of `SIGNERS` signers, by kind of questioned act."""
    kinds = [(kind, skill) for kind in skilled() for skill in (SKILLS if kind == "freehand" else (0.3, 0.85))]
    kinds += [("freehand", 0.3), ("simple", 0.5), ("random", 0.5)]
    found = {key: [] for key in ["genuine", *kinds]}
    for i in range(SIGNERS):
        reference = shape(genuine_act(WORLD[i], 0))
        found["genuine"] += [far(reference, shape(genuine_act(WORLD[i], 4 * k + 4))) for k in range(OWN_ACTS)]
        for kind, skill in kinds:
            acts = [forged(i, kind, skill, k) for k in range(FORGED_ACTS)]
            found[kind, skill] += [far(reference, shape(act)) for act in acts]
    return {key: np.array(values) for key, values in found.items()}


def skilled():
    return [kind for kind in FORGERY_KINDS if kind not in ("random", "simple", "disguise")]


def area(kind, skill):
    """AUC of the distance to one reference, genuine against one kind of forgery."""
    genuine, other = distances()["genuine"], distances()[kind, skill]
    return roc_auc_score(np.repeat([0, 1], [len(genuine), len(other)]), np.concatenate([genuine, other]))


@pytest.mark.slow
def test_distances_rise_from_genuine_over_skilled_and_simple_to_random():
    order = ["genuine", ("freehand", 0.85), ("freehand", 0.3), ("simple", 0.5), ("random", 0.5)]
    medians = [float(np.median(distances()[key])) for key in order]
    assert all(len(distances()[key]) >= 200 for key in order)
    assert all(near < far for near, far in itertools.pairwise(medians)), medians


@pytest.mark.slow
def test_practised_freehand_forgeries_are_neither_trivial_nor_hopeless_to_tell():
    found = {kind: round(float(area(kind, 0.85)), 3) for kind in skilled()}
    assert 0.80 <= found["freehand"] <= 0.98, found


@pytest.mark.slow
@pytest.mark.parametrize("profile", TEXT_PROFILES)
def test_every_script_has_the_same_order_and_a_fair_difficulty(profile):
    found = distances_of(World(7, only(profile)), 110)
    assert found.ordered, found.medians
    assert AREA_BAND[0] <= found.areas["freehand", 0.85] <= AREA_BAND[1], found.areas
    assert found.areas["random", 0.5] > 0.99


@pytest.mark.slow
def test_random_forgeries_are_almost_always_told_by_their_movement():
    assert area("random", 0.5) > 0.99


@pytest.mark.slow
def test_the_mean_distance_falls_with_skill():
    means = [float(distances()["freehand", skill].mean()) for skill in SKILLS]
    assert all(worse > better for worse, better in itertools.pairwise(means)), means
    for kind in skilled():
        assert distances()[kind, 0.3].mean() > distances()[kind, 0.85].mean(), kind


@pytest.mark.slow
def test_full_skill_is_no_easier_to_tell_than_chance():
    assert area("freehand", 1.0) == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_a_signer_is_found_among_500_by_one_reference():
    """Nearest reference by warping distance; half-rate features, since 250,000 comparisons are made."""
    signers = range(50_000, 50_500)
    references = [shape(genuine_act(WORLD[i], 0))[::2].copy() for i in signers]
    hits = 0
    for place, i in enumerate(signers):
        questioned = shape(genuine_act(WORLD[i], 4))[::2].copy()
        hits += int(np.argmin([far(questioned, reference) for reference in references]) == place)
    assert hits / len(references) > 0.99, hits


def outline(act, points=32):
    """The path of the pen on the paper at equal steps, of zero mean and unit size, shape ``(2 points,)``."""
    rows = execute(act).trajectory
    xy = rows[rows[:, 3] > 0, :2]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    at = np.linspace(0, along[-1], points)
    xy = np.stack([np.interp(at, along, xy[:, k]) for k in (0, 1)], axis=1)
    xy -= xy.mean(axis=0)
    return (xy / np.sqrt((xy**2).sum(axis=1).mean())).ravel()


def apart(one, other):
    """Median distance between the acts of two signers, and each signer's own."""
    ours, theirs = ([shape(genuine_act(WORLD[i], 4 * k)) for k in range(3)] for i in (one, other))
    own = [np.median([far(a, b) for a, b in itertools.combinations(acts, 2)]) for acts in (ours, theirs)]
    return float(np.median([far(a, b) for a in ours for b in theirs])), *map(float, own)


@pytest.mark.slow
def test_no_two_of_10000_signers_are_alike():
    """Two are alike if they are no farther from each other than both are from themselves.

    Every pair is compared by outlines at equal path lengths, which is cheap; the 1,000 closest pairs then by warping.
    """
    from sklearn.neighbors import NearestNeighbors

    n = 10_000
    table = np.array([outline(genuine_act(WORLD[i], 0)) for i in range(n)])
    assert len({row.round(4).tobytes() for row in table}) == n
    distance, neighbour = NearestNeighbors(n_neighbors=4).fit(table).kneighbors(table)
    pairs = {
        (min(i, int(j)), max(i, int(j))): d
        for i in range(n)
        for j, d in zip(neighbour[i], distance[i], strict=True)
        if i != j
    }
    closest = np.array([apart(*pair) for pair in sorted(pairs, key=pairs.__getitem__)[:1000]])
    assert (closest[:, 0] > closest[:, 1:].min(axis=1)).all()
    # nearer than the less steady of the two is from themself: rare even among the closest thousand
    assert (closest[:, 0] < closest[:, 1:].max(axis=1)).mean() < 0.06


def strokes(act):
    """The lognormal strokes of an act, and its end in s."""
    targets, table, contact = np.empty((MAX_TARGETS, 4)), np.empty((MAX_STROKES, 6)), np.empty((MAX_STROKES + 1, 2))
    deviation = np.zeros((2, 6))
    deviations(act.hand, deviation)
    deviation[1] = act.misperceive
    n = plan_targets(act.hand, act.text.units, len(act.text.units), act.author.idiolect, act.by.idiolect, act.leak,
                     act.session, act.key, act.perceive, act.effort, deviation, letters(), targets)  # fmt: skip
    m, end = plan_strokes(act.hand, targets, n, act.session, act.key, act.perceive, act.effort, table, contact)
    return table[:m], end


def extrema(speed):
    inner = speed[1:-1]
    maxima = (inner > speed[:-2]) & (inner >= speed[2:])
    minima = (inner < speed[:-2]) & (inner <= speed[2:])
    return int(maxima.sum() + minima.sum())


def test_speed_has_two_extrema_for_each_lognormal():
    """Speed of the whole movement, air included, at 1 kHz, without the tremor that is laid over it."""
    ratios = []
    for i in range(60):
        act = genuine_act(WORLD[i], 0)
        act.hand["tremor_mm"], tremor = 0.0, float(act.hand["tremor_mm"])
        rows = execute(act, rate_hz=200).trajectory
        act.hand["tremor_mm"] = tremor
        speed = np.hypot(*np.gradient(rows[:, :2], axis=0).T)
        ratios.append(extrema(np.convolve(speed, np.ones(3) / 3, mode="valid")) / (2 * len(strokes(act)[0])))
    assert np.median(ratios) == pytest.approx(1.0, abs=0.2), float(np.median(ratios))


def test_the_strokes_of_an_act_have_the_stated_ranges():
    for i in range(40):
        table, end = strokes(genuine_act(WORLD[i], 0))
        assert ((table[:, SIGMA] >= 0.12) & (table[:, SIGMA] <= 0.45)).all()
        assert (table[:, LENGTH] >= 0).all()
        assert 0.2 < end < 60
        done = [travelled_fraction(end + 3.0, row[1], row[2], row[3]) for row in table]
        np.testing.assert_allclose(done, 1.0, atol=1e-3)


@pytest.mark.parametrize("kind", ["genuine", *FORGERY_KINDS])
@pytest.mark.parametrize("profile", PROFILES)
def test_every_kind_of_act_obeys_physics(profile, kind):
    """Times rise, speed and steps are bounded, lifts last 20 ms or more, numbers are finite, the page is finite."""
    world = World(5, WorldConfig(profiles=((profile, 1.0),)))
    for i in range(25):
        act = genuine_act(world[i], i)
        if kind != "genuine":
            by = world[i] if kind == "disguise" else world[700 + i]
            act = forge(world[i], by=by, kind=kind, skill=(i % 5) / 4, act=i).act
        rows = execute(act, rate_hz=200).trajectory
        assert np.isfinite(rows).all()
        steps = np.diff(rows[:, 2])
        assert (steps > 0).all()
        moved = np.hypot(*np.diff(rows[:, :2], axis=0).T)
        assert (moved / steps).max() < FAST_MM_S
        assert np.ptp(rows[:, 0]) < 400
        assert np.ptp(rows[:, 1]) < 300
        down = rows[:, 3] > 0
        edges = np.flatnonzero(np.diff(down.astype(int)))
        lifts = [rows[b + 1, 2] - rows[a, 2] for a, b in itertools.pairwise(edges) if not down[a + 1]]
        assert all(lift >= 0.02 - 1e-9 for lift in lifts), lifts


@pytest.mark.slow
def test_the_spectrum_of_the_movement_is_a_hands():
    """Speed of the pen: the peak of its spectrum lies between 2 and 8 Hz, and by 20 Hz power fell fortyfold."""
    peaks, falls = [], []
    for i in range(60):
        rows = execute(genuine_act(WORLD[i], 0)).trajectory
        speed = np.hypot(*np.gradient(rows[:, :2], axis=0).T)
        power = np.abs(np.fft.rfft((speed - speed.mean()) * np.hanning(len(speed)), 4096)) ** 2
        hz = np.fft.rfftfreq(4096, 0.01)
        band = (hz > 1.5) & (hz < 12)
        peaks.append(hz[band][np.argmax(power[band])])
        falls.append(power[(hz > 18) & (hz < 22)].mean() / power[band].mean())
    assert 2 < np.median(peaks) < 8, float(np.median(peaks))
    assert np.median(falls) < 1 / 40, float(np.median(falls))


@pytest.mark.slow
def test_a_forger_is_slower_with_less_skill_in_every_kind_and_no_kind_is_faster_than_its_target():
    for kind in skilled():
        ratios = []
        for skill in (0.3, 0.85):
            pairs = [(execute(forged(i, kind, skill, 0)), execute(genuine_act(WORLD[i], 0))) for i in range(80)]
            ratios.append(np.median([a.trajectory[-1, 2] / b.trajectory[-1, 2] for a, b in pairs]))
        assert ratios[0] >= ratios[1] - 0.02, (kind, ratios)
    slow = [measure(execute(forged(i, "freehand", 0.85, 0)).trajectory)["duration_s"] for i in range(120)]
    usual = [measure(execute(genuine_act(WORLD[i], 0)).trajectory)["duration_s"] for i in range(120)]
    assert 1.02 < np.median(np.array(slow) / np.array(usual)) < 1.7
