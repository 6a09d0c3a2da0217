"""`evaluate --run runs/class --signer ID`: one person's signatures, what each was named, and the hit rate."""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .class_config import ClassifyConfig, read_config
from .class_data import ClassSet, class_signers, draw_class, person_name
from .classifiers import HEADLINE, LogisticClassifier
from .classify import embedding_network, load_class
from .csv_text import plain_cell
from .files import write_beside
from .progress import Progress
from .runs import Run, RunError


@dataclass(frozen=True)
class Shown:
    """One judged signature.

    Attributes:
        name: Of the signature.
        predicted: Who was named.
        confidence: The probability given to that person, 0 to 1.
        hit: Whether that is who signed.
        how: "left out" of its fold's training, or "fresh": not of the class's signatures at all.
    """

    name: str
    predicted: str
    confidence: float
    hit: bool
    how: str


def judge_signer(path: str | Path, signer: str, *, n: int, progress: Progress) -> tuple[list[Shown], Path]:
    """Return up to n signatures of a person with what each was named, and a picture of them.

    First come those of the class, each named while its fold was left out. If n asks for more and the people are
    synthetic, fresh acts of later sessions follow, named by a classifier that learnt from all of the class's
    signatures; of real people there are no others.

    Args:
        path: A finished classification run.
        signer: Identifier of a person of the class.
        n: How many, at least 1.
        progress: Where to say what happens.

    Raises:
        RunError: If the run is not finished.
        ValueError: If nobody of the class has the identifier, or n is below 1.
    """
    run = Run(path)
    if not run.finished:
        raise RunError(f"{run.path} is not finished; run `train --task classify --run {run.path}` first")
    if n < 1:
        raise ValueError(f"--n is {n}; show at least 1 signature")
    rows = _predictions(run, signer)
    config, people = load_class(read_config(run), progress)
    where = {name: place for place, name in enumerate(people.names.tolist())}
    shown, images = [], []
    for row in rows[:n]:
        if row["name"] not in where:
            raise RunError(f"{row['name']} is no longer in the data; train again with --fresh")
        images.append(people.canvases[where[row["name"]]])
        hit = row["predicted"] == signer
        shown.append(Shown(row["name"], row["predicted"], float(row["confidence"]), hit, "left out"))
    if n > len(rows) and config.data is None:
        more, drawn = _fresh(run, config, people, signer, n - len(rows), progress)
        shown, images = shown + more, images + drawn
    out = run / f"signer-{_file_name(signer)}.png"
    sheet = _sheet(images, shown)
    write_beside(out, lambda temporary: cv2.imwrite(str(temporary), sheet))
    return shown, out


def hit_rates(shown: list[Shown]) -> list[str]:
    """Return one line for each way of judging: hits, signatures, rate."""
    lines = []
    for how, words in (("left out", "of the class, each left out of training"), ("fresh", "fresh acts")):
        hits = [row.hit for row in shown if row.how == how]
        if hits:
            lines.append(f"hit rate {100 * np.mean(hits):.0f} % ({sum(hits)} of {len(hits)} {words})")
    return lines


def _predictions(run: Run, signer: str) -> list[dict[str, str]]:
    method, augmented = HEADLINE[0], "yes" if HEADLINE[1] else "no"
    with (run / "predictions.csv").open(newline="", encoding="utf-8") as file:
        read = ({column: plain_cell(cell) for column, cell in row.items()} for row in csv.DictReader(file))
        rows = [row for row in read if (row["method"], row["augmented"]) == (method, augmented)]
    found = [row for row in rows if row["signer"] == signer]
    if not found:
        known = sorted({row["signer"] for row in rows})
        raise ValueError(f"nobody of the class is called {signer!r}; use one of: {', '.join(known[:5])}, ...")
    return found


def _fresh(
    run: Run, config: ClassifyConfig, people: ClassSet, signer: str, n: int, progress: Progress
) -> tuple[list[Shown], list[NDArray[np.uint8]]]:
    """Return n acts of later sessions, named by a classifier that learnt from the whole class."""
    from synth import World

    from .jitter import jitter

    seed = config.seed % 2**32
    embed, _ = embedding_network(run, config, progress)
    number = next(k for k in class_signers(config.seed, config.signers) if person_name(k) == signer)
    sessions = range(config.acts, config.acts + n)
    size = config.height, config.width
    acts = draw_class(World(config.seed), [number], sessions, *size, lambda done: None, config.preprocessing)
    with progress.task("learning from the whole class", None):
        n_copies = config.copies if HEADLINE[1] else 0
        views = [people.canvases, *(jitter(people.canvases, seed=seed, number=k) for k in range(n_copies))]
        vectors = np.concatenate([embed(view) for view in views])
        fitted = LogisticClassifier(seed=seed).fit(vectors, np.tile(people.signers, len(views)))
    said = fitted.answer(embed(acts.canvases))
    rows = zip(acts.names.tolist(), said.predicted.tolist(), said.confidence.tolist(), strict=True)
    return [Shown(name, who, sure, who == signer, "fresh") for name, who, sure in rows], list(acts.canvases)


def _file_name(signer: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in signer)


def _sheet(images: list[NDArray[np.uint8]], shown: list[Shown], columns: int = 4) -> NDArray[np.uint8]:
    """Return the images with what each was named below it; a frame marks what was named wrongly."""
    height, width = images[0].shape
    cell_h, cell_w, gap = height * 2 + 44, max(width * 2, 260), 8
    rows = -(-len(images) // columns)
    page = np.full((rows * (cell_h + gap) + gap, min(columns, len(images)) * (cell_w + gap) + gap), 235, np.uint8)
    for i, (image, row) in enumerate(zip(images, shown, strict=True)):
        top, left = gap + i // columns * (cell_h + gap), gap + i % columns * (cell_w + gap)
        cell = np.full((cell_h, cell_w), 255, np.uint8)
        big = cv2.resize(image, (width * 2, height * 2), interpolation=cv2.INTER_LINEAR)
        cell[: height * 2, (cell_w - width * 2) // 2 :][:, : width * 2] = big
        name = row.name.encode("ascii", "replace").decode()
        verdict = f"{'right' if row.hit else 'WRONG'}: {row.predicted.encode('ascii', 'replace').decode()}"
        for line, words in enumerate((f"{name[-26:]} ({row.how})", f"{verdict} ({row.confidence:.2f})")):
            place = (6, height * 2 + 16 + 18 * line)
            cv2.putText(cell, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.43, 0, 1, cv2.LINE_AA)
        if not row.hit:
            cv2.rectangle(cell, (1, 1), (cell_w - 2, cell_h - 2), 60, 3)
        page[top : top + cell_h, left : left + cell_w] = cell
    return page
