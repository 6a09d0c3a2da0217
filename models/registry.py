"""Names for networks: ``register`` a builder, ``build`` by name, list the ``names``.

The networks themselves live in one file a family; this module knows none of them.
"""

import difflib
from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar

import keras

Builder = Callable[..., keras.Model]
_AnyBuilder = TypeVar("_AnyBuilder", bound=Builder)
_BUILDERS: dict[str, Builder] = {}
_MIN_SIDE = 32


def register(name: str) -> Callable[[_AnyBuilder], _AnyBuilder]:
    """Return a decorator that makes a builder available to ``build`` under a name.

    Running a notebook cell again replaces the builder of the same module and qualified name; a different
    function cannot take a name that is in use.

    Args:
        name: The network's name, such as ``"resnet_small"``.

    Returns:
        A decorator that returns the builder unchanged.

    Raises:
        ValueError: If another function holds the name (when the decorator is applied).
    """

    def keep(builder: _AnyBuilder) -> _AnyBuilder:
        held = _BUILDERS.get(name)
        if held is not None and _address(held) != _address(builder):
            raise ValueError(
                f"the name {name!r} already belongs to {_address(held)}; "
                f"register {_address(builder)} under another name"
            )
        _BUILDERS[name] = builder
        return builder

    return keep


def names() -> tuple[str, ...]:
    """Return the registered names in alphabetical order."""
    return tuple(sorted(_BUILDERS))


def build(
    name: str,
    *,
    image_shape: tuple[int, int, int] = (96, 192, 1),
    embedding_dim: int = 256,
    seed: int,
    **options: Any,
) -> keras.Model:
    """Build a registered network: ink images in, float32 embeddings of length 1 out.

    The input is ink: 1 where there is full ink and 0 where there is paper, which is the reverse of a stored
    image. The same arguments give the same weights, whatever was built before.

    Args:
        name: One of ``names()``.
        image_shape: Height, width and channels of an image in pixels, each side at least 32.
        embedding_dim: Length of an embedding, 2 or above.
        seed: Seed of the weights, 0 or above.
        **options: What this network takes beyond that; its own docstring lists them.

    Returns:
        A Keras model from ``(batch, height, width, channels)`` in [0, 1] to ``(batch, embedding_dim)``.

    Raises:
        ValueError: If the name is unknown or an argument is out of range.
        TypeError: If the network does not know an option.
    """
    builder = find(name)
    check_arguments(image_shape=image_shape, embedding_dim=embedding_dim, seed=seed)
    height, width, channels = map(int, image_shape)  # a saved model cannot hold NumPy's numbers
    return builder(image_shape=(height, width, channels), embedding_dim=int(embedding_dim), seed=int(seed), **options)


def find(name: str) -> Builder:
    """Return the builder registered under a name.

    Args:
        name: One of ``names()``.

    Returns:
        The registered function, unchanged.

    Raises:
        ValueError: If no builder has the name; the nearest name is suggested.
    """
    if name in _BUILDERS:
        return _BUILDERS[name]
    nearest = difflib.get_close_matches(str(name), names(), n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    raise ValueError(f"unknown network {name!r}; {hint}use one of: {', '.join(names())}")


def check_arguments(*, image_shape: tuple[int, int, int], embedding_dim: int, seed: int) -> None:
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


def _is_int(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)  # NumPy's whole numbers as well


def _address(builder: Builder) -> str:
    module = getattr(builder, "__module__", "?")
    return f"{module}.{getattr(builder, '__qualname__', repr(builder))}"
