"""Show names and tags of files as text, without markup and terminal escape codes."""

from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from tests import clips
from workbench.cli import main

BAD = "<img src=x onerror=alert(1)>\x1b]0;owned\x07\x1b[31m&amp;"
MARKUP = "<img src=x"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip whose name and text tags hold markup and escape codes."""
    path = tmp_path_factory.mktemp("text") / f"{BAD}.mp4"
    tags = [
        *(f"-metadata={tag}" for tag in ("title", "comment", "artist")),
        *("-metadata:s:v=handler_name", "-metadata:s:a=title"),
    ]
    words = [
        word for tag in tags for word in (tag.partition("=")[0], f"{tag.partition('=')[2]}={BAD}")
    ]
    source = ["-f", "lavfi", "-i", clips.sky("416x240"), "-f", "lavfi", "-i", "sine=d=1"]
    clips.run(*source, *words, "-c:v", "libx264", "-pix_fmt", "yuv420p", f"file:{path}")
    return path


def plain(shown: str) -> None:
    assert "onerror" in shown, "the name is not shown at all"
    assert not [c for c in shown if not c.isprintable() and c != "\n"]


def test_in_a_terminal(clip: Path) -> None:
    plain(CliRunner().invoke(main, ["inspect", str(clip)]).stdout)
    plain(CliRunner().invoke(main, ["convert", str(clip), "--dry-run"]).stdout)
    plain(CliRunner().invoke(main, ["inspect", f"{clip}.no"]).stderr)


def test_in_a_report_and_its_terminal(clip: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["convert", str(clip), str(tmp_path), "--report"])
    plain(done.stdout)
    (report,) = tmp_path.glob("*.report.html")
    shown = report.read_text(encoding="utf-8")
    assert "&lt;img src=x" in shown
    assert MARKUP not in shown


def test_in_a_batch_its_notebook_and_its_summary(
    clip: Path, tmp_path: Path, scheduler: str
) -> None:
    arguments = [str(clip), "--out", str(tmp_path / "out"), "--scheduler", scheduler]
    done = CliRunner().invoke(main, ["batch", *arguments])
    plain(done.stdout)
    pages = [*(tmp_path / "out").glob("*.html")]
    assert len(pages) == 2
    for page in pages:
        assert MARKUP not in page.read_text(encoding="utf-8"), page
    shown = [html for path in (tmp_path / "out").glob("*.ipynb") for html in tables(path)]
    assert any("&lt;img src=x" in html for html in shown)
    assert not any(MARKUP in html for html in shown)


def tables(path: Path) -> list[str]:
    """Return the HTML outputs of an executed notebook."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data.get("text/html", "") for output in outputs if "data" in output]
