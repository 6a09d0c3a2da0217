"""From acts to images: one signature at a chosen size or resolution, or a whole batch in one kernel call."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .acts import Act, Signature, sign_acts
from .capture import digitise
from .config import CAPTURES, Capture, Pen, draw_into, law_table, record_type
from .ink import draw_ink, ink_bounds
from .kernels import kernel
from .streams import child, slot, uniform

_PEN, _CAPTURE, _GRAIN, _NOISE, _BILEVEL = (
    slot(f"render.{n}") for n in ("pen", "capture", "grain", "noise", "bilevel")
)
_MAX_PIXELS = 40_000_000


@kernel
def _fit(samples: Any, n: int, height: int, width: int, margin: float, turn: float, pen_mm: float) -> float:
    """Return the px per mm at which the inked part just fits the canvas with its margin."""
    left, bottom, right, top = ink_bounds(samples, n)
    w, h, cos, sin = right - left, top - bottom, abs(math.cos(turn)), abs(math.sin(turn))
    across, up = w * cos + h * sin + pen_mm, w * sin + h * cos + pen_mm
    edge = 2.0 * margin * height + 2.0
    return min((width - edge) / max(across, 0.1), (height - edge) / max(up, 0.1))


@kernel
def _draw_equipment(keys: Any, pen_laws: Any, pen_slots: Any, pens: Any, laws: Any, slots: Any, captures: Any) -> None:
    for i in range(len(keys)):
        key = (keys[i, 0], keys[i, 1])
        draw_into(pen_laws, pen_slots, child(key, _PEN, 0), pens[i])
        draw_into(laws, slots, child(key, _CAPTURE, 0), captures[i])


@kernel
def _draw_images(
    samples: Any, counts: Any, scales: Any, keys: Any, pens: Any, captures: Any, sizes: Any, images: Any
) -> None:
    """Draw trajectories at their scales (px per mm; 0 means as large as fits) into images, one a row."""
    for i in range(len(counts)):
        pen, capture, key, h, w = pens[i], captures[i], (keys[i, 0], keys[i, 1]), sizes[i, 0], sizes[i, 1]
        path, n, turn, px_per_mm = samples[i], counts[i], math.radians(capture.turn_deg), scales[i]
        if px_per_mm <= 0.0:
            px_per_mm = _fit(path, n, h, w, capture.margin, turn, pen.width_mm)
        light, touched = np.empty(h * w, dtype=np.float32).reshape(h, w), np.empty(4, dtype=np.int64)
        grain = np.uint32(uniform(key, _GRAIN, 0) * 4294967296.0)
        draw_ink(path, n, px_per_mm, turn, pen, grain, light, touched)
        noise = np.uint32(uniform(key, _NOISE, 0) * 4294967296.0)
        bilevel = uniform(key, _BILEVEL, 0) < capture.p_bilevel
        digitise(light, touched, capture, bilevel, min(pen.darkness, 0.98), noise, images[i, : h * w].reshape(h, w))


def render_batch(acts: Sequence[Act], *, height: int, width: int, capture: str = "mixed") -> list[NDArray[np.uint8]]:
    """Return one captured image per act, larger than asked by the capture's oversampling.

    The kernel holds no lock, so batches drawn in threads run side by side.

    Args:
        acts: Acts of one world.
        height: Canvas before oversampling, in px.
        width: The same.
        capture: A name in `config.CAPTURES`.

    Returns:
        uint8 images, dark ink on light paper, each of shape about ``(height, width)`` times a factor.
    """
    samples, counts = sign_acts(acts)
    keys = np.array([a.key for a in acts], dtype=np.uint64)
    pens, captures = _equipment(acts[0].claimed.world.config.pen, _capture(capture), keys)
    sizes = np.empty((len(acts), 2), dtype=np.int64)
    sizes[:, 0], sizes[:, 1] = height * captures["oversampling"], width * captures["oversampling"]
    images = np.empty((len(acts), int(sizes.prod(axis=1).max())), dtype=np.uint8)
    _draw_images(samples, counts, np.zeros(len(acts)), keys, pens, captures, sizes, images)
    return [image[: h * w].reshape(h, w) for image, (h, w) in zip(images, sizes.tolist(), strict=True)]


def _equipment(pen: Pen, profile: Capture, keys: NDArray[np.uint64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the pens and captures of acts, as records, from their keys, shape ``(n, 2)``."""
    pens, captures = np.zeros(len(keys), dtype=record_type(Pen)), np.zeros(len(keys), dtype=record_type(Capture))
    rows = (pens.view(np.float64).reshape(len(keys), -1), captures.view(np.float64).reshape(len(keys), -1))
    _draw_equipment(keys, *law_table(pen), rows[0], *law_table(profile), rows[1])
    return pens, captures


