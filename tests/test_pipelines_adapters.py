"""Laws of the slot: every file is read or named, nothing is changed, nothing comes in without provenance."""

import hashlib
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.adapters import (
    Adapter,
    AdapterError,
    FolderAdapter,
    Provenance,
    ProvenanceError,
    SignatureFile,
    check_adapter,
    load_signatures,
    make_provenance,
    open_adapter,
    register_adapter,
)
from pipelines.adapters.folders import natural_key
from pipelines.adapters.ink_check import ink_fault


def provenance(**changes: object) -> Provenance:
    answers = {"source": "drawn by a test", "licence": "CC0-1.0", "lawful_basis": "no person is involved"}
    answers |= {"purpose": "evaluation", "contact": "the test"}
    return make_provenance(**{**answers, "contains_real_signatures": False, **changes})


def scribble(seed: int, height: int = 40, width: int = 90) -> Image.Image:
    rng = np.random.default_rng(seed)
    points = np.column_stack([np.linspace(4, width - 4, 9), rng.uniform(4, height - 4, 9)])
    picture = Image.new("L", (width, height), 255)
    ImageDraw.Draw(picture).line([tuple(point) for point in points.tolist()], fill=20, width=2)
    return picture


def make_tree(root: Path) -> Path:
    """Three signers, four genuine and two forged each, in several formats."""
    number = 0
    for signer in ("1", "2", "10"):
        for folder, count in (("genuine", 4), ("forged", 2)):
            (root / signer / folder).mkdir(parents=True)
            for index in range(count):
                number += 1
                extension = ("png", "tif", "bmp", "jpg")[index]
                scribble(number).save(root / signer / folder / f"s{index + 8}.{extension}")
    return root


def fingerprint(root: Path) -> dict[str, tuple[str, int, int]]:
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (hashlib.sha256(content).hexdigest(), status.st_mtime_ns, status.st_mode)
    return found


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return make_tree(tmp_path / "data")


# Properties


@given(st.lists(st.text(alphabet="aB019_²٣", max_size=8)))
def test_natural_order_is_total_and_does_not_depend_on_the_listing(names: list[str]) -> None:
    assert sorted(names, key=natural_key) == sorted(names[::-1], key=natural_key)


def test_natural_order_counts_as_people_do() -> None:
    assert sorted(["a10", "a9", "A1", "b", "a01"], key=natural_key) == ["A1", "a01", "a9", "a10", "b"]


# The contract


def test_the_folder_adapter_keeps_the_contract_and_changes_nothing(tree: Path) -> None:
    before = fingerprint(tree)
    adapter = open_adapter("folders", tree)
    assert adapter.name == "folders"
    check_adapter(adapter)
    assert list(adapter.iter_signers()) == ["1", "2", "10"]
    loaded = load_signatures(adapter, provenance())
    assert len(loaded) > 0
    assert not loaded.skipped
    assert fingerprint(tree) == before


class Scripted(Adapter):
    """Yields what a test tells it to."""

    name = "scripted"

    def __init__(self, root: Path, *walks: list[SignatureFile]) -> None:
        super().__init__(root)
        self.walks = list(walks)

    def iter_signatures(self) -> Iterator[SignatureFile]:
        yield from self.walks[0]
        self.walks = self.walks[1:] + self.walks[:1]


def drawn(signer: str, kind: str, seed: int = 0, **more: str) -> SignatureFile:
    return SignatureFile(signer, kind, np.asarray(scribble(seed)), **more)  # type: ignore[arg-type]


