"""Packed batches: each row one text and its hypotheses, rows of like length together."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from linnaeus.engines.one_pass_module import PADDING, TEXT
from training.examples import Example

#: Rows are sorted by length within pools of this many, so that batches stay varied.
POOL = 2048
MAX_TEXT_TOKENS = 192
MAX_HYPOTHESIS_TOKENS = 48


@dataclass(frozen=True, slots=True)
class PackedExample:
    """Token ids of an example: the text first, then each hypothesis."""

    pieces: tuple[tuple[int, ...], ...]
    targets: tuple[int, ...]
    listwise: bool

    @property
    def length(self) -> int:
        return sum(len(piece) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Batch:
    """Tensors of `OnePassModule.forward`, and what is known of each hypothesis.

    `targets` [rows, hypotheses] has -1 where a row has fewer hypotheses; `listwise` [rows] says which rows have their
    one right label first.
    """

    tokens: Tensor
    positions: Tensor
    segments: Tensor
    first: Tensor
    targets: Tensor
    listwise: Tensor


def pack_examples(tokenizer: Tokenizer, examples: Sequence[Example]) -> list[PackedExample]:
    """Tokenise every text and every distinct hypothesis once."""
    texts = tokenizer.encode_batch([example.premise for example in examples])
    distinct = list({hypothesis for example in examples for hypothesis in example.hypotheses})
    encoded = tokenizer.encode_batch(distinct)
    hypotheses = {
        text: _cut(encoding.ids, MAX_HYPOTHESIS_TOKENS) for text, encoding in zip(distinct, encoded, strict=True)
    }
    return [
        PackedExample(
            (_cut(text.ids, MAX_TEXT_TOKENS), *(hypotheses[hypothesis] for hypothesis in example.hypotheses)),
            example.targets,
            example.listwise,
        )
        for example, text in zip(examples, texts, strict=True)
    ]


def _cut(ids: Sequence[int], length: int) -> tuple[int, ...]:
    """Shorten to `length`, keeping the closing separator."""
    return tuple(ids) if len(ids) <= length else (*ids[: length - 1], ids[-1])


def plan_batches(examples: Sequence[PackedExample], tokens: int, seed: int) -> list[list[int]]:
    """Return lists of indexes into `examples`, each at most `tokens` padded tokens, in random order."""
    draw = random.Random(seed)
    order = list(range(len(examples)))
    draw.shuffle(order)
    plan = []
    for start in range(0, len(order), POOL):
        pool = sorted(order[start : start + POOL], key=lambda index: examples[index].length)
        plan.extend(_fill(pool, examples, tokens))
    draw.shuffle(plan)
    return plan


def _fill(pool: Sequence[int], examples: Sequence[PackedExample], tokens: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for index in pool:
        if batch and (len(batch) + 1) * examples[index].length > tokens:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def collate(examples: Sequence[PackedExample]) -> Batch:
    rows, length = len(examples), max(example.length for example in examples)
    hypotheses = max(len(example.targets) for example in examples)
    tokens = torch.zeros((rows, length), dtype=torch.long)
    positions = torch.zeros_like(tokens)
    segments = torch.full_like(tokens, PADDING)
    first = torch.zeros((rows, hypotheses), dtype=torch.long)
    targets = torch.full((rows, hypotheses), -1)
    for row, example in enumerate(examples):
        text_length, start = len(example.pieces[0]), 0
        for segment, piece in enumerate(example.pieces):
            end = start + len(piece)
            tokens[row, start:end] = torch.tensor(piece)
            offset = 0 if segment == TEXT else text_length
            positions[row, start:end] = torch.arange(offset, offset + len(piece))
            segments[row, start:end] = segment
            if segment != TEXT:
                first[row, segment - 1] = start
            start = end
        targets[row, : len(example.targets)] = torch.tensor(example.targets)
    listwise = torch.tensor([example.listwise for example in examples])
    return Batch(tokens, positions, segments, first, targets, listwise)
