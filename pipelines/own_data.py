"""Evaluation on a user's own folder: read through an adapter, scored by the published protocols, reported.

Nothing in the folder is changed, nothing of it is trained on, and the run's frozen threshold is used as it is.
"""

from pathlib import Path
from typing import Any

import numpy as np

from .adapters import load_provenance
from .calibration import LogisticCalibrator, OperatingPoint
from .config import RunConfig
from .evaluate import Frozen, Part, baselines, rates, reference_curve, trials_of
from .files import write_beside, write_json
from .marks import mark_of_run
from .progress import Progress
from .protocols import SignatureSet
from .reading import read_folder
from .report import write_report
from .runs import Run, load_verifier


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
    with progress.task(f"reading and embedding {data}", None):
        read = read_folder(data, adapter, provenance, verifier, mark_of_run(run.path))
    loaded, usable, canvases = read.loaded, read.usable, read.canvases
    signatures = SignatureSet.of(
        loaded.signers[usable], loaded.kinds[usable], name=loaded.names[usable], forger=loaded.forgers[usable]
    )
    part = Part(signatures, canvases, read.embeddings, np.zeros(len(canvases), dtype=bool), verifier.head)
    metrics = _measure(part, config, record)
    metrics |= {
        "data": {
            "source": f"{provenance.source} ({provenance.licence}); provenance {provenance.digest}",
            "purpose": provenance.purpose,
            "contains_real_signatures": provenance.contains_real_signatures,
            "digest": provenance.digest,
        },
        "counts": loaded.counts,
        "warnings": [*loaded.warnings, *read.left_out],
    }
    folder = Path(out) if out else run / "evaluations" / Path(data).resolve().name
    folder.mkdir(parents=True, exist_ok=True)
    trials = trials_of(part, config, "test")
    write_beside(folder / "scores.parquet", trials.to_parquet)
    write_json(folder / "metrics.json", metrics)
    report = write_report(folder, metrics, trials=trials, part=part, threshold=record["threshold"])
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
