"""Draws signers who do not exist, their signatures, and the forgeries other invented people make of them.

Importing this package is cheap: numba loads when the first name is used, and nothing here touches a file.
"""

import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .acts import Signature as Signature
    from .config import CAPTURES as CAPTURES
    from .config import PROFILES as PROFILES
    from .config import WorldConfig as WorldConfig
    from .forgery import FORGERY_KINDS as FORGERY_KINDS
    from .forgery import SEEN as SEEN
    from .forgery import SKILLED_KINDS as SKILLED_KINDS
    from .forgery import forge as forge
    from .pens import PENS as PENS
    from .render import ground_truth as ground_truth
    from .render import render as render
    from .render import render_batch as render_batch
    from .sheet_layout import SheetLayout as SheetLayout
    from .sheets import attendance_sheets as attendance_sheets
    from .sheets import blank_sheets as blank_sheets
    from .signers import Signer as Signer
    from .signers import World as World
    from .tablet import TABLETS as TABLETS
    from .tablet import record as record
    from .worlds import WORLDS as WORLDS

_HOME = {
    "Signature": "acts",
    "CAPTURES": "config",
    "PROFILES": "config",
    "WorldConfig": "config",
    "FORGERY_KINDS": "forgery",
    "SEEN": "forgery",
    "SKILLED_KINDS": "forgery",
    "forge": "forgery",
    "PENS": "pens",
    "ground_truth": "render",
    "render": "render",
    "render_batch": "render",
    "SheetLayout": "sheet_layout",
    "attendance_sheets": "sheets",
    "blank_sheets": "sheets",
    "Signer": "signers",
    "World": "signers",
    "TABLETS": "tablet",
    "record": "tablet",
    "WORLDS": "worlds",
}
__all__ = sorted(_HOME)


class _Package(types.ModuleType):
    """This package; importing its submodule `render` must not hide the function of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOME and isinstance(value, types.ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'synth' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
