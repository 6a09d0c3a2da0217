"""Forgeries: another person's motor execution of a noisily perceived plan, with habits of their own.

A forger takes a synthetic `Signer`, never an image, an array or a path. `skill` runs from 0 to 1; the same
random numbers serve every skill, so a forgery changes continuously with it. What a forger gets wrong about
a target is drawn once per (forger, target): the same forger fails in the same way twice.
"""

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from .acts import ACTS_PER_SESSION, Act, Signature, check_act_number, execute, genuine_act
from .config import Forger, Hand, draw, draw_into, numbers
from .kernels import kernel
from .signers import Signer
from .streams import Key, child, child_key, slot
from .strokes import N_EFFORT, PRESSURE, PROPORTIONS, RETOUCHES, SEGMENTS, SHAKINESS, SKILL_ERROR, SLOWNESS

FORGERY_KINDS = ("random", "simple", "freehand", "slow_copier", "tracer", "careless", "disguise")
"""random: the forger's own genuine signature. simple: knows the name only. freehand: has practised it. slow_copier:
draws it with the model in view. tracer: follows its lines. careless: quick and from memory. disguise: the signer's
own hand, made to look like another's, in order to deny it later; its author is genuine."""
SKILLED_KINDS = ("freehand", "slow_copier", "tracer", "careless")
"""Kinds of forgery by people who have seen the signature."""

_FORGER, _SESSION, _ACT, _NATURE, _ALIAS = (
    slot(f"forgery.{n}") for n in ("forger", "session", "act", "nature", "alias")
)
_PROPORTION_FIELDS = (
    "x_height_mm",
    "letter_width",
    "slant_deg",
    "slope_deg",
    "bend",
    "ascender",
    "descender",
    "capital",
    "taper",
    "roundness",
)
_SPACING_FIELDS = ("letter_gap_x_heights", "word_gap_x_heights")
# not flight: nobody flies along what is copied from sight, so that a forger only loses the owner's
_MOVEMENT_FIELDS = (
    "stroke_time_s",
    "isochrony",
    "sigma",
    "overlap",
    "tremor_mm",
    "pressure",
    "downstroke_gain",
    "speed_gain",
    "ripple",
    "ramp_on_s",
    "ramp_off_s",
    "stability",
    "timing",
    "frailty",
)
_NAMES = [field.name for field in dataclasses.fields(Hand)]
_STABILITY, _X_HEIGHT = _NAMES.index("stability"), _NAMES.index("x_height_mm")
_NATURES = [field.name for field in dataclasses.fields(Forger)]
_PROPORTION_SHARE = 1.6 * np.isin(_NAMES, _PROPORTION_FIELDS)
_SPACING_SHARE = 1.7 * np.isin(_NAMES, _SPACING_FIELDS)
_MOVEMENT_SHARE = 2.0 * np.isin(_NAMES, _MOVEMENT_FIELDS)
_PRACTICE = 0.75
"""Exponent of the error left at a skill: the last of it is the hardest to practise away (Newell, Rosenbloom
1981, "Mechanisms of skill acquisition and the law of practice", find a power law)."""
_PERCEPTION, _FORMS, _SPACING, _SLOW, _SHAKY, _DISJOINTED, _FLAT, _SEGMENTED, _RETOUCHED = range(9)
_AXES = {
    "freehand": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.1),
    "slow_copier": (0.5, 0.6, 0.6, 1.6, 1.6, 1.6, 0.4, 1.6, 1.0),
    "tracer": (0.15, 0.15, 0.1, 2.2, 2.0, 2.0, 0.4, 1.6, 0.8),
    "careless": (1.6, 1.6, 1.6, 0.1, 0.4, 0.4, 0.0, 0.4, 0.0),
}
"""Weights of what goes wrong, by kind of skilled forger: places and proportions, letter forms, spacing, slowness,
tremor and hesitation, strokes that do not run into each other, pressure that does not vary, arcs cut in two and lifts
in the wrong place, and lines mended afterwards. Chosen here, after
what Mohammed, Found, Caligiuri, Rogers (2015) and others report of slow and of traced simulations: more dysfluency
and fewer spatial errors."""
_MOVED = 9
SEEN: dict[str, tuple[float, ...]] = {
    "image": (1.3, 1.3, 1.2, 1.15, 1.15, 1.1, 1.0, 1.2, 1.2, 1.15),
    "images": (1.0,) * 10,
    "movement": (1.0, 1.0, 1.0, 0.35, 0.5, 0.4, 0.5, 0.4, 0.7, 0.4),
}
"""What a practised forger saw of the target, and for it factors of the weights above; the last is of how much of the
forger's own way to move stays. image: one signature on paper; it does not tell what varies, so places and forms are
learnt less well. images: several, which the weights are set for. movement: the target writing, so that time goes wrong
less, and places as before. The factors are chosen here, not measured."""
_MISPERCEPTION = np.array([0.22, 0.34, 0.36, 0.36, 0.90, 0.34])
"""At skill 0: spread of a forger's lasting errors, columns as in `targets`."""


