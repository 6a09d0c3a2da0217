"""Every distribution of the generator, as data one can read top to bottom.

A `Spread` is a one-dimensional law with hard clips; a config class is a flat list of named spreads with
units in their names. `draw` turns any of them into numbers by inverting the law at one keyed uniform per
field, so adding or changing a field never moves another. Nothing here draws a stroke.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .ranges import check_ranges
from .scripts import PROFILE_LAWS, Law
from .streams import Key, normal_quantile, slot, uniform

LAWS = ("fixed", "uniform", "loguniform", "normal", "lognormal", "power")


@dataclasses.dataclass(frozen=True)
class Spread:
    """One law: what `a` and `b` mean depends on it, `low` and `high` clip the outcome.

    fixed: a. uniform, loguniform: from a to b. normal: mean a, s.d. b. lognormal: median a, geometric
    s.d. b. power: Kumaraswamy's law on (0, 1) with shapes a and b, a stand-in for the beta law whose
    quantile is closed (Kumaraswamy 1980).
    """

    law: str
    a: float
    b: float = 0.0
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise ValueError(f"unknown law {self.law!r}; use one of: {', '.join(LAWS)}")
        if not (np.isfinite(self.a) and np.isfinite(self.b)) or not self.low <= self.high:
            raise ValueError(f"{self} is not a law: a and b must be finite, low at most high")
        if self.law in ("normal", "lognormal") and self.b < 0:
            raise ValueError(f"the spread b of {self} must not be negative")
        if self.law in ("loguniform", "lognormal", "power") and (self.a <= 0 or self.b <= 0):
            raise ValueError(f"a and b of {self} must be above 0")


def _fixed(a: float) -> Spread:
    return Spread("fixed", a)


def _uniform(a: float, b: float) -> Spread:
    return Spread("uniform", a, b)


def _loguniform(a: float, b: float) -> Spread:
    return Spread("loguniform", a, b)


def _normal(a: float, b: float, low: float, high: float) -> Spread:
    return Spread("normal", a, b, low, high)


def _lognormal(a: float, b: float, low: float, high: float) -> Spread:
    return Spread("lognormal", a, b, low, high)


@dataclasses.dataclass(frozen=True)
class Hand:
    """What stays fixed in one person's hand, drawn once per signer.

    Lengths called `x_heights` are multiples of the height of a small letter. Pen, ink and paper are absent
    on purpose: no preference for them belongs to a signer, or a verifier would learn pens.
    """

    # what is written
    words: Spread = _uniform(0.9, 3.0)
    word_letters: Spread = _normal(5.8, 2.0, 2.0, 11.0)
    p_initial: Spread = _fixed(0.25)
    p_collapse: Spread = _uniform(0.0, 0.8)
    legible_letters: Spread = _lognormal(4.0, 1.9, 1.0, 12.0)
    # proportions
    x_height_mm: Spread = _lognormal(3.6, 1.3, 1.8, 7.0)  # less where a signature would not fit its room
    letter_width: Spread = _lognormal(1.0, 1.25, 0.55, 1.9)
    slant_deg: Spread = _normal(12.0, 15.0, -25.0, 50.0)
    slope_deg: Spread = _normal(3.0, 4.5, -10.0, 18.0)
    bend: Spread = _normal(0.0, 0.03, -0.1, 0.1)
    ascender: Spread = _lognormal(1.0, 1.25, 0.6, 1.9)
    descender: Spread = _lognormal(1.0, 1.35, 0.5, 2.2)
    capital: Spread = _lognormal(1.1, 1.3, 0.7, 2.3)
    letter_gap_x_heights: Spread = _normal(0.05, 0.14, -0.25, 0.6)
    word_gap_x_heights: Spread = _lognormal(0.7, 1.6, 0.1, 2.2)
    taper: Spread = _normal(-0.12, 0.2, -0.6, 0.4)  # log of the size, over the text or over ten units if that is more
    join: Spread = _uniform(0.7, 1.15)
    roundness: Spread = _lognormal(1.0, 1.25, 0.55, 1.7)
    shape_x_heights: Spread = _lognormal(0.11, 1.4, 0.04, 0.24)
    # the flourish
    p_flourish: Spread = _fixed(0.5)
    corners: Spread = _uniform(1.0, 4.5)
    extent: Spread = _lognormal(1.0, 1.35, 0.4, 2.0)
    lane_x_heights: Spread = _normal(-0.6, 0.8, -2.2, 1.2)
    lane_drop_x_heights: Spread = _normal(0.3, 0.4, -0.5, 1.2)
    p_loops: Spread = _fixed(0.55)
    p_attached: Spread = _fixed(0.6)
    uneven: Spread = _uniform(0.2, 1.2)  # s.d. of half the log ratio of an arc's two curvatures
    # movement
    stroke_time_s: Spread = _lognormal(0.12, 1.2, 0.075, 0.25)
    isochrony: Spread = _uniform(0.3, 0.7)  # exponent of a stroke's time over its length; 0: all last equally long
    sigma: Spread = _normal(0.25, 0.05, 0.13, 0.42)
    overlap: Spread = _uniform(0.28, 0.55)
    tremor_mm: Spread = _lognormal(0.008, 2.2, 0.0, 0.09)
    # pressure, relative to its own mean over the act
    pressure: Spread = _normal(0.6, 0.1, 0.3, 0.85)
    downstroke_gain: Spread = _uniform(0.05, 0.35)
    speed_gain: Spread = _normal(0.0, 0.07, -0.15, 0.15)
    ripple: Spread = _uniform(0.04, 0.14)
    ramp_on_s: Spread = _uniform(0.015, 0.06)
    ramp_off_s: Spread = _uniform(0.015, 0.08)
    flight: Spread = _uniform(0.0, 0.25)  # share of a stroke, besides 0.12, that a lift or landing runs into
    # how well the person repeats it
    stability: Spread = _loguniform(0.017, 0.042)
    timing: Spread = _loguniform(0.04, 0.11)
    missed_lifts: Spread = _uniform(0.0, 0.25)  # probability that a short lift stays on the paper, per lift and act
    # age or illness: a slow, trembling hand; a fifth of all people have a tenth of it or more, a fourteenth half
    frailty: Spread = Spread("power", 0.12, 1.0)
    # what happens now and then: sessions in a hurry or tired, a dot or bar left out, another allograph
    p_hurried: Spread = _fixed(0.06)
    p_tired: Spread = _fixed(0.06)
    p_omit: Spread = _fixed(0.02)
    p_swap: Spread = _fixed(0.006)
    # scripts other than Latin; what a script has no use for has no effect
    script: Spread = _fixed(0.0)
    p_vertical: Spread = _fixed(0.0)
    p_headline: Spread = _fixed(0.85)
    p_headline_last: Spread = _fixed(0.7)
    headline_break: Spread = _fixed(0.15)
    scatter: Spread = _fixed(0.0)
    link: Spread = _fixed(0.0)
    shortest: Spread = _fixed(0.0)
    air_bow: Spread = _fixed(0.0)

    def __post_init__(self) -> None:
        check_ranges(self)


def _spreads(laws: Mapping[str, Law]) -> dict[str, Spread]:
    """Return spreads by field from a profile's table."""
    return {name: Spread(*law) for name, law in laws.items()}


