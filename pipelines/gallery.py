"""Contact sheets of the generator: what a signer, a forger, a pen or a capture looks like."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import CAPTURES, FORGERY_KINDS, PENS, PROFILES, World, WorldConfig, forge, render
from synth.paper import PAPERS

from .export_forms import NOTICE
from .files import write_beside
from .plots import contact_sheet

_SHOWN_SKILLS = (0.9, 0.6, 0.3)


def signer_sheet(
    seed: int,
    *,
    signers: int = 12,
    profile: str | None = None,
    capture: str = "scan",
    height: int = 110,
    width: int = 260,
) -> NDArray[np.uint8]:
    """Return one row per signer: three genuine signatures, then freehand forgeries of skill 0.9, 0.6, 0.3.

    Args:
        seed: The world.
        signers: Rows, 1 or more.
        profile: One script profile only, or the default mix.
        capture: A capture profile.
        height: Of one image, in px.
        width: The same.

    Raises:
        ValueError: If the profile is unknown or there is no row.
    """
    if signers < 1:
        raise ValueError(f"{signers} signers make no sheet; use 1 or more")
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"unknown profile {profile!r}; use one of: {', '.join(PROFILES)}")
    world = World(seed, WorldConfig(profiles=((profile, 1.0),)) if profile else WorldConfig())
    rows = []
    for i in range(signers):
        acts = [world[i].genuine(act) for act in (0, 4, 8)]
        acts += [
            forge(world[i], by=world[10_000 + 3 * i + j], kind="freehand", skill=skill, act=0)
            for j, skill in enumerate(_SHOWN_SKILLS)
        ]
        rows.append([render(act, height=height, width=width, capture=capture) for act in acts])
    return _titled(contact_sheet(rows), ["genuine"] * 3 + [f"forged, skill {skill}" for skill in _SHOWN_SKILLS])


def forger_sheet(seed: int) -> NDArray[np.uint8]:
    """Return one row per kind of skilled forger, and one of disguise: a genuine signature, then five skills."""
    world, rows, skills = World(seed), [], (0.1, 0.4, 0.6, 0.8, 0.95)
    for kind in (kind for kind in FORGERY_KINDS if kind not in ("random", "simple")):
        by = world[3 if kind == "disguise" else 60]
        acts = [world[3].genuine(0)]
        acts += [forge(world[3], by=by, kind=kind, skill=skill, act=1) for skill in skills]
        rows.append(_captioned([render(act, height=130, width=240) for act in acts], kind.replace("_", " ")))
    return _titled(contact_sheet(rows), ["genuine", *(f"skill {skill}" for skill in skills)])


def _captioned(row: Sequence[NDArray[np.uint8]], text: str) -> list[NDArray[np.uint8]]:
    """Return a row of tiles with its name written into the upper left corner of the first."""
    first, *others = row
    return [_written(first.copy(), text, 0, first.shape[1]), *others]


def _titled(sheet: NDArray[np.uint8], columns: Sequence[str]) -> NDArray[np.uint8]:
    """Return a sheet of equally wide columns under a white strip with their titles."""
    width = sheet.shape[1] // len(columns)
    strip = np.full((width // 8, *sheet.shape[1:]), 255, dtype=np.uint8)
    for column, text in enumerate(columns):
        _written(strip, text, column * width, width)
    return np.vstack([strip, sheet])


def _written(image: NDArray[np.uint8], text: str, left: int, width: int) -> NDArray[np.uint8]:
    """Write words into the top of an image, about twenty letters to the width of a column, and return it."""
    place = (left + width // 40 + 2, round(width / 11))
    ink = (0,) * (1 if image.ndim == 2 else 3)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, width / 390, ink, max(1, width // 200), cv2.LINE_AA)
    return image


def save_png(path: Path, image: NDArray[np.uint8], *, greys: int = 256, source: str = NOTICE) -> Path:
    """Write a picture as PNG, whole or not at all, its source said inside, and return its path.

    Args:
        path: Ends in ``.png``; missing folders are made.
        image: Grey or RGB.
        greys: Below 256, so many greys or colours are kept, and the file is smaller.
        source: What is written into the file.

    Raises:
        ValueError: If the name ends otherwise.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if path.suffix.lower() != ".png":
        raise ValueError(f"{path.name} must end in .png")
    info = PngInfo()
    info.add_text("Source", source)
    picture = Image.fromarray(image) if greys == 256 else _with_few(image, greys)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_beside(path, lambda p: picture.save(p, pnginfo=info, optimize=True))


