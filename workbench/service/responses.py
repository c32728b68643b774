"""Send a converted file as an HTTP response, whole or in byte ranges, with its headers."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from workbench.deliver.format import PRORES_422_HQ

QUICKTIME = PRORES_422_HQ.media_type


def headers_for(key: str, etag: str) -> dict[str, str]:
    """Return the headers that do not depend on the conversion."""
    return {
        "Content-Disposition": content_disposition(f"converted_{key}.mov"),
        "ETag": etag,
        "Accept-Ranges": "bytes",
        # Only the client itself may cache the file, and must revalidate it: the clip may change.
        "Cache-Control": "private, no-cache",
    }


def content_disposition(name: str) -> str:
    r"""Return a Content-Disposition header (RFC 6266) that saves the response under this name.

    Path separators and unprintable characters become "_". A name with other than plain ASCII
    characters is given twice: approximated in ASCII, and encoded in full (RFC 8187).

    >>> content_disposition("converted_shots/sky 1.mp4.mov")
    'attachment; filename="converted_shots_sky 1.mp4.mov"'
    >>> content_disposition("nöel\r\n.mov")
    'attachment; filename="n_el__.mov"; filename*=UTF-8\'\'n%C3%B6el__.mov'
    """
    name = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    ascii_name = re.sub(r"[^ !#$&'()+,.\-;=@\[\]^_`{}~0-9A-Za-z]", "_", name)
    encoded = "" if ascii_name == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{ascii_name}"{encoded}'


def matches_etag(etag: str, if_none_match: str) -> bool:
    """Tell whether an If-None-Match header (RFC 9110, 13.1.2) names this entity tag.

    >>> matches_etag('"a"', 'W/"b", "a"'), matches_etag('"a"', ""), matches_etag('"a"', "*")
    (True, False, True)
    """
    return if_none_match.strip() == "*" or etag in re.findall(r'"[^"]*"', if_none_match)


def byte_ranges(header: str, size: int) -> list[tuple[int, int]] | None:
    """Return the first and last byte of each range in a Range header (RFC 9110, 14.1.2).

    `size` is the file's in bytes. Ranges outside of the file are left out. Returns None for a
    malformed header, or one in another unit, which a server ignores.

    >>> byte_ranges("bytes=0-99, 990-", 1000), byte_ranges("bytes=-5", 1000)
    ([(0, 99), (990, 999)], [(995, 999)])
    >>> byte_ranges("bytes=1000-", 1000), byte_ranges("bytes=9-0", 1000)
    ([], None)
    """
    unit, _, values = header.partition("=")
    found = [_RANGE.fullmatch(value.strip()) for value in values.split(",") if value.strip()]
    if unit.strip().lower() != "bytes" or not found:
        return None
    ranges = []
    for match in found:
        if match is None:
            return None
        if match["suffix"]:
            first, last = max(0, size - int(match["suffix"])), size - 1
        else:
            first, last = int(match["first"]), int(match["last"] or max(size, int(match["first"])))
            if last < first:
                return None
        if first < size:
            ranges.append((first, min(last, size - 1)))
    return ranges


_RANGE = re.compile(r"(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<suffix>[0-9]{1,18})")


class ConvertedFileResponse(FileResponse):
    """A converted file, whole or in byte ranges. The caller deletes the file afterwards."""

    chunk_size = 1 << 18  # bytes read at once

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        # The ETag is set already, and a temporary file's time says nothing about the clip.
        self.headers["Content-Length"] = str(stat_result.st_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response. Raises HTTPException 416 for ranges that are outside of the file.

        Starlette receives the ranges to send instead of evaluating the headers itself. It would
        answer a malformed Range with 400, and a range outside of the file with plain text.
        """
        given = Headers(scope=scope)
        others = [pair for pair in scope["headers"] if pair[0] not in (b"range", b"if-range")]
        wanted = None
        if given.get("if-range", self.headers["ETag"]) == self.headers["ETag"]:
            size = int(self.headers["Content-Length"])
            wanted = byte_ranges(given.get("range", ""), size)
            if wanted == []:
                raise HTTPException(416, headers={"Content-Range": f"bytes */{size}"})
        if wanted:
            value = ",".join(f"{first}-{last}" for first, last in wanted)
            others.append((b"range", f"bytes={value}".encode()))
        await super().__call__({**scope, "headers": others}, receive, send)


def file_response(path: Path, headers: dict[str, str]) -> ConvertedFileResponse:
    """Return the response that sends a converted file. Raises OSError."""
    return ConvertedFileResponse(path, 200, headers, QUICKTIME, stat_result=path.stat())
