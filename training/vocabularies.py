"""Vocabularies of our own: long lists of close labels, with texts for each label."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from training.templates import read_written

#: One vocabulary in so many is kept apart for development, with all its labels.
APART = 8


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Labels of one kind, of which each text has exactly one."""

    name: str
    kind: str
    texts: Mapping[str, list[str]]

    @property
    def labels(self) -> list[str]:
        return list(self.texts)

    @property
    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each text with its label."""
        for label, texts in self.texts.items():
            for text in texts:
                yield text, label

    @property
    def apart(self) -> bool:
        return zlib.crc32(self.name.encode()) % APART == 0


def read_vocabularies(*, development: bool, files: Sequence[str] | None = None) -> list[Vocabulary]:
    """Return those of ``data/vocabularies``, or of some of its files, that are kept apart, or all others.

    Each line there is a label: {vocabulary, kind, label, texts: [text]}.
    """
    texts: dict[tuple[str, str], dict[str, list[str]]] = {}
    for row in read_written("vocabularies", files):
        texts.setdefault((row["vocabulary"], row["kind"]), {})[row["label"]] = row["texts"]
    vocabularies = [Vocabulary(name, kind, of) for (name, kind), of in texts.items()]
    return [vocabulary for vocabulary in vocabularies if vocabulary.apart == development]
