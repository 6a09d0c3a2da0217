"""Contact sheets of the generator: what a signer, a forger, a pen or a capture looks like."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import PROFILES, World, WorldConfig, forge, render

from .export_forms import NOTICE
from .files import write_beside
from .plots import contact_sheet


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
            for j, skill in enumerate((0.9, 0.6, 0.3))
        ]
        rows.append([render(act, height=height, width=width, capture=capture) for act in acts])
    return contact_sheet(rows)


def save_png(path: Path, image: NDArray[np.uint8], *, greys: int = 256) -> Path:
    """Write a picture as PNG, marked as synthetic inside the file, whole or not at all; fewer greys, smaller file."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if path.suffix.lower() != ".png":
        raise ValueError(f"{path.name} must end in .png")
    info = PngInfo()
    info.add_text("Source", NOTICE)
    picture = Image.fromarray(image) if greys == 256 else Image.fromarray(image).quantize(greys)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_beside(path, lambda p: picture.save(p, pnginfo=info, optimize=True))


def readme_picture() -> NDArray[np.uint8]:
    """Return the README's picture: twelve synthetic signers with forgeries."""
    return signer_sheet(2026, signers=12)


def _gallery() -> dict[str, NDArray[np.uint8]]:
    sheets = {"signers": readme_picture()}
    sheets |= {f"profile_{name}": signer_sheet(2027 + i, signers=6, profile=name) for i, name in enumerate(PROFILES)}
    return sheets


def write_gallery(folder: Path) -> list[Path]:
    """Regenerate every picture of the README into a folder and return their paths."""
    return [
        save_png(
            folder / f"{name}.png", cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), greys=16
        )
        for name, sheet in _gallery().items()
    ]
