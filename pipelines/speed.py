"""How fast it draws and trains here: ratios within one run, since machines and their load differ."""

import statistics
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from synth import World, render

from .batches import draw_batch
from .config import PRESETS, RunConfig
from .drawing import draw_images
from .grouping import plan_signers
from .inputs import Drawing, training_stream
from .progress import Progress
from .sources import WorldSource
from .splits import split_world, training_world

GOALS = {
    "images_per_core_second": "2000",
    "scans_300dpi_per_core_second": "150",
    "photos_300dpi_per_core_second": "150",
    "two_threads_over_one": "1.6",
    "signer_1e9_over_signer_0": "1",
    "memory_mb_of_1e9_signers": "that of 10,000",
    "live_over_cached": "0.92",
}
"""What each figure should be or exceed."""
_DRAWN = 6_000
"""Signers drawn to measure memory: more than a world keeps at hand."""
_IN_TURN = 4
"""Batches that a thread draws one after the other, as in training; the first begins while another one plans."""


def _rate(work: Callable[[int], int], rounds: int, clock: Callable[[], float]) -> float:
    """Return the median of things done per second over rounds, after one that does not count."""
    work(0)
    found = []
    for i in range(1, rounds + 1):
        begun = clock()
        done = work(i)
        found.append(done / (clock() - begun))
    return statistics.median(found)


def drawing(config: RunConfig, *, rounds: int = 25) -> dict[str, float]:
    """Return preprocessed training images and whole 300-dpi captures per second of one core, and two threads over one.

    Rates are counted in processor seconds, which other programs on the machine do not use up; two threads by the
    clock, each round beside one thread, median of five.
    """
    world, signers, settings = training_world(config.world), split_world(config.world).train, config.batch
    height, width = config.train.height, config.train.width

    def draw(i: int) -> int:
        return len(draw_batch(world, signers, settings, i, height=height, width=width).images)

    def several(i: int) -> None:
        for k in range(_IN_TURN):
            draw(_IN_TURN * i + k)

    def two(i: int) -> None:
        threads = [threading.Thread(target=several, args=(2 * i + j,)) for j in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def captured(i: int, capture: str) -> int:
        for act in range(8):
            render(world[i].genuine(act), dpi=300, capture=capture)
        return 8

    def two_over_one(i: int) -> float:
        begun = time.perf_counter()
        two(2 * i + 1)
        middle = time.perf_counter()
        several(2 * i)
        return 2.0 * (time.perf_counter() - middle) / (middle - begun)

    per_core = _rate(draw, rounds, time.thread_time)
    acts = plan_signers(WorldSource(world, signers), settings, 0).items
    return {
        "images_per_core_second": per_core,
        "without_planning": _rate(
            lambda i: len(draw_images(acts, height=height, width=width)), rounds, time.thread_time
        ),
        "scans_300dpi_per_core_second": _rate(lambda i: captured(i, "scan"), rounds, time.thread_time),
        "photos_300dpi_per_core_second": _rate(lambda i: captured(i, "photo"), rounds, time.thread_time),
        "two_threads_over_one": statistics.median(two_over_one(i) for i in range(5)),
        "signer_1e9_over_signer_0": _far_over_near(world),
    }


def _far_over_near(world: World, *, signers: int = 200, acts: int = 4) -> float:
    """Return how fast signers from number 1e9 on come and sign, as a factor of the first ones, in turns.

    It takes many, since some sign for twice as long as others.
    """
    world[0].genuine(0)  # compiles
    seconds = [0.0, 0.0]
    for i in range(signers):
        for k, first in enumerate((0, 10**9)):
            begun = time.thread_time()
            for act in range(acts):
                world[first + i].genuine(act)
            seconds[k] += time.thread_time() - begun
    return seconds[0] / seconds[1]


def memory(world: World, population: int, *, drawn: int = _DRAWN) -> float:
    """Return the most memory (MB) in use while so many signers of a population are drawn, and every 16th signs.

    What Python and NumPy hold is counted; kernels give back what they take. A world keeps its last signers at hand,
    so a population larger than that costs a few megabytes, and the same whatever its size.

    Args:
        world: Whose signers.
        population: How many there are; those drawn lie evenly among them.
        drawn: How many draws.
    """
    world[0].genuine(0)
    fresh = World(world.seed, world.config)
    tracemalloc.start()
    for i in range(drawn):
        signer = fresh[i * population // drawn if population > drawn else i % population]
        if i % 16 == 0:
            signer.genuine(i)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def training(config: RunConfig, progress: Progress, *, steps: int = 12, rounds: int = 3) -> dict[str, float]:
    """Return training rates with live drawing and on one cached batch, alternating, and their ratio.

    Args:
        config: The run's.
        progress: Where to say what happens.
        steps: Of a round.
        rounds: Of each kind; the median counts.

    Returns:
        Images per second, and live over cached.
    """
    from .building import build_model

    model = build_model(config, progress.say)
    drawing = Drawing(config)
    stream = iter(training_stream(config, 0, 10**6, drawing=drawing))
    cached = next(stream)
    model.train_on_batch(*cached)
    live_rates, cached_rates = [], []
    for _ in range(rounds):
        live_rates.append(_steps(model, lambda: next(stream), steps, config))
        cached_rates.append(_steps(model, lambda: cached, steps, config))
    drawing.close()
    ratio = statistics.median(a / b for a, b in zip(live_rates, cached_rates, strict=True))
    return {
        "live_images_per_s": statistics.median(live_rates),
        "cached_images_per_s": statistics.median(cached_rates),
        "live_over_cached": ratio,
    }


def _steps(model: Any, batch: Callable[[], Any], steps: int, config: RunConfig) -> float:
    begun = time.perf_counter()
    for _ in range(steps):
        loss = model.train_on_batch(*batch())
    assert np.isfinite(loss)
    return steps * config.batch.images / (time.perf_counter() - begun)


def speed(progress: Progress, preset: str = "classroom") -> dict[str, float]:
    """Return every speed figure of this machine."""
    config = PRESETS[preset]
    with progress.task("drawing", None):
        found = drawing(config)
    with progress.task("memory", None):
        world = training_world(config.world)
        for name, population in (("10", 10), ("10000", 10_000), ("1e9", 10**9)):
            found[f"memory_mb_of_{name}_signers"] = memory(world, population)
    with progress.task("training", None):
        found |= training(config, progress)
    return found
