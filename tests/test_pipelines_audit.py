"""The audit finds planted faults, leaves nothing deleted, and its refined manifest can be read again."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.adapters import AdapterError, MissingProvenance, load_provenance, load_signatures, open_adapter
from pipelines.audit import FAULTS, Audit, audit
from pipelines.export import export
from pipelines.export_plan import ExportSpec

MECHANICAL = FAULTS[: FAULTS.index("wrong signer")]
Plant = Callable[[Path, np.random.Generator, list[Path]], list[Path]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic set."""
    out = tmp_path_factory.mktemp("audit") / "set"
    export(out, ExportSpec(seed=5, signers=16, genuine=6, forged=2, dpi=150, formats=("folders",)))
    return out


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set in which 2 % are a number worth the name."""
    out = tmp_path_factory.mktemp("audit") / "large"
    export(out, ExportSpec(seed=6, signers=50, genuine=8, forged=2, dpi=150, formats=("folders",)))
    return out


def pixels(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image


def write(path: Path, image: np.ndarray) -> None:
    assert cv2.imwrite(str(path), image)


def each(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Plant:
    """Change the pixels of every chosen file."""

    def plant(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
        for path in files:
            write(path, change(pixels(path), rng))
        return files

    return plant


def unreadable(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
    for path in files:
        content = path.read_bytes()
        path.write_bytes([b"", content[: len(content) // 3], b"%PDF-1.4"][int(rng.integers(3))])
    return files


def cut(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut a side off so that the border crosses strokes."""
    ink = image < np.median(image) - 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    for share in rng.permutation(np.linspace(0.2, 0.4, 9)):
        for side in rng.permutation(4):
            at = [
                int(rows[0] + share * (rows[-1] - rows[0])),
                int(rows[-1] - share * (rows[-1] - rows[0])),
                int(columns[0] + share * (columns[-1] - columns[0])),
                int(columns[-1] - share * (columns[-1] - columns[0])),
            ][side]
            line = ink[at] if side < 2 else ink[:, at]
            if 3 <= line.sum() < 0.2 * len(line):
                return [image[at:], image[:at], image[:, at:], image[:, :at]][side]
    return image[:, : columns[-1] - 6]


def rescanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same paper scanned again: another scale, level, place and a little noise."""
    scale = float(rng.uniform(0.85, 1.2))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = cv2.copyMakeBorder(image, 3, 9, 7, 2, cv2.BORDER_REPLICATE).astype(np.float64)
    return np.clip(image * rng.uniform(0.9, 1.0) + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def copied(change: bool, elsewhere: bool) -> Plant:
    """Add copies of chosen files to their signer, or to another."""

    def plant(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
        made = []
        names = sorted(path.name for path in root.iterdir() if path.is_dir())
        for n, path in enumerate(files):
            others = [name for name in names if name != path.parts[-3]]
            home = root / others[int(rng.integers(len(others)))] / "genuine" if elsewhere else path.parent
            target = home / f"zz{n}-{path.stem}.png"
            write(target, rescanned(pixels(path), rng) if change else pixels(path))
            made.append(target)
        return made

    return plant


def swapped(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
    """Exchange chosen signatures in a ring, so that each lies with another signer."""
    genuine = sorted(files, key=lambda path: path.parts[-3])
    contents = [path.read_bytes() for path in genuine]
    shift = max(sum(path.parts[-3] == genuine[0].parts[-3] for path in genuine), len(genuine) // 2)
    moved = []
    for n, path in enumerate(genuine):
        source = (n + shift) % len(genuine)
        path.write_bytes(contents[source])
        if genuine[source].parts[-3] != path.parts[-3]:
            moved.append(path)
    return moved


PLANTS: dict[str, Plant] = {
    "unreadable": unreadable,
    "blank": each(lambda image, rng: np.full_like(image, 240) - rng.integers(0, 4, image.shape, dtype=np.uint8)),
    "inverted": each(lambda image, rng: 255 - image),
    "cropped": each(cut),
    "blurred": each(lambda image, rng: cv2.GaussianBlur(image, (0, 0), float(rng.uniform(2.0, 3.0)))),
    "low resolution": each(lambda image, rng: cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)),
    "duplicate": copied(False, False),
    "near-duplicate": copied(True, False),
    "inconsistent label": copied(True, True),
    "wrong signer": swapped,
}


def planted(source: Path, out: Path, share: dict[str, float], seed: int = 0) -> dict[str, set[str]]:
    """Return a copy of a set with faults of some kinds, as the names that each kind befell."""
    shutil.copytree(source, out)
    rng = np.random.default_rng(seed)
    files = [path for path in sorted(out.glob("*/genuine/*.png"))]
    order = [files[i] for i in rng.permutation(len(files))]
    found, start = {}, 0
    for kind, part in share.items():
        n = max(2, round(part * len(files)))
        hit = PLANTS[kind](out, rng, order[start : start + n])
        found[kind] = {path.relative_to(out).as_posix() for path in hit}
        start += n
    return found


def rates(found: Audit, kind: str, truth: set[str]) -> tuple[float, float]:
    """Return precision and recall of one kind of fault, by what images are left out for."""
    names = {
        found.examined.names[i]
        for i, finding in enumerate(found.left_out)
        if finding is not None and finding.fault == kind
    }
    if kind in ("duplicate", "near-duplicate"):  # either of two equal pictures may be the one that is kept
        stems = {Path(name).stem.split("-")[-1] for name in truth}
        signers = {name.split("/")[0] for name in truth}
        right = {
            name for name in names if name in truth or (name.split("/")[0] in signers and Path(name).stem in stems)
        }
    else:
        right = names & truth
    return len(right) / max(len(names), 1), len(right) / len(truth)


def test_a_clean_set_is_left_nearly_whole(clean: Path) -> None:
    found = audit(clean)
    assert sum(found.counts.values()) <= 0.02 * len(found.examined.records), found.counts
    assert found.leaks == []
    assert found.classes == []


@pytest.mark.parametrize("kind", list(PLANTS))
def test_a_planted_fault_is_found_and_little_else(kind: str, clean: Path, tmp_path: Path) -> None:
    truth = planted(clean, tmp_path / "set", {kind: 0.1})
    found = audit(tmp_path / "set")
    precision, recall = rates(found, kind, truth[kind])
    print(f"{kind}: precision {precision:.2f}, recall {recall:.2f} of {len(truth[kind])}; {found.counts}")
    least = 0.9 if kind in MECHANICAL else 0.8
    assert precision >= least
    assert recall >= least


@pytest.mark.slow
def test_a_mixture_of_every_fault_is_taken_apart(large: Path, tmp_path: Path) -> None:
    truth = planted(large, tmp_path / "set", dict.fromkeys(PLANTS, 0.02))
    found = audit(tmp_path / "set")
    for kind, names in truth.items():
        precision, recall = rates(found, kind, names)
        print(f"{kind}: precision {precision:.2f}, recall {recall:.2f} of {len(names)}")
        least = 0.9 if kind in MECHANICAL else 0.8
        assert min(precision, recall) >= least, (kind, precision, recall, found.counts)
