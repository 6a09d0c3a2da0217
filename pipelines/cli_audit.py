"""The verb audit: what is wrong in a folder, and a refined manifest of what is left."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_shared import QuietOption, app, make_progress, print_table


@app.command()
def audit(
    directory: Annotated[
        Path, typer.Argument(help="The data folder, with its provenance.toml; nothing in it changes.")
    ],
    adapter: Annotated[str, typer.Option(help="How the folder is laid out.")] = "folders",
    out: Annotated[Path | None, typer.Option(help="Where to write; runs/audits/<folder> if left out.")] = None,
    run: Annotated[
        Path | None, typer.Option("--run", help="Judge labels by this run's network instead of HOG.")
    ] = None,
    drop_signers: Annotated[int, typer.Option(help="Also leave out the N hardest signers that have errors.")] = 0,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Accuracy before and after, by a cheap classifier on the same held-out data."),
    ] = False,
    thumbnails: Annotated[bool, typer.Option(help="Put pictures into the page.")] = True,
    seed: Annotated[int, typer.Option(help="Of the splits of --retrain.")] = 0,
    quiet: QuietOption = False,
) -> None:
    """Find faults, copies, wrong labels and leaks; write a ranked page and a refined manifest, delete nothing."""
    from .audit import audit as work
    from .audit import embedder_of
    from .audit_files import write_audit

    embed, embedding = (None, "HOG") if run is None else embedder_of(run)
    progress = make_progress(quiet)
    found = work(
        directory, adapter=adapter, embed=embed, embedding=embedding, drop_signers=drop_signers, progress=progress
    )
    result = None
    if retrain:
        from .audit_retrain import retrain as measure

        result = measure(found, seed=seed)
    folder = write_audit(
        found, out or Path("runs/audits") / directory.resolve().name, retrained=result, thumbnails=thumbnails
    )
    total = len(found.examined.records)
    rows = [(fault, str(n), f"{n / total:.1%}") for fault, n in found.counts.items()]
    kept = total - sum(found.counts.values())
    print_table(
        f"{total} signatures", ("left out for", "number", "share"), [*rows, ("kept", str(kept), f"{kept / total:.1%}")]
    )
    for leak in found.leaks:
        print(f"leak: {leak.fact} tells the {leak.tells}: {leak.words}")
    for line in found.classes[:10]:
        print(f"class: {line}")
    if result is not None:
        print(
            f"accuracy on the same {result.held_out} held-out signatures (linear discriminant on {embedding}): "
            f"{result.before:.1%} before, {result.after:.1%} after"
        )
    print(f"report: {folder / 'report.html'}\nrefined: --data {folder} --adapter refined")
