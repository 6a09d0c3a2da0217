"""What happens to a page beside its ink: print, stamps, fibres, the camera, the fax, colour. Works on whole images.

Every number comes from the act's key, so nothing here depends on who signs. JPEG is the codec's own and so outside
the promise of equal bytes on other machines.
"""

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .capture import NOISE
from .streams import Key, slot, uniform

Plane = NDArray[np.float32]
PAPERS = ("blank", "ruled", "boxed", "stamped", "thin")
"""blank: nothing. ruled: lines to write on. boxed: a form's box. stamped: a stamp across. thin: ink of the back."""

_FIBRE, _CORNER, _LIGHT, _SHADOW, _GRAIN, _FAX, _LINES, _STAMP, _INK, _TINT = (
    slot(f"render.paper.{n}")
    for n in ("fibre", "corner", "light", "shadow", "grain", "fax", "lines", "stamp", "ink", "tint")
)
_WORDS = ("Signature", "Sign here", "Name", "Date", "X")
_INKS = ((0.46, 2.0, 0.0), (0.46, 72.0, -16.0), (0.03, -12.0, 95.0), (0.02, 4.0, -55.0), (0.03, 62.0, 28.0))
"""Shares of black, blue, red, green and violet ink, and their blue and red difference from grey at full ink."""


def _pick(key: Key, name: Any, index: int, low: float, high: float) -> float:
    return low + (high - low) * float(uniform(key, name, np.uint64(index)))


def _noise(key: Key, name: Any, index: int, height: int, width: int) -> Plane:
    """Return white noise of s.d. 1: a table of noise, begun at a keyed place and read over and over."""
    begin = int(_pick(key, name, index, 0, len(NOISE)))
    return (np.resize(np.roll(NOISE, -begin), (height, width)).astype(np.float32)) / np.float32(32.0)


