"""How a checkpoint's tokenizer puts text and hypothesis together: which special tokens go before, between and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from linnaeus.errors import ModelError
from linnaeus.models.tokenizer import without_padding


@dataclass(frozen=True, slots=True)
class PairFormat:
    """The special tokens around a pair, and what type each part has: most models call the hypothesis type 1.

    `types` are those of: what comes before, the text, what is between, the hypothesis, what comes after.
    """

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Tokenizer, *, typed: bool) -> PairFormat:
        """Find the format by having a pair put together; unless `typed`, all types are 0.

        Raises:
            ModelError: the tokenizer makes no pairs, or turns them round.
        """
        pair = without_padding(tokenizer).encode("a", "b")
        ids, parts = pair.ids, pair.sequence_ids
        if 0 not in parts or 1 not in parts or parts.index(1) < parts.index(0):
            raise ModelError("The tokenizer of this checkpoint does not put a text before its hypothesis.")
        start, middle = parts.index(0), parts.index(1)
        text_end, end = start + parts.count(0), middle + parts.count(1)
        kinds = [pair.type_ids[index] if typed else 0 for index in (0, start, text_end, middle, -1)]
        return cls(tuple(ids[:start]), tuple(ids[text_end:middle]), tuple(ids[end:]), tuple(kinds))

    @property
    def special_tokens(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)

    def join(self, premise: Sequence[int], hypothesis: Sequence[int]) -> list[int]:
        return [*self.before, *premise, *self.between, *hypothesis, *self.after]

    def token_types(self, premise: Sequence[int], hypothesis: Sequence[int]) -> list[int]:
        lengths = len(self.before), len(premise), len(self.between), len(hypothesis), len(self.after)
        return [kind for kind, length in zip(self.types, lengths, strict=True) for _ in range(length)]
