"""`kernel`: compile a function with numba, once per version of this package's source.

numba's own cache looks at the file a function stands in, not at the functions it calls in other files, so
an edited pen model would go on drawing the old strokes. Here the cache folder carries a digest of every
source file of the package: any edit compiles everything again.
"""

import functools
import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
from numba import types

_KEPT_SECONDS = 30 * 86_400


@functools.cache
def cache_folder() -> str | None:
    """Return the folder for compiled kernels, or None where the package cannot be written to."""
    here = Path(__file__).resolve().parent
    digest = hashlib.blake2b(digest_size=8)
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    folder = here / "__pycache__" / f"kernels-{digest.hexdigest()}"
    try:
        if not folder.exists():
            forget_old(folder.parent)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return str(folder) if os.access(folder, os.W_OK) else None


def none_compiled() -> bool:
    """Return whether kernels of this version can be kept on disk, and none has been yet."""
    folder = cache_folder()
    return folder is not None and not any(Path(folder).rglob("*.nbi"))


def forget_old(caches: Path) -> None:
    """Remove the kernels of other versions of this package that were first compiled over 30 days ago."""
    for folder in caches.glob("kernels-*"):
        if time.time() - folder.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile to machine code without the interpreter lock; cached on disk where that is possible.

    Division by zero gives infinity, as in NumPy: raising an error would cost every division a branch.

    A kernel called by another kernel is compiled apart from the same kernel called from Python, since the code that
    unpacks Python objects takes longer to compile than most kernels.
    """
    compiled, inner = _compiled(function, "outer"), _compiled(function, "inner", no_cpython_wrapper=True)
    if hasattr(compiled, "get_call_template"):  # not where numba is told to compile nothing
        compiled.get_call_template = functools.partial(_call_inner, inner)
        compiled.get_overload = inner.get_overload
    return compiled


def _call_inner(inner: Any, args: Any, kws: Any) -> Any:
    """Compile an inner kernel for a caller, which will be optimised with everything it calls: here, only a little.

    A literal argument (0, True) would be a type of its own and compile everything below it once more.
    """
    settings, plain = cast(Any, numba.config), cast(Any, types.unliteral)
    before = settings.OPT
    settings.OPT = type(before)(1)
    try:
        return inner.get_call_template([plain(a) for a in args], kws)
    finally:
        settings.OPT = before


def _compiled(function: Callable[..., Any], part: str, **options: bool) -> Any:
    folder, settings, njit = cache_folder(), cast(Any, numba.config), cast(Any, numba.njit)
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(Path(folder) / part) if folder else before
    try:
        return njit(nogil=True, error_model="numpy", cache=folder is not None, no_cfunc_wrapper=True, **options)(
            function
        )
    finally:
        settings.CACHE_DIR = before