def fibres(height: int, width: int, px_per_mm: float, key: Key) -> Plane:
    """Return the texture of paper, s.d. about 1: three octaves of noise, the finest a tenth of a millimetre."""
    total = np.zeros((height, width), np.float32)
    for octave, (grain_mm, share) in enumerate(((0.1, 0.7), (0.35, 0.55), (1.6, 0.45))):
        cell = max(grain_mm * px_per_mm, 1.0)
        rows, columns = math.ceil(height / cell) + 2, math.ceil(width / cell) + 2
        lattice = _noise(key, _FIBRE, octave, rows, columns)
        total += share * cv2.resize(lattice, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def printed(paper: str, image: NDArray[np.uint8], px_per_mm: float, key: Key) -> Plane:
    """Return what is printed, stamped or shining through, as its darkness in [0, 1], shape of the image.

    Raises:
        ValueError: If the paper is unknown.
    """
    if paper not in PAPERS:
        raise ValueError(f"unknown paper {paper!r}; use one of: {', '.join(PAPERS)}")
    height, width = image.shape
    dark = np.zeros((height, width), np.float32)
    thick, depth = max(round(_pick(key, _LINES, 0, 0.2, 0.4) * px_per_mm), 1), _pick(key, _LINES, 1, 0.3, 0.8)
    base = height * _pick(key, _LINES, 2, 0.6, 0.8)
    if paper == "ruled":
        pitch = _pick(key, _LINES, 3, 7.0, 9.0) * px_per_mm
        for k in range(-math.ceil(base / pitch), math.ceil((height - base) / pitch) + 1):
            _line(dark, (0.0, base + k * pitch), (width, base + k * pitch), thick, depth)
    elif paper == "boxed":
        inset = 0.02 * height + thick
        corners = np.array([[inset, inset], [width - inset, inset], [width - inset, height - inset]])
        a, b, c, d = *corners, np.array([inset, height - inset])
        for begin, end in ((a, b), (b, c), (c, d), (d, a)):
            _line(dark, begin, end, thick, depth)
        if _pick(key, _LINES, 4, 0.0, 1.0) < 0.6:
            _line(dark, (2.5 * inset, base), (width - 2.5 * inset, base), thick, depth)
        word = _WORDS[int(_pick(key, _LINES, 5, 0, len(_WORDS)))]
        _text(dark, word, (1.8 * inset, height - 1.8 * inset), 1.7 * px_per_mm, depth)
    elif paper == "stamped":
        _stamp(dark, px_per_mm, key)
    elif paper == "thin":
        back = 1.0 - cv2.flip(image, 1).astype(np.float32) / max(float(np.median(image)), 1.0)
        back = cv2.GaussianBlur(np.clip(back, 0, 1), (0, 0), max(0.12 * px_per_mm, 0.6))
        shift = np.array([[1, 0, 0.1 * width * _pick(key, _LINES, 6, -1, 1)], [0, 1, 0.15 * height]], np.float32)
        dark = _pick(key, _LINES, 7, 0.05, 0.12) * cv2.warpAffine(back, shift, (width, height))
    return dark


def _line(dark: Plane, begin: Any, end: Any, thick: int, depth: float) -> None:
    a, b = (tuple(round(float(v)) for v in point) for point in (begin, end))
    cv2.line(dark, a, b, depth, thick, cv2.LINE_AA if thick > 1 else cv2.LINE_8)


def _text(dark: Plane, word: str, place: Any, size_px: float, depth: float) -> None:
    if size_px < 6.0:  # smaller print is a smudge
        return
    mask, (x, y) = np.zeros(dark.shape, np.uint8), (round(float(v)) for v in place)
    thick = max(round(size_px / 16), 1)
    cv2.putText(mask, word, (x, y), cv2.FONT_HERSHEY_DUPLEX, size_px / 22.0, 255, thick, cv2.LINE_AA)
    np.maximum(dark, np.float32(depth / 255.0) * mask, out=dark)


def _stamp(dark: Plane, px_per_mm: float, key: Key) -> None:
    """Press a round stamp: two rings, a word, worn where the rubber did not touch."""
    height, width = dark.shape
    radius = min(_pick(key, _STAMP, 0, 9.0, 15.0) * px_per_mm, 0.6 * height)
    x, y = _pick(key, _STAMP, 1, 0.1, 0.9) * width, _pick(key, _STAMP, 2, 0.2, 0.8) * height
    centre, depth = (round(x), round(y)), _pick(key, _STAMP, 3, 0.25, 0.5)
    for share, thick in ((1.0, 0.5), (0.78, 0.25)):
        cv2.circle(dark, centre, round(share * radius), depth, max(round(thick * px_per_mm), 1), cv2.LINE_AA)
    _text(dark, "RECEIVED", (x - 0.62 * radius, y + 0.1 * radius), 0.24 * radius, depth)
    worn = fibres(height, width, px_per_mm, key)
    dark *= np.clip(0.8 + 0.5 * worn, 0.15, 1.0).astype(np.float32)


def ink_chroma(key: Key) -> tuple[float, float]:
    """Return how far the ink's blue and red lie from its grey, drawn for this act."""
    ends = np.cumsum([share for share, _, _ in _INKS])
    _, blue, red = _INKS[min(int(np.searchsorted(ends, _pick(key, _INK, 0, 0.0, 1.0))), len(_INKS) - 1)]
    strength = _pick(key, _INK, 1, 0.6, 1.1)
    return strength * blue, strength * red


def chroma(image: NDArray[np.uint8], print_dark: Plane, key: Key, paper: str) -> tuple[Plane, Plane]:
    """Return the blue and red difference from grey of a page: tinted paper, coloured ink, a coloured stamp."""
    stain = np.clip(1.0 - image.astype(np.float32) / max(float(np.median(image)), 1.0), 0.0, 1.0)
    inked, bare = ink_chroma(key), (_pick(key, _TINT, 0, -16.0, 1.0), _pick(key, _TINT, 1, 0.0, 5.0))
    stamp = (75.0, -10.0) if _pick(key, _STAMP, 4, 0, 1) < 0.6 else (-25.0, 120.0)
    both = []
    for k in (0, 1):
        plane = stain * np.float32(inked[k]) + (1.0 - stain) * np.float32(bare[k])
        both.append(plane + (print_dark * np.float32(2.0 * stamp[k]) if paper == "stamped" else np.float32(0.0)))
    return both[0].astype(np.float32), both[1].astype(np.float32)


def to_rgb(grey: NDArray[np.uint8], blue: Plane, red: Plane) -> NDArray[np.uint8]:
    """Return an RGB image, shape ``(height, width, 3)``, whose luma is a grey image.

    Colour is given up where a channel would leave its range, never luma: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
    """
    level = grey.astype(np.float32)
    offsets = np.stack([red, -(0.299 * red + 0.114 * blue) / 0.587, blue], axis=-1)
    room = np.where(offsets > 0, 255.0 - level[..., None], level[..., None]) / np.maximum(np.abs(offsets), 1e-6)
    offsets *= np.minimum(room.min(axis=-1), 1.0)[..., None]
    return np.clip(np.round(level[..., None] + offsets), 0, 255).astype(np.uint8)


def develop(
    image: NDArray[np.uint8], planes: list[Plane], capture: Any, px_per_mm: float, key: Key
) -> tuple[NDArray[np.uint8], list[Plane]]:
    """Return an image as this capture sees it, and other planes of the page moved along with it.

    Args:
        image: What a scanner without fibres, camera and codec made of the page, uint8.
        planes: float32, of the same shape: masks or colours.
        capture: Record of `config.Capture`.
        px_per_mm: Resolution of the image.
        key: Key of the act.
    """
    if capture["fibre"] > 0:
        rough = fibres(image.shape[0], image.shape[1], px_per_mm, key)
        image = _uint8(image.astype(np.float32) + np.float32(capture["fibre"]) * rough)
    if capture["tilt"] > 0:
        image, planes = _photograph(image, planes, capture, key)
    if capture["fax"] > 0:
        image = _fax(image, capture, px_per_mm, key)
    if capture["jpeg"] > 0:
        done, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(capture["jpeg"])])
        if not done:
            raise RuntimeError("OpenCV cannot write JPEG here; use another capture or build of OpenCV")
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return image, planes


