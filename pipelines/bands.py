"""What real pen movements measure: the one table that `realism` compares a world with.

Every movement band is an aggregate over SVC2004 Task 2 (40 signers, 20 genuine and 20 skilled forgeries each,
100 Hz), the public set of Yeung, Chang, Xiong, George, Kashi, Matsumoto, Rigoll (2004), "SVC2004: First
International Signature Verification Competition", ICBA, LNCS 3072. The percentiles were measured by this project
on that set; only these aggregates are kept, no signature. It is one small population of short, invented
signatures whose forgers could watch a replay: a check, not the only target.

The image bands are rules of thumb (`weak`), since no set of scans was measured.
"""

from typing import NamedTuple

PERCENTILES = (5, 25, 50, 75, 95)
Five = tuple[float, float, float, float, float]
SVC2004 = "SVC2004 Task 2 (Yeung et al. 2004), aggregates measured by this project"


class Band(NamedTuple):
    """One statistic and where real signatures lie.

    Attributes:
        name: Key of `synth.statistics.measure`, or of `realism` for ratios and spreads.
        label: For people.
        unit: "" if a pure number.
        genuine: Percentiles 5, 25, 50, 75, 95; NaN where unknown.
        forged: The same of skilled forgeries, or None.
    """

    name: str
    label: str
    unit: str
    genuine: Five
    forged: Five | None = None


_NAN = float("nan")

WHOLE = (
    Band("duration_s", "duration (rows x 10 ms)", "s", (1.02, 1.33, 1.72, 2.05, 3.17), (1.24, 1.74, 2.10, 2.55, 4.50)),
    Band("aspect", "width / height", "", (0.76, 1.35, 1.67, 2.21, 3.14), (0.86, 1.36, 1.71, 2.19, 3.07)),
    Band("path_per_diagonal", "path / diagonal", "", (2.37, 2.75, 3.11, 3.71, 4.85), (2.30, 2.73, 3.13, 3.65, 4.92)),
    Band("pen_ups", "pen-ups", "", (1, 2, 4, 6, 12), (1, 2, 4, 6, 11)),
    Band("minima_per_s", "speed minima", "1/s", (7.8, 9.2, 10.2, 11.1, 12.5), (6.7, 8.0, 9.0, 10.0, 11.1)),
    Band(
        "speed_per_diagonal",
        "mean speed / diagonal",
        "1/s",
        (1.37, 1.76, 2.17, 2.49, 3.13),
        (1.02, 1.46, 1.71, 1.97, 2.77),
    ),
    Band("speed_cv", "CV of speed", "", (0.60, 0.77, 0.88, 1.04, 1.24), (0.68, 0.83, 0.98, 1.16, 1.38)),
    Band("pressure_cv", "CV of pressure", "", (0.16, 0.20, 0.24, 0.29, 0.36), (0.17, 0.23, 0.28, 0.33, 0.40)),
    Band(
        "speed_pressure_r",
        "speed-pressure correlation",
        "",
        (-0.41, -0.25, -0.13, -0.03, 0.17),
        (-0.28, -0.14, -0.04, 0.05, 0.23),
    ),
)
"""Every row with the pen down, one after the other; see `synth.statistics`."""

