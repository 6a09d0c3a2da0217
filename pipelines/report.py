"""One self-contained HTML report: opens offline, prints, says on whose data every number rests.

The numbers of every figure are also written as CSV, in `figures/` beside the report.
"""

import csv
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .calibration import LogisticCalibrator
from .config import RunConfig
from .curve_points import (
    Points,
    confusion,
    operating_points,
    reliability,
    score_histogram,
    tippett,
    trade_off,
)
from .evaluate import Part
from .export_tables import escape_formula
from .files import write_text
from .findings import HEAD, findings_of
from .page import callout, figure, page, picture, table
from .plots import (
    figure_svg,
    new_axes,
    plot_curves,
    plot_det,
    plot_map,
    plot_reliability,
    plot_roc,
    plot_scores,
    plot_skills,
    plot_tippett,
    to_svg,
)
from .protocols import TrialTable
from .report_examples import attention_html, embedding_map, example_sheet, signature_rows, worst_html
from .report_method import calibration_records, listing, method_rows, percent, tree_html
from .verifier import NOTICE, Verifier

__all__ = ["frozen_rows", "percent", "reference_rows", "skill_rows", "summary_rows", "write_points", "write_report"]
RENDERED = {"verifier", "baselines", "skills", "references", "development", "protocol", "left_out", "probes", "preset",
            "data", "cost", "warnings", "counts", "notice"}  # fmt: skip
BAND = 0.15


def summary_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the summary table: method, random EER, skilled EER, each with its interval."""
    named = [("this verifier", metrics["verifier"]), *metrics["baselines"].items()]
    return [(name, percent(found.get("eer_random")), percent(found.get("eer_skilled"))) for name, found in named]


def frozen_rows(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rates at the frozen development threshold."""
    found = metrics["verifier"]
    names = (
        ("FRR", "frr_frozen"),
        ("FAR, random", "far_random_frozen"),
        ("FAR, skilled", "far_skilled_frozen"),
        ("FAR, simple", "far_simple_frozen"),
    )
    rows = [(label, percent(found.get(name))) for label, name in names if name in found]
    if "cllr_skilled" in found:
        cllr = found["cllr_skilled"]
        rows.append(
            (
                "Cllr, skilled (1 = no information)",
                f"{cllr['value']:.3f}" if cllr["value"] is not None else "-",
            )
        )
    return rows


