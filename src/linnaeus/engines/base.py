"""What an engine is: the one thing between token ids and logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = Sequence[int]


@dataclass(frozen=True, slots=True)
class Reading:
    """One text and the hypotheses that are read with it, as token ids with their special tokens.

    `premise` and any one of `hypotheses` together fit the model.
    """

    premise: Tokens
    hypotheses: Sequence[Tokens]

    @property
    def tokens(self) -> int:
        return len(self.premise) + sum(map(len, self.hypotheses))


class Engine(Protocol):
    """Computes logits. A call may come from any thread, but never two at once."""

    @property
    def description(self) -> str:
        """What computes, on what, how: ``OpenVINO on cpu in bf16``."""
        ...

    @property
    def weight_bytes(self) -> int:
        """The memory that the weights take."""
        ...

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """Return, for each reading, its [hypotheses, classes] logits.

        The logits of a hypothesis depend on its text and itself alone, never on what else is in the call.
        """
        ...
