"""Several models within a memory budget, and models that are replaced while they are asked."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from linnaeus import Classifier
from linnaeus.engines.fake import FakeEngine
from linnaeus.errors import ModelError
from linnaeus.models.catalogue import model_folder
from linnaeus.models.mean import MeanConfig
from linnaeus.server import served
from linnaeus.server.memory import Files
from linnaeus.server.registry import Registry
from tests.conftest import make_fake_model
from tests.hub_server import hub_server
from tests.server.conftest import Serve

BODY: dict[str, Any] = {"inputs": "a text", "parameters": {"candidate_labels": ["x", "y"]}}
FRESH = {"x-use-cache": "false", "x-wait-for-model": "true"}


class HeldEngine(FakeEngine):
    """Computes when it is let: `asked` says that a batch has come, `answer` lets all be computed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self._answer = threading.Event()
        self.answer = self._answer.set

    def logits(self, readings: Any) -> list[NDArray[np.float32]]:  # noqa: ANN401
        self.asked.set()
        self._answer.wait()
        return super().logits(readings)


class Shelf:
    """Folders of models, and what is loaded from them: by name, the weight of each, its engine, or why it fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._puts = 0
        self.weights: dict[str, int] = {}
        self.engines: dict[str, FakeEngine] = {}
        self.failures: dict[str, str] = {}
        self.loaded: list[str] = []
        self.alive: weakref.WeakSet[Classifier] = weakref.WeakSet()

    def put(self, name: str, weight: int, *, stored: int | None = None, revision: str = "1") -> str:
        """Write a folder whose weights file has `stored` bytes, or as many as the model will take; return its path."""
        self.weights[name] = weight
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        (folder / "model.safetensors").write_bytes(b"0" * (weight if stored is None else stored))
        (folder / "config.json").write_text("{}")
        (folder / "revision").write_text(revision)
        # Two tests' steps may fall into one tick of the clock that files are dated by.
        self._puts += 1
        os.utime(folder / "revision", ns=(self._puts, self._puts))
        return str(folder)

    def load(self, source: str) -> Classifier:
        name = Path(source).name
        self.loaded.append(name)
        if name in self.failures:
            raise ModelError(self.failures[name])
        engine = self.engines.get(name, FakeEngine())
        engine.weight_bytes = self.weights[name]
        classifier = Classifier(
            replace(
                make_fake_model(),
                revision=(Path(source) / "revision").read_text(),
                engine=engine,
            )
        )
        self.alive.add(classifier)
        return classifier


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as threads:
        yield threads


def ask(client: TestClient, name: str) -> int:
    return client.post(f"/models/{name}", json=BODY, headers=FRESH).status_code


def states(client: TestClient) -> dict[str, str]:
    return {model["name"]: model["state"] for model in client.get("/info").json()["models"]}


def settle(client: TestClient, begin: Callable[[Registry], None] = lambda _: None) -> None:
    """Let the server begin something, and wait until no model is being loaded."""
    registry: Registry = client.app.state.service.registry  # type: ignore[attr-defined]

    async def settled() -> None:
        if registry._preloading is not None:
            await registry._preloading
        begin(registry)
        for model in registry.models:
            await model.settled()

    assert client.portal is not None
    client.portal.call(settled)


def refresh(client: TestClient) -> None:
    """Do what SIGHUP does."""
    settle(client, Registry.refresh)


def test_the_model_longest_unused_makes_room(serve: Serve, shelf: Shelf) -> None:
    models = [shelf.put(name, 400) for name in "abc"]
    client = serve(shelf.load, models=models, memory=1000, preload=False)
    assert [ask(client, name) for name in "abac"] == [200] * 4
    assert states(client) == {"a": "ready", "b": "idle", "c": "ready", "base": "idle", "large": "idle", "small": "idle"}
    assert client.get("/info").json()["memory"] == {"bytes": 800, "budget_bytes": 1000}
    assert len(shelf.alive) == 2
    lines = client.get("/metrics").text.splitlines()
    assert 'linnaeus_model_unloads_total{model="b"} 1.0' in lines
    assert 'linnaeus_model_weight_bytes{model="b"} 0.0' in lines
    assert client.get("/status/b").json()["state"] == "Loadable"
    assert ask(client, "b") == 200
    assert states(client)["a"] == "idle"
    assert shelf.loaded == ["a", "b", "c", "b"]


def test_of_an_unloaded_model_nothing_stays_while_nobody_asks_for_it(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put(name, 400) for name in "ab"], memory=500, preload=False)
    assert [ask(client, name) for name in "ab"] == [200] * 2
    assert len(shelf.alive) == 1


def test_as_many_are_unloaded_as_need_be(serve: Serve, shelf: Shelf) -> None:
    models = [*(shelf.put(name, 300) for name in "abc"), shelf.put("big", 700)]
    client = serve(shelf.load, models=models, memory=1000, preload=False)
    assert [ask(client, name) for name in ("a", "b", "c", "big")] == [200] * 4
    assert states(client) == {
        "a": "idle",
        "b": "idle",
        "c": "ready",
        "big": "ready",
        "base": "idle",
        "large": "idle",
        "small": "idle",
    }


def test_what_takes_more_memory_than_its_files_makes_room_once_that_is_known(serve: Serve, shelf: Shelf) -> None:
    models = [shelf.put("a", 400), shelf.put("b", 800, stored=400)]
    client = serve(shelf.load, models=models, memory=1000, preload=False)
    assert [ask(client, name) for name in "ab"] == [200, 200]
    assert client.get("/info").json()["memory"]["bytes"] == 800


def test_a_model_stays_until_it_has_answered(serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor) -> None:
    held = shelf.engines["a"] = HeldEngine()
    client = serve(shelf.load, models=[shelf.put(name, 400) for name in "ab"], memory=500, preload=False)
    first = pool.submit(ask, client, "a")
    held.asked.wait()
    other = pool.submit(ask, client, "b")
    while states(client)["a"] == "ready":
        pass
    # It takes no more requests, but is there until the one that it has is answered.
    again = pool.submit(ask, client, "a")
    while states(client)["a"] != "loading":
        pass
    assert shelf.loaded == ["a"]
    assert client.get("/info").json()["memory"]["bytes"] == 400
    held.answer()
    assert [future.result() for future in (first, other, again)] == [200] * 3
    assert shelf.loaded == ["a", "b", "a"]


def test_idle_models_make_room_before_a_busy_one(serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor) -> None:
    held = shelf.engines["a"] = HeldEngine()
    client = serve(shelf.load, models=[shelf.put(name, 400) for name in "abc"], memory=1000, preload=False)
    first = pool.submit(ask, client, "a")
    held.asked.wait()
    assert [ask(client, name) for name in "bc"] == [200, 200]
    assert states(client) == {"a": "ready", "b": "idle", "c": "ready", "base": "idle", "large": "idle", "small": "idle"}
    held.answer()
    assert first.result() == 200


def test_many_ask_for_more_models_than_there_is_room_for(serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor) -> None:
    client = serve(shelf.load, models=[shelf.put(name, 400) for name in "abc"], memory=900)
    asked = [pool.submit(ask, client, "abc"[number % 3]) for number in range(120)]
    assert {future.result() for future in asked} == {200}
    assert client.get("/info").json()["memory"]["bytes"] <= 900
    assert len(shelf.alive) <= 2


def test_a_model_larger_than_the_budget_is_refused(serve: Serve, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "RETRY_SECONDS", -1)
    models = [shelf.put("a", 90), shelf.put("big", 200), shelf.put("huge", 500)]
    client = serve(shelf.load, models=models, memory=100, preload=False)
    for _ in range(2):
        response = client.post("/models/big", json=BODY)
        assert response.status_code == 500
        assert response.json()["error"] == (
            "Model big could not be loaded: it needs at least 200B, and --memory allows 100B: "
            "allow more or serve a smaller one."
        )
    assert client.get("/status/big").json()["state"] == "TooBig"
    # Once its weight is known, or if no precision could make it fit, it is not even tried.
    assert client.post("/models/huge", json=BODY).status_code == 500
    assert shelf.loaded == ["big"]
    assert ask(client, "a") == 200
    assert len(shelf.alive) == 1


def test_preloading_fills_the_memory_and_unloads_nothing(serve: Serve, shelf: Shelf) -> None:
    models = [shelf.put("a", 400), shelf.put("b", 400), shelf.put("c", 100)]
    client = serve(shelf.load, models=models, memory=500)
    settle(client)
    assert states(client) == {"a": "ready", "b": "idle", "c": "ready", "base": "idle", "large": "idle", "small": "idle"}
    assert ask(client, "b") == 200
    assert states(client)["a"] == "idle"


def test_preloading_begins_with_the_next_model_when_the_first_is_there(serve: Serve, shelf: Shelf) -> None:
    begun, gate = threading.Event(), threading.Event()

    def load(source: str) -> Classifier:
        begun.set()
        gate.wait()
        return shelf.load(source)

    client = serve(load, models=[shelf.put(name, 400) for name in "ab"])
    begun.wait()
    seen = states(client)
    gate.set()
    assert (seen["a"], seen["b"]) == ("loading", "idle")
    settle(client)
    assert shelf.loaded == ["a", "b"]


def test_loads_come_one_after_another_and_block_nobody(serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor) -> None:
    gates = {name: threading.Event() for name in "bc"}
    loading: list[str] = []

    def load(source: str) -> Classifier:
        if gate := gates.get(Path(source).name):
            loading.append(Path(source).name)
            gate.wait()
        return shelf.load(source)

    client = serve(load, models=[shelf.put(name, 400) for name in "abc"], preload=False, threads=1)
    assert ask(client, "a") == 200
    waiting = [pool.submit(ask, client, name) for name in "bc"]
    while (
        states(client)
        != {"a": "ready", "b": "loading", "c": "loading", "base": "idle", "large": "idle", "small": "idle"}
        or not loading
    ):
        assert ask(client, "a") == 200
    first, second = loading[0], "cb"["bc".index(loading[0])]
    gates[second].set()
    assert ask(client, "a") == 200
    assert loading == [first]
    gates[first].set()
    assert [future.result() for future in waiting] == [200, 200]


def test_a_changed_model_is_replaced_without_a_dropped_request(
    serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor
) -> None:
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    settle(client)
    over = threading.Event()

    def keep_asking(_: int) -> set[tuple[int, str]]:
        answers = set()
        while not over.is_set():
            response = client.post("/", json=BODY, headers={"x-use-cache": "false"})
            answers.add((response.status_code, response.headers["x-sha"]))
        return answers

    asking = [pool.submit(keep_asking, number) for number in range(4)]
    try:
        for revision in "23456":
            shelf.put("a", 400, revision=revision)
            refresh(client)
            assert client.post("/", json=BODY).headers["x-sha"] == revision
    finally:
        over.set()
    assert set().union(*(future.result() for future in asking)) <= {(200, revision) for revision in "123456"}
    assert shelf.loaded == ["a"] * 6
    assert len(shelf.alive) == 1


def test_what_was_asked_before_is_answered_by_the_old_model(
    serve: Serve, shelf: Shelf, pool: ThreadPoolExecutor
) -> None:
    held = shelf.engines["a"] = HeldEngine()
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    before = pool.submit(client.post, "/", json=BODY)
    held.asked.wait()
    shelf.engines["a"] = FakeEngine()
    shelf.put("a", 400, revision="2")
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == "2"
    assert len(shelf.alive) == 2
    held.answer()
    response = before.result()
    del before
    assert (response.status_code, response.headers["x-sha"]) == (200, "1")
    assert len(shelf.alive) == 1
    # Neither is an answer of the old one given for the new.
    assert client.post("/", json={**BODY, "inputs": "another"}).headers["x-compute-type"] == "cpu"


def test_an_answer_of_the_old_model_is_not_given_for_the_new(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    types = []
    for revision in "1223":
        shelf.put("a", 400, revision=revision)
        refresh(client)
        types.append(client.post("/", json=BODY).headers["x-compute-type"])
    assert types == ["cpu", "cpu", "cpu", "cpu"]


def test_what_has_not_changed_is_not_loaded_again(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put(name, 400) for name in "ab"], preload=False)
    assert ask(client, "a") == 200
    refresh(client)
    assert shelf.loaded == ["a"]


def test_what_makes_room_before_it_is_looked_at_stays_unloaded(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    settle(client)

    def begin(registry: Registry) -> None:
        registry.refresh()
        resident = registry.find("a").resident
        assert resident is not None
        registry.memory.retire(resident)

    settle(client, begin)
    assert states(client)["a"] == "idle"
    assert shelf.loaded == ["a"]


def test_a_revision_that_cannot_be_loaded_leaves_the_old_one_in_place(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    assert ask(client, "a") == 200
    shelf.failures["a"] = "config.json cannot be read: it is empty."
    shelf.put("a", 400, revision="2")
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == "1"
    assert client.get("/models/a/info").json()["failure"] == "config.json cannot be read: it is empty."
    shelf.failures.clear()
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == "2"
    assert "failure" not in client.get("/models/a/info").json()


def test_old_and_new_need_room_beside_each_other(serve: Serve, shelf: Shelf) -> None:
    client = serve(shelf.load, models=[shelf.put("a", 400), shelf.put("b", 100)], memory=700)
    settle(client)
    shelf.put("a", 400, revision="2")
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == "1"
    assert client.get("/models/a/info").json()["failure"] == (
        "it and the one that it replaces need at least 800B, and --memory allows 700B: "
        "allow more or serve a smaller one."
    )
    shelf.put("a", 300, revision="3")
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == "3"
    assert states(client)["b"] == "idle"


def test_a_failed_model_is_tried_again_at_once_when_the_operator_asks(serve: Serve, shelf: Shelf) -> None:
    shelf.failures["a"] = "model.safetensors cannot be read: it is cut short."
    client = serve(shelf.load, models=[shelf.put("a", 400)])
    assert [ask(client, "a") for _ in range(3)] == [500] * 3
    assert shelf.loaded == ["a"]
    assert 'linnaeus_model_load_failures_total{model="a"} 1.0' in client.get("/metrics").text.splitlines()
    shelf.failures.clear()
    refresh(client)
    assert ask(client, "a") == 200


def test_the_newest_commit_of_a_hub_id_answers(serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def load(source: str) -> Classifier:
        return Classifier(replace(make_fake_model(), revision=model_folder(source).name))

    with hub_server() as hub:
        hub.redirect(monkeypatch, tmp_path)
        first = hub.push("acme/mail", {"config.json": b"{}", "model.safetensors": b"first"})
        client = serve(load, models=["acme/mail"])
        assert client.post("/", json=BODY).headers["x-sha"] == first
        second = hub.push("acme/mail", {"config.json": b"{}", "model.safetensors": b"second"})
        refresh(client)
        assert client.post("/", json=BODY).headers["x-sha"] == second
    # The Hub is gone, and what was fetched stays.
    refresh(client)
    assert client.post("/", json=BODY).headers["x-sha"] == second


def test_files_are_told_apart_by_all_that_they_are(shelf: Shelf, tmp_path: Path) -> None:
    source = shelf.put("a", 400)
    digests = {Files.of(source).digest}
    (tmp_path / "a" / "tokenizer.json").write_text("{}")
    digests.add(Files.of(source).digest)
    shelf.put("a", 400, revision="1.1")
    digests.add(Files.of(source).digest)
    assert len(digests) == 3
    (tmp_path / "a" / "pytorch_model.bin").write_bytes(b"0" * 1000)
    assert Files.of(source).weight_bytes == 400


def test_the_files_of_a_mean_are_those_of_its_parts(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("a", 400)
    shelf.put("b", 300)
    (tmp_path / "mean").mkdir()
    MeanConfig(("a", "b")).write(tmp_path / "mean")
    before = Files.of(str(tmp_path / "mean"))
    assert before.weight_bytes == 700
    shelf.put("b", 300, revision="2")
    assert Files.of(str(tmp_path / "mean")).digest != before.digest
