"""The repository's layout: who may import whom, which names are banned, and that no data lies in it."""

import ast
import importlib.util
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pipelines.guard import content, refusal

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("synth", "models", "pipelines")
CV2 = ("synth/paper.py", "synth/sheets.py", "synth/sheet_capture.py", "synth/sheet_layout.py")
TENSORFLOW = ("models/normalization.py",)  # a faster operation of that backend, inside a function; Keras's elsewhere
BANNED = {"data", "utils", "util", "common", "types", "helpers", "misc"}


def imports(tree):
    """Every absolute import as (top-level name, whether it stands inside a function, whether only for types)."""
    found = []

    def walk(node, inside, typing_only):
        if isinstance(node, ast.Import):
            found.extend((alias.name.split(".")[0], inside, typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append((node.module.split(".")[0], inside, typing_only))
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.body:
                walk(child, inside, True)
            for child in node.orelse:
                walk(child, inside, typing_only)
            return
        for child in ast.iter_child_nodes(node):
            walk(child, inside, typing_only)

    walk(tree, False, False)
    return found


def violations(path, source):
    """What is wrong with the imports of one file, by its path relative to the repository."""
    package = Path(path).parts[0]
    allowed = {"synth": {"synth", "numpy", "numba"}, "models": {"models", "keras", "numpy"}}.get(package)
    if Path(path).as_posix() in CV2:
        allowed = allowed | {"cv2"}
    backend = package == "pipelines" or Path(path).as_posix() in TENSORFLOW
    if backend and allowed is not None:
        allowed = allowed | {"tensorflow"}
    wrong = []
    for name, inside, typing_only in imports(ast.parse(source)):
        if name in sys.stdlib_module_names:
            continue
        if allowed is not None and name not in allowed:
            wrong.append(f"{path} imports {name}")
        if name == "tensorflow" and not typing_only and not (backend and inside):
            wrong.append(f"{path} imports tensorflow outside a function of pipelines")
        if package == "pipelines" and name in ("notebooks", "tests"):
            wrong.append(f"{path} imports {name}")
    return wrong


def sources():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def git(*arguments):
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if ran.returncode:
        pytest.skip("not a git checkout")
    return ran.stdout


def tracked():
    return [ROOT / name.decode() for name in git("ls-files", "-z").split(b"\0") if name]


def test_imports_go_in_the_allowed_direction():
    assert len(sources()) > 30
    wrong = [fault for path in sources() for fault in violations(path.relative_to(ROOT), path.read_text("utf-8"))]
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("synth/ink.py", "import keras"),
        ("synth/ink.py", "import cv2"),
        ("synth/ink.py", "from pipelines.config import RunConfig"),
        ("synth/ink.py", "def f():\n    from models import build"),
        ("models/resnet.py", "import synth.signers"),
        ("models/resnet.py", "from tensorflow import keras"),
        ("models/layers.py", "def f():\n    import tensorflow as tf"),
        ("pipelines/train.py", "import tensorflow as tf"),
        ("pipelines/train.py", "class A:\n    import tensorflow"),
        ("pipelines/train.py", "if True:\n    from tensorflow import data"),
    ],
)
def test_a_wrong_import_is_caught(path, source):
    assert violations(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("synth/paper.py", "import cv2\nimport numpy as np\nfrom .capture import NOISE"),
        ("models/layers.py", "import math\nimport keras\nimport numpy"),
        ("pipelines/train.py", "def f():\n    import tensorflow as tf\n    import synth, models"),
        ("pipelines/train.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tensorflow as tf"),
    ],
)
def test_a_right_import_is_not(path, source):
    assert violations(path, source) == []


def test_no_file_has_a_name_that_says_nothing():
    assert [str(p) for p in sources() if p.stem.lower() in BANNED] == []
    assert [str(p) for p in sources() if p.parent.name.lower() in BANNED] == []


def undocumented(source):
    """Public functions, classes and methods without a docstring; what stands inside a function is not public."""
    found = []

    def walk(node, owner):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if child.name.startswith("_"):
                    continue
                if not ast.get_docstring(child):
                    found.append(f"{owner}{child.name}")
                if isinstance(child, ast.ClassDef):
                    walk(child, f"{owner}{child.name}.")
            else:
                walk(child, owner)

    tree = ast.parse(source)
    walk(tree, "")
    return found if ast.get_docstring(tree) else ["the module", *found]


