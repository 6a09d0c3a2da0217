"""Signers from another generator: single-stroke vector fonts, warped for each signer; `font_acts.py` draws them.

Nothing of `synth` takes part, neither strokes nor ink nor capture: what a verifier does here is not owed to habits of
that generator. The shapes are the fonts A. V. Hershey digitised in 1967, as the package Hershey-Fonts (MIT) carries
them. Everything is a function of seed, signer and act.
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FONTS = ("scripts", "futural", "rowmans", "greeks")
"""Single-stroke faces: a script, two upright ones, Greek."""
Lines = list[NDArray[np.float64]]
_SIGNER, _ALLOGRAPH = range(2)
_DOMAIN = 1_967
_X_HEIGHT, _BASE = 14.0, 9.0  # in units of the fonts; their y grows downwards
_HAND = {  # mean and spread over people: slant and slope as tangents, lengths in x-heights
    "slant": (0.12, 0.22), "width": (0.85, 0.16), "gap": (-0.05, 0.12), "slope": (0.03, 0.07), "bend": (0.0, 0.03),
    "ascender": (1.0, 0.18), "capital": (1.1, 0.2), "taper": (-0.1, 0.15), "under": (-0.9, 0.3), "sweep": (0.0, 0.4),
}  # fmt: skip
SPREAD = np.array([spread for _, spread in _HAND.values()])
ALLOGRAPH_SPREAD = 0.13
_STABILITY = (0.1, 0.25)  # within-signer spread, as a share of the spread over people
_BEGINNINGS, _VOWELS, _ENDS = "BCDFGHKLMNPRSTVZ", "aeiou", ("n", "r", "l", "s", "", "")


class FontSigner(NamedTuple):
    """One person: what is written, in which face, and how.

    Attributes:
        signer_id: Which signer.
        text: An invented name, initials first.
        font: One of `FONTS`.
        underlined: Whether a flourish runs back below the name.
        hand: One number for each of `_HAND`.
        stability: Spread of the person's own acts, as a share of the spread over people.
    """

    signer_id: int
    text: str
    font: str
    underlined: bool
    hand: NDArray[np.float64]
    stability: float


def keyed(seed: int, stage: int, *key: int) -> np.random.Generator:
    """Return a generator of a stage and up to three indices, each below 2**63."""
    words = [word for entry in (*key, 0, 0, 0)[:3] for word in (entry % 2**32, entry // 2**32)]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_DOMAIN, stage, *words)))


def font_signer(seed: int, index: int) -> FontSigner:
    """Return a signer of the world of fonts with this seed.

    Args:
        seed: 0 or above.
        index: From 0 to 2**63 - 1.
    """
    rng = keyed(seed, _SIGNER, index)

    def syllable() -> str:
        return str(rng.choice(list(_BEGINNINGS))).lower() + str(rng.choice(list(_VOWELS))) + str(rng.choice(_ENDS))

    words = [syllable().capitalize() + "".join(syllable() for _ in range(int(rng.integers(1, 3))))]
    if rng.random() < 0.6:
        words.insert(0, syllable().capitalize()[: int(rng.choice([1, 3]))])
    mean = np.array([middle for middle, _ in _HAND.values()])
    hand = mean + SPREAD * rng.standard_normal(len(_HAND)).clip(-2, 2)
    font = str(rng.choice(FONTS, p=(0.55, 0.15, 0.15, 0.15)))
    return FontSigner(index, " ".join(words), font, bool(rng.random() < 0.5), hand, float(rng.uniform(*_STABILITY)))


def allographs(seed: int, signer: FontSigner, text: str) -> NDArray[np.float64]:
    """Return how a signer bends each letter of a text: the same letter always alike.

    Args:
        seed: The world's.
        signer: Whose letters.
        text: As it is written.

    Returns:
        Normal deviates times `ALLOGRAPH_SPREAD`, shape ``(n_letters, 10)``.
    """
    rows = [keyed(seed, _ALLOGRAPH, signer.signer_id, ord(letter)).standard_normal(10) for letter in text]
    return ALLOGRAPH_SPREAD * np.array(rows)


@functools.cache
def _glyphs(font: str) -> dict[str, tuple[Lines, float]]:
    """Return strokes, in x-heights with y up from the base line, and the width of each letter of a face."""
    from HersheyFonts import HersheyFonts

    face, letters = HersheyFonts(), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    face.load_default_font(font)
    found = {}
    for letter, glyph in zip(letters, face.glyphs_for_text(letters), strict=True):
        strokes = [np.array(list(stroke), dtype=np.float64) for stroke in glyph.strokes]
        strokes = [(s - (glyph.left_offset, _BASE)) / (_X_HEIGHT, -_X_HEIGHT) for s in strokes if len(s) > 1]
        found[letter] = strokes, glyph.char_width / _X_HEIGHT
    return found


def _rounded(line: NDArray[np.float64], times: int = 2) -> NDArray[np.float64]:
    """Return a polygonal line with its corners cut, ends kept.

    Source:
        Chaikin (1974), "An algorithm for high-speed curve generation", Computer Graphics and Image Processing 3.
    """
    for _ in range(times if len(line) > 2 else 0):
        a, b = line[:-1], line[1:]
        cut = np.stack([0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b], axis=1).reshape(-1, 2)
        line = np.concatenate([line[:1], cut, line[-1:]])
    return line


def shape(signer: FontSigner, hand: NDArray[np.float64], bent: NDArray[np.float64]) -> Lines:
    """Return the lines of a signer's name in a hand, in x-heights, y up.

    Args:
        signer: Whose text, face and flourish it is.
        hand: One number for each of `_HAND`.
        bent: How each letter is bent, shape ``(n_letters, 10)``.
    """
    slant, width, gap, slope, bend, ascender, capital, taper, under, sweep = hand
    lines: Lines = []
    x, n = 0.0, max(len(signer.text) - 1, 1)
    for i, letter in enumerate(signer.text):
        if letter == " ":
            x += 0.5 * width
            continue
        strokes, wide = _glyphs(signer.font)[letter]
        size = (capital if letter.isupper() else 1.0) * (1 + taper * i / n)
        for stroke in strokes:
            u, v = 2 * stroke[:, 0] / max(wide, 0.3) - 1, stroke[:, 1] - 0.5
            basis = np.stack([np.ones_like(u), u, v, u * v, u * u - 0.3])
            moved = stroke + np.stack([bent[i, :5] @ basis, bent[i, 5:] @ basis], axis=1)
            tall = np.where(moved[:, 1] > 1, 1 + (moved[:, 1] - 1) * ascender, moved[:, 1]) * size
            lines.append(np.stack([x + moved[:, 0] * width * size + slant * tall, tall], axis=1))
        x += (wide * size + gap) * width
    if signer.underlined:
        t = np.linspace(0, 1, 24)
        lines.append(np.stack([x * (1.05 - 0.9 * t), under + sweep * np.sin(np.pi * t) * (1 - t)], axis=1))
    return [_rounded(np.stack([s[:, 0], s[:, 1] + slope * s[:, 0] + bend * (s[:, 0] - x / 2) ** 2], 1)) for s in lines]
