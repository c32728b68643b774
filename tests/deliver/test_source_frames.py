"""Test that the source is measured while it is encoded exactly as it is when it is decoded."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench import ffmpeg
from workbench.deliver import inspection
from workbench.deliver.command import encode_command
from workbench.deliver.encode import convert
from workbench.deliver.recheck import recheck
from workbench.deliver.settings import Settings
from workbench.deliver.source_frames import SourceRecording, decoded_frames, sampled_indices
from workbench.media.clip import Clip
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
CLASSIC = Settings(preset="classic")


@contextmanager
def recorded(clip: Clip, folder: Path) -> Iterator[SourceRecording]:
    """Encode a clip, and yield the recording that was made meanwhile."""
    recording = SourceRecording(clip, folder)
    arguments = encode_command(clip, CLASSIC).arguments(folder / "out.mov", recording.output)
    ffmpeg.run(["-y", *arguments], on_output=recording.read)
    try:
        yield recording
    finally:
        recording.close()


KINDS = ["untagged", "variable", "four_four_four", "odd", "long_gop", "ten_bit"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_equals_the_decoded_source(made: Made, tmp_path: Path, kind: str) -> None:
    with open_clip(made(kind)) as clip, recorded(clip, tmp_path) as recording:
        assert SourceRecording.is_possible(clip, CLASSIC, tmp_path)
        assert recording.complete
        count = clip.frame_count
        pairs = zip(recording.frames(), decoded_frames(clip, range(count)), strict=True)
        pictures = []
        for found, expected in pairs:
            assert np.array_equal(found.means, expected.means)
            assert found.detail == expected.detail
            if found.picture:
                assert expected.picture
                assert found.picture.tobytes() == expected.picture.tobytes()
                assert found.picture.colour == expected.picture.colour
                assert found.picture.time == expected.picture.time
                pictures.append(found.picture.index)
        assert pictures == sampled_indices(clip, count, every_frame=False)


def test_a_conversion_decodes_its_source_once(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second output does not change the file, and a later check has the same findings."""
    with monkeypatch.context() as changed:
        changed.setattr(inspection, "decoded_frames", None)
        delivery = convert(untagged, tmp_path / "out.mov", CLASSIC)
    plain = tmp_path / "plain.mov"
    with open_clip(untagged) as clip:
        ffmpeg.run(encode_command(clip, CLASSIC).arguments(plain))
    packets = ["-c:v", "copy"]
    assert clips.frame_hashes(delivery.destination, *packets) == clips.frame_hashes(plain, *packets)
    again = recheck(untagged, delivery.destination, CLASSIC)
    assert again.findings == delivery.findings


def test_a_source_is_decoded_again_where_its_recording_fails(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full after two frames; the pictures that follow are not kept."""
    expected = convert(untagged, tmp_path / "one.mov", CLASSIC)
    real = SourceRecording._add

    def full(self: SourceRecording, data: bytes) -> None:
        if self._count == 2:
            raise OSError("No space left on device")
        real(self, data)

    monkeypatch.setattr(SourceRecording, "_add", full)
    assert convert(untagged, tmp_path / "two.mov", CLASSIC).findings == expected.findings


def test_a_recording_of_other_pictures_is_not_complete(made: Made, tmp_path: Path) -> None:
    with open_clip(made("untagged")) as clip, open_clip(made("variable")) as other:
        assert clip.frame_count != other.frame_count
        recording = SourceRecording(clip, tmp_path)
        ffmpeg.run(["-i", ffmpeg.file_url(other.path), *recording.output], on_output=recording.read)
        assert not recording.complete
        recording.close()


def test_sources_that_ffmpeg_would_convert_are_decoded_again(made: Made, tmp_path: Path) -> None:
    turned = clips.turned(made("untagged"), tmp_path / "turned.mp4", "-display_rotation", "90")
    with open_clip(turned) as clip:
        assert not SourceRecording.is_possible(clip, CLASSIC, tmp_path)
    with open_clip(made("full_range")) as clip:
        assert clip.pixel_format == "yuvj420p"
        assert not SourceRecording.is_possible(clip, CLASSIC, tmp_path)
    with open_clip(made("untagged")) as clip:
        assert not SourceRecording.is_possible(clip, Settings(frame_rate="25"), tmp_path)
        assert not SourceRecording.is_possible(clip, Settings(every_frame=True), tmp_path)


def test_a_source_is_decoded_again_where_the_disk_has_little_space(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The temporary file must not take the space of the delivered file."""
    needed = 24 * 20 * 12 * 700  # frames, blocks of 16x16 pixels, bytes
    usage = shutil.disk_usage(tmp_path)
    with open_clip(untagged) as clip:
        for free, possible in ((needed, True), (needed - 1, False)):
            monkeypatch.setattr(
                shutil, "disk_usage", lambda _, free=free: usage._replace(free=free)
            )
            assert SourceRecording.is_possible(clip, CLASSIC, tmp_path) is possible
