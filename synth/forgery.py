"""Forgeries: another person's motor execution of a noisily perceived plan, with habits of their own.

A forger takes a synthetic `Signer`, never an image, an array or a path. `skill` runs from 0 to 1; the same
random numbers serve every skill, so a forgery changes continuously with it. What a forger gets wrong about
a target is drawn once per (forger, target): the same forger fails in the same way twice.
"""

import dataclasses
import math
from typing import Any

import numpy as np

from .acts import ACTS_PER_SESSION, Act, Signature, check_act_number, execute, genuine_act
from .config import Hand, draw, numbers
from .signers import Signer
from .signing import N_EFFORT, PRESSURE, PROPORTIONS, SHAKINESS, SKILL_ERROR, SLOWNESS
from .streams import child_key, slot

FORGERY_KINDS = ("random", "simple", "freehand")
"""random: the forger's own genuine signature. simple: knows the name only. freehand: has practised it."""

_FORGER, _SESSION, _ACT, _NATURE = (slot(f"forgery.{n}") for n in ("forger", "session", "act", "nature"))
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
)
_NAMES = [field.name for field in dataclasses.fields(Hand)]
_PROPORTION_SHARE = 1.6 * np.isin(_NAMES, _PROPORTION_FIELDS)
_SPACING_SHARE = 1.7 * np.isin(_NAMES, _SPACING_FIELDS)
_MOVEMENT_SHARE = 2.0 * np.isin(_NAMES, _MOVEMENT_FIELDS)
_PRACTICE = 0.75
"""Exponent of the error left at a skill: the last of it is the hardest to practise away (Newell, Rosenbloom
1981, "Mechanisms of skill acquisition and the law of practice", find a power law)."""
_MISPERCEPTION = np.array([0.22, 0.34, 0.36, 0.36, 0.90, 0.34])
"""At skill 0: spread of a forger's lasting errors, columns as in `layout`."""


def forge(target: Signer, *, by: Signer, kind: str, skill: float, act: int) -> Signature:
    """Return a forgery of one synthetic signer by another.

    Args:
        target: The signer whose signature is claimed.
        by: The forger, another signer.
        kind: One of `FORGERY_KINDS`.
        skill: From 0 (a bad copy) to 1 (as if the target had signed); ignored by random and simple.
        act: The forger's try at this target, from 0.

    Raises:
        TypeError: If target or forger is anything but a `Signer`.
        ValueError: If the kind is unknown, skill is outside [0, 1], or a person would forge themself.
    """
    return execute(forgery_act(target, by=by, kind=kind, skill=skill, act=act))


def forgery_act(target: Signer, *, by: Signer, kind: str, skill: float, act: int) -> Act:
    """Return what `forge` would execute; same arguments, same errors."""
    _check(target, by, kind, skill)
    number = check_act_number(act)
    if kind == "random":
        own = genuine_act(by, number)
        return Act(
            target,
            by,
            kind,
            float("nan"),
            number,
            by,
            by,
            by.hand,
            0.0,
            own.session,
            own.key,
            own.perceive,
            own.effort,
            own.misperceive,
        )
    perceive = child_key(child_key(by.key, _FORGER, 0), _FORGER, target.key[0])
    session, key = (
        child_key(perceive, _SESSION, number // ACTS_PER_SESSION),
        child_key(perceive, _ACT, number),
    )
    if kind == "simple":
        effort = np.zeros(N_EFFORT)
        effort[PRESSURE] = 1.0
        return Act(
            target,
            by,
            kind,
            float("nan"),
            number,
            by,
            target,
            by.hand,
            0.0,
            session,
            key,
            perceive,
            effort,
            np.zeros(6),
        )
    nature = draw(target.world.config.forger, np.array([child_key(perceive, _NATURE, 0)], dtype=np.uint64))[0]
    error = (1.0 - skill) ** _PRACTICE
    effort = np.zeros(N_EFFORT)
    effort[SKILL_ERROR], effort[SLOWNESS] = error * nature["disjointed"], 1.2 * error * nature["slowness"]
    effort[SHAKINESS] = error * nature["shakiness"]
    effort[PRESSURE] = 1.0 + error * (nature["pressure"] - 1.0)
    effort[PROPORTIONS] = error * nature["perception"]
    return Act(
        target,
        by,
        kind,
        float(skill),
        number,
        target,
        target,
        _copied_hand(target, by, error, nature),
        min(1.0, 2.6 * error * nature["letter_shapes"]),
        session,
        key,
        perceive,
        effort,
        _MISPERCEPTION * error * nature["perception"],
    )


def _check(target: Any, by: Any, kind: str, skill: float) -> None:
    for name, person in (("target", target), ("by", by)):
        if not isinstance(person, Signer):
            raise TypeError(
                f"{name} is a {type(person).__name__}; a forger takes a synthetic Signer, never an image or a file"
            )
    if kind not in FORGERY_KINDS:
        raise ValueError(f"unknown forgery kind {kind!r}; use one of: {', '.join(FORGERY_KINDS)}")
    if not 0.0 <= skill <= 1.0:
        raise ValueError(f"skill is {skill!r}; use a number from 0 to 1")
    if (target.world.seed, target.index) == (by.world.seed, by.index):
        raise ValueError(f"signer {by.index} cannot forge their own signature; choose another forger")


def _copied_hand(target: Signer, by: Signer, error: float, nature: Any) -> Any:
    """Return the target's hand as this forger manages it: proportions, spacing and movement leak."""
    hand, own = numbers(target.hand), numbers(by.hand)
    share = error * (_PROPORTION_SHARE * nature["proportions"] + _SPACING_SHARE * nature["spacing"] + _MOVEMENT_SHARE)
    hand += np.minimum(share, 1.0) * (own - hand)
    hand[_NAMES.index("stability")] += 0.012 * error
    # errors of place and proportion alone would make forgeries larger; real ones are not (their paths are 1.02
    # times as long in the median of SVC2004's signers, Yeung et al. 2004)
    hand[_NAMES.index("x_height_mm")] *= math.exp(-0.27 * error * error)
    return hand.view(target.hand.dtype)[0]
