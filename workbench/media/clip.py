"""Describe a video file, and read its frames by index.

A time is a pts in units of a rational time base, or a Fraction of seconds, never a float. Call
probe.open_clip to make a Clip.
"""

import operator
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

import av

from workbench.argument_checks import check_whole, shown
from workbench.errors import NoSuchFrame, ParameterError, UnsupportedClip
from workbench.files import file_stamp
from workbench.media.colour import Colour, InputRange
from workbench.media.frame_reader import FrameReader
from workbench.media.frames import Frame, FramePosition, Orientation, plane_views


@dataclass(frozen=True)
class AudioStream:
    """One sound track."""

    index: int  # of the stream in the file
    codec: str
    sample_rate: int  # Hz
    channels: int
    layout: str  # such as stereo
    deep: bool  # lossless, with more than 16 bits
    start: Fraction  # seconds from the first picture to the first sample; negative when earlier
    end: Fraction  # seconds from the first picture to the end of the sound
    gap: Fraction  # seconds of missing sound, by its timestamps; 0 when none is missing


@dataclass(frozen=True, eq=False)
class Clip:
    """One video file. Sizes are those of the upright picture; frames are in display order."""

    path: Path
    container: str  # the format, by ffmpeg's name
    codec: str
    profile: str
    stream: int  # index of the video stream in the file
    pixel_format: str
    bit_depth: int
    width: int
    height: int
    sample_aspect: Fraction  # width of a pixel over its height; 1 when it is not tagged
    orientation: Orientation
    frame_rate: Fraction  # frames per second; the average of a variable frame rate
    constant_frame_rate: bool
    interlaced: bool
    time_base: Fraction  # seconds per unit of pts
    duration: Fraction  # seconds, the last frame's own duration included
    colour: Colour  # as tagged; untagged fields are "unspecified"
    audio: tuple[AudioStream, ...]
    stamp: tuple[int, int]  # size in bytes and modification time in ns of the file when opened
    positions: tuple[FramePosition, ...] = field(repr=False)
    _reader: FrameReader = field(repr=False)

    @property
    def frame_count(self) -> int:
        return len(self.positions)

    @property
    def times(self) -> tuple[Fraction, ...]:
        """Seconds from the first frame to each frame, exact."""
        first = self.positions[0].pts
        return tuple((position.pts - first) * self.time_base for position in self.positions)

    @property
    def even_timestamps(self) -> bool:
        """Whether all frames are equally far apart, without rounding to the container's units."""
        pts = [position.pts for position in self.positions]
        return len({b - a for a, b in pairwise(pts)}) <= 1

    def frame(self, index: int) -> Frame:
        """Return the frame at `index`; a negative index counts from the end.

        Raises NoSuchFrame (an IndexError) outside the clip, and ParameterError for anything but a
        whole number. Raises DamagedClip when the frame does not decode, ClipNotFound when the file
        no longer exists, and ClipReplaced when it has changed.
        """
        at = self._place(index)
        return self._frame(at, self._reader.frame(at))

    def _place(self, index: int) -> int:
        """Convert an index that may count from the end to one that counts from 0."""
        count = self.frame_count
        try:
            at = operator.index(index)
        except TypeError as error:
            raise ParameterError(
                f"{shown(index)} is not a frame index: give a whole number"
            ) from error
        if not -count <= at < count:
            raise NoSuchFrame(
                f"{self.path.name} has frames 0 to {count - 1}; there is no frame {at}"
            )
        return at % count

    def _frame(self, index: int, decoded: av.VideoFrame) -> Frame:
        time = (self.positions[index].pts - self.positions[0].pts) * self.time_base
        luma, cb, cr = (self.orientation.apply(plane) for plane in plane_views(decoded))
        return Frame(
            *(luma, cb, cr, self.pixel_format, self.bit_depth, self.colour),
            index=index,
            time=time,
            corrupt=decoded.is_corrupt,
        )

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[Frame]:
        """Iterate over the frames at these ascending indices, or over all frames, in one pass.

        Raises ParameterError for indices out of order, and the errors of `frame`.
        """
        text = isinstance(indices, str | bytes)
        if text or (indices is not None and not isinstance(indices, Sequence)):
            raise ParameterError(f"indices are {shown(indices)}: give a list of whole numbers")
        wanted: Sequence[int] = range(self.frame_count)
        if indices is not None:
            wanted = [self._place(index) for index in indices]
        if any(a >= b for a, b in pairwise(wanted)):
            raise ParameterError(f"indices are {shown(indices)}: give them in ascending order")
        return (self._frame(at, decoded) for at, decoded in self._reader.forward(wanted))

    def sample(self, n: int) -> Iterator[Frame]:
        """Iterate over n frames spread evenly over the clip, in one pass.

        A clip of fewer frames yields all of them. Raises ParameterError for an n below 1, and the
        errors of `frame`.
        """
        check_whole("n", n, 1)
        return self.frames(sample_indices(self.frame_count, n))

    def with_range(self, range: InputRange | None) -> "Clip":
        """Return this clip with its code values read as legal or full range, whatever its tag says.

        None returns the clip as it is. Both share the file and its decoded frames. Raises
        ParameterError for another word, and UnsupportedClip for legal range where the clip is
        tagged full range: ffmpeg would follow that tag.
        """
        if range is not None and (not isinstance(range, str) or range not in get_args(InputRange)):
            raise ParameterError(f"range is {shown(range)}: give legal or full")
        if range == "legal" and self.colour.range == "full":
            raise UnsupportedClip(
                f"{self.path.name} is tagged full range and cannot be read as legal range: remove "
                "the tag first"
            )
        return self if range is None else replace(self, colour=replace(self.colour, range=range))

    def changed_on_disk(self) -> bool:
        """Return whether the file was replaced or written to since it was opened.

        A deleted file does not count as changed: the data read from it is still valid.
        """
        try:
            return file_stamp(self.path) != self.stamp
        except OSError:
            return False

    def __getstate__(self) -> dict[str, Any]:
        """Pickle with an absolute path, because another process may have another current folder."""
        return {**self.__dict__, "path": self._reader.path}

    def close(self) -> None:
        """Close the file and remove its frames from the cache. The clip can be used again."""
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
        """Return the properties of the file in JSON types.

        Times are floats of seconds; rates and aspects are text such as "24000/1001".
        """
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
            "interlaced": self.interlaced,
            "frame_count": self.frame_count,
            "duration": float(self.duration),
            "colour": asdict(self.colour),
            "untagged": list(self.colour.untagged),
            "audio": [_audio_facts(stream) for stream in self.audio],
        }


def sample_indices(count: int, n: int) -> list[int]:
    """Return n indices spread evenly over range(count), each in the middle of its share.

    >>> sample_indices(100, 4)
    [12, 37, 62, 87]
    >>> sample_indices(3, 10)
    [0, 1, 2]
    """
    n = min(n, count)
    return [(2 * i + 1) * count // (2 * n) for i in range(n)]


def _audio_facts(stream: AudioStream) -> dict[str, Any]:
    return {
        key: float(value) if isinstance(value, Fraction) else value
        for key, value in asdict(stream).items()
    }
