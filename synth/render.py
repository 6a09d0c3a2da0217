"""From acts to images: one signature at a chosen size or resolution, or a whole batch in one kernel call."""

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .acts import Act, Signature, sign_acts
from .capture import digitise
from .config import CAPTURES, Capture, Pen, WorldConfig, draw_into, law_table, record_type
from .ink import ACROSS, DRY, LAID, PASS_PX, STRIDE, draw_ink, ink_bounds
from .kernels import kernel
from .streams import child, slot, uniform

_PEN_KIND, _PEN, _CAPTURE, _GRAIN, _NOISE, _BILEVEL = (
    slot(f"render.{n}") for n in ("pen_kind", "pen", "capture", "grain", "noise", "bilevel")
)
_MAX_PIXELS = 40_000_000


@kernel
def _fit(samples: Any, n: int, height: int, width: int, margin: float, turn: float, pen_mm: float) -> float:
    """Return the px per mm at which the inked part just fits the canvas with its margin, of a width at most half."""
    left, bottom, right, top = ink_bounds(samples, n)
    w, h, cos, sin = right - left, top - bottom, abs(math.cos(turn)), abs(math.sin(turn))
    across, up = w * cos + h * sin + pen_mm, w * sin + h * cos + pen_mm
    edge = 2.0 * margin * height + 2.0
    return min((width - min(edge, 0.5 * width)) / max(across, 0.1), (height - edge) / max(up, 0.1))


@kernel
def _draw_equipment(
    keys: Any, shares: Any, pen_laws: Any, pen_slots: Any, pens: Any, laws: Any, slots: Any, captures: Any, kinds: Any
) -> None:
    for i in range(len(keys)):
        key = (keys[i, 0], keys[i, 1])
        pick, kind = uniform(key, _PEN_KIND, 0), 0
        while kind < len(shares) - 1 and pick >= shares[kind]:
            kind += 1
        kinds[i] = kind
        draw_into(pen_laws[kind], pen_slots, child(key, _PEN, 0), pens[i])
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
            scales[i] = px_per_mm
        light, touched = np.empty(h * w, dtype=np.float32).reshape(h, w), np.empty(4, dtype=np.int64)
        maps = np.empty(4 * h * (w + STRIDE), dtype=np.float32).reshape(4, h * (w + STRIDE))
        grain = np.uint32(uniform(key, _GRAIN, 0) * 4294967296.0)
        draw_ink(path, n, px_per_mm, turn, pen, grain, light, maps, touched)
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
    pens, captures, _ = _equipment(acts[0].claimed.world.config, _capture(capture), keys)
    sizes = np.empty((len(acts), 2), dtype=np.int64)
    sizes[:, 0], sizes[:, 1] = height * captures["oversampling"], width * captures["oversampling"]
    images = np.empty((len(acts), int(sizes.prod(axis=1).max())), dtype=np.uint8)
    scales = np.zeros(len(acts))
    _draw_images(samples, counts, scales, keys, pens, captures, sizes, images)
    drawn = [image[: h * w].reshape(h, w) for image, (h, w) in zip(images, sizes.tolist(), strict=True)]
    if not _capture(capture).developed:
        return drawn
    from .paper import develop

    found = zip(drawn, captures, scales, acts, strict=True)
    return [develop(image, [], record, float(scale), act.key)[0] for image, record, scale, act in found]


def compile_drawing() -> None:
    """Compile what `render_batch` draws with, on a line that nobody wrote: without the kernels that move a pen."""
    keys, line = np.zeros((1, 2), dtype=np.uint64), np.array([[[0.0, 0.0, 0.0, 1.0], [9.0, 3.0, 0.01, 1.0]]])
    pens, captures, _ = _equipment(WorldConfig(), CAPTURES["clean"], keys)
    size, image = np.array([[32, 64]]), np.empty((1, 32 * 64), dtype=np.uint8)
    _draw_images(line, np.array([2]), np.zeros(1), keys, pens, captures, size, image)


