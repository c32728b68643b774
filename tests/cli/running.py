"""Run the command: in the tests' own process, which is quick, or in a process as users do."""

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from workbench.cli import main


def workbench(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in this process; return its exit code and its two streams."""
    argv = list(map(str, arguments))
    with chdir(cwd or Path.cwd()):
        done = CliRunner().invoke(main, argv, prog_name="workbench", catch_exceptions=False)
    return subprocess.CompletedProcess(argv, done.exit_code, done.stdout, done.stderr)


def workbench_process(
    *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which imports all libraries again."""
    return subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **(env or {})},
    )
