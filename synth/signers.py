"""A world and its signers: what stays fixed in one person's hand.

Nothing is drawn when a world is made. A signer is a few hundred bytes: a key, a hand, a text.

In a dense world (`WorldConfig.density` above 0) everybody went to one of a few schools: a hand lies between the
person's own and the school's, and with that probability a person has one of the school's common names, and its
letterforms. At 0 nothing of it is drawn.
"""

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .config import WorldConfig, draw_into, law_table, record_type
from .kernels import kernel
from .lexicon import MAX_UNITS, SPACE, unit_of
from .scripts import NAMES
from .streams import Key, child, child_key, root_key, slot, uniform
from .syllables import write_text

_SIGNER, _PROFILE, _IDIOLECT, _HAND, _TEXT = (slot(n) for n in ("signer", "profile", "idiolect", "hand", "text"))
_SCHOOL, _NAME, _LOOK = (slot(f"density.{n}") for n in ("school", "name", "look"))
_SCHOOLS, _COMMON_NAMES = 6, 12
_SHARED_HAND = 0.85
"""At density 1: how near a hand is to the school's."""


@kernel
def _school(world: Key, key: Key) -> Key:
    return child(world, _SCHOOL, int(uniform(key, _SCHOOL, 0) * _SCHOOLS))


@kernel
def _draw_signer(
    world: Key, key: Key, density: float, shares: Any, laws: Any, slots: Any, hand: Any, hand_row: Any, units: Any
) -> Any:
    """Fill one signer's hand and text; return the profile's number and how many units the text has."""
    pick, profile = uniform(key, _PROFILE, 0), 0
    while profile < len(shares) - 1 and pick >= shares[profile]:
        profile += 1
    draw_into(laws[profile], slots, child(key, _HAND, 0), hand_row)
    text = child(key, _TEXT, 0)
    if density > 0.0:
        school, taught = _school(world, key), np.empty(len(slots))
        draw_into(laws[profile], slots, child(school, _HAND, 0), taught)
        for i in range(len(slots)):
            hand_row[i] += density * _SHARED_HAND * (taught[i] - hand_row[i])
        if uniform(key, _NAME, 0) < density:
            text = child(school, _TEXT, int(uniform(key, _NAME, 1) * _COMMON_NAMES))
    return profile, write_text(text, hand, units)


@kernel
def _shares(key: Key, density: float) -> bool:
    return uniform(key, _LOOK, 0) < density


@dataclasses.dataclass(frozen=True, eq=False)
class World:
    """A whole population behind one seed; `world[i]` is its signer number i, at one price for any i.

    Args:
        seed: An integer from 0 to 2**63 - 1.
        config: The laws of the population.

    Raises:
        ValueError: If the seed is out of range.

    Example:
        >>> World(7)[123].text == World(7)[123].text
        True
    """

    seed: int
    config: WorldConfig = WorldConfig()

    def __post_init__(self) -> None:
        root_key(self.seed)

    @functools.cached_property
    def key(self) -> Key:
        """The root key, two 64-bit words."""
        return root_key(self.seed)

    @functools.cached_property
    def _tables(self) -> tuple[Any, ...]:
        hands = dict(self.config.hands)
        tables = [law_table(hands[name]) for name, _ in self.config.profiles]
        weights = np.array([weight for _, weight in self.config.profiles])
        return np.cumsum(weights) / weights.sum(), np.array([laws for laws, _ in tables]), tables[0][1]

    @functools.cached_property
    def forger_laws(self) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        """How forgers err, as `config.law_table` gives it."""
        return law_table(self.config.forger)

    def __getitem__(self, index: int) -> "Signer":
        if isinstance(index, bool) or not isinstance(index, int | np.integer) or not 0 <= index < 2**63:
            raise IndexError(f"signer {index!r} does not exist; use an integer from 0 to 2**63 - 1")
        return _signer(self, int(index))


@dataclasses.dataclass(frozen=True, eq=False)
class Signer:
    """A person who does not exist.

    Attributes:
        world: Where the person lives.
        index: The person's number.
        key: Key of everything drawn for the person.
        profile: Script profile, e.g. "latin_cursive".
        hand: Record of `config.Hand`: proportions, movement, pressure, stability.
        units: The written text as placed units (`lexicon.pack`), `lexicon.SPACE` between words.
    """

    world: World
    index: int
    key: Key
    profile: str
    hand: Any
    units: NDArray[np.int64]

    @functools.cached_property
    def idiolect(self) -> Key:
        """Key of the person's letterforms and flourish: their own, or in a dense world the school's."""
        if self.world.config.density > 0.0 and _shares(self.key, self.world.config.density):
            first, second = _school(self.world.key, self.key)
            return child_key((np.uint64(first), np.uint64(second)), _IDIOLECT, 0)
        return child_key(self.key, _IDIOLECT, 0)

    @property
    def text(self) -> str:
        """The pseudo-name behind the signature (a flourish alone has none)."""
        return "".join(" " if unit == SPACE else NAMES[unit_of(unit)] for unit in self.units)

    def genuine(self, act: int) -> Any:
        """Return the person's signature number `act` as a `signing.Signature`."""
        from .acts import genuine

        return genuine(self, act)


@functools.lru_cache(maxsize=4096)
def _signer(world: World, index: int) -> Signer:
    key = child_key(world.key, _SIGNER, index)
    shares, laws, slots = world._tables
    hand = np.zeros(1, dtype=record_type(type(world.config.hands[0][1])))
    units = np.zeros(MAX_UNITS, dtype=np.int64)
    numbers, density = np.frombuffer(hand), float(world.config.density)
    profile, n_units = _draw_signer(world.key, key, density, shares, laws, slots, hand[0], numbers, units)
    return Signer(world, index, key, world.config.profiles[profile][0], hand[0], units[:n_units])
