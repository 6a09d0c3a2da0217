"""Every built-in layout on a tiny tree of generated signatures, with the traps that circulating copies set."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipelines.adapters import (
    AdapterError,
    LoadedSet,
    adapter_names,
    check_adapter,
    likely_adapter,
    load_signatures,
    make_provenance,
    open_adapter,
    open_layout,
)
from pipelines.adapters.manifest import path_fault
from pipelines.export_forms import svc2004_text, write_sigver
from pipelines.own_data import evaluate_folder
from pipelines.progress import Progress
from pipelines.reading import draw_plainly
from pipelines.svc_text import read_svc_text
from synth import World, forge, render

Pixels = NDArray[np.uint8]
SIGNERS, GENUINE, FORGED = 3, 4, 3
LAYOUTS = [name for name in adapter_names() if name not in ("sigver", "refined")]
"""Of "sigver" npz reads the same, and "refined" is what an audit leaves (test_pipelines_audit.py)."""
RECORD = """source = "drawn by a test"
licence = "CC0-1.0"
lawful_basis = "no person is involved"
purpose = "evaluation"
contact = "the test"
contains_real_signatures = false
"""


class Act(NamedTuple):
    """One generated signature: signer 1, 2 or 3, kind, its number from 1, pixels and movement."""

    signer: int
    kind: str
    n: int
    pixels: Pixels
    movement: NDArray[np.float64]


@pytest.fixture(scope="module")
def acts() -> list[Act]:
    world, made = World(5), []
    for signer in range(1, SIGNERS + 1):
        drawn = [("genuine", n + 1, world[signer].genuine(4 * n)) for n in range(GENUINE)]
        forger = world[signer % SIGNERS + 1]
        drawn += [
            ("skilled", n + 1, forge(world[signer], by=forger, kind="freehand", skill=0.7, act=n))
            for n in range(FORGED)
        ]
        made += [Act(signer, kind, n, render(s, height=60, width=130), s.trajectory) for kind, n, s in drawn]
    return made


def save(path: Path, pixels: Pixels, form: str | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format=form)


def images(root: Path, acts: list[Act], name: Callable[[Act], str]) -> Path:
    for act in acts:
        save(root / name(act), act.pixels)
    return root


def is_forged(act: Act) -> bool:
    return act.kind != "genuine"


def cedar(act: Act) -> str:
    word = "forg/forgeries" if is_forged(act) else "org/original"
    return f"signatures/full_{word}_{act.signer}_{act.n}.png"


def pairs(act: Act) -> str:
    turned = act.n % 2  # both orders of names are about
    if is_forged(act):
        who = f"{20 + act.n:04d}{act.signer:03d}"
        return f"train/{act.signer:03d}_forg/" + (f"{act.n:02d}_{who}.PNG" if turned else f"{who}_{act.n:02d}.png")
    who = f"{act.signer:03d}"
    return f"train/{who}/" + (f"{act.n:02d}_{who}.png" if turned else f"{who}_{act.n:02d}.png")


NAMES: dict[str, Callable[[Act], str]] = {
    "folders": lambda a: f"{a.signer}/{'Forged' if is_forged(a) else 'genuine'}/{a.n}.png",
    "cedar": cedar,
    "bhsig260": lambda a: (
        f"BHSig260/Bengali/{a.signer:03d}/B-S-{a.signer}-{'F' if is_forged(a) else 'G'}-{a.n:02d}.tif"
    ),
    "mcyt75": lambda a: f"{a.signer:04d}/{a.signer:04d}{'f' if is_forged(a) else 'v'}{a.n:02d}.bmp",
    "gpds": lambda a: f"{a.signer:03d}/{'cf' if is_forged(a) else 'c'}-{a.signer:03d}-{a.n:02d}.jpg",
    "utsig": lambda a: f"{'Forgery/Skilled' if is_forged(a) else 'Genuine'}/{a.signer}/{a.n}.tif",
    "sigcomp2009": lambda a: f"NFI-{a.signer % 3 + 1 if is_forged(a) else a.signer:03d}{a.n:02d}{a.signer:03d}.png",
    "sigcomp2011": lambda a: (
        f"Dutch/Offline Forgeries/{30 + a.n:04d}{a.signer:03d}_{a.n:02d}.PNG"
        if is_forged(a)
        else f"Dutch/Offline Genuine/{a.signer:03d}_{a.n:02d}.PNG"
    ),
    "folder_pairs": pairs,
    "puc_pr": lambda a: f"a{a.signer:03d}_{a.n + (50 if is_forged(a) else 0):02d}.jpg",
}


def make_svc2004(root: Path, acts: list[Act]) -> Path:
    for act in acts:
        path = root / "Task2" / f"U{act.signer}S{act.n + (20 if is_forged(act) else 0)}.TXT"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svc2004_text(act.movement), encoding="ascii")
    return root


def make_manifest(root: Path, acts: list[Act]) -> Path:
    images(root, acts, lambda a: f"scans/{a.signer}_{a.kind}_{a.n}.png")
    with (root / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Path", "signer", "label", "session"])
        rows.writerows([f"scans/{a.signer}_{a.kind}_{a.n}.png", f"s{a.signer}", a.kind, "1"] for a in acts[::-1])
    return root


def make_npz(root: Path, acts: list[Act]) -> Path:
    root.mkdir(parents=True)
    labels = {
        "y": np.array([a.signer - 1 for a in acts]),
        "yforg": np.array([int(is_forged(a)) for a in acts]),
        "user_mapping": np.array([11, 12, 13]),
    }
    ink = np.stack([255 - a.pixels for a in acts])[:, None]
    write_sigver(root / "set.npz", blocks=[ink], count=len(acts), size=(60, 130), labels=labels)
    return root


def make(name: str, root: Path, acts: list[Act]) -> Path:
    special = {"svc2004": make_svc2004, "manifest": make_manifest, "npz": make_npz}
    made = special[name](root, acts) if name in special else images(root, acts, NAMES[name])
    (made / "provenance.toml").write_text(RECORD, encoding="utf-8")
    return made


def load(name: str, root: Path) -> LoadedSet:
    record = make_provenance(source="a test", licence="CC0-1.0", lawful_basis="nobody", purpose="evaluation",
                             contact="the test", contains_real_signatures=False)  # fmt: skip
    return load_signatures(open_layout(name, root), record)


# Properties


@given(st.text(alphabet="ab/\\.:0\0 C", max_size=12))
def test_no_manifest_path_that_passes_leaves_the_folder(path: str) -> None:
    if not path_fault(path):
        inside = (Path("/data/set") / path.replace("\\", "/")).parts
        assert inside[:3] == ("/", "data", "set")
        assert ".." not in inside


# Every layout


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_whole_and_keeps_the_contract(name: str, tmp_path: Path, acts: list[Act]) -> None:
    root = make(name, tmp_path / "data", acts)
    for clutter in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (root / clutter).write_bytes(b"\xd0\xcf\x11\xe0 no image")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    adapter = open_layout(name, root)
    check_adapter(adapter)
    loaded = load(name, root)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert (loaded.skipped, loaded.unexpected, loaded.duplicates, loaded.notes) == ([], [], [], [])
    signers = list(adapter.iter_signers())
    assert len(signers) == SIGNERS
    for signer in signers:
        kinds = loaded.kinds[loaded.signers == signer].tolist()
        assert kinds == ["genuine"] * GENUINE + ["skilled"] * FORGED
    assert loaded.eligible.all()
    if name not in ("mcyt75", "gpds", "puc_pr", "svc2004"):  # lossless forms: the pixels are those that were drawn
        drawn = {(a.signer, a.kind, a.n): a.pixels for a in acts}
        first = loaded.images[0]
        assert any(np.array_equal(first, pixels) for pixels in drawn.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_is_recognised_and_a_wrong_name_is_answered_by_the_right_one(
    name: str, tmp_path: Path, acts: list[Act]
) -> None:
    root = make(name, tmp_path / "data", acts)
    assert likely_adapter(root) == name
    wrong = "gpds" if name != "gpds" else "cedar"
    with pytest.raises(AdapterError, match=rf"does not look like layout '{wrong}' \(0% of its files fit\)") as caught:
        open_layout(wrong, root)
    assert str(caught.value).endswith(f"use --adapter {name}")
    assert "\n" not in str(caught.value)
    if name not in ("folders", "utsig"):
        with pytest.raises(AdapterError, match=f"use --adapter {name}"):
            open_layout("folders", root)


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("bhsig260", "npz", "svc2004") else pytest.param(name, marks=pytest.mark.slow)
        for name in LAYOUTS
    ],
)
def test_evaluate_works_with_every_layout(name: str, tmp_path: Path, acts: list[Act], finished_run: Path) -> None:
    root = make(name, tmp_path / "data", acts)
    progress = Progress(quiet=True)
    metrics, report = evaluate_folder(finished_run, root, adapter=name, progress=progress, out=tmp_path / "out")
    assert metrics["verifier"]["signers"] == SIGNERS
    assert metrics["verifier"]["trials"]["skilled"] == SIGNERS * GENUINE * FORGED
    digest = metrics["data"]["digest"]
    assert len(digest) == 64
    assert digest in report.read_text(encoding="utf-8"), "the record's digest is in the report"
    kept = tmp_path / "out/metrics.json"
    kept.write_text(kept.read_text(encoding="utf-8").replace(digest, "f" * 64), encoding="utf-8")
    with pytest.raises(ValueError, match=r"out holds the results of .*; choose another --out, or move it away$"):
        evaluate_folder(finished_run, root, adapter=name, progress=progress, out=tmp_path / "out")


def test_a_folder_that_fits_no_layout_gives_no_false_hint(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/notes.txt").write_text("nothing")
    (tmp_path / "readme").write_text("nothing")
    (tmp_path / "more.txt").write_text("nothing")
    assert likely_adapter(tmp_path) is None


def test_the_example_of_the_readme_is_a_whole_adapter(tmp_path: Path, acts: list[Act]) -> None:
    from pipelines.adapters import contract

    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    example = next(part.split("```")[0] for part in text.split("```python\n") if "register_adapter" in part[:200])
    images(tmp_path, acts, lambda a: f"{a.signer}_{'fake' if is_forged(a) else 'real'}_{a.n}.png")
    try:
        exec(compile(example, "README.md", "exec"), {"__name__": "ours", "__package__": "pipelines.adapters"})
        check_adapter(open_layout("ours", tmp_path))
        assert load("ours", tmp_path).counts["skilled"] == SIGNERS * FORGED
    finally:
        contract._ADAPTERS.pop("ours", None)


# Variants of the folder layout


def test_folders_may_stand_the_other_way_round(tmp_path: Path, acts: list[Act]) -> None:
    images(tmp_path, acts, lambda a: f"{'FORGED' if is_forged(a) else 'Genuine'}/p{a.signer}/{a.n}.png")
    loaded = load("folders", tmp_path)
    assert list(dict.fromkeys(loaded.signers.tolist())) == ["p1", "p2", "p3"]
    assert loaded.counts["genuine"] == SIGNERS * GENUINE
    assert loaded.counts["skilled"] == SIGNERS * FORGED
    check_adapter(open_adapter("folders", tmp_path))


def test_folders_without_kinds_are_all_genuine_as_sheets_are_extracted(tmp_path: Path, acts: list[Act]) -> None:
    images(tmp_path, [a for a in acts if not is_forged(a)], lambda a: f"ann{a.signer}/{a.n}.png")
    loaded = load("folders", tmp_path)
    assert set(loaded.kinds.tolist()) == {"genuine"}
    assert loaded.unexpected == []


# Traps


def tinted(act: Act) -> Pixels:
    level = 0.98 if is_forged(act) else 0.93  # as CEDAR's scans
    return (act.pixels * level).astype(np.uint8)


def test_a_tint_that_gives_the_label_away_is_told_and_preprocessing_takes_it_out(
    tmp_path: Path, acts: list[Act], finished_run: Path
) -> None:
    for act in acts:
        save(tmp_path / cedar(act), tinted(act))
    loaded = load("cedar", tmp_path)
    assert len(loaded.notes) == 1
    assert loaded.notes[0].startswith("the paper gives the label away: that of forgeries is lighter")
    assert "AUC 1.00" in loaded.notes[0]
    (tmp_path / "provenance.toml").write_text(RECORD, encoding="utf-8")
    evaluated, _ = evaluate_folder(
        finished_run, tmp_path, adapter="cedar", progress=Progress(quiet=True), out=tmp_path.parent / "out"
    )
    assert evaluated["warnings"][0] == loaded.notes[0]
    from pipelines.preprocess import preprocess

    before = preprocess(acts[0].pixels, height=64, width=128)
    after = preprocess(tinted(acts[0]), height=64, width=128)
    assert float(np.abs(before.astype(int) - after.astype(int)).mean()) < 2.0


def test_a_test_part_that_is_a_copy_of_train_is_told_and_left_out(tmp_path: Path, acts: list[Act]) -> None:
    root = make("folder_pairs", tmp_path / "data", acts)
    shutil.copytree(root / "train" / "001", root / "test" / "001")
    shutil.copytree(root / "train" / "002", root / "test" / "002")
    (root / "train_data.csv").write_text("001/001_01.png,001_forg/0021001_01.png,1\n")
    loaded = load("folder_pairs", root)
    assert not [name for name in loaded.names.tolist() if name.startswith("test/")]
    assert len(loaded.duplicates) == 2 * GENUINE
    assert any(note.startswith("test/ is a copy of train/: 8 of its 8 images") for note in loaded.notes)
    assert any("8 of 29 images are pixel for pixel copies" in note for note in loaded.notes)
    assert [item.name for item in loaded.unexpected] == ["train_data.csv"]


def test_wrong_endings_are_read_by_content_and_told(tmp_path: Path, acts: list[Act]) -> None:
    for act in acts:
        save(tmp_path / NAMES["bhsig260"](act), act.pixels, form="PNG")
    loaded = load("bhsig260", tmp_path)
    assert len(loaded) == len(acts)
    assert loaded.notes == ["wrong endings, read by their content: 21 PNG named .tif"]


def test_case_does_not_matter(tmp_path: Path, acts: list[Act]) -> None:
    images(tmp_path, acts, lambda a: cedar(a).replace("full_org/original", "Full_Org/ORIGINAL").replace("png", "PNG"))
    assert load("cedar", tmp_path).counts["genuine"] == SIGNERS * GENUINE


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        ("cedar", "full_org/forgeries_1_1.png", "lies in full_org and is named forgeries"),
        ("bhsig260", "BHSig260/Bengali/002/B-S-1-G-09.tif", "the folder says signer 002, the name says 1"),
        ("gpds", "002/c-001-09.jpg", "the folder says signer 002, the name says 001"),
        ("mcyt75", "0002/0001v09.bmp", "the folder says signer 0002, the name says 0001"),
        ("utsig", "Forgery/Opposite Hand/1/1.tif", "signed with the other hand: neither genuine nor a forgery"),
        ("sigcomp2011", "Dutch/Offline Genuine/0030001_01.png", "the folder and the name disagree"),
        ("folder_pairs", "train/001/0021001_01.png", "a genuine folder, and the name of a forgery"),
        ("folder_pairs", "train/001/002_09.png", "the folder says signer 001, the name says 002"),
        ("folder_pairs", "train/001_forg/0021002_09.png", "the folder says signer 001, the name says 002"),
        ("puc_pr", "a001_61.jpg", "number 61; the set has 1 to 60"),
        ("cedar", "full_org/readme.txt", "not part of the layout 'cedar'"),
    ],
)
def test_a_file_that_contradicts_itself_is_left_out_with_the_reason(
    name: str, path: str, reason: str, tmp_path: Path, acts: list[Act]
) -> None:
    root = make(name, tmp_path / "data", acts)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - acts[0].pixels).save(root / path, format="PNG")
    loaded = load(name, root)
    assert len(loaded) == len(acts)
    assert [item.name for item in loaded.unexpected] == [path]
    assert reason in loaded.unexpected[0].reason


def test_bengali_and_hindi_side_by_side_are_different_people(tmp_path: Path, acts: list[Act]) -> None:
    images(tmp_path, acts, NAMES["bhsig260"])
    for act in acts:
        name = NAMES["bhsig260"](act).replace("Bengali", "Hindi").replace("B-S", "H-S")
        save(tmp_path / name, act.pixels[:, ::-1].copy())
    assert list(open_adapter("bhsig260", tmp_path).iter_signers()) == ["B-1", "B-2", "B-3", "H-1", "H-2", "H-3"]


def test_forgers_are_known_where_the_name_tells(tmp_path: Path, acts: list[Act]) -> None:
    made = {name: make(name, tmp_path / name, acts) for name in ("sigcomp2009", "sigcomp2011", "folder_pairs")}
    assert set(load("sigcomp2009", made["sigcomp2009"]).forgers.tolist()) == {"", "NFI-001", "NFI-002", "NFI-003"}
    assert "dutch-0031" in load("sigcomp2011", made["sigcomp2011"]).forgers.tolist()
    assert "0021" in load("folder_pairs", made["folder_pairs"]).forgers.tolist()
    extra = made["sigcomp2009"] / "NISDCC-005_007_012_6g.PNG"
    save(extra, acts[0].pixels[::-1].copy())
    last = list(open_adapter("sigcomp2009", made["sigcomp2009"]).iter_signatures())[-1]
    assert (last.signer, last.kind, last.forger) == ("NISDCC-007", "skilled", "NISDCC-005")


# Pen movements


def test_both_tasks_of_svc2004_are_read_and_rows_that_open_a_stroke_are_kept(tmp_path: Path, acts: list[Act]) -> None:
    root = make("svc2004", tmp_path / "data", acts)
    for path in sorted((root / "Task2").iterdir()):  # Task 1 has x, y, time and button only
        lines = [" ".join(line.split()[:4]) for line in path.read_text().splitlines()]
        (root / "Task1").mkdir(exist_ok=True)
        (root / "Task1" / path.name.lower()).write_text("\n".join(lines) + "\n")
    loaded = load("svc2004", root)
    assert list(dict.fromkeys(loaded.signers.tolist())) == [f"T{t}-U{s}" for t in (1, 2) for s in (1, 2, 3)]
    assert len(loaded) == 2 * len(acts)
    assert set(np.unique(loaded.images[0][:, 3])) == {0.0, 1.0}
    assert loaded.images[-1].shape[1] == 4
    assert len(loaded.images[0]) == int((root / "Task1" / "u1s1.txt").read_text().split("\n")[0])


def test_broken_movements_are_named_and_left_out(tmp_path: Path, acts: list[Act]) -> None:
    root = make("svc2004", tmp_path / "data", acts)
    (root / "Task2/U1S9.TXT").write_text("3\n1 1 1 1\n2 2 nan 1\n3 3 3 1\n")
    (root / "Task2/U1S10.TXT").write_bytes(b"\xff\xfe\x00")
    (root / "Task2/U1S11.TXT").write_text("3\n1 1 30 1\n2 2 20 1\n3 3 10 1\n")
    (root / "Task2/U1S12.TXT").symlink_to(tmp_path / "nowhere")
    reasons = {item.name.split("/")[-1]: item.reason for item in load("svc2004", root).skipped}
    assert reasons == {
        "U1S9.TXT": "a number is not finite",
        "U1S10.TXT": "not a count followed by rows of numbers",
        "U1S11.TXT": "the time stamps fall",
        "U1S12.TXT": "outside its folder",
    }


def test_the_ink_of_a_movement_is_drawn_where_the_pen_was_down(tmp_path: Path, acts: list[Act]) -> None:
    (tmp_path / "a.txt").write_text(svc2004_text(acts[0].movement))
    page = draw_plainly(read_svc_text(tmp_path / "a.txt"))
    down = acts[0].movement[acts[0].movement[:, 3] > 0]
    ratio = np.ptp(down[:, 0]) / np.ptp(down[:, 1])
    ink = np.argwhere(page < 128)
    tall, wide = ink.max(axis=0) - ink.min(axis=0)
    assert wide / tall == pytest.approx(ratio, rel=0.15)
    top = acts[0].movement[acts[0].movement[:, 3] > 0][:, 1].argmax()
    assert 0.0 <= down[top, 0] - down[:, 0].min() <= np.ptp(down[:, 0])
    with pytest.raises(ValueError, match="never touched the paper"):
        draw_plainly(np.zeros((5, 4)))


# Tables and archives


def test_a_parquet_manifest_says_the_same_as_a_csv(tmp_path: Path, acts: list[Act]) -> None:
    root = make("manifest", tmp_path / "data", acts)
    with (root / "manifest.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    expected = [tuple(map(str, record)) for record in map(identity, open_adapter("manifest", root).iter_signatures())]
    pq.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(head)}), root / "manifest.parquet")
    (root / "manifest.csv").unlink()
    assert [tuple(map(str, identity(r))) for r in open_adapter("manifest", root).iter_signatures()] == expected


def identity(record: object) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in ("signer", "kind", "image", "session"))


def test_rows_that_cannot_be_used_are_named(tmp_path: Path, acts: list[Act]) -> None:
    root = make("manifest", tmp_path / "data", acts)
    save(tmp_path / "outside.png", acts[0].pixels)
    with (root / "manifest.csv").open("a", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["../outside.png", "s1", "genuine", ""])
        rows.writerow(["/etc/passwd", "s1", "genuine", ""])
        rows.writerow(["C:\\a.png", "s1", "genuine", ""])
        rows.writerow(["scans/1_genuine_1.png", "s1", "1", ""])
        rows.writerow(["scans/1_genuine_1.png", "", "genuine", ""])
        rows.writerow(["scans/none.png", "'=cmd()", "genuine", ""])
    loaded = load("manifest", root)
    assert [item.reason for item in loaded.unexpected] == [
        "the path leaves the folder",
        "the path is not relative to the folder",
        "the path is not relative to the folder",
        "kind '1' is none of genuine, simple, skilled",
        "no signer",
    ]
    assert loaded.skipped[0].reason == "missing file"
    assert "=cmd()" in loaded.too_few, "the apostrophe that exports put before formulas is taken off"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"file,who\n", "has no column 'signer' or 'kind'; it has file, who"),
        (b"path,signer,kind\na,\xff,genuine\n", "is no table of comma-separated UTF-8 text"),
        (b"path,signer,kind\n" + b"a" * 200_000 + b",s,genuine\n", "is no table of comma-separated UTF-8 text"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(AdapterError, match=message) as caught:
        list(open_adapter("manifest", tmp_path).iter_signatures())
    assert "\n" not in str(caught.value)


def test_a_pickled_mapping_is_not_opened_and_the_numbers_are_kept(tmp_path: Path, acts: list[Act]) -> None:
    ink = np.stack([255 - a.pixels for a in acts])[:, None]
    y = np.array([a.signer - 1 for a in acts])
    mapping = np.array({0: 11, 1: 12, 2: 13}, dtype=object)
    np.savez(tmp_path / "set.npz", x=ink, y=y, yforg=[int(is_forged(a)) for a in acts], user_mapping=mapping)
    loaded = load("npz", tmp_path)
    assert set(loaded.signers.tolist()) == {"0", "1", "2"}
    assert [item.name for item in loaded.unexpected] == ["set.npz/user_mapping"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros((2, 3, 4, 4), np.uint8)}, r"x must be uint8 of shape \(n, 1, height, width\)"),
        ({"x": np.zeros((2, 1, 4, 4), np.float32)}, "x must be uint8"),
        ({"y": np.array([0, 1, 0])}, "2 images, 3 numbers in y"),
        ({"yforg": np.array([0, 7])}, "labels 0, 1 or 2 in yforg"),
        ({"yforg": np.array([0, None], dtype=object)}, "yforg cannot be read"),
    ],
)
def test_an_archive_of_another_form_is_refused_in_one_line(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    arrays = {"x": np.zeros((2, 1, 4, 4), np.uint8), "y": np.array([0, 0]), "yforg": np.array([0, 0])}
    np.savez(tmp_path / "set.npz", **{**arrays, **change})  # type: ignore[arg-type]
    with pytest.raises(AdapterError, match=message):
        list(open_adapter("npz", tmp_path).iter_signatures())


def test_torn_archives_are_refused(tmp_path: Path) -> None:
    y, x = np.array([0, 1, 0]), np.zeros((3, 1, 4, 4), np.uint8)
    np.savez(tmp_path / "set.npz", x=x, y=y, yforg=np.zeros(3, int))
    with pytest.raises(AdapterError, match="in several stretches; sort x, y and yforg by y"):
        list(open_adapter("npz", tmp_path).iter_signatures())
    (tmp_path / "set.npz").write_bytes(b"PK no archive")
    with pytest.raises(AdapterError, match=r"is no \.npz archive"):
        list(open_adapter("npz", tmp_path).iter_signatures())
