"""Why a pair scored as it did: where in the questioned signature the score comes from, and which reference it is.

Grad-CAM of the pair's score. A map is only worth looking at if it depends on what the network has learnt, so
`randomisation_check` compares it with the map of the same network with its weights shuffled.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .decisions import Enrolment
from .elastic_head import ElasticHead
from .logistic import LogisticHead
from .preprocess import to_ink
from .verifier import Images, Verifier

EXPLAINS = 0.5
"""Share of the heat on strokes below which a picture of them shows the smaller part of it."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where one pair's score comes from.

    Attributes:
        score: Of the questioned signature against the nearest reference, higher = more likely genuine.
        nearest: Place of that reference.
        scores: Against every reference, shape ``(n_references,)``.
        canvas: What the network saw of the questioned signature, uint8, dark ink on light paper.
        heat: How much each pixel's surroundings raised the score, 0 to 1, shape as ``canvas``; zeros if nothing did.
        layer: The layer whose maps were weighed.
    """

    score: float
    nearest: int
    scores: NDArray[np.float32]
    canvas: NDArray[np.uint8]
    heat: NDArray[np.float32]
    layer: str

    @property
    def on_strokes(self) -> float:
        """Share of the heat that lies on strokes or within 4 px of one, 0 to 1; little means: it looks at paper."""
        total = float(self.heat.sum())
        return float(self.heat[_near_strokes(self.canvas) > 0].sum()) / total if total > 0 else 0.0


def explain(verifier: Verifier, references: Images | Enrolment, questioned: NDArray[np.uint8]) -> Explanation:
    """Return the nearest reference and the map of what in the questioned signature speaks for it.

    Args:
        verifier: Calibrated or not.
        references: Images of the claimed signer, or what `enrol` made of them.
        questioned: One image.

    Raises:
        ValueError: If there is no reference, or the network has no maps to look at.
    """
    enrolled = references if isinstance(references, Enrolment) else verifier.enrol(references)
    canvas = verifier.prepare([questioned])[0]
    scores = verifier.pair_scores(enrolled.embeddings, verifier.embed_canvases(canvas[None]))[:, 0]
    nearest = int(scores.argmax())
    layer = last_maps(verifier.model)
    heat = grad_cam(verifier, verifier.model, layer, enrolled.embeddings[nearest], canvas)
    return Explanation(float(scores[nearest]), nearest, scores, canvas, heat, layer)


def grad_cam(
    verifier: Verifier,
    model: Any,
    layer: str,
    reference: NDArray[np.float32],
    canvas: NDArray[np.uint8],
) -> NDArray[np.float32]:
    """Return which places of a canvas raise its score against a reference, 0 to 1, shape as ``canvas``.

    Args:
        verifier: Whose head scores the pair.
        model: The network; the verifier's own, or one with other weights.
        layer: Name of a layer with maps ``(batch, height, width, channels)``.
        reference: An embedding, shape ``(d,)``.
        canvas: uint8, shape ``(height, width)``.

    Source:
        Selvaraju et al. (2017), "Grad-CAM: visual explanations from deep networks", eqs. 1 and 2. Differs: the
        slope is that of a pair's score, the reference held fixed.
    """
    head: Any = verifier.head
    ink, held = to_ink(canvas[None]), np.asarray(reference[None], np.float32)
    coarse = np.asarray(_mapping(model, layer, head)(ink, held))[0]
    if coarse.max() <= 0:
        return np.zeros(canvas.shape, dtype=np.float32)
    fine = cv2.resize(coarse / coarse.max(), canvas.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(fine, 0.0, 1.0), dtype=np.float32)


@lru_cache(maxsize=2)
def _mapping(model: Any, layer: str, head: Any) -> Any:
    """Return the compiled function from ink and a reference's embedding to the coarse map, for one shape of each.

    It is kept, as compiling takes longer than many maps; it reads the network's weights whenever it is called.
    """
    import keras
    import tensorflow as tf

    looking = keras.Model(model.input, [model.get_layer(layer).output, model.output])

    def coarse(ink: Any, held: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(ink)  # frozen weights are not watched by themselves
            maps, embedding = looking(ink, training=False)
            score = _score(head, held, embedding)
        slopes = tf.cast(tape.gradient(score, maps), tf.float32)
        weights = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)
        return tf.nn.relu(tf.reduce_sum(weights * tf.cast(maps, tf.float32), axis=-1))

    return tf.function(coarse)


def _score(head: Any, held: Any, embedding: Any) -> Any:
    """Return the pair's score as a tensor that has slopes."""
    import tensorflow as tf

    cosine = tf.reduce_sum(held * tf.cast(embedding, tf.float32))
    if head is None:
        return cosine
    if isinstance(head, ElasticHead):
        return head.layer.similarity(tf.reshape(held, (1, -1)), tf.reshape(embedding, (1, -1)))[0]
    if not isinstance(head, LogisticHead):
        raise TypeError(f"a {type(head).__name__} has no slopes to explain")
    weights = tf.constant(head.weights, tf.float32)
    return tf.reduce_sum(tf.abs(held - embedding) * weights[:-1]) + weights[-1] * cosine


