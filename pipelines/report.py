"""One self-contained HTML report: opens offline, prints, says on whose data every number rests.

The numbers of every figure are also written as CSV, in `figures/` beside the report. Its tables are in
`report_tables.py`, figures of scored trials in `report_figures.py`, pictures of signatures in `report_examples.py`, how
it was made in `report_method.py`.
"""

import html
from pathlib import Path
from typing import Any

from .calibration import LogisticCalibrator
from .config import RunConfig
from .curve_points import Points, write_points
from .evaluation_parts import Part
from .files import write_text
from .page import callout, figure, page, picture, table
from .plots import figure_svg, new_axes, plot_curves, plot_map, plot_skills, to_svg
from .probe_findings import HEAD, UNSURE, Z_MANY, findings_of
from .report_examples import attention_html, embedding_map, example_sheet, signature_rows, worst_html
from .report_figures import answers_by_kind, error_figures, likelihood_ratios
from .report_method import listing, method_rows, tree_html
from .report_tables import (
    REFERENCES,
    SPLITS,
    frozen_rows,
    percent,
    rate_points,
    reference_rows,
    skill_rows,
    split_rows,
    summary_rows,
)
from .trials import TrialTable
from .verifier import NOTICE, Verifier

__all__ = ["frozen_rows", "percent", "reference_rows", "skill_rows", "summary_rows", "write_points", "write_report"]
RENDERED = {"verifier", "baselines", "skills", "references", "development", "protocol", "left_out", "probes", "preset",
            "data", "cost", "warnings", "counts", "notice", "splits"}  # fmt: skip
BAND = 0.15


def write_report(
    folder: Path,
    metrics: dict[str, Any],
    *,
    trials: TrialTable,
    part: Part,
    threshold: float,
    verifier: Verifier | None = None,
    config: RunConfig | None = None,
    run: Path | None = None,
) -> Path:
    """Write `report.html` and `figures/*.csv` into a folder and return the report's path.

    Args:
        folder: Where they go.
        metrics: What `evaluate` measured, and what probes and other protocols found.
        trials: The scored test trials.
        part: The test signatures with their images.
        threshold: Frozen on development signers.
        verifier: For the maps of what it looked at; left out without it.
        config: The run's, for split and seeds; left out without it.
        run: The run's folder, for the versions it was made with, if the report goes elsewhere.
    """
    calibrator = LogisticCalibrator.from_dict(metrics["development"]["calibrator"])
    band = BAND if verifier is None else verifier.band
    seed = 0 if config is None else config.world.seed
    written: list[Points] = []
    lines = [*_head(metrics), *_summary(metrics, threshold)]
    if metrics["verifier"]["signers"] >= 2 and len(trials):
        lines += error_figures(trials, threshold, seed, written)
        lines += answers_by_kind(trials, calibrator, threshold, band, written)
        lines += likelihood_ratios(trials, calibrator, seed, metrics, written)
    lines += _probes(metrics)
    lines += _conditions(metrics)
    lines += [tree_html(key, metrics[key]) for key in metrics if key not in RENDERED | {"calibration", "card"}]
    lines += _examples(trials, part, calibrator, threshold, verifier, written)
    lines += _method(metrics, folder, run or folder, config, threshold, band, part, written)
    write_points(folder / "figures", written)
    body = "\n".join(line for line in lines if line)
    return write_text(folder / "report.html", page("Paraph report", "Signature verification report", body))


def _head(metrics: dict[str, Any]) -> list[str]:
    data, probes = metrics["data"], metrics.get("probes", {})
    signers = metrics["verifier"]["signers"]
    real = data.get("contains_real_signatures")
    origin = "real signatures" if real and "digest" in data else "synthetic signers that no training step ever saw"
    notice = html.escape(str(metrics.get("notice", NOTICE)))
    failed = [line[0].upper() + line[1:] for line in probes.get("failed", [])]
    return [
        callout("failed", "Shortcut: these figures may not measure handwriting", failed),
        callout("note", "To know before reading on", probes.get("notes", [])),
        f"<p class=notice>The verifier was {notice}. These figures are about {signers} signers: {origin} "
        f"({html.escape(str(data.get('source', 'source unknown')))}).</p>",
    ]


def _summary(metrics: dict[str, Any], threshold: float) -> list[str]:
    found = metrics["verifier"]
    counts, signers = found["trials"], found["signers"]
    return [
        "<h2>Equal error rates, one reference</h2>",
        "<p>The threshold of an equal error rate is fitted on the very scores it describes; it compares methods and "
        f"promises nothing. In brackets: 95 % intervals from a bootstrap over the {signers} signers.</p>",
        table(("method", "random forgeries", "skilled forgeries"), summary_rows(metrics)),
        "<p>Trials: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) + ".</p>",
        "<h2>At the frozen threshold</h2>",
        f"<p>Threshold {threshold:.4f}, chosen on {metrics['development']['signers']} synthetic development signers "
        "where FRR and FAR of skilled forgeries met, then frozen. Where no error was seen, the rate may still be as "
        f"high as 3 / {signers} = {300 / signers:.1f} % (rule of three over signers).</p>",
        table(("rate", "value"), frozen_rows(metrics)),
    ]


