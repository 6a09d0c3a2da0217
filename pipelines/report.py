"""One self-contained HTML report: opens offline, prints, says on whose data every number rests."""

import html
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evaluate import Part
from .files import write_text
from .page import figure, page, picture, table
from .plots import contact_sheet, figure_svg, new_axes, plot_curves, plot_det, plot_scores, plot_skills, to_svg
from .protocols import TrialTable
from .verifier import NOTICE


def percent(rate: dict[str, Any] | None) -> str:
    """Return a rate with its interval, such as "12.3 % (10.1 to 14.6)"; "-" if there is none."""
    if rate is None or rate["value"] is None:
        return "-"
    text = f"{100 * rate['value']:.1f} %"
    return text if rate["low"] is None else f"{text} ({100 * rate['low']:.1f} to {100 * rate['high']:.1f})"


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


def _worst(trials: TrialTable, part: Part, kind: str, title: str, n: int = 6) -> str:
    """Show the trials a threshold gets most wrong: reference left, questioned right."""
    places = np.flatnonzero(trials.kind == kind)
    order = np.argsort(trials.score[places])
    chosen = places[order[:n] if kind == "genuine" else order[::-1][:n]]
    where = {name: i for i, name in enumerate(part.signatures.name.tolist())}
    items = []
    for i in chosen:
        reference, questioned = where[trials.reference[i]], where[trials.questioned[i]]
        skill = "" if np.isnan(trials.skill[i]) else f", skill {trials.skill[i]:.2f}"
        words = f"signer {trials.claimed[i]}: score {trials.score[i]:.3f}{skill}"
        pictures = picture(part.canvases[reference], "reference") + picture(part.canvases[questioned], "questioned")
        items.append(figure(pictures, words))
    return f"<h3>{html.escape(title)}</h3><div class=pairs>{''.join(items)}</div>" if items else ""


def example_sheet(part: Part, signers: int = 8) -> NDArray[np.uint8]:
    """Return rows of three genuine signatures and three forgeries of a few signers, as the network sees them."""
    rows = []
    for signer in list(dict.fromkeys(part.signatures.signer.tolist()))[:signers]:
        own = part.signatures.signer == signer
        genuine = np.flatnonzero(own & (part.signatures.kind == "genuine"))[:3]
        forged = np.flatnonzero(own & (part.signatures.kind != "genuine") & ~part.on_grid)[:3]
        rows.append([part.canvases[i] for i in (*genuine, *forged)])
    return contact_sheet(rows)


def write_report(folder: Path, metrics: dict[str, Any], *, trials: TrialTable, part: Part, threshold: float) -> Path:
    """Write `report.html` into a folder and return its path.

    Args:
        folder: Where it goes.
        metrics: What `evaluate` measured.
        trials: The scored test trials.
        part: The test signatures with their images.
        threshold: Frozen on development signers.
    """
    data, cost = metrics["data"], metrics.get("cost")
    signers, counts = metrics["verifier"]["signers"], metrics["verifier"]["trials"]
    real = data.get("contains_real_signatures")
    origin = "real signatures" if real and "digest" in data else "synthetic signers that no training step ever saw"
    notice = str(metrics.get("notice", NOTICE))
    lines = [
        f"<p class=notice>The verifier was {html.escape(notice)}. These figures are about {signers} signers: {origin}. "
        f"{html.escape(str(data.get('source', '')))}</p>",
        "<h2>Equal error rates, one reference</h2>",
        "<p>The threshold of an equal error rate is fitted on the very scores it describes; it compares methods and "
        "promises nothing. In brackets: 95 % intervals from a bootstrap over signers.</p>",
        table(("method", "random forgeries", "skilled forgeries"), summary_rows(metrics)),
        "<p>Trials: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) + ".</p>",
        "<h2>At the frozen threshold</h2>",
        f"<p>Threshold {threshold:.4f}, chosen on {metrics['development']['signers']} synthetic development signers "
        "where FRR and FAR of skilled forgeries met, then frozen.</p>",
        table(("rate", "value"), frozen_rows(metrics)),
    ]
    if signers >= 2 and len(trials):
        lines += [
            figure(to_svg(plot_det(new_axes(), trials, threshold)), "False rejection against false acceptance."),
            figure(to_svg(plot_scores(new_axes(), trials, threshold)), "Score distributions by kind of trial."),
        ]
    if metrics.get("skills"):
        lines += [
            "<h2>Error against forger skill</h2>",
            table(("skill", "EER", "FAR, frozen"), skill_rows(metrics)),
            figure(to_svg(plot_skills(new_axes(), metrics["skills"])), "A curve no real data set can give."),
        ]
    if metrics.get("references"):
        head = ("references", "fusion", "EER random", "EER skilled", "FRR, frozen", "FAR skilled, frozen")
        lines += ["<h2>More than one reference</h2>", table(head, reference_rows(metrics))]
    lines += [
        "<h2>What was compared</h2>",
        figure(
            picture(example_sheet(part), "three genuine signatures and three forgeries per row"),
            "Per row: three genuine signatures of one signer, then three skilled forgeries, as the network sees them.",
        ),
        _worst(trials, part, "skilled", "Forgeries that look most genuine to it"),
        _worst(trials, part, "genuine", "Genuine signatures that look most forged to it"),
    ]
    if warnings := metrics.get("warnings"):
        lines += ["<h2>Left out</h2><ul>", *(f"<li>{html.escape(line)}</li>" for line in warnings), "</ul>"]
    if (folder / "log.csv").exists():
        words = "Loss and, where they were looked at, verification errors of training and development signers."
        lines += ["<h2>Training</h2>", figure(figure_svg(plot_curves(folder / "log.csv")), words)]
    lines += ["<h2>How it was made</h2>", f"<p>Protocol: {html.escape(metrics['protocol'])}.</p>"]
    if cost:
        stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in cost["seconds"].items())
        lines.append(
            f"<p>{cost['training_images']:,} training images; {stages}; {cost['peak_memory_mb'] or '?'} MB "
            f"of memory; {cost['disk_mb']} MB on disk.</p>"
        )
    body = "\n".join(lines)
    return write_text(folder / "report.html", page("Paraph report", "Signature verification report", body))
