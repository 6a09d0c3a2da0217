"""What a closed-set classification got right: accuracy, macro precision, recall and F1, by person and overall."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Strings = NDArray[np.str_]


def class_metrics(truth: Strings, predicted: Strings, *, draws: int = 1000, seed: int) -> dict[str, Any]:
    """Return accuracy with its 95 % interval over signers, and macro precision, recall and F1.

    Precision of a person whom nobody was taken for is 0, as scikit-learn has it.

    Args:
        truth: Who signed, shape ``(n,)``.
        predicted: Who was named, shape ``(n,)``.
        draws: Of signers, for the interval.
        seed: Of the draws.
    """
    from sklearn.metrics import precision_recall_fscore_support

    names = np.unique(truth)
    macro = precision_recall_fscore_support(truth, predicted, labels=names, average="macro", zero_division=0.0)
    hits = truth == predicted
    low, high = signer_interval(hits, truth, draws=draws, seed=seed)
    return {
        "signatures": int(truth.size),
        "signers": int(names.size),
        "accuracy": {"value": float(hits.mean()), "low": low, "high": high},
        "precision": float(macro[0]),
        "recall": float(macro[1]),
        "f1": float(macro[2]),
    }


def signer_interval(hits: NDArray[np.bool_], signers: Strings, *, draws: int, seed: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of a hit rate, 0 to 1, from a bootstrap over signers with all their images.

    Args:
        hits: Whether each image was named rightly, shape ``(n,)``.
        signers: Who signed each, shape ``(n,)``.
        draws: Bootstrap samples.
        seed: Of the samples.
    """
    _, place = np.unique(signers, return_inverse=True)
    right, all_ = np.bincount(place, hits.astype(np.float64)), np.bincount(place).astype(np.float64)
    chosen = np.random.default_rng(seed).integers(right.size, size=(draws, right.size))
    low, high = np.quantile(right[chosen].sum(axis=1) / all_[chosen].sum(axis=1), [0.025, 0.975])
    return float(low), float(high)


def by_signer(truth: Strings, predicted: Strings) -> list[dict[str, Any]]:
    """Return one row a person, the worst first: signatures, hits, precision, recall, F1, and who was named instead."""
    from sklearn.metrics import precision_recall_fscore_support

    names = np.unique(truth)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=names, average=None, zero_division=0.0
    )
    rows = []
    for place, name in enumerate(names.tolist()):
        named = predicted[truth == name]
        wrong = [word for word in named.tolist() if word != name]
        rows.append(
            {
                "signer": name,
                "signatures": int(support[place]),
                "hits": int((named == name).sum()),
                "hit_rate": float(recall[place]),
                "precision": float(precision[place]),
                "recall": float(recall[place]),
                "f1": float(f1[place]),
                "taken_for": sorted(set(wrong)),
            }
        )
    return sorted(rows, key=lambda row: (row["f1"], row["signer"]))


def confusions(truth: Strings, predicted: Strings) -> tuple[Strings, NDArray[np.intp]]:
    """Return the names and the confusion matrix: rows who signed, columns who was named."""
    from sklearn.metrics import confusion_matrix

    names = np.unique(np.concatenate([truth, predicted]))
    return names, np.asarray(confusion_matrix(truth, predicted, labels=names), dtype=np.intp)
