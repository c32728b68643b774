"""Open the storage at a location: the path of a local folder, or a URL such as s3://bucket/prefix.

To add a backend, write a module such as s3.py and enter its URL scheme in OPENERS.
"""

from collections.abc import Callable
from pathlib import Path

from workbench.errors import StorageRefused
from workbench.files import expanded
from workbench.storage.base import Storage
from workbench.storage.folder import Folder


def _open_s3(url: str, profile: str | None) -> Storage:
    from workbench.storage.s3 import open_bucket  # boto3 takes long to import

    return open_bucket(url, profile)


OPENERS: dict[str, Callable[[str, str | None], Storage]] = {"s3": _open_s3}
"""The function that opens a storage, by URL scheme. Its arguments are the URL and a profile."""

SECRET_VARIABLES = ("R2_", "AWS_")
"""Prefixes of the environment variables that hold credentials of these storages."""


def open_storage(location: str | Path, profile: str | None = None) -> Storage:
    """Open the storage at a local folder or a URL.

    `profile` names a set of credentials, such as a profile of the AWS configuration. Raises
    StorageRefused.
    """
    refuse_unknown_scheme(location)
    if is_remote(location):
        return OPENERS[_scheme(location)](str(location), profile)
    return Folder(expanded(location).absolute())


def is_remote(location: str | Path) -> bool:
    """Return whether a location is a URL of a known scheme, and not a local path.

    >>> is_remote("s3://clips/in"), is_remote("clips/in")
    (True, False)
    """
    return _scheme(location) in OPENERS


def split_url(url: str) -> tuple[str, str]:
    """Split a URL into the root of its bucket and the rest: a key, a prefix or a pattern.

    >>> split_url("s3://clips/in/*.mp4")
    ('s3://clips/', 'in/*.mp4')
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}/", key


def refuse_unknown_scheme(location: str | Path) -> None:
    """Raise StorageRefused for a URL of an unknown scheme, such as https://.

    Otherwise the URL would be taken for a file name. The message does not repeat the URL, which
    may hold a password or a signature.
    """
    scheme = _scheme(location)
    if scheme.isalnum() and scheme not in OPENERS:
        known = ", ".join(f"{one}://bucket/prefix" for one in OPENERS)
        raise StorageRefused(f"cannot read clips from {scheme}://: use a folder, or {known}")


def _scheme(location: str | Path) -> str:
    """Return a URL's scheme, or "" for a path."""
    scheme, separator, _ = str(location).partition("://")
    return scheme if separator else ""
