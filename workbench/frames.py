"""Frames of a file: by index, exact, as planar arrays in the file's own bit depth."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from workbench.colour import Colour, declared
from workbench.errors import DamagedClip, UnsupportedClip
from workbench.ffmpeg import thread_limit
from workbench.opening import open_container

Plane = NDArray[Any]
"""Code values: uint8 at 8 bits, uint16 above."""

CACHE_BYTES = 1024 * 1024 * 1024
"""Decoded frames kept for scrubbing one clip: about 340 frames at 1080p, 8 bits, 4:2:0."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture, upright, in planar Y'CbCr code values.

    The planes are read-only. `luma` is (height, width); `cb` and `cr` are smaller where chroma is
    subsampled (half, rounded up). dtype is uint8 at 8 bits and uint16 above.
    """

    luma: Plane
    cb: Plane
    cr: Plane
    pixel_format: str  # ffmpeg's name, such as yuv420p or yuv422p10le
    bit_depth: int
    colour: Colour  # as tagged
    index: int = 0  # in order of presentation, from 0
    time: Fraction = Fraction(0)  # seconds after the clip's first frame
    corrupt: bool = False  # it did not decode cleanly; the decoder made up what was missing

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    @property
    def chroma_step(self) -> tuple[int, int]:
        """How many rows, and columns, of luma one chroma sample stands for: 1, 2 or 4."""
        rows, columns = (
            next(step for step in (1, 2, 4) if -(-whole // step) == size)
            for whole, size in zip(self.luma.shape, self.cb.shape, strict=True)
        )
        return rows, columns

    def declared(self, matrix: str | None) -> "Frame":
        """Return this picture with what its tags leave open filled, as colour.declared does."""
        return replace(self, colour=declared(self.colour, matrix))

    def tobytes(self) -> bytes:
        """Return the planes as ffmpeg's rawvideo of this pixel format."""
        return b"".join(plane.tobytes() for plane in (self.luma, self.cb, self.cr))

    @classmethod
    def frombytes(
        cls, data: bytes, width: int, height: int, pixel_format: str, colour: Colour
    ) -> "Frame":
        """Read one frame of ffmpeg's rawvideo of this pixel format."""
        layout = av.VideoFormat(pixel_format, width, height)
        dtype = _dtype(layout)
        planes: list[Plane] = []
        offset = 0
        for part in layout.components:
            count = part.width * part.height
            plane = np.frombuffer(data, dtype, count, offset).reshape(part.height, part.width)
            planes.append(plane)
            offset += plane.nbytes
        luma, cb, cr = planes
        return cls(luma, cb, cr, pixel_format, layout.components[0].bits, colour)

    def rgb(self) -> NDArray[np.uint8]:
        """Return the picture for a display: (height, width, 3), 8 bits, untagged fields assumed.

        The matrix and range are undone; the transfer is left as it is, as a player leaves it.
        Raises UnsupportedClip for a matrix that is not known here.
        """
        colour = self.colour.assumed()
        if colour.matrix not in _SWS_MATRIX:
            raise UnsupportedClip(f"a picture with the matrix {colour.matrix} cannot be shown")
        shown = self._filled().reformat(
            format="rgb24",
            src_colorspace=_SWS_MATRIX[colour.matrix],
            dst_colorspace=Colorspace.DEFAULT,
            src_color_range=ColorRange.JPEG if colour.range == "full" else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_EXACTLY,
        )
        return np.asarray(shown.to_ndarray(), np.uint8)

    def smaller(self, longest: int) -> "Frame":
        """Return this picture with its longer side this many pixels, averaged; or as it is."""
        scale = longest / max(self.width, self.height)
        if scale >= 1:
            return self
        width, height = (2 * max(1, round(side * scale / 2)) for side in (self.width, self.height))
        small = self._filled().reformat(width=width, height=height, interpolation="AREA")
        luma, cb, cr = planes(small)
        return replace(self, luma=luma, cb=cb, cr=cr)

    def _filled(self) -> av.VideoFrame:
        picture = av.VideoFrame(self.width, self.height, self.pixel_format)
        for component, data in enumerate((self.luma, self.cb, self.cr)):
            _view(picture, component)[:] = data
        return picture


