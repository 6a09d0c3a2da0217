"""What is installed here, what it runs on, and what is missing or doubled."""

import importlib
import importlib.metadata
import importlib.util
import re
from typing import Any

from .config import PRESETS
from .progress import Progress
from .runs import environment

Rows = list[tuple[str, str]]


def information() -> dict[str, Rows]:
    """Return titled tables of names and values."""
    here = environment()
    machine = [
        ("python", here["python"]),
        ("system", f"{here['system']} {here['processor']}"),
        ("cores", str(here["cores"])),
    ]
    return {
        "Machine": machine,
        "Packages": [*here["packages"].items(), *_problems()],
        "Models": _models(),
        "Presets": [(name, _preset(name)) for name in PRESETS],
        "Not tried": [
            ("GPU", "no path of this version: training, half precision and XLA on one, several of one host, NCCL"),
            ("several hosts", "two processes on loopback only, no real network"),
            ("Windows, macOS", "untried"),
        ],
    }


def _problems() -> Rows:
    installed = {re.sub("[-_.]+", "-", d.metadata["Name"]).lower() for d in importlib.metadata.distributions()}
    found = {"tensorflow", "tensorflow-cpu"} & installed
    if not found:
        return [("missing", "TensorFlow: pip install -e '.[cpu]' or '.[gpu]'")]
    if len(found) > 1:
        return [("doubled", "tensorflow and tensorflow-cpu share one folder: uninstall both, then install one")]
    return []


def _models() -> Rows:
    if importlib.util.find_spec("tensorflow") is None:
        return [("unknown", "Keras needs TensorFlow")]
    models = _networks()
    return [(name, f"takes {models.find_spec(name).takes}s; sizes: info --models") for name in models.names()]


def _networks() -> Any:
    from . import building  # noqa: F401  (quiets TensorFlow's log before Keras loads it)

    return importlib.import_module("models")


def image_models() -> tuple[str, ...]:
    """Return the names of the networks that take images."""
    return tuple(_networks().names("image"))


def model_costs(progress: Progress) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the head and the rows of the table of networks: size, multiply-adds, speed here, embedding."""
    from .complexity import HEAD, costs, table

    with progress.task("loading TensorFlow", None):
        models = _networks()
    with progress.task("building and timing every network", len(models.names())) as bar:

        def told(name: str) -> None:
            bar.note(name)
            bar.advance()

        return HEAD, table(costs(told=told))


def _preset(name: str) -> str:
    train, batch = PRESETS[name].train, PRESETS[name].batch
    return f"{train.model}, {train.epochs * train.steps_per_epoch * batch.images:,} training images"
