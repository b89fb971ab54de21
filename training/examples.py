"""From rows of sets to examples: one text, several hypotheses, what is known of each."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.sources import (
    CLASSIFICATION,
    NLI,
    ClassificationSource,
    NliSource,
    classification_rows,
    nli_rows,
    read_labels,
)
from training.templates import STATEMENT, Wordings, draw_template, read_written
from training.vocabularies import Vocabulary, read_vocabularies

#: What is known of a hypothesis. The first three are columns of the logits; of a NOT_ENTAILMENT row only the sum of
#: neutral and contradiction is known, and of an UNKNOWN one only what a teacher says.
ENTAILMENT, NEUTRAL, CONTRADICTION, NOT_ENTAILMENT, UNKNOWN = range(5)

TARGETS = {
    "entailment": ENTAILMENT,
    "neutral": NEUTRAL,
    "contradiction": CONTRADICTION,
    "not_entailment": NOT_ENTAILMENT,
}

MAX_HYPOTHESES = 9
MAX_HYPOTHESES_OF_VOCABULARY = 24
NONE_TRUE_SHARE = 0.08
SEVERAL_TRUE_SHARE = 0.25
NEAR_SHARE = 0.5
NEAR_LABELS = 12

#: One text of our own in so many is kept apart for development.
OWN_TEXT_DEVELOPMENT = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One text with hypotheses.

    When `listwise`, the first hypothesis is the one right label of the list. Of a list that nobody has answered,
    `ranking` has a logit of each label, by which it is to be ranked.
    """

    premise: str
    hypotheses: tuple[str, ...]
    targets: tuple[int, ...]
    listwise: bool
    ranking: tuple[float, ...] | None = None


#: Orders labels by likeness: (a label, the others) to the others, nearest first.
Neighbours = Callable[[str, Sequence[str]], Sequence[str]]


def build_examples(
    data: Path,
    seed: int,
    neighbours: Neighbours,
    *,
    own_turns: int,
    own_files: Sequence[str] | None = None,
    max_published: int | None = None,
) -> list[Example]:
    """Return the training examples in random order.

    Args:
        data: the folder of the published sets.
        seed: of every draw.
        neighbours: orders the labels of a set by likeness.
        own_turns: how often each set of labels of a text of our own is used, each time in another template, and each
            text of a vocabulary of our own, each time with other labels.
        own_files: the files of our own texts and vocabularies that are read, by default all.
        max_published: how many examples of the published sets there are at most.
    """
    draw = random.Random(seed)
    published = [example for source in NLI for example in nli_examples(data, source, draw)]
    for source in CLASSIFICATION:
        published.extend(classification_examples(data, source, draw, neighbours))
    draw.shuffle(published)
    texts = own_texts(development=False, files=own_files)
    own = [example for row in texts for example in own_text_examples(row, own_turns, draw)]
    for vocabulary in read_vocabularies(development=False, files=own_files):
        own.extend(vocabulary_examples(vocabulary, own_turns, draw, neighbours))
    examples = published[:max_published] + own
    draw.shuffle(examples)
    return examples


def strangers(examples: Sequence[Example], share: float, draw: random.Random) -> list[Example]:
    """Return a share of the texts with label lists of other texts, of which only a teacher can say what holds."""
    count = round(share * len(examples))
    return [
        Example(one.premise, other.hypotheses, (UNKNOWN,) * len(other.hypotheses), listwise=False)
        for one, other in zip(draw.sample(examples, count), draw.choices(examples, k=count), strict=True)
    ]


def nli_examples(data: Path, source: NliSource, draw: random.Random) -> Iterator[Example]:
    """Yield the hypotheses of each premise together, as they share its reading."""
    by_premise: dict[str, list[tuple[str, int]]] = {}
    for row in nli_rows(data, source, draw):
        by_premise.setdefault(row["premise"], []).append((row["hypothesis"], TARGETS[row["label"]]))
    for premise, pairs in by_premise.items():
        for start in range(0, len(pairs), MAX_HYPOTHESES):
            hypotheses, targets = zip(*pairs[start : start + MAX_HYPOTHESES], strict=True)
            yield Example(premise, hypotheses, targets, listwise=False)


