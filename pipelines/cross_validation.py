"""`train --folds K`: verification judged on every signer once, each fold by what never saw anybody of it.

On a world every fold trains a network of its own, on signers of its own. On a user's folder the network of a run
stays as it is; threshold, calibration and, if asked for, the pair head are fitted anew in every fold, without the
signers it judges.
"""

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .calibration import LogisticCalibrator, OperatingPoint
from .config import RunConfig
from .demo import demo
from .evaluate import freeze
from .evaluation_parts import Part, subset, trials_of
from .files import write_beside, write_json, write_text
from .folds import check_apart, image_hashes, signer_folds
from .page import page, table
from .progress import Progress
from .protocols import SignatureSet, TrialTable, check_disjoint
from .rates import Frozen, rates
from .report_tables import percent
from .runs import Run, RunError
from .trained import takes_images, unfrozen_verifier
from .trials import joined
from .verifier import NOTICE, REAL_NOTICE

if TYPE_CHECKING:
    from .adapters import Provenance

HEAD = ("fold", "signers", "EER random", "EER skilled", "FRR frozen", "FAR skilled frozen", "FAR random frozen")
_RATES = ("eer_random", "eer_skilled", "frr_frozen", "far_skilled_frozen", "far_random_frozen")


@dataclasses.dataclass(frozen=True, eq=False)
class Judged:
    """One fold: its test trials, and what was frozen on signers of another fold."""

    trials: TrialTable
    frozen: Frozen


def cross_validate_world(
    path: str | Path, config: RunConfig, *, n_folds: int, fresh: bool, progress: Progress
) -> dict[str, Any]:
    """Run every fold as a run of its own, `fold-1` and so on in a folder, and pool them; goes on where interrupted.

    Args:
        path: The folder.
        config: What each fold runs; its development and test signers together are cut into folds.
        n_folds: How many, 3 or more.
        fresh: Start over.
        progress: Where to say what happens.

    Raises:
        RunError: If a fold's folder belongs to another configuration.
        ValueError: If there are too few signers for the folds.
    """
    from .splits import split_world

    _check_number(n_folds)
    folder, found = Path(path), []
    if folder.exists() and (folder / "config.json").exists():
        raise RunError(f"{folder} holds a single run; choose another --run for the folds")
    configs = [fold_config(config, n_folds, number) for number in range(n_folds)]
    splits = [split_world(one.world) for one in configs]
    tested = [np.array(list(split.test)) for split in splits]
    check_apart(np.repeat(np.arange(n_folds), [len(t) for t in tested]), np.concatenate(tested), "signers")
    for number, one in enumerate(configs):
        progress.say(f"fold {number + 1} of {n_folds}")
        run = folder / f"fold-{number + 1}"
        demo(run, one, fresh=fresh, progress=progress)
        record = Run(run).read("verifier.json")
        points = {name: OperatingPoint(**point) for name, point in record["points"].items()}
        trials = TrialTable.from_parquet(run / "scores.parquet")
        found.append(Judged(trials, Frozen(points, LogisticCalibrator.from_dict(record["calibrator"]), trials)))
    words = "a network of its own in every fold, trained on other signers of the world"
    return _finish(folder, found, config, f"world {config.world.seed}; {words}", real=False)


def _check_number(n_folds: int) -> None:
    """Raise ValueError if there are too few folds to train on, to choose thresholds on and to judge."""
    if n_folds < 3:
        raise ValueError(f"--folds is {n_folds}; use 3 or more")


def fold_config(config: RunConfig, n_folds: int, number: int) -> RunConfig:
    """Return the configuration of one fold, counted from 0."""
    return dataclasses.replace(config, world=dataclasses.replace(config.world, folds=n_folds, fold=number))


