"""Open a video file as a Clip, or raise an error that says in one sentence why it is unusable.

PyAV reads the file's packets and decodes its first frame, nothing more. Filters always run in the
ffmpeg program (see ffmpeg.py).
"""

import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from workbench.errors import ClipNotFound, DamagedClip, NotAVideo, UnsupportedClip
from workbench.files import expanded, file_stamp
from workbench.media.clip import AudioStream, Clip
from workbench.media.colour import Colour
from workbench.media.demux import AudioTiming, Packets, read_packets
from workbench.media.frame_rates import nearest_ntsc_rate, snap_to_ntsc
from workbench.media.frame_reader import FrameReader
from workbench.media.frames import FramePosition, Orientation, read_orientation
from workbench.media.guards import check_limit, input_limits, open_container
from workbench.media.truncation import check_not_truncated
from workbench.temporary import is_temporary


def open_clip(path: str | Path) -> Clip:
    """Open a video file and read its properties.

    Raises ClipNotFound, NotAVideo, UnsupportedClip, DamagedClip, and ParameterError for anything
    but a path.
    """
    if not str(path):
        raise ClipNotFound("no clip was given: give its path as the source")
    path = expanded(path, "the source")
    check_readable_file(path)
    stamp = file_stamp(path)
    try:
        return _read(path, stamp)
    except DamagedClip as error:
        raise DamagedClip(f"{error}{_incomplete_hint(path, stamp)}") from error


def _read(path: Path, stamp: tuple[int, int]) -> Clip:
    with open_container(path) as container:
        stream = _video_stream(path, container)
        _check_limits(path, container, stream)
        _check_index(path, container)
        check_not_truncated(path)
        first = _first_frame(path, container, stream)
        orientation = read_orientation(first, path)
        _check_pixel_format(path, first, orientation)
    # Opened again instead of rewound: in some formats a seek cannot return to the first frame.
    with open_container(path) as container:
        stream = _video_stream(path, container)
        packets = read_packets(path, container, stream, first)
        return _build_clip(path, container, stream, packets, first, orientation, stamp)


def check_readable_file(path: Path) -> None:
    """Raise ClipNotFound or NotAVideo unless `path` is a readable, non-empty file."""
    try:
        if path.is_dir():
            raise NotAVideo(f"{path} is a folder: give one video file")
        if not path.exists():
            raise ClipNotFound(f"{path} does not exist")
        if not path.is_file():
            raise NotAVideo(f"{path} is not a regular file: give one video file")
        if not path.stat().st_size:
            hint = _incomplete_hint(path, file_stamp(path))
            raise NotAVideo(f"{path.name} is empty (0 bytes): download it again{hint}")
        path.open("rb").close()
    except OSError as error:
        if isinstance(error, ClipNotFound):
            raise
        raise NotAVideo(f"{path} cannot be read: {error.strerror}") from error


def may_be_incomplete(before: tuple[int, int], after: tuple[int, int], now: float) -> bool:
    """Return whether a file may still be incomplete, by its stamps (see files.file_stamp).

    It may be when it changed while it was read, or less than ten seconds ago. `now` is in seconds
    since the epoch.

    >>> may_be_incomplete((7, 0), (7, 0), 10.0), may_be_incomplete((7, 0), (7, 0), 9.9)
    (False, True)
    >>> may_be_incomplete((7, 0), (8, 0), 99.0)
    True
    """
    return before != after or abs(now - after[1] / 1e9) < _RECENT


_RECENT = 10.0  # seconds


def _incomplete_hint(path: Path, before: tuple[int, int]) -> str:
    """Return the end of a message about a broken file that may be incomplete; "" otherwise."""
    try:
        after = file_stamp(path)
    except OSError:
        return ""
    if is_temporary(path) or not may_be_incomplete(before, after, time.time()):
        return ""
    return (
        " (it changed a moment ago: if it is still being written, copied or downloaded, wait "
        "until it is complete)"
    )


def _video_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    stream = container.streams.best("video")
    if isinstance(stream, av.VideoStream):
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
        raise NotAVideo(f"{path.name} has no video, only a cover picture")
    kinds = sorted({stream.type for stream in container.streams})
    instead = f", only {' and '.join(kinds)}" if kinds else ": it holds no frames"
    raise NotAVideo(f"{path.name} has no video{instead}")


