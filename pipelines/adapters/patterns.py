"""Layouts whose files say by path and name what they are: one method a layout, one walk for all of them."""

import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, NamedTuple

from .contract import KINDS, Adapter, Kind, SignatureFile, Unexpected
from .folders import CLUTTER, natural_key, printable


class Label(NamedTuple):
    """What a path says: the claimed signer, the kind, and if it tells, the forger."""

    signer: str
    kind: Kind
    forger: str = ""


class PatternAdapter(Adapter):
    """A layout that can be read off the paths; any extension will do, since the decoder looks at the content.

    Paths are compared without regard to case. What operating systems strew about is ignored, links to folders are not
    followed, and every other file that the layout does not know is named. Signers come in natural order, and of each
    the genuine signatures first, wherever in the tree they lie; files of a test part after the others, so that of a
    file and its copy there the copy is the one left out.
    """

    tell_tale: ClassVar[str] = ""  # what some path has to contain, where the pattern alone would fit other layouts too

    @abstractmethod
    def label(self, path: str) -> Label | str | None:
        """Return what a file is; or in words why it is left out; or None if it is not part of the layout.

        Args:
            path: Relative to the root, with forward slashes, casefolded.
        """

    def iter_signatures(self) -> Iterator[SignatureFile]:
        """Yield every file that the layout knows, signer by signer."""
        known = []
        for path, name in walk_files(self.root):
            if isinstance(name, str) and isinstance(found := self.label(name.casefold()), Label):
                order = natural_key(found.signer), KINDS.index(found.kind), _in_test_part(name), natural_key(name)
                known.append((order, path, found))
        for _, path, found in sorted(known, key=lambda row: row[0]):
            yield SignatureFile(found.signer, found.kind, path, forger=found.forger)

    def iter_unexpected(self) -> Iterator[Unexpected]:
        """Yield every other file, and links to folders."""
        for path, name in walk_files(self.root):
            if isinstance(name, Unexpected):
                yield name
            elif not isinstance(found := self.label(name.casefold()), Label):
                reason = found or f"not part of the layout {self.name!r}"
                yield Unexpected(printable(path.relative_to(self.root).as_posix()), reason)


def walk_files(root: Path) -> Iterator[tuple[Path, str | Unexpected]]:
    """Yield every file below a folder with its relative path, in natural order, and what cannot be walked into.

    Args:
        root: The folder.
    """

    def relative(path: Path) -> str:
        return printable(path.relative_to(root).as_posix())

    def stray(path: Path, reason: str) -> tuple[Path, Unexpected]:
        return path, Unexpected(relative(path), reason)

    unlisted: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=unlisted.append):
        folders[:] = sorted((name for name in folders if not _is_clutter(name)), key=natural_key)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        yield from (stray(Path(folder) / name, "a link to a folder; links are not followed") for name in links)
        for name in sorted(files, key=natural_key):
            if not _is_clutter(name):
                path = Path(folder) / name
                yield path, relative(path)
    yield from (stray(Path(error.filename), "a folder that cannot be listed") for error in unlisted)


def _in_test_part(name: str) -> bool:
    return any(part.startswith("test") for part in name.casefold().split("/")[:-1])


def _is_clutter(name: str) -> bool:
    return name.startswith(".") or name.casefold() in CLUTTER
