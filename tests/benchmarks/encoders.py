"""Compare the files of `finest` and `search`: packets and decoded frames of real clips."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tests import clips
from workbench import ffmpeg
from workbench.deliver.command import encode_command
from workbench.deliver.format import Encoder
from workbench.deliver.settings import Settings
from workbench.errors import ClipError
from workbench.media.clip import Clip
from workbench.media.guards import open_container
from workbench.media.probe import open_clip

LOOKS = ("classic", "smooth", "untouched")
_ENCODERS: tuple[Encoder, Encoder] = ("finest", "search")


def table(paths: Sequence[Path], folder: Path) -> Iterator[str]:
    """Yield one line for each look of each clip that opens."""
    yield f"{'clip':38} {'look':9} {'frames':>6} | packets differ | samples differ | at most"
    for path in paths:
        try:
            with open_clip(path) as clip:
                for look in LOOKS:
                    yield _line(clip, look, folder)
        except ClipError:
            continue


def _line(clip: Clip, look: str, folder: Path) -> str:
    made = [folder / f"{encoder}.mov" for encoder in _ENCODERS]
    for encoder, path in zip(_ENCODERS, made, strict=True):
        arguments = encode_command(clip, Settings(preset=look, encoder=encoder)).arguments(path)
        try:
            ffmpeg.run(["-y", *arguments], file=clip.path)
        except ffmpeg.FfmpegFailed:
            return f"{clip.path.stem:38} {look:9} does not decode to its end"
    packets = [_packets(path) for path in made]
    differing = sum(one != other for one, other in zip(*packets, strict=True))
    apart, most = _apart(*made)
    return (
        f"{clip.path.stem:38} {look:9} {len(packets[0]):6} | {differing:14} | {apart:14} | {most:7}"
    )


def _packets(path: Path) -> list[bytes]:
    with open_container(path) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _apart(first: Path, second: Path) -> tuple[int, int]:
    """Return how many decoded samples differ, and the largest difference in 10-bit code values."""
    if clips.frame_hashes(first) == clips.frame_hashes(second):
        return 0, 0
    count = most = 0
    with open_clip(first) as one, open_clip(second) as other:
        every = range(one.frame_count)
        for before, after in zip(one.frames(every), other.frames(every), strict=True):
            for name in ("luma", "cb", "cr"):
                planes = (getattr(frame, name).astype(np.int32) for frame in (before, after))
                off = np.abs(np.subtract(*planes))
                count += int(np.count_nonzero(off))
                most = max(most, int(off.max()))
    return count, most