BROKEN: dict[str, list[SignatureFile]] = {
    "no genuine signature": [drawn("1", "skilled")],
    "unknown kind 'forged'; use one of: genuine, simple, skilled": [drawn("1", "forged")],
    "signer '2' has no genuine signature": [drawn("1", "genuine"), drawn("2", "skilled")],
    "must be text": [drawn(7, "genuine")],  # type: ignore[arg-type]
    "must be text, signer not empty": [drawn("", "genuine")],
    "path outside the root": [SignatureFile("1", "genuine", Path("..") / "other.png")],
    "yielded more than once": [SignatureFile("1", "genuine", Path("a.png"))] * 2,
    "image is a str": [SignatureFile("1", "genuine", "a.png")],  # type: ignore[arg-type]
    "an array must be uint8": [SignatureFile("1", "genuine", np.zeros((4, 4, 3), dtype=np.uint8))],
    "every signature has a signer of its own": [drawn("a1", "genuine", 1), drawn("a2", "genuine", 2)],
    "signer '1' comes in several stretches": [drawn(s, "genuine", i) for i, s in enumerate("121")],
    "signer '1' forges the own signature": [drawn("1", "genuine", 1), drawn("1", "skilled", 2, forger="1")],
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_adapter_is_told_its_likely_mistake(fault: str) -> None:
    with pytest.raises(AdapterError, match=f"adapter 'scripted': .*{fault}"):
        check_adapter(Scripted(Path(), BROKEN[fault]))


def test_an_adapter_without_a_fixed_order_is_found_out() -> None:
    walk = [drawn("1", "genuine", 1), drawn("1", "genuine", 2)]
    check_adapter(Scripted(Path(), walk))
    with pytest.raises(AdapterError, match="another order"):
        check_adapter(Scripted(Path(), walk, walk[::-1]))


def test_only_a_few_of_many_faults_are_listed() -> None:
    with pytest.raises(AdapterError, match=r"\(and 4 more\)"):
        check_adapter(Scripted(Path(), [drawn("1", "x", seed) for seed in range(9)]))


def test_a_name_is_registered_once_and_a_typo_gets_a_hint(tree: Path) -> None:
    assert register_adapter("folders")(FolderAdapter) is FolderAdapter
    with pytest.raises(ValueError, match="taken by"):
        register_adapter("folders")(Scripted)
    assert Scripted.name == "scripted"
    with pytest.raises(AdapterError, match="did you mean 'folders'"):
        open_adapter("folder", tree)
    with pytest.raises(AdapterError, match="use one of: "):
        open_adapter("zzz", tree)
    with pytest.raises(AdapterError, match="no folder"):
        open_adapter("folders", tree / "nowhere")


# The folder layout


def test_signers_and_files_come_in_natural_order(tree: Path) -> None:
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert list(dict.fromkeys(loaded.signers.tolist())) == ["1", "2", "10"]
    assert loaded.names[:6].tolist() == [
        "1/genuine/s8.png",
        "1/genuine/s9.tif",
        "1/genuine/s10.bmp",
        "1/genuine/s11.jpg",
        "1/forged/s8.png",
        "1/forged/s9.tif",
    ]
    assert loaded.kinds[:6].tolist() == ["genuine"] * 4 + ["skilled"] * 2
    assert loaded.counts == {
        **{"signers": 3, "genuine": 12, "simple": 0, "skilled": 6},
        **{"skipped": 0, "duplicates": 0, "unexpected": 0, "too_few": 0},
    }
    assert loaded.eligible.all()


def test_walking_opens_no_file_and_is_lazy(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(Path, "open", refuse)
    walk = open_adapter("folders", tree).iter_signatures()
    assert isinstance(walk, Iterator)
    assert next(walk).signer == "1"
    assert len(list(walk)) == 17


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        *[(name, "genuine") for name in ("Genuine", "GENUINES", "original")],
        *[(name, "skilled") for name in ("Forged", "forgeries", "FORGERY", "skilled")],
        ("Simple", "simple"),
    ],
)
def test_folder_names_are_understood_in_any_case(folder: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "s" / folder).mkdir(parents=True)
    (tmp_path / "s" / folder / "a.png").touch()
    assert [record.kind for record in open_adapter("folders", tmp_path).iter_signatures()] == [kind]


def test_clutter_is_ignored_and_anything_else_is_reported(tree: Path) -> None:
    for name in (
        "provenance.toml",
        "Thumbs.db",
        "1/.DS_Store",
        "1/genuine/desktop.ini",
        "1/genuine/._s8.png",
    ):
        (tree / name).write_text("clutter")
    assert not list(open_adapter("folders", tree).iter_unexpected())
    (tree / "readme.txt").touch()
    (tree / "1" / "loose.png").touch()
    (tree / "1" / "maybe").mkdir()
    (tree / "2" / "genuine" / "deeper").mkdir()
    (tree / "3").mkdir()
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert len(loaded) == 18
    assert [(item.name, item.reason) for item in loaded.unexpected] == [
        ("readme.txt", "a file outside genuine, simple or forged"),
        ("1/loose.png", "a file outside genuine, simple or forged"),
        ("1/maybe", "a folder that is neither genuine, simple nor forged"),
        ("2/genuine/deeper", "a folder among the images"),
        ("3", "an empty folder"),
    ]


