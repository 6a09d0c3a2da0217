"""A run folder: what was configured, where it ran, what came of it; unfinished until it says otherwise."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import RunConfig
from .files import write_json
from .folder_lock import locked
from .members import in_short

if TYPE_CHECKING:
    from .verifier import Verifier

FORMAT = 1
_PACKAGES = (
    "keras",
    "tensorflow",
    "tensorflow-cpu",
    "numpy",
    "numba",
    "opencv-python-headless",
    "scikit-learn",
)
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class RunError(ValueError):
    """A run folder cannot be used as asked; the message is one line."""


class Run:
    """One run folder.

    Args:
        path: The folder; made by `start`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def start(self, config: RunConfig, *, fresh: bool = False) -> None:
        """Make or reopen the folder for this configuration.

        Raises:
            RunError: If it holds another run's configuration, or something that is no run, or is to be started over
                while another process trains it.
        """
        recorded = self / "config.json"
        again = fresh and recorded.exists()
        if again:
            with self.claimed():
                self._clear()
        elif recorded.exists():
            if self.config() != config:
                raise RunError(
                    f"{self.path} holds a run with another configuration; use --fresh to start over, or another --run"
                )
            if not self.finished:
                self.check_engine("was begun with", "use --fresh to start over, or another --run")
            if not self.finished and not os.access(self.path, os.W_OK):
                raise RunError(f"cannot write to {self.path}: it is read-only; permit writing, or choose another --run")
            return
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise RunError(f"{self.path} exists and is no run folder; choose another --run")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_json(self / "environment.json", environment())
            self.mark("unfinished", stage="training")
            write_json(recorded, config.to_dict())
        except OSError as error:
            raise RunError(f"cannot write to {self.path}: {error.strerror}") from error

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep every other process from training into this folder as long as the block runs.

        Raises:
            RunError: If another one is at it.
        """
        with locked(self.path) as ours:
            if not ours:
                raise RunError(f"{self.path} is being trained by another process; wait for it, or choose another --run")
            yield

    def check_engine(self, did: str, remedy: str) -> None:
        """Raise RunError if another version of the generator drew for this run.

        Args:
            did: What the run did with those signatures, such as "was trained on".
            remedy: What helps.
        """
        from synth.streams import ENGINE

        recorded = self.read("environment.json") if (self / "environment.json").exists() else {}
        if (theirs := recorded.get("synth_engine", ENGINE)) != ENGINE:
            raise RunError(
                f"{self.path} {did} signatures by engine {theirs}, and this is engine {ENGINE}, which draws others; "
                f"{remedy}"
            )

    def _written(self) -> Iterator[Path]:
        """Yield the files that a run writes, and no other."""
        patterns = ("*.json", "*.csv", "*.keras", "*.parquet", "*.html", "checkpoints/*.keras")
        for pattern in (*patterns, "cache/*.npz", "figures/*.csv", "tensorboard/events*"):
            yield from self.path.glob(pattern)

    def _clear(self) -> None:
        """Remove what a run writes, and nothing else; `config.json` stays, to mark the folder as a run's."""
        for file in list(self._written()):
            if file.name != "config.json":
                file.unlink()

    @contextlib.contextmanager
    def taken_back(self) -> Iterator[None]:
        """Let go of the folder if bad input ends the block before an epoch is done, so that it is free for good input.

        What was interrupted or killed stays, and a folder into which somebody put something else.
        """
        try:
            yield
        except (ValueError, TypeError, OSError, FloatingPointError):
            ours, there = set(self._written()), {file for file in self.path.rglob("*") if file.is_file()}
            if there <= ours and not any(file.suffix == ".keras" for file in there):
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    def config(self) -> RunConfig:
        """Return the recorded configuration."""
        return RunConfig.from_dict(self.read("config.json"))

    def read(self, name: str) -> Any:
        """Return the content of one JSON file of the run; a missing or broken one raises RunError."""
        try:
            return json.loads((self / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} has no {name}; it is no finished run, start one with `demo`") from None
        except (OSError, ValueError, RecursionError) as error:
            raise RunError(f"{self / name} cannot be read: {error}") from error

    def mark(self, state: str, *, stage: str) -> None:
        """Record whether the run is "unfinished" or "finished", and what it is at."""
        write_json(self / "state.json", {"format": FORMAT, "state": state, "stage": stage})

    def keras_version(self) -> str:
        """Return the version of Keras that the run recorded, or "unknown"."""
        recorded = self.read("environment.json") if (self / "environment.json").exists() else {}
        return str(recorded.get("packages", {}).get("keras", "unknown"))

    @property
    def finished(self) -> bool:
        """Whether the run says that it is finished."""
        return (self / "state.json").exists() and self.read("state.json")["state"] == "finished"


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def environment() -> dict[str, Any]:
    """Return versions, machine and threads: what equal numbers depend on."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    from synth.streams import ENGINE

    return {
        "python": sys.version.split()[0],
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions,
        "synth_engine": ENGINE,
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
    }


def load_verifier(run: str | Path) -> "Verifier":
    """Return the verifier of a finished run.

    Args:
        run: The run folder.

    Raises:
        RunError: If the folder is no run, unfinished, of an unknown format, or its weights were changed.
    """
    from .online import OnlineVerifier
    from .verifier import Verifier

    folder = Run(run)
    record = folder.read("verifier.json")
    if not isinstance(record, dict):
        raise RunError(f"{folder / 'verifier.json'} cannot be read: it holds no object")
    if record.get("format") != FORMAT:
        other, version = in_short(record.get("format")), in_short(record.get("version"))
        raise RunError(f"{run} was written in format {other} by Paraph {version}; this is format {FORMAT}")
    kind = OnlineVerifier if record.get("takes") == "sequence" else Verifier
    return kind.load(folder, record)
