"""Robustness: the same signing act on another path from paper to pixels, and how far the answer moves.

The goal is that the answer stays in 95 of 100 trials. The reference is always a scan; only the questioned image
changes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import World, render
from synth.acts import Act, execute, genuine_act
from synth.forgery import forgery_act

from .config import RunConfig
from .curve_points import Points
from .handling import DPI, turned
from .splits import judges
from .verifier import Verifier

GOAL = 0.95
HEAD = ("image", "trials", "signers", "shift_median", "shift_5", "shift_95", "unchanged", "low", "high", "unreadable")
Image = NDArray[np.uint8]


def jpeg(image: Image, quality: int = 60) -> Image:
    """Return an image after JPEG compression."""
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def halved(image: Image) -> Image:
    """Return an image at half its height and width."""
    size = (max(image.shape[1] // 2, 2), max(image.shape[0] // 2, 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def variants(act: Act) -> dict[str, Image]:
    """Return one act as a scan at 300 dpi and as that, photographed, compressed, turned and at half size."""
    signature = execute(act)
    scan = render(signature, dpi=DPI, capture="scan")
    return {
        "scan, 300 dpi": scan,
        "phone photo": render(signature, dpi=DPI, capture="photo"),
        "JPEG, quality 60": jpeg(scan),
        "turned 5 degrees": turned(scan),
        "half size": halved(scan),
    }


class Answers(NamedTuple):
    """Log10 likelihood ratios of all trials, one row an image variant, and the claimed signer of each trial.

    An image that could not be read has NaN.
    """

    names: list[str]
    log10_lr: NDArray[np.float64]
    signer: NDArray[np.str_]


def answers(
    verifier: Verifier, config: RunConfig, *, signers: int, told: Callable[[int], None] = lambda n: None
) -> Answers:
    """Return the likelihood ratios of three genuine and three forged acts a signer, in every variant.

    Args:
        verifier: Calibrated.
        config: The run's.
        signers: How many test signers.
        told: Hears how many images were made.

    Raises:
        ValueError: If the verifier has no calibration.
    """
    if verifier.calibrator is None:
        raise ValueError("this verifier has no calibration yet; evaluate its run first")
    world, people = World(config.world.seed), judges(config.world, max(signers, 4))
    found, names, owners = [], [], []
    for i in range(signers):
        signer = world[people[i]]
        acts = [genuine_act(signer, 4 * (k + 1)) for k in range(3)]
        for k, skill in enumerate((0.5, 0.7, 0.9)):
            by = world[people[(i + 1 + k) % len(people)]]
            acts.append(forgery_act(signer, by=by, kind="freehand", skill=skill, act=k))
        images = [variants(act) for act in acts]
        names = list(images[0])
        reference = render(execute(genuine_act(signer, 0)), dpi=DPI, capture="scan")
        flat = [reference, *(image[name] for image in images for name in names)]
        found.append(_ratios(verifier, flat).reshape(len(acts), len(names)))
        owners += [str(signer.index)] * len(acts)
        told(len(flat))
    return Answers(names, np.concatenate(found).T, np.array(owners))


def _ratios(verifier: Verifier, images: list[Image]) -> NDArray[np.float64]:
    """Return log10 LRs of all but the first image against the first; NaN where preprocessing refuses one."""
    assert verifier.calibrator is not None
    canvases, readable = [], []
    for image in images:
        try:
            canvases.append(verifier.canvas(image))
            readable.append(True)
        except ValueError:  # no ink stands out
            readable.append(False)
    embedded = verifier.embed_canvases(np.stack(canvases))
    ratios = np.full(len(images), np.nan)
    ratios[readable] = verifier.calibrator.log10_lr(verifier.pair_scores(embedded[:1], embedded)[0])
    return ratios[1:]


def robustness(found: Answers, threshold_lr: float, *, seed: int, draws: int = 1000) -> Points:
    """Return for each variant how far log10 LR moved and in which share of trials accept or reject stayed.

    Args:
        found: From `answers`; the first variant is what the others are held against.
        threshold_lr: The log10 LR at the frozen threshold.
        seed: Of the bootstrap over signers.
        draws: Of the bootstrap.
    """
    names, owner = np.unique(found.signer, return_inverse=True)
    before, rows = found.log10_lr[0], []
    drawn = np.random.default_rng(seed).integers(len(names), size=(draws, len(names)))
    for name, after in zip(found.names[1:], found.log10_lr[1:], strict=True):
        known = np.isfinite(before)
        shift = (after - before)[known & np.isfinite(after)]
        same = np.where(np.isfinite(after), (after >= threshold_lr) == (before >= threshold_lr), False)[known]
        per_signer = np.bincount(owner[known], same, len(names)), np.bincount(owner[known], minlength=len(names))
        low, high = np.quantile(per_signer[0][drawn].sum(1) / per_signer[1][drawn].sum(1), [0.025, 0.975])
        middle = [float(v) for v in np.quantile(shift, [0.5, 0.05, 0.95])] if len(shift) else [float("nan")] * 3
        unreadable = int((~np.isfinite(after)).sum())
        counts = (name, int(known.sum()), len(names))
        rows.append((*counts, *middle, float(same.mean()), float(low), float(high), unreadable))
    return Points("robustness", HEAD, rows)


def record(points: Points) -> list[dict[str, Any]]:
    """Return the rows as dictionaries for JSON."""
    return [dict(zip(points.head, row, strict=True)) for row in points.rows]
