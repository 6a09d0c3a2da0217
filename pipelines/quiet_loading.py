"""Loads TensorFlow without the line on oneDNN that it prints whatever TF_CPP_MIN_LOG_LEVEL says.

Its libraries print that line, with a warning about their own log above it, while they are being loaded and before they
have read the level. A command's answer to bad input would be three lines instead of one. All else they print is passed
on.
"""

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder
from types import ModuleType

from .precision import cpu_flags

_NOTICE = re.compile(
    rb"^(?:WARNING: All log messages before absl::InitializeLog.*\n)?I0.*oneDNN custom operations are on.*\n",
    re.MULTILINE,
)
_STDERR = 2


def keep_loading_quiet() -> None:
    """Leave that line out from now on, unless who started this process asked for more by TF_CPP_MIN_LOG_LEVEL.

    A processor that TensorFlow was not made for ends the process while it loads, with a line that nobody could pass on;
    there everything stays as it is.
    """
    quiet = os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("2", "3")
    if quiet and sys.stderr is not None and "avx" in cpu_flags():
        sys.meta_path.insert(0, _QuietFinder())


def without_notice(said: bytes) -> bytes:
    r"""Return what TensorFlow's libraries said while they were loaded, less that line.

    Args:
        said: Whole lines.

    Example:
        >>> without_notice(b"I0000 00:00 1 port.cc:153] oneDNN custom operations are on.\nE0000 no driver\n")
        b'E0000 no driver\n'
    """
    return _NOTICE.sub(b"", said)


class _QuietLoader(ExtensionFileLoader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        kept = os.dup(_STDERR)
        with tempfile.TemporaryFile() as said:
            os.dup2(said.fileno(), _STDERR)  # the libraries write to the descriptor, not to `sys.stderr`
            try:
                return super().create_module(spec)
            finally:
                os.dup2(kept, _STDERR)
                os.close(kept)
                said.seek(0)
                os.write(_STDERR, without_notice(said.read()))


class _QuietFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("tensorflow."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and isinstance(spec.loader, ExtensionFileLoader):
            spec.loader = _QuietLoader(fullname, spec.origin)
        return spec
