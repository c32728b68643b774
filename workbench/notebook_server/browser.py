"""Say where a server answers, and open a browser there."""

import html
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from workbench.temporary import system_folder, temporary_folder

_PAGE = """<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">Open the workbench</a>
"""


@contextmanager
def announcement(what: str, open_browser: bool) -> Iterator[Callable[[str], None]]:
    """Yield a function that prints a server's address, and opens it in a browser if wanted.

    The address holds the server's token. Other users of the machine can read the arguments of a
    browser's process, so the browser is given a page that leads there, in a private folder.
    """
    with temporary_folder(system_folder()) as folder:

        def announce(address: str) -> None:
            click.echo(f"{what} runs at {address}\nOnly this address lets you in. Ctrl-C stops it.")
            if open_browser:
                page = folder / "open.html"
                page.write_text(_PAGE.format(address=html.escape(address)), encoding="utf-8")
                threading.Thread(target=_open, args=(page,), daemon=True).start()

        yield announce


def _open(page: Path) -> None:
    try:
        browser = webbrowser.get()
    except webbrowser.Error:  # such as on a machine without a screen
        return
    browser.open(page.as_uri(), new=2)
