"""Networks, layers and losses in Keras 3: arrays in, arrays out, no files and no drawing.

``build(name, ...)`` makes a registered network, ``names()`` lists them, ``register(name)`` adds one and
``check_model(builder)`` tells whether it keeps the contract.
"""

from typing import TYPE_CHECKING, Any

from . import heads, layers, losses, resnet  # imported so that what they define is registered
from .registry import build, find, names, register

if TYPE_CHECKING:
    from .checks import check_model

__all__ = ["build", "check_model", "find", "heads", "layers", "losses", "names", "register", "resnet"]


def __getattr__(name: str) -> Any:
    """Import ``check_model`` on first use, so that ``python -m models.checks`` runs its module once."""
    if name == "check_model":
        from .checks import check_model

        return check_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
