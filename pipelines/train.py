"""Training: Keras `fit` over the drawn stream, a checkpoint after every epoch, resumable at each.

Batches depend on their number alone and the networks hold no random state, so a run that was killed and
started again sees the same data and goes on from the last finished epoch.
"""

import contextlib
import csv
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .config import RunConfig
from .files import write_text
from .inputs import Drawing, training_stream
from .lineage import SYNTHETIC, mark_folder, save_marked
from .precision import choose_precision, choose_xla
from .runs import Run
from .trajectories import FEATURES

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

Say = Callable[[str], None]


def loss_name(config: RunConfig) -> str:
    """Return the loss a configuration names; "auto" is the one its network is meant for.

    Raises:
        ValueError: If the network cannot be trained with it.
    """
    from models.registry import find_spec

    settings = config.train
    meant = find_spec(settings.model).loss
    if settings.loss == "elastic" != meant:
        raise ValueError(
            f"loss 'elastic' is for networks that compare so, such as resnet_elastic, and not for {settings.model!r}; "
            "use 'auto'"
        )
    return meant if settings.loss == "auto" else settings.loss


def build_loss(config: RunConfig, model: Any = None) -> Any:
    """Return the loss of a configuration, fitted to its network, if that is given, and to its batches."""
    from models.elastic import elastic_layer
    from models.objectives import build_loss as build

    name, options = loss_name(config), dict(config.train.loss_options)
    if name == "elastic":
        options |= {"genuine": config.batch.genuine, "forgeries": config.batch.forgeries}
        if model is not None and (layer := elastic_layer(model)) is not None:
            options |= {"shape": layer.shape, "reach": layer.reach}
    if name in ("joint", "supervised_contrastive", "elastic"):
        options.setdefault("temperature", config.train.temperature)
    return build(name, **_tuples(options))


def check_names(config: RunConfig) -> None:
    """Raise before anything is written if a configuration names a model, a loss or an option there is not.

    Raises:
        ValueError: If a name is unknown or a value out of range; the nearest name is suggested.
        TypeError: If an option is unknown.
    """
    from models.registry import check_options, find_spec

    settings = config.train
    spec = find_spec(settings.model)
    check_options(settings.model, spec.builder, settings.model_options)
    build_loss(config)
    if settings.imagenet is not None and settings.model != "mobilenetv2":
        raise ValueError(f"imagenet is for model 'mobilenetv2', and the model is {settings.model!r}; leave it out")
    if spec.takes == "image" and min(settings.height, settings.width) < spec.smallest:
        raise ValueError(
            f"{settings.model!r} needs a height and width of at least {spec.smallest} px; train.height is "
            f"{settings.height} and train.width {settings.width}"
        )


def build_model(config: RunConfig, say: Say) -> Any:
    """Return the compiled network of a configuration; says which precision and XLA setting and why."""
    import keras

    settings = config.train
    precision, xla = choose_precision(settings.precision), choose_xla(settings.xla)
    say(f"precision {precision.value}: {precision.reason}; XLA {xla.value}: {xla.reason}")
    keras.config.set_dtype_policy(precision.value)
    model = _with_head(build_backbone(config, say), config)
    steps = settings.epochs * settings.steps_per_epoch
    warmup = max(1, int(settings.warmup_share * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), alpha=0.01, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=settings.weight_decay, clipnorm=5.0)
    model.compile(optimizer=optimizer, loss=build_loss(config, model), jit_compile=xla.value == "on")
    return model


def build_backbone(config: RunConfig, say: Say = lambda line: None) -> Any:
    """Return the network of a configuration without a head, with the user's ImageNet weights if there are any."""
    import models

    settings = config.train
    spec = models.find_spec(settings.model)
    shape: dict[str, Any] = {"image_shape": (settings.height, settings.width, 1)}
    if spec.takes == "sequence":
        shape = {"sequence_shape": (settings.samples, len(FEATURES))}
    options = _tuples(settings.model_options)
    model = models.build(settings.model, embedding_dim=settings.embedding_dim, seed=settings.seed, **shape, **options)
    if settings.imagenet is not None:
        from .pretrained import load_imagenet

        say(f"{load_imagenet(model, settings.imagenet)} layers filled from {settings.imagenet}")
    if settings.last_stages is not None:
        models.finetune.unfreeze(model, last=settings.last_stages)
    return model


