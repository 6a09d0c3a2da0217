"""Nuisance probes: what pen, paper and scanner leave in an image must not tell a forgery from a genuine act.

Each statistic is measured on single images, and as the difference between a reference and a questioned image
of the same claimed signer. The area under the ROC curve (AUC) has to be 0.5 within 0.03. Pens are compared
on three kinds of image: as captured, preprocessed, and at true size.

A canvas is fitted to the signature, so a forgery of a wrong size shows its pen thinner or thicker there. That
is a known fault of darkness on a canvas (`FITTED`), marked as expected to fail and bounded; the pen
itself is checked at true size, where a wrong size moves nothing. How much of a canvas is inked also follows
from the shape of a signature and is bounded only.
"""

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pipelines.config import BatchSettings
from pipelines.preprocess import preprocess
from pipelines.sampling import batch_acts
from synth import World, render, render_batch
from synth.acts import Signature, execute, genuine_act
from synth.render import equipment

HEIGHT, WIDTH = 96, 192
TOLERANCE = 0.03
WORLD = World(11)
SETTINGS = BatchSettings(simple_share=0.0)
NUISANCES = ("width", "darkness", "background", "background_sd", "height", "wide")
FITTED = {("preprocessed", "darkness")}
BOUNDED = ("width", "darkness", "ink_share", "mean_darkness")
BATCHES = 106  # of 48 genuine and 48 forged: 5,088 images a cell


def statistics(image):
    """What one image says about its pen, paper and scanner."""
    threshold, _ = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = image <= threshold
    inside = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)
    centre = ink & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)))
    paper = image[cv2.dilate(ink.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0]
    return {
        "width": 2.0 * inside[centre].mean() - 1.0,
        "darkness": image[centre].mean(),
        "background": float(np.median(paper)),
        "background_sd": paper.std(),
        "height": image.shape[0],
        "wide": image.shape[1],
        "ink_share": ink.mean(),
        "mean_darkness": image[ink].mean(),
    }


def trials(batches):
    """Questioned acts, a reference for each (shared with no other), and whether the questioned is forged."""
    questioned, references = [], []
    for number in range(batches):
        acts, _ = batch_acts(WORLD, range(100_000), SETTINGS, number)
        questioned += acts
        references += [genuine_act(act.claimed, 10**6 + i) for i, act in enumerate(acts)]
    return questioned, references, np.array([act.kind != "genuine" for act in questioned])


def areas(forged, questioned, references):
    """AUC of one statistic on single images, and of its difference from the reference's."""
    return (
        roc_auc_score(forged, questioned),
        roc_auc_score(forged, np.abs(questioned - references)),
    )


def probe(batches):
    """Both AUCs of every statistic of every kind of image."""
    questioned, references, forged = trials(batches)
    measured = {"captured": [], "preprocessed": [], "true size": []}
    for acts in (questioned, references):
        rows = {kind: [] for kind in measured}
        for i in range(0, len(acts), 96):
            pictures = render_batch(acts[i : i + 96], height=HEIGHT, width=WIDTH)
            rows["captured"] += map(statistics, pictures)
            canvases = (preprocess(picture, height=HEIGHT, width=WIDTH) for picture in pictures)
            rows["preprocessed"] += map(statistics, canvases)
            page = (render(execute(act), dpi=200, capture="scan") for act in acts[i : i + 96])
            rows["true size"] += map(statistics, page)
        for kind, found in rows.items():
            measured[kind].append({name: np.array([row[name] for row in found], dtype=float) for name in found[0]})
    return {(kind, name): areas(forged, q[name], r[name]) for kind, (q, r) in measured.items() for name in q}


@pytest.fixture(scope="module")
def found():
    return probe(BATCHES)


def cells():
    reason = "the canvas is fitted to the signature, so forgeries of a wrong size show their pens thinner"
    for kind in ("captured", "preprocessed", "true size"):
        for name in NUISANCES:
            # at true size the page is as large as the signature: its shape, not a nuisance
            if not (kind == "true size" and name in ("height", "wide")):
                known = (kind, name) in FITTED
                marks = [pytest.mark.xfail(reason=reason, strict=False)] if known else []
                yield pytest.param(kind, name, marks=marks)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), list(cells()))
def test_no_nuisance_tells_a_forgery(found, kind, name):
    single, pair = found[kind, name]
    assert single == pytest.approx(0.5, abs=TOLERANCE)
    assert pair == pytest.approx(0.5, abs=TOLERANCE)


@pytest.mark.slow
@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("kind", ["captured", "preprocessed"])
def test_what_follows_from_a_wrong_size_or_shape_stays_weak(found, kind, name):
    for area in found[kind, name]:
        assert area == pytest.approx(0.5, abs=0.07)


def test_the_equipment_drawn_for_an_act_does_not_depend_on_its_kind():
    """The cheap half, without an image: every number of the pen and of the capture."""
    questioned, references, forged = trials(BATCHES)

    def drawn(acts):
        nothing = np.zeros((0, 4))
        pairs = [equipment(Signature(act, nothing), "mixed") for act in acts]
        pens, captures = np.array([pen for pen, _ in pairs]), np.array([capture for _, capture in pairs])
        return {name: table[name] for table in (pens, captures) for name in table.dtype.names}

    ours, theirs = drawn(questioned), drawn(references)
    for name, values in ours.items():
        for area in areas(forged, values, theirs[name]):
            assert area == pytest.approx(0.5, abs=TOLERANCE), name


def test_the_probe_notices_a_forger_with_a_pen_of_his_own():
    """The probe can fail: a line a tenth of a millimetre thicker is seen at once."""
    pens = np.exp(np.random.default_rng(0).uniform(np.log(0.18), np.log(0.6), (2, 2, 3000)))
    forged = np.repeat([False, True], 3000)
    single, _ = areas(forged, pens[0].ravel(), pens[1].ravel())
    assert single == pytest.approx(0.5, abs=TOLERANCE)
    tied = np.concatenate([pens[0, 0], pens[0, 1] + 0.1])
    assert areas(forged, tied, pens[1].ravel())[0] > 0.5 + 2 * TOLERANCE


def test_the_measured_width_and_darkness_are_those_of_a_line():
    image = np.full((60, 200), 240, np.uint8)
    image[27:34, 20:180] = 40
    measured = statistics(image)
    assert measured["width"] == pytest.approx(7, abs=1)
    assert measured["darkness"] == 40
    assert measured["background"] == 240
    assert measured["background_sd"] == 0
    assert (measured["height"], measured["wide"]) == (60, 200)
