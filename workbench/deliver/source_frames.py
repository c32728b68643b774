"""Measure the frames of a source for its check: while ffmpeg encodes it, or from the file.

ffmpeg decodes the source for the encoder. It also writes the decoded pictures to stdout, so that
the check does not decode the source a second time. Where that is not possible, it does.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

import numpy as np

from workbench.deliver.settings import Settings
from workbench.errors import DamagedClip
from workbench.look.render import rawvideo_size
from workbench.measure.detail import Detail, detail
from workbench.measure.frame_match import BlockMeans, block_count, block_means
from workbench.measure.worst_frame import BandingCandidates, band_edges
from workbench.media.clip import Clip, sample_indices
from workbench.media.frames import Frame, Orientation

_MINIMUM_SAMPLES = 4  # frames
_SAMPLE_INTERVAL = 2  # seconds
_ROOM = 700  # bytes of free disk for a block of 16x16 pixels: the file of a noisy clip has 420


@dataclass(frozen=True, eq=False)
class SourceFrame:
    """The measures of a source frame."""

    means: BlockMeans
    detail: Detail
    picture: Frame | None  # for the sampled frames; a frame that was decoded again always has it

    @classmethod
    def of(cls, picture: Frame) -> Self:
        return cls(block_means(picture), detail(picture), picture)


def sampled_indices(clip: Clip, count: int, *, every_frame: bool) -> list[int]:
    """Return which of `count` delivered frames are compared: one every two seconds, or all."""
    usual = max(_MINIMUM_SAMPLES, round(clip.duration / _SAMPLE_INTERVAL))
    return sample_indices(count, count if every_frame else usual)


def decoded_frames(clip: Clip, places: Sequence[int]) -> Iterator[SourceFrame]:
    """Decode the frames at these indices, which ascend and may repeat, and measure them.

    Raises DamagedClip for a frame that decodes with errors, and the errors of Clip.frames.
    """
    pictures = clip.frames(sorted(set(places)))
    found: SourceFrame | None = None
    index = -1
    for place in places:
        while found is None or index != place:
            picture = next(pictures)
            if picture.corrupt:
                raise DamagedClip(
                    f"{clip.path.name} is damaged: frame {picture.index} decodes with errors; "
                    "download or generate the clip again"
                )
            found, index = SourceFrame.of(picture), picture.index
        yield found


class SourceRecording:
    """The measures of every frame of a source, taken while ffmpeg encodes it.

    A temporary file without a name holds them: 0.1 MB for a frame of 1080p, and the picture of
    each sampled frame. A recording that is not `complete` is not used.
    """

    def __init__(self, clip: Clip, folder: Path) -> None:
        """Create an empty recording, with its file in `folder`. Raises OSError."""
        self._clip = clip
        self._samples = frozenset(sampled_indices(clip, clip.frame_count, every_frame=False))
        self._picture_size = rawvideo_size(clip.pixel_format, clip.width, clip.height)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._count = 0  # frames measured so far; -1 after a failure
        self.candidates = BandingCandidates[Frame](clip.frame_count)

    @staticmethod
    def is_possible(clip: Clip, settings: Settings, folder: Path) -> bool:
        """Return whether ffmpeg's decoded pictures are those that the check needs.

        The disk of `folder` must also have ample space: the temporary file must not take the space
        that the delivered file needs. Raises OSError.
        """
        needed = clip.frame_count * block_count(clip.width, clip.height) * _ROOM
        return (
            shutil.disk_usage(folder).free >= needed
            and clip.orientation == Orientation()
            and settings.frame_rate is None
            and not settings.every_frame
            and not clip.pixel_format.startswith("yuvj")  # ffmpeg converts these
        )

    @property
    def output(self) -> list[str]:
        """ffmpeg's arguments for a second output: every decoded picture, to stdout."""
        pixels = ["-pix_fmt", self._clip.pixel_format, "-noautoscale"]
        return [
            *("-map", f"0:{self._clip.stream}", "-fps_mode", "passthrough"),
            *("-c:v", "rawvideo", *pixels, "-f", "rawvideo", "pipe:1"),
        ]

    def read(self, pipe: IO[bytes]) -> None:
        """Measure the pictures from ffmpeg's stdout until it ends, or the disk is full."""
        try:
            while data := pipe.read(self._picture_size):
                if len(data) < self._picture_size or self._count == self._clip.frame_count:
                    raise OSError("other pictures than the clip's index lists")
                self._add(data)
            self._file.flush()
        except OSError:
            self._count = -1

    def _add(self, data: bytes) -> None:
        picture = self._picture(data, self._count)
        found = SourceFrame.of(picture)
        self.candidates.add(self._count, band_edges(picture), picture)
        self._file.write(found.means.tobytes())
        self._file.write(np.array(astuple(found.detail)).tobytes())
        if self._count in self._samples:
            self._file.write(data)
        self._count += 1

    @property
    def complete(self) -> bool:
        """Whether every frame of the source was measured."""
        return self._count == self._clip.frame_count

    def frames(self) -> Iterator[SourceFrame]:
        """Yield every frame of the source."""
        self._file.seek(0)
        blocks = block_count(self._clip.width, self._clip.height)
        for index in range(self._count):
            means = np.frombuffer(self._file.read(3 * 4 * blocks), np.float32).reshape(3, blocks)
            measured = Detail(*np.frombuffer(self._file.read(3 * 8)).tolist())
            sampled = index in self._samples
            picture = self._picture(self._file.read(self._picture_size), index) if sampled else None
            yield SourceFrame(means, measured, picture)

    def _picture(self, data: bytes, index: int) -> Frame:
        clip = self._clip
        picture = Frame.frombytes(data, clip.width, clip.height, clip.pixel_format, clip.colour)
        time = (clip.positions[index].pts - clip.positions[0].pts) * clip.time_base
        return replace(picture, index=index, time=time)

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()
