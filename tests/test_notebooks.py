"""The notebooks: stored without outputs, started at the smoke preset, and every cell of them runs."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXERCISE = re.compile(r"exercises\.check\(")
TINY = (
    "world.dev_signers=6",
    "world.test_signers=6",
    "batch.signers=4",
    "batch.genuine=2",
    "batch.forgeries=2",
    "train.height=64",
    "train.width=128",
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "evaluation.genuine=3",
    "evaluation.forgeries=2",
    "evaluation.skills=[0.3]",
    "evaluation.bootstrap_draws=100",
)
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def test_the_notebooks_are_there():
    assert {
        "01_draw_a_signer",
        "02_forge_it",
        "03_see_like_a_machine",
        "04_end_to_end",
        "06_read_the_errors",
        "07_the_classic_mistakes",
        "08_bring_your_own_data",
    } <= {path.stem for path in NOTEBOOKS}


@each_notebook
def test_a_notebook_is_stored_without_outputs_or_execution_counts(path):
    for cell in code_cells(read(path)):
        assert not cell.outputs
        assert cell.execution_count is None


@each_notebook
def test_a_notebook_has_cell_ids(path):
    notebook = read(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)


@each_notebook
def test_the_first_code_cell_sets_the_smoke_preset(path):
    assert code_cells(read(path))[0].source.startswith('preset = "smoke"')


@each_notebook
def test_a_notebook_states_its_time_and_ends_with_assertions_and_something_to_try(path):
    cells = read(path).cells
    assert "Running time" in cells[0].source
    assert "assert " in cells[-2].source
    assert cells[-1].source.startswith("**Try:**")


def links(text):
    return [target for target in LINK.findall(text) if not target.startswith(("http", "#", "mailto:"))]


def test_links_of_the_course_lead_somewhere():
    texts = {FOLDER / "README.md": (FOLDER / "README.md").read_text(encoding="utf-8")}
    texts |= {path: "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown") for path in NOTEBOOKS}
    broken = [(path.name, to) for path, text in texts.items() for to in links(text) if not (path.parent / to).exists()]
    assert broken == []
    assert {path.name for path in NOTEBOOKS} <= set(links(texts[FOLDER / "README.md"]))


def test_a_link_that_leads_nowhere_would_be_found():
    assert links("see [there](nowhere.ipynb) or [the web](https://example.org)") == ["nowhere.ipynb"]


FILE = re.compile(r"`((?:synth|models|pipelines|tests|notebooks)/[\w/]+\.py)`")


@each_notebook
def test_files_that_a_notebook_names_are_there(path):
    named = {name for cell in read(path).cells for name in FILE.findall(cell.source)}
    assert [name for name in named if not (FOLDER.parent / name).is_file()] == []


@pytest.mark.slow
@each_notebook
# jupyter_client warns that its loopback ports are not encrypted, pyzmq on Windows about its event loop
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs(path, monkeypatch):
    client = pytest.importorskip("nbclient", reason="notebooks need the dev extra")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.setenv("PARAPH_SOLUTIONS", str(FOLDER / "solutions.py"))  # open exercises are worked out and checked
    notebook = read(path)
    client.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    outputs = [out for cell in code_cells(notebook) for out in cell.outputs]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert pictures
    assert all(len(out.metadata.get("image/png", out.metadata).get("alt", "").split()) > 5 for out in pictures)
    said = "".join(out.text for out in outputs if out.output_type == "stream")
    assert "not yet" not in said
    assert said.count(": right (") == len(EXERCISE.findall("".join(cell.source for cell in code_cells(notebook))))


EDITS = {
    "network": ('network = "resnet_elastic"', 'network = "resnet_small"'),
    "loss": ('loss = "auto"', 'loss = "triplet"'),
    "forgers": ("forgers = [3.0, 2.0]", "forgers = [1.0, 3.0]"),
}


def lines_of_04():
    cells = code_cells(read(FOLDER / "04_end_to_end.ipynb"))
    return "\n\n".join(cell.source for cell in cells[:-1])  # the last one holds assertions about a longer training


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_is_one_line_of_04(edit):
    old, new = EDITS[edit]
    before, after = (text.splitlines() for text in (lines_of_04(), lines_of_04().replace(old, new)))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_network_the_loss_and_the_forger_are_one_line_each_and_every_one_counts(monkeypatch, capsys):
    import matplotlib

    from pipelines.config import PRESETS, RunConfig, changed

    matplotlib.use("Agg")
    unchanged = {}
    exec("\n".join(cell.source for cell in code_cells(read(FOLDER / "04_end_to_end.ipynb"))[:2]), unchanged)
    assert unchanged["config"] == PRESETS["smoke"]  # as it is stored, 04 is `make demo PRESET=smoke`

    monkeypatch.setitem(PRESETS, "smoke", changed(PRESETS["smoke"], TINY))
    assert isinstance(PRESETS["smoke"], RunConfig)
    found = {}
    for name, (old, new) in {"as it is": ("", ""), **EDITS}.items():
        cells: dict[str, object] = {}
        exec(compile(lines_of_04().replace(old, new) if old else lines_of_04(), f"04, {name}", "exec"), cells)
        found[name] = cells["trials"].score.copy()
        cells["folder"].cleanup()
    capsys.readouterr()
    for name in EDITS:
        same = found[name].shape == found["as it is"].shape and np.allclose(found[name], found["as it is"], atol=1e-4)
        assert not same, name
