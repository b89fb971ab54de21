"""How a text and a hypothesis share the positions of a model, and what becomes of a text that is too long.

The hypothesis is never cut. The text is, or is read in windows that overlap. How much room it has follows from the
hypothesis alone, never from the other labels asked, so that a label's logits stay the same in any company: a
hypothesis gets the smallest of a few rooms that holds it, and the text has the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linnaeus.engines.base import Tokens

#: Two neighbouring windows share one part in so many of a text's room, so that what one cuts apart the other has whole.
OVERLAP = 4


@dataclass(frozen=True, slots=True)
class Reach:
    """How many tokens a model reads: `positions` in all, `reserve` of them kept for the shortest hypothesis.

    With a reserve of 0 a hypothesis has the room it needs and no more, as in transformers' pipeline. A text begins
    with `opening` special tokens and ends with `closing`.
    """

    positions: int
    reserve: int
    opening: int = 1
    closing: int = 1

    @property
    def longest_hypothesis(self) -> int:
        """The most tokens a hypothesis may have; beside it a text has room for `reserve`, or for one token."""
        return self.positions - max(self.reserve, 1)

    @property
    def longest_text(self) -> int:
        """The most tokens of a text that are read beside a short hypothesis."""
        return self.positions - max(self.reserve, 1)

    def text_room(self, hypothesis: Tokens) -> int:
        """Return how many tokens of a text are read beside this hypothesis."""
        if not self.reserve:
            return self.positions - len(hypothesis)
        room = self.reserve
        while room < len(hypothesis):
            room *= 2
        return self.positions - min(room, self.longest_hypothesis)

    def cut(self, premise: Tokens, room: int) -> Tokens:
        """Shorten a text to `room` tokens, keeping the special tokens that close it."""
        return self.window(premise, slice(self.opening, room - self.closing)) if len(premise) > room else premise

    def windows(self, premise: Tokens, room: int) -> list[slice]:
        """Return the windows of `room` tokens in which a text is read, as tokens that are not special ones."""
        end = len(premise) - self.closing
        inside = room - self.opening - self.closing
        stride = max(inside - inside // OVERLAP, 1)
        starts = [*range(self.opening, end - inside, stride), max(end - inside, self.opening)]
        return [slice(start, min(start + inside, end)) for start in starts]

    def window(self, premise: Tokens, window: slice) -> Tokens:
        """Return a window of a text as a text of its own."""
        return [*premise[: self.opening], *premise[window], *premise[len(premise) - self.closing :]]


@dataclass(frozen=True, slots=True)
class HypothesisGroup:
    """Hypotheses that are read together, and `indexes`, where they stand in the list that was asked."""

    indexes: Sequence[int]
    hypotheses: Sequence[Tokens]
    text_room: int


def group_hypotheses(hypotheses: Sequence[Tokens], reach: Reach, group_tokens: int) -> list[HypothesisGroup]:
    """Split hypotheses into groups of the same text room, of about the same length, of at most `group_tokens`.

    Tokens are counted as they will be computed, every hypothesis as long as the longest of its group. With 0 tokens
    each hypothesis is a group of its own.
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
