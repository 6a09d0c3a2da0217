"""The notebooks: stored without outputs, started at the smoke preset, and every cell of them runs."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
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
SMALL = (
    *TINY,
    "world.test_signers=16",
    "train.steps_per_epoch=6",
    "evaluation.genuine=4",
    "evaluation.skills=[0.3, 0.95]",
    "evaluation.per_skill=4",
)
"""As little as what notebook 04 asserts can be seen with."""
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
        "05_compare_architectures",
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
    assert "(glossary.md)" in cells[0].source
    assert "assert " in cells[-2].source
    assert cells[-1].source.startswith("**Try:**")


def links(text):
    return [target for target in LINK.findall(FENCE.sub("", text)) if not target.startswith(("http", "mailto:"))]


def anchors(text):
    """What the headings of a Markdown file can be linked by."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}


def broken(path, text):
    """The links of a file that lead to no file, or to no heading in it."""
    wrong = []
    for link in links(text):
        name, _, anchor = link.partition("#")
        file = path.parent / name if name else path
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            wrong.append(f"{path.name}: {link}")
    return wrong


def test_links_of_the_course_and_of_the_readmes_lead_somewhere():
    pages = [*FOLDER.glob("*.md"), *FOLDER.parent.glob("*.md"), *FOLDER.parent.glob("*/README.md")]
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    texts |= {path: "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown") for path in NOTEBOOKS}
    assert [fault for path, text in texts.items() for fault in broken(path, text)] == []
    assert {path.name for path in (*NOTEBOOKS, *FOLDER.glob("*.md"))} - {"README.md"} <= set(
        links(texts[FOLDER / "README.md"])
    )


def test_a_link_that_leads_nowhere_would_be_found(tmp_path):
    (tmp_path / "there.md").write_text("# One\n## Two: a heading\n", encoding="utf-8")
    text = (
        "[a](nowhere.ipynb) [b](https://example.org) [c](there.md#two-a-heading) [d](there.md#three)\n```\n[e](f)\n```"
    )
    assert broken(tmp_path / "page.md", text) == ["page.md: nowhere.ipynb", "page.md: there.md#three"]


