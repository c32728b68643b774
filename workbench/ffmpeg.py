"""Find, query, run and cancel the ffmpeg program. Only this module starts it."""

import os
import re
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
    *("split", "crop", "pad", "fillborders", "gblur", "mix", "blend", "lutyuv"),
    *("limiter", "maskedclamp", "maskedmerge", "lut3d", "trim", "geq", "loop", "tile"),
    *("libvmaf", "ssim", "ebur128", "ametadata"),
)
"""Filters that the package uses. `workbench doctor` checks them."""

HOW_TO_GET_IT = (
    "install the imageio-ffmpeg wheel with pip, or set IMAGEIO_FFMPEG_EXE to a full build of ffmpeg"
)
THREADS_VARIABLE = "WORKBENCH_FFMPEG_THREADS"
"""The environment variable that limits the threads of one decoder, filter or encoder.

Without it, ffmpeg chooses. Child processes inherit it, so a batch sets it once for all of them.
"""
_PROGRESS = re.compile(
    r"frame|fps|stream_\d+_\d+_q|bitrate|total_size|out_time(_us|_ms)?|(dup|drop)_frames|speed|progress"
)  # the keys of -progress
_DISCARDED = 1 << 20  # bytes of unread output, at a time
_LOG_LINES = 20  # last lines of ffmpeg's log that an error keeps
_GENERIC = (  # beginnings of log lines that do not tell the cause of a failure
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
    """An ffmpeg program, with the filters and encoders that it was built with."""

    path: Path
    version: str
    filters: frozenset[str]
    encoders: frozenset[str]

    def missing(
        self, filters: Iterable[str] = FILTERS, encoders: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Return the given names that this program lacks, such as 'filter libvmaf'."""
        return tuple(
            [f"filter {name}" for name in filters if name not in self.filters]
            + [f"encoder {name}" for name in encoders if name not in self.encoders]
        )


@dataclass(frozen=True)
class Progress:
    """The progress of a run, from one block of ffmpeg's -progress output."""

    frame: int  # frames written
    speed: float | None  # multiple of real time; None until ffmpeg reports it


class Cancellation:
    """Cancels runs from another thread. `request` kills the processes it covers, now and later.

    Cancelling a parent also cancels its children. Cancelling a child leaves the parent running.
    """

    def __init__(self, parent: "Cancellation | None" = None) -> None:
        self._parent = parent
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._requested = Event()

    @property
    def requested(self) -> bool:
        """Whether this or a parent was cancelled."""
        return self._requested.is_set() or (self._parent is not None and self._parent.requested)

    def request(self) -> None:
        """Cancel: kill the running processes, and every process that starts later."""
        with self._lock:
            self._requested.set()
            for process in self._processes:
                process.kill()

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` for a request. Return whether this or a parent was cancelled."""
        return self._requested.wait(seconds) or self.requested

    def raise_if_requested(self, file: Path | None = None) -> None:
        """Raise Cancelled if it was requested. The message names `file` if it is given."""
        if self.requested:
            raise Cancelled(f"{f'{file.name}: ' if file else ''}stopped because it was cancelled")

    @contextmanager
    def covering(self, process: "subprocess.Popen[bytes]") -> Iterator[None]:
        """Kill the process if cancellation is requested during the block."""
        with self._lock:
            self._processes.add(process)
            if self._requested.is_set():
                process.kill()
        try:
            with self._parent.covering(process) if self._parent else nullcontext():
                yield
        finally:
            with self._lock:
                self._processes.discard(process)


def find() -> Path:
    """Return the path of ffmpeg: from IMAGEIO_FFMPEG_EXE, else from the wheel, else from PATH.

    Raises FfmpegMissing if there is none, or if the variable does not name a file.
    """
    named = os.environ.get("IMAGEIO_FFMPEG_EXE")
    if named:
        if not Path(named).is_file():
            raise FfmpegMissing(
                f"IMAGEIO_FFMPEG_EXE names {named}, which is not a file: correct it, or unset it"
            )
        return Path(named).absolute()
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise FfmpegMissing(f"ffmpeg was not found: {HOW_TO_GET_IT}") from error


def program() -> Program:
    """Return the program and its capabilities, which are queried once for each path.

    Raises FfmpegMissing.
    """
    return _query(find())


@cache
def _query(path: Path) -> Program:
    def output(option: str) -> str:
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
                f"{path} does not run as ffmpeg: {error}; {HOW_TO_GET_IT}"
            ) from error
        return done.stdout.decode(errors="replace")

    def names(listing: str) -> frozenset[str]:
        # A line holds flags, name and description. The legend above has '=' in place of a name.
        rows = (line.split() for line in listing.splitlines())
        return frozenset(row[1] for row in rows if len(row) > 2 and row[1] != "=")

    name, _, version = output("-version").partition(" version ")
    if name != "ffmpeg":
        raise FfmpegMissing(f"{path} is not an ffmpeg program; {HOW_TO_GET_IT}")
    return Program(
        path=path,
        version=version.split()[0],
        filters=names(output("-filters")),
        encoders=names(output("-encoders")),
    )


def require(filters: Iterable[str] = (), encoders: Iterable[str] = ()) -> None:
    """Raise FfmpegMissing, with the missing names, unless the program has all of these."""
    found = program()
    missing = found.missing(filters, encoders)
    if missing:
        raise FfmpegMissing(
            f"ffmpeg {found.version} at {found.path} was built without the "
            f"{' and the '.join(missing)}: {HOW_TO_GET_IT}"
        )


def file_url(path: Path) -> str:
    """Return a URL that ffmpeg and PyAV can open for a local file of any name.

    With the file: protocol and an absolute path, ffmpeg takes no leading dash for an option, and
    no colon for the end of a protocol's name.
    """
    return f"file:{path.absolute()}"


def raw_input(pixel_format: str, width: int, height: int) -> list[str]:
    """Return the input arguments that read raw video frames from stdin."""
    size = ["-pixel_format", pixel_format, "-video_size", f"{width}x{height}"]
    return ["-f", "rawvideo", *size, "-i", "pipe:0"]


def command(arguments: Sequence[str], *, overwrite: bool = True) -> list[str]:
    """Return the complete argument list, which starts with the program's path.

    `overwrite` decides whether ffmpeg overwrites an existing output or fails.
    """
    quiet = ["-hide_banner", "-nostdin", "-loglevel", "error"]
    return [str(find()), *quiet, "-y" if overwrite else "-n", *arguments]


def thread_limit() -> int:
    """Return the number of threads for one decoder, filter or encoder. 0 lets ffmpeg choose."""
    named = os.environ.get(THREADS_VARIABLE, "")
    return int(named) if named.isdecimal() else 0


def _limit_threads(arguments: Sequence[str], count: int) -> list[str]:
    """Return the arguments with the threads of every decoder, filter and encoder limited.

    >>> _limit_threads(["-i", "a.mp4", "-vf", "null", "b.mov"], 2)[:8]
    ['-filter_threads', '2', '-filter_complex_threads', '2', '-threads', '2', '-i', 'a.mp4']
    """
    limit = ["-threads", str(count)]
    found = ["-filter_threads", str(count), "-filter_complex_threads", str(count)]
    for argument in arguments[:-1]:
        found += [*limit, argument] if argument == "-i" else [argument]
    return [*found, *limit, arguments[-1]]


def pasteable(argv: Sequence[str]) -> str:
    """Return an argument list as text that can be pasted into this system's shell."""
    return subprocess.list2cmdline(argv) if sys.platform == "win32" else shlex.join(argv)


def run(
    arguments: Sequence[str],
    *,
    file: Path | None = None,
    stdin: Iterable[bytes] | None = None,
    on_output: Callable[[IO[bytes]], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    cancellation: Cancellation | None = None,
    folder: Path | None = None,
    fail_on: Sequence[str] = (),
) -> bytes:
    """Run ffmpeg and return the bytes that it wrote to stdout.

    `file` is the clip that an error names. `stdin` yields chunks for ffmpeg's stdin. `on_output` is
    called once, in a thread, with ffmpeg's stdout, and reads it while ffmpeg runs; the result is
    then empty. `folder` is the working folder, for relative names of log files in a filter graph. A
    log line that contains a text of `fail_on` is a failure, whatever the exit code.

    Threads serve all three pipes at once, so that a full pipe never blocks the others. Output that
    `on_output` leaves unread is discarded. The process has ended when this returns or raises, also
    after Ctrl-C.

    Raises FfmpegFailed, Cancelled, FfmpegMissing, and the errors of `stdin`, `on_output` and
    `on_progress`.
    """
    if thread_limit():
        arguments = _limit_threads(arguments, thread_limit())
    argv = command(["-progress", "pipe:2", *arguments] if on_progress else arguments)
    cancellation = cancellation or Cancellation()
    log: deque[str] = deque(maxlen=_LOG_LINES)
    failures: list[BaseException] = []
    output: list[bytes] = []
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
        raise FfmpegMissing(f"{argv[0]} does not start: {error}; {HOW_TO_GET_IT}") from error
    with process, cancellation.covering(process):
        assert process.stdout is not None
        assert process.stderr is not None
        threads = [Thread(target=_receive, args=(process, on_output or _keep_in(output), failures))]
        if stdin is not None:
            threads.append(Thread(target=_feed, args=(stdin, process, failures)))
        try:
            for thread in threads:
                thread.start()
            for progress in read_progress(process.stderr, log):
                if on_progress:
                    on_progress(progress)
            process.wait()
        finally:
            process.kill()  # does nothing after the process has ended
            for thread in threads:
                if thread.ident is not None:  # else the system refused to start it
                    thread.join()
    if failures:
        raise failures[0]
    cancellation.raise_if_requested(file)
    if process.returncode or any(text in line for line in log for text in fail_on):
        raise FfmpegFailed(argv, file, log, _cause(log, process.returncode))
    return b"".join(output)


def read_progress(lines: Iterable[bytes], log: deque[str]) -> Iterator[Progress]:
    """Yield a Progress for each block of ffmpeg's -progress output; append other lines to `log`.

    >>> log = deque()
    >>> list(read_progress([b"frame=12", b"No such file", b"speed=2.5x", b"progress=end"], log))
    [Progress(frame=12, speed=2.5)]
    >>> log
    deque(['No such file'])
    """
    block: dict[str, str] = {}
    for line in lines:
        text = line.decode(errors="replace").strip()
        key, _, value = text.partition("=")
        if not _PROGRESS.fullmatch(key):
            log.extend([text] if text else [])
            continue
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
    except ValueError:  # 'N/A' until ffmpeg has a value
        return None


def _keep_in(output: list[bytes]) -> Callable[[IO[bytes]], None]:
    return lambda pipe: output.append(pipe.read())


def _receive(
    process: "subprocess.Popen[bytes]",
    read: Callable[[IO[bytes]], None],
    failures: list[BaseException],
) -> None:
    """Read the program's stdout to its end. If `read` raises, kill the program; keep the error."""
    assert process.stdout is not None
    try:
        read(process.stdout)
        while process.stdout.read(_DISCARDED):
            pass
    except BaseException as error:
        failures.append(error)
        process.kill()


def _feed(
    chunks: Iterable[bytes],
    process: "subprocess.Popen[bytes]",
    failures: list[BaseException],
) -> None:
    """Write chunks to the program's stdin. If producing one raises, kill it and keep the error."""
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
            break  # the program ended before it read all its input: its exit code tells why
    with suppress(OSError):
        process.stdin.close()


def _cause(log: Iterable[str], returncode: int) -> str:
    """Return the log line that best tells the cause of a failure. A killed process logs none."""
    if returncode < 0:
        return f"it was killed (signal {-returncode})"
    lines = [line.rpartition("] ")[2] if line.startswith("[") else line for line in log]
    specific = [line for line in lines if not line.startswith(_GENERIC)]
    return (specific or lines or [f"exit code {returncode}"])[-1]


_NO_WINDOW: int = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # keeps Windows from opening a console
