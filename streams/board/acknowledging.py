"""API: acknowledge an alert, or take it back. The same order to detect as `streams ack` sends, so it needs Kafka, too.

Everything else here only reads. The surprise: without a secret it is taken from this machine only, by a loopback name, and only
as application/json: a page from elsewhere in a browser here can post a form to a loopback address, and may even have its own name
lead to one, but can send neither that type nor that name.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, Final

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response

from streams.board.openapi import Problem, reference
from streams.board.routes import encoded
from streams.core.acknowledgement import Acknowledgement, Notice, Order, acknowledged
from streams.core.errors import StreamsError
from streams.edge.redis import LiveReader
from streams.settings import Board, Settings

BODY_BYTES_MAX: Final = 8_192  # 700 characters of text, each escaped
BODY_SECONDS: Final = 5.0  # for them to come
AT_ONCE: Final = 4  # each connects to Kafka; people don't do more at once
JSON: Final = "application/json"


class Sent(msgspec.Struct, frozen=True):
    """What was sent to detect. It holds as soon as a worker has read it; GET /api/v1/alerts shows it then."""

    alert_id: str
    acknowledged: Acknowledgement | None


ACKNOWLEDGING_KINDS = (Notice, Sent)
_PROBLEMS: Final = {
    401: "[board] ack_secret is wanted as bearer token",
    403: "No secret is set, and this didn't come by a loopback address",
    404: "No such alert",
    408: "The body didn't come",
    409: "It doesn't fire",
    413: "The body is too long",
    415: "The body isn't application/json",
    422: "The body isn't a notice",
    429: "Enough of these are under way",
    503: "Kafka doesn't take it, or the live view can't be read; try again",
}


def add_acknowledging(router: APIRouter, settings: Settings, reader: LiveReader, now_ms: Callable[[], int]) -> None:
    """POST and DELETE of an alert's acknowledgement."""
    sending = asyncio.Semaphore(AT_ONCE)

    async def send(alert_id: str, seen: Acknowledgement | None) -> Response:
        if sending.locked():
            raise HTTPException(429, _PROBLEMS[429], {"Retry-After": "1"})
        async with sending:
            await _must_fire(reader, alert_id)
            await _send(settings, Order(alert_id=alert_id, acknowledgement=seen))
        return encoded(Sent(alert_id, seen), 202)

    body = {"required": True, "content": {JSON: {"schema": reference(Notice)}}}
    told = _responses()

    @router.post(
        "/api/v1/alerts/{alert_id}/ack",
        tags=["alerts"],
        summary="Acknowledge an alert that fires",
        status_code=202,
        responses=told,
        openapi_extra={"requestBody": body},
    )
    async def acknowledge(alert_id: str, request: Request) -> Response:
        """Nobody else is called for it until it ends, grows worse, or the time is up. `by` is who says so: it isn't proved."""
        check_sender(settings.board, request.headers)
        check_type(request.headers)
        return await send(alert_id, acknowledged(notice_in(await _body(request)), now_ms()))

    @router.delete(
        "/api/v1/alerts/{alert_id}/ack",
        tags=["alerts"],
        summary="Take an acknowledgement back",
        status_code=202,
        responses=told,
    )
    async def take_back(alert_id: str, request: Request) -> Response:
        check_sender(settings.board, request.headers)
        return await send(alert_id, None)


def check_sender(board: Board, headers: Mapping[str, str]) -> None:
    """Whoever knows the secret; without one, only who calls a board on loopback by a loopback name. HTTPException else."""
    if board.ack_secret:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), board.ack_secret.encode()):
            raise HTTPException(401, _PROBLEMS[401], {"WWW-Authenticate": "Bearer"})
    elif not (_is_loopback(board.host) and _is_loopback(_without_port(headers.get("host", "")))):
        raise HTTPException(403, f"{_PROBLEMS[403]}: set STREAMS_BOARD_ACK_SECRET and send it as bearer token")


def check_type(headers: Mapping[str, str]) -> None:
    """JSON that says so. A form of another site's page can't, and its scripts must ask first, which nobody answers."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise HTTPException(415, f'send {{"by": "…", "comment": "…", "for_minutes": 120}} as {JSON}')


def notice_in(body: bytes) -> Notice:
    """The notice in a body; HTTPException where there is none."""
    try:
        return msgspec.json.decode(body, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(422, str(error)) from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > BODY_BYTES_MAX:
                    raise HTTPException(413, f"expected at most {BODY_BYTES_MAX:,} bytes")
    except TimeoutError as error:
        raise HTTPException(408, _PROBLEMS[408]) from error
    return bytes(body)


async def _must_fire(reader: LiveReader, alert_id: str) -> None:
    state = next((alert.state for alert in await reader.alerts() if alert.alert_id == alert_id), None)
    if state is None:
        raise HTTPException(404, f"no alert {alert_id} here; GET /api/v1/alerts has the ids")
    if state != "firing":
        raise HTTPException(409, f"alert {alert_id} is {state}: only an alert that fires can be acknowledged")


async def _send(settings: Settings, order: Order) -> None:
    from streams.edge.ordering import send_order  # heavy, and seldom wanted: the board reads Redis only

    try:
        await asyncio.to_thread(send_order, settings, order)
    except StreamsError as error:
        raise HTTPException(503, str(error), {"Retry-After": "1"}) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _without_port(host: str) -> str:
    """'127.0.0.1:8080' → '127.0.0.1', '[::1]:8080' → '::1'."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _responses() -> dict[int | str, dict[str, Any]]:
    problem = {"content": {JSON: {"schema": reference(Problem)}}}
    sent = {"description": "Kafka has it", "content": {JSON: {"schema": reference(Sent)}}}
    return {202: sent, **{status: {"description": text, **problem} for status, text in _PROBLEMS.items()}}
