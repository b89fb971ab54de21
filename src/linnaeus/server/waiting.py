"""The line before the classifier: so many are computed at a time, so many wait, and the next hears a clear no."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TypeVar

import anyio
import anyio.to_thread

from linnaeus.server.errors import RefusedError
from linnaeus.server.metrics import Metrics

Result = TypeVar("Result")

#: Who waited no longer is not asked whether it is still there.
NOTICEABLE_SECONDS = 0.1


#: What nginx calls a request whose client has gone; only the log and the counters ever see it.
CLIENT_CLOSED_REQUEST = 499


class WaitingLine:
    """Runs work in threads, `threads` at a time, while at most `max_waiting` wait for one."""

    def __init__(self, threads: int, max_waiting: int, metrics: Metrics) -> None:
        self.waiting = 0
        self._max_waiting = max_waiting
        self._turns = anyio.CapacityLimiter(threads)
        self._threads = anyio.CapacityLimiter(threads)
        self._metrics = metrics

    async def run(self, work: Callable[[], Result], has_left: Callable[[], Awaitable[bool]]) -> Result:
        """Return the result of `work`, unless by the time of its turn the client `has_left`.

        Raises:
            RefusedError: too many wait already, with status 429: unlike a 503, no client takes it as a call to retry
                at once.
        """
        if self.waiting >= self._max_waiting + self._turns.available_tokens:
            raise RefusedError(
                429,
                f"Too many requests: {self.waiting} are waiting already, try again in a moment.",
                {"Retry-After": "1"},
            )
        start = perf_counter()
        async with self._turn():
            seconds = perf_counter() - start
            self._metrics.queue_seconds.observe(seconds)
            if seconds > NOTICEABLE_SECONDS and await has_left():
                raise RefusedError(CLIENT_CLOSED_REQUEST, "The client has left.")
            return await anyio.to_thread.run_sync(work, limiter=self._threads)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        # Counted before anything is awaited, so that of a burst no more get in line than may.
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._turns.release()
