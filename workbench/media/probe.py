"""Probe: read what a file is, as a Clip, or refuse it in one sentence.

PyAV reads; every filter runs in the ffmpeg program (see ffmpeg.py). The file's packets are walked
and its first frame is decoded, nothing more.
"""

import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from workbench.errors import ClipNotFound, DamagedClip, NotAVideo, UnsupportedClip
from workbench.files import expanded, file_stamp
from workbench.media.clip import AudioStream, Clip
from workbench.media.colour import Colour
from workbench.media.frame_rates import exact_rate, ntsc_beside
from workbench.media.frame_reader import FrameReader
from workbench.media.frames import Orientation, Position, orientation
from workbench.media.guards import limits, open_container, refuse_over
from workbench.media.truncation import refuse_cut
from workbench.temporary import is_temporary


def open_clip(path: str | Path) -> Clip:
    """Read what a file is.

    Raises ClipNotFound, NotAVideo, UnsupportedClip, DamagedClip, and ParameterError for what is no
    path.
    """
    if not str(path):
        raise ClipNotFound("no clip is given: fill in its path as the source")
    path = expanded(path, "the source")
    refuse_no_file(path)
    stamp = file_stamp(path)
    try:
        return _read(path, stamp)
    except DamagedClip as error:
        raise DamagedClip(f"{error}{_if_still_written(path, stamp)}") from error


def _read(path: Path, stamp: tuple[int, int]) -> Clip:
    with open_container(path) as container:
        stream = _picture(path, container)
        _refuse_too_much(path, container, stream)
        _refuse_early_end(path, container)
        first = _first_frame(path, container, stream)
        turned = orientation(first, path)
        _refuse_layout(path, first, turned)
    # Opened anew and not rewound: some formats do not find their way back to the first frame.
    with open_container(path) as container:
        stream = _picture(path, container)
        walk = _walk(path, container, stream, first)
        return _clip(path, container, stream, walk, first, turned, stamp)


def refuse_no_file(path: Path) -> None:
    """Raise ClipNotFound or NotAVideo unless there is a file that can be read."""
    try:
        if path.is_dir():
            raise NotAVideo(f"{path} is a folder: give one video file")
        if not path.exists():
            raise ClipNotFound(f"{path} does not exist")
        if not path.is_file():
            raise NotAVideo(f"{path} is not a regular file: give one video file")
        if not path.stat().st_size:
            hint = _if_still_written(path, file_stamp(path))
            raise NotAVideo(f"{path.name} is empty (0 bytes): download it again{hint}")
        path.open("rb").close()
    except OSError as error:
        if isinstance(error, ClipNotFound):
            raise
        raise NotAVideo(f"{path} cannot be read: {error.strerror}") from error


def still_written(before: tuple[int, int], after: tuple[int, int], now: float) -> bool:
    """Whether a file looks as if it were still being written, by its stamps (see file_stamp).

    It does when it changed while it was read, or less than ten seconds ago. `now` is in seconds
    since the epoch.

    >>> still_written((7, 0), (7, 0), 10.0), still_written((7, 0), (7, 0), 9.9)
    (False, True)
    >>> still_written((7, 0), (8, 0), 99.0)
    True
    """
    return before != after or abs(now - after[1] / 1e9) < _RECENT


_RECENT = 10.0  # seconds


def _if_still_written(path: Path, before: tuple[int, int]) -> str:
    """Return what a message about a broken file adds when the file may not be complete yet."""
    try:
        after = file_stamp(path)
    except OSError:
        return ""
    if is_temporary(path) or not still_written(before, after, time.time()):
        return ""
    return (
        " (it was changed a moment ago: if it is still being written, copied or downloaded, wait "
        "until it is complete)"
    )


def _picture(path: Path, container: av.container.InputContainer) -> av.VideoStream:
    stream = container.streams.best("video")
    if isinstance(stream, av.VideoStream):
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
        raise NotAVideo(f"{path.name} has no video in it, only a cover picture")
    kinds = sorted({stream.type for stream in container.streams})
    instead = f", only {' and '.join(kinds)}" if kinds else ": it holds no frames"
    raise NotAVideo(f"{path.name} has no video in it{instead}")


