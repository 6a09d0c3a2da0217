"""Class weights: rare classes count more, so that together all count the same."""

from typing import NamedTuple

import numpy as np

from .config import RunConfig
from .grouping import trial_counts
from .sources import Source, StoredSource


class Weights(NamedTuple):
    """Weights of signers for a loss that names them, of "no" and "yes" for a pair loss, and a line that says so."""

    signers: list[float] | None = None
    pairs: dict[int, float] | None = None
    told: str = ""


def class_weights(config: RunConfig, source: Source) -> Weights:
    """Return the balanced weights of a run's classes, if it wants any.

    Args:
        config: The run.
        source: What it is trained on.

    Raises:
        ValueError: If they cannot be told: of a mixture of a world and a folder.
    """
    if config.train.class_weights == "none":
        return Weights()
    from sklearn.utils.class_weight import compute_class_weight

    if config.inputs.stream == "pairs":
        pairs = max(2, config.batch.images // 2)
        genuine = trial_counts(pairs, config.inputs.pair_shares)[0]
        answers = np.repeat([0, 1], [pairs - genuine, genuine])
        found = compute_class_weight("balanced", classes=np.array([0, 1]), y=answers)
        told = f"class weights: forgery {found[0]:.3f}, genuine {found[1]:.3f}"
        return Weights(pairs={0: float(found[0]), 1: float(found[1])}, told=told)
    if isinstance(source, StoredSource):
        found = compute_class_weight("balanced", classes=np.arange(source.n_signers), y=source.whose)
        told = f"class weights of {source.n_signers} signers: {found.min():.3f} to {found.max():.3f}"
        return Weights(signers=[round(float(weight), 6) for weight in found], told=told)
    if config.inputs.data is None:
        return Weights(told="class weights: all 1, since a world gives every signer as often")
    raise ValueError("class weights are not told for a mixture; use --set inputs.real_share=1 or class_weights=none")
