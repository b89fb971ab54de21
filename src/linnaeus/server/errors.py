"""Every failure as the same small JSON object: ``{"error": "one sentence"}``.

Clients look for a string under ``error``; a list, an object or another key loses the sentence in some of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from linnaeus.errors import InputError, LinnaeusError


class RefusedError(LinnaeusError):
    """Raised for a request that is answered with an error status.

    Attributes:
        status: the HTTP status.
        headers: what the answer says beside the sentence.
        estimated_time: seconds until the model will have been loaded; clients of a loading model look for it.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
        *,
        estimated_time: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = headers
        self.estimated_time = estimated_time


def error_response(
    status: int, sentence: str, headers: Mapping[str, str] | None = None, estimated_time: float | None = None
) -> Response:
    body: dict[str, object] = {"error": sentence}
    if estimated_time is not None:
        body["estimated_time"] = estimated_time
    # Escaped to ASCII, as a sentence may quote half of a surrogate pair.
    return Response(json.dumps(body), status, headers, "application/json")


def on_refusal(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return error_response(error.status, str(error), error.headers, error.estimated_time)


def on_input_error(_: Request, error: Exception) -> Response:
    return error_response(HTTPStatus.BAD_REQUEST, str(error))


def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router raised: no such path, or no such method on it."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.url.path
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(sorted(_methods_at_path(request)))}
    sentence = {
        HTTPStatus.NOT_FOUND: f"There is nothing at {path}: post texts to /models/NAME, or see /docs.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible at {path}: see /docs.",
    }.get(HTTPStatus(error.status_code), str(error.detail))
    return error_response(error.status_code, sentence, headers)


def _methods_at_path(request: Request) -> set[str]:
    """Return the methods of all routes of a path; the router itself names those of the first."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = [route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return set().union(*found)


#: Everything else is our fault, which `Telemetry` answers.
HANDLERS = {RefusedError: on_refusal, InputError: on_input_error, HTTPException: on_http_exception}
