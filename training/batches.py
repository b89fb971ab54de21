"""Packed batches: each row one text and its hypotheses, rows of like length together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn

from linnaeus.engines.base import Reading
from linnaeus.engines.packing import pack
from training.examples import Example

#: Rows are sorted by length within pools of this many, so that batches stay varied.
POOL = 2048
MAX_TEXT_TOKENS = 192
MAX_HYPOTHESIS_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Row:
    """An example as token ids, with the [hypotheses, 3] logits of a teacher if there is one."""

    reading: Reading
    targets: tuple[int, ...]
    listwise: bool
    ranking: tuple[float, ...] | None = None
    lesson: NDArray[np.float16] | None = None


class OnDevice(Protocol):
    """Packed rows: what a module is called with."""

    def to(self, device: str) -> tuple[Tensor, ...]: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Packed rows, and what is known of each hypothesis.

    `targets` [rows, hypotheses] has -1 where a row has fewer hypotheses; `listwise` [rows] says which rows have their
    one right label first; `ranking` [rows, hypotheses] has the logits that rank the lists that nobody has answered, and
    -inf elsewhere; `lessons` [rows, hypotheses, 3] has the logits of a teacher.
    """

    packed: OnDevice
    targets: Tensor
    listwise: Tensor
    ranking: Tensor
    lessons: Tensor | None = None

    def to(self, device: str) -> Batch:
        """Return the batch with what the loss reads on a device."""
        lessons = None if self.lessons is None else self.lessons.to(device)
        return Batch(self.packed, self.targets.to(device), self.listwise.to(device), self.ranking.to(device), lessons)


def tokenise(
    tokenizer: Tokenizer, examples: Sequence[Example], lessons: Iterable[NDArray[np.float16]] | None = None
) -> list[Row]:
    """Tokenise every text and every distinct hypothesis once, and put the lesson of each example beside it."""
    beside: Iterable[NDArray[np.float16] | None] = [None] * len(examples) if lessons is None else lessons
    texts = tokenizer.encode_batch([example.premise for example in examples])
    distinct = sorted({hypothesis for example in examples for hypothesis in example.hypotheses})
    encoded = tokenizer.encode_batch(distinct)
    hypotheses = {
        text: _cut(encoding.ids, MAX_HYPOTHESIS_TOKENS) for text, encoding in zip(distinct, encoded, strict=True)
    }
    return [
        Row(
            Reading(
                _cut(text.ids, MAX_TEXT_TOKENS), tuple(hypotheses[hypothesis] for hypothesis in example.hypotheses)
            ),
            example.targets,
            example.listwise,
            example.ranking,
            lesson,
        )
        for example, text, lesson in zip(examples, texts, beside, strict=True)
    ]


def _cut(ids: Sequence[int], length: int) -> tuple[int, ...]:
    """Shorten to `length`, keeping the closing separator."""
    return tuple(ids) if len(ids) <= length else (*ids[: length - 1], ids[-1])


def plan_batches(rows: Sequence[Row], tokens: int, seed: int) -> list[list[int]]:
    """Return lists of indexes into `rows`, each at most `tokens` padded tokens, in random order."""
    draw = random.Random(seed)
    order = list(range(len(rows)))
    draw.shuffle(order)
    plan: list[list[int]] = []
    for start in range(0, len(order), POOL):
        pool = sorted(order[start : start + POOL], key=lambda index: rows[index].reading.tokens)
        plan.extend(_fill(pool, rows, tokens))
    draw.shuffle(plan)
    return plan


def _fill(pool: Sequence[int], rows: Sequence[Row], tokens: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for index in pool:
        if batch and (len(batch) + 1) * rows[index].reading.tokens > tokens:
            yield batch
            batch = []
        batch.append(index)
    yield batch


def collate(rows: Sequence[Row]) -> Batch:
    packed = pack([row.reading for row in rows])
    listwise = torch.tensor([row.listwise for row in rows])
    return Batch(packed, target_matrix(rows), listwise, ranking_matrix(rows), lesson_matrix(rows))


def ranking_matrix(rows: Sequence[Row]) -> Tensor:
    """Return the ranking of a `Batch`."""
    ranking = torch.full((len(rows), max(len(row.targets) for row in rows)), float("-inf"))
    for index, row in enumerate(rows):
        if row.ranking is not None:
            ranking[index, : len(row.ranking)] = torch.tensor(row.ranking)
    return ranking


def lesson_matrix(rows: Sequence[Row]) -> Tensor | None:
    """Return the lessons of a `Batch`."""
    given = [row.lesson for row in rows if row.lesson is not None]
    if not given:
        return None
    return nn.utils.rnn.pad_sequence([torch.from_numpy(lesson).float() for lesson in given], batch_first=True)


def target_matrix(rows: Sequence[Row]) -> Tensor:
    """Return the targets of a `Batch`."""
    targets = torch.full((len(rows), max(len(row.targets) for row in rows)), -1)
    for index, row in enumerate(rows):
        targets[index, : len(row.targets)] = torch.tensor(row.targets)
    return targets
