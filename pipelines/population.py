"""Signatures of a world, or of a user's own folder, as columns of statistics measured by the same functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth import SKILLED_KINDS, World, forge, record, render
from synth.statistics import DEFINITIONS, measure
from synth.warping import features

from .preprocess import preprocess
from .probes import nuisances, shape_features
from .progress import Bar

SKILLS = (0.70, 0.95)
"""Forgeries are drawn evenly from these skills; their mean duration is near that of the public forgers."""
TABLET = "pen_tablet"
DPI = 200
FORGERS_FROM = 10**6
HEIGHT, WIDTH = 96, 192
_EXAMPLES = 24


@dataclass(frozen=True, eq=False)
class Population:
    """Measured signatures of one world or folder, as parallel arrays.

    Attributes:
        signer: Claimed signer of each, shape ``(n,)``.
        kind: "genuine" or a kind of forgery.
        columns: Statistic to values, NaN where not measured; names as in `synth.statistics`, those of movements
            after "whole." or "cut.", those of `probes.nuisances` after "nuisance.".
        warping: Features of `synth.warping`, or None for a signature without a trajectory.
        shapes: `probes.shape_features` of each image, NaN for a signature without one.
        examples: A few preprocessed pictures of each kind.
    """

    signer: NDArray[np.str_]
    kind: NDArray[np.str_]
    columns: dict[str, NDArray[np.float64]]
    warping: list[NDArray[np.float64] | None]
    shapes: NDArray[np.float64]
    examples: dict[str, list[NDArray[np.uint8]]]

    def values(self, name: str, kind: str) -> NDArray[np.float64]:
        """Return the finite values of one statistic over the signatures of one kind."""
        found = self.columns.get(name, np.full(len(self.kind), np.nan))[self.kind == kind]
        return found[np.isfinite(found)]


class Examined(NamedTuple):
    """Everything measured on one signature."""

    row: dict[str, float]
    warping: NDArray[np.float64] | None
    shape: NDArray[np.float64]
    canvas: NDArray[np.uint8] | None


def examine(
    trajectory: NDArray[np.float64] | None, image: NDArray[np.uint8] | None, *, px_per_mm: float | None = None
) -> Examined:
    """Measure one signature from what there is of it.

    Args:
        trajectory: Rows of x mm, y mm, t s, pressure, or None.
        image: Grey pixels, or None.
        px_per_mm: Resolution of the image if known.

    Raises:
        ValueError: If it cannot be measured.
    """
    row: dict[str, float] = {}
    shape, canvas = np.full(0, np.nan), None
    if trajectory is not None:
        for definition in DEFINITIONS:
            found = measure(trajectory, definition=definition)
            row |= {f"{definition}.{name}": value for name, value in found.items()}
    if image is not None:
        row |= measure(image=image)
        row |= {f"nuisance.{name}": value for name, value in nuisances(image).items()}
        if px_per_mm is not None:
            row["image_line_width_mm"] = row["image_line_width_px"] / px_per_mm
        canvas = preprocess(image, height=HEIGHT, width=WIDTH)
        shape = shape_features(canvas)
    return Examined(row, None if trajectory is None else features(trajectory), shape, canvas)


@dataclass
class Tally:
    """What was measured so far; becomes a `Population` at the end."""

    examined: list[Examined] = field(default_factory=list)
    labels: list[tuple[str, str]] = field(default_factory=list)

    def add(self, signer: str, kind: str, one: Examined) -> None:
        """Take in one signature; its picture is kept only while examples are wanted."""
        enough = sum(k == kind and e.canvas is not None for e, (_, k) in zip(self.examined, self.labels, strict=True))
        self.examined.append(one if enough < _EXAMPLES else one._replace(canvas=None))
        self.labels.append((signer, kind))

    def population(self) -> Population:
        """Return everything added so far."""
        rows = [one.row for one in self.examined]
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = {name: np.array([row.get(name, np.nan) for row in rows]) for name in names}
        shapes = np.full((len(rows), max((len(one.shape) for one in self.examined), default=0)), np.nan)
        for target, one in zip(shapes, self.examined, strict=True):
            target[: len(one.shape)] = one.shape
        signers, kinds = (np.array([label[i] for label in self.labels], dtype=np.str_) for i in range(2))
        examples: dict[str, list[NDArray[np.uint8]]] = {}
        for one, (_, kind) in zip(self.examined, self.labels, strict=True):
            if one.canvas is not None:
                examples.setdefault(kind, []).append(one.canvas)
        return Population(signers, kinds, columns, [one.warping for one in self.examined], shapes, examples)


def draw_population(
    world: World,
    *,
    signers: int,
    genuine: int,
    forged: int,
    first: int = 0,
    images: bool = True,
    kinds: Sequence[str] = SKILLED_KINDS,
    bar: Bar | None = None,
) -> Population:
    """Return signatures of one world, recorded by a tablet and scanned, and forgeries of every kind wanted.

    Args:
        world: Whose signers are drawn.
        signers: How many, at least 2.
        genuine: Acts of each, at least 2, two to a session.
        forged: Forgeries of each, of every kind, skills evenly from `SKILLS`.
        first: Number of the first signer.
        images: Whether scans are drawn and measured too; movements alone take a tenth of the time.
        kinds: Of forgeries, from `synth.FORGERY_KINDS`.
        bar: Moved once per signer.

    Raises:
        ValueError: If a count is too small or a kind unknown.
    """
    if signers < 2 or genuine < 2 or forged < 1:
        raise ValueError(f"need signers >= 2, genuine >= 2, forged >= 1; got {signers}, {genuine}, {forged}")
    tally = Tally()
    for index in range(first, first + signers):
        signer = world[index]
        acts = [signer.genuine(2 * k) for k in range(genuine)]
        for kind in kinds:
            for k in range(forged):
                skill = SKILLS[0] + (SKILLS[1] - SKILLS[0]) * (k + 0.5) / forged
                by = signer if kind == "disguise" else world[FORGERS_FROM + 16 * index + k % 16]
                acts.append(forge(signer, by=by, kind=kind, skill=skill, act=k))
        for act in acts:
            scan = render(act, dpi=DPI, capture="scan") if images else None
            one = examine(record(act, tablet=TABLET), scan, px_per_mm=DPI / 25.4)
            tally.add(str(index), act.act.kind, one)
        if bar is not None:
            bar.advance()
    return tally.population()


def load_folder(data: Path, adapter: str = "folders", *, bar: Bar | None = None) -> tuple[Population, list[str]]:
    """Return a user's own folder as a population, measured here and kept nowhere, and what was left out.

    Images come through the adapter; text files of SVC2004's form among them are read as movements.

    Args:
        data: The folder; it holds a `provenance.toml`.
        adapter: A registered adapter's name.
        bar: Moved once per image.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        ValueError: If nothing in it can be measured.
    """
    from .adapters import load_provenance, load_signatures, open_adapter
    from .svc_text import read_svc_text

    provenance, opened, tally = load_provenance(data), open_adapter(adapter, data), Tally()
    provenance.check_use("evaluation")
    notes, texts = [], set()
    for entry in opened.iter_signatures():
        if isinstance(entry.image, Path) and entry.image.suffix.lower() == ".txt":
            texts.add(entry.image.relative_to(opened.root).as_posix())
            try:
                tally.add(entry.signer, _kind(entry.kind), examine(read_svc_text(entry.image, root=opened.root), None))
            except ValueError as error:
                notes.append(f"{entry.image.name}: {error}")

    def measure(image: NDArray[np.uint8]) -> Examined:
        if bar is not None:
            bar.advance()
        return examine(None, image)

    if opened.takes == "trajectory":
        return tally.population(), notes
    loaded = load_signatures(opened, provenance, prepare=lambda image: image[:0].copy(), measure=measure)
    for one, signer, kind, name in zip(loaded.measured, loaded.signers, loaded.kinds, loaded.names, strict=True):
        one.row["nuisance.format"] = float(_format_number(Path(str(name)).suffix))
        tally.add(str(signer), _kind(str(kind)), one)
    if not tally.labels:
        raise ValueError(f"{data} holds no signature that can be measured")
    return tally.population(), notes + [f"{s.name}: {s.reason}" for s in loaded.skipped if s.name not in texts]


def _kind(kind: str) -> str:
    return "freehand" if kind == "skilled" else kind


def _format_number(suffix: str) -> int:
    """Return a number that is equal for equal file types, whatever their spelling."""
    known = (".png", ".jpg", ".tif", ".bmp")
    name = {".jpeg": ".jpg", ".tiff": ".tif"}.get(suffix.lower(), suffix.lower())
    return known.index(name) if name in known else len(known)
