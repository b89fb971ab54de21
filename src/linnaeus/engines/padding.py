"""Rows of tokens in one array, padded to one of a few lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Tokens

Steps: TypeAlias = Sequence[tuple[int, int]]

#: Lengths are padded to multiples of a step that grows with them, (up to length, step): OpenVINO prepares its kernels
#: for each new shape, which takes longer than to compute a small one.
LENGTH_STEPS: Steps = ((64, 8), (192, 16), (1 << 30, 32))

#: Added to the scores of what is not attended to: its weight is zero.
MASKED = np.float32(-1e4)


def rounded_up(length: int, steps: Steps) -> int:
    step = next(step for limit, step in steps if length <= limit)
    return -(-length // step) * step


def padded(rows: Sequence[Tokens], steps: Steps, padding: int = 0) -> NDArray[np.int32]:
    """Return [rows, length] token ids, the length rounded up by `steps`."""
    tokens = np.full((len(rows), rounded_up(max(map(len, rows)), steps)), padding, np.int32)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
    return tokens
