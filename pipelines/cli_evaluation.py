"""Verbs that judge a run: evaluate."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_classify import evaluate_classification, is_classification
from .cli_shared import QuietOption, RunOption, app, make_progress, print_table


@app.command()
def evaluate(
    run: RunOption,
    data: Annotated[Path | None, typer.Option(help="Your own folder, with a provenance.toml.")] = None,
    adapter: Annotated[str, typer.Option(help="How the folder is laid out.")] = "folders",
    out: Annotated[Path | None, typer.Option(help="Where the results go; inside the run if left out.")] = None,
    protocol: Annotated[str, typer.Option(help="pairs, wd, dissimilarity or all; pairs always run.")] = "pairs",
    negatives: Annotated[
        str | None,
        typer.Option(help="What wd classifiers reject: development signers, or the other enrolled ones."),
    ] = None,
    signer: Annotated[str | None, typer.Option(help="Of a classification run: show this person's signatures.")] = None,
    n: Annotated[int, typer.Option("--n", help="With --signer: how many of them.")] = 10,
    quiet: QuietOption = False,
) -> None:
    """Evaluate a run on its own test signers, or on your data."""
    from .protocol_runs import wanted_negatives, wanted_protocols

    protocols, others = wanted_protocols(protocol), wanted_negatives(negatives, own=data is not None)
    progress = make_progress(quiet)
    if is_classification(run, signer):
        evaluate_classification(run, signer, n, progress)
        return
    if data is None:
        from .evaluation_stage import evaluate_stage
        from .run_cost import Clock
        from .runs import Run

        folder = Run(run)
        metrics = evaluate_stage(
            folder, folder.config(), progress, Clock(folder), protocols=protocols, negatives=others
        )
        print_metrics(metrics, folder / "report.html")
        return
    from .own_data import evaluate_folder

    metrics, report = evaluate_folder(
        run, data, progress=progress, adapter=adapter, out=out, protocols=protocols, negatives=others
    )
    for line in metrics["warnings"][:20]:
        print(f"note: {line}")
    if len(metrics["warnings"]) > 20:
        print(f"note: and {len(metrics['warnings']) - 20} more, all in the report")
    print_metrics(metrics, report)


def print_metrics(metrics: dict[str, Any], report: Path) -> None:
    """Print the closing tables of an evaluation and where its report is."""
    from .probe_findings import HEAD, findings_of
    from .report_tables import REFERENCES, frozen_rows, reference_rows, skill_rows, summary_rows
    from .verifier import NOTICE

    signers = metrics["verifier"]["signers"]
    print_table(
        f"EER on {signers} held-out signers, one reference (95 % interval over signers)",
        ("method", "random forgeries", "skilled forgeries"),
        summary_rows(metrics),
    )
    print_table(
        f"At the threshold frozen on {metrics['development']['signers']} development signers",
        ("rate", "value"),
        frozen_rows(metrics),
    )
    if metrics.get("skills"):
        print_table("By forger skill", ("skill", "EER", "FAR, frozen threshold"), skill_rows(metrics))
    if metrics.get("references"):
        print_table("By references", REFERENCES, reference_rows(metrics))
    for name, entry in metrics.get("protocols", {}).items():
        print_table(
            f"{name.replace('_', ' ')}, {entry['references']} references, {entry['rates']['signers']} signers",
            ("figure", "value"),
            protocol_rows(entry),
        )
    if findings := findings_of(metrics):
        print_table("Shortcut probes", HEAD, [finding.cells for finding in findings])
    if cost := metrics.get("cost"):
        rows = [(name, f"{seconds:.0f} s") for name, seconds in cost["seconds"].items()]
        rows += [("peak memory", f"{cost['peak_memory_mb']} MB"), ("disk", f"{cost['disk_mb']} MB")]
        print_table("Cost", ("what", "value"), rows)
    print_probes(metrics.get("probes", {}))
    print(f"{metrics.get('notice', NOTICE)}\nreport: {report}")


def protocol_rows(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the closing table of one protocol: rates at the frozen threshold, then a-posteriori ones."""
    from .report_tables import percent

    rates, repeats = entry["rates"], entry["repeats"]
    rows = [
        (label, percent(rates[name]))
        for label, name in (
            ("FRR, frozen", "frr_frozen"),
            ("FAR random, frozen", "far_random_frozen"),
            ("FAR skilled, frozen", "far_skilled_frozen"),
            ("EER random, a-posteriori", "eer_random"),
            ("EER skilled, a-posteriori", "eer_skilled"),
            ("EER skilled, a-posteriori per signer", "eer_skilled_aposteriori_per_signer"),
        )
        if name in rates
    ]
    if spread := repeats.get("eer_skilled"):
        sd = "-" if spread["sd"] is None else f"{100 * spread['sd']:.2f}"
        rows.append((f"EER skilled over {repeats['n']} repeats", f"{100 * spread['mean']:.2f} % (s.d. {sd})"))
    return rows


def print_probes(probes: dict[str, Any]) -> None:
    """Print what shortcut probes found wrong, in red where the terminal has colours."""
    for line in probes.get("notes", []):
        typer.secho(f"note: {line}", fg=typer.colors.YELLOW)
    for line in probes.get("failed", []):
        typer.secho(f"SHORTCUT: {line}", fg=typer.colors.RED, bold=True)
