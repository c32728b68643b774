"""The one door to the ffmpeg program: find it, ask what it can do, run it, follow it, stop it."""

import os
import shlex
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Event, Lock, Thread
from typing import IO

from workbench.errors import Cancelled, FfmpegFailed, FfmpegMissing

FILTERS = (
    *("setparams", "gradfun", "eq", "deband", "scale", "zscale", "format", "fps", "aresample"),
    *("split", "crop", "pad", "fillborders", "gblur", "bilateral", "mix", "blend", "lutyuv"),
    *("limiter", "maskfun", "limitdiff", "maskedmerge", "lut3d", "trim", "geq", "loop", "tile"),
    *("libvmaf", "ssim", "ebur128", "ametadata"),
)
"""Filters that the package uses; `doctor` reports on these."""

HOW_TO_GET_IT = (
    "install the imageio-ffmpeg wheel with pip, or let IMAGEIO_FFMPEG_EXE point to a full build"
)
THREADS_VARIABLE = "WORKBENCH_FFMPEG_THREADS"
"""Holds how many threads one decoder, filter or encoder may use; ffmpeg chooses unless it is set.

A variable, so that whoever runs several conversions at once can say it to all of their processes.
"""
_LOG_LINES = 20  # of ffmpeg's own last lines, kept for the error
_GENERIC = (  # lines that end a log without saying why
    "Conversion failed!",
    "Could not open encoder before EOF",
    "Error sending frames to consumers",
    "Error opening input file",
    "Error opening output file",
    "Error while processing the decoded data",
    "Task finished with error code",
    "Terminating thread",
    "Error muxing a packet",
    "Nothing was written into output file",
)


