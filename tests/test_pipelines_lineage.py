"""Laws of the mark: it is inside the file, it only grows, it names nobody, and it cannot be misread as synthetic."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.adapters import make_provenance
from pipelines.lineage import (
    SYNTHETIC,
    Mark,
    Source,
    mark_folder,
    mark_of_run,
    read_mark,
    save_marked,
    source_of,
    stamp,
)


def record(**changes: object) -> Any:
    answers = {"source": "drawn by a test", "licence": "CC0-1.0", "lawful_basis": "no person is involved"}
    answers |= {"purpose": "research", "contact": "the test"}
    return make_provenance(**{**answers, "contains_real_signatures": True, **changes})


sources = st.builds(
    Source,
    digest=st.sampled_from(["a" * 64, "b" * 64, "c" * 64]),
    contains_real_signatures=st.booleans(),
    redistribution_allowed=st.booleans(),
    purpose=st.text(max_size=5),
    retention_until=st.sampled_from(["", "2031-01-01"]),
    signers=st.lists(st.text("0123456789abcdef", min_size=1, max_size=4), unique=True).map(sorted).map(tuple),
)
marks = st.lists(sources, max_size=3, unique_by=lambda source: source.digest).map(tuple).map(Mark)


@given(marks)
def test_a_mark_is_read_back_as_it_was_written(mark: Mark) -> None:
    assert Mark.from_dict(json.loads(json.dumps(mark.to_dict()))) == mark


@given(marks, sources)
def test_a_mark_only_grows(mark: Mark, source: Source) -> None:
    grown = mark.with_source(source)
    assert set(grown.digests) == {*mark.digests, source.digest}
    for old in (*mark.sources, source):
        kept = next(new for new in grown.sources if new.digest == old.digest)
        assert set(old.signers) <= set(kept.signers)
    assert grown.contains_real_signatures == (mark.contains_real_signatures or source.contains_real_signatures)


def tiny() -> Any:
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])


def test_the_mark_is_inside_the_file_and_the_weights_are_as_before(tmp_path: Path) -> None:
    model = tiny()
    mark = SYNTHETIC.with_source(source_of(record(), ["ann", "bob", "ann"]))
    path = save_marked(model, tmp_path / "model.keras", mark)
    assert read_mark(path) == mark
    loaded = keras.saving.load_model(path, safe_mode=True, compile=False)
    np.testing.assert_array_equal(loaded(np.ones((1, 3))), model(np.ones((1, 3))))
    assert b"ann" not in path.read_bytes(), "a mark names no signer"
    assert mark.learnt_from(record().digest, "ann")
    assert not mark.learnt_from(record().digest, "carl")
    assert not mark.learnt_from(record(contact="another").digest, "ann")
    assert [f.name for f in tmp_path.iterdir()] == ["model.keras"]


def test_a_file_without_a_mark_says_nothing_rather_than_synthetic(tmp_path: Path) -> None:
    tiny().save(tmp_path / "model.keras")
    assert read_mark(tmp_path / "model.keras") is None
    assert mark_of_run(tmp_path) is None
    stamp(tmp_path / "model.keras", SYNTHETIC)
    assert read_mark(tmp_path / "model.keras") == SYNTHETIC
    assert keras.saving.load_model(tmp_path / "model.keras", compile=False).count_params() == 8


def test_a_run_is_as_real_as_its_most_real_part(tmp_path: Path) -> None:
    save_marked(tiny(), tmp_path / "model.keras", SYNTHETIC)
    mark_folder(tmp_path, SYNTHETIC)
    mark_folder(tmp_path, SYNTHETIC.with_source(source_of(record(), ["ann"])), part="head")
    assert mark_of_run(tmp_path).contains_real_signatures  # type: ignore[union-attr]
    mark_folder(tmp_path, SYNTHETIC, part="head")  # fitted again, on synthetic signatures
    assert mark_of_run(tmp_path) == SYNTHETIC


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"contains_real_signatures": True, "sources": []},
        {"contains_real_signatures": False, "sources": [{"digest": "a"}]},
        {"contains_real_signatures": False, "sources": 3},
        None,
    ],
)
def test_a_damaged_mark_is_refused_and_never_taken_for_a_synthetic_one(damaged: Any) -> None:
    with pytest.raises(ValueError, match="not a mark of what a model learnt from"):
        Mark.from_dict(damaged)


def test_what_is_no_keras_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"PK\x03\x04 no archive")
    for call in (read_mark, lambda path: stamp(path, SYNTHETIC)):
        with pytest.raises(ValueError, match=r"is no \.keras file"):
            call(tmp_path / "model.keras")  # type: ignore[operator]


def test_a_file_too_large_to_unpack_or_damaged_inside_is_not_stamped(tmp_path: Path) -> None:
    from pipelines import members

    path = save_marked(tiny(), tmp_path / "model.keras", SYNTHETIC)
    content = path.read_bytes()
    with pytest.raises(members.BrokenArchive, match=r"MB when unpacked; at most 0 are read"):
        members.read_members(path, most_bytes=100)
    place = content.index(b"class_name")
    path.write_bytes(content[:place] + b"X" + content[place + 1 :])
    with pytest.raises(ValueError, match="damaged: Bad CRC-32"):
        stamp(path, SYNTHETIC)
    assert path.read_bytes()[place : place + 1] == b"X"


@pytest.mark.parametrize("named", ["resnet_small", "resnet_small_trained_on_real_signatures"])
def test_a_network_named_real_is_real_to_everything_that_asks(named: str, tmp_path: Path) -> None:
    from pipelines.marks import MARK, is_marked, is_marked_file

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)], name=named)
    save_marked(model, tmp_path / "model.keras", SYNTHETIC)
    real = MARK in named
    assert is_marked(model) == is_marked_file(tmp_path / "model.keras") == real
    assert mark_of_run(tmp_path).contains_real_signatures == real  # type: ignore[union-attr]
