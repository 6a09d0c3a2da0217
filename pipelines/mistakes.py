"""Five ways to a flattering number, each beside the honest one on the same features: for teaching.

Every function returns two accuracies of balanced classes, 0 to 1, of the same classifier on the same frozen features;
only the mistake differs. Nothing here is used by an evaluation.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import World, render_batch
from synth.acts import genuine_act
from synth.forgery import forgery_act

from .baselines import hog_features
from .calibration import choose_thresholds
from .cohort import FIRST, HEIGHT, WIDTH, cohort, cohort_trials
from .drawing import draw_in_chunks
from .metrics import eer, eer_per_signer, far, frr
from .preprocess import preprocess, to_ink
from .trials import TrialTable

_FORGERS = 5_000


class Claim(NamedTuple):
    """What was claimed, and what holds once the mistake is repaired: accuracies of balanced classes, 0 to 1."""

    claimed: float
    honest: float


def pairs(student: int) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.str_]]:
    """Return features of (reference, questioned) side by side, whether genuine, and the claimed signer of each pair."""
    found = cohort(student, "test", genuine=5, forgeries=5)
    rows, genuine, claimed = [], [], []
    signer, real = found.table.signer, found.table.kind == "genuine"
    for reference in np.flatnonzero(real):
        for questioned in np.flatnonzero(signer == signer[reference]):
            if questioned != reference:
                rows.append(np.concatenate([found.features[reference], found.features[questioned]]))
                genuine.append(real[questioned])
                claimed.append(signer[reference])
    return np.stack(rows), np.array(genuine), np.array(claimed)


def nearest_label(
    train: NDArray[np.float32], labels: NDArray[np.bool_], test: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Return the label of the nearest training row of each test row: a classifier with a perfect memory.

    Args:
        train: Shape ``(n, d)``.
        labels: Of its rows, shape ``(n,)``.
        test: Shape ``(m, d)``.

    Returns:
        Shape ``(m,)``.
    """
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(n_neighbors=1, algorithm="brute").fit(train, labels).predict(test)


def signer_leak(student: int) -> Claim:
    """Split pairs at random, so that every signature is on both sides; then split signers."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

    rows, genuine, claimed = pairs(student)
    by_pair, by_signer = (one(1, test_size=0.3, random_state=0) for one in (ShuffleSplit, GroupShuffleSplit))
    found = []
    for train, test in (next(by_pair.split(rows)), next(by_signer.split(rows, groups=claimed))):
        answers = nearest_label(rows[train], genuine[train], rows[test])
        found.append(float(balanced_accuracy_score(genuine[test], answers)))
    return Claim(*found)


def tinted(student: int, *, levels: int = 8) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.str_]]:
    """Return captured images whose forgeries went through a slightly darker scanner, whether genuine, and signers.

    Args:
        student: Seed of the world.
        levels: By how many grey levels, of 255, the paper of forgeries is darker.
    """
    found = cohort(student, "test")
    drawn = render_batch(found.acts, height=HEIGHT, width=WIDTH, capture="clean")
    genuine = found.table.kind == "genuine"
    images = [np.clip(i.astype(np.int16) - levels * (not g), 0, 255) for i, g in zip(drawn, genuine, strict=True)]
    return np.stack(images).astype(np.uint8), genuine, found.table.signer


def scanner_tint(student: int) -> Claim:
    """Judge single images by their pixels, forgeries scanned apart; then by what preprocessing leaves of them."""
    images, genuine, signers = tinted(student)
    pixels = images.reshape(len(images), -1).astype(np.float32)
    canvases = np.stack([preprocess(image, height=HEIGHT, width=WIDTH) for image in images])
    clean = hog_features(to_ink(canvases)[..., 0])
    grey = np.stack([np.median(pixels, axis=1), np.quantile(pixels, 0.9, axis=1)], axis=1)
    return Claim(*(_across_signers(rows, genuine, signers) for rows in (grey, clean)))


def _across_signers(rows: NDArray[np.floating], genuine: NDArray[np.bool_], signers: NDArray[np.str_]) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    answers = cross_val_predict(model, rows, genuine, groups=signers, cv=GroupKFold(4))
    return float(balanced_accuracy_score(genuine, answers))


def threshold_from_test(student: int) -> Claim:
    """Give each test signer the threshold that suits their own trials best; then one frozen on development signers."""
    test, development = (cohort_trials(student, part) for part in ("test", "development"))
    genuine, skilled = test.select(kind="genuine"), test.select(kind="skilled")
    tuned = eer_per_signer(genuine.score, genuine.claimed, skilled.score, skilled.claimed).rate
    return Claim(1.0 - tuned, accuracy_at(test, frozen_threshold(development), "skilled"))


def frozen_threshold(development: TrialTable) -> float:
    """Return where FRR and FAR of skilled forgeries meet on development signers."""
    chosen = choose_thresholds(*(development.select(kind=kind) for kind in ("genuine", "skilled", "random")))
    return chosen["eer_skilled"].threshold


def accuracy_at(trials: TrialTable, threshold: float, kind: str) -> float:
    """Return the accuracy, 0 to 1, at a threshold, genuine trials and one kind of forgery weighing the same.

    Args:
        trials: Scored.
        threshold: A score of it or above is accepted.
        kind: Of forgery, such as "skilled".
    """
    wrong = frr(trials.select(kind="genuine").score, threshold) + far(trials.select(kind=kind).score, threshold)
    return 1.0 - wrong / 2.0


def random_only(student: int) -> Claim:
    """Judge by other people's signatures, then by skilled forgeries; both at the equal error rate."""
    trials = cohort_trials(student, "test")
    genuine = trials.select(kind="genuine").score
    return Claim(*(1.0 - eer(genuine, trials.select(kind=kind).score).rate for kind in ("random", "skilled")))


class Blind(NamedTuple):
    """What a classifier that sees one image, and no reference, makes of it.

    Attributes:
        familiar: Accuracy on new images of the signers it was trained on.
        unfamiliar: Accuracy on signers it has not met.
        accepts_strangers: Share of strangers' signatures, in their own hand, that it takes for the claimed signer's.
    """

    familiar: float
    unfamiliar: float
    accepts_strangers: float


def blind_classifier(student: int, *, signers: int = 40, skill: float = 0.3) -> Blind:
    """Train a classifier to tell genuine from forged by single images of some signers, each forged by one person.

    Args:
        student: Seed of the world.
        signers: How many; as many more are the unfamiliar ones.
        skill: Of the forgers.
    """
    from sklearn.metrics import balanced_accuracy_score

    world, first, acts = World(student), FIRST["test"], []
    for i in range(2 * signers):
        person, forger = world[first + i], world[first + _FORGERS + i]
        acts += [genuine_act(person, 4 * k) for k in range(6)]
        acts += [forgery_act(person, by=forger, kind="freehand", skill=skill, act=4 * k) for k in range(6)]
    rows = hog_features(to_ink(draw_in_chunks(acts, height=HEIGHT, width=WIDTH))[..., 0])
    genuine = np.array([act.kind == "genuine" for act in acts])
    known = np.array([act.claimed.index < first + signers for act in acts])
    train = known & np.array([act.number < 16 for act in acts])
    answers = nearest_label(rows[train], genuine[train], rows)
    familiar, unfamiliar = (
        float(balanced_accuracy_score(genuine[some], answers[some])) for some in (known & ~train, ~known)
    )
    # a stranger who signs in their own hand wrote a genuine signature: without a reference there is no difference
    return Blind(familiar, unfamiliar, float(answers[~known & genuine].mean()))
