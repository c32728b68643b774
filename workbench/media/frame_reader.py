"""Frames of a file by index, from decoders and a cache that all clips of a process share."""

import os
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import av

from workbench.errors import ClipNotFound, ClipReplaced, DamagedClip
from workbench.ffmpeg import thread_limit
from workbench.files import file_stamp
from workbench.media.frames import FramePosition
from workbench.media.guards import open_container

CACHE_BYTES = 1024 * 1024 * 1024
"""Decoded frames kept for scrubbing, of all clips together: about 340 at 1080p, 8 bits, 4:2:0."""
OPEN_DECODERS = 8
"""Files that stay open between calls, of all clips together. Each takes memory of its decoder."""


class FrameReader:
    """Decodes frames by index, in whatever order they are asked for; safe to share by threads.

    A frame is found by its pts: from where the decoder stands if that is on the way, else from
    the nearest keyframe before. Generated clips often have one keyframe in ten seconds, so every
    frame that the decoder passes goes into the cache, for the next step of the scrubber.

    A pickled reader comes back without decoder and cache, and opens its file when first used.
    """

    def __init__(
        self, path: Path, stream: int, positions: tuple[FramePosition, ...], stamp: tuple[int, int]
    ) -> None:
        """`path` and `stamp` are of the file that the `positions` were read from."""
        self.path = path.absolute()  # the current folder may be another one later
        self._stream = stream
        self._positions = positions
        self._stamp = stamp
        self._index = {position.pts: index for index, position in enumerate(positions)}
        # Decoding can begin at the keyframes, and at the file's start whatever stands there.
        self._entries = sorted({0, *(i for i, place in enumerate(positions) if place.keyframe)})
        self._lock = threading.Lock()
        self._key = next(_keys)
        self._decoder: _Decoder | None = None  # only while a frame is decoded
        weakref.finalize(self, _shared.forget_later, self._key).atexit = False

    def __reduce__(self) -> tuple[type["FrameReader"], tuple[object, ...]]:
        return type(self), (self.path, self._stream, self._positions, self._stamp)

    @property
    def cached(self) -> int:
        """How many frames of this file the cache holds."""
        return _shared.cached(self._key)

    def close(self) -> None:
        """Close the file and drop its frames from the cache. The reader can be used again."""
        with self._lock:
            _shared.forget(self._key)

    def frame(self, index: int) -> av.VideoFrame:
        """Return the frame at this index, as stored (not turned upright).

        Raises DamagedClip when it does not decode, ClipNotFound, ClipReplaced.
        """
        with self._lock:
            found = _shared.frame(self._key, index)
            if found is not None:
                return found
            self._decoder = _shared.take_decoder(self._key)
            try:
                found = self._decode(index)
            except BaseException as error:
                self._close_decoder()
                if isinstance(error, av.FFmpegError):
                    raise self._damaged(index, error) from error
                raise
            if self._decoder:
                _shared.keep_decoder(self._key, self._decoder)
            self._decoder = None
            return found

    def forward(self, indices: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield (index, frame) for ascending indices in one pass that keeps nothing.

        Pictures that are not asked for and that no other refers to are not decoded at all.
        Raises DamagedClip when one asked for does not decode, ClipNotFound, ClipReplaced.
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
        decoder = self._decoder
        if decoder is None or not start <= decoder.next <= index:
            decoder = self._seek(start)
        while True:
            frame = next(decoder.frames, None)
            found = None if frame is None or frame.pts is None else self._index.get(frame.pts)
            if frame is None or (found is not None and found > index):
                # The seek landed late, or this frame is not given at all.
                earlier = [entry for entry in self._entries if entry < start]
                if not earlier:
                    raise self._damaged(index, None)
                start = earlier[-1]
                decoder = self._seek(start)
            elif found is not None:
                _shared.keep_frame(self._key, found, frame)
                decoder.next = found + 1
                if found == index:
                    return frame

    def _seek(self, entry: int) -> "_Decoder":
        """Let the decoder give frames from a place where decoding can begin."""
        if self._decoder is None or entry == 0:
            self._close_decoder()  # some formats find the first frame only when opened
            self._decoder = _Decoder(self._open())
        decoder = self._decoder
        stream = _video(decoder.container, self._stream)
        if entry:
            decoder.container.seek(self._positions[entry].dts, stream=stream)
        decoder.frames = decoder.container.decode(stream)
        return decoder

    def _open(self) -> av.container.InputContainer:
        """Open the file. Raises ClipNotFound, ClipReplaced: its positions are of another one."""
        try:
            same = file_stamp(self.path) == self._stamp
        except OSError as error:
            raise ClipNotFound(
                f"{self.path} cannot be opened any more: {str(error.strerror).lower()}"
            ) from error
        if not same:
            raise ClipReplaced(
                f"{self.path.name} was changed or replaced since it was opened: open it again"
            )
        container = open_container(self.path)
        stream = _video(container, self._stream)
        stream.thread_type = "AUTO"
        stream.thread_count = thread_limit()
        return container

    def _close_decoder(self) -> None:
        if self._decoder:
            self._decoder.close()
        self._decoder = None

    def _damaged(self, index: int, error: Exception | None) -> DamagedClip:
        why = f" ({error.strerror})" if isinstance(error, av.FFmpegError) else ""
        return DamagedClip(
            f"{self.path.name} is damaged: frame {index} does not decode{why}; "
            "download or generate the clip again"
        )


_SKIPS = ("h264", "hevc")  # decoders that apply skip_frame to the packet it was set for
_keys = count()


def _video(container: av.container.InputContainer, stream: int) -> av.VideoStream:
    found = container.streams[stream]
    assert isinstance(found, av.VideoStream)
    return found


@dataclass(eq=False)
class _Decoder:
    """An open file and where its decoder stands."""

    container: av.container.InputContainer
    frames: Iterator[av.VideoFrame] = field(default_factory=lambda: iter(()))
    next: int = -1  # the index of the frame that `frames` gives next

    def close(self) -> None:
        self.frames = iter(())
        self.container.close()


class _Shared:
    """The open decoders and the decoded frames of all readers, by their keys, within bounds.

    A decoder at work belongs to its reader; between calls it is kept here, the OPEN_DECODERS used
    last. The frames used last are kept up to CACHE_BYTES. The lock is held for moments only, and
    never while a file is opened, decoded or closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoders: OrderedDict[int, _Decoder] = OrderedDict()
        self._frames: OrderedDict[tuple[int, int], tuple[av.VideoFrame, int]] = OrderedDict()
        self._bytes = 0
        self._gone: deque[int] = deque()  # keys of readers that nobody holds any more

    @property
    def held(self) -> tuple[int, int]:
        """How many decoders are open between calls, and how many bytes of frames are kept."""
        with self._lock:
            return len(self._decoders), self._bytes

    def cached(self, key: int) -> int:
        with self._lock:
            return sum(owner == key for owner, _ in self._frames)

    def frame(self, key: int, index: int) -> av.VideoFrame | None:
        with self._lock:
            found = self._frames.get((key, index))
            if found is None:
                return None
            self._frames.move_to_end((key, index))
            return found[0]

    def keep_frame(self, key: int, index: int, frame: av.VideoFrame) -> None:
        size = sum(plane.buffer_size for plane in frame.planes)
        with self._lock:
            self._drop((key, index))
            self._frames[key, index] = frame, size
            self._bytes += size
            while self._bytes > CACHE_BYTES:
                self._drop(next(iter(self._frames)))

    def take_decoder(self, key: int) -> _Decoder | None:
        """Hand a reader its decoder, if that is still open."""
        with self._lock:
            return self._decoders.pop(key, None)

    def keep_decoder(self, key: int, decoder: _Decoder) -> None:
        """Keep a decoder that is not at work; close those that were not used for longest."""
        with self._lock:
            closing = [self._decoders.pop(gone) for gone in self._clear_gone()]
            self._decoders[key] = decoder
            while len(self._decoders) > OPEN_DECODERS:
                closing.append(self._decoders.popitem(last=False)[1])
        for one in closing:
            one.close()

    def forget(self, key: int) -> None:
        """Close a reader's decoder and drop its frames."""
        with self._lock:
            decoder = self._decoders.pop(key, None)
            self._drop_frames(key)
        if decoder:
            decoder.close()

    def forget_later(self, key: int) -> None:
        """Forget a reader that is collected as garbage, which may happen while the lock is held."""
        if not self._lock.acquire(blocking=False):
            self._gone.append(key)
            return
        try:
            decoder = self._decoders.pop(key, None)
            self._drop_frames(key)
        finally:
            self._lock.release()
        if decoder:
            decoder.close()

    def reset_after_fork(self) -> None:
        """Begin anew in a forked process: its parent's decoders have lost their threads.

        Closing one would wait for these for ever, so all are kept as they are.
        """
        _parents.append(self.__dict__.copy())
        self.__init__()  # type: ignore[misc]

    def _clear_gone(self) -> list[int]:
        """Drop the frames of readers that are gone; return those that have an open decoder."""
        gone = []
        while self._gone:
            key = self._gone.popleft()
            self._drop_frames(key)
            if key in self._decoders:
                gone.append(key)
        return gone

    def _drop_frames(self, key: int) -> None:
        for place in [place for place in self._frames if place[0] == key]:
            self._drop(place)

    def _drop(self, place: tuple[int, int]) -> None:
        found = self._frames.pop(place, None)
        if found:
            self._bytes -= found[1]


_shared = _Shared()
_parents: list[object] = []
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_shared.reset_after_fork)
