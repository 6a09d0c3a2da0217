"""Extraction: boxes and identifiers are those of the ground truth, whatever the page has been through; refusals."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.adapters.provenance import ProvenanceError, load_provenance
from pipelines.cli import main
from pipelines.export_forms import NOTICE, png_bytes
from pipelines.extract import Options, extract_sheets
from pipelines.extract_folder import REAL_NOTICE, folder_names
from pipelines.images import read_image
from pipelines.sheet_boxes import Page, cut
from pipelines.sheet_pages import SheetError, png_source
from pipelines.sheet_pose import Form, NoPage, upright
from pipelines.sheet_ruled import SIGNATURE, ruled_page
from pipelines.sheets import make_blank_sheets, make_sheets
from synth import SheetLayout, World, attendance_sheets
from synth.sheet_capture import project
from synth.sheet_layout import CORNER_IDS
from synth.sheets import Sheet

WORLD = World(11)
SMALL = SheetLayout(dpi=150, rows=6, columns=3)


def form_of(signers: int, layout: SheetLayout) -> Form:
    return Form(layout, tuple(f"S{i:06d}" for i in range(signers)))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two quadrilaterals."""
    a, b = a.astype(np.float32), b.astype(np.float32)
    shared, _ = cv2.intersectConvexConvex(a, b)
    return shared / (cv2.contourArea(a) + cv2.contourArea(b) - shared)


def judged(page: Page, sheet: Sheet, turn: np.ndarray | None = None) -> tuple[int, int, int, int]:
    """Return how many boxes there are, are found, are named right, and are rightly told to be empty or not."""
    turn = np.eye(3) if turn is None else turn
    truth = [(project(turn, box.image_corners), box) for box in sheet.boxes]
    found = named = filled = 0
    crops = {id(crop.cell): crop for crop in cut(page)}
    for cell in page.cells:
        if not cell.identifier:
            continue
        left, top, right, bottom = cell.edges
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        seen = project(page.to_image, corners)
        share, box = max(((overlap(seen, corners), box) for corners, box in truth), key=lambda pair: pair[0])
        if share > 0.9:
            found += 1
            named += cell.identifier == box.identifier and cell.column == box.column
            filled += (crops[id(cell)].image is None) == (box.kind == "absent")
    return len(sheet.boxes), found, named, filled


def without_marks(sheet: Sheet, numbers: set[int]) -> np.ndarray:
    """Return the picture with some marks covered by paper, as torn off or blotted out."""
    image = sheet.image.copy()
    for mark in sheet.marks:
        if mark.number in numbers:
            middle = mark.image_corners.mean(axis=0)
            corners = middle + 1.15 * (mark.image_corners - middle)
            outside = project(sheet.homography, mark.page_corners[:1] - 6.0)[0].astype(int)
            cv2.fillConvexPoly(image, corners.astype(np.int32), int(image[outside[1], outside[0]]))
    return image


@pytest.mark.parametrize("capture", ["print", "scan", "photo"])
def test_every_box_is_found_and_named(capture: str) -> None:
    for sheet in attendance_sheets(WORLD, signers=9, layout=SMALL, capture=capture, absent=0.2):
        boxes, found, named, filled = judged(upright(sheet.image, form_of(9, SMALL)), sheet)
        assert boxes == found == named
        assert filled >= boxes - 1


@pytest.mark.slow
@pytest.mark.parametrize(("capture", "least"), [("scan", 0.99), ("photo", 0.95)])
def test_a_class_of_184_with_four_signatures_each_is_found_and_named(capture: str, least: float) -> None:
    layout = SheetLayout(dpi=150)
    counts = np.zeros(4)
    for sheet in attendance_sheets(WORLD, layout=layout, capture=capture, absent=0.05, proxies=0.05):
        counts += judged(upright(sheet.image, form_of(184, layout)), sheet)
    assert counts[0] == 736
    assert counts[1:3].min() / counts[0] >= least
    assert counts[3] / counts[0] >= 0.98


@pytest.mark.parametrize("quarter", [cv2.ROTATE_90_CLOCKWISE, cv2.ROTATE_180, cv2.ROTATE_90_COUNTERCLOCKWISE])
def test_a_page_may_lie_in_any_direction(quarter: int) -> None:
    sheet = next(iter(attendance_sheets(WORLD, signers=3, layout=SMALL, capture="photo")))
    as_is = upright(sheet.image, form_of(3, SMALL))
    turned = upright(cv2.rotate(sheet.image, quarter), form_of(3, SMALL))
    for one, other in zip(as_is.cells, turned.cells, strict=True):
        assert one.identifier == other.identifier
        assert np.abs(np.array(one.edges) - other.edges).max() < 2.0


