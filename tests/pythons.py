"""Run the quick tests on each Python of this machine, or with the oldest dependencies.

`make pythons` and `make lowest` call this. Each run gets an environment of its own below .venv, and
stops after an hour, or when one test takes ten minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
QUICK = (
    *("workbench", "tests/media", "tests/measure", "tests/look", "tests/deliver", "tests/present"),
    *("tests/cli", "tests/batch/test_kernel.py", "tests/test_ffmpeg.py", "tests/test_files.py"),
    *("tests/test_signals.py", "tests/test_temporary.py"),
)
"""The tests that open no browser and start no server and no workers of a batch."""

OLDEST = "3.11"  # as requires-python in pyproject.toml
VERSIONS = (OLDEST, "3.12", "3.13", "3.14")
RUN_TIMEOUT, TEST_TIMEOUT = 3600, 600  # seconds


def interpreter(version: str) -> Path | None:
    """Return a Python of that version on the PATH or among pyenv's, if the machine has one."""
    found = (*(Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python"), None)[0]
    folders = [folder for folder in os.get_exec_path() if "shims" not in Path(folder).parts]
    on_path = shutil.which(f"python{version}", path=os.pathsep.join(folders))
    return Path(on_path) if on_path else found


def uv(*arguments: str | Path) -> None:
    subprocess.run([UV, *arguments, "--quiet"], cwd=ROOT, check=True)


def environment(python: Path, name: str, *, lowest: bool) -> Path:
    """Install into an environment; return its Python. Raises CalledProcessError."""
    folder = ROOT / ".venv" / name
    uv("venv", "--clear", "--python", python, folder)
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = ("pip", "install", "--python", inside)
    if lowest:
        uv(*install, "--resolution", "lowest-direct", "--group", "dev", "--editable", ".[serve]")
        return inside
    locks = ("-r", "requirements-install.lock", "-r", "requirements-dev.lock")
    uv(*install, "--require-hashes", "--no-deps", *locks)
    uv(*install, "--no-deps", "--no-build-isolation", "--editable", ".")
    uv("pip", "check", "--python", inside)  # the lock lacks nothing on this Python
    return inside


def passes(python: Path, tests: Sequence[str]) -> bool:
    """Run the quick tests; return whether they passed in time."""
    argv = [python, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    limits = [f"faulthandler_timeout={TEST_TIMEOUT}", "faulthandler_exit_on_timeout=true"]
    options = ["-q", "-p", "no:cacheprovider", *(f"--override-ini={limit}" for limit in limits)]
    process = psutil.Popen([*argv, *options, *tests], cwd=ROOT)
    try:
        return bool(process.wait(RUN_TIMEOUT) == 0)
    except psutil.TimeoutExpired:
        print(f"{python}: the tests took more than {RUN_TIMEOUT} seconds")
        for one in (*process.children(recursive=True), process):
            one.kill()
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--versions", nargs="+", default=VERSIONS, help="such as 3.12 3.13")
    parser.add_argument("--lowest", action="store_true", help="the oldest direct dependencies")
    parser.add_argument("--tests", nargs="+", default=QUICK, help="instead of the quick tests")
    options = parser.parse_args()
    failed, ran = [], 0
    for version in (OLDEST,) if options.lowest else options.versions:
        python = interpreter(version)
        if python is None:
            print(f"Python {version}: not on this machine")
            continue
        name = "lowest" if options.lowest else f"python{version}"
        print(f"Python {version}: {python}", flush=True)
        ran += 1
        if not passes(environment(python, name, lowest=options.lowest), options.tests):
            failed.append(name)
    if failed or not ran:
        sys.exit(f"failed: {', '.join(failed) or 'no Python was found'}")


if __name__ == "__main__":
    main()
