"""One self-contained HTML report: opens offline, prints, says on whose data every number rests."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .evaluate import Part
from .files import write_text
from .plots import contact_sheet, new_axes, plot_det, plot_scores, plot_skills, to_svg
from .protocols import TrialTable
from .verifier import NOTICE

_STYLE = """
:root { color-scheme: light; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
padding: 0 1rem; color: #1a1a1a; background: #fff } table { border-collapse: collapse; margin: 1rem 0 }
th, td { border-bottom: 1px solid #ccc; padding: .3rem .8rem; text-align: right } th:first-child, td:first-child
{ text-align: left } figure { margin: 1.5rem 0 } figure svg, figure img { max-width: 100%; height: auto }
figcaption { color: #444; font-size: .9rem } .notice { border-left: 4px solid #0072B2; padding: .5rem 1rem;
background: #eef5fa } .pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem }
.pairs img { border: 1px solid #ccc; width: 48% } @media print { body { margin: 0 } figure { break-inside: avoid } }
"""


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


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = ["".join(f"<th>{html.escape(name)}</th>" for name in head)]
    cells += ["".join(f"<td>{html.escape(value)}</td>" for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _image(pixels: NDArray[np.uint8], alt: str) -> str:
    data = base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{data}">'


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{html.escape(caption)}</figcaption></figure>"


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
        pictures = _image(part.canvases[reference], "reference") + _image(part.canvases[questioned], "questioned")
        items.append(_figure(pictures, words))
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
    origin = "real signatures" if real else "synthetic signers that no training step ever saw"
    lines = [
        f"<p class=notice>The verifier was {html.escape(NOTICE)}. These figures are about {signers} signers: {origin}. "
        f"{html.escape(str(data.get('source', '')))}</p>",
        "<h2>Equal error rates, one reference</h2>",
        "<p>The threshold of an equal error rate is fitted on the very scores it describes; it compares methods and "
        "promises nothing. In brackets: 95 % intervals from a bootstrap over signers.</p>",
        _table(("method", "random forgeries", "skilled forgeries"), summary_rows(metrics)),
        "<p>Trials: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count) + ".</p>",
        "<h2>At the frozen threshold</h2>",
        f"<p>Threshold {threshold:.4f}, chosen on {metrics['development']['signers']} synthetic development signers "
        "where FRR and FAR of skilled forgeries met, then frozen.</p>",
        _table(("rate", "value"), frozen_rows(metrics)),
    ]
    if signers >= 2 and len(trials):
        lines += [
            _figure(to_svg(plot_det(new_axes(), trials, threshold)), "False rejection against false acceptance."),
            _figure(to_svg(plot_scores(new_axes(), trials, threshold)), "Score distributions by kind of trial."),
        ]
    if metrics.get("skills"):
        lines += [
            "<h2>Error against forger skill</h2>",
            _table(("skill", "EER", "FAR, frozen"), skill_rows(metrics)),
            _figure(to_svg(plot_skills(new_axes(), metrics["skills"])), "A curve no real data set can give."),
        ]
    if metrics.get("references"):
        head = ("references", "fusion", "EER random", "EER skilled", "FRR, frozen", "FAR skilled, frozen")
        lines += ["<h2>More than one reference</h2>", _table(head, reference_rows(metrics))]
    lines += [
        "<h2>What was compared</h2>",
        _figure(
            _image(example_sheet(part), "three genuine signatures and three forgeries per row"),
            "Per row: three genuine signatures of one signer, then three skilled forgeries, as the network sees them.",
        ),
        _worst(trials, part, "skilled", "Forgeries that look most genuine to it"),
        _worst(trials, part, "genuine", "Genuine signatures that look most forged to it"),
    ]
    if warnings := metrics.get("warnings"):
        lines += ["<h2>Left out</h2><ul>", *(f"<li>{html.escape(line)}</li>" for line in warnings), "</ul>"]
    lines += ["<h2>How it was made</h2>", f"<p>Protocol: {html.escape(metrics['protocol'])}.</p>"]
    if cost:
        stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in cost["seconds"].items())
        lines.append(
            f"<p>{cost['training_images']:,} training images; {stages}; {cost['peak_memory_mb'] or '?'} MB "
            f"of memory; {cost['disk_mb']} MB on disk.</p>"
        )
    body = "\n".join(lines)
    page = (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Paraph report</title><style>{_STYLE}</style><h1>Signature verification report</h1>{body}</html>"
    )
    return write_text(folder / "report.html", page)
