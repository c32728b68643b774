from pathlib import Path

import pytest

from workbench import demo
from workbench.batch import notebook_files
from workbench.errors import NotebookFailed
from workbench.measure.banding import cambi
from workbench.media.probe import open_clip


def test_the_demo_prints_the_path_of_every_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SECONDS", 1)
    said = demo.run_demo(tmp_path / "demo")
    lines = dict(line.split(maxsplit=1) for line in said.strip().splitlines())
    for what in ("ProRes", "report", "notebook", "record"):
        assert Path(lines[what]).stat().st_size > 0
    assert lines["verdict"].startswith("PASS, ")
    assert demo.run_demo(tmp_path / "demo") == said, "a second run replaces the first"


def test_without_notebooks_no_sample_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notebook_files, "NOTEBOOKS", tmp_path / "none")
    with pytest.raises(
        NotebookFailed, match=r"convert\.ipynb is missing .* install the workbench again"
    ):
        demo.run_demo(tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


def test_the_sample_has_the_faults_of_a_generated_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "SECONDS", 1)
    with open_clip(demo.make_sample(tmp_path / "sample.mp4")) as clip:
        assert (clip.width, clip.height, clip.codec, clip.bit_depth) == (1280, 720, "h264", 8)
        assert clip.colour.untagged == ("range", "primaries", "transfer", "matrix")
        assert clip.audio[0].channels == 2
        frame = clip.frame(0)
    assert cambi([frame])[0] > 10, "visible banding"
    assert frame.luma[:100].mean() < 40, "a dark sky"
    assert frame.luma.max() > 150, "a lit object"