CUT = (
    Band("duration_s", "duration (time stamps)", "s", (1.27, 1.68, 2.08, 2.70, 4.74), (1.61, 2.14, 2.76, 3.53, 6.16)),
    Band("air_share", "share of time in the air", "", (0.04, 0.13, 0.22, 0.31, 0.45), (0.06, 0.15, 0.26, 0.35, 0.45)),
    Band(
        "path_per_diagonal",
        "path / diagonal, pen down",
        "",
        (2.26, 2.63, 2.97, 3.56, 4.64),
        (2.22, 2.66, 3.04, 3.55, 4.85),
    ),
    Band(
        "speed_per_diagonal",
        "mean speed / diagonal",
        "1/s",
        (1.14, 1.59, 1.94, 2.25, 2.93),
        (0.87, 1.29, 1.52, 1.79, 2.44),
    ),
    Band("speed_cv", "CV of speed", "", (0.48, 0.56, 0.66, 0.74, 0.89), (0.51, 0.59, 0.68, 0.76, 0.99)),
    Band("minima_per_s", "speed minima in pen-downs", "1/s", (5.5, 7.2, 8.1, 9.1, 10.5), (4.8, 6.4, 7.1, 8.1, 9.2)),
    Band(
        "speed_pressure_r",
        "speed-pressure correlation",
        "",
        (-0.16, 0.06, 0.19, 0.31, 0.45),
        (-0.13, 0.11, 0.26, 0.38, 0.53),
    ),
    Band(
        "speed_pressure_r_inner",
        "the same, 60 ms cut off",
        "",
        (-0.38, -0.16, 0.02, 0.22, 0.50),
        (-0.40, -0.12, 0.08, 0.26, 0.49),
    ),
)
"""Cut at every lift; see `synth.statistics`."""

RATIOS = (
    Band("duration_s", "duration", "x", (1.02, 1.15, 1.26, 1.40, 1.68)),
    Band("speed_per_diagonal", "speed", "x", (0.66, 0.73, 0.83, 0.93, 1.03)),
    Band("path_per_diagonal", "path / diagonal", "x", (0.88, 0.98, 1.02, 1.06, 1.14)),
    Band("pen_downs", "pen-downs", "x", (0.66, 0.88, 1.00, 1.00, 1.20)),
    Band("pressure_cv", "CV of pressure", "x", (0.71, 0.99, 1.20, 1.32, 1.52)),
    Band("jerk", "tangential jerk", "x", (_NAN, 1.01, 1.31, 1.57, _NAN)),
)
"""Skilled over genuine, of the medians of each signer; percentiles over signers."""

SPREADS = (
    Band("width_cv", "width", "CV", (0.044, 0.065, 0.085, 0.116, 0.159)),
    Band("height_cv", "height", "CV", (0.057, 0.077, 0.097, 0.132, 0.178)),
    Band("path_cv", "path", "CV", (0.056, 0.069, 0.084, 0.125, 0.149)),
    Band("duration_cv", "duration", "CV", (0.045, 0.055, 0.067, 0.098, 0.199)),
    Band("pen_downs_differ", "another pen-down count than usual", "share of acts", (0.0, 0.04, 0.30, 0.55, 0.70)),
)
"""How much one signer's genuine acts vary; percentiles over signers."""

IMAGES = (
    Band("cut.width_mm", "width", "mm", (_NAN, 25.0, _NAN, 70.0, _NAN)),
    Band("cut.height_mm", "height", "mm", (_NAN, 8.0, _NAN, 30.0, _NAN)),
    Band("image_aspect", "width / height of the ink", "", (1.0, 2.0, 2.5, 3.0, 6.0)),
    Band("image_ink_share", "ink in its box", "", (_NAN, 0.02, _NAN, 0.10, _NAN)),
    Band("image_components", "components", "", (1.0, _NAN, 3.0, _NAN, 10.0)),
    Band("image_line_width_mm", "line width (ballpoint)", "mm", (_NAN, 0.25, _NAN, 0.45, _NAN)),
    Band("image_slant_deg", "slant", "deg", (_NAN, 5.0, 10.0, 15.0, _NAN)),
)
"""Size and images of genuine acts, clean or scanned. Weak: rules of thumb of the field, not measured on any set."""

WARPING = (
    Band("warp_random", "random / intra", "x", (_NAN, 3.0, _NAN, 7.0, _NAN)),
    Band("warp_skilled", "skilled / intra", "x", (_NAN, 1.4, _NAN, 2.5, _NAN)),
)
"""Dynamic time warping distances, medians of each signer, over the signer's own. Weak, as above."""
