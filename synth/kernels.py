"""`kernel`: compile a function with numba, once per version of this package's source.

numba's own cache looks at the file a function stands in, not at the functions it calls in other files, so
an edited pen model would go on drawing the old strokes. Here the cache folder carries a digest of every
source file of the package: any edit compiles everything again.
"""

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba


@functools.cache
def cache_folder() -> str | None:
    """Return the folder for compiled kernels, or None where the package cannot be written to."""
    here = Path(__file__).resolve().parent
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    folder = here / "__pycache__" / f"kernels-{digest.hexdigest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def kernel(function: Callable[..., Any]) -> Any:
    """Compile to machine code without the interpreter lock; cached on disk where that is possible."""
    folder, settings = cache_folder(), cast(Any, numba.config)
    before = settings.CACHE_DIR
    settings.CACHE_DIR = folder or before
    try:
        return numba.njit(nogil=True, cache=folder is not None)(function)
    finally:
        settings.CACHE_DIR = before
