"""The network of a configuration: its names checked, built with its head and loss, compiled, begun from another run."""

from collections.abc import Callable
from typing import Any

from .class_weights import Weights, class_weights
from .config import RunConfig
from .marks import is_marked, mark
from .optimizer import build_optimizer
from .precision import choose_precision, choose_xla
from .real_data import check_streams
from .runs import Run, RunError, sha256
from .sources import Source
from .trajectories import FEATURES

Say = Callable[[str], None]
PAIR_LOSS = "siamese"
"""Binary cross-entropy of pairs; its network compares them itself, so it is none of `models.objectives`."""


def loss_name(config: RunConfig) -> str:
    """Return the loss a configuration names; "auto" is the one its network is meant for.

    Raises:
        ValueError: If the network cannot be trained with it.
    """
    from models.registry import find_spec

    settings = config.train
    meant = find_spec(settings.model).loss
    if settings.loss == PAIR_LOSS:
        return PAIR_LOSS
    if settings.loss == "elastic" != meant:
        raise ValueError(
            f"loss 'elastic' is for networks that compare so, such as resnet_elastic, and not for {settings.model!r}; "
            "use 'auto'"
        )
    return meant if settings.loss == "auto" else settings.loss


def build_loss(config: RunConfig, model: Any = None, weights: Weights | None = None) -> Any:
    """Return the loss of a configuration, fitted to its network, if that is given, and to its batches."""
    from models.elastic import elastic_layer
    from models.objectives import build_loss as build

    name, options = loss_name(config), dict(config.train.loss_options)
    if name == PAIR_LOSS:
        import keras

        return keras.losses.BinaryCrossentropy(**options)
    if weights is not None and weights.signers is not None:
        options["class_weights"] = weights.signers
    if name == "elastic":
        options |= {"genuine": config.batch.genuine, "forgeries": config.batch.forgeries}
    if name in ("joint", "supervised_contrastive", "elastic"):
        options.setdefault("temperature", config.train.temperature)
    loss = build(name, **_tuples(options))
    if name == "elastic" and model is not None and (layer := elastic_layer(model)) is not None:
        loss.compare_by(layer)
    return loss


def compare_again(model: Any) -> None:
    """Let the loss of a network loaded with it compare by that network's own layer, as when both were built."""
    from models.elastic import elastic_layer

    layer, loss = elastic_layer(model), getattr(model.loss, "loss", model.loss)  # the one inside a `WholeBatch`
    if layer is not None and hasattr(loss, "compare_by"):
        loss.compare_by(layer)


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
    check_streams(config, loss_name(config))
    if settings.deterministic:
        choose_xla(settings.xla, deterministic=True)
    if config.inputs.data is not None and spec.takes == "sequence":
        raise ValueError(f"{settings.model!r} takes trajectories, and a folder holds images; leave the folder out")
    if settings.small_epochs and not spec.any_canvas:
        raise ValueError(
            f"the weights of {settings.model!r} fit one size of canvas, and training cannot begin on smaller ones; use "
            "train.small_share=0"
        )
    if settings.imagenet is not None and settings.model != "mobilenetv2":
        raise ValueError(f"imagenet is for model 'mobilenetv2', and the model is {settings.model!r}; leave it out")
    sizes = [(settings.height, settings.width), *([settings.small_size] if settings.small_epochs else [])]
    if spec.takes == "image" and min(map(min, sizes)) < spec.smallest:
        raise ValueError(
            f"{settings.model!r} needs a height and width of at least {spec.smallest} px; train.height is "
            f"{settings.height} and train.width {settings.width}"
        )


def build_model(
    config: RunConfig, say: Say, *, source: Source | None = None, real: bool = False, like: Any = None
) -> Any:
    """Return the compiled network of a configuration; says which precision and XLA setting and why.

    Args:
        config: The configuration.
        say: Told one line at a time.
        source: What it will be trained on; the training signers of its world if left out.
        real: Whether that holds signatures of real people: the network is marked.
        like: A network that this one goes on from, if any but the one that the configuration names.
    """
    import keras

    from .replicas import spread

    settings = config.train
    precision = choose_precision(settings.precision)
    xla = choose_xla(settings.xla, deterministic=settings.deterministic)
    say(f"precision {precision.value}: {precision.reason}; XLA {xla.value}: {xla.reason}")
    keras.config.set_dtype_policy(precision.value)
    parent = _parent(config)
    backbone = build_backbone(config, say, like=like if parent is None else parent)
    if parent is not None:
        backbone = _taken_over(backbone, parent, config)
    model = _with_head(mark(backbone) if real else backbone, config, source)
    weights = class_weights(config, source) if source is not None else Weights()
    if weights.told:
        say(weights.told)
    loss = spread(build_loss(config, model, weights))
    model.compile(optimizer=build_optimizer(config), loss=loss, jit_compile=xla.value == "on")
    # else the first step makes the optimizer's variables, and TensorFlow builds the graph of a step twice
    model.optimizer.build(model.trainable_variables)
    return model


