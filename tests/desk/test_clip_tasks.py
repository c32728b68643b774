"""Clip tasks: the worst frame, one second of video, and decoding ahead."""

from pathlib import Path

import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.inspection import inspect
from workbench.deliver.settings import Settings
from workbench.deliver.source_frames import sampled_indices
from workbench.desk.clip_tasks import (
    MAX_PLAYED,
    decode_ahead,
    playback_order,
    render_playback,
    worst_frame,
)
from workbench.desk.preview import PREVIEW_SIZE
from workbench.desk.viewer import jpeg
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


def test_desk_and_report_find_a_worst_frame_between_the_samples(tmp_path: Path) -> None:
    """Only frame 12 has bands, because noise hides those of all others."""
    path, out = tmp_path / "clip.mp4", tmp_path / "out.mov"
    noise = "noise=alls=24:allf=t:all_seed=3:enable='not(eq(n,12))'"
    clips.run("-f", "lavfi", "-i", f"{clips.sky('640x360')},{noise}",
              "-c:v", "libx264", "-crf", "8", "-pix_fmt", "yuv420p", path)  # fmt: skip
    encoded = convert(path, out, Settings(preset="untouched")).inspection  # recorded meanwhile
    assert encoded is not None
    with open_clip(path) as clip, open_clip(out) as delivered:
        assert 12 not in sampled_indices(clip, 24, every_frame=False)
        assert worst_frame(clip, Cancellation()) == 12
        checked = inspect(clip, delivered, load_preset("untouched"))  # decoded again
    for found in (encoded, checked):
        assert found.before.index == found.after.index == 12
        assert [one.index for one in found.comparisons] == [3, 9, 12, 15, 21]


def test_a_small_picture_has_no_worst_frame(tmp_path: Path) -> None:
    path = tmp_path / "small.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky("160x90"), "-c:v", "libx264", path)
    with open_clip(path) as clip, pytest.raises(UnsupportedClip, match=r"small\.mp4: .* too small"):
        worst_frame(clip, Cancellation())


def test_frames_to_play_are_small_pictures_before_and_after(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        before, after = render_playback(clip, [3, 4, 0], SMOOTH, Cancellation())
        expected = jpeg(clip.frame(4).downscaled(PREVIEW_SIZE).with_matrix(None))
    assert (len(before), len(after)) == (3, 3)
    assert before[1] == expected
    assert before[0] != after[0]


def test_playback_begins_at_the_playhead_and_is_limited() -> None:
    assert playback_order(0, 4, 2) == [2, 3, 4, 0, 1]
    assert playback_order(2, 4, 9) == [2, 3, 4]
    assert len(playback_order(0, 10 * MAX_PLAYED, 5)) == MAX_PLAYED


def test_cancelled_tasks_end(untagged: Path) -> None:
    stop = Cancellation()
    stop.request()
    with open_clip(untagged) as clip:
        with pytest.raises(Cancelled):
            render_playback(clip, [0], SMOOTH, stop)
        decode_ahead(clip, stop)
        assert clip._reader.cached == 0
        decode_ahead(clip, Cancellation())
        assert clip._reader.cached == clip.frame_count
