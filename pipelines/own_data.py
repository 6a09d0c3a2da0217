"""Evaluation on a user's own folder: read through an adapter, scored by the published protocols, reported.

Nothing in the folder is changed, nothing of it is trained on, and the run's frozen threshold is used as it is.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .adapters import load_provenance, load_signatures, open_adapter
from .adapters.provenance import FILE_NAME, Provenance
from .calibration import LogisticCalibrator, OperatingPoint
from .config import RunConfig
from .evaluate import Frozen, Part, baselines, rates, reference_curve, trials_of
from .files import write_beside, write_json
from .progress import Progress
from .protocols import SignatureSet
from .report import write_report
from .runs import Run, RunError, load_verifier
from .shortcut_runs import probe_folder
from .shortcuts import quick_nuisances


def evaluate_folder(
    run_path: str | Path,
    data: str | Path,
    *,
    progress: Progress,
    adapter: str = "folders",
    out: str | Path | None = None,
) -> tuple[dict[str, Any], Path]:
    """Score a folder of signatures with a run's verifier; return the metrics and where the report is.

    Args:
        run_path: A finished run.
        data: The folder; it holds a `provenance.toml`.
        progress: Where to say what happens.
        adapter: A registered adapter's name.
        out: Where the results go; `evaluations/<folder name>` inside the run if left out.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        RunError: If the run is unfinished, or the folder holds nothing that can be scored.
    """
    run = Run(run_path)
    provenance = load_provenance(data)
    config, record = run.config(), run.read("verifier.json")
    with progress.task("loading TensorFlow and the verifier", None):
        verifier = load_verifier(run_path)
    with progress.task(f"reading {data}", None):
        rows: list[dict[str, float]] = []

        def prepare(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
            canvas = verifier.canvas(image)
            rows.append(quick_nuisances(image))
            return canvas

        loaded = load_signatures(open_adapter(adapter, data), provenance, prepare=prepare)
    if verifier.head is not None and verifier.head.data == f"provenance {provenance.digest}":
        raise RunError(f"the head of {run.path} was fitted on {data}; evaluate it on signatures it has not seen")
    usable = loaded.eligible
    if not usable.any():
        reasons = "; ".join([*loaded.warnings, *(f"{s.name}: {s.reason}" for s in loaded.skipped)][:3])
        raise RunError(f"{data} holds no signer with two readable genuine signatures ({reasons or 'it is empty'})")
    signatures = SignatureSet.of(
        loaded.signers[usable], loaded.kinds[usable], name=loaded.names[usable], forger=loaded.forgers[usable]
    )
    canvases = np.stack([image for image, keep in zip(loaded.images, usable, strict=True) if keep])
    with progress.task(f"embedding {len(canvases)} signatures", None):
        embeddings = verifier.embed_canvases(canvases)
    part = Part(signatures, canvases, embeddings, np.zeros(len(canvases), dtype=bool), verifier.head)
    metrics = _measure(part, config, record)
    left_out = [f"{s.name}: {s.reason}" for s in loaded.skipped]
    left_out += [f"{d.name}: identical to {d.kept}" for d in loaded.duplicates]
    left_out += [f"{u.name}: {u.reason}" for u in loaded.unexpected]
    left_out += [f"signer {name}: fewer than two genuine signatures" for name in loaded.too_few]
    metrics |= {
        "data": {
            "source": f"{provenance.source} ({provenance.licence})",
            "purpose": provenance.purpose,
            "contains_real_signatures": provenance.contains_real_signatures,
            "digest": provenance.digest,
        },
        "counts": loaded.counts,
        "warnings": [*loaded.warnings, *left_out],
    }
    folder = Path(out) if out else run / "evaluations" / Path(data).resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    trials = trials_of(part, config, "test")
    with progress.task("shortcut probes", None):
        metrics["probes"] = probe_folder(
            config,
            part,
            trials,
            root=Path(data),
            rows=[row for row, keep in zip(rows, usable, strict=True) if keep],
            crossed=loaded.warnings,
            removed=sum(d.same_label for d in loaded.duplicates),
        )
    write_beside(folder / "scores.parquet", trials.to_parquet)
    write_json(folder / "metrics.json", metrics)
    with progress.task("report", None):
        report = write_report(
            folder,
            metrics,
            trials=trials,
            part=part,
            threshold=record["threshold"],
            verifier=verifier,
            config=config,
        )
    return metrics, report


def _measure(part: Part, config: RunConfig, record: dict[str, Any]) -> dict[str, Any]:
    """Return the rates of the network, its baselines and the reference curve at the frozen threshold."""
    trials = trials_of(part, config, "test")
    points = {name: OperatingPoint(**point) for name, point in record["points"].items()}
    frozen = Frozen(points, LogisticCalibrator.from_dict(record["calibrator"]), trials)
    return {
        "verifier": rates(trials, frozen, draws=config.evaluation.bootstrap_draws, seed=config.world.seed),
        "baselines": baselines(part, config),
        "references": reference_curve(part, config, frozen),
        "development": {
            "signers": record["calibrator"]["n_signers"],
            "points": record["points"],
            "calibrator": record["calibrator"],
        },
        "protocol": trials.protocol,
        "left_out": list(trials.left_out),
    }


def provenance_of_file(file: str | Path) -> Provenance:
    """Return the record of the folder that a file lies in, or of the nearest one above that has a record.

    Raises:
        MissingProvenance: If none of them has one.
    """
    folder = Path(file).resolve().parent
    holder = next((f for f in (folder, *folder.parents) if (f / FILE_NAME).is_file()), folder)
    return load_provenance(holder)
