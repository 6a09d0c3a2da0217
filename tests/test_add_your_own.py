"""The pages of "Add your own", followed to the letter: the text is read, saved where it says, and used."""

import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "notebooks" / "add_your_own.md").read_text(encoding="utf-8")
PAGES = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n)*)", TEXT, flags=re.MULTILINE))


def blocks(page, language):
    """The code blocks of a page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], flags=re.DOTALL)


def followed(block, root=ROOT):
    """Return the file that a block changes, and its text once the lines with + are in it and those with - are gone."""
    name, *lines = block.splitlines()
    text, at = (root / name).read_text(encoding="utf-8").splitlines(), 0
    for line in lines:
        mark, content = line[0], line[1:]
        if mark == "+":
            text.insert(at, content)
            at += 1
            continue
        assert content in text, f"{name} has no line {content!r}"
        at = text.index(content)
        if mark == "-":
            del text[at]
        else:
            at += 1
    return name, "\n".join(text) + "\n"


def module(name, package, text, monkeypatch):
    """Return what a file of a package would be as a module, known under its name while the test lasts."""
    made = types.ModuleType(f"{package}.{name}")
    made.__package__, made.__file__ = package, f"{package}/{name}.py"
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(text, made.__file__, "exec"), made.__dict__)
    return made


def test_every_page_is_there_and_shorter_than_a_page():
    assert set(PAGES) == {f"A {what}" for what in ("network", "loss", "pen", "forger", "script")} | {"An adapter"}
    assert all(len(text.splitlines()) <= 55 for text in PAGES.values())


def test_a_step_that_fits_no_line_would_be_noticed():
    with pytest.raises(AssertionError, match="has no line 'ABSENT = 1'"):
        followed("synth/scripts.py\n-ABSENT = 1\n+ABSENT = 2")


def test_the_loss_ranks_embeddings_and_can_be_named(monkeypatch):
    from pipelines.building import check_names
    from pipelines.config import PRESETS, changed

    (source,), (step,) = blocks("A loss", "python"), blocks("A loss", "diff")
    module("losses_cosine", "models", source, monkeypatch)
    name, text = followed(step)
    assert name == "models/objectives.py"
    objectives = module("objectives", "models", text, monkeypatch)
    assert "cosine_fit" in objectives.loss_names()
    loss = objectives.build_loss("cosine_fit")

    labels = np.array([[0, 1], [0, 1], [0, 0], [1, 1], [1, 1]])
    perfect = np.eye(3, dtype=np.float32)[[0, 0, 1, 2, 2]]
    accepted = np.eye(3, dtype=np.float32)[[0, 0, 0, 2, 2]]  # the forgery of signer 0 taken for genuine
    apart = np.eye(5, dtype=np.float32)
    values = [float(loss(labels, embeddings)) for embeddings in (perfect, accepted, apart)]
    assert values[0] == pytest.approx(0.0, abs=1e-6)
    assert min(values[1:]) > 0.1
    config = changed(PRESETS["smoke"], ["train.model=resnet_small", "train.loss=cosine_fit"])
    check_names(config)
    assert config.train.loss == "cosine_fit"


def test_the_pen_is_drawn_with_in_its_world():
    from synth.render import equipment, pen_of

    found = {}
    exec(compile(*blocks("A pen", "python"), "A pen", "exec"), found)
    signatures = [found["world"][i].genuine(0) for i in range(24)]
    crayons = [signature for signature in signatures if pen_of(signature) == "crayon"]
    assert 4 < len(crayons) < 20  # as often as the other
    assert all(0.9 <= equipment(signature)[0]["width_mm"] <= 1.6 for signature in crayons)
    assert found["image"].shape == (96, 192)
    plain = found["render"](found["World"](7)[3].genuine(0), height=96, width=192)
    assert not np.array_equal(plain, found["image"])


def test_the_forger_has_a_steady_hand_and_the_new_kind_hurries(monkeypatch):
    from synth import World

    found = {}
    exec(compile(*blocks("A forger", "python"), "A forger", "exec"), found)
    usual = found["forge"](World(7)[3], by=World(7)[8], kind="freehand", skill=0.5, act=0)
    assert found["attack"].trajectory[-1, 2] < usual.trajectory[-1, 2]  # less slow, on the same plan

    (step,) = blocks("A forger", "diff")
    name, text = followed(step)
    forgery = module(Path(name).stem, "synth", text, monkeypatch)
    assert "hurried" in forgery.FORGERY_KINDS
    pairs = [(World(7)[i], World(7)[100 + i]) for i in range(8)]

    def seconds(kind):
        return [forgery.forge(a, by=b, kind=kind, skill=0.2, act=0).trajectory[-1, 2] for a, b in pairs]

    assert np.median(np.divide(seconds("hurried"), seconds("slow_copier"))) < 0.8
    target, by = pairs[0]
    one, other = (forgery.forge(target, by=by, kind=kind, skill=1.0, act=0) for kind in ("hurried", "freehand"))
    assert np.allclose(one.trajectory, other.trajectory)  # at skill 1 the kind makes no difference


def test_the_units_of_the_script_can_be_read(monkeypatch):
    from synth.letterforms import Alphabet, build_table
    from synth.letters_lower import LOWER
    from synth.letters_upper import UPPER

    (source,) = blocks("A script", "python")
    sticks = module("letters_sticks", "synth", source, monkeypatch).STICKS
    build_table({**LOWER, **UPPER}, [Alphabet(sticks.letters, sticks.forms, False)])  # raises on a unit it cannot read
    named = {word.partition("*")[0] for state in sticks.states.values() for word in state.entries.split("|")}
    assert named == set(sticks.letters)


SIGN = """
from synth import World, WorldConfig
world = World(7, WorldConfig(profiles=(("sticks", 1.0),)))
people = [world[i] for i in range(3)]
assert {person.profile for person in people} == {"sticks"}
paths = [person.genuine(0).trajectory for person in people]
print(*(int(((path[1:, 3] > 0) & (path[:-1, 3] == 0)).sum()) for path in paths))
"""


@pytest.mark.slow
def test_the_script_is_written(tmp_path):
    """In a copy of the package, because every edit of it compiles the kernels again."""
    shutil.copytree(ROOT / "synth", tmp_path / "synth", ignore=shutil.ignore_patterns("__pycache__"))
    (source,), (step,) = blocks("A script", "python"), blocks("A script", "diff")
    (tmp_path / "synth" / "letters_sticks.py").write_text(source, encoding="utf-8")
    name, text = followed(step, tmp_path)
    (tmp_path / name).write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", SIGN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    lifts = [int(word) for word in ran.stdout.split()]
    assert len(lifts) == 3
    assert min(lifts) >= 3  # four letters or more that do not touch
