"""Holding a folder, so that two processes do not write into one; whoever dies lets go of it."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder as long as the block runs, and yield whether it is ours: False if somebody else holds it.

    The operating system keeps the lock, nothing is written. Where there is none to be had, on Windows and on file
    systems that cannot lock a folder, it is always ours.

    Args:
        folder: It exists.
    """
    handle = _opened(folder)
    try:
        yield handle is None or _taken(handle)
    finally:
        if handle is not None:
            os.close(handle)


def _opened(folder: Path) -> int | None:
    return None if sys.platform == "win32" else os.open(folder, os.O_RDONLY)


def _taken(handle: int) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
            raise
    return True
