"""The peers and their stopwatch; each peer lives in a process of its own, where these functions run.

The pipeline, ONNX Runtime and Linnaeus are asked the same texts and labels, one request at a time or in bulk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias, cast

from benchmarks.onnx_runtime import OnnxPipeline
from linnaeus import Classifier
from linnaeus.loading import Precision
from linnaeus.models.catalogue import model_folder
from linnaeus.models.mean import part_folders
from linnaeus.models.one_pass import OnePassConfig

#: A peer, called with texts, labels and the size of its batches (which Linnaeus finds by itself).
Classify: TypeAlias = Callable[[Any, Sequence[str], int], object]

PIPELINE = "pipeline"
ONNX_PEERS = ("ONNX Runtime fp32", "ONNX Runtime int8")
PRECISIONS = ("auto", "fp32", "bf16", "int8")


@cache
def opened(peer: str, model: str) -> Classify:
    """Return `peer`, loaded at the first call: on `model`, Linnaeus in a precision."""
    if peer == PIPELINE:
        pipeline = open_pipeline(model)
        return lambda texts, labels, batch_size: pipeline(texts, labels, batch_size=batch_size)
    if peer in ONNX_PEERS:
        return onnx_pipeline(model, peer)
    classify = classifier(model, peer)
    return lambda texts, labels, _: classify(texts, labels)


@cache
def open_pipeline(model: str) -> Callable[..., Any]:
    """Load a checkpoint into transformers' pipeline, in fp32.

    It cannot run a one-pass model. Beside one it gets an ordinary cross-encoder on as many layers of the same backbone,
    whose head is random, as only its speed is asked for; beside a mean, that of the first part.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    settings: dict[str, Any] = {"dtype": torch.float32}
    folder = Path(model)
    if not (folder / "tokenizer_config.json").is_file():
        from training.backbones import BACKBONES
        from training.recipes import RECIPES

        first, *_ = part_folders(model_folder(model))
        folder = BACKBONES[RECIPES[first.name].backbone].folder()
        settings["num_hidden_layers"] = OnePassConfig.read(first).layers
        names = {0: "entailment", 1: "neutral", 2: "contradiction"}
        settings |= {"id2label": names, "label2id": {name: column for column, name in names.items()}}
    pipeline: Callable[..., Any] = transformers.pipeline(
        "zero-shot-classification",
        model=transformers.AutoModelForSequenceClassification.from_pretrained(folder, **settings),
        tokenizer=transformers.AutoTokenizer.from_pretrained(folder),
        device="cpu",
    )
    return pipeline


@cache
def onnx_pipeline(model: str, peer: str) -> OnnxPipeline:
    return OnnxPipeline(model, precision=peer.rpartition(" ")[-1])


def onnx_versions(model: str, peer: str) -> dict[str, str]:
    """Return the versions of what the peer of ONNX Runtime runs on."""
    return onnx_pipeline(model, peer).versions


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
