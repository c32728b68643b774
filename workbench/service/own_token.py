"""The token of this user, for a service that only this machine can reach."""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

import platformdirs

from workbench.errors import DestinationUnusable

_HEADER = re.compile(r"Authorization: Bearer ([A-Za-z0-9_-]{43})\n")  # of 32 random bytes


def own_token() -> tuple[str, Path]:
    """Return the token and the file that holds it, which is created if it does not exist.

    The file is private and holds a whole header, as `curl -H @FILE` reads it: other users can read
    the arguments of a process. Raises DestinationUnusable.
    """
    folder = platformdirs.user_config_path("workbench", appauthor=False)
    path = folder / "service-authorization"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="ascii", newline="\n") as file:  # noqa: PTH123
                file.write(f"Authorization: Bearer {secrets.token_urlsafe(32)}\n")
        held = _HEADER.fullmatch(path.read_text(encoding="utf-8", errors="replace"))
        shared = os.name == "posix" and path.stat().st_mode & 0o077
    except OSError as error:
        raise DestinationUnusable(
            f"{path} cannot hold the token of the service: {error.strerror}; set WORKBENCH_TOKEN"
        ) from error
    if held is None:
        raise DestinationUnusable(f"{path} holds no token: delete it to get a new one")
    if shared:
        raise DestinationUnusable(
            f"{path} can be read by other users: delete it to get a new token"
        )
    return held[1], path
