"""What a law may give: the range of every number of a hand, a forger, a pen, a capture and a tablet.

A width below 0 or a probability of 2 draws something all the same, and nothing good; here it is refused by name when
a configuration is made. What is not listed may be any number.
"""

import math
from typing import Any

Range = tuple[float, float]
_POSITIVE, _SHARE, _AT_LEAST_0 = (1e-9, math.inf), (0.0, 1.0), (0.0, math.inf)


def _all(names: str, allowed: Range) -> dict[str, Range]:
    return dict.fromkeys(names.split(), allowed)


RANGES: dict[str, dict[str, Range]] = {
    "Hand": _all("words word_letters x_height_mm letter_width ascender descender capital roundness", _POSITIVE)
    | _all("legible_letters stroke_time_s sigma pressure extent", _POSITIVE)
    | _all("p_initial p_collapse p_flourish p_loops p_attached p_hurried p_tired p_omit p_swap", _SHARE)
    | _all("p_vertical p_headline p_headline_last missed_lifts overlap frailty", _SHARE)
    | _all("isochrony shape_x_heights corners tremor_mm ripple ramp_on_s ramp_off_s stability timing", _AT_LEAST_0)
    | _all("headline_break scatter link air_bow uneven", _AT_LEAST_0)
    | _all("slant_deg slope_deg", (-80.0, 80.0))
    | {"flight": (0.0, 0.8)},
    "Forger": _all("perception proportions letter_shapes spacing slowness disjointed shakiness pressure", _AT_LEAST_0)
    | _all("segments retouches", _AT_LEAST_0),
    "Pen": _all("width_mm skip_mm", _POSITIVE)
    | _all("darkness grain gate nib goop striation", _SHARE)
    | _all("width_pressure width_speed darkness_pressure darkness_speed blob skip rim soft_mm", _AT_LEAST_0),
    "Capture": _all("p_bilevel fax shadow", _SHARE)
    | _all("noise blur_px fibre light defocus_px shot", _AT_LEAST_0)
    | {
        "oversampling": (0.1, 8.0),
        "margin": (0.0, 0.45),
        "turn_deg": (-45.0, 45.0),
        "paper": (1.0, 255.0),
        "gamma": (0.05, 20.0),
        "dpi": (20.0, 2400.0),
        "jpeg": (0.0, 100.0),
        "tilt": (0.0, 0.3),
    },
    "Tablet": _all("p_drop reports_air", _SHARE)
    | {
        "rate_hz": (20.0, 500.0),
        "jitter": (0.0, 0.3),
        "lines_per_mm": _POSITIVE,
        "levels": (1.0, math.inf),
        "stamp_s": (1e-6, 1.0),
    },
}
"""Lowest and highest value, by class and field."""


def span(spread: Any) -> Range:
    """Return the lowest and the highest number that a `config.Spread` can give."""
    a, b = float(spread.a), float(spread.b)
    open_ended = -math.inf if spread.law == "normal" else _POSITIVE[0]
    by_law = {"fixed": (a, a), "uniform": (min(a, b), max(a, b)), "loguniform": (min(a, b), max(a, b)),
              "power": (_POSITIVE[0], 1.0)}  # fmt: skip
    low, high = by_law.get(spread.law, (open_ended, math.inf))
    if spread.law in ("normal", "lognormal") and b == (0.0 if spread.law == "normal" else 1.0):
        low = high = a
    return min(max(low, spread.low), spread.high), min(max(high, spread.low), spread.high)


def check_ranges(config: Any) -> None:
    """Raise ValueError if a law of a configuration can give a number outside the range of its field."""
    for name, (lowest, highest) in RANGES.get(type(config).__name__, {}).items():
        low, high = span(getattr(config, name))
        if low < lowest or high > highest:
            kind, outside = type(config).__name__, low if low < lowest else high
            told = "above 0" if lowest == _POSITIVE[0] else f"from {lowest:g} to {highest:g}"
            raise ValueError(f"{name} of a {kind} can be {outside:g}; use a law whose numbers are {told}")