_RUBRICA = dataclasses.replace(
    Hand(),
    words=_uniform(0.35, 1.6),
    word_letters=_uniform(1.0, 3.5),
    p_initial=_fixed(0.5),
    p_flourish=_fixed(1.0),
    corners=_uniform(3.0, 9.0),
    extent=_lognormal(1.1, 1.3, 0.6, 2.0),
    lane_x_heights=_normal(0.2, 0.6, -1.2, 1.6),
    capital=_lognormal(1.5, 1.3, 0.8, 2.6),
    p_collapse=_uniform(0.3, 1.0),
    legible_letters=_lognormal(1.5, 1.5, 1.0, 4.0),
)
_INITIALS = dataclasses.replace(
    Hand(),
    words=_uniform(1.6, 3.9),
    word_letters=_fixed(1.0),
    p_initial=_fixed(1.0),
    capital=_lognormal(1.4, 1.3, 0.8, 2.6),
    word_gap_x_heights=_normal(0.0, 0.35, -0.7, 1.0),
    p_flourish=_fixed(0.6),
    corners=_uniform(1.0, 4.0),
    join=_uniform(0.1, 0.9),
)

_SHORT = dataclasses.replace(
    Hand(),
    words=_uniform(0.55, 1.62),
    word_letters=_normal(5.2, 1.4, 2.0, 9.0),
    p_initial=_fixed(0.6),
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
    p_flourish=_fixed(0.27),
    lane_x_heights=_normal(-0.7, 0.8, -2.2, 1.2),
    corners=_uniform(1.0, 2.2),
    extent=_lognormal(0.85, 1.3, 0.4, 1.6),
    p_attached=_fixed(0.9),
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
    stability=_loguniform(0.015, 0.045),
    timing=_loguniform(0.03, 0.09),
)

