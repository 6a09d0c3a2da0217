"""What the tabs of the web demo share: the run that verifies, if there is one, and how to get one."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .pen_bench import PenBench
from .runs import RunError
from .verify import Answer, Bench, enrol

NO_RUN = "There is no trained run yet, so images cannot be compared."


class Desk:
    """The run behind the page.

    Args:
        path: The run folder; it may not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.bench: Bench | None = None
        self.pens = PenBench()
        self.lock = threading.Lock()  # one comparison at a time: each uses every core

    def open(self) -> bool:
        """Load the run if it is finished, and warm it up; return whether there is one.

        Raises:
            RunError: If the folder is a run that cannot be used.
        """
        if self.bench is None and (self.path / "verifier.json").exists():
            bench = Bench(self.path)
            self._warm(bench)
            self.bench = bench
        return self.bench is not None

    def _warm(self, bench: Bench) -> None:
        """Compare with one reference and with two, so that no visitor waits for compilation.

        The network is compiled for one image, and then once more for any other number of them.
        """
        from synth import World, render

        from .verify_page import panels

        images = [render(World(0)[0].genuine(act), dpi=120) for act in (0, 4)]
        for n in (1, 2):
            enrolled = enrol(bench.verifier, images[:n], ["warm-up"] * n)
            bench.answer(enrolled, images[1])
        try:
            panels(bench.verifier, enrolled, images[1])
        except ValueError:  # a network without maps is compared all the same
            return

    def answer(
        self, references: list[NDArray[np.uint8]], questioned: NDArray[np.uint8], threshold: float | None = None
    ) -> Answer:
        """Return the answer for one questioned image, at a threshold set by hand or else the frozen one.

        Raises:
            RunError: If there is no run.
            BadInput: If an image is blank or no signature.
        """
        bench = self.need()
        with self.lock:
            enrolled = enrol(bench.verifier, references, [f"number {i + 1}" for i in range(len(references))])
            if threshold is None:
                return bench.answer(enrolled, questioned)
            return bench.answer(enrolled, questioned, threshold=threshold, threshold_basis="set by hand")

    def need(self) -> Bench:
        """Return the run; raise RunError if there is none."""
        if self.bench is None:
            raise RunError(NO_RUN)
        return self.bench

    def train(self) -> Iterator[str]:
        """Train the smoke preset into the run folder in a process of its own; yield what it says.

        Raises:
            RunError: If it fails; a folder that is something else is left alone.
        """
        command = [sys.executable, "-m", "pipelines", "demo", "--preset", "smoke", "--run", str(self.path.resolve())]
        root = Path(__file__).resolve().parents[1]
        with subprocess.Popen(
            command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        ) as process:
            assert process.stderr is not None
            last = ""
            try:
                for line in process.stderr:
                    if line.strip():
                        last = line.strip()
                        yield last
            finally:
                if process.poll() is None and sys.exc_info()[0] is GeneratorExit:
                    process.terminate()
        if process.returncode != 0:
            raise RunError(f"training failed: {last or 'it said nothing'}")
        self.open()
