"""Clip tasks: the worst frame, one second of video, and decoding ahead."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests import clips
from workbench.desk.clip_tasks import decode_ahead, render_loop, worst_frame
from workbench.errors import Cancelled, UnsupportedClip
from workbench.ffmpeg import Cancellation
from workbench.look.preset import load_preset
from workbench.media.probe import open_clip

SMOOTH = load_preset("smooth")


def test_the_worst_frame_is_where_the_banding_is(tmp_path: Path) -> None:
    path = tmp_path / "fade.mp4"
    grey = "color=gray:s=640x360:r=24:d=1,format=yuv444p"
    both = f"{clips.sky('640x360')}[sky2];{grey}[grey];[grey][sky2]concat=n=2"
    clips.run("-f", "lavfi", "-i", both, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    with open_clip(path) as clip:
        assert clip.frame_count == 48
        assert worst_frame(clip, Cancellation()) >= 24


def test_a_small_picture_has_no_worst_frame(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("160x90"), "-c:v", "libx264", path)
    with open_clip(path) as clip, pytest.raises(UnsupportedClip, match=r"small\.mp4: .* too small"):
        worst_frame(clip, Cancellation())


def test_a_loop_keeps_the_clips_timing(made: Callable[[str], Path]) -> None:
    """The clip has frames of 40, 80 and 40 ms in turn."""
    with open_clip(made("variable")) as clip:
        found = render_loop(clip, 3, SMOOTH, Cancellation())
        count = len(found.before)
        ends = [time - clip.times[3] for time in clip.times[4 : 4 + count]]
    assert found.ends == tuple(map(float, ends))
    assert found.ends[-1] >= 1
    assert len(found.after) == count
    assert found.before[0] != found.before[-1]


def test_a_loop_from_the_end_is_the_last_second(made: Callable[[str], Path]) -> None:
    with open_clip(made("long_gop")) as clip:
        assert clip.duration == 2
        found = render_loop(clip, clip.frame_count - 1, SMOOTH, Cancellation())
        whole = render_loop(clip, 24, SMOOTH, Cancellation())
    assert found == whole
    assert found.ends[-1] == Fraction(1)


def test_a_clip_shorter_than_a_second_is_looped_whole(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky(), "-frames:v", "1", "-c:v", "libx264", path)
    with open_clip(path) as clip:
        assert len(render_loop(clip, 0, SMOOTH, Cancellation()).after) == 1


def test_cancelled_tasks_end(untagged: Path) -> None:
    stop = Cancellation()
    stop.request()
    with open_clip(untagged) as clip:
        with pytest.raises(Cancelled):
            render_loop(clip, 0, SMOOTH, stop)
        decode_ahead(clip, stop)
        assert clip._reader.cached == 0
        decode_ahead(clip, Cancellation())
        assert clip._reader.cached == clip.frame_count