PROFILES: dict[str, Hand] = {
    "latin_cursive": Hand(),
    "latin_short": _SHORT,
    "initials": _INITIALS,
    "rubrica": _RUBRICA,
    **{name: dataclasses.replace(Hand(), **_spreads(laws)) for name, laws in PROFILE_LAWS.items()},
}
"""Script profiles: each only a set of distributions over the one grammar of `layout.py`."""


@dataclasses.dataclass(frozen=True)
class Forger:
    """How one forger errs on one target: weights of the axes that `1 - skill` multiplies.

    Drawn once per (forger, target), so the same forger fails in the same way twice.
    """

    perception: Spread = _lognormal(1.0, 1.35, 0.4, 2.2)
    proportions: Spread = _lognormal(1.0, 1.45, 0.25, 2.4)
    letter_shapes: Spread = _lognormal(0.75, 2.0, 0.1, 3.0)
    spacing: Spread = _lognormal(1.0, 1.45, 0.25, 2.4)
    slowness: Spread = _uniform(0.2, 1.3)
    disjointed: Spread = _uniform(0.2, 1.0)  # how much less one stroke runs into the next
    shakiness: Spread = _lognormal(0.5, 2.0, 0.1, 3.0)
    pressure: Spread = _lognormal(1.6, 1.4, 0.6, 4.0)
    segments: Spread = _lognormal(1.0, 1.5, 0.25, 2.5)  # arcs cut in two, lifts where there are none
    retouches: Spread = _lognormal(1.0, 1.6, 0.2, 3.0)

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclasses.dataclass(frozen=True)
class Pen:
    """The pen and ink of one act, drawn afresh for every act, whoever signs; `pens.PENS` has the named ones.

    How width and darkness follow pressure and speed is relative to their mean over the act. A field left out is a pen
    without that trait.
    """

    width_mm: Spread = _loguniform(0.22, 0.55)
    darkness: Spread = _uniform(0.55, 1.0)
    width_pressure: Spread = _fixed(0.0)
    width_speed: Spread = _fixed(0.0)
    darkness_pressure: Spread = _fixed(0.0)
    darkness_speed: Spread = _fixed(0.0)
    grain: Spread = _fixed(0.0)  # share of ink that the valleys of the paper do not take
    gate: Spread = _fixed(0.0)  # how far thin ink reaches the hills of the paper only
    nib: Spread = _fixed(0.0)  # how much thinner a line is along the edge of the nib
    nib_rad: Spread = _fixed(0.7)
    blob: Spread = _fixed(0.0)  # more ink where the pen comes down
    goop: Spread = _fixed(0.0)  # chance of a drop after a reversal
    skip: Spread = _fixed(0.0)  # more of this, more and longer gaps
    skip_mm: Spread = _fixed(1.0)
    striation: Spread = _fixed(0.0)  # lighter streaks along the line
    rim: Spread = _fixed(0.0)  # darker edges
    soft_mm: Spread = _fixed(0.0)  # width of the edges

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclasses.dataclass(frozen=True)
class Capture:
    """How paper became pixels in one act, drawn afresh for every act, whoever signs."""

    oversampling: Spread = _uniform(1.0, 1.4)
    margin: Spread = _uniform(0.02, 0.15)
    turn_deg: Spread = _normal(0.0, 0.7, -2.0, 2.0)
    paper: Spread = _uniform(200.0, 255.0)
    shade: Spread = _normal(0.0, 6.0, -18.0, 18.0)
    noise: Spread = _uniform(0.0, 5.0)
    blur_px: Spread = _uniform(0.25, 0.8)
    gamma: Spread = _lognormal(1.0, 1.3, 0.5, 2.0)
    p_bilevel: Spread = _fixed(0.3)
    # what `paper.develop` adds; 0 is without
    dpi: Spread = _fixed(300.0)  # where the caller asks for no size
    fibre: Spread = _fixed(0.0)  # s.d. of paper texture, grey levels
    jpeg: Spread = _fixed(0.0)  # quality
    fax: Spread = _fixed(0.0)
    tilt: Spread = _fixed(0.0)  # a photo: how far its corners move, share of the shorter side
    light: Spread = _fixed(0.0)
    shadow: Spread = _fixed(0.0)
    defocus_px: Spread = _fixed(0.0)
    shot: Spread = _fixed(0.0)

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def developed(self) -> bool:
        """Whether `paper.develop` has anything to do."""
        return any(getattr(self, name) != _fixed(0.0) for name in ("fibre", "jpeg", "fax", "tilt"))


