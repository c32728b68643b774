"""The converted file as an HTTP response, whole or in byte ranges, and the headers it has."""

import os
import re
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable

QUICKTIME = "video/quicktime"


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


class ConvertedFileResponse(FileResponse):
    """A converted file, whole or in byte ranges. The caller deletes the file afterwards."""

    chunk_size = 1 << 18  # bytes read at once

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        # The ETag is set already, and a temporary file's time says nothing about the clip.
        self.headers["Content-Length"] = str(stat_result.st_size)

    def _should_use_range(self, http_if_range: str) -> bool:
        return http_if_range == self.headers["ETag"]

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []  # a malformed header is ignored (RFC 9110, 14.2)
        except RangeNotSatisfiable:
            raise HTTPException(416, headers={"Content-Range": f"bytes */{file_size}"}) from None
