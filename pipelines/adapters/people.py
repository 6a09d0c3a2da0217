"""The adapter for a class of people: ``DIR/<identifier>/<n>.png``, as sheets are cut up; all of them genuine."""

import os
from collections.abc import Iterator
from pathlib import Path

from .contract import Adapter, SignatureFile, Unexpected, register_adapter
from .folders import FOLDER_KINDS, natural_key, printable
from .provenance import FILE_NAME

_TABLES = {"extract.json", "manifest.csv", "manifest.parquet", "thumbs.db", "desktop.ini", FILE_NAME}


@register_adapter("people")
class PeopleAdapter(Adapter):
    """Genuine signatures in one folder per person, straight in it or in a folder ``genuine``.

    Forgeries are named and left out: a closed set has no place for them. Names are ordered as people count.
    """

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every genuine signature, person by person, in natural order."""
        yield from (found for found in self._walk() if isinstance(found, SignatureFile))

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield loose files, forgeries, folders of other names or too deep, and links that lead outside."""
        yield from (found for found in self._walk() if isinstance(found, Unexpected))

    def _walk(self) -> Iterator[SignatureFile | Unexpected]:
        for person in _entries(self.root):
            if not os.path.isdir(person):
                yield self._left_out(person, "a file outside a person's folder")
            elif not person.resolve().is_relative_to(self.root.resolve()):
                yield self._left_out(person, "a link that leads outside the data folder")
            else:
                yield from self._walk_person(person)

    def _walk_person(self, person: Path) -> Iterator[SignatureFile | Unexpected]:
        entries = _entries(person)
        if not entries:
            yield self._left_out(person, "an empty folder")
        for entry in entries:
            if not os.path.isdir(entry):
                yield SignatureFile(printable(person.name), "genuine", entry)
                continue
            kind = FOLDER_KINDS.get(entry.name.casefold())
            inside = _entries(entry) if kind == "genuine" and not entry.is_symlink() else []
            yield from (SignatureFile(printable(person.name), "genuine", e) for e in inside if not os.path.isdir(e))
            yield from (self._left_out(e, "a folder among the images") for e in inside if os.path.isdir(e))
            if not inside:
                yield self._left_out(entry, "a folder of forgeries" if kind else "a folder that is not genuine")

    def _left_out(self, path: Path, reason: str) -> Unexpected:
        return Unexpected(printable(path.relative_to(self.root).as_posix()), reason)


def _entries(folder: Path) -> list[Path]:
    found = (e for e in folder.iterdir() if not e.name.startswith(".") and e.name.casefold() not in _TABLES)
    return sorted(found, key=lambda entry: natural_key(entry.name))
