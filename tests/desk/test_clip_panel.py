"""Clip panel: early warnings, and the input matrix with its effect on the picture."""

from collections.abc import Callable
from pathlib import Path

from tests import clips
from tests.desk.driver import DeskDriver
from workbench.deliver.recheck import recheck
from workbench.deliver.record import read_record
from workbench.desk.clip_panel import warnings_for
from workbench.look.render import render
from workbench.media.probe import open_clip


def warned(path: Path, *words: str) -> None:
    with open_clip(path) as clip:
        text = " ".join(warnings_for(clip))
    for word in words:
        assert word in text


def test_properties_that_matter_before_encoding_are_said(tmp_path: Path) -> None:
    sky = ("-f", "lavfi", "-i", clips.sky("320x240", seconds=1))
    clips.run(*sky, "-vf", "setsar=2", "-c:v", "libx264", tmp_path / "wide_pixels.mp4")
    warned(tmp_path / "wide_pixels.mp4", "Pixels are not square (2)", "no sound", "No matrix")
    hdr = "setparams=color_trc=smpte2084:colorspace=bt2020nc:color_primaries=bt2020"
    clips.run(*sky, "-vf", hdr, "-c:v", "libx264", tmp_path / "pq.mp4")
    warned(tmp_path / "pq.mp4", "HDR (PQ)")
    uneven = "select='not(eq(mod(n,5),3))'"
    clips.run(*sky, "-vf", uneven, "-fps_mode", "vfr", "-c:v", "libx264", tmp_path / "vfr.mp4")
    warned(tmp_path / "vfr.mp4", "Variable frame rate")


def test_a_plain_tagged_clip_has_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    picture = f"{clips.sky('320x240', seconds=1)},setparams=colorspace=bt709"
    sound = ("-f", "lavfi", "-i", "sine=d=1")
    clips.run("-f", "lavfi", "-i", picture, *sound, "-c:v", "libx264", "-c:a", "aac", path)
    with open_clip(path) as clip:
        assert warnings_for(clip) == []


def test_the_input_matrix_changes_the_picture_at_once(untagged: Path) -> None:
    desk = DeskDriver(untagged)
    desk.wait()
    assert desk.matrix.value == "bt709"
    assert not desk.matrix.disabled
    preview = desk.preview
    desk.matrix.value = "bt601"
    desk.wait()
    assert desk.preset.assume_matrix == "bt601"
    assert desk.preview != preview
    desk.press("Undo")
    desk.wait()
    assert desk.matrix.value == "bt709"
    assert desk.preview == preview


def test_frame_and_audio_rate_are_delivered(untagged: Path, tmp_path: Path) -> None:
    desk = DeskDriver(untagged)
    desk.wait()
    desk.set_frame_rate("0")
    desk.encode(tmp_path / "out.mov")
    assert "Frame rate must be between 1 and 240, not 0" in desk.text()
    desk.set_frame_rate("25")
    desk.encode(tmp_path / "out.mov")
    desk.wait()
    with open_clip(tmp_path / "out.mov") as delivered:
        assert delivered.frame_rate == 25


def test_the_input_range_changes_both_pictures_and_the_file(
    desk: DeskDriver, tmp_path: Path
) -> None:
    desk.wait()
    before, after = desk.exact_picture("before"), desk.exact_picture("after")
    desk.range.value = "full"
    desk.wait()
    frame = desk.clip.frame(12)
    assert frame.colour.range == "full"
    assert desk.exact_picture("before") == before  # the code values, which now mean something else
    assert desk.sent("exact")[-1][0]["full"] or desk.sent("exact")[-2][0]["full"]
    assert desk.exact_picture("after") == render(frame, desk.preset).tobytes() != after
    desk.encode(tmp_path)
    desk.wait()
    record = read_record(tmp_path / "banded_prores.mov")
    assert record is not None
    assert (record.input_range, record.source.colour.range) == ("full", "full")
    assert "input range set" in [finding.id for finding in record.findings]
    again = recheck(desk.clip.path, tmp_path / "banded_prores.mov")  # reads the range back
    assert (again.settings.input_range, again.verdict) == ("full", record.verdict)
    desk.range.value = None
    desk.wait()
    assert desk.exact_picture("after") == after


def test_a_tag_of_full_range_cannot_be_overruled(made: Callable[[str], Path]) -> None:
    desk = DeskDriver(made("full_range"))
    desk.wait()
    desk.range.value = "legal"
    assert "is tagged full range and cannot be read as legal range" in desk.error
    assert desk.range.value is None
