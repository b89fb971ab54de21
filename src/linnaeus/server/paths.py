"""What a path may look like: a model's id in it has one segment or two, and a slash at its end means nothing."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Receive, Scope, Send


class ModelIdConvertor(Convertor[str]):
    """A model's id in a path: a name, or an owner and a name."""

    # What follows a model's id in the routes that describe it is no part of it.
    regex = "[^/]+(?:/(?!(?:info|health)$)[^/]+)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("model", ModelIdConvertor())

TASK = "zero-shot-classification"

#: Stands for a model's id in a route.
MODEL_ID = "{model_id:model}"


class TrailingSlash:
    """ASGI middleware: a path with a slash at its end is the path without it; a redirect would lose a client's post."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)
