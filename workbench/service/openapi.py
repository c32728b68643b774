"""Document: what the service says of itself, as OpenAPI and as one page that loads nothing."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query
from fastapi.openapi.utils import get_openapi

from workbench import __version__
from workbench.deliver.report import templates
from workbench.look.preset import shipped
from workbench.service.problems import (
    BAD_PRESET,
    BAD_REQUEST,
    BUSY,
    DISK_FULL,
    FAILED,
    KINDS,
    MEDIA_TYPE,
    MISDIRECTED,
    MISSING,
    NOT_CONVERTIBLE,
    RANGE,
    STOPPING,
    STORAGE,
    UNAUTHORIZED,
    Kind,
    Problem,
)
from workbench.service.responses import QUICKTIME, disposition

_KEY = "shots/sky.mp4"
_ETAG = '"9f2c1d0e7a5b48c3a6f1e2d4b5c60718"'
_ABOUT = (
    "Converts clips of one storage to verified QuickTime ProRes 422 HQ. Each file is made when it "
    "is asked for, checked against its source, sent, and removed."
)

Key = Annotated[
    str,
    Path(
        description="The clip's key in the storage; it may have folders.",
        examples=[_KEY],
    ),
]
Preset = Annotated[
    str,
    Query(
        max_length=80,
        description="The look, by name: one of those that come with the package "
        f"({', '.join(shipped())}), or one in the service's own folder presets.",
        examples=["smooth"],
    ),
]


def _header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


_NAME = _header("The file's name, with the key in it.", disposition(f"converted_{_KEY}.mov"))
_TAG = _header(
    "Names the file by its source, its look and the versions of what makes it: send it back in "
    "If-None-Match, and nothing is converted that you have; in If-Range, and a part fits the rest.",
    _ETAG,
)
_VERDICT = _header(
    "What the check of the file came to: pass, note, warn, or fail where a limit is missed.", "warn"
)
_FILE = {QUICKTIME: {"schema": {"type": "string", "format": "binary"}}}
_WHOLE = {
    "description": "The converted file, whole.",
    "content": _FILE,
    "headers": {"Content-Disposition": _NAME, "ETag": _TAG, "X-Workbench-Verdict": _VERDICT},
}
_PART = {
    "description": "The parts of it that Range asks for. It is converted anew for each request.",
    "content": {
        **_FILE,
        "multipart/byteranges": {"schema": {"type": "string", "format": "binary"}},
    },
    "headers": {"Content-Range": _header("Which part this is.", "bytes 0-1023/4823190")},
}
_UNCHANGED = {
    "description": "You have this file: nothing was converted.",
    "headers": {"ETag": _header("As with the file.", _ETAG)},
}
_KNOWN = {
    "description": "The clip is there and the preset is good. Nothing is converted, so the "
    "length and the verdict are not known.",
    "headers": {"Content-Disposition": _NAME, "ETag": _header("As with the file.", _ETAG)},
}


def _problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return the answers to what goes wrong in these ways, those of one status together."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        answer = found.setdefault(
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
        answer["description"] = f"{answer['description']} {kind.meaning}".strip()
        answer["content"][MEDIA_TYPE]["examples"][kind.name] = {"value": example(kind)}
    return found


def example(kind: Kind) -> dict[str, Any]:
    """Return a problem of this kind as it might be."""
    path = f"/convert/prores/{_KEY}"
    instance = path if kind.status < 500 else "urn:uuid:0b5c7c3e-4a1f-4a53-9f0e-2f4f3a1c9d77"
    return kind.problem(kind.example or kind.meaning, instance).model_dump()


CONVERT: dict[str, Any] = {
    "summary": "Convert a clip and send the file",
    "description": "Takes as long as the encode does; closing the connection stops it. The encoder "
    "is `finest`: the same picture as the plain ffmpeg command gives, several times faster.",
    "operation_id": "convert",
    "responses": {
        **{200: _WHOLE, 206: _PART, 304: _UNCHANGED},
        **_problems(BAD_PRESET, BAD_REQUEST, UNAUTHORIZED, MISSING, RANGE, MISDIRECTED),
        **_problems(NOT_CONVERTIBLE, FAILED, STORAGE, BUSY, STOPPING, DISK_FULL),
    },
}
CONVERT_HEAD: dict[str, Any] = {
    "summary": "Ask what a conversion would be, without making it",
    "operation_id": "convert_head",
    "responses": {
        **{200: _KNOWN, 304: _UNCHANGED},
        "4XX": {
            "description": "As GET answers, without a body; 422 never, for a clip's faults "
            "show when it is converted."
        },
        "5XX": {"description": "As GET answers, without a body."},
    },
}
HEALTH: dict[str, Any] = {
    "summary": "Say that the service runs",
    "operation_id": "health",
    "responses": {
        200: {
            "description": "It runs. No token is needed.",
            "content": {"application/json": {"example": {"status": "ok"}}},
        }
    },
}
METRICS: dict[str, Any] = {
    "summary": "Give figures for Prometheus",
    "operation_id": "metrics",
    "responses": {
        200: {
            "description": "Requests by status, conversions that run and that wait, how long "
            "encodes took, bytes sent.",
            "content": {"text/plain": {"example": "workbench_encodes_running 1.0\n"}},
        },
        **_problems(UNAUTHORIZED, MISDIRECTED),
    },
}


def openapi(routes: Sequence[Any]) -> dict[str, Any]:
    """Return the routes as an OpenAPI document."""
    found = get_openapi(title="workbench", version=__version__, description=_ABOUT, routes=routes)
    schema = Problem.model_json_schema()
    found.setdefault("components", {}).setdefault("schemas", {})["Problem"] = schema
    return found


def page(document: dict[str, Any]) -> str:
    """Return the document as HTML, with every kind of problem."""
    environment = templates("workbench.service")
    environment.policies["json.dumps_kwargs"] = {"indent": 2}
    return environment.get_template("page.html.jinja").render(
        document=document,
        key=_KEY,
        problems=[(kind, example(kind)) for kind in KINDS],
    )
