"""Hold pictures as planar arrays in their own bit depth, and turn them upright."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.sidedata.sidedata import Type as SideData
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from workbench.argument_checks import check_type, check_whole, shown
from workbench.errors import ParameterError, UnsupportedClip
from workbench.media.colour import MATRIX_CHOICES, Colour, fill_untagged

Plane = NDArray[Any]
"""One plane of code values: uint8 at 8 bits, uint16 above."""


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
    corrupt: bool = False  # it did not decode cleanly; the decoder filled in missing parts

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled frame, and make its planes read-only again, which pickle does not."""
        self.__dict__.update(state)
        for plane in (self.luma, self.cb, self.cr):
            plane.flags.writeable = False

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    @property
    def chroma_step(self) -> tuple[int, int]:
        """The rows and columns of luma that one chroma sample covers: 1, 2 or 4 each."""
        rows, columns = (
            next(step for step in (1, 2, 4) if -(-whole // step) == size)
            for whole, size in zip(self.luma.shape, self.cb.shape, strict=True)
        )
        return rows, columns

    def with_matrix(self, matrix: str | None) -> "Frame":
        """Return this picture with its untagged colour fields filled, as colour.fill_untagged does.

        `matrix` is bt601 or bt709, or None for the usual assumption. Raises ParameterError.
        """
        if matrix is not None and (not isinstance(matrix, str) or matrix not in MATRIX_CHOICES):
            raise ParameterError(f"matrix is {shown(matrix)}: give {' or '.join(MATRIX_CHOICES)}")
        return replace(self, colour=fill_untagged(self.colour, matrix))

    def tobytes(self) -> bytes:
        """Return the planes as ffmpeg's rawvideo in this pixel format."""
        return b"".join(plane.tobytes() for plane in (self.luma, self.cb, self.cr))

    @classmethod
    def frombytes(
        cls, data: bytes, width: int, height: int, pixel_format: str, colour: Colour
    ) -> "Frame":
        """Read one frame of ffmpeg's rawvideo in this pixel format.

        Raises ParameterError for an unknown format, and for fewer bytes than the picture needs.
        """
        layout = _layout(data, width, height, pixel_format)
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
        """Convert the picture to RGB for a display: (height, width, 3), 8 bits, full range.

        Untagged fields are assumed. The transfer function stays unchanged, as in a player.
        Raises UnsupportedClip for a matrix without a conversion.
        """
        colour = self.colour.assumed()
        if colour.matrix not in _SWS_MATRIX:
            raise UnsupportedClip(
                f"a picture with the matrix {colour.matrix} cannot be shown: convert the clip to "
                "bt709 first"
            )
        shown = self._filled().reformat(
            format="rgb24",
            src_colorspace=_SWS_MATRIX[colour.matrix],
            dst_colorspace=Colorspace.DEFAULT,
            src_color_range=ColorRange.JPEG if colour.range == "full" else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_ACCURATE,
        )
        return np.asarray(shown.to_ndarray(), np.uint8)

    def downscaled(self, longest: int) -> "Frame":
        """Return this picture with its longer side reduced to `longest` pixels, by averaging.

        A smaller picture is returned unchanged. Raises ParameterError.
        """
        check_whole("longest", longest, 1)
        scale = longest / max(self.width, self.height)
        if scale >= 1:
            return self
        width, height = (2 * max(1, round(side * scale / 2)) for side in (self.width, self.height))
        small = self._filled().reformat(width=width, height=height, interpolation="AREA")
        luma, cb, cr = plane_views(small)
        return replace(self, luma=luma, cb=cb, cr=cr)

    def _filled(self) -> av.VideoFrame:
        picture = av.VideoFrame(self.width, self.height, self.pixel_format)
        for component, data in enumerate((self.luma, self.cb, self.cr)):
            _view(picture, component)[:] = data
        return picture


def check_frames(name: str, frames: Sequence[Frame]) -> None:
    """Raise ParameterError unless `frames` are Frames of one size and pixel format."""
    if not isinstance(frames, Sequence) or not all(isinstance(one, Frame) for one in frames):
        raise ParameterError(f"{name} are {shown(frames)}: give a list of Frames of one clip")
    kinds = {(one.width, one.height, one.pixel_format) for one in frames}
    if not kinds:
        raise ParameterError(f"{name} are empty: give at least one Frame")
    if len(kinds) > 1:
        sizes = ", ".join(sorted(f"{width}x{height} {kind}" for width, height, kind in kinds))
        raise ParameterError(f"{name} differ in size or format ({sizes}): give Frames of one clip")


def plane_views(frame: av.VideoFrame) -> list[Plane]:
    """Return the planes of a decoded frame as read-only arrays, without padding or a copy."""
    views = [_view(frame, component) for component in range(3)]
    for view in views:
        view.flags.writeable = False
    return views


def _view(frame: av.VideoFrame, component: int) -> Plane:
    plane, dtype = frame.planes[component], _dtype(frame.format)
    rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
    return rows[:, : plane.width]


def _layout(data: bytes, width: int, height: int, pixel_format: str) -> av.VideoFormat:
    check_type("data", data, bytes, "the bytes of a picture")
    check_whole("width", width, 1)
    check_whole("height", height, 1)
    try:
        layout = av.VideoFormat(pixel_format, width, height)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{shown(pixel_format)} is not one of ffmpeg's formats") from error
    count = sum(part.width * part.height for part in layout.components)
    size = count * _dtype(layout).itemsize
    if len(layout.components) != _PLANES or len(data) < size:
        raise ParameterError(
            f"data has {len(data)} bytes, and a {width}x{height} picture in {pixel_format} has "
            f"{size}: give the bytes of one picture"
        )
    return layout


_PLANES = 3  # Y', Cb, Cr


def _dtype(layout: av.VideoFormat) -> np.dtype[Any]:
    return np.dtype(np.uint8 if layout.components[0].bits == 8 else np.uint16)


_ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""Without the last two flags, swscale's RGB is one or two 8-bit code values too dark."""
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
    """How to turn a stored picture upright, from the container's display matrix."""

    quarter_turns: int = 0  # counter-clockwise, as numpy.rot90 counts
    mirrored: bool = False  # left to right, after turning

    @property
    def rotation(self) -> int:
        """Degrees clockwise, one of 0, 90, 180, 270."""
        return -90 * self.quarter_turns % 360

    def apply(self, plane: Plane) -> Plane:
        turned = np.rot90(plane, self.quarter_turns)
        return turned[:, ::-1] if self.mirrored else turned


def read_orientation(frame: av.VideoFrame, path: Path) -> Orientation:
    """Read the display matrix of a decoded frame.

    Raises UnsupportedClip unless it is a quarter turn, mirrored or not.
    """
    side_data: Any = frame.side_data  # a mapping by type, unlike its type hints
    matrix = side_data.get(SideData.DISPLAYMATRIX)
    if matrix is None:
        return Orientation()
    part = np.frombuffer(matrix, np.int32, 5)[[0, 1, 3, 4]].astype(np.int64)
    # Within a degree of a quarter turn (sin 1 degree = 0.0175), as in ffmpeg.
    part = np.where(np.abs(part) < 0.0175 * np.abs(part).max(), 0, part)
    found = _ORIENTATIONS.get(tuple(np.sign(part).tolist()))
    if found is None:
        angle = frame.rotation
        how = f"rotated by {angle} degrees" if angle % 90 and abs(angle) < 360 else "distorted"
        raise UnsupportedClip(
            f"{path.name} is tagged as {how}, and only quarter turns are supported: "
            "rotate the clip itself first"
        )
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


@dataclass(frozen=True, slots=True)
class FramePosition:
    """The timestamps of a frame in its file."""

    pts: int  # in units of the stream's time base
    dts: int  # in the same units; a seek goes by it
    keyframe: bool
