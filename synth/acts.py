"""Acts and their batches: who signs or forges what, as numbers that the kernels execute.

An `Act` is everything one signature needs, ready for `signing.sign_into`; a `Signature` is what came of it.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .days import live
from .idiolect import letters
from .kernels import kernel
from .lexicon import MAX_UNITS
from .signers import Signer
from .signing import MAX_SAMPLES, sign_into
from .streams import Key, child_key, slot
from .strokes import N_EFFORT, PRESSURE

ACTS_PER_SESSION = 4
RATES_HZ = (100, 200, 500, 1000)
"""Sampling rates of a trajectory; each has whole milliseconds between samples and contains the times of 100 Hz."""
_SESSION, _ACT = slot("session"), slot("act")
_GENUINE_EFFORT = np.zeros(N_EFFORT)
_GENUINE_EFFORT[PRESSURE] = 1.0
_NO_MISPERCEPTION = np.zeros(6)


@dataclasses.dataclass(frozen=True, eq=False)
class Act:
    """One signing act before it is executed; see `signing.sign_into` for the meaning of each number."""

    claimed: Signer
    by: Signer
    kind: str
    skill: float
    number: int
    author: Signer  # whose text and letterforms are aimed at: the claimed signer, or the writer's own
    text: Signer
    hand: Any
    leak: float
    session: Key
    key: Key
    perceive: Key
    effort: NDArray[np.float64]
    misperceive: NDArray[np.float64]
    saw: str = ""  # what a skilled forger had seen, see `forgery.SEEN`


@dataclasses.dataclass(frozen=True, eq=False)
class Signature:
    """One signature: a pen trajectory and where it came from; an image is made of it by `render`.

    Attributes:
        act: Who wrote what, how.
        trajectory: Shape ``(n_samples, 4)``: x mm (right), y mm (up), t s, pressure in [0, 1], 0 in the air.
    """

    act: Act
    trajectory: NDArray[np.float64]

    @property
    def meta(self) -> dict[str, Any]:
        """Every value drawn for this act, as plain Python numbers and strings."""
        act = self.act
        return {
            "claimed": act.claimed.index,
            "by": act.by.index,
            "kind": act.kind,
            "skill": act.skill,
            "saw": act.saw,
            "act": act.number,
            "profile": act.claimed.profile,
            "text": act.claimed.text,
            "leak": act.leak,
            "effort": act.effort.tolist(),
            "misperception": act.misperceive.tolist(),
            **{name: float(act.hand[name]) for name in act.hand.dtype.names},
        }


def check_act_number(act: int) -> int:
    """Return the act number, or raise ValueError if it is no integer from 0 to 2**63 - 1."""
    if isinstance(act, bool) or not isinstance(act, int | np.integer) or not 0 <= act < 2**63:
        raise ValueError(f"act is {act!r}; use an integer from 0 to 2**63 - 1")
    return int(act)


def genuine_act(signer: Signer, act: int) -> Act:
    """Return a signer's act number `act`; acts of one session share half of their variation."""
    number = check_act_number(act)
    session = child_key(signer.key, _SESSION, number // ACTS_PER_SESSION)
    return Act(
        signer,
        signer,
        "genuine",
        float("nan"),
        number,
        signer,
        signer,
        signer.hand,
        0.0,
        session,
        child_key(signer.key, _ACT, number),
        session,
        _GENUINE_EFFORT,
        _NO_MISPERCEPTION,
    )


@kernel
def _sign_acts(
    hands: Any, units: Any, keys: Any, efforts: Any, table: Any, rate_hz: float, counts: Any, samples: Any
) -> None:
    for i in range(len(hands)):
        k = keys[i]
        live(hands[i], efforts[i, 1 : 1 + N_EFFORT], (k[4], k[5]))
        counts[i] = sign_into(
            hands[i],
            units[i],
            counts[i],
            (k[0], k[1]),
            (k[2], k[3]),
            efforts[i, 0],
            (k[4], k[5]),
            (k[6], k[7]),
            (k[8], k[9]),
            efforts[i, 1 : 1 + N_EFFORT],
            efforts[i, 1 + N_EFFORT :],
            table,
            rate_hz,
            samples[i],
        )


def sign_acts(acts: Sequence[Act], *, rate_hz: int = 100) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the pen movements of many acts from one kernel call, which holds no lock.

    Returns:
        Samples, shape ``(n_acts, n_rows, 4)``, columns as in `Signature.trajectory`, and how many rows of each
        act count; the others are unset. At 100 Hz there are `MAX_SAMPLES` rows.

    Raises:
        ValueError: If the rate is not one of `RATES_HZ`.
    """
    if rate_hz not in RATES_HZ:
        raise ValueError(f"rate_hz is {rate_hz!r}; use one of: {', '.join(map(str, RATES_HZ))}")
    keys = np.array([[a.author.idiolect, a.by.idiolect, a.session, a.key, a.perceive] for a in acts], dtype=np.uint64)
    counts = np.array([len(a.text.units) for a in acts])
    units = np.zeros((len(acts), MAX_UNITS), dtype=np.int64)
    efforts = np.empty((len(acts), 1 + N_EFFORT + len(_NO_MISPERCEPTION)))
    for row, effort, act in zip(units, efforts, acts, strict=True):
        row[: len(act.text.units)] = act.text.units
        effort[0], effort[1 : 1 + N_EFFORT], effort[1 + N_EFFORT :] = act.leak, act.effort, act.misperceive
    samples = np.empty((len(acts), MAX_SAMPLES * rate_hz // 100, 4))
    hands = np.empty(len(acts), dtype=acts[0].hand.dtype)
    for i, act in enumerate(acts):  # NumPy takes 50 times as long to make them an array by itself
        hands[i] = act.hand
    _sign_acts(hands, units, keys.reshape(-1, 10), efforts, letters(), float(rate_hz), counts, samples)
    return samples, counts


def execute(act: Act, *, rate_hz: int = 100) -> Signature:
    """Return the signature an act produces, sampled at one of `RATES_HZ`.

    Another rate is the same movement: rows of equal time have equal positions, and nearly equal pressure.

    Args:
        act: What `genuine_act` or `forgery_act` returned.
        rate_hz: Samples per second; 100 is what every image is drawn from.

    Raises:
        ValueError: If the rate is not one of `RATES_HZ`.
    """
    samples, counts = sign_acts([act], rate_hz=rate_hz)
    return Signature(act, samples[0, : counts[0]].copy())


def genuine(signer: Signer, act: int) -> Signature:
    """Return a signer's signature number `act`."""
    return execute(genuine_act(signer, act))
