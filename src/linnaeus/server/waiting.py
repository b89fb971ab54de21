"""The line before the classifier: so many are computed at a time, so many wait, and the next hears a clear no."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

import anyio
import anyio.to_thread

from linnaeus.server.errors import RefusedError
from linnaeus.server.metrics import Metrics

Result = TypeVar("Result")


class WaitingLine:
    """Runs work in threads, `threads` at a time, while at most `max_waiting` wait for one."""

    def __init__(self, threads: int, max_waiting: int, metrics: Metrics) -> None:
        self._limiter = anyio.CapacityLimiter(threads)
        self._max_waiting = max_waiting
        self._metrics = metrics

    @property
    def waiting(self) -> int:
        return self._limiter.statistics().tasks_waiting

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of `work`.

        Raises:
            RefusedError: too many wait already, with status 429: unlike a 503, no client takes it as a call to retry at
                once.
        """
        waiting = self.waiting
        if waiting >= self._max_waiting:
            raise RefusedError(
                429, f"Too many requests: {waiting} are waiting already, try again in a moment.", {"Retry-After": "1"}
            )
        start = perf_counter()

        def timed() -> Result:
            self._metrics.queue_seconds.observe(perf_counter() - start)
            return work()

        return await anyio.to_thread.run_sync(timed, limiter=self._limiter)
