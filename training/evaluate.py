"""The figures of the model card: development sets, NLI, precisions, and the backbone as a bi-encoder beside them.

Everything is measured on a finished model folder, through the door that users take.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from linnaeus.acceptance import Verdict, hold_against, try_precisions
from linnaeus.classifier import Classification
from linnaeus.engines.mean import MeanEngine
from linnaeus.engines.openvino_runtime import has
from linnaeus.engines.torch_one_pass import TorchEngine
from linnaeus.loading import Model, load_model
from linnaeus.models.mean import part_folders
from linnaeus.models.one_pass import TOKENIZER_FILE
from linnaeus.models.tokenizer import read_tokenizer
from linnaeus.scheduling.scheduler import Scheduler
from training.consistency import consistency
from training.development import NLI, SEEN, UNSEEN, Sheet, own_lists, own_vocabularies, pair_logits, read_sheet, reading
from training.remembering import remembering
from training.sources import read_jsonl

#: Rows that precisions are compared on, and readings that OpenVINO and PyTorch are compared on.
COMPARED_ROWS = 2000
COMPARED_READINGS = 200

#: Samples of a bootstrap, and the share of them that an interval holds.
SAMPLES = 1000
INTERVAL = 0.95

Metrics: TypeAlias = dict[str, Any]


def evaluate(model: Model, folder: Path, backbone: Path, data: Path, rows: int | None = None) -> Metrics:
    """Measure the model in a folder; `rows` caps the rows read of each set, but for those of the acceptance rule."""
    classify, exact = Classifier(model), Classifier(remembering(load_model(folder, precision="fp32")))
    bi_encoder = SentenceTransformer(str(backbone), device="cpu")
    unseen = {
        name: _classification(classify, bi_encoder, read_sheet(data, name, rows))
        for name in track(UNSEEN, "development sets")
    }
    return {
        "unseen": unseen,
        "unseen_mean": {
            measure: float(np.mean([figures[measure] for figures in unseen.values()]))
            for measure in ("macro_f1", "bi_encoder_macro_f1")
        },
        "seen": {
            name: _classification(classify, bi_encoder, read_sheet(data, name, rows))
            for name in track(SEEN, "seen labels")
        },
        "own_texts": _own_texts(classify, rows),
        "own_vocabularies": {
            name: _classification(classify, bi_encoder, sheet) for name, sheet in own_vocabularies(rows).items()
        },
        "nli": {name: _nli(classify, data, name, rows) for name in track(NLI, "NLI")},
        "consistency": consistency(model, data, rows),
        "precisions": {name: _precision(exact, folder, data, name) for name in ("bf16", "int8") if has(name)},
        "trial": {one.precision: _judged(one.verdict) for one in try_precisions(folder) if one.precision != "fp32"},
        "openvino_from_pytorch": _engine_difference(exact, folder, data),
    }


def _classification(classify: Classifier, bi_encoder: SentenceTransformer, sheet: Sheet) -> Metrics:
    found = [result["labels"][0] for result in classify(sheet.texts, sheet.labels, sheet.template)]
    low, high = bootstrap_interval(sheet.true, found)
    return {
        "rows": len(sheet.texts),
        "labels": len(sheet.labels),
        "macro_f1": _macro_f1(sheet.true, found),
        "macro_f1_low": low,
        "macro_f1_high": high,
        "accuracy": float(accuracy_score(sheet.true, found)),
        "bi_encoder_macro_f1": _macro_f1(sheet.true, nearest_labels(bi_encoder, sheet)),
    }


def _macro_f1(true: Sequence[str], found: Sequence[str]) -> float:
    return float(f1_score(true, found, labels=sorted(set(true)), average="macro", zero_division=0))


def bootstrap_interval(true: Sequence[str], found: Sequence[str]) -> tuple[float, float]:
    """Return the bootstrap interval of the macro-F1: rows drawn with replacement (Efron 1979)."""
    draw = np.random.default_rng(0)
    names, right = np.unique([*true, *found], return_inverse=True)
    pairs = right[: len(true)] * len(names) + right[len(true) :]
    measured = []
    for _ in range(SAMPLES):
        drawn = pairs[draw.integers(0, len(pairs), len(pairs))]
        table = np.bincount(drawn, minlength=len(names) ** 2).reshape(len(names), len(names))
        of_label = table.sum(axis=1) > 0
        scores = 2 * table.diagonal() / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1)
        measured.append(scores[of_label].mean())
    low, high = np.quantile(measured, [(1 - INTERVAL) / 2, (1 + INTERVAL) / 2])
    return float(low), float(high)


def nearest_labels(bi_encoder: SentenceTransformer, sheet: Sheet) -> list[str]:
    """Classify with the untrained backbone: the label whose hypothesis has the highest cosine with the text."""
    text_vectors, label_vectors = (
        bi_encoder.encode(list(sentences), normalize_embeddings=True) for sentences in (sheet.texts, sheet.hypotheses)
    )
    return [sheet.labels[index] for index in (text_vectors @ label_vectors.T).argmax(axis=1)]


def _own_texts(classify: Classifier, rows: int | None) -> Metrics:
    """Measure the label lists of our own development texts: is the one right label first, is 0.5 the border."""
    first: list[bool] = []
    sides: list[bool] = []
    for one in own_lists(rows):
        result = classify(one.text, one.labels, multi_label=True)
        scores = dict(zip(result["labels"], result["scores"], strict=True))
        sides += [(scores[label] > 0.5) == (index < one.true) for index, label in enumerate(one.labels)]
        if one.true == 1:
            first.append(classify(one.text, one.labels)["labels"][0] == one.labels[0])
    return {
        "lists": len(first),
        "right_label_first": float(np.mean(first)),
        "labels": len(sides),
        "right_side_of_half": float(np.mean(sides)),
    }


def _nli(classify: Classifier, data: Path, name: str, rows: int | None) -> Metrics:
    pairs = list(islice(read_jsonl(data / "nli" / "dev" / f"{name}.jsonl.gz"), rows))
    by_premise = groupby(sorted(pairs, key=lambda pair: pair["premise"]), key=lambda pair: pair["premise"])
    asked = [(premise, list(group)) for premise, group in by_premise]
    true = [pair["label"] for _, group in asked for pair in group]
    logits = np.concatenate(
        pair_logits(classify.model, [(premise, [pair["hypothesis"] for pair in group]) for premise, group in asked])
    )
    figures = {"rows": len(true), "entailment_or_not": _two_way(true, logits)}
    if "not_entailment" not in true:
        found = [("entailment", "neutral", "contradiction")[column] for column in logits.argmax(axis=1)]
        figures["three_way"] = float(accuracy_score(true, found))
    return figures


def _two_way(true: Sequence[str], logits: NDArray[np.float32]) -> float:
    """Say entailment where it is likelier than the other two together."""
    found = logits[:, 0] > np.logaddexp(logits[:, 1], logits[:, 2])
    return float(accuracy_score([label == "entailment" for label in true], found))


def _precision(exact: Classifier, folder: Path, data: Path, precision: str) -> Metrics:
    """Hold a precision against fp32, on rows of every unseen set."""
    rounded = Classifier(folder, precision=precision)  # type: ignore[arg-type]
    before: list[Classification] = []
    after: list[Classification] = []
    for name in track(UNSEEN, precision):
        sheet = read_sheet(data, name, COMPARED_ROWS // len(UNSEEN))
        before += exact(sheet.texts, sheet.labels, sheet.template)
        after += rounded(sheet.texts, sheet.labels, sheet.template)
    return {"rows": len(before), **_judged(hold_against(before, after))}


def _judged(verdict: Verdict) -> Metrics:
    return {**asdict(verdict), "accepted": verdict.accepted}


def _engine_difference(exact: Classifier, folder: Path, data: Path) -> float:
    """Return how far any logit of OpenVINO is from PyTorch's, both in fp32."""
    folders = part_folders(folder)
    torch_engine = MeanEngine(
        [TorchEngine(part, device="cpu", precision="fp32") for part in folders],
        [read_tokenizer(part / TOKENIZER_FILE) for part in folders],
    )
    sheets = [read_sheet(data, name, COMPARED_READINGS // len(UNSEEN)) for name in UNSEEN]
    readings = [
        reading(exact.model, text, [label, f"This is about {label}."])
        for sheet in sheets
        for text, label in zip(sheet.texts, sheet.true, strict=True)
    ]
    ours = Scheduler(exact.model.engine).logits(readings)
    pairs = zip(ours, torch_engine.logits(readings), strict=True)
    return float(max(np.abs(left - right).max() for left, right in pairs))
