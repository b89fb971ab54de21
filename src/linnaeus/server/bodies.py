"""Reading bodies: each up to a limit, and all that are held at a time up to another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from linnaeus.server.errors import RefusedError


class Intake:
    """Reads bodies of `max_body` bytes at most, and no more than `max_held` bytes of them at a time."""

    def __init__(self, max_body: int, max_held: int) -> None:
        self._max_body = max_body
        self._max_held = max_held
        self._held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give the body of `request`, which counts as held until the context ends.

        Raises:
            RefusedError: it is too large (413), compressed (415), cut short (400), or too much is held already (429).
        """
        self._check_head(request)
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in request.stream():
                size += len(chunk)
                self._held += len(chunk)
                if size > self._max_body:
                    raise self._too_large()
                if self._held > self._max_held:
                    raise RefusedError(
                        429,
                        f"Too much is waiting: {self._held:,} bytes of requests, try again in a moment.",
                        {"Retry-After": "1"},
                    )
                chunks.append(chunk)
            yield b"".join(chunks)
        except ClientDisconnect:
            raise RefusedError(400, "The body ended early: send as many bytes as content-length says.") from None
        finally:
            self._held -= size

    def _check_head(self, request: Request) -> None:
        encoding = request.headers.get("content-encoding", "identity")
        if encoding != "identity":
            raise RefusedError(
                415, f"The body is compressed ({encoding!r}): send it as it is.", {"Accept-Encoding": "identity"}
            )
        # The HTTP parser lets only a number of at most twenty digits through.
        if int(request.headers.get("content-length", 0)) > self._max_body:
            raise self._too_large()

    def _too_large(self) -> RefusedError:
        return RefusedError(
            413, f"The body is larger than {self._max_body:,} bytes: send fewer texts at a time, or shorter ones."
        )
