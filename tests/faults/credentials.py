"""Search the output, files and command lines of a run for credentials.

The search leaves out the environment of processes: only the same user can read it, who can read
the credentials anyway. A kernel's cells could show its environment, so kernels get no credentials.
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
    """Return a secret as plain text, URL-quoted, in hex, and in base64 at any offset."""
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
            found.add(
                coded[(0, 2, 3)[shift] : len(coded) - 1]
            )  # only characters that the secret alone determines
    return found


def refuse(secrets: Iterable[str], where: str, data: bytes | str) -> None:
    """Fail if a text holds one of these secrets, without repeating the secret."""
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
    """Collect the command lines of a process and its descendants while it runs.

    Collects small files in these folders too, since the run removes them at its end.
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
                with suppress(OSError):  # a file was removed meanwhile
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
