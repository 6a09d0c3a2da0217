"""Evaluation on a user's own folder: read through an adapter, scored by the published protocols, reported.

Nothing in the folder is changed, no network or head learns from it, and the run's frozen threshold is used as it is.
The writer-dependent protocol enrols its signers in classifiers that are judged and thrown away.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import LoadedSet, load_provenance, load_signatures, open_layout
from .adapters.provenance import FILE_NAME, Provenance
from .calibration import LogisticCalibrator, OperatingPoint
from .calibrators import calibration_of
from .config import RunConfig
from .embedding_file import Embedded
from .evaluate import Frozen, Part, baselines, rates, reference_curve, trials_of
from .evaluation_card import card_of, duplicates_in, image_probes, resplit
from .files import write_beside, write_json
from .lineage import mark_of_run
from .progress import Progress
from .protocol_stage import embedded_folder, protocols_on_folder
from .reading import draw_plainly, embed_read, known_signers
from .report import write_report
from .runs import Run, RunError, load_verifier
from .score_file import read_scores, write_scores
from .shortcut_runs import probe_folder
from .shortcuts import quick_nuisances
from .trials import SignatureSet, TrialTable
from .verifier import Verifier
from .writer_dependent import Negatives


def evaluate_folder(
    run_path: str | Path,
    data: str | Path,
    *,
    progress: Progress,
    adapter: str = "folders",
    out: str | Path | None = None,
    protocols: Sequence[str] = ("pairs",),
    negatives: Negatives = "enrolled",
) -> tuple[dict[str, Any], Path]:
    """Score a folder of signatures with a run's verifier; return the metrics and where the report is.

    Args:
        run_path: A finished run.
        data: The folder; it holds a `provenance.toml`.
        progress: Where to say what happens.
        adapter: A registered adapter's name.
        out: Where the results go; `evaluations/<folder name>` inside the run if left out.
        protocols: Which of `protocol_runs.PROTOCOLS` to run; pairs always are. Where others are, embeddings are kept
            beside the results, so that running again needs no network.
        negatives: Whose signatures writer-dependent classifiers learn to reject: of the other "enrolled" signers, or
            of the run's "development" signers, which differ from a folder's in more than the hand.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        RunError: If the run is unfinished, or the folder holds nothing that can be scored.
    """
    run = Run(run_path)
    provenance = load_provenance(data)
    config, record = run.config(), run.read("verifier.json")
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    read = _read(run, data, adapter, provenance, verifier, progress)
    folder = Path(out) if out else run / "evaluations" / Path(data).resolve().name
    embedded = _embedded(run, folder, read, verifier, progress, keep=bool(set(protocols) - {"pairs"}))
    off_grid = np.zeros(len(read.canvases), dtype=bool)  # a folder has no curve of skills
    part = Part(read.signatures, read.canvases, embedded.vectors, off_grid, verifier.head)
    tables: dict[str, TrialTable] = {}
    with progress.task("rates, intervals and baselines", None):
        metrics = _measure(run, part, config, record, tables)
    outcome = protocols_on_folder(run, config, verifier, embedded, protocols, negatives, progress)
    tables |= outcome.tables
    metrics |= _account(read, provenance, verifier.notice)
    metrics |= {"protocols": outcome.metrics} if outcome.metrics else {}
    metrics["card"] = card_of(
        metrics,
        config=config,
        probes=image_probes(read.signatures, read.canvases),
        duplicates={"removed": len(read.loaded.duplicates), "left": duplicates_in(read.canvases)},
    )
    folder.mkdir(parents=True, exist_ok=True)
    trials = tables["pairs"]
    with progress.task("shortcut probes", None):
        metrics["probes"] = _probes(config, part, trials, Path(data), read)
    write_beside(folder / "scores.parquet", lambda path: write_scores(path, tables))
    write_json(folder / "metrics.json", metrics)
    shown: dict[str, Any] = {"trials": trials, "part": part, "threshold": record["threshold"]}
    with progress.task("report", None):
        report = write_report(folder, metrics, **shown, verifier=verifier, config=config)
    return metrics, report


@dataclass(frozen=True, eq=False)
class _Read:
    """A folder as far as it can be judged.

    Attributes:
        loaded: All of it.
        known: Signers that the run has learnt from, who are not judged.
        usable: Which signatures are judged, shape ``(n,)``; what follows is about these m.
        signatures: Signers, kinds, names and forgers.
        canvases: Preprocessed, shape ``(m, height, width)``.
        nuisances: `quick_nuisances` of each image as it was read.
    """

    loaded: LoadedSet
    known: list[str]
    usable: NDArray[np.bool_]
    signatures: SignatureSet
    canvases: NDArray[np.uint8]
    nuisances: list[dict[str, float]]


def _read(
    run: Run, data: str | Path, adapter: str, provenance: Provenance, verifier: Verifier, progress: Progress
) -> _Read:
    """Return what a folder holds; RunError if there is nothing in it that can be judged."""
    rows: list[dict[str, float]] = []

    def prepare(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        canvas = verifier.canvas(image)
        rows.append(quick_nuisances(image))
        return canvas

    with progress.task(f"reading {data}", None):
        opened = open_layout(adapter, data)
        loaded = load_signatures(opened, provenance, draw=draw_plainly, prepare=prepare)
    known = known_signers(loaded, mark_of_run(run.path), verifier.head)
    usable = loaded.eligible & ~np.isin(loaded.signers, np.array(known, dtype=np.str_))
    if known and not usable.any():
        raise RunError(f"{run.path} was fitted on the signers of {data}; evaluate it on signatures it has not seen")
    if not usable.any():
        bad = [f"{s.name}: {s.reason}" for s in loaded.skipped] + [f"{u.name}: {u.reason}" for u in loaded.unexpected]
        reasons = "; ".join([*loaded.warnings, *bad][:3])
        raise RunError(f"{data} holds no signer with two readable genuine signatures ({reasons or 'it is empty'})")
    signatures = SignatureSet.of(
        loaded.signers[usable], loaded.kinds[usable], name=loaded.names[usable], forger=loaded.forgers[usable]
    )
    canvases = np.stack([image for image, keep in zip(loaded.images, usable, strict=True) if keep])
    nuisances = [row for row, keep in zip(rows, usable, strict=True) if keep]
    return _Read(loaded, known, usable, signatures, canvases, nuisances)


def _embedded(run: Run, folder: Path, read: _Read, verifier: Verifier, progress: Progress, *, keep: bool) -> Embedded:
    embed = functools.partial(embed_read, verifier, read.loaded, read.usable, read.canvases)
    path = folder / "embeddings.npz"
    with progress.task(f"embedding {len(read.canvases)} signatures", None):
        return embedded_folder(run, path, read.signatures, read.canvases, verifier, embed, keep=keep)


def _account(read: _Read, provenance: Provenance, notice: str) -> dict[str, Any]:
    """Return what the numbers are about: whose data, how many signatures, and everything that was left out."""
    loaded = read.loaded
    left_out = [f"{s.name}: {s.reason}" for s in loaded.skipped]
    left_out += [f"{d.name}: identical to {d.kept}" for d in loaded.duplicates]
    left_out += [f"{u.name}: {u.reason}" for u in loaded.unexpected]
    left_out += [f"signer {name}: fewer than two genuine signatures" for name in loaded.too_few]
    left_out += [f"signer {name}: the run has learnt from this signer" for name in read.known]
    return {
        "data": {
            "source": f"{provenance.source} ({provenance.licence}); provenance {provenance.digest}",
            "purpose": provenance.purpose,
            "contains_real_signatures": provenance.contains_real_signatures,
            "digest": provenance.digest,
        },
        "notice": notice,
        "counts": loaded.counts,
        "warnings": [*loaded.warnings, *left_out],
    }


def _probes(config: RunConfig, part: Part, trials: TrialTable, root: Path, read: _Read) -> dict[str, Any]:
    return probe_folder(
        config,
        part,
        trials,
        root=root,
        rows=read.nuisances,
        crossed=read.loaded.warnings,
        removed=sum(duplicate.same_label for duplicate in read.loaded.duplicates),
    )


def _measure(
    run: Run, part: Part, config: RunConfig, record: dict[str, Any], tables: dict[str, TrialTable]
) -> dict[str, Any]:
    """Return the rates of the network, its baselines and the reference curve at the frozen threshold."""
    trials = tables["pairs"] = trials_of(part, config, "test")
    points = {name: OperatingPoint(**point) for name, point in record["points"].items()}
    frozen = Frozen(points, LogisticCalibrator.from_dict(record["calibrator"]), trials)
    draws, seed = config.evaluation.bootstrap_draws, config.world.seed
    found = {
        "verifier": rates(trials, frozen, draws=draws, seed=seed),
        "baselines": baselines(part, config, tables),
        "references": reference_curve(part, config, frozen, tables),
        "development": {
            "signers": record["calibrator"]["n_signers"],
            "points": record["points"],
            "calibrator": record["calibrator"],
        },
        "splits": resplit([trials]),
        "protocol": trials.protocol,
        "left_out": list(trials.left_out),
    }
    if (chosen := _development_trials(run)) is not None:
        found["calibration"] = calibration_of(chosen, trials, draws=draws, seed=seed)
    return found


def _development_trials(run: Run) -> TrialTable | None:
    """Return the trials of development signers that the run recorded; None if an older version evaluated it."""
    try:
        return read_scores(run / "scores.parquet").get("development")
    except (OSError, ValueError):
        return None


def provenance_of_file(file: str | Path) -> Provenance:
    """Return the record of the folder that a file lies in, or of the nearest one above that has a record.

    Raises:
        MissingProvenance: If none of them has one.
    """
    folder = Path(file).resolve().parent
    holder = next((f for f in (folder, *folder.parents) if (f / FILE_NAME).is_file()), folder)
    return load_provenance(holder)
