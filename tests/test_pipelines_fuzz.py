"""Damaged files of every format that a user's folder can hold: no crash, no hang, no flood, nothing written elsewhere.

Run as a program, this file is the child process in which the parsers meet the damage: it imports them once and forks a
worker for each, under limits on memory and time and with an eye on every file that is opened for writing. A parser's
share can be repeated: ``python tests/test_pipelines_fuzz.py COUNT SEED TARGET``. ``PARAPH_FUZZ=100000`` sets another
number of damaged files for each parser. The 20,000 of the slow test take 5 s (PNG) to 37 s (npz) of the processor for
a parser, some 3.3 minutes for all of them.
"""

import contextlib
import csv
import io
import json
import mmap
import os
import random
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
COUNT = int(os.environ.get("PARAPH_FUZZ", "0"))
QUICK, SLOW = COUNT or 500, COUNT or 20_000
MOST_BYTES, MOST_SECONDS, HANGS_AFTER = 1 << 30, 1.0, 3.0  # seconds of the processor, which others do not lengthen
STUCK_AFTER = 60  # seconds of the clock: something waits for what never comes
TARGETS = (
    "png", "jpeg", "tiff", "bmp", "pdf", "manifest.csv", "manifest.parquet", "refined.csv", "identifiers.csv",
    "students.csv", "provenance.toml", "npz", "svc2004", "refined.json", "sheets.json", "keras", "verifier.json",
)  # fmt: skip


# What the test process sees


@dataclass(frozen=True)
class Report:
    """What one parser did with all its damaged files."""

    tried: int
    outcomes: dict[str, int]
    faults: list[str]
    slowest: float
    megabytes: float
    seconds: float


def fuzz(count: int, seed: int, out: Path) -> dict[str, Report]:
    env = os.environ | {"HOME": str(out), "TMPDIR": str(out), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, str(count), str(seed)]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: Report(**found) for name, found in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    return fuzz(QUICK, 1, tmp_path_factory.mktemp("fuzz"))


