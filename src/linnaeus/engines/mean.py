"""The mean of engines: each computes the logits of every reading."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from linnaeus.engines.base import Engine, Reading, Tokens
from linnaeus.errors import ModelError


class MeanEngine:
    """Returns the mean of the logits of several engines.

    Args:
        engines: what computes.
        tokenizers: of each engine. All cut texts alike; readings come with the token ids of the first.

    Raises:
        ModelError: the tokenizers do not know the same word pieces.
    """

    def __init__(self, engines: Sequence[Engine], tokenizers: Sequence[Tokenizer]) -> None:
        self._engines = engines
        self._tables = [_translation(tokenizers[0], tokenizer) for tokenizer in tokenizers]

    @property
    def description(self) -> str:
        return f"mean of {', '.join(engine.description for engine in self._engines)}"

    @property
    def weight_bytes(self) -> int:
        """See `Engine.weight_bytes`."""
        return sum(engine.weight_bytes for engine in self._engines)

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        """See `Engine.logits`."""
        views = (
            engine.logits([_translated(reading, table) for reading in readings])
            for engine, table in zip(self._engines, self._tables, strict=True)
        )
        return [np.mean(of_reading, 0, dtype=np.float32) for of_reading in zip(*views, strict=True)]


def _translated(reading: Reading, table: NDArray[np.int64]) -> Reading:
    def translated(tokens: Tokens) -> Tokens:
        return tuple(table[list(tokens)].tolist())

    return Reading(translated(reading.premise), tuple(map(translated, reading.hypotheses)))


def _translation(source: Tokenizer, target: Tokenizer) -> NDArray[np.int64]:
    """Return by each token id of one tokenizer that of the other.

    The tokens around a text stand for each other, and other special tokens for what is unknown.
    """
    theirs = target.get_vocab()
    around = dict(zip(source.encode("").tokens, target.encode("").tokens, strict=True))
    special = {token.content for token in source.get_added_tokens_decoder().values()}
    unknown = theirs.get(getattr(target.model, "unk_token", None) or "")
    ids = np.zeros(source.get_vocab_size(), np.int64)
    for token, index in source.get_vocab().items():
        meant = theirs.get(around.get(token, token), unknown if token in special else None)
        if meant is None:
            raise ModelError(f"The models of a mean must know the same word pieces: {token!r} is of the first alone.")
        ids[index] = meant
    return ids
