"""Where a data set comes from and what may be done with it: ``provenance.toml``, the key to the slot.

No real signature is read without this record, and nothing here looks at images.
"""

import hashlib
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import ConfigDict, ValidationError, field_validator
from pydantic.dataclasses import dataclass

from pipelines.files import write_text
from pipelines.members import in_short

from .purposes import Use, allowed_uses

T = TypeVar("T")
FILE_NAME = "provenance.toml"
MAX_FILE_BYTES = 65_536

QUESTIONS: dict[str, str] = {
    "source": "Who collected these signatures, and where did you get them?",
    "licence": "Under which licence or agreement do you hold them?",
    "lawful_basis": "What permits you to process them (consent reference, ethics approval, contract)?",
    "purpose": "What will you use them for (for example research, teaching, evaluation)?",
    "contact": "Who answers for them, and how can that person be reached?",
    "contains_real_signatures": "Are there signatures of real people among them (yes or no)?",
    "redistribution_allowed": "May the images be passed on to others (yes or no; empty means no)?",
    "retention_until": "Until which day may you keep them (YYYY-MM-DD; empty means no limit)?",
}
PURPOSE_KINDS = ("research", "teaching", "evaluation")

_TEXT_FIELDS = ("source", "licence", "lawful_basis", "purpose", "contact")
# The first alternative is the whole answer, the second how it starts, the third one in brackets.
_PLACEHOLDER = re.compile(
    r"(n/?a|none|unknown|placeholder|example|your name|licen[cs]e|source|purpose|contact)"
    r"|(to-?do|tbd|tba|fix-?me|change-?me|fill (me )?in|lorem ipsum|xxx)\b.*"
    r"|<.*>|\[.*\]|\{.*\}",
    re.IGNORECASE | re.DOTALL,
)
_WORDING = {
    "missing": "missing",
    "string_type": "must be text in quotes",
    "string_unicode": "contains characters that cannot be stored",
    "bool_type": "must be true or false, without quotes",
    "date_type": "must be a date such as 2030-12-31, without quotes",
    "date_from_datetime_inexact": "must be a date such as 2030-12-31, without quotes",
}


class ProvenanceError(ValueError):
    """A provenance record that was refused; the message is one line and names the fields."""


class MissingProvenance(ProvenanceError):
    """A folder without ``provenance.toml``; the message says how to write one."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True))
class Provenance:
    """Where a data set comes from and what may be done with it.

    An object of this class is always complete: an empty or placeholder answer, an unknown field and an
    expired record are refused when it is made. The fields are explained by ``QUESTIONS``.
    """

    source: str
    licence: str
    lawful_basis: str
    purpose: str
    contact: str
    contains_real_signatures: bool
    redistribution_allowed: bool = False
    retention_until: date | None = None

    @field_validator(*_TEXT_FIELDS)
    @classmethod
    def _answered(cls, value: str) -> str:
        if not value:
            raise ValueError("empty")
        if _PLACEHOLDER.fullmatch(value.strip(" .:!?*_-")) or not any(map(str.isalnum, value)):
            raise ValueError("still a placeholder")
        return value

    @field_validator("retention_until")
    @classmethod
    def _not_expired(cls, value: date | None) -> date | None:
        if value is not None and value < date.today():
            raise ValueError(f"expired on {value.isoformat()}: these data may no longer be used")
        return value

    @property
    def digest(self) -> str:
        """SHA-256 of the answers, whatever the order and layout of the file."""
        return _digest(asdict(self))

    @property
    def purpose_kind(self) -> str:
        """The first of ``PURPOSE_KINDS`` that the free text of ``purpose`` names, else ``"other"``."""
        words = re.findall(r"\w+", self.purpose.lower())
        return next((word for word in words if word in PURPOSE_KINDS), "other")

    def check_current(self) -> None:
        """Raise if the record has expired since it was read.

        Raises:
            ProvenanceError: If ``retention_until`` has passed.
        """
        make_provenance(**asdict(self))

    def check_use(self, use: Use) -> None:
        """Raise unless the purpose allows a use.

        Args:
            use: "evaluation" or "training".

        Raises:
            ProvenanceError: If it does not; the message says what it would have to say.
        """
        if use not in (uses := allowed_uses(self.purpose)):
            instead = f"it allows {' and '.join(uses)}" if uses else "it allows no use known here"
            raise ProvenanceError(
                f"purpose is {self.purpose!r}, which does not cover {use}: {instead}; if whoever answers for the data "
                f"({self.contact}) agrees, name {use}, research or teaching in {FILE_NAME}, and otherwise leave it"
            )


def _digest(fields: dict[str, object]) -> str:
    answers = {name: str(value) for name, value in fields.items()}
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()


def make_provenance(**fields: object) -> Provenance:
    """Return a validated record; unlike the bare class, every refusal is one readable line.

    Args:
        **fields: The fields of ``Provenance``.

    Returns:
        The record.

    Raises:
        ProvenanceError: If a field is missing, unknown, empty, a placeholder, expired or of a wrong type.
    """
    unknown = [f"{name}: unknown key" for name in fields if name not in QUESTIONS]
    if unknown:
        raise ProvenanceError(in_short("; ".join(unknown)))
    try:
        return Provenance(**fields)  # type: ignore[arg-type]  # pydantic checks the types
    except ValidationError as error:
        faults = [f"{fault['loc'][0]!s}: {_wording(fault['type'], fault['msg'])}" for fault in error.errors()]
        raise ProvenanceError("; ".join(faults)) from None


def _wording(kind: str, message: str) -> str:
    return _WORDING.get(kind, message.removeprefix("Value error, "))


def load_provenance(directory: str | Path) -> Provenance:
    """Return the validated record of a data folder.

    Args:
        directory: The folder that holds ``provenance.toml``.

    Returns:
        The record.

    Raises:
        MissingProvenance: If the folder has no such file; the message says how to write one.
        ProvenanceError: If the folder does not exist or the file is refused; the message says why.
    """
    return _load(Path(directory), make_provenance)


def load_digest(directory: str | Path) -> str:
    """Return the digest of a data folder's record even if it has expired: what is to be deleted must be found.

    Args:
        directory: The folder that holds ``provenance.toml``.

    Raises:
        MissingProvenance: If the folder has no such file.
        ProvenanceError: If the file is refused for anything but its retention date.
    """

    def digest(**fields: object) -> str:
        record = asdict(make_provenance(**{**fields, "retention_until": None}))
        return _digest(record | {"retention_until": fields.get("retention_until")})

    return _load(Path(directory), digest)


def _load(directory: Path, make: Callable[..., T]) -> T:
    """Return what `make` makes of the fields of a folder's record."""
    path = directory / FILE_NAME
    if not directory.is_dir():
        raise ProvenanceError(f"no folder {str(directory)!r}")
    if not path.is_file():
        raise MissingProvenance(
            f"{directory} has no {FILE_NAME}, so its images are not read; "
            f"write one with: python -m pipelines provenance init {shlex.quote(str(directory))}"
        )
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ProvenanceError("too long for a provenance file")
        fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte order mark
        return make(**fields)
    except ProvenanceError as error:
        raise ProvenanceError(f"{path}: {error}") from None
    except (ValueError, RecursionError, OSError) as error:  # no TOML, no UTF-8, a number of too many digits
        raise ProvenanceError(f"{path}: cannot be read: {in_short(error)}") from error


