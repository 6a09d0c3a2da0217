"""Worked answers to the exercises, computed from a student's number. Leave this file out of what students get.

`python -m pipelines course expected class.csv` draws the values of a whole class from it. The tolerance of an answer
is what another machine or version may be off by.
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.augment import shape
from pipelines.baselines import hog_features
from pipelines.batches import draw_batch
from pipelines.cohort import cohort_trials
from pipelines.config import PRESETS, changed
from pipelines.course import Solution
from pipelines.metrics import eer, frr, threshold_at_far
from pipelines.mistakes import pairs, tinted
from pipelines.preprocess import preprocess, to_ink
from pipelines.splits import split_world
from pipelines.trace import trace
from synth import CAPTURES, World, forge, render
from synth.statistics import measure

FORGERS = ("freehand", "slow_copier", "tracer", "careless")


def profile_of_1_1(student: int) -> str:
    return World(student)[1_000_000].profile


def lifts_of_1_2(student: int) -> int:
    world = World(student)
    signer = next(world[number] for number in range(100) if world[number].profile == "latin_cursive")
    down = signer.genuine(0).trajectory[:, 3] > 0
    return int(np.sum(down[:-1] & ~down[1:]))


def distance_mm(one: Any, other: Any, moments: int) -> float:
    paths = []
    for rows in (one.trajectory, other.trajectory):
        share = np.linspace(0, 1, len(rows))
        path = np.stack([np.interp(np.linspace(0, 1, moments), share, rows[:, i]) for i in (0, 1)], axis=1)
        paths.append(path - path.mean(axis=0))
    return float(np.sqrt(np.mean(np.sum((paths[0] - paths[1]) ** 2, axis=1))))


def together_in_1_3(student: int) -> float:
    people = [World(student)[i] for i in range(64)]
    return float(np.median([distance_mm(person.genuine(0), person.genuine(1), 300) for person in people]))


def times_as_long(student: int, kind: str) -> float:
    world, found = World(student), []
    for target, by in ((world[i], world[500 + i]) for i in range(40)):
        copy = forge(target, by=by, kind=kind, skill=0.3, act=0)
        found.append(measure(copy.trajectory)["duration_s"] / measure(target.genuine(0).trajectory)["duration_s"])
    return float(np.median(found))


def apart_in_2_3(student: int) -> float:
    target, by = World(student)[0], World(student)[500]
    one, other = (forge(target, by=by, kind="freehand", skill=0.3, act=act) for act in (0, 1))
    return distance_mm(one, other, 200)


def photograph(student: int) -> Any:
    return render(World(student)[0].genuine(0), capture="photo", paper="boxed")


def lines_of_3_1(student: int) -> int:
    stages = trace(photograph(student), height=96, width=192, recipe="photo")
    return int(next(stage.caption for stage in stages if stage.step == "lines").split(": ")[-1])


def nearest_in_3_2(student: int) -> str:
    names = [name for name in CAPTURES if name not in ("mixed", "clean")]
    pictures = [render(World(student)[0].genuine(0), capture=name, paper="boxed") for name in ["clean", *names]]
    canvases = np.stack([preprocess(picture, height=96, width=192, recipe="photo") for picture in pictures])
    features = hog_features(to_ink(canvases)[..., 0])
    return names[int(np.argmax(features[1:] @ features[0]))]


def safe_in_3_3(student: int) -> set[str]:
    world = World(student)

    def features(canvases: list[Any]) -> Any:
        return hog_features(to_ink(np.stack(canvases))[..., 0])

    def drawn(index: int, act: int) -> Any:
        return preprocess(render(world[index].genuine(act), dpi=200, capture="scan"), height=96, width=192)

    firsts = [drawn(i, 0) for i in range(32)]
    first = features(firsts)
    usual = np.median(1 - np.sum(first * features([drawn(i, 40) for i in range(32)]), axis=1))
    safe = set()
    for name in ("light", "standard", "strong"):
        bent = [shape(canvas, recipe=name, seed=student, epoch=0, sample=i) for i, canvas in enumerate(firsts)]
        if np.median(1 - np.sum(first * features(bent), axis=1)) < usual:
            safe.add(name)
    return safe


def batch_of_4(student: int) -> Any:
    config = changed(PRESETS["smoke"], [f"world.seed={student}"])
    part = split_world(config.world).train
    height, width = config.train.height, config.train.width
    return config, draw_batch(World(student), part, config.batch, 0, height=height, width=width)


def seen_in_4_2(student: int) -> int:
    config, batch = batch_of_4(student)
    return len(batch.images) * config.train.epochs * config.train.steps_per_epoch


def best_of_5_1(student: int) -> str:
    """Read the stored table; nothing in it depends on the student."""
    found: dict[str, list[float]] = {}
    with (Path(__file__).parent / "tables" / "architectures.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["model"], []).append(float(row["eer_skilled_value"]))
    return min(found, key=lambda name: float(np.mean(found[name])))


def threshold_of_6_1(student: int) -> float:
    return threshold_at_far(cohort_trials(student, "development").select(kind="skilled").score, 0.05)


def rejected_in_6_2(student: int) -> float:
    return frr(cohort_trials(student, "test").select(kind="genuine").score, threshold_of_6_1(student))


def gap_of_7_3(student: int) -> float:
    trials = cohort_trials(student, "test")
    genuine = trials.select(kind="genuine").score
    skilled, random = (eer(genuine, trials.select(kind=kind).score).rate for kind in ("skilled", "random"))
    return skilled - random


def levels_of_7_4(student: int) -> int:
    images, genuine, _ = tinted(student, levels=0)
    grey = np.median(images.reshape(len(images), -1), axis=1)
    return int(np.floor(grey[~genuine].max() - grey[genuine].min())) + 1


SOLUTIONS = {
    "1.1": Solution(profile_of_1_1, 0),
    "1.2": Solution(lifts_of_1_2, 0),
    "1.3": Solution(together_in_1_3, 0.02),
    "2.1": Solution(lambda student: max(FORGERS, key=lambda kind: times_as_long(student, kind)), 0),
    "2.2": Solution(lambda student: times_as_long(student, "slow_copier"), 0.02),
    "2.3": Solution(apart_in_2_3, 0.02),
    "3.1": Solution(lines_of_3_1, 0),
    "3.2": Solution(nearest_in_3_2, 0),
    "3.3": Solution(safe_in_3_3, 0),
    "4.1": Solution(lambda student: len(batch_of_4(student)[1].images), 0),
    "4.2": Solution(seen_in_4_2, 0),
    "4.3": Solution(lambda student: float(np.mean(to_ink(batch_of_4(student)[1].images) > 0.5)), 0.005),
    "5.1": Solution(best_of_5_1, 0),
    "5.2": Solution(lambda student: 16 * (3 * 3 * 1 + 1), 0),
    "5.3": Solution(lambda student: 1 - 30 / 120, 0.005),
    "6.1": Solution(threshold_of_6_1, 0.01),
    "6.2": Solution(rejected_in_6_2, 0.03),
    "6.3": Solution(lambda student: 10 / 1009, 0.001),
    "6.4": Solution(lambda student: 3000, 0),
    "7.1": Solution(lambda student: len(np.unique(pairs(student)[2])), 0),
    "7.2": Solution(lambda student: "scanner tint", 0),
    "7.3": Solution(gap_of_7_3, 0.03),
    "7.4": Solution(levels_of_7_4, 1),
    "8.1": Solution(lambda student: 3, 0),  # a blank page, a text file, a copy under another name
    "8.2": Solution(lambda student: 9, 0),  # of ten people, one has a single signature
    "8.3": Solution(lambda student: 3 / 9, 0.005),
}
