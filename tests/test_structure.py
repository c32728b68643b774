"""Check the layout: which folder imports which, who starts processes, and clean notebooks."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TEXTS = [
    *(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js", ".jinja", ".json")),
    *(*NOTEBOOKS, *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "Makefile"),
]
"""The files whose wording the tests check."""

RIDDLES = (
    *("whoever", "errand", "farewell", "crew", "house", "whose hand", "whose it is"),
    *("what is made for a while", "its time was over", "the same command goes on", "to note"),
    *("even timing", "its maker", "closes the bands", "wait already", "the former one goes"),
    *("replace a file that is there", "keep a still", "somebody else"),
)
"""Words and phrases with a plain alternative: worker, cleanup, timed out, the queue is full."""

ORDER = [
    *("errors", "argument_checks", "host_check", "model", "signals", "temporary", "files"),
    "ffmpeg",
    *("media", "measure", "look", "deliver", "storage", "batch", "present"),
    *("desk", "service", "demo", "notebook_server", "cli", "__main__", "__init__"),
]
"""The folders and modules of the package. Each imports from those before it and from itself."""

HEAVY = "numpy av pydantic PIL matplotlib ipywidgets papermill boto3 dask distributed fastapi"
"""Packages that take long to import."""


def folder(path: Path) -> str:
    """Return the folder of a module below the package, or the module's own name."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def dotted(path: Path) -> str:
    """Return the name that a module is imported by."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """Yield the modules of the package that a module imports, also those inside functions."""
    modules = {dotted(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            if name not in modules:  # a name in a module, or another package
                name = name.rpartition(".")[0]
            if name in modules and name != "workbench":
                yield name


def test_the_order_names_every_folder_and_module() -> None:
    assert {folder(path) for path in MODULES} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = folder(path)
    for name in imported(path):
        there = name.split(".")[1]
        assert ORDER.index(there) <= ORDER.index(here), f"{path.name} imports {name}"
        assert (here, there) != ("service", "desk"), f"{path.name} imports {name}"


def test_no_modules_import_each_other() -> None:
    TopologicalSorter({dotted(path): set(imported(path)) for path in MODULES}).prepare()


@pytest.mark.parametrize("module", ["workbench", "workbench.cli"])
def test_import_loads_nothing_heavy(module: str) -> None:
    """The time is printed and not asserted: it depends on the machine."""
    code = (
        f"import time; began = time.perf_counter(); import {module}; took = time.perf_counter()"
        f" - began; import sys; print(sorted(set('{HEAVY}'.split()) & set(sys.modules)));"
        f" print(f'import {module} takes {{took:.3f}} s')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(done.stdout)
    assert done.stdout.splitlines()[0] == "[]"


def test_no_two_classes_have_the_same_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_only_ffmpeg_py_starts_processes() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "ffmpeg.py":
            assert not re.search(r"subprocess|Popen|os\.system", path.read_text(encoding="utf-8"))


def test_pyproject_and_environment_name_the_same_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    plain = {entry for entry in conda if isinstance(entry, str)}
    (wheels,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert f"python{project['requires-python']}" in plain
    assert plain - {"pip", f"python{project['requires-python']}"} | set(wheels) == set(
        project["dependencies"]
    )
    assert wheels[0].startswith("imageio-ffmpeg")


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=]", requirement)[0].replace("_", "-").lower()


@pytest.mark.parametrize("kind", ["install", "runtime", "development", "release"])
def test_the_locks_pin_every_dependency_with_hashes(kind: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["serve"],
    ]
    runtime = pinned(ROOT / "requirements.lock")
    found, groups = runtime, project["dependency-groups"]
    if kind == "install":
        found = pinned(ROOT / "requirements-install.lock")
        wanted = [*groups["install"], *project["build-system"]["requires"]]
        assert len(found) == 2
    elif kind == "development":
        found = pinned(ROOT / "requirements-dev.lock")
        wanted += [one for one in groups["dev"] if isinstance(one, str)]
        assert found.items() >= runtime.items(), "the locks have the same versions"
    elif kind == "release":
        found = pinned(ROOT / "requirements-release.lock")
        wanted += [one for one in groups["release"] if isinstance(one, str)]
        assert found.items() >= runtime.items(), "the locks have the same versions"
    else:
        assert len(found) <= 155, "a colorist installs what the workbench needs, and no more"
        assert "pytest" not in found
    assert {name_of(one) for one in wanted} <= found.keys()


def pinned(lock: Path) -> dict[str, str]:
    """Return the version of each package that a lock pins with a hash."""
    text = lock.read_text(encoding="utf-8")
    assert "//" not in text, "the lock names an address"
    lines = re.findall(
        r"^([a-z0-9._-]+)==(\S+)[^\n\\]*(\\\n\s+--hash=sha256:)?", text, re.MULTILINE
    )
    assert all(hashed for _, _, hashed in lines)
    versions = {name.replace("_", "-"): version for name, version, _ in lines}
    assert len(versions) == len(lines), "one version for every Python"
    return versions


def imported_for_types() -> dict[str, str]:
    """The module of each name that the package imports for type checkers alone."""
    (block,) = (
        node
        for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.If)
    )
    return {
        alias.name: str(node.module).removeprefix("workbench.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


def test_type_checkers_and_python_see_the_same_public_names() -> None:
    import workbench

    assert imported_for_types() == workbench._MODULES
    for name in workbench.__all__:
        assert getattr(workbench, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = workbench.nonesuch


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebooks_are_committed_clean_and_thin(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in code) == 1
    for cell in code:
        source = "".join(cell["source"])
        assert not re.search(r"^\s*(def|class) ", source, re.MULTILINE)
        most = 12 if "parameters" in cell["metadata"].get("tags", []) else 9
        assert len(source.splitlines()) <= most


@pytest.mark.parametrize("words", RIDDLES)
def test_a_plain_word_is_used_instead(words: str) -> None:
    pattern = re.compile(r"\b" + words.replace(" ", r"\s+") + r"\b", re.IGNORECASE)
    texts = {path: path.read_text(encoding="utf-8") for path in TEXTS}
    assert [
        str(path.relative_to(ROOT)) for path, text in texts.items() if pattern.search(text)
    ] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests/benchmarks").glob("*.py")), ids=lambda p: p.stem
)
def test_the_benchmarks_follow_the_package(path: Path) -> None:
    """They run for hours and by hand, so a name that is gone would be noticed late."""
    importlib.import_module(f"tests.benchmarks.{path.stem}")
