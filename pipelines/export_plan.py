"""What an export holds, as a pure function of its settings: signature number n of the set, whoever draws it.

Nothing is drawn here. Signatures are numbered through, signer after signer; a *part* is a fixed block of such
numbers, so neither the number of workers nor a shard changes what any part holds.
"""

import dataclasses
import functools
from collections.abc import Collection
from difflib import get_close_matches
from typing import Any

from synth import FORGERY_KINDS, World, forge
from synth.acts import ACTS_PER_SESSION, Signature
from synth.config import CAPTURES
from synth.streams import ENGINE
from synth.worlds import world_config

FORMATS = ("folders", "manifest", "npz", "trajectories", "svc2004", "inkml")
KINDS = tuple(kind for kind in FORGERY_KINDS if kind not in ("random", "disguise"))
FOLDERS = {"genuine": "genuine", "simple": "simple", "skilled": "forged"}
PART = 128
FORGERS = 2


def _one_of(what: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        near = get_close_matches(str(value), list(known), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"use one of: {', '.join(known)}"
        raise ValueError(f"unknown {what} {value!r}; {hint}")


def _count(name: str, value: int, low: int, high: int = 2**62) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} is {value!r}; use an integer from {low} to {high}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExportSpec:
    """Everything a set depends on; how it is drawn (workers, shards) is not part of it.

    Args:
        seed: The world.
        signers: How many signers.
        first: Number of the first; choose one outside a run's own parts to evaluate that run.
        genuine: Genuine signatures of each, 2 or more, each from a session of its own.
        forged: Forgeries of each, by two other signers in turn, kind after kind.
        kinds: Kinds of forgery; random ones are other signers' genuine signatures and need no file.
        skill: Lowest and highest skill of practised forgeries, spread evenly over a signer's.
        world: A name for `synth.worlds.world_config`.
        capture: A name in `synth.CAPTURES`.
        dpi: Resolution of true-size images, or None if `size` is given.
        size: Height and width of images that each signature fills, or None.
        formats: Names in `FORMATS`.
        npz_size: Height and width in the sigver-style archive.

    Raises:
        ValueError: On the first setting that makes no sense.
    """

    seed: int = 11
    signers: int = 20
    first: int = 0
    genuine: int = 6
    forged: int = 6
    kinds: tuple[str, ...] = ("freehand",)
    skill: tuple[float, float] = (0.5, 0.95)
    world: str = "default"
    capture: str = "scan"
    dpi: float | None = 300.0
    size: tuple[int, int] | None = None
    formats: tuple[str, ...] = ("folders", "manifest")
    npz_size: tuple[int, int] = (170, 242)

    def __post_init__(self) -> None:
        _count("seed", self.seed, 0, 2**63 - 1)
        _count("signers", self.signers, 1)
        _count("first", self.first, 0, 2**63 - 1 - self.signers - FORGERS)
        _count("genuine", self.genuine, 2, 10**6)
        _count("forged", self.forged, 0, 10**6)
        if not self.kinds or not self.formats:
            raise ValueError("name at least one kind of forgery and one format")
        for kind in self.kinds:
            if kind == "random":
                raise ValueError("random forgeries are other signers' genuine signatures; they need no files")
            _one_of("kind", kind, KINDS)
        for name in self.formats:
            _one_of("format", name, FORMATS)
        world_config(self.world)
        _one_of("capture", self.capture, CAPTURES)
        low, high = self.skill
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(f"skill runs from {low} to {high}; use two numbers from 0 to 1, the lower first")
        self._check_sizes()

    def _check_sizes(self) -> None:
        if (self.dpi is None) == (self.size is None):
            raise ValueError("give dpi for true size or height and width for a canvas, not both and not neither")
        if self.dpi is not None and not 20.0 <= self.dpi <= 2400.0:
            raise ValueError(f"dpi is {self.dpi}; use a number from 20 to 2400")
        for name, size in (("size", self.size), ("npz_size", self.npz_size)):
            if size is not None and not all(16 <= side <= 8192 for side in size):
                raise ValueError(f"{name} is {size[0]}x{size[1]}; use HEIGHTxWIDTH, each from 16 to 8192")

    @property
    def per_signer(self) -> int:
        """Signatures of one signer."""
        return self.genuine + self.forged

    @property
    def total(self) -> int:
        """Signatures in all."""
        return self.signers * self.per_signer

    @property
    def parts(self) -> range:
        """Numbers of the parts."""
        return range(-(-self.total // PART))

    def part(self, number: int) -> range:
        """Return the signatures of one part."""
        return range(number * PART, min((number + 1) * PART, self.total))

    def to_dict(self) -> dict[str, Any]:
        """Return what `export.json` records: the settings and the generator's version."""
        values = dataclasses.asdict(self) | {"engine": ENGINE}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One signature of a set before it is drawn.

    Attributes:
        number: Its number in the set.
        position: Its signer's place in the set, from 0.
        ordinal: Its place among its signer's, from 1: genuine ones first, then forgeries.
        signer: Whose signature it is or claims to be.
        label: "genuine", "simple" or "skilled", as the adapters call it.
        kind: "genuine" or the kind of forgery.
        forger: Who forged it, or None.
        skill: Of a practised forger, or None.
        act: The signer's act, or the forger's try.
    """

    number: int
    position: int
    ordinal: int
    signer: int
    label: str
    kind: str
    forger: int | None
    skill: float | None
    act: int

    def name(self, spec: ExportSpec) -> str:
        """Return ``<signer>/<folder>/<nnn>``, without a suffix."""
        within = self.ordinal - 1 - (0 if self.label == "genuine" else spec.genuine)
        return f"{self.signer}/{FOLDERS[self.label]}/{within:03d}"


def entry(spec: ExportSpec, number: int) -> Entry:
    """Return signature `number` of a set."""
    position, k = divmod(number, spec.per_signer)
    signer = spec.first + position
    if k < spec.genuine:
        act = ACTS_PER_SESSION * k
        return Entry(number, position, k + 1, signer, "genuine", "genuine", None, None, act)
    tried = k - spec.genuine
    kind = spec.kinds[tried % len(spec.kinds)]
    step = 1 + (tried // len(spec.kinds)) % FORGERS
    forger = spec.first + (position + step) % max(spec.signers, FORGERS + 1)
    low, high = spec.skill
    skill = None if kind == "simple" else round(low + (high - low) * (tried + 0.5) / spec.forged, 6)
    label = "simple" if kind == "simple" else "skilled"
    return Entry(number, position, k + 1, signer, label, kind, forger, skill, tried)


def parse_pair(text: str, separator: str, what: str, number: type = int) -> tuple[Any, Any]:
    """Return the two numbers of a text such as 170x242, 1/8 or 0.5:0.95; one alone counts twice with ``:``.

    Raises:
        ValueError: If the text is not two numbers.

    Example:
        >>> parse_pair("170x242", "x", "--size")
        (170, 242)
    """
    found = text.split(separator)
    if len(found) == 1 and separator == ":":
        found *= 2
    try:
        first, second = (number(part) for part in found)
    except ValueError:
        form = separator.join(("NUMBER", "NUMBER"))
        raise ValueError(f"{what} is {text!r}; write it as {form}") from None
    return first, second


@functools.lru_cache(maxsize=4)
def choose_world(seed: int, name: str) -> World:
    """Return a world by seed and a name for `world_config`; one object, so that its cache of signers is shared.

    Raises:
        ValueError: If the name is unknown.
    """
    return World(seed, world_config(name))


def perform(spec: ExportSpec, what: Entry) -> Signature:
    """Draw one signature of a set."""
    world = choose_world(spec.seed, spec.world)
    signer = world[what.signer]
    if what.forger is None:
        return signer.genuine(what.act)
    skill = 0.0 if what.skill is None else what.skill
    return forge(signer, by=world[what.forger], kind=what.kind, skill=skill, act=what.act)
