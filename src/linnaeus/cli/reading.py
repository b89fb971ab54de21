"""What the command line reads: labels from a file, texts from standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from linnaeus.errors import InputError

#: At most this much of standard input is taken at a time, the few hundred texts of one batch.
READ_BYTES = 65536


def read_labels_file(path: Path) -> list[str]:
    """Return the labels of a file: a JSON list if its name ends in ``.json``, otherwise a line each, blank ones aside.

    Raises:
        InputError: it is no such list, or no UTF-8.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
        if path.suffix != ".json":
            return [line.strip() for line in content.split("\n") if line.strip()]
        labels = json.loads(content)
    except UnicodeDecodeError:
        raise InputError("--labels-file", f"{path} is not in UTF-8: convert it first.") from None
    except ValueError as error:
        raise InputError(
            "--labels-file", f"{path} is not valid JSON ({error}): mend it, or put a label a line."
        ) from None
    if not isinstance(labels, list):
        raise InputError("--labels-file", f'{path} holds no JSON list: write one, such as ["refund", "legal"].')
    return labels


def piped_texts() -> BufferedIOBase:
    """Return standard input.

    Raises:
        InputError: nothing is piped into it.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError("TEXT", "is missing: give one in quotes, or pipe texts in, a line each.")
    return cast(BufferedIOBase, sys.stdin.buffer)


def read_texts(stream: BufferedIOBase) -> Iterator[list[str]]:
    """Yield the texts of a stream, a line each, blank ones aside, as many at a time as have arrived.

    So a file is read in large pieces, and what a person or a slow program writes is answered line by line.

    Raises:
        InputError: a line is no UTF-8; those before it have been yielded.
    """
    number = 0
    unfinished = bytearray()
    while chunk := stream.read1(READ_BYTES):
        head, newline, tail = chunk.rpartition(b"\n")
        if not newline:
            unfinished += tail
            continue
        lines = (bytes(unfinished) + head).split(b"\n")
        yield from _decoded(lines, number)
        number += len(lines)
        unfinished = bytearray(tail)
    if unfinished:
        yield from _decoded([bytes(unfinished)], number)


def _decoded(lines: list[bytes], number: int) -> Iterator[list[str]]:
    texts: list[str] = []
    for line in lines:
        number += 1
        try:
            text = line.decode("utf-8-sig").rstrip("\r")
        except UnicodeDecodeError:
            yield texts
            raise InputError("Standard input", f"is not in UTF-8 at line {number}: convert it first.") from None
        if text.strip():
            texts.append(text)
    yield texts
