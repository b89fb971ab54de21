"""Whether memory grows: of a server that loads and unloads, and of one that answers texts of all lengths."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import httpx
from rich.progress import track
from tokenizers import Tokenizer

from benchmarks.checkpoints import checkpoint_folder
from benchmarks.footprint import LABELS, TEXT
from benchmarks.machine import circumstances
from benchmarks.servers import Server, serving
from benchmarks.texts import make_labels, make_texts
from linnaeus.loading import load_model
from linnaeus.models.catalogue import model_folder
from linnaeus.models.one_pass import TOKENIZER_FILE

MODEL = "small"
#: Loaded in turns with the model, as there is room for one of the two.
CHECKPOINT = "MoritzLaurer/mDeBERTa-v3-base-xnli-multilingual-nli-2mil7"

SERVE = (sys.executable, "-m", "linnaeus", "serve", "--quiet", "--response", "object")
SECONDS = 300
CLIENTS = 8

#: Shortest and longest text in tokens, and list of labels; what is between is drawn evenly by its logarithm.
TOKENS = (4, 450)
LABELS_ASKED = (1, 10)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is asked; memory is read so many times on the way, at the first of them as the start."""

    loads: int = 200
    requests: int = 100_000
    readings: int = 20


QUICK = Plan(loads=8, requests=200, readings=4)


def measure_endurance(plan: Plan, *, tiny: bool) -> dict[str, Any]:
    """Return the memory of both servers on their way, in MB; with `tiny` the checkpoint is a tiny one."""
    return {
        **circumstances(),
        "loads": {"count": plan.loads, "megabytes": _loads(plan, checkpoint_folder(CHECKPOINT, tiny=tiny))},
        "requests": {"count": plan.requests, "megabytes": _requests(plan)},
    }


def _loads(plan: Plan, checkpoint: Path) -> list[int]:
    """Ask two models in turns, where there is memory for one; read it when the small one is loaded."""
    folders = (checkpoint, model_folder(MODEL))
    room = max(load_model(folder, device="cpu").engine.weight_bytes for folder in folders)
    options = [option for folder in folders for option in ("--model", str(folder))]
    rounds = plan.loads // len(folders)
    read = []
    with serving([*SERVE, *options, "--no-preload", "--memory", str(room)]) as server, _client(server) as client:
        for turn in track(range(1, rounds + 1), f"{plan.loads} loads"):
            for folder in folders:
                _ask(client, f"/models/{folder.name}", f"{TEXT} {turn}", LABELS)
            if turn % (rounds // plan.readings) == 0:
                read.append(server.resident_bytes)
    return [round(size / 1e6) for size in read]


def _requests(plan: Plan) -> list[int]:
    asked = _questions()
    read = []
    share = plan.requests // plan.readings
    with serving(SERVE) as server, _client(server) as client, ThreadPoolExecutor(CLIENTS) as pool:
        for _ in track(range(plan.readings), f"{plan.requests} requests"):
            questions = list(islice(asked, share))
            list(pool.map(lambda question: _ask(client, "/", *question), questions))
            read.append(server.resident_bytes)
    return [round(size / 1e6) for size in read]


def _client(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.address, timeout=SECONDS, headers={"x-wait-for-model": "true"})


def _ask(client: httpx.Client, path: str, text: str, labels: tuple[str, ...]) -> None:
    body = {"inputs": text, "parameters": {"candidate_labels": labels}}
    answer = client.post(path, json=body).raise_for_status().json()
    assert set(answer["labels"]) == set(labels)


def _questions() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield texts, all different, and lists of labels, of random lengths."""
    draw = random.Random(0)
    tokenizer = Tokenizer.from_file(str(model_folder(MODEL) / TOKENIZER_FILE))
    for number in count():
        tokens, labels = (round(math.exp(draw.uniform(*map(math.log, ends)))) for ends in (TOKENS, LABELS_ASKED))
        (text,) = make_texts(tokenizer, tokens, 1)
        yield f"{number} {text}", tuple(draw.sample(make_labels(200), labels))
