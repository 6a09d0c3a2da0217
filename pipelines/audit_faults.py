"""Faults of single images, found by measures alone; no label is judged here.

Limits are relative to the set where a set has a way of its own (sharpness, size, tight crops), so that a fault is what
differs from the rest. They were set on synthetic sets with planted faults.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .audit_facts import Facts

SHARP_SHARE, SHARP_DEVIATIONS = 0.65, 4.0
SIZE_SHARE, FORGED_SHARE, STROKE_SHARE, LEAST_LONGEST = 0.6, 0.3, 0.6, 24.0


class Finding(NamedTuple):
    """One fault of one image.

    Attributes:
        place: Which image of the set.
        fault: A name in `audit_judging.FAULTS`.
        reason: In words, with the measures.
        severity: Higher is worse, comparable within one fault.
    """

    place: int
    fault: str
    reason: str
    severity: float


def image_faults(
    facts: Sequence[Facts | None], unreadable: Sequence[str], signers: Sequence[str], kinds: Sequence[str]
) -> list[Finding]:
    """Return images that cannot be read, hold no ink, or are inverted, cropped, blurred or of low resolution.

    Args:
        facts: Measures of each image, or None if it could not be read.
        unreadable: Why not, or an empty string.
        signers: Claimed signer of each.
        kinds: Kind of each; a forgery's size is judged among the whole set, a genuine one's among its signer's.
    """
    found = [Finding(i, "unreadable", why, 1.0) for i, why in enumerate(unreadable) if why]
    inked: list[tuple[int, Facts]] = []
    for i, seen in enumerate(facts):
        if seen is None:
            continue
        if seen.ink_fault:
            dark = not seen.ink_fault.startswith("blank")
            found.append(Finding(i, "inverted" if dark else "blank", seen.ink_fault, 1.0))
        else:
            inked.append((i, seen))
    if inked:
        found += _cropped(inked) + _blurred(inked) + _small(inked, signers, kinds)
    return found


def _cropped(inked: list[tuple[int, Facts]]) -> list[Finding]:
    usual = float(np.median([facts.cuts for _, facts in inked]))
    least = 1 if usual == 0 else 2 * usual + 3  # a set of tight crops touches its borders everywhere
    return [
        Finding(i, "cropped", f"strokes cut by the border: {seen.cuts} (usual here: {usual:g})", float(seen.cuts))
        for i, seen in inked
        if seen.cuts >= least
    ]


def _blurred(inked: list[tuple[int, Facts]]) -> list[Finding]:
    values = np.array([facts.sharpness for _, facts in inked])
    usual = float(np.median(values))
    deviation = 1.4826 * float(np.median(np.abs(values - usual)))
    limit = min(SHARP_SHARE * usual, usual - SHARP_DEVIATIONS * deviation)
    return [
        Finding(
            i, "blurred", f"edges {value:.2f} of the contrast per px (usual: {usual:.2f})", usual / max(value, 1e-3)
        )
        for (i, _), value in zip(inked, values.tolist(), strict=True)
        if value < limit
    ]


def _small(inked: list[tuple[int, Facts]], signers: Sequence[str], kinds: Sequence[str]) -> list[Finding]:
    """Return images of far too few pixels: short ink and thin strokes together.

    A forger who knows the name alone writes it at a size of their own, so a forgery has to be short for the whole set.
    """
    longest, stroke = np.array([(facts.longest, facts.stroke) for _, facts in inked]).T
    names = np.array([signers[i] for i, _ in inked])
    usual = {name: float(np.median(longest[names == name])) for name in set(names.tolist())}
    whole, width = float(np.median(longest)), float(np.median(stroke))
    found = []
    for i, seen in inked:
        genuine = kinds[i] == "genuine"
        beside, least = (usual[signers[i]], SIZE_SHARE) if genuine else (whole, FORGED_SHARE)
        share, among = seen.longest / beside, "this signer's" if genuine else "the set's"
        if seen.longest < LEAST_LONGEST or (share < least and seen.stroke < STROKE_SHARE * width):
            size = f"ink {seen.longest:.0f} px long, {share:.0%} of {among} usual"
            reason = f"{size}; strokes {seen.stroke:.1f} px (set: {width:.1f})"
            found.append(Finding(i, "low resolution", reason, 1.0 / max(seen.longest, 1.0)))
    return found
