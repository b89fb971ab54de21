"""What happens around every request: an id, a log line, a count, and an answer even to what nobody foresaw."""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from linnaeus.server.errors import error_response
from linnaeus.server.metrics import Metrics

log = logging.getLogger(__name__)
access_log = logging.getLogger("linnaeus.access")

#: Where a request's `Record` is kept.
RECORD = "linnaeus.record"

_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


@dataclass(slots=True)
class Record:
    """What is said of a request in the log: `facts` are added as they become known. Texts and labels never are."""

    id: str
    facts: dict[str, object] = field(default_factory=dict)


def record_of(scope: Scope) -> Record:
    record: Record = scope[RECORD]
    return record


class Telemetry:
    """ASGI middleware. A request keeps the id that it came with."""

    def __init__(self, app: ASGIApp, metrics: Metrics, *, quiet: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        record = scope[RECORD] = Record(given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", record.id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("Request %s failed", record.id)
            if status:
                raise
            failure = error_response(
                500, f"The server failed, and it is not the request's fault: its log has more under {record.id}."
            )
            await failure(scope, receive, send_with_id)
        finally:
            self._report(scope, record, status, perf_counter() - start)

    def _report(self, scope: Scope, record: Record, status: int, seconds: float) -> None:
        endpoint = getattr(scope.get("endpoint"), "__name__", "none")
        self._metrics.requests.labels(endpoint, status).inc()
        self._metrics.request_seconds.observe(seconds)
        if not self._quiet:
            facts = {
                "request": record.id,
                "client": scope["client"][0] if scope.get("client") else None,
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "seconds": round(seconds, 4),
                **record.facts,
            }
            # Quoted, so that a path cannot write lines of its own.
            access_log.info("%s %s %s", scope["method"], quote(scope["path"]), status, extra={"facts": facts})
