"""Work spread over threads where NumPy, OpenCV or a solver does it and holds no lock."""

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Found = TypeVar("Found")


def on_all_cores(work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """Return what work makes of each item, in their order, as many at once as there are cores.

    Meanwhile a product of matrices keeps to one thread: for a small one, waiting for a second costs more than it saves.

    Args:
        work: Called in several threads.
        items: Any number.
    """
    with _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, items))


@functools.cache
def _controller() -> ThreadpoolController:
    """Return what sets the threads of linear algebra; finding the libraries takes milliseconds."""
    return ThreadpoolController()
