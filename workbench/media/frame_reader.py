"""Decode frames by index, with decoders and a cache that all clips of a process share."""

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
"""Size of the cache of decoded frames, for all clips: about 340 frames of 8-bit 4:2:0 1080p."""
OPEN_DECODERS = 8
"""Decoders that stay open between calls, for all clips. Each one uses memory."""


class FrameReader:
    """Decode frames by index, in any order. Thread-safe.

    The decoder reads forward from its current frame if that is possible, else from the nearest
    keyframe before. It finds a frame by its pts. Generated clips often have one keyframe in ten
    seconds, so the cache keeps every frame that the decoder passes, for the next step of the
    scrubber.

    An unpickled reader has no decoder and no cached frames; it opens its file on first use.
    """

    def __init__(
        self, path: Path, stream: int, positions: tuple[FramePosition, ...], stamp: tuple[int, int]
    ) -> None:
        """Create a reader. `stamp` is the result of files.file_stamp for these `positions`."""
        self.path = path.absolute()  # the current folder may change
        self._stream = stream
        self._positions = positions
        self._stamp = stamp
        self._index = {position.pts: index for index, position in enumerate(positions)}
        # Decoding can begin at the keyframes, and always at the start of the file.
        keyframes = (i for i, position in enumerate(positions) if position.keyframe)
        self._entries = sorted({0, *keyframes})
        self._lock = threading.Lock()
        self._key = next(_keys)
        self._decoder: _Decoder | None = None  # set only while a frame is decoded
        weakref.finalize(self, _shared.drop_collected, self._key).atexit = False

    def __reduce__(self) -> tuple[type["FrameReader"], tuple[object, ...]]:
        return type(self), (self.path, self._stream, self._positions, self._stamp)

    @property
    def cached(self) -> int:
        """The number of frames of this file in the cache."""
        return _shared.cached(self._key)

    def close(self) -> None:
        """Close the file and remove its frames from the cache. The reader can be used again."""
        with self._lock:
            _shared.drop(self._key)

    def frame(self, index: int) -> av.VideoFrame:
        """Return the frame at this index, as stored (not turned upright).

        Raises DamagedClip when the frame does not decode, ClipNotFound, ClipReplaced.
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
        """Yield (index, frame) for ascending indices, in one pass that does not use the cache.

        The decoder skips frames that are not in `indices` and that no other frame refers to.
        Raises DamagedClip when a frame does not decode, ClipNotFound, ClipReplaced.
        """
        wanted = {self._positions[index].pts for index in indices}
        missing = set(indices)
        try:
            with self._open() as container:
                stream = _video(container, self._stream)
                for packet in container.demux(stream):
                    unwanted = packet.pts is not None and packet.pts not in wanted
                    if unwanted and stream.codec_context.codec.intra_only:
                        continue
                    if stream.codec_context.name in _SKIP_PER_PACKET:
                        stream.codec_context.skip_frame = "NONREF" if unwanted else "DEFAULT"
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
                # The seek landed too late, or the decoder does not return this frame at all.
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
        """Move the decoder to a frame at which decoding can begin."""
        if self._decoder is None or entry == 0:
            self._close_decoder()  # some formats reach the first frame only when newly opened
            self._decoder = _Decoder(self._open())
        decoder = self._decoder
        stream = _video(decoder.container, self._stream)
        if entry:
            decoder.container.seek(self._positions[entry].dts, stream=stream)
        decoder.frames = decoder.container.decode(stream)
        return decoder

    def _open(self) -> av.container.InputContainer:
        """Open the file. Raises ClipNotFound, and ClipReplaced because the positions are stale."""
        try:
            same = file_stamp(self.path) == self._stamp
        except OSError as error:
            raise ClipNotFound(
                f"{self.path} can no longer be opened: {str(error.strerror).lower()}"
            ) from error
        if not same:
            raise ClipReplaced(f"{self.path.name} has changed since it was opened: open it again")
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


_SKIP_PER_PACKET = ("h264", "hevc")  # decoders that apply skip_frame to the next packet
_keys = count()


def _video(container: av.container.InputContainer, stream: int) -> av.VideoStream:
    found = container.streams[stream]
    assert isinstance(found, av.VideoStream)
    return found


@dataclass(eq=False)
class _Decoder:
    """An open file, and the frame that its decoder returns next."""

    container: av.container.InputContainer
    frames: Iterator[av.VideoFrame] = field(default_factory=lambda: iter(()))
    next: int = -1  # the index of the next frame from `frames`

    def close(self) -> None:
        self.frames = iter(())
        self.container.close()


class _Shared:
    """Two least-recently-used caches that all readers share: decoders and decoded frames.

    A reader takes its decoder out while it decodes and puts it back afterwards. The caches hold
    OPEN_DECODERS decoders and CACHE_BYTES of frames. The lock is never held while a file is
    opened, decoded or closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._decoders: OrderedDict[int, _Decoder] = OrderedDict()
        self._frames: OrderedDict[tuple[int, int], tuple[av.VideoFrame, int]] = OrderedDict()
        self._bytes = 0
        self._collected: deque[int] = deque()  # keys of readers that were garbage-collected

    @property
    def held(self) -> tuple[int, int]:
        """The number of idle open decoders, and the bytes of cached frames."""
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
            self._drop_frame((key, index))
            self._frames[key, index] = frame, size
            self._bytes += size
            while self._bytes > CACHE_BYTES:
                self._drop_frame(next(iter(self._frames)))

    def take_decoder(self, key: int) -> _Decoder | None:
        """Take a reader's decoder out of the cache, if it is still open."""
        with self._lock:
            return self._decoders.pop(key, None)

    def keep_decoder(self, key: int, decoder: _Decoder) -> None:
        """Put an idle decoder into the cache; close the least recently used beyond the limit."""
        with self._lock:
            closing = [self._decoders.pop(collected) for collected in self._drop_collected_frames()]
            self._decoders[key] = decoder
            while len(self._decoders) > OPEN_DECODERS:
                closing.append(self._decoders.popitem(last=False)[1])
        for one in closing:
            one.close()

    def drop(self, key: int) -> None:
        """Close a reader's decoder and remove its frames."""
        with self._lock:
            decoder = self._decoders.pop(key, None)
            self._drop_frames(key)
        if decoder:
            decoder.close()

    def drop_collected(self, key: int) -> None:
        """Drop a garbage-collected reader, now or, if this thread may hold the lock, later."""
        if not self._lock.acquire(blocking=False):
            self._collected.append(key)
            return
        try:
            decoder = self._decoders.pop(key, None)
            self._drop_frames(key)
        finally:
            self._lock.release()
        if decoder:
            decoder.close()

    def reset_after_fork(self) -> None:
        """Start empty in a forked process, where the parent's decoders have lost their threads.

        Closing such a decoder would wait for its threads forever, so all are kept referenced.
        """
        _parent_caches.append(self.__dict__.copy())
        self.__init__()  # type: ignore[misc]

    def _drop_collected_frames(self) -> list[int]:
        """Remove the frames of collected readers; return the keys that have an open decoder."""
        found = []
        while self._collected:
            key = self._collected.popleft()
            self._drop_frames(key)
            if key in self._decoders:
                found.append(key)
        return found

    def _drop_frames(self, key: int) -> None:
        for entry in [entry for entry in self._frames if entry[0] == key]:
            self._drop_frame(entry)

    def _drop_frame(self, entry: tuple[int, int]) -> None:
        found = self._frames.pop(entry, None)
        if found:
            self._bytes -= found[1]


_shared = _Shared()
_parent_caches: list[object] = []
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_shared.reset_after_fork)
