"""ClickHouse's HTTP interface over the embedded engine: what clickhouse-connect, curl and SQL tools expect.

Starlette reads and answers; every engine call runs in a worker thread. Writers have threads of their own, so that a
heavy reader never keeps evidence waiting; readers beyond serving.READERS wait for a thread, beyond MAX_READING: 503.
"""

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from audit.store import request as wire
from audit.store.accounts import Account, Accounts
from audit.store.answer import answer, failed
from audit.store.faults import Fault, authentication_failed
from audit.store.serving import MAX_READING, Store
from runtime import log
from runtime.ids import uuid7

_log = log.get("store")


def make_app(store: Store) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.to_thread(store.close)

    async def query(request: Request) -> Response:
        return await _query(store, request)

    routes = [
        Route("/ping", _ping, methods=["GET", "HEAD"]),
        Route("/replicas_status", _ping, methods=["GET", "HEAD"]),
        Route("/", query, methods=["GET", "POST", "HEAD"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _ping(_: Request) -> Response:
    return PlainTextResponse("Ok.\n", media_type="text/html; charset=UTF-8")


async def _query(store: Store, request: Request) -> Response:
    """Read, authenticate, run, answer."""
    query_id = request.query_params.get("query_id") or uuid7()
    version = store.engine.version
    try:
        if request.method == "GET" and not request.query_params.get("query"):
            return await _ping(request)
        account = authenticate(store.accounts, request)
        body = await _body(request)
        media = request.headers.get("content-type", "")
        query = wire.read(
            request.query_params.multi_items(), body, media, request.headers.get("x-clickhouse-format", "")
        )
        if account is Account.AUDITOR and store.reading >= MAX_READING:
            raise Fault(202, "TOO_MANY_SIMULTANEOUS_QUERIES", "Too many simultaneous queries")
        return await answer(store, account, query, query_id, request.is_disconnected)
    except Fault as fault:
        _log.info("query_refused", extra={"fields": {"code": fault.code, "name": fault.name, "query_id": query_id}})
        return failed(fault, version, query_id)
    except ClientDisconnect:
        return Response(status_code=499)


async def _body(request: Request) -> bytes:
    """The whole body, decompressed; more than the limit is refused while it is read."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > wire.MAX_BODY_BYTES:
            raise Fault(223, "QUERY_IS_TOO_LARGE", f"the body is larger than {wire.MAX_BODY_BYTES} bytes")
        parts.append(part)
    body = b"".join(parts)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return await asyncio.to_thread(wire.decompress, body, encoding) if encoding else body


def authenticate(accounts: Accounts, request: Request) -> Account:
    """Basic, or X-ClickHouse-User/-Key, or user/password in the URL; raises Fault 194 or 516."""
    given = _credentials(request)
    if given is None:
        raise Fault(194, "REQUIRED_PASSWORD", "a user name and a password are required")
    account = accounts.check(*given)
    if account is None:
        raise authentication_failed(given[0])
    return account


def _credentials(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise Fault(516, "AUTHENTICATION_FAILED", "the Authorization header is not valid Basic") from None
        return user, password
    if scheme:
        raise Fault(516, "AUTHENTICATION_FAILED", f"authentication scheme {scheme} is not supported")
    for source, user, password in (
        (request.headers, "x-clickhouse-user", "x-clickhouse-key"),
        (request.query_params, "user", "password"),
    ):
        if user in source:
            return source[user], source.get(password, "")
    return None