def test_links_that_leave_the_data_folder_are_not_followed(tree: Path, tmp_path: Path) -> None:
    outside = make_tree(tmp_path / "outside")
    (tree / "5").symlink_to(outside / "1", target_is_directory=True)
    (tree / "1" / "simple").symlink_to(outside / "2" / "genuine", target_is_directory=True)
    (tree / "1" / "genuine" / "t.png").symlink_to(outside / "2" / "genuine" / "s8.png")
    (tree / "1" / "genuine" / "u.png").symlink_to(tree / "1" / "genuine" / "u.png")
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert [item.name for item in loaded.unexpected] == ["5", "1/simple"]
    assert [skipped.name for skipped in loaded.skipped] == ["1/genuine/t.png", "1/genuine/u.png"]
    assert loaded.skipped[0].reason == "outside its folder"
    assert len(loaded) == 18


@pytest.mark.skipif(os.name == "nt", reason="names are always Unicode there")
def test_a_name_that_is_no_unicode_can_still_be_printed(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9/genuine"
    try:
        os.makedirs(folder)
    except OSError:
        pytest.skip("this file system refuses such names")
    scribble(1).save(tmp_path / "a.png")
    os.replace(tmp_path / "a.png", folder + b"/\xff.png")
    loaded = load_signatures(open_adapter("folders", tmp_path), provenance())
    assert loaded.names.tolist() == [r"caf\xe9/genuine/\xff.png"]
    assert loaded.too_few == [r"caf\xe9"]
    loaded.names[0].encode()


# Loading


def test_bad_files_are_named_and_counted_and_nothing_is_changed(tree: Path) -> None:
    folder = tree / "2" / "genuine"
    (folder / "a empty.png").touch()
    (folder / "b text.png").write_text("not a picture")
    (folder / "c cut.png").write_bytes((folder / "s8.png").read_bytes()[:90])
    Image.new("L", (90, 40), 250).save(folder / "d blank.png")
    Image.new("L", (9_000, 9), 250).save(folder / "e wide.png")
    Image.fromarray(255 - np.asarray(scribble(77))).save(folder / "f negative.png")
    before = fingerprint(tree)
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert [(name.removeprefix("2/genuine/"), reason) for name, reason in loaded.skipped] == [
        ("a empty.png", "empty file"),
        ("b text.png", "not an image"),
        ("c cut.png", "truncated"),
        ("d blank.png", "blank: no ink found"),
        ("e wide.png", "too large: 9000 x 9 pixels"),
        ("f negative.png", "light marks on dark paper: turn it round first"),
    ]
    assert loaded.counts["skipped"] == 6
    assert len(loaded) == 18
    assert fingerprint(tree) == before


def test_identical_pixels_are_kept_once_whatever_the_file_format(tree: Path) -> None:
    scribble(1).save(tree / "1" / "genuine" / "z.tif")  # the pixels of s8.png
    scribble(1).save(tree / "2" / "forged" / "z.bmp")
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert [tuple(item) for item in loaded.duplicates] == [
        ("1/genuine/z.tif", "1/genuine/s8.png", True),
        ("2/forged/z.bmp", "1/genuine/s8.png", False),
    ]
    assert len(loaded.warnings) == 1
    assert loaded.warnings[0].startswith("2/forged/z.bmp is identical to 1/genuine/s8.png")
    assert len(loaded) == 18


def test_the_same_bytes_in_another_shape_are_another_image() -> None:
    pixels = np.asarray(scribble(3, 20, 80))
    shapes: list[NDArray[np.uint8]] = [pixels, pixels.reshape(40, 40)]
    walk = [SignatureFile("1", "genuine", image) for image in shapes]
    assert not load_signatures(Scripted(Path(), walk), provenance()).duplicates


def test_signers_with_too_few_distinct_genuine_signatures_are_named(tree: Path) -> None:
    for signer in ("20", "21", "22"):
        (tree / signer / "genuine").mkdir(parents=True)
    scribble(90).save(tree / "20" / "genuine" / "a.png")
    scribble(91).save(tree / "21" / "genuine" / "a.png")
    scribble(91).save(tree / "21" / "genuine" / "b.png")
    (tree / "22" / "genuine" / "a.png").write_text("broken")
    loaded = load_signatures(open_adapter("folders", tree), provenance())
    assert loaded.too_few == ["20", "21", "22"]
    assert len(loaded) == 20
    assert loaded.eligible.sum() == 18
    assert set(loaded.signers[~loaded.eligible].tolist()) == {"20", "21"}


def test_arrays_and_their_labels_come_through() -> None:
    walk = [
        drawn("a", "genuine", 1, session="monday", capture="scanner"),
        drawn("a", "simple", 2, forger="b"),
    ]
    loaded = load_signatures(Scripted(Path(), walk), provenance())
    np.testing.assert_array_equal(loaded.images[0], np.asarray(scribble(1)))
    assert loaded.names.tolist() == ["a/genuine/#0", "a/simple/#1"]
    assert loaded.forgers.tolist() == ["", "b"]
    assert loaded.sessions.tolist() == ["monday", ""]
    assert loaded.captures.tolist() == ["scanner", ""]


def test_images_can_be_prepared_as_they_are_read(tree: Path) -> None:
    def prepare(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if image[:, 0].min() < 128:
            raise ValueError("ink at the\nborder")
        return np.full((2, 3), image.mean(), dtype=np.float32)

    picture = scribble(50)
    picture.putpixel((0, 0), 0)
    picture.save(tree / "1" / "genuine" / "z.png")
    loaded = load_signatures(open_adapter("folders", tree), provenance(), prepare=prepare)
    assert {image.shape for image in loaded.images} == {(2, 3)}
    assert [tuple(item) for item in loaded.skipped] == [("1/genuine/z.png", "ink at the border")]


def test_an_empty_folder_loads_as_nothing(tmp_path: Path) -> None:
    loaded = load_signatures(open_adapter("folders", tmp_path), provenance())
    assert len(loaded) == 0
    assert loaded.counts["signers"] == 0
    assert loaded.eligible.shape == (0,)
    with pytest.raises(AdapterError, match="is this the right folder"):
        check_adapter(open_adapter("folders", tmp_path))


def test_nothing_is_read_without_a_valid_provenance(tree: Path) -> None:
    adapter = open_adapter("folders", tree)
    for stand_in in (None, {}, "trust me"):
        with pytest.raises(TypeError, match="validated Provenance"):
            load_signatures(adapter, stand_in)  # type: ignore[arg-type]
    record = provenance()
    object.__setattr__(record, "retention_until", date(2001, 1, 1))  # as if years had passed
    with pytest.raises(ProvenanceError, match="expired"):
        load_signatures(adapter, record)


def test_a_record_of_the_wrong_form_is_the_adapters_fault_and_raises() -> None:
    with pytest.raises(AdapterError, match="unknown kind"):
        load_signatures(Scripted(Path(), [drawn("1", "forged")]), provenance())


# Blank or not


def test_shadow_noise_and_tint_are_not_ink() -> None:
    rng = np.random.default_rng(0)
    shadow = np.tile(np.linspace(110, 250, 600), (400, 1))
    noisy = shadow + rng.normal(0, 8, shadow.shape)
    for page in (shadow, noisy, np.full((1, 1), 255.0), np.full((8_000, 1), 90.0)):
        assert ink_fault(page.clip(0, 255).astype(np.uint8)) == "blank: no ink found"


@pytest.mark.parametrize(("height", "width"), [(24, 60), (150, 400), (600, 1_500), (3_000, 2_200)])
@pytest.mark.parametrize("ink", [0, 170])
def test_thin_and_pale_ink_is_seen_at_any_scale(height: int, width: int, ink: int) -> None:
    page = Image.new("L", (width, height), 235)
    points = [tuple(point) for point in (np.random.default_rng(1).random((12, 2)) * (width, height)).tolist()]
    ImageDraw.Draw(page).line(points, fill=ink, width=max(1, width // 300))
    assert ink_fault(np.asarray(page)) == ""
