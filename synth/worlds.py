"""Named worlds: populations that differ in their laws only.

`default` is what training and evaluation draw from; `many_scripts` mixes every script profile by weight.
"""

from .config import PROFILES, WorldConfig

_WEIGHTS = {"latin_cursive": 3.0, "latin_print": 1.0, "initials": 0.6, "rubrica": 0.9, "invented": 0.5}

WORLDS: dict[str, WorldConfig] = {
    "default": WorldConfig(),
    "many_scripts": WorldConfig(profiles=tuple((name, _WEIGHTS.get(name, 1.0)) for name in PROFILES)),
}
"""World configurations by name."""
