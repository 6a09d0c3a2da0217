"""The audit finds planted faults, leaves nothing deleted, and its refined manifest can be read again."""

import csv
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.adapters import (
    AdapterError,
    MissingProvenance,
    ProvenanceError,
    load_provenance,
    load_signatures,
    make_provenance,
    open_adapter,
)
from pipelines.audit import FAULTS, Audit, audit
from pipelines.audit_copies import Copies, groups_of
from pipelines.audit_facts import cut_strokes, sharpness
from pipelines.audit_files import write_audit
from pipelines.audit_judging import judge
from pipelines.audit_labels import imbalance
from pipelines.audit_leaks import find_leaks
from pipelines.audit_page import page_of
from pipelines.audit_retrain import retrain
from pipelines.cli import main
from pipelines.export import export
from pipelines.export_plan import ExportSpec

MECHANICAL = FAULTS[: FAULTS.index("wrong signer")]
Plant = Callable[[Path, np.random.Generator, list[Path]], list[Path]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic set."""
    out = tmp_path_factory.mktemp("audit") / "set"
    export(out, ExportSpec(seed=5, signers=16, genuine=6, forged=2, dpi=150, formats=("folders",)))
    return out


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set in which 2 % are a number worth the name."""
    out = tmp_path_factory.mktemp("audit") / "large"
    export(out, ExportSpec(seed=6, signers=50, genuine=8, forged=2, dpi=150, formats=("folders",)))
    return out


def pixels(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    return image


def write(path: Path, image: np.ndarray) -> None:
    assert cv2.imwrite(str(path), image)


def each(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Plant:
    """Change the pixels of every chosen file."""

    def plant(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
        for path in files:
            write(path, change(pixels(path), rng))
        return files

    return plant


def unreadable(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
    for path in files:
        content = path.read_bytes()
        path.write_bytes([b"", content[: len(content) // 3], b"%PDF-1.4"][int(rng.integers(3))])
    return files


def cut(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut a side off so that the border crosses strokes."""
    ink = image < np.median(image) - 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    for share in rng.permutation(np.linspace(0.2, 0.4, 9)):
        for side in rng.permutation(4):
            at = [
                int(rows[0] + share * (rows[-1] - rows[0])),
                int(rows[-1] - share * (rows[-1] - rows[0])),
                int(columns[0] + share * (columns[-1] - columns[0])),
                int(columns[-1] - share * (columns[-1] - columns[0])),
            ][side]
            line = ink[at] if side < 2 else ink[:, at]
            if 3 <= line.sum() < 0.2 * len(line):
                return [image[at:], image[:at], image[:, at:], image[:, :at]][side]
    return image[:, : columns[-1] - 6]


def rescanned(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same paper scanned again: another scale, level, place and a little noise."""
    scale = float(rng.uniform(0.85, 1.2))
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    image = cv2.copyMakeBorder(image, 3, 9, 7, 2, cv2.BORDER_REPLICATE).astype(np.float64)
    return np.clip(image * rng.uniform(0.9, 1.0) + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def copied(change: bool, elsewhere: bool) -> Plant:
    """Add copies of chosen files to their signer, or to another."""

    def plant(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
        made = []
        names = sorted(path.name for path in root.iterdir() if (path / "genuine").is_dir())
        for n, path in enumerate(files):
            others = [name for name in names if name != path.parts[-3]]
            home = root / others[int(rng.integers(len(others)))] / "genuine" if elsewhere else path.parent
            target = home / f"zz{n}-{path.stem}.png"
            write(target, rescanned(pixels(path), rng) if change else pixels(path))
            made.append(target)
        return made

    return plant


def swapped(root: Path, rng: np.random.Generator, files: list[Path]) -> list[Path]:
    """Exchange chosen signatures in a ring, so that each lies with another signer."""
    genuine = sorted(files, key=lambda path: path.parts[-3])
    contents = [path.read_bytes() for path in genuine]
    shift = max(sum(path.parts[-3] == genuine[0].parts[-3] for path in genuine), len(genuine) // 2)
    moved = []
    for n, path in enumerate(genuine):
        source = (n + shift) % len(genuine)
        path.write_bytes(contents[source])
        if genuine[source].parts[-3] != path.parts[-3]:
            moved.append(path)
    return moved


PLANTS: dict[str, Plant] = {
    "unreadable": unreadable,
    "blank": each(lambda image, rng: np.full_like(image, 240) - rng.integers(0, 4, image.shape, dtype=np.uint8)),
    "inverted": each(lambda image, rng: 255 - image),
    "cropped": each(cut),
    "blurred": each(lambda image, rng: cv2.GaussianBlur(image, (0, 0), float(rng.uniform(2.0, 3.0)))),
    "low resolution": each(lambda image, rng: cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)),
    "duplicate": copied(False, False),
    "near-duplicate": copied(True, False),
    "inconsistent label": copied(True, True),
    "wrong signer": swapped,
}


def planted(source: Path, out: Path, share: dict[str, float], seed: int = 0) -> dict[str, set[str]]:
    """Return a copy of a set with faults of some kinds, as the names that each kind befell."""
    shutil.copytree(source, out, ignore=shutil.ignore_patterns(".parts"))
    rng = np.random.default_rng(seed)
    files = [path for path in sorted(out.glob("*/genuine/*.png"))]
    order = [files[i] for i in rng.permutation(len(files))]
    found, start = {}, 0
    for kind, part in share.items():
        n = max(2, round(part * len(files)))
        hit = PLANTS[kind](out, rng, order[start : start + n])
        found[kind] = {path.relative_to(out).as_posix() for path in hit}
        start += n
    return found


def rates(found: Audit, kind: str, truth: set[str]) -> tuple[float, float]:
    """Return precision and recall of one kind of fault, by what images are left out for."""
    names = {
        found.examined.names[i]
        for i, finding in enumerate(found.left_out)
        if finding is not None and finding.fault == kind
    }
    if kind in ("duplicate", "near-duplicate"):  # either of two equal pictures may be the one that is kept
        stems = {Path(name).stem.split("-")[-1] for name in truth}
        signers = {name.split("/")[0] for name in truth}
        right = {
            name for name in names if name in truth or (name.split("/")[0] in signers and Path(name).stem in stems)
        }
    else:
        right = names & truth
    return len(right) / max(len(names), 1), len(right) / len(truth)


def test_a_clean_set_is_left_nearly_whole(clean: Path) -> None:
    found = audit(clean)
    assert sum(found.counts.values()) <= 0.02 * len(found.examined.records), found.counts
    assert found.leaks == []
    assert found.classes == []


def check_rates(found: Audit, truth: dict[str, set[str]]) -> None:
    for kind, names in truth.items():
        precision, recall = rates(found, kind, names)
        print(f"{kind}: precision {precision:.2f}, recall {recall:.2f} of {len(names)}")
        least = 0.9 if kind in MECHANICAL else 0.8
        assert min(precision, recall) >= least, (kind, precision, recall, found.counts)


def test_some_of_every_mechanical_fault_are_found_and_nothing_else(clean: Path, tmp_path: Path) -> None:
    truth = planted(clean, tmp_path / "set", {kind: 0.03 for kind in PLANTS if kind in MECHANICAL}, seed=1)
    check_rates(audit(tmp_path / "set"), truth)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(PLANTS))
def test_a_planted_fault_is_found_and_little_else(kind: str, clean: Path, tmp_path: Path) -> None:
    truth = planted(clean, tmp_path / "set", {kind: 0.1})
    check_rates(audit(tmp_path / "set"), truth)


@pytest.mark.slow
def test_a_mixture_of_every_fault_is_taken_apart(large: Path, tmp_path: Path) -> None:
    truth = planted(large, tmp_path / "set", dict.fromkeys(PLANTS, 0.02))
    check_rates(audit(tmp_path / "set"), truth)


# The refined manifest


@pytest.fixture(scope="module")
def faulty(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Audit, dict[str, str]]:
    """A data folder with swapped signatures and copies, its audit, and the digest of every file in it."""
    folder = tmp_path_factory.mktemp("audit") / "faulty"
    planted(clean, folder, {"unreadable": 0.02, "duplicate": 0.04, "wrong signer": 0.12}, seed=2)
    before = digests(folder)
    return folder, audit(folder), before


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "refined.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def refined(faulty: tuple[Path, Audit, dict[str, str]], tmp_path: Path) -> tuple[Path, Path]:
    """A copy of the data folder and the folder of its audit beside it."""
    source, found, _ = faulty
    data = Path(shutil.copytree(source, tmp_path / "data"))
    out = write_audit(found, tmp_path / "audit", thumbnails=False)
    link = json.loads((out / "refined.json").read_text(encoding="utf-8"))
    (out / "refined.json").write_text(json.dumps({**link, "data": "../data"}), encoding="utf-8")
    return data, out


def test_the_manifest_has_a_row_and_a_reason_for_every_image_and_the_data_stay_as_they_were(
    faulty: tuple[Path, Audit, dict[str, str]], tmp_path: Path
) -> None:
    data, found, before = faulty
    out = write_audit(found, tmp_path / "audit")
    assert digests(data) == before
    rows = rows_of(out)
    assert [row["path"] for row in rows] == found.examined.names
    assert {row["sha256"] for row in rows} <= {""} | set(before.values())
    for row, finding in zip(rows, found.left_out, strict=True):
        assert (row["keep"], row["fault"]) == (("yes", "") if finding is None else ("no", finding.fault))
        assert bool(row["reason"]) == (finding is not None)
    assert sum(row["keep"] == "no" for row in rows) == sum(found.counts.values()) >= 15


def test_every_audit_is_archived_with_checksums_that_hold(
    faulty: tuple[Path, Audit, dict[str, str]], tmp_path: Path
) -> None:
    _, found, _ = faulty
    out = write_audit(found, tmp_path / "audit", thumbnails=False)
    first = digests(out / "archive")
    for folder in (out, next((out / "archive").iterdir())):
        sums = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
        assert "refined.csv" in sums
        assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in sums.items())
    fewer = Audit(**{**vars(found), "left_out": [None] * len(found.left_out)})
    write_audit(fewer, out, thumbnails=False)
    assert len(list((out / "archive").iterdir())) == 2
    assert first.items() <= digests(out / "archive").items()


def test_the_page_names_every_fault_and_needs_no_other_file(
    faulty: tuple[Path, Audit, dict[str, str]], tmp_path: Path
) -> None:
    _, found, _ = faulty
    page = (write_audit(found, tmp_path / "audit") / "report.html").read_text(encoding="utf-8")
    assert all(f"<h2>{fault} ({number})</h2>" in page for fault, number in found.counts.items())
    assert page.count("data:image/png;base64,") >= sum(found.counts.values()) - found.counts["unreadable"]
    assert "http://" not in page
    assert "https://" not in page


def test_the_refined_set_holds_what_is_kept_and_says_why_the_rest_is_not(refined: tuple[Path, Path]) -> None:
    data, out = refined
    kept = {row["path"] for row in rows_of(out) if row["keep"] == "yes"}
    loaded = load_signatures(open_adapter("refined", out), load_provenance(out))
    assert set(loaded.names) == kept
    assert not loaded.duplicates
    told = {entry.name: entry.reason for entry in loaded.unexpected}
    assert {row["path"]: f"{row['fault']}: {row['reason']}" for row in rows_of(out) if row["keep"] == "no"} == told
    assert loaded.provenance.digest == load_provenance(data).digest


def test_a_file_that_changed_or_came_after_the_audit_is_not_read(refined: tuple[Path, Path]) -> None:
    data, out = refined
    kept = [data / row["path"] for row in rows_of(out) if row["keep"] == "yes"]
    write(kept[0], 255 - pixels(kept[1]))
    write(kept[0].with_name("new.png"), pixels(kept[1]))
    adapter = open_adapter("refined", out)
    told = {entry.name: entry.reason for entry in adapter.iter_unexpected()}
    assert told[kept[0].relative_to(data).as_posix()] == "changed since the audit"
    assert told[kept[0].with_name("new.png").relative_to(data).as_posix()] == "came after the audit"
    assert not {record.image for record in adapter.iter_signatures()} & {kept[0], kept[0].with_name("new.png")}


def test_the_refined_set_still_demands_the_provenance_of_the_data(refined: tuple[Path, Path]) -> None:
    data, out = refined
    text = (data / "provenance.toml").read_text(encoding="utf-8")
    for folder, change, words in (
        (data, text.replace("CC0", "CC1"), "the provenance of .* has changed since the audit; audit it again"),
        (data, None, "no provenance.toml"),
        (out, None, "no provenance.toml"),
    ):
        path = folder / "provenance.toml"
        kept = path.read_bytes()
        path.unlink()
        if change is not None:
            path.write_text(change, encoding="utf-8")
        with pytest.raises((AdapterError, MissingProvenance), match=words):
            load_signatures(open_adapter("refined", out), load_provenance(out))
        path.write_bytes(kept)
    assert len(load_signatures(open_adapter("refined", out), load_provenance(out)))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("refined.json", None, "holds no audit: refined.json is missing or damaged"),
        ("refined.json", "[1", "missing or damaged"),
        ("refined.json", '["data"]', "missing or damaged"),
        ("refined.json", "[" * 100_000, "missing or damaged"),
        ("refined.csv", None, "refined.csv cannot be read"),
        ("refined.csv", "path,keep\n", "has no column 'fault'"),
        ("refined.csv", "", "has no column"),
    ],
)
def test_a_damaged_audit_is_refused_in_one_line(
    name: str, content: str | None, words: str, refined: tuple[Path, Path]
) -> None:
    _, out = refined
    (out / name).unlink()
    if content is not None:
        (out / name).write_text(content, encoding="utf-8")
    with pytest.raises(AdapterError, match=words) as caught:
        list(open_adapter("refined", out).iter_signatures())
    assert "\n" not in str(caught.value)


def test_an_audit_of_an_audit_is_refused(refined: tuple[Path, Path]) -> None:
    _, out = refined
    link = json.loads((out / "refined.json").read_text(encoding="utf-8"))
    (out / "refined.json").write_text(json.dumps({**link, "adapter": "refined"}), encoding="utf-8")
    with pytest.raises(AdapterError, match="an audit of an audit; audit the data folder itself"):
        list(open_adapter("refined", out).iter_signatures())


def test_nothing_is_written_into_the_data_folder(faulty: tuple[Path, Audit, dict[str, str]]) -> None:
    data, found, before = faulty
    for out in (data, data / "audit", data / ".." / data.name / "audit"):
        with pytest.raises(ValueError, match=r"lies inside the data folder .*; choose another --out"):
            write_audit(found, out)
    assert digests(data) == before


def test_retraining_on_what_is_kept_is_no_worse_on_the_same_held_out_signatures(
    faulty: tuple[Path, Audit, dict[str, str]],
) -> None:
    _, found, _ = faulty
    result = retrain(found, seed=3)
    assert result.trained_after < result.trained_before
    assert result.held_out >= result.signers >= 10
    assert result.after >= result.before
    assert result.after > 0.8


def test_retraining_needs_the_purpose_of_training_and_enough_signatures(
    faulty: tuple[Path, Audit, dict[str, str]],
) -> None:
    _, found, _ = faulty
    record = make_provenance(
        source="drawn by a test", licence="CC0-1.0", lawful_basis="nobody", purpose="evaluation", contact="the test",
        contains_real_signatures=False, redistribution_allowed=True,
    )  # fmt: skip
    elsewhere = type(found.examined)(**{**vars(found.examined), "provenance": record})
    with pytest.raises(ProvenanceError, match="does not cover training"):
        retrain(Audit(**{**vars(found), "examined": elsewhere}))
    nothing = Audit(**{**vars(found), "left_out": [found.findings[0]] * len(found.left_out)})
    with pytest.raises(ValueError, match="two signers with three sound genuine signatures"):
        retrain(nothing)


def test_the_verb_writes_page_and_manifest_and_leaves_out_the_hardest_signer(
    clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "set"
    for signer in ("0", "1", "2", "3"):
        shutil.copytree(clean / signer, data / signer)
    shutil.copyfile(clean / "provenance.toml", data / "provenance.toml")
    files = sorted((data / "0" / "genuine").iterdir())
    write(files[0], 255 - pixels(files[0]))
    assert main(["audit", str(data), "--out", str(tmp_path / "out"), "--retrain", "--no-thumbnails", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "inverted" in said
    assert "held-out signatures (linear discriminant on HOG)" in said
    assert f"refined: --data {tmp_path / 'out'} --adapter refined" in said
    assert main(["audit", str(data), "--out", str(data / "out"), "--quiet"]) == 2
    assert "lies inside the data folder" in capsys.readouterr().err
    assert main(["audit", str(data), "--drop-signers", "-1"]) == 2
    assert "cannot leave -1 signers out; use 0 or more" in capsys.readouterr().err


def hard_to_tell(found: Audit, hard: str) -> np.ndarray:
    """Features by hand: every signer has a direction, and the hard one's signatures lean to one other or another."""
    names = sorted(set(found.examined.signers))
    rows, seen = [], 0
    for i in found.examined.where:
        own, row = found.examined.signers[i], np.zeros(len(names) + len(found.examined.where), np.float32)
        row[names.index(own)] = 1.0
        if own == hard and found.examined.kinds[i] == "genuine":
            others = [name for name in names if name != hard]
            row[names.index(hard)], row[names.index(others[seen % len(others)])] = 0.5, 0.5
            seen += 1
        row[len(names) + len(rows)] = 0.1  # no two are copies
        rows.append(row / np.linalg.norm(row))
    return np.array(rows)


def test_signers_are_ranked_by_validation_error_and_the_worst_is_left_out_with_its_reason(clean: Path) -> None:
    plain = audit(clean)
    faulty = {plain.examined.signers[finding.place] for finding in plain.findings}
    hard = next(name for name in sorted(set(plain.examined.signers)) if name not in faulty)
    judged = [judge(plain.examined, lambda _: hard_to_tell(plain, hard), "by hand", n) for n in (0, 1, 5)]
    for found in judged:
        first, *others = found.ranks
        assert (first.signer, first.errors, first.genuine, first.error) == (hard, 6, 6, 1.0)
        assert [rank.errors for rank in others] == [0] * 15
        assert [rank.margin for rank in others] == sorted(rank.margin for rank in others)
    assert [found.counts.get("hard signer", 0) for found in judged] == [0, 8, 8], "those without an error stay"
    told = {finding.reason for finding in judged[1].findings if finding.fault == "hard signer"}
    assert len(told) == 1
    assert next(iter(told)).startswith("validation error 100% (6 of 6), taken for ")
    assert "validation error 100% (6 of 6)" in page_of(judged[1], None, thumbnails=False)


# Measures


def test_leaks_of_paper_and_file_endings_are_told_and_honest_sets_have_none(clean: Path) -> None:
    examined = audit(clean).examined
    facts = [fact for fact in examined.facts if fact is not None]
    assert find_leaks(facts, examined.files, examined.signers, examined.kinds) == []
    forged = [kind != "genuine" for kind in examined.kinds]
    files = [{"file ending": ".jpg" if bad else ".png"} for bad in forged]
    told = find_leaks(facts, files, examined.signers, examined.kinds)
    assert [(leak.fact, leak.tells) for leak in told] == [("file ending", "kind")]
    assert "alone tells forged from genuine in 100% of cases" in told[0].words


def test_a_class_with_few_signatures_or_without_forgeries_is_named() -> None:
    signers = ["a"] * 6 + ["b"] * 6 + ["c"] * 6 + ["d"]
    kinds = (["genuine"] * 4 + ["skilled"] * 2) * 2 + ["genuine"] * 6 + ["genuine"]
    told = imbalance(signers, kinds)
    assert "d: 1 genuine signatures (usual: 4)" in told
    assert "c: no forgeries, while 2 of 4 signers have some" in told or len([t for t in told if t[0] == "c"]) == 1


def test_copies_of_copies_are_one_group() -> None:
    assert groups_of([Copies(3, 1, 1.0), Copies(5, 3, 0.95), Copies(9, 8, 1.0)]) == [[1, 3, 5], [8, 9]]


def test_a_stroke_over_the_border_is_cut_and_a_ruled_line_along_it_is_not() -> None:
    mask = np.zeros((40, 100), np.uint8)
    mask[10:30, 30:33] = 1
    assert cut_strokes(mask) == 0
    mask[20:, 30:33] = 1
    assert cut_strokes(mask) == 1
    ruled = np.zeros((40, 100), np.uint8)
    ruled[:4] = 1
    assert cut_strokes(ruled) == 2  # its two ends at the sides, not the line itself


def test_blur_makes_edges_less_steep() -> None:
    ink = np.zeros((60, 60), np.uint8)
    ink[20:40, 28:32] = 200
    soft = cv2.GaussianBlur(ink, (0, 0), 2.0)
    mask = (ink > 0).astype(np.uint8)
    assert sharpness(soft, mask, 200.0) < 0.6 * sharpness(ink, mask, 200.0)