def cross_validate_folder(
    run_path: str | Path, data: str | Path, *, n_folds: int, head: bool, adapter: str, progress: Progress
) -> tuple[dict[str, Any], Path]:
    """Cross-validate a run's network on a user's folder; return the metrics and where they were written.

    Nothing fitted is kept: the run and its verifier stay as they are.

    Args:
        run_path: A run with a trained network.
        data: The folder, with a `provenance.toml`.
        n_folds: How many, 3 or more.
        head: Fit a logistic pair head on the training signers of each fold.
        adapter: How the folder is laid out.
        progress: Where to say what happens.

    Raises:
        ProvenanceError: If the folder does not say where it comes from.
        RunError: If the run has no network.
        ValueError: If there are too few signers, or no skilled forgeries of some fold's.
    """
    from .adapters import load_provenance

    _check_number(n_folds)
    run = Run(run_path)
    provenance, config = load_provenance(data), run.config()
    whole, sessions = _embedded_folder(run, data, adapter, provenance, progress)
    signer, kind = whole.signatures.signer, whole.signatures.kind
    folds = signer_folds(signer, kind, n_folds=n_folds, seed=config.world.seed % 2**32)
    check_apart(folds, signer, "signers")
    check_apart(folds, np.where(sessions == "", "", np.char.add(np.char.add(signer, "/"), sessions)), "sessions")
    check_apart(folds, image_hashes(whole.canvases), "equal images")
    found = []
    with progress.task(f"judging {n_folds} folds", n_folds) as bar:
        for number in range(n_folds):
            found.append(_judge(whole, folds, number, n_folds, config, head, provenance.contains_real_signatures))
            bar.advance()
    source = f"{provenance.source} ({provenance.licence}); provenance {provenance.digest}; the run's network, " + (
        "a head, thresholds and calibration fitted in every fold"
        if head
        else "thresholds and calibration of every fold"
    )
    out = run / "folds" / Path(data).resolve().name
    metrics = _finish(out, found, config, source, real=provenance.contains_real_signatures, digest=provenance.digest)
    return metrics, out


def _embedded_folder(
    run: Run, data: str | Path, adapter: str, provenance: "Provenance", progress: Progress
) -> tuple[Part, NDArray[np.str_]]:
    """Return the usable signatures of a folder, embedded by a run's network, and their sessions."""
    from .adapters import load_signatures, open_adapter
    from .folds import without_repeats

    with progress.task("loading TensorFlow", None):
        verifier = unfrozen_verifier(run)
    if not takes_images(verifier.model):
        raise RunError(f"{run.path} takes trajectories, and a folder holds images")
    with progress.task(f"reading {data}", None):
        loaded = load_signatures(open_adapter(adapter, data), provenance, prepare=verifier.canvas)
    places = np.flatnonzero(loaded.eligible)
    if not places.size:
        raise RunError(f"{data} holds no signer with two readable genuine signatures")
    canvases = np.stack([np.asarray(loaded.images[i], dtype=np.uint8) for i in places])
    kept, _ = without_repeats(canvases, loaded.names[places].tolist())
    rows, canvases = places[kept], canvases[kept]
    signatures = SignatureSet.of(
        loaded.signers[rows], loaded.kinds[rows], name=loaded.names[rows], forger=loaded.forgers[rows]
    )
    with progress.task(f"embedding {len(canvases)} signatures", None):
        embeddings = verifier.embed_canvases(canvases)
    part = Part(signatures, canvases, embeddings, np.zeros(len(canvases), dtype=bool), verifier.head)
    return part, loaded.sessions[rows]


def _judge(
    whole: Part, folds: NDArray[np.intp], number: int, n_folds: int, config: RunConfig, head: bool, real: bool
) -> Judged:
    """Return one fold, judged by what was fitted on the others: the next one freezes, the rest fit the head."""
    from .logistic import fit_logistic_head

    fitted = whole.head
    if head:
        rest = np.flatnonzero((folds != number) & (folds != (number + 1) % n_folds))
        learnt = subset(whole.signatures, rest)
        fitted = fit_logistic_head(
            whole.embeddings[rest], learnt, data="other folds", contains_real_signatures=real, seed=config.world.seed
        )
    parts = [
        Part(subset(whole.signatures, p), whole.canvases[p], whole.embeddings[p], whole.on_grid[p], fitted)
        for p in (np.flatnonzero(folds == number), np.flatnonzero(folds == (number + 1) % n_folds))
    ]
    for part in parts:
        if not (part.signatures.kind == "skilled").any() or not (part.signatures.kind == "genuine").any():
            raise ValueError(
                f"a fold of {n_folds} has no skilled forgeries, on which its threshold rests; use fewer folds, or a "
                "folder with forgeries"
            )
    frozen, trials = freeze(parts[1], config), trials_of(parts[0], config, "test")
    check_disjoint(frozen.trials, trials)
    return Judged(trials, frozen)


_OF_RATIOS = ("eer_", "auc_", "d_prime_", "frr_at_far_", "cllr", "min_cllr", "ece_")
"""Figures that scores of two scales cannot share, by how their names begin."""


