"""Evaluation on a user's own folder: read through an adapter, scored by the published protocols, reported.

Nothing in the folder is changed, no network or head learns from it, and the run's frozen threshold is used as it is.
The writer-dependent protocol enrols its signers in classifiers that are judged and thrown away.
"""

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import Adapter, LoadedSet, load_provenance, load_signatures, open_layout
from .adapters.provenance import FILE_NAME, Provenance
from .calibration import LogisticCalibrator, OperatingPoint
from .calibrators import calibration_of
from .config import RunConfig
from .decisions import fused_of, typical_of
from .embedding_file import Embedded
from .evaluation_card import card_of, duplicates_in, image_probes, resplit
from .evaluation_curves import baselines, reference_curve
from .evaluation_parts import Part, trials_of
from .files import write_beside, write_json
from .lineage import mark_of_run
from .progress import Progress
from .protocol_stage import embedded_folder, protocols_on_folder
from .rates import Frozen, rates
from .reading import draw_plainly, embed_read, known_signers
from .report import write_report
from .rivals import rivals_of
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
    run, provenance = Run(run_path), load_provenance(data)
    folder = Path(out) if out else run / "evaluations" / Path(data).resolve().name
    if folder.resolve().is_relative_to(Path(data).resolve()):
        raise ValueError(f"{folder} lies inside the data folder {data}, which is not changed; choose another --out")
    if (other := _other_source(folder, provenance)) is not None:
        raise ValueError(f"{folder} holds the results of {other}; choose another --out, or move it away")
    config, record = run.config(), run.read("verifier.json")
    layout = open_layout(adapter, data)  # a wrong name is told before anything is loaded
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    with progress.task(f"reading {data}", None):
        read = _read(run, data, layout, provenance, verifier)
    with progress.task(f"embedding {len(read.canvases)} signatures", None):
        embedded = _embedded(run, folder, read, verifier, keep=bool(set(protocols) - {"pairs"}))
    on_grid = np.zeros(len(read.canvases), dtype=bool)
    part = Part(read.signatures, read.canvases, embedded.vectors, on_grid, verifier.head)
    tables: dict[str, TrialTable] = {}
    with progress.task("rates, intervals and baselines", None):
        metrics = _measure(run, part, config, record, tables)
    outcome = protocols_on_folder(run, config, verifier, embedded, protocols, negatives, progress)
    tables |= outcome.tables
    metrics |= _account(read, provenance, verifier)
    metrics |= {"protocols": outcome.metrics} if outcome.metrics else {}
    metrics["card"] = card_of(
        metrics,
        config=config,
        probes=image_probes(read.signatures, read.canvases),
        duplicates={"removed": len(read.loaded.duplicates), "left": duplicates_in(read.canvases)},
    )
    with progress.task("shortcut probes", None):
        metrics["probes"] = _probes(config, part, tables["pairs"], Path(data), read)
    folder.mkdir(parents=True, exist_ok=True)
    write_beside(folder / "scores.parquet", lambda path: write_scores(path, tables))
    write_json(folder / "metrics.json", metrics)
    with progress.task("report", None):
        told: dict[str, Any] = {
            "threshold": record["threshold"],
            "verifier": verifier,
            "config": config,
            "run": run.path,
        }
        return metrics, write_report(folder, metrics, trials=tables["pairs"], part=part, **told)


@dataclasses.dataclass(frozen=True, eq=False)
class _Folder:
    """A folder as it was read, and what of it can be judged.

    Attributes:
        loaded: All of it.
        known: Signers that the run has learnt from.
        usable: Which signatures are judged, bool ``(n,)``.
        signatures: Whose those are.
        canvases: Those, prepared, uint8 ``(n_usable, height, width)``.
    """

    loaded: LoadedSet
    known: list[str]
    usable: NDArray[np.bool_]
    signatures: SignatureSet
    canvases: NDArray[np.uint8]


def _read(run: Run, data: str | Path, layout: Adapter, provenance: Provenance, verifier: Verifier) -> _Folder:
    """Read and prepare a folder; raise RunError if nothing in it can be judged."""
    loaded = load_signatures(layout, provenance, draw=draw_plainly, prepare=verifier.canvas, measure=quick_nuisances)
    known = known_signers(loaded, mark_of_run(run.path), verifier.head)
    usable = loaded.eligible & ~np.isin(loaded.signers, np.array(known, dtype=np.str_))
    if not usable.any():
        raise RunError(_nothing_usable(run, data, loaded, known))
    signatures = SignatureSet.of(
        loaded.signers[usable], loaded.kinds[usable], name=loaded.names[usable], forger=loaded.forgers[usable]
    )
    canvases = np.stack([loaded.images[i] for i in np.flatnonzero(usable)])
    return _Folder(loaded, known, usable, signatures, canvases.astype(np.uint8, copy=False))


def _nothing_usable(run: Run, data: str | Path, loaded: LoadedSet, known: list[str]) -> str:
    if known:
        return f"{run.path} was fitted on the signers of {data}; evaluate it on signatures it has not seen"
    bad = [f"{s.name}: {s.reason}" for s in loaded.skipped] + [f"{u.name}: {u.reason}" for u in loaded.unexpected]
    reasons = "; ".join([*loaded.warnings, *bad][:3])
    return f"{data} holds no signer with two readable genuine signatures ({reasons or 'it is empty'})"


def _embedded(run: Run, folder: Path, read: _Folder, verifier: Verifier, *, keep: bool) -> Embedded:
    embed = functools.partial(embed_read, verifier, read.loaded, read.usable, read.canvases)
    return embedded_folder(run, folder / "embeddings.npz", read.signatures, read.canvases, verifier, embed, keep=keep)


def _other_source(folder: Path, provenance: Provenance) -> str | None:
    """Return the source of the results in a folder if they are of other data, else None."""
    try:
        told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["data"]
        return None if told["digest"] == provenance.digest else str(told["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _account(read: _Folder, provenance: Provenance, verifier: Verifier) -> dict[str, Any]:
    """Return where the signatures come from, how many there are, and what was left out."""
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
        "notice": verifier.notice,
        "counts": loaded.counts,
        "warnings": [*loaded.warnings, *left_out],
    }


def _probes(config: RunConfig, part: Part, trials: TrialTable, root: Path, read: _Folder) -> dict[str, Any]:
    return probe_folder(
        config,
        part,
        trials,
        root=root,
        rows=[read.loaded.measured[i] for i in np.flatnonzero(read.usable)],
        crossed=read.loaded.warnings,
        removed=sum(d.same_label for d in read.loaded.duplicates),
    )


def _measure(
    run: Run, part: Part, config: RunConfig, record: dict[str, Any], tables: dict[str, TrialTable]
) -> dict[str, Any]:
    """Return the rates of the network, its baselines and the reference curve at the frozen threshold."""
    trials = tables["pairs"] = trials_of(part, config, "test")
    points = {name: OperatingPoint(**point) for name, point in record["points"].items()}
    calibrator = LogisticCalibrator.from_dict(record["calibrator"])
    frozen = Frozen(points, calibrator, trials, fused_of(record), typical_of(record))
    draws, seed, rivals = config.evaluation.bootstrap_draws, config.world.seed, rivals_of(part)
    found = {
        "verifier": rates(trials, frozen, draws=draws, seed=seed),
        "baselines": baselines(rivals, config, tables),
        "references": reference_curve(part, config, frozen, tables, rivals=rivals),
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
