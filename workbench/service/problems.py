"""Describe errors to clients as problem details (RFC 9457)."""

import errno
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, Field

from workbench.errors import (
    Cancelled,
    ClientGone,
    ClipError,
    ClipNotFound,
    ClipReplaced,
    DestinationUnusable,
    ObjectDamaged,
    ObjectMissing,
    PresetError,
    QueueFull,
    StorageDown,
    StorageError,
    one_line,
)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Problem details, as RFC 9457 defines them."""

    type: str = Field(description="The kind of problem, as a link into the page /docs.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The status code of the response.")
    detail: str = Field(description="A sentence that describes the error.")
    instance: str = Field(
        description="The path of the request; from status 500 on, an id to look for in the log."
    )


@dataclass(frozen=True)
class ProblemKind:
    """A kind of problem."""

    name: str  # the last part of its type, and the anchor on the page /docs
    status: int
    title: str
    meaning: str  # a sentence that holds for every problem of this kind
    example: str = ""  # a more specific detail, if there can be one

    @property
    def type(self) -> str:
        return f"/docs#{self.name}"

    def problem(self, detail: str, instance: str) -> Problem:
        return Problem(
            type=self.type, title=self.title, status=self.status, detail=detail, instance=instance
        )


BAD_PRESET = ProblemKind(
    *("bad-preset", 400, "No such preset"),
    "There is no preset with this name, or it cannot be used.",
    "there is no preset sharp: use one of classic, smooth, smooth-fine, untouched",
)
BAD_REQUEST = ProblemKind(
    *("bad-request", 400, "Invalid request"),
    "A part of the request is invalid.",
    "preset: String should have at most 80 characters",
)
UNAUTHORIZED = ProblemKind(
    *("unauthorized", 401, "Token required"),
    "This service requires its token: send the header Authorization: Bearer TOKEN.",
)
FOREIGN_PAGE = ProblemKind(
    *("foreign-page", 403, "Request of another page"),
    "The service does not answer requests that a web page of another origin makes.",
)
MISDIRECTED = ProblemKind(
    *("misdirected", 421, "Wrong host"),
    "On a loopback address, the service answers only requests for loopback names, such as "
    "localhost, and for the names given with --allow-host.",
)
MISSING = ProblemKind(
    *("missing-clip", 404, "No such clip"),
    "The storage has no clip with this key.",
    "the storage has no clip with the key shots/sky.mp4",
)
NOWHERE = ProblemKind("nowhere", 404, "No such path", "The service has no such path.")
METHOD = ProblemKind(
    *("method", 405, "Method not allowed"), "The service supports the methods GET and HEAD only."
)
RANGE = ProblemKind(
    *("range", 416, "Range outside the file"),
    "The range begins after the end of the file. Content-Range gives the size of the file.",
)
NOT_CONVERTIBLE = ProblemKind(
    *("not-convertible", 422, "Clip cannot be converted"),
    "The file with this key is not a video, or damaged, or of an unsupported kind.",
    "sky.mp4 is cut short: its index lists more data than the file holds; download it again",
)
GONE = ProblemKind(
    "gone", 499, "Client gone", "The client closed its connection. This appears only in the log."
)
FAILED = ProblemKind(
    *("failed", 500, "Service failed"),
    "The service failed. Its log has more under the id in instance.",
)
STORAGE = ProblemKind(
    *("storage", 502, "Storage failed"),
    "The storage failed or refused access. The log has more under the id in instance.",
    "shots/sky.mp4: the storage does not answer (EndpointConnectionError)",
)
BUSY = ProblemKind(
    *("busy", 503, "Queue full"),
    "The queue is full: try again after the seconds in Retry-After.",
)
STOPPING = ProblemKind(
    "stopping", 503, "Shutting down", "The service is shutting down: try again later."
)
DISK_FULL = ProblemKind(
    *("disk-full", 507, "Disk full"),
    "The disk for temporary files is full, or cannot be written.",
)

KINDS = (
    *(BAD_PRESET, BAD_REQUEST, UNAUTHORIZED, FOREIGN_PAGE, MISSING, NOWHERE, METHOD, RANGE),
    MISDIRECTED,
    *(NOT_CONVERTIBLE, FAILED, STORAGE, BUSY, STOPPING, DISK_FULL),
)
"""The kinds that a client can receive."""

_BY_ERROR: tuple[tuple[type[Exception], ProblemKind], ...] = (  # the first match counts
    (ObjectMissing, MISSING),
    (ClipNotFound, MISSING),
    (ClipReplaced, STORAGE),  # before ClipError: the clip is not at fault
    (ClipError, NOT_CONVERTIBLE),
    (PresetError, BAD_PRESET),
    (DestinationUnusable, DISK_FULL),
    (StorageError, STORAGE),
    (QueueFull, BUSY),
    (Cancelled, STOPPING),
    (ClientGone, GONE),
)
_QUOTED = (ObjectMissing, ClipError, PresetError, StorageDown, ObjectDamaged)
"""Errors whose messages clients may read. Messages of other errors go to the log only."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def kind_of(error: Exception) -> ProblemKind:
    """Return the kind of problem that an error belongs to."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return DISK_FULL
    return next((kind for cause, kind in _BY_ERROR if isinstance(error, cause)), FAILED)


def kind_of_status(status: int) -> ProblemKind:
    """Return the kind of problem for a status code that the web framework raised."""
    refused = (NOWHERE, METHOD, UNAUTHORIZED, FOREIGN_PAGE, RANGE, MISDIRECTED)
    kinds = {kind.status: kind for kind in refused}
    return kinds.get(status, BAD_REQUEST if status < 500 else FAILED)


def detail_of(error: Exception, replaced: Mapping[str, str], private: Iterable[str]) -> str:
    """Return the sentence that describes an error to a client.

    `replaced` maps texts to their replacements, such as a storage address to the key in it. A
    message that still contains a `private` text, such as a path, is replaced by a general one.

    >>> detail_of(StorageDown("s3://b/a.mp4: down"), {"s3://b/a.mp4": "a.mp4"}, ["/tmp/"])
    'a.mp4: down'
    """
    sentence = str(error)
    for text, replacement in replaced.items():
        sentence = sentence.replace(one_line(text), one_line(replacement))
    if not isinstance(error, _QUOTED) or any(one_line(text) in sentence for text in private):
        return kind_of(error).meaning
    return sentence