def randomisation_check(
    verifier: Verifier, references: Images | Enrolment, questioned: NDArray[np.uint8], *, seed: int
) -> float:
    """Return how like the map is to that of the same network with its weights shuffled: rank correlation over ink.

    Near 1, the map shows the image and not what was learnt, and is no explanation.

    Args:
        verifier: Calibrated or not.
        references: Images of the claimed signer, or what `enrol` made of them.
        questioned: One image.
        seed: Of the shuffling.

    Returns:
        Spearman's correlation, -1 to 1; 0 if either map is flat.

    Source:
        Adebayo et al. (2018), "Sanity checks for saliency maps", section 3 (model parameter randomisation).
    """
    enrolled = references if isinstance(references, Enrolment) else verifier.enrol(references)
    own = explain(verifier, enrolled, questioned)
    model = verifier.model.__class__.from_config(verifier.model.get_config())
    rng = np.random.default_rng(seed)
    model.set_weights([rng.permutation(w.ravel()).reshape(w.shape) for w in verifier.model.get_weights()])
    head = None if isinstance(verifier.head, ElasticHead) else verifier.head  # that one is the network's own
    other = Verifier(model, height=verifier.height, width=verifier.width, head=head, recipe=verifier.recipe)
    reference = other.embed_canvases(enrolled.prepared[own.nearest][None])[0]
    heat = grad_cam(other, model, own.layer, reference, own.canvas)
    return _rank_correlation(own.heat, heat, own.canvas < 128)


def _rank_correlation(first: NDArray[Any], second: NDArray[Any], where: NDArray[np.bool_]) -> float:
    a, b = _ranks(first[where]), _ranks(second[where])
    if a.size < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value, equal values sharing the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[places], dtype=np.float64)


@lru_cache(maxsize=2)
def last_maps(model: Any) -> str:
    """Return the deepest layer with maps of at least 3 x 3 places that the whole embedding is computed from.

    A layer on one branch alone would tell only what that branch saw. If all maps are smaller, 2 x 2 is enough. Each
    layer asked costs a network, so the answer is kept: it depends on how the network is built, not on its weights.

    Raises:
        ValueError: If there is none, as in a network without convolutions.
    """
    found = [layer for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
    for least in (3, 2):
        for layer in reversed(found):
            shape = layer.output.shape
            if min(shape[1:3]) >= least and shape[3] > 1 and _everything_passes(model, layer):
                return str(layer.name)
    raise ValueError(f"{model.name!r} has no maps to look at; explain a network with convolutions")


def _everything_passes(model: Any, layer: Any) -> bool:
    """Whether a network's output can be computed from one layer's output alone."""
    import keras

    try:
        keras.Model(layer.output, model.output)
    except ValueError:  # Keras: the graph is disconnected
        return False
    return True


def _near_strokes(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 1 on strokes and within 4 px of one, else 0."""
    return cv2.dilate((canvas < 160).astype(np.uint8), np.ones((9, 9), np.uint8))


def strokes_words(share: float) -> str:
    """Return what a reader of `overlay` must know of the heat that it does not draw.

    Args:
        share: Of the heat, on strokes, 0 to 1; `Explanation.on_strokes`.
    """
    little = "; the map explains little" if share < EXPLAINS else ""
    return f"{100 * share:.0f} % of the map on strokes, heat on empty paper is not drawn{little}"


def overlay(explanation: Explanation) -> NDArray[np.uint8]:
    """Return the questioned canvas, strokes that raised the score red, others blue: RGB, shape ``(h, w, 3)``.

    Heat on empty paper is left out of the picture; ``on_strokes`` tells how much there is.
    """
    ink = (255.0 - explanation.canvas)[..., None] / 255.0
    heat = explanation.heat[..., None]
    near = cv2.GaussianBlur(_near_strokes(explanation.canvas).astype(np.float32), (0, 0), 2.0)[..., None]
    strokes = np.array([200.0, 30.0, 30.0]) * heat + np.array([40.0, 60.0, 110.0]) * (1.0 - heat)
    paper = 255.0 - np.array([0.0, 90.0, 90.0]) * heat * near
    return np.asarray(ink * strokes + (1.0 - ink) * paper, dtype=np.uint8)
