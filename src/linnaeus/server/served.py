"""One model that answers: loaded when it is asked for, waited for while it is loading, replaced when it changes.

What it is doing follows from what there is: a model in memory, a task that loads one, or the reason why there is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from time import monotonic

import anyio

from linnaeus.errors import LinnaeusError
from linnaeus.server.errors import RefusedError
from linnaeus.server.memory import Memory, Resident, TooLargeError

log = logging.getLogger(__name__)

#: How long loading takes, as far as is known before the first time.
EXPECTED_SECONDS = 20.0

#: After a failure the next try is made no sooner, unless the operator asks for it.
RETRY_SECONDS = 30.0


class State(str, Enum):
    IDLE = "idle"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    TOO_LARGE = "too large"


class ServedModel:
    """A model by the name that clients know it by; `source` is what it is loaded from.

    Attributes:
        failure: why it could not be loaded the last time, or nothing if it could.
    """

    def __init__(self, name: str, source: str, memory: Memory) -> None:
        self.name = name
        self.failure = ""
        self._source = source
        self._memory = memory
        self._tasks: set[asyncio.Task[None]] = set()
        self._too_large = False
        self._failed_at = 0.0
        self._started_at = 0.0
        self._expected_seconds = EXPECTED_SECONDS

    @property
    def resident(self) -> Resident | None:
        """The model in memory, if it is there to be asked."""
        return self._memory.resident(self.name)

    @property
    def state(self) -> State:
        if self.resident is not None:
            return State.READY
        if self._tasks:
            return State.LOADING
        if self.failure:
            return State.TOO_LARGE if self._too_large else State.FAILED
        return State.IDLE

    def start(self, *, may_unload: bool = True) -> None:
        """Start to load the model, unless it is loaded, loading, or has failed just now.

        Args:
            may_unload: whether other models may be unloaded to make room.
        """
        state = self.state
        failed = state in {State.FAILED, State.TOO_LARGE} and monotonic() - self._failed_at > RETRY_SECONDS
        if state is State.IDLE or failed:
            self._begin(may_unload=may_unload)

    def refresh(self) -> None:
        """Load the model anew if its files have changed, or at once if it failed; an idle one stays idle."""
        if self.state is not State.IDLE:
            self._begin(refreshing=True)

    async def settled(self) -> None:
        """Wait until the model is loaded, or has failed to be."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    @asynccontextmanager
    async def use(self, asked_as: str, *, may_start: bool, patience: float) -> AsyncIterator[Resident]:
        """Give the model in memory, waiting for it `patience` seconds at most; it stays until the context ends.

        Args:
            asked_as: the name that the client asked for, for a refusal.
            may_start: whether the model may be loaded for this.
            patience: seconds.

        Raises:
            RefusedError: it is not ready, with status 503, or could not be loaded, with status 500.
        """
        if self.resident is None:
            await self._arrival(may_start=may_start, patience=patience)
        resident = self.resident
        if resident is None:
            raise self._refusal(asked_as)
        with self._memory.use(resident):
            yield resident

    async def _arrival(self, *, may_start: bool, patience: float) -> None:
        """Wait until the model is in memory, or has failed to be loaded, `patience` seconds at most."""
        if may_start:
            self.start()
        with anyio.move_on_after(patience):
            while self.resident is None and self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                # There was no room for it, or it was needed for another one before this request had its turn.
                if may_start and self.state is State.IDLE:
                    self.start()

    def _refusal(self, asked_as: str) -> RefusedError:
        state = self.state
        if state in {State.FAILED, State.TOO_LARGE}:
            return RefusedError(500, f"Model {asked_as} could not be loaded: {self.failure}")
        if state is State.IDLE:
            sentence = f"Model {asked_as} is not loaded: ask without x-load-model: 0 to load it"
            remaining = self._expected_seconds
        else:
            sentence = f"Model {asked_as} is currently loading"
            remaining = self._expected_seconds - (monotonic() - self._started_at)
        seconds = max(1.0, round(remaining, 1))
        return RefusedError(503, sentence, {"Retry-After": str(round(seconds))}, estimated_time=seconds)

    def _begin(self, *, may_unload: bool = True, refreshing: bool = False) -> None:
        self._started_at = monotonic()
        task = asyncio.get_running_loop().create_task(self._load(may_unload=may_unload, refreshing=refreshing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, *, may_unload: bool, refreshing: bool) -> None:
        try:
            await self._memory.fetch(self._source)
            async with self._memory.turn:
                await self._load_in_turn(may_unload=may_unload, refreshing=refreshing)
        except Exception as error:
            # A sentence of ours can be shown to a client; of anything else the log has the details.
            ours = isinstance(error, LinnaeusError)
            self.failure = str(error) if ours else "see the server's log."
            self._too_large = isinstance(error, TooLargeError)
            self._failed_at = monotonic()
            self._memory.metrics.model_load_failures.labels(self.name).inc()
            what = "replaced" if self.resident else "loaded"
            log.exception("Model %s could not be %s: %s", self.name, what, self.failure, exc_info=not ours)

    async def _load_in_turn(self, *, may_unload: bool, refreshing: bool) -> None:
        replaced = self.resident
        if refreshing and replaced is None and not self.failure:
            return  # it has made room for another one in the meantime
        fresh = await self._memory.load(self.name, self._source, replaced=replaced, may_unload=may_unload)
        self.failure = ""
        if fresh is None:
            return
        self._expected_seconds = fresh.load_seconds
        log.info("Model %s is ready (%s)", self.name, fresh.classifier.model.engine.description)
        if replaced is not None:
            self._memory.retire(replaced)