def pool(folds: Sequence[Judged], *, draws: int, seed: int) -> dict[str, Any]:
    """Return the rates over the signers of all folds together, with intervals over signers.

    Scores of two folds are of two scales. Rates at frozen thresholds, Cllr and calibration errors are those of the
    folds' own thresholds and calibrations; a-posteriori rates and d' are of log likelihood ratios, which have one
    scale.

    Args:
        folds: Each judged on its own.
        draws: Of signers, for the intervals.
        seed: Of the draws.
    """
    calibrated = _joined(folds, [fold.frozen.calibrator.log_lr(fold.trials.score) for fold in folds])
    shifted = _joined(folds, [np.float64(fold.trials.score) - fold.frozen.threshold for fold in folds])
    point = OperatingPoint(0.0, 0.0, 0.0, None)
    same = _same_ratios([fold.frozen.calibrator for fold in folds])
    found = rates(shifted, Frozen({"eer_skilled": point}, same, shifted), draws=draws, seed=seed)
    ratios = rates(calibrated, Frozen({"eer_skilled": point}, same, calibrated), draws=draws, seed=seed)
    taken = [name for name in ratios if name.startswith(_OF_RATIOS)]
    return found | {name: ratios[name] for name in taken}


def _same_ratios(calibrators: Sequence[LogisticCalibrator]) -> LogisticCalibrator:
    """Return a calibrator that leaves the ratios of all these as they are: its bounds are the widest of theirs."""
    return dataclasses.replace(
        calibrators[0],
        slope=1.0,
        intercept=0.0,
        n_genuine=max(one.n_genuine for one in calibrators),
        n_forgery=max(one.n_forgery for one in calibrators),
    )


def _joined(folds: Sequence[Judged], scores: list[Any]) -> TrialTable:
    """Return the trials of all folds as one table with other scores, each name marked with its fold."""
    first = folds[0].trials
    left_out = tuple(name for fold in folds for name in fold.trials.left_out)
    whole, score = joined([fold.trials for fold in folds]), np.concatenate(scores)
    return dataclasses.replace(whole, score=score, left_out=left_out, protocol=f"folds: {first.protocol}")


def fold_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one line a fold and one for all signers together."""
    named = [(str(i + 1), fold) for i, fold in enumerate(metrics["folds"])] + [("all", metrics["pooled"])]
    return [(name, str(found["signers"]), *(percent(found.get(rate)) for rate in _RATES)) for name, found in named]


def _finish(
    folder: Path, folds: list[Judged], config: RunConfig, source: str, *, real: bool, digest: str = ""
) -> dict[str, Any]:
    """Measure, write `folds.json`, the pooled trials and `report.html`, and return the metrics."""
    draws, seed = config.evaluation.bootstrap_draws, config.world.seed % 2**32
    singles = [rates(fold.trials, fold.frozen, draws=draws, seed=seed) for fold in folds]
    metrics = {
        "task": "verify",
        "folds": [one | {"threshold": fold.frozen.threshold} for one, fold in zip(singles, folds, strict=True)],
        "pooled": pool(folds, draws=draws, seed=seed),
        "data": {"source": source, "contains_real_signatures": real} | ({"digest": digest} if digest else {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    shifted = _joined(folds, [np.float64(fold.trials.score) - fold.frozen.threshold for fold in folds])
    write_beside(folder / "scores.parquet", shifted.to_parquet)
    write_json(folder / "folds.json", metrics)
    links = "".join(
        f"<li><a href='fold-{i}/report.html'>Report of fold {i}</a></li>"
        for i in range(1, len(folds) + 1)
        if (folder / f"fold-{i}" / "report.html").exists()
    )
    body = (
        f"<p class=notice>{html.escape(REAL_NOTICE if real else NOTICE)}. {html.escape(source)}.</p>"
        f"<p>Every signer is judged once, at a threshold frozen on signers of another fold, by what was trained on "
        "none of them. In brackets: 95 % intervals from a bootstrap over signers; the last line draws them from all "
        "folds. Its EER is of log likelihood ratios, since scores of two folds have two scales; an EER is "
        "a-posteriori.</p>"
        f"{table(HEAD, fold_rows(metrics))}<ul>{links}</ul>"
    )
    write_text(folder / "report.html", page("Paraph folds", f"Cross-validation in {len(folds)} folds", body))
    return metrics
