"""Pseudo-names out of Latin syllables; the words of other scripts are in `lexicon.py`."""

from typing import Any

import numpy as np

from .kernels import kernel
from .letterforms import UNITS
from .lexicon import MAX_UNITS, SPACE, write_words
from .streams import Key, child, normal, slot, uniform

_VOWELS = np.array([UNITS.index(c) for c in "aeiouaeioaey"])
_ONSETS = np.array([UNITS.index(c) for c in "bcdfghjklmnprstvwzlrnstmdhkqxbcpg"])
_CODAS = np.array([UNITS.index(c) for c in "nrslmtdkhnrsnlygxz"])
_FIRST_CAPITAL = UNITS.index("A")
_TEXT, _WORD, _SYLLABLE, _ONSET, _VOWEL, _CODA = (
    slot(f"text.{n}") for n in ("text", "word", "syllable", "onset", "vowel", "coda")
)


@kernel
def write_text(key: Key, hand: Any, units: Any) -> int:
    """Write a pseudo-name into `units` (syllables, never a list of people); return how many units."""
    if hand.script > 0.5:
        return write_words(key, hand, units)
    n, n_words = 0, int(hand.words + 0.5)
    for word in range(n_words):
        if word > 0:
            units[n], n = SPACE, n + 1
        word_key = child(key, _WORD, word)
        length = int(hand.word_letters + 1.4 * normal(word_key, _TEXT, 0) + 0.5)
        if hand.word_letters <= 1.0 or (word < n_words - 1 and uniform(word_key, _TEXT, 1) < hand.p_initial):
            length = 1
        length, start = min(max(length, 1), 11), n
        if n + length + 1 > MAX_UNITS:
            break
        syllable = 0
        while n - start < length:
            vowel_first = syllable == 0 and uniform(word_key, _SYLLABLE, 0) < 0.2
            if not vowel_first:
                units[n], n = _ONSETS[int(uniform(word_key, _ONSET, syllable) * len(_ONSETS))], n + 1
            if n - start < length:
                units[n], n = _VOWELS[int(uniform(word_key, _VOWEL, syllable) * len(_VOWELS))], n + 1
            if n - start < length and uniform(word_key, _SYLLABLE, 1 + syllable) < 0.4:
                units[n], n = _CODAS[int(uniform(word_key, _CODA, syllable) * len(_CODAS))], n + 1
            syllable += 1
        units[start] += _FIRST_CAPITAL
    return n