def classification_examples(
    data: Path, source: ClassificationSource, draw: random.Random, neighbours: Neighbours
) -> Iterator[Example]:
    """Yield each text with its right label against wrong ones of the same set, half of them near to the right one."""
    names = read_labels(data / source.path)["labels"]
    vocabulary = sorted(set(source.regroup.values())) if source.regroup else names
    wordings = Wordings.of(*(source.wordings or (source.name,)))
    labels = _LabelSet.of(vocabulary, source.kind, wordings, MAX_HYPOTHESES, neighbours)
    yield from labels.examples(classification_rows(data, source, draw), draw)


def vocabulary_examples(
    vocabulary: Vocabulary, turns: int, draw: random.Random, neighbours: Neighbours
) -> Iterator[Example]:
    """Yield each text with its label against many others of the vocabulary, each time with others."""
    most = MAX_HYPOTHESES_OF_VOCABULARY
    labels = _LabelSet.of(vocabulary.labels, vocabulary.kind, Wordings({}), most, neighbours)
    yield from labels.examples([(text, [label]) for text, label in vocabulary.rows] * turns, draw)


@dataclass(frozen=True, slots=True)
class _LabelSet:
    """The labels of a set, of one kind; `near` has the others of each, nearest first, and `most` are asked at once."""

    kind: str
    wordings: Wordings
    near: Mapping[str, Sequence[str]]
    most: int

    @classmethod
    def of(cls, labels: Sequence[str], kind: str, wordings: Wordings, most: int, neighbours: Neighbours) -> _LabelSet:
        near = {label: neighbours(label, [other for other in labels if other != label]) for label in labels}
        return cls(kind, wordings, near, most)

    def examples(self, rows: Iterable[tuple[str, list[str]]], draw: random.Random) -> Iterator[Example]:
        for text, labels in rows:
            true = [draw.choice(labels)]
            wrong = self._wrong(true[0], labels, draw)
            chance = draw.random()
            if chance < NONE_TRUE_SHARE and len(wrong) > 1:
                true = []
            elif len(labels) > 1 and chance < NONE_TRUE_SHARE + SEVERAL_TRUE_SHARE:
                true = list(labels)
            yield _example(text, true, wrong, self.kind, self.wordings, draw)

    def _wrong(self, true: str, labels: Sequence[str], draw: random.Random) -> list[str]:
        wrong = [label for label in self.near if label not in labels]
        count = min(len(wrong), draw.randint(2, self.most - 1))
        nearest = [label for label in self.near[true][:NEAR_LABELS] if label not in labels]
        chosen = draw.sample(nearest, min(len(nearest), round(count * NEAR_SHARE)))
        rest = [label for label in wrong if label not in chosen]
        return chosen + draw.sample(rest, min(len(rest), count - len(chosen)))


def own_texts(*, development: bool, files: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the texts of ``data/texts``, or of some of its files: those kept apart for development, or all others.

    Each is {voice, text, sets: [{kind, true: [label], false: [label]}]}.
    """
    return [
        row
        for row in read_written("texts", files)
        if (zlib.crc32(row["text"].encode()) % OWN_TEXT_DEVELOPMENT == 0) == development
    ]


def own_text_examples(row: Mapping[str, Any], turns: int, draw: random.Random) -> Iterator[Example]:
    as_written = Wordings({})
    for labels in row["sets"]:
        for _ in range(1 if labels["kind"] == STATEMENT else turns):
            yield _example(row["text"], labels["true"], labels["false"], labels["kind"], as_written, draw)


def _example(
    text: str, true: Sequence[str], wrong: Sequence[str], kind: str, wordings: Wordings, draw: random.Random
) -> Example:
    drawn = draw_template(kind, draw)
    holds, fails = (CONTRADICTION, ENTAILMENT) if drawn.negated else (ENTAILMENT, NOT_ENTAILMENT)
    return Example(
        premise=text,
        hypotheses=tuple(drawn.template.format(wordings.draw(label, draw)) for label in (*true, *wrong)),
        targets=(holds,) * len(true) + (fails,) * len(wrong),
        listwise=len(true) == 1 and not drawn.negated,
    )
