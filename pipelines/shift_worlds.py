"""Worlds that a run was not trained on: other scripts, pens, captures, forgers, populations, and another generator.

A shift is the run's own evaluation with one thing changed. `seen` says how far training has met it: only what it has
never met, "no", is a shift; "part" is a part of what training draws, alone; "yes" is training's own law.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import CAPTURES, World
from synth.acts import Act
from synth.config import Spread, WorldConfig
from synth.forgery import forgery_act

from .config import RunConfig
from .evaluate import Part, subset
from .font_acts import font_acts, picture
from .preprocess import preprocess
from .sampling import describe, draw_pictures, evaluation_acts
from .steps_paper import BlankImage
from .verifier import Verifier

Seen = Literal["yes", "part", "no"]
Told = Callable[[int], None]
OWN = "own world"
_SCRIPTS = ("latin_print", "cyrillic", "arabic_persian", "devanagari", "bengali", "chinese_japanese", "invented")
_PENS = ("felt", "fountain", "pencil")
_CAPTURES = ("bilevel", "jpeg", "photo", "fax")
_FORGERS = ("simple", "careless", "slow_copier", "tracer")
_HANDS = {"steady hands": Spread("loguniform", 0.007, 0.012), "unsteady hands": Spread("loguniform", 0.04, 0.06)}
_CHUNK = 96


@dataclasses.dataclass(frozen=True)
class Shift:
    """One world to be judged on, and what is different in it.

    Attributes:
        name: A few words, unlike any other shift's.
        group: What is changed: "script", "pen", "capture", "forger", "population", "generator"; or "own".
        seen: How far training has met it.
        world: The laws of the population; of no meaning with `fonts`.
        capture: A capture profile.
        forger: Kind of every forgery.
        fonts: Whether signers are made of vector fonts instead.
        another_seed: Whether people and acts are all others, by the same laws: the gap there is chance alone.
    """

    name: str
    group: str
    seen: Seen
    world: WorldConfig = dataclasses.field(default_factory=WorldConfig)
    capture: str = "mixed"
    forger: str = "freehand"
    fonts: bool = False
    another_seed: bool = False


class Drawn(NamedTuple):
    """A drawn and embedded world; `unreadable` images held no ink that stood out, and are in no trial."""

    part: Part
    unreadable: int


def own_world() -> Shift:
    """Return the world a run is trained and evaluated on."""
    return Shift(OWN, "own", "yes")


def shifts(config: RunConfig) -> list[Shift]:
    """Return every shift there is, with how far this run's training has met each.

    Args:
        config: The run's. Training draws `WorldConfig()` and the capture "mixed"; what its augmentation adds counts.
    """
    usual = WorldConfig()
    profiles, pens = dict(usual.profiles), dict(usual.pens)
    found = [Shift("another seed", "population", "yes", another_seed=True)]
    for name in _SCRIPTS:
        world = dataclasses.replace(usual, profiles=((name, 1.0),))
        found.append(Shift(name.replace("_", " "), "script", "part" if name in profiles else "no", world))
    for name in _PENS:
        world = dataclasses.replace(usual, pens=((name, 1.0),))
        found.append(Shift(name, "pen", "part" if name in pens else "no", world))
    found += [Shift(name, "capture", _capture_seen(name, config), capture=name) for name in _CAPTURES]
    for kind in _FORGERS:
        seen: Seen = "part" if kind == "simple" and config.batch.simple_share > 0 else "no"
        found.append(Shift(kind.replace("_", " "), "forger", seen, forger=kind))
    for words, density in (("half look-alikes", 0.5), ("look-alikes", 1.0)):
        found.append(Shift(words, "population", "no", dataclasses.replace(usual, density=density)))
    found += [Shift(words, "population", "no", _with_stability(usual, law)) for words, law in _HANDS.items()]
    return [*found, Shift("vector fonts", "generator", "no", fonts=True)]


def _capture_seen(name: str, config: RunConfig) -> Seen:
    met = name == "bilevel" and CAPTURES["mixed"].p_bilevel != Spread("fixed", 0.0)
    met |= name == "jpeg" and config.train.augment in ("standard", "strong", "photo")
    met |= name == "photo" and config.train.augment == "photo"
    return "part" if met else "no"


def _with_stability(world: WorldConfig, law: Spread) -> WorldConfig:
    """Return a world whose people vary by another law; the default one is log-uniform from 0.014 to 0.036."""
    hands = tuple((name, dataclasses.replace(hand, stability=law)) for name, hand in world.hands)
    return dataclasses.replace(world, hands=hands)


def find_shifts(config: RunConfig, names: Sequence[str] = ()) -> list[Shift]:
    """Return the shifts of these names or groups, all of them if there are none.

    Args:
        config: The run's.
        names: Names, such as "fax", or groups, such as "capture".

    Raises:
        ValueError: If a name is unknown.
    """
    every = shifts(config)
    known = {shift.name for shift in every} | {shift.group for shift in every}
    for name in names:
        if name not in known:
            groups = ", ".join(dict.fromkeys(shift.group for shift in every))
            raise ValueError(
                f"unknown shift {name!r}; use a group ({groups}) or one of: {', '.join(s.name for s in every)}"
            )
    return [shift for shift in every if not names or {shift.name, shift.group} & set(names)]


def fits(shift: Shift, verifier: Verifier) -> bool:
    """Whether a shift changes anything for this verifier: one of trajectories sees no pen, capture or font."""
    from .online import OnlineVerifier

    return not isinstance(verifier, OnlineVerifier) or shift.group not in ("pen", "capture", "generator")


def draw_shift(
    shift: Shift, signers: Sequence[int], config: RunConfig, verifier: Verifier, told: Told = lambda n: None
) -> Drawn:
    """Draw and embed a shifted world's signers as the run's own evaluation draws those of its world.

    Args:
        shift: What is different.
        signers: Indices of those who sign and forge each other; the same indices are the same people where the
            world's hands are.
        config: The run's: how many signatures, and the mix of skills.
        verifier: The run's.
        told: Hears how many images each chunk added.
    """
    settings = dataclasses.replace(config.evaluation, skills=())
    acts: list[Any]
    if shift.fonts:
        acts, signatures = font_acts(config.world.seed, signers, settings, config.batch)
    else:
        world = World(config.world.seed + int(shift.another_seed), shift.world)
        found = evaluation_acts(world, signers, settings, config.batch)
        acts = [_by_kind(act, shift.forger) for act in found.acts]
        signatures = found.signatures if shift.forger == "freehand" else describe(acts)
    canvases, places = [], []
    for start in range(0, len(acts), _CHUNK):
        some = acts[start : start + _CHUNK]
        for i, image in enumerate(_pictures(shift, some, config, verifier)):
            try:
                canvases.append(preprocess(image, height=verifier.height, width=verifier.width, recipe=verifier.recipe))
                places.append(start + i)
            except BlankImage:
                continue
        told(len(some))
    kept = np.array(places, dtype=np.intp)
    stacked = np.stack(canvases)
    embeddings = verifier.embed_acts([acts[i] for i in places], stacked)
    part = Part(subset(signatures, kept), stacked, embeddings, np.zeros(len(kept), dtype=bool), verifier.head)
    return Drawn(part, len(acts) - len(kept))


def _by_kind(act: Act, kind: str) -> Act:
    """Return an act, a forgery by another kind of forger: the same person, target, skill and number."""
    if act.kind in ("genuine", kind):
        return act
    return forgery_act(act.claimed, by=act.by, kind=kind, skill=act.skill, act=act.number)


def _pictures(shift: Shift, acts: Sequence[Any], config: RunConfig, verifier: Verifier) -> list[NDArray[np.uint8]]:
    if shift.fonts:
        return [picture(config.world.seed, act) for act in acts]
    size = {"height": verifier.height, "width": verifier.width}
    return draw_pictures(acts, **size, capture=shift.capture, recipe=verifier.recipe)
