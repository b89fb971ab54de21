"""An engine without a model, for tests of all that surrounds one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Reading


class FakeEngine:
    """Finds a hypothesis entailed by the share of its tokens that occur in the text.

    `calls` holds the readings of every call, so that a test can see how work was batched.
    """

    description = "fake"

    def __init__(self, weight_bytes: int = 1000) -> None:
        self.weight_bytes = weight_bytes
        self.calls: list[Sequence[Reading]] = []

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        self.calls.append(readings)
        return [
            np.array([_logits(set(reading.premise), hypothesis) for hypothesis in reading.hypotheses], np.float32)
            for reading in readings
        ]


def _logits(premise: set[int], hypothesis: Sequence[int]) -> tuple[float, float, float]:
    shared = sum(token in premise for token in hypothesis) / len(hypothesis)
    return 4 * shared, 0.0, -4 * shared
