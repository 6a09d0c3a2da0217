"""The contract between a data set on disk and everything that evaluates or trains: what an adapter is.

An adapter says which files are whose; it neither decodes them nor judges them. To add one, copy
``published.py``, register it under a new name and run ``check_adapter`` on it.
"""

import hashlib
import itertools
import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["genuine", "simple", "skilled"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Takes = Literal["image", "trajectory"]


class AdapterError(ValueError):
    """An adapter that cannot be opened or breaks the contract; the message says the likely mistake."""


@dataclass(frozen=True, eq=False, slots=True)
class SignatureFile:
    """One signature of a data set, not decoded yet.

    Args:
        signer: The *claimed* signer: for a forgery, the person whose signature is imitated.
        kind: ``genuine``, ``simple`` (the forger knew the name only) or ``skilled``.
        image: The file, inside the adapter's root; or uint8 pixels, shape ``(height, width)``, dark ink on light
            paper; or, of an adapter that takes trajectories, x mm, y mm (up), t s, pressure 0 to 1, shape ``(n, 4)``.
        forger: Who made a forgery, or empty if unknown or genuine.
        session: When it was signed, or empty if unknown.
        capture: How paper became pixels (a scanner, a phone), or empty if unknown.
    """

    signer: str
    kind: Kind
    image: Path | NDArray[Any]
    forger: str = ""
    session: str = ""
    capture: str = ""


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something in the data folder that the adapter does not understand and leaves out.

    Args:
        name: Its path relative to the root, with forward slashes.
        reason: Why it is left out, in a few words.
    """

    name: str
    reason: str


class Adapter(ABC):
    """Base class of all adapters: a root folder and the signatures in it, always in the same order.

    Args:
        root: The data folder; nothing in it is ever changed.
    """

    name: str = ""
    takes: ClassVar[Takes] = "image"

    def __init__(self, root: Path) -> None:
        self.root = root

    def iter_signers(self) -> Iterator[str]:
        """Yield every signer once, in the order of their signatures."""
        known: set[str] = set()
        for record in self.iter_signatures():
            if record.signer not in known:
                known.add(record.signer)
                yield record.signer

    @abstractmethod
    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every signature, one signer after the other, without decoding any."""

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield what lies in the folder and is not part of the layout."""
        yield from ()


AdapterT = TypeVar("AdapterT", bound=Adapter)
_ADAPTERS: dict[str, type[Adapter]] = {}


def register_adapter(name: str) -> Callable[[type[AdapterT]], type[AdapterT]]:
    """Return a class decorator that makes an adapter known under ``name``.

    Args:
        name: What ``open_adapter`` and the command line call it.

    Returns:
        The decorator, which sets the class's ``name``.

    Raises:
        ValueError: If another class has this name (running the same definition twice is fine).
    """

    def decorate(adapter: type[AdapterT]) -> type[AdapterT]:
        known = _ADAPTERS.get(name)
        if known is not None and _address(known) != _address(adapter):
            raise ValueError(f"adapter name {name!r} is taken by {_address(known)}; choose another")
        adapter.name = name
        _ADAPTERS[name] = adapter
        return adapter

    return decorate


def _address(adapter: type[Adapter]) -> str:
    return f"{adapter.__module__}.{adapter.__qualname__}"


def adapter_names() -> list[str]:
    """Return the names of all registered adapters, sorted."""
    return sorted(_ADAPTERS)


def open_adapter(name: str, root: str | Path) -> Adapter:
    """Return a registered adapter on a data folder; no image is opened.

    Args:
        name: One of ``adapter_names()``.
        root: The data folder.

    Returns:
        The adapter.

    Raises:
        AdapterError: If the name is unknown or the folder does not exist.
    """
    if name not in _ADAPTERS:
        near = get_close_matches(name, _ADAPTERS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; use one of: {', '.join(adapter_names())}"
        raise AdapterError(f"unknown adapter {name!r}{hint}")
    if not Path(root).is_dir():
        raise AdapterError(f"no folder {str(root)!r}")
    return _ADAPTERS[name](Path(root))


def check_adapter(adapter: Adapter) -> None:
    """Raise unless the adapter keeps the contract; run it once on any new adapter or data folder.

    It walks through the signatures twice and opens none of them.

    Args:
        adapter: The adapter to examine, on a folder with data.

    Raises:
        AdapterError: Naming up to five faults, each with the likely mistake.
    """
    faults, walk = [], []
    for record in adapter.iter_signatures():
        if fault := record_fault(record, adapter.takes):
            faults.append(fault)
        else:
            walk.append(_identity(record))  # and not the record: an archive's arrays would all stay in memory
    if not faults:  # only well-formed records can be compared and counted
        faults = _faults_of_the_whole(walk, adapter.root)
        if walk != [_identity(record) for record in adapter.iter_signatures()]:
            faults.append("two walks gave different records or another order: sort what the folder lists")
    if not adapter.name:
        faults.append("no name: decorate the class with @register_adapter('...')")
    if faults:
        more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
        raise AdapterError(f"adapter {adapter.name!r}: " + "; ".join(faults[:5]) + more)


def record_fault(record: SignatureFile, takes: Takes = "image") -> str:
    """Return what is wrong with the form of one record, with the likely mistake, or an empty string.

    Args:
        record: What an adapter yielded.
        takes: What the adapter says it takes.

    Returns:
        One line, or ``""``.
    """
    texts = (record.signer, record.forger, record.session, record.capture)
    if not all(isinstance(text, str) for text in texts) or not record.signer:
        return f"signer {record.signer!r}: signer, forger, session and capture must be text, signer not empty"
    if record.kind not in KINDS:
        return f"signer {record.signer!r}: unknown kind {record.kind!r}; use one of: {', '.join(KINDS)}"
    if isinstance(record.image, Path):
        return ""
    if not isinstance(record.image, np.ndarray):
        return f"signer {record.signer!r}: image is a {type(record.image).__name__}: yield a Path or an array"
    if takes == "trajectory":
        rows = record.image.ndim == 2 and record.image.shape[1] == 4 and len(record.image) >= 2
        if not rows or record.image.dtype.kind != "f":
            return f"signer {record.signer!r}: a trajectory must be float, (n, 4): x mm, y mm, t s, pressure"
        return ""
    if record.image.dtype != np.uint8 or record.image.ndim != 2 or record.image.size == 0:
        return f"signer {record.signer!r}: an array must be uint8, (height, width), dark ink on light paper"
    return ""


class _Identity(tuple[str, ...]):
    """Signer, kind, image, forger, session and capture of a record as texts; arrays by their hash."""

    is_file: bool


def _identity(record: SignatureFile) -> _Identity:
    is_file = isinstance(record.image, Path)
    image = str(record.image) if is_file else hashlib.sha256(np.asarray(record.image).tobytes()).hexdigest()
    made = _Identity((record.signer, record.kind, image, record.forger, record.session, record.capture))
    made.is_file = is_file
    return made


def _faults_of_the_whole(walk: list[_Identity], root: Path) -> list[str]:
    genuine = {signer for signer, kind, *_ in walk if kind == "genuine"}
    if not genuine:
        return ["no genuine signature: is this the right folder, and are genuine and forged told apart?"]
    without = sorted({signer for signer, *_ in walk} - genuine)
    faults = [
        f"signer {signer!r} has no genuine signature: is the forger's name taken for the signer's?"
        for signer in without
    ]
    if len(genuine) == len(walk) > 1:
        faults.append("every signature has a signer of its own: is the file's name taken for the signer's?")
    order = [signer for signer, _ in itertools.groupby(signer for signer, *_ in walk)]
    torn = sorted(signer for signer, n in Counter(order).items() if n > 1)
    if torn:
        faults.append(f"signer {torn[0]!r} comes in several stretches: yield one signer after the other")
    if own := next((row for row in walk if row[3] and row[3] == row[0] and row[1] != "genuine"), None):
        faults.append(f"signer {own[0]!r} forges the own signature: are signer and forger exchanged?")
    files = [Path(row[2]) for row in walk if row.is_file]
    top = Path(os.path.realpath(root))
    outside = [file for file in files if not Path(os.path.realpath(file)).is_relative_to(top)]
    faults += [f"{file.name!r} is a path outside the root: yield root / name, no links" for file in outside]
    if len(set(files)) < len(files):
        faults.append("the same file is yielded more than once: do two patterns match it?")
    return faults
