"""Which layout a folder is in: so that a wrong ``--adapter`` is answered by the name of the right one."""

from itertools import islice
from pathlib import Path

from .contract import Adapter, AdapterError, SignatureFile, adapter_names, open_adapter
from .folders import FOLDER_KINDS
from .patterns import Label, PatternAdapter, walk_files

_LOOKED_AT = 20_000
_CLEARLY = 0.2
_WEAK = 0.4  # files right in a signer's folder fit the layout "folders", and many another


def fits(root: str | Path) -> dict[str, float]:
    """Return how much of a folder each registered layout explains, 0 to 1; no file is opened.

    Args:
        root: The data folder.
    """
    names = [name for _, name in islice(walk_files(Path(root)), _LOOKED_AT) if isinstance(name, str)]
    found = {}
    for name in adapter_names():
        adapter = open_adapter(name, root)
        if isinstance(adapter, PatternAdapter):
            labels = [adapter.label(path.casefold()) for path in names]
            genuine = any(isinstance(label, Label) and label.kind == "genuine" for label in labels)
            told = genuine and any(adapter.tell_tale in path.casefold() for path in names)
            found[name] = sum(isinstance(label, Label) for label in labels) / max(len(names), 1) if told else 0.0
        elif name == "folders":
            found[name] = _fits_folders(adapter, len(names))
        else:
            found[name] = _opens(adapter)
    return found


def _fits_folders(adapter: Adapter, n: int) -> float:
    inside = [
        record.image for record in islice(adapter.iter_signatures(), _LOOKED_AT) if isinstance(record.image, Path)
    ]
    parts = [[part.casefold() for part in path.relative_to(adapter.root).parts[:-1]] for path in inside]
    strong = sum(any(part in FOLDER_KINDS for part in folders) for folders in parts)
    return (strong + _WEAK * (len(inside) - strong)) / max(n, len(inside), 1)


def _opens(adapter: Adapter) -> float:
    """Return 1 if an adapter that reads one table or archive finds a signature there."""
    try:
        return float(isinstance(next(iter(adapter.iter_signatures()), None), SignatureFile))
    except AdapterError:
        return 0.0


def likely_adapter(root: str | Path) -> str | None:
    """Return the layout that explains most of a folder, or None if none explains half of it."""
    found = fits(root)
    best = max(found, key=lambda name: found[name])
    return best if found[best] >= 0.5 else None


def open_layout(name: str, root: str | Path) -> Adapter:
    """Return an adapter on a folder that is in its layout; the door that commands use.

    Args:
        name: A registered adapter.
        root: The data folder.

    Raises:
        AdapterError: If the folder is clearly in another layout; the message is one line and names it.
    """
    adapter = open_adapter(name, root)
    found = fits(root)
    best = max(found, key=lambda other: found[other])
    if found[best] > found.get(name, 0.0) + _CLEARLY and found[best] >= 0.5:
        raise AdapterError(
            f"{root} does not look like layout {name!r} ({found.get(name, 0.0):.0%} of its files fit) but like "
            f"{best!r} ({found[best]:.0%}); use --adapter {best}"
        )
    return adapter