def _refuse_too_much(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> None:
    """Refuse pictures too large and indices too long, before anything is made of them."""
    width, height = stream.codec_context.width, stream.codec_context.height
    refuse_over(path, "pixels", width * height, f"has pictures of {width}x{height} pixels")
    for each in container.streams:
        count = len(each.index_entries)
        refuse_over(path, "frames", count, f"has {count:,} frames or blocks in one track")


def _refuse_early_end(path: Path, container: av.container.InputContainer) -> None:
    """Refuse a file whose index names bytes past its end, or that says that it is longer."""
    ends = [
        entry.pos + entry.size
        for stream in container.streams
        if isinstance(stream, av.VideoStream | av.AudioStream)
        for entry in stream.index_entries
    ]
    if max(ends, default=0) > path.stat().st_size:
        raise DamagedClip(
            f"{path.name} is cut short: its index names more data than the file holds; "
            "download it again"
        )
    refuse_cut(path)


def _first_frame(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> av.VideoFrame:
    try:
        frame = next(container.decode(stream), None)
    except av.FFmpegError as error:
        # FFmpeg forgets the size of a picture that is over its limit.
        why = (
            error.strerror
            if stream.codec_context.width
            else (f"its size cannot be read, or is over {limits().pixels:,} pixels")
        )
        raise DamagedClip(
            f"{path.name} has a video stream, but its first frame does not decode ({why}); "
            "download or generate it again"
        ) from error
    if frame is None:
        raise NotAVideo(f"{path.name} has a video stream, but no frame in it that decodes")
    return frame


def _refuse_layout(path: Path, frame: av.VideoFrame, turned: Orientation) -> None:
    layout = frame.format
    if not (layout.name.startswith("yuv") and layout.is_planar and len(layout.components) == 3):
        raise UnsupportedClip(
            f"{path.name} stores its picture as {layout.name}; only planar Y'CbCr without alpha "
            "(such as yuv420p) is handled, convert it first"
        )
    if turned.quarter_turns % 2 and not layout.name.startswith(_SQUARE_CHROMA):
        raise UnsupportedClip(
            f"{path.name} stores its picture as {layout.name} and asks to be turned by "
            f"{turned.rotation} degrees, which its chroma does not allow; turn it first"
        )


_SQUARE_CHROMA = ("yuv420", "yuvj420", "yuv444", "yuvj444")


@dataclass(frozen=True)
class _Walk:
    """What the packets of a file say."""

    positions: tuple[Position, ...]  # by pts
    last_duration: int  # of the last frame, in units of the time base; 0 when not said
    sounds: tuple["_Sound", ...]


@dataclass
class _Sound:
    """One sound track, as its packets are walked; seconds in the file's own time."""

    stream: av.AudioStream
    start: Fraction | None = None  # of the first sample that decodes
    begin: Fraction | None = None  # of the first packet
    end: Fraction = Fraction(0)
    sounding: Fraction = Fraction(0)  # what the packets so far last
    late: Fraction = Fraction(0)  # by how much more than that the last packet came after the first
    gap: Fraction = Fraction(0)  # the most of that
    found: bool = False  # whether there is any packet of it

    def follow(self, packet: "av.Packet[Any]") -> None:
        self.found = True
        unit = Fraction(packet.time_base)
        context = self.stream.codec_context
        block = Fraction(context.frame_size, context.sample_rate)  # 0 where packets differ
        lasts = (packet.duration or 0) * unit
        if packet.pts is not None:
            at = packet.pts * unit
            self.begin = at if self.begin is None else self.begin
            self._measure_gap(at - self.begin, Fraction(0) if block else _ROUNDED * unit)
            self.end = max(self.end, at + lasts)
        # MP4 makes the packet before a hole last until its end, and Matroska rounds a duration.
        self.sounding += block if block and (not lasts or lasts > block - unit) else lasts
        self.find_start(packet)

    def find_start(self, packet: "av.Packet[Any]") -> None:
        """Decode packets until the first sample appears."""
        if self.start is not None:
            return
        try:
            frames = self.stream.decode(packet)
        except av.FFmpegError:
            return  # the conversion will report that it does not decode
        for frame in frames[:1]:
            if frame.pts is not None and frame.time_base:
                # An edit list may begin within a block; what comes before it is not heard.
                unit = Fraction(packet.time_base)
                shown = (self.stream.start_time or 0) * unit
                self.start = max(Fraction(frame.pts * frame.time_base), shown)

    def _measure_gap(self, elapsed: Fraction, rounding: Fraction) -> None:
        """Compare the time since the first packet with what the packets until then last.

        A change of no more than `rounding` is one of the container's units, and no gap.
        """
        change = elapsed - self.sounding - self.late
        if abs(change) <= rounding:
            self.sounding += change
        else:
            self.late += change
        self.gap = max(self.gap, self.late)


_ROUNDED = 2  # units: a duration and a timestamp are each off by one at most


def _walk(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: av.VideoFrame,
) -> _Walk:
    """Read every packet's place; of the sound, decode no more than the first samples."""
    sounds = {sound.index: _Sound(sound) for sound in container.streams.audio}
    for sound in sounds.values():
        context = sound.stream.codec_context
        if context is None or not context.format or not context.sample_rate:
            raise UnsupportedClip(
                f"{path.name} has a sound track (stream {sound.stream.index}) of a kind that is "
                "not known; take it out first"
            )
    found: dict[int, tuple[Position, int]] = {}
    for packet in container.demux(stream.index, *sounds):
        if not packet.size:
            continue
        if packet.is_discard:
            if packet.stream_index in sounds:  # the decoder needs it to place the first sample
                sounds[packet.stream_index].find_start(packet)
            continue
        if packet.stream_index in sounds:
            sounds[packet.stream_index].follow(packet)
            continue
        if packet.pts is None:
            raise UnsupportedClip(f"{path.name} has frames without a timestamp: {_anew(container)}")
        if packet.pts in found:
            raise UnsupportedClip(
                f"{path.name} has two frames with the same timestamp ({packet.pts}): "
                f"{_anew(container)}"
            )
        dts = packet.pts if packet.dts is None else packet.dts
        place = Position(packet.pts, dts, packet.is_keyframe)
        found[packet.pts] = (place, packet.duration or 0)
    _refuse_unordered(path, container, stream)
    for sound in sounds.values():
        if not sound.found:
            raise DamagedClip(
                f"{path.name} has a sound track (stream {sound.stream.index}) with no sound in it: "
                "download it again, or take the track out"
            )
    # Pictures before the first that decodes lean on one that was cut away; nobody shows them.
    shown = [pts for pts in sorted(found) if first.pts is None or pts >= first.pts]
    if not shown:
        raise NotAVideo(f"{path.name} has a video stream, but no frame in it that decodes")
    ends = [(max(found) + found[max(found)][1]) * Fraction(stream.time_base or 1)]
    ends += [sound.end for sound in sounds.values()]
    _refuse_missing_end(path, container, max(ends))
    begins = [shown[0] * Fraction(stream.time_base or 1)]
    begins += [sound.begin for sound in sounds.values() if sound.begin is not None]
    lasts = float(max(ends) - min(begins))
    refuse_over(path, "seconds", lasts, f"lasts {lasts:,.0f} seconds")
    return _Walk(
        positions=tuple(found[pts][0] for pts in shown),
        last_duration=found[shown[-1]][1],
        sounds=tuple(sounds.values()),
    )


def _anew(container: av.container.InputContainer) -> str:
    """Say the way out for a file whose timestamps are no good."""
    is_mp4 = "mp4" in container.format.name
    return "download or generate it again" if is_mp4 else "remux it to MP4 first"


def _refuse_unordered(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> None:
    """Refuse AVI with B-frames: it keeps the order of decoding, not of showing."""
    if container.format.name == "avi" and stream.codec_context.has_b_frames:
        raise UnsupportedClip(
            f"{path.name} is an AVI with B-frames, which does not say when each frame is shown: "
            "remux it to MP4 first"
        )


def _refuse_missing_end(path: Path, container: av.container.InputContainer, end: Fraction) -> None:
    """Refuse a Matroska or WebM file that ends well before the duration in its header."""
    if "matroska" not in container.format.name or not container.duration:
        return
    if any(stream.type not in ("video", "audio") for stream in container.streams):
        return  # a subtitle may well outlast the picture
    declared = Fraction(container.duration + (container.start_time or 0), av.time_base)
    if declared - end > Fraction(1, 10):
        raise DamagedClip(
            f"{path.name} is cut short: it should last {float(declared):.2f} s and ends at "
            f"{float(end):.2f} s; download it again"
        )


def _clip(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    walk: _Walk,
    first: av.VideoFrame,
    turned: Orientation,
    stamp: tuple[int, int],
) -> Clip:
    positions = walk.positions
    width, height = first.width, first.height
    sample_aspect = Fraction(stream.sample_aspect_ratio or 1)
    if turned.quarter_turns % 2:
        width, height, sample_aspect = height, width, 1 / sample_aspect
    time_base = Fraction(stream.time_base or 1)
    frame_rate, constant = _frame_rate(stream, positions, time_base)
    own = walk.last_duration * time_base or 1 / frame_rate
    # AVI keeps no pts: PyAV's are late by as many frames as the decoder might reorder.
    first_shown = positions[0].dts if container.format.name == "avi" else positions[0].pts
    begin = first_shown * time_base
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
        interlaced=bool(first.interlaced_frame),
        time_base=time_base,
        duration=(positions[-1].pts - positions[0].pts) * time_base + own,
        colour=_colour(first),
        audio=tuple(_audio(sound, begin) for sound in walk.sounds),
        stamp=stamp,
        positions=positions,
        _reader=FrameReader(path, stream.index, positions, stamp),
    )


def _audio(sound: _Sound, begin: Fraction) -> AudioStream:
    context = sound.stream.codec_context
    start = sound.start if sound.start is not None else sound.begin
    return AudioStream(
        index=sound.stream.index,
        codec=context.name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        layout=context.layout.name,
        deep=_is_deep(context),
        start=(begin if start is None else start) - begin,
        end=sound.end - begin,
        gap=sound.gap,
    )


def _is_deep(context: av.AudioCodecContext) -> bool:
    lossless = context.name.startswith(("pcm_", "flac", "alac"))
    return lossless and context.format.bits > 16


def _frame_rate(
    stream: av.VideoStream, positions: tuple[Position, ...], time_base: Fraction
) -> tuple[Fraction, bool]:
    """Return frames per second, and whether every frame keeps to it.

    A rate is constant when no frame is more than one unit of the time base from where the rate
    puts it: containers round 30000/1001 to their own units, and Matroska rounds the rate as well.
    """
    stated = stream.average_rate or stream.base_rate or Fraction(25)
    if len(positions) < 2:
        return Fraction(stated), True
    pts = np.array([position.pts for position in positions], dtype=np.int64)
    steps = np.diff(pts)
    even = 1 / (int(steps[0]) * time_base) if (steps == steps[0]).all() and steps[0] else None
    if even in (stream.base_rate, stated, stream.guessed_rate) and even is not None:
        return even, True  # to the tick
    found = filter(None, (stream.base_rate, stated, stream.guessed_rate, even))
    rates = [rate for each in found for rate in (exact_rate(each), each)]
    for rate in (*rates, ntsc_beside(Fraction(stated))):
        expected = np.arange(len(pts)) * float(1 / (rate * time_base))
        if np.abs(pts - pts[0] - expected).max() <= 1:
            return rate, True
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
