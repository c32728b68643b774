"""Open the storage at a location: a local folder, or s3://bucket/prefix."""

from pathlib import Path

from workbench.errors import StorageRefused
from workbench.files import expanded
from workbench.storage.base import Storage, is_remote
from workbench.storage.folder import Folder


def refuse_address(place: str | Path) -> None:
    """Raise StorageRefused for an address of another kind, and do not repeat it.

    Such as https://, which may hold a password or be signed: it would be taken for a file's name.
    """
    scheme, colon, _ = str(place).partition("://")
    if colon and scheme.isalnum() and not is_remote(place):
        raise StorageRefused(
            f"{scheme}:// is nothing that clips can be in: take a folder or s3://bucket/prefix"
        )


def open_storage(place: str | Path, profile: str | None = None) -> Storage:
    """Open the storage at a local folder or s3://bucket/prefix.

    `profile` names a profile of the AWS configuration. Raises StorageRefused.
    """
    refuse_address(place)
    if is_remote(place):
        from workbench.storage.s3 import open_bucket

        return open_bucket(str(place), profile)
    return Folder(expanded(place).absolute())
