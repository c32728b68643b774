"""Answers: the delivered file as an HTTP response, and the headers that go with it."""

import os
import re
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, MalformedRangeHeader, RangeNotSatisfiable

QUICKTIME = "video/quicktime"


def headers_for(key: str, etag: str) -> dict[str, str]:
    """Return the headers that are known before anything is converted."""
    return {
        "Content-Disposition": disposition(f"converted_{key}.mov"),
        "ETag": etag,
        "Accept-Ranges": "bytes",
        # A copy may be kept, but only by whoever asked, and the clip may be another tomorrow.
        "Cache-Control": "private, no-cache",
    }


def disposition(name: str) -> str:
    r"""Return a Content-Disposition (RFC 6266) that saves the answer under a name.

    What separates folders, and what cannot be seen, becomes "_". A name that does not fit between
    quotes comes twice: as near as ASCII comes to it, and in full (RFC 8187).

    >>> disposition("converted_shots/sky 1.mp4.mov")
    'attachment; filename="converted_shots_sky 1.mp4.mov"'
    >>> disposition("nöel\r\n.mov")
    'attachment; filename="n_el__.mov"; filename*=UTF-8\'\'n%C3%B6el__.mov'
    """
    shown = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in name)
    plain = re.sub(r"[^ !#$&'()+,.\-;=@\[\]^_`{}~0-9A-Za-z]", "_", shown)
    whole = "" if plain == shown else f"; filename*=UTF-8''{quote(shown, safe='')}"
    return f'attachment; filename="{plain}"{whole}'


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether the client has this file already, by its If-None-Match (RFC 9110, 13.1.2).

    >>> is_known('"a"', 'W/"b", "a"'), is_known('"a"', ""), is_known('"a"', "*")
    (True, False, True)
    """
    return if_none_match.strip() == "*" or etag in re.findall(r'"[^"]*"', if_none_match)


class Movie(FileResponse):
    """A delivered file, whole or in ranges. Whoever made the file removes it afterwards."""

    chunk_size = 1 << 18  # bytes read at once

    def set_stat_headers(self, stat_result: os.stat_result) -> None:
        # The time of a temporary file says nothing of the clip, and the ETag is there already.
        self.headers["Content-Length"] = str(stat_result.st_size)

    def _should_use_range(self, http_if_range: str) -> bool:
        return http_if_range == self.headers["ETag"]

    @classmethod
    def _parse_range_header(cls, http_range: str, file_size: int) -> list[tuple[int, int]]:
        try:
            return super()._parse_range_header(http_range, file_size)
        except MalformedRangeHeader:
            return []  # what is not understood is ignored (RFC 9110, 14.2)
        except RangeNotSatisfiable:
            raise HTTPException(416, headers={"Content-Range": f"bytes */{file_size}"}) from None
