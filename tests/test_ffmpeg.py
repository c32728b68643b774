import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from workbench import ffmpeg
from workbench.errors import Cancelled, FfmpegFailed, FfmpegMissing

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x64", "-f", "null", "-"]


def test_the_wheel_s_ffmpeg_has_every_filter_and_encoder() -> None:
    assert ffmpeg.program().missing() == ()


def test_the_environment_variable_overrides_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "ffmpeg of mine"
    other.write_bytes(b"")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(other))
    assert ffmpeg.find() == other


def test_a_variable_without_a_program_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "no such program")
    with pytest.raises(FfmpegMissing, match="IMAGEIO_FFMPEG_EXE names no such program"):
        ffmpeg.find()


def test_a_program_that_is_not_ffmpeg_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", sys.executable)
    with pytest.raises(FfmpegMissing, match="is not an ffmpeg program; install"):
        ffmpeg.program()


def test_a_missing_filter_is_named_with_a_way_to_get_it() -> None:
    with pytest.raises(FfmpegMissing, match=r"without the filter nonesuch.*imageio-ffmpeg"):
        ffmpeg.require(filters=["eq", "nonesuch"])


def test_an_error_carries_command_file_and_last_lines(tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("Dear Sir or Madam\n" * 100)
    with pytest.raises(FfmpegFailed, match=r"on letter\.mp4: .*Invalid data found") as caught:
        ffmpeg.run(["-i", ffmpeg.file_url(text), "-f", "null", "-"], file=text)
    assert caught.value.file == text
    assert str(ffmpeg.find()) == caught.value.command[0]
    assert any("Invalid data" in line for line in caught.value.log)


def test_full_pipes_do_not_deadlock() -> None:
    """64 MB in, 64 MB out and a long log exceed the buffers of all pipes."""
    chunk = bytes(1 << 20)
    raw = ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", "1024x1024"]
    talk = ["-loglevel", "debug"]
    arguments = [*talk, *raw, "-i", "pipe:0", "-f", "rawvideo", "pipe:1"]
    assert len(ffmpeg.run(arguments, stdin=(chunk for _ in range(64)))) == 64 << 20


def test_a_program_that_stops_reading_does_not_hang() -> None:
    raw = ["-f", "rawvideo", "-pixel_format", "gray", "-video_size", "16x16", "-i", "pipe:0"]
    one = ["-frames:v", "1", "-f", "rawvideo", "pipe:1"]
    assert len(ffmpeg.run([*raw, *one], stdin=(bytes(1 << 20) for _ in range(32)))) == 256


def test_an_error_in_the_source_is_raised() -> None:
    def pictures() -> Iterator[bytes]:
        yield bytes(256)
        raise ValueError("the scene fell over")

    raw = ffmpeg.raw_input("gray", 16, 16)
    with pytest.raises(ValueError, match="the scene fell over"):
        ffmpeg.run([*raw, "-f", "rawvideo", "pipe:1"], stdin=pictures())


def test_cancel_from_another_thread_stops_the_program() -> None:
    cancellation = ffmpeg.Cancellation()
    threading.Timer(0.3, cancellation.request).start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        ffmpeg.run(ENDLESS, cancellation=cancellation, on_progress=lambda _: None)
    assert time.monotonic() - begun < 30  # it would run for ever


def test_a_cancelled_run_does_not_start() -> None:
    cancellation = ffmpeg.Cancellation()
    cancellation.request()
    with pytest.raises(Cancelled):
        ffmpeg.run(ENDLESS, cancellation=cancellation)


def test_an_error_in_the_callback_ends_the_program() -> None:
    def fail(_: ffmpeg.Progress) -> None:
        raise KeyboardInterrupt

    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        ffmpeg.run(ENDLESS, on_progress=fail)
    assert threading.active_count() == threads


def test_progress_reaches_the_last_frame() -> None:
    seen: list[ffmpeg.Progress] = []
    source = "testsrc=s=64x64:r=25:d=2"
    ffmpeg.run(["-f", "lavfi", "-i", source, "-f", "null", "-"], on_progress=seen.append)
    assert seen[-1].frame == 50


def test_progress_accepts_values_that_ffmpeg_does_not_know_yet() -> None:
    lines = [b"frame=0\n", b"out_time_us=N/A\n", b"speed=N/A\n", b"progress=continue\n"]
    assert list(ffmpeg.read_progress(lines, deque())) == [ffmpeg.Progress(0, None)]


def test_output_is_read_while_the_program_reports_its_progress() -> None:
    sizes: list[int] = []
    seen: list[ffmpeg.Progress] = []

    def read(pipe: IO[bytes]) -> None:
        while picture := pipe.read(64 * 64):
            sizes.append(len(picture))

    source = ["-f", "lavfi", "-i", "testsrc=s=64x64:r=25:d=2,format=gray"]
    rest = ffmpeg.run(
        [*source, "-f", "rawvideo", "pipe:1"], on_output=read, on_progress=seen.append
    )
    assert sizes == [64 * 64] * 50
    assert seen[-1].frame == 50
    assert rest == b""


def test_unread_output_does_not_block_the_program() -> None:
    """16 MB exceed the pipe's buffer."""
    source = ["-f", "lavfi", "-i", "color=s=1024x1024:r=16:d=1,format=gray"]
    arguments = [*source, "-f", "rawvideo", "pipe:1"]
    assert ffmpeg.run(arguments, on_output=lambda _: None) == b""


def test_an_error_while_output_is_read_ends_the_program() -> None:
    def fail(_: IO[bytes]) -> None:
        raise ValueError("not this picture")

    with pytest.raises(ValueError, match="not this picture"):
        ffmpeg.run(ENDLESS, on_output=fail)


def test_errors_and_progress_share_a_pipe_and_are_told_apart(tmp_path: Path) -> None:
    text = tmp_path / "letter.mp4"
    text.write_text("frame=7\n" * 100)
    with pytest.raises(FfmpegFailed, match=r"Invalid data found") as caught:
        ffmpeg.run(["-i", ffmpeg.file_url(text), "-f", "null", "-"], on_progress=lambda _: None)
    assert not any(line.startswith("frame=") for line in caught.value.log)
