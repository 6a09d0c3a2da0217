"""Shortcut probes: what could tell a forgery from a genuine act without looking at the handwriting.

Nuisance probes measure pen, paper and scanner on single images, and as the absolute difference between a reference
and a questioned image of the same claimed signer. Their area under the ROC curve (AUC) has to stay near 0.5.
The reference-blind probe is different: a small classifier sees one image and no reference. Hesitation is evidence,
so its AUC may exceed 0.5; it is published per kind of forgery, for a verifier has to beat it.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import World, render, render_batch
from synth.acts import Act, execute, genuine_act
from synth.image_statistics import measure_image

from .grouping import plan_signers
from .preprocess import BlankImage, preprocess
from .settings import BatchSettings
from .sources import WorldSource

HEIGHT, WIDTH = 96, 192
VIEWS = ("captured", "preprocessed", "true size")
NUISANCES = ("width", "darkness", "background", "background_sd", "height", "wide")
"""What pen, paper, scanner and page alone should move; `nuisances` returns two more, which shape moves too."""
EVERY_NUISANCE = (*NUISANCES, "ink_share", "mean_darkness")
TOLERANCE = 0.03
_EVERYBODY = range(100_000)
_GRID = (3, 6)
_DIRECTIONS = 12


def nuisances(image: NDArray[np.uint8]) -> dict[str, float]:
    """Return what one image says about its pen, paper and scanner.

    Args:
        image: Grey pixels, dark ink on light paper, shape ``(height, width)``.

    Returns:
        Line width and darkness along the middle of the lines, level and s.d. of the paper, size of the image in
        px, and ink share and mean darkness of all ink.
    """
    threshold, _ = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = image <= threshold
    inside = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    centre = ink & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))
    paper = image[cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0]
    if len(paper) == 0:
        paper = image[~ink]
    return {
        "width": 2.0 * float(inside[centre].mean()) - 1.0,
        "darkness": float(image[centre].mean()),
        "background": float(np.median(paper)) if len(paper) else 255.0,
        "background_sd": float(paper.std()) if len(paper) else 0.0,
        "height": float(image.shape[0]),
        "wide": float(image.shape[1]),
        "ink_share": float(ink.mean()),
        "mean_darkness": float(image[ink].mean()),
    }


class Trials(NamedTuple):
    """Questioned acts, a reference for each (shared with no other), and whether the questioned one is forged."""

    questioned: list[Act]
    references: list[Act]
    forged: NDArray[np.bool_]


class Areas(NamedTuple):
    """AUC of a statistic of the questioned image, and of its absolute difference from the reference's.

    `refused` counts the trials left out, since no ink stood out in one of their images.
    """

    single: float
    pair: float
    refused: int = 0


def trials(world: World, batches: int, *, settings: BatchSettings | None = None) -> Trials:
    """Return the trials of some training batches; 48 genuine and 48 forged questioned acts each by default.

    Args:
        world: Anybody of it may sign.
        batches: How many.
        settings: Signers, acts and forgeries of a batch.
    """
    everybody, chosen = WorldSource(world, _EVERYBODY), settings or BatchSettings(simple_share=0.0)
    questioned: list[Act] = []
    references: list[Act] = []
    for number in range(batches):
        acts = plan_signers(everybody, chosen, number).items
        questioned += acts
        references += [genuine_act(act.claimed, 10**6 + i) for i, act in enumerate(acts)]
    return Trials(questioned, references, np.array([act.kind != "genuine" for act in questioned]))


def areas(forged: NDArray[np.bool_], questioned: NDArray[np.floating], references: NDArray[np.floating]) -> Areas:
    """Return both AUCs of one statistic; 0.5 says that it tells nothing. Trials with a NaN are left out and counted.

    Args:
        forged: Whether the questioned act is forged, shape ``(n,)``.
        questioned: The statistic of the questioned image.
        references: The statistic of its reference.
    """
    from sklearn.metrics import roc_auc_score

    pair = np.abs(questioned - references)
    seen = np.isfinite(pair)
    if forged[seen].all() or not forged[seen].any():
        return Areas(float("nan"), float("nan"), int((~seen).sum()))
    single = float(roc_auc_score(forged[seen], questioned[seen]))
    return Areas(single, float(roc_auc_score(forged[seen], pair[seen])), int((~seen).sum()))


def nuisance_probe(
    world: World,
    batches: int,
    *,
    capture: str = "mixed",
    views: Sequence[str] = VIEWS,
) -> dict[tuple[str, str], Areas]:
    """Return both AUCs of every nuisance, by view of the image and name.

    Args:
        world: Its pens are what is probed.
        batches: How many training batches; 106 make 5,088 images of each label.
        capture: A capture profile.
        views: "captured" (on a canvas), "preprocessed", "true size" (200 dpi; a bilevel capture stays one).

    Raises:
        ValueError: If a view is unknown.
    """
    if unknown := set(views) - set(VIEWS):
        raise ValueError(f"unknown view {unknown.pop()!r}; use some of: {', '.join(VIEWS)}")
    questioned, references, forged = trials(world, batches)
    starts = range(0, len(questioned), 96)

    def measured(acts: Sequence[Act]) -> dict[str, list[dict[str, float]]]:
        pictures = render_batch(acts, height=HEIGHT, width=WIDTH, capture=capture)
        return {view: [_measured(image) for image in _seen(view, acts, pictures, capture)] for view in views}

    def columns(acts: list[Act]) -> dict[tuple[str, str], NDArray[np.float64]]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # drawing and OpenCV hold no lock
            chunks = list(pool.map(measured, [acts[start : start + 96] for start in starts]))
        rows = {view: [row for chunk in chunks for row in chunk[view]] for view in views}
        return {(view, name): np.array([row[name] for row in rows[view]]) for view in views for name in rows[view][0]}

    ours, theirs = columns(questioned), columns(references)
    return {cell: areas(forged, ours[cell], theirs[cell]) for cell in ours}


def _measured(image: NDArray[np.uint8] | None) -> dict[str, float]:
    """Return the nuisances of an image, or NaN for one that `preprocess` refused."""
    return dict.fromkeys(EVERY_NUISANCE, float("nan")) if image is None else nuisances(image)


def _preprocessed(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    try:
        return preprocess(picture, height=HEIGHT, width=WIDTH)
    except BlankImage:  # a faint pencil in an unsharp, small photograph: what a user would be told as well
        return None


def _seen(
    view: str, acts: Sequence[Act], pictures: list[NDArray[np.uint8]], capture: str
) -> Sequence[NDArray[np.uint8] | None]:
    if view == "captured":
        return pictures
    if view == "preprocessed":
        return [_preprocessed(picture) for picture in pictures]
    page = "scan" if capture == "mixed" else capture
    return [render(execute(act), dpi=200, capture=page) for act in acts]


def shape_features(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return what one preprocessed image shows of the writing alone, shape ``(n_features,)``.

    Box, ink and components, slant; a coarse map of where the ink is; directions of the edges; and how well
    directions agree within 5 and 11 px, which trembling and hesitation lower.

    Args:
        image: From `preprocess`: dark ink on white, shape ``(height, width)``.
    """
    found = measure_image(image)
    whole = [found[name] for name in ("aspect", "ink_share", "components", "path_per_diagonal", "slant_deg")]
    ink = (255.0 - image.astype(np.float32)) / 255.0
    grid = cv2.resize(ink, _GRID[::-1], interpolation=cv2.INTER_AREA).ravel()
    right, down = cv2.Sobel(ink, cv2.CV_32F, 1, 0), cv2.Sobel(ink, cv2.CV_32F, 0, 1)
    strength = cv2.magnitude(right, down)
    angle = np.mod(np.arctan2(down, right), np.pi)
    turns = np.histogram(angle, bins=_DIRECTIONS, range=(0, np.pi), weights=strength)[0]
    agreement = []
    for side in (5, 11):
        xx, yy, xy = (cv2.blur(p, (side, side)) for p in (right * right, down * down, right * down))
        trace = xx + yy
        inked = trace > 0.05
        agreement.append(float((np.hypot(xx - yy, 2 * xy)[inked] / trace[inked]).mean()) if inked.any() else 0.0)
    return np.array([*whole, *grid.tolist(), *(turns / max(turns.sum(), 1e-9)).tolist(), *agreement])


