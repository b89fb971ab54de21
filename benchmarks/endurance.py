"""Whether memory grows: of a server that loads and unloads, and of one that answers texts of all lengths."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
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
#: Answers that are kept fill what memory they may have; what grows beside them is asked for here.
SERVE_WITHOUT_CACHE = ("env", "LINNAEUS_CACHE_BYTES=0", *SERVE)
SECONDS = 300
CLIENTS = 8

#: Shortest and longest text in tokens, and list of labels; what is between is drawn evenly by its logarithm.
TOKENS = (4, 256)
LABELS_ASKED = (1, 10)


#: How often memory is read on the way, the first time as the start.
READINGS = 20


def measure_loads(count: int, *, tiny: bool) -> dict[str, Any]:
    """Ask two models in turns, where there is memory for one, and read it when the small one is loaded.

    Args:
        count: loads of both together.
        tiny: whether the checkpoint is a tiny one.
    """
    folders = (checkpoint_folder(CHECKPOINT, tiny=tiny), model_folder(MODEL))
    room = max(load_model(folder, device="cpu").engine.weight_bytes for folder in folders)
    options = [option for folder in folders for option in ("--model", str(folder))]
    rounds = count // len(folders)
    read = []
    with serving([*SERVE, *options, "--no-preload", "--memory", str(room)]) as server, _client(server) as client:
        for turn in track(range(1, rounds + 1), f"{count} loads"):
            for folder in folders:
                _ask(client, f"/models/{folder.name}", f"{TEXT} {turn}", LABELS)
            if turn % max(1, rounds // READINGS) == 0:
                read.append(server.resident_bytes)
    return _result(count, read)


def measure_requests(count: int) -> dict[str, Any]:
    """Ask the small model texts and lists of labels of random lengths, and read memory on the way."""
    asked = _questions()
    read = []
    with (
        serving([*SERVE_WITHOUT_CACHE, "--model", MODEL]) as server,
        _client(server) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        for _ in track(range(READINGS), f"{count} requests"):
            questions = list(islice(asked, count // READINGS))
            list(pool.map(lambda question: _ask(client, "/", *question), questions))
            read.append(server.resident_bytes)
    return _result(count, read)


def _result(count: int, read: Sequence[int]) -> dict[str, Any]:
    return {**circumstances(), "count": count, "megabytes": [round(size / 1e6) for size in read]}


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