def skill_rows(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return one line per forger skill: EER and FAR at the frozen threshold."""
    return [
        (f"{row['skill']:.2f}", percent(row["eer_skilled"]), percent(row["far_skilled_frozen"]))
        for row in metrics.get("skills", [])
    ]


def reference_rows(metrics: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return one line per number of references and way of fusing them."""
    return [
        (
            str(row["references"]),
            row["fusion"],
            percent(row.get("eer_random")),
            percent(row.get("eer_skilled")),
            percent(row.get("frr_frozen")),
            percent(row.get("far_skilled_frozen")),
        )
        for row in metrics.get("references", [])
    ]


def write_report(
    folder: Path,
    metrics: dict[str, Any],
    *,
    trials: TrialTable,
    part: Part,
    threshold: float,
    verifier: Verifier | None = None,
    config: RunConfig | None = None,
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
    """
    calibrator = LogisticCalibrator.from_dict(metrics["development"]["calibrator"])
    band = BAND if verifier is None else verifier.band
    seed = 0 if config is None else config.world.seed
    written: list[Points] = []
    lines = [*_head(metrics), *_summary(metrics, threshold)]
    if metrics["verifier"]["signers"] >= 2 and len(trials):
        lines += _error_figures(trials, threshold, seed, written)
        lines += _confusion(trials, calibrator, threshold, band, written)
        lines += _calibration(trials, calibrator, seed, metrics, written)
    lines += _probes(metrics)
    lines += _conditions(metrics)
    lines += [tree_html(key, metrics[key]) for key in metrics if key not in RENDERED | {"calibration", "card"}]
    lines += _examples(trials, part, calibrator, threshold, verifier, written)
    lines += _method(metrics, folder, config, threshold, band, part, written)
    write_points(folder / "figures", written)
    body = "\n".join(line for line in lines if line)
    return write_text(folder / "report.html", page("Paraph report", "Signature verification report", body))


def write_points(folder: Path, written: Sequence[Points]) -> None:
    """Write the numbers of figures as one CSV each; text that a spreadsheet would run as a formula is quoted."""
    folder.mkdir(exist_ok=True)
    for points in written:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(points.head)
        rows.writerows(
            [[escape_formula(value) if isinstance(value, str) else value for value in row] for row in points.rows]
        )
        write_text(folder / f"{points.name}.csv", text.getvalue())


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
        f"<p class=notice>The verifier was {notice}. These figures are about {signers} signers: {origin}. "
        f"{html.escape(str(data.get('source', '')))}</p>",
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


def _error_figures(trials: TrialTable, threshold: float, seed: int, written: list[Points]) -> list[str]:
    curve, dots, scores = trade_off(trials, seed=seed), operating_points(trials, threshold), score_histogram(trials)
    written += [curve, dots, scores]
    if not curve.rows:
        return [figure(to_svg(plot_scores(new_axes(), trials, threshold)), "Scores of genuine trials.")]
    det = figure(
        to_svg(plot_det(new_axes(), curve, dots)),
        "False rejection against false acceptance, both axes logarithmic. Bands: 95 % over signers. Left of the lowest "
        "rate that the number of trials can show, there is no curve; a dot on the edge lies beyond it.",
    )
    roc = figure(to_svg(plot_roc(new_axes(), curve, dots)), "The same on linear axes. Bands: 95 % over signers.")
    hist = figure(
        to_svg(plot_scores(new_axes(8.0, 3.6), trials, threshold)), "Distributions of scores; each has area 1."
    )
    return [f"<div class=two>{det}{roc}</div>", hist]


def _confusion(
    trials: TrialTable, calibrator: LogisticCalibrator, threshold: float, band: float, written: list[Points]
) -> list[str]:
    points = confusion(trials, calibrator, threshold, band)
    written.append(points)
    rows = [
        (
            str(kind),
            *(f"{100 * float(str(s)):.1f} % ({n:,})" for n, s in zip(row[:3], row[3:6], strict=True)),
            f"{100 * float(str(row[6])):.1f} %",
        )
        for kind, *row in points.rows
    ]
    balanced = " and ".join(
        f"{50 * (right['genuine'] + right[kind]):.1f} % for genuine and {kind}"
        for right in [{str(row[0]): float(str(row[-1])) for row in points.rows}]
        for kind in right
        if kind != "genuine" and "genuine" in right
    )
    return [
        "<h2>Answers by kind</h2>",
        f"<p>Shares of each row, counts in brackets. An answer is inconclusive within {band:g} of log10 LR of the "
        "frozen threshold. Right: genuine accepted, forgeries rejected; an inconclusive answer is not right.</p>",
        table(("kind", "accept", "reject", "inconclusive", "right"), rows),
        f"<p class=small>Balanced accuracy: {balanced}. It depends on which kinds are put together, and is no headline."
        "</p>"
        if balanced
        else "",
    ]


def _calibration(
    trials: TrialTable, calibrator: LogisticCalibrator, seed: int, metrics: dict[str, Any], written: list[Points]
) -> list[str]:
    ratios, stated = tippett(trials, calibrator), reliability(trials, calibrator, seed=seed)
    written += [ratios, stated]
    caption = "Genuine trials should lie right of LR 1, forgeries left of it; misleading evidence is what lies beyond."
    figures = figure(to_svg(plot_tippett(new_axes(), ratios)), caption)
    if stated.rows:
        figures += figure(
            to_svg(plot_reliability(new_axes(), stated)),
            "Stated against observed, genuine and skilled forgeries weighing the same. Bars: 95 % over signers.",
        )
    ways = calibration_records(metrics.get("calibration", {}))
    more = tree_html("Ways of calibrating, fitted on development signers", ways, 3) if ways else ""
    return ["<h2>Likelihood ratios</h2>", f"<div class=two>{figures}</div>", more]


def _probes(metrics: dict[str, Any]) -> list[str]:
    findings = findings_of(metrics)
    if not findings:
        return []
    return [
        "<h2>Shortcut probes</h2>",
        "<p>What would give a forgery away without comparing handwriting. Nuisances should have an area under the ROC "
        "curve (AUC) near 0.5; one fails if it is surely outside its limit (3.3 standard errors over signers). In "
        "brackets: 95 %. A questioned signature alone may tell something, since hesitation is evidence, but less than "
        "the verifier does.</p>",
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
        head = ("references", "fusion", "EER random", "EER skilled", "FRR, frozen", "FAR skilled, frozen")
        lines += ["<h2>More than one reference</h2>", table(head, reference_rows(metrics))]
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
        ("random", "Worst false acceptances: random forgeries"),
        ("genuine", "Worst false rejections: genuine signatures"),
    ):
        lines.append(worst_html(trials, part, calibrator, threshold=threshold, kind=kind, title=title))
    return [*lines, attention_html(trials, part, verifier)]


def _method(
    metrics: dict[str, Any],
    folder: Path,
    config: RunConfig | None,
    threshold: float,
    band: float,
    part: Part,
    written: list[Points],
) -> list[str]:
    used = signature_rows(part, str(metrics["data"].get("digest") or metrics["data"].get("source", "")))
    written.append(used)
    written.append(_rate_points(metrics))
    files = ", ".join(f"{points.name}.csv" for points in written)
    return [
        listing("Left out", metrics.get("warnings", [])),
        _training(folder),
        "<h2>How it was made</h2>",
        table(("what", "value"), method_rows(metrics, folder, config, threshold, band), words=True),
        f"<p>Provenance: all {len(used.rows):,} signatures are listed in <code>figures/signatures.csv</code>, each "
        "with its signer, kind, forger, source and the SHA-256 of what the network saw. Every trial is in "
        f"<code>scores.parquet</code>. The numbers of every figure: <code>{html.escape(files)}</code>.</p>",
        tree_html("Evaluation card", metrics["card"]) if "card" in metrics else "",
    ]


def _training(folder: Path) -> str:
    if not (folder / "log.csv").exists():
        return ""
    words = "Loss and, where they were looked at, verification errors of training and development signers."
    return "<h2>Training</h2>" + figure(figure_svg(plot_curves(folder / "log.csv")), words)


def _rate_points(metrics: dict[str, Any]) -> Points:
    """Return every rate of the tables as shares: of methods, skills and numbers of references."""
    rows: list[tuple[object, ...]] = []
    named = [("verifier", metrics["verifier"]), *metrics["baselines"].items()]
    named += [(f"skill {row['skill']}", row) for row in metrics.get("skills", [])]
    named += [(f"{row['references']} references, {row['fusion']}", row) for row in metrics.get("references", [])]
    for name, found in named:
        for rate, value in found.items():
            if isinstance(value, dict) and "value" in value:
                rows.append((name, rate, value["value"], value["low"], value["high"]))
    return Points("rates", ("of", "rate", "value", "low", "high"), rows)