def _with_head(backbone: Any, config: RunConfig) -> Any:
    """Return the network with the head its loss needs, if any."""
    from models import heads
    from models.objectives import find_loss

    head = find_loss(loss_name(config)).head
    if head == "none":
        return backbone
    return getattr(heads, head)(backbone, config.world.train_signers, seed=config.train.seed)


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with JSON's lists as the tuples that builders take."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def last_checkpoint(run: Run) -> tuple[int, Path] | None:
    """Return the number of finished epochs and the newest whole checkpoint, or None."""
    found = sorted((run / "checkpoints").glob("epoch-*.keras"))
    return (int(found[-1].stem.split("-")[1]), found[-1]) if found else None


def train(run: Run, config: RunConfig, *, say: Say, watch: list[Any] | None = None) -> Any:
    """Train, or go on training, and return the network without its head; `model.keras` is written at the end.

    Args:
        run: Its folder.
        config: Its configuration.
        say: Told one line at a time what happens.
        watch: Further Keras callbacks, such as a progress bar.

    Raises:
        FloatingPointError: If the loss becomes NaN or infinite.
    """
    import keras

    import models
    from models.heads import backbone_of

    settings = config.train
    model = build_model(config, say)
    begun = last_checkpoint(run)
    if begun is not None:
        model = keras.saving.load_model(begun[1], safe_mode=True)
        say(f"going on after epoch {begun[0]} of {settings.epochs}")
    first = begun[0] if begun is not None else 0
    (run / "checkpoints").mkdir(exist_ok=True)
    drawing = Drawing(config, sequences=models.find_spec(settings.model).takes == "sequence")
    steps = settings.steps_per_epoch
    stream = training_stream(config, first * steps, settings.epochs * steps, drawing=drawing)
    if first < settings.epochs:
        with contextlib.closing(drawing), _interrupt_between_steps() as interrupted:
            model.fit(
                stream,
                initial_epoch=first,
                epochs=settings.epochs,
                steps_per_epoch=settings.steps_per_epoch,
                shuffle=False,
                verbose=0,
                callbacks=[_journal(run, config.batch.images, interrupted), *(watch or [])],
            )
    backbone = backbone_of(model)
    bare = backbone.__class__.from_config(backbone.get_config())  # without the optimizer: a third of the size
    bare.set_weights(backbone.get_weights())
    save_marked(bare, run / "model.keras", SYNTHETIC)
    mark_folder(run.path, SYNTHETIC)
    return bare


@contextlib.contextmanager
def _interrupt_between_steps() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event that the next step's end obeys; a second one stops at once.

    Raised just anywhere, an interruption can be swallowed by a clean-up inside a library, or cut a file short.
    """
    asked = threading.Event()

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's business
        yield asked
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _journal(run: Run, images_per_batch: int, interrupted: threading.Event) -> Any:
    """Return the callback that logs, checkpoints and stops a run that broke or was interrupted."""
    import keras
    import numpy as np

    class Journal(keras.callbacks.Callback):  # type: ignore[misc]
        """Writes `log.csv` and a checkpoint after every epoch."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if interrupted.is_set():
                raise KeyboardInterrupt
            if not np.isfinite(logs["loss"]):
                raise FloatingPointError(
                    f"the loss became {logs['loss']} at step {batch}; lower learning_rate, or use precision float32"
                )

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seconds = time.perf_counter() - self.started
            steps = self.params["steps"]
            row = {
                "epoch": epoch + 1,
                "loss": round(float(logs["loss"]), 6),
                "seconds": round(seconds, 2),
                "images_per_s": round(steps * images_per_batch / seconds, 1),
            }
            # the row first, the checkpoint second: an epoch that is repeated after a kill replaces its row
            log, rows = run / "log.csv", [row]
            if log.exists():
                with log.open(newline="", encoding="utf-8") as file:
                    rows = [old for old in csv.DictReader(file) if int(old["epoch"]) <= epoch] + rows
            write_text(log, "".join(",".join(map(str, line)) + "\n" for line in [row, *(r.values() for r in rows)]))
            save_marked(self.model, run / f"checkpoints/epoch-{epoch + 1:04d}.keras", SYNTHETIC)
            for old_checkpoint in sorted((run / "checkpoints").glob("epoch-*.keras"))[:-2]:
                old_checkpoint.unlink()

    return Journal()
