"""Arabic and Persian letters in their joined forms. Data, see ``letterforms.py``; x counts *leftwards* here.

Approximate drawings of our own in a plain running hand. A unit is one form of a letter's body: ``i`` begins
a group of joined letters, ``m`` stands inside it, ``f`` ends it and ``s`` stands alone; bodies that differ in
their dots only are one unit, and the dots are signs of their own, written after the word. An ``m`` or ``f``
form starts where the stroke that joins it arrives, so that every letter of a group is one flowing line.
"""

from .grammar import JOINS, RIGHT_TO_LEFT, STANDS, Script, State

_BOWL = ".56 -.50 -90, .94 .32 -95"
_TAIL = ".66 -.40 70, .12 -.92 120"
_BODIES = {
    "beh.i": (".46: .06 .62 0, .12 .12 0, .46 .05 -60", ".40: .06 .74 0, .10 .12 -20, .40 .05 -60"),
    "beh.m": (".46: .18 .58 -40, .22 .10 0, .46 .05 -60", ".40: .16 .44 -60, .20 .08 0, .40 .05 -60"),
    "beh.f": ("1.55: .16 .44 -40, .24 .04 0, 1.38 .04 -36, 1.50 .44 -50",),
    "beh.s": ("1.60: .08 .50 0, .22 .04 -70, 1.38 .04 -30, 1.54 .48 -60",),
    "nun.f": (f"1.00: .16 .36 -40, .20 .06 0, {_BOWL}", f"1.00: .20 .04 0, {_BOWL}"),
    "nun.s": (f"1.00: .10 .40 0, .16 .06 -20, {_BOWL}",),
    "yeh.f": (
        "1.34: .36 .10 60, .22 -.16 110, .70 -.62 -110, 1.30 .00 -90",
        "1.10: .34 .04 60, .20 -.22 110, .90 -.44 -150, -.10 -.66 10",
    ),
    "yeh.s": ("1.38: .22 .58 0, .30 .20 150, .74 -.44 -120, 1.32 .12 -85",),
    "reh.f": (".48: .12 .14 -20, .64 -.50 -70", ".40: .10 .16 -20, .42 -.62 -40"),
    "reh.s": (".50: .10 .44 0, .62 -.48 -80",),
    "dal.f": (".60: .30 .60 0, .26 .12 -30, .60 .06 -60",),
    "dal.s": (".62: .18 .68 0, .16 .14 -60, .60 .06 -60",),
    "waw.f": (".58: .40 .20 -40, .24 .48 -130, .12 .20 -110, .64 -.46 -70",),
    "waw.s": (".62: .38 .14 0, .26 .50 -140, .12 .20 -110, .64 -.46 -70",),
    "alef.f": (".26: .14 1.90 -50, .18 1.70 0", ".26: .10 .30 -50, .16 2.00 0"),
    "alef.s": (".34: .12 1.95 0, .14 .00 -10",),
    "lam.i": (".44: .08 1.95 0, .12 .14 0, .44 .05 -70",),
    "lam.m": (".44: .18 1.85 -30, .22 .12 0, .44 .05 -60",),
    "lam.f": (f"1.00: .16 1.85 -30, .20 .06 0, {_BOWL}",),
    "lam.s": (f"1.00: .10 1.95 0, .16 .06 0, {_BOWL}",),
    "meem.i": (".48: .18 .08 0, .24 .42 -150, .14 .06 -150, .48 .05 30",),
    "meem.m": (".48: .26 .32 -80, .14 -.04 -170, .48 .05 40",),
    "meem.f": (
        ".46: .28 .30 -80, .14 .00 -170, .36 -.06 -60, .38 -1.00 60",
        ".44: .14 -.20 20, .28 .10 -140, .30 -1.00 40",
    ),
    "meem.s": (".50: .26 .06 0, .30 .40 -150, .12 .10 -150, .40 .00 -40, .42 -1.00 60",),
    "heh.i": (".62: .32 .66 0, .10 .26 -40, .30 .04 -110, .46 .28 -100, .16 .24 -70, .62 .05 40",),
    "heh.m": (".54: .30 .48 -80, .16 .04 -150, .26 -.36 80, .40 -.02 110, .54 .05 -50",),
    "heh.f": (".44: .12 .54 -50, .40 .24 110, .08 .10 110", ".60: .24 .10 40, .16 -.20 60, .56 .08 -150"),
    "heh.s": (".54: .26 .58 0, .26 .02 168, .26 .58 168",),
    "seen.i": (
        "1.00: .06 .50 0, .12 .12 0, .32 .44 -80, .38 .10 0, .60 .44 -80, .66 .08 0, 1.00 .05 -60",
        "1.30: .06 .44 0, .22 .10 -60, 1.30 .05 -24",
    ),
    "seen.m": (
        "1.00: .14 .46 -50, .18 .10 0, .38 .44 -80, .44 .10 0, .64 .44 -80, .70 .08 0, 1.00 .05 -60",
        "1.30: .20 .10 0, 1.30 .05 -24",
    ),
    "seen.f": (
        "1.55: .14 .44 -50, .18 .10 0, .36 .42 -80, .42 .10 0, .66 .40 -80, .74 .04 0, 1.10 -.50 -90, 1.50 .30 -95",
    ),
    "sad.i": (".98: .60 .08 0, .12 .42 -80, .12 .08 -150, .62 .06 0, .68 .34 0, .74 .08 0, .98 .05 -50",),
    "sad.m": (".98: .30 .10 0, .56 .10 0, .14 .46 -80, .12 .08 -150, .62 .06 0, .68 .34 0, .98 .05 -50",),
    "tah.i": (".90: .56 .08 0, .12 .42 -80, .12 .08 -150, .90 .05 0 ~ .42 1.80 0, .46 .12 0",),
    "tah.m": (".90: .30 .10 0, .56 .10 0, .14 .44 -80, .12 .08 -150, .90 .05 0 ~ .42 1.80 0, .46 .12 0",),
    "ain.i": (".62: .08 .62 0, .14 .22 160, .62 .05 -20",),
    "ain.m": (".50: .36 .46 0, .08 .46 -30, .28 .08 10, .50 .05 -40",),
    "ain.f": (f".76: .36 .42 0, .08 .42 -30, .26 .12 0, {_TAIL}",),
    "ain.s": (f".80: .08 .62 0, .18 .20 160, {_TAIL}",),
    "jeem.i": (".88: .58 .58 0, .08 .54 -40, .88 .05 20",),
    "jeem.m": (".90: .44 .50 0, .10 .52 -40, .90 .05 20",),
    "jeem.f": (f".80: .44 .46 0, .08 .46 -40, .52 .02 20, {_TAIL}",),
    "jeem.s": (f".82: .58 .60 0, .08 .54 -40, .50 .10 30, {_TAIL}",),
    "feh.i": (".54: .30 .14 0, .20 .54 -140, .22 .10 -165, .54 .05 10",),
    "feh.m": (".52: .34 .32 -60, .14 .42 -110, .20 .08 -130, .52 .05 0",),
    "feh.f": ("1.60: .34 .32 -60, .14 .42 -110, .24 .04 -120, 1.42 .04 -36, 1.54 .44 -50",),
    "qaf.f": (f"1.00: .36 .30 -60, .14 .40 -110, .22 .06 -120, {_BOWL}",),
    "kaf.i": (
        ".90: .04 1.80 0, .50 1.10 0, .26 .16 -10, .90 .05 -90",
        ".80: .30 1.20 0, .24 .16 0, .80 .05 -80 ~ .30 1.20 0, -.22 1.78 0",
    ),
    "kaf.m": (".86: .42 1.10 -10, .28 .14 0, .86 .05 -70 ~ .42 1.12 0, -.08 1.74 0",),
    "kaf.f": ("1.55: .36 1.12 -10, .26 .06 0, 1.36 .04 -30, 1.48 .42 -50 ~ .36 1.14 0, -.14 1.74 0",),
    "kashida": ("1.00: .50 .02 -10, 1.00 .05 -10",),
}
_DOTS = {
    "1": (".0: ~ -.03 .03 0, .03 -.03 0", ".0: ~ -.06 .03 0, .06 -.01 40"),
    "2": (".0: ~ -.13 .03 0, .13 -.01 0", ".0: ~ -.14 .03 0, -.08 -.03 0 ~ .08 .03 0, .14 -.03 0"),
    "3": (
        ".0: ~ -.16 -.04 0, .00 .16 0, .16 -.06 0",
        ".0: ~ -.14 -.04 0, -.09 -.09 0 ~ .09 -.02 0, .14 -.07 0 ~ -.03 .18 0, .03 .13 0",
        ".0: ~ -.14 .00 0, .16 .02 -150",
    ),
}
_PLACES = {
    "d1": ("1", 0.95),
    "d2": ("2", 0.95),
    "d3": ("3", 1.0),
    "u1": ("1", -0.38),
    "u2": ("2", -0.36),
    "u3": ("3", -0.42),
}
"""Sign and height of dots above (d) and below (u)."""


