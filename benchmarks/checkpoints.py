"""Checkpoints of the shapes that most people run, at full size, in the pipeline, in ONNX Runtime and in Linnaeus.

The weights are random, as no hub is at hand; what a checkpoint costs does not depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import track
from tokenizers import Tokenizer

from benchmarks.machine import circumstances
from benchmarks.onnx_runtime import ROOT, onnx_python
from benchmarks.peers import ONNX_PEERS, onnx_versions
from benchmarks.speed import (
    BEST,
    DEFAULT,
    MOST_TEXTS,
    QUICK,
    Peers,
    Plan,
    Result,
    best_batch_size,
    figures,
    known_precisions,
    measure_cells,
)
from benchmarks.texts import make_texts
from linnaeus.models.one_pass import CONFIG_FILE, TOKENIZER_FILE
from tests.checkpoints import LABELS, make_checkpoint

STORE = ROOT / "build/checkpoints"

PLAN = Plan(labels=(3, 10, 50), batch_sizes=(8, 32), rounds=2)


@dataclass(frozen=True, slots=True)
class Shape:
    """What makes a checkpoint of the shape of a published one; `config` has what its ``config.json`` says."""

    architecture: str
    labels: tuple[str, ...]
    longest: int
    config: Mapping[str, Any]


#: By the names of the repositories whose shapes they have.
SHAPES: Mapping[str, Shape] = {
    "facebook/bart-large-mnli": Shape(
        architecture="bart",
        labels=LABELS,
        longest=1024,
        config={
            "vocab_size": 50265,
            "d_model": 1024,
            "encoder_layers": 12,
            "decoder_layers": 12,
            "encoder_attention_heads": 16,
            "decoder_attention_heads": 16,
            "encoder_ffn_dim": 4096,
            "decoder_ffn_dim": 4096,
            "activation_function": "gelu",
            "scale_embedding": False,
        },
    ),
    "MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7": Shape(
        architecture="deberta-v2",
        labels=("entailment", "neutral", "contradiction"),
        longest=512,
        config={
            "vocab_size": 251000,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-7,
            "max_relative_positions": -1,
            "norm_rel_ebd": "layer_norm",
            "pooler_hidden_act": "gelu",
            "pooler_hidden_size": 768,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "position_buckets": 256,
            "relative_attention": True,
            "share_att_key": True,
            "type_vocab_size": 0,
        },
    ),
}


def checkpoint_folder(name: str, *, tiny: bool = False) -> Path:
    """Return the folder of a checkpoint of the shape of `name`, or a tiny one of its kind, made if it is not there."""
    shape = SHAPES[name]
    folder = STORE / ("tiny" if tiny else "full") / name.rpartition("/")[-1]
    make = partial(make_checkpoint, architecture=shape.architecture, labels=shape.labels, longest=shape.longest)
    if not (folder / CONFIG_FILE).exists():
        unfinished = folder.with_name(f"{folder.name}.part")
        if tiny:
            make(unfinished)
        else:
            make(unfinished, gain=1.0, **shape.config)
        unfinished.rename(folder)
    return folder


def measure_checkpoints(*, quick: bool) -> Result:
    """Run the plan on every shape, or in a hurry a short one on tiny checkpoints of the same kinds."""
    plan = QUICK if quick else PLAN
    onnx_python()
    return {
        **circumstances(),
        "plan": asdict(plan),
        "checkpoints": {name: _measure(checkpoint_folder(name, tiny=quick), plan) for name in SHAPES},
    }


def _measure(folder: Path, plan: Plan) -> Result:
    model = str(folder)
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    texts = {tokens: make_texts(tokenizer, tokens, MOST_TEXTS) for tokens in plan.tokens}
    with ExitStack() as stack:
        peers = Peers(stack)
        precisions = known_precisions(peers, model)
        versions = [peers.run(peer, onnx_versions, model, peer) for peer in ONNX_PEERS]
        batch_sizes = {
            tokens: best_batch_size(peers, model, texts[tokens], plan)
            for tokens in track(plan.tokens, f"the pipeline's best batch size on {folder.name}")
        }
        names = [DEFAULT, BEST, *ONNX_PEERS, *precisions]
        samples = measure_cells(plan, peers, texts, batch_sizes, names, model)
    return {
        "precisions": precisions,
        "batch_sizes": batch_sizes,
        "onnx_versions": versions[0],
        "cells": [{**asdict(cell), "peers": figures(by_peer)} for cell, by_peer in samples.items()],
    }