def write_provenance(directory: str | Path, *, force: bool = False, **fields: object) -> Path:
    """Write the record of a data folder, whole or not at all, and return the file's path.

    Args:
        directory: An existing folder.
        force: Replace a record that is already there.
        **fields: The fields of ``Provenance``.

    Returns:
        The path of the file written.

    Raises:
        ProvenanceError: If a field is refused, the folder is missing or a record is already there.
    """
    record = make_provenance(**fields)
    path = Path(directory) / FILE_NAME
    if not path.parent.is_dir():
        raise ProvenanceError(f"no folder {str(directory)!r}")
    if path.exists() and not force:
        raise ProvenanceError(f"{path} exists already and is left as it is")
    return write_text(path, _as_toml(record))


def parse_answer(field: str, answer: str) -> object:
    """Return a typed answer to one of the ``QUESTIONS``, ready for ``write_provenance``.

    Args:
        field: A key of ``QUESTIONS``.
        answer: What the user typed.

    Returns:
        Text, a truth value, a date, or None for "no limit".

    Raises:
        ProvenanceError: If the answer is not of the kind that the field needs.
    """
    text = answer.strip()
    if field in _TEXT_FIELDS:
        return text
    if field == "retention_until":
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise ProvenanceError(f"{field}: {text!r} is not a date such as 2030-12-31") from None
    answers = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
    if field == "redistribution_allowed":
        answers[""] = False
    if text.lower() not in answers:
        raise ProvenanceError(f"{field}: answer yes or no, not {text!r}")
    return answers[text.lower()]


def answer_fault(field: str, answer: object) -> str:
    """Return why one answer would be refused, or an empty string; the other fields are taken to be in order.

    Args:
        field: A key of ``QUESTIONS``.
        answer: What ``parse_answer`` returned.
    """
    filled: dict[str, object] = dict.fromkeys(_TEXT_FIELDS, "in order") | {"contains_real_signatures": True}
    try:
        record = make_provenance(**{**filled, field: answer})
    except ProvenanceError as error:
        return str(error)
    if field == "purpose" and not allowed_uses(record.purpose):
        return f"purpose: {record.purpose!r} names none of research, teaching, evaluation and training"
    return ""


def _as_toml(record: Provenance) -> str:
    lines = []
    for name, value in asdict(record).items():
        if isinstance(value, str):  # a JSON string is a TOML basic string, but for the delete character
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f"))
        elif isinstance(value, bool):
            lines.append(f"{name} = {str(value).lower()}")
        elif value is not None:
            lines.append(f"{name} = {value.isoformat()}")
    return "\n".join(lines) + "\n"
