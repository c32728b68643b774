"""The application: its routes and how it turns errors into responses."""

import logging
import os
import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import cache, partial
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException

from workbench.errors import WorkbenchError
from workbench.host_check import is_allowed_host
from workbench.look.defaults import DEFAULT
from workbench.look.preset import user_preset_folder
from workbench.service import openapi
from workbench.service.access_log import log
from workbench.service.conversion import RequestedFile, find_requested
from workbench.service.metrics import Metrics
from workbench.service.problems import (
    BAD_REQUEST,
    FAILED,
    MEDIA_TYPE,
    METHOD,
    ProblemKind,
    detail_of,
    kind_of,
    kind_of_status,
)
from workbench.service.responses import (
    QUICKTIME,
    file_response,
    headers_for,
    matches_etag,
)
from workbench.service.shared_conversions import SharedConversions
from workbench.service.work_queue import WorkQueue, cancel_on_disconnect
from workbench.storage.base import Storage

_RETRY_AFTER = "30"  # seconds


@dataclass(frozen=True)
class Service:
    """The state that all requests share."""

    storage: Storage
    folder: Path  # for temporary files: clients must not see its path
    token: str  # "" requires none
    hosts: Collection[str] | None  # allowed besides loopback names; None allows any
    lookups: WorkQueue  # asks the storage for a clip
    conversions: SharedConversions
    metrics: Metrics


def create_app(service: Service) -> FastAPI:
    """Create the application, without the middleware that server.py adds."""
    # FastAPI's own documentation pages load scripts from other hosts; openapi.page does not.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    app.include_router(router)
    app.add_exception_handler(WorkbenchError, _handle_error)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(RequestValidationError, _handle_bad_request)
    app.add_exception_handler(Exception, _handle_error)
    return app


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(_service)]
_bearer = HTTPBearer(auto_error=False, description="The token of the service.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def _authorize(
    request: Request, service: ServiceDependency, credentials: Credentials
) -> None:
    """Refuse a request for a foreign host, of a foreign page, or without the token."""
    host = request.headers.get("Host", "")
    if service.hosts is not None and not is_allowed_host(host, service.hosts):
        raise HTTPException(421)
    if _is_of_another_page(request.headers.get("Origin"), host):
        raise HTTPException(403)
    if not service.token:
        return
    given = credentials.credentials if credentials else ""
    # compare_digest takes bytes, or ASCII only. Starlette decodes headers as Latin-1.
    if not compare_digest(given.encode("latin-1"), os.fsencode(service.token)):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


def _is_of_another_page(origin: str | None, host: str) -> bool:
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()


async def _exit_stack() -> AsyncIterator[AsyncExitStack]:
    """Yield a stack that is closed when the response has been sent or has failed."""
    async with AsyncExitStack() as stack:
        yield stack


async def _requested_file(
    request: Request,
    service: ServiceDependency,
    file_key: openapi.Key,
    preset: openapi.PresetName = DEFAULT,
) -> RequestedFile:
    find = partial(find_requested, service.storage, file_key, preset)
    return await cancel_on_disconnect(request.receive, service.lookups.run(lambda _: find()))


class _KeyConvertor(PathConvertor):
    regex = r"[\s\S]*"  # Starlette's own, .*, does not match keys with a line feed


register_url_convertor("key", _KeyConvertor())
Requested = Annotated[RequestedFile, Depends(_requested_file)]
ExitStackDependency = Annotated[AsyncExitStack, Depends(_exit_stack)]
router = APIRouter(default_response_class=Response)
authorized = [Depends(_authorize)]


@router.get("/convert/prores/{file_key:key}", dependencies=authorized, **openapi.CONVERT)
async def convert(
    request: Request,
    service: ServiceDependency,
    file_key: openapi.Key,
    requested: Requested,
    stack: ExitStackDependency,
) -> Response:
    headers = headers_for(file_key, requested.etag)
    if matches_etag(requested.etag, request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    work = stack.enter_async_context(service.conversions.file(requested))
    converted = await cancel_on_disconnect(request.receive, work)
    headers["X-Workbench-Verdict"] = converted.verdict
    return file_response(converted.path, headers)


@router.head("/convert/prores/{file_key:key}", dependencies=authorized, **openapi.CONVERT_HEAD)
async def convert_head(
    request: Request, service: ServiceDependency, file_key: openapi.Key, requested: Requested
) -> Response:
    headers = headers_for(file_key, requested.etag)
    if matches_etag(requested.etag, request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    response = Response(headers=headers, media_type=QUICKTIME)
    del response.headers["Content-Length"]  # unknown before the conversion
    if cached := await service.conversions.cached(requested):
        with suppress(OSError):  # evicted meanwhile
            response.headers["Content-Length"] = str(cached.path.stat().st_size)
            response.headers["X-Workbench-Verdict"] = cached.verdict
    return response


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", **openapi.HEALTH)
async def health() -> Response:
    return JSONResponse({"status": "ok"})


@router.get("/metrics", dependencies=authorized, **openapi.METRICS)
async def metrics(service: ServiceDependency) -> Response:
    return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json() -> Response:
    return JSONResponse(_document())


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return HTMLResponse(_page(), headers={"Content-Security-Policy": policy})


@cache
def _document() -> dict[str, Any]:
    return openapi.openapi(router.routes)


@cache
def _page() -> str:
    return openapi.page(_document())


async def _handle_error(request: Request, error: Exception) -> Response:
    kind = kind_of(error)
    headers = {"Retry-After": _RETRY_AFTER} if kind.status == 503 else {}
    service: Service = request.app.state.service
    detail = _public_detail(error, service, request.path_params.get("file_key", ""))
    return _problem_response(request, error, kind, detail, headers)


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = kind_of_status(error.status_code)
    headers = {**(error.headers or {}), **({"Allow": "GET, HEAD"} if kind is METHOD else {})}
    return _problem_response(request, error, kind, kind.meaning, headers)


async def _handle_bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    detail = "; ".join(f"{found['loc'][-1]}: {found['msg']}" for found in error.errors())
    return _problem_response(request, error, BAD_REQUEST, detail, {})


def _public_detail(error: Exception, service: Service, key: str) -> str:
    """Return the error's message for the client, with keys instead of storage addresses."""
    address = service.storage.url(key)
    private = [str(service.folder), str(user_preset_folder()), address.removesuffix(key)]
    return detail_of(error, {address: key}, private)


def _problem_response(
    request: Request, error: Exception, kind: ProblemKind, detail: str, headers: dict[str, str]
) -> Response:
    instance = request.scope["raw_path"].decode("ascii", "backslashreplace")
    if kind.status >= 500:
        instance = uuid.uuid4().urn
        level = logging.WARNING if kind.status == 503 else logging.ERROR
        log.log(level, "%s: %s", instance, error, exc_info=error if kind is FAILED else None)
    problem = kind.problem(detail, instance)
    return JSONResponse(problem.model_dump(), kind.status, headers, MEDIA_TYPE)