def test_every_term_of_the_glossary_is_explained_once():
    lines = (FOLDER / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")][2:]
    terms = [row[0] for row in rows]
    assert terms == sorted(set(terms), key=str.casefold)
    assert all(len(row) == 2 and len(row[1].split()) >= 3 for row in rows)
    named = {
        number for row in rows for group in re.findall(r"\((\d\d(?:, \d\d)*)\)", row[1]) for number in group.split(", ")
    }
    assert named <= {path.stem[:2] for path in NOTEBOOKS}


FILE = re.compile(r"`((?:synth|models|pipelines|tests|notebooks)/[\w/]+\.py)`")


@each_notebook
def test_files_that_a_notebook_names_are_there(path):
    named = {name for cell in read(path).cells for name in FILE.findall(cell.source)}
    assert [name for name in named if not (FOLDER.parent / name).is_file()] == []


@pytest.fixture(scope="module")
def runs_of_04(tmp_path_factory):
    """The notebook 04, as it is stored and after each edit of one line, in folders that stay: scores by edit."""
    import matplotlib

    from pipelines.config import PRESETS, changed

    matplotlib.use("Agg")
    found, folder = {}, tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch, matplotlib.rc_context():
        patch.setitem(PRESETS, "smoke", changed(PRESETS["smoke"], TINY))
        for name in RUNS:
            source = lines_of_04()
            for edit in RUNS[name]:
                source = source.replace(*EDITS[edit])
            cells: dict[str, object] = {}
            exec(compile(source, f"04, {name}", "exec"), cells)
            found[name] = cells["trials"].score.copy()
            cells["run"].rename(folder / name)
            cells["folder"].cleanup()
    return folder, found


PROBE = """
import math

faults = []
for number, answer in exercises.answers.items():
    others = [None, "", "nobody", [], {}, set(), -1, 1e9, math.nan]
    if isinstance(answer, float):
        right, others = [answer, float(f"{answer:.3g}")], [*others, -answer, 1.25 * answer + 0.02, str(answer)]
    elif isinstance(answer, (str, set)):
        right = [answer]
    else:
        right, others = [answer, float(answer)], [*others, answer + 1, answer - 1, str(answer)]
    faults += [f"{number} refuses {some!r}" for some in right if not exercises.accepts(number, some)]
    faults += [f"{number} takes {some!r} for {answer!r}" for some in others if exercises.accepts(number, some)]
print("probed", len(exercises.answers), "exercises:", *(faults or ["every check holds"]))
"""
"""Right answers, also with three digits, are accepted and wrong ones refused; it runs in the notebook's kernel."""
FEWER = (
    "from pipelines import config\n\nconfig.PRESETS['smoke'] = config.changed(config.PRESETS['smoke'], {settings!r})"
)


@pytest.mark.slow
@each_notebook
# jupyter_client warns that its loopback ports are not encrypted, pyzmq on Windows about its event loop
@pytest.mark.filterwarnings("default")
def test_a_notebook_runs(path, monkeypatch, request):
    """In full, on one thread; 04 trains on fewer images (the smoke preset itself is run by `.ci/run`), 08 on none."""
    client = pytest.importorskip("nbclient", reason="notebooks need the dev extra")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    monkeypatch.setenv("PARAPH_SOLUTIONS", str(FOLDER / "solutions.py"))  # open exercises are worked out and checked
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        monkeypatch.setenv(name, "1")  # threads that wait for each other cost more than they bring on shared cores
    notebook = read(path)
    if path.stem.startswith("04"):
        code = nbformat.v4.new_code_cell(FEWER.format(settings=SMALL))
        notebook.cells.insert(0, code)
    if path.stem.startswith("08"):
        folder, _ = request.getfixturevalue("runs_of_04")
        monkeypatch.setenv("PARAPH_RUN", str(folder / "as it is"))
    last = max(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(last, nbformat.v4.new_code_cell(PROBE))
    client.NotebookClient(
        notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    ).execute()
    outputs = [out for cell in code_cells(notebook) for out in cell.outputs]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert pictures
    assert all(len(out.metadata.get("image/png", out.metadata).get("alt", "").split()) > 5 for out in pictures)
    said = "".join(out.text for out in outputs if out.output_type == "stream")
    assert "not yet" not in said
    asked = len(EXERCISE.findall("".join(cell.source for cell in code_cells(notebook))))
    assert said.count(": right (") == asked >= 3
    assert f"probed {asked} exercises: every check holds" in said


EDITS = {
    "network": ('network = "resnet_elastic"', 'network = "resnet_small"'),
    "loss": ('loss = "auto"', 'loss = "triplet"'),
    "forgers": ("forgers = [3.0, 2.0]", "forgers = [1.0, 3.0]"),
}

RUNS = {"as it is": (), "network": ("network",), "loss": ("network", "loss"), "forgers": ("network", "forgers")}


def lines_of_04():
    cells = code_cells(read(FOLDER / "04_end_to_end.ipynb"))
    return "\n\n".join(cell.source for cell in cells[:-1])  # the last one holds assertions about a longer training


@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_is_one_line_of_04(edit):
    old, new = EDITS[edit]
    before, after = (text.splitlines() for text in (lines_of_04(), lines_of_04().replace(old, new)))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_04_as_it_is_stored_is_the_smoke_demo():
    from pipelines.config import PRESETS

    unchanged = {}
    exec("\n".join(cell.source for cell in code_cells(read(FOLDER / "04_end_to_end.ipynb"))[:2]), unchanged)
    assert unchanged["config"] == PRESETS["smoke"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_network_the_loss_and_the_forger_are_one_line_each_and_every_one_counts(runs_of_04):
    _, found = runs_of_04

    def differ(one, other):
        return found[one].shape != found[other].shape or not np.allclose(found[one], found[other], atol=1e-4)

    assert differ("as it is", "network")
    assert differ("network", "loss")  # the other two are edits of the smaller network, which trains in less time
    assert differ("network", "forgers")
