"""Writing files whole or not at all: temporary file beside, flush to disk, rename."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_beside(path: Path, write: Callable[[Path], object]) -> Path:
    """Let `write` fill a temporary file of the same suffix, then rename it to `path`."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text with plain line ends, whole or not at all."""
    return write_beside(path, lambda temporary: temporary.write_text(text, encoding="utf-8", newline="\n"))


def write_json(path: Path, values: Any) -> Path:
    """Write JSON for people: indented, NaN refused."""
    return write_text(path, json.dumps(values, indent=2, allow_nan=False) + "\n")
