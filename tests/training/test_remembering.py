"""What is remembered is what was computed, and only what is new is computed."""

from __future__ import annotations

import numpy as np

from linnaeus.engines.base import Reading
from linnaeus.engines.fake import FakeEngine
from training.remembering import RememberingEngine

READINGS = [Reading((1, 2, 3), [(1, 2), (4,)]), Reading((2, 5), [(2,)])]


def test_computes_what_is_new_and_answers_as_the_engine() -> None:
    engine = FakeEngine()
    remembering = RememberingEngine(engine)
    asked = [READINGS[0], Reading((1, 2, 3), [(4,), (1, 2)]), READINGS[1], Reading((2, 5), [(2,), (5, 6)])]
    for reading in asked:
        (found,) = remembering.logits([reading])
        np.testing.assert_array_equal(found, FakeEngine().logits([reading])[0])
    assert engine.calls == [[READINGS[0]], [READINGS[1]], [asked[3]]]
    assert remembering.description == engine.description


def test_a_call_with_known_and_new_readings_keeps_their_order() -> None:
    engine = FakeEngine()
    remembering = RememberingEngine(engine)
    remembering.logits(READINGS[1:])
    for found, expected in zip(remembering.logits(READINGS), FakeEngine().logits(READINGS), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert engine.calls == [READINGS[1:], READINGS[:1]]
