"""The realism verb: the bands, the comparison, one page, and a user's own folder measured by the same functions."""

import json
import re

import numpy as np
import pytest

from pipelines import bands
from pipelines.adapters import write_provenance
from pipelines.cli import main
from pipelines.export import export
from pipelines.export_plan import ExportSpec
from pipelines.population import draw_population, examine, load_folder
from pipelines.realism import compare, five, gaps, is_inside, ks_distance, warping_areas
from pipelines.realism_laws import DENSITIES
from pipelines.svc_text import UnreadableTrajectory, read_svc_text
from synth import FORGERY_KINDS, PROFILES, World, record

WORLD = World(7)
NAN = float("nan")


@pytest.fixture(scope="module")
def people():
    return draw_population(WORLD, signers=6, genuine=3, forged=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of synthetic images in the user's place."""
    out = tmp_path_factory.mktemp("own") / "data"
    export(out, ExportSpec(seed=3, signers=6, genuine=3, forged=3, dpi=150, capture="scan"))
    return out


def svc_text(signature):
    """One act as SVC2004 lays it out: no rows in the air, button 0 on the first row of a pen-down."""
    rows = record(signature, tablet="pen_tablet")
    opens = np.concatenate([[True], np.diff(rows[:, 2]) > 0.025])
    lines = [
        f"{round(100 * x)} {round(100 * y)} {round(1000 * t)} {int(not first)} 1500 600 {round(1023 * p)}"
        for (x, y, t, p), first in zip(rows, opens, strict=True)
    ]
    return f"{len(lines)}\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("table", [bands.WHOLE, bands.CUT, bands.RATIOS, bands.SPREADS, bands.IMAGES, bands.WARPING])
def test_percentiles_of_every_band_rise(table):
    assert len({band.name for band in table}) == len(table)
    for band in table:
        for values in (band.genuine, band.forged):
            known = np.array([v for v in values or () if np.isfinite(v)])
            assert (np.diff(known) >= 0).all(), band


def test_a_median_is_inside_from_the_first_to_the_third_quartile():
    band = (0.0, 1.0, 2.0, 3.0, 4.0)
    for median, inside in ((1.0, True), (3.0, True), (0.99, False), (3.01, False)):
        assert is_inside((NAN, NAN, median, NAN, NAN), band) is inside
    assert is_inside((NAN, NAN, 2.0, NAN, NAN), (1.0, NAN, 3.0, NAN, 10.0)) is True
    assert is_inside((NAN, NAN, 2.0, NAN, NAN), (NAN,) * 5) is None


def test_percentiles_leave_out_what_was_not_measured():
    assert five(np.array([NAN, 1, 2, 3])) == pytest.approx((1.1, 1.5, 2.0, 2.5, 2.9))
    assert np.isnan(five(np.array([NAN]))).all()


def test_distributions_that_are_alike_have_no_gap_and_others_have_one():
    a = np.arange(100.0)
    assert ks_distance(a, a) == 0
    assert ks_distance(a, a + 1000) == 1
    assert ks_distance(a, a + 50) == pytest.approx(0.5, abs=0.01)


def test_every_statistic_with_a_band_is_compared_for_genuine_and_forged(people):
    rows = compare(people)
    named = {(row.group, row.name, row.who) for row in rows}
    for group, table in (("movement, whole record", bands.WHOLE), ("movement, cut at lifts", bands.CUT)):
        for band in table:
            assert {(group, band.name, "genuine"), (group, band.name, "freehand")} <= named
    assert len([row for row in rows if row.group.startswith("skilled / genuine")]) == len(bands.RATIOS)
    assert len([row for row in rows if row.group.startswith("spread")]) == len(bands.SPREADS)
    assert len([row for row in rows if row.group.startswith("warping")]) == 2
    for row in rows:
        assert row.inside == is_inside(row.found, row.band)


def test_random_forgeries_are_farther_than_skilled_ones(people):
    found = warping_areas(people)
    assert found["random"] >= found["freehand"]
    assert found["random"] > 0.9


def test_a_world_has_no_gap_to_itself(people):
    rows = gaps(people, people)
    assert len(rows) > 30
    assert all(row[-1] == 0 for row in rows)


@pytest.fixture(scope="module")
def written(tmp_path_factory, folder):
    out = tmp_path_factory.mktemp("page")
    command = ["realism", "--signers", "6", "--acts", "2", "--out", str(out), "--data", str(folder), "--quiet"]
    assert main(command) == 0
    return out


def test_the_page_is_one_file_with_units_legends_and_its_source(written):
    page = (written / "realism.html").read_text("utf-8")
    assert "SVC2004" in page
    assert "aggregates measured by this project" in page
    assert "mean speed / diagonal (1/s)" in page
    assert "real, 25 to 75 %" in page
    assert "Your own folder" in page
    assert re.findall(r'(?:src|href)="(?!data:|#)', page) == []
    assert page.count("<svg") == 6
    assert [path.name for path in sorted(written.iterdir())] == ["realism.html", "realism.json"]


def test_the_record_holds_the_same_numbers(written):
    found = json.loads((written / "realism.json").read_text("utf-8"))
    world, own = found["world"], found["own"]
    assert world["name"] == "default"
    assert world["with_band"] > 40
    inside = [row["inside"] for row in world["rows"] if "weak" not in row["group"] and row["inside"] is not None]
    assert sum(inside) == world["inside"]
    assert len(inside) == world["with_band"]
    assert set(world["blind_auc"]) == set(FORGERY_KINDS) > set(world["skilled_kinds"])
    assert set(world["warping_auc"]) == set(FORGERY_KINDS)
    assert {row["statistic"] for row in own["nuisance_auc"]} >= {"width", "background", "format", "height"}


def test_an_own_folder_needs_its_provenance(tmp_path, folder, capsys):
    bare = tmp_path / "bare"
    (bare / "1" / "genuine").mkdir(parents=True)
    assert main(["realism", "--signers", "5", "--data", str(bare), "--out", str(tmp_path / "out"), "--quiet"]) == 2
    assert "provenance init" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_own_folder_is_measured_like_the_world(folder):
    people, notes = load_folder(folder)
    assert notes == []
    assert sorted(set(people.kind.tolist())) == ["freehand", "genuine"]
    assert np.isfinite(people.columns["image_slant_deg"]).all()
    assert people.warping == [None] * 36
    assert {row.group for row in compare(people)} == {"size and images (weak bands)"}


def test_movements_in_an_own_folder_are_read_and_compared(tmp_path):
    for i in range(4):
        for kind, acts in (("genuine", [WORLD[i].genuine(k) for k in (0, 4)]),):
            place = tmp_path / str(i) / kind
            place.mkdir(parents=True)
            for k, act in enumerate(acts):
                (place / f"{k}.txt").write_text(svc_text(act), "ascii")
    (tmp_path / "0" / "genuine" / "9.txt").write_text("a letter, not a signature", "utf-8")
    write_provenance(
        tmp_path,
        source="drawn by a test",
        licence="CC0-1.0",
        lawful_basis="no person is involved",
        purpose="evaluation",
        contact="the test",
        contains_real_signatures=False,
        redistribution_allowed=False,
    )
    people, notes = load_folder(tmp_path)
    assert notes == ["9.txt: not a count followed by rows of numbers"]
    assert len(people.kind) == 8
    direct = examine(record(WORLD[0].genuine(0), tablet="pen_tablet"), None).row
    read = {name: float(people.columns[name][0]) for name in direct}
    for name in ("cut.path_per_diagonal", "cut.pen_ups", "whole.aspect", "cut.speed_per_diagonal"):
        assert read[name] == pytest.approx(direct[name], rel=0.05), name
    assert "movement, cut at lifts" in {row.group for row in compare(people)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a count"),
        ("3\n1 2 3\n", "not a count|needs 3"),
        ("2\n1 2 0 1\n1 2 10 1\n", "needs 3 to"),
        ("3\n1 2 0 1\n1 2 20 1\n1 2 10 1\n", "the time stamps fall"),
        ("3\n1 2 0 1\n1 2 10 1\n1 nan 20 1\n", "not finite"),
        ("4\n1 2 0 1\n1 2 10 1\n1 2 20 1", "as many as its first line says"),
    ],
)
def test_a_text_that_is_no_movement_is_refused(tmp_path, text, words):
    path = tmp_path / "one.txt"
    path.write_text(text, "ascii")
    with pytest.raises(UnreadableTrajectory, match=words):
        read_svc_text(path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text(svc_text(WORLD[0].genuine(0)), "ascii")
    root = tmp_path / "root"
    root.mkdir()
    (root / "one.txt").symlink_to(outside)
    with pytest.raises(UnreadableTrajectory, match="outside its folder"):
        read_svc_text(root / "one.txt", root=root)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--world", "nowhere"), ("unknown world 'nowhere'", "svc_like")),
        (("--signers", "2"), ("need signers >= 5",)),
        (("--seed", "-1", "--signers", "5"), ("seed is -1",)),
        (("--signers", "5", "--data", "no/such/folder"), ("no folder",)),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, capsys, arguments, words):
    assert main(["realism", "--out", str(tmp_path / "out"), "--quiet", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert all(word in error for word in words), error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_laws_of_distance_are_printed_for_every_script_and_density(capsys):
    assert main(["realism", "--laws", "--signers", "10", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("default", *PROFILES, *map(str, DENSITIES)))
    assert "tracer 0.85" in printed
    assert main(["realism", "--laws", "--signers", "9", "--quiet"]) == 2
    assert "need signers >= 10, got 9" in capsys.readouterr().err


def test_a_population_has_the_kinds_that_were_asked_for():
    few = draw_population(WORLD, signers=2, genuine=2, forged=1, images=False, kinds=("disguise", "random"))
    assert few.kind.tolist() == 2 * ["genuine", "genuine", "disguise", "random"]
    with pytest.raises(ValueError, match="unknown forgery kind 'perfect'"):
        draw_population(WORLD, signers=2, genuine=2, forged=1, images=False, kinds=("perfect",))


def test_a_population_needs_two_signers_and_two_acts():
    with pytest.raises(ValueError, match="need signers >= 2, genuine >= 2, forged >= 1; got 1, 2, 1"):
        draw_population(WORLD, signers=1, genuine=2, forged=1)