def _probes(metrics: dict[str, Any]) -> list[str]:
    findings = findings_of(metrics)
    if not findings:
        return []
    return [
        "<h2>Shortcut probes</h2>",
        "<p>What would give a forgery away without comparing handwriting. Nuisances should have an area under the ROC "
        f"curve (AUC) near 0.5; one fails if it is surely outside its limit ({Z_MANY} standard errors over signers: "
        f"about thirty are looked at, and some lie outside by chance). <i>{UNSURE[0].upper()}{UNSURE[1:]}</i>: outside "
        "by less than that; more signers would tell. In brackets: 95 %. A questioned signature alone may tell "
        "something, since hesitation is evidence, but less than the verifier does.</p>",
        f"<div class=small>{table(HEAD, [finding.cells for finding in findings], words=True)}</div>",
    ]


def _conditions(metrics: dict[str, Any]) -> list[str]:
    lines = []
    if metrics.get("skills"):
        lines += [
            "<h2>Error against forger skill</h2>",
            table(("skill", "EER", "FAR, frozen"), skill_rows(metrics)),
            figure(to_svg(plot_skills(new_axes(), metrics["skills"])), "A curve no real data set can give."),
        ]
    if metrics.get("references"):
        said = (
            "Each row's threshold was frozen on development signers for its fusion and the number of references under "
            "<i>frozen for</i>. <i>Relative</i> takes the best matches and asks less of people whose references differ."
            " The row of 1 reference differs from the rates above because its trials are others: here only signatures "
            "that are no reference are questioned."
        )
        lines += ["<h2>More than one reference</h2>", f"<p>{said}</p>", table(REFERENCES, reference_rows(metrics))]
    if rows := split_rows(metrics):
        people = "the folder's signers" if "counts" in metrics else "development and test signers together"
        said = (
            f"The one-reference scores again, {metrics['splits']['n']} times: a threshold chosen on a random half of "
            f"{people}, rates on the other half. It shows how much rests on who happens to be on which side."
        )
        lines += ["<h2>Other people on either side</h2>", f"<p>{said}</p>", table(SPLITS, rows)]
    return lines


def _examples(
    trials: TrialTable,
    part: Part,
    calibrator: LogisticCalibrator,
    threshold: float,
    verifier: Verifier | None,
    written: list[Points],
) -> list[str]:
    lines = [
        "<h2>What was compared</h2>",
        figure(
            picture(example_sheet(part), "three genuine signatures and three forgeries per row"),
            "Per row: three genuine signatures of one signer, then three skilled forgeries, as the network sees them.",
        ),
    ]
    plane = embedding_map(part)
    if plane.rows:
        written.append(plane)
        signers = ", ".join(f"{i + 1}: {name}" for i, name in enumerate(plane.values("signer")))
        caption = f"Signatures that score high against each other lie near (t-SNE). Signers {signers}."
        lines.append(figure(to_svg(plot_map(new_axes(8.0, 5.6), plane)), caption))
    for kind, title in (
        ("skilled", "Worst false acceptances: skilled forgeries"),
        ("simple", "Worst false acceptances: simple forgeries"),
        ("random", "Worst false acceptances: random forgeries"),
        ("genuine", "Worst false rejections: genuine signatures"),
    ):
        lines.append(worst_html(trials, part, calibrator, threshold=threshold, kind=kind, title=title))
    return [*lines, attention_html(trials, part, verifier)]


def _method(
    metrics: dict[str, Any],
    folder: Path,
    run: Path,
    config: RunConfig | None,
    threshold: float,
    band: float,
    part: Part,
    written: list[Points],
) -> list[str]:
    used = signature_rows(part, str(metrics["data"].get("digest") or metrics["data"].get("source", "")))
    written.append(used)
    written.append(rate_points(metrics))
    files = ", ".join(f"{points.name}.csv" for points in written)
    return [
        listing("Left out", metrics.get("warnings", [])),
        _training(folder, 0 if config is None else config.train.small_epochs),
        "<h2>How it was made</h2>",
        table(("what", "value"), method_rows(metrics, run, config, threshold, band), words=True),
        f"<p>Provenance: all {len(used.rows):,} signatures are listed in <code>figures/signatures.csv</code>, each "
        "with its signer, kind, forger, source and the SHA-256 of what the network saw. Every trial is in "
        f"<code>scores.parquet</code>. The numbers of every figure: <code>{html.escape(files)}</code>.</p>",
        tree_html("Evaluation card", metrics["card"]) if "card" in metrics else "",
    ]


def _training(folder: Path, small_epochs: int) -> str:
    if not (folder / "log.csv").exists():
        return ""
    words = "Loss and, where they were looked at, verification errors of training and development signers."
    if small_epochs:
        words += f" The first {small_epochs} epochs were on smaller canvases; losses before and after do not compare."
    drawn = plot_curves(folder / "log.csv", small_epochs=small_epochs)
    return "<h2>Training</h2>" + figure(figure_svg(drawn), words)
