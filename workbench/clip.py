"""Clip: what a file is, and its frames by index and by time.

PyAV reads and seeks; every filter runs in the ffmpeg program (see ffmpeg.py). A time is a pts in
units of a rational time base, or a Fraction of seconds, never a float.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np

from workbench.colour import Colour
from workbench.errors import ClipNotFound, DamagedClip, NotAVideo, UnsupportedClip
from workbench.ffmpeg import input_url
from workbench.frames import Frame, FrameReader, Orientation, Position, orientation, planes


@dataclass(frozen=True)
class AudioStream:
    """One sound track."""

    index: int  # in the file
    codec: str
    sample_rate: int  # Hz
    channels: int
    layout: str  # such as stereo


@dataclass(frozen=True, eq=False)
class Clip:
    """One video file. Sizes are as seen, upright; frames are counted in order of presentation."""

    path: Path
    container: str  # ffmpeg's name of the format
    codec: str
    profile: str
    stream: int  # index of the video stream in the file
    pixel_format: str
    bit_depth: int
    width: int
    height: int
    sample_aspect: Fraction  # width of a pixel over its height; 1 when the file says nothing
    orientation: Orientation
    frame_rate: Fraction  # frames per second; the average when it is not constant
    constant_frame_rate: bool
    time_base: Fraction  # seconds per unit of pts
    duration: Fraction  # seconds, the last frame's own duration included
    start: Fraction  # seconds from the start of the file's presentation to the first frame
    colour: Colour  # as tagged; "unspecified" where it is not
    audio: tuple[AudioStream, ...]
    positions: tuple[Position, ...] = field(repr=False)
    _reader: FrameReader = field(repr=False)

    @property
    def frame_count(self) -> int:
        return len(self.positions)

    @property
    def keyframes(self) -> tuple[int, ...]:
        """Indices of the frames at which decoding can begin."""
        return tuple(i for i, position in enumerate(self.positions) if position.keyframe)

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Seconds from the first frame to each frame, exact."""
        first = self.positions[0].pts
        return tuple((position.pts - first) * self.time_base for position in self.positions)

    def frame(self, index: int) -> Frame:
        """Return the frame at `index`, from 0; negative counts from the end.

        Raises IndexError outside the clip, DamagedClip when it does not decode.
        """
        count = self.frame_count
        if not -count <= index < count:
            raise IndexError(f"{self.path.name} has frames 0 to {count - 1}; there is no {index}")
        return self._frame(index % count, self._reader.frame(index % count))

    def _frame(self, index: int, decoded: av.VideoFrame) -> Frame:
        time = (self.positions[index].pts - self.positions[0].pts) * self.time_base
        luma, cb, cr = (self.orientation.upright(plane) for plane in planes(decoded))
        return Frame(
            luma, cb, cr, self.pixel_format, self.bit_depth, self.colour, index=index, time=time
        )

    def frame_at(self, time: Fraction | float) -> Frame:
        """Return the frame that is on screen `time` seconds after the first one appears."""
        pts = self.positions[0].pts + Fraction(time) / self.time_base
        index = bisect_right([position.pts for position in self.positions], pts) - 1
        return self.frame(max(0, index))

    def sample(self, n: int) -> Iterator[Frame]:
        """Yield n frames spread evenly over the clip, in one forward pass, or all of them."""
        for index, decoded in self._reader.forward(sample_indices(self.frame_count, n)):
            yield self._frame(index, decoded)

    def close(self) -> None:
        """Let go of the file and of the frames that were kept. The clip can be used again."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def facts(self) -> dict[str, Any]:
        """Return what the file is, in plain JSON types: Fractions as text, such as "24000/1001"."""
        return {
            "path": str(self.path),
            "container": self.container,
            "codec": self.codec,
            "profile": self.profile,
            "pixel_format": self.pixel_format,
            "bit_depth": self.bit_depth,
            "width": self.width,
            "height": self.height,
            "sample_aspect": str(self.sample_aspect),
            "rotation": self.orientation.rotation,
            "mirrored": self.orientation.mirrored,
            "frame_rate": str(self.frame_rate),
            "constant_frame_rate": self.constant_frame_rate,
            "frame_count": self.frame_count,
            "duration": float(self.duration),
            "colour": vars(self.colour),
            "untagged": list(self.colour.untagged),
            "audio": [vars(stream) for stream in self.audio],
        }


def sample_indices(count: int, n: int) -> list[int]:
    """Spread n indices evenly over range(count), each in the middle of its share.

    >>> sample_indices(100, 4)
    [12, 37, 62, 87]
    >>> sample_indices(3, 10)
    [0, 1, 2]
    """
    n = min(n, count)
    return [(2 * i + 1) * count // (2 * n) for i in range(n)]


def open_clip(path: str | Path) -> Clip:
    """Read what a file is: its index is walked and its first frame decoded, nothing more.

    Raises ClipNotFound, NotAVideo, UnsupportedClip, DamagedClip.
    """
    path = Path(path)
    _refuse_no_file(path)
    try:
        with av.open(input_url(path), metadata_errors="replace") as container:
            return _probe(path, container)
    except av.FFmpegError as error:
        if path.stat().st_size and _looks_cut_short(path):
            raise DamagedClip(
                f"{path.name} is cut short: it begins like an MP4 or QuickTime file, but its index "
                "is missing; download it again"
            ) from error
        raise NotAVideo(
            f"{path.name} cannot be opened as video ({error.strerror}): give an MP4 or "
            "QuickTime file"
        ) from error


def _refuse_no_file(path: Path) -> None:
    if path.is_dir():
        raise NotAVideo(f"{path} is a folder: give one video file")
    if not path.exists():
        raise ClipNotFound(f"{path} does not exist")
    if not path.is_file():
        raise NotAVideo(f"{path} is not a regular file: give one video file")
    if not path.stat().st_size:
        raise NotAVideo(f"{path.name} is empty (0 bytes): download it again")


def _looks_cut_short(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def _probe(path: Path, container: av.container.InputContainer) -> Clip:
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream):
        raise NotAVideo(f"{path.name} has no video in it{_what_instead(container)}")
    if _ends_early(path, container):
        raise DamagedClip(
            f"{path.name} is cut short: its index names more data than the file holds; "
            "download it again"
        )
    first = _first_frame(path, container, stream)
    container.seek(stream.start_time or 0, stream=stream)
    positions, last_duration = _walk(path, container, stream)
    turned = orientation(first, path)
    width, height = first.width, first.height
    sample_aspect = Fraction(stream.sample_aspect_ratio or 1)
    if turned.quarter_turns % 2:
        width, height, sample_aspect = height, width, 1 / sample_aspect
    time_base = stream.time_base or Fraction(1, 1)
    frame_rate, constant = _frame_rate(stream, positions, time_base)
    own = last_duration * time_base if last_duration else 1 / frame_rate
    file_start = Fraction(container.start_time or 0, av.time_base)
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
        orientation=turned,
        frame_rate=frame_rate,
        constant_frame_rate=constant,
        time_base=time_base,
        duration=(positions[-1].pts - positions[0].pts) * time_base + own,
        start=positions[0].pts * time_base - file_start,
        colour=_colour(first),
        audio=tuple(
            AudioStream(
                index=audio.index,
                codec=audio.codec_context.name,
                sample_rate=audio.codec_context.sample_rate,
                channels=audio.codec_context.channels,
                layout=audio.codec_context.layout.name,
            )
            for audio in container.streams.audio
        ),
        positions=positions,
        _reader=FrameReader(path, stream.index, positions),
    )


def _what_instead(container: av.container.InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams})
    return f", only {' and '.join(kinds)}" if kinds else ": it holds no frames"


def _ends_early(path: Path, container: av.container.InputContainer) -> bool:
    """Whether the index of an MP4 or QuickTime file names bytes past the end of the file."""
    ends = [
        entry.pos + entry.size
        for stream in container.streams
        if isinstance(stream, av.VideoStream | av.AudioStream)
        for entry in stream.index_entries
    ]
    return max(ends, default=0) > path.stat().st_size


def _first_frame(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> av.VideoFrame:
    try:
        frame = next(container.decode(stream), None)
    except av.FFmpegError as error:
        raise DamagedClip(
            f"{path.name} has a video stream, but its first frame does not decode "
            f"({error.strerror}); download or generate it again"
        ) from error
    if frame is None:
        raise NotAVideo(f"{path.name} has a video stream, but no frame in it that decodes")
    layout = frame.format
    if not (layout.name.startswith("yuv") and layout.is_planar and len(layout.components) == 3):
        raise UnsupportedClip(
            f"{path.name} stores its picture as {layout.name}; only planar Y'CbCr without alpha "
            "(such as yuv420p) is handled, convert it first"
        )
    return frame


def _walk(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[tuple[Position, ...], int]:
    """Read every packet's place, undecoded; return them by pts, and the last frame's duration."""
    found = []
    for packet in container.demux(stream):
        if not packet.size or packet.is_discard:
            continue
        if packet.pts is None:
            raise UnsupportedClip(
                f"{path.name} has frames without a timestamp: put it into an MP4 first"
            )
        dts = packet.pts if packet.dts is None else packet.dts
        found.append((Position(packet.pts, dts, packet.is_keyframe), packet.duration or 0))
    found.sort(key=lambda item: item[0].pts)
    return tuple(position for position, _ in found), found[-1][1]


def _frame_rate(
    stream: av.VideoStream, positions: tuple[Position, ...], time_base: Fraction
) -> tuple[Fraction, bool]:
    """Return frames per second, and whether every frame keeps to it.

    A rate is constant when no frame is more than one unit of the time base from where the rate
    puts it: containers round 30000/1001 to their own units.
    """
    stated = stream.average_rate or stream.base_rate or Fraction(25)
    if len(positions) < 2:
        return Fraction(stated), True
    pts = np.array([position.pts for position in positions], dtype=np.int64)
    steps = np.diff(pts)
    even = 1 / (int(steps[0]) * time_base) if (steps == steps[0]).all() and steps[0] else None
    for rate in filter(None, (stream.base_rate, stated, stream.guessed_rate, even)):
        expected = np.arange(len(pts)) * float(1 / (Fraction(rate) * time_base))
        if np.abs(pts - pts[0] - expected).max() <= 1:
            return Fraction(rate), True
    return Fraction(stated), False


def _colour(frame: av.VideoFrame) -> Colour:
    # The yuvj formats are FFmpeg's old way to say full range.
    full = frame.format.name.startswith("yuvj")
    return Colour.from_h273(
        range=2 if full else int(frame.color_range),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=int(frame.colorspace),
    )