CLEAN = Capture(
    oversampling=_fixed(1.0),
    margin=_fixed(0.04),
    turn_deg=_fixed(0.0),
    paper=_fixed(255.0),
    shade=_fixed(0.0),
    noise=_fixed(0.0),
    blur_px=_fixed(0.0),
    gamma=_fixed(1.0),
    p_bilevel=_fixed(0.0),
)
SCAN = Capture(p_bilevel=_fixed(0.0), fibre=_uniform(0.3, 2.0), dpi=_loguniform(150.0, 600.0))
CAPTURES: dict[str, Capture] = {
    "clean": CLEAN,
    "scan": SCAN,
    "bilevel": Capture(p_bilevel=_fixed(1.0), dpi=_loguniform(150.0, 600.0)),
    "jpeg": dataclasses.replace(SCAN, jpeg=_uniform(40.0, 95.0)),
    "photo": dataclasses.replace(
        CLEAN,
        margin=_uniform(0.05, 0.15),
        paper=_uniform(200.0, 245.0),
        gamma=_lognormal(1.0, 1.2, 0.6, 1.6),
        fibre=_uniform(0.5, 2.0),
        tilt=_uniform(0.01, 0.09),
        light=_uniform(0.05, 0.3),
        shadow=_uniform(0.0, 0.3),
        defocus_px=_uniform(0.4, 1.4),
        shot=_uniform(1.0, 5.0),
        jpeg=_uniform(60.0, 92.0),
    ),
    "fax": dataclasses.replace(CLEAN, fax=_fixed(1.0), dpi=_fixed(204.0)),
    "mixed": Capture(),
}
"""Capture profiles: `clean` is paper without a scanner; `mixed`, for training, is scans, a third of them bilevel."""


