"""Entry point of `python -m pipelines`."""

import os
import sys

from .cli import main
from .quiet_loading import keep_loading_quiet

KEEPING = {"demo", "train", "compare", "ablate", "speed", "evaluate", "curves", "shift", "adapt"}
"""Verbs that train or embed so much that it pays."""

# TensorFlow takes and returns tens of megabytes at every operation. By default glibc maps them anew each time, and
# the page faults cost about a fifth of a training step on a processor; kept, and in large pages, they cost nothing.
_KEEP_MEMORY = "glibc.malloc.mmap_threshold=2147483648:glibc.malloc.trim_threshold=4294967296:glibc.malloc.hugetlb=1"


def _keep_memory() -> None:
    """Start the same command again under `_KEEP_MEMORY`, which glibc reads only when a process starts."""
    if sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = _KEEP_MEMORY
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    # read when OpenMP is loaded, later: scikit-learn's threads should sleep, not spin, while TensorFlow's work
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if KEEPING & set(sys.argv[1:]):
        _keep_memory()
    keep_loading_quiet()
    sys.exit(main())