@dataclass(frozen=True)
class Program:
    """An ffmpeg program and what it was built with."""

    path: Path
    version: str
    filters: frozenset[str]
    encoders: frozenset[str]

    def missing(
        self, filters: Iterable[str] = FILTERS, encoders: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Return what this program lacks of the given names, as 'filter libvmaf'."""
        return tuple(
            [f"filter {name}" for name in filters if name not in self.filters]
            + [f"encoder {name}" for name in encoders if name not in self.encoders]
        )


@dataclass(frozen=True)
class Progress:
    """How far a run is, from one block of ffmpeg's -progress output."""

    frame: int  # frames written
    speed: float | None  # times real time; None until ffmpeg knows


class Cancellation:
    """Stops runs from another thread: `request()` kills what runs under it, now and later.

    One with a parent is stopped with it, and alone leaves it be.
    """

    def __init__(self, parent: "Cancellation | None" = None) -> None:
        self._parent = parent
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._requested = Event()

    @property
    def requested(self) -> bool:
        return self._requested.is_set() or (self._parent is not None and self._parent.requested)

    def request(self) -> None:
        with self._lock:
            self._requested.set()
            for process in self._processes:
                process.kill()

    def wait(self, seconds: float) -> bool:
        """Wait so long for it to be requested, by itself; return whether it was."""
        return self._requested.wait(seconds) or self.requested

    def raise_if_requested(self, file: Path | None = None) -> None:
        if self.requested:
            raise Cancelled(f"{f'{file.name}: ' if file else ''}stopped because it was cancelled")

    @contextmanager
    def covers(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        with self._lock:
            self._processes.add(process)
            if self._requested.is_set():
                process.kill()
        try:
            with self._parent.covers(process) if self._parent else nullcontext():
                yield
        finally:
            with self._lock:
                self._processes.discard(process)


def find() -> Path:
    """Find the program: IMAGEIO_FFMPEG_EXE, then the wheel's own, then PATH.

    Raises FfmpegMissing when there is none, or when the variable names no file.
    """
    named = os.environ.get("IMAGEIO_FFMPEG_EXE")
    if named:
        if not Path(named).is_file():
            raise FfmpegMissing(f"IMAGEIO_FFMPEG_EXE names {named}, where there is no file")
        return Path(named).absolute()
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegMissing(f"no ffmpeg program was found: {HOW_TO_GET_IT}") from error


def program() -> Program:
    """Return the program and what it can do; it is asked once for each path."""
    return _ask(find())


@cache
def _ask(path: Path) -> Program:
    def answer(option: str) -> str:
        try:
            done = subprocess.run(
                [path, "-hide_banner", option],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                creationflags=_NO_WINDOW,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise FfmpegMissing(
                f"{path} does not run as an ffmpeg program: {error}; {HOW_TO_GET_IT}"
            ) from error
        return done.stdout.decode(errors="replace")

    def names(listing: str) -> frozenset[str]:
        # Each line is flags, name, description; the legend above has '=' for a name.
        rows = (line.split() for line in listing.splitlines())
        return frozenset(row[1] for row in rows if len(row) > 2 and row[1] != "=")

    name, _, version = answer("-version").partition(" version ")
    if name != "ffmpeg":
        raise FfmpegMissing(f"{path} is not an ffmpeg program; {HOW_TO_GET_IT}")
    return Program(
        path=path,
        version=version.split()[0],
        filters=names(answer("-filters")),
        encoders=names(answer("-encoders")),
    )


def require(filters: Iterable[str] = (), encoders: Iterable[str] = ()) -> None:
    """Raise FfmpegMissing, naming what is missing, unless the program has all of these."""
    found = program()
    missing = found.missing(filters, encoders)
    if missing:
        raise FfmpegMissing(
            f"ffmpeg {found.version} at {found.path} was built without the "
            f"{' and the '.join(missing)}: {HOW_TO_GET_IT}"
        )


def file_url(path: Path) -> str:
    """Return the name by which ffmpeg and PyAV open a local file, whatever its name looks like.

    The file: protocol with an absolute path keeps a leading dash from being an option and a colon
    from being a protocol.
    """
    return f"file:{path.absolute()}"


def raw_input(pixel_format: str, width: int, height: int) -> list[str]:
    """Return the arguments that read raw pictures from stdin."""
    size = ["-pixel_format", pixel_format, "-video_size", f"{width}x{height}"]
    return ["-f", "rawvideo", *size, "-i", "pipe:0"]


def command(arguments: Sequence[str], *, overwrite: bool = True) -> list[str]:
    """Return the whole argument list for these arguments, program first.

    `overwrite` says what becomes of an output that exists already; ffmpeg does not ask.
    """
    quiet = ["-hide_banner", "-nostdin", "-loglevel", "error"]
    return [str(find()), *quiet, "-y" if overwrite else "-n", *arguments]


def thread_limit() -> int:
    """Return how many threads one decoder or encoder may use; 0 lets ffmpeg choose."""
    named = os.environ.get(THREADS_VARIABLE, "")
    return int(named) if named.isdecimal() else 0


def _sparing(arguments: Sequence[str], count: int) -> list[str]:
    """Limit every decoder, filter and encoder of a run to so many threads.

    >>> _sparing(["-i", "a.mp4", "-vf", "null", "b.mov"], 2)[:8]
    ['-filter_threads', '2', '-filter_complex_threads', '2', '-threads', '2', '-i', 'a.mp4']
    """
    limit = ["-threads", str(count)]
    found = ["-filter_threads", str(count), "-filter_complex_threads", str(count)]
    for argument in arguments[:-1]:
        found += [*limit, argument] if argument == "-i" else [argument]
    return [*found, *limit, arguments[-1]]


def pasteable(argv: Sequence[str]) -> str:
    """Quote an argument list for the shell that a person on this system would paste it into."""
    return subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)


def run(
    arguments: Sequence[str],
    *,
    file: Path | None = None,
    stdin: Iterable[bytes] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancellation: Cancellation | None = None,
    folder: Path | None = None,
    refused: Sequence[str] = (),
) -> bytes:
    """Run the program and return what it wrote to stdout.

    `file` is the clip it works on, for the error; `stdin` chunks are fed to it; with
    `on_progress`, stdout carries the progress instead and nothing is returned; `folder` is where
    relative names in a filter graph (log files) belong; a line of its log with one of the words
    that are `refused` is a failure, whatever the exit code says. All three pipes are served at
    once, so a full one never stops the others. The process is gone when this returns or raises,
    Ctrl-C included.

    Raises FfmpegFailed, Cancelled, FfmpegMissing, and whatever `stdin` or `on_progress` raises.
    """
    if thread_limit():
        arguments = _sparing(arguments, thread_limit())
    argv = command(["-progress", "pipe:1", *arguments] if on_progress else arguments)
    cancellation = cancellation or Cancellation()
    log: deque[str] = deque(maxlen=_LOG_LINES)
    failures: list[BaseException] = []
    output = b""
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            creationflags=_NO_WINDOW,
        )
    except OSError as error:
        raise FfmpegMissing(f"{argv[0]} cannot be started: {error}; {HOW_TO_GET_IT}") from error
    with process, cancellation.covers(process):
        assert process.stdout is not None
        assert process.stderr is not None
        threads = [Thread(target=_collect, args=(process.stderr, log))]
        if stdin is not None:
            threads.append(Thread(target=_feed, args=(stdin, process, failures)))
        try:
            for thread in threads:
                thread.start()
            if on_progress:
                for progress in read_progress(process.stdout):
                    on_progress(progress)
            else:
                output = process.stdout.read()
            process.wait()
        finally:
            process.kill()  # no effect on one that has ended
            for thread in threads:
                if thread.ident is not None:  # it could be started
                    thread.join()
    if failures:
        raise failures[0]
    cancellation.raise_if_requested(file)
    if process.returncode or any(words in line for line in log for words in refused):
        raise FfmpegFailed(argv, file, log, _cause(log, process.returncode))
    return output


def read_progress(lines: Iterable[bytes]) -> Iterator[Progress]:
    """Yield a Progress for each block of ffmpeg's -progress output.

    >>> list(read_progress([b"frame=12", b"speed=2.5x", b"progress=continue"]))
    [Progress(frame=12, speed=2.5)]
    """
    block: dict[str, str] = {}
    for line in lines:
        key, _, value = line.decode(errors="replace").strip().partition("=")
        block[key] = value.strip()
        if key == "progress":
            yield Progress(
                frame=int(_number(block.get("frame")) or 0),
                speed=_number(block.get("speed", "").rstrip("x")),
            )
            block = {}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:  # 'N/A' until ffmpeg knows
        return None


def _collect(pipe: IO[bytes], log: deque[str]) -> None:
    for line in pipe:
        text = line.decode(errors="replace").strip()
        if text:
            log.append(text)


def _feed(
    chunks: Iterable[bytes],
    process: "subprocess.Popen[bytes]",
    failures: list[BaseException],
) -> None:
    """Write chunks to the program; if making one fails, stop it and keep the error."""
    assert process.stdin is not None
    source = iter(chunks)
    while True:
        try:
            chunk = next(source, None)
        except BaseException as error:
            failures.append(error)
            process.kill()
            break
        if chunk is None:
            break
        try:
            process.stdin.write(chunk)
        except OSError:
            break  # the program ended before it read everything; its exit code says why
    with suppress(OSError):
        process.stdin.close()


def _cause(log: Iterable[str], returncode: int) -> str:
    """Pick the line of the log that says most; a killed process says nothing itself."""
    if returncode < 0:
        return f"it was killed (signal {-returncode})"
    lines = [line.rpartition("] ")[2] if line.startswith("[") else line for line in log]
    telling = [line for line in lines if not line.startswith(_GENERIC)]
    return (telling or lines or [f"exit code {returncode}"])[-1]


_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
