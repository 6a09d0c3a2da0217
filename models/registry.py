"""Names for networks: ``register`` a builder, ``build`` by name, list the ``names``.

The networks themselves live in one file a family; this module knows none of them.
"""

import dataclasses
import difflib
import inspect
from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, TypeVar

import keras

Builder = Callable[..., keras.Model]
Takes = Literal["image", "sequence"]
_AnyBuilder = TypeVar("_AnyBuilder", bound=Builder)
_MIN_SIDE = 32
IMAGE_SHAPE = (96, 192, 1)
SEQUENCE_SHAPE = (256, 7)


@dataclasses.dataclass(frozen=True)
class Spec:
    """A registered network.

    Attributes:
        builder: The function that makes it.
        takes: What goes in: "image", or "sequence" for a pen trajectory.
        smallest: Least height and width in pixels, or least number of samples.
        loss: The loss it is meant to be trained with, by its name in `objectives`.
        learning_rate: The highest rate it is meant to be trained at, with AdamW.
        muon_rate: The same with Muon, which then is the optimizer it is meant for; None: AdamW is.
        any_canvas: Whether its weights have the same shapes on canvases of any size.
    """

    builder: Builder
    takes: Takes = "image"
    smallest: int = _MIN_SIDE
    loss: str = "joint"
    learning_rate: float = 2e-3
    muon_rate: float | None = None
    any_canvas: bool = False


_BUILDERS: dict[str, Spec] = {}


def register(
    name: str,
    *,
    takes: Takes = "image",
    smallest: int = _MIN_SIDE,
    loss: str = "joint",
    learning_rate: float = 2e-3,
    muon_rate: float | None = None,
    any_canvas: bool = False,
) -> Callable[[_AnyBuilder], _AnyBuilder]:
    """Return a decorator that makes a builder available to ``build`` under a name.

    Running a notebook cell again replaces the builder of the same module and qualified name; a different
    function cannot take a name that is in use.

    Args:
        name: The network's name, such as ``"resnet_small"``.
        takes: "image", or "sequence" for a pen trajectory.
        smallest: Least height and width in pixels (or samples) that the network can take.
        loss: The loss it is meant to be trained with, by its name in `objectives`.
        learning_rate: The highest rate it is meant to be trained at, with AdamW, above 0.
        muon_rate: The same with Muon, which then is the optimizer it is meant for; None: AdamW is.
        any_canvas: Whether its weights have the same shapes on canvases of any size, so that training may begin on
            smaller ones.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: If another function holds the name (when the decorator is applied).
    """

    def keep(builder: _AnyBuilder) -> _AnyBuilder:
        held = _BUILDERS.get(name)
        if held is not None and _address(held.builder) != _address(builder):
            raise ValueError(
                f"the name {name!r} already belongs to {_address(held.builder)}; "
                f"register {_address(builder)} under another name"
            )
        _BUILDERS[name] = Spec(builder, takes, smallest, loss, learning_rate, muon_rate, any_canvas)
        return builder

    return keep


def names(takes: Takes | None = None) -> tuple[str, ...]:
    """Return the registered names in alphabetical order; only those that take "image" or "sequence" if said."""
    return tuple(sorted(name for name, spec in _BUILDERS.items() if takes in (None, spec.takes)))


def build(
    name: str,
    *,
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    sequence_shape: tuple[int, int] = SEQUENCE_SHAPE,
    embedding_dim: int = 256,
    seed: int,
    **options: Any,
) -> keras.Model:
    """Build a registered network: ink images or pen trajectories in, float32 embeddings of length 1 out.

    An image is ink: 1 where there is full ink and 0 where there is paper, which is the reverse of a stored
    image. The same arguments give the same weights, whatever was built before.

    Args:
        name: One of ``names()``.
        image_shape: Height, width and channels of an image in pixels, each side at least 32 (some networks need
            more); for networks that take images.
        sequence_shape: Samples and features of a trajectory; for networks that take sequences.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        **options: What this network takes beyond that; its own docstring lists them.

    Returns:
        A Keras model from ``(batch, height, width, channels)`` in [0, 1], or from ``(batch, n_samples,
        n_features)``, to ``(batch, embedding_dim)``.

    Raises:
        ValueError: If the name is unknown or an argument is out of range.
        TypeError: If the network does not know an option.
    """
    spec = find_spec(name)
    _check_kind_of_input(name, spec, image_shape, sequence_shape)
    check_arguments(embedding_dim=embedding_dim, seed=seed)
    check_options(name, spec.builder, options)
    rest = {"embedding_dim": int(embedding_dim), "seed": int(seed), **options}
    if spec.takes == "sequence":
        check_sequence_shape(sequence_shape, smallest=spec.smallest, name=name)
        return spec.builder(sequence_shape=tuple(map(int, sequence_shape)), **rest)
    check_arguments(image_shape=image_shape, embedding_dim=embedding_dim, seed=seed)
    if min(image_shape[:2]) < spec.smallest:
        raise ValueError(
            f"image_shape is {image_shape!r}; {name!r} needs a height and width of at least {spec.smallest} pixels, "
            f"such as {IMAGE_SHAPE}"
        )
    height, width, channels = map(int, image_shape)  # a saved model cannot hold NumPy's numbers
    return spec.builder(image_shape=(height, width, channels), **rest)


