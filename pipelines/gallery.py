"""Contact sheets of the generator: what a signer, a forger, a pen or a capture looks like."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from synth import PROFILES, World, WorldConfig, forge, render

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
    info.add_text("Source", "Paraph synthetic signatures; no real person; CC0-1.0")
    picture = Image.fromarray(image) if greys == 256 else Image.fromarray(image).quantize(greys)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_beside(path, lambda p: picture.save(p, pnginfo=info, optimize=True))


def export_folder(
    out: Path, *, seed: int, signers: int, genuine: int, forged: int, first: int, dpi: float, capture: str
) -> int:
    """Write signers in the layout that `evaluate --data` reads, with a provenance file; return how many images.

    Args:
        out: A folder that does not exist yet, or is empty.
        seed: The world.
        signers: How many signers.
        genuine: Genuine signatures of each, at least 2.
        forged: Freehand forgeries of each, skill from 0.5 to 0.95.
        first: Number of the first signer; choose one outside the run's own parts.
        dpi: Resolution.
        capture: A capture profile.

    Raises:
        ValueError: If the folder is not empty or a count is too small.
    """
    from .adapters import write_provenance

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder; choose another --out")
    if signers < 1 or genuine < 2 or forged < 0:
        raise ValueError(f"need signers >= 1, genuine >= 2, forged >= 0; got {signers}, {genuine}, {forged}")
    world, count = World(seed), 0
    for index in range(first, first + signers):
        signer = world[index]
        acts = [("genuine", signer.genuine(4 * k)) for k in range(genuine)]
        for k in range(forged):
            skill = 0.5 + 0.45 * (k + 0.5) / forged
            by = world[first + (index - first + 1 + k % 2) % max(signers, 3)]
            acts.append(("forged", forge(signer, by=by, kind="freehand", skill=skill, act=k)))
        for k, (kind, act) in enumerate(acts):
            save_png(out / f"{index}" / kind / f"{k:03d}.png", render(act, dpi=dpi, capture=capture))
            count += 1
    write_provenance(
        out,
        source=f"Paraph world {seed}, signers {first} to {first + signers - 1}",
        licence="CC0-1.0",
        lawful_basis="no person is involved: drawn by a generator",
        purpose="evaluation of a verifier",
        contact="whoever ran the export",
        contains_real_signatures=False,
        redistribution_allowed=True,
    )
    return count


def readme_picture() -> NDArray[np.uint8]:
    """Return the README's picture: twelve synthetic signers with forgeries."""
    return signer_sheet(2026, signers=12)


def _gallery() -> dict[str, NDArray[np.uint8]]:
    sheets = {"signers": readme_picture()}
    sheets |= {f"profile_{name}": signer_sheet(2026, signers=6, profile=name) for name in PROFILES}
    return sheets


def write_gallery(folder: Path) -> list[Path]:
    """Regenerate every picture of the README into a folder and return their paths."""
    return [
        save_png(
            folder / f"{name}.png", cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), greys=16
        )
        for name, sheet in _gallery().items()
    ]