def planes(frame: av.VideoFrame) -> list[Plane]:
    """View the planes of a decoded frame as read-only arrays, without their padding."""
    views = [_view(frame, component) for component in range(3)]
    for view in views:
        view.flags.writeable = False
    return views


def _view(frame: av.VideoFrame, component: int) -> Plane:
    plane, dtype = frame.planes[component], _dtype(frame.format)
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _dtype(layout: av.VideoFormat) -> np.dtype[Any]:
    return np.dtype(np.uint8 if layout.components[0].bits == 8 else np.uint16)


_EXACTLY = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""Without the last two, swscale's RGB is darker by one or two of 255."""
_SWS_MATRIX = {
    "bt709": Colorspace.ITU709,
    "fcc": Colorspace.FCC,
    "bt470bg": Colorspace.ITU601,
    "smpte170m": Colorspace.ITU601,
    "smpte240m": Colorspace.SMPTE240M,
    "bt2020nc": Colorspace.BT2020,
}


@dataclass(frozen=True)
class Orientation:
    """How a stored picture is turned to be seen upright, from QuickTime's display matrix."""

    quarter_turns: int = 0  # counter-clockwise, as numpy.rot90 counts
    mirrored: bool = False  # left to right, after turning

    @property
    def rotation(self) -> int:
        """Degrees clockwise, one of 0, 90, 180, 270."""
        return -90 * self.quarter_turns % 360

    def upright(self, plane: Plane) -> Plane:
        turned = np.rot90(plane, self.quarter_turns)
        return turned[:, ::-1] if self.mirrored else turned


def orientation(frame: av.VideoFrame, path: Path) -> Orientation:
    """Read the display matrix of a decoded frame; raise UnsupportedClip for an odd angle."""
    side_data: Any = frame.side_data  # a mapping by type, which its type hints do not say
    matrix = side_data.get(SideData.DISPLAYMATRIX)
    if matrix is None:
        return Orientation()
    part = np.frombuffer(matrix, np.int32, 5)[[0, 1, 3, 4]].astype(np.int64)
    # Within a degree of a quarter turn (sin 1 degree = 0.0175), as ffmpeg takes it.
    part = np.where(np.abs(part) < 0.0175 * np.abs(part).max(), 0, part)
    found = _ORIENTATIONS.get(tuple(np.sign(part).tolist()))
    if found is None:
        angle = frame.rotation
        how = f"at an angle of {angle} degrees" if angle % 90 and abs(angle) < 360 else "distorted"
        raise UnsupportedClip(f"{path.name} asks to be shown {how}; only quarter turns are handled")
    return found


# The 2x2 part of the display matrix maps (x, y) to (a*x + c*y, b*x + d*y), y downward.
_ORIENTATIONS = {
    (1, 0, 0, 1): Orientation(0),
    (0, -1, 1, 0): Orientation(1),
    (-1, 0, 0, -1): Orientation(2),
    (0, 1, -1, 0): Orientation(3),
    (-1, 0, 0, 1): Orientation(0, mirrored=True),
    (0, -1, -1, 0): Orientation(1, mirrored=True),
    (1, 0, 0, -1): Orientation(2, mirrored=True),
    (0, 1, 1, 0): Orientation(3, mirrored=True),
}


@dataclass(frozen=True)
class Position:
    """Where a frame stands in its file."""

    pts: int  # in the stream's time base
    dts: int  # likewise: what a seek goes by
    keyframe: bool


