"""The peers and their stopwatch; each peer lives in a process of its own, where these functions run.

The pipeline and Linnaeus are asked the same texts and labels, one request at a time or in bulk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import cycle
from typing import Any, TypeAlias, cast

from linnaeus import Classifier
from linnaeus.loading import Precision

#: A peer, called with texts, labels and the size of its batches (which Linnaeus finds by itself).
Classify: TypeAlias = Callable[[Any, Sequence[str], int], object]

PIPELINE = "pipeline"
PRECISIONS = ("auto", "fp32", "bf16", "int8")

BACKBONE = "all-MiniLM-L6-v2"


@cache
def opened(peer: str, model: str) -> Classify:
    """Return `peer`, loaded at the first call: the pipeline, or the model of Linnaeus in a precision."""
    if peer == PIPELINE:
        return open_pipeline()
    classify = classifier(model, peer)
    return lambda texts, labels, _: classify(texts, labels)


def open_pipeline() -> Classify:
    """Load an ordinary cross-encoder on the backbone; its head is random, as only its speed is asked for."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers

    from training.backbones import BACKBONES

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    folder = BACKBONES[BACKBONE].folder()
    names = {0: "entailment", 1: "neutral", 2: "contradiction"}
    classify = transformers.pipeline(
        "zero-shot-classification",
        model=transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, id2label=names, label2id={name: column for column, name in names.items()}
        ),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
        device="cpu",
    )
    return lambda texts, labels, batch_size: classify(texts, labels, batch_size=batch_size)


@cache
def classifier(model: str, precision: str) -> Classifier:
    return Classifier(model, device="cpu", precision=cast(Precision, precision))


def engine_precision(model: str, precision: str) -> str:
    """Return the precision that is computed in: for ``auto`` the one that it chooses on this machine."""
    return classifier(model, precision).model.engine.description.split()[-1]


def time_requests(
    peer: str, model: str, texts: Sequence[str], labels: Sequence[str], batch_size: int, seconds: float
) -> list[float]:
    """Return the seconds of each request of one text, asked one after the other for `seconds`.

    The first is a warm-up and left out, unless there was time for no second.
    """
    classify = opened(peer, model)
    samples: list[float] = []
    for text in cycle(texts):
        start = time.perf_counter()
        classify(text, labels, batch_size)
        samples.append(time.perf_counter() - start)
        if sum(samples) > seconds:
            return samples[1:] or samples
    raise AssertionError("there are no texts")


def time_bulk(peer: str, model: str, texts: Sequence[str], labels: Sequence[str], batch_size: int) -> float:
    """Return the texts per second of one call with all the texts."""
    classify = opened(peer, model)
    start = time.perf_counter()
    classify(list(texts), labels, batch_size)
    return len(texts) / (time.perf_counter() - start)
