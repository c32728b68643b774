"""Check the Host header, so that a web page cannot reach the service by DNS rebinding."""

import ipaddress
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import urlsplit


def is_allowed_host(host: str, allowed: Collection[str]) -> bool:
    """Tell whether a Host header names a loopback address, or one of the `allowed` host names.

    A web page can point its own host name at 127.0.0.1. The browser would then let that page read
    the service's responses. It still sends the page's host name in the Host header.

    >>> is_allowed_host("localhost:8000", ()), is_allowed_host("[::1]", ())
    (True, True)
    >>> is_allowed_host("evil.example", ()), is_allowed_host("127.0.0.1.evil.example", ())
    (False, False)
    >>> is_allowed_host("Clips.example:443", ["clips.example"]), is_allowed_host("", ())
    (True, False)
    """
    if set(host) & set("@/?#\\"):
        return False
    with suppress(ValueError):  # raised for a malformed address
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
        if name == "localhost" or name in allowed:
            return True
        return ipaddress.ip_address(name).is_loopback
    return False
