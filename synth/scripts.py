"""The scripts of the generator, packed for the kernels, and the laws of their profiles.

One grammar serves them all (``grammar.py``, ``layout.py``); a script is data, and a profile only a set of
distributions over it. The units of scripts other than Latin are this project's own drawings of how such
letters are written by hand, made of arcs. They are approximate, cover a part of each script, and their names
are strings of syllables, clusters or boxes that need not be words, let alone people.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from .grammar import BOX as BOX
from .grammar import CAPITAL as CAPITAL
from .grammar import HANGS as HANGS
from .grammar import JOINS as JOINS
from .grammar import MARK as MARK
from .grammar import RIGHT_TO_LEFT as RIGHT_TO_LEFT
from .grammar import STANDS as STANDS
from .grammar import Script
from .letterforms import UNITS, Alphabet, LetterTable, build_table
from .letters_arabic import ARABIC
from .letters_bengali import BENGALI
from .letters_cyrillic import CYRILLIC
from .letters_devanagari import DEVANAGARI
from .letters_invented import INVENTED
from .letters_lower import LOWER
from .letters_print import PRINT
from .letters_upper import UPPER
from .strokes_han import HAN

SCRIPTS: tuple[Script, ...] = (PRINT, CYRILLIC, DEVANAGARI, BENGALI, ARABIC, HAN, INVENTED)
"""Scripts number 1 and on of `Hand.script`; number 0 is cursive Latin, whose names `syllables.write_text` draws."""

NAMES: tuple[str, ...] = (*UNITS, *(script.labels.get(unit, unit) for script in SCRIPTS for unit in script.letters))
"""What stands for every unit in a printed text, Latin first."""

_FIRST = np.cumsum([len(UNITS), *(len(script.letters) for script in SCRIPTS)])


def unit_number(script: int, name: str) -> int:
    """Return the number of a unit by its name in script number 1 or on.

    Raises:
        ValueError: If the script has no such unit.
    """
    units = list(SCRIPTS[script - 1].letters)
    if name not in units:
        raise ValueError(f"{SCRIPTS[script - 1].name} has no unit {name!r}; it has: {' '.join(units)}")
    return int(_FIRST[script - 1]) + units.index(name)


@functools.cache
def script_table() -> LetterTable:
    """Return the letterforms of every script in one table, Latin first."""
    others = [Alphabet(s.letters, s.forms, bool(s.trait & RIGHT_TO_LEFT)) for s in SCRIPTS]
    return build_table({**LOWER, **UPPER}, others)


@functools.cache
def traits() -> NDArray[np.int64]:
    """Return the flags of every unit, shape ``(n_units,)``."""
    latin = [CAPITAL if unit.isupper() else 0 for unit in UNITS]
    return np.array(latin + [script.trait_of(unit) for script in SCRIPTS for unit in script.letters], dtype=np.int64)


Law = tuple[str, float] | tuple[str, float, float] | tuple[str, float, float, float, float]
"""Arguments of `config.Spread`: law, a, b, low, high."""

_NEAT: dict[str, Law] = {
    "stroke_time_s": ("lognormal", 0.14, 1.2, 0.085, 0.27),
    "isochrony": ("uniform", 0.15, 0.4),
    "stability": ("loguniform", 0.014, 0.036),
    "p_initial": ("fixed", 0.1),
    "p_collapse": ("fixed", 0.0),
    "slant_deg": ("normal", 4.0, 9.0, -20.0, 30.0),
    "x_height_mm": ("lognormal", 3.7, 1.25, 2.2, 6.0),
    "letter_width": ("lognormal", 1.0, 1.25, 0.6, 1.7),
    "letter_gap_x_heights": ("normal", 0.08, 0.16, -0.15, 0.55),
    "word_gap_x_heights": ("lognormal", 0.7, 1.7, 0.2, 2.2),
    "taper": ("normal", -0.04, 0.1, -0.3, 0.25),
    "ascender": ("lognormal", 1.05, 1.25, 0.6, 1.6),
    "descender": ("lognormal", 1.0, 1.2, 0.6, 1.45),
    "shape_x_heights": ("lognormal", 0.14, 1.4, 0.06, 0.24),
    "scatter": ("uniform", 0.04, 0.34),
    "overlap": ("uniform", 0.2, 0.5),
    "lane_x_heights": ("normal", -1.0, 0.35, -2.0, -0.3),
    "air_bow": ("lognormal", 0.5, 1.5, 0.1, 1.2),
}
PROFILE_LAWS: dict[str, dict[str, Law]] = {
    "latin_print": {
        "script": ("fixed", 1.0),
        "words": ("uniform", 1.0, 2.4),
        "word_letters": ("normal", 5.2, 1.6, 2.0, 9.0),
        "p_initial": ("fixed", 0.35),
        "p_collapse": ("fixed", 0.0),
        "join": ("uniform", 0.0, 0.3),
        "slant_deg": ("normal", 4.0, 9.0, -20.0, 35.0),
        "letter_gap_x_heights": ("normal", 0.14, 0.14, -0.05, 0.6),
        "scatter": ("uniform", 0.0, 0.2),
        "shape_x_heights": ("lognormal", 0.10, 1.4, 0.04, 0.2),
        "capital": ("lognormal", 1.0, 1.2, 0.7, 1.7),
        "overlap": ("uniform", 0.15, 0.45),
        "p_flourish": ("fixed", 0.35),
    },
    "cyrillic": {
        "script": ("fixed", 2.0),
        "words": ("uniform", 1.0, 2.3),
        "word_letters": ("normal", 6.0, 1.8, 3.0, 10.0),
        "p_initial": ("fixed", 0.45),
        "p_collapse": ("uniform", 0.0, 0.7),
        "legible_letters": ("lognormal", 5.0, 1.7, 1.5, 12.0),
        "join": ("uniform", 0.75, 1.15),
        "shape_x_heights": ("lognormal", 0.095, 1.4, 0.04, 0.2),
    },
    "devanagari": {
        **_NEAT,
        "script": ("fixed", 3.0),
        "words": ("uniform", 1.0, 2.4),
        "word_letters": ("normal", 3.6, 0.9, 2.0, 6.0),
        "join": ("uniform", 0.0, 0.35),
        "p_headline": ("fixed", 0.92),
        "headline_break": ("power", 0.5, 4.0),
        "p_flourish": ("fixed", 0.1),
    },
    "bengali": {
        **_NEAT,
        "script": ("fixed", 4.0),
        "words": ("uniform", 1.4, 2.5),
        "word_letters": ("normal", 3.4, 0.9, 2.0, 5.0),
        "join": ("uniform", 0.05, 0.6),
        "p_headline": ("fixed", 0.7),
        "headline_break": ("power", 1.0, 1.2),
        "p_flourish": ("fixed", 0.03),
    },
    "arabic_persian": {
        "script": ("fixed", 5.0),
        "words": ("uniform", 0.7, 2.6),
        "word_letters": ("normal", 4.6, 1.3, 2.0, 8.0),
        "p_initial": ("fixed", 0.05),
        "p_collapse": ("uniform", 0.0, 0.25),
        "legible_letters": ("lognormal", 4.0, 1.6, 2.0, 12.0),
        "join": ("uniform", 0.98, 1.2),
        "x_height_mm": ("lognormal", 4.2, 1.3, 2.4, 7.5),
        "letter_width": ("lognormal", 1.1, 1.3, 0.6, 2.0),
        "slant_deg": ("normal", -3.0, 9.0, -28.0, 22.0),
        "slope_deg": ("normal", -2.0, 6.0, -18.0, 14.0),
        "letter_gap_x_heights": ("normal", -0.02, 0.07, -0.2, 0.2),
        "word_gap_x_heights": ("normal", 0.05, 0.45, -1.0, 1.0),
        "taper": ("normal", 0.05, 0.2, -0.4, 0.5),
        "ascender": ("lognormal", 1.0, 1.35, 0.5, 2.0),
        "descender": ("lognormal", 1.15, 1.35, 0.6, 2.2),
        "overlap": ("uniform", 0.3, 0.58),
        "shape_x_heights": ("lognormal", 0.06, 1.4, 0.025, 0.14),
        "air_bow": ("fixed", 0.3),
        "scatter": ("uniform", 0.0, 0.12),
        "p_flourish": ("fixed", 0.5),
        "p_loops": ("fixed", 0.4),
    },
    "chinese_japanese": {
        "script": ("fixed", 6.0),
        "words": ("fixed", 1.0),
        "word_letters": ("normal", 2.7, 0.6, 2.0, 4.0),
        "p_initial": ("fixed", 0.0),
        "x_height_mm": ("lognormal", 4.2, 1.25, 2.6, 7.0),
        "letter_width": ("lognormal", 0.95, 1.25, 0.6, 1.5),
        "letter_gap_x_heights": ("normal", 0.1, 0.25, -0.4, 0.8),
        "slant_deg": ("normal", 3.0, 6.0, -12.0, 22.0),
        "slope_deg": ("normal", 1.0, 4.0, -10.0, 12.0),
        "taper": ("normal", 0.0, 0.12, -0.3, 0.3),
        "join": ("uniform", 0.0, 0.7),
        "roundness": ("lognormal", 1.15, 1.5, 0.6, 2.6),
        "shape_x_heights": ("lognormal", 0.11, 1.4, 0.05, 0.19),
        "overlap": ("uniform", 0.2, 0.62),
        "p_vertical": ("fixed", 0.08),
        "scatter": ("uniform", 0.08, 0.42),
        "link": ("power", 0.7, 1.1),
        "shortest": ("uniform", -0.12, 0.24, 0.0, 0.24),
        "air_bow": ("lognormal", 0.45, 1.5, 0.1, 1.0),
        "p_flourish": ("fixed", 0.12),
        "lane_x_heights": ("normal", -0.8, 0.5, -2.0, 0.2),
        "corners": ("uniform", 0.8, 3.2),
        "p_loops": ("fixed", 0.3),
    },
    "invented": {
        "script": ("fixed", 7.0),
        "words": ("uniform", 1.0, 2.4),
        "word_letters": ("normal", 4.5, 1.4, 2.0, 7.0),
        "p_collapse": ("uniform", 0.0, 0.4),
        "join": ("uniform", 0.0, 1.0),
        "air_bow": ("fixed", 0.3),
    },
}
"""Laws of `config.Hand`, by profile: what each differs in from a cursive Latin hand."""
