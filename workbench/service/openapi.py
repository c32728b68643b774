"""Describe the service: an OpenAPI document, and the same as a page that loads no scripts."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.openapi.utils import get_openapi

from workbench import __version__
from workbench.deliver.report import templates
from workbench.look.preset import builtin_presets
from workbench.service.problems import (
    BAD_PRESET,
    BAD_REQUEST,
    BUSY,
    DISK_FULL,
    FAILED,
    FOREIGN_PAGE,
    KINDS,
    MEDIA_TYPE,
    MISDIRECTED,
    MISSING,
    NOT_CONVERTIBLE,
    RANGE,
    STOPPING,
    STORAGE,
    UNAUTHORIZED,
    Problem,
    ProblemKind,
)
from workbench.service.responses import QUICKTIME, content_disposition

_KEY = "shots/sky.mp4"
_ETAG = '"9f2c1d0e7a5b48c3a6f1e2d4b5c60718"'
_ABOUT = (
    "Converts clips of one storage to verified QuickTime ProRes 422 HQ. Each file is converted "
    "on request, checked against its source, and sent. A cache keeps recent files."
)

Key = Annotated[
    str,
    Path(
        description="The clip's key in the storage. It may contain folders.",
        examples=[_KEY],
    ),
]
PresetName = Annotated[
    str,
    Query(
        max_length=80,
        description="The preset's name: one that comes with the package "
        f"({', '.join(builtin_presets())}), or one in the folder presets of the service.",
        examples=["smooth"],
    ),
]


def _header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


_NAME = _header(
    "The name of the file, which contains the key.", content_disposition(f"converted_{_KEY}.mov")
)
_TAG = _header(
    "Identifies the file by its source, its preset and the programs that made it. Send it "
    "in If-None-Match to skip a file that you have, and in If-Range to resume a download.",
    _ETAG,
)
_VERDICT = _header(
    "The verdict of the file's check: pass, note, warn, or fail where it exceeds a limit.", "warn"
)
_FILE = {QUICKTIME: {"schema": {"type": "string", "format": "binary"}}}
_WHOLE = {
    "description": "The whole converted file.",
    "content": _FILE,
    "headers": {"Content-Disposition": _NAME, "ETag": _TAG, "X-Workbench-Verdict": _VERDICT},
}
_PART = {
    "description": "The byte ranges requested by Range. They come from the cache, or from "
    "one conversion that all requests for the file share.",
    "content": {
        **_FILE,
        "multipart/byteranges": {"schema": {"type": "string", "format": "binary"}},
    },
    "headers": {
        "Content-Range": _header(
            "The range in this response, and the size of the file.", "bytes 0-1023/4823190"
        )
    },
}
_UNCHANGED = {
    "description": "Your copy is current. Nothing was converted.",
    "headers": {"ETag": _TAG},
}
_KNOWN = {
    "description": "The clip and the preset exist. Nothing is converted: the length and the "
    "verdict are present only if the file is in the cache.",
    "headers": {
        "Content-Disposition": _NAME,
        "ETag": _TAG,
    },
}


def _problems(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """Return the responses for these kinds of problems, grouped by status."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        response = found.setdefault(
            kind.status,
            {
                "description": "",
                "content": {
                    MEDIA_TYPE: {
                        "schema": {"$ref": "#/components/schemas/Problem"},
                        "examples": {},
                    }
                },
            },
        )
        response["description"] = f"{response['description']} {kind.meaning}".strip()
        response["content"][MEDIA_TYPE]["examples"][kind.name] = {"value": example(kind)}
    return found


def example(kind: ProblemKind) -> dict[str, Any]:
    """Return an example of a problem of this kind."""
    path = f"/convert/prores/{_KEY}"
    instance = path if kind.status < 500 else "urn:uuid:0b5c7c3e-4a1f-4a53-9f0e-2f4f3a1c9d77"
    return kind.problem(kind.example or kind.meaning, instance).model_dump()


CONVERT: dict[str, Any] = {
    "summary": "Convert a clip and download the file",
    "description": "The response comes from the cache if the file was requested before, and "
    "otherwise when the conversion is done. Requests for the same file share one conversion. "
    "Closing the last of their connections cancels it. Send Range to resume a download, or to "
    "download several parts at once. The encoder is `finest`, which gives the picture of the plain "
    "ffmpeg command several times faster.",
    "operation_id": "convert",
    "responses": {
        **{200: _WHOLE, 206: _PART, 304: _UNCHANGED},
        **_problems(BAD_PRESET, BAD_REQUEST, UNAUTHORIZED, FOREIGN_PAGE, MISSING, RANGE),
        **_problems(MISDIRECTED, NOT_CONVERTIBLE, FAILED, STORAGE, BUSY, STOPPING, DISK_FULL),
    },
}
CONVERT_HEAD: dict[str, Any] = {
    "summary": "Check a request without converting",
    "operation_id": "convert_head",
    "responses": {
        **{200: _KNOWN, 304: _UNCHANGED},
        "4XX": {
            "description": "As for GET, without a body. Never 422: only a conversion finds the "
            "faults of a clip."
        },
        "5XX": {"description": "As for GET, without a body."},
    },
}
HEALTH: dict[str, Any] = {
    "summary": "Check that the service runs",
    "operation_id": "health",
    "responses": {
        200: {
            "description": "The service runs. No token is required.",
            "content": {"application/json": {"example": {"status": "ok"}}},
        }
    },
}
METRICS: dict[str, Any] = {
    "summary": "Get metrics for Prometheus",
    "operation_id": "metrics",
    "responses": {
        200: {
            "description": "Requests by status; bytes sent; hits, misses and size of the cache; "
            "fetches and encodes running and waiting; durations of encodes.",
            "content": {"text/plain": {"example": "workbench_encodes_running 1.0\n"}},
        },
        **_problems(UNAUTHORIZED, FOREIGN_PAGE, MISDIRECTED),
    },
}


def openapi(routes: Sequence[Any]) -> dict[str, Any]:
    """Return the OpenAPI document of the routes."""
    found = get_openapi(title="workbench", version=__version__, description=_ABOUT, routes=routes)
    schema = Problem.model_json_schema()
    found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = schema
    return found


def page(document: dict[str, Any]) -> str:
    """Render the document as HTML, with a table of the kinds of problems."""
    environment = templates("workbench.service")
    environment.policies["json.dumps_kwargs"] = {"indent": 2}
    return environment.get_template("page.html.jinja").render(
        document=document,
        key=_KEY,
        problems=[(kind, example(kind)) for kind in KINDS],
    )
