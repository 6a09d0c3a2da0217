"""Adapting a finished verifier to a world of which a few signers are known: its network is trained a little further."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .config import RunConfig, changed
from .evaluation_parts import Part, trials_of
from .few_shot import Adapted, only, signers_with
from .rates import Frozen, freeze_on
from .real_data import genuine_needed


def fine_tuning(run: Path, steps: int) -> Callable[[Part, RunConfig, Frozen], Adapted | None]:
    """Return a way to adapt by training the network a little further, batches of both worlds mixed.

    Three quarters of the few signers are trained on, the rest choose the threshold. Whoever of the former has fewer
    genuine signatures than a batch takes is left out; with fewer than two left the answer is None.

    Args:
        run: Whose network to start from.
        steps: Of training.
    """

    def way(few: Part, config: RunConfig, before: Frozen) -> Adapted | None:
        names = np.unique(few.signatures.signer)
        n = (3 * len(names)) // 4
        learnt = np.intersect1d(names[:n], signers_with(few, genuine_needed(config)))
        if len(learnt) < 2:
            return None
        verifier = _trained_on(run, config, only(few, learnt), steps)

        def rebuilt(part: Part) -> Part:
            return dataclasses.replace(part, embeddings=verifier.embed_canvases(part.canvases), head=verifier.head)

        return Adapted(rebuilt, freeze_on(trials_of(rebuilt(only(few, names[n:])), config, "development")))

    return way


def _trained_on(run: Path, config: RunConfig, some: Part, steps: int) -> Any:

    from .building import bare_backbone, build_model
    from .fine_tuning import fine_tuned
    from .inputs import Drawing, training_stream
    from .sources import MixedSource, StoredSource, WorldSource
    from .splits import split_world, training_world
    from .verifier import Verifier

    tuned = changed(fine_tuned(run, data=None), ["train.epochs=1", f"train.steps_per_epoch={steps}"])
    world = WorldSource(training_world(config.world), split_world(config.world).train)
    own = some.signatures
    stored = StoredSource(some.canvases, own.signer, own.kind, seed=config.world.seed, name="a few signers")
    mixed = MixedSource(world, stored, min(0.5, stored.n_signers / tuned.batch.signers))
    model = build_model(tuned, lambda line: None, source=mixed)
    drawing = Drawing(tuned, source=mixed)
    model.fit(training_stream(tuned, 0, steps, drawing=drawing), shuffle=False, verbose=0)
    model.optimizer.finalize_variable_values(model.trainable_variables)
    return Verifier(
        bare_backbone(model), height=config.train.height, width=config.train.width, recipe=config.train.preprocessing
    )
