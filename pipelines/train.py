"""Training: a network that `building` made, fed with its stream, kept in its run folder.

Batches depend on their number alone and what is random in a network gets its state from the epoch, so a run that was
killed and started again sees the same data and goes on from the last finished epoch.
"""

import contextlib
from typing import TYPE_CHECKING, Any

from .building import Say, bare_backbone, build_model, compare_again
from .checkpoints import best_network, clear_leftovers, last_checkpoint, logged_errors, newest_whole, standing, writing
from .config import RunConfig
from .files import write_json
from .fitting import fit, training_part
from .growth import grown, stages
from .lineage import Mark, mark_folder, mark_of_run, save_marked, source_of
from .marks import SYNTHETIC, record_training, trained_on
from .precision import make_deterministic
from .real_data import Folder, load_folder
from .runs import Run
from .sources import MixedSource, Source, WorldSource
from .splits import split_world, training_world

if TYPE_CHECKING:
    from .collective import Cluster


def open_source(config: RunConfig) -> tuple[Source, Folder | None]:
    """Return what a run is trained on: its world's training signers, a user's folder, or both by a ratio."""
    world = WorldSource(training_world(config.world), split_world(config.world).train)
    if config.inputs.data is None:
        return world, None
    folder = load_folder(config)
    share = config.inputs.real_share
    return (folder.source if share == 1 else MixedSource(world, folder.source, share)), folder


def train(
    run: Run, config: RunConfig, *, say: Say, watch: list[Any] | None = None, cluster: "Cluster | None" = None
) -> Any:
    """Train, or go on training, and return the network without its head; `model.keras` is written at the end.

    Args:
        run: Its folder.
        config: Its configuration.
        say: Told one line at a time what happens.
        watch: Further Keras callbacks, such as a progress bar.
        cluster: Hosts to train with, if any; this is the first of them.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite, or training diverges.
        RunError: If the folder of the run or of the data cannot be used, or a batch does not fit into memory.
    """
    import keras

    from .replicas import replicas, spread_again

    settings = config.train
    if settings.deterministic:
        make_deterministic(settings.seed)
    source, folder = open_source(config)
    for line in folder.told if folder is not None else ():
        say(line)
    source, dev = training_part(source, folder, config, say)
    real = _record(run, config, folder)
    begun = newest_whole(run, say)
    with contextlib.nullcontext() if cluster is not None else replicas(config):
        model = build_model(stages(config)[0].config, say, source=source, real=real)
        if begun is not None:
            model = keras.saving.load_model(begun[1], safe_mode=True)
            spread_again(model)
            compare_again(model)
    if begun is not None:
        say(f"going on after epoch {begun[0]} of {settings.epochs}")
    first = begun[0] if begun is not None else 0
    with writing(run):
        (run / "checkpoints").mkdir(exist_ok=True)
        clear_leftovers(run, settings.epochs)
    errors = logged_errors(run, first)
    stops = settings.looks and errors and standing(errors, patience=settings.patience, stop_at=settings.stop_at).stop
    left = first < settings.epochs and not stops
    if cluster is not None:
        from .hosts_training import fit_together

        begin = first if left else settings.epochs
        fit_together(cluster, run, config, model, source, folder, dev, first=begin, say=say, watch=watch or [])
    elif left:
        model = _fit_in_stages(run, config, model, source, dev, first=first, say=say, watch=watch or [], real=real)
    model.optimizer.finalize_variable_values(model.trainable_variables)  # averaged weights, if it has any
    return _keep(run, config, model, source, real)


def _fit_in_stages(
    run: Run,
    config: RunConfig,
    model: Any,
    source: Source,
    dev: Source | None,
    *,
    first: int,
    say: Say,
    watch: list[Any],
    real: bool,
) -> Any:
    """Train from an epoch to the last, on the canvases each is meant for, and return the network."""
    from .replicas import replicas

    for stage in stages(config):
        if first >= stage.last:
            continue
        if first and first == stage.first:
            with replicas(config):
                model = grown(model, stage.config, say, source=source, real=real)
        fit(run, stage.config, model, source, dev, first=first, last=stage.last, say=say, watch=watch)
        first = stage.last
    return model


def assist(cluster: "Cluster", config: RunConfig, *, say: Say) -> None:
    """Train with the first host of a cluster; nothing is written here.

    Args:
        cluster: The hosts, of which this is not the first.
        config: The configuration, the same as there.
        say: Told one line at a time what happens.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite, or training diverges.
        RunError: If the folder of the data cannot be used, a host is gone or differs, or a batch does not fit.
    """
    from .hosts_training import fit_together

    if config.train.deterministic:
        make_deterministic(config.train.seed)
    source, folder = open_source(config)
    source, dev = training_part(source, folder, config, say)
    model = build_model(config, say, source=source)
    fit_together(cluster, None, config, model, source, folder, dev, first=0, say=say, watch=[])


def _record(run: Run, config: RunConfig, folder: Folder | None) -> bool:
    """Write down what the network will have seen, and return whether any of it is of real people."""
    start = config.train.start_from
    before: dict[str, Any] = {"source": SYNTHETIC, "digests": []}
    if start is not None:
        before = trained_on(Run(start))
    real = bool(before.get("contains_real_signatures"))
    sources, digests = [before["source"]], list(before["digests"])
    if folder is not None:
        real |= folder.provenance.contains_real_signatures
        sources.append(f"{folder.provenance.source} ({folder.provenance.licence})")
        digests.append(folder.provenance.digest)
    learnt = Mark() if start is None else mark_of_run(start) or Mark()
    if folder is not None:
        learnt = learnt.with_source(source_of(folder.provenance, folder.source.names))
    with writing(run):
        mark_folder(run.path, learnt)
    if start is not None or folder is not None:
        with writing(run):
            record_training(run, real=real, source="; ".join(sources), digests=list(dict.fromkeys(digests)))
    return real


def _keep(run: Run, config: RunConfig, model: Any, source: Source, real: bool) -> Any:
    """Write `model.keras`, of the best epoch if one was chosen, and a pair head if one was trained; return it."""
    import keras

    from .monitor import siamese_head

    bare = bare_backbone(model)
    epochs = last_checkpoint(run)
    errors = logged_errors(run, epochs[0]) if epochs is not None else []
    settings = config.train
    best = standing(errors, patience=settings.patience, stop_at=settings.stop_at).best_epoch if errors else 0
    if best and (settings.patience or settings.stop_at) and best_network(run, best).exists():
        model = keras.saving.load_model(best_network(run, best), safe_mode=True, compile=False)
        bare = bare_backbone(model)
    pairs = settings.epochs * settings.steps_per_epoch * config.batch.images // 2
    about = f"network and head trained together: {trained_on(run)['source']}"
    head = siamese_head(model, n_pairs=pairs, n_signers=source.n_signers, data=about, real=real)
    with writing(run):
        if head is not None:
            write_json(run / "head.json", head.to_dict())
        save_marked(bare, run / "model.keras", mark_of_run(run.path) or Mark())
    return bare
