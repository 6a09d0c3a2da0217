"""Folds: which part of the data is judged when, so that nobody and nothing is on both sides.

Verification keeps all signatures of a signer together and stratifies by kind; classification keeps a session (a
sheet) together and stratifies by signer, since a closed set has to know everybody it names.
"""

import hashlib
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Folds = NDArray[np.intp]


def grouped_folds(strata: ArrayLike, groups: ArrayLike, *, n_folds: int, seed: int, unit: str) -> Folds:
    """Return which fold judges each row: whole groups, the strata spread as evenly as they go.

    Args:
        strata: What is spread evenly, shape ``(n,)``.
        groups: What stays together, shape ``(n,)``.
        n_folds: How many folds, 2 or more.
        seed: Shuffles the groups.
        unit: What a group is, in the plural, for messages ("signers").

    Returns:
        Fold numbers from 0, shape ``(n,)``; each fold has at least one row.

    Raises:
        ValueError: If there are fewer groups than folds, or fewer than two folds.

    Source:
        scikit-learn's ``StratifiedGroupKFold``, shuffled.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows, together = np.asarray(strata).astype(str), np.asarray(groups).astype(str)
    n_groups = np.unique(together).size
    if n_folds < 2:
        raise ValueError(f"{n_folds} folds make no cross-validation; use 2 or more")
    if n_folds > n_groups:
        raise ValueError(
            f"{n_folds} folds are more than the {n_groups} {unit}; use --folds {max(2, n_groups)} or fewer"
        )
    most = int(np.unique(rows, return_counts=True)[1].max())
    if n_folds > most:
        raise ValueError(f"{n_folds} folds are more than the {most} signatures of any one stratum; use fewer folds")
    found = np.full(rows.size, -1, dtype=np.intp)
    with warnings.catch_warnings():
        # a stratum with fewer rows than folds is judged in some of them only, which is no fault
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        for number, (_, judged) in enumerate(splitter.split(rows, rows, together)):
            found[judged] = number
    if np.unique(found).size < n_folds or (found < 0).any():
        raise ValueError(f"{n_groups} {unit} of such unequal size do not fill {n_folds} folds; use fewer folds")
    check_apart(found, together, unit)
    return found


def signer_folds(signers: ArrayLike, kinds: ArrayLike, *, n_folds: int, seed: int) -> Folds:
    """Return folds for verification: a signer's signatures together, kinds spread evenly.

    Args:
        signers: The claimed signer of each signature, shape ``(n,)``.
        kinds: "genuine", "simple" or "skilled" of each, shape ``(n,)``.
        n_folds: How many, at least 3: one judges, one chooses thresholds, the rest train.
        seed: Shuffles the signers.

    Raises:
        ValueError: If there are fewer than 3 folds, or fewer than two signers for each.
    """
    n_signers = np.unique(np.asarray(signers)).size
    if n_folds < 3:
        raise ValueError(f"{n_folds} folds are too few; 3 are needed: to train, to choose thresholds, to judge")
    if n_folds > n_signers:
        raise ValueError(f"{n_folds} folds are more than the {n_signers} signers; use fewer folds, or more signers")
    if n_signers < 2 * n_folds:
        raise ValueError(
            f"{n_signers} signers in {n_folds} folds leave one alone, without a random forger; use at most "
            f"{n_signers // 2} folds"
        )
    return grouped_folds(kinds, signers, n_folds=n_folds, seed=seed, unit="signers")


def class_folds(signers: ArrayLike, sessions: ArrayLike, *, n_folds: int, seed: int) -> Folds:
    """Return folds for classification: a session together, signers spread evenly.

    Args:
        signers: Who signed each, shape ``(n,)``.
        sessions: The session or sheet of each, or ``""`` if unknown, which makes it a session of its own.
        n_folds: How many, 2 or more.
        seed: Shuffles the sessions.

    Raises:
        ValueError: If there is one signer only, a signer has one signature only, there are fewer sessions than
            folds, or a signer is judged in a fold without a signature left to learn from.
    """
    who, when = np.asarray(signers).astype(str), np.asarray(sessions).astype(str)
    names, counts = np.unique(who, return_counts=True)
    if names.size < 2:
        raise ValueError(f"{names.size} signer is no choice; a closed set needs at least 2 signers")
    if counts.min() < 2:
        lonely = str(names[counts.argmin()])
        raise ValueError(
            f"signer {lonely!r} has {counts.min()} signature; 2 are the least, one to learn from and one to judge: "
            "add some, or leave the signer out"
        )
    together = np.where(when == "", np.char.add("row ", np.arange(who.size).astype(str)), np.char.add("session ", when))
    found = grouped_folds(who, together, n_folds=n_folds, seed=seed, unit="sessions")
    for number in range(n_folds):
        unknown = sorted(set(who[found == number].tolist()) - set(who[found != number].tolist()))
        if unknown:
            raise ValueError(
                f"signer {unknown[0]!r} has signatures of one fold's sessions only, so that nothing is left to learn "
                "from; add another session, or leave the signer out"
            )
    return found


def image_hashes(canvases: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Return a hash of each image's pixels, shape ``(n,)``; equal images have equal ones."""
    return np.array(
        [hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest() for image in canvases], dtype=str
    )


def check_apart(folds: Folds, values: ArrayLike, what: str) -> None:
    """Raise ValueError if any value lies in two folds.

    Args:
        folds: Fold numbers, shape ``(n,)``.
        values: One a row, such as signers, sessions or hashes of images; ``""`` is unknown and never compared.
        what: What they are, in the plural, for the message.
    """
    known = np.asarray(values).astype(str)
    pairs = {(value, int(fold)) for value, fold in zip(known.tolist(), folds.tolist(), strict=True) if value != ""}
    seen: dict[str, int] = {}
    for value, fold in sorted(pairs):
        if seen.setdefault(value, fold) != fold:
            raise ValueError(f"{what} must not be in two folds; {value!r} is in folds {seen[value] + 1} and {fold + 1}")


def without_repeats(canvases: NDArray[np.uint8], names: Sequence[str]) -> tuple[NDArray[np.intp], list[str]]:
    """Return the places of images that differ from all before them, and one line for each that does not."""
    first: dict[str, int] = {}
    notes = []
    for place, key in enumerate(image_hashes(canvases).tolist()):
        if first.setdefault(key, place) != place:
            notes.append(f"{names[place]}: the same picture as {names[first[key]]}, left out")
    return np.array(sorted(first.values()), dtype=np.intp), notes
