from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linnaeus import EngineError
from linnaeus.engines.base import Reading
from linnaeus.engines.fake import FakeEngine
from linnaeus.scheduling.scheduler import FILLED_SHARE, Scheduler, Shape


def reading(premise: int, *hypotheses: int) -> Reading:
    return Reading(range(premise), [range(length) for length in hypotheses])


readings = st.lists(
    st.builds(
        lambda premise, hypotheses: reading(premise, *hypotheses),
        st.integers(1, 400),
        st.lists(st.integers(1, 30), min_size=1, max_size=20),
    ),
    max_size=40,
)


class HeldEngine(FakeEngine):
    """Computes nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.go_on = Event(), Event()

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        self.started.set()
        assert self.go_on.wait(30)
        return super().logits(readings)


class BrokenEngine(FakeEngine):
    """Fails on texts of 13 tokens."""

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        if any(len(reading.premise) == 13 for reading in readings):
            raise MemoryError("no room for 13")
        return super().logits(readings)


@given(readings, st.integers(1, 3000))
def test_results_come_in_the_order_asked(asked: list[Reading], batch_tokens: int) -> None:
    expected = FakeEngine().logits(asked)
    found = Scheduler(FakeEngine(), batch_tokens).logits(asked)
    assert len(found) == len(asked)
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@given(readings)
def test_batches_keep_to_their_budget_and_are_well_filled(asked: list[Reading]) -> None:
    engine = FakeEngine()
    Scheduler(engine, batch_tokens=500).logits(asked)
    for batch in engine.calls:
        shape = Shape.of(batch[0])
        for item in batch:
            shape = shape.union(Shape.of(item))
        padded = len(batch) * shape.tokens
        assert len(batch) == 1 or padded <= 500
        assert len(batch) == 1 or sum(item.tokens for item in batch) >= FILLED_SHARE * padded


def test_callers_that_wait_share_a_batch() -> None:
    asked = [Reading([number] * 10, [range(5)]) for number in range(8)]
    assert [len(batch) for batch in computed_for_callers_that_wait(asked)] == [1, 8]


def test_what_callers_ask_alike_is_read_once() -> None:
    asked = [Reading([number % 2] * 10, [range(5)]) for number in range(8)]
    assert [len(batch) for batch in computed_for_callers_that_wait(asked)] == [1, 2]


def computed_for_callers_that_wait(asked: Sequence[Reading]) -> list[Sequence[Reading]]:
    """Have each reading asked by a caller of its own, while the engine computes for another, and check its logits."""
    engine = HeldEngine()
    scheduler = Scheduler(engine)
    with ThreadPoolExecutor(len(asked) + 1) as threads:
        first = threads.submit(scheduler.logits, [reading(10, 5)])
        assert engine.started.wait(30)
        barrier = Barrier(len(asked) + 1)
        others = [threads.submit(wait_and_ask, barrier, scheduler, one) for one in asked]
        barrier.wait(30)
        while len(scheduler._jobs) < len(asked):
            pass
        engine.go_on.set()
        assert len(first.result(30)) == 1
        for other, expected in zip(others, FakeEngine().logits(asked), strict=True):
            np.testing.assert_array_equal(other.result(30), [expected])
    return engine.calls


def wait_and_ask(barrier: Barrier, scheduler: Scheduler, asked: Reading) -> list[NDArray[np.float32]]:
    barrier.wait(30)
    return scheduler.logits([asked])


def test_what_is_asked_again_takes_no_room_in_a_batch() -> None:
    engine = FakeEngine()
    one, other = reading(30, 10), Reading([1] * 30, [range(10)])
    Scheduler(engine, batch_tokens=80).logits([one, other] * 20)
    assert [len(batch) for batch in engine.calls] == [2]


def test_a_small_request_passes_a_large_one() -> None:
    engine = HeldEngine()
    scheduler = Scheduler(engine, batch_tokens=100)
    with ThreadPoolExecutor(2) as threads:
        large = threads.submit(scheduler.logits, [Reading([number] * 90, [range(5)]) for number in range(20)])
        assert engine.started.wait(30)
        small = threads.submit(scheduler.logits, [reading(20, 5)])
        while len(scheduler._jobs) < 2:
            pass
        engine.go_on.set()
        small.result(30)
        large.result(30)
    sizes = [len(batch[0].premise) for batch in engine.calls]
    assert sizes.index(20) == 1


def test_a_failure_reaches_its_caller_and_nobody_else() -> None:
    scheduler = Scheduler(BrokenEngine())
    with pytest.raises(EngineError, match="no room for 13"):
        scheduler.logits([reading(13, 5), reading(300, 5)])
    assert len(scheduler.logits([reading(12, 5)])) == 1


def test_an_interrupted_caller_leaves_the_queue_usable() -> None:
    class Interrupted(FakeEngine):
        def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
            if not self.calls:
                self.calls.append(readings)
                raise KeyboardInterrupt
            return super().logits(readings)

    scheduler = Scheduler(Interrupted())
    with pytest.raises(KeyboardInterrupt):
        scheduler.logits([reading(5, 5)])
    assert len(scheduler.logits([reading(5, 5)])) == 1
