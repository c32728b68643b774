"""Read a file's packets: the position of every frame, and the timing of every sound track.

Only the first samples of each sound track are decoded.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from workbench.errors import DamagedClip, NotAVideo, UnsupportedClip
from workbench.media.frames import FramePosition
from workbench.media.guards import check_limit

_ROUNDING = 2  # units of the time base: a duration and a timestamp are each off by at most one


@dataclass(frozen=True)
class Packets:
    """The data read from the packets of a file."""

    positions: tuple[FramePosition, ...]  # of every frame that can be shown, by pts
    last_duration: int  # of the last frame, in units of the time base; 0 when not stated
    audio: tuple["AudioTiming", ...]  # one for each sound track


@dataclass
class AudioTiming:
    """The timing of one sound track, built up packet by packet, in seconds of the file's time."""

    stream: av.AudioStream
    first_sample: Fraction | None = None  # when the first sample that decodes is heard
    first_packet: Fraction | None = None
    end: Fraction = Fraction(0)
    gap: Fraction = Fraction(0)  # the most that timestamps ran ahead of the sound, see _measure_gap
    has_packets: bool = False
    _duration: Fraction = Fraction(0)  # of all packets so far
    _ahead: Fraction = Fraction(0)  # of the last packet's timestamp

    @property
    def start(self) -> Fraction | None:
        """When the track is first heard, or its first packet where no sample decoded."""
        return self.first_packet if self.first_sample is None else self.first_sample

    def add(self, packet: "av.Packet[Any]") -> None:
        """Update the timing with the next packet of this track."""
        self.has_packets = True
        unit = Fraction(packet.time_base)
        context = self.stream.codec_context
        block = Fraction(context.frame_size, context.sample_rate)  # 0 where packets vary in length
        duration = (packet.duration or 0) * unit
        if packet.pts is not None:
            time = packet.pts * unit
            self.first_packet = time if self.first_packet is None else self.first_packet
            rounding = Fraction(0) if block else _ROUNDING * unit
            self._measure_gap(time - self.first_packet, rounding)
            self.end = max(self.end, time + duration)
        # MP4 extends the packet before a gap to the end of the gap, and Matroska rounds durations.
        self._duration += block if block and (not duration or duration > block - unit) else duration
        self.find_first_sample(packet)

    def _measure_gap(self, elapsed: Fraction, rounding: Fraction) -> None:
        """Compare the time since the first packet with the total duration of the packets.

        A difference of up to `rounding` comes from the container's units and is not a gap.
        """
        change = elapsed - self._duration - self._ahead
        if abs(change) <= rounding:
            self._duration += change
        else:
            self._ahead += change
        self.gap = max(self.gap, self._ahead)

    def find_first_sample(self, packet: "av.Packet[Any]") -> None:
        """Decode this packet, unless a sample of the track has been decoded already."""
        if self.first_sample is not None:
            return
        try:
            frames = self.stream.decode(packet)
        except av.FFmpegError:
            return  # the conversion reports sound that does not decode
        for frame in frames[:1]:
            if frame.pts is not None and frame.time_base:
                # An edit list may begin within a block; the samples before it are not heard.
                edit_start = (self.stream.start_time or 0) * Fraction(packet.time_base)
                self.first_sample = max(Fraction(frame.pts * frame.time_base), edit_start)


