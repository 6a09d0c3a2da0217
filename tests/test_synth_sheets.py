"""Sheets: the ground truth is where a detector finds it, every box holds what it says, and refusals are one line."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.cli import main
from pipelines.preprocess import preprocess
from pipelines.sheets import SheetError, read_identifiers
from synth import SheetLayout, World, attendance_sheets, blank_sheets, forge, render
from synth.acts import ACTS_PER_SESSION
from synth.sheet_capture import SHEET_CAPTURES, project
from synth.sheet_layout import CORNER_IDS, mark_dictionary
from synth.sheets import Sheet, max_people

WORLD = World(11)
TOLERANCE_PX = {"print": 1.0, "scan": 2.0, "photo": 4.0}


def detect(image: np.ndarray) -> dict[int, np.ndarray]:
    """What OpenCV's own detector finds: corners of each mark by its number."""
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    corners, numbers, _ = cv2.aruco.ArucoDetector(mark_dictionary(), parameters).detectMarkers(image)
    assert len(set(numbers.ravel())) == len(numbers), "a mark was found twice"
    return {int(number): found[0].astype(float) for number, found in zip(numbers.ravel(), corners, strict=True)}


def check_sheet(sheet: Sheet) -> None:
    """Find the page by its corner marks alone and compare everything with the ground truth."""
    found = detect(sheet.image)
    assert set(found) == {mark.number for mark in sheet.marks}
    corners = [mark for mark in sheet.marks if mark.number in CORNER_IDS]
    page, image = (
        np.concatenate(points) for points in ([m.page_corners for m in corners], [found[i] for i in range(4)])
    )
    homography, _ = cv2.findHomography(page, image)
    for box in sheet.boxes:
        error = np.abs(project(homography, box.page_corners) - box.image_corners).max()
        assert error <= TOLERANCE_PX[sheet.capture]
    owners = {box.row: box.identifier for box in sheet.boxes}
    for mark in sheet.marks:
        assert np.abs(found[mark.number] - mark.image_corners).max() <= TOLERANCE_PX[sheet.capture]
        if mark.number not in CORNER_IDS:
            centre = project(np.linalg.inv(homography), found[mark.number]).mean(axis=0)
            rows = [row for row in owners if sheet.layout.row(row)[0] < centre[1] < sheet.layout.row(row)[1]]
            assert [owners[row] for row in rows] == [mark.identifier]


layouts = st.builds(SheetLayout, dpi=st.integers(150, 220), rows=st.integers(1, 16), columns=st.integers(1, 6))


