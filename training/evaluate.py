"""The figures of the model card: development sets, NLI, precisions, and the backbone as a bi-encoder beside them.

Everything is measured on a finished model folder, through the door that users take.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from sentence_transformers import SentenceTransformer
from sklearn.metrics import accuracy_score, f1_score

from linnaeus import Classifier
from linnaeus.acceptance import hold_against
from linnaeus.classifier import Classification
from linnaeus.engines.base import Reading
from linnaeus.engines.torch_one_pass import TorchEngine
from linnaeus.labels import DEFAULT_TEMPLATE, HypothesisTemplate, Label
from linnaeus.models.one_pass import OnePassConfig
from linnaeus.scheduling.scheduler import Scheduler
from training.examples import own_texts
from training.sources import read_jsonl, read_labels

#: Sets of which the model has seen neither texts nor labels.
UNSEEN = (
    "bbc_news.all",
    "dbpedia14.test",
    "snips.test",
    "tweet_sentiment.test",
    "tweet_emotion.test",
    "tweet_offensive.test",
    "trec.test",
    "econ_news_sentiment.test",
)

#: Sets whose labels it was trained on, with other texts.
SEEN = ("hwu64.test", "sib200_en.test")

NLI = ("mnli_m.dev", "lingnli.dev", "rte.dev")

#: Rows that precisions are compared on, and readings that OpenVINO and PyTorch are compared on.
COMPARED_ROWS = 2000
COMPARED_READINGS = 200

Metrics: TypeAlias = dict[str, Any]


def evaluate(folder: Path, backbone: Path, data: Path, rows: int | None = None) -> Metrics:
    """Measure a model folder; `rows` caps the rows read of each set."""
    classify, exact = Classifier(folder), Classifier(folder, precision="fp32")
    bi_encoder = SentenceTransformer(str(backbone), device="cpu")
    unseen = {
        name: _classification(classify, bi_encoder, data, name, rows) for name in track(UNSEEN, "development sets")
    }
    return {
        "unseen": unseen,
        "unseen_mean": {
            measure: float(np.mean([figures[measure] for figures in unseen.values()]))
            for measure in ("macro_f1", "bi_encoder_macro_f1")
        },
        "seen": {name: _classification(classify, bi_encoder, data, name, rows) for name in track(SEEN, "seen labels")},
        "own_texts": _own_texts(classify, rows),
        "nli": {name: _nli(classify, data, name, rows) for name in track(NLI, "NLI")},
        "precisions": {name: _precision(exact, folder, data, name) for name in ("bf16", "int8")},
        "openvino_from_pytorch": _engine_difference(exact, folder, data),
    }


def _read(data: Path, name: str, rows: int | None) -> tuple[list[str], list[str], list[str], str]:
    """Return the texts, their labels, all labels of the set, and its hypothesis template."""
    path = data / "classification" / "dev" / f"{name}.jsonl.gz"
    about = read_labels(path)
    read = [row for row in islice(read_jsonl(path), rows) if row["text"]]
    template = about["suggested_template"] or DEFAULT_TEMPLATE
    return [row["text"] for row in read], [row["label"] for row in read], about["labels"], template


def _classification(
    classify: Classifier, bi_encoder: SentenceTransformer, data: Path, name: str, rows: int | None
) -> Metrics:
    texts, true, labels, template = _read(data, name, rows)
    found = [result["labels"][0] for result in classify(texts, labels, template)]
    return {
        "rows": len(texts),
        "labels": len(labels),
        "macro_f1": _macro_f1(true, found),
        "accuracy": float(accuracy_score(true, found)),
        "bi_encoder_macro_f1": _macro_f1(true, nearest_labels(bi_encoder, texts, labels, template)),
    }


def _macro_f1(true: Sequence[str], found: Sequence[str]) -> float:
    return float(f1_score(true, found, labels=sorted(set(true)), average="macro", zero_division=0))


def nearest_labels(
    bi_encoder: SentenceTransformer, texts: Sequence[str], labels: Sequence[str], template: str
) -> list[str]:
    """Classify with the untrained backbone: the label whose hypothesis has the highest cosine with the text."""
    filled = HypothesisTemplate(template)
    hypotheses = [filled.hypothesis(Label(label)) for label in labels]
    text_vectors, label_vectors = (
        bi_encoder.encode(list(sentences), normalize_embeddings=True) for sentences in (texts, hypotheses)
    )
    return [labels[index] for index in (text_vectors @ label_vectors.T).argmax(axis=1)]


def _own_texts(classify: Classifier, rows: int | None) -> Metrics:
    """Measure the label lists of our own development texts: is the one right label first, is 0.5 the border."""
    first: list[bool] = []
    sides: list[bool] = []
    for row in islice(own_texts(development=True), rows):
        for labels in row["sets"]:
            asked = [*labels["true"], *labels["false"]]
            result = classify(row["text"], asked, multi_label=True)
            scores = dict(zip(result["labels"], result["scores"], strict=True))
            sides += [(scores[label] > 0.5) == (label in labels["true"]) for label in asked]
            if len(labels["true"]) == 1:
                first.append(classify(row["text"], asked)["labels"][0] == labels["true"][0])
    return {
        "lists": len(first),
        "right_label_first": float(np.mean(first)),
        "labels": len(sides),
        "right_side_of_half": float(np.mean(sides)),
    }


def _nli(classify: Classifier, data: Path, name: str, rows: int | None) -> Metrics:
    pairs = list(islice(read_jsonl(data / "nli" / "dev" / f"{name}.jsonl.gz"), rows))
    by_premise = sorted(pairs, key=lambda pair: pair["premise"])
    readings, true = [], []
    for premise, group in groupby(by_premise, key=lambda pair: pair["premise"]):
        members = list(group)
        readings.append(_reading(classify, premise, [pair["hypothesis"] for pair in members]))
        true += [pair["label"] for pair in members]
    logits = np.concatenate(Scheduler(classify.model.engine).logits(readings))
    figures = {"rows": len(true), "entailment_or_not": _two_way(true, logits)}
    if "not_entailment" not in true:
        found = [("entailment", "neutral", "contradiction")[column] for column in logits.argmax(axis=1)]
        figures["three_way"] = float(accuracy_score(true, found))
    return figures


def _two_way(true: Sequence[str], logits: NDArray[np.float32]) -> float:
    """Say entailment where it is likelier than the other two together."""
    found = logits[:, 0] > np.logaddexp(logits[:, 1], logits[:, 2])
    return float(accuracy_score([label == "entailment" for label in true], found))


def _reading(classify: Classifier, premise: str, hypotheses: Sequence[str]) -> Reading:
    model = classify.model
    pieces = model.tokenizer.hypotheses(hypotheses)
    room = min(model.reach.text_room(piece) for piece in pieces)
    return Reading(model.reach.cut(model.tokenizer.premises([premise], room)[0], room), pieces)


def _precision(exact: Classifier, folder: Path, data: Path, precision: str) -> Metrics:
    """Hold a precision against fp32, on rows of every unseen set."""
    rounded = Classifier(folder, precision=precision)  # type: ignore[arg-type]
    before: list[Classification] = []
    after: list[Classification] = []
    for name in track(UNSEEN, precision):
        texts, _, labels, template = _read(data, name, COMPARED_ROWS // len(UNSEEN))
        before += exact(texts, labels, template)
        after += rounded(texts, labels, template)
    verdict = hold_against(before, after)
    return {**asdict(verdict), "accepted": verdict.accepted}


def _engine_difference(exact: Classifier, folder: Path, data: Path) -> float:
    """Return how far any logit of OpenVINO is from PyTorch's, both in fp32."""
    torch_engine = TorchEngine(folder, OnePassConfig.read(folder), device="cpu", precision="fp32")
    readings = [
        _reading(exact, text, [label, f"This is about {label}."])
        for name in UNSEEN
        for text, label in _first_rows(data, name, COMPARED_READINGS // len(UNSEEN))
    ]
    ours = Scheduler(exact.model.engine).logits(readings)
    pairs = zip(ours, torch_engine.logits(readings), strict=True)
    return float(max(np.abs(left - right).max() for left, right in pairs))


def _first_rows(data: Path, name: str, rows: int) -> Iterable[tuple[str, str]]:
    texts, true, *_ = _read(data, name, rows)
    return zip(texts, true, strict=True)