def _with_few(image: NDArray[np.uint8], greys: int) -> Any:
    """Return a picture of so many colours, or of evenly spaced greys: the rarest, black ink, is one of them."""
    from PIL import Image

    if image.ndim == 3:
        return Image.fromarray(image).quantize(greys)
    picture = Image.fromarray(np.round(image * ((greys - 1) / 255)).astype(np.uint8))
    picture.putpalette(np.round(np.linspace(0, 255, greys)).astype(np.uint8).repeat(3).tobytes())
    return picture


def readme_picture() -> NDArray[np.uint8]:
    """Return the README's picture: twelve synthetic signers with forgeries."""
    return signer_sheet(2026, signers=12)


def pen_sheet(seed: int) -> NDArray[np.uint8]:
    """Return one row per pen: two acts at 300 dpi, and part of the second enlarged from 600 dpi."""
    rows = []
    for name in PENS:
        world = World(seed, WorldConfig(pens=((name, 1.0),)))
        tiles = [_tile(render(world[i].genuine(i), dpi=300)) for i in (4, 9)]
        large = render(world[9].genuine(9), dpi=600)
        top, left = max(large.shape[0] // 2 - 90, 0), max(large.shape[1] // 4, 0)
        part = large[top : top + 180, left : left + 315]
        tiles.append(_tile(cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)))
        rows.append(_captioned(tiles, name))
    return _titled(contact_sheet(rows), ["300 dpi", "300 dpi", "part, four times as large"])


def capture_sheet(seed: int, *, act: int = 1) -> NDArray[np.uint8]:
    """Return one row per capture, 300 dpi: on blank paper, in a form's box, and stamped."""
    world = World(seed)
    papers = ("blank", "boxed", "stamped")
    rows = []
    for capture in CAPTURES:
        acts = ((world[i].genuine(act), paper) for i, paper in zip((5, 9, 15), papers, strict=True))
        tiles = [_tile(render(act, dpi=300, capture=capture, paper=paper)) for act, paper in acts]
        rows.append(_captioned(tiles, capture))
    return _titled(contact_sheet(rows), papers)


def colour_sheet(seed: int) -> NDArray[np.uint8]:
    """Return one row per paper in colour, RGB: two scans and a photo."""
    world = World(seed)
    rows = []
    for k, paper in enumerate(PAPERS):
        how = ((5, "scan"), (9 + k, "scan"), (15 + k, "photo"))
        tiles = [_tile(render(world[i].genuine(k), dpi=300, capture=c, paper=paper, colour=True)) for i, c in how]
        rows.append(_captioned(tiles, paper))
    return _titled(np.vstack([np.hstack(row) for row in rows]), [capture for _, capture in how])


def _tile(image: NDArray[np.uint8], height: int = 360, width: int = 630) -> NDArray[np.uint8]:
    """Return an image in the middle of a light tile, made smaller only if it does not fit."""
    scale = min(height / image.shape[0], width / image.shape[1], 1.0)
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
    tile = np.full((height, width, *image.shape[2:]), 255, dtype=np.uint8)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    return tile


def _gallery() -> dict[str, NDArray[np.uint8]]:
    sheets = {"signers": readme_picture()}
    sheets |= {f"profile_{name}": signer_sheet(2027 + i, signers=6, profile=name) for i, name in enumerate(PROFILES)}
    sheets["forgers"] = forger_sheet(31)
    return sheets | {"pens": pen_sheet(2026), "captures": capture_sheet(2026), "colours": colour_sheet(2026)}


def write_gallery(folder: Path) -> list[Path]:
    """Regenerate every picture of the README into a folder and return their paths."""
    written = []
    for name, sheet in _gallery().items():
        scale, greys = {"pens": (0.7, 16), "captures": (0.6, 16), "colours": (0.5, 160), "signers": (0.8, 16)}.get(
            name, (0.7, 12)
        )
        small = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        written.append(save_png(folder / f"{name}.png", small, greys=greys))
    return written
