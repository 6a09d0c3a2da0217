"""Exports: the same bytes however drawn, whole or not there, and readable again in every form."""

import csv
import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.adapters import load_provenance, load_signatures, open_adapter
from pipelines.cli import main
from pipelines.csv_text import escape_formula
from pipelines.export import ExportError, export
from pipelines.export_forms import inkml_text, integer_samples, png_bytes, svc2004_text
from pipelines.export_plan import FORMATS, KINDS, PART, ExportSpec, entry, parse_pair, perform
from pipelines.files import write_batch
from pipelines.preprocess import preprocess
from synth import World, forge, render

ROOT = Path(__file__).parents[1]
SMALL = ExportSpec(signers=9, genuine=12, forged=8, size=(40, 90), dpi=None, kinds=("freehand", "simple"))
EVERYTHING = ExportSpec(signers=4, genuine=3, forged=4, dpi=120, kinds=("freehand", "simple"), formats=FORMATS)
INK = "{http://www.w3.org/2003/InkML}"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "set"
    export(out, EVERYTHING)
    return out


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("export") / "set"
    export(out, SMALL)
    return contents(out)


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file but the two that carry the day on which the export was begun."""
    files = {f.relative_to(folder).as_posix(): f for f in folder.rglob("*") if f.is_file()}
    dated = {"export.json", "croissant.json"}
    return {name: hashlib.sha256(f.read_bytes()).hexdigest() for name, f in files.items() if name not in dated}


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


specs = st.builds(
    ExportSpec,
    signers=st.integers(1, 40),
    first=st.integers(0, 2**40),
    genuine=st.integers(2, 30),
    forged=st.integers(0, 30),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, unique=True).map(tuple),
    skill=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda s: (min(s), max(s))),
)


@given(specs)
def test_every_signature_stands_in_one_part_under_one_name_and_nobody_forges_themself(spec: ExportSpec) -> None:
    numbers = [n for part in spec.parts for n in spec.part(part)]
    assert numbers == list(range(spec.total))
    found = [entry(spec, n) for n in numbers]
    assert len({e.name(spec) for e in found}) == spec.total
    assert len({(e.position, e.ordinal) for e in found}) == spec.total
    for e in found:
        assert e.forger != e.signer
        assert (e.forger is None) == (e.label == "genuine")
        assert e.skill is None or spec.skill[0] - 1e-6 <= e.skill <= spec.skill[1] + 1e-6
    assert sum(e.label == "genuine" for e in found) == spec.signers * spec.genuine


@pytest.mark.parametrize("workers", [2, 5])
def test_any_number_of_workers_gives_the_same_bytes(workers: int, tmp_path: Path, small: dict[str, str]) -> None:
    assert SMALL.total > PART
    export(tmp_path / "set", SMALL, workers=workers)
    assert contents(tmp_path / "set") == small


def test_shards_drawn_apart_and_copied_together_give_the_same_bytes_in_every_format(tmp_path: Path) -> None:
    spec, out = dataclasses.replace(SMALL, formats=FORMATS), tmp_path / "set"
    export(tmp_path / "whole", spec, workers=2)
    for i in (2, 1):
        done = export(tmp_path / f"{i}", spec, shard=(i, 2))
        assert not done.whole
        assert not (tmp_path / f"{i}" / "provenance.toml").exists(), "a shard must not look like a whole set"
        shutil.copytree(tmp_path / f"{i}", out, dirs_exist_ok=True)
    assert export(out, spec) == (spec.total, 0, True)
    assert contents(out) == contents(tmp_path / "whole")
    assert export(out, spec).drawn == 0, "the merged archive counts as done"
    assert not list(out.glob(".parts/*.npy"))


def test_shards_may_share_a_folder_at_the_same_time(tmp_path: Path, small: dict[str, str]) -> None:
    out = tmp_path / "set"
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda i: export(out, SMALL, shard=(i, 2)), (1, 2)))
    assert sum(d.drawn for d in done) == SMALL.total
    assert export(out, SMALL).drawn == 0
    assert contents(out) == small


def test_a_shard_that_looks_while_another_begins_joins_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(tmp_path / "set", SMALL, shard=(1, 2))
    exists, looks = Path.exists, []

    def too_early(path: Path, **options: bool) -> bool:
        if path.name == "export.json":
            looks.append(path)
        return len(looks) != 1 and exists(path, **options)

    monkeypatch.setattr(Path, "exists", too_early)
    assert export(tmp_path / "set", SMALL, shard=(2, 2)).drawn > 0


def test_the_settings_alone_decide_the_pixels(tmp_path: Path) -> None:
    other = dataclasses.replace(SMALL, seed=12)
    export(tmp_path / "a", SMALL)
    export(tmp_path / "b", other)
    first, second = ([r["pixels_sha256"] for r in rows(tmp_path / name)] for name in ("a", "b"))
    assert not set(first) & set(second)


def test_a_killed_export_goes_on_to_the_same_set_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    spec = ExportSpec(signers=80, genuine=6, forged=4, size=(40, 90), dpi=None)
    export(tmp_path / "whole", spec, workers=2)
    out = tmp_path / "set"
    command = [sys.executable, "-m", "pipelines", "export", "--out", str(out), "--signers", "80", "--forged", "4"]
    running = subprocess.Popen([*command, "--size", "40x90", "--workers", "2", "--quiet"], cwd=ROOT)
    deadline = time.monotonic() + 120
    while len(list(out.glob(".parts/*.parquet"))) < 2 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, "it finished before it could be killed"
    assert 1 < len(list(out.glob(".parts/*.parquet"))) < len(spec.parts)
    assert not (out / "provenance.toml").exists()
    for path in out.rglob("*.png"):
        if not path.name.startswith("."):
            Image.open(path).load()
    last = out / "79/genuine"  # of the last part, which was not begun or not finished
    last.mkdir(parents=True, exist_ok=True)
    (last / f".{running.pid}.000.png").write_bytes(b"half")
    assert main([*command[3:], "--size", "40x90", "--quiet"]) == 0
    assert contents(out) == contents(tmp_path / "whole")


def test_a_deleted_file_is_drawn_again_and_nothing_else(tmp_path: Path, small: dict[str, str]) -> None:
    out = tmp_path / "set"
    export(out, SMALL)
    (out / "8/forged/000.png").unlink()
    (out / "manifest.csv").unlink()
    assert export(out, SMALL).drawn == SMALL.total - PART
    assert contents(out) == small


def test_a_full_disk_is_one_line_and_leaves_no_part_of_a_file(tmp_path: Path, small: dict[str, str]) -> None:
    out = tmp_path / "set"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500));"
        "from pipelines.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = ["export", "--out", str(out), "--signers", "9", "--genuine", "12", "--forged", "8", "--size", "40x90"]
    command += ["--kind", "freehand,simple", "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert [f.name for f in out.rglob("*") if f.is_file()] == ["export.json"]
    assert main(command) == 0
    assert contents(out) == small


def test_a_batch_of_files_appears_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("a file where a folder is needed")
    with pytest.raises(OSError, match="b"):
        write_batch([(tmp_path / "a", b"one"), (tmp_path / "b/c", b"two")])
    assert [f.name for f in tmp_path.iterdir()] == ["b"]


def test_the_folder_read_back_through_the_adapter_gives_the_drawn_canvases(everything: Path) -> None:
    loaded = load_signatures(open_adapter("folders", everything), load_provenance(everything))
    assert len(loaded) == EVERYTHING.total
    assert loaded.skipped == loaded.duplicates == loaded.unexpected == loaded.too_few == []
    world, by_name = World(11), dict(zip(loaded.names.tolist(), loaded.images, strict=True))
    genuine = render(world[2].genuine(4), dpi=120, capture="scan")
    np.testing.assert_array_equal(by_name["2/genuine/001.png"], genuine)
    attack = forge(world[2], by=world[3], kind="freehand", skill=0.5 + 0.45 * 0.5 / 4, act=0)
    np.testing.assert_array_equal(by_name["2/forged/000.png"], render(attack, dpi=120, capture="scan"))
    for name, kind in zip(loaded.names.tolist(), loaded.kinds.tolist(), strict=True):
        assert {"genuine": "genuine", "forged": "skilled", "simple": "simple"}[name.split("/")[1]] == kind
    assert load_provenance(everything).contains_real_signatures is False


def test_the_manifest_tells_the_truth_in_both_tables(everything: Path) -> None:
    table, listed = pq.read_table(everything / "manifest.parquet").to_pylist(), rows(everything)
    assert len(table) == len(listed) == EVERYTHING.total
    for n, (row, cells) in enumerate(zip(table, listed, strict=True)):
        assert cells == {
            k: "" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for k, v in row.items()
        }
        for column in ("path", "trajectory", "svc2004", "inkml"):
            path = PurePosixPath(row[column])
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert str(path) == row[column]
            assert (everything / path).is_file()
        pixels = np.asarray(Image.open(everything / row["path"]))
        assert pixels.shape == (row["height"], row["width"])
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == row["pixels_sha256"]
        what = entry(EVERYTHING, n)
        assert (row["signer"], row["kind"], row["act"], row["forger"]) == (
            what.signer,
            what.kind,
            what.act,
            what.forger,
        )
        samples = integer_samples(perform(EVERYTHING, what).trajectory)
        assert row["trajectory_sha256"] == hashlib.sha256(samples.tobytes()).hexdigest()
        with np.load(everything / row["trajectory"], allow_pickle=False) as archive:
            start, stop = archive["start"][row["trajectory_row"] :][:2]
            np.testing.assert_array_equal(archive["samples"][start:stop], samples)
            assert f"{archive['names'][row['trajectory_row']]}.png" == row["path"]


def test_every_file_says_that_it_is_synthetic(everything: Path) -> None:
    image = Image.open(next(everything.glob("*/*/*.png")))
    assert "synthetic" in image.text["Source"]  # type: ignore[attr-defined]
    assert not image.getexif()
    assert image.info["dpi"] == pytest.approx((120, 120), abs=0.02)
    assert image.mode == "L"
    for path in (everything / "forms/sigver.npz", *everything.glob("forms/trajectories/*.npz")):
        with np.load(path, allow_pickle=False) as archive:
            assert "synthetic" in str(archive["notice"])
    assert b"synthetic" in pq.read_schema(everything / "manifest.parquet").metadata[b"notice"]
    assert {row["synthetic"] for row in rows(everything)} == {"true"}
    for name in ("DATA_CARD.md", "croissant.json", "export.json", "forms/svc2004/SYNTHETIC.txt", "provenance.toml"):
        assert "ynthetic" in (everything / name).read_text(encoding="utf-8")
    assert "synthetic" in next(everything.glob("forms/inkml/*/*/*")).read_text(encoding="utf-8")


def test_the_archive_is_laid_out_as_sigver_reads_it_and_needs_no_pickle(everything: Path) -> None:
    with np.load(everything / "forms/sigver.npz", allow_pickle=False) as data:
        x, y, yforg = data["x"], data["y"], data["yforg"]
        user_mapping, filenames = data["user_mapping"], data["filenames"]
    assert x.shape == (EVERYTHING.total, 1, 170, 242)
    assert x.dtype == np.uint8
    listed = rows(everything)
    assert [str(user_mapping[i]) for i in y] == [row["signer"] for row in listed]
    assert yforg.tolist() == [{"genuine": 0, "skilled": 1, "simple": 2}[row["label"]] for row in listed]
    assert filenames.tolist() == [row["path"] for row in listed]
    for i in (0, 5, 27):
        image = np.asarray(Image.open(everything / filenames[i]))
        np.testing.assert_array_equal(x[i, 0], 255 - preprocess(image, height=170, width=242))
    assert x[:, :, 0, 0].max() == 0
    assert x.max() > 150


acts = st.tuples(st.integers(0, 300), st.integers(0, 40))


def read_svc2004(text: str) -> np.ndarray:
    lines = text.splitlines()
    found = np.array([[int(cell) for cell in line.split(" ")] for line in lines[1:]])
    assert found.shape == (int(lines[0]), 7)
    return found


@given(acts)
@settings(max_examples=25)
def test_svc2004_text_parses_back_to_the_trajectory_within_its_quantisation(which: tuple[int, int]) -> None:
    trajectory = World(3)[which[0]].genuine(which[1]).trajectory
    found = read_svc2004(svc2004_text(trajectory))
    assert (np.diff(found[:, 2]) > 0).all()
    assert found[0, 3] == 0
    down = trajectory[:, 3] > 0
    opens = np.flatnonzero(down & ~np.roll(down, 1))
    assert (found[:, 3] == 0).sum() == len(opens), "one row with button 0 opens each pen-down"
    times = np.rint(1000 * trajectory[:, 2]).astype(int)
    source = trajectory[np.searchsorted(times, found[:, 2])]
    np.testing.assert_array_equal(np.rint(1000 * source[:, 2]), found[:, 2])
    origin = trajectory[down, :2].min(axis=0)
    assert np.abs(found[:, :2] / 100 - (source[:, :2] - origin)).max() <= 0.005 + 1e-9
    assert np.abs(found[:, 6] / 1023 - source[:, 3]).max() <= 1 / 1023
    assert len(found) >= 0.9 * down.sum() * min(1.0, (times[1] - times[0]) / 10)


CHILDREN = {
    "ink": {"definitions", "annotation", "trace"},
    "definitions": {"context"},
    "context": {"inkSource"},
    "inkSource": {"traceFormat"},
    "traceFormat": {"channel"},
    "channel": set(),
    "annotation": set(),
    "trace": set(),
}
ATTRIBUTES = {
    "context": {"{http://www.w3.org/XML/1998/namespace}id"},
    "inkSource": {"{http://www.w3.org/XML/1998/namespace}id", "description"},
    "channel": {"name", "type", "units", "orientation", "min", "max"},
    "annotation": {"type"},
    "trace": {"type", "contextRef"},
}


@given(acts)
@settings(max_examples=25)
def test_inkml_keeps_to_the_structure_of_its_schema_and_holds_every_sample(which: tuple[int, int]) -> None:
    """By the standard library's parser and the schema's rules written out, not by the schema itself."""
    trajectory = World(3)[which[0]].genuine(which[1]).trajectory
    root = ElementTree.fromstring(inkml_text(trajectory, {"text": 'a <b> & "c"'}))
    for element in root.iter():
        tag = element.tag.removeprefix(INK)
        assert element.tag == INK + tag
        assert {child.tag.removeprefix(INK) for child in element} <= CHILDREN[tag]
        assert set(element.attrib) <= ATTRIBUTES.get(tag, set())
    channels = [dict(c.attrib) for c in root.iter(INK + "channel")]
    assert [c["name"] for c in channels] == ["X", "Y", "T", "F"]
    assert {c["type"] for c in channels} <= {"integer", "decimal"}
    assert {c["units"] for c in channels} <= {"mm", "ms", "dev"}
    assert 'a <b> & "c"' in [a.text for a in root.iter(INK + "annotation")]
    found = []
    for trace in root.iter(INK + "trace"):
        assert trace.attrib["contextRef"] == "#pen"
        values = [[float(v) for v in point.split()] for point in (trace.text or "").split(",")]
        assert {v[3] > 0 for v in values} == {trace.attrib["type"] == "penDown"}
        found += values
    np.testing.assert_allclose(found, integer_samples(trajectory) / np.array([1000, 1000, 1, 1]), atol=1e-9)


def test_every_exported_inkml_document_passes_the_schema_beside_it(everything: Path) -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema((everything / "forms/inkml/inkml.xsd").read_text(encoding="utf-8"), allow="none")
    documents = sorted(everything.glob("forms/inkml/*/*/*.inkml"))
    assert len(documents) == EVERYTHING.total
    text = ""
    for path in documents:
        text = path.read_text(encoding="utf-8")
        schema.validate(text)
    for found, wrong in (("penDown", "penSide"), ('"mm"', '"inch"'), (", ", "; "), ("no real person", "a person")):
        assert found in text
        with pytest.raises(xmlschema.XMLSchemaValidationError):
            schema.validate(text.replace(found, wrong))


def test_croissant_conforms_and_reads_the_manifest_back(everything: Path) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    from pipelines.export_card import check_croissant

    metadata = json.loads((everything / "croissant.json").read_text(encoding="utf-8"))
    assert check_croissant(metadata) == []
    unknown = json.loads(
        json.dumps(metadata).replace('"fileObject": {"@id": "manifest.csv"}', '"fileObject": {"@id": "x"}')
    )
    for broken in ({k: v for k, v in metadata.items() if k != "distribution"}, unknown):
        with pytest.raises(ValueError, match="do not conform"):
            check_croissant(broken)
    records = list(mlcroissant.Dataset(jsonld=str(everything / "croissant.json")).records("signatures"))
    assert len(records) == EVERYTHING.total
    for record, row in zip(records, rows(everything), strict=True):
        for name in ("path", "pixels_sha256", "kind"):
            assert record[f"signatures/{name}"].decode() == row[name]
        assert int(record["signatures/signer"]) == int(row["signer"])


@given(st.text())
def test_no_cell_is_taken_for_a_formula_and_none_is_lost(text: str) -> None:
    cell = escape_formula(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert (cell[1:] if cell[:1] == "'" else cell) == text


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32))
@settings(max_examples=20)
def test_a_png_decodes_to_its_pixels(height: int, width: int, seed: int) -> None:
    import io

    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png_bytes(pixels)))), pixels)


def test_fresh_removes_what_was_exported_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "set"
    export(out, EVERYTHING)
    (out / "0/genuine/mine.txt").write_text("kept")
    spec = ExportSpec(signers=1, genuine=2, forged=0, size=(40, 90), dpi=None)
    with pytest.raises(ExportError, match="another signers, genuine, forged"):
        export(out, spec)
    export(out, spec, fresh=True)
    assert sorted(f.relative_to(out).as_posix() for f in out.rglob("*.png")) == [
        "0/genuine/000.png",
        "0/genuine/001.png",
    ]
    assert (out / "0/genuine/mine.txt").read_text() == "kept"
    assert not (out / "forms").exists()


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for fresh in (False, True):
        with pytest.raises(ExportError, match="is no export; choose another --out"):
            export(tmp_path, SMALL, fresh=fresh)
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(ExportError, match="cannot be read"):
        export(tmp_path, SMALL, fresh=True)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["export.json", "thesis.tex"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--kind random", "need no files"),
        ("--kind freehnd", "did you mean 'freehand'"),
        ("--format png", "unknown format 'png'"),
        ("--world mars", "unknown world 'mars'"),
        ("--capture fog", "unknown capture 'fog'"),
        ("--skill 0.9:0.1", "the lower first"),
        ("--skill high", "--skill is 'high'; write it as NUMBER:NUMBER"),
        ("--size 40", "--size is '40'"),
        ("--size 40x90 --dpi 100", "not both"),
        ("--size 4x9", "from 16 to 8192"),
        ("--dpi 3", "from 20 to 2400"),
        ("--signers 0", "signers is 0"),
        ("--seed -1", "seed is -1"),
        ("--genuine 1", "genuine is 1"),
        ("--shard 3/2", "shard 3/2 does not exist"),
        ("--shard two", "--shard is 'two'"),
        ("--workers 0", "0 workers"),
        ("--first 9223372036854775800", "first is"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--out", str(tmp_path / "x"), *arguments.split(), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error
    assert not (tmp_path / "x").exists()


def test_pairs_of_numbers_are_read() -> None:
    assert parse_pair("0.7", ":", "--skill", float) == (0.7, 0.7)
    assert parse_pair("2/8", "/", "--shard") == (2, 8)


def test_the_command_on_the_data_card_draws_this_very_set(everything: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (everything / "DATA_CARD.md").read_text(encoding="utf-8").splitlines()
    command = next(line for line in lines if line.startswith("    python -m pipelines export")).split()
    assert main([*command[3:5], str(everything), *command[6:], "--quiet"]) == 0
    assert "all there already" in capsys.readouterr().out
