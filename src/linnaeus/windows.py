"""How a text and a hypothesis share the positions of a model: what is cut, and where.

The hypothesis is never cut, the text is. How much room it has follows from the hypothesis alone, never from the other
labels asked, so that a label's logits stay the same in any company: a hypothesis gets the smallest of a few rooms
that holds it, and the text has the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linnaeus.engines.base import Reading, Tokens


@dataclass(frozen=True, slots=True)
class Reach:
    """How many tokens a model reads: `positions` in all, `reserve` of them kept for the shortest hypothesis."""

    positions: int
    reserve: int

    @property
    def longest_hypothesis(self) -> int:
        """The most tokens a hypothesis may have; beside it a text has room for `reserve`."""
        return self.positions - self.reserve

    @property
    def longest_text(self) -> int:
        """The most tokens of a text that are read beside a short hypothesis."""
        return self.positions - self.reserve

    def text_room(self, hypothesis: Tokens) -> int:
        """Return how many tokens of a text are read beside this hypothesis."""
        room = self.reserve
        while room < len(hypothesis):
            room *= 2
        return self.positions - min(room, self.longest_hypothesis)


@dataclass(frozen=True, slots=True)
class HypothesisGroup:
    """Hypotheses that are read together, and `indexes`, where they stand in the list that was asked."""

    indexes: Sequence[int]
    hypotheses: Sequence[Tokens]
    text_room: int

    def reading(self, premise: Tokens) -> Reading:
        return Reading(cut(premise, self.text_room), self.hypotheses)


def group_hypotheses(hypotheses: Sequence[Tokens], reach: Reach, group_tokens: int) -> list[HypothesisGroup]:
    """Split hypotheses into groups of the same text room, of about the same length, of at most `group_tokens`.

    Tokens are counted as they will be computed, every hypothesis as long as the longest of its group.
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(hypotheses)), key=lambda index: len(hypotheses[index])):
        room, length = reach.text_room(hypotheses[index]), len(hypotheses[index])
        if (
            not groups
            or reach.text_room(hypotheses[groups[-1][0]]) != room
            or (len(groups[-1]) + 1) * length > group_tokens
        ):
            groups.append([])
        groups[-1].append(index)
    return [
        HypothesisGroup(indexes, [hypotheses[index] for index in indexes], reach.text_room(hypotheses[indexes[0]]))
        for indexes in groups
    ]


def cut(premise: Tokens, room: int) -> Tokens:
    """Shorten a text to `room` tokens, keeping the special token that closes it."""
    return premise if len(premise) <= room else [*premise[: room - 1], premise[-1]]
