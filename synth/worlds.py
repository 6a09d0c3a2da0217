"""Named worlds: populations that differ in their laws only.

`default` is what training and evaluation draw from; `many_scripts` mixes every script profile, and `broad` spreads wide
all that training can widen: scripts, pens, how steady a hand is, how alike people are. `svc_like` holds people by the
laws of profile `latin_short` alone, who sign briefly and fast, without its flying ends and uneven arcs, and practised
forgers: its laws are tuned by hand until the medians of its movements lie inside the middle half of a public set (see
`pipelines/bands.py`); nothing is fitted to any one signature.
"""

import dataclasses
import difflib

from .config import PROFILES, Forger, Spread, WorldConfig


def _uniform(a: float, b: float) -> Spread:
    return Spread("uniform", a, b)


def _lognormal(a: float, b: float, low: float, high: float) -> Spread:
    return Spread("lognormal", a, b, low, high)


_PRACTISED = Forger(
    slowness=_uniform(0.2, 1.07),
    disjointed=_uniform(0.0, 0.4),
    shakiness=_lognormal(0.2, 1.7, 0.1, 1.2),
    segments=_lognormal(0.12, 1.5, 0.05, 0.6),
    pressure=_lognormal(2.7, 1.3, 1.0, 6.0),
)

_WEIGHTS = {
    "latin_cursive": 3.0,
    "latin_short": 2.0,
    "latin_print": 1.0,
    "initials": 0.6,
    "rubrica": 0.9,
    "invented": 0.5,
}

_MANY = tuple((name, _WEIGHTS.get(name, 1.0)) for name in PROFILES)
_EVEN_PENS = tuple((name, 1.0) for name in ("ballpoint", "gel", "fountain", "felt", "pencil", "stylus"))
_NONE = Spread("fixed", 0.0)
_WIDE = Spread("loguniform", 0.009, 0.05)

WORLDS: dict[str, WorldConfig] = {
    "default": WorldConfig(),
    "many_scripts": WorldConfig(profiles=_MANY),
    "broad": WorldConfig(
        profiles=_MANY,
        pens=_EVEN_PENS,
        hands=tuple((name, dataclasses.replace(hand, stability=_WIDE)) for name, hand in PROFILES.items()),
        density=0.2,
    ),
    "svc_like": WorldConfig(
        profiles=(("latin_short", 1.0),),
        forger=_PRACTISED,
        hands=(("latin_short", dataclasses.replace(PROFILES["latin_short"], flight=_NONE, uneven=_NONE)),),
    ),
}
"""World configurations by name."""


def world_config(name: str) -> WorldConfig:
    """Return a named world's configuration.

    Args:
        name: A name in `WORLDS`, or in `config.PROFILES` for a world of that script alone.

    Raises:
        ValueError: If no world has that name.
    """
    if name in WORLDS:
        return WORLDS[name]
    if name not in PROFILES:
        known = [*WORLDS, *PROFILES]
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown world {name!r}; {hint}use one of: {', '.join(known)}")
    return WorldConfig(profiles=((name, 1.0),))
