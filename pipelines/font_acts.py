"""Signing and forging with warped vector fonts, and the pictures of it: lines, blur and noise by OpenCV alone."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from .font_signers import ALLOGRAPH_SPREAD, SPREAD, FontSigner, Lines, allographs, font_signer, keyed, shape
from .protocols import SignatureSet
from .sampling import draw_skill, pick_signers
from .settings import EvaluationSettings

_ACT, _PERCEIVED, _FORGED, _PICKED, _PEN = range(2, 7)
_MODES = 3
_OWN_HAND, _MISTAKE = 0.9, 0.7
"""Of a forger's own habits and lasting mistakes; chosen so that HOG errs about as often as on the worlds of `synth`."""


class FontAct(NamedTuple):
    """One signature to draw; `by` is `claimed` if it is genuine, and then `skill` is NaN."""

    claimed: FontSigner
    by: FontSigner
    skill: float
    number: int


def trace(seed: int, act: FontAct) -> Lines:
    """Return the lines of one act, in x-heights, y up.

    A forger writes the target's name: what is not yet practised is partly the forger's own hand, partly a mistake
    about the target that the same forger always makes; lines waver the more, the less they are practised.
    """
    claimed, by = act.claimed, act.by
    rng = keyed(seed, _ACT, by.signer_id, act.number)
    hand, bent, waver = claimed.hand, allographs(seed, claimed, claimed.text), 0.0
    if by.signer_id != claimed.signer_id:
        rng = keyed(seed, _FORGED, by.signer_id, claimed.signer_id, act.number)
        left, wrong = (1.0 - act.skill) ** 0.75, keyed(seed, _PERCEIVED, by.signer_id, claimed.signer_id)
        hand = hand + left * (_OWN_HAND * (by.hand - hand) + _MISTAKE * SPREAD * wrong.standard_normal(hand.shape))
        own = allographs(seed, by, claimed.text)
        bent = bent + left * (
            _OWN_HAND * (own - bent) + _MISTAKE * ALLOGRAPH_SPREAD * wrong.standard_normal(bent.shape)
        )
        waver = 0.03 * left
    spread = by.stability
    hand = hand + spread * SPREAD * rng.standard_normal(hand.shape)
    bent = bent + spread * ALLOGRAPH_SPREAD * rng.standard_normal(bent.shape)
    lines = shape(claimed, hand, bent)
    field, length = _field(rng, spread), max(float(line[:, 0].max()) for line in lines) + 1e-9
    return [_wavered(_warped(line, field, length), rng, waver) for line in lines]


def _field(rng: np.random.Generator, spread: float) -> NDArray[np.float64]:
    """Return a smooth warp of a whole act: amplitude, phase and tilt of each mode, for x and for y; `(2, modes, 3)`."""
    amplitude = 0.4 * spread * rng.standard_normal((2, _MODES, 1)) / np.arange(1, _MODES + 1)[:, None]
    return np.concatenate([amplitude, rng.uniform(0, 2 * np.pi, (2, _MODES, 2))], axis=2)


def _warped(line: NDArray[np.float64], field: NDArray[np.float64], length: float) -> NDArray[np.float64]:
    order = np.arange(1, _MODES + 1)[:, None]
    waves = []
    for amplitude, phase, tilt in np.moveaxis(field, 2, 1)[..., None]:
        along = 2 * np.pi * order * line[:, 0] / length
        waves.append((amplitude * np.sin(along + phase + line[:, 1] * np.cos(tilt))).sum(axis=0))
    return line + np.stack(waves, axis=1)


def _wavered(line: NDArray[np.float64], rng: np.random.Generator, size: float) -> NDArray[np.float64]:
    noise = rng.standard_normal(line.shape)
    return line + size * cv2.GaussianBlur(noise, (1, 0), sigmaX=1e-6, sigmaY=1.5) if size else line


def picture(seed: int, act: FontAct, *, x_height_px: float = 26.0) -> NDArray[np.uint8]:
    """Return one act as a grey picture, dark on light: even lines, a blur, a paper level and noise, all of the act.

    Args:
        seed: Of the world of fonts.
        act: What to draw.
        x_height_px: Height of a small letter in px.
    """
    lines = trace(seed, act)
    rng = keyed(
        seed,
        _PEN,
        act.claimed.signer_id,
        act.by.signer_id,
        2 * act.number + int(act.by.signer_id != act.claimed.signer_id),
    )
    scale, pen = 2 * x_height_px, float(rng.uniform(0.07, 0.16))  # drawn at twice the size
    every = np.concatenate(lines) * (scale, -scale)
    corner, margin = every.min(axis=0), int(0.6 * scale)
    width, height = (np.ceil(every.max(axis=0) - corner).astype(int) + 2 * margin).tolist()
    sheet = np.zeros((height, width), dtype=np.uint8)
    points = [np.round(16 * (line * (scale, -scale) - corner + margin)).astype(np.int32) for line in lines]
    cv2.polylines(sheet, points, False, 255, thickness=max(round(pen * scale), 1), lineType=cv2.LINE_AA, shift=4)
    soft = cv2.GaussianBlur(sheet, (0, 0), float(rng.uniform(0.8, 2.0)))
    ink = cv2.resize(soft, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    paper, dark = rng.uniform(215, 255), rng.uniform(20, 110)
    grey = paper - ink * (paper - dark) + rng.normal(0, rng.uniform(0, 4), ink.shape)
    return np.asarray(np.clip(np.round(grey), 0, 255), dtype=np.uint8)


def font_acts(seed: int, signers: Sequence[int], settings: EvaluationSettings) -> tuple[list[FontAct], SignatureSet]:
    """Return genuine acts of each signer and forgeries by others of them, of the skills a world is evaluated with.

    Args:
        seed: Of the world of fonts.
        signers: Who takes part, two or more.
        settings: How many genuine signatures and forgeries, and the law of the forgers' skills.

    Raises:
        ValueError: If there is one signer only, whom nobody could forge.
    """
    if len(signers) < 2:
        raise ValueError(f"{len(signers)} signer cannot be forged by another; use 2 or more")
    people = {index: font_signer(seed, index) for index in signers}
    acts: list[FontAct] = []
    for index in signers:
        rng = keyed(seed, _PICKED, index)
        acts += [FontAct(people[index], people[index], float("nan"), k) for k in range(settings.genuine)]
        forgers = pick_signers(rng, signers, min(3, len(signers) - 1), but=index)
        for i in range(settings.forgeries):
            skill = draw_skill(rng, settings.skill_shapes)
            acts.append(FontAct(people[index], people[forgers[i % len(forgers)]], skill, i))
    return acts, describe(acts)


def describe(acts: Sequence[FontAct]) -> SignatureSet:
    """Return the protocols' view of acts."""
    genuine = [act.by.signer_id == act.claimed.signer_id for act in acts]
    rows: list[tuple[Any, ...]] = [
        (
            str(act.claimed.signer_id),
            "genuine" if own else "skilled",
            "" if own else str(act.by.signer_id),
            act.skill,
            f"font/{act.claimed.signer_id}/{act.by.signer_id}/{act.number}",
        )
        for act, own in zip(acts, genuine, strict=True)
    ]
    signer, kind, forger, skill, name = zip(*rows, strict=True)
    return SignatureSet.of(signer=signer, kind=kind, forger=forger, skill=skill, name=name)
