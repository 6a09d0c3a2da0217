"""Named worlds: populations that differ in their laws only.

`default` is what evaluation draws from; `default_and_short`, for training, adds to its people half as many who sign as
in `svc_like`; `many_scripts` mixes every script profile, and `broad` spreads wide all that training can widen: scripts,
pens, how steady a hand is, how alike people are. `svc_like` holds short, fast signatures, some of them hardly legible,
and practised forgers: its laws are tuned by hand until the medians of its movements lie inside the middle half of a
public set (see `pipelines/bands.py`); nothing is fitted to any one signature.
"""

import dataclasses
import difflib

from .config import PROFILES, Forger, Hand, Spread, WorldConfig


def _uniform(a: float, b: float) -> Spread:
    return Spread("uniform", a, b)


def _normal(a: float, b: float, low: float, high: float) -> Spread:
    return Spread("normal", a, b, low, high)


def _lognormal(a: float, b: float, low: float, high: float) -> Spread:
    return Spread("lognormal", a, b, low, high)


_SHORT = dataclasses.replace(
    Hand(),
    words=_uniform(0.55, 1.62),
    word_letters=_normal(5.2, 1.4, 2.0, 9.0),
    p_initial=Spread("fixed", 0.6),
    p_collapse=_uniform(0.5, 1.0),
    legible_letters=_lognormal(1.3, 1.5, 1.0, 6.0),
    letter_width=_lognormal(1.17, 1.22, 0.7, 2.2),
    slant_deg=_normal(10.0, 12.0, -25.0, 40.0),
    ascender=_lognormal(0.82, 1.2, 0.5, 1.5),
    descender=_lognormal(0.75, 1.3, 0.4, 1.6),
    capital=_lognormal(0.93, 1.25, 0.6, 1.8),
    letter_gap_x_heights=_normal(0.1, 0.15, -0.2, 0.7),
    join=_uniform(0.22, 0.95),
    roundness=_lognormal(0.68, 1.25, 0.5, 1.5),
    p_flourish=Spread("fixed", 0.27),
    lane_x_heights=_normal(-0.7, 0.8, -2.2, 1.2),
    corners=_uniform(1.0, 2.2),
    extent=_lognormal(0.85, 1.3, 0.4, 1.6),
    p_attached=Spread("fixed", 0.9),
    x_height_mm=_lognormal(2.8, 1.3, 1.5, 5.5),
    stroke_time_s=_lognormal(0.116, 1.15, 0.07, 0.2),
    isochrony=_uniform(0.55, 0.85),
    overlap=_uniform(0.4, 0.6),
    tremor_mm=_lognormal(0.004, 2.0, 0.0, 0.05),
    frailty=Spread("power", 0.06, 1.0),
    speed_gain=_normal(-0.03, 0.08, -0.15, 0.15),
    ripple=_uniform(0.06, 0.17),
    ramp_on_s=_uniform(0.010, 0.026),
    ramp_off_s=_uniform(0.010, 0.030),
    stability=Spread("loguniform", 0.015, 0.045),
    missed_lifts=_uniform(0.0, 0.25),
)
_PRACTISED = Forger(
    slowness=_uniform(0.2, 1.15),
    disjointed=_uniform(0.0, 0.4),
    shakiness=_lognormal(0.27, 1.7, 0.1, 1.2),
    segments=_lognormal(0.12, 1.5, 0.05, 0.6),
    pressure=_lognormal(2.7, 1.3, 1.0, 6.0),
)

_WEIGHTS = {"latin_cursive": 3.0, "latin_print": 1.0, "initials": 0.6, "rubrica": 0.9, "invented": 0.5}

_MANY = tuple((name, _WEIGHTS.get(name, 1.0)) for name in PROFILES)
_EVEN_PENS = tuple((name, 1.0) for name in ("ballpoint", "gel", "fountain", "felt", "pencil", "stylus"))
_WIDE = Spread("loguniform", 0.009, 0.05)

WORLDS: dict[str, WorldConfig] = {
    "default": WorldConfig(),
    "default_and_short": WorldConfig(
        profiles=(*WorldConfig().profiles, ("latin_short", 0.5)),
        hands=tuple({**PROFILES, "latin_short": _SHORT}.items()),
    ),
    "many_scripts": WorldConfig(profiles=_MANY),
    "broad": WorldConfig(
        profiles=(*_MANY, ("latin_short", 2.0)),
        pens=_EVEN_PENS,
        hands=tuple(
            (name, dataclasses.replace(hand, stability=_WIDE))
            for name, hand in {**PROFILES, "latin_short": _SHORT}.items()
        ),
        density=0.2,
    ),
    "svc_like": WorldConfig(profiles=(("latin_cursive", 1.0),), forger=_PRACTISED, hands=(("latin_cursive", _SHORT),)),
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
