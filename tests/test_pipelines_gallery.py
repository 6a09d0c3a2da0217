"""The gallery that `preview --gallery` draws again: every script, pen, capture, paper and practised forger is in it."""

import numpy as np
import pytest
from PIL import Image

from pipelines.gallery import capture_sheet, colour_sheet, forger_sheet, pen_sheet, save_png, write_gallery
from synth import CAPTURES, FORGERY_KINDS, PENS, PROFILES
from synth.paper import PAPERS

ROWS = {
    "pens": (pen_sheet, PENS, 3),
    "captures": (capture_sheet, CAPTURES, 3),
    "colours": (colour_sheet, PAPERS, 3),
    "forgers": (forger_sheet, [kind for kind in FORGERY_KINDS if kind not in ("random", "simple")], 6),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_sheet_has_a_row_of_tiles_with_ink_for_every_name(name):
    draw, names, columns = ROWS[name]
    sheet = draw(3)
    found = set()
    for band in np.array_split(sheet, len(names)):
        tiles = np.array_split(band, columns, axis=1)
        assert all(tile.min() < 200 for tile in tiles)
        found.add(band.tobytes())
    assert len(found) == len(names)


def test_few_greys_keep_the_black_of_rare_ink(tmp_path):
    paper = np.full((60, 90), 214, np.uint8)
    paper[30, 40:44] = 0
    with Image.open(save_png(tmp_path / "few.png", paper, greys=12)) as picture:
        kept = np.asarray(picture.convert("L"))
    assert (kept[30, 40:44] == 0).all()
    assert len(np.unique(kept)) == 2
    assert abs(int(kept[0, 0]) - 214) <= 12


@pytest.mark.slow
def test_the_whole_gallery_is_written_and_says_that_it_is_synthetic(tmp_path):
    paths = write_gallery(tmp_path)
    assert {path.stem for path in paths} == {"signers", *ROWS, *(f"profile_{name}" for name in PROFILES)}
    for path in paths:
        with Image.open(path) as picture:
            assert "synthetic" in picture.text["Source"]
            assert min(picture.size) > 200
    assert sum(path.stat().st_size for path in paths) < 2_500_000
