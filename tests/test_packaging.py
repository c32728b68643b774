"""The wheel and the source distribution, as the build backend writes them."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from workbench import __version__

ROOT = Path(__file__).parents[1]
NAME = f"prores_workbench-{__version__}"


def build(kind: str, source: Path, folder: Path) -> Path:
    """Build a wheel or an sdist of `source` in a process, as pip does; return its path."""
    folder.mkdir(exist_ok=True)
    code = f"import pdm.backend, sys; print(pdm.backend.build_{kind}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the unpacked source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return build("wheel", folder / NAME, folder)


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if not name.startswith(f"{NAME}.dist-info/")}
        notebooks = ROOT / "notebooks"
        for path in notebooks.iterdir():
            assert archive.read(f"workbench/notebooks/{path.name}") == path.read_bytes()
        entry_points = archive.read(f"{NAME}.dist-info/entry_points.txt").decode()
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "workbench").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held - package == {f"workbench/notebooks/{path.name}" for path in notebooks.iterdir()}
    assert package <= held
    assert "workbench = workbench.__main__:main" in entry_points


def test_the_source_distribution_holds_no_tests_and_no_locks(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert tops >= {"workbench", "notebooks", "pyproject.toml", "LICENSE", "README.md"}
    assert not tops & {"tests", "requirements.lock", ".venv", "my-project", "demo"}


def test_the_unpacked_wheel_works_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    """The copy on PYTHONPATH comes before the editable installation of the checkout."""
    (here := tmp_path / "elsewhere").mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    code = (
        "import sys; from pathlib import Path\n"
        "from workbench.batch.notebook_files import NOTEBOOKS\n"
        "from workbench.notebook_server.project import prepare_project\n"
        "print(NOTEBOOKS); print(prepare_project(Path('mine')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    installed, copied = map(Path, done.stdout.splitlines())
    assert installed == tmp_path / "site" / "workbench" / "notebooks"
    assert copied == here / "mine" / "notebooks" / "tune.ipynb"
    assert copied.read_bytes() == (ROOT / "notebooks" / "tune.ipynb").read_bytes()