@given(lost=st.sets(st.integers(0, 9), min_size=1, max_size=6), capture=st.sampled_from(["scan", "photo"]))
@settings(max_examples=4)
def test_marks_that_are_gone_cost_confidence_and_not_boxes(lost: set[int], capture: str) -> None:
    sheet = next(iter(attendance_sheets(WORLD, signers=6, layout=SMALL, capture=capture)))
    lost = lost - {9} if set(range(4, 10)) <= lost else lost  # of a form of one page any mark would do
    page = upright(without_marks(sheet, lost), form_of(6, SMALL))
    boxes, found, named, _ = judged(page, sheet)
    assert boxes == found == named
    assert len(page.notes) == bool(lost & set(CORNER_IDS)) + bool(lost - set(CORNER_IDS))
    for cell in page.cells:
        assert (cell.sure < 1.0) == (cell.row + len(CORNER_IDS) in lost)


@pytest.mark.parametrize("capture", ["scan", "photo"])
def test_ruled_sheets_of_others_give_their_boxes_in_reading_order(capture: str) -> None:
    sheet = next(iter(attendance_sheets(WORLD, signers=6, layout=SMALL, capture=capture, absent=0.15)))
    image = without_marks(sheet, {mark.number for mark in sheet.marks})
    page = ruled_page(image)
    cells = [cell for cell in page.cells if cell.identifier == SIGNATURE]
    assert len(cells) == len(sheet.boxes)
    for cell, box in zip(cells, sheet.boxes, strict=True):
        left, top, right, bottom = cell.edges
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        assert overlap(project(page.to_image, corners), box.image_corners) > 0.9
    kinds = [(crop.image is None) == (box.kind == "absent") for crop, box in zip(cut(page), sheet.boxes, strict=True)]
    assert np.mean(kinds) > 0.9


def drawn_page() -> np.ndarray:
    """Return a page of four boxes that stand apart; a stroke runs from the second over its edge, the last is empty."""
    page = np.full((1169, 827), 255, np.uint8)
    for x, y in ((100, 200), (450, 200), (100, 500), (450, 500)):
        cv2.rectangle(page, (x, y), (x + 280, y + 160), 0, 2)
        if (x, y) != (450, 500):
            cv2.ellipse(page, (x + 120, y + 80), (70, 40), 20, 0, 360, 30, 3)
    cv2.line(page, (560, 250), (600, 375), 30, 3)
    return page


def test_a_stroke_over_the_edge_is_kept_and_an_empty_box_is_empty() -> None:
    crops = cut(ruled_page(drawn_page()))
    assert [crop.image is None for crop in crops] == [False, False, False, True]
    plain, crossed = crops[0].image, crops[1].image
    assert crossed.shape[0] >= plain.shape[0] + 8
    assert (crossed[-8:] < 150).sum() >= 10  # its end outside the box
    assert (plain[[1, -2]] > 200).all()  # the printed line is gone
    assert (plain[:, [1, -2]] > 200).all()