def _photograph(
    image: NDArray[np.uint8], planes: list[Plane], capture: Any, key: Key
) -> tuple[NDArray[np.uint8], list[Plane]]:
    height, width = image.shape
    reach = float(capture["tilt"]) * min(height, width)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # inwards only: nothing of the page leaves the picture
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    moved = corners + inwards * np.array(
        [[_pick(key, _CORNER, 2 * k, 0, reach), _pick(key, _CORNER, 2 * k + 1, 0, reach)] for k in range(4)], np.float32
    )
    matrix = cv2.getPerspectiveTransform(corners, moved)
    paper = int(np.median(image))
    seen = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=paper)
    planes = [cv2.warpPerspective(plane, matrix, (width, height), flags=cv2.INTER_NEAREST) for plane in planes]
    if capture["defocus_px"] > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), float(capture["defocus_px"]))
    rows, columns = math.ceil(height / 8), math.ceil(width / 8)  # light changes slowly: an eighth of the resolution
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    a, b, c = (_pick(key, _LIGHT, k, -1.0, 1.0) for k in range(3))
    light = 1.0 + float(capture["light"]) * (0.5 * a * x + 0.5 * b * y - 0.25 * (1 + c) * (x * x + y * y))
    angle, offset = _pick(key, _SHADOW, 0, 0.0, 2 * math.pi), _pick(key, _SHADOW, 1, -0.5, 0.8)
    edge = (math.cos(angle) * x + math.sin(angle) * y - offset) / _pick(key, _SHADOW, 2, 0.2, 0.7)
    light *= 1.0 - float(capture["shadow"]) / (1.0 + np.exp(-np.clip(4.0 * edge, -30, 30)))
    level = seen.astype(np.float32) * cv2.resize(light.astype(np.float32), (width, height))
    grain = _noise(key, _GRAIN, 0, height, width) * np.sqrt(np.maximum(level, 0.0) / 255.0)
    return _uint8(level + np.float32(capture["shot"]) * grain), planes


def _fax(image: NDArray[np.uint8], capture: Any, px_per_mm: float, key: Key) -> NDArray[np.uint8]:
    """Send a page by fax: 204 dots an inch across, 98 or 196 lines an inch down, black and white."""
    height, width = image.shape
    lines_mm = (98.0 if _pick(key, _FAX, 0, 0, 1) < 0.3 else 196.0) / 25.4
    size = (
        max(min(round(width * 204 / 25.4 / px_per_mm), width), 8),
        max(min(round(height * lines_mm / px_per_mm), height), 8),
    )
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, black = cv2.threshold(small, float(np.median(small)) * _pick(key, _FAX, 1, 0.72, 0.86), 255, cv2.THRESH_BINARY)
    for k in range(3):  # a line sent twice
        if _pick(key, _FAX, 2 + 2 * k, 0, 1) < 0.3:
            row = int(_pick(key, _FAX, 3 + 2 * k, 1, size[1]))
            black[row] = black[row - 1]
    return cv2.resize(black, (width, height), interpolation=cv2.INTER_NEAREST)


def _uint8(level: Plane) -> NDArray[np.uint8]:
    return np.clip(level + np.float32(0.5), 0, 255).astype(np.uint8)
