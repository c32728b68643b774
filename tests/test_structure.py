"""The house stands as planned: imports run one way, one door to ffmpeg, clean notebooks."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "workbench"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

ORDER = [
    *("errors", "arguments", "model", "signals", "temporary", "files", "ffmpeg"),
    *("media", "measure", "look", "deliver", "storage", "batch", "present"),
    *("desk", "service", "demo", "cli", "__main__", "__init__"),
]
"""A module imports only from those before it, or from its own folder."""


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> list[str]:
    """The rooms that a module imports from, imports inside functions included."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found += [name.split(".")[1] for name in names if name.startswith("workbench.")]
    return [name for name in found if name in ORDER]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_imports_run_one_way(path: Path) -> None:
    here = ORDER.index(room(path))
    for name in imported(path):
        assert ORDER.index(name) <= here, f"{path.name} imports {name}, which comes after it"
        assert not (room(path) == "service" and name == "desk"), f"{path.name} imports desk"


def test_only_ffmpeg_py_starts_processes() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "ffmpeg.py":
            assert not re.search(r"subprocess|Popen|os\.system", path.read_text(encoding="utf-8"))


def test_the_two_lists_of_dependencies_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    plain = {entry for entry in conda if isinstance(entry, str)}
    (wheels,) = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    assert f"python{project['requires-python']}" in plain
    assert plain - {"pip", f"python{project['requires-python']}"} | set(wheels) == set(
        project["dependencies"]
    )
    assert wheels[0].startswith("imageio-ffmpeg")


def test_the_lock_pins_every_dependency_with_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["serve"], *extras["dev"]]
    wanted.remove("workbench[serve]")
    pinned = re.findall(r"^([a-z0-9-]+)==(?:[^\n]*\\\n\s+--hash=sha256:)", lock, re.MULTILINE)
    for requirement in wanted:
        name = re.split(r"[\[<>=]", requirement)[0].replace("_", "-")
        assert name in pinned
    assert "//" not in lock, "the lock names an address"


def test_the_map_in_the_docstring_lists_the_public_names() -> None:
    import workbench

    assert sorted(workbench._HOME) == workbench.__all__ == sorted(workbench.__all__)
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
