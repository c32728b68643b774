"""Frames: pictures as planar arrays in their own bit depth, and how they are turned upright."""

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

from workbench.arguments import check_type, check_whole, shown
from workbench.errors import ParameterError, UnsupportedClip
from workbench.media.colour import MATRIX_CHOICES, Colour, fill_untagged

Plane = NDArray[Any]
"""Code values: uint8 at 8 bits, uint16 above."""


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

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back from a pickle, which does not keep that planes are read-only."""
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
        """How many rows, and columns, of luma one chroma sample stands for: 1, 2 or 4."""
        rows, columns = (
            next(step for step in (1, 2, 4) if -(-whole // step) == size)
            for whole, size in zip(self.luma.shape, self.cb.shape, strict=True)
        )
        return rows, columns

    def with_matrix(self, matrix: str | None) -> "Frame":
        """Return this picture with what its tags leave open filled, as colour.declared does.

        `matrix` is bt601 or bt709, or None for what is assumed. Raises ParameterError.
        """
        if matrix is not None and (not isinstance(matrix, str) or matrix not in MATRIX_CHOICES):
            raise ParameterError(f"matrix is {shown(matrix)}: give {' or '.join(MATRIX_CHOICES)}")
        return replace(self, colour=fill_untagged(self.colour, matrix))

    def tobytes(self) -> bytes:
        """Return the planes as ffmpeg's rawvideo of this pixel format."""
        return b"".join(plane.tobytes() for plane in (self.luma, self.cb, self.cr))

    @classmethod
    def frombytes(
        cls, data: bytes, width: int, height: int, pixel_format: str, colour: Colour
    ) -> "Frame":
        """Read one frame of ffmpeg's rawvideo of this pixel format.

        Raises ParameterError for bytes or a format that do not make such a picture.
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

    def downscaled(self, longest: int) -> "Frame":
        """Return this picture with its longer side this many pixels, averaged; or as it is.

        Raises ParameterError.
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
    """Raise ParameterError unless these are one or more Frames of one size and pixel format."""
    if not isinstance(frames, Sequence) or not all(isinstance(one, Frame) for one in frames):
        raise ParameterError(f"{name} are {shown(frames)}: give a list of Frames of one clip")
    kinds = {(one.width, one.height, one.pixel_format) for one in frames}
    if not kinds:
        raise ParameterError(f"{name} are empty: give at least one Frame")
    if len(kinds) > 1:
        sizes = ", ".join(sorted(f"{width}x{height} {kind}" for width, height, kind in kinds))
        raise ParameterError(f"{name} are of several kinds ({sizes}): give Frames of one clip")


def plane_views(frame: av.VideoFrame) -> list[Plane]:
    """View the planes of a decoded frame as read-only arrays, without their padding."""
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
            f"{len(data)} bytes are no picture of {width}x{height} in {pixel_format}, which has "
            f"{size}"
        )
    return layout


_PLANES = 3  # Y', Cb, Cr


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

    def apply(self, plane: Plane) -> Plane:
        turned = np.rot90(plane, self.quarter_turns)
        return turned[:, ::-1] if self.mirrored else turned


def read_orientation(frame: av.VideoFrame, path: Path) -> Orientation:
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
class FramePosition:
    """Where a frame stands in its file."""

    pts: int  # in the stream's time base
    dts: int  # likewise: what a seek goes by
    keyframe: bool
