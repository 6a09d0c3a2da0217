"""What `train --task classify`, `train --folds` and `evaluate --signer` do, apart from the verbs they belong to."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cli_shared import print_table

if TYPE_CHECKING:
    from .config import RunConfig
    from .progress import Progress

TASKS = ("verify", "classify")


def check_task(task: str, *, signers: int | None, acts: int | None) -> None:
    """Raise ValueError if a task is unknown, or options belong to the other one."""
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}; use one of: {', '.join(TASKS)}")
    if task == "verify" and (signers is not None or acts is not None):
        raise ValueError("--signers and --acts go with --task classify; of a world, use --set world.test_signers=N")


def is_classification(run: Path, signer: str | None) -> bool:
    """Return whether a folder is a classification run; raise ValueError if --signer is asked of another."""
    found = (run / "classify.json").exists()
    if signer is not None and not found:
        raise ValueError(f"--signer is for classification runs, and {run} is none; see `train --task classify`")
    return found


def train_classifier(
    run: Path | None,
    *,
    preset: str,
    progress: "Progress",
    fresh: bool,
    seed: int | None,
    model: str | None,
    start: Path | None,
    data: Path | None,
    adapter: str,
    folds: int | None,
    signers: int | None,
    acts: int | None,
    changes: Sequence[str] = (),
) -> None:
    """Cross-validate the naming of a closed set, and print its table."""
    from .class_config import SIZES, make_config
    from .classify import classify

    if preset not in SIZES:
        raise ValueError(f"unknown preset {preset!r}; use one of: {', '.join(SIZES)}")
    if data is not None and (signers is not None or acts is not None):
        raise ValueError("--signers and --acts are of a drawn class; a folder given by --data has its own")
    given = {
        "seed": seed,
        "model": model,
        "start_from": None if start is None else str(start),
        "data": None if data is None else str(data),
        "adapter": adapter,
        "folds": folds,
        "signers": signers,
        "acts": acts,
    }
    if acts is not None and folds is None:
        given["folds"] = max(2, min(4, acts))
    config = make_config({**SIZES[preset], **{k: v for k, v in given.items() if v is not None}}, changes)
    folder = run or Path("runs/class")
    print_classification(classify(folder, config, fresh=fresh, progress=progress), folder)


def train_folds(
    run: Path,
    config: "RunConfig",
    n_folds: int,
    head: str | None,
    data: Path | None,
    adapter: str,
    fresh: bool,
    progress: "Progress",
) -> None:
    """Cross-validate verification, on a world or with a trained run on a folder, and print its table."""
    from .cross_validation import HEAD, cross_validate_folder, cross_validate_world, fold_rows

    if head not in (None, "logistic"):
        raise ValueError(f"unknown head {head!r}; use one of: logistic")
    if data is not None:
        found, out = cross_validate_folder(
            run, data, n_folds=n_folds, head=head is not None, adapter=adapter, progress=progress
        )
    elif head is not None:
        raise ValueError("--head with --folds is for your own folder; give --data DIR and a trained --run")
    else:
        found, out = cross_validate_world(run, config, n_folds=n_folds, fresh=fresh, progress=progress), run
    print_table(f"{n_folds} folds by signer (95 % interval over signers)", HEAD, fold_rows(found))
    print(f"report: {out / 'report.html'}")


def print_classification(metrics: dict[str, Any], folder: Path) -> None:
    """Print the table of methods, the people named worst, and where the report is."""
    from .class_report import METHOD_HEAD, NOTICE, SIGNER_HEAD, basis, method_rows, signer_rows

    print_table("Naming one of a closed set", METHOD_HEAD, method_rows(metrics))
    print(basis(metrics))
    print_table(
        "The people named worst, by logistic regression without augmentation", SIGNER_HEAD, signer_rows(metrics)[:5]
    )
    for line in metrics["notes"][:10]:
        print(f"note: {line}")
    print(f"{NOTICE}\nreport: {folder / 'report.html'}, by person: {folder / 'per_signer.csv'}")


def evaluate_classification(run: Path, signer: str | None, n: int, progress: "Progress") -> None:
    """Print a finished classification run, or one person's signatures and what each was named."""
    from .class_signer import hit_rates, judge_signer
    from .runs import Run

    if signer is None:
        print_classification(Run(run).read("metrics.json"), run)
        return
    shown, picture = judge_signer(run, signer, n=n, progress=progress)
    rows = [(r.name, r.how, r.predicted, f"{r.confidence:.2f}", "yes" if r.hit else "no") for r in shown]
    print_table(f"Signatures of {signer}", ("signature", "judged", "named", "confidence", "hit"), rows)
    for line in hit_rates(shown):
        print(line)
    print(f"picture: {picture}")
