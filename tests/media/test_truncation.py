import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clips
from tests.soak.mutations import boxes
from workbench.deliver.encode import _known_cause
from workbench.errors import ClipNotFound, ClipReplaced, DamagedClip, FfmpegFailed
from workbench.media.probe import open_clip

Made = Callable[[str], Path]


@pytest.fixture(scope="module")
def fragmented(made: Made, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("fragmented") / "whole.mp4"
    parts = ["-g", "6", "-movflags", "frag_keyframe+empty_moov"]
    clips.run("-i", made("untagged"), "-c:v", "libx264", *parts, path)
    return path.read_bytes()


@pytest.mark.parametrize("after", [4, 8, 20])
def test_a_cut_in_the_header_of_a_fragment_is_detected(
    fragmented: bytes, tmp_path: Path, after: int
) -> None:
    """No frame in the remaining index is missing, so the index does not show the cut."""
    third = [box.start for box in boxes(fragmented) if box.kind == b"moof"][2]
    path = tmp_path / "cut.mp4"
    path.write_bytes(fragmented[: third + after])
    with pytest.raises(DamagedClip, match=r"cut\.mp4 is cut short: its headers declare"):
        open_clip(path)


@pytest.mark.parametrize("tail", [b"", bytes(4), bytes(4096), b"\x00\x00\x10\x00free"])
def test_bytes_after_the_last_fragment_are_allowed(
    fragmented: bytes, tmp_path: Path, tail: bytes
) -> None:
    path = tmp_path / "whole.mp4"
    path.write_bytes(fragmented + tail)
    with open_clip(path) as clip:
        assert clip.frame_count == 24


def test_a_matroska_file_without_its_last_frames_is_detected(made: Made, tmp_path: Path) -> None:
    """The frame shown last is stored before others, so the duration does not show the cut."""
    whole, path = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    clips.run("-i", made("long_gop"), "-c", "copy", whole)
    with open_clip(whole) as clip:
        assert clip.frame_count == 48
    data = whole.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.95)])
    with pytest.raises(DamagedClip, match=r"cut\.mkv is cut short"):
        open_clip(path)


@pytest.mark.parametrize("kind", ["avi", "flv"])
@pytest.mark.parametrize("missing", [1, 2000])
def test_an_avi_or_flv_file_without_its_end_is_detected(
    made: Made, tmp_path: Path, kind: str, missing: int
) -> None:
    """Neither has an index that FFmpeg needs."""
    path = tmp_path / f"whole.{kind}"
    clips.run("-i", made("untagged"), "-c:v", "libx264", "-bf", "0", "-c:a", "libmp3lame", path)
    data = path.read_bytes()
    with open_clip(path) as clip:
        assert clip.frame_count == 24
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(data[:-missing])
    with pytest.raises(DamagedClip, match=rf"cut\.{kind} is cut short"):
        open_clip(cut)
    if kind == "avi":
        cut.write_bytes(data + b"tail")
        assert open_clip(cut).frame_count == 24


def test_a_live_matroska_stream_without_a_size_is_accepted(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "live.mkv"
    clips.run("-i", made("long_gop"), "-c", "copy", "-live", "1", path)
    with open_clip(path) as clip:
        assert clip.frame_count == 48


def test_the_error_says_that_a_recently_changed_file_may_be_incomplete(
    made: Made, tmp_path: Path
) -> None:
    """A download in progress looks like a damaged file."""
    data = made("untagged").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DamagedClip, match=r"cut short or damaged: .* if it is still being written"):
        open_clip(path)
    for age, said in ((11, False), (8, True), (-8, True), (-11, False)):
        then = time.time() - age
        os.utime(path, (then, then))
        with pytest.raises(DamagedClip, match=r"cut\.mp4 is cut short or damaged") as caught:
            open_clip(path)
        assert ("still being written" in str(caught.value)) == said, age


def test_a_deleted_or_replaced_source_is_not_called_damaged(made: Made, tmp_path: Path) -> None:
    """ffmpeg only reports that it cannot decode the file, or that the file does not exist."""
    path = tmp_path / "take.mp4"
    shutil.copy(made("untagged"), path)
    clip = open_clip(path)
    failed = FfmpegFailed([], path, ["error while decoding"], "error while decoding")
    assert isinstance(_known_cause(failed, clip, tmp_path / "out.mov"), DamagedClip)
    shutil.copy(made("long_gop"), path)
    changed = _known_cause(failed, clip, tmp_path / "out.mov")
    assert isinstance(changed, ClipReplaced)
    assert "take.mp4 was changed or replaced while it was converted" in str(changed)
    path.unlink()
    assert isinstance(_known_cause(failed, clip, tmp_path / "out.mov"), ClipNotFound)
