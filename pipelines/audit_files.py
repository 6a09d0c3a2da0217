"""What an audit leaves on disk: page, refined manifest, findings, checksums, and every earlier version of them.

OUT/report.html        what was found, with pictures
OUT/refined.csv        every signature, kept or not, with the reason and the SHA-256 of its file
OUT/refined.json       which data folder and layout it is about; `--adapter refined` reads both
OUT/findings.json      all findings, leaks, classes and signers, for programs
OUT/provenance.toml    a copy of the data's, with which the refined set is read
OUT/SHA256SUMS         of the above
OUT/archive/<digest>/  manifest, link, findings and sums of every audit so far, by the manifest's digest
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from .adapters.provenance import FILE_NAME
from .adapters.refined import LINK, TABLE
from .audit_judging import Audit
from .audit_page import page_of
from .audit_retrain import Retrained
from .csv_text import as_csv
from .files import write_batch, write_json, write_text

COLUMNS = ("path", "signer", "kind", "forger", "session", "capture", "keep", "fault", "reason", "sha256")
REPORT, FINDINGS, SUMS = "report.html", "findings.json", "SHA256SUMS"
_ARCHIVED = (TABLE, LINK, FINDINGS)


def write_audit(found: Audit, out: str | Path, *, retrained: Retrained | None = None, thumbnails: bool = True) -> Path:
    """Write an audit and return its folder; the data folder is not touched.

    Args:
        found: The audit.
        out: Its folder, which may hold an earlier audit of the same data; that stays in the archive.
        retrained: What refinement changes, if it was measured.
        thumbnails: Show pictures of what was found.

    Raises:
        ValueError: If `out` lies inside the data folder.
    """
    folder, data = Path(out), found.examined.root
    if folder.resolve().is_relative_to(data.resolve()):
        raise ValueError(f"{folder} lies inside the data folder {data}, which is not changed; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / TABLE, manifest_text(found))
    link = {
        "data": os.path.relpath(data.resolve(), folder.resolve()),
        "adapter": found.examined.adapter,
        "provenance": found.examined.provenance.digest,
    }
    write_json(folder / LINK, link)
    write_json(folder / FINDINGS, record_of(found, retrained))
    write_batch([(folder / FILE_NAME, (data / FILE_NAME).read_bytes())])
    write_text(folder / REPORT, page_of(found, retrained, thumbnails=thumbnails))
    write_text(folder / SUMS, _sums(folder, (*_ARCHIVED, FILE_NAME, REPORT)))
    digest = _sha256(folder / TABLE)
    archive = folder / "archive" / digest[:16]
    write_batch(
        [(archive / name, (folder / name).read_bytes()) for name in _ARCHIVED]
        + [(archive / SUMS, _sums(folder, _ARCHIVED).encode())]
    )
    return folder


def manifest_text(found: Audit) -> str:
    """Return the refined manifest as comma-separated text: a row for every signature, whether kept or not."""
    examined, rows = found.examined, []
    for i, (record, finding) in enumerate(zip(examined.records, found.left_out, strict=True)):
        left_out = ("yes", "", "") if finding is None else ("no", finding.fault, finding.reason)
        facts = (examined.names[i], record.signer, record.kind, record.forger, record.session, record.capture)
        rows.append((*facts, *left_out, examined.sha256[i]))
    return as_csv(COLUMNS, rows)


def record_of(found: Audit, retrained: Retrained | None) -> dict[str, Any]:
    """Return everything that was found as plain values."""
    examined = found.examined
    return {
        "source": examined.provenance.source,
        "contains_real_signatures": examined.provenance.contains_real_signatures,
        "digest": examined.provenance.digest,
        "embedding": found.embedding,
        "signatures": len(examined.records),
        "left_out": found.counts,
        "findings": [{"path": examined.names[f.place], **f._asdict()} for f in found.findings],
        "leaks": [leak._asdict() for leak in found.leaks],
        "classes": found.classes,
        "signers": [{**rank._asdict(), "error": rank.error} for rank in found.ranks],
        "retrained": None if retrained is None else retrained._asdict(),
    }


def _sums(folder: Path, names: tuple[str, ...]) -> str:
    return "".join(f"{_sha256(folder / name)}  {name}\n" for name in names)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
