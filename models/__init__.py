"""Networks, layers and losses in Keras 3: arrays in, arrays out, no files and no drawing.

``build(name, ...)`` makes a registered network, ``names()`` lists them, ``register(name)`` adds one and
``check_model(builder)`` tells whether it keeps the contract. Every file of this folder is imported, so that a new
network is one file with one ``@register`` line in it.
"""

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

from . import finetune, heads, layers, losses
from .registry import build, find, find_spec, names, register

if TYPE_CHECKING:
    from .checks import check_model

__all__ = [
    "build",
    "check_model",
    "find",
    "find_spec",
    "finetune",
    "heads",
    "layers",
    "losses",
    "names",
    "register",
]

for _module in pkgutil.iter_modules(__path__):
    if _module.name != "checks":  # imported on first use, so that `python -m models.checks` runs it once
        importlib.import_module(f"{__name__}.{_module.name}")


def __getattr__(name: str) -> Any:
    """Import ``check_model`` on first use."""
    if name == "check_model":
        from .checks import check_model

        return check_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
