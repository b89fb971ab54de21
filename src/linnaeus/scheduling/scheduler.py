"""One queue before one engine: the readings of all requests, computed in batches of like shape.

There is no thread of its own. Of the callers that wait, one leads: it takes a batch from the queue, whoever asked for
it, computes it and hands the lead on. So a single caller pays for no hand-over, and many share every batch. What comes
twice in a batch is read once: a file of survey answers repeats itself, and many clients may ask the same at once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Engine, Reading
from linnaeus.errors import EngineError

Logits: TypeAlias = NDArray[np.float32]

#: The tokens of a reading: its premise, its hypotheses.
Content: TypeAlias = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]

#: Tokens of a batch. More use the caches of a processor worse, fewer leave its cores waiting for each other.
BATCH_TOKENS = 2048

#: A batch is filled with readings of other shapes as long as this share of its padded size is tokens.
FILLED_SHARE = 0.8


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """The padded size of a batch row: hypotheses, the longest of them, the text."""

    hypotheses: int
    hypothesis_tokens: int
    premise_tokens: int

    @classmethod
    def of(cls, reading: Reading) -> Shape:
        return cls(len(reading.hypotheses), max(map(len, reading.hypotheses)), len(reading.premise))

    def union(self, other: Shape) -> Shape:
        return Shape(
            max(self.hypotheses, other.hypotheses),
            max(self.hypothesis_tokens, other.hypothesis_tokens),
            max(self.premise_tokens, other.premise_tokens),
        )

    @property
    def tokens(self) -> int:
        return self.hypotheses * self.hypothesis_tokens + self.premise_tokens


@dataclass(frozen=True, slots=True, eq=False)
class _Item:
    reading: Reading
    shape: Shape
    content: Content
    job: _Job
    index: int

    @classmethod
    def of(cls, reading: Reading, job: _Job, index: int) -> _Item:
        content = (tuple(reading.premise), tuple(map(tuple, reading.hypotheses)))
        return cls(reading, Shape.of(reading), content, job, index)


@dataclass(slots=True, eq=False)
class _Job:
    """The readings of one call: `queue` holds what is not computed yet, small shapes first, like beside like."""

    deadline: int
    results: list[Logits | None]
    queue: list[_Item] = field(default_factory=list)
    missing: int = 0
    failure: Exception | None = None


@dataclass(slots=True)
class _Batch:
    """Items to be answered together, and what is to be read for them."""

    items: list[_Item]
    readings: dict[Content, Reading]
    shape: Shape
    tokens: int

    @classmethod
    def of(cls, item: _Item) -> _Batch:
        return cls([item], {item.content: item.reading}, item.shape, item.reading.tokens)

    def accepts(self, item: _Item, limit: int) -> bool:
        if item.content in self.readings:
            return True
        padded = (len(self.readings) + 1) * self.shape.union(item.shape).tokens
        return padded <= limit and self.tokens + item.reading.tokens >= FILLED_SHARE * padded

    def add(self, item: _Item) -> None:
        self.items.append(item)
        if item.content not in self.readings:
            self.readings[item.content] = item.reading
            self.shape = self.shape.union(item.shape)
            self.tokens += item.reading.tokens


class Scheduler:
    """Computes readings with an engine, for any number of threads at once."""

    def __init__(self, engine: Engine, batch_tokens: int = BATCH_TOKENS) -> None:
        self.engine = engine
        self._batch_tokens = batch_tokens
        self._jobs: list[_Job] = []
        self._turn = Condition()
        self._led = False
        # Tokens read since the start: the clock that deadlines are read on.
        self._clock = 0

    def logits(self, readings: Sequence[Reading]) -> list[Logits]:
        """Return the [hypotheses, classes] logits of each reading; wait for them.

        Raises:
            EngineError: the engine failed on a batch that held one of the readings.
        """
        if not readings:
            return []
        with self._turn:
            job = self._enqueue(readings)
            while job.missing:
                if self._led:
                    self._turn.wait()
                else:
                    self._lead()
        if job.failure is not None:
            raise EngineError(f"The engine failed: {job.failure}") from job.failure
        return [logits for logits in job.results if logits is not None]

    def _enqueue(self, readings: Sequence[Reading]) -> _Job:
        # Earliest deadline first, a deadline being the arrival plus the size of the job: small requests pass large
        # ones, and a large one cannot be passed for ever.
        deadline = self._clock + sum(reading.tokens for reading in readings)
        job = _Job(deadline, [None] * len(readings), missing=len(readings))
        items = [_Item.of(reading, job, index) for index, reading in enumerate(readings)]
        job.queue = sorted(items, key=lambda item: (item.shape, item.content))
        self._jobs.append(job)
        return job

    def _lead(self) -> None:
        """Compute one batch. Called with the lock held, which is let go while the engine computes."""
        batch = self._take_batch()
        self._led = True
        self._turn.release()
        outcome: list[Logits] | Exception = RuntimeError("interrupted")
        try:
            outcome = self.engine.logits(list(batch.readings.values()))
        except Exception as error:  # noqa: BLE001 - whatever an engine raises reaches the callers it concerns
            outcome = error
        finally:
            self._turn.acquire()
            self._led = False
            self._deliver(batch, outcome)
            self._turn.notify_all()

    def _deliver(self, batch: _Batch, outcome: Sequence[Logits] | Exception) -> None:
        if isinstance(outcome, Exception):
            for job in {item.job for item in batch.items}:
                # Its caller is told at once; what is left of the job is of no use to anyone.
                job.failure, job.missing, job.queue = outcome, 0, []
            self._jobs = [job for job in self._jobs if job.queue]
            return
        logits = dict(zip(batch.readings, outcome, strict=True))
        for item in batch.items:
            item.job.results[item.index] = logits[item.content]
            item.job.missing -= 1

    def _take_batch(self) -> _Batch:
        """Take the largest reading of the job that is due first, then what is nearest below it in every job."""
        jobs = sorted(self._jobs, key=lambda job: job.deadline)
        batch = _Batch.of(jobs[0].queue.pop())
        for job in jobs:
            position = bisect_right(job.queue, batch.shape, key=_shape)
            while position and batch.accepts(job.queue[position - 1], self._batch_tokens):
                position -= 1
                batch.add(job.queue.pop(position))
        self._jobs = [job for job in jobs if job.queue]
        self._clock += batch.tokens
        return batch


def _shape(item: _Item) -> Shape:
    return item.shape
