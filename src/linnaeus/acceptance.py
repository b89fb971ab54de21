"""The rule by which a rounded precision may stand in for fp32."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from linnaeus.classifier import Classification

#: No score may move farther, and no label lose first place that led by as much.
ACCEPTED_MOVE = 0.02


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a precision is from fp32.

    Attributes:
        largest_move: the farthest that any score moved.
        mean_move: how far scores moved on average.
        moved_too_far: the share of scores that moved farther than `ACCEPTED_MOVE`.
        flips: how many texts have another label first, though it led by `ACCEPTED_MOVE` or more.
    """

    largest_move: float
    mean_move: float
    moved_too_far: float
    flips: int

    @property
    def accepted(self) -> bool:
        return self.largest_move <= ACCEPTED_MOVE and not self.flips


def hold_against(exact: Iterable[Classification], rounded: Iterable[Classification]) -> Verdict:
    """Compare the results of a rounded precision with those of fp32 for the same texts and labels, all different."""
    moves: list[float] = []
    flips = 0
    for before, after in zip(exact, rounded, strict=True):
        scores = dict(zip(after["labels"], after["scores"], strict=True))
        moves += [abs(scores[label] - score) for label, score in zip(before["labels"], before["scores"], strict=True)]
        lead = before["scores"][0] - (before["scores"][1] if len(before["scores"]) > 1 else 0)
        flips += after["labels"][0] != before["labels"][0] and lead >= ACCEPTED_MOVE
    return Verdict(
        largest_move=float(max(moves)),
        mean_move=float(np.mean(moves)),
        moved_too_far=float(np.mean(np.array(moves) > ACCEPTED_MOVE)),
        flips=int(flips),
    )
