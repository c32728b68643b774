"""Every error that the package raises on purpose.

    WorkbenchError
    ├── ClipError                  a source that cannot be used
    │   ├── ClipNotFound           (FileNotFoundError) nothing is there
    │   ├── NotAVideo              (ValueError) a directory, an empty file, text, audio only
    │   ├── UnsupportedClip        (ValueError) video, but of a kind that is not handled
    │   ├── DamagedClip            (ValueError) cut short, or its frames do not decode
    │   └── ClipReplaced           (RuntimeError) another file has its name since it was opened
    ├── PresetError                (ValueError) unknown preset, unknown key, value out of range
    ├── RecordError                (ValueError) not a record, or of a version that cannot be read
    ├── PolicyError                (ValueError) unknown policy, unknown key, no limit
    ├── ParameterError             (ValueError) an unknown parameter, a wrong value, a wrong type
    │   └── NoSuchFrame            (IndexError) the clip has no frame of this index
    ├── NotebookFailed             a notebook is missing, or stopped at an error
    │   └── KernelDied             the process that ran it is gone
    ├── OutOfMemory                (MemoryError) the machine gave no more
    ├── FfmpegError                (RuntimeError) the ffmpeg program
    │   ├── FfmpegMissing          not found, or without a filter or encoder that is needed
    │   ├── FfmpegFailed           it ran and failed: carries the command, the file, its last lines
    │   ├── ResultsMissing         it ran, and gave fewer results than it was given frames or tracks
    │   └── Cancelled              it was stopped because somebody asked
    ├── DeliveryError              a file that cannot be delivered
    │   ├── DestinationExists      (FileExistsError) and --overwrite was not given
    │   ├── DestinationUnusable    (OSError) folder missing, not writable, disk full
    │   └── VerificationFailed     encoded, but the file is not what was promised
    ├── StorageError               (OSError) where clips come from and files go to
    │   ├── StorageDown            it does not answer, or with errors of its own
    │   ├── StorageRefused         no credentials, wrong ones, or no such bucket
    │   ├── ObjectMissing          (FileNotFoundError) nothing has that key
    │   └── ObjectDamaged          what arrived is not what its metadata says
    ├── BatchError                 (ValueError) a list, a sweep or workers that make no sense
    └── ServiceError               what the HTTP service will not do
        ├── AddressRefused         (ValueError) it cannot listen there, or not without a token
        ├── QueueFull              as many wait already as may
        └── ClientGone             nobody waits for the answer any more

Each message is one sentence that names the file, the cause and, where there is one, the way out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def one_line(text: str) -> str:
    r"""Escape control characters, which a file name may hold: they stay text, and on their line.

    >>> print(one_line("two\nlines \x1b[31m"))
    two\nlines \x1b[31m
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class WorkbenchError(Exception):
    """Base of every error that the package raises on purpose."""

    def __str__(self) -> str:
        return one_line(super().__str__())

    def __reduce__(self) -> tuple[type["WorkbenchError"], tuple[Any, ...]]:
        """Pickle by class and arguments, which is safe for errors that are MemoryErrors as well."""
        return type(self), self.args

    def _render_traceback_(self) -> list[str]:
        """Show a notebook's reader the sentence alone (IPython asks for this method)."""
        return [f"{type(self).__name__}: {self}"]


class ClipError(WorkbenchError):
    """A source that cannot be used."""


class ClipNotFound(ClipError, FileNotFoundError):
    """Nothing is there under the name given."""


class NotAVideo(ClipError, ValueError):
    """A directory, an empty file, text, audio only: there is no picture in it."""


class UnsupportedClip(ClipError, ValueError):
    """Video, but of a kind that is not handled."""


class DamagedClip(ClipError, ValueError):
    """Cut short, or with frames that do not decode."""


class ClipReplaced(ClipError, RuntimeError):
    """Another file has its name, or other contents, since it was opened."""


class PresetError(WorkbenchError, ValueError):
    """An unknown preset, an unknown key, or a value out of range."""


class PolicyError(WorkbenchError, ValueError):
    """An unknown policy, an unknown key in it, or a rule without a limit."""


class RecordError(WorkbenchError, ValueError):
    """A file is not a record, or has a version that cannot be read."""


class ParameterError(WorkbenchError, ValueError):
    """A parameter that there is not, or a value or a type that it cannot have."""


class NoSuchFrame(ParameterError, IndexError):
    """The clip has no frame of this index."""


class NotebookFailed(WorkbenchError):
    """A notebook is missing, or stopped at an error; what it made until then is in its output."""


class KernelDied(NotebookFailed):
    """The process that ran a notebook is gone: killed, or crashed."""


class OutOfMemory(WorkbenchError, MemoryError):
    """The machine gave no more memory, or no more threads, which need some."""

    @staticmethod
    def behind(error: BaseException) -> bool:
        """Whether this is what another error comes from: libraries say it in their own words.

        >>> OutOfMemory.behind(RuntimeError("can't start new thread"))
        True
        """
        said = "\n".join([str(error), *getattr(error, "log", ())])
        return isinstance(error, MemoryError) or any(sign in said for sign in _STARVED)


_STARVED = (
    *("Cannot allocate memory", "Resource temporarily unavailable"),  # ENOMEM, EAGAIN
    *("get_buffer() failed", "Failed to allocate", "Unable to allocate", "can't start new thread"),
    "failed to map segment from shared object",
)


class FfmpegError(WorkbenchError, RuntimeError):
    """Something about the ffmpeg program."""


class FfmpegMissing(FfmpegError):
    """Not found, or built without a filter or an encoder that is needed."""


class FfmpegFailed(FfmpegError):
    """The program ran and failed.

    `command` is the argument list, `file` the clip it worked on if there is one, `log` its own
    last lines, and `cause` the one of them that says most.
    """

    def __init__(
        self, command: Sequence[str], file: Path | None, log: Sequence[str], cause: str
    ) -> None:
        self.command, self.file, self.log, self.cause = tuple(command), file, tuple(log), cause
        super().__init__(f"ffmpeg failed{f' on {file.name}' if file else ''}: {cause}")

    def __reduce__(self) -> tuple[type["FfmpegFailed"], tuple[Any, ...]]:
        """Pickle by what made it, which is not its message."""
        return type(self), (self.command, self.file, self.log, self.cause)


class ResultsMissing(FfmpegError):
    """The program ran without an error and gave fewer results than it was given frames."""


class Cancelled(FfmpegError):
    """The program was stopped because somebody asked."""


class DeliveryError(WorkbenchError):
    """A file that cannot be delivered."""


class DestinationExists(DeliveryError, FileExistsError):
    """The destination is there already and overwriting was not asked for."""


class DestinationUnusable(DeliveryError, OSError):
    """The destination's folder is missing or not writable, or its disk is full."""


class VerificationFailed(DeliveryError):
    """The file was encoded, but it is not what was promised."""


class StorageError(WorkbenchError, OSError):
    """Where clips come from and files go to, a folder or a bucket."""


class StorageDown(StorageError):
    """It does not answer, or answers with errors of its own, after several tries."""


class StorageRefused(StorageError):
    """There are no credentials, or they were not accepted, or there is no such bucket."""


class ObjectMissing(StorageError, FileNotFoundError):
    """Nothing has that key."""


class ObjectDamaged(StorageError):
    """What arrived is not what its metadata says, or it changed on the way."""


class BatchError(WorkbenchError, ValueError):
    """A list of clips, a sweep, or workers that make no sense."""


class ServiceError(WorkbenchError):
    """What the HTTP service will not do."""


class AddressRefused(ServiceError, ValueError):
    """The service cannot listen at an address, or must not without a token."""


class QueueFull(ServiceError):
    """As many requests wait already as may."""


class ClientGone(ServiceError):
    """The client closed its connection before there was an answer."""
