"""Pairs of text and hypothesis as the padded arrays that a cross-encoder reads, by transformers' names."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Reading, Tokens
from linnaeus.engines.padding import LENGTH_STEPS, padded
from linnaeus.models.pairs import PairFormat


def pairs_of(readings: Sequence[Reading]) -> list[tuple[Tokens, Tokens]]:
    return [(reading.premise, hypothesis) for reading in readings for hypothesis in reading.hypotheses]


def by_reading(logits: NDArray[np.float32], readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
    """Part the [pairs, classes] logits of all pairs again, as `Engine.logits` returns them."""
    ends = np.cumsum([len(reading.hypotheses) for reading in readings])
    return np.split(logits, ends[:-1])


def pair_arrays(
    pairs: Sequence[tuple[Tokens, Tokens]], pair_format: PairFormat, padding: int, asked: Container[str]
) -> dict[str, NDArray[Any]]:
    """Return ``input_ids`` and ``attention_mask``, and of the rest what is `asked`; each [pairs, length].

    Lengths are rounded up, and what is left over is the token `padding`.
    """
    rows = [pair_format.join(*pair) for pair in pairs]
    tokens = padded(rows, LENGTH_STEPS, padding)
    kept = np.arange(tokens.shape[1]) < np.array([len(row) for row in rows])[:, None]
    arrays: dict[str, NDArray[Any]] = {"input_ids": tokens, "attention_mask": kept}
    if "token_type_ids" in asked:
        arrays["token_type_ids"] = padded([pair_format.token_types(*pair) for pair in pairs], LENGTH_STEPS)
    if "position_ids" in asked:
        arrays["position_ids"] = counted_positions(tokens, padding)
    return arrays


def counted_positions(tokens: NDArray[np.int32], padding: int) -> NDArray[np.int32]:
    """Return positions as RoBERTa counts them: from `padding` + 1 on, passing over tokens of that number.

    A text may hold the padding token as a word; it is attended to, and has no position of its own.
    """
    counted = tokens != padding
    positions: NDArray[np.int32] = (np.cumsum(counted, axis=1) * counted + padding).astype(np.int32)
    return positions
