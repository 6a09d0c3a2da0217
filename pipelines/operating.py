"""What a threshold costs: error rates at any threshold, and the threshold for a chosen error rate.

Thresholds are chosen on development signers; their scores lie in a run's `development.parquet`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .config import RunConfig
from .files import write_beside
from .fusion import FUSIONS, check_fusion
from .metrics import far, frr, rule_of_three, threshold_at_far
from .rates import Frozen
from .runs import Run, RunError
from .trials import TrialTable

if TYPE_CHECKING:
    from .evaluation_parts import Part

FILE = "development.parquet"
_NOTE, _FORMAT = b"paraph-development", 2
Scores = Mapping[str, NDArray[np.floating]]
"""Scores by kind of trial: "genuine", "skilled", "random", "simple"."""


@dataclass(frozen=True)
class Rates:
    """Error rates at one threshold, each 0 to 1; None where there are no trials of that kind."""

    frr: float | None
    far_skilled: float | None
    far_random: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Return plain values for JSON."""
        return asdict(self)


def rates_at(scores: Scores, threshold: float) -> Rates:
    """Return what accepting scores at or above a threshold costs on these scores."""
    known = {kind: values for kind, values in scores.items() if len(values)}
    return Rates(
        frr(known["genuine"], threshold) if "genuine" in known else None,
        far(known["skilled"], threshold) if "skilled" in known else None,
        far(known["random"], threshold) if "random" in known else None,
    )


def by_kind(trials: TrialTable) -> dict[str, NDArray[np.floating]]:
    """Return the scores of a table by kind of trial."""
    return {str(kind): trials.score[trials.kind == kind] for kind in np.unique(trials.kind)}


def basis_of(fusion: str, n_references: int) -> str:
    """Return the name of what was frozen for a fusion and a number of references: "1", or such as "max/3"."""
    return "1" if n_references == 1 else f"{fusion}/{n_references}"


def development_scores(part: "Part", config: RunConfig, frozen: Frozen) -> dict[str, Scores]:
    """Return the development scores by basis: one reference, and each fusion of several.

    Args:
        part: The development part.
        config: The run.
        frozen: What was frozen on it.
    """
    from .evaluate import FROZEN_FOR
    from .evaluation_parts import fused_trials

    tables = fused_trials(part, config, "development", numbers=FROZEN_FOR, fusions=FUSIONS, typical=frozen.typical)
    several = {basis_of(fusion, k): by_kind(table) for (k, fusion), table in tables}
    return {"1": by_kind(frozen.trials), **several}


def write_development(path: Path, found: Mapping[str, Scores]) -> Path:
    """Write development scores as one Parquet file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [(basis, kind, values) for basis, kinds in found.items() for kind, values in kinds.items()]
    columns = {
        "basis": np.concatenate([np.full(len(values), basis) for basis, _, values in rows]),
        "kind": np.concatenate([np.full(len(values), kind) for _, kind, values in rows]),
        "score": np.concatenate([values for _, _, values in rows]).astype(np.float32),
    }
    table = pa.table(
        {name: pa.array(values) for name, values in columns.items()}, metadata={_NOTE: json.dumps({"format": _FORMAT})}
    )
    return write_beside(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))


def read_development(run: Run) -> dict[str, dict[str, NDArray[np.floating]]]:
    """Return a run's development scores by basis and kind; empty if it was made before they were kept.

    Raises:
        RunError: If the file is something else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = run / FILE
    if not path.exists():
        return {}
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if (note := (table.schema.metadata or {}).get(_NOTE)) is None:
        raise RunError(f"{path} holds no development scores; `python -m pipelines evaluate` writes it anew")
    if json.loads(note) != {"format": _FORMAT}:  # its "relative" was another
        table = table.filter(pc.invert(pc.starts_with(table["basis"], "relative/")))
    basis, kind = (table[name].to_numpy().astype(str) for name in ("basis", "kind"))
    score = table["score"].to_numpy()
    return {
        str(b): {str(k): score[(basis == b) & (kind == k)] for k in np.unique(kind[basis == b])}
        for b in np.unique(basis)
    }


def held_out_scores(run: Run) -> dict[str, NDArray[np.floating]]:
    """Return a run's one-reference test scores by kind; empty if there are none."""
    path = run / "scores.parquet"
    return by_kind(TrialTable.from_parquet(path)) if path.exists() else {}


def check_wanted(far: float) -> None:
    """Raise RunError unless a FAR that a threshold is wanted for is above 0 and below 1."""
    if not 0.0 < far < 1.0:
        raise RunError(f"--far is {far}; give a share of skilled forgeries above 0 and below 1, such as 0.05")


def threshold_for(run: Run, wanted: float, *, fusion: str, n_references: int) -> tuple[float, str]:
    """Return the threshold that accepts at most a share of skilled forgeries of development signers, and its basis.

    Args:
        run: A finished run.
        wanted: FAR of simulated skilled forgeries, above 0 and below 1.
        fusion: How several references become one.
        n_references: How many there are; the nearest number below that was evaluated counts.

    Raises:
        RunError: If the run keeps no scores for it, or has too few development signers to support so low a rate.
    """
    check_wanted(wanted)
    check_fusion(fusion)
    found = read_development(run)
    fitting = sorted(
        int(name.split("/")[1])
        for name in found
        if name.startswith(f"{fusion}/") and int(name.split("/")[1]) <= n_references
    )
    basis = basis_of(fusion, fitting[-1] if fitting and n_references > 1 else 1)
    skilled = found.get(basis, {}).get("skilled", np.empty(0))
    if not len(skilled):
        raise RunError(
            f"{run.path} keeps no development scores to choose a threshold from; write them with "
            f"`python -m pipelines evaluate --run {run.path}`, or leave --far out"
        )
    _check_supported(run, wanted)
    return threshold_at_far(skilled, wanted), basis


def _check_supported(run: Run, wanted: float) -> None:
    """Raise RunError if the run's development signers, by the rule of three, cannot support so low a rate."""
    n_signers = int(run.read("verifier.json")["calibrator"]["n_signers"])
    if wanted >= (least := rule_of_three(n_signers)):
        return
    advice = f"use {math.ceil(1e4 * least) / 1e4:g} or more, or a run with more of them"
    if least >= 1.0:
        advice = "use a run with more than three of them, or leave --far out"
    raise RunError(f"--far {wanted} cannot be supported by {n_signers} development signers (rule of three); {advice}")
