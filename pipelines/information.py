"""What is installed here, what it runs on, and what is missing or doubled."""

import importlib.metadata
import importlib.util

from .config import PRESETS
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
        "Not tried": [("GPU", "no GPU path of this version has been run"), ("Windows, macOS", "untried")],
    }


def _problems() -> Rows:
    installed = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}
    found = {"tensorflow", "tensorflow-cpu"} & installed
    if not found:
        return [("missing", "TensorFlow: pip install -e '.[cpu]' or '.[gpu]'")]
    if len(found) > 1:
        return [("doubled", "tensorflow and tensorflow-cpu share one folder: uninstall both, then install one")]
    return []


def _models() -> Rows:
    if importlib.util.find_spec("tensorflow") is None:
        return [("unknown", "Keras needs TensorFlow")]
    import models

    from . import train  # noqa: F401  (quiets TensorFlow's log before Keras loads it)

    sizes = []
    for name in models.names():
        network = models.build(name, image_shape=(96, 192, 1), embedding_dim=256, seed=0)
        sizes.append((name, f"{network.count_params() / 1e6:.2f} M parameters at 96 x 192, 256-d"))
    return sizes


def _preset(name: str) -> str:
    train, batch = PRESETS[name].train, PRESETS[name].batch
    return f"{train.model}, {train.epochs * train.steps_per_epoch * batch.images:,} training images"