def _equipment(
    config: WorldConfig, profile: Capture, keys: NDArray[np.uint64]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Return the pens and captures of acts, as records, and the numbers of the pens, from keys, shape ``(n, 2)``."""
    pens, captures = np.zeros(len(keys), dtype=record_type(Pen)), np.zeros(len(keys), dtype=record_type(Capture))
    rows = (pens.view(np.float64).reshape(len(keys), -1), captures.view(np.float64).reshape(len(keys), -1))
    kinds = np.empty(len(keys), dtype=np.int64)
    _draw_equipment(keys, *_pen_tables(config), rows[0], *law_table(profile), rows[1], kinds)
    return pens, captures, kinds


@functools.cache
def _pen_tables(config: WorldConfig) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint64]]:
    """Return the summed shares of a world's pens, their laws, shape ``(n_pens, n_fields, 5)``, and the slots."""
    tables = [law_table(config.pen_laws[name]) for name, _ in config.pens]
    weights = np.array([weight for _, weight in config.pens])
    return np.cumsum(weights) / weights.sum(), np.array([laws for laws, _ in tables]), tables[0][1]


def _capture(name: str) -> Capture:
    if name not in CAPTURES:
        raise ValueError(f"unknown capture {name!r}; use one of: {', '.join(CAPTURES)}")
    return CAPTURES[name]


def equipment(signature: Signature, capture: str = "clean") -> tuple[Any, Any]:
    """Return the pen and the capture drawn for this act, as records of `config.Pen` and `config.Capture`."""
    pens, captures, _ = _equipment_of(signature, capture)
    return pens[0], captures[0]


def pen_of(signature: Signature) -> str:
    """Return the name of the pen this act was written with."""
    return signature.act.claimed.world.config.pens[int(_equipment_of(signature, "clean")[2][0])][0]


def _equipment_of(signature: Signature, capture: str) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    keys = np.array([signature.act.key], dtype=np.uint64)
    return _equipment(signature.act.claimed.world.config, _capture(capture), keys)


def render(
    signature: Signature,
    *,
    height: int | None = None,
    width: int | None = None,
    dpi: float | None = None,
    capture: str = "clean",
    paper: str = "blank",
    colour: bool = False,
) -> NDArray[np.uint8]:
    """Return the image of one signature, dark ink on light paper.

    Give height and width to fit a canvas, or dpi for true size with a margin of 2 mm; with neither, the resolution
    comes from the capture: 300 dpi, or what scanners and fax machines have.

    Args:
        signature: What `Signer.genuine` or `forge` returned.
        height: Canvas height in px, at least 16.
        width: Canvas width in px, at least 16.
        dpi: Resolution, from 20 to 2400.
        capture: A name in `config.CAPTURES`; the act's pen, ink and capture are part of its key.
        paper: A name in `paper.PAPERS`: what else is on the page.
        colour: Whether ink and paper have colours; the grey image is their luma.

    Returns:
        uint8, shape ``(height, width)``, or ``(height, width, 3)``, RGB, in colour.

    Raises:
        ValueError: If the size is nonsense or the capture or paper unknown.
    """
    page = _Page(signature, height, width, dpi, capture)
    image = page.draw()
    if paper == "blank" and not colour and not _capture(capture).developed:
        return image
    from .paper import chroma, develop, printed, to_rgb

    key, dark = signature.act.key, printed(paper, image, page.scale, signature.act.key)
    planes = list(chroma(image, dark, key, paper)) if colour else []
    image, planes = develop(_with_print(image, dark), planes, page.capture, page.scale, key)
    return to_rgb(image, *planes) if colour else image


class Truth(NamedTuple):
    """What an image shows, pixel by pixel, each of shape ``(height, width)``.

    Attributes:
        ink: bool: where the pen touched the paper.
        form: bool: where something is printed or stamped.
        order: int32: the number of the last stroke there (pen down to pen up), from 1; 0 where there is none.
    """

    ink: NDArray[np.bool_]
    form: NDArray[np.bool_]
    order: NDArray[np.int32]


def ground_truth(
    signature: Signature,
    *,
    height: int | None = None,
    width: int | None = None,
    dpi: float | None = None,
    capture: str = "clean",
    paper: str = "blank",
) -> Truth:
    """Return the masks of the image that `render` draws from the same arguments; same errors."""
    from .paper import develop, printed

    page = _Page(signature, height, width, dpi, capture)
    light, maps, rows = np.empty(page.shape, np.float32), page.maps(), page.shape[0]
    grain, touched = np.uint32(int(_uniform(signature, _GRAIN) * 4294967296.0)), np.empty(4, dtype=np.int64)
    turn = math.radians(float(page.capture["turn_deg"]))
    path = signature.trajectory
    draw_ink(path, len(path), page.scale, turn, page.pen, grain, light, maps, touched)
    across, laid, dry = (maps[k].reshape(rows, -1)[:, : page.shape[1]] for k in (ACROSS, LAID, DRY))
    ink = ((np.abs(across) <= 1.0) | (dry < 0.9)) & (light < 0.98)
    order = np.where(ink, laid // np.float32(PASS_PX) + 1, 0).astype(np.float32)
    image = page.draw()
    dark = printed(paper, image, page.scale, signature.act.key)
    masks = [order, (dark > 0.05).astype(np.float32)]
    _, (order, form) = develop(image, masks, page.capture, page.scale, signature.act.key)
    return Truth(order > 0.5, form > 0.5, order.astype(np.int32))


def _uniform(signature: Signature, name: Any) -> float:
    return float(uniform(signature.act.key, name, np.uint64(0)))


def _with_print(image: NDArray[np.uint8], dark: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a page with print under its ink; a black-and-white page stays so."""
    if not dark.any():
        return image
    mixed = image * (1.0 - dark)
    if np.isin(image, (0, 255)).all() and image.min() == 0:
        return np.where(mixed > 150, 255, 0).astype(np.uint8)
    return np.round(mixed).astype(np.uint8)


class _Page:
    """The size, scale, pen and capture of one image."""

    def __init__(
        self, signature: Signature, height: int | None, width: int | None, dpi: float | None, capture: str
    ) -> None:
        self.signature = signature
        self.pens, self.captures, _ = _equipment_of(signature, capture)
        self.pen, self.capture = self.pens[0], self.captures[0]
        samples, turn = signature.trajectory, math.radians(float(self.capture["turn_deg"]))
        n = len(samples)
        if dpi is not None and (height is not None or width is not None):
            raise ValueError("give height and width, or dpi, not both")
        if height is not None or width is not None:
            if height is None or width is None or not (16 <= height <= 8192 and 16 <= width <= 8192):
                raise ValueError(f"canvas {height} x {width} px is not usable; give both, each from 16 to 8192")
            margin, pen_mm = float(self.capture["margin"]), float(self.pen["width_mm"])
            self.scale = float(_fit(samples, n, height, width, margin, turn, pen_mm))
        else:
            dpi = _usual(float(self.capture["dpi"])) if dpi is None else dpi
            if not 20.0 <= dpi <= 2400.0:
                raise ValueError(f"dpi is {dpi}; use a number from 20 to 2400")
            self.scale = dpi / 25.4
            left, bottom, right, top = ink_bounds(samples, n)
            w, h, cos, sin = right - left, top - bottom, abs(math.cos(turn)), abs(math.sin(turn))
            height = math.ceil(self.scale * (w * sin + h * cos + 4.0))
            width = math.ceil(self.scale * (w * cos + h * sin + 4.0))
        if height * width > _MAX_PIXELS:
            raise ValueError(f"{height} x {width} px is more than {_MAX_PIXELS:,} pixels; lower the resolution")
        self.shape = (height, width)

    def maps(self) -> NDArray[np.float32]:
        """Return room for the maps of `draw_ink`."""
        return np.empty((4, self.shape[0] * (self.shape[1] + STRIDE)), dtype=np.float32)

    def draw(self) -> NDArray[np.uint8]:
        """Return what the kernel captures of the page: ink, scanner, noise."""
        samples, image = self.signature.trajectory, np.empty((1, self.shape[0] * self.shape[1]), dtype=np.uint8)
        keys = np.array([self.signature.act.key], dtype=np.uint64)
        counts, scales, sizes = np.array([len(samples)]), np.array([self.scale]), np.array([self.shape])
        _draw_images(samples[None], counts, scales, keys, self.pens, self.captures, sizes, image)
        return image.reshape(self.shape)


def _usual(dpi: float) -> float:
    """Return the resolution nearest to a drawn one that a scanner offers."""
    return min((150.0, 200.0, 204.0, 240.0, 300.0, 400.0, 600.0), key=lambda usual: abs(math.log(usual / dpi)))
