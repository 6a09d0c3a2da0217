"""A script nobody writes: forty units drawn from the stroke grammar alone, by a hash of their names.

Stems, bowls, loops, hooks, waves, corners, bars and dots follow one another in random order and proportion.
It teaches a verifier that letterforms are a matter of convention.
"""

import hashlib

from .grammar import Script, State

N_UNITS = 40
"""How many units the invented script has."""


def _share(*name: object) -> float:
    """Return a number in [0, 1) that depends on the name only."""
    digest = hashlib.blake2b("/".join(map(str, name)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2.0**64


def _between(low: float, high: float, *name: object) -> float:
    return low + (high - low) * _share(*name)


def _stroke(kind: str, x: float, y: float, unit: int, k: int) -> list[tuple[float, float, float]]:
    """Return the targets of one stroke that starts at (x, y): stem, bowl, loop, hook, wave or corner."""

    def r(low: float, high: float, what: str) -> float:
        return _between(low, high, unit, k, what)

    down = y > 0.5
    far = r(0.0, 0.15, "far") if down else r(0.85, 1.05, "far")
    turn = 1.0 if _share(unit, k, "turn") < 0.5 else -1.0
    if kind == "stem":
        return [(x + r(-0.1, 0.1, "x"), far - (r(0.6, 1.0, "deep") if down and r(0, 1, "d") < 0.2 else 0.0), 0.0)]
    if kind == "bowl":
        return [(x + r(0.3, 0.6, "x"), y + r(-0.1, 0.1, "y"), (1.0 if down else -1.0) * r(120, 165, "s"))]
    if kind == "loop":
        w, top, turn = r(0.4, 0.6, "w"), far, -1.0 if down else 1.0
        return [
            (x + w, 0.5 * (y + top), turn * 60),
            (x + 0.3 * w, top, turn * 110),
            (x - 0.1, 0.5 * (y + top), turn * 100),
            (x + w + 0.15, y, turn * 90),
        ]
    if kind == "hook":
        return [(x, far, turn * 10), (x + turn * r(0.2, 0.35, "x"), far + (0.15 if down else -0.15), turn * 160)]
    if kind == "wave":
        w = r(0.25, 0.4, "w")
        return [(x + w, 0.5 * (y + far), turn * 110), (x + 2 * w, far, -turn * 110)]
    return [(x + r(0.25, 0.5, "x"), far, 0.0), (x + r(0.5, 0.8, "x2"), y, 0.0)]


def _glyph(unit: int) -> str:
    """Return one unit in the notation of ``letterforms.py``: two or three strokes, perhaps a dot or a bar."""
    kinds = ("stem", "bowl", "loop", "hook", "wave", "corner")
    tall = _share(unit, "tall") < 0.3
    x, y = _between(0.1, 0.35, unit, "x"), _between(1.7, 2.0, unit, "top") if tall else 1.0 - (unit % 2) * 0.95
    points, last = [(x, y, 0.0)], ""
    for k in range(2 + int(_share(unit, "strokes") < 0.45)):
        left = [kind for kind in kinds if kind != last]
        last = "stem" if tall and k == 0 else left[int(_share(unit, k, "kind") * len(left))]
        points += _stroke(last, points[-1][0], points[-1][1], unit, k)
    right = max(x for x, _, _ in points)
    body = ", ".join(f"{min(x, 2.0):.2f} {y:.2f} {sweep:.0f}" for x, y, sweep in points)
    sign, place = _share(unit, "sign"), 0.5 * right
    if sign < 0.18:
        body += f" ~ {place:.2f} 1.45 0, {place + 0.06:.2f} 1.40 0"
    elif sign < 0.32:
        body += f" / {place - 0.3:.2f} .50 0, {place + 0.3:.2f} .56 0"
    elif sign < 0.42:
        body += f" ~ {place - 0.25:.2f} 1.30 0, {place + 0.25:.2f} 1.36 -60"
    return f"{min(right, 1.7) + 0.15:.2f}: {body}"


_UNITS = [f"u{i}" for i in range(N_UNITS)]
INVENTED = Script(
    "invented",
    {name: (_glyph(i),) for i, name in enumerate(_UNITS)},
    start="first:1",
    states={
        "first": State("|".join(f"{name}@0,0,1.25,1.5" for name in _UNITS[::3]), "even:1 odd:1"),
        "even": State("|".join(_UNITS[::2]), "odd:3 even:1"),
        "odd": State("|".join(_UNITS[1::2]), "even:3 odd:1"),
    },
)
"""Names of invented letters, the first one large."""
