"""Worlds that a run was not trained on: other scripts, pens, captures, forgers and people; another generator.

And the own world's signatures after what happens to pictures: lines, dust, cuts.

A shift is the run's own evaluation with one thing changed; captures and handling are of pictures of another size,
for which "untouched" is there to compare with. `seen` says how far training has met it: only what it has
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
from synth.worlds import world_config

from .config import RunConfig
from .drawing import draw_pictures
from .evaluation_parts import Part, subset
from .font_acts import font_acts, picture
from .handling import HANDLING
from .preprocess import find_recipe, preprocess
from .sampling import describe, evaluation_acts
from .shift_pictures import handled
from .steps_paper import BlankImage
from .verifier import Verifier

Seen = Literal["yes", "part", "no"]
Told = Callable[[int], None]
OWN = "own world"
_SCRIPTS = ("latin_print", "cyrillic", "arabic_persian", "devanagari", "bengali", "chinese_japanese", "invented")
_PENS = ("felt", "fountain", "pencil")
_CAPTURES = ("scan", "bilevel", "jpeg", "photo", "fax")
_FORGERS = ("simple", "careless", "slow_copier", "tracer")
_HANDS = {
    "consistent signers": Spread("loguniform", 0.007, 0.012),
    "variable signers": Spread("loguniform", 0.04, 0.06),
}
_COARSE = "75 to 113 dpi"
_DONE_TO_ALL = ("untouched", "thresholded")
_DONE_BY = {
    "marks": ("printed line", "dust", "cut off", "faded"),
    "strong": ("askew", "stretched", "faded"),
    "photo": ("askew",),
}
"""Handling that every training draws by itself, and that an augmentation does at least half as strongly."""
_CHUNK = 96


@dataclasses.dataclass(frozen=True)
class Shift:
    """One world to be judged on, and what is different in it.

    Attributes:
        name: A few words, unlike any other shift's.
        group: What is changed: "script", "pen", "capture", "handling", "forger", "population", "generator"; or "own".
        seen: How far training has met it.
        world: The laws of the population; of no meaning with `fonts`.
        capture: A capture profile; any but "mixed" is drawn at its own resolution, not at the size of the canvas.
        handling: What was done to a scan of 300 dpi, a name in `handling.HANDLING`; empty for nothing.
        forger: Kind of every forgery.
        fonts: Whether signers are made of vector fonts instead.
        another_seed: Whether people and acts are all others, by the same laws: the gap there is chance alone.
    """

    name: str
    group: str
    seen: Seen
    world: WorldConfig = dataclasses.field(default_factory=WorldConfig)
    capture: str = "mixed"
    handling: str = ""
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
        config: The run's: the population of its training signers, its kinds of forgers and what its augmentation
            adds count as met; captures are "mixed" in every training.
    """
    usual, met = WorldConfig(), world_config(config.world.training)
    profiles, pens = {name for name, _ in met.profiles}, {name for name, _ in met.pens}
    kinds = {kind for kind, weight in config.batch.forger_kinds.items() if weight > 0}
    kinds |= {"simple"} if config.batch.simple_share > 0 else set()
    found = [Shift("another seed", "population", "yes" if met == usual else "part", another_seed=True)]
    for name in _SCRIPTS:
        world = dataclasses.replace(usual, profiles=((name, 1.0),))
        found.append(Shift(name.replace("_", " "), "script", _part(name in profiles), world))
    for name in _PENS:
        world = dataclasses.replace(usual, pens=((name, 1.0),))
        found.append(Shift(name, "pen", _part(name in pens), world))
    found += [Shift(name, "capture", _part(_capture_met(name, config)), capture=name) for name in _CAPTURES]
    for name in HANDLING:
        found.append(Shift(name, "handling", _part(_handling_met(name, config)), capture="scan", handling=name))
    for kind in _FORGERS:
        found.append(Shift(kind.replace("_", " "), "forger", _part(kind in kinds), forger=kind))
    for words, density in (("half look-alikes", 0.5), ("look-alikes", 1.0)):
        seen = _part(density <= met.density)
        found.append(Shift(words, "population", seen, dataclasses.replace(usual, density=density)))
    for words, law in _HANDS.items():
        found.append(Shift(words, "population", _part(_stability_met(law, met)), _with_stability(usual, law)))
    short = world_config("svc_like")
    found.append(Shift("short signatures", "population", _part(short.profiles[0][0] in profiles), short))
    return [*found, Shift("vector fonts", "generator", "no", fonts=True)]


def _part(met: bool) -> Seen:
    return "part" if met else "no"


def _capture_met(name: str, config: RunConfig) -> bool:
    met = name == "scan" or (name == "bilevel" and CAPTURES["mixed"].p_bilevel != Spread("fixed", 0.0))
    met |= name == "jpeg" and config.train.augment in ("standard", "strong", "photo")
    return met or (name == "photo" and config.train.augment == "photo")


def _handling_met(name: str, config: RunConfig) -> bool:
    if name == _COARSE:  # pictures as small as the canvas are as coarse
        return find_recipe(config.train.preprocessing).dpi is None
    return name in _DONE_TO_ALL or name in _DONE_BY.get(config.train.augment, ())


def _stability_met(law: Spread, met: WorldConfig) -> bool:
    """Whether a population's people reach into the middle of a law of stability, both log-uniform."""
    middle = (law.a * law.b) ** 0.5
    hands, used = dict(met.hands), [name for name, _ in met.profiles]
    return any(hands[name].stability.a <= middle <= hands[name].stability.b for name in used)


def _with_stability(world: WorldConfig, law: Spread) -> WorldConfig:
    """Return a world whose people vary by another law; the default world's lie between 0.015 and 0.045."""
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
    """Whether a shift changes anything for this verifier: one of trajectories sees no pen, picture or font.

    Nor can pictures be made coarser for one that needs them at true size.
    """
    from .online import OnlineVerifier

    if isinstance(verifier, OnlineVerifier):
        return shift.group not in ("pen", "capture", "handling", "generator")
    return shift.name != _COARSE or find_recipe(verifier.recipe).dpi is None


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
        acts, signatures = font_acts(config.world.seed, signers, settings)
    else:
        world = World(config.world.seed + int(shift.another_seed), shift.world)
        found = evaluation_acts(world, signers, settings)
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
    if shift.handling:
        return handled(acts, shift.handling, seed=config.world.seed, recipe=verifier.recipe)
    size = {"height": verifier.height, "width": verifier.width}
    return draw_pictures(acts, **size, capture=shift.capture, recipe=verifier.recipe)
