"""Development sets: what models are chosen by and measured on, never trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linnaeus.engines.base import Reading
from linnaeus.labels import DEFAULT_TEMPLATE, HypothesisTemplate, Label
from linnaeus.loading import Model
from linnaeus.scheduling.scheduler import Scheduler
from training.examples import own_texts
from training.sources import read_jsonl, read_labels
from training.templates import STATEMENT
from training.vocabularies import read_vocabularies

Row = TypeVar("Row")

#: Sets of which the model has seen neither texts nor labels.
UNSEEN = (
    "dev/bbc_news.all",
    "dev/dbpedia14.test",
    "dev/snips.test",
    "dev/tweet_sentiment.test",
    "dev/tweet_emotion.test",
    "dev/tweet_offensive.test",
    "dev/trec.test",
    "dev/econ_news_sentiment.test",
)

#: Long lists of close labels.
HWU64, CLINC150 = "dev/hwu64.test", "train/clinc150.val"

#: Sets whose labels it was trained on, with other texts.
SEEN = (HWU64, CLINC150, "dev/sib200_en.test")

NLI = ("mnli_m.dev", "lingnli.dev", "rte.dev")

#: Texts that none of the labels of clinc150 fits.
OUT_OF_SCOPE = "dev/clinc150.oos_test"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Texts, the label of each, and all labels of their set with the template it suggests."""

    texts: Sequence[str]
    true: Sequence[str]
    labels: Sequence[str]
    template: str

    @property
    def hypotheses(self) -> list[str]:
        filled = HypothesisTemplate(self.template)
        return [filled.hypothesis(Label(label)) for label in self.labels]


def read_sheet(data: Path, name: str, rows: int | None = None) -> Sheet:
    """Read a set, or `rows` of its texts from all over it."""
    path = data / "classification" / f"{name}.jsonl.gz"
    about = read_labels(path)
    read = _spread([row for row in read_jsonl(path) if row["text"]], rows)
    template = about["suggested_template"] or DEFAULT_TEMPLATE
    return Sheet([row["text"] for row in read], [row["label"] for row in read], about["labels"], template)


def _spread(rows: Sequence[Row], count: int | None) -> Sequence[Row]:
    """Return so many of the rows, from the first to the last at like distances; all by default."""
    if count is None or count >= len(rows):
        return rows
    return [rows[index] for index in np.linspace(0, len(rows) - 1, count).astype(int)]


def read_texts(data: Path, name: str) -> list[str]:
    return [row["text"] for row in read_jsonl(data / "classification" / f"{name}.jsonl.gz")]


@dataclass(frozen=True, slots=True)
class OwnList:
    """A label list of a text of our own that was kept apart; the labels that hold come first."""

    text: str
    labels: Sequence[str]
    true: int


def own_lists(rows: int | None = None) -> Iterator[OwnList]:
    """Yield the lists of names, of all texts or of `rows` from all files; statements are no labels that compete."""
    for row in _spread(own_texts(development=True), rows):
        for labels in (of for of in row["sets"] if of["kind"] != STATEMENT):
            yield OwnList(row["text"], [*labels["true"], *labels["false"]], len(labels["true"]))


def own_vocabularies(rows: int | None = None) -> dict[str, Sheet]:
    """Return the vocabularies of our own that were kept apart, with all texts of each or `rows` of them."""
    sheets = {}
    for vocabulary in read_vocabularies(development=True):
        texts, true = zip(*_spread(list(vocabulary.rows), rows), strict=True)
        sheets[vocabulary.name] = Sheet(texts, true, vocabulary.labels, DEFAULT_TEMPLATE)
    return sheets


def sheet_logits(model: Model, sheet: Sheet) -> list[NDArray[np.float32]]:
    """Return for each text the [labels, classes] logits of all labels."""
    return pair_logits(model, [(text, sheet.hypotheses) for text in sheet.texts])


def pair_logits(model: Model, asked: Sequence[tuple[str, Sequence[str]]]) -> list[NDArray[np.float32]]:
    """Return for each (premise, hypotheses) the [hypotheses, classes] logits."""
    return Scheduler(model.engine).logits([reading(model, premise, hypotheses) for premise, hypotheses in asked])


def reading(model: Model, premise: str, hypotheses: Sequence[str]) -> Reading:
    pieces = model.tokenizer.hypotheses(hypotheses)
    room = min(model.reach.text_room(piece) for piece in pieces)
    return Reading(model.reach.cut(model.tokenizer.premises([premise], room)[0], room), pieces)
