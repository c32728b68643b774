"""App: the routes. Each asks, hands what blocks to a line, and answers."""

import asyncio
import logging
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from functools import cache, partial
from hmac import compare_digest
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException

from workbench.errors import DestinationUnusable, WorkbenchError
from workbench.look.preset import own_folder
from workbench.service import openapi
from workbench.service.conversion import Order, find_order, make
from workbench.service.host_check import is_meant
from workbench.service.metrics import Figures, log
from workbench.service.problems import (
    BAD_REQUEST,
    FAILED,
    MEDIA_TYPE,
    METHOD,
    Kind,
    detail_of,
    kind_of,
    kind_of_status,
)
from workbench.service.responses import QUICKTIME, Movie, headers_for, is_known
from workbench.service.work_queue import Line, attended
from workbench.storage.base import Storage

_AGAIN = "30"  # seconds after which a client may ask again


@dataclass(frozen=True)
class Service:
    """What the routes work with."""

    storage: Storage
    folder: Path  # for temporary files; whatever runs the service removes it
    token: str  # "" demands none
    hosts: Collection[str]  # by which it may be asked without one, besides loopback ones
    looking: Line  # asks the storage what there is
    encodes: Line  # fetches and converts
    figures: Figures


def create_app(service: Service) -> FastAPI:
    """Return the application, without what surrounds it in watch.py."""
    # FastAPI's own pages load scripts from elsewhere; openapi.py makes one that does not.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    app.include_router(router)
    app.add_exception_handler(WorkbenchError, _own_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(Exception, _own_error)
    return app


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(_service)]
_bearer = HTTPBearer(auto_error=False, description="What WORKBENCH_TOKEN held at the start.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


async def _admitted(request: Request, service: Here, credentials: Credentials) -> None:
    if not service.token:
        if not is_meant(request.headers.get("Host", ""), service.hosts):
            raise HTTPException(421)
        return
    given = credentials.credentials if credentials else ""
    # As bytes, for only those can be compared in constant time; Starlette reads them as Latin-1.
    if not compare_digest(given.encode("latin-1"), os.fsencode(service.token)):
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


async def _own_folder(service: Here) -> AsyncIterator[Path]:
    """Give a folder that lasts as long as the request, its answer or its failure included."""
    try:
        folder = Path(mkdtemp(dir=service.folder))
    except OSError as error:
        raise DestinationUnusable(f"no folder can be made in {service.folder}: {error}") from error
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _order(
    request: Request, service: Here, file_key: openapi.Key, preset: openapi.Preset = "classic"
) -> Order:
    find = partial(find_order, service.storage, file_key, preset)
    return await attended(request.receive, service.looking.run(lambda _: find()))


class _Key(PathConvertor):
    regex = r"[\s\S]*"  # Starlette's own, .*, does not know keys with a line feed


register_url_convertor("key", _Key())
Ordered = Annotated[Order, Depends(_order)]
Folder = Annotated[Path, Depends(_own_folder)]
router = APIRouter(default_response_class=Response)
guarded = [Depends(_admitted)]


@router.get("/convert/prores/{file_key:key}", dependencies=guarded, **openapi.CONVERT)
async def convert(
    request: Request, service: Here, file_key: openapi.Key, order: Ordered, folder: Folder
) -> Response:
    headers = headers_for(file_key, order.etag)
    if is_known(order.etag, request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    work = service.encodes.run(partial(make, service.storage, order, folder))
    made = await attended(request.receive, work)
    service.figures.seconds.observe(made.seconds)
    headers["X-Workbench-Verdict"] = made.verdict
    return Movie(made.path, headers=headers, media_type=QUICKTIME)


@router.head("/convert/prores/{file_key:key}", dependencies=guarded, **openapi.CONVERT_HEAD)
async def convert_head(request: Request, file_key: openapi.Key, order: Ordered) -> Response:
    headers = headers_for(file_key, order.etag)
    if is_known(order.etag, request.headers.get("If-None-Match", "")):
        return Response(status_code=304, headers=headers)
    answer = Response(headers=headers, media_type=QUICKTIME)
    del answer.headers["Content-Length"]  # nobody knows it before the encode
    return answer


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", **openapi.HEALTH)
async def health() -> Response:
    return JSONResponse({"status": "ok"})


@router.get("/metrics", dependencies=guarded, **openapi.METRICS)
async def metrics(service: Here) -> Response:
    return Response(generate_latest(service.figures.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi_json() -> Response:
    return JSONResponse(_document())


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    nothing_else = "default-src 'none'; style-src 'unsafe-inline'"
    return HTMLResponse(_page(), headers={"Content-Security-Policy": nothing_else})


@cache
def _document() -> dict[str, Any]:
    return openapi.openapi(router.routes)


@cache
def _page() -> str:
    return openapi.page(_document())


async def _own_error(request: Request, error: Exception) -> Response:
    kind = kind_of(error)
    headers = {"Retry-After": _AGAIN} if kind.status == 503 else {}
    service: Service = request.app.state.service
    detail = _detail(error, service, request.path_params.get("file_key", ""))
    return _answer(request, error, kind, detail, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = kind_of_status(error.status_code)
    headers = {**(error.headers or {}), **({"Allow": "GET, HEAD"} if kind is METHOD else {})}
    return _answer(request, error, kind, kind.meaning, headers)


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = "; ".join(f"{detail['loc'][-1]}: {detail['msg']}" for detail in error.errors())
    return _answer(request, error, BAD_REQUEST, found, {})


def _detail(error: Exception, service: Service, key: str) -> str:
    """Return the sentence that the client is told, with keys in the place of addresses."""
    address = service.storage.url(key)
    private = [str(service.folder), str(own_folder()), address.removesuffix(key)]
    return detail_of(error, {address: key}, private)


def _answer(
    request: Request, error: Exception, kind: Kind, detail: str, headers: dict[str, str]
) -> Response:
    instance = request.scope["raw_path"].decode("ascii", "backslashreplace")
    if kind.status >= 500:
        instance = uuid.uuid4().urn
        level = logging.WARNING if kind.status == 503 else logging.ERROR
        log.log(level, "%s: %s", instance, error, exc_info=error if kind is FAILED else None)
    problem = kind.problem(detail, instance)
    return JSONResponse(problem.model_dump(), kind.status, headers, MEDIA_TYPE)
