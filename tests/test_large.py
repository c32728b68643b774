"""Convert, check, suggest and show clips above UHD, which libvmaf refuses."""

import json
from pathlib import Path

import pytest

from tests import clips
from tests.batch.running import batch_on
from tests.desk.driver import DeskDriver
from workbench.deliver.recheck import recheck
from workbench.desk.clip_tasks import worst_frame
from workbench.ffmpeg import Cancellation
from workbench.look.stages import NoDeband
from workbench.look.suggest import suggest
from workbench.media.probe import open_clip

SIZES = {"4096x2160": 2, "2160x4096": 1, "7680x4320": 1}
"""The number of frames of each size."""
PATIENCE = 120  # seconds


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a clip of each size: a dark gradient, or plain grey at 8K."""
    folder = tmp_path_factory.mktemp("large")
    for size, frames in SIZES.items():
        height = size.partition("x")[2]
        end = "0x282828" if size == "7680x4320" else "0x5a1a2c"
        start = "0x282828" if size == "7680x4320" else "0x05081c"
        gradient = (
            f"gradients=s={size}:c0={start}:c1={end}:x0=0:y0=0:x1=0:y1={height}:speed=0:seed=7:r=24:"
            "nb_colors=2"
        )
        x264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
        path = folder / f"{size}.mp4"
        clips.run("-f", "lavfi", "-i", gradient, "-frames:v", str(frames), *x264, path)
    return folder


@pytest.fixture(scope="module")
def delivered(sources: Path, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that a batch delivers them to."""
    folder = tmp_path_factory.mktemp("delivered")
    found = batch_on(scheduler, sources, "--out", folder, "--preset", "classic")
    assert [one["state"] for one in found] == ["delivered"] * 3, found
    return folder


@pytest.mark.parametrize("size", SIZES)
def test_a_batch_delivers_it_with_a_report_and_qc_says_the_same(
    sources: Path, delivered: Path, size: str
) -> None:
    (path,) = delivered.rglob(f"{size}_prores.mov")
    record = json.loads(path.with_suffix(".qc.json").read_text(encoding="utf-8"))
    assert path.with_name(f"{path.stem}.report.html").stat().st_size > 20_000
    findings = {one["id"]: one for one in record["findings"]}
    for name in ("banding", "banding after grading", "coarse banding"):
        assert "above UHD, so CAMBI is measured at half size" in findings[name]["sentence"]
    before = record["measures"]["frames"][0]["cambi_before"]
    assert before == 0 if size == "7680x4320" else before > 5
    again = {one.id: one for one in recheck(sources / f"{size}.mp4", path).findings}
    assert again["banding"].measured == findings["banding"]["measured"]


@pytest.mark.parametrize("size", SIZES)
def test_a_deband_is_suggested(sources: Path, size: str) -> None:
    with open_clip(sources / f"{size}.mp4") as clip:
        found = suggest(clip)
    assert isinstance(found.preset.deband, NoDeband) == (size == "7680x4320")


@pytest.mark.parametrize("size", SIZES)
def test_the_desk_shows_its_figures(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.chdir(tmp_path)
    desk = DeskDriver(sources / f"{size}.mp4")
    desk.wait(PATIENCE)
    assert "CAMBI" in desk.text()
    assert worst_frame(desk.clip, Cancellation()) == 0
    assert desk.error == ""
