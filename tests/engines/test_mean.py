"""The mean of engines gives each the tokens that it knows, and the mean of their logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from linnaeus.engines.base import Reading
from linnaeus.engines.mean import MeanEngine
from linnaeus.errors import ModelError


class Constant:
    """Gives every hypothesis the same logits, and keeps what it was asked."""

    description, weight_bytes = "constant", 5

    def __init__(self, logit: float) -> None:
        self.logit = logit
        self.asked: list[Reading] = []

    def logits(self, readings: Sequence[Reading]) -> list[NDArray[np.float32]]:
        self.asked += readings
        return [np.full((len(reading.hypotheses), 3), self.logit, np.float32) for reading in readings]


def make_tokenizer(opening: str, closing: str, *others: str) -> Tokenizer:
    vocabulary = {token: index for index, token in enumerate((*others, opening, closing, "[UNK]"))}
    tokenizer = Tokenizer(WordLevel(vocabulary, "[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens([opening, closing, *(other for other in others if other.startswith("<"))])
    tokenizer.post_processor = TemplateProcessing(
        single=f"{opening} $A {closing}",
        special_tokens=[(token, vocabulary[token]) for token in (opening, closing)],
    )
    return tokenizer


FIRST = make_tokenizer("<s>", "</s>", "a", "b", "<mask>")
SECOND = make_tokenizer("[CLS]", "[SEP]", "b", "x", "a")


def test_each_engine_gets_its_own_tokens_and_the_mean_comes_back() -> None:
    low, high = Constant(1), Constant(4)
    engine = MeanEngine([low, high], [FIRST, SECOND])
    texts = ("a b", "a <mask> unknown b")
    hypotheses = ("b", "")
    asked = [Reading(FIRST.encode(text).ids, [FIRST.encode(text).ids for text in hypotheses]) for text in texts]
    for logits in engine.logits(asked):
        np.testing.assert_array_equal(logits, np.full((2, 3), 2.5))
    assert low.asked == [Reading(tuple(one.premise), tuple(map(tuple, one.hypotheses))) for one in asked]
    for text, reading in zip(("a b", "a unknown unknown b"), high.asked, strict=True):
        assert list(reading.premise) == SECOND.encode(text).ids
        assert [list(hypothesis) for hypothesis in reading.hypotheses] == [SECOND.encode(of).ids for of in hypotheses]
    assert engine.weight_bytes == 10
    assert engine.description == "mean of constant, constant"


def test_models_of_other_word_pieces_are_refused() -> None:
    with pytest.raises(ModelError, match="the same word pieces: 'x' is of the first alone"):
        MeanEngine([Constant(1), Constant(2)], [SECOND, FIRST])