@pytest.mark.parametrize("capture", SHEET_CAPTURES)
@given(layout=layouts, first=st.integers(0, 10**6), signers=st.integers(1, 5))
@settings(max_examples=6)
def test_boxes_and_identifiers_are_where_the_marks_say(
    capture: str, layout: SheetLayout, first: int, signers: int
) -> None:
    for sheet in attendance_sheets(WORLD, signers=signers, first=first, layout=layout, capture=capture):
        assert sheet.image.dtype == np.uint8
        check_sheet(sheet)
        assert [b.identifier for b in sheet.boxes[:: layout.columns]] == [
            f"S{first + (sheet.number - 1) * layout.rows + row:06d}"
            for row in range(len(sheet.boxes) // layout.columns)
        ]


@pytest.mark.parametrize("capture", ["scan", "photo"])
def test_a_full_page_is_found_in_every_pose(capture: str) -> None:
    for seed in range(4):
        check_sheet(next(iter(attendance_sheets(World(seed), signers=12, capture=capture))))


def test_a_class_of_184_with_four_signatures_each_is_one_call() -> None:
    pages = boxes = 0
    seen, identifiers = set(), set()
    for sheet in attendance_sheets(WORLD, layout=SheetLayout(dpi=150), capture="print"):
        assert sheet.image.shape == (1754, 1240)
        pages, boxes = pages + 1, boxes + len(sheet.boxes)
        seen |= {(box.signer, box.act) for box in sheet.boxes if box.kind == "genuine"}
        identifiers |= {box.identifier for box in sheet.boxes}
    assert (pages, boxes, len(identifiers)) == (16, 736, 184)
    assert seen == {(i, ACTS_PER_SESSION * k) for i in range(184) for k in range(4)}


def inside(sheet: Sheet, corners: np.ndarray) -> np.ndarray:
    inset = sheet.layout.px(0.6)
    (left, top), (right, bottom) = corners[[0, 2]].astype(int).tolist()
    return sheet.image[top + inset : bottom - inset, left + inset : right - inset]


def test_each_box_holds_the_act_it_names() -> None:
    layout = SheetLayout(dpi=220, rows=5, columns=3)
    sheet = next(iter(attendance_sheets(WORLD, signers=5, layout=layout, capture="print")))
    size = {"height": 96, "width": 192}
    written = np.stack([preprocess(inside(sheet, box.page_corners), **size).ravel() for box in sheet.boxes])
    assert {box.kind for box in sheet.boxes} == {"genuine"}
    named = [render(WORLD[box.signer].genuine(box.act), dpi=220) for box in sheet.boxes]
    drawn = np.stack([preprocess(image, **size).ravel() for image in named])
    alike = np.corrcoef(np.concatenate([written, drawn]).astype(float))[: len(written), len(written) :]
    assert (alike.argmax(axis=1) == np.arange(len(written))).mean() >= 0.9
    assert np.median(np.diag(alike)) > 0.8


def test_absent_boxes_are_empty_and_proxies_are_somebody_else() -> None:
    kinds = []
    for sheet in attendance_sheets(
        WORLD, signers=64, layout=SheetLayout(dpi=150, rows=16), capture="print", absent=0.2, proxies=0.3
    ):
        for box in sheet.boxes:
            kinds.append(box.kind)
            crop = inside(sheet, box.page_corners)[4:-4, 4:-4]
            if box.kind == "absent":
                assert (box.by, box.act, box.skill) == (None, None, None)
                continue
            assert (crop < 200).any()
            assert (box.by == box.signer) == (box.kind == "genuine")
            if box.kind != "genuine":  # the ground truth is enough to draw the act again
                target, by = WORLD[box.signer], WORLD[box.by]
                forge(target, by=by, kind=box.kind, skill=box.skill or 0.0, act=box.act)
    shares = [np.mean([kind in group for kind in kinds]) for group in (("absent",), ("simple", "freehand"))]
    assert shares == pytest.approx([0.2, 0.3], abs=0.09)  # four standard errors of 256 boxes
    empty = next(iter(attendance_sheets(WORLD, signers=3, capture="print", absent=1.0)))
    for box in empty.boxes:
        assert inside(empty, box.page_corners).min() == 255


def test_pages_are_the_same_bytes_again_and_differ_between_worlds() -> None:
    def images(seed: int, capture: str) -> list[bytes]:
        pages = attendance_sheets(World(seed), signers=7, layout=SheetLayout(dpi=150, rows=4), capture=capture)
        return [sheet.image.tobytes() for sheet in pages]

    for capture in ("scan", "photo"):
        again = images(3, capture)
        assert images(3, capture) == again
        assert len(set(again) | set(images(4, capture))) == 4


def test_pages_are_drawn_one_at_a_time() -> None:
    pages = attendance_sheets(WORLD, signers=990, layout=SheetLayout(dpi=150))
    assert next(pages).number == 1
    assert next(pages).number == 2


def test_a_capture_looks_like_one() -> None:
    by_name = {c: next(iter(attendance_sheets(WORLD, signers=2, capture=c))) for c in SHEET_CAPTURES}
    assert set(np.unique(by_name["print"].image)) >= {255}
    assert 215 < np.median(by_name["scan"].image) < 254
    assert np.allclose(by_name["scan"].homography[2], [0, 0, 1])
    photo = by_name["photo"]
    assert np.abs(photo.homography[2, :2]).max() > 1e-6, "a photo has perspective"
    corners = project(photo.homography, np.array([[0, 0], [1653, 0], [1653, 2338], [0, 2338]], dtype=float))
    assert (corners > 0).all()
    assert (corners < np.array(photo.image.shape[::-1])).all(), "the whole page is in the picture"


def test_a_blank_form_is_printed_and_found() -> None:
    people = [("A-17", "Łódź"), ("Ω2", "")]
    (sheet,) = blank_sheets(people, SheetLayout(dpi=150, rows=3, columns=2))
    assert not sheet.synthetic
    check_sheet(sheet)
    assert [(box.identifier, box.kind, box.signer) for box in sheet.boxes[::2]] == [
        ("A-17", "", None),
        ("Ω2", "", None),
    ]
    for box in sheet.boxes:
        assert inside(sheet, box.page_corners).min() == 255
    (other,) = blank_sheets([("A-18", "Łódź"), ("Ω2", "")], SheetLayout(dpi=150, rows=3, columns=2))
    assert (other.image != sheet.image).any(), "identifiers are printed"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signers": 0}, "0 people do not fit"),
        ({"signers": 2000}, "2000 people do not fit one set of sheets"),
        ({"capture": "fax"}, "unknown capture 'fax'"),
        ({"absent": -0.1}, "must lie in"),
        ({"absent": 0.6, "proxies": 0.6}, "must lie in"),
        ({"signers": 1, "proxies": 0.5}, "a class of one"),
    ],
)
def test_a_nonsense_class_is_refused_before_anything_is_drawn(change: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        attendance_sheets(WORLD, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [{"dpi": 100}, {"dpi": 600}, {"rows": 0}, {"rows": 17}, {"columns": 7}, {"columns": 2.0}, {"dpi": True}]
)
def test_a_nonsense_layout_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"use an integer from \d+ to \d+"):
        SheetLayout(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("people", "words"),
    [
        ([], "0 people"),
        ([("", "x")], "is empty"),
        ([("a", ""), ("a", "")], "stands there twice"),
        ([("x" * 25, "")], "longer than 24"),
        ([("a", "☃")], "cannot print '☃'"),
        ([("a\x07", "")], "cannot print"),
        ([(f"{i}", "") for i in range(max_people() + 1)], "several sets"),
    ],
)
def test_identifiers_that_cannot_be_printed_are_refused(people: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        blank_sheets(people)


COMMAND = ("sheet", "make", "--quiet", "--signers", "5", "--per-signer", "2", "--rows", "3", "--dpi", "150")


def test_the_command_writes_pages_and_a_ground_truth_that_a_detector_confirms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "class"
    command = [*COMMAND, "--out", str(out), "--capture", "photo"]
    assert main(command) == 0
    assert sorted(f.name for f in out.iterdir()) == ["page_001.png", "page_002.png", "sheets.json"]
    truth = json.loads((out / "sheets.json").read_text(encoding="utf-8"))
    assert truth["synthetic"] is True
    assert "synthetic" in truth["notice"]
    assert sum(len(page["boxes"]) for page in truth["pages"]) == 10
    for page in truth["pages"]:
        with Image.open(out / page["file"]) as picture:
            assert "synthetic" in picture.text["Source"]  # type: ignore[attr-defined]
            assert not picture.getexif()
            image = np.asarray(picture)
        assert image.shape == (page["height"], page["width"])
        found = detect(image)
        for mark in page["marks"]:
            assert np.abs(found[mark["number"]] - np.array(mark["image_corners"])).max() < 4
        for box in page["boxes"]:
            mapped = project(np.array(page["homography"]), np.array(box["page_corners"]))
            np.testing.assert_allclose(mapped, box["image_corners"], atol=0.01)
    before = (out / "page_001.png").read_bytes()
    (out / "page_001.png").unlink()
    assert main(command) == 0, "what is missing is drawn again"
    assert (out / "page_001.png").read_bytes() == before
    assert main([*command, "--seed", "5"]) == 2
    assert "other settings; use --fresh" in capsys.readouterr().err
    assert main([*command, "--seed", "5", "--signers", "2", "--fresh"]) == 0
    assert sorted(f.name for f in out.iterdir()) == ["page_001.png", "sheets.json"]


def test_a_pdf_holds_every_page_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    assert main([*COMMAND, "--out", str(tmp_path / "p"), "--format", "pdf"]) == 0
    content = (tmp_path / "p/sheets.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/DCTDecode") == 2
    assert "synthetic".encode("utf-16-be") in content
    assert sorted(f.name for f in (tmp_path / "p").iterdir()) == ["sheets.json", "sheets.pdf"]


def test_blank_forms_come_from_a_table_and_record_no_names(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([["name", "identifier"], ["Nobody Particular", "B-2"], ["", "A-1"]])
    assert read_identifiers(table) == [("B-2", "Nobody Particular"), ("A-1", "")]
    out = tmp_path / "blank"
    assert main(["sheet", "make", "--blank", "--identifiers", str(table), "--out", str(out), "--quiet"]) == 0
    text = (out / "sheets.json").read_text(encoding="utf-8")
    assert json.loads(text)["synthetic"] is False
    assert [box["identifier"] for box in json.loads(text)["pages"][0]["boxes"][::4]] == ["B-2", "A-1"]
    assert "Nobody" not in text
    with Image.open(out / "page_001.png") as picture:
        assert "blank form" in picture.text["Source"]  # type: ignore[attr-defined]
        assert set(detect(np.asarray(picture))) == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"name\nx\n", "no column 'identifier'"), (b"identifier\n", "lists nobody"), (b"identifier\n\xff\n", "UTF-8")],
)
def test_a_table_without_identifiers_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SheetError, match=words):
        read_identifiers(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--format docx", "unknown format 'docx'"),
        ("--blank", "belong together"),
        ("--identifiers x.csv", "belong together"),
        ("--blank --identifiers no/such.csv", "No such file"),
        ("--world mars", "unknown world 'mars'"),
        ("--per-signer 9", "columns of a sheet is 9"),
        ("--capture fax", "unknown capture"),
        ("--seed -1", "seed is -1"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sheet", "make", "--out", str(tmp_path / "x"), "--quiet", *arguments.split()]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error
    assert not (tmp_path / "x").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "page_001.png").write_bytes(b"mine")
    assert main([*COMMAND, "--out", str(tmp_path), "--fresh"]) == 2
    assert "holds no sheets" in capsys.readouterr().err
    assert (tmp_path / "page_001.png").read_bytes() == b"mine"
