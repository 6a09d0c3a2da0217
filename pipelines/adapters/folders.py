"""The adapter for one folder per signer: ``DIR/<signer>/genuine/*`` and ``DIR/<signer>/forged/*``, and variants.

Files are taken by where they lie, never by their extension: whether one is an image is for the decoder to
say, so that a broken or foreign file is counted and named instead of passed over.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from .contract import Adapter, Kind, SignatureFile, Unexpected, register_adapter
from .provenance import FILE_NAME

FOLDER_KINDS: dict[str, Kind] = {
    "genuine": "genuine",
    "genuines": "genuine",
    "original": "genuine",
    "simple": "simple",
    "forged": "skilled",
    "forgeries": "skilled",
    "forgery": "skilled",
    "skilled": "skilled",
}
_LOOSE = "a file outside genuine, simple or forged"
_EXPORTED = {
    "manifest.csv",
    "manifest.parquet",
    "data_card.md",
    "croissant.json",
    "export.json",
    "extract.json",
    "forms",
}
CLUTTER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", FILE_NAME} | _EXPORTED


@register_adapter("folders")
class FolderAdapter(Adapter):
    """Signatures in one folder per signer, genuine and forged apart.

    Also read are ``DIR/genuine/<signer>/*`` with ``DIR/forged/<signer>/*``, and ``DIR/<signer>/*`` without forgeries,
    as sheets are extracted to.
    Folder names are compared without regard to case, names are ordered as people count (2 before 10), and
    what operating systems strew about, or `export` adds, is ignored. ``forged`` means skilled: simple forgeries need a
    folder ``simple``.
    """

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every file of every signer: genuine, then simple, then skilled, in natural order."""
        for found in self._walk():
            if isinstance(found, SignatureFile):
                yield found

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield loose files, folders of other names or too deep, empty ones and links that lead outside."""
        for found in self._walk():
            if isinstance(found, Unexpected):
                yield found

    def _walk(self) -> Iterator[SignatureFile | Unexpected]:
        folders, strays = self._list(self.root)
        yield from strays
        if folders and all(folder.name.casefold() in FOLDER_KINDS for folder in folders):
            yield from self._walk_by_kind(folders)
            return
        for folder in folders:
            yield from self._walk_signer(folder)

    def _walk_by_kind(self, kinds: list[Path]) -> Iterator[SignatureFile | Unexpected]:
        """Walk through ``<kind>/<signer>/*``, signer by signer."""
        places: dict[str, list[tuple[Path, Kind]]] = {}
        order = list(FOLDER_KINDS)
        for folder in sorted(kinds, key=lambda folder: order.index(folder.name.casefold())):
            signers, strays = self._list(folder)
            yield from strays
            for signer in signers:
                places.setdefault(printable(signer.name), []).append((signer, FOLDER_KINDS[folder.name.casefold()]))
        for name in sorted(places, key=natural_key):
            for folder, kind in places[name]:
                yield from self._walk_kind(folder, name, kind)

    def _walk_signer(self, folder: Path) -> Iterator[SignatureFile | Unexpected]:
        inside, strays = self._list(folder)
        if re.search(r"[_-]forg\w*$", folder.name, re.IGNORECASE):
            yield self._unexpected(folder, "named as the forgeries of a folder pair; see --adapter folder_pairs")
            return
        if strays and not inside and all(stray.reason == _LOOSE for stray in strays):
            yield from self._walk_kind(folder, printable(folder.name), "genuine")
            return
        yield from strays
        known = [part for part in inside if part.name.casefold() in FOLDER_KINDS]
        for part in inside:
            if part not in known:
                yield self._unexpected(part, "a folder that is neither genuine, simple nor forged")
        if not inside and not strays:
            yield self._unexpected(folder, "an empty folder")
        order = list(FOLDER_KINDS)
        for part in sorted(known, key=lambda part: order.index(part.name.casefold())):
            yield from self._walk_kind(part, printable(folder.name), FOLDER_KINDS[part.name.casefold()])

    def _walk_kind(self, folder: Path, signer: str, kind: Kind) -> Iterator[SignatureFile | Unexpected]:
        try:
            entries = _entries(folder)
        except OSError:
            yield self._unexpected(folder, "a folder that cannot be listed")
            return
        for entry in entries:
            if os.path.isdir(entry):
                yield self._unexpected(entry, "a folder among the images")
            else:
                yield SignatureFile(signer, kind, entry)

    def _list(self, folder: Path) -> tuple[list[Path], list[Unexpected]]:
        """Return the folders in a folder, and everything else as unexpected."""
        folders, strays = [], []
        try:
            for entry in _entries(folder):
                if not os.path.isdir(entry):
                    strays.append(self._unexpected(entry, _LOOSE))
                elif not entry.resolve().is_relative_to(self.root.resolve()):
                    strays.append(self._unexpected(entry, "a link that leads outside the data folder"))
                else:
                    folders.append(entry)
        except OSError:
            strays.append(self._unexpected(folder, "a folder that cannot be listed"))
        return folders, strays

    def _unexpected(self, path: Path, reason: str) -> Unexpected:
        return Unexpected(printable(path.relative_to(self.root).as_posix()), reason)


def _entries(folder: Path) -> list[Path]:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    return sorted((e for e in entries if e.name.casefold() not in CLUTTER), key=lambda e: natural_key(e.name))


def natural_key(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key that counts as people do; the name itself breaks ties such as 1 and 01.

    Args:
        name: Any file name.

    Returns:
        The key.

    Example:
        >>> sorted(["s10.png", "s2.png", "S1.png"], key=natural_key)
        ['S1.png', 's2.png', 's10.png']
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part) for part in parts], name


def printable(name: str) -> str:
    r"""Return a name that can be printed and stored; bytes that are not UTF-8 become ``\xNN``.

    Args:
        name: A name as the file system gave it.

    Returns:
        The name, in valid Unicode.
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