class FrameReader:
    """Decodes frames by index, in whatever order they are asked for; safe to share by threads.

    A frame is found by its pts: from where the decoder stands if that is on the way, else from
    the nearest keyframe before. Generated clips often have one keyframe in ten seconds, so every
    frame that the decoder passes is kept, up to CACHE_BYTES, for the next step of the scrubber.
    """

    def __init__(self, path: Path, stream: int, positions: tuple[Position, ...]) -> None:
        self._path = path
        self._stream = stream
        self._positions = positions
        self._index = {position.pts: index for index, position in enumerate(positions)}
        # Decoding can begin at the keyframes, and at the file's start whatever stands there.
        self._entries = sorted({0, *(i for i, place in enumerate(positions) if place.keyframe)})
        self._lock = threading.Lock()
        self._cache: OrderedDict[int, av.VideoFrame] = OrderedDict()
        self._container: av.container.InputContainer | None = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._next = 0  # the index that the decoder gives next, if it stands anywhere

    def close(self) -> None:
        with self._lock:
            self._cache.clear()
            self._forget()

    def frame(self, index: int) -> av.VideoFrame:
        """Return the frame at this index, as stored (not turned upright).

        Raises DamagedClip when it does not decode.
        """
        with self._lock:
            if index in self._cache:
                self._cache.move_to_end(index)
                return self._cache[index]
            try:
                return self._decode(index)
            except av.FFmpegError as error:
                self._forget()
                raise self._damaged(index, error) from error

    def forward(self, indices: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (index, frame) for ascending indices in one pass that keeps nothing.

        Pictures that are not asked for and that no other refers to are not decoded at all.
        Raises DamagedClip when one asked for does not decode.
        """
        wanted = {self._positions[index].pts for index in indices}
        missing = set(indices)
        try:
            with self._open() as container:
                stream = _video(container, self._stream)
                for packet in container.demux(stream):
                    spare = packet.pts is not None and packet.pts not in wanted
                    if spare and stream.codec_context.codec.intra_only:
                        continue
                    if stream.codec_context.name in _SKIPS:
                        stream.codec_context.skip_frame = "NONREF" if spare else "DEFAULT"
                    for frame in packet.decode():
                        if frame.pts in wanted:
                            index = self._index[frame.pts]
                            missing.remove(index)
                            yield index, frame
                    if not missing:
                        return
        except av.FFmpegError as error:
            raise self._damaged(min(missing), error) from error
        if missing:
            raise self._damaged(min(missing), None)

    def _decode(self, index: int) -> av.VideoFrame:
        start = max(entry for entry in self._entries if entry <= index)
        if not (self._container and start <= self._next <= index):
            self._seek(start)
        while True:
            frame = next(self._frames, None)
            found = None if frame is None or frame.pts is None else self._index.get(frame.pts)
            if frame is None or (found is not None and found > index):
                # The seek landed late, or this frame is not given at all.
                earlier = [entry for entry in self._entries if entry < start]
                if not earlier:
                    self._forget()
                    raise self._damaged(index, None)
                start = earlier[-1]
                self._seek(start)
            elif found is not None:
                self._keep(found, frame)
                self._next = found + 1
                if found == index:
                    return frame

    def _seek(self, entry: int) -> None:
        if self._container is None or entry == 0:
            self._forget()  # some formats find their way to the first frame only when opened
            self._container = self._open()
        stream = _video(self._container, self._stream)
        if entry:
            self._container.seek(self._positions[entry].dts, stream=stream)
        self._frames = self._container.decode(stream)

    def _open(self) -> av.container.InputContainer:
        container = open_container(self._path)
        stream = _video(container, self._stream)
        stream.thread_type = "AUTO"
        stream.thread_count = thread_limit()
        return container

    def _keep(self, index: int, frame: av.VideoFrame) -> None:
        self._cache[index] = frame
        size = sum(plane.buffer_size for plane in frame.planes)
        while len(self._cache) * size > CACHE_BYTES:
            self._cache.popitem(last=False)

    def _forget(self) -> None:
        if self._container:
            self._container.close()
        self._container, self._frames, self._next = None, iter(()), 0

    def _damaged(self, index: int, error: Exception | None) -> DamagedClip:
        why = f" ({error.strerror})" if isinstance(error, av.FFmpegError) else ""
        return DamagedClip(
            f"{self._path.name} is damaged: frame {index} does not decode{why}; "
            "download or generate the clip again"
        )


_SKIPS = ("h264", "hevc")  # decoders that apply skip_frame to the packet it was set for


def _video(container: av.container.InputContainer, stream: int) -> av.VideoStream:
    found = container.streams[stream]
    assert isinstance(found, av.VideoStream)
    return found
