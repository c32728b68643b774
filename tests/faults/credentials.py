"""Where credentials must not be: one way to look for them in whatever a run leaves or says.

The environment of processes is not looked at: whoever may read it, the same user alone, could read
the credentials where they come from. Kernels, whose cells could show it, get it without them.
"""

import base64
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, quote_plus

import psutil


def forms(secret: str) -> set[bytes]:
    """Return a secret as it is, as URLs and JSON write it, and in base64 at any place of a text."""
    data = secret.encode()
    found = {
        data,
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        data.hex().encode(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            coded = encode(bytes(shift) + data).rstrip(b"=")
            found.add(coded[(0, 2, 3)[shift] : len(coded) - 1])  # where all bits are the secret's
    return found


def refuse(secrets: Iterable[str], where: str, data: bytes | str) -> None:
    """Fail where a text holds one of these secrets, and do not say it."""
    text = data if isinstance(data, bytes) else data.encode(errors="backslashreplace")
    for secret in secrets:
        for form in forms(secret):
            at = text.find(form)
            around = text[max(0, at - 60) : at]
            assert at < 0, f"{where} holds a credential, after {around!r}"


def files_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes()


@contextmanager
def watched(process: psutil.Process, *folders: Path) -> Iterator[dict[str, bytes]]:
    """Gather the command lines of a process and its descendants while it runs.

    And, since they are removed in the end, small files in these folders.
    """
    seen: dict[str, bytes] = {}
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            try:
                for one in (process, *process.children(recursive=True)):
                    line = "\0".join(one.cmdline()).encode(errors="backslashreplace")
                    seen[f"process {one.name()} {hash(line)}"] = line
            except psutil.Error:
                pass
            for folder in folders:
                with suppress(OSError):  # what is removed meanwhile
                    for path in folder.rglob("*"):
                        if path.is_file() and path.stat().st_size < 1 << 20:
                            seen[f"{path} {time.monotonic():.0f}"] = path.read_bytes()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
