"""From rows of sets to examples: one text, several hypotheses, what is known of each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.sources import (
    CLASSIFICATION,
    NLI,
    ClassificationSource,
    NliSource,
    classification_rows,
    nli_rows,
    read_labels,
)
from training.templates import BY_KIND, GENERIC, NEGATED

#: What is known of a hypothesis. The first three are columns of the logits; of a NOT_ENTAILMENT row only the sum of
#: neutral and contradiction is known.
ENTAILMENT, NEUTRAL, CONTRADICTION, NOT_ENTAILMENT = range(4)

TARGETS = {
    "entailment": ENTAILMENT,
    "neutral": NEUTRAL,
    "contradiction": CONTRADICTION,
    "not_entailment": NOT_ENTAILMENT,
}

MAX_HYPOTHESES = 10
NONE_TRUE_SHARE = 0.08
SEVERAL_TRUE_SHARE = 0.25
NEGATED_SHARE = 0.04
GENERIC_SHARE = 0.35
NEAR_SHARE = 0.5
NEAR_LABELS = 12


@dataclass(frozen=True, slots=True)
class Example:
    """One text with hypotheses. When `listwise`, the first hypothesis is the one right label of the list."""

    premise: str
    hypotheses: tuple[str, ...]
    targets: tuple[int, ...]
    listwise: bool


#: Orders labels by likeness: (a label, the others) to the others, nearest first.
Neighbours = Callable[[str, Sequence[str]], Sequence[str]]


def build_examples(data: Path, seed: int, neighbours: Neighbours) -> list[Example]:
    """Return all training examples in random order."""
    draw = random.Random(seed)
    examples = [example for source in NLI for example in nli_examples(data, source, draw)]
    for source in CLASSIFICATION:
        examples.extend(classification_examples(data, source, draw, neighbours))
    draw.shuffle(examples)
    return examples


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
    near = {label: neighbours(label, [other for other in vocabulary if other != label]) for label in vocabulary}
    for text, labels in classification_rows(data, source, draw):
        yield _classification_example(text, labels, source, vocabulary, near, draw)


def _classification_example(
    text: str,
    labels: Sequence[str],
    source: ClassificationSource,
    vocabulary: Sequence[str],
    near: dict[str, Sequence[str]],
    draw: random.Random,
) -> Example:
    true = [draw.choice(labels)]
    wrong = _wrong_labels(true[0], labels, vocabulary, near, draw)
    listwise = True
    chance = draw.random()
    if chance < NONE_TRUE_SHARE and len(wrong) > 1:
        true, listwise = [], False
    elif len(labels) > 1 and chance < NONE_TRUE_SHARE + SEVERAL_TRUE_SHARE:
        true, listwise = list(labels), False
    template = _template(source.kind, draw)
    holds, fails = ENTAILMENT, NOT_ENTAILMENT
    if draw.random() < NEGATED_SHARE:
        template, holds, fails, listwise = draw.choice(NEGATED), CONTRADICTION, ENTAILMENT, False
    candidates = [*true, *wrong]
    hypotheses = tuple(template.format(_wording(label, source, draw)) for label in candidates)
    return Example(text, hypotheses, (holds,) * len(true) + (fails,) * len(wrong), listwise)


def _wrong_labels(
    true: str, labels: Sequence[str], vocabulary: Sequence[str], near: dict[str, Sequence[str]], draw: random.Random
) -> list[str]:
    wrong = [label for label in vocabulary if label not in labels]
    count = min(len(wrong), draw.randint(2, MAX_HYPOTHESES - 1))
    nearest = [label for label in near[true][:NEAR_LABELS] if label not in labels]
    chosen = draw.sample(nearest, min(len(nearest), round(count * NEAR_SHARE)))
    rest = [label for label in wrong if label not in chosen]
    return chosen + draw.sample(rest, min(len(rest), count - len(chosen)))


def _template(kind: str, draw: random.Random) -> str:
    return draw.choice(GENERIC if draw.random() < GENERIC_SHARE else BY_KIND[kind])


def _wording(label: str, source: ClassificationSource, draw: random.Random) -> str:
    return draw.choice((label, *source.wordings.get(label, ())))
