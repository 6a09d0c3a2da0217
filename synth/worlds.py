"""Named worlds: populations that differ in their laws only.

`default` is what training and evaluation draw from; `many_scripts` mixes every script profile. `svc_like` holds
short, fast signatures, some of them hardly legible, and practised forgers: its laws are tuned by hand until the
medians of its movements lie inside the middle half of a public set (see `pipelines/bands.py`); nothing is fitted to
any one signature.
"""

import dataclasses

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
    slowness=_uniform(0.2, 1.18),
    disjointed=_uniform(0.0, 0.4),
    shakiness=_lognormal(0.27, 1.7, 0.1, 1.2),
    segments=_lognormal(0.12, 1.5, 0.05, 0.6),
    pressure=_lognormal(2.7, 1.3, 1.0, 6.0),
)

_WEIGHTS = {"latin_cursive": 3.0, "latin_print": 1.0, "initials": 0.6, "rubrica": 0.9, "invented": 0.5}

WORLDS: dict[str, WorldConfig] = {
    "default": WorldConfig(),
    "many_scripts": WorldConfig(profiles=tuple((name, _WEIGHTS.get(name, 1.0)) for name in PROFILES)),
    "svc_like": WorldConfig(profiles=(("latin_cursive", 1.0),), forger=_PRACTISED, hands=(("latin_cursive", _SHORT),)),
}
"""World configurations by name."""


def world_config(name: str) -> WorldConfig:
    """Return a named world's configuration.

    Raises:
        ValueError: If no world has that name.
    """
    if name not in WORLDS:
        raise ValueError(f"unknown world {name!r}; use one of: {', '.join(WORLDS)}")
    return WORLDS[name]
