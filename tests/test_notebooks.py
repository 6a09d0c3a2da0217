"""The notebooks: stored without outputs, started at the smoke preset, and every cell of them runs."""

from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def read(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def test_the_notebooks_are_there():
    assert {"01_draw_a_signer", "04_end_to_end"} <= {path.stem for path in NOTEBOOKS}


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


@pytest.mark.slow
@each_notebook
# jupyter_client warns that its loopback ports are not encrypted, pyzmq on Windows about its event loop
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs(path, monkeypatch):
    client = pytest.importorskip("nbclient", reason="notebooks need the dev extra")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = read(path)
    client.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    pictures = [out for cell in code_cells(notebook) for out in cell.outputs if "image/png" in out.get("data", {})]
    assert pictures
