"""What a run takes: seconds by stage, images, memory and disk."""

import sys
import time
from collections.abc import Callable
from typing import Any

from .checkpoints import read_log, writing
from .config import RunConfig
from .files import write_json
from .runs import Run


class Clock:
    """Seconds spent in each stage, summed over interruptions through the run folder."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.seconds: dict[str, float] = run.read("times.json") if (run / "times.json").exists() else {}

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        """Do the work; its time counts for the stage even if it is interrupted."""
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - begun, 1)
            with writing(self.run):
                write_json(self.run / "times.json", self.seconds)


def cost(run: Run, seconds: dict[str, float], config: RunConfig) -> dict[str, Any]:
    """Return what the run took: seconds by stage, images, peak memory and disk in MB."""
    peak = peak_memory_mb()
    disk = sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file()) / 1e6
    images = epochs_done(run, config) * config.train.steps_per_epoch * config.batch.images
    return {
        "seconds": dict(seconds),
        "training_images": images,
        "peak_memory_mb": peak,
        "disk_mb": round(disk, 1),
    }


def epochs_done(run: Run, config: RunConfig) -> int:
    """Return how many epochs a run was trained for, which may be fewer than configured."""
    rows = read_log(run, config.train.epochs)
    return int(rows[-1]["epoch"]) if rows else config.train.epochs


def peak_memory_mb() -> int | None:
    """Return the most memory this process has held, in MB; None where the system does not tell (Windows)."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(used / (1e6 if sys.platform == "darwin" else 1e3))