def test_a_folder_per_person_that_says_what_it_is(tmp_path: Path) -> None:
    make_sheets(
        tmp_path / "sheets", signers=3, layout={"dpi": 150, "rows": 2, "columns": 2}, capture="scan", absent=0.2
    )
    out = tmp_path / "out"
    record = extract_sheets([tmp_path / "sheets"], out)
    assert (record["pages"], record["boxes"], record["synthetic"]) == (2, 6, True)
    files = sorted(path.relative_to(out).as_posix() for path in out.glob("*/*.png"))
    assert len(files) == record["written"] == 6 - record["empty"]
    assert png_source((out / files[0]).read_bytes()) == NOTICE
    assert not load_provenance(out).contains_real_signatures
    with (out / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == files
    assert all(row["path"] == f"{row['signer']}/{row['session']}.png" for row in rows)
    assert extract_sheets([tmp_path / "sheets"], out) == record  # nothing is done twice
    with pytest.raises(SheetError, match="holds another extraction; use --fresh"):
        extract_sheets([tmp_path / "sheets"], out, options=Options(scale=0.5))
    extract_sheets([tmp_path / "sheets"], tmp_path / "half", options=Options(page=(888, 1212), scale=0.5))
    whole, half = read_image(out / files[0]), read_image(tmp_path / "half" / files[0])
    assert half.shape[1] / whole.shape[1] == pytest.approx(444 / 1240, rel=0.02)


def test_a_scan_is_taken_for_real_until_somebody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_sheets(tmp_path / "sheets", signers=2, layout={"dpi": 150, "rows": 2, "columns": 2}, capture="print")
    image = read_image(tmp_path / "sheets" / "page_001.png")
    (tmp_path / "scans").mkdir()
    Image.fromarray(image).save(tmp_path / "scans" / "scan.jpg", quality=95)  # has no mark of its own
    out, form = tmp_path / "out", str(tmp_path / "sheets")
    assert main(["sheet", "extract", str(tmp_path / "scans"), "--form", form, "--out", str(out), "--quiet"]) == 0
    assert "taken for real signatures" in capsys.readouterr().out
    assert png_source((out / "S000000" / "1.png").read_bytes()) == REAL_NOTICE
    assert "contains_real_signatures = true" in (out / "provenance.toml").read_text(encoding="utf-8")
    with pytest.raises(ProvenanceError, match="still a placeholder"):
        load_provenance(out)
    kept = (out / "provenance.toml").read_text(encoding="utf-8").replace("TODO", "answered")
    (out / "provenance.toml").write_text(kept, encoding="utf-8")
    extract_sheets([tmp_path / "scans"], out, form=form, fresh=True)
    assert (out / "provenance.toml").read_text(encoding="utf-8") == kept


def test_a_blank_form_is_signed_and_read_from_pdf(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    (tmp_path / "class.csv").write_text("identifier\nA-1\nB/2\n", encoding="utf-8")
    make_blank_sheets(tmp_path / "form", tmp_path / "class.csv", layout={"dpi": 150, "rows": 2, "columns": 2})
    record = extract_sheets([tmp_path / "form" / "sheets.pdf"], tmp_path / "none", form=tmp_path / "form")
    assert (record["boxes"], record["empty"], record["synthetic"]) == (4, 4, False)
    make_sheets(tmp_path / "signed", signers=2, layout={"dpi": 150, "rows": 2, "columns": 2}, form="pdf")
    options = Options(per_signer=2, rows=2)
    record = extract_sheets(
        [tmp_path / "signed" / "sheets.pdf"], tmp_path / "out", identifiers=tmp_path / "class.csv", options=options
    )
    assert (record["written"], record["synthetic"]) == (4, True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == ["A-1", "B_2"]


def test_others_sheets_and_their_list_must_fit_together(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(png_bytes(drawn_page(), notice="anybody"))
    for count, words in ((3, "4 boxes were found, but 3 identifiers with 2 boxes each need 6"), (1, "more boxes are")):
        text = "identifier\n" + "".join(f"P{i}\n" for i in range(count))
        (tmp_path / "list.csv").write_text(text, encoding="utf-8")
        with pytest.raises(SheetError, match=words):
            extract_sheets(
                [tmp_path / "page.png"],
                tmp_path / "out",
                identifiers=tmp_path / "list.csv",
                options=Options(ruled=True, per_signer=2),
            )
    (tmp_path / "list.csv").write_text("identifier\nP0\nP1\n", encoding="utf-8")
    record = extract_sheets(
        [tmp_path / "page.png"],
        tmp_path / "out",
        identifiers=tmp_path / "list.csv",
        options=Options(ruled=True, per_signer=2),
    )
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").glob("*/*.png")) == [
        "P0/1.png",
        "P0/2.png",
        "P1/1.png",
    ]
    assert (record["empty"], record["synthetic"]) == (1, False)


def test_refusals_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = np.full((400, 300), 255, np.uint8)
    with pytest.raises(NoPage, match="no row's mark can be read"):
        upright(blank, form_of(30, SMALL))
    with pytest.raises(NoPage, match="no boxes with printed lines"):
        ruled_page(blank)
    with pytest.raises(SheetError, match="would share a folder"):
        folder_names(["a/b", "A_B"])
    with pytest.raises(SheetError, match="makes no folder name"):
        folder_names([".."])
    (tmp_path / "page.png").write_bytes(png_bytes(blank))
    page, out = str(tmp_path / "page.png"), str(tmp_path / "out")
    (tmp_path / "list.csv").write_text("identifier\nP0\n", encoding="utf-8")
    for arguments, words in (
        ([page], "give --form with the folder"),
        ([page, "--ruled"], "give --identifiers FILE.csv"),
        ([page, "--identifiers", str(tmp_path / "no.csv")], "no.csv cannot be read: No such file"),
        ([page, "--page", "888"], "write width x height"),
        ([page, "--scale", "9"], "--scale is 9.0; use a number from 0.05 to 4"),
        ([str(tmp_path / "nothing")], "no file or folder"),
        ([page, "--identifiers", str(tmp_path / "list.csv")], "no box was found: page.png: no row's mark"),
    ):
        assert main(["sheet", "extract", *arguments, "--out", out, "--quiet"]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_one_command_goes_from_sheets_to_a_classifier(tmp_path, finished_run, capsys):
    run = tmp_path / "class"
    words = ["--signers", "4", "--preset", "smoke", "--from", str(finished_run), "--quiet"]
    assert main(["sheet", "class", "--run", str(run), *words]) == 0
    assert "1 pages, 16 boxes: 16 signatures" in capsys.readouterr().out
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        named = {row["name"] for row in csv.DictReader(file)}
    assert named == {f"S{person:06d}/{n}.png" for person in range(4) for n in range(1, 5)}