def _dotted(body: str, dots: str, dx: float, lift: float = 0.0) -> str:
    """Return an entry: a body and its dots (above ``d1`` to ``d3``, below ``u1`` to ``u3``), dx from its end."""
    sign, dy = _PLACES[dots]
    return f"{body} {sign}@{dx},{dy + lift:.2f}"


_INITIAL = "|".join(
    [
        *(_dotted("beh.i", dots, -0.32) for dots in ("u1", "u1", "d2", "d1", "d1", "u2", "u3", "d3")),
        "lam.i|lam.i|meem.i|meem.i|meem.i|heh.i|seen.i|seen.i|sad.i|tah.i|ain.i|ain.i|jeem.i|jeem.i|kaf.i|kaf.i",
        *(_dotted("feh.i", dots, -0.30) for dots in ("d1", "d2")),
        _dotted("jeem.i", "u1", -0.36),
        _dotted("jeem.i", "d1", -0.45, 0.05),
        _dotted("seen.i", "d3", -0.55),
    ]
)
_MEDIAL = "|".join(
    [
        *(_dotted("beh.m", dots, -0.26) for dots in ("u2", "u2", "u1", "d1", "d1", "d2")),
        "lam.m|lam.m|meem.m|meem.m|heh.m|seen.m|sad.m|tah.m|ain.m|jeem.m|kaf.m",
        *(_dotted("feh.m", dots, -0.30) for dots in ("d1", "d2")),
        _dotted("seen.m", "d3", -0.5),
        _dotted("jeem.m", "u1", -0.40),
    ]
)
_LAST = "|".join(
    [
        *(_dotted("beh.f", dots, -0.78) for dots in ("u1", "d2")),
        _dotted("nun.f", "d1", -0.42, -0.35),
        _dotted("nun.f", "d1", -0.42, -0.35),
        "yeh.f|yeh.f|yeh.f|meem.f|meem.f|heh.f|lam.f|seen.f|ain.f|jeem.f|kaf.f",
        _dotted("heh.f", "d2", -0.22),
        _dotted("qaf.f", "d2", -0.70),
        _dotted("feh.f", "d1", -1.30),
    ]
)
_BREAK = "|".join(
    ["alef.f*4|reh.f*3|dal.f*3|waw.f*2", _dotted("reh.f", "d1", -0.28, -0.15), _dotted("dal.f", "d1", -0.3, 0.05)]
)
_ALONE = "|".join(["alef.s*3|reh.s|dal.s*2|waw.s", _dotted("reh.s", "d1", -0.28, -0.1)])
_END = "|".join(
    ["yeh.s|heh.s|meem.s|lam.s|ain.s|jeem.s", _dotted("nun.s", "d1", -0.42, -0.35), _dotted("beh.s", "d2", -0.8)]
)

ARABIC = Script(
    "arabic_persian",
    {**_BODIES, **_DOTS},
    start="initial:8 alone:2",
    states={
        "initial": State(_INITIAL, "medial:5 break:4 stretch:1", "last:6 break:3"),
        "stretch": State("kashida", "medial:2 break:1", "last:1 break:1", 0),
        "medial": State(_MEDIAL, "medial:2 break:5 stretch:1", "last:6 break:3"),
        "break": State(_BREAK, "initial:8 alone:2", ".:5 end:2", 1),
        "alone": State(_ALONE, "initial:8 alone:1", "end:1 .:1"),
        "last": State(_LAST, "."),
        "end": State(_END, "."),
    },
    trait=RIGHT_TO_LEFT,
    traits={name: JOINS if name[-2:] in (".i", ".m") or name == "kashida" else STANDS for name in _BODIES},
)
"""Names in groups of joined letters, from right to left, dots after the word."""