def forge(target: Signer, *, by: Signer, kind: str, skill: float, act: int, saw: str = "images") -> Signature:
    """Return a forgery of one synthetic signer by another.

    Args:
        target: The signer whose signature is claimed.
        by: The forger, another signer.
        kind: One of `FORGERY_KINDS`; for "disguise", `by` is the target.
        skill: From 0 (a bad copy) to 1 (as if the target had signed); ignored by random and simple. Of a disguise:
            from 0 (a plain genuine act) to 1 (as far from it as this person gets).
        act: The forger's try at this target, from 0.
        saw: What a skilled forger has seen, a name in `SEEN`; nobody else has seen anything.

    Raises:
        TypeError: If target or forger is anything but a `Signer`.
        ValueError: If the kind or what was seen is unknown, skill is outside [0, 1], or a person would forge themself
            or disguise another's hand.
    """
    return execute(forgery_act(target, by=by, kind=kind, skill=skill, act=act, saw=saw))


def forgery_act(target: Signer, *, by: Signer, kind: str, skill: float, act: int, saw: str = "images") -> Act:
    """Return what `forge` would execute; same arguments, same errors."""
    _check(target, by, kind, skill, saw)
    number = check_act_number(act)
    if kind == "random":
        return dataclasses.replace(genuine_act(by, number), claimed=target, kind=kind)
    perceive, session, key, nature = _how_they_err(target, by, number)
    if kind in ("simple", "disguise"):
        own = dataclasses.replace(genuine_act(by, number), kind=kind, session=session, key=key, perceive=perceive)
        return (
            dataclasses.replace(own, claimed=target, text=target) if kind == "simple" else _disguise(own, skill, nature)
        )
    error, axes = (1.0 - skill) ** _PRACTICE, _axes(kind, saw)
    effort = np.zeros(N_EFFORT)
    effort[SKILL_ERROR] = error * axes[_DISJOINTED] * nature["disjointed"]
    effort[SLOWNESS] = 1.2 * error * axes[_SLOW] * nature["slowness"]
    effort[SHAKINESS] = error * axes[_SHAKY] * nature["shakiness"]
    effort[PRESSURE] = (1.0 + error * (nature["pressure"] - 1.0)) * (1.0 - error * axes[_FLAT])
    effort[SEGMENTS] = error * axes[_SEGMENTED] * nature["segments"]
    effort[RETOUCHES] = error * axes[_RETOUCHED] * nature["retouches"]
    effort[PROPORTIONS] = error * axes[_PERCEPTION] * nature["perception"]
    return Act(
        claimed=target,
        by=by,
        kind=kind,
        skill=float(skill),
        number=number,
        author=target,
        text=target,
        hand=_copied_hand(target, by, error, axes, nature),
        session=session,
        key=key,
        perceive=perceive,
        leak=min(1.0, 2.6 * error * axes[_FORMS] * nature["letter_shapes"]),
        effort=effort,
        misperceive=_MISPERCEPTION * error * axes[_PERCEPTION] * nature["perception"],
        saw=saw,
    )


@functools.cache
def _axes(kind: str, saw: str) -> tuple[float, ...]:
    """Return the weights of what goes wrong for a kind of forger who saw so much; the last is `_MOVED`."""
    return *(weight * factor for weight, factor in zip(_AXES[kind], SEEN[saw], strict=False)), SEEN[saw][_MOVED]