@dataclasses.dataclass(frozen=True)
class WorldConfig:
    """A population: the share of each profile and pen, the laws of hands and forgers, and how alike its people are.

    `density` from 0 (strangers) to 1 (one class of one school): hands come nearer to a school hand, and more people
    share names and letterforms; see `signers`.
    """

    profiles: tuple[tuple[str, float], ...] = (
        ("latin_cursive", 0.5),
        ("latin_short", 0.25),
        ("initials", 0.1),
        ("rubrica", 0.15),
    )
    forger: Forger = Forger()
    pens: tuple[tuple[str, float], ...] = (
        ("ballpoint", 0.56),
        ("gel", 0.18),
        ("fountain", 0.07),
        ("felt", 0.06),
        ("pencil", 0.07),
        ("stylus", 0.06),
    )
    own_pens: tuple[tuple[str, Pen], ...] = ()
    version: int = 1
    hands: tuple[tuple[str, Hand], ...] = tuple(PROFILES.items())
    density: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.density <= 1.0:
            raise ValueError(f"density is {self.density!r}; use a number from 0 to 1")
        known = dict(self.hands)
        for name, weight in self.profiles:
            if name not in known:
                raise ValueError(f"unknown profile {name!r}; use one of: {', '.join(known)}")
            if not 0 < weight < np.inf:
                raise ValueError(f"profile {name!r} has weight {weight}; weights must be above 0 and finite")
        self._check_pens()
        if not self.profiles:
            raise ValueError("a world needs at least one profile")
        if self.version != 1:
            raise ValueError(f"world config version {self.version} is unknown; this generator draws version 1")

    def _check_pens(self) -> None:
        known = self.pen_laws
        for name, weight in self.pens:
            if name not in known:
                raise ValueError(f"unknown pen {name!r}; use one of: {', '.join(known)}")
            if not 0 < weight < np.inf:
                raise ValueError(f"pen {name!r} has weight {weight}; weights must be above 0 and finite")
        if not self.pens:
            raise ValueError("a world needs at least one pen")

    @property
    def pen_laws(self) -> dict[str, Pen]:
        """Every pen by name: `pens.PENS`, and the `own_pens` of this world."""
        from .pens import PENS

        return PENS | dict(self.own_pens)


def record_type(config: Any) -> np.dtype[Any]:
    """Return the structured type holding one number per field of a config class."""
    return _record_type(config)


@functools.cache
def _record_type(config: Any) -> np.dtype[Any]:
    return np.dtype([(field.name, np.float64) for field in dataclasses.fields(config)])


def numbers(record: Any) -> NDArray[np.float64]:
    """Return a fresh array of the numbers in a record, in the order of its fields."""
    return np.array(np.frombuffer(record))


@functools.cache
def law_table(config: Any) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Return a config's laws, shape ``(n_fields, 5)``, and the slot of each field."""
    names = [field.name for field in dataclasses.fields(config)]
    spreads = [getattr(config, name) for name in names]
    laws = np.array([[LAWS.index(s.law), s.a, s.b, s.low, s.high] for s in spreads])
    return laws, np.array([slot(f"{type(config).__name__}.{name}") for name in names], dtype=np.uint64)


@kernel
def _quantile(law: Any, u: float) -> float:
    kind, a, b = int(law[0]), law[1], law[2]
    if kind == 0:
        value = a
    elif kind == 1:
        value = a + (b - a) * u
    elif kind == 2:
        value = a * (b / a) ** u
    elif kind == 3:
        value = a + b * normal_quantile(u)
    elif kind == 4:
        value = a * b ** normal_quantile(u)
    else:
        value = (1.0 - (1.0 - u) ** (1.0 / b)) ** (1.0 / a)
    return min(max(value, law[3]), law[4])


@kernel
def draw_into(laws: Any, slots: Any, key: Key, out: Any) -> None:
    """Write one number per law into `out`, shape ``(n_fields,)``: the inverse law at a keyed uniform."""
    for i in range(len(slots)):
        out[i] = _quantile(laws[i], uniform(key, slots[i], 0))


def draw(config: Any, keys: NDArray[np.uint64]) -> NDArray[Any]:
    """Return one record per key, shape ``(n,)``, of type ``record_type(type(config))``."""
    laws, slots = law_table(config)
    values = np.empty((len(keys), len(slots)))
    for row, key in zip(values, keys, strict=True):
        draw_into(laws, slots, (key[0], key[1]), row)
    return values.view(record_type(type(config)))[:, 0]