def find_spec(name: str) -> Spec:
    """Return what is registered under a name.

    Args:
        name: One of ``names()``.

    Raises:
        ValueError: If no network has the name; the nearest name is suggested.
    """
    if name in _BUILDERS:
        return _BUILDERS[name]
    nearest = difflib.get_close_matches(str(name), names(), n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise ValueError(f"unknown network {name!r}; {hint}use one of: {', '.join(names())}")


def find(name: str) -> Builder:
    """Return the builder registered under a name.

    Args:
        name: One of ``names()``.

    Returns:
        The registered function, unchanged.

    Raises:
        ValueError: If no builder has the name; the nearest name is suggested.
    """
    return find_spec(name).builder


def spec_of(builder: Builder) -> Spec:
    """Return the spec a builder is registered with, or the usual one if it is not registered."""
    return next((spec for spec in _BUILDERS.values() if spec.builder is builder), Spec(builder))


def check_arguments(*, image_shape: tuple[int, int, int] = IMAGE_SHAPE, embedding_dim: int, seed: int) -> None:
    """Raise if an argument that every builder takes is out of range.

    Args:
        image_shape: Height, width and channels in pixels.
        embedding_dim: Length of an embedding.
        seed: Seed of the weights.

    Raises:
        ValueError: If one of them is not a whole number in its range.
    """
    shape_holds = (
        isinstance(image_shape, tuple | list)
        and len(image_shape) == 3
        and all(_is_int(side) and side > 0 for side in image_shape)
        and min(image_shape[:2]) >= _MIN_SIDE
    )
    if not shape_holds:
        raise ValueError(
            f"image_shape is {image_shape!r}; it must be (height, width, channels), three positive whole "
            f"numbers with height and width at least {_MIN_SIDE}, such as (96, 192, 1)"
        )
    if not (_is_int(embedding_dim) and embedding_dim >= 2):
        raise ValueError(f"embedding_dim is {embedding_dim!r}; it must be a whole number from 2 up, such as 256")
    if not (_is_int(seed) and seed >= 0):
        raise ValueError(f"seed is {seed!r}; it must be a whole number from 0 up, such as 0")


def check_sequence_shape(sequence_shape: tuple[int, int], *, smallest: int, name: str) -> None:
    """Raise ValueError unless a shape is (n_samples, n_features), with enough samples for a network.

    Args:
        sequence_shape: Samples and features.
        smallest: Least number of samples.
        name: The network, for the message.
    """
    holds = (
        isinstance(sequence_shape, tuple | list)
        and len(sequence_shape) == 2
        and all(_is_int(side) and side > 0 for side in sequence_shape)
        and sequence_shape[0] >= smallest
    )
    if not holds:
        raise ValueError(
            f"sequence_shape is {sequence_shape!r}; {name!r} needs (n_samples, n_features), two positive whole "
            f"numbers with n_samples at least {smallest}, such as {SEQUENCE_SHAPE}"
        )


def _check_kind_of_input(name: str, spec: Spec, image_shape: Any, sequence_shape: Any) -> None:
    if spec.takes == "sequence" and image_shape is not IMAGE_SHAPE:
        raise ValueError(
            f"{name!r} takes pen trajectories, so image_shape={image_shape!r} means nothing to it; give "
            f"sequence_shape=(n_samples, n_features), such as {SEQUENCE_SHAPE}"
        )
    if spec.takes == "image" and sequence_shape is not SEQUENCE_SHAPE:
        raise ValueError(
            f"{name!r} takes images, so sequence_shape={sequence_shape!r} means nothing to it; give "
            f"image_shape=(height, width, channels), such as {IMAGE_SHAPE}"
        )


def check_options(name: str, builder: Builder, options: dict[str, Any]) -> None:
    """Raise TypeError if a builder does not know an option; the nearest one is suggested.

    Args:
        name: The network, for the message.
        builder: Its builder.
        options: What is to be handed to it.
    """
    taken = inspect.signature(builder).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in taken):
        return
    known = [p.name for p in taken if p.name not in ("image_shape", "sequence_shape", "embedding_dim", "seed")]
    for option in options:
        if option not in known:
            nearest = difflib.get_close_matches(option, known, n=1, cutoff=0.4)
            hint = f"did you mean {nearest[0]!r}? " if nearest else ""
            raise TypeError(f"{name!r} has no option {option!r}; {hint}it takes: {', '.join(known) or 'none'}")


def _is_int(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)  # NumPy's whole numbers as well


def _address(builder: Builder) -> str:
    module = getattr(builder, "__module__", "?")
    return f"{module}.{getattr(builder, '__qualname__', repr(builder))}"
