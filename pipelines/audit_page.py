"""The audit's page: one self-contained HTML file, worst first, with small pictures of what was found."""

import html
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .adapters.contract import SignatureFile
from .audit_faults import Finding
from .audit_judging import FAULTS, Audit
from .audit_retrain import Retrained
from .images import UnreadableImage, read_image
from .page import page, picture, table

SHOWN = 48
_THUMB = (72, 168)  # height, width
_STYLE = """<style>.faults { display: grid; grid-template-columns: repeat(auto-fill, minmax(11.5rem, 1fr)); gap: .8rem }
.faults figure { margin: 0; border: 1px solid #ddd; padding: .5rem; break-inside: avoid }
.faults img { display: block; margin: 0 auto .3rem; background: #fff; border: 1px solid #eee }
.faults figcaption { font-size: .78rem; line-height: 1.3; overflow-wrap: anywhere } .faults b { display: block }
.none { height: 72px; display: grid; place-items: center; color: #777; font-size: .8rem;
background: #f4f4f4 }</style>"""
_MEANS = {
    "unreadable": "No image could be decoded.",
    "blank": "Nothing stands out from the paper.",
    "inverted": "Light ink on dark paper. Turn it round and audit again.",
    "cropped": "The border cuts through strokes.",
    "blurred": "Edges are much less steep than is usual in this set.",
    "low resolution": "Ink and strokes are much smaller than is usual for the signer and the set.",
    "duplicate": "Equal pixels under the same label; one is kept.",
    "near-duplicate": "The same act under the same label, in another scan, scale or encoding; one is kept.",
    "inconsistent label": "The same act under two labels; the one that fits its signer is kept, if any does.",
    "wrong signer": "An outlier among its signer's genuine signatures that resembles another signer's clearly more. "
    "Somebody should look: a person may sign in two ways.",
    "hard signer": "Signers left out as asked, since they are the hardest to tell from others.",
}


def page_of(found: Audit, retrained: Retrained | None, *, thumbnails: bool = True) -> str:
    """Return the page.

    Args:
        found: The audit.
        retrained: What refinement changes, if it was measured.
        thumbnails: Show pictures; without them names and reasons only.
    """
    examined = found.examined
    left = sum(found.counts.values())
    body = [_STYLE, _notice(found), "<h2>Summary</h2>"]
    rows = [(fault, f"{n}", f"{n / len(examined.records):.1%}") for fault, n in found.counts.items()]
    kept = len(examined.records) - left
    rows.append(("kept", f"{kept}", f"{kept / len(examined.records):.1%}"))
    body.append(table(("signatures", "number", "share"), rows))
    if retrained is not None:
        body.append(_retrained(retrained))
    body.append(_sets(found))
    for fault in FAULTS:
        listed = [f for f in found.findings if f.fault == fault and found.left_out[f.place] is f]
        if listed:
            body.append(_section(found, fault, listed, thumbnails))
    body.append(_signers(found))
    title = f"Audit of {examined.root.name}"
    return page(title, title, "".join(body))


def _notice(found: Audit) -> str:
    record = found.examined.provenance
    whose = "It shows signatures of real people: keep it where the data are kept, and no longer."
    words = whose if record.contains_real_signatures else "The record says that no signature of a real person is in it."
    return (
        f"<p class=notice>{len(found.examined.records)} signatures of {len(set(found.examined.signers))} signers, from "
        f"{html.escape(record.source)} ({html.escape(record.licence)}). {words} Nothing was deleted or changed; "
        f"labels were judged by {html.escape(found.embedding)}. Every finding is a suspicion with its reason.</p>"
    )


def _retrained(result: Retrained) -> str:
    rows = [
        ("before", f"{result.trained_before}", f"{result.before:.1%}", f"{result.before_sd:.1%}"),
        ("after", f"{result.trained_after}", f"{result.after:.1%}", f"{result.after_sd:.1%}"),
    ]
    return (
        "<h2>What refinement changes</h2>"
        + table(("trained", "signatures", "accuracy", "s.d. of splits"), rows)
        + f"<p>Naming the signer of the same {result.held_out} held-out genuine signatures of {result.signers} signers "
        "(sound ones, no copy of them in training), by linear discriminant analysis on the features above. A cheap "
        "classifier: it shows the direction, not what a network reaches.</p>"
    )


def _sets(found: Audit) -> str:
    parts = ["<h2>Leaks: what gives a label away without the handwriting</h2>"]
    rows = [(leak.fact, leak.tells, leak.words) for leak in found.leaks]
    parts.append(table(("fact", "tells", "how"), rows) if rows else "<p>None found.</p>")
    parts.append("<h2>Classes</h2>")
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in found.classes)
    parts.append(f"<ul>{lines}</ul>" if lines else "<p>Balanced, and no two look like one hand.</p>")
    return "".join(parts)


def _section(found: Audit, fault: str, listed: list[Finding], thumbnails: bool) -> str:
    cards = "".join(_card(found, finding, thumbnails) for finding in listed[:SHOWN])
    more = f"<p>{len(listed) - SHOWN} more are in refined.csv.</p>" if len(listed) > SHOWN else ""
    return f"<h2>{fault} ({len(listed)})</h2><p>{_MEANS[fault]}</p><div class=faults>{cards}</div>{more}"


def _card(found: Audit, finding: Finding, thumbnails: bool) -> str:
    name = found.examined.names[finding.place]
    shown = _thumbnail(found.examined.records[finding.place], found.examined.root) if thumbnails else None
    content = "" if not thumbnails else "<div class=none>no picture</div>"
    if shown is not None:
        content = picture(shown, f"{finding.fault}: {name}")
    also = [f.fault for f in found.findings if f.place == finding.place and f.fault != finding.fault]
    more = f" Also: {', '.join(also)}." if also else ""
    words = f"<b>{html.escape(name)}</b>{html.escape(finding.reason)}{more}"
    return f"<figure>{content}<figcaption>{words}</figcaption></figure>"


def _thumbnail(record: SignatureFile, root: Path) -> NDArray[np.uint8] | None:
    try:
        image = read_image(record.image, root=root) if isinstance(record.image, Path) else record.image
    except UnreadableImage:
        return None
    scale = min(1.0, _THUMB[0] / image.shape[0], _THUMB[1] / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _signers(found: Audit) -> str:
    rows = [
        (r.signer, f"{r.genuine}", f"{r.error:.0%}", f"{r.margin:+.2f}", r.taken_for or "-") for r in found.ranks[:30]
    ]
    head = ("signer, hardest first", "judged", "validation error", "usual lead", "taken for")
    return (
        "<h2>Signers by validation error</h2>"
        + table(head, rows)
        + "<p>Each sound genuine signature is judged by all others, itself and its copies left out. "
        "The usual lead is the likeness to its own signer less that to the best other.</p>"
    )
