"""Finding every folder below another, through symbolic links too: who is to be forgotten must not hide behind one."""

import os
from pathlib import Path
from typing import NoReturn


def folders_below(root: str | Path, *, without: str | Path) -> list[Path]:
    """Return a folder and all below it, links followed, each place once; nothing if there is no such folder.

    Args:
        root: Where to begin.
        without: A folder that is somebody else's, left out with all below it, unless `root` lies in it.

    Raises:
        OSError: If one of them cannot be read; what it holds must not pass for nothing.
    """
    if not Path(root).is_dir():
        return []
    left_out = Path(without).resolve()
    ours = Path(root).resolve().is_relative_to(left_out)
    found: list[Path] = []
    seen: set[Path] = set()
    for name, inside, _ in os.walk(root, followlinks=True, onerror=_raise):
        folder, place = Path(name), Path(name).resolve()
        if place in seen or (place.is_relative_to(left_out) and not ours):
            inside.clear()
            continue
        seen.add(place)
        found.append(folder)
        inside.sort(key=lambda child: ((folder / child).is_symlink(), child))  # a place goes by its own name first
    return found


def files_below(root: str | Path, *, without: str | Path) -> list[Path]:
    """Return the files in `folders_below`, sorted; a link to a file counts, one that leads nowhere too."""
    folders = folders_below(root, without=without)
    return sorted(path for folder in folders for path in folder.iterdir() if not path.is_dir())


def _raise(error: OSError) -> NoReturn:
    raise error