class BlindArea(NamedTuple):
    """AUC of the reference-blind probe, its standard error over signers and how many images it rests on."""

    area: float
    error: float
    images: int


def blind_probe(
    features: NDArray[np.float64], forged: NDArray[np.bool_], signers: NDArray[Any], *, folds: int = 5
) -> BlindArea:
    """Return how well one image without a reference tells forged from genuine, on signers not trained on.

    A boosted ensemble of small trees, cross-validated over claimed signers; fixed seed.

    Args:
        features: Rows of `shape_features`, shape ``(n, d)``.
        forged: Whether each image is forged.
        signers: Claimed signer of each.
        folds: Parts that the signers are split into.

    Raises:
        ValueError: If a label is missing or there are fewer signers than folds.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import GroupKFold, cross_val_predict

    from .probe_findings import area_over_signers

    if len(set(signers.tolist())) < folds or forged.all() or not forged.any():
        raise ValueError(f"the blind probe needs both labels and {folds} signers or more")
    model = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=8, learning_rate=0.1, random_state=0)
    scores = cross_val_predict(model, features, forged, groups=signers, cv=GroupKFold(folds), method="predict_proba")[
        :, 1
    ]
    return BlindArea(*area_over_signers(forged, scores, signers), len(forged))


def auc_error(area: float, n_forged: int, n_genuine: int) -> float:
    """Return the standard error of an AUC from independent trials.

    Args:
        area: The AUC, 0 to 1.
        n_forged: Trials of one label.
        n_genuine: Of the other.

    Source:
        Hanley, McNeil (1982), "The meaning and use of the area under a receiver operating characteristic (ROC)
        curve", Radiology 143.
    """
    q1, q2 = area / (2.0 - area), 2.0 * area * area / (1.0 + area)
    variance = area * (1.0 - area) + (n_forged - 1) * (q1 - area * area) + (n_genuine - 1) * (q2 - area * area)
    return float(np.sqrt(variance / (n_forged * n_genuine)))
