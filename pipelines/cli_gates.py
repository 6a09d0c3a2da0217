"""Verbs about what may leave and what must go: card, privacy, release, forget."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, RunOption, app, make_progress, print_table


@app.command()
def card(
    run: RunOption,
    use: Annotated[str, typer.Option("--intended-use", help="What the model is for, in a sentence.")],
) -> None:
    """Write a run's model card, which `release` asks for."""
    from .release import write_card

    print(f"written: {write_card(run, use)}")


@app.command()
def privacy(
    run: RunOption,
    data: Annotated[Path | None, typer.Option(help="For a run that has learnt from a folder: that folder.")] = None,
    adapter: Annotated[str, typer.Option(help="How the folder is laid out.")] = "folders",
    signers: Annotated[int, typer.Option(help="Signers of each side, at most.")] = 150,
    seed: Annotated[int, typer.Option(help="Of choices, folds and intervals.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Measure whether a run tells who is in its training set; writes privacy.json."""
    from .privacy_runs import audit, rows_of

    record = audit(run, progress=make_progress(quiet), data=data, adapter=adapter, signers=signers, seed=seed)
    print_table(
        "Membership inference (95 % interval over signers; a guess has AUC 0.5)",
        ("question", "AUC", "found at 1 % false", "found at 10 % false", "in / out"),
        rows_of(record),
    )
    print(f"{record['about']}\naudit: {run / 'privacy.json'}")


@app.command()
def release(
    run: RunOption,
    out: Annotated[Path, typer.Option(help="The archive to write, NAME.zip.")],
    responsible: Annotated[
        str | None, typer.Option(help="Who answers for a model that has learnt from real signatures: name, contact.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="With --responsible: why it may leave.")] = None,
) -> None:
    """Pack a run for others, after its checks: mark, record, privacy audit, model card."""
    from .release import Responsible
    from .release import release as work

    answers = None
    if responsible is not None or reason is not None:
        answers = Responsible(responsible or "", reason or "")
    record = work(run, out, responsible=answers)
    print(f"{record['mark']['notice']}\npacked {len(record['files'])} files: {out}")


@app.command()
def forget(
    signer: Annotated[str, typer.Argument(help="As reports and folders name the signer.")],
    data: Annotated[Path, typer.Option(help="The data set; nothing in it is changed.")],
    runs: Annotated[Path, typer.Option(help="The folder of runs, or one run.")] = Path("runs"),
    adapter: Annotated[str, typer.Option(help="How the data set is laid out.")] = "folders",
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Remove a signer from scores, copies, caches and enrolments, and say what is left to do."""
    from .forget import forget as work

    found = work(signer, data, runs=runs, adapter=adapter, dry=dry)
    for title, lines in (
        ("would be removed" if dry else "removed", found.removed),
        ("not touched, since they are yours", found.untouched),
        ("models that have learnt from this signer", found.models),
        ("perhaps", found.doubtful),
        ("left to do", found.todo),
    ):
        if lines:
            print(f"{title}:")
            print("\n".join(f"  {line}" for line in lines))