def _capture(name: str) -> Capture:
    if name not in CAPTURES:
        raise ValueError(f"unknown capture {name!r}; use one of: {', '.join(CAPTURES)}")
    return CAPTURES[name]


def equipment(signature: Signature, capture: str = "clean") -> tuple[Any, Any]:
    """Return the pen and the capture drawn for this act, as records of `config.Pen` and `config.Capture`."""
    pens, captures = _equipment_of(signature, capture)
    return pens[0], captures[0]


def _equipment_of(signature: Signature, capture: str) -> tuple[NDArray[Any], NDArray[Any]]:
    keys = np.array([signature.act.key], dtype=np.uint64)
    return _equipment(signature.act.claimed.world.config.pen, _capture(capture), keys)


def render(
    signature: Signature,
    *,
    height: int | None = None,
    width: int | None = None,
    dpi: float | None = None,
    capture: str = "clean",
) -> NDArray[np.uint8]:
    """Return the image of one signature, dark ink on light paper.

    Give height and width to fit a canvas, or dpi for true size with a margin of 2 mm; with neither, 300 dpi.

    Args:
        signature: What `Signer.genuine` or `forge` returned.
        height: Canvas height in px, at least 16.
        width: Canvas width in px, at least 16.
        dpi: Resolution, from 20 to 2400.
        capture: A name in `config.CAPTURES`; the act's pen, ink and capture are part of its key.

    Returns:
        uint8, shape ``(height, width)``.

    Raises:
        ValueError: If the size is nonsense or the capture unknown.
    """
    pens, captures = _equipment_of(signature, capture)
    pen, profile = pens[0], captures[0]
    samples, n, turn = (
        signature.trajectory,
        len(signature.trajectory),
        math.radians(float(profile["turn_deg"])),
    )
    if dpi is not None and (height is not None or width is not None):
        raise ValueError("give height and width, or dpi, not both")
    if height is not None or width is not None:
        if height is None or width is None or not (16 <= height <= 8192 and 16 <= width <= 8192):
            raise ValueError(f"canvas {height} x {width} px is not usable; give both, each from 16 to 8192")
        scale = _fit(samples, n, height, width, float(profile["margin"]), turn, float(pen["width_mm"]))
    else:
        dpi = 300.0 if dpi is None else dpi
        if not 20.0 <= dpi <= 2400.0:
            raise ValueError(f"dpi is {dpi}; use a number from 20 to 2400")
        scale = dpi / 25.4
        left, bottom, right, top = ink_bounds(samples, n)
        w, h, cos, sin = right - left, top - bottom, abs(math.cos(turn)), abs(math.sin(turn))
        height = math.ceil(scale * (w * sin + h * cos + 4.0))
        width = math.ceil(scale * (w * cos + h * sin + 4.0))
    if height * width > _MAX_PIXELS:
        raise ValueError(f"{height} x {width} px is more than {_MAX_PIXELS:,} pixels; lower the resolution")
    image = np.empty((1, height * width), dtype=np.uint8)
    keys = np.array([signature.act.key], dtype=np.uint64)
    _draw_images(
        samples[None], np.array([n]), np.array([scale]), keys, pens, captures, np.array([[height, width]]), image
    )
    return image.reshape(height, width)
