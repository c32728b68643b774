"""Problems: what went wrong, as a client is told it (RFC 9457). Nothing is sent here."""

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
    """What went wrong, as RFC 9457 writes it."""

    type: str = Field(description="The kind of problem: its place on the page /docs.")
    title: str = Field(description="The kind in a few words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What went wrong this time, in one sentence.")
    instance: str = Field(
        description="The path that was asked for; from 500 on, an id that the log has too."
    )


@dataclass(frozen=True)
class Kind:
    """A kind of problem."""

    name: str  # in its type, and of its place on the page
    status: int
    title: str
    meaning: str  # a sentence that is true of every problem of this kind
    example: str = ""  # a detail that says more, where there is one

    @property
    def type(self) -> str:
        return f"/docs#{self.name}"

    def problem(self, detail: str, instance: str) -> Problem:
        return Problem(
            type=self.type, title=self.title, status=self.status, detail=detail, instance=instance
        )


BAD_PRESET = Kind(
    *("bad-preset", 400, "No such preset"),
    "There is no preset of this name here, or it cannot be used.",
    "there is no preset sharp: take one of classic, smooth, smooth-fine, untouched",
)
BAD_REQUEST = Kind(
    *("bad-request", 400, "Request not understood"),
    "Something in the request is not what it has to be.",
    "preset: String should have at most 80 characters",
)
UNAUTHORIZED = Kind(
    *("unauthorized", 401, "Token needed"),
    "This service answers those who send its token: Authorization: Bearer TOKEN.",
)
MISDIRECTED = Kind(
    *("misdirected", 421, "Another host was meant"),
    "Without a token, the service answers only to the names of its own machine, such as localhost, "
    "and to those that --allow-host gave it.",
)
MISSING = Kind(
    *("missing-clip", 404, "No such clip"),
    "Nothing in the storage has this key.",
    "nothing in the storage has the key shots/sky.mp4",
)
NOWHERE = Kind("nowhere", 404, "Nothing here", "The service has nothing under this path.")
METHOD = Kind(
    *("method", 405, "Method not allowed"), "The service answers to the methods GET and HEAD."
)
RANGE = Kind(
    *("range", 416, "Range outside the file"),
    "The file is shorter than the range begins; Content-Range says how long it is.",
)
NOT_CONVERTIBLE = Kind(
    *("not-convertible", 422, "Clip cannot be converted"),
    "What has this key is not video, or is damaged, or of a kind that is not handled.",
    "sky.mp4 is cut short: its index names more data than the file holds; download it again",
)
GONE = Kind("gone", 499, "Client gone", "The client closed its connection; only the log says so.")
FAILED = Kind(
    *("failed", 500, "Service failed"),
    "The service failed in a way of its own; its log says more under the id in instance.",
)
STORAGE = Kind(
    *("storage", 502, "Storage failed"),
    "The storage refuses the service, or failed; the log says more under the id in instance.",
    "shots/sky.mp4: the storage does not answer (EndpointConnectionError)",
)
BUSY = Kind(
    *("busy", 503, "Too many requests wait"),
    "As many requests wait already as may: ask again after the seconds in Retry-After.",
)
STOPPING = Kind("stopping", 503, "Service stops", "The service is being stopped: ask again later.")
DISK_FULL = Kind(
    *("disk-full", 507, "No room to convert"),
    "The folder in which the service converts is full or cannot be written.",
)

KINDS = (
    *(BAD_PRESET, BAD_REQUEST, UNAUTHORIZED, MISSING, NOWHERE, METHOD, RANGE, MISDIRECTED),
    *(NOT_CONVERTIBLE, FAILED, STORAGE, BUSY, STOPPING, DISK_FULL),
)
"""Those that a client can see."""

_BY_ERROR: tuple[tuple[type[Exception], Kind], ...] = (  # the first that fits
    (ObjectMissing, MISSING),
    (ClipNotFound, MISSING),
    (ClipReplaced, STORAGE),  # it changed there, and is not to blame itself
    (ClipError, NOT_CONVERTIBLE),
    (PresetError, BAD_PRESET),
    (DestinationUnusable, DISK_FULL),
    (StorageError, STORAGE),
    (QueueFull, BUSY),
    (Cancelled, STOPPING),
    (ClientGone, GONE),
)
_QUOTED = (ObjectMissing, ClipError, PresetError, StorageDown, ObjectDamaged)
"""Errors whose own sentence a client may read; those of others are for the service's keeper."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


def kind_of(error: Exception) -> Kind:
    """Return what kind of problem an error is to a client."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return DISK_FULL
    return next((kind for cause, kind in _BY_ERROR if isinstance(error, cause)), FAILED)


def kind_of_status(status: int) -> Kind:
    """Return what kind of problem an error of the web framework is, by its status."""
    kinds = {kind.status: kind for kind in (NOWHERE, METHOD, UNAUTHORIZED, RANGE, MISDIRECTED)}
    return kinds.get(status, BAD_REQUEST if status < 500 else FAILED)


def detail_of(error: Exception, said: Mapping[str, str], private: Iterable[str]) -> str:
    """Return the sentence that a client is told.

    `said` gives what takes the place of some words, such as a key that of its whole address. A
    sentence that still has a `private` word in it, such as the path of a folder, is not told.

    >>> detail_of(StorageDown("s3://b/a.mp4: down"), {"s3://b/a.mp4": "a.mp4"}, ["/tmp/"])
    'a.mp4: down'
    """
    sentence = str(error)
    for words, instead in said.items():
        sentence = sentence.replace(one_line(words), one_line(instead))
    if not isinstance(error, _QUOTED) or any(one_line(word) in sentence for word in private):
        return kind_of(error).meaning
    return sentence
