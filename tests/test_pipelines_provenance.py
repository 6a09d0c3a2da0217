"""Laws of the provenance record: no data without it, and no record that says nothing."""

import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.adapters import (
    PURPOSE_KINDS,
    QUESTIONS,
    MissingProvenance,
    Provenance,
    ProvenanceError,
    load_provenance,
    make_provenance,
    parse_answer,
    write_provenance,
)

ANSWERS: dict[str, object] = {
    "source": "drawn by the generator, seed 7",
    "licence": "CC0-1.0",
    "lawful_basis": "no person is involved",
    "purpose": "teaching",
    "contact": "the course desk",
    "contains_real_signatures": False,
}
TEXTS = ("source", "licence", "lawful_basis", "purpose", "contact")


def refusal(folder: Path, text: str) -> str:
    (folder / "provenance.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ProvenanceError) as caught:
        load_provenance(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Properties


@given(answer=st.text(st.characters(codec="utf-8"), min_size=1).map(lambda text: "x" + text + "x"))
def test_whatever_was_answered_is_read_back(answer: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("data")
    write_provenance(folder, **{**ANSWERS, "source": answer, "retention_until": date.max})
    assert load_provenance(folder) == make_provenance(**{**ANSWERS, "source": answer, "retention_until": date.max})


def test_the_digest_follows_the_answers_and_not_the_layout(tmp_path: Path) -> None:
    first = load_provenance(write_provenance(tmp_path, **ANSWERS).parent)
    lines = (tmp_path / "provenance.toml").read_text(encoding="utf-8").splitlines()
    (tmp_path / "provenance.toml").write_text("\ufeff# mine\n" + "\n\n".join(lines[::-1]), encoding="utf-8")
    assert load_provenance(tmp_path).digest == first.digest
    assert len(first.digest) == 64
    assert make_provenance(**{**ANSWERS, "contact": "somebody else"}).digest != first.digest


# Cases by hand


def test_a_record_is_frozen_and_careful_by_default() -> None:
    record = make_provenance(**ANSWERS)
    assert record.redistribution_allowed is False
    assert record.retention_until is None
    with pytest.raises(AttributeError):
        record.source = "elsewhere"  # type: ignore[misc]


def test_every_field_has_a_question_and_every_answer_can_be_parsed(tmp_path: Path) -> None:
    assert list(QUESTIONS) == list(Provenance.__dataclass_fields__)
    typed = {**dict.fromkeys(TEXTS, " some words "), "contains_real_signatures": "Yes"}
    typed |= {"redistribution_allowed": "", "retention_until": date.today().isoformat()}
    write_provenance(tmp_path, **{field: parse_answer(field, answer) for field, answer in typed.items()})
    record = load_provenance(tmp_path)
    assert (record.source, record.contains_real_signatures) == ("some words", True)
    assert (record.redistribution_allowed, record.retention_until) == (False, date.today())
    assert parse_answer("retention_until", "") is None


@pytest.mark.parametrize(("field", "answer"), [("contains_real_signatures", ""), ("retention_until", "soon")])
def test_an_answer_of_the_wrong_kind_is_refused(field: str, answer: str) -> None:
    with pytest.raises(ProvenanceError, match=field):
        parse_answer(field, answer)


def test_the_purpose_is_free_text_with_a_kind() -> None:
    for kind in PURPOSE_KINDS:
        assert make_provenance(**{**ANSWERS, "purpose": f"For {kind} in one course"}).purpose_kind == kind
    assert make_provenance(**{**ANSWERS, "purpose": "a court case"}).purpose_kind == "other"


def test_writing_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = write_provenance(tmp_path, **ANSWERS)
    assert tomllib.loads(path.read_text(encoding="utf-8"))["licence"] == "CC0-1.0"
    with pytest.raises(ProvenanceError, match="exists already"):
        write_provenance(tmp_path, **{**ANSWERS, "licence": "other"})
    assert load_provenance(tmp_path).licence == "CC0-1.0"
    write_provenance(tmp_path, force=True, **{**ANSWERS, "licence": "other"})
    assert load_provenance(tmp_path).licence == "other"
    assert [entry.name for entry in tmp_path.iterdir()] == ["provenance.toml"]


def test_a_write_that_fails_leaves_the_old_record_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError("disk full")

    write_provenance(tmp_path, **ANSWERS)
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_provenance(tmp_path, force=True, **{**ANSWERS, "licence": "other"})
    assert load_provenance(tmp_path).licence == "CC0-1.0"
    assert [entry.name for entry in tmp_path.iterdir()] == ["provenance.toml"]


# Refusals


def test_a_missing_record_is_one_line_that_says_how_to_write_one(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    with pytest.raises(MissingProvenance) as caught:
        load_provenance(folder)
    assert "\n" not in str(caught.value)
    assert f"python -m pipelines provenance init '{folder}'" in str(caught.value)
    with pytest.raises(ProvenanceError, match="no folder"):
        load_provenance(tmp_path / "nowhere")


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("answer", ["", "  ", "TODO", "todo: ask", "fill in", "<your lab>", "[source]", "?", "n/a"])
def test_an_empty_answer_or_a_placeholder_is_refused_by_name(field: str, answer: str) -> None:
    with pytest.raises(ProvenanceError, match=rf"^{field}: (empty|still a placeholder)$"):
        make_provenance(**{**ANSWERS, field: answer})


@pytest.mark.parametrize("answer", ["they fill in a form", "Todorova collection", "Nonesuch Archive", "x"])
def test_an_answer_that_only_resembles_a_placeholder_is_taken(answer: str) -> None:
    assert make_provenance(**{**ANSWERS, "source": answer}).source == answer


def test_the_last_day_counts_and_the_day_after_does_not(tmp_path: Path) -> None:
    assert make_provenance(**ANSWERS, retention_until=date.today()).retention_until == date.today()
    yesterday = date.today() - timedelta(days=1)
    text = write_provenance(tmp_path, **ANSWERS).read_text(encoding="utf-8")
    assert f"expired on {yesterday}" in refusal(tmp_path, f"{text}retention_until = {yesterday}\n")


def test_unknown_missing_and_mistyped_fields_are_named(tmp_path: Path) -> None:
    text = write_provenance(tmp_path, **ANSWERS).read_text(encoding="utf-8")
    assert "license: unknown key" in refusal(tmp_path, text + 'license = "MIT"\n')
    assert "contact: missing" in refusal(tmp_path, text.replace("contact", "# contact"))
    assert "licence: must be text" in refusal(tmp_path, text.replace('"CC0-1.0"', "0"))
    quoted = text.replace("signatures = false", 'signatures = "false"')
    assert "contains_real_signatures: must be true or false" in refusal(tmp_path, quoted)
    assert "retention_until: must be a date" in refusal(tmp_path, text + 'retention_until = "2090-01-01"\n')
    for name in ("self", "__dataclass_self__", "'a b\\n'"):
        assert "unknown key" in refusal(tmp_path, text + f"{name} = 1\n")


@pytest.mark.parametrize("text", ["licence = ", "= 3", "a = " + "[" * 5_000, "\0", "x" * 70_000])
def test_a_file_that_is_no_toml_is_one_line_too(text: str, tmp_path: Path) -> None:
    assert "provenance.toml" in refusal(tmp_path, text)


def test_bytes_that_are_no_text_are_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "provenance.toml").write_bytes(b"source = '\xff\xfe'")
    with pytest.raises(ProvenanceError, match="cannot be read"):
        load_provenance(tmp_path)
