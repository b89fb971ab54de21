"""Speed: transformers' zero-shot pipeline and Linnaeus, on the same backbone, the same texts, the same processor.

Every peer has a process of its own, and one computes at a time. They are asked in turns, cell by cell and round by
round, so that whatever else the machine does falls on all alike.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, TypeAlias, TypeVar

from rich.progress import track
from tokenizers import Tokenizer

from benchmarks.ceiling import flops_per_text, openvino_ceiling, torch_ceiling
from benchmarks.machine import circumstances
from benchmarks.peers import PIPELINE, PRECISIONS, engine_precision, time_bulk, time_requests
from benchmarks.texts import make_labels, make_texts
from linnaeus.errors import EngineError
from linnaeus.labels import DEFAULT_TEMPLATE
from linnaeus.models.catalogue import model_folder
from linnaeus.models.mean import own_revision, part_folders
from linnaeus.models.one_pass import TOKENIZER_FILE, OnePassConfig

Answer = TypeVar("Answer")
Result: TypeAlias = dict[str, Any]

#: The pipeline in its two forms: as it comes, which is one pair of text and hypothesis at a time, and at its best.
DEFAULT, BEST = "pipeline", "pipeline, best batch"

MOST_TEXTS = 512


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how long. A peer that needs more than `patience` seconds for a text is asked once."""

    tokens: tuple[int, ...] = (50, 200, 450)
    labels: tuple[int, ...] = (3, 10, 50, 200)
    batch_sizes: tuple[int, ...] = (8, 32, 64)
    rounds: int = 3
    request_seconds: float = 0.6
    bulk_seconds: float = 1.5
    ceiling_seconds: float = 1.0
    patience: float = 4.0


QUICK = Plan(
    tokens=(50,),
    labels=(3, 10),
    batch_sizes=(8, 32),
    rounds=1,
    request_seconds=0.1,
    bulk_seconds=0.2,
    ceiling_seconds=0.05,
)


@dataclass(frozen=True, slots=True)
class Cell:
    tokens: int
    labels: int


@dataclass(slots=True)
class Samples:
    """What was measured for one peer in one cell, over all rounds."""

    latencies: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


class Peers:
    """The processes of the peers. They start when they are first asked."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._pools: dict[str, ProcessPoolExecutor] = {}

    def run(self, peer: str, work: Callable[..., Answer], *arguments: object) -> Answer:
        if peer not in self._pools:
            pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            self._pools[peer] = self._stack.enter_context(pool)
        return self._pools[peer].submit(work, *arguments).result()


def measure_speed(plan: Plan, model: str) -> Result:
    """Run the whole plan on `model` and return its table of results."""
    folder = model_folder(model)
    parts = part_folders(folder)
    configs = [OnePassConfig.read(part) for part in parts]
    tokenizer = Tokenizer.from_file(str(parts[0] / TOKENIZER_FILE))
    texts = {tokens: make_texts(tokenizer, tokens, MOST_TEXTS) for tokens in plan.tokens}
    with ExitStack() as stack:
        peers = Peers(stack)
        precisions = known_precisions(peers, model)
        batch_sizes = {
            tokens: best_batch_size(peers, model, texts[tokens], plan)
            for tokens in track(plan.tokens, "the pipeline's best batch size")
        }
        samples = measure_cells(plan, peers, texts, batch_sizes, [DEFAULT, BEST, *precisions], model)
        ceilings = _ceilings(peers, plan, sorted(set(precisions.values())))
    cells = [
        {
            **asdict(cell),
            "gflop_per_text": round(_flops(configs, tokenizer, texts[cell.tokens], cell.labels) / 1e9, 3),
            "peers": figures(by_peer),
        }
        for cell, by_peer in samples.items()
    ]
    return {
        **circumstances(),
        "model": {"name": model, "revision": own_revision(folder)},
        "plan": asdict(plan),
        "precisions": precisions,
        "batch_sizes": batch_sizes,
        "ceiling_tflops": ceilings,
        "cells": cells,
    }


def known_precisions(peers: Peers, model: str) -> dict[str, str]:
    """Return the precisions that this machine has, each with what it computes in."""
    known = {}
    for precision in PRECISIONS:
        with suppress(EngineError):
            known[precision] = peers.run(precision, engine_precision, model, precision)
    return known


def best_batch_size(peers: Peers, model: str, texts: Sequence[str], plan: Plan) -> int:
    """Find the batch size at which the pipeline is fastest in bulk, on ten labels."""
    labels = make_labels(10)
    some = texts[: max(plan.batch_sizes) // 10 + 1]

    def rate(batch_size: int) -> float:
        return peers.run(PIPELINE, time_bulk, PIPELINE, model, some, labels, batch_size)

    peers.run(PIPELINE, time_bulk, PIPELINE, model, some[:1], labels, 1)  # a warm-up
    return max(plan.batch_sizes, key=rate)


def measure_cells(
    plan: Plan,
    peers: Peers,
    texts: dict[int, list[str]],
    batch_sizes: dict[int, int],
    names: Sequence[str],
    model: str,
) -> dict[Cell, dict[str, Samples]]:
    """Ask every peer of `names` in every cell, in turns; all but the pipeline by default get the best batch size."""
    cells = [Cell(tokens, labels) for tokens in plan.tokens for labels in plan.labels]
    samples = {cell: {name: Samples() for name in names} for cell in cells}
    turns = [(cell, name) for _ in range(plan.rounds) for cell in cells for name in names]
    for cell, name in track(turns, f"{len(cells)} cells, {plan.rounds} rounds"):
        measured = samples[cell][name]
        if measured.latencies and median(measured.latencies) > plan.patience:
            continue
        peer = PIPELINE if name in {DEFAULT, BEST} else name
        batch_size = 1 if name == DEFAULT else batch_sizes[cell.tokens]
        labels, pool = make_labels(cell.labels), texts[cell.tokens]
        latencies = peers.run(peer, time_requests, peer, model, pool, labels, batch_size, plan.request_seconds)
        measured.latencies += latencies
        count = min(len(pool), int(plan.bulk_seconds / median(latencies)))
        measured.rates.append(
            peers.run(peer, time_bulk, peer, model, pool[:count], labels, batch_size)
            if count > 1
            else 1 / median(latencies)
        )
    return samples


def figures(by_peer: dict[str, Samples]) -> dict[str, dict[str, float]]:
    """Return what is kept of the samples of a cell."""
    return {
        name: {
            "latency_ms": round(median(measured.latencies) * 1000, 2),
            "texts_per_second": round(median(measured.rates), 3),
        }
        for name, measured in by_peer.items()
    }


def _ceilings(peers: Peers, plan: Plan, precisions: Sequence[str]) -> dict[str, float]:
    """Return the best matrix product of either library in each precision, in 10¹² operations per second."""
    return {
        precision: round(
            max(
                peers.run("ceiling", ceiling, precision, plan.ceiling_seconds) / 1e12
                for ceiling in (torch_ceiling, openvino_ceiling)
                if not (precision == "int8" and ceiling is torch_ceiling)
            ),
            3,
        )
        for precision in precisions
    }


def _flops(configs: Sequence[OnePassConfig], tokenizer: Tokenizer, texts: Sequence[str], labels: int) -> float:
    """Return the mean over `texts` of what all parts of a model together compute for one."""
    hypotheses = [len(tokenizer.encode(DEFAULT_TEMPLATE.format(label)).ids) for label in make_labels(labels)]
    lengths = [len(tokenizer.encode(text).ids) for text in texts]
    return sum(flops_per_text(config, length, hypotheses) for config in configs for length in lengths) / len(lengths)
