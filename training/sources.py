"""The training sets: where each lies, how much of it is read, and what its labels are.

Paths are relative to the data folder (``DATA``, by default ``../shared/data``); README.md beside this file says where
a stranger gets each set. Nothing here may come from a development set.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Rows recast from sentences of review sets that must not be trained on.
FORBIDDEN_TASKS = frozenset({"sentiment"})


@dataclass(frozen=True, slots=True)
class NliSource:
    """A set of {premise, hypothesis, label} rows; `limits` caps the rows read of each ``task``, 0 means none."""

    path: str
    limit: int | None = None
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassificationSource:
    """A set of {text, label} rows.

    `kind` chooses the templates. `regroup` replaces the labels of the set with broader ones (the rows whose label it
    does not name are left out), and `wordings` names the entries of ``data/wordings.json`` that then apply.
    """

    path: str
    kind: str
    limit: int | None = None
    regroup: Mapping[str, str] = field(default_factory=dict)
    wordings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return Path(self.path).name.split(".")[0]


NLI = (
    NliSource("nli/train/lingnli.train.jsonl.gz"),
    NliSource("nli/train/mnli_m.train.jsonl.gz"),
    NliSource("nli/train/mnli_cl.train.jsonl.gz"),
    NliSource("nli/train/mnli_taxi.train.jsonl.gz"),
    NliSource("nli/train/snli.dev.jsonl.gz"),
    NliSource("nli/train/snli_cad.train.jsonl.gz"),
    NliSource("nli/train/infotabs.train.jsonl.gz", limit=4000),
    NliSource("nli/train/rte.train.jsonl.gz"),
    NliSource("nli/train/cb.train.jsonl.gz"),
    NliSource("nli/train/dnc.train.jsonl.gz", limits={"megaveridicality": 1500}),
    NliSource(
        "nli/train/curriculum_core.train.jsonl.gz",
        limits={
            "ner": 4000,
            "kg_relations": 3000,
            "socialqa": 2000,
            "cosmoqa": 2000,
            "coreference": 2000,
            "temporal": 1000,
            "syntactic_variation": 1500,
            "transitive": 1000,
            "ester": 1000,
        },
    ),
    NliSource(
        "nli/train/curriculum_synth.train.jsonl.gz",
        limits={
            "monotonicity_infer": 2000,
            "lexical": 2000,
            "puns": 1500,
            "verbcorner": 1500,
            "negation": 1000,
            "quantifier": 1000,
            "comparative": 500,
        },
    ),
)

_POSITIVE = [
    *("admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism"),
    *("pride", "relief"),
]
_NEGATIVE = [
    *("anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief"),
    *("nervousness", "remorse", "sadness"),
]

#: Emotions by sentiment, as the authors of GoEmotions group them (Demszky et al. 2020, figure 2).
SENTIMENT_OF_EMOTION = {
    **dict.fromkeys(_POSITIVE, "positive"),
    **dict.fromkeys(_NEGATIVE, "negative"),
    "neutral": "neutral",
}

_TRAIN = "classification/train"

CLASSIFICATION = (
    ClassificationSource(f"{_TRAIN}/clinc150.train.jsonl.gz", "intent", limit=8000),
    ClassificationSource(f"{_TRAIN}/hwu64.train.jsonl.gz", "intent", limit=4000),
    ClassificationSource(f"{_TRAIN}/atis.train.jsonl.gz", "intent", limit=600),
    ClassificationSource(f"{_TRAIN}/stackoverflow20.all.jsonl.gz", "topic", limit=2000),
    ClassificationSource(f"{_TRAIN}/searchsnippets.all.jsonl.gz", "topic", limit=3000),
    ClassificationSource(f"{_TRAIN}/reuters_r8.train.jsonl.gz", "topic", limit=1000),
    ClassificationSource(f"{_TRAIN}/sib200_en.train.jsonl.gz", "topic"),
    ClassificationSource(f"{_TRAIN}/goemotions.train.jsonl.gz", "emotion", limit=7000),
    ClassificationSource(f"{_TRAIN}/xed_en.all.jsonl.gz", "emotion", limit=2000),
    ClassificationSource(
        f"{_TRAIN}/goemotions.train.jsonl.gz",
        "sentiment",
        limit=5000,
        regroup=SENTIMENT_OF_EMOTION,
        wordings=("sentiment", "mpqa"),
    ),
    ClassificationSource(f"{_TRAIN}/customer_reviews.all.jsonl.gz", "sentiment"),
    ClassificationSource(f"{_TRAIN}/mpqa.all.jsonl.gz", "sentiment", limit=1500),
    ClassificationSource(f"{_TRAIN}/subj.all.jsonl.gz", "property", limit=1500),
    ClassificationSource(f"{_TRAIN}/davidson_hate.all.jsonl.gz", "content", limit=1500),
    ClassificationSource(
        f"{_TRAIN}/davidson_hate.all.jsonl.gz",
        "property",
        limit=2500,
        regroup={
            "offensive language": "rude",
            "hate speech": "rude",
            "neither hate speech nor offensive language": "polite",
        },
        wordings=("manners",),
    ),
    ClassificationSource(f"{_TRAIN}/tweet_hate.train.jsonl.gz", "property", limit=2000),
    ClassificationSource(f"{_TRAIN}/tweet_irony.train.jsonl.gz", "property"),
)


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def read_labels(path: Path) -> dict[str, Any]:
    """Return the ``<set>.labels.json`` that belongs to a ``<set>.<split>.jsonl.gz``."""
    labels: dict[str, Any] = json.loads(path.with_name(path.name.split(".")[0] + ".labels.json").read_text())
    return labels


def nli_rows(data: Path, source: NliSource, draw: random.Random) -> list[dict[str, Any]]:
    """Return the rows of a source, at random within its limits."""
    rows = [row for row in read_jsonl(data / source.path) if row.get("task") not in FORBIDDEN_TASKS]
    draw.shuffle(rows)
    if source.limits:
        left = dict(source.limits)
        kept = []
        for row in rows:
            if left.get(row["task"], 0) > 0:
                left[row["task"]] -= 1
                kept.append(row)
        return kept
    return rows[: source.limit]


def classification_rows(data: Path, source: ClassificationSource, draw: random.Random) -> list[tuple[str, list[str]]]:
    """Return (text, the labels that hold) of a source, at random within its limit, frequent labels thinned out.

    Labels are drawn with a weight of one over the square root of their frequency, so that a set which is nine tenths
    one label does not teach that label as the usual answer.
    """
    rows = []
    for row in read_jsonl(data / source.path):
        labels = row["label"] if isinstance(row["label"], list) else [row["label"]]
        if source.regroup:
            labels = sorted({source.regroup[label] for label in labels if label in source.regroup})
            if len(labels) != 1:
                continue
        if row["text"].strip():
            rows.append((row["text"], labels))
    counts: dict[str, int] = {}
    for _, labels in rows:
        counts[labels[0]] = counts.get(labels[0], 0) + 1
    # Weighted sampling without replacement: the largest u^(1/w) win (Efraimidis and Spirakis 2006).
    keyed = sorted(rows, key=lambda row: draw.random() ** counts[row[1][0]] ** 0.5, reverse=True)
    return keyed[: source.limit]