@pytest.fixture(scope="module")
def thorough(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    return fuzz(SLOW, 2, tmp_path_factory.mktemp("fuzz"))


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and limits on memory")


def check(report: Report, count: int) -> None:
    assert report.faults == []
    assert report.tried == count
    assert report.slowest < MOST_SECONDS
    assert report.megabytes < MOST_BYTES / 1e6
    assert sum(n for outcome, n in report.outcomes.items() if outcome != "read") > 0.05 * count  # the damage bites


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_files_are_read_or_refused_and_nothing_else(target: str, quick: dict[str, Report]) -> None:
    check(quick[target], QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_many_damaged_files_are_read_or_refused_and_nothing_else(target: str, thorough: dict[str, Report]) -> None:
    check(thorough[target], SLOW)


# What the damage has brought to light, and what chance would hardly draw


def refused(target: str, content: bytes, folder: Path, words: str) -> None:
    read, refusals = parsers()[target]
    path = folder / NAMES.get(target, target)
    path.write_bytes(named(content))
    with pytest.raises(refusals, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("target", "content", "words"),
    [
        ("students.csv", b"student\n" + b"A" * 200_000, "field larger than field limit"),
        ("students.csv", b"student\n" + b"9" * 5000, "is no whole number"),
        ("provenance.toml", b"source = " + b"9" * 5000, "cannot be read: Exceeds the limit"),
        ("provenance.toml", b"A" * 5000 + b" = 1", "AAA"),
        ("provenance.toml", b"a = " + b"[" * 3000, "cannot be read"),
        ("refined.json", json.dumps({"data": "A" * 5000, "adapter": "folders", "provenance": ""}).encode(), "too long"),
        ("refined.json", b"[" * 100_000, "missing or damaged"),
        ("manifest.csv", b'path,signer,"' + b"A" * 90_000 + b'"\n', "has no column 'kind'"),
        ("manifest.csv", b'path,signer,"a\nb"\n', "it has path, signer, a b"),
        ("verifier.json", b"[]", "holds no object"),
        ("verifier.json", b"[" * 100_000, "cannot be read"),
        (
            "verifier.json",
            b'{"format": 1, "preprocessing": "RECIPE", "height": 96}',
            "is damaged: KeyError: 'width'",
        ),
        ("svc2004", b"3\n0 0 0 1\n1 inf 10 1\n2 2 20 1\n", "a number is not finite"),
        ("svc2004", b"3\n0 0 0 1\n1 nan 10 1\n2 2 20 1\n", "a number is not finite"),
        ("svc2004", b"3\n0 0 0 1\n1 1e999 10 1\n2 2 20 1\n", "a number is not finite"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else str(len(value)),
)
def test_what_was_found_stays_refused_in_one_line(target: str, content: bytes, words: str, tmp_path: Path) -> None:
    refused(target, content, tmp_path, words)


def test_huge_numbers_of_a_movement_are_neither_a_huge_picture_nor_a_warning(tmp_path: Path) -> None:
    read, refusals = parsers()["svc2004"]
    for text in ("3\n-1e308 0 0 1\n1e308 1 10 1\n2 2 20 1\n", "3\n0 0 -1e308 1\n1 1 1e308 1\n2 2 1.1e308 1\n"):
        (tmp_path / "U1S1.TXT").write_text(text)
        with contextlib.suppress(*refusals):
            assert np.asarray(read(tmp_path / "U1S1.TXT")).size < 40_000_000


def arrays(**changes: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    sound = {"x": np.full((2, 1, 4, 4), 200, np.uint8), "y": np.array([0, 0]), "yforg": np.array([0, 0])}
    np.savez_compressed(buffer, **{**sound, **changes})
    return buffer.getvalue()


def test_an_archive_is_asked_for_its_size_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.adapters import AdapterError, archives, open_adapter, sigver

    for adapter in (archives, sigver):
        for name in ("MAX_UNPACKED", "_MAX_LABEL_BYTES"):
            monkeypatch.setattr(adapter, name, 10_000, raising=False)
    for changes in ({"x": np.zeros((2000, 4, 4), np.uint8)}, {"y": np.zeros(2000, np.int64)}):
        (tmp_path / "a.npz").write_bytes(arrays(**changes))
        with pytest.raises(AdapterError, match=r"MB when unpacked; at most"):
            list(open_adapter("sigver", tmp_path).iter_signatures())
    with pytest.raises(AdapterError, match=r"MB when unpacked; at most"):
        list(open_adapter("npz", tmp_path).iter_signatures())


def test_an_archive_that_claims_more_than_it_holds_takes_no_memory_for_it(tmp_path: Path) -> None:
    head = {"descr": "<i8", "fortran_order": False, "shape": (10**12,)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, head)
    with zipfile.ZipFile(io.BytesIO(arrays())) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    refused("npz", packed(members | {"y.npy": buffer.getvalue()}), tmp_path, "shorter than it says")


@pytest.mark.parametrize("code", [0x110000, 0xFFFFFFFF, 0xD800])
def test_names_that_are_no_unicode_are_not_taken_from_an_archive(code: int, tmp_path: Path) -> None:
    from pipelines.adapters import open_adapter

    names = np.array([code], np.uint32).view("<U1")
    (tmp_path / "a.npz").write_bytes(arrays(x=np.full((2, 1, 4, 4), 200, np.uint8), user_mapping=names))
    adapter = open_adapter("npz", tmp_path)
    assert [record.signer for record in adapter.iter_signatures()] == ["0", "0"]
    assert [entry.name for entry in adapter.iter_unexpected()] == ["a.npz/user_mapping"]


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(arrays())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.find(mark)
        while place >= 0:
            content[place + at] |= 1
            place = content.find(mark, place + 4)
    refused("npz", bytes(content), tmp_path, "encrypted")


def test_a_cell_of_a_manifest_that_would_fill_the_memory_is_left_out(tmp_path: Path) -> None:
    from pipelines.adapters import open_adapter

    with (tmp_path / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerows([["path", "signer", "kind"], ["a.png", "s" * 100_000, "genuine"], ["b.png", "s", "genuine"]])
    adapter = open_adapter("manifest", tmp_path)
    assert [record.signer for record in adapter.iter_signatures()] == ["s"]
    assert [entry.reason for entry in adapter.iter_unexpected()] == ["a cell of 100000 letters; at most 1000 are read"]


# Hostile folders


ODD_NAMES = ["=1+1", "<b>&amp;'\"", "e\u0301t\xe9", "\u202eoot", "\U0001f58a", "a b\tc", "-rf", "%00..%2f"]


def data_folder(root: Path, names: list[str]) -> Path:
    from pipelines.adapters import write_provenance

    for number, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for n in range(3):
            ink = np.full((40, 90), 250, np.uint8)
            ink[8 + 3 * n : 12 + 3 * n, 5 + number : 60 + 2 * number] = 20
            ink[5:35, 20 + 4 * number : 24 + 4 * number] = 30
            (root / name / f"{n} {name}.png").write_bytes(_png(ink))
    write_provenance(root, **dict.fromkeys(("source", "licence", "lawful_basis", "contact"), "a test"),
                     purpose="evaluation", contains_real_signatures=False)  # fmt: skip
    return root


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def test_names_in_any_writing_go_through_an_audit_and_back(tmp_path: Path) -> None:
    from pipelines.adapters import open_adapter
    from pipelines.audit import audit
    from pipelines.audit_files import write_audit

    data = data_folder(tmp_path / "data", ODD_NAMES)
    found = audit(data)
    assert set(found.examined.signers) == set(ODD_NAMES)
    out = write_audit(found, tmp_path / "out")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<b>&amp;'" not in page
    kept = [name for name, finding in zip(found.examined.names, found.left_out, strict=True) if finding is None]
    adapter = open_adapter("refined", out)
    assert [record.image.relative_to(adapter.root).as_posix() for record in adapter.iter_signatures()] == kept
    with (out / "refined.csv").open(encoding="utf-8", newline="") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell[:1] in tuple("=+-@")]


def test_an_audit_follows_no_link_out_of_the_folder_and_names_what_is_no_image(tmp_path: Path) -> None:
    from pipelines.audit import audit

    data = data_folder(tmp_path / "data", ["a", "b", "c"])
    outside = data_folder(tmp_path / "elsewhere", ["x"])
    (data / "a" / "link.png").symlink_to(outside / "x" / "0 x.png")
    (data / "b" / "loop.png").symlink_to(data / "b" / "loop.png")
    (data / "c" / "set.png").write_bytes(packed({"../../escaped.png": b"x"}))
    (data / "away").symlink_to(outside, target_is_directory=True)
    os.mkfifo(data / "c" / "pipe.png")
    found = audit(data)
    told = {found.examined.names[f.place]: f.reason for f in found.findings if f.fault == "unreadable"}
    assert told["a/link.png"] == "outside its folder"
    assert told["c/set.png"] == "zip file; only PNG, JPEG, TIFF and BMP are read"
    assert told["c/pipe.png"] == "not a file"
    assert "b/loop.png" in told
    assert found.examined.sha256[found.examined.names.index("a/link.png")] == ""
    assert set(found.examined.signers) == {"a", "b", "c"}
    assert not list(tmp_path.rglob("escaped*"))


def test_files_and_folders_that_vanish_on_the_way_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import shutil

    from pipelines.adapters import load_provenance, load_signatures, open_adapter

    data = data_folder(tmp_path / "data", ["a", "b", "c"])
    record, adapter = load_provenance(data), open_adapter("folders", data)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # one file after the other
    seen = []

    def prepare(image: np.ndarray) -> np.ndarray:
        seen.append(image.shape)
        if len(seen) == 1:
            (data / "a" / "1 a.png").unlink()
            shutil.rmtree(data / "c")
        return image

    loaded = load_signatures(adapter, record, prepare=prepare)
    assert ("a/1 a.png", "missing file") in [tuple(entry) for entry in loaded.skipped]
    assert set(loaded.signers.tolist()) == {"a", "b"}


def test_where_nothing_can_be_written_the_verb_says_so_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines.cli import main

    data = data_folder(tmp_path / "data", ["a", "b", "c"])
    (tmp_path / "file").write_text("in the way")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert main(["audit", str(data), "--out", str(tmp_path / "file" / "out"), "--quiet"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


# Damage

_NUMBERS = [struct.pack(">I", n) for n in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFF7F, 0xFFFFFFFF, 1 << 24, 40_000)]
_WORDS = [b"nan", b"inf", b"-1", b"1e308", b"-1e308", b"99999999999999999999", b"0", b"", b"9" * 5000, b"1e-320",
          b"../../x", b"/etc/passwd", b"\0", b"\xff\xfe", "\u202e\u0301\U0001f58a".encode(), b"=1+1", b'"', b"[" * 3000,
          b"{", b"\r", b"true", b"null", b"A" * 200_000]  # fmt: skip


def damage(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Return a file with one to four kinds of damage."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_DAMAGES)(bytearray(content), others, rng)
    return content


def _place(content: bytes | bytearray, rng: random.Random) -> int:
    """Return a place in a file; headers are hit as often as all the rest."""
    size = max(len(content), 1)
    return rng.randrange(min(size, 200)) if rng.random() < 0.5 else rng.randrange(size)


def _bits(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    for _ in range(rng.randrange(1, 9)):
        if content:
            content[_place(content, rng)] ^= 1 << rng.randrange(8)
    return bytes(content)


def _noise(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    at = _place(content, rng)
    content[at : at + rng.randrange(1, 40)] = rng.randbytes(rng.randrange(1, 40))
    return bytes(content)


def _number(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    value, at = rng.choice(_NUMBERS), _place(content, rng)
    content[at : at + 4] = value[: 2 if rng.random() < 0.3 else 4]
    return bytes(content)


def _cut(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    return bytes(content[: _place(content, rng)])


def _block(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    """Take a stretch out, or put it in once more elsewhere, up to many times."""
    at, size = _place(content, rng), rng.randrange(1, 400)
    block = bytes(content[at : at + size])
    if rng.random() < 0.5:
        del content[at : at + size]
    else:
        to = _place(content, rng)
        content[to:to] = block * rng.choice((1, 2, 50))
    return bytes(content)


def _splice(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others)
    return bytes(content[: _place(content, rng)]) + other[_place(other, rng) :]


def _word(content: bytearray, others: list[bytes], rng: random.Random) -> bytes:
    """Put a word in place of a number or word of a text."""
    places = [found.span() for found in re.finditer(rb"[A-Za-z0-9_.+-]+", content[:5000])]
    if places:
        start, end = rng.choice(places)
        content[start:end] = rng.choice(_WORDS)
    return bytes(content)


_DAMAGES: tuple[Callable[[bytearray, list[bytes], random.Random], bytes], ...] = (
    _bits, _noise, _number, _cut, _block, _splice, _word,
)  # fmt: skip


def with_sums(content: bytes) -> bytes:
    """Return a PNG whose checksums are right again, so that damage gets behind them."""
    made, at = content[:8], 8
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        body = content[at + 4 : at + 8 + length]
        if len(body) < 4:
            break
        made += struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return made


def inside(content: bytes, rng: random.Random) -> bytes:
    """Return an archive with damage in one of its members, packed anew and sound as an archive."""
    members = dict(unpacked(content))
    name = rng.choice(sorted(members))
    members[name] = damage(members[name], [members[name]], rng)
    return packed(members)


@cache
def unpacked(content: bytes) -> tuple[tuple[str, bytes], ...]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return tuple((name, archive.read(name)) for name in archive.namelist())


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def damaged(target: str, seeds: list[bytes], rng: random.Random) -> bytes:
    content = rng.choice(seeds)
    if target in ("npz", "keras") and rng.random() < 0.7:
        return inside(content, rng)
    text = not content[:200].strip(bytes(range(9, 127)))
    content = _word(bytearray(content), seeds, rng) if text and rng.random() < 0.5 else damage(content, seeds, rng)
    return with_sums(content) if target == "png" and rng.random() < 0.7 else content


# Sound files


def seeds_of(target: str) -> list[bytes]:
    """Return sound files of one kind, in several variants where it has them."""
    special: dict[str, Callable[[], list[bytes]]] = {
        "png": lambda: _pictures("PNG", [("L", {}), ("RGBA", {}), ("P", {}), ("1", {}), ("I;16", {})]),
        "jpeg": lambda: _pictures("JPEG", [("L", {}), ("RGB", {"progressive": True}), ("CMYK", {})]),
        "tiff": lambda: _pictures(
            "TIFF",
            [("L", {}), ("RGB", {"compression": "tiff_lzw"}), ("1", {"compression": "group4"}), ("I;16", {}),
             ("L", {"compression": "packbits"}), ("RGB", {"compression": "jpeg"}),
             ("L", {"compression": "tiff_adobe_deflate"})],
        ),
        "bmp": lambda: _pictures("BMP", [("L", {}), ("RGB", {}), ("1", {}), ("P", {})]),
        "pdf": lambda: [*_pictures("PDF", [("L", {}), ("1", {})]), _PDF],
        "manifest.parquet": _tables,
        "npz": _archives,
        "keras": _networks,
        "svc2004": _movements,
        "verifier.json": lambda: [named(text.encode()) for text in _TEXTS["verifier.json"]],
    }  # fmt: skip
    return special[target]() if target in special else [text.encode() for text in _TEXTS[target]]


def named(record: bytes) -> bytes:
    """Return a verifier's record with the recipe of today in it."""
    from pipelines.recipes import RECIPES

    return record.replace(b"RECIPE", RECIPES["default"].key.encode())


def _picture(mode: str) -> Any:
    from PIL import Image

    ramp = np.add.outer(np.arange(24), np.arange(40)) * 4
    if mode == "I;16":
        return Image.fromarray((ramp * 200).astype(np.uint16))
    return Image.fromarray(ramp.astype(np.uint8)).convert(mode)


def _pictures(form: str, kinds: list[tuple[str, dict[str, Any]]]) -> list[bytes]:
    made = []
    for mode, options in kinds:
        buffer = io.BytesIO()
        _picture(mode).save(buffer, form, **options)
        made.append(buffer.getvalue())
    return made


_PDF = b"""%PDF-1.4
1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj
2 0 obj <</Type /Pages /Kids [3 0 R 4 0 R] /Count 2 /MediaBox [0 0 90 60]>> endobj
3 0 obj <</Type /Page /Parent 2 0 R /Contents 5 0 R>> endobj
4 0 obj <</Type /Page /Parent 2 0 R /Contents 5 0 R /MediaBox [0 0 20 700]>> endobj
5 0 obj <</Length 44>> stream
0 0 1 rg 10 10 m 80 50 l 20 40 30 10 5 5 c S
endstream endobj
trailer <</Root 1 0 R /Info <</Subject (none)>> >>
%%EOF
"""


def _tables() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = {"path": ["a.png", "b.png", "c.png"], "signer": ["1", "1", "2"], "kind": ["genuine", "skilled", "genuine"]}
    made = []
    for compression in ("none", "snappy", "zstd"):
        buffer = io.BytesIO()
        pq.write_table(pa.table(rows), buffer, compression=compression)
        made.append(buffer.getvalue())
    return made


def _archives() -> list[bytes]:
    ink = np.zeros((4, 1, 6, 9), np.uint8)
    ink[:, :, 2:4] = 200
    arrays = {"x": ink, "y": np.array([1, 1, 2, 2]), "yforg": np.array([0, 1, 0, 2])}
    made = []
    for more in ({}, {"user_mapping": np.array(["a", "b", "c"])}):
        buffer = io.BytesIO()
        np.savez(buffer, **arrays, **more)
        made.append(buffer.getvalue())
    return made


def _networks() -> list[bytes]:
    from pipelines.lineage import Mark, Source

    mark = Mark((Source("0" * 64, True, False, "unknown", "", ("1",)),)).to_dict()
    members = {
        "metadata.json": json.dumps({"keras_version": "3.15.1", "paraph": mark}).encode(),
        "config.json": json.dumps({"class_name": "Functional", "config": {"name": "resnet_small"}}).encode(),
    }
    return [packed(members)]


def _movements() -> list[bytes]:
    rows = [f"{2000 + 9 * i} {3000 - 5 * i} {10 * i} {int(i % 7 > 0)} 900 600 {300 + i}" for i in range(40)]
    short = [row.rsplit(" ", 3)[0] for row in rows]
    return ["\n".join([str(len(rows)), *chosen, ""]).encode() for chosen in (rows, short)]


_CALIBRATOR = (
    '{"slope": 27.0, "intercept": -18.0, "forgery_kind": "skilled", "n_genuine": 9, "n_forgery": 9, "n_signers": 3}'
)
_TEXTS: dict[str, list[str]] = {
    "manifest.csv": [
        "path,signer,kind,forger,session\na/1.png,1,genuine,,\na/2.png,1,skilled,2,1\nb/1.png,2,genuine,,\n",
        'Path,writer,label\n"a,1.png",É,original\na\\2.png,É,forged\n',
    ],
    "refined.csv": [
        "path,signer,kind,keep,fault,reason,sha256\n1/genuine/1.png,1,genuine,yes,,,00\n'=1,1,genuine,no,blank,x,0\n"
    ],
    "identifiers.csv": ["identifier,name\nS1,Ann\nS2,\nS3,Bob\n", "\ufeffidentifier\nS1\n"],
    "students.csv": ["student\n4711\n4712\n", "name,student\nAnn,1\nBob,2\n"],
    "provenance.toml": [
        'source = "drawn"\nlicence = "CC0-1.0"\nlawful_basis = "nobody"\npurpose = "evaluation"\n'
        'contact = "me"\ncontains_real_signatures = false\nretention_until = 2090-01-01\n'
        "redistribution_allowed = true\n"
    ],
    "refined.json": ['{"data": "../data", "adapter": "folders", "provenance": "00"}'],
    "sheets.json": [
        '{"pages": [{"marks": [{"number": 4, "identifier": "S1"}, {"number": 5, "identifier": "S2"}]}], '
        '"settings": {"layout": {"rows": 6, "columns": 2}}}'
    ],
    "verifier.json": [
        '{"format": 1, "version": "0.1.0", "preprocessing": "RECIPE", "height": 96, "width": 192, "threshold": 0.5, '
        f'"band": 0.15, "calibrator": {_CALIBRATOR}, "takes": "image", "head": null, "sha256": "00", '
        f'"fused": {{"max/2": {{"threshold": 0.6, "calibrator": {_CALIBRATOR}}}}}}}',
        '{"format": 990, "sha256": "00", "threshold": 0.5, "height": 96, "takes": "image"}',
    ],
}  # fmt: skip


# Parsers: each reads one file in a folder of its own and returns, or raises one of the errors that are a refusal


def parsers() -> dict[str, tuple[Callable[[Path], object], tuple[type[Exception], ...]]]:
    """Return for each target what reads a file, and the errors that say that it is refused."""
    import pipelines.verifier  # noqa: F401  (kernels make their folders as they are imported)
    from pipelines.adapters import AdapterError, ProvenanceError, load_provenance
    from pipelines.adapters.refined import read_rows
    from pipelines.class_list import read_students
    from pipelines.extract import Options, read_form
    from pipelines.images import UnreadableImage, decode_image
    from pipelines.lineage import mark_of_run
    from pipelines.reading import draw_plainly
    from pipelines.runs import RunError, load_verifier
    from pipelines.sheet_pages import SheetError, read_pages
    from pipelines.sheets import SheetError as FormError
    from pipelines.sheets import read_identifiers
    from pipelines.svc_text import UnreadableTrajectory, read_svc_text

    def image(path: Path) -> object:
        return decode_image(path.read_bytes())

    def pages(path: Path) -> object:
        found = list(read_pages(path, dpi=72))
        broken = [page.image for page in found if isinstance(page.image, UnreadableImage)]
        if broken:
            raise broken[0]
        return found

    def movement(path: Path) -> object:
        rows = read_svc_text(path, root=path.parent)
        try:
            return draw_plainly(rows)
        except ValueError as error:
            raise UnreadableTrajectory(str(error)) from error

    pictures = dict.fromkeys(("png", "jpeg", "tiff", "bmp"), (image, (UnreadableImage,)))
    return pictures | {
        "pdf": (pages, (UnreadableImage,)),
        "manifest.csv": (_walk("manifest"), (AdapterError,)),
        "manifest.parquet": (_walk("manifest"), (AdapterError,)),
        "npz": (_walk("npz", "sigver"), (AdapterError,)),
        "refined.csv": (read_rows, (AdapterError,)),
        "refined.json": (_walk("refined"), (AdapterError,)),
        "identifiers.csv": (read_identifiers, (FormError,)),
        "students.csv": (read_students, (ValueError,)),
        "sheets.json": (lambda path: read_form([path], None, None, Options()), (SheetError,)),
        "provenance.toml": (lambda path: load_provenance(path.parent), (ProvenanceError,)),
        "svc2004": (movement, (UnreadableTrajectory,)),
        "keras": (lambda path: mark_of_run(path.parent), (ValueError,)),
        "verifier.json": (lambda path: load_verifier(path.parent), (RunError,)),
    }


def _walk(*names: str) -> Callable[[Path], object]:
    """Return what walks a folder through an adapter to its end; of several the last refusal counts."""
    from pipelines.adapters import AdapterError, open_adapter

    def walk(path: Path) -> object:
        refusal = None
        for name in names:
            try:
                adapter = open_adapter(name, path.parent)
                for _ in adapter.iter_signatures():
                    pass
                for _ in adapter.iter_unexpected():
                    pass
            except AdapterError as error:
                refusal = error
        if refusal is not None:
            raise refusal
        return None

    return walk


NAMES = {"png": "a.png", "jpeg": "a.jpg", "tiff": "a.tif", "bmp": "a.bmp", "pdf": "a.pdf", "npz": "a.npz",
         "svc2004": "U1S1.TXT", "keras": "model.keras"}  # fmt: skip


# The child process


def worker(target: str, first: int, count: int, seed: int, folder: Path, told: int, begun: mmap.mmap) -> None:
    """Feed damaged files to one parser and tell of each fault at once, of the rest at the end; run in a fork."""
    import resource
    import warnings

    read, refusals = parsers()[target]
    seeds = seeds_of(target)
    path = folder / NAMES.get(target, target)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff says of every fault there is, in as many lines
    _watch(folder, told)
    warnings.simplefilter("error", RuntimeWarning)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_BYTES, now + MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(first, count):
        sound = number < len(seeds)
        path.write_bytes(seeds[number] if sound else damaged(target, seeds, random.Random(seed << 32 | number)))
        begun[:8] = number.to_bytes(8, "little")
        signal.setitimer(signal.ITIMER_PROF, HANGS_AFTER)
        signal.alarm(STUCK_AFTER)
        start = time.process_time()
        try:
            read(path)
            outcome = "read"
        except refusals as error:
            outcome, said = type(error).__name__, str(error)
            if sound and target not in ("refined.json", "verifier.json", "keras"):
                _tell(told, ["fault", f"a sound file was refused: {said}"])
            if "\n" in said or len(said) > 2000:
                _tell(told, ["fault", f"number {number}: no short line: {said[:300]!r}"])
        except BaseException as error:
            outcome = f"fault: {type(error).__name__}"
            _tell(told, ["fault", f"number {number}: {type(error).__name__}: {str(error)[:200]} at {_where(error)}"])
        took = time.process_time() - start
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        outcomes[outcome] += 1
        slowest = max(slowest, took)
        if took >= MOST_SECONDS:
            _tell(told, ["fault", f"number {number} took {took:.2f} s"])
    _tell(told, ["end", dict(outcomes), slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024])


def _where(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)[::-1][:4]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def _tell(told: int, what: list[Any]) -> None:
    os.write(told, json.dumps(what).encode() + b"\n")


def _watch(folder: Path, told: int) -> None:
    """Tell of every file opened for writing, and of whatever no parser has to do."""
    never = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.chmod", "shutil.rmtree", "os.system",
             "subprocess.Popen", "os.exec", "os.posix_spawn", "socket.connect", "pickle.find_class")  # fmt: skip

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in never:
            _tell(told, ["fault", f"{event} {str(arguments)[:200]}"])
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if not str(arguments[0]).startswith(f"{folder}/"):
                _tell(told, ["fault", f"opened for writing: {str(arguments[0])[:200]}"])

    sys.addaudithook(hook)


def run_target(target: str, count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Return the report on one parser; a worker that dies is replaced and its case is a fault."""
    faults: list[str] = []
    outcomes: Counter[str] = Counter()
    first, slowest, peak, begin = 0, 0.0, 0.0, os.times()
    begun = mmap.mmap(-1, 8)  # the number of the file that is being read: it outlives the worker and costs no call
    while first < count and len(faults) < 20:
        receive, send = os.pipe()
        begun[:8] = first.to_bytes(8, "little")
        child = os.fork()
        if child == 0:
            os.close(receive)
            status = 1
            try:
                worker(target, first, count, seed, folder, send, begun)
                status = 0
            except BaseException as error:
                _tell(send, ["fault", f"the worker itself: {type(error).__name__}: {error} at {_where(error)}"])
            finally:
                os._exit(status)
        os.close(send)
        with os.fdopen(receive) as lines:
            for kind, *rest in map(json.loads, lines):
                if kind == "fault":
                    faults.append(rest[0])
                else:
                    outcomes.update(rest[0])
                    slowest, peak = max(slowest, rest[1]), max(peak, rest[2])
        _, status = os.waitpid(child, 0)
        first = count
        if status:
            number, code = int.from_bytes(begun[:8], "little"), os.waitstatus_to_exitcode(status)
            faults.append(f"number {number} ended the process: {signal.Signals(-code).name if code < 0 else code}")
            first = number + 1
    left = sorted(path.name for path in folder.iterdir())
    if left != [NAMES.get(target, target)]:
        faults.append(f"files appeared: {left}")
    end = os.times()
    return {
        "tried": sum(outcomes.values()), "outcomes": dict(outcomes), "faults": faults, "slowest": slowest,
        "megabytes": peak, "seconds": end.children_user + end.children_system - begin.children_user
        - begin.children_system,
    }  # fmt: skip


def run_all(count: int, seed: int, targets: list[str]) -> None:
    """Print the reports on some parsers as JSON."""
    sys.path.insert(0, str(ROOT))
    parsers()
    for target in ("manifest.parquet", "pdf"):  # what these import lazily is imported once, before the forks
        seeds_of(target)
    __import__("pypdfium2")
    found, memory = {}, "/dev/shm"  # a disk would take longer to write the files than the parsers to read them
    for target in targets:
        with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
            found[target] = run_target(target, count, seed, Path(folder).resolve())
        print(target, f"{found[target]['seconds']:.1f} s", *found[target]["faults"], file=sys.stderr, flush=True)
    print(json.dumps(found))


if __name__ == "__main__":
    run_all(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or list(TARGETS))
