"""Clip: what a file is, and its frames by index and by time.

A time is a pts in units of a rational time base, or a Fraction of seconds, never a float. Clips are
made by probe.open_clip.
"""

import operator
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import isfinite
from numbers import Rational, Real
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av

from workbench.arguments import check_whole, shown
from workbench.errors import NoSuchFrame, ParameterError
from workbench.files import file_stamp
from workbench.media.colour import Colour
from workbench.media.frame_reader import FrameReader
from workbench.media.frames import Frame, FramePosition, Orientation, plane_views


@dataclass(frozen=True)
class AudioStream:
    """One sound track."""

    index: int  # in the file
    codec: str
    sample_rate: int  # Hz
    channels: int
    layout: str  # such as stereo
    deep: bool  # lossless, and of more than 16 bits
    start: Fraction  # seconds from the first picture to the first sample; negative when earlier
    end: Fraction  # seconds from the first picture to the end of the sound
    gap: Fraction  # seconds that its timestamps leave without sound, 0 when they leave none


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
    interlaced: bool
    time_base: Fraction  # seconds per unit of pts
    duration: Fraction  # seconds, the last frame's own duration included
    colour: Colour  # as tagged; "unspecified" where it is not
    audio: tuple[AudioStream, ...]
    stamp: tuple[int, int]  # the file's size in bytes and its time of change in ns, when opened
    positions: tuple[FramePosition, ...] = field(repr=False)
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

    @property
    def even_timestamps(self) -> bool:
        """Whether frames are exactly equally far apart, not rounded to the container's units."""
        pts = [position.pts for position in self.positions]
        return len({b - a for a, b in pairwise(pts)}) <= 1

    def frame(self, index: int) -> Frame:
        """Return the frame at `index`, from 0; negative counts from the end.

        Raises NoSuchFrame, an IndexError, outside the clip; ParameterError for what is no whole
        number; DamagedClip when it does not decode; ClipNotFound and ClipReplaced when the file
        is gone or another one.
        """
        at = self._place(index)
        return self._frame(at, self._reader.frame(at))

    def _place(self, index: int) -> int:
        """Return the index from 0 for one that may count from the end."""
        count = self.frame_count
        try:
            at = operator.index(index)
        except TypeError as error:
            raise ParameterError(
                f"{shown(index)} is not the index of a frame: give a whole number"
            ) from error
        if not -count <= at < count:
            raise NoSuchFrame(f"{self.path.name} has frames 0 to {count - 1}; there is no {at}")
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

    def frame_at(self, time: Fraction | float) -> Frame:
        """Return the frame that is on screen `time` seconds after the first one appears.

        Before the first it is the first, after the last the last. Raises ParameterError for what
        is no finite number, and otherwise as `frame` does.
        """
        pts = self.positions[0].pts + _exact_seconds(time) / self.time_base
        index = bisect_right([position.pts for position in self.positions], pts) - 1
        return self.frame(max(0, index))

    def frames(self, indices: Sequence[int] | None = None) -> Iterator[Frame]:
        """Return an iterator over the frames at these ascending indices, or over all, in one pass.

        Raises ParameterError for indices that do not ascend, and otherwise as `frame` does.
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
        """Return an iterator over n frames spread evenly over the clip, in one pass, or over all.

        Raises ParameterError for an n below 1, and otherwise as `frame` does.
        """
        check_whole("n", n, 1)
        return self.frames(sample_indices(self.frame_count, n))

    def changed_on_disk(self) -> bool:
        """Whether the file is another one since it was opened, or was written to.

        One that is gone is not: what was read of it is still good.
        """
        try:
            return file_stamp(self.path) != self.stamp
        except OSError:
            return False

    def __getstate__(self) -> dict[str, Any]:
        """Pickle with a full path: another process may have another current folder."""
        return {**self.__dict__, "path": self._reader.path}

    def close(self) -> None:
        """Close the file and drop its frames from the cache. The clip can be used again."""
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
        """Return what the file is, in plain JSON types: seconds as floats, rates and aspects as
        text such as "24000/1001"."""
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
            "audio": [_plain(stream) for stream in self.audio],
        }


def _exact_seconds(time: Fraction | float) -> Fraction:
    if isinstance(time, Rational) and not isinstance(time, bool):
        return Fraction(time)
    if isinstance(time, Real) and not isinstance(time, bool) and isfinite(time):
        return Fraction(float(time))
    raise ParameterError(f"{shown(time)} is not a time: give seconds from the first frame")


def sample_indices(count: int, n: int) -> list[int]:
    """Spread n indices evenly over range(count), each in the middle of its share.

    >>> sample_indices(100, 4)
    [12, 37, 62, 87]
    >>> sample_indices(3, 10)
    [0, 1, 2]
    """
    n = min(n, count)
    return [(2 * i + 1) * count // (2 * n) for i in range(n)]


def _plain(stream: AudioStream) -> dict[str, Any]:
    return {
        key: float(value) if isinstance(value, Fraction) else value
        for key, value in asdict(stream).items()
    }
