"""What may leave the machine: a run is packed only after its checks pass, and one that knows real people hardly ever.

The checks look at what is written inside the files: the mark of what the model has learnt from, the SHA-256 of the
weights, the privacy audit of exactly these weights, the model card. None of them can be switched off; that a model
learnt from real signatures can be answered for, by name, and the answer is written down in two places.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from .files import write_beside, write_text
from .lineage import Mark, mark_of_run
from .privacy_runs import FILE_NAME as PRIVACY
from .runs import Run, RunError, sha256

CARD = "MODEL_CARD.md"
LOG = "releases.jsonl"  # stays when a run is started over
TAINTED = "forgotten.json"
PACKED = ("model.keras", "verifier.json", "config.json", "environment.json", "metrics.json", CARD, PRIVACY)
_INTENDED = re.compile(r"^## Intended use\s*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_LEAST_WORDS = 5
_DATED = (1980, 1, 1, 0, 0, 0)


class ReleaseError(ValueError):
    """A run that may not leave; the message is one line and names every reason."""


@dataclass(frozen=True)
class Responsible:
    """Who answers for a release that holds what was learnt from real signatures.

    Args:
        name: A person who can be reached, with how.
        reason: Why it may be done.

    Raises:
        ReleaseError: If one of them says nothing.
    """

    name: str
    reason: str

    def __post_init__(self) -> None:
        for what, text, least in (("responsible", self.name, 2), ("reason", self.reason, 4)):
            if len(re.findall(r"\w+", text)) < least:
                raise ReleaseError(f"--{what} is {text!r}; say it in at least {least} words, since it is written down")


def refusals(run: Run, mark: Mark | None) -> list[str]:
    """Return every reason why a run may not be released, whoever answers for it; empty if there is none.

    Args:
        run: The run.
        mark: What it has learnt from.
    """
    if mark is None:
        return ["model.keras does not say what it has learnt from; train it again with this version"]
    found = [f"it is unfinished; run `evaluate --run {run.path}`"] if not run.finished else []
    if (run / TAINTED).exists():
        found.append("it has learnt from a signer who is to be forgotten; train it again without that signer")
    record = run.read("verifier.json") if (run / "verifier.json").exists() else {}
    if not (run / "model.keras").exists() or record.get("sha256") != sha256(run / "model.keras"):
        found.append("model.keras is not the file that verifier.json describes")
    for source in mark.sources:
        short = source.digest[:12]
        if not source.redistribution_allowed:
            found.append(f"the record {short} of what it learnt from does not allow redistribution")
        if source.retention_until and date.fromisoformat(source.retention_until) < date.today():
            found.append(f"the data of record {short} were to be deleted by {source.retention_until}")
    return found + _missing_papers(run)


def _missing_papers(run: Run) -> list[str]:
    """Return what is missing of privacy audit, model card and intended use."""
    found = []
    audited = run.read(PRIVACY) if (run / PRIVACY).exists() else None
    if audited is None:
        found.append(f"there is no privacy audit; run `privacy --run {run.path}`")
    elif (run / "model.keras").exists() and audited.get("sha256") != sha256(run / "model.keras"):
        found.append("the privacy audit is about other weights; run `privacy` again")
    if not (run / CARD).exists():
        found.append(f'there is no {CARD}; run `card --run {run.path} --intended-use "..."`')
        return found
    card = (run / CARD).read_text(encoding="utf-8")
    if len(re.findall(r"\w+", intended_use(card))) < _LEAST_WORDS:
        found.append(f"{CARD} does not say under `## Intended use` what the model is for")
    elif (run / "model.keras").exists() and sha256(run / "model.keras") not in card:
        found.append(f"{CARD} is about other weights; write it again with `card`")
    return found


def intended_use(card: str) -> str:
    """Return the text under the heading ``## Intended use`` of a model card, or an empty string.

    Args:
        card: The card, Markdown.
    """
    match = _INTENDED.search(card)
    text = "" if match is None else match[1].strip()
    return "" if re.match(r"(to-?do|tbd|\.\.\.|<|\[)", text, re.IGNORECASE) else text


def release(path: str | Path, out: str | Path, *, responsible: Responsible | None = None) -> dict[str, Any]:
    """Pack a run into one archive, or refuse with every reason; what was decided is logged in the run either way.

    The report goes along unless the model learnt from real signatures, of which it may show some; evaluations on
    users' folders never do.

    Args:
        path: The run.
        out: The archive, ending in `.zip`; it must not be there yet.
        responsible: Who answers for a model that has learnt from real signatures.

    Returns:
        What `RELEASE.json` in the archive says.

    Raises:
        ReleaseError: If anything speaks against it.
        RunError: If the folder is no run.
    """
    run, target = Run(path), Path(out)
    run.config()
    if target.suffix != ".zip" or target.exists():
        raise ReleaseError(f"{target} {'is there already' if target.exists() else 'must end in .zip'}")
    mark = mark_of_run(run.path)
    reasons = refusals(run, mark)
    real = mark is not None and mark.contains_real_signatures
    if real and responsible is None:
        reasons.append(
            "it has learnt from signatures of real people; if it may leave all the same, name who answers for it: "
            '--responsible "NAME, CONTACT" --reason "WHY"'
        )
    entry = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "out": target.name,
        "refused": reasons,
        "contains_real_signatures": real,
        "responsible": None if responsible is None else responsible.name,
        "reason": None if responsible is None else responsible.reason,
    }
    _log(run, entry)
    if reasons or mark is None:
        raise ReleaseError(f"{run.path} may not be released: {'; '.join(reasons)}")
    return _pack(run, target, mark, entry)


def _log(run: Run, entry: dict[str, Any]) -> None:
    known = (run / LOG).read_text(encoding="utf-8") if (run / LOG).exists() else ""
    write_text(run / LOG, known + json.dumps(entry) + "\n")


def _pack(run: Run, target: Path, mark: Mark, entry: dict[str, Any]) -> dict[str, Any]:
    names = [*PACKED, *(["report.html"] if not mark.contains_real_signatures else [])]
    files = {name: (run / name).read_bytes() for name in names if (run / name).exists()}
    record = {
        "format": 1,
        "mark": mark.to_dict(),
        "responsible": entry["responsible"],
        "reason": entry["reason"],
        "when": entry["when"],
        "left_out": ["evaluations on users' folders", *(["report.html"] if mark.contains_real_signatures else [])],
        "files": {name: sha256(run / name) for name in files},
    }
    files["RELEASE.json"] = (json.dumps(record, indent=2) + "\n").encode()

    def write(temporary: Path) -> None:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name, _DATED), content)

    target.parent.mkdir(parents=True, exist_ok=True)
    write_beside(target, write)
    return record


def write_card(path: str | Path, use: str) -> Path:
    """Write a run's model card: what it is, what it learnt from, how it did, what it is for and what it is not.

    Args:
        path: A finished run.
        use: What the model is for, in a person's own words; asked for because nobody else can know.

    Raises:
        RunError: If the run is unfinished or does not say what it has learnt from.
        ReleaseError: If the use is not said.
    """
    from .report_tables import frozen_rows, percent

    run = Run(path)
    config, mark = run.config(), mark_of_run(run.path)
    if not run.finished or mark is None:
        raise RunError(f"{run.path} is unfinished or does not say what it has learnt from; a card needs both")
    if len(re.findall(r"\w+", use)) < _LEAST_WORDS:
        raise ReleaseError(f"--intended-use is {use!r}; say in a sentence what the model is for")
    metrics = run.read("metrics.json")
    found = metrics["verifier"]
    rates = "\n".join(f"| {name} | {value} |" for name, value in frozen_rows(metrics))
    learnt = "\n".join(
        f"- record {s.digest}: {'signatures of real people' if s.contains_real_signatures else 'no real signatures'}, "
        f"{len(s.signers)} signers, purpose: {s.purpose}"
        for s in mark.sources
    )
    return write_text(
        run / CARD,
        _CARD.format(
            notice=mark.to_dict()["notice"],
            model=config.train.model,
            seed=config.world.seed,
            sha=sha256(run / "model.keras"),
            learnt=learnt or "- drawn signers only; no data set",
            signers=found["signers"],
            random=percent(found.get("eer_random")),
            skilled=percent(found.get("eer_skilled")),
            rates=rates,
            use=" ".join(use.split()),
        ),
    )


_CARD = """# Model card

**{notice}.**

Network `{model}`, world seed {seed}; SHA-256 of the weights {sha}.

## Intended use
{use}

## Not for
Deciding about a person on a score alone; evidence; signatures of people who do not know of it. Figures are about the
signers below, and a verifier for anybody else has to be measured on them first.

## Learnt from
{learnt}

## How it did
On {signers} held-out signers, one reference (95 % interval over signers): EER {random} against random forgeries and
{skilled} against skilled ones, a-posteriori. At the threshold frozen on development signers:

| rate | value |
|---|---|
{rates}

## Privacy
`privacy.json` says whether somebody who holds this model can tell who is in its training set. Without that file it is
not measured yet: `python -m pipelines privacy --run RUN`.
"""