def _how_they_err(target: Signer, by: Signer, act: int) -> tuple[Key, Key, Key, dict[str, float]]:
    """Return keys of what a forger gets wrong about a target, of a session and of an act, and how this forger errs."""
    values, keys = np.empty(len(_NATURES)), np.empty((3, 2), dtype=np.uint64)
    _draw_forger(by.key, target.key[0], act // ACTS_PER_SESSION, act, *target.world.forger_laws, values, keys)
    perceive, session, key = ((first, second) for first, second in keys)
    return perceive, session, key, dict(zip(_NATURES, values.tolist(), strict=True))


@kernel
def _draw_forger(by: Key, target: Any, session: int, act: int, laws: Any, slots: Any, values: Any, keys: Any) -> None:
    perceive = child(child(by, _FORGER, 0), _FORGER, target)
    draw_into(laws, slots, child(perceive, _NATURE, 0), values)
    keys[0, 0], keys[0, 1] = perceive
    keys[1, 0], keys[1, 1] = child(perceive, _SESSION, session)
    keys[2, 0], keys[2, 1] = child(perceive, _ACT, act)


def _disguise(own: Act, skill: float, nature: dict[str, float]) -> Act:
    """Return a signer's act in a hand of other proportions; how the pen moves stays their own."""
    target, perceive = own.claimed, own.perceive
    law = dict(target.world.config.hands)[target.profile]
    hand, alias = numbers(target.hand), numbers(draw(law, np.array([child_key(perceive, _ALIAS, 0)]))[0])
    share = skill * (_PROPORTION_SHARE * nature["proportions"] + _SPACING_SHARE * nature["spacing"])
    hand += np.minimum(share, 1.0) * (alias - hand)
    effort = own.effort.copy()
    effort[SLOWNESS] = 0.3 * skill * nature["slowness"]
    return dataclasses.replace(
        own,
        skill=float(skill),
        hand=hand.view(target.hand.dtype)[0],
        effort=effort,
        misperceive=0.5 * skill * nature["perception"] * _MISPERCEPTION,
    )


def _check(target: Any, by: Any, kind: str, skill: float, saw: str) -> None:
    for name, person in (("target", target), ("by", by)):
        if not isinstance(person, Signer):
            raise TypeError(
                f"{name} is a {type(person).__name__}; a forger takes a synthetic Signer, never an image or a file"
            )
    if kind not in FORGERY_KINDS:
        raise ValueError(f"unknown forgery kind {kind!r}; use one of: {', '.join(FORGERY_KINDS)}")
    if saw not in SEEN:
        raise ValueError(f"unknown model {saw!r} of a forger; a forger saw one of: {', '.join(SEEN)}")
    if not 0.0 <= skill <= 1.0:
        raise ValueError(f"skill is {skill!r}; use a number from 0 to 1")
    same = (target.world.seed, target.index) == (by.world.seed, by.index)
    if kind == "disguise" and not same:
        raise ValueError(f"signer {by.index} cannot disguise the hand of signer {target.index}; use by=target")
    if same and kind != "disguise":
        raise ValueError(f"signer {by.index} cannot forge their own signature; choose another forger")


def _copied_hand(target: Signer, by: Signer, error: float, axes: tuple[float, ...], nature: Any) -> Any:
    """Return the target's hand as this forger manages it: proportions, spacing and movement leak."""
    hand = numbers(target.hand)
    perception, own = axes[_PERCEPTION], np.frombuffer(by.hand)
    _leak_into(hand, own, perception, nature["proportions"], axes[_SPACING], nature["spacing"], axes[_MOVED], error)
    hand[_STABILITY] += 0.012 * error
    # errors of place and proportion alone would make forgeries larger; real ones are not (their paths are 1.02
    # times as long in the median of SVC2004's signers, Yeung et al. 2004)
    hand[_X_HEIGHT] *= math.exp(-0.27 * (perception * error) ** 2)
    return hand.view(target.hand.dtype)[0]


@kernel
def _leak_into(
    hand: Any,
    own: Any,
    perception: float,
    proportions: float,
    spacing: float,
    spaced: float,
    moved: float,
    error: float,
) -> None:
    """Move every number of a hand towards a forger's own, by a share of proportions, spacing or movement."""
    for i in range(len(hand)):
        share = perception * _PROPORTION_SHARE[i] * proportions + spacing * _SPACING_SHARE[i] * spaced
        hand[i] += min(error * (share + moved * _MOVEMENT_SHARE[i]), 1.0) * (own[i] - hand[i])