def test_every_public_name_says_what_it_is_for():
    found = {str(p.relative_to(ROOT)): names for p in sources() if (names := undocumented(p.read_text("utf-8")))}
    assert found == {}


def test_a_missing_docstring_is_caught_wherever_a_public_name_can_stand():
    assert undocumented('"""M."""\ndef f():\n    """F."""\n    def nested(): pass\ndef _own(): pass') == []
    assert undocumented("def f(): pass") == ["the module", "f"]
    assert undocumented('"""M."""\nif True:\n    class A:\n        @property\n        def b(self): pass') == [
        "A",
        "A.b",
    ]
    assert undocumented('"""M."""\nclass A:\n    """A."""\n    async def b(self): pass') == ["A.b"]


def unlisted(package):
    """Modules that their package's README does not name, and names in it that no module has."""
    text = (ROOT / package / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\|.*?\|", text, re.MULTILINE))
    patterns = [name for row in listed for name in re.findall(r"`([\w*/]+\.py)`", row)]
    modules = [p.name for p in sorted((ROOT / package).glob("*.py")) if not p.name.startswith("__")]
    gone = [name for name in patterns if not list((ROOT / package).glob(name))]
    return [name for name in modules if not any(fnmatch(name, pattern) for pattern in patterns)] + gone


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_of_a_package_lists_every_module_and_no_other(package):
    assert unlisted(package) == []


def test_tests_lie_flat_and_are_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))
    assert [p.name for p in (ROOT / "tests").rglob("test_*.py") if p.parent != ROOT / "tests"] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_package_in_use_is_the_one_of_this_checkout(package):
    assert Path(importlib.util.find_spec(package).origin).parent == ROOT / package
    code = f"import importlib.util as u; print(u.find_spec({package!r}).origin)"
    # from notebooks/, as a notebook would, and from the root
    for folder in (ROOT / "notebooks", ROOT):
        if folder.is_dir():
            ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
            assert Path(ran.stdout.strip()).parent == ROOT / package


def test_importing_synth_is_cheap_and_loads_nothing_heavy():
    code = (
        "import sys, time; start = time.perf_counter(); import synth; took = time.perf_counter() - start\n"
        "import json; print(json.dumps([took, sorted({'keras', 'tensorflow', 'numba', 'cv2'} & set(sys.modules))]))"
    )
    took = []
    for _ in range(3):
        ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        seconds, heavy = json.loads(ran.stdout)
        assert heavy == []
        took.append(seconds)
    assert min(took) < 0.5


@pytest.mark.parametrize(
    "first", ["from synth import render_batch", "import synth.render", "from synth.render import equipment"]
)
def test_the_door_to_render_stays_open_whatever_is_imported_before(first):
    code = f"{first}\nfrom synth import render\nimport synth\nassert callable(render) and render is synth.render"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_no_images_weights_or_archives_are_in_the_repository():
    found, pictured = [], 0
    for path in tracked():
        if not path.is_file():
            continue
        if fault := refusal(path.relative_to(ROOT).as_posix(), path.read_bytes()):
            found.append(f"{path.relative_to(ROOT)}: {fault}")
        elif path.suffix == ".png":
            pictured += path.stat().st_size
    assert found == []
    assert pictured <= 1_500_000


def test_binary_files_are_recognised_by_their_content():
    assert content(b"\x89PNG\r\n\x1a\n" + bytes(8)) == "a PNG image"
    assert content(b"RIFF\x00\x00\x00\x00WEBPVP8 ") == "a WebP image"
    assert content(b"PK\x03\x04" + bytes(12)) == "a ZIP, .keras or .npz file"
    assert content(b'"""A module docs') is None


def test_notebooks_are_kept_without_outputs():
    for path in tracked():
        if path.suffix == ".ipynb" and path.is_file():
            for cell in json.loads(path.read_text("utf-8"))["cells"]:
                assert not cell.get("outputs"), path.name
                assert cell.get("execution_count") is None, path.name
