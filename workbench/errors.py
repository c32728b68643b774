"""All errors that the package raises on purpose, as a tree.

    WorkbenchError
    ├── ClipError                  a source that cannot be converted
    │   ├── ClipNotFound           (FileNotFoundError) the file does not exist
    │   ├── NotAVideo              (ValueError) a directory, an empty file, text, audio only
    │   ├── UnsupportedClip        (ValueError) a kind of video that is not supported
    │   ├── DamagedClip            (ValueError) truncated, or its frames do not decode
    │   └── ClipReplaced           (RuntimeError) the file was replaced or changed after opening
    ├── PresetError                (ValueError) unknown preset, unknown key, value out of range
    ├── RecordError                (ValueError) not a record, or of a version that cannot be read
    ├── PolicyError                (ValueError) unknown policy, unknown key, rule without a limit
    ├── ParameterError             (ValueError) unknown parameter, value out of range, wrong type
    │   └── NoSuchFrame            (IndexError) the clip has no frame with this index
    ├── NotebookFailed             a notebook is missing, raised an error, or timed out
    │   └── KernelDied             its process was killed or crashed
    ├── OutOfMemory                (MemoryError) out of memory, or of threads
    ├── FfmpegError                (RuntimeError) a problem with the ffmpeg program
    │   ├── FfmpegMissing          ffmpeg, or one of its filters or encoders, is missing
    │   ├── FfmpegFailed           ffmpeg failed: has the command, the file, the last log lines
    │   ├── ResultsMissing         ffmpeg succeeded with fewer results than frames or tracks
    │   └── Cancelled              the caller cancelled the work
    ├── DeliveryError              a file that cannot be delivered
    │   ├── DestinationExists      (FileExistsError) the file exists; overwriting is off
    │   ├── DestinationUnusable    (OSError) folder missing, not writable, disk full
    │   └── VerificationFailed     the encoded file failed its checks
    ├── StorageError               (OSError) a problem with a folder or a bucket
    │   ├── StorageDown            the server is unreachable, or answers with server errors
    │   ├── StorageRefused         wrong or no credentials, or no such bucket
    │   ├── ObjectMissing          (FileNotFoundError) there is no object with this key
    │   └── ObjectDamaged          the data does not match its checksum
    ├── BatchError                 (ValueError) an invalid list, sweep or number of workers
    └── ServiceError               a problem with the HTTP service
        ├── AddressRefused         (ValueError) cannot listen on an address, or needs a token
        ├── QueueFull              the queue is full
        └── ClientGone             the client closed the connection

Each message is one sentence: what happened, which file, and what to do where that is known.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def one_line(text: str) -> str:
    r"""Escape control characters, which a file name may contain, so that text stays on one line.

    >>> print(one_line("two\nlines \x1b[31m"))
    two\nlines \x1b[31m
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class WorkbenchError(Exception):
    """Base of every error that the package raises on purpose."""

    def __str__(self) -> str:
        return one_line(super().__str__())

    def __reduce__(self) -> tuple[type["WorkbenchError"], tuple[Any, ...]]:
        """Pickle by class and arguments: Dask's own way fails for subclasses of MemoryError."""
        return type(self), self.args

    def _render_traceback_(self) -> list[str]:
        """Show only the message in a notebook: IPython calls this method for tracebacks."""
        return [f"{type(self).__name__}: {self}"]


class ClipError(WorkbenchError):
    """A source that cannot be converted."""


class ClipNotFound(ClipError, FileNotFoundError):
    """The file does not exist."""


class NotAVideo(ClipError, ValueError):
    """The source has no picture: a directory, an empty file, text, audio only."""


class UnsupportedClip(ClipError, ValueError):
    """A kind of video that is not supported."""


class DamagedClip(ClipError, ValueError):
    """The file is truncated, or its frames do not decode."""


class ClipReplaced(ClipError, RuntimeError):
    """The file was replaced or changed after it was opened."""


class PresetError(WorkbenchError, ValueError):
    """An unknown preset, an unknown key, or a value out of range."""


class PolicyError(WorkbenchError, ValueError):
    """An unknown policy, an unknown key in it, or a rule without a limit."""


class RecordError(WorkbenchError, ValueError):
    """A file is not a record, or has a version that cannot be read."""


class ParameterError(WorkbenchError, ValueError):
    """An unknown parameter, a value out of range, or a wrong type."""


class NoSuchFrame(ParameterError, IndexError):
    """The clip has no frame with this index."""


class NotebookFailed(WorkbenchError):
    """A notebook is missing, raised an error, or timed out.

    The output notebook has the cells that ran until then.
    """


class KernelDied(NotebookFailed):
    """The process that ran a notebook was killed, or crashed."""


class OutOfMemory(WorkbenchError, MemoryError):
    """The machine is out of memory, or of threads, each of which needs memory."""

    @staticmethod
    def behind(error: BaseException) -> bool:
        """Return whether an error means out of memory: libraries report it with their own errors.

        >>> OutOfMemory.behind(RuntimeError("can't start new thread"))
        True
        """
        messages = "\n".join([str(error), *getattr(error, "log", ())])
        return isinstance(error, MemoryError) or any(sign in messages for sign in _MEMORY_ERRORS)


_MEMORY_ERRORS = (
    *("Cannot allocate memory", "Resource temporarily unavailable"),  # ENOMEM, EAGAIN
    *("get_buffer() failed", "Failed to allocate", "Unable to allocate", "can't start new thread"),
    "failed to map segment from shared object",
)


class FfmpegError(WorkbenchError, RuntimeError):
    """A problem with the ffmpeg program."""


class FfmpegMissing(FfmpegError):
    """ffmpeg was not found, or was built without a filter or an encoder that is needed."""


class FfmpegFailed(FfmpegError):
    """The program ran and failed.

    `command` is the argument list, `file` the clip that it read, if any, `log` its last lines, and
    `cause` the most informative of these.
    """

    def __init__(
        self, command: Sequence[str], file: Path | None, log: Sequence[str], cause: str
    ) -> None:
        self.command, self.file, self.log, self.cause = tuple(command), file, tuple(log), cause
        super().__init__(f"ffmpeg failed{f' on {file.name}' if file else ''}: {cause}")

    def __reduce__(self) -> tuple[type["FfmpegFailed"], tuple[Any, ...]]:
        """Pickle by the arguments of the constructor, not by the message."""
        return type(self), (self.command, self.file, self.log, self.cause)


class ResultsMissing(FfmpegError):
    """ffmpeg ended without an error, but with fewer results than frames or tracks."""


class Cancelled(FfmpegError):
    """The caller cancelled the work."""


class DeliveryError(WorkbenchError):
    """A file that cannot be delivered."""


class DestinationExists(DeliveryError, FileExistsError):
    """The destination exists, and overwriting is off."""


class DestinationUnusable(DeliveryError, OSError):
    """The destination's folder is missing or not writable, or its disk is full."""


class VerificationFailed(DeliveryError):
    """The encoded file failed its checks and was not kept."""


class StorageError(WorkbenchError, OSError):
    """A problem with the storage of clips or delivered files: a folder or a bucket."""


class StorageDown(StorageError):
    """The server is unreachable or answers with server errors, after several retries."""


class StorageRefused(StorageError):
    """There are no credentials, the server refused them, or there is no such bucket."""


class ObjectMissing(StorageError, FileNotFoundError):
    """There is no object with this key."""


class ObjectDamaged(StorageError):
    """The data does not match its checksum, or changed during the transfer."""


class BatchError(WorkbenchError, ValueError):
    """An invalid list of clips, sweep or number of workers."""


class ServiceError(WorkbenchError):
    """A problem with the HTTP service."""


class AddressRefused(ServiceError, ValueError):
    """The service cannot listen on an address, or needs a token to do so."""


class QueueFull(ServiceError):
    """The queue of waiting requests is full."""


class ClientGone(ServiceError):
    """The client closed the connection before the response was ready."""
