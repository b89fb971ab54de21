from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from linnaeus.loading import Model
from linnaeus.models.tokenizer import CHARACTERS_PER_TOKEN, UNSETTLED_TOKENS, PieceTokenizer


def words() -> PieceTokenizer:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "word": 1}, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PieceTokenizer(tokenizer)


@pytest.mark.parametrize("gap", [1, 30, 5000])
def test_a_long_text_is_read_as_far_as_it_is_needed(gap: int) -> None:
    limit = 40
    text = (" " * gap).join(["word"] * 400)
    (ids,) = words().premises([text], limit)
    assert limit < len(ids) <= 400
    assert ids[:limit] == [1] * limit


def test_a_text_without_tokens_is_read_to_its_end() -> None:
    characters = CHARACTERS_PER_TOKEN * (40 + UNSETTLED_TOKENS)
    assert words().premises([" " * characters * 5 + "word"], 40) == [[1]]


def test_a_short_text_is_read_whole_beside_a_long_one(fake_model: Model) -> None:
    long, short = fake_model.tokenizer.premises(["x" * 100_000, "abc"], 50)
    assert len(long) > 50
    assert len(short) == 5


def test_hypotheses_have_their_special_tokens(fake_model: Model) -> None:
    (ids,) = fake_model.tokenizer.hypotheses(["ab"])
    assert (len(ids), ids[0], ids[-1]) == (4, 1, 2)
