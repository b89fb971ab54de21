"""The texts have the length that the tables say."""

from __future__ import annotations

import pytest

from benchmarks.texts import make_labels, make_texts
from tests.conftest import byte_tokenizer


@pytest.mark.parametrize("tokens", [50, 200, 450])
def test_texts_have_nearly_the_wanted_tokens(tokens: int) -> None:
    texts = make_texts(byte_tokenizer(), tokens, 20)
    assert all(0.88 * tokens <= len(text) + 2 <= tokens for text in texts)
    assert len(set(texts)) > 10
    assert texts == make_texts(byte_tokenizer(), tokens, 20)


def test_labels_are_different_ones() -> None:
    assert len(set(make_labels(200))) == 200
