"""Texts and hypotheses to token ids, each read once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

from linnaeus.errors import ModelError

#: A text is first read to this many characters for every token that is wanted, then to twice as many, and so on: of
#: ten megabytes a model reads the first few kilobytes.
CHARACTERS_PER_TOKEN = 16

#: The last tokens before a cut may differ from those of the whole text, as a word was cut.
UNSETTLED_TOKENS = 128

REMEMBERED_HYPOTHESES = 8192


class PieceTokenizer:
    """Makes the pieces that readings are put together from.

    Each piece has the special tokens around it that the tokenizer gives a text, unless `special_tokens` is false:
    then they are put there when text and hypothesis are joined.

    Attributes:
        tokenizer: what makes the pieces, without padding or truncation.
    """

    def __init__(self, tokenizer: Tokenizer, *, special_tokens: bool = True) -> None:
        self._special_tokens = special_tokens
        self.tokenizer = without_padding(tokenizer)
        # Labels come back with every request; texts seldom do.
        self._remembered = lru_cache(REMEMBERED_HYPOTHESES)(self._encode)

    def hypotheses(self, sentences: Sequence[str]) -> list[Sequence[int]]:
        return [self._remembered(sentence) for sentence in sentences]

    def premises(self, texts: Sequence[str], limit: int) -> list[Sequence[int]]:
        """Return the token ids of each text: all of them, or more than `limit` of a text that has more."""
        characters = CHARACTERS_PER_TOKEN * (limit + UNSETTLED_TOKENS)
        heads = [text[:characters] for text in texts]
        encodings = self.tokenizer.encode_batch_fast(heads, add_special_tokens=self._special_tokens)
        pieces: list[Sequence[int]] = [encoding.ids for encoding in encodings]
        for index, text in enumerate(texts):
            read = characters
            while read < len(text) and len(pieces[index]) < limit + UNSETTLED_TOKENS:
                read *= 2
                pieces[index] = self._encode(text[:read])
        return pieces

    def located_premises(self, texts: Sequence[str]) -> list[tuple[Sequence[int], Sequence[tuple[int, int]]]]:
        """Return all token ids of each text, and for each of them the [start, end) characters that it stands for."""
        encodings = self.tokenizer.encode_batch(list(texts), add_special_tokens=self._special_tokens)
        return [(encoding.ids, encoding.offsets) for encoding in encodings]

    def _encode(self, text: str) -> Sequence[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=self._special_tokens).ids
        return ids


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json``.

    Raises:
        ModelError: the file is missing or damaged.
    """
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path.parent} is no model folder: it has no {path.name}.") from None
    except Exception as error:  # the tokenizers library raises bare Exception
        raise ModelError(f"{path} cannot be read: {error}.") from error


def without_padding(tokenizer: Tokenizer) -> Tokenizer:
    """Turn off the padding and the cutting that a tokenizer may have been saved with."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
