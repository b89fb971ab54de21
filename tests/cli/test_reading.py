"""Standard input is cut at its line ends alone, wherever the pieces that arrive happen to end."""

from __future__ import annotations

import io
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from linnaeus.cli.reading import read_texts


class Arriving(io.BufferedIOBase):
    """A stream on which one piece is there at each reading."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter([piece for piece in pieces if piece])

    def read1(self, _size: int = -1, /) -> bytes:
        return next(self._pieces, b"")


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff")), max_size=8), st.data())
def test_lines_are_whole_however_they_arrive(lines: list[str], data: st.DataObject) -> None:
    content = "\n".join(lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    texts = [text for batch in read_texts(Arriving(pieces)) for text in batch]
    assert texts == [line for line in lines if line.strip()]


def test_a_line_is_passed_on_before_the_next_is_there() -> None:
    def pieces() -> Iterable[bytes]:
        yield b"first\nsec"
        raise AssertionError("read ahead")

    texts = read_texts(Lazy(pieces()))
    assert next(texts) == ["first"]


class Lazy(Arriving):
    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