def build_backbone(config: RunConfig, say: Say = lambda line: None, *, like: Any = None) -> Any:
    """Return the network of a configuration without a head, with the user's ImageNet weights if there are any.

    Args:
        config: The configuration.
        say: Told one line at a time.
        like: A network that this one goes on from, which may have been built by an older version.
    """
    import models

    settings = config.train
    spec = models.find_spec(settings.model)
    shape: dict[str, Any] = {"image_shape": (settings.height, settings.width, 1)}
    if spec.takes == "sequence":
        shape = {"sequence_shape": (settings.samples, len(FEATURES))}
    options = _evidence(config, like) | _tuples(settings.model_options)
    model = models.build(settings.model, embedding_dim=settings.embedding_dim, seed=settings.seed, **shape, **options)
    if settings.imagenet is not None:
        from .pretrained import load_imagenet

        say(f"{load_imagenet(model, settings.imagenet)} layers filled from {settings.imagenet}")
    if settings.last_stages is not None:
        models.finetune.unfreeze(model, last=settings.last_stages)
    if settings.frozen:
        models.finetune.freeze_stages(model, settings.frozen)
    return model


def _evidence(config: RunConfig, like: Any) -> dict[str, int]:
    """Return the option "evidence" of networks that have it, unless it is the usual one.

    A network that goes on from another has as much as that one; what no loss would train is left out.
    """
    import inspect

    from models.elastic import elastic_layer
    from models.registry import find_spec

    if "evidence" not in inspect.signature(find_spec(config.train.model).builder).parameters:
        return {}
    if like is not None and (layer := elastic_layer(like)) is not None:
        return {"evidence": 0 if layer.evidence is None else layer.evidence.units}
    return {} if loss_name(config) == "elastic" else {"evidence": 0}


def _parent(config: RunConfig) -> Any:
    """Return the network of the run that a configuration starts from; None if it starts from none.

    Raises:
        RunError: If that run's network is not the file it was.
    """
    import keras

    settings = config.train
    if settings.start_from is None:
        return None
    path = Run(settings.start_from) / "model.keras"
    if not path.exists() or sha256(path) != settings.start_sha256:
        raise RunError(f"{path} is missing or no longer the network this run started from; use --fresh")
    return keras.saving.load_model(path, safe_mode=True, compile=False)


def _taken_over(backbone: Any, parent: Any, config: RunConfig) -> Any:
    """Return the network with the weights, and the mark, of the one it starts from.

    Raises:
        RunError: If that is another network.
    """
    shapes = [[tuple(w.shape) for w in model.get_weights()] for model in (parent, backbone)]
    if shapes[0] != shapes[1]:
        raise RunError(
            f"{Run(str(config.train.start_from)) / 'model.keras'} is another network than {config.train.model!r} of "
            "this size; leave its settings as they are"
        )
    backbone.set_weights(parent.get_weights())
    return mark(backbone) if is_marked(parent) else backbone


def _with_head(backbone: Any, config: RunConfig, source: Source | None) -> Any:
    """Return the network with the head its loss needs, if any."""
    from models import heads
    from models.objectives import find_loss

    if loss_name(config) == PAIR_LOSS:
        return heads.siamese(backbone, seed=config.train.seed)
    head = find_loss(loss_name(config)).head
    if head == "none":
        return backbone
    signers = config.world.train_signers if source is None else source.n_signers
    return getattr(heads, head)(backbone, signers, seed=config.train.seed)


def _tuples(options: dict[str, Any]) -> dict[str, Any]:
    """Return options with JSON's lists as the tuples that builders take."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def bare_backbone(model: Any) -> Any:
    """Return a copy of a network without head and optimizer, a third of the size."""
    from models.heads import backbone_of

    return without_optimizer(backbone_of(model))


def without_optimizer(model: Any) -> Any:
    """Return a copy of a network that is not compiled."""
    bare = model.__class__.from_config(model.get_config())
    bare.set_weights(model.get_weights())
    return bare
