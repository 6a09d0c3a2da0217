"""Naming one of a closed set of people from a few signatures each: three ways, with and without augmentation.

"nearest" and "logistic" stand on embeddings of a network trained on other signers; "scratch" is a softmax network that
has seen nothing but the few signatures, for an honest comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

METHODS = {
    "nearest": "nearest signature, embedding learnt on other signers",
    "logistic": "logistic regression, embedding learnt on other signers",
    "scratch": "softmax network from scratch, on these signatures alone",
}
HEADLINE = ("logistic", False)
"""The method, and whether it is augmented, that the figures by person are about: the best on 184 development signers of
world 7 (96.9 % of them; 96.6 % augmented), so that no class that is judged had a say."""
_MOST_FEATURES = 512

Strings = NDArray[np.str_]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a classifier says of n images.

    Attributes:
        predicted: The name of the likeliest person, shape ``(n,)``.
        confidence: In [0, 1]: a probability, or for "nearest" the cosine, clipped at 0.
    """

    predicted: Strings
    confidence: NDArray[np.float64]


class NearestSignature:
    """Names whoever signed the most similar of the known signatures, by the cosine of embeddings."""

    def fit(self, vectors: Vectors, names: Strings) -> "NearestSignature":
        """Remember signatures ``(n, d)`` of unit length, and who signed them."""
        self.vectors, self.names = vectors, names
        return self

    def answer(self, vectors: Vectors) -> Answer:
        """Return whose known signature is nearest to each of ``(n, d)``."""
        cosines = vectors @ self.vectors.T
        best = cosines.argmax(axis=1)
        return Answer(self.names[best], np.clip(cosines.max(axis=1), 0.0, 1.0).astype(np.float64))


class LogisticClassifier:
    """Softmax regression on embeddings, long ones through their principal components first.

    Args:
        strength: Inverse of the penalty on the weights; of 1, 10, 100 and 1000 the best on development signers, with
            and without augmentation, since a class of three images has none to spare for choosing it.
        seed: Of the principal components.
    """

    def __init__(self, *, strength: float = 10.0, seed: int) -> None:
        self.strength, self.seed = strength, seed
        self.mean: Any = None
        self.axes: Any = None
        self.weights: Any = None
        self.offsets: Any = None
        self.classes: Any = None

    def fit(self, vectors: Vectors, names: Strings) -> "LogisticClassifier":
        """Fit on embeddings ``(n, d)`` and who signed them."""
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression

        self.mean, self.axes = np.zeros(vectors.shape[1], dtype=np.float32), None
        if vectors.shape[1] > _MOST_FEATURES:
            n = min(_MOST_FEATURES, len(vectors) - 1)
            found = PCA(n, svd_solver="randomized", random_state=self.seed).fit(vectors)
            self.mean, self.axes = found.mean_.astype(np.float32), found.components_.T.astype(np.float32)
        model = LogisticRegression(C=self.strength, max_iter=500, tol=1e-3).fit(self._seen(vectors), names)
        self.weights, self.offsets, self.classes = model.coef_.T, model.intercept_, model.classes_.astype(str)
        if len(self.classes) == 2:  # scikit-learn keeps one column for a choice of two
            self.weights = np.concatenate([-self.weights, self.weights], axis=1) / 2
            self.offsets = np.array([-self.offsets[0], self.offsets[0]]) / 2
        return self

    def _seen(self, vectors: Vectors) -> NDArray[np.float64]:
        centred = vectors - self.mean
        return np.asarray(centred if self.axes is None else centred @ self.axes, dtype=np.float64)

    def answer(self, vectors: Vectors) -> Answer:
        """Return the likeliest person for each of ``(n, d)``, with the probability."""
        return from_logits(self._seen(vectors) @ self.weights + self.offsets, self.classes)


def from_logits(logits: NDArray[Any], classes: Strings) -> Answer:
    """Return the answer of logits, shape ``(n, n_classes)``."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True)).astype(np.float64)
    best = odds.argmax(axis=1)
    return Answer(classes[best], odds.max(axis=1) / odds.sum(axis=1))


def fit_embedded(method: str, vectors: Vectors, names: Strings, *, seed: int) -> NearestSignature | LogisticClassifier:
    """Return a classifier on embeddings, fitted.

    Args:
        method: "nearest" or "logistic".
        vectors: Of unit length, shape ``(n, d)``.
        names: Who signed each, shape ``(n,)``.
        seed: Of the logistic one's principal components.
    """
    if method == "nearest":
        return NearestSignature().fit(vectors, names)
    return LogisticClassifier(seed=seed).fit(vectors, names)


def softmax_from_scratch(
    canvases: NDArray[np.uint8],
    names: Strings,
    judged: NDArray[np.uint8],
    *,
    model: str,
    epochs: int,
    augmented: bool,
    seed: int,
    told: Callable[[int], None] = lambda n: None,
) -> Answer:
    """Train a network with a softmax on a few signatures of each person, and return its answers.

    Args:
        canvases: To learn from, shape ``(n, height, width)``.
        names: Who signed them.
        judged: To name, shape ``(m, height, width)``.
        model: Registered name of the network.
        epochs: How often each signature is seen.
        augmented: Whether it looks a little different each time.
        seed: Of weights, order and augmentation.
        told: Hears of every epoch.
    """
    import keras

    import models
    from models import heads

    from .jitter import jitter
    from .preprocess import to_ink

    classes, labels = np.unique(names, return_inverse=True)
    backbone = models.build(model, image_shape=(*canvases.shape[1:], 1), embedding_dim=128, seed=seed)
    network = heads.signers(backbone, len(classes), seed=seed)
    steps = -(-len(canvases) // _BATCH) * epochs
    rate = keras.optimizers.schedules.CosineDecay(2e-3, max(1, steps))
    network.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-4),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    order = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(names),)))
    for epoch in range(epochs):
        seen = jitter(canvases, seed=seed, number=epoch) if augmented else canvases
        for places in _batches(order, len(seen)):
            network.train_on_batch(to_ink(seen[places]), labels[places])
        told(1)
    logits = [np.asarray(network.predict_on_batch(ink)) for ink, _ in _padded(to_ink(judged))]
    sizes = [size for _, size in _padded(to_ink(judged))]
    return from_logits(np.concatenate([o[:n] for o, n in zip(logits, sizes, strict=True)]), classes.astype(str))


_BATCH = 64


def _batches(rng: np.random.Generator, n: int) -> list[NDArray[np.intp]]:
    """Return places in a new order, in batches of one size, the last filled up from the first."""
    order = rng.permutation(n)
    return [np.resize(order, -(-n // _BATCH) * _BATCH)[i : i + _BATCH] for i in range(0, n, _BATCH)]


def _padded(ink: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], int]]:
    """Return batches of one size and how many of each count, so that no shape is compiled twice."""
    found = []
    for start in range(0, len(ink), _BATCH):
        part = ink[start : start + _BATCH]
        full = np.zeros((_BATCH, *ink.shape[1:]), dtype=np.float32)
        full[: len(part)] = part
        found.append((full, len(part)))
    return found
