"""What the image of a signature measures: box, ink, line width, components, slant. NumPy and numba only.

Widths are relative to the diagonal of the inked box as well as in px, so that images of any resolution compare.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kernels import kernel
from .statistics import lean

_SPECK = 0.002  # components with a smaller share of the ink are dust


def otsu(image: NDArray[np.uint8]) -> int:
    """Return the grey level that parts ink (at most the level) from paper best.

    Source:
        Otsu (1979), "A threshold selection method from gray-level histograms".
    """
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    below: Any = np.cumsum(counts)
    level: Any = np.cumsum(counts * np.arange(256))
    total, mean = below[-1], level[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean * below / total - level) ** 2 / (below * (total - below))
    return int(np.nanargmax(np.where(np.isfinite(between), between, -1.0)))


@kernel
def component_sizes(ink: Any) -> Any:
    """Return the pixel counts of the 8-connected parts of a mask, in order of their first pixel."""
    height, width = ink.shape
    seen = np.zeros(ink.shape, dtype=np.bool_)
    stack = np.empty((height * width, 2), dtype=np.int32)
    sizes = np.empty(height * width, dtype=np.int64)
    n = 0
    for r0 in range(height):
        for c0 in range(width):
            if not ink[r0, c0] or seen[r0, c0]:
                continue
            seen[r0, c0], top, size = True, 1, 0
            stack[0, 0], stack[0, 1] = r0, c0
            while top > 0:
                top -= 1
                r, c = stack[top, 0], stack[top, 1]
                size += 1
                for i in range(max(r - 1, 0), min(r + 2, height)):
                    for j in range(max(c - 1, 0), min(c + 2, width)):
                        if ink[i, j] and not seen[i, j]:
                            seen[i, j] = True
                            stack[top, 0], stack[top, 1] = i, j
                            top += 1
            sizes[n], n = size, n + 1
    return sizes[:n].copy()


def outline(ink: NDArray[np.bool_]) -> float:
    """Return the length in px of the outline of a mask, exact for lines along rows, columns and diagonals.

    Source:
        Gray (1971), "Local properties of binary images in two dimensions", IEEE TC 20: bit quads, with the
        weights of Duda as Pratt, "Digital image processing", prints them.
    """
    framed = np.pad(ink, 1).astype(np.int8)
    a, b, c, d = framed[:-1, :-1], framed[:-1, 1:], framed[1:, :-1], framed[1:, 1:]
    total = a + b + c + d
    odd, two = int(((total == 1) | (total == 3)).sum()), total == 2
    diagonal = int((two & (a == d)).sum())
    return int(two.sum()) - diagonal + (odd + 2 * diagonal) / np.sqrt(2.0)


def measure_image(image: NDArray[np.uint8]) -> dict[str, float]:
    """Return the statistics of one image.

    Line width is twice the ink's area over its outline.

    Args:
        image: Grey pixels, dark ink on light paper, shape ``(height, width)``.

    Raises:
        ValueError: If it is no such array, or holds one grey level only.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an image is uint8 (height, width), dark ink on light paper; got {image.dtype} {image.shape}")
    if image.min() == image.max():
        raise ValueError("the image is blank: it has one grey level only")
    ink = image <= otsu(image)
    sizes = component_sizes(ink)
    kept = sizes[sizes >= max(_SPECK * sizes.sum(), 2)]
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    box = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = box.shape
    line = 2.0 * float(box.sum()) / outline(box)
    diagonal = float(np.hypot(height, width))
    return {
        "height_px": float(image.shape[0]),
        "width_px": float(image.shape[1]),
        "aspect": width / height,
        "ink_share": float(box.mean()),
        "components": float(len(kept)),
        "line_width_px": line,
        "line_width_per_diagonal": line / diagonal,
        "path_per_diagonal": float(box.sum()) / line / diagonal,
        "slant_deg": _slant(image, ink),
    }


def _slant(image: NDArray[np.uint8], ink: NDArray[np.bool_]) -> float:
    """Return the lean of the strokes from the grey gradients at their edges, in degrees to the right."""
    light: Any = image.astype(np.float64)
    light = (light + np.roll(light, 1, 0) + np.roll(light, -1, 0)) / 3.0
    light = (light + np.roll(light, 1, 1) + np.roll(light, -1, 1)) / 3.0
    down, right = np.gradient(light)
    edge = np.zeros(ink.shape, dtype=bool)
    edge[1:-1, 1:-1] = ink[:-2, 1:-1] ^ ink[2:, 1:-1] | ink[1:-1, :-2] ^ ink[1:-1, 2:]
    # a stroke runs across its gradient; y is up in the result
    return lean(down[edge], right[edge])
