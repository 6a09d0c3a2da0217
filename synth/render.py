"""From acts to images: one signature at a chosen size or resolution, or a whole batch in one kernel call."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .acts import Act, Signature
from .capture import digitise
from .config import CAPTURES, Capture, Pen, draw_into, law_table, record_type
from .ink import draw_ink, ink_bounds
from .kernels import kernel
from .layout import MAX_UNITS, letters
from .signing import MAX_SAMPLES, sign_into
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
def _picture(samples: Any, n: int, px_per_mm: float, key: Any, pen: Any, capture: Any, image: Any) -> None:
    """Draw one trajectory with this pen and capture into a uint8 canvas."""
    light = np.empty(image.shape, dtype=np.float32)
    grain = np.uint32(uniform(key, _GRAIN, 0) * 4294967296.0)
    draw_ink(samples, n, px_per_mm, math.radians(capture.turn_deg), pen, grain, light)
    noise = np.uint32(uniform(key, _NOISE, 0) * 4294967296.0)
    bilevel = uniform(key, _BILEVEL, 0) < capture.p_bilevel
    digitise(light, capture, bilevel, min(pen.darkness, 0.98), noise, image)


@kernel
def _draw_equipment(key: Any, pen_laws: Any, pen_slots: Any, pen_row: Any, laws: Any, slots: Any, row: Any) -> None:
    draw_into(pen_laws, pen_slots, child(key, _PEN, 0), pen_row)
    draw_into(laws, slots, child(key, _CAPTURE, 0), row)


@kernel
def _draw_batch(
    hands: Any,
    units: Any,
    n_units: Any,
    keys: Any,
    leaks: Any,
    efforts: Any,
    misperceptions: Any,
    table: Any,
    pens: Any,
    pen_rows: Any,
    pen_laws: Any,
    pen_slots: Any,
    captures: Any,
    capture_rows: Any,
    laws: Any,
    slots: Any,
    height: int,
    width: int,
    images: Any,
    sizes: Any,
) -> None:
    samples = np.empty((MAX_SAMPLES, 4))
    for i in range(len(hands)):
        k = keys[i]
        act = (k[3, 0], k[3, 1])
        n = sign_into(
            hands[i],
            units[i],
            n_units[i],
            (k[0, 0], k[0, 1]),
            (k[1, 0], k[1, 1]),
            leaks[i],
            (k[2, 0], k[2, 1]),
            act,
            (k[4, 0], k[4, 1]),
            efforts[i],
            misperceptions[i],
            table,
            samples,
        )
        _draw_equipment(act, pen_laws, pen_slots, pen_rows[i], laws, slots, capture_rows[i])
        pen, capture = pens[i], captures[i]
        h, w = int(height * capture.oversampling), int(width * capture.oversampling)
        sizes[i, 0], sizes[i, 1] = h, w
        px_per_mm = _fit(samples, n, h, w, capture.margin, math.radians(capture.turn_deg), pen.width_mm)
        _picture(samples, n, px_per_mm, act, pen, capture, images[i, :h, :w])


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
    config, profile = acts[0].claimed.world.config, _capture(capture)
    b, limit = len(acts), math.ceil(profile.oversampling.b or profile.oversampling.a)
    units, n_units = np.zeros((b, MAX_UNITS), dtype=np.int64), np.empty(b, dtype=np.int64)
    for i, act in enumerate(acts):
        n_units[i] = len(act.text.units)
        units[i, : n_units[i]] = act.text.units
    keys = np.array([[a.author.idiolect, a.by.idiolect, a.session, a.key, a.perceive] for a in acts], dtype=np.uint64)
    pen_laws, pen_slots = law_table(config.pen)
    laws, slots = law_table(profile)
    pens, captures = np.zeros(b, dtype=record_type(Pen)), np.zeros(b, dtype=record_type(Capture))
    images, sizes = (
        np.empty((b, height * limit, width * limit), dtype=np.uint8),
        np.empty((b, 2), dtype=np.int64),
    )
    _draw_batch(
        np.array([a.hand for a in acts]),
        units,
        n_units,
        keys,
        np.array([a.leak for a in acts]),
        np.array([a.effort for a in acts]),
        np.array([a.misperceive for a in acts]),
        letters(),
        pens,
        _rows(pens),
        pen_laws,
        pen_slots,
        captures,
        _rows(captures),
        laws,
        slots,
        height,
        width,
        images,
        sizes,
    )
    return [image[:h, :w] for image, (h, w) in zip(images, sizes, strict=True)]


def _rows(records: NDArray[Any]) -> NDArray[np.float64]:
    """Return the same memory with one number per column."""
    return records.view(np.float64).reshape(len(records), -1)


def _capture(name: str) -> Capture:
    if name not in CAPTURES:
        raise ValueError(f"unknown capture {name!r}; use one of: {', '.join(CAPTURES)}")
    return CAPTURES[name]


def equipment(signature: Signature, capture: str = "clean") -> tuple[Any, Any]:
    """Return the pen and the capture drawn for this act, as records of `config.Pen` and `config.Capture`."""
    pens, captures = np.zeros(1, dtype=record_type(Pen)), np.zeros(1, dtype=record_type(Capture))
    laws = law_table(signature.act.claimed.world.config.pen)
    _draw_equipment(signature.act.key, *laws, _rows(pens)[0], *law_table(_capture(capture)), _rows(captures)[0])
    return pens[0], captures[0]


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
    pen, profile = equipment(signature, capture)
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
    image = np.empty((height, width), dtype=np.uint8)
    key = (np.uint64(signature.act.key[0]), np.uint64(signature.act.key[1]))
    _picture(samples, n, scale, key, pen, profile, image)
    return image