def _check_limits(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> None:
    """Raise UnsupportedClip for too large pictures or too many frames, before decoding any."""
    width, height = stream.codec_context.width, stream.codec_context.height
    check_limit(path, "pixels", width * height, f"has pictures of {width}x{height} pixels")
    for each in container.streams:
        count = len(each.index_entries)
        check_limit(path, "frames", count, f"has {count:,} frames or blocks in one track")


def _check_index(path: Path, container: av.container.InputContainer) -> None:
    """Raise DamagedClip for a file whose index refers to bytes past its end."""
    ends = [
        entry.pos + entry.size
        for stream in container.streams
        if isinstance(stream, av.VideoStream | av.AudioStream)
        for entry in stream.index_entries
    ]
    if max(ends, default=0) > path.stat().st_size:
        raise DamagedClip(
            f"{path.name} is cut short: its index lists more data than the file holds; "
            "download it again"
        )


def _first_frame(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> av.VideoFrame:
    try:
        frame = next(container.decode(stream), None)
    except av.FFmpegError as error:
        # FFmpeg resets the size of a picture that is over its limit.
        reason = (
            error.strerror
            if stream.codec_context.width
            else f"its size cannot be read, or is over {input_limits().pixels:,} pixels"
        )
        raise DamagedClip(
            f"{path.name} has a video stream, but its first frame does not decode ({reason}); "
            "download or generate it again"
        ) from error
    if frame is None:
        raise NotAVideo(f"{path.name} has a video stream, but none of its frames decodes")
    return frame


def _check_pixel_format(path: Path, frame: av.VideoFrame, orientation: Orientation) -> None:
    """Raise UnsupportedClip for a pixel format that cannot be converted or rotated."""
    layout = frame.format
    if not (layout.name.startswith("yuv") and layout.is_planar and len(layout.components) == 3):
        raise UnsupportedClip(
            f"{path.name} stores its picture as {layout.name}, and only planar Y'CbCr without "
            "alpha is supported: convert it to yuv420p or similar first"
        )
    if orientation.quarter_turns % 2 and not layout.name.startswith(_SQUARE_CHROMA):
        raise UnsupportedClip(
            f"{path.name} stores its picture as {layout.name} and is tagged as rotated by "
            f"{orientation.rotation} degrees, which its chroma subsampling does not allow: "
            "rotate the clip itself first"
        )


_SQUARE_CHROMA = ("yuv420", "yuvj420", "yuv444", "yuvj444")


def _build_clip(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    packets: Packets,
    first: av.VideoFrame,
    orientation: Orientation,
    stamp: tuple[int, int],
) -> Clip:
    positions = packets.positions
    width, height = first.width, first.height
    sample_aspect = Fraction(stream.sample_aspect_ratio or 1)
    if orientation.quarter_turns % 2:
        width, height, sample_aspect = height, width, 1 / sample_aspect
    time_base = Fraction(stream.time_base or 1)
    frame_rate, constant = _frame_rate(stream, positions, time_base)
    last_duration = packets.last_duration * time_base or 1 / frame_rate
    # AVI stores no pts: PyAV's are late by as many frames as the decoder may reorder.
    first_shown = positions[0].dts if container.format.name == "avi" else positions[0].pts
    first_frame_time = first_shown * time_base
    return Clip(
        path=path,
        container=container.format.name,
        codec=stream.codec_context.name,
        profile=stream.profile or "",
        stream=stream.index,
        pixel_format=first.format.name,
        bit_depth=first.format.components[0].bits,
        width=width,
        height=height,
        sample_aspect=sample_aspect,
        orientation=orientation,
        frame_rate=frame_rate,
        constant_frame_rate=constant,
        interlaced=bool(first.interlaced_frame),
        time_base=time_base,
        duration=(positions[-1].pts - positions[0].pts) * time_base + last_duration,
        colour=_colour(first),
        audio=tuple(_audio_stream(track, first_frame_time) for track in packets.audio),
        stamp=stamp,
        positions=positions,
        _reader=FrameReader(path, stream.index, positions, stamp),
    )


def _audio_stream(track: AudioTiming, first_frame_time: Fraction) -> AudioStream:
    context = track.stream.codec_context
    start = first_frame_time if track.start is None else track.start
    return AudioStream(
        index=track.stream.index,
        codec=context.name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        layout=context.layout.name,
        deep=_is_deep(context),
        start=start - first_frame_time,
        end=track.end - first_frame_time,
        gap=track.gap,
    )


def _is_deep(context: av.AudioCodecContext) -> bool:
    lossless = context.name.startswith(("pcm_", "flac", "alac"))
    return lossless and context.format.bits > 16


def _frame_rate(
    stream: av.VideoStream, positions: tuple[FramePosition, ...], time_base: Fraction
) -> tuple[Fraction, bool]:
    """Return the frame rate, and whether it is constant.

    A rate is constant when every timestamp is within one unit of the time base of the exact one.
    Containers round 30000/1001 to their own units, and Matroska rounds the rate as well.
    """
    stated = stream.average_rate or stream.base_rate or Fraction(25)
    if len(positions) < 2:
        return Fraction(stated), True
    pts = np.array([position.pts for position in positions], dtype=np.int64)
    steps = np.diff(pts)
    even = 1 / (int(steps[0]) * time_base) if (steps == steps[0]).all() and steps[0] else None
    if even in (stream.base_rate, stated, stream.guessed_rate) and even is not None:
        return even, True  # exact
    found = filter(None, (stream.base_rate, stated, stream.guessed_rate, even))
    rates = [rate for each in found for rate in (snap_to_ntsc(each), each)]
    for rate in (*rates, nearest_ntsc_rate(Fraction(stated))):
        expected = np.arange(len(pts)) * float(1 / (rate * time_base))
        if np.abs(pts - pts[0] - expected).max() <= 1:
            return rate, True
    return Fraction(stated), False


def _colour(frame: av.VideoFrame) -> Colour:
    # The yuvj formats are FFmpeg's old way to tag full range.
    full = frame.format.name.startswith("yuvj")
    return Colour.from_h273(
        range=2 if full else int(frame.color_range),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=int(frame.colorspace),
    )