def read_packets(
    path: Path,
    container: av.container.InputContainer,
    stream: av.VideoStream,
    first: av.VideoFrame,
) -> Packets:
    """Read every packet of a video stream and of all sound tracks.

    `first` is the first frame that decodes. Frames before it depend on a frame that was cut away,
    so no player shows them, and they are left out. Raises NotAVideo, UnsupportedClip, DamagedClip.
    """
    tracks = {track.index: AudioTiming(track) for track in container.streams.audio}
    _check_audio_is_known(path, tracks.values())
    found: dict[int, tuple[FramePosition, int]] = {}
    for packet in container.demux(stream.index, *tracks):
        if not packet.size:
            continue
        if packet.is_discard:
            if packet.stream_index in tracks:  # the decoder needs it to place the first sample
                tracks[packet.stream_index].find_first_sample(packet)
            continue
        if packet.stream_index in tracks:
            tracks[packet.stream_index].add(packet)
            continue
        if packet.pts is None:
            raise UnsupportedClip(
                f"{path.name} has frames without a timestamp: {_remedy(container)}"
            )
        if packet.pts in found:
            raise UnsupportedClip(
                f"{path.name} has two frames with the same timestamp ({packet.pts}): "
                f"{_remedy(container)}"
            )
        dts = packet.pts if packet.dts is None else packet.dts
        position = FramePosition(packet.pts, dts, packet.is_keyframe)
        found[packet.pts] = (position, packet.duration or 0)
    _check_frame_order(path, container, stream)
    _check_audio_has_packets(path, tracks.values())
    shown = [pts for pts in sorted(found) if first.pts is None or pts >= first.pts]
    if not shown:
        raise NotAVideo(f"{path.name} has a video stream, but none of its frames decodes")
    unit = Fraction(stream.time_base or 1)
    last = max(found)
    end = max([(last + found[last][1]) * unit, *(track.end for track in tracks.values())])
    _check_declared_duration(path, container, end)
    starts = [track.first_packet for track in tracks.values() if track.first_packet is not None]
    duration = float(end - min([shown[0] * unit, *starts]))
    check_limit(path, "seconds", duration, f"lasts {duration:,.0f} seconds")
    return Packets(
        positions=tuple(found[pts][0] for pts in shown),
        last_duration=found[shown[-1]][1],
        audio=tuple(tracks.values()),
    )


def _remedy(container: av.container.InputContainer) -> str:
    """Return what to do with a file whose timestamps are unusable."""
    is_mp4 = "mp4" in container.format.name
    return "download or generate it again" if is_mp4 else "remux it to MP4 first"


def _check_audio_is_known(path: Path, tracks: Collection[AudioTiming]) -> None:
    """Raise UnsupportedClip for a sound track in a format that FFmpeg does not know."""
    for track in tracks:
        context = track.stream.codec_context
        if context is None or not context.format or not context.sample_rate:
            raise UnsupportedClip(
                f"{path.name} has a sound track (stream {track.stream.index}) in an unknown "
                "format: remove that track first"
            )


def _check_audio_has_packets(path: Path, tracks: Collection[AudioTiming]) -> None:
    """Raise DamagedClip for a sound track without a single packet."""
    for track in tracks:
        if not track.has_packets:
            raise DamagedClip(
                f"{path.name} has an empty sound track (stream {track.stream.index}): "
                "download it again, or remove that track"
            )


def _check_frame_order(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream
) -> None:
    """Raise UnsupportedClip for AVI with B-frames: AVI stores decoding order, not display order."""
    if container.format.name == "avi" and stream.codec_context.has_b_frames:
        raise UnsupportedClip(
            f"{path.name} is an AVI file with B-frames, which does not state when each frame is "
            "shown: remux it to MP4 first"
        )


def _check_declared_duration(
    path: Path, container: av.container.InputContainer, end: Fraction
) -> None:
    """Raise DamagedClip for Matroska, WebM or FLV that ends well before its declared duration."""
    declares = any(name in container.format.name for name in ("matroska", "flv"))
    if not declares or not container.duration:
        return
    if any(stream.type not in ("video", "audio") for stream in container.streams):
        return  # a subtitle may last longer than the picture
    declared = Fraction(container.duration + (container.start_time or 0), av.time_base)
    if declared - end > Fraction(1, 10):
        raise DamagedClip(
            f"{path.name} is cut short: its header declares {float(declared):.2f} s, and the "
            f"file ends at {float(end):.2f} s; download it again"
        )
